//! What a change of the clock does to each kind of pattern.

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;

use super::{at, schedule, slots};

/// The slots of a local day and of the night around it, as local times with their offsets.
#[track_caller]
fn runs(pattern: &str, zone: &str, from: &str, until: &str, expected: &[&str]) {
    let tz: Tz = zone.parse().unwrap();
    let slots = slots(&schedule(pattern, zone), at(from) - TimeDelta::seconds(1), at(until));
    let shown: Vec<String> =
        slots.iter().map(|slot| slot.with_timezone(&tz).format("%d %H:%M%:z").to_string()).collect();
    assert_eq!(shown, expected, "{pattern} in {zone}");
}

const BERLIN: &str = "Europe/Berlin";
/// In Berlin 02:00 becomes 03:00 on 28 March 2027 at 01:00 UTC.
const SPRING: [&str; 2] = ["2027-03-27T23:00:00Z", "2027-03-28T02:30:00Z"];
/// In Berlin 03:00 becomes 02:00 on 31 October 2027 at 01:00 UTC.
const AUTUMN: [&str; 2] = ["2027-10-30T23:30:00Z", "2027-10-31T02:30:00Z"];

#[test]
fn a_named_time_that_is_skipped_runs_after_the_gap() {
    let [from, until] = SPRING;
    runs("30 2 * * *", BERLIN, from, until, &["28 03:00+02:00"]);
    runs("0 2 * * *", BERLIN, from, until, &["28 03:00+02:00"]);
    runs("15 1-3 * * *", BERLIN, from, until, &["28 01:15+01:00", "28 03:00+02:00", "28 03:15+02:00"]);
    runs("15 */2 * * *", BERLIN, from, until, &["28 00:15+01:00", "28 03:00+02:00", "28 04:15+02:00"]);
}

#[test]
fn skipped_times_that_meet_are_one_slot() {
    let [from, until] = SPRING;
    runs("*/20 2 * * *", BERLIN, from, until, &["28 03:00+02:00"]);
    runs("0 2,3 * * *", BERLIN, from, until, &["28 03:00+02:00"]);
    runs(
        "0,30 1-3 * * *",
        BERLIN,
        from,
        until,
        &["28 01:00+01:00", "28 01:30+01:00", "28 03:00+02:00", "28 03:30+02:00"],
    );
}

#[test]
fn a_named_time_that_is_repeated_runs_at_its_first_pass() {
    let [from, until] = AUTUMN;
    runs("30 2 * * *", BERLIN, from, until, &["31 02:30+02:00"]);
    runs("15 1-3 * * *", BERLIN, from, until, &["31 02:15+02:00", "31 03:15+01:00"]);
    runs("*/30 2 * * *", BERLIN, from, until, &["31 02:00+02:00", "31 02:30+02:00"]);
}

#[test]
fn an_interval_runs_through_both_passes_and_has_nothing_in_a_gap() {
    let [from, until] = SPRING;
    let expected = ["28 00:15+01:00", "28 01:15+01:00", "28 03:15+02:00", "28 04:15+02:00"];
    runs("15 * * * *", BERLIN, from, until, &expected);
    let [from, until] = AUTUMN;
    let twice = ["31 02:00+02:00", "31 02:30+02:00", "31 02:00+01:00", "31 02:30+01:00", "31 03:00+01:00"];
    runs("*/30 * * * *", BERLIN, "2027-10-31T00:00:00Z", until, &twice);
    runs("0 0-23 * * *", BERLIN, from, until, &["31 02:00+02:00", "31 02:00+01:00", "31 03:00+01:00"]);
    for pattern in ["*/30 * * * *", "* * * * *", "0 * * * *"] {
        let schedule = schedule(pattern, BERLIN);
        for [from, until] in [SPRING, AUTUMN] {
            let slots = slots(&schedule, at(from), at(until));
            let step = slots[1] - slots[0];
            assert!(slots.windows(2).all(|pair| pair[1] - pair[0] == step), "{pattern}: an uneven step");
        }
    }
}

#[test]
fn every_instant_of_a_change_has_one_next_slot() {
    // From wherever one asks, the answer is the first slot of the list that lies ahead.
    for pattern in ["30 2 * * *", "15 1-3 * * *", "*/20 2 * * *", "*/30 * * * *", "15 * * * *"] {
        let schedule = schedule(pattern, BERLIN);
        for [from, until] in [SPRING, AUTUMN] {
            let slots = slots(&schedule, at(from), at(until) + TimeDelta::days(2));
            let mut instant = at(from);
            while instant < at(until) {
                let ahead = slots.iter().copied().find(|slot| *slot > instant);
                assert_eq!(schedule.next_after(instant), ahead, "{pattern} after {instant}");
                instant += TimeDelta::seconds(37);
            }
        }
    }
}

