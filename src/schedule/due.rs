//! Which slots are due, and what becomes of those that were missed.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::{EARLIEST, Schedule};

/// A slot is on time until this long after it. The loop beats every second; a machine that is that far behind was off or asleep,
/// not busy.
pub const GRACE: TimeDelta = TimeDelta::minutes(5);

/// Slots that one catch-up claims at most.
pub const CAP: usize = 12;

/// What becomes of slots that came while nobody was there to run them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CatchUp {
    /// One run for all of them: the newest slot stands for the earlier ones.
    #[default]
    Latest,
    /// A run for each, the newest twelve at most; the first of these stands for the earlier ones.
    All,
    /// None; only a slot that is on time runs.
    Skip,
}

/// What is due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due {
    /// The slots to claim, oldest first.
    pub slots: Vec<DueSlot>,
    /// The newest slot that was considered, claimed or not; the old mark if there was none. Slots count only after it.
    pub mark: DateTime<Utc>,
}

/// A slot to claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DueSlot {
    /// Its nominal time.
    pub slot: DateTime<Utc>,
    /// How many earlier slots it stands for.
    pub collapsed: u64,
}

/// The slots after the mark that have come by now.
///
/// Nothing is due while the clock cannot be right, nor before [`EARLIEST`]; a clock that went back behind the mark makes nothing
/// due either. Several slots that are on time together are one run under `latest` and `skip`.
///
/// Years of minutes are told in milliseconds: the newest slots are found by halving the time, and whole days without a change of
/// the clock are counted at once.
pub fn due(schedule: &Schedule, mark: DateTime<Utc>, now: DateTime<Utc>, policy: CatchUp) -> Due {
    // With it, a clock that cannot be right has no slot behind it.
    let after = mark.max(EARLIEST);
    let Some(newest) = schedule.newest(after, now) else { return Due { slots: Vec::new(), mark } };
    let standing_for_all_since =
        |after, slot| DueSlot { slot, collapsed: schedule.count(after, slot).saturating_sub(1) };
    let slots = match policy {
        CatchUp::Latest => vec![standing_for_all_since(after, newest)],
        CatchUp::All => {
            let mut slots = vec![DueSlot { slot: newest, collapsed: 0 }];
            let mut first = newest;
            while slots.len() < CAP
                && let Some(slot) = schedule.newest(after, first - TimeDelta::nanoseconds(1))
            {
                first = slot;
                slots.push(DueSlot { slot, collapsed: 0 });
            }
            slots.pop();
            slots.push(standing_for_all_since(after, first));
            slots.reverse();
            slots
        }
        CatchUp::Skip if now.signed_duration_since(newest) > GRACE => Vec::new(),
        CatchUp::Skip => {
            let on_time = after.max(now - GRACE - TimeDelta::nanoseconds(1));
            vec![standing_for_all_since(on_time, newest)]
        }
    };
    Due { slots, mark: newest }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn daily() -> Schedule {
        Schedule::parse("0 6 * * *", "UTC").unwrap()
    }

    #[test]
    fn a_slot_is_due_from_its_instant_and_once() {
        let mark = at("2026-11-22T06:00:00Z");
        for policy in [CatchUp::Latest, CatchUp::All, CatchUp::Skip] {
            let early = due(&daily(), mark, at("2026-11-23T05:59:59.999Z"), policy);
            assert_eq!(early, Due { slots: vec![], mark }, "{policy:?}");
            let slot = at("2026-11-23T06:00:00Z");
            let on_time = due(&daily(), mark, slot, policy);
            assert_eq!(
                on_time,
                Due { slots: vec![DueSlot { slot, collapsed: 0 }], mark: slot },
                "{policy:?}"
            );
            assert_eq!(due(&daily(), slot, slot, policy).slots, [], "{policy:?}");
        }
    }

    #[test]
    fn a_slot_is_on_time_for_five_minutes() {
        let mark = at("2026-11-20T06:00:00Z");
        let slot = at("2026-11-23T06:00:00Z");
        let last = due(&daily(), mark, slot + GRACE, CatchUp::Skip);
        assert_eq!(last, Due { slots: vec![DueSlot { slot, collapsed: 0 }], mark: slot });
        let late = due(&daily(), mark, slot + GRACE + TimeDelta::nanoseconds(1), CatchUp::Skip);
        assert_eq!(late, Due { slots: vec![], mark: slot }, "the mark moves on, so that the slot never runs");
    }

    #[test]
    fn slots_that_are_on_time_together_are_one_run() {
        let minutely = Schedule::parse("* * * * *", "UTC").unwrap();
        let due = due(&minutely, at("2026-11-23T06:00:00Z"), at("2026-11-23T06:20:30Z"), CatchUp::Skip);
        // 06:16 to 06:20; the earlier ones are dropped, and nobody stands for them.
        assert_eq!(due.slots, [DueSlot { slot: at("2026-11-23T06:20:00Z"), collapsed: 4 }]);
    }

    #[test]
    fn a_clock_that_goes_back_or_cannot_be_right_makes_nothing_due() {
        let mark = at("2026-11-23T06:00:00Z");
        for now in ["2026-11-23T05:00:00Z", "2026-01-02T00:00:00Z", "1970-01-01T07:00:00Z"] {
            assert_eq!(due(&daily(), mark, at(now), CatchUp::All), Due { slots: vec![], mark }, "{now}");
        }
        let unset = at("1970-01-01T00:00:00Z");
        assert_eq!(due(&daily(), unset, at("1980-01-01T00:00:00Z"), CatchUp::All).slots, []);
        let counted = due(&daily(), unset, at("2026-01-03T12:00:00Z"), CatchUp::Latest);
        assert_eq!(counted.slots, [DueSlot { slot: at("2026-01-03T06:00:00Z"), collapsed: 2 }]);
    }

    #[test]
    fn the_policies_are_read_in_lower_case() {
        for (policy, name) in [(CatchUp::Latest, "latest"), (CatchUp::All, "all"), (CatchUp::Skip, "skip")] {
            assert_eq!(serde_json::to_value(policy).unwrap(), name);
            assert_eq!(serde_json::from_value::<CatchUp>(name.into()).unwrap(), policy);
        }
        assert_eq!(CatchUp::default(), CatchUp::Latest);
    }
}
