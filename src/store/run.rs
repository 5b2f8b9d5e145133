//! Runs as the store tells them, and what it is told of them.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{Link, NewParcel};
use crate::finding::Severity;
use crate::model::Snapshot;
use crate::report::{Completeness, Report};

/// How far a run is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RunState {
    /// Its slot is taken; nobody works on it, or not yet.
    Claimed,
    /// An attempt is under way, or was when the process ended.
    Running,
    /// Its report is stored.
    Done,
    /// It was given up.
    Failed,
}

impl RunState {
    /// The name in every output.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Claimed => "claimed",
            Self::Running => "running",
            Self::Done => "done",
            Self::Failed => "failed",
        }
    }

    /// Whether the run has ended: nothing of it changes any more.
    pub fn is_terminal(self) -> bool {
        matches!(self, Self::Done | Self::Failed)
    }
}

/// A run, without what it saw and found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RunRecord {
    /// Its id.
    pub id: String,
    /// Its job; `None` on demand.
    pub job: Option<String>,
    /// Its nominal time, if it was scheduled.
    pub slot: Option<DateTime<Utc>>,
    /// How far it is.
    pub state: RunState,
    /// Missed slots that it stands for as well.
    pub collapsed: u64,
    /// Attempts so far, the one under way included.
    pub attempts: u32,
    /// When its slot was taken; of a run on demand, when it was stored.
    pub claimed: DateTime<Utc>,
    /// When its latest attempt began.
    pub started: Option<DateTime<Utc>>,
    /// When it ended.
    pub finished: Option<DateTime<Utc>>,
    /// Whether its population tied out.
    pub verdict: Option<Completeness>,
    /// Why it was given up.
    pub error: Option<String>,
    /// Users that it saw.
    pub users: u64,
    /// Gaps in what it saw.
    pub gaps: u64,
    /// Requests that it cost the consoles.
    pub requests: u64,
    /// How many findings of each severity; a severity without any is left out.
    pub findings: BTreeMap<Severity, u64>,
    /// The names of the consoles that it reviewed; none before it is done.
    pub consoles: Vec<String>,
}

/// A slot to be taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// The id of its run.
    pub run: String,
    /// The job.
    pub job: String,
    /// The nominal time.
    pub slot: DateTime<Utc>,
    /// Missed slots that the run stands for as well.
    pub collapsed: u64,
    /// What the job's mark becomes, unless it is later already.
    pub mark: DateTime<Utc>,
    /// When it is taken.
    pub now: DateTime<Utc>,
}

/// A run that is done.
#[derive(Debug, Clone)]
pub struct Finished {
    /// What it found out.
    pub report: Arc<Report>,
    /// What it saw, unless [`Store::keep_snapshots`](super::Store::keep_snapshots) has stored that already.
    pub snapshots: Option<Vec<Snapshot>>,
    /// What is to be sent about it.
    pub parcels: Vec<NewParcel>,
    /// Its link in the chain of evidence.
    pub link: Option<Link>,
    /// When it is done.
    pub now: DateTime<Utc>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_are_stored_by_the_names_that_are_shown() {
        for state in [RunState::Claimed, RunState::Running, RunState::Done, RunState::Failed] {
            assert_eq!(serde_json::to_value(state).unwrap(), state.as_str());
        }
    }
}
