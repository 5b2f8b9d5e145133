//! What the daemon tells about itself: to the service manager, to whoever asks over HTTP, and to the log.

use std::mem::Discriminant;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::sync::watch;
use tokio::time::Instant;

use super::{Beat, Daemon, JobVitals, MailResult, Metrics, Notify, OutboxVitals, RunResult, Trouble, Vitals};
use crate::deliver::Posted;
use crate::job::{PlannedJob, Standing, standing};
use crate::report::{Completeness, Report};
use crate::store::{Channel, RunRecord, RunState, StoreError};

/// How often the jobs are looked at although nothing happened: a slot can become overdue by time alone.
const LOOK_AGAIN: Duration = Duration::from_secs(15);

/// Everything that speaks for the daemon.
pub(super) struct Telling {
    pub(super) notify: Notify,
    pub(super) metrics: Arc<Metrics>,
    vitals: watch::Sender<Vitals>,
    /// Something happened since the jobs were looked at.
    pub(super) stale: bool,
    looked: Instant,
    status: String,
    /// What was told last, so that trouble is told when it begins and not every second.
    trouble: Option<(Discriminant<Trouble>, String)>,
}

impl Telling {
    pub(super) fn new(metrics: Metrics) -> Self {
        Self {
            notify: Notify::default(),
            metrics: Arc::new(metrics),
            vitals: watch::Sender::default(),
            stale: true,
            looked: Instant::now(),
            status: String::new(),
            trouble: None,
        }
    }

    pub(super) fn listen(&self) -> watch::Receiver<Vitals> {
        self.vitals.subscribe()
    }

    /// The configuration that counts from now on.
    pub(super) fn ready(&mut self, configuration: &str) {
        self.stale = true;
        self.vitals.send_modify(|vitals| {
            vitals.ready = true;
            configuration.clone_into(&mut vitals.configuration);
        });
        self.notify.ready();
    }

    pub(super) fn reload_failed(&mut self) {
        self.vitals.send_modify(|vitals| vitals.reload_failures += 1);
        self.notify.ready();
    }

    /// The loop went round.
    pub(super) fn beat(&self, wall: DateTime<Utc>) {
        self.notify.ping();
        self.vitals.send_modify(|vitals| vitals.beat = Some(Beat { at: Instant::now(), wall }));
    }

    /// Logs trouble when it begins, and its end: one that lasts is told once, however its numbers change.
    pub(super) fn trouble(&mut self, trouble: Option<&Trouble>) {
        let kind = trouble.map(std::mem::discriminant);
        if kind == self.trouble.as_ref().map(|(kind, _)| *kind) {
            return;
        }
        if let Some(trouble) = trouble {
            tracing::error!("{trouble}");
        } else {
            tracing::info!("working again");
        }
        self.trouble = kind.zip(trouble.map(ToString::to_string));
        self.stale = true;
    }

    pub(super) fn posted(&mut self, channel: Channel, posted: Posted) {
        if posted.total() == 0 {
            return;
        }
        self.stale = true;
        let mails = if channel == Channel::Email { posted } else { Posted::default() };
        for (count, result) in [
            (mails.accepted, MailResult::Accepted),
            (mails.deferred, MailResult::Deferred),
            (mails.refused, MailResult::Refused),
            (mails.ambiguous, MailResult::Ambiguous),
            (mails.expired, MailResult::Expired),
        ] {
            (0..count).for_each(|_| self.metrics.mail(result));
        }
        let lost = posted.refused + posted.expired;
        self.vitals.send_modify(|vitals| vitals.outbox.refused += lost);
        tracing::info!(
            channel = channel.as_str(),
            accepted = posted.accepted,
            deferred = posted.deferred,
            refused = posted.refused,
            ambiguous = posted.ambiguous,
            expired = posted.expired,
            "deliveries"
        );
    }

