//! Every mishap at every step: nothing lost, nothing twice but where the answer to the final dot is lost, and then the
//! same bytes.

use std::time::Duration;

use futures_util::{StreamExt, stream};
use recert::deliver::{Failure, FailureKind, Relay as Client, Stage, Steps, probe};

use crate::relay::{How, Mishap, Options, Relay, Step, Tls};
use crate::{attempt, client_of, login, with_login};

/// How long a client waits in a case that hangs. Long enough that no healthy step before takes as long.
const HANGS: Duration = Duration::from_secs(1);
/// The same for a large body, which is given this time for each MiB.
const HANGS_IN_BODY: Duration = Duration::from_millis(600);
/// More than the sockets of both sides buffer, so that a relay which reads no further has not got it all.
const LARGE: usize = 5 << 20;
const AT_ONCE: usize = 24;

#[derive(Debug, Clone, Copy)]
struct Case {
    tls: Tls,
    mishap: Mishap,
}

fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for tls in Tls::ALL {
        for at in Step::ALL.into_iter().filter(|step| step.exists(tls, tls != Tls::None)) {
            for how in How::ALL {
                cases.push(Case { tls, mishap: Mishap::new(at, how) });
                if at == Step::Dot {
                    cases.push(Case { tls, mishap: Mishap::kept(how) });
                }
            }
        }
    }
    cases
}

/// How the attempt has to end; `None` is success.
fn promised(case: Case) -> Option<(Stage, FailureKind)> {
    use FailureKind::{Ambiguous, Configuration, Permanent, Temporary};
    let Mishap { at, how, .. } = case.mishap;
    let kind = match (at, how) {
        (Step::Quit, _) => return None,
        // After a refusal in the middle of a handshake or a body, the client still has no answer to what it did.
        (Step::Dot, How::Temporary) | (Step::Handshake | Step::Body, How::Permanent) => Temporary,
        (Step::Mail | Step::Rcpt | Step::Data | Step::Dot, How::Permanent) => Permanent,
        (Step::Dot, _) => Ambiguous,
        // In place of a handshake, a refusal is no different from any other bytes.
        (Step::Accept, How::Permanent) if case.tls == Tls::Implicit => Temporary,
        // Said before the mail, it is not about the mail.
        (_, How::Permanent) => Configuration,
        _ => Temporary,
    };
    let stage = match at {
        Step::Mail | Step::Rcpt => Stage::Envelope,
        Step::Data | Step::Body => Stage::Data,
        Step::Dot => Stage::DotSent,
        _ => Stage::Connecting,
    };
    Some((stage, kind))
}

/// What is sent: with dots where they hurt, and as large as the case needs.
fn mail(at: Step) -> Vec<u8> {
    let mut bytes =
        b"Subject: review\r\nMessage-ID: <one@corp.example>\r\n\r\n.\r\n..\r\n.hidden\r\n".to_vec();
    if at == Step::Body {
        let line = [&[b'x'; 996][..], b"\r\n"].concat();
        bytes.extend(line.repeat(LARGE / line.len()));
    }
    bytes.extend(b"end.\r\n");
    bytes
}

/// What is wrong with how the case went.
async fn problems(case: Case) -> Vec<String> {
    let Mishap { at, how, keeps } = case.mishap;
    let login = if case.tls == Tls::None { None } else { Some(login()) };
    let relay = Relay::with(Options { tls: case.tls, login, ..Options::default() }).await;
    relay.script([case.mishap]);
    let patient = client_of(&relay, case.tls);
    let patient = if case.tls == Tls::None { patient } else { with_login(patient) };
    let hasty = match (how, at) {
        (How::Hang, Step::Body) => Client { steps: Steps::capped(HANGS_IN_BODY), ..patient.clone() },
        (How::Hang, _) => Client { steps: Steps::capped(HANGS), ..patient.clone() },
        _ => patient.clone(),
    };
    let bytes = mail(at);
    let mut problems = Vec::new();

    let first = attempt(&hasty, &bytes).await;
    relay.idle().await;
    let ended = first.as_ref().err().map(|Failure { stage, kind, .. }| (*stage, *kind));
    if ended != promised(case) {
        problems.push(format!("ended with {first:?}, promised is {:?}", promised(case)));
    }
    let kept = usize::from(keeps || at == Step::Quit);
    if relay.messages().len() != kept {
        problems.push(format!("{} copies after the first attempt", relay.messages().len()));
    }
    // Whoever is still spoken to may be told goodbye.
    let reached = relay.attempts()[0].reached;
    if reached != Some(at) && reached != Some(Step::Quit) {
        problems.push(format!("the relay got to {reached:?}"));
    }

    if first.is_err() {
        if let Err(failure) = attempt(&patient, &bytes).await {
            problems.push(format!("the healed relay fails: {failure:?}"));
        }
        relay.idle().await;
    }
    let copies = relay.messages();
    let wanted = if keeps { 2 } else { 1 };
    if copies.len() != wanted {
        problems.push(format!("{} copies in the end", copies.len()));
    }
    if copies.iter().any(|copy| copy.body != bytes || copy.tls == (case.tls == Tls::None)) {
        problems.push("a copy is not what was sent".to_owned());
    }
    problems.extend(relay.violations());
    problems
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_ends_as_promised_and_no_copy_is_lost_or_made() {
    let cases = cases();
    assert_eq!(cases.len(), 9 * 6 + 11 * 6 + 13 * 6 + 3 * 6);
    let wrong: Vec<String> = stream::iter(cases)
        .map(|case| async move {
            let problems = problems(case).await;
            (!problems.is_empty()).then(|| format!("{case:?}: {}", problems.join("; ")))
        })
        .buffer_unordered(AT_ONCE)
        .filter_map(std::future::ready)
        .collect()
        .await;
    assert!(wrong.is_empty(), "{} cases:\n{}", wrong.len(), wrong.join("\n"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_probe_fails_as_a_mail_would_and_sends_none() {
    let before_the_mail = cases().into_iter().filter(|case| case.mishap.at <= Step::Auth);
    // That a hanging step ends is proved by the mails.
    for case in before_the_mail.filter(|case| case.mishap.how != How::Hang) {
        let login = if case.tls == Tls::None { None } else { Some(login()) };
        let relay = Relay::with(Options { tls: case.tls, login, ..Options::default() }).await;
        relay.script([case.mishap]);
        let client = client_of(&relay, case.tls);
        let client = if case.tls == Tls::None { client } else { with_login(client) };
        let failure = probe(&client).await.unwrap_err();
        assert_eq!(Some((failure.stage, failure.kind)), promised(case), "{case:?}: {failure:?}");
        probe(&client).await.unwrap();
        relay.idle().await;
        assert!(relay.attempts().iter().all(|attempt| !attempt.said("MAIL")), "{case:?}");
        assert_eq!(relay.violations(), [""; 0], "{case:?}");
    }
}

#[tokio::test]
async fn a_relay_that_is_not_there_is_tried_again_later() {
    let relay = Relay::start().await;
    let client = client_of(&relay, Tls::None);
    drop(relay);
    // The listener closes when the relay's task has ended.
    tokio::task::yield_now().await;
    let failure = attempt(&client, &mail(Step::Dot)).await.unwrap_err();
    assert_eq!((failure.stage, failure.kind), (Stage::Connecting, FailureKind::Temporary), "{failure:?}");
}
