//! Stops at inconvenient times, and panics: what was under way is finished by the next start, once.

use std::time::{Duration, Instant};

use futures_util::{StreamExt, stream};
use recert::simulator::{Faults, Options};
use recert::store::{Channel, Parcel, ParcelKind, ParcelState, RunState};

use crate::relay::{How, Mishap, Step};
use crate::reload::{pipe_in_place_of_the_configuration, settled};
use crate::service::{Machine, RECIPIENTS, Service};

/// How long a stop may take: the promise.
const STOP: Duration = Duration::from_secs(20);
/// How often a condition is looked at.
const LOOK: Duration = Duration::from_millis(25);

/// A console that takes its time, so that a run can be stopped in the middle.
fn slow() -> Options {
    Options { latency: Duration::from_millis(150), ..Options::default() }
}

/// Stops the daemon; the verdict is the promise, not the machine's speed.
async fn stops_in_time(service: &mut Service) {
    let asked = Instant::now();
    service.signal("TERM");
    let status = service.ended().await;
    assert_eq!(status.code(), Some(0), "{}", service.log());
    assert!(asked.elapsed() <= STOP, "{:?}:\n{}", asked.elapsed(), service.log());
}

/// The next start finishes what is there: one run, one attempt, each mail once.
async fn is_finished_by_the_next_start(machine: &Machine) -> Vec<Parcel> {
    let mut service = machine.start(&[]);
    service.ready().await;
    let (runs, parcels) = settled(machine, &mut service, 1).await;
    assert_eq!((runs[0].state, runs[0].attempts), (RunState::Done, 1), "{runs:?}\n{}", service.log());
    machine.check(&runs, &parcels).await;
    service.stop().await;
    parcels
}

/// Waits until the relay holds a conversation in which it said nothing more.
async fn a_mail_hangs_at(machine: &Machine, step: Step) {
    let hangs = || machine.relay.attempts().iter().any(|attempt| attempt.reached == Some(step));
    let until = Instant::now() + crate::service::LIMIT;
    while !hangs() {
        assert!(Instant::now() < until, "no mail came as far as {step:?}");
        tokio::time::sleep(LOOK).await;
    }
}

