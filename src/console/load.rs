//! How many calls may be in flight: between 1 and the configured maximum, by what the console shows of its load.
//!
//! Starts at 4 and doubles with each round trip up to the maximum. An overload (429, 503, no answer in time, a broken
//! connection) halves the window, and calls of one kind that became much slower than they were take a third from it; after
//! that it grows by one a round trip. A window is cut once for all the calls that were in flight together.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::Instant;

const START: usize = 4;
/// Calls of a kind after a cut before their latency is judged: fewer would judge an outlier.
const SAMPLES: u32 = 8;
/// Slow is three times the best plus this; below it, nobody suffers and jitter lives.
const TOLERANCE: Duration = Duration::from_millis(250);
const OVERLOAD_CUT: f64 = 0.5;
const SLOW_CUT: f64 = 0.7;

/// What a finished call shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// The console answered.
    Answered,
    /// The console could not keep up.
    Overloaded,
    /// Nothing: the call was dropped, or failed for a reason of its own.
    Unknown,
}

/// Calls whose latencies can be compared: the endpoint and the rows asked for.
pub(super) type Kind = (&'static str, u64);

pub(super) struct Load {
    slots: Semaphore,
    max: usize,
    origin: Instant,
    /// Nanoseconds after `origin`; no call is sent before.
    paused_until: AtomicU64,
    window: Mutex<Window>,
}

struct Window {
    size: f64,
    /// Below this the window grows by one for each answer, above it by one for each round trip.
    threshold: f64,
    /// Permits in existence, held or free; follows `size`.
    permits: usize,
    cut_at: Option<Instant>,
    /// Answers to calls sent since then.
    answers: u32,
    latencies: Vec<(Kind, Latency)>,
}

#[derive(Default)]
struct Latency {
    /// The best seen, in seconds.
    best: f64,
    /// Moving average since the last cut, in seconds.
    recent: f64,
    samples: u32,
    /// What `recent` was when it last led to a cut, in a row of cuts.
    before_cut: Option<f64>,
}

/// The right to have one call in flight. Cancelling the call gives it back.
pub(super) struct Slot<'a> {
    load: &'a Load,
    permit: Option<SemaphorePermit<'a>>,
    kind: Kind,
    started: Instant,
    outcome: Outcome,
}

impl Load {
    pub(super) fn new(max: usize) -> Self {
        let start = START.min(max);
        let window = Window {
            size: as_f64(start),
            threshold: as_f64(max),
            permits: start,
            cut_at: None,
            answers: 0,
            latencies: Vec::new(),
        };
        Self {
            slots: Semaphore::new(start),
            max,
            origin: Instant::now(),
            paused_until: AtomicU64::new(0),
            window: Mutex::new(window),
        }
    }

    /// Waits for a slot, first come first served, and for the end of a pause.
    pub(super) async fn acquire(&self, kind: Kind) -> Slot<'_> {
        // The semaphore is never closed; without a permit the call would go uncounted, not wrong.
        let permit = self.slots.acquire().await.ok();
        self.started(permit, kind).await
    }

    /// Waits for the end of a pause only, beside the queue: for a probe, which all that queue wait for.
    pub(super) async fn bypass(&self, kind: Kind) -> Slot<'_> {
        self.started(None, kind).await
    }

    async fn started<'a>(&'a self, permit: Option<SemaphorePermit<'a>>, kind: Kind) -> Slot<'a> {
        loop {
            let now = Instant::now();
            let until = self.origin + Duration::from_nanos(self.paused_until.load(Ordering::Acquire));
            if until <= now {
                return Slot { load: self, permit, kind, started: now, outcome: Outcome::Unknown };
            }
            tokio::time::sleep_until(until).await;
        }
    }

    /// Holds back every call for that long.
    pub(super) fn pause(&self, duration: Duration) {
        let until = self.origin.elapsed().saturating_add(duration).as_nanos();
        self.paused_until.fetch_max(u64::try_from(until).unwrap_or(u64::MAX), Ordering::AcqRel);
    }

    fn release(&self, slot: &mut Slot<'_>) {
        let Some(permit) = slot.permit.take() else { return };
        let mut window = self.window.lock().unwrap_or_else(PoisonError::into_inner);
        let in_flight = window.permits.saturating_sub(self.slots.available_permits());
        window.learn(slot, in_flight, self.max);
        let target = as_usize(window.size);
        if window.permits > target {
            window.permits -= 1;
            permit.forget();
        } else {
            self.slots.add_permits(target - window.permits);
            window.permits = target;
        }
    }
}

impl Slot<'_> {
    pub(super) fn finish(mut self, outcome: Outcome) {
        self.outcome = outcome;
    }
}

impl Drop for Slot<'_> {
    fn drop(&mut self) {
        self.load.release(self);
    }
}

