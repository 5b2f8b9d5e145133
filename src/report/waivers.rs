//! Waivers laid beside what they cover: the finding stays, with its severity; the waiver stands beside it.

use std::cmp::Reverse;

use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;

use super::Reviewed;
use crate::finding::{About, Finding, Judgement, Verdict};
use crate::model::Snapshot;
use crate::waiver::{Waiver, last_second};

/// A waiver of the configuration, and what became of it in this run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct WaiverRow {
    /// The rule, as the waiver names it.
    pub rule: String,
    /// The console or a pattern; `None` is every console.
    pub console: Option<String>,
    /// The subject or a pattern; `None` if it names one finding.
    pub subject: Option<String>,
    /// The finding's id; `None` if it names a subject.
    pub finding: Option<String>,
    /// Why the finding is accepted.
    pub reason: String,
    /// Who accepted it.
    pub approved_by: String,
    /// The last day on which it counts.
    pub expires: NaiveDate,
    /// Days until then; negative once it has expired.
    pub days_left: i64,
    /// Where it was agreed.
    pub ticket: Option<String>,
    /// Whether it counts, and for anything.
    pub state: WaiverState,
    /// How many findings it covers, or would cover if it had not expired.
    pub findings: u64,
}

/// Whether a waiver counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum WaiverState {
    /// It covers at least one finding.
    Active,
    /// It counts, and nothing was found that it covers.
    Unused,
    /// It does not count any more.
    Expired,
    /// It speaks of no console of this run, so that nothing can be said of it.
    Elsewhere,
}

impl WaiverState {
    /// The name in files.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Unused => "unused",
            Self::Expired => "expired",
            Self::Elsewhere => "elsewhere",
        }
    }
}

/// A waiver that ends within so many days is told of, so that there is time to mend or to decide again.
pub const ENDS_SOON: i64 = 30;

/// A waiver that ends within so many days is told of first.
pub const ENDS_NOW: i64 = 7;

impl WaiverRow {
    /// Whether it counts, and ends within so many days.
    pub fn ends_within(&self, days: i64) -> bool {
        matches!(self.state, WaiverState::Active | WaiverState::Unused) && self.days_left <= days
    }

    /// Whether somebody must look at it: it has expired, covers nothing, or ends soon.
    pub fn needs_attention(&self) -> bool {
        matches!(self.state, WaiverState::Expired | WaiverState::Unused) || self.ends_within(ENDS_SOON)
    }

    /// The last second on which it counts.
    pub fn end(&self) -> DateTime<Utc> {
        last_second(self.expires)
    }

    /// What it is for: the subject, or the one finding by its id.
    pub fn of(&self) -> String {
        let finding = || self.finding.as_ref().map(|id| format!("finding {id}"));
        self.subject.clone().or_else(finding).unwrap_or_default()
    }
}

/// Every waiver with what it covers, those that end first coming first.
pub(super) fn waiver_rows(reviewed: &[Reviewed], waivers: &[Waiver]) -> Vec<WaiverRow> {
    let Some(now) = reviewed.iter().map(|console| console.graph.snapshot().finished).max() else {
        return Vec::new();
    };
    let row = |waiver: &Waiver| {
        let covered = reviewed.iter().flat_map(|console| {
            let identity = &console.graph.snapshot().console;
            let of_rule = console.judgements.iter().filter(|judgement| waiver.is_of(&judgement.rule));
            let findings = of_rule.flat_map(|judgement| &judgement.findings);
            findings.filter(|finding| waiver.covers(identity, finding))
        });
        let findings = covered.count() as u64;
        let here = reviewed.iter().any(|console| waiver.is_on(&console.graph.snapshot().console.name));
        WaiverRow {
            rule: waiver.rule.clone(),
            console: waiver.console.clone(),
            subject: waiver.subject.clone(),
            finding: waiver.finding.clone(),
            reason: waiver.reason.clone(),
            approved_by: waiver.approved_by.clone(),
            expires: waiver.expires,
            days_left: waiver.days_left(now),
            ticket: waiver.ticket.clone(),
            state: match (waiver.is_active(now), findings) {
                _ if !here => WaiverState::Elsewhere,
                (false, _) => WaiverState::Expired,
                (true, 0) => WaiverState::Unused,
                (true, _) => WaiverState::Active,
            },
            findings,
        }
    };
    let mut rows: Vec<WaiverRow> = waivers.iter().map(row).collect();
    rows.sort_by(|a, b| {
        let key = |row: &WaiverRow| {
            (row.expires, row.rule.clone(), row.console.clone(), row.subject.clone(), row.finding.clone())
        };
        key(a).cmp(&key(b))
    });
    rows
}

/// The waiver that covers a finding now; of several, the one that ends last.
pub(super) fn covering<'a>(
    waivers: &'a [Waiver],
    snapshot: &Snapshot,
    rule: &About,
    finding: &Finding,
) -> Option<&'a Waiver> {
    let counts = |waiver: &&Waiver| {
        waiver.is_of(rule) && waiver.is_active(snapshot.finished) && waiver.covers(&snapshot.console, finding)
    };
    waivers.iter().filter(counts).min_by_key(|waiver| Reverse(waiver.expires))
}

/// The verdict of a rule beside its waivers. If all that it found is waived and it did not see everything, it says
/// nothing of the rest.
pub(super) fn with_waivers(judgement: &Judgement, covering: &[Option<&Waiver>]) -> Verdict {
    if judgement.verdict != Verdict::Fail || covering.iter().any(Option::is_none) {
        return judgement.verdict;
    }
    if judgement.note.is_some() { Verdict::Unknown } else { Verdict::Waived }
}

/// A waiver in one line, as it stands beside a finding.
pub(super) fn waiver_words(waiver: &Waiver) -> String {
    let ticket = waiver.ticket.as_deref().map(|ticket| format!(" ({ticket})")).unwrap_or_default();
    format!("{}; approved by {}{ticket}", waiver.reason, waiver.approved_by)
}