    /// A run ended with a report.
    pub(super) fn reported(&mut self, job: &str, report: &Report, took: Duration) {
        self.stale = true;
        let result = of_verdict(report.run.verdict);
        let late = report.run.slot.and_then(|slot| (report.run.started - slot).to_std().ok());
        self.metrics.run_ended(job, result, took, late);
        for console in &report.consoles {
            self.metrics.console_calls(&console.name, console.requests, console.waited_ms);
        }
    }

    /// A run ended without one.
    pub(super) fn failed(&mut self, job: &str) {
        self.stale = true;
        self.metrics.run_ended(job, RunResult::Failed, Duration::ZERO, None);
    }

    fn due(&self) -> bool {
        self.stale || self.looked.elapsed() >= LOOK_AGAIN
    }
}

impl Daemon {
    /// Looks at the jobs and the outbox, and tells how they are.
    pub(super) async fn tell(&mut self, now: DateTime<Utc>) -> Result<(), StoreError> {
        if !self.telling.due() {
            return Ok(());
        }
        let store = &self.host.store;
        let plan = self.plan.clone();
        let mut jobs = Vec::new();
        for job in &plan.jobs {
            jobs.push(self.job_vitals(job, standing(store, job, now).await?));
        }
        let depth = store.outbox_depth().await?;
        let status = self.status(&jobs, depth.waiting + depth.ambiguous);
        let telling = &mut self.telling;
        telling.vitals.send_modify(|vitals| {
            vitals.jobs = jobs;
            let refused = vitals.outbox.refused.max(depth.refused + depth.expired);
            vitals.outbox = OutboxVitals {
                waiting: depth.waiting,
                oldest: depth.oldest,
                ambiguous: depth.ambiguous,
                refused,
            };
        });
        if status != telling.status {
            telling.notify.status(&status);
            telling.status = status;
        }
        telling.looked = Instant::now();
        telling.stale = false;
        Ok(())
    }

    fn job_vitals(&self, job: &PlannedJob, standing: Standing) -> JobVitals {
        let done = standing.last_done;
        JobVitals {
            running: self.running.contains_key(&job.table.name),
            name: standing.job,
            next_slot: standing.next,
            last_slot: standing.last.as_ref().and_then(|run| run.slot),
            last_success: done.as_ref().and_then(|run| run.finished),
            last_result: standing.last.as_ref().and_then(result),
            overdue: standing.overdue.is_some(),
            gaps: done.as_ref().map_or(0, |run| run.gaps),
            findings: done.map(|run| run.findings).unwrap_or_default(),
        }
    }

    /// One line for `systemctl status`.
    fn status(&self, jobs: &[JobVitals], waiting: u64) -> String {
        let next = jobs.iter().filter_map(|job| Some((job.next_slot?, &job.name))).min();
        let mut parts = vec![match next {
            Some((slot, job)) => format!("next: {job} at {} UTC", slot.format("%F %R")),
            None => "nothing is scheduled".to_owned(),
        }];
        if !self.running.is_empty() {
            let names: Vec<_> = self.running.keys().map(String::as_str).collect();
            parts.push(format!("running: {}", names.join(", ")));
        }
        let overdue: Vec<_> = jobs.iter().filter(|job| job.overdue).map(|job| job.name.as_str()).collect();
        if !overdue.is_empty() {
            parts.push(format!("OVERDUE: {}", overdue.join(", ")));
        }
        if waiting > 0 {
            parts.push(format!("outbox: {waiting}"));
        }
        if let Some((_, trouble)) = &self.telling.trouble {
            parts.push(trouble.clone());
        }
        parts.join("; ")
    }
}

fn of_verdict(verdict: Completeness) -> RunResult {
    match verdict {
        Completeness::Complete => RunResult::Complete,
        Completeness::Incomplete => RunResult::Incomplete,
    }
}

/// How a run ended; none if it has not.
fn result(run: &RunRecord) -> Option<RunResult> {
    match run.state {
        RunState::Done => run.verdict.map(of_verdict),
        RunState::Failed => Some(RunResult::Failed),
        RunState::Claimed | RunState::Running => None,
    }
}
