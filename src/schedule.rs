//! When a job runs: the slots of a cron pattern in a time zone, and which of them are due. Pure; the time is a parameter.
//!
//! The pattern speaks about the local calendar, and croner walks that calendar without a zone. What a local time means as
//! an instant is decided here, by one rule:
//!
//! - A pattern that names hours (`30 2 * * *`, `15 1-3 * * *`, `0 */6 * * *`) means each of these local times once. One that
//!   the clock skips runs at the first instant after the gap; one that the clock repeats runs at its first pass.
//! - A pattern of every hour (`*/30 * * * *`) is an interval: it runs through both passes of a repeated hour, and a skipped
//!   hour has nothing to catch up.
//!
//! Local times that meet in one instant are one slot.

mod clock;
mod due;
mod warnings;

use std::cmp::Reverse;

use chrono::{
    DateTime, MappedLocalTime, NaiveDate, NaiveDateTime, NaiveTime, Offset, TimeDelta, TimeZone, Timelike,
    Utc,
};
use chrono_tz::{GapInfo, TZ_VARIANTS, Tz};
use croner::Cron;
use croner::errors::CronError;
use croner::parser::{CronParser, Seconds, Year};
use thiserror::Error;

pub use clock::{EARLIEST, corrected_mark, is_sane, jitter};
pub use due::{CAP, CatchUp, Due, DueSlot, GRACE, due};

/// The fields of a pattern, in their order.
const FIELDS: [&str; 5] = ["minute", "hour", "day of month", "month", "day of week"];
/// Names below this similarity (Jaro-Winkler, 0 to 1) are no suggestion.
const SIMILAR: f64 = 0.8;
/// Steps of one counting at most; a step is a slot or a whole day. Never met by a clock that is right within decades.
const COUNT_STEPS: u32 = 500_000;

/// A five-field cron pattern in an IANA time zone.
#[derive(Debug, Clone, PartialEq)]
pub struct Schedule {
    pattern: String,
    zone: Tz,
    cron: Cron,
    /// The pattern is of every hour, and so an interval.
    interval: bool,
    /// Local times that the pattern names on a day that it matches.
    per_day: u64,
    /// The first of them.
    first_of_day: NaiveTime,
}

/// What is wrong with a schedule.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum ScheduleError {
    /// Not five fields.
    #[error(
        "{pattern:?} is not five fields but {found}; write minute, hour, day of month, month, day of week, such as \
         \"0 6 * * MON\" (Mondays at 06:00)"
    )]
    Fields {
        /// What stands there.
        pattern: String,
        /// How many fields it has.
        found: usize,
    },
    /// A field that means nothing.
    #[error(
        "{pattern:?} is not a schedule: {field}: {reason}; write minute, hour, day of month, month, day of week, such as \
         \"0 6 * * MON\" (Mondays at 06:00) or \"30 5 1 */3 *\" (05:30 on the first day of each quarter)"
    )]
    Pattern {
        /// What stands there.
        pattern: String,
        /// The name of the field.
        field: &'static str,
        /// What the parser says.
        reason: String,
    },
    /// A date that no year has.
    #[error(
        "{pattern:?} never comes: no year has such a day; for the last day of a month write L as the day"
    )]
    Never {
        /// What stands there.
        pattern: String,
    },
    /// Not a time zone.
    #[error("there is no time zone {zone:?}; {}", mend_zone(nearest.as_deref()))]
    Zone {
        /// What stands there.
        zone: String,
        /// The IANA name that is most like it.
        nearest: Option<String>,
    },
}

