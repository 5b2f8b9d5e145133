//! What a schedule may look like, and what is said of one that cannot be right.

use recert::schedule::{Schedule, ScheduleError};

use super::{at, schedule};

#[track_caller]
fn next(pattern: &str, expected: &str) {
    // A Monday.
    let next = schedule(pattern, "UTC").next_after(at("2026-11-23T12:00:00Z"));
    assert_eq!(next, Some(at(expected)), "{pattern}");
}

#[test]
fn five_fields_mean_what_they_do_in_every_cron() {
    next("0 12 * * *", "2026-11-24T12:00:00Z");
    next("1 12 * * *", "2026-11-23T12:01:00Z");
    next("*/20 * * * *", "2026-11-23T12:20:00Z");
    next("0 6 * * 0", "2026-11-29T06:00:00Z");
    next("0 6 * * 7", "2026-11-29T06:00:00Z");
    next("0 6 * * mon-fri", "2026-11-24T06:00:00Z");
    next("30 5 1 */3 *", "2027-01-01T05:30:00Z");
    next("0 6 1-7 jan,jul *", "2027-01-01T06:00:00Z");
    // Either day is enough; with a plus both are needed.
    next("0 6 13 * FRI", "2026-11-27T06:00:00Z");
    next("0 6 13 * +FRI", "2027-08-13T06:00:00Z");
    next("0 6 L * *", "2026-11-30T06:00:00Z");
    next("0 6 * * MON#1", "2026-12-07T06:00:00Z");
    next("0 6 * * FRI#L", "2026-11-27T06:00:00Z");
    next("0 6 29 2 *", "2028-02-29T06:00:00Z");
    next("  0   6 * *\tSUN ", "2026-11-29T06:00:00Z");
}

#[test]
fn a_slot_is_strictly_after() {
    let schedule = schedule("0 6 * * *", "UTC");
    let slot = at("2026-11-24T06:00:00Z");
    assert_eq!(schedule.next_after(at("2026-11-24T05:59:59.999Z")), Some(slot));
    assert_eq!(schedule.next_after(slot), Some(at("2026-11-25T06:00:00Z")));
    assert_eq!(schedule.next_after(at("2026-11-24T06:00:00.001Z")), Some(at("2026-11-25T06:00:00Z")));
    // The ends of time are no panic.
    assert_eq!(schedule.next_after(chrono::DateTime::<chrono::Utc>::MAX_UTC), None);
    let _none_or_some = Schedule::parse("0 6 * * *", "Pacific/Apia")
        .unwrap()
        .next_after(chrono::DateTime::<chrono::Utc>::MIN_UTC);
}

#[test]
fn a_schedule_is_told_by_its_definition() {
    let one = schedule(" 0 6  * * mon", "Europe/Berlin");
    assert_eq!(one.pattern(), "0 6 * * mon");
    assert_eq!(one.zone().name(), "Europe/Berlin");
    assert_eq!(one.definition(), "0 6 * * MON Europe/Berlin");
    assert_eq!(schedule("0 6 * * MON", "Europe/Berlin").definition(), one.definition());
    assert_ne!(schedule("0 6 * * MON", "Europe/Paris").definition(), one.definition());
    assert_ne!(schedule("0 6 * * TUE", "Europe/Berlin").definition(), one.definition());
    assert_eq!(one, one.clone());
}

#[track_caller]
fn refused(pattern: &str, zone: &str) -> ScheduleError {
    Schedule::parse(pattern, zone).unwrap_err()
}

#[test]
fn a_field_that_means_nothing_is_named() {
    for (pattern, field, reason) in [
        ("61 * * * *", "minute", "Number out of bounds"),
        ("*/0 6 * * *", "minute", "Step cannot be zero"),
        ("0 24 * * *", "hour", "Number out of bounds"),
        ("0 22-6 * * *", "hour", "Range out of bounds"),
        ("0 6 0 * *", "day of month", "Number out of bounds"),
        ("0 6 * 13 *", "month", "Number out of bounds"),
        ("0 6 * * 8", "day of week", "Number out of bounds"),
        ("0 6 * * 6-0", "day of week", "Range out of bounds"),
    ] {
        let expected =
            ScheduleError::Pattern { pattern: pattern.to_owned(), field, reason: reason.to_owned() };
        assert_eq!(refused(pattern, "UTC"), expected);
    }
    let shown = refused("0 6 * * FOO", "UTC").to_string();
    assert!(shown.starts_with("\"0 6 * * FOO\" is not a schedule: day of week: "), "{shown}");
    assert!(shown.contains("such as \"0 6 * * MON\" (Mondays at 06:00)"), "{shown}");
}

#[test]
fn seconds_years_and_nicknames_are_refused() {
    for (pattern, found) in
        [("", 0), ("@daily", 1), ("0 6 * *", 4), ("0 0 6 * * *", 6), ("0 0 6 * * * 2027", 7)]
    {
        let error = refused(pattern, "UTC");
        assert_eq!(error, ScheduleError::Fields { pattern: pattern.to_owned(), found });
        assert!(
            error.to_string().contains("write minute, hour, day of month, month, day of week"),
            "{error}"
        );
    }
}

#[test]
fn a_date_that_no_year_has_is_refused() {
    for pattern in ["0 6 31 2 *", "0 6 30 2 *", "0 6 31 4,6,9,11 *"] {
        let error = refused(pattern, "UTC");
        assert_eq!(error, ScheduleError::Never { pattern: pattern.to_owned() });
        assert!(error.to_string().contains("write L as the day"), "{error}");
    }
}

#[test]
fn an_unknown_zone_is_refused_with_the_nearest_name() {
    for (zone, name) in [
        ("Europe/Berlim", "Europe/Berlin"),
        ("europe/berlin", "Europe/Berlin"),
        ("Berlin", "Europe/Berlin"),
        (" Europe/Berlin", "Europe/Berlin"),
        ("New York", "America/New_York"),
        ("Asia/Calcuta", "Asia/Calcutta"),
    ] {
        let error = refused("0 6 * * *", zone);
        assert_eq!(error, ScheduleError::Zone { zone: zone.to_owned(), nearest: Some(name.to_owned()) });
        assert_eq!(error.to_string(), format!("there is no time zone {zone:?}; did you mean {name:?}?"));
    }
    for zone in ["", "xyzzy", "W. Europe Standard Time"] {
        let shown = refused("0 6 * * *", zone).to_string();
        assert!(shown.ends_with("write an IANA name, such as \"Europe/Berlin\""), "{shown}");
    }
}
