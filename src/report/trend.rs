//! Where a job goes: what its last runs came to, up to this one.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::{Completeness, Report, completeness};
use crate::finding::Severity;
use crate::history::PastRun;

/// What one run came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TrendRow {
    /// Its id.
    pub run: String,
    /// When its last collection finished.
    pub finished: DateTime<Utc>,
    /// Whether its population tied out.
    pub verdict: Completeness,
    /// Users that it saw.
    pub users: u64,
    /// Open findings of each severity.
    pub findings: BTreeMap<Severity, u64>,
}

impl TrendRow {
    /// How many open findings of a severity.
    pub fn of(&self, severity: Severity) -> u64 {
        self.findings.get(&severity).copied().unwrap_or_default()
    }

    /// How many open findings at all.
    pub fn total(&self) -> u64 {
        self.findings.values().sum()
    }
}

/// The runs before, oldest first, and this one at the end.
pub(super) fn trend(past: &[PastRun], report: &Report) -> Vec<TrendRow> {
    let mut rows: Vec<TrendRow> = past.iter().map(earlier).collect();
    let mut findings = counts(&BTreeMap::new());
    for finding in report.open() {
        *findings.entry(finding.severity).or_default() += 1;
    }
    rows.push(TrendRow {
        run: report.run.id.clone(),
        finished: report.run.finished,
        verdict: report.run.verdict,
        users: report.users.len() as u64,
        findings,
    });
    rows
}

fn earlier(past: &PastRun) -> TrendRow {
    TrendRow {
        run: past.run.clone(),
        finished: past.finished,
        verdict: completeness(past.is_complete),
        users: past.users,
        findings: counts(&past.findings),
    }
}

/// Every severity with its number.
fn counts(known: &BTreeMap<Severity, u64>) -> BTreeMap<Severity, u64> {
    let count = |severity| (severity, known.get(&severity).copied().unwrap_or_default());
    Severity::WORST_FIRST.map(count).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_trend_ends_with_this_run_and_counts_open_findings() {
        let report = Report::sample();
        let past = PastRun {
            run: "0123456789abcdef".into(),
            finished: report.run.finished - chrono::TimeDelta::days(7),
            is_complete: true,
            users: 4,
            findings: BTreeMap::from([(Severity::High, 3)]),
        };
        let rows = trend(&[past], &report);
        assert_eq!((rows.len(), rows[0].of(Severity::High), rows[0].of(Severity::Low)), (2, 3, 0));
        assert_eq!((rows[0].verdict, rows[1].verdict), (Completeness::Complete, Completeness::Incomplete));
        assert_eq!((rows[1].run.as_str(), rows[1].total()), (&*report.run.id, report.open().count() as u64));
        assert_eq!(rows[1].users, report.users.len() as u64);
    }
}