impl Schedule {
    /// Parses a pattern (minute, hour, day of month, month, day of week; with lists, ranges, steps, names, `L`, `W`, `#`) and
    /// the IANA name of its zone. Where both days are restricted, either is enough, as in every cron.
    pub fn parse(pattern: &str, zone: &str) -> Result<Self, ScheduleError> {
        let zone = zone
            .parse()
            .map_err(|_| ScheduleError::Zone { zone: zone.to_owned(), nearest: nearest(zone) })?;
        let fields: Vec<&str> = pattern.split_whitespace().collect();
        let pattern = fields.join(" ");
        if fields.len() != 5 {
            return Err(ScheduleError::Fields { pattern, found: fields.len() });
        }
        let parser = CronParser::builder().seconds(Seconds::Disallowed).year(Year::Disallowed).build();
        let cron = parser.parse(&pattern).map_err(|error| {
            // The parser does not say where: the field is at fault that fails among stars.
            let alone = |at: usize| {
                (0..5).map(|other| if other == at { fields[at] } else { "*" }).collect::<Vec<_>>().join(" ")
            };
            let at = (0..5).find(|at| parser.parse(&alone(*at)).is_err());
            ScheduleError::Pattern {
                pattern: pattern.clone(),
                field: at.map_or("the fields together", |at| FIELDS[at]),
                reason: plain(error),
            }
        })?;
        let (hours, minutes) = (cron.pattern.hours.values(), cron.pattern.minutes.values());
        let first = |values: &[u16]| values.first().copied().unwrap_or_default().into();
        let schedule = Self {
            zone,
            interval: hours.len() == 24,
            per_day: (hours.len() * minutes.len()) as u64,
            first_of_day: NaiveTime::from_hms_opt(first(&hours), first(&minutes), 0)
                .unwrap_or(NaiveTime::MIN),
            pattern,
            cron,
        };
        // Where the search begins does not matter: the calendar repeats itself, and the search goes through all of it.
        match schedule.next_local(NaiveDate::default().and_time(NaiveTime::MIN), true) {
            Some(_) => Ok(schedule),
            None => Err(ScheduleError::Never { pattern: schedule.pattern }),
        }
    }

    /// The pattern as it was written, with single spaces.
    pub fn pattern(&self) -> &str {
        &self.pattern
    }

    /// The time zone.
    pub fn zone(&self) -> Tz {
        self.zone
    }

    /// What a changed schedule is told by: two schedules with one definition have the same slots.
    pub fn definition(&self) -> String {
        format!("{} {}", self.pattern.to_ascii_uppercase(), self.zone.name())
    }

    /// The first slot after an instant; none where the calendar ends.
    pub fn next_after(&self, after: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let here = self.local(after)?;
        let (mut from, mut inclusive) = (here, false);
        if self.interval
            && let MappedLocalTime::Ambiguous(one, other) = self.zone.from_local_datetime(&here)
        {
            // In the first pass of a repeated hour, its earlier local times come once more.
            from = here.checked_sub_signed((other - one).abs())?;
            inclusive = true;
        }
        let mut next = None;
        // The first pass of local times never goes back, so that nothing can come before one that is ahead.
        loop {
            let Some(local) = self.next_local(from, inclusive) else { return next };
            let (first, second) = self.instants(local);
            next = [next, first, second].into_iter().flatten().filter(|instant| *instant > after).min();
            if first.is_some_and(|first| first > after) {
                return next;
            }
            (from, inclusive) = (local, false);
        }
    }

    /// Everything that a schedule does and its author may not expect, from this instant on, in sentences.
    pub fn warnings(&self, from: DateTime<Utc>) -> Vec<String> {
        warnings::warnings(self, from)
    }

    /// The newest slot after one instant and not after another.
    fn newest(&self, after: DateTime<Utc>, until: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let next = |at| self.next_after(at).filter(|slot| *slot <= until);
        let mut newest = next(after)?;
        // The newest slot is `newest` or in `newest..edge`; near the end first, then by halves.
        let mut edge = until;
        let mut reach = TimeDelta::minutes(1);
        while edge - newest > TimeDelta::seconds(1) {
            let middle = newest + (edge - newest) / 2;
            let probe = until.checked_sub_signed(reach).map_or(middle, |near| near.max(middle));
            match next(probe) {
                Some(slot) => newest = slot,
                None => edge = probe,
            }
            reach = reach.checked_mul(2).unwrap_or(TimeDelta::MAX);
        }
        // The last second that was not halved may hold one more.
        next(newest).unwrap_or(newest).into()
    }

