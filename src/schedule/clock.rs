//! What can be believed of a wall clock, and the delay that spreads runs.

use chrono::{DateTime, TimeDelta, Utc};
use sha2::{Digest, Sha256};

/// No clock that is right shows an earlier time: 2026-01-01, before recert existed. A machine without a battery starts
/// in 1970.
pub const EARLIEST: DateTime<Utc> = DateTime::from_timestamp_nanos(1_767_225_600_000_000_000);

/// How far a mark may lie ahead of the clock: a clock that was set to local time by mistake is off by at most 26 hours, from
/// UTC−12 to UTC+14, and comes right by itself.
const AHEAD: TimeDelta = TimeDelta::hours(26);

/// Whether the clock can be right. While it cannot, nothing is due.
pub fn is_sane(now: DateTime<Utc>) -> bool {
    now >= EARLIEST
}

/// The mark to go on with, where the old one was set by a clock that was far ahead: with it the job would not run before that
/// wrong time has come. Slots that were claimed under the wrong clock stay claimed by the store's unique key.
pub fn corrected_mark(mark: DateTime<Utc>, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    (is_sane(now) && mark.signed_duration_since(now) > AHEAD).then_some(now)
}

/// How long after its slot a run starts: from zero to `most`, which it never reaches. Derived from the run's id, so that a
/// restart waits for the same moment.
pub fn jitter(run: &str, most: TimeDelta) -> TimeDelta {
    let digest = Sha256::digest(run);
    let share = digest.iter().take(8).fold(0_u128, |share, byte| share << 8 | u128::from(*byte));
    let most = u128::try_from(most.num_milliseconds()).unwrap_or_default();
    // 64 bits of the digest are a fraction of one.
    let milliseconds = (share * most) >> 64;
    i64::try_from(milliseconds).ok().and_then(TimeDelta::try_milliseconds).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn a_clock_before_2026_is_not_believed() {
        assert_eq!(EARLIEST, at("2026-01-01T00:00:00Z"));
        assert!(!is_sane(at("1970-01-01T00:00:03Z")));
        assert!(!is_sane(at("2025-12-31T23:59:59.999Z")));
        assert!(is_sane(EARLIEST));
    }

    #[test]
    fn a_mark_far_ahead_is_taken_back() {
        let now = at("2026-11-23T10:00:00Z");
        assert_eq!(corrected_mark(at("2026-11-24T12:00:00Z"), now), None, "26 hours");
        assert_eq!(corrected_mark(at("2026-11-24T12:00:01Z"), now), Some(now));
        assert_eq!(corrected_mark(at("2062-01-01T00:00:00Z"), now), Some(now));
        assert_eq!(corrected_mark(at("2020-01-01T00:00:00Z"), now), None, "behind is a catch-up");
        // The clock that is wrong now must not take the mark back to 1970, and all of history with it.
        assert_eq!(corrected_mark(now, at("1970-01-01T00:00:00Z")), None);
    }

    #[test]
    fn the_jitter_of_a_run_is_stable_and_below_its_most() {
        let most = TimeDelta::minutes(10);
        assert_eq!(jitter("run", most), jitter("run", most));
        assert_eq!(jitter("run", TimeDelta::zero()), TimeDelta::zero());
        assert_eq!(jitter("run", TimeDelta::minutes(-1)), TimeDelta::zero());
        assert!(jitter("run", TimeDelta::MAX) < TimeDelta::MAX);
        let mut tenths = [0; 10];
        for run in 0..10_000 {
            let jitter = jitter(&format!("run {run}"), most);
            assert!((TimeDelta::zero()..most).contains(&jitter), "{jitter}");
            tenths[usize::try_from(jitter.num_minutes()).unwrap()] += 1;
        }
        // Even: six standard deviations (30 each) around a thousand.
        assert!(tenths.iter().all(|tenth| (820..1180).contains(tenth)), "{tenths:?}");
    }
}
