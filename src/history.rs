//! What a review remembers: what earlier runs left behind, as far as rules and reports speak about it. Values only; the
//! store fills them.

use std::collections::HashMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};

use crate::finding::{Severity, SubjectKind, Verdict};
use crate::model::{ConsoleIdentity, Snapshot, UserId};

/// How many changes of an account's lock are remembered.
pub const LOCK_CHANGES: usize = 20;

/// Everything earlier that a report speaks about. Without any, it says nothing of changes.
#[derive(Debug, Clone, Default)]
pub struct History {
    /// Whether runs are kept at all. Without a store, that there is no earlier run proves nothing.
    pub kept: bool,
    /// The run to compare with: the job's last one before this.
    pub before: Option<Before>,
    /// The last run of the job that somebody signed off.
    pub signed: Option<Signed>,
    /// When each finding was seen, by its id, in whatever run.
    pub sightings: HashMap<String, Sighting>,
    /// What is remembered of each account, by console (its key) and user.
    pub accounts: HashMap<(String, UserId), AccountPast>,
    /// What reviewers decided to take away.
    pub revocations: Vec<Revocation>,
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

/// A run that somebody signed off: the baseline that later access is held against.
#[derive(Debug, Clone)]
pub struct Signed {
    /// The run's id.
    pub run: String,
    /// When its last collection finished.
    pub finished: DateTime<Utc>,
    /// Who signed it off.
    pub by: String,
    /// When.
    pub at: DateTime<Utc>,
    /// What it saw of each console; empty once its snapshots are pruned.
    pub snapshots: Vec<Snapshot>,
}

/// When a finding was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sighting {
    /// First.
    pub first: DateTime<Utc>,
    /// Last, before this run.
    pub last: DateTime<Utc>,
}

/// What is remembered of one account over all runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountPast {
    /// When a run first saw it.
    pub first_seen: DateTime<Utc>,
    /// Whether it was locked when a run last saw it; `None` if no run could tell.
    pub locked: Option<bool>,
    /// When runs saw that it had been locked or unlocked, oldest first; the last few.
    pub lock_changes: Vec<DateTime<Utc>>,
}

/// A reviewer's decision to take something away from an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revocation {
    /// The console's key.
    pub console: String,
    /// The account.
    pub user: UserId,
    /// What is to go.
    pub what: Revoked,
    /// Who decided.
    pub by: String,
    /// When.
    pub decided: DateTime<Utc>,
    /// When a run first saw that it had been done; `None` if none did yet.
    pub done: Option<DateTime<Utc>>,
}

/// What a revocation takes away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Revoked {
    /// The account itself: to be disabled or deleted.
    Account,
    /// A role.
    Role(crate::model::RoleId),
    /// A site.
    Site(crate::model::SiteId),
    /// An asset group.
    AssetGroup(crate::model::AssetGroupId),
}

impl History {
    /// What is remembered of an account.
    pub fn account(&self, console: &ConsoleIdentity, user: UserId) -> Option<&AccountPast> {
        self.accounts.get(&(console.key().to_owned(), user))
    }

    /// What the signed-off run saw of a console; else what the run before saw. With the words that name that run.
    pub fn baseline(&self, console: &ConsoleIdentity) -> Option<Baseline<'_>> {
        let same =
            |snapshots: &'_ [Snapshot]| snapshots.iter().position(|then| then.console.is_same(console));
        if let Some(signed) = &self.signed
            && let Some(index) = same(&signed.snapshots)
        {
            return Some(Baseline {
                snapshot: &signed.snapshots[index],
                signed: Some(signed),
                run: &signed.run,
            });
        }
        let before = self.before.as_ref()?;
        let index = same(&before.snapshots)?;
        Some(Baseline { snapshot: &before.snapshots[index], signed: None, run: &before.run })
    }
}

/// What a console looked like when somebody signed it off, or, where nobody did, in the run before.
#[derive(Debug, Clone, Copy)]
pub struct Baseline<'a> {
    /// What was seen.
    pub snapshot: &'a Snapshot,
    /// The sign-off; `None` for an unsigned run.
    pub signed: Option<&'a Signed>,
    /// The run's id.
    pub run: &'a str,
}

impl Baseline<'_> {
    /// Names it in a sentence.
    pub fn words(&self) -> String {
        match self.signed {
            Some(signed) => {
                format!("the review of {} that {} signed off", self.snapshot.finished.format("%F"), signed.by)
            }
            None => format!("run {} of {}", self.run, self.snapshot.finished.format("%F")),
        }
    }
}
