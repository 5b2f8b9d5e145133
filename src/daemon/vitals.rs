//! The state that health, metrics and status speak about: one value, written by the loop, read by everybody else.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use tokio::time::Instant;

use crate::finding::Severity;

/// How the daemon is. Kept behind a `tokio::sync::watch`, whose only sender is the loop.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Vitals {
    /// Configuration, store and jobs are up; the slots are watched.
    pub ready: bool,
    /// When the loop last went round; none before its first round.
    pub beat: Option<Beat>,
    /// The jobs, in the order of the configuration.
    pub jobs: Vec<JobVitals>,
    /// The mail that is not delivered yet.
    pub outbox: OutboxVitals,
    /// SHA-256 of the configuration that counts, hex.
    pub configuration: String,
    /// Configurations that were refused since the start, the old one being kept.
    pub reload_failures: u64,
}

/// One round of the loop, by both clocks: ages are told by the monotonic one, times by the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Beat {
    /// Monotonic: no change of the wall clock makes it older or younger.
    pub at: Instant,
    /// The wall clock.
    pub wall: DateTime<Utc>,
}

/// How a job is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct JobVitals {
    /// Its name.
    pub name: String,
    /// When it runs next.
    pub next_slot: Option<DateTime<Utc>>,
    /// The slot that it last ran for.
    pub last_slot: Option<DateTime<Utc>>,
    /// When a run of it last finished with a report, complete or not.
    pub last_success: Option<DateTime<Utc>>,
    /// How its last run ended.
    pub last_result: Option<RunResult>,
    /// A run of it is under way.
    pub running: bool,
    /// A slot has passed without its report.
    pub overdue: bool,
    /// Gaps in what its last run saw.
    pub gaps: u64,
    /// Findings of its last run; a severity without any may be left out.
    pub findings: BTreeMap<Severity, u64>,
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum RunResult {
    /// A report of everything that should have been seen.
    Complete,
    /// A report with gaps.
    Incomplete,
    /// No report.
    Failed,
}

impl RunResult {
    /// All of them, best first.
    pub const ALL: [Self; 3] = [Self::Complete, Self::Incomplete, Self::Failed];

    /// The name in every output.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Complete => "complete",
            Self::Incomplete => "incomplete",
            Self::Failed => "failed",
        }
    }
}

/// The mail that is not delivered yet, or never will be.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OutboxVitals {
    /// Mails that wait for an attempt.
    pub waiting: u64,
    /// When the one that has waited longest was written.
    pub oldest: Option<DateTime<Utc>>,
    /// Mails of which nobody knows whether the relay took them.
    pub ambiguous: u64,
    /// Mails that the relay refused for good, ever.
    pub refused: u64,
}