/// Waits until every parcel but the one that hangs has arrived.
async fn the_others_have_arrived(machine: &Machine) {
    let store = machine.store();
    let until = Instant::now() + crate::service::LIMIT;
    loop {
        let parcels = store.outbox(true).await.unwrap();
        let arrived = parcels.iter().filter(|parcel| parcel.state == ParcelState::Accepted).count();
        if arrived == RECIPIENTS.len() {
            return store.close().await;
        }
        assert!(Instant::now() < until, "{parcels:#?}");
        tokio::time::sleep(LOOK).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_is_stopped_goes_on_and_the_attempt_does_not_count() {
    let machine = Machine::with(slow()).await;
    machine.one_slot_due().await;
    let mut service = machine.start(&[]);
    let until = Instant::now() + crate::service::LIMIT;
    while machine.simulator.log().len() < 3 {
        assert!(Instant::now() < until, "{}", service.log());
        tokio::time::sleep(LOOK).await;
    }
    stops_in_time(&mut service).await;
    assert!(service.log().contains("run interrupted"), "{}", service.log());
    let store = machine.store();
    let runs = store.runs(None, 10).await.unwrap();
    assert_eq!((runs.len(), runs[0].state, runs[0].attempts), (1, RunState::Claimed, 0), "{runs:?}");
    store.close().await;
    drop(service);
    is_finished_by_the_next_start(&machine).await;
    assert_eq!(machine.relay.messages().len(), RECIPIENTS.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_at_once_and_a_stop_in_idleness_lose_nothing() {
    let machine = Machine::new().await;
    machine.one_slot_due().await;
    let mut service = machine.start(&[]);
    service.ready().await;
    stops_in_time(&mut service).await;
    drop(service);
    is_finished_by_the_next_start(&machine).await;
    let mut service = machine.start(&[]);
    service.ready().await;
    service.notice(&["WATCHDOG=1"]).await;
    stops_in_time(&mut service).await;
    assert_eq!(machine.relay.messages().len(), RECIPIENTS.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_that_hangs_before_its_end_stops_nothing_and_is_sent_once() {
    let machine = Machine::new().await;
    machine.one_slot_due().await;
    machine.relay.script([Mishap::new(Step::Data, How::Hang)]);
    let mut service = machine.start(&[]);
    a_mail_hangs_at(&machine, Step::Data).await;
    the_others_have_arrived(&machine).await;
    stops_in_time(&mut service).await;
    drop(service);
    is_finished_by_the_next_start(&machine).await;
    assert_eq!(machine.relay.messages().len(), RECIPIENTS.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_that_hangs_at_its_end_is_sent_again_and_counted_as_a_lost_answer() {
    let machine = Machine::new().await;
    machine.one_slot_due().await;
    machine.relay.script([Mishap::kept(How::Hang)]);
    let mut service = machine.start(&[]);
    a_mail_hangs_at(&machine, Step::Dot).await;
    the_others_have_arrived(&machine).await;
    service.signal("TERM");
    service.notice(&["STOPPING=1"]).await;
    // Whoever asks twice is in a hurry.
    stops_in_time(&mut service).await;
    assert!(!service.log().contains("left behind"), "it waited all the same:\n{}", service.log());
    drop(service);
    let parcels = is_finished_by_the_next_start(&machine).await;
    assert_eq!(parcels.iter().map(|parcel| parcel.lost_answers).sum::<u32>(), 1, "{parcels:#?}");
    assert_eq!(machine.relay.messages().len(), RECIPIENTS.len() + 1);
}

/// A file that nobody writes to: a file system that is gone looks the same.
#[tokio::test(flavor = "multi_thread")]
async fn a_reload_that_never_ends_does_not_keep_the_daemon_from_its_work_or_its_end() {
    let machine = Machine::new().await;
    let mut service = machine.start(&[]);
    service.ready().await;
    pipe_in_place_of_the_configuration(&machine);
    service.signal("HUP");
    service.notice(&["RELOADING=1"]).await;
    machine.one_slot_due().await;
    let (runs, parcels) = settled(&machine, &mut service, 1).await;
    machine.check(&runs, &parcels).await;
    stops_in_time(&mut service).await;
}

/// Points of one run, and whether the run has its report before them.
const OF_A_RUN: &[(&str, bool)] = &[
    ("collected", false),
    ("snapshots-kept", false),
    ("judged", false),
    ("file-written", false),
    ("files-written", false),
    ("published", false),
    ("letters-written", false),
    ("finishing", false),
    ("finished", true),
    ("pruned", true),
];

async fn panics_in_a_run(point: &'static str, has_report: bool) {
    let machine = Machine::new().await;
    // It is claimed later than the first one, and waits for the same console.
    let other = "[[job]]\nname = \"other\"\nschedule = \"0 * * * *\"\nformats = [\"csv\"]\n";
    machine.configure(other);
    let slot = machine.one_slot_due().await;
    let store = machine.store();
    store
        .mark(
            "other",
            &recert::schedule::Schedule::parse("0 * * * *", "UTC").unwrap().definition(),
            slot - chrono::TimeDelta::minutes(1),
        )
        .await
        .unwrap();
    let mut service = machine.start(&[("RECERT_PANIC_AT", point)]);
    service.ready().await;
    let until = Instant::now() + crate::service::LIMIT;
    let (first, second) = loop {
        let mut runs = store.runs(None, 10).await.unwrap();
        runs.sort_by_key(|run| std::cmp::Reverse(run.job.clone()));
        let panicked = service.log().contains(&format!("a test asked for a panic at {point}"));
        let ended = service.log().matches("run done").count()
            + service.log().matches("attempt failed").count()
            + service.log().matches("the run has its report, but then").count();
        if panicked && ended == 2 {
            break (runs.remove(0), runs.remove(0));
        }
        assert!(Instant::now() < until, "{point}: {runs:#?}\n{}", service.log());
        tokio::time::sleep(LOOK).await;
    };
    assert_eq!((first.job.as_deref(), second.job.as_deref()), (Some("weekly"), Some("other")));
    let log = service.log();
    assert!(log.contains("internal error: a test asked for a panic"), "{point}: {log}");
    // Either of the two may have come first; the one that did not panic is done.
    let done = [&first, &second].iter().filter(|run| run.state == RunState::Done).count();
    assert_eq!(done, if has_report { 2 } else { 1 }, "{point}: {first:?} {second:?}\n{log}");
    assert!(service.child.try_wait().unwrap().is_none(), "{point}: the process lives");
    store.close().await;
    service.stop().await;

    let mut service = machine.start(&[]);
    service.ready().await;
    let (runs, parcels) = settled(&machine, &mut service, 2).await;
    assert!(runs.iter().all(|run| run.state == RunState::Done), "{point}: {runs:#?}");
    let weekly: Vec<_> = runs.into_iter().filter(|run| run.job.as_deref() == Some("weekly")).collect();
    machine.check(&weekly, &parcels).await;
    assert_eq!(machine.relay.messages().len(), RECIPIENTS.len(), "{point}");
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panic_in_a_run_ends_that_attempt_alone() {
    stream::iter(OF_A_RUN)
        .map(|(point, has_report)| panics_in_a_run(point, *has_report))
        .buffer_unordered(4)
        .collect::<Vec<()>>()
        .await;
}

/// Points of a delivery.
const OF_A_DELIVERY: &[&str] = &[
    "parcel-due",
    "copy-begun",
    "copy-file",
    "mail-connecting",
    "mail-envelope",
    "mail-dot-recorded",
    "mail-recorded",
];

async fn panics_in_a_delivery(point: &'static str) {
    let machine = Machine::new().await;
    machine.one_slot_due().await;
    let mut service = machine.start(&[("RECERT_PANIC_AT", point)]);
    service.ready().await;
    // The round goes on: all parcels but one arrive, and that one has its next time.
    let store = machine.store();
    let until = Instant::now() + crate::service::LIMIT;
    loop {
        let parcels = store.outbox(true).await.unwrap();
        let arrived = parcels.iter().filter(|parcel| parcel.state == ParcelState::Accepted).count();
        let again = |parcel: &&Parcel| matches!(parcel.state, ParcelState::Deferred | ParcelState::Ambiguous);
        let again = parcels.iter().filter(again).count();
        let panicked = service.log().contains(point);
        if panicked && parcels.len() == RECIPIENTS.len() + 1 && arrived + again == parcels.len() {
            assert_eq!(again, usize::from(point != "mail-recorded"), "{point}: {parcels:#?}");
            break;
        }
        assert!(Instant::now() < until, "{point}: {parcels:#?}\n{}", service.log());
        tokio::time::sleep(LOOK).await;
    }
    // A person may ask for it at once.
    let left: Vec<_> = store.outbox(false).await.unwrap();
    for parcel in &left {
        let output = machine.run(&["outbox", "retry", &parcel.id[..8]]).await;
        assert!(output.status.success(), "{output:?}");
    }
    store.close().await;
    let (runs, parcels) = settled(&machine, &mut service, 1).await;
    machine.check(&runs, &parcels).await;
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panic_in_a_delivery_ends_that_attempt_alone() {
    stream::iter(OF_A_DELIVERY)
        .map(|point| panics_in_a_delivery(point))
        .buffer_unordered(4)
        .collect::<Vec<()>>()
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_cannot_succeed_fails_at_once_and_says_so_once_to_everyone() {
    let machine = Machine::new().await;
    std::fs::write(machine.path("password"), "wrong").unwrap();
    machine.one_slot_due().await;
    let mut service = machine.start(&[]);
    service.ready().await;
    let (runs, parcels) = settled(&machine, &mut service, 1).await;
    assert_eq!((runs[0].state, runs[0].attempts), (RunState::Failed, 1), "{runs:#?}");
    let error = runs[0].error.as_deref().unwrap();
    assert!(error.contains("hq") && !error.contains("wrong"), "{error}");
    assert_eq!(parcels.len(), RECIPIENTS.len(), "an alarm for each recipient, nothing for a directory");
    assert!(
        parcels.iter().all(|parcel| parcel.kind == ParcelKind::Alarm && parcel.channel == Channel::Email)
    );
    let mails = machine.relay.messages();
    assert_eq!(mails.len(), RECIPIENTS.len());
    assert!(machine.simulator.authentication_failures() <= 2, "an account would be locked");

    let output = machine.run(&["status"]).await;
    let shown = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(1), "{shown}");
    assert!(shown.contains("failed") && shown.contains(error.lines().next().unwrap()), "{shown}");
    service.stop().await;
    // And it stays so.
    let mut service = machine.start(&[]);
    service.ready().await;
    service.notice(&["WATCHDOG=1"]).await;
    service.stop().await;
    assert_eq!(machine.relay.messages().len(), RECIPIENTS.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_incomplete_run_says_so_in_the_subject() {
    let faults = Faults { broken: vec!["/api/3/sites".to_owned()], ..Faults::default() };
    let machine = Machine::with(Options { faults, log: false, ..Options::default() }).await;
    machine.one_slot_due().await;
    let mut service = machine.start(&[]);
    service.ready().await;
    let (runs, parcels) = settled(&machine, &mut service, 1).await;
    machine.check(&runs, &parcels).await;
    for mail in machine.relay.messages() {
        let mail = mail_parser::MessageParser::default().parse(&mail.body).unwrap().into_owned();
        assert!(mail.subject().unwrap().starts_with("INCOMPLETE [recert]"), "{:?}", mail.subject());
    }
    let output = machine.run(&["history"]).await;
    let shown = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success() && shown.contains("INCOMPLETE"), "{shown}");
    service.stop().await;
}
