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
