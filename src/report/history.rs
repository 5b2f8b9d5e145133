//! What a report remembers: what earlier runs of the same job left behind, as far as a report speaks about it.

use std::collections::HashMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};

use crate::finding::{Severity, SubjectKind, Verdict};
use crate::model::Snapshot;

/// Everything earlier that a report speaks about. Without any, it says nothing of changes.
#[derive(Debug, Clone, Default)]
pub struct History {
    /// The run to compare with: the job's last one before this.
    pub before: Option<Before>,
    /// When each finding was seen, by its id, in whatever run.
    pub sightings: HashMap<String, Sighting>,
}

/// An earlier run.
#[derive(Debug, Clone)]
pub struct Before {
    /// Its id.
    pub run: String,
    /// Its nominal time, if it was scheduled.
    pub slot: Option<DateTime<Utc>>,
    /// When its last collection finished.
    pub finished: DateTime<Utc>,
    /// What it saw of each console.
    pub snapshots: Vec<Snapshot>,
    /// What it found.
    pub findings: Vec<BeforeFinding>,
    /// What its rules concluded.
    pub rules: Vec<BeforeRule>,
}

/// A finding of an earlier run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BeforeFinding {
    /// The stable id.
    pub id: String,
    /// The console's name then.
    pub console: Arc<str>,
    /// The rule's id.
    pub rule: String,
    /// How much it mattered.
    pub severity: Severity,
    /// What kind of thing it was about.
    pub subject_kind: SubjectKind,
    /// The subject's id.
    pub subject_id: String,
    /// The subject's name then.
    pub subject_name: String,
    /// What was wrong, one sentence.
    pub summary: String,
}

/// A rule's verdict in an earlier run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BeforeRule {
    /// The rule's id.
    pub id: String,
    /// The console's name then.
    pub console: Arc<str>,
    /// The verdict.
    pub verdict: Verdict,
    /// Subjects judged.
    pub examined: u64,
    /// Subjects that should have been judged.
    pub expected: u64,
}

/// When a finding was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sighting {
    /// First.
    pub first: DateTime<Utc>,
    /// Last, before this run.
    pub last: DateTime<Utc>,
}
