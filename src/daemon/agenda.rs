//! What is to be done when: slots become claimed runs, claimed runs become attempts, attempts become reports or alarms.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::FutureExt;
use tokio::time::{Instant, timeout};

use super::{Daemon, Ended, Event, Interrupted, Trouble};
use crate::crash;
use crate::job::{Plan, PlannedJob, RunError, alarms, perform};
use crate::review::{Scheduled, scheduled_run_id};
use crate::schedule;
use crate::store::{Claim, StoreError};

/// Attempts at one run; the next slot is as good as a fourth one.
const ATTEMPTS: u32 = 3;
/// The waits before the second and the third attempt.
const WAITS: [TimeDelta; 2] = [TimeDelta::minutes(5), TimeDelta::minutes(15)];
/// The wait after the store failed at the end of a run.
const STORE_WAIT: TimeDelta = TimeDelta::minutes(1);
/// How long an attempt may take: a console that answers, but ever so slowly, must not keep its job for ever.
const LONGEST_RUN: Duration = Duration::from_hours(12);
/// Free bytes below which no run is started: a report that cannot be written helps nobody.
const SPACE: u64 = 50_000_000;

/// A claimed run that waits for its turn.
pub(super) struct Waiting {
    pub(super) job: String,
    pub(super) scheduled: Scheduled,
    pub(super) from: Moment,
    /// It was given up, but the store could not take that down: it is not tried again, only recorded.
    pub(super) given_up: Option<GivenUp>,
}

/// A time by both clocks, of which the first to reach it counts: a machine that slept is late by the wall clock, and a wall
/// clock that was set back must not put anything off.
#[derive(Clone, Copy)]
pub(super) struct Moment {
    wait: TimeDelta,
    wall: DateTime<Utc>,
    monotonic: Instant,
}

impl Moment {
    fn after(wait: TimeDelta, now: DateTime<Utc>) -> Self {
        let monotonic = Instant::now() + wait.to_std().unwrap_or_default();
        Self { wait, wall: now.checked_add_signed(wait).unwrap_or(now), monotonic }
    }

    fn has_come(self, now: DateTime<Utc>) -> bool {
        // Further ahead than it ever was: the clock was set back behind the start of the wait.
        let set_back = self.wall - now > self.wait;
        self.wall <= now || set_back || self.monotonic <= Instant::now()
    }
}

/// Why a run was given up.
pub(super) struct GivenUp {
    attempts: u32,
    error: String,
}

/// A run that is being performed.
pub(super) struct Running {
    consoles: Vec<String>,
    since: Instant,
}

impl Daemon {
    /// Takes up what an earlier daemon left.
    pub(super) async fn resume(&mut self, now: DateTime<Utc>) -> Result<(), StoreError> {
        for run in self.host.store.unfinished().await? {
            let (Some(job), Some(slot)) = (run.job, run.slot) else { continue };
            tracing::info!(run = run.id, job, attempts = run.attempts, "taken up again");
            let scheduled = Scheduled { run: run.id, slot, collapsed: run.collapsed };
            let most = self.plan.job(&job).map(|job| job.table.jitter()).unwrap_or_default();
            let from = start_of(&scheduled, most, now);
            self.waiting.push(Waiting { job, scheduled, from, given_up: None });
        }
        Ok(())
    }

    /// Claims what is due and starts what can start.
    pub(super) async fn attend(&mut self, now: DateTime<Utc>) -> Result<(), Trouble> {
        if !schedule::is_sane(now) {
            return Err(Trouble::Clock(now));
        }
        let plan = self.plan.clone();
        for job in &plan.jobs {
            self.claim(job, now).await?;
        }
        self.drop_unknown(now).await?;
        self.start_waiting(now).await
    }

