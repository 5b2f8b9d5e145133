//! Another program's opinion: the slots of random schedules are those that systemd computes, outside the days on which the
//! clock changes (there systemd skips what the clock skips, and a review may not be skipped).

use std::env;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::Command;

use chrono::{DateTime, NaiveDateTime, Offset, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;
use fastrand::Rng;

use super::{at, schedule};

const PROGRAM: &str = "systemd-analyze";
const SEED: u64 = 20_261_123;
const TRIPLES: usize = 200;
const ZONES: [&str; 12] = [
    "UTC",
    "Europe/Berlin",
    "Europe/London",
    "Europe/Dublin",
    "America/New_York",
    "America/St_Johns",
    "America/Los_Angeles",
    "Asia/Tokyo",
    "Asia/Kathmandu",
    "Australia/Lord_Howe",
    "Australia/Sydney",
    "Pacific/Chatham",
];
const WEEKDAYS: [&str; 7] = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];

/// Where the program is; missing, it is told past the test harness, or fails the test where `RECERT_TEST_REQUIRE` (a list
/// with commas) names it.
fn program() -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let found = env::split_paths(&path).map(|directory| directory.join(PROGRAM)).find(|path| path.is_file());
    if found.is_none() {
        let required = env::var("RECERT_TEST_REQUIRE").unwrap_or_default();
        assert!(
            !required.split(',').any(|one| one.trim() == PROGRAM),
            "{PROGRAM} is required and not installed"
        );
        std::io::stderr().write_all(format!("SKIPPED: {PROGRAM} is not installed\n").as_bytes()).unwrap();
    }
    found
}

#[test]
fn systemd_computes_the_same_slots() {
    let Some(program) = program() else { return };
    let mut random = Rng::with_seed(SEED);
    let (mut compared, mut left_out) = (0, 0);
    for _ in 0..TRIPLES {
        let zone = ZONES[random.usize(0..ZONES.len())];
        let base = at("2026-01-01T00:00:00Z") + TimeDelta::seconds(random.i64(0..8 * 365 * 86_400));
        let (cron, calendar) = pattern(&mut random);
        let place = format!("{cron:?} = {calendar:?} in {zone} after {base}");
        let theirs = elapses(&program, &format!("{calendar} {zone}"), base);
        assert!(!theirs.is_empty(), "{place}: no answer");
        let ours =
            super::slots(&schedule(&cron, zone), base, *theirs.last().unwrap() + TimeDelta::seconds(1));
        let zone: Tz = zone.parse().unwrap();
        let quiet = |slots: &[DateTime<Utc>]| -> Vec<DateTime<Utc>> {
            slots.iter().copied().filter(|slot| !is_near_a_change(zone, *slot)).collect()
        };
        assert_eq!(quiet(&ours), quiet(&theirs), "{place}");
        compared += quiet(&theirs).len();
        left_out += theirs.len() - quiet(&theirs).len();
    }
    assert!(compared > 20 * left_out && compared > 4000, "{compared} compared, {left_out} left out");
}

/// The same random schedule in both languages.
fn pattern(random: &mut Rng) -> (String, String) {
    let some = |random: &mut Rng, of: std::ops::Range<u32>, most: usize| -> Vec<u32> {
        let mut values: Vec<u32> = (0..random.usize(1..=most)).map(|_| random.u32(of.clone())).collect();
        values.sort_unstable();
        values.dedup();
        values
    };
    let list = |values: &[u32]| values.iter().map(u32::to_string).collect::<Vec<_>>().join(",");
    let minutes = some(random, 0..60, 3);
    let hours = if random.u8(0..5) == 0 { None } else { Some(some(random, 0..24, 4)) };
    let months = if random.u8(0..4) == 0 { Some(some(random, 1..13, 5)) } else { None };
    // Cron takes either day, systemd takes both: at most one of them is restricted here.
    let (days, weekdays) = match random.u8(0..3) {
        0 => (None, None),
        1 => (Some(some(random, 1..29, 6)), None),
        _ => (None, Some(some(random, 0..7, 4))),
    };
    let or_star = |values: &Option<Vec<u32>>| values.as_deref().map_or_else(|| "*".to_owned(), list);
    let cron = format!(
        "{} {} {} {} {}",
        list(&minutes),
        or_star(&hours),
        or_star(&days),
        or_star(&months),
        or_star(&weekdays)
    );
    let mut calendar = String::new();
    if let Some(weekdays) = weekdays {
        let names: Vec<_> = weekdays.iter().map(|day| WEEKDAYS[*day as usize]).collect();
        write!(calendar, "{} ", names.join(",")).unwrap();
    }
    write!(calendar, "*-{}-{} {}:{}:00", or_star(&months), or_star(&days), or_star(&hours), list(&minutes))
        .unwrap();
    (cron, calendar)
}

/// What systemd computes, from one call.
fn elapses(program: &PathBuf, calendar: &str, base: DateTime<Utc>) -> Vec<DateTime<Utc>> {
    let output = Command::new(program)
        .args(["calendar", "--iterations=30"])
        .arg(format!("--base-time={}", base.format("%Y-%m-%d %H:%M:%S UTC")))
        .arg(calendar)
        .env_clear()
        .env("TZ", "UTC")
        .env("LC_ALL", "C")
        .output()
        .unwrap();
    assert!(output.status.success(), "{calendar}: {}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    let elapse = |line: &str| {
        let (label, time) = line.trim().split_once(": ")?;
        let time = (label == "Next elapse" || label.starts_with("Iter. #")).then_some(time)?;
        // `Mon 2027-01-04 05:30:00 UTC`
        Some(NaiveDateTime::parse_from_str(time, "%a %Y-%m-%d %H:%M:%S UTC").expect(time).and_utc())
    };
    text.lines().filter_map(elapse).collect()
}

fn is_near_a_change(zone: Tz, slot: DateTime<Utc>) -> bool {
    let offset = |at: DateTime<Utc>| zone.offset_from_utc_datetime(&at.naive_utc()).fix();
    offset(slot - TimeDelta::hours(26)) != offset(slot + TimeDelta::hours(26))
}