#[test]
fn gaps_of_half_an_hour_at_midnight_and_of_a_whole_day() {
    // Lord Howe: 02:00 becomes 02:30 on 3 October 2027, and 02:00 becomes 01:30 on 4 April 2027.
    let lord_howe = "Australia/Lord_Howe";
    runs("15 2 * * *", lord_howe, "2027-10-02T14:00:00Z", "2027-10-02T17:00:00Z", &["03 02:30+11:00"]);
    runs("45 1 * * *", lord_howe, "2027-04-03T13:00:00Z", "2027-04-03T17:00:00Z", &["04 01:45+11:00"]);
    let both = ["04 01:45+11:00", "04 01:45+10:30", "04 02:45+10:30"];
    runs("45 * * * *", lord_howe, "2027-04-03T14:00:00Z", "2027-04-03T17:00:00Z", &both);
    // Cairo and Beirut: midnight becomes 01:00.
    runs("0 0 * * *", "Africa/Cairo", "2027-04-29T12:00:00Z", "2027-04-30T12:00:00Z", &["30 01:00+03:00"]);
    runs("30 0 * * SUN", "Asia/Beirut", "2027-03-27T12:00:00Z", "2027-03-28T12:00:00Z", &["28 01:00+03:00"]);
    // Beirut, autumn: midnight becomes 23:00 of the day before, which is repeated.
    let repeated = ["2027-10-30T19:00:00Z", "2027-10-30T23:00:00Z"];
    runs("30 23 * * *", "Asia/Beirut", repeated[0], repeated[1], &["30 23:30+03:00"]);
    runs("0 0 * * *", "Asia/Beirut", repeated[0], repeated[1], &["31 00:00+02:00"]);
    // Samoa had no 30 December 2011, which was a Friday.
    let (from, until) = ("2011-12-29T10:00:00Z", "2012-01-01T09:00:00Z");
    let daily = ["29 06:00-10:00", "31 00:00+14:00", "31 06:00+14:00", "01 06:00+14:00"];
    runs("0 6 * * *", "Pacific/Apia", from, until, &daily);
    runs("0 6 * * FRI", "Pacific/Apia", from, until, &["31 00:00+14:00"]);
    runs("0 0 * * *", "Pacific/Apia", from, until, &["29 00:00-10:00", "31 00:00+14:00", "01 00:00+14:00"]);
    // Casablanca leaves its summer time for Ramadan: 03:00 becomes 02:00 on 7 February 2027, back on 14 March.
    let casablanca = "Africa/Casablanca";
    runs("30 2 * * *", casablanca, "2027-02-07T00:00:00Z", "2027-02-07T06:00:00Z", &["07 02:30+01:00"]);
    runs("30 2 * * *", casablanca, "2027-03-14T00:00:00Z", "2027-03-14T06:00:00Z", &["14 03:00+01:00"]);
}

#[test]
fn what_will_happen_is_told() {
    let from: DateTime<Utc> = at("2026-11-23T12:00:00Z");
    let told = |pattern, zone| schedule(pattern, zone).warnings(from);
    assert_eq!(
        told("30 2 * * *", BERLIN),
        [
            "on 2027-03-28, 02:30 does not exist in Europe/Berlin (the clock goes forward): it runs at 03:00",
            "on 2027-10-31, 02:30 comes twice in Europe/Berlin (the clock goes back): it runs the first time only",
            "on 2028-03-26, 02:30 does not exist in Europe/Berlin (the clock goes forward): it runs at 03:00",
            "on 2028-10-29, 02:30 comes twice in Europe/Berlin (the clock goes back): it runs the first time only",
        ]
    );
    assert_eq!(
        told("*/15 2 * 3 *", BERLIN)[0],
        "on 2027-03-28, 02:00 to 02:45 do not exist in Europe/Berlin (the clock goes forward): one run comes at 03:00"
    );
    assert_eq!(
        told("*/15 2 * 10 *", BERLIN)[0],
        "on 2027-10-31, 02:00 to 02:45 come twice in Europe/Berlin (the clock goes back): they run the first time only"
    );
    for quiet in ["0 6 * * *", "*/30 * * * *", "0 3 * * *", "30 2 * * MON", "59 1 * * *"] {
        assert_eq!(told(quiet, BERLIN), [] as [&str; 0], "{quiet}");
    }
    assert_eq!(told("30 2 * * *", "UTC"), [] as [&str; 0]);
    assert_eq!(
        told("0 6 31 * *", "UTC"),
        [
            "day 31 does not exist in February, April, June, September, November: it does not run on that day there; \
          for the last day of each month write L as the day"
        ]
    );
    assert_eq!(
        told("0 6 1,30 1,2 *", "UTC"),
        [
            "day 30 does not exist in February: it does not run on that day there; for the last day of each month write L \
          as the day"
        ]
    );
    assert_eq!(
        told("0 6 29 * *", "UTC"),
        [
            "day 29 does not exist in February: it does not run on that day there, except in a leap year; for the last day \
          of each month write L as the day"
        ]
    );
    for quiet in ["0 6 28 * *", "0 6 L * *", "0 6 */2 * *", "0 6 25-31 * *", "0 6 31 1,3 *", "0 6 * * *"] {
        assert_eq!(told(quiet, "UTC"), [] as [&str; 0], "{quiet}");
    }
}
