//! How a job stands: when it runs next, how it ended last, and whether a slot is overdue.

use chrono::{DateTime, TimeDelta, Utc};

use super::PlannedJob;
use crate::store::{RunRecord, RunState, Store, StoreError};

/// How long after its slot a report is overdue: a review takes its time, and is tried three times.
const TOLERANCE: TimeDelta = TimeDelta::hours(1);
/// Runs that are looked at: more in a row without one success change nothing.
const LOOKED_AT: usize = 100;

/// How a job stands.
#[derive(Debug, Clone)]
pub struct Standing {
    /// The job.
    pub job: String,
    /// When it runs next; `None` if only on demand.
    pub next: Option<DateTime<Utc>>,
    /// Its newest run.
    pub last: Option<RunRecord>,
    /// Its newest run that ended with a report.
    pub last_done: Option<RunRecord>,
    /// The oldest slot that should have its report by now and has not.
    pub overdue: Option<DateTime<Utc>>,
}

/// Finds out how a job stands.
pub async fn standing(store: &Store, job: &PlannedJob, now: DateTime<Utc>) -> Result<Standing, StoreError> {
    let name = &job.table.name;
    let runs = store.runs(Some(name), LOOKED_AT).await?;
    let last_done = store.last_done(name).await?;
    let mark = store.known_mark(name).await?;
    let next = job.schedule.as_ref().and_then(|schedule| schedule.next_after(now));
    let overdue = overdue(job, &runs, last_done.as_ref(), mark, now);
    Ok(Standing { job: name.clone(), next, last: runs.into_iter().next(), last_done, overdue })
}

fn overdue(
    job: &PlannedJob,
    runs: &[RunRecord],
    last_done: Option<&RunRecord>,
    mark: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
) -> Option<DateTime<Utc>> {
    let schedule = job.schedule.as_ref()?;
    let limit = TOLERANCE + job.table.jitter();
    // A report of the future was made by a clock that was wrong, and proves nothing.
    let done = last_done.and_then(|run| run.slot.or(run.started)).filter(|done| *done <= now);
    let without_report = runs.iter().filter(|run| run.state != RunState::Done);
    let since = without_report.filter_map(|run| Some((run.slot?, run.state)));
    let oldest = since.filter(|(slot, _)| done.is_none_or(|done| *slot > done)).min_by_key(|(slot, _)| *slot);
    match oldest {
        Some((slot, RunState::Failed)) => Some(slot),
        Some((slot, _)) => (slot + limit < now).then_some(slot),
        // What was skipped on purpose lies before the mark.
        None => {
            let slot = schedule.next_after(mark?.max(done.unwrap_or(DateTime::UNIX_EPOCH)))?;
            (slot + limit < now).then_some(slot)
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        format!("2026-11-{text}Z").parse().unwrap()
    }

    fn daily() -> PlannedJob {
        let table: crate::config::JobTable =
            toml::from_str("name = \"daily\"\nschedule = \"0 6 * * *\"").unwrap();
        PlannedJob { schedule: table.slots().unwrap(), consoles: vec!["hq".into()], table }
    }

    fn run(slot: &str, state: RunState) -> RunRecord {
        RunRecord {
            id: slot.into(),
            job: Some("daily".into()),
            slot: Some(at(slot)),
            state,
            collapsed: 0,
            attempts: 1,
            claimed: at(slot),
            started: Some(at(slot)),
            finished: None,
            verdict: None,
            error: None,
            users: 0,
            gaps: 0,
            requests: 0,
            findings: BTreeMap::new(),
            consoles: Vec::new(),
        }
    }

    fn overdue_at(now: &str, runs: &[RunRecord], mark: &str) -> Option<DateTime<Utc>> {
        let done = runs.iter().filter(|run| run.state == RunState::Done).max_by_key(|run| run.slot);
        overdue(&daily(), runs, done, Some(at(mark)), at(now))
    }

    #[test]
    fn a_slot_is_overdue_an_hour_after_it() {
        let runs = [run("02T06:00:00", RunState::Done)];
        assert_eq!(overdue_at("03T07:00:00", &runs, "02T06:00:00"), None);
        assert_eq!(overdue_at("03T07:00:01", &runs, "02T06:00:00"), Some(at("03T06:00:00")));
        // Claimed, and not done yet.
        let runs = [run("02T06:00:00", RunState::Done), run("03T06:00:00", RunState::Running)];
        assert_eq!(overdue_at("03T06:30:00", &runs, "03T06:00:00"), None);
        assert_eq!(overdue_at("03T07:30:00", &runs, "03T06:00:00"), Some(at("03T06:00:00")));
    }

    #[test]
    fn a_failed_run_is_overdue_at_once_until_a_later_one_is_done() {
        let failed = run("03T06:00:00", RunState::Failed);
        let runs = [run("02T06:00:00", RunState::Done), failed.clone()];
        assert_eq!(overdue_at("03T06:05:00", &runs, "03T06:00:00"), Some(at("03T06:00:00")));
        let runs = [failed, run("04T06:00:00", RunState::Done)];
        assert_eq!(overdue_at("04T06:05:00", &runs, "04T06:00:00"), None);
    }

    #[test]
    fn what_was_skipped_on_purpose_is_not_overdue_and_a_report_of_the_future_proves_nothing() {
        let runs = [run("02T06:00:00", RunState::Done)];
        assert_eq!(overdue_at("09T05:00:00", &runs, "08T06:00:00"), None);
        let runs = [run("28T06:00:00", RunState::Done)];
        assert_eq!(overdue_at("05T08:00:00", &runs, "04T06:00:00"), Some(at("05T06:00:00")));
        assert_eq!(overdue(&daily(), &[], None, None, at("05T08:00:00")), None, "nobody was there yet");
    }
}