    /// Claims the slots of a job that have come. While a run of it waits, they wait as well and become one.
    async fn claim(&mut self, job: &PlannedJob, now: DateTime<Utc>) -> Result<(), StoreError> {
        let Some(schedule) = &job.schedule else { return Ok(()) };
        let name = &job.table.name;
        if self.waiting.iter().any(|waiting| waiting.job == *name) {
            return Ok(());
        }
        let store = self.host.store.clone();
        let mut mark = store.mark(name, &schedule.definition(), now).await?;
        if let Some(corrected) = schedule::corrected_mark(mark, now) {
            tracing::warn!(job = name, %mark, %now, "the clock was ahead when the last slot was claimed; going on from now");
            store.set_mark(name, corrected).await?;
            mark = corrected;
        }
        let due = schedule::due(schedule, mark, now, job.table.catch_up);
        if due.mark == mark {
            return Ok(());
        }
        crash::point("slot-due");
        for slot in due.slots {
            let run = scheduled_run_id(store.installation(), name, slot.slot);
            let scheduled = Scheduled { run: run.clone(), slot: slot.slot, collapsed: slot.collapsed };
            // The mark goes no further than this slot: the ones behind it are not claimed yet.
            let claim = Claim {
                run: run.clone(),
                job: name.clone(),
                slot: slot.slot,
                collapsed: slot.collapsed,
                mark: slot.slot,
                now,
            };
            if store.claim(claim).await? {
                crash::point("slot-claimed");
                tracing::info!(run, job = name, slot = %slot.slot, collapsed = slot.collapsed, "slot claimed");
                let from = start_of(&scheduled, job.table.jitter(), now);
                self.waiting.push(Waiting { job: name.clone(), scheduled, from, given_up: None });
            }
        }
        store.set_mark(name, due.mark).await
    }

    /// Fails the waiting runs of jobs that the configuration does not have any more.
    async fn drop_unknown(&mut self, now: DateTime<Utc>) -> Result<(), StoreError> {
        while let Some(at) = self.waiting.iter().position(|waiting| self.plan.job(&waiting.job).is_none()) {
            let run = &self.waiting[at].scheduled.run;
            tracing::warn!(run, job = self.waiting[at].job, "its job is not in the configuration any more");
            let reason = "its job was taken out of the configuration";
            self.host.store.fail(run, reason, Vec::new(), now).await?;
            self.waiting.remove(at);
        }
        Ok(())
    }

    /// Starts every waiting run whose time has come, whose job does not run, and whose consoles are free.
    async fn start_waiting(&mut self, now: DateTime<Utc>) -> Result<(), Trouble> {
        self.waiting.sort_by_key(|waiting| waiting.scheduled.slot);
        let plan = self.plan.clone();
        while let Some(at) = self.waiting.iter().position(|waiting| self.can_start(waiting, now)) {
            let waiting = &self.waiting[at];
            let Some(job) = plan.job(&waiting.job) else { break };
            if waiting.given_up.is_some() {
                let Waiting { scheduled, given_up, .. } = self.waiting.remove(at);
                if let Some(given_up) = given_up {
                    self.fail(job, scheduled, given_up, now).await;
                }
                continue;
            }
            self.check_space()?;
            let attempt = match self.host.store.begin(&waiting.scheduled.run, now).await {
                Ok(attempt) => attempt,
                Err(StoreError::Ended(_)) => {
                    self.waiting.remove(at);
                    continue;
                }
                Err(error) => return Err(error.into()),
            };
            crash::point("attempt-counted");
            let Waiting { scheduled, .. } = self.waiting.remove(at);
            if attempt > ATTEMPTS {
                // The daemon died in each of them, and could say nothing.
                let error = "every attempt ended with the daemon".to_owned();
                self.fail(job, scheduled, GivenUp { attempts: ATTEMPTS, error }, now).await;
            } else {
                self.start(plan.clone(), job.clone(), scheduled, attempt);
            }
        }
        Ok(())
    }

    fn can_start(&self, waiting: &Waiting, now: DateTime<Utc>) -> bool {
        let in_use =
            |console: &String| self.running.values().any(|running| running.consoles.contains(console));
        let free = |job: &PlannedJob| {
            !self.running.contains_key(&job.table.name) && !job.consoles.iter().any(in_use)
        };
        waiting.from.has_come(now) && self.plan.job(&waiting.job).is_some_and(free)
    }

    fn check_space(&self) -> Result<(), Trouble> {
        let home = &self.host.home;
        let found = rustix::fs::statvfs(home).map_err(|error| Trouble::Space(error.to_string()))?;
        let free = found.f_bavail.saturating_mul(found.f_frsize);
        if free < SPACE {
            let problem = format!("{free} bytes are free in {}, {SPACE} are needed", home.display());
            return Err(Trouble::Space(problem));
        }
        Ok(())
    }

