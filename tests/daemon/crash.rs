//! Killed at every point of a run, and at random: whatever died is finished by the next start, once.

use std::os::unix::process::ExitStatusExt;
use std::time::Duration;

use chrono::{DateTime, Utc};
use futures_util::{StreamExt, stream};
use recert::crash::POINTS;
use recert::store::{RunRecord, RunState};

use crate::service::Machine;

/// How often each point is tried.
const ROUNDS: usize = 5;
/// Kills at random times.
const RANDOM: u64 = 100;
/// Machines at once.
const AT_ONCE: usize = 4;
const KILL: i32 = 9;

/// The runs of a slot. The next one may come due while a test runs.
fn runs_of(slot: DateTime<Utc>, runs: &[RunRecord]) -> usize {
    runs.iter().filter(|run| run.slot == Some(slot)).count()
}

/// One machine: a slot is due, the daemon dies at a point, and the next daemon has to finish.
async fn dies_at(point: &'static str, round: usize) {
    let machine = Machine::new().await;
    let slot = machine.one_slot_due().await;
    // The point is passed several times in one run (files, recipients); each round dies at another time, if there is one.
    let mut service = machine.start(&[("RECERT_CRASH_AT", &format!("{point}:{}", 1 + round % 2))]);
    let status = if round.is_multiple_of(2) {
        // A first time comes always; at the last points, all is settled before the process is gone.
        Some(service.ended().await)
    } else {
        tokio::select! {
            status = service.ended() => Some(status),
            _ = machine.all_settled() => None,
        }
    };
    if let Some(status) = status {
        assert_eq!(status.signal(), Some(KILL), "{point}: {}", service.log());
    }
    drop(service);
    let mut service = machine.start(&[]);
    service.ready().await;
    let (runs, parcels) = machine.settled(&mut service).await;
    assert_eq!(runs_of(slot, &runs), 1, "{point}: one slot, one run: {runs:?}");
    assert!(runs.iter().all(|run| run.state == RunState::Done), "{point}: {}", service.log());
    machine.check(&runs, &parcels).await;
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_dies_at_any_point_is_finished_once() {
    let trials = POINTS.iter().flat_map(|point| (0..ROUNDS).map(move |round| (*point, round)));
    stream::iter(trials)
        .map(|(point, round)| dies_at(point, round))
        .buffer_unordered(AT_ONCE)
        .collect::<Vec<()>>()
        .await;
}

/// One machine: the daemon is killed again and again at random times, until the work is done all the same.
async fn dies_at_random(seed: u64) {
    let mut random = fastrand::Rng::with_seed(seed);
    let machine = Machine::new().await;
    let slot = machine.one_slot_due().await;
    for _ in 0..2 {
        let mut service = machine.start(&[]);
        service.ready().await;
        tokio::time::sleep(Duration::from_millis(random.u64(0..1800))).await;
        service.signal("KILL");
        service.ended().await;
    }
    let mut service = machine.start(&[]);
    service.ready().await;
    let (runs, parcels) = machine.settled(&mut service).await;
    assert_eq!(runs_of(slot, &runs), 1, "seed {seed}: {runs:?}");
    assert!(runs.iter().all(|run| run.state == RunState::Done), "seed {seed}: {}", service.log());
    machine.check(&runs, &parcels).await;
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_daemon_that_is_killed_at_random_loses_and_doubles_nothing() {
    let seeds = 0..RANDOM / 2;
    stream::iter(seeds).map(dies_at_random).buffer_unordered(AT_ONCE).collect::<Vec<()>>().await;
}