impl Window {
    fn learn(&mut self, slot: &Slot<'_>, in_flight: usize, max: usize) {
        let became_slow = match slot.outcome {
            Outcome::Unknown => return,
            Outcome::Overloaded => return self.cut(slot.started, OVERLOAD_CUT),
            Outcome::Answered => self.observe(slot.kind, slot.started),
        };
        if became_slow {
            self.cut(slot.started, SLOW_CUT);
            return;
        }
        if self.cut_at.is_none_or(|cut| slot.started >= cut) {
            self.answers = self.answers.saturating_add(1);
        }
        // A window that is not full says nothing about a larger one, and one that was just cut has yet to show its effect.
        if in_flight >= as_usize(self.size) && (self.cut_at.is_none() || self.answers > SAMPLES) {
            self.size += if self.size < self.threshold { 1.0 } else { self.size.recip() };
            self.size = self.size.min(as_f64(max));
        }
    }

    /// Whether calls of this kind have become slow, and by what we do.
    fn observe(&mut self, kind: Kind, started: Instant) -> bool {
        let seconds = started.elapsed().as_secs_f64();
        let at = self.latencies.iter().position(|(known, _)| *known == kind).unwrap_or_else(|| {
            self.latencies.push((kind, Latency { best: seconds, ..Latency::default() }));
            self.latencies.len() - 1
        });
        let latency = &mut self.latencies[at].1;
        latency.best = latency.best.min(seconds);
        if self.cut_at.is_some_and(|cut| started < cut) {
            return false;
        }
        latency.recent =
            if latency.samples == 0 { seconds } else { latency.recent * 0.875 + seconds * 0.125 };
        latency.samples = latency.samples.saturating_add(1);
        if latency.samples < SAMPLES {
            return false;
        }
        if latency.recent <= 3.0 * latency.best + TOLERANCE.as_secs_f64() {
            latency.before_cut = None;
            return false;
        }
        match latency.before_cut {
            // The average that led to the first cut was still on its way up, and is nothing to compare with.
            None => latency.before_cut = Some(f64::INFINITY),
            // The last cut changed nothing: this is how the console is now, not what we do to it.
            Some(before) if latency.recent > 0.9 * before => {
                latency.best = latency.recent;
                latency.before_cut = None;
                return false;
            }
            Some(_) => latency.before_cut = Some(latency.recent),
        }
        true
    }

