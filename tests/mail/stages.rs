//! Each stage is told, and its record awaited, before the relay learns of it.

use std::cell::RefCell;

use recert::deliver::{Relay as Client, Stage, send};

use crate::relay::{Options, Relay, Step, Tls};
use crate::{FROM, TO, attempt, client_of};

const MAIL: &[u8] = b"Subject: review\r\n\r\ntext\r\n";
const STAGES: [Stage; 4] = [Stage::Connecting, Stage::Envelope, Stage::Data, Stage::DotSent];

async fn relay(tls: Tls) -> (Relay, Client) {
    let relay = Relay::with(Options { tls, ..Options::default() }).await;
    let client = client_of(&relay, tls);
    (relay, client)
}

/// Lets the relay do all that it can: everything here runs on one thread.
async fn settle() {
    for _ in 0..200 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn each_is_told_in_order_and_awaited() {
    for tls in Tls::ALL {
        let (relay, client) = relay(tls).await;
        let told = RefCell::new(Vec::new());
        let reached = |stage| {
            let (relay, told) = (&relay, &told);
            async move {
                settle().await;
                let attempt = relay.attempts().pop().unwrap_or_default();
                let seen = (attempt.said("MAIL"), attempt.said("DATA"), attempt.reached >= Some(Step::Body));
                told.borrow_mut().push((stage, seen, relay.messages().len()));
                Ok::<(), ()>(())
            }
        };
        let sent = send(&client, FROM, TO, MAIL, reached).await.unwrap().unwrap();
        assert_eq!(relay.messages().len(), 1);
        assert!(!relay.attempts()[0].said("QUIT"), "the caller says when");
        sent.quit().await;
        relay.idle().await;
        assert_eq!(relay.attempts()[0].reached, Some(Step::Quit));
        let (mail, data) = ((true, false, false), (true, true, false));
        let told = told.into_inner();
        assert_eq!(told.iter().map(|(stage, ..)| *stage).collect::<Vec<_>>(), STAGES, "{tls:?}");
        // What the relay had heard when each stage was told.
        assert_eq!(told[0].1, (false, false, false), "{tls:?}");
        assert_eq!(told[1].1, (false, false, false), "{tls:?}");
        assert_eq!(told[2].1, mail, "{tls:?}");
        assert!(told[3].1.0 && told[3].1.1 || told[3].1 == data, "{tls:?}");
        assert!(told.iter().all(|(_, _, messages)| *messages == 0), "{tls:?}");
    }
}

#[tokio::test]
async fn what_cannot_be_recorded_is_not_done() {
    for tls in Tls::ALL {
        for stop in STAGES {
            let (relay, client) = relay(tls).await;
            let reached = |stage| async move { if stage == stop { Err(stop) } else { Ok(()) } };
            let ended = send(&client, FROM, TO, MAIL, reached).await;
            assert_eq!(ended.err(), Some(stop), "{tls:?}");
            // Connections are accepted in order: this one is the first, if the other was never made.
            attempt(&client, MAIL).await.unwrap();
            relay.idle().await;
            let attempts = relay.attempts();
            if stop == Stage::Connecting {
                assert_eq!(attempts.len(), 1, "{tls:?}");
            } else {
                assert_eq!(attempts.len(), 2);
                assert_eq!(attempts[0].said("MAIL"), stop != Stage::Envelope, "{tls:?} {stop:?}");
                assert_eq!(attempts[0].said("DATA"), stop == Stage::DotSent, "{tls:?} {stop:?}");
                assert!(attempts[0].reached < Some(Step::Dot), "{tls:?} {stop:?}");
            }
            assert_eq!(relay.messages().len(), 1, "{tls:?} {stop:?}");
        }
    }
}

#[tokio::test]
async fn an_address_that_is_none_reaches_nobody() {
    let (relay, client) = relay(Tls::None).await;
    let bad = ["", "owner", "a@b\r\nRCPT TO:<evil@example.org>", "a@b> SIZE=1", "<a@b>", "a@b\0c", "a b@c d"];
    for address in bad {
        for (from, to) in [(FROM, address), (address, TO)] {
            let ended = send(&client, from, to, MAIL, |_| async { Ok::<(), ()>(()) }).await.unwrap();
            assert!(ended.is_err(), "{address:?}");
        }
    }
    attempt(&client, MAIL).await.unwrap();
    relay.idle().await;
    assert_eq!(relay.attempts().len(), 1);
}

#[tokio::test]
async fn an_address_beyond_ascii_needs_a_relay_that_knows_it() {
    for utf8 in [false, true] {
        let relay = Relay::with(Options { utf8, ..Options::default() }).await;
        let client = client_of(&relay, Tls::None);
        let to = "prüfer@corp.example";
        let ended = send(&client, FROM, to, MAIL, |_| async { Ok::<(), ()>(()) }).await.unwrap();
        assert_eq!(ended.is_ok(), utf8, "{ended:?}");
        drop(ended);
        relay.idle().await;
        assert_eq!(relay.attempts()[0].said("MAIL"), utf8);
        assert_eq!(
            relay.messages().iter().map(|mail| mail.to[0].clone()).collect::<Vec<_>>(),
            if utf8 { vec![to.to_owned()] } else { vec![] }
        );
        assert_eq!(relay.violations(), [""; 0]);
    }
}
