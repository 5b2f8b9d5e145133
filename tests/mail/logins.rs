//! Logins: inside TLS, where the relay wants one, and nowhere else.

use recert::deliver::{FailureKind, Relay as Client, Stage, probe};

use crate::relay::{Options, Relay, Tls};
use crate::{LOGIN, PASSWORD, attempt, client_of, login, with_login};

const MAIL: &[u8] = b"Subject: review\r\n\r\ntext\r\n";

#[tokio::test]
async fn plain_and_login_work_inside_tls() {
    for tls in [Tls::Implicit, Tls::StartTls] {
        for mechanisms in ["PLAIN", "LOGIN", "LOGIN PLAIN", "CRAM-MD5 PLAIN"] {
            let relay =
                Relay::with(Options { tls, login: Some(login()), mechanisms, ..Options::default() }).await;
            let client = with_login(client_of(&relay, tls));
            attempt(&client, MAIL).await.unwrap();
            probe(&client).await.unwrap();
            relay.idle().await;
            let messages = relay.messages();
            assert_eq!(messages.len(), 1, "{mechanisms}");
            assert_eq!((messages[0].login.as_deref(), messages[0].tls), (Some(LOGIN), true));
            assert!(
                relay.attempts().iter().all(|attempt| attempt.said("AUTH") && !attempt.said_in_clear("AUTH"))
            );
            assert!(!relay.attempts()[1].said("MAIL"), "a probe sends nothing");
            assert_eq!(relay.violations(), [""; 0]);
        }
    }
}

#[tokio::test]
async fn a_wrong_password_is_told_without_it() {
    for mechanisms in ["PLAIN", "LOGIN"] {
        let login = Some((LOGIN.to_owned(), "another".to_owned()));
        let relay =
            Relay::with(Options { tls: Tls::Implicit, login, mechanisms, ..Options::default() }).await;
        let failure = attempt(&with_login(client_of(&relay, Tls::Implicit)), MAIL).await.unwrap_err();
        assert_eq!((failure.stage, failure.kind), (Stage::Connecting, FailureKind::Configuration));
        assert!(!failure.text.contains(PASSWORD) && failure.text.contains("5.7.8"), "{failure:?}");
        relay.idle().await;
        assert!(!relay.attempts()[0].said("MAIL"));
    }
}

#[tokio::test]
async fn a_relay_that_wants_none_or_speaks_another_is_not_told_the_password() {
    for (login, mechanisms) in [(None, ""), (Some(login()), "CRAM-MD5 XOAUTH2")] {
        for tls in [Tls::Implicit, Tls::StartTls] {
            let relay =
                Relay::with(Options { tls, login: login.clone(), mechanisms, ..Options::default() }).await;
            let client = with_login(client_of(&relay, tls));
            for failure in [attempt(&client, MAIL).await.unwrap_err(), probe(&client).await.unwrap_err()] {
                assert_eq!((failure.stage, failure.kind), (Stage::Connecting, FailureKind::Configuration));
            }
            relay.idle().await;
            assert!(relay.attempts().iter().all(|attempt| !attempt.said("AUTH") && !attempt.said("MAIL")));
        }
    }
}

#[tokio::test]
async fn in_the_clear_no_login_is_told_even_to_this_host() {
    let relay = Relay::with(Options { login: Some(login()), ..Options::default() }).await;
    let failure = attempt(&with_login(client_of(&relay, Tls::None)), MAIL).await.unwrap_err();
    relay.idle().await;
    assert_eq!(failure.kind, FailureKind::Configuration, "{failure:?}");
    assert!(relay.attempts().iter().all(|attempt| !attempt.said("AUTH")));
}

/// 0.0.0.0 is no loopback address, yet reaches this relay: a connection would be seen.
#[tokio::test]
async fn in_the_clear_no_other_host_is_even_called() {
    let relay = Relay::start().await;
    for host in ["0.0.0.0", "192.0.2.1", "2001:db8::1"] {
        let client = Client { host: host.to_owned(), ..client_of(&relay, Tls::None) };
        for failure in [attempt(&client, MAIL).await.unwrap_err(), probe(&client).await.unwrap_err()] {
            assert_eq!(
                (failure.stage, failure.kind),
                (Stage::Connecting, FailureKind::Configuration),
                "{failure:?}"
            );
        }
    }
    // Connections are accepted in order: this one would not be the first.
    attempt(&client_of(&relay, Tls::None), MAIL).await.unwrap();
    assert_eq!(relay.attempts().len(), 1);
}