    fn start(&mut self, plan: Arc<Plan>, job: PlannedJob, scheduled: Scheduled, attempt: u32) {
        let name = job.table.name.clone();
        tracing::info!(run = scheduled.run, job = name, attempt, "run started");
        let consoles = job.consoles.clone();
        self.running.insert(name.clone(), Running { consoles, since: Instant::now() });
        self.telling.stale = true;
        let (host, events, stop) = (self.host.clone(), self.events.clone(), self.stop.clone());
        self.tasks.spawn(async move {
            let work = AssertUnwindSafe(perform(&host, &plan, &job, scheduled.clone())).catch_unwind();
            let result = tokio::select! {
                () = stop.cancelled() => Err(Interrupted::Stopped),
                result = timeout(LONGEST_RUN, work) => match result {
                    Ok(Ok(result)) => result.map_err(Interrupted::Failed),
                    Ok(Err(panic)) => Err(Interrupted::Failed(RunError::of_panic(&*panic))),
                    Err(_) => Err(Interrupted::Failed(RunError::TooLong(LONGEST_RUN))),
                },
            };
            // Nobody listens only when the process ends.
            drop(events.send(Event::Ended(Ended { job: name, scheduled, attempt, result })).await);
        });
    }

    /// Takes note of an attempt's end: a report, another attempt, or an alarm.
    pub(super) async fn ended(&mut self, ended: Ended) {
        let took = self.running.remove(&ended.job).map(|running| running.since.elapsed());
        let Ended { job, scheduled, attempt, result } = ended;
        let run = &scheduled.run;
        match result {
            Ok(report) => {
                let (findings, waived) = (report.open().count(), report.waived());
                let gaps = report.gaps.len();
                tracing::info!(run, job, verdict = ?report.run.verdict, findings, waived, gaps, "run done");
                self.telling.reported(&job, &report, took.unwrap_or_default());
            }
            Err(Interrupted::Stopped) => {
                tracing::info!(run, job, "run interrupted; it goes on after the next start");
                if let Err(error) = self.host.store.release(run).await {
                    tracing::error!(run, job, "the attempt counts although it was interrupted: {error}");
                }
            }
            Err(Interrupted::Failed(error)) if self.has_ended(run).await => {
                tracing::error!(run, job, "the run has its report, but then: {error}");
                self.telling.stale = true;
            }
            Err(Interrupted::Failed(error)) => {
                let text = error.to_string().replace('\n', "; ");
                tracing::error!(run, job, attempt, "attempt failed: {text}");
                let wait = usize::try_from(attempt - 1).ok().and_then(|done| WAITS.get(done));
                let wait = wait.filter(|_| !error.is_final());
                let given_up =
                    wait.is_none().then(|| GivenUp { attempts: attempt, error: error.in_a_mail() });
                let from = Moment::after(wait.copied().unwrap_or_default(), (self.host.clock)());
                self.waiting.push(Waiting { job, scheduled, from, given_up });
            }
        }
    }

    /// Whether a run is over, whatever its attempt says: then there is nothing to try again.
    async fn has_ended(&self, run: &str) -> bool {
        let found = self.host.store.run(run).await;
        found.is_ok_and(|found| found.iter().any(|found| found.id == run && found.state.is_terminal()))
    }

    /// Gives a run up and alarms its recipients. If the store fails as well, that is tried again.
    async fn fail(&mut self, job: &PlannedJob, scheduled: Scheduled, given_up: GivenUp, now: DateTime<Utc>) {
        let GivenUp { attempts, error } = &given_up;
        let run = &scheduled.run;
        let recorded = async {
            let alarms = match alarms(&self.host, &self.plan, job, &scheduled, *attempts, error).await {
                Err(RunError::Letter(problem)) => {
                    // An alarm that cannot be written must not hide the failure from `recert status`.
                    tracing::error!(run, "nobody is alarmed: {problem}");
                    Vec::new()
                }
                alarms => alarms?,
            };
            Ok::<_, RunError>(self.host.store.fail(run, error, alarms, now).await?)
        };
        match recorded.await {
            Ok(()) => {
                tracing::error!(run, job = job.table.name, attempts, "run failed");
                self.telling.failed(&job.table.name);
            }
            Err(trouble) => {
                tracing::error!(run, "the failure cannot be recorded: {trouble}");
                let (job, from) = (job.table.name.clone(), Moment::after(STORE_WAIT, now));
                self.waiting.push(Waiting { job, scheduled, from, given_up: Some(given_up) });
            }
        }
    }
}

/// When a run may start: at its slot, or later by its jitter.
fn start_of(scheduled: &Scheduled, most: TimeDelta, now: DateTime<Utc>) -> Moment {
    let start = scheduled.slot + schedule::jitter(&scheduled.run, most);
    // A slot that was claimed under another clock is due now.
    let wait = (start - now).clamp(TimeDelta::zero(), most);
    Moment::after(wait, now)
}