    /// How many slots are after one instant and not after another.
    fn count(&self, after: DateTime<Utc>, until: DateTime<Utc>) -> u64 {
        let (mut counted, mut at) = (0, after);
        for _ in 0..COUNT_STEPS {
            let Some(slot) = self.next_after(at).filter(|slot| *slot <= until) else { break };
            if let Some(end) = self.plain_day(slot).filter(|end| *end <= until) {
                counted += self.per_day;
                at = end - TimeDelta::nanoseconds(1);
            } else {
                counted += 1;
                at = slot;
            }
        }
        counted
    }

    /// The end of a slot's local day, if the slot is its first and the clock does not change in it.
    fn plain_day(&self, slot: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let local = self.local(slot)?;
        if local.time() != self.first_of_day {
            return None;
        }
        let midnight =
            |date: NaiveDate| self.zone.from_local_datetime(&date.and_time(NaiveTime::MIN)).single();
        let (start, end) = (midnight(local.date())?, midnight(local.date().succ_opt()?)?);
        (end - start == TimeDelta::days(1)).then(|| end.to_utc())
    }

    /// The next local time of the pattern, in a calendar without a zone.
    fn next_local(&self, from: NaiveDateTime, inclusive: bool) -> Option<NaiveDateTime> {
        // Slots are whole minutes; croner would go there by seconds.
        let minute = from.with_second(0)?.with_nanosecond(0)?;
        let from = if inclusive && minute == from {
            from
        } else {
            minute.checked_add_signed(TimeDelta::minutes(1))?
        };
        // The one error of a search is that its end was met.
        self.cron.find_next_occurrence(&from, true).ok()
    }

    /// What a local time of the pattern means: its first instant, and for an interval its second one.
    fn instants(&self, local: NaiveDateTime) -> (Option<DateTime<Utc>>, Option<DateTime<Utc>>) {
        match self.zone.from_local_datetime(&local) {
            MappedLocalTime::Single(instant) => (Some(instant.to_utc()), None),
            MappedLocalTime::Ambiguous(one, other) => {
                let (one, other) = (one.to_utc(), other.to_utc());
                (Some(one.min(other)), self.interval.then_some(one.max(other)))
            }
            MappedLocalTime::None if self.interval => (None, None),
            MappedLocalTime::None => (self.after_gap(local), None),
        }
    }

    /// The first instant after the gap that a local time lies in.
    fn after_gap(&self, local: NaiveDateTime) -> Option<DateTime<Utc>> {
        GapInfo::new(&local, &self.zone)?.end.map(|end| end.to_utc())
    }

    /// The local time of an instant, in whole seconds.
    fn local(&self, instant: DateTime<Utc>) -> Option<NaiveDateTime> {
        let utc = DateTime::from_timestamp(instant.timestamp(), 0)?.naive_utc();
        utc.checked_add_offset(self.zone.offset_from_utc_datetime(&utc).fix())
    }
}

/// The parser's words without its name for the kind of error.
fn plain(error: CronError) -> String {
    let reason = match error {
        CronError::ComponentError(reason)
        | CronError::IllegalCharacters(reason)
        | CronError::InvalidPattern(reason) => reason,
        error => error.to_string(),
    };
    reason.trim_end_matches('.').to_owned()
}

/// The zone whose name, or whose city, is most like this one.
fn nearest(zone: &str) -> Option<String> {
    let wanted = zone.trim().replace(' ', "_").to_lowercase();
    let likeness = |name: &str| {
        let name = name.to_lowercase();
        let city = name.rsplit('/').next().unwrap_or_default();
        strsim::jaro_winkler(&wanted, &name).max(strsim::jaro_winkler(&wanted, city))
    };
    let likenesses = TZ_VARIANTS.iter().map(|zone| (likeness(zone.name()), zone.name()));
    // Of equals, the longer name is the one with its continent.
    let (best, name) = likenesses.max_by(|(a, one), (b, other)| {
        a.total_cmp(b).then_with(|| (one.len(), Reverse(one)).cmp(&(other.len(), Reverse(other))))
    })?;
    (best >= SIMILAR).then(|| name.to_owned())
}

fn mend_zone(nearest: Option<&str>) -> String {
    match nearest {
        Some(name) => format!("did you mean {name:?}?"),
        None => "write an IANA name, such as \"Europe/Berlin\"".to_owned(),
    }
}
