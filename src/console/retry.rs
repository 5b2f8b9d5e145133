//! When to try a read again: delays, and a budget that keeps a console that is down from being called on and on.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use reqwest::header::{HeaderMap, RETRY_AFTER};

/// How often, how long and how much to try again. Only reads are; a change is sent once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retry {
    /// Requests for one call, the first included.
    pub attempts: u32,
    /// The bound of the first delay; it doubles for each further one. The delay itself is drawn between 0 and its bound.
    pub base: Duration,
    /// The bound that is not passed.
    pub cap: Duration,
    /// The longest `Retry-After` that is honoured as it stands; a longer one is cut to it.
    pub retry_after_cap: Duration,
    /// Retries that a client may always spend.
    pub budget_floor: u64,
    /// Retries that it may spend in all, in percent of its calls so far, where that is more.
    pub budget_percent: u64,
}

impl Default for Retry {
    fn default() -> Self {
        Self {
            attempts: 4,
            base: Duration::from_millis(250),
            cap: Duration::from_secs(30),
            retry_after_cap: Duration::from_mins(2),
            budget_floor: 20,
            budget_percent: 10,
        }
    }
}

impl Retry {
    /// The delay after the given number of failed attempts: full jitter, so that calls that failed together part.
    pub(super) fn delay(&self, failed: u32) -> Duration {
        self.bound(failed).mul_f64(fastrand::f64())
    }

    fn bound(&self, failed: u32) -> Duration {
        self.base.saturating_mul(1 << failed.saturating_sub(1).min(20)).min(self.cap)
    }
}

/// What a client may still spend on retries.
#[derive(Default)]
pub(super) struct Budget {
    calls: AtomicU64,
    retries: AtomicU64,
}

impl Budget {
    /// Counts a call that is made for the first time.
    pub(super) fn earn(&self) {
        self.calls.fetch_add(1, Ordering::Relaxed);
    }

    /// Takes one retry; `false` if none is left.
    pub(super) fn spend(&self, retry: &Retry) -> bool {
        let share = self.calls.load(Ordering::Relaxed) * retry.budget_percent / 100;
        let allowed = share.max(retry.budget_floor);
        let take = |spent| (spent < allowed).then_some(spent + 1);
        self.retries.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).is_ok()
    }

    pub(super) fn spent(&self) -> u64 {
        self.retries.load(Ordering::Relaxed)
    }
}

/// What `Retry-After` asks for, where it is a number of seconds. Its other form, a date, would need a clock that agrees
/// with the console's; the usual delay stands in for it.
pub(super) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok().map(Duration::from_secs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_double_up_to_the_cap() {
        let retry = Retry::default();
        let bounds: Vec<_> = (1..=9).map(|failed| retry.bound(failed).as_millis()).collect();
        assert_eq!(bounds, [250, 500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]);
        assert_eq!(retry.bound(u32::MAX), retry.cap);
    }

    #[test]
    fn a_thousand_clients_do_not_come_back_together() {
        fastrand::seed(7);
        let retry = Retry { base: Duration::from_secs(30), ..Retry::default() };
        let mut seconds = [0_u32; 30];
        for _ in 0..1000 {
            seconds[usize::try_from(retry.delay(1).as_secs()).unwrap()] += 1;
        }
        assert!(seconds.iter().all(|&count| count <= 3 * 1000 / 30), "{seconds:?}");
    }

    #[test]
    fn the_budget_is_the_floor_or_a_share_of_the_calls() {
        let retry = Retry::default();
        let budget = Budget::default();
        assert_eq!((0..100).filter(|_| budget.spend(&retry)).count(), 20);
        (0..400).for_each(|_| budget.earn());
        assert_eq!((0..100).filter(|_| budget.spend(&retry)).count(), 20, "40 in all for 400 calls");
        assert_eq!(budget.spent(), 40);
    }

    #[test]
    fn reads_seconds_and_leaves_dates() {
        let after =
            |value: &'static str| retry_after(&[(RETRY_AFTER, value.parse().unwrap())].into_iter().collect());
        assert_eq!(after("5000"), Some(Duration::from_secs(5000)));
        assert_eq!(after(" 7 "), Some(Duration::from_secs(7)));
        for odd in ["Wed, 21 Oct 2026 07:28:00 GMT", "-1", "1.5", "soon", "99999999999999999999"] {
            assert_eq!(after(odd), None, "{odd}");
        }
    }
}
