//! When jobs run: every slot of many zones and years against a reckoning of its own and against systemd's, what a change
//! of the clock does to each kind of pattern, and what is due after a time away.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

mod away;
mod changes;
mod grid;
mod pattern;
mod systemd;

use chrono::{DateTime, Utc};
use recert::schedule::Schedule;

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn schedule(pattern: &str, zone: &str) -> Schedule {
    Schedule::parse(pattern, zone).unwrap()
}

/// The slots after one instant and before another.
fn slots(schedule: &Schedule, after: DateTime<Utc>, before: DateTime<Utc>) -> Vec<DateTime<Utc>> {
    let next = |slot: &DateTime<Utc>| schedule.next_after(*slot);
    std::iter::successors(schedule.next_after(after), next).take_while(|slot| *slot < before).collect()
}
