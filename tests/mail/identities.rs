//! Which relays are believed, proved at the relay: not one byte of a login or a mail reaches one that is not.

use rcgen::date_time_ymd;
use recert::deliver::{FailureKind, Relay as Client, Stage, probe};
use recert::trust::Trust;
use rustls::version::{TLS12, TLS13};

use crate::relay::{How, Identity, Mishap, Options, Relay, Step, Tls};
use crate::{attempt, client_of, login, with_login};

const MAIL: &[u8] = b"Subject: review\r\n\r\ntext\r\n";
const HERE: [&str; 2] = ["localhost", "127.0.0.1"];

async fn relay_of(tls: Tls, identity: &Identity) -> Relay {
    Relay::with(Options { tls, login: Some(login()), identity: Some(identity.clone()), ..Options::default() })
        .await
}

/// The relay is refused for good, and was told nothing but what comes before TLS.
async fn is_refused(case: &str, relay: &Relay, client: Client) {
    let client = with_login(client);
    let failures = [attempt(&client, MAIL).await.unwrap_err(), probe(&client).await.unwrap_err()];
    relay.idle().await;
    for failure in failures {
        assert_eq!(
            (failure.stage, failure.kind),
            (Stage::Connecting, FailureKind::Configuration),
            "{case}: {failure:?}"
        );
    }
    let attempts = relay.attempts();
    assert_eq!(attempts.len(), 2, "{case}: it was tried again");
    for attempt in attempts {
        assert_eq!(attempt.inside, b"", "{case}");
        let lines = attempt.clear.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        for line in lines {
            assert!(line.starts_with(b"EHLO ") || line == b"STARTTLS\r", "{case}: {}", line.escape_ascii());
        }
    }
    assert_eq!(relay.messages(), []);
    assert_eq!(relay.violations(), [""; 0]);
}

#[tokio::test]
async fn who_is_not_believed_is_told_nothing() {
    let good = Identity::of(&HERE);
    let expired = Identity::with(&HERE, |params| params.not_after = date_time_ymd(2011, 1, 1));
    let other = Identity::of(&["relay.elsewhere.example"]);
    for tls in [Tls::Implicit, Tls::StartTls] {
        for bit in [0, 255] {
            let relay = relay_of(tls, &good).await;
            let mut pin = relay.sha256();
            pin[bit / 8] ^= 1 << (bit % 8);
            let client = Client { trust: Trust::Pins(vec![pin]), ..client_of(&relay, tls) };
            is_refused("a pin that is one bit off", &relay, client).await;
        }
        for (case, identity) in [("expired", &expired), ("another host's name", &other)] {
            let relay = relay_of(tls, identity).await;
            is_refused(case, &relay, client_of(&relay, tls)).await;
        }
        let (relay, stranger) = (relay_of(tls, &good).await, Relay::start().await);
        let client = Client { trust: Trust::CaFile(stranger.ca_file().to_owned()), ..client_of(&relay, tls) };
        is_refused("an unknown authority", &relay, client).await;
        for version in [&TLS12, &TLS13] {
            let relay = relay_of(tls, &good.stolen().speaking(version)).await;
            let pins = Trust::Pins(vec![good.sha256()]);
            is_refused("a stolen certificate", &relay, client_of(&relay, tls)).await;
            let relay = relay_of(tls, &good.stolen().speaking(version)).await;
            let client = Client { trust: pins, ..client_of(&relay, tls) };
            is_refused("a stolen certificate, pinned", &relay, client).await;
        }
    }
}

#[tokio::test]
async fn a_pin_stands_for_date_and_name() {
    let expired =
        Identity::with(&["relay.elsewhere.example"], |params| params.not_after = date_time_ymd(2011, 1, 1));
    for tls in [Tls::Implicit, Tls::StartTls] {
        let relay = relay_of(tls, &expired).await;
        let client = Client { trust: Trust::Pins(vec![[0; 32], relay.sha256()]), ..client_of(&relay, tls) };
        attempt(&with_login(client), MAIL).await.unwrap();
        assert_eq!(relay.messages().len(), 1);
    }
}

#[tokio::test]
async fn a_refusal_names_the_print_to_compare() {
    let relay = relay_of(Tls::Implicit, &Identity::of(&HERE)).await;
    let client = Client { trust: Trust::Pins(vec![[0; 32]]), ..client_of(&relay, Tls::Implicit) };
    let failure = probe(&client).await.unwrap_err();
    assert!(failure.text.contains(&hex::encode(relay.sha256())), "{failure:?}");
}

#[tokio::test]
async fn what_is_said_in_the_clear_behind_the_answer_to_starttls_is_an_attack() {
    let replies: [&[u8]; 4] = [
        b"250-relay.test\r\n250 AUTH PLAIN\r\n235 2.7.0 welcome\r\n250 ok\r\n250 ok\r\n354 go\r\n250 queued\r\n",
        b"250 relay.test\r\n",
        b"2",
        b"\r\n",
    ];
    for inject in replies {
        let relay = Relay::with(Options {
            tls: Tls::StartTls,
            login: Some(login()),
            inject: inject.to_vec(),
            ..Options::default()
        })
        .await;
        is_refused("injected replies", &relay, client_of(&relay, Tls::StartTls)).await;
        assert!(relay.attempts().iter().all(|attempt| attempt.reached == Some(Step::StartTls)));
    }
}

#[tokio::test]
async fn without_starttls_nothing_is_sent_in_the_clear() {
    let relay = Relay::with(Options {
        tls: Tls::StartTls,
        no_starttls: true,
        login: Some(login()),
        ..Options::default()
    })
    .await;
    is_refused("no STARTTLS", &relay, client_of(&relay, Tls::StartTls)).await;

    // Whoever sits between can take the offer away, and say anything else.
    for answer in ["250-relay.test\r\n250 AUTH PLAIN LOGIN\r\n", "250-XSTARTTLS\r\n250 NOSTARTTLS\r\n"] {
        let relay = relay_of(Tls::StartTls, &Identity::of(&HERE)).await;
        relay.script([Mishap::new(Step::Ehlo, How::Says(answer)); 2]);
        is_refused("STARTTLS taken out", &relay, client_of(&relay, Tls::StartTls)).await;
    }
}

#[tokio::test]
async fn what_was_offered_in_the_clear_counts_for_nothing_inside() {
    let relay = Relay::with(Options { tls: Tls::StartTls, ..Options::default() }).await;
    let offer = "250-relay.test\r\n250-AUTH PLAIN\r\n250-SIZE 1\r\n250 STARTTLS\r\n";
    relay.script([Mishap::new(Step::Ehlo, How::Says(offer)); 2]);
    let client = client_of(&relay, Tls::StartTls);
    attempt(&client, MAIL).await.unwrap();
    let failure = attempt(&with_login(client), MAIL).await.unwrap_err();
    relay.idle().await;
    assert_eq!((failure.stage, failure.kind), (Stage::Connecting, FailureKind::Configuration));
    assert!(relay.attempts()[1].inside.starts_with(b"EHLO ") && !relay.attempts()[1].said("AUTH"));
}
