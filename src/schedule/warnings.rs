//! What a schedule does that its author may not expect: months without a run, and local times that the clock skips or repeats.

use std::fmt::Write;

use chrono::{DateTime, Months, NaiveDateTime, Offset, TimeDelta, TimeZone, Utc};

use super::Schedule;

/// How far ahead changes of the clock are told.
const AHEAD: Months = Months::new(24);
const MONTHS: [(&str, u16); 12] = [
    ("January", 31),
    ("February", 28),
    ("March", 31),
    ("April", 30),
    ("May", 31),
    ("June", 30),
    ("July", 31),
    ("August", 31),
    ("September", 30),
    ("October", 31),
    ("November", 30),
    ("December", 31),
];

/// A change of the clock: the local times just before and from it on.
struct Change {
    before: NaiveDateTime,
    after: NaiveDateTime,
}

pub(super) fn warnings(schedule: &Schedule, from: DateTime<Utc>) -> Vec<String> {
    let mut warnings: Vec<String> = missing_days(schedule).into_iter().collect();
    // An interval runs through both hours and has nothing to lose in a gap.
    if !schedule.interval {
        warnings.extend(changes(schedule, from).iter().filter_map(|change| affected(schedule, change)));
    }
    warnings
}

/// Days of the month that some months do not have. Named days only: `*/2` and `25-31` were not written for that very day.
fn missing_days(schedule: &Schedule) -> Option<String> {
    let pattern = &schedule.cron.pattern;
    let field = schedule.pattern.split(' ').nth(2)?;
    let days = pattern.days.values();
    let named = !field.contains(['*', '?']) && !days.contains(&28);
    let day = days.into_iter().filter(|day| named && *day > 28).max()?;
    let months = pattern.months.values();
    let short: Vec<&str> = (1..)
        .zip(MONTHS)
        .filter(|(month, (_, length))| months.contains(month) && *length < day)
        .map(|(_, (name, _))| name)
        .collect();
    if short.is_empty() {
        return None;
    }
    let mut text =
        format!("day {day} does not exist in {}: it does not run on that day there", short.join(", "));
    if day == 29 {
        text.push_str(", except in a leap year");
    }
    text.push_str("; for the last day of each month write L as the day");
    Some(text)
}

/// The changes of the zone's clock in the time ahead.
fn changes(schedule: &Schedule, from: DateTime<Utc>) -> Vec<Change> {
    let zone = schedule.zone;
    let offset = |at: DateTime<Utc>| zone.offset_from_utc_datetime(&at.naive_utc()).fix();
    let Some(from) = DateTime::from_timestamp(from.timestamp(), 0) else { return Vec::new() };
    let Some(end) = from.checked_add_months(AHEAD) else { return Vec::new() };
    let (mut changes, mut day) = (Vec::new(), from);
    while day < end {
        let next = day + TimeDelta::days(1);
        if offset(day) != offset(next) {
            let (mut low, mut high) = (day, next);
            while high - low > TimeDelta::seconds(1) {
                let middle = low + TimeDelta::seconds((high - low).num_seconds() / 2);
                if offset(middle) == offset(low) { low = middle } else { high = middle }
            }
            let local = |offset| high.with_timezone(&offset).naive_local();
            changes.push(Change { before: local(offset(low)), after: local(offset(high)) });
        }
        day = next;
    }
    changes
}

/// What a change of the clock does to the times of the pattern.
fn affected(schedule: &Schedule, change: &Change) -> Option<String> {
    let Change { before, after } = change;
    let (start, end) = (before.min(after), before.max(after));
    let first = schedule.next_local(*start, true).filter(|local| local < end)?;
    let mut last = first;
    while let Some(local) = schedule.next_local(last, false).filter(|local| local < end) {
        last = local;
    }
    let mut text = format!("on {}, {}", first.format("%Y-%m-%d"), first.format("%H:%M"));
    let several = last != first;
    if several {
        // Writing into a string cannot fail.
        let _infallible = write!(text, " to {}", last.format("%H:%M"));
    }
    let zone = schedule.zone.name();
    if before < after {
        let (exist, it) =
            if several { ("do not exist", "one run comes") } else { ("does not exist", "it runs") };
        let after = if after.date() == first.date() {
            after.format("%H:%M").to_string()
        } else {
            after.format("%Y-%m-%d %H:%M").to_string()
        };
        let _infallible = write!(text, " {exist} in {zone} (the clock goes forward): {it} at {after}");
    } else {
        let (comes, runs) = if several { ("come", "they run") } else { ("comes", "it runs") };
        let _infallible =
            write!(text, " {comes} twice in {zone} (the clock goes back): {runs} the first time only");
    }
    Some(text)
}