    fn cut(&mut self, started: Instant, factor: f64) {
        if self.cut_at.is_some_and(|at| started < at) {
            return;
        }
        self.size = (self.size * factor).max(1.0);
        self.threshold = self.size;
        self.cut_at = Some(Instant::now());
        self.answers = 0;
        for (_, latency) in &mut self.latencies {
            latency.samples = 0;
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "a handful of connections, far below 2^52")]
fn as_f64(count: usize) -> f64 {
    count as f64
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a window is at least 1 and at most max"
)]
fn as_usize(size: f64) -> usize {
    size as usize
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::AtomicUsize;

    use super::*;

    const KIND: Kind = ("/api/3/users/{id}/sites", 0);

    impl Load {
        fn size(&self) -> usize {
            as_usize(self.window.lock().unwrap().size)
        }
    }

    /// Keeps `callers` busy for `rounds` calls each; `serve` gives the latency and the outcome for the number in flight.
    async fn drive(
        load: &Arc<Load>,
        callers: usize,
        rounds: usize,
        serve: fn(usize) -> (Duration, Outcome),
    ) -> usize {
        let in_flight = Arc::new(AtomicUsize::new(0));
        let most = Arc::new(AtomicUsize::new(0));
        let mut tasks = tokio::task::JoinSet::new();
        for _ in 0..callers {
            let (load, in_flight, most) = (load.clone(), in_flight.clone(), most.clone());
            tasks.spawn(async move {
                for _ in 0..rounds {
                    let slot = load.acquire(KIND).await;
                    let now = in_flight.fetch_add(1, Ordering::SeqCst) + 1;
                    most.fetch_max(now, Ordering::SeqCst);
                    let (latency, outcome) = serve(now);
                    tokio::time::sleep(latency).await;
                    in_flight.fetch_sub(1, Ordering::SeqCst);
                    slot.finish(outcome);
                }
            });
        }
        tasks.join_all().await;
        most.load(Ordering::SeqCst)
    }

    fn steady(_: usize) -> (Duration, Outcome) {
        (Duration::from_millis(20), Outcome::Answered)
    }

    #[tokio::test(start_paused = true)]
    async fn reaches_the_maximum_in_three_round_trips_and_stays() {
        let load = Arc::new(Load::new(16));
        let began = Instant::now();
        drive(&load, 32, 2, steady).await;
        // 64 calls: 4, then 8, then 16 + 16 + 16 + 4.
        assert_eq!(began.elapsed().as_millis() / 20, 6);
        assert_eq!(load.size(), 16);
        assert_eq!(drive(&load, 32, 20, steady).await, 16);
        assert_eq!(load.size(), 16);
    }

    #[tokio::test(start_paused = true)]
    async fn never_passes_the_maximum() {
        for max in [1, 2, 4, 7] {
            let load = Arc::new(Load::new(max));
            assert_eq!(drive(&load, 40, 10, steady).await, max);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn jitter_is_not_congestion() {
        fastrand::seed(11);
        let load = Arc::new(Load::new(16));
        let jittery = |_| (Duration::from_millis(5 + fastrand::u64(0..150)), Outcome::Answered);
        drive(&load, 32, 60, jittery).await;
        assert_eq!(load.size(), 16);
    }

    #[tokio::test(start_paused = true)]
    async fn backs_off_when_the_console_slows_under_load() {
        let load = Arc::new(Load::new(16));
        drive(&load, 4, 4, steady).await;
        // Serves four at a time; what is more waits in its queue.
        let queueing = |now: usize| {
            (
                Duration::from_millis(if now <= 4 { 20 } else { 20 + 200 * (now as u64 - 4) }),
                Outcome::Answered,
            )
        };
        drive(&load, 32, 40, queueing).await;
        assert!((1..=8).contains(&load.size()), "{}", load.size());
    }

    #[tokio::test(start_paused = true)]
    async fn a_console_that_is_slow_for_good_is_not_called_one_by_one_for_ever() {
        let load = Arc::new(Load::new(8));
        drive(&load, 16, 10, steady).await;
        drive(&load, 16, 100, |_| (Duration::from_secs(2), Outcome::Answered)).await;
        assert_eq!(load.size(), 8);
    }

    #[tokio::test(start_paused = true)]
    async fn overload_halves_once_for_calls_in_flight_together_and_growth_is_slow() {
        let load = Arc::new(Load::new(16));
        drive(&load, 32, 10, steady).await;
        let together: Vec<_> = futures_util::future::join_all((0..16).map(|_| load.acquire(KIND))).await;
        tokio::time::advance(Duration::from_millis(20)).await;
        for slot in together {
            slot.finish(Outcome::Overloaded);
        }
        assert_eq!(load.size(), 8);
        assert_eq!(drive(&load, 32, 1, steady).await, 8, "none before the cut has shown its effect");
        assert_eq!(drive(&load, 32, 2, steady).await, 13, "then one more with each round trip");
    }

    #[tokio::test(start_paused = true)]
    async fn goes_down_to_one_and_recovers() {
        let load = Arc::new(Load::new(16));
        drive(&load, 16, 10, |_| (Duration::from_millis(20), Outcome::Overloaded)).await;
        assert_eq!(load.size(), 1);
        assert_eq!(drive(&load, 3, 6, steady).await, 3);
        drive(&load, 32, 40, steady).await;
        assert_eq!(load.size(), 16);
    }

    #[tokio::test(start_paused = true)]
    async fn a_cancelled_call_gives_its_slot_back() {
        let load = Load::new(1);
        for _ in 0..3 {
            let waiting = async {
                let _slot = load.acquire(KIND).await;
                std::future::pending::<()>().await;
            };
            assert!(tokio::time::timeout(Duration::from_millis(1), waiting).await.is_err());
        }
        load.acquire(KIND).await.finish(Outcome::Answered);
    }

    #[tokio::test(start_paused = true)]
    async fn a_pause_holds_everyone() {
        let load = Load::new(4);
        let began = Instant::now();
        load.pause(Duration::from_secs(7));
        load.pause(Duration::from_secs(3));
        futures_util::future::join_all((0..4).map(|_| load.acquire(KIND))).await;
        assert!(began.elapsed() >= Duration::from_secs(7));
        assert!(began.elapsed() < Duration::from_millis(7100));
    }

    #[tokio::test(start_paused = true)]
    async fn first_come_first_served() {
        let load = Arc::new(Load::new(1));
        let held = load.acquire(KIND).await;
        let order = Arc::new(Mutex::new(Vec::new()));
        let mut tasks = tokio::task::JoinSet::new();
        for caller in 0..8 {
            let (load, order) = (load.clone(), order.clone());
            tasks.spawn(async move {
                let slot = load.acquire(KIND).await;
                order.lock().unwrap().push(caller);
                slot.finish(Outcome::Answered);
            });
            tokio::task::yield_now().await;
        }
        held.finish(Outcome::Answered);
        tasks.join_all().await;
        assert_eq!(*order.lock().unwrap(), (0..8).collect::<Vec<_>>());
    }
}
