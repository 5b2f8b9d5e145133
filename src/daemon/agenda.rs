//! What is to be done when: slots become claimed runs, claimed runs become attempts, attempts become reports or alarms.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::FutureExt;
use tokio::time::Instant;

use super::{Daemon, Ended, Event, Interrupted, Trouble};
use crate::crash;
use crate::job::{Plan, PlannedJob, RunError, alarms, perform};
use crate::review::{Scheduled, scheduled_run_id};
use crate::schedule;
use crate::store::{Claim, StoreError};

/// Attempts at one run; the next slot is as good as a fourth one.
const ATTEMPTS: u32 = 3;
/// The waits before the second and the third attempt, in minutes.
const WAITS: [i64; 2] = [5, 15];
/// The wait after the store failed at the end of a run.
const STORE_WAIT: TimeDelta = TimeDelta::minutes(1);
/// Free bytes below which no run is started: a report that cannot be written helps nobody.
const SPACE: u64 = 50_000_000;

/// A claimed run that waits for its turn.
pub(super) struct Waiting {
    pub(super) job: String,
    pub(super) scheduled: Scheduled,
    pub(super) not_before: DateTime<Utc>,
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
            self.waiting.push(Waiting { job, scheduled, not_before: now });
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
                let start = slot.slot + schedule::jitter(&run, job.table.jitter());
                self.waiting.push(Waiting { job: name.clone(), scheduled, not_before: start });
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
            self.check_space()?;
            let run = self.waiting[at].scheduled.run.clone();
            let attempt = match self.host.store.begin(&run, now).await {
                Ok(attempt) => attempt,
                Err(StoreError::Ended(_)) => {
                    self.waiting.remove(at);
                    continue;
                }
                Err(error) => return Err(error.into()),
            };
            crash::point("attempt-counted");
            let waiting = self.waiting.remove(at);
            let Some(job) = plan.job(&waiting.job) else { continue };
            if attempt > ATTEMPTS {
                // The daemon died in each of them, and could say nothing.
                self.fail(job, waiting.scheduled, ATTEMPTS, "every attempt ended with the daemon", now).await;
            } else {
                self.start(plan.clone(), job.clone(), waiting.scheduled, attempt);
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
        waiting.not_before <= now && self.plan.job(&waiting.job).is_some_and(free)
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
                result = work => match result {
                    Ok(result) => result.map_err(Interrupted::Failed),
                    Err(panic) => Err(Interrupted::Failed(RunError::of_panic(&*panic))),
                },
            };
            // Nobody listens only when the process ends.
            drop(events.send(Event::Ended(Ended { job: name, scheduled, attempt, result })).await);
        });
    }

    /// Takes note of an attempt's end: a report, another attempt, or an alarm.
    pub(super) async fn ended(&mut self, ended: Ended) {
        let took = self.running.remove(&ended.job).map(|running| running.since.elapsed());
        let now = (self.host.clock)();
        let Ended { job, scheduled, attempt, result } = ended;
        let run = &scheduled.run;
        match result {
            Ok(report) => {
                let (findings, gaps) = (report.findings.len(), report.gaps.len());
                tracing::info!(run, job, verdict = ?report.run.verdict, findings, gaps, "run done");
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
                tracing::error!(run, job, attempt, "attempt failed: {error}");
                let wait = usize::try_from(attempt - 1).ok().and_then(|done| WAITS.get(done));
                if let Some(minutes) = wait.filter(|_| !error.is_final()) {
                    let not_before = now + TimeDelta::minutes(*minutes);
                    self.waiting.push(Waiting { job, scheduled, not_before });
                } else if let Some(planned) = self.plan.clone().job(&job) {
                    self.fail(planned, scheduled, attempt, &error.to_string(), now).await;
                } else {
                    // Taken up by `drop_unknown`.
                    self.waiting.push(Waiting { job, scheduled, not_before: now });
                }
            }
        }
    }

    /// Whether a run is over, whatever its attempt says: then there is nothing to try again.
    async fn has_ended(&self, run: &str) -> bool {
        let found = self.host.store.run(run).await;
        found.is_ok_and(|found| found.iter().any(|found| found.id == run && found.state.is_terminal()))
    }

    /// Gives a run up and alarms its recipients. If the store fails as well, it is tried again.
    async fn fail(
        &mut self,
        job: &PlannedJob,
        scheduled: Scheduled,
        attempts: u32,
        error: &str,
        now: DateTime<Utc>,
    ) {
        let failed = async {
            let alarms = alarms(&self.host, &self.plan, job, &scheduled, attempts, error).await?;
            Ok::<_, RunError>(self.host.store.fail(&scheduled.run, error, alarms, now).await?)
        };
        match failed.await {
            Ok(()) => {
                tracing::error!(run = scheduled.run, job = job.table.name, attempts, "run failed");
                self.telling.failed(&job.table.name);
            }
            Err(trouble) => {
                tracing::error!(run = scheduled.run, "the failure cannot be recorded: {trouble}");
                let job = job.table.name.clone();
                self.waiting.push(Waiting { job, scheduled, not_before: now + STORE_WAIT });
            }
        }
    }
}
