//! Twenty zones, ten years, forty-eight daily times: each day has its slot, and each slot is where the clock says.

use std::collections::BTreeMap;

use chrono::{DateTime, Days, NaiveDate, Offset, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;

use super::{schedule, slots};

/// Zones with something to get wrong, and the first of the ten years in which they do.
const ZONES: [(&str, i32); 20] = [
    ("UTC", 2026),
    ("Europe/Berlin", 2026),
    ("Europe/London", 2026),
    // Its winter time is the deviation from the standard.
    ("Europe/Dublin", 2026),
    ("America/New_York", 2026),
    ("America/St_Johns", 2005),
    // Midnights that do not exist.
    ("America/Sao_Paulo", 2010),
    ("America/Santiago", 2026),
    ("America/Havana", 2026),
    ("Asia/Beirut", 2026),
    ("Africa/Cairo", 2021),
    ("Asia/Gaza", 2026),
    // Two changes around each Ramadan.
    ("Africa/Casablanca", 2026),
    ("America/Nuuk", 2020),
    // Two hours at once.
    ("Antarctica/Troll", 2026),
    // Half an hour, and offsets of three quarters.
    ("Australia/Lord_Howe", 2026),
    ("Pacific/Chatham", 2026),
    ("Asia/Pyongyang", 2012),
    ("Asia/Tehran", 2016),
    // 30 December 2011 does not exist.
    ("Pacific/Apia", 2008),
];
const YEARS: i32 = 10;

/// What the clock of a zone shows, from nothing but its offset at an instant.
struct Clock {
    zone: Tz,
    /// The changes: the instant, the offset before and the one from then on, in seconds.
    changes: Vec<(DateTime<Utc>, TimeDelta, TimeDelta)>,
}

impl Clock {
    fn new(zone: Tz, from: DateTime<Utc>, until: DateTime<Utc>) -> Self {
        let mut clock = Self { zone, changes: Vec::new() };
        let mut hour = from;
        while hour < until {
            let next = hour + TimeDelta::hours(1);
            let (before, after) = (clock.offset(hour), clock.offset(next));
            if before != after {
                let second = (1..=3600).map(|second| hour + TimeDelta::seconds(second));
                let instant = second.into_iter().find(|second| clock.offset(*second) == after).unwrap();
                clock.changes.push((instant, before, after));
            }
            hour = next;
        }
        clock
    }

    fn offset(&self, at: DateTime<Utc>) -> TimeDelta {
        TimeDelta::seconds(self.zone.offset_from_utc_datetime(&at.naive_utc()).fix().local_minus_utc().into())
    }

    /// The instant that a daily local time means: its first, or the first after the gap that it lies in.
    fn meant(&self, local: DateTime<Utc>) -> DateTime<Utc> {
        let near = |(instant, ..): &&(DateTime<Utc>, TimeDelta, TimeDelta)| {
            (*instant - local).abs() < TimeDelta::days(2)
        };
        if let Some((instant, before, after)) = self.changes.iter().find(near) {
            let (by_the_old, by_the_new) = (local - *before, local - *after);
            return if by_the_old < *instant { by_the_old } else { by_the_new.max(*instant) };
        }
        local - self.offset(local)
    }
}

#[test]
fn every_day_has_its_slot() {
    let threads: Vec<_> =
        ZONES.into_iter().map(|(zone, year)| std::thread::spawn(move || days_of(zone, year))).collect();
    let changes: BTreeMap<&str, usize> = ZONES
        .iter()
        .map(|(zone, _)| *zone)
        .zip(threads.into_iter().map(|zone| zone.join().unwrap()))
        .collect();
    // The grid is about changes of the clock: it must have met them.
    assert_eq!(changes["UTC"], 0);
    assert_eq!(changes["Europe/Berlin"], 20);
    assert!(changes.values().sum::<usize>() > 250, "{changes:?}");
}

/// Checks ten years of a zone; the answer is how often its clock changed.
fn days_of(name: &str, year: i32) -> usize {
    let zone: Tz = name.parse().unwrap();
    let midnight =
        |year| NaiveDate::from_ymd_opt(year, 1, 1).unwrap().and_hms_opt(0, 0, 0).unwrap().and_utc();
    let (start, end) = (midnight(year), midnight(year + YEARS));
    let clock = Clock::new(zone, start - TimeDelta::days(2), end + TimeDelta::days(2));
    for half_hour in 0..48 {
        let (hour, minute) = (half_hour / 2, half_hour % 2 * 30);
        let place = format!("{minute} {hour} * * * in {name}");
        let schedule = schedule(&format!("{minute} {hour} * * *"), name);
        let days = std::iter::successors(Some(start), |day| day.checked_add_days(Days::new(1)));
        let mut meant = Vec::new();
        for day in days.take_while(|day| *day < end) {
            let instant = clock.meant(day + TimeDelta::hours(hour) + TimeDelta::minutes(minute));
            // It belongs to its day: on it, or where a gap takes the day's end away, at the very end.
            let shown = instant.with_timezone(&zone).naive_local().and_utc();
            assert!((day..=day + TimeDelta::days(1)).contains(&shown), "{place}: {day} runs at {shown}");
            meant.push(instant);
        }
        assert_eq!(meant.len(), days_in(year), "{place}");
        // The day that Samoa left out ends where the next one begins: its midnight is that of the next.
        meant.dedup();
        let merged = usize::from(name == "Pacific/Apia" && half_hour == 0);
        assert_eq!(meant.len() + merged, days_in(year), "{place}");

        let second = TimeDelta::seconds(1);
        let slots = slots(&schedule, meant[0] - second, meant[meant.len() - 1] + second);
        assert!(slots.windows(2).all(|pair| pair[0] < pair[1]), "{place}: doubled or backwards");
        let wrong = slots.iter().zip(&meant).find(|(slot, meant)| slot != meant);
        assert_eq!((wrong, slots.len()), (None, meant.len()), "{place}");
    }
    clock.changes.len()
}

fn days_in(year: i32) -> usize {
    let start = |year| NaiveDate::from_ymd_opt(year, 1, 1).unwrap();
    usize::try_from((start(year + YEARS) - start(year)).num_days()).unwrap()
}
