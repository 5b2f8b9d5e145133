//! Answers that are not what the step wants: only the right one counts.

use std::time::Duration;

use futures_util::future::join_all;
use recert::deliver::{FailureKind, Relay as Client, Stage, Steps};

use crate::relay::{How, Mishap, Options, Relay, Step, Tls};
use crate::{TO, attempt, client_of};

const MAIL: &[u8] = b"Subject: review\r\n\r\ntext\r\n";

#[tokio::test]
async fn only_a_whole_2xx_behind_the_dot_is_an_acceptance() {
    let odd = [
        "354 go on\r\n",
        "334 bG9naW4=\r\n",
        "250\u{1}ok\r\n",
        "2500 ok\r\n",
        "999 ok\r\n",
        "050 ok\r\n",
        "250-and\r\n354 more\r\n",
    ];
    for answer in odd {
        let relay = Relay::start().await;
        relay.script([Mishap { keeps: true, ..Mishap::new(Step::Dot, How::Says(answer)) }]);
        let ended = attempt(&client_of(&relay, Tls::None), MAIL).await;
        let kind = ended.as_ref().map_err(|failure| failure.kind);
        assert_eq!(kind, Err(FailureKind::Ambiguous), "{answer:?}: {ended:?}");
    }
}

#[tokio::test]
async fn half_an_answer_behind_the_dot_is_none() {
    let halves = ["250 2.0.0 que", "250", "250-2.0.0 queued\r\n", "2", "\r"];
    join_all(halves.map(|answer| async move {
        let relay = Relay::start().await;
        relay.script([Mishap { keeps: true, ..Mishap::new(Step::Dot, How::Says(answer)) }]);
        let client = client_of(&relay, Tls::None);
        let client = Client { steps: Steps::capped(Duration::from_millis(500)), ..client };
        let failure = attempt(&client, MAIL).await.unwrap_err();
        assert_eq!((failure.stage, failure.kind), (Stage::DotSent, FailureKind::Ambiguous), "{answer:?}");
    }))
    .await;
}

#[tokio::test]
async fn without_354_no_body_is_sent() {
    for answer in ["250 ok\r\n", "220 ok\r\n"] {
        let relay = Relay::start().await;
        relay.script([Mishap::new(Step::Data, How::Says(answer))]);
        let failure = attempt(&client_of(&relay, Tls::None), MAIL).await.unwrap_err();
        assert_eq!(
            (failure.stage, failure.kind),
            (Stage::Data, FailureKind::Temporary),
            "{answer:?}: {failure:?}"
        );
        relay.idle().await;
        assert!(!relay.attempts()[0].said_in_clear("SUBJECT"), "{answer:?}");
    }
}

/// One answer too many shifts all that follow: the answer to DATA would be taken for that to the dot.
#[tokio::test]
async fn an_answer_out_of_turn_does_not_make_a_refused_mail_delivered() {
    for at in [Step::Banner, Step::Ehlo, Step::Mail, Step::Rcpt] {
        let relay = Relay::with(Options { size: Some(5), ..Options::default() }).await;
        let twice = match at {
            Step::Banner => "220 ready\r\n250 relay.test\r\n",
            _ => "250 ok\r\n250 ok\r\n",
        };
        relay.script([Mishap::new(at, How::Says(twice))]);
        let ended = attempt(&client_of(&relay, Tls::None), MAIL).await;
        relay.idle().await;
        assert!(relay.messages().is_empty());
        assert!(ended.is_err(), "{at:?}: {ended:?}, and the relay has nothing");
    }
}

#[tokio::test]
async fn a_refused_recipient_is_refused_with_the_relay_s_words() {
    for (answer, kind) in [
        ("550 5.1.1 no such user", FailureKind::Permanent),
        ("450 4.2.1 mailbox busy", FailureKind::Temporary),
        ("421 4.3.2 closing", FailureKind::Temporary),
    ] {
        let refuse = vec![(TO.to_owned(), answer.to_owned())];
        let relay = Relay::with(Options { refuse, ..Options::default() }).await;
        let failure = attempt(&client_of(&relay, Tls::None), MAIL).await.unwrap_err();
        assert_eq!((failure.stage, failure.kind), (Stage::Envelope, kind));
        assert!(failure.text.contains(&answer[4..]), "{failure:?}");
        assert_eq!(relay.messages(), []);
    }
}

#[tokio::test]
async fn an_answer_cannot_bring_control_characters_or_megabytes_into_a_record() {
    let long: &'static str =
        Box::leak(format!("554 {}\r\n", "\u{1b}[31m\u{202e}x".repeat(5_000)).into_boxed_str());
    for answer in [long, "554 \u{1b}[2J\u{202e}gone\r\n"] {
        let relay = Relay::start().await;
        relay.script([Mishap::new(Step::Rcpt, How::Says(answer))]);
        let failure = attempt(&client_of(&relay, Tls::None), MAIL).await.unwrap_err();
        assert!(failure.text.chars().count() < 1_500, "{} characters", failure.text.chars().count());
        assert!(!failure.text.contains(['\u{1b}', '\u{202e}', '\n', '\r']), "{failure:?}");
    }
}

#[tokio::test]
async fn a_mail_larger_than_the_relay_takes_is_refused_before_it_is_named() {
    let size = MAIL.len() as u64;
    for (limit, fits) in [(size - 1, false), (size, true), (0, true)] {
        let relay = Relay::with(Options { size: Some(limit), ..Options::default() }).await;
        let ended = attempt(&client_of(&relay, Tls::None), MAIL).await;
        relay.idle().await;
        if fits {
            assert!(ended.is_ok(), "{limit}: {ended:?}");
        } else {
            assert_eq!(ended.unwrap_err().kind, FailureKind::Permanent);
            assert!(!relay.attempts()[0].said("MAIL"));
        }
        assert_eq!(relay.messages().len(), usize::from(fits));
        assert_eq!(relay.violations(), [""; 0]);
    }
}
