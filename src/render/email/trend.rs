//! Where the job goes: its last runs as bars of open findings.

use serde::Serialize;

use crate::finding::Severity;
use crate::report::{Completeness, Report, TrendRow};

/// The most runs that are drawn: six weeks of weekly ones.
const RUNS: usize = 6;

/// One run.
#[derive(Debug, Default, Serialize)]
pub(super) struct TrendView {
    /// The day on which it ended.
    pub(super) day: String,
    pub(super) complete: bool,
    /// Whether it is the run of this mail.
    pub(super) this: bool,
    /// Its open findings.
    pub(super) findings: u64,
    /// How many more or fewer than in the run before: `+3`, `-2`, `=`; empty for the first.
    pub(super) change: String,
    pub(super) critical: u64,
    pub(super) high: u64,
    /// The length of its bar: 100 is that of the run with the most findings.
    pub(super) percent: u64,
    /// What the bar is made of, the worst first; together they are not longer than it.
    pub(super) parts: Vec<PartView>,
}

/// The findings of one severity in the bar of a run.
#[derive(Debug, Default, Serialize)]
pub(super) struct PartView {
    pub(super) severity: &'static str,
    pub(super) percent: u64,
}

/// The last runs, oldest first; none if there is nothing but this one.
pub(super) fn trend(report: &Report) -> Vec<TrendView> {
    let all = &report.trend;
    if all.len() < 2 {
        return Vec::new();
    }
    let first = all.len().saturating_sub(RUNS);
    let most = all[first..].iter().map(TrendRow::total).max().unwrap_or_default().max(1);
    let view = |at: usize| {
        let row = &all[at];
        TrendView {
            day: row.finished.format("%F").to_string(),
            complete: row.verdict == Completeness::Complete,
            this: at + 1 == all.len(),
            findings: row.total(),
            change: at
                .checked_sub(1)
                .map(|before| change(all[before].total(), row.total()))
                .unwrap_or_default(),
            critical: row.of(Severity::Critical),
            high: row.of(Severity::High),
            percent: (row.total() * 100).div_ceil(most),
            parts: parts(row, most),
        }
    };
    (first..all.len()).map(view).collect()
}

fn change(before: u64, now: u64) -> String {
    match now.cmp(&before) {
        std::cmp::Ordering::Greater => format!("+{}", now - before),
        std::cmp::Ordering::Less => format!("-{}", before - now),
        std::cmp::Ordering::Equal => "=".to_owned(),
    }
}

/// Each part ends where its share of the bar ends, so that no rounding adds up.
fn parts(row: &TrendRow, most: u64) -> Vec<PartView> {
    let (mut counted, mut drawn) = (0, 0);
    let part = |severity: Severity| {
        counted += row.of(severity);
        let end = (counted * 100).div_ceil(most);
        let percent = end - drawn;
        drawn = end;
        PartView { severity: severity.as_str(), percent }
    };
    Severity::WORST_FIRST.into_iter().map(part).filter(|part| part.percent > 0).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_runs_are_drawn_to_one_scale() {
        let views = trend(&Report::sample());
        let drawn: Vec<_> = views.iter().map(|view| (view.findings, &*view.change, view.percent)).collect();
        assert_eq!(drawn, [(7, "", 100), (6, "-1", 86), (3, "-3", 43), (2, "-1", 29)]);
        for view in &views {
            assert_eq!(view.parts.iter().map(|part| part.percent).sum::<u64>(), view.percent);
        }
        assert_eq!(
            views.iter().map(|view| (view.complete, view.this)).collect::<Vec<_>>(),
            [(true, false), (false, false), (true, false), (false, true)]
        );
        assert!(trend(&Report::first_sample()).is_empty());
    }
}
