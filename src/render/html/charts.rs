//! The charts: how bad it is, through which rules, and where it goes. The coordinates are computed here; colours are the
//! style sheet's. Every number of a chart stands beside it as text.

use std::cmp::Reverse;
use std::collections::HashMap;

use serde::Serialize;

use super::{Text, date};
use crate::finding::Severity;
use crate::report::{Completeness, Report, TrendRow};

/// The most rules that their chart shows.
const RULES: usize = 10;

/// The height of the trend's plot in pixels.
const HEIGHT: u64 = 150;

/// Where the plot begins, in percent of the width: its numbers stand left of that.
const LEFT: f64 = 7.0;

/// The widest column of the trend, in percent.
const WIDEST: f64 = 7.0;

/// The open findings of one severity.
#[derive(Debug, Default, Serialize)]
pub(super) struct SeverityBar {
    pub(super) severity: &'static str,
    pub(super) findings: u64,
    /// The length of the bar: 100 is that of the most frequent severity.
    pub(super) percent: u64,
}

/// The open findings of one rule on all consoles.
#[derive(Debug, Default, Serialize)]
pub(super) struct RuleBar {
    pub(super) id: Text,
    pub(super) title: Text,
    /// The worst among the findings.
    pub(super) severity: &'static str,
    pub(super) findings: u64,
    /// The length of the bar: 100 is that of the first rule.
    pub(super) percent: u64,
}

/// What the last runs came to, as columns, oldest first.
#[derive(Debug, Default, Serialize)]
pub(super) struct Trend {
    /// The height of the plot.
    pub(super) height: u64,
    pub(super) runs: Vec<RunColumn>,
    pub(super) lines: Vec<GridLine>,
    /// Whether the population of a run was incomplete.
    pub(super) incomplete: bool,
}

/// One run.
#[derive(Debug, Default, Serialize)]
pub(super) struct RunColumn {
    pub(super) run: Text,
    pub(super) finished: String,
    /// Month and day.
    pub(super) day: String,
    pub(super) complete: bool,
    pub(super) users: u64,
    pub(super) findings: u64,
    /// The left edge, the middle and the width, in percent.
    pub(super) x: String,
    pub(super) middle: String,
    pub(super) width: String,
    /// The upper edge in pixels.
    pub(super) y: u64,
    /// Worst first, which is at the foot.
    pub(super) parts: Vec<ColumnPart>,
}

/// The open findings of one severity in a run.
#[derive(Debug, Default, Serialize)]
pub(super) struct ColumnPart {
    pub(super) severity: &'static str,
    pub(super) findings: u64,
    pub(super) y: u64,
    pub(super) height: u64,
}

/// A line with its number.
#[derive(Debug, Default, Serialize)]
pub(super) struct GridLine {
    pub(super) findings: u64,
    pub(super) y: u64,
}

/// Every severity, worst first.
pub(super) fn severity_bars(report: &Report) -> Vec<SeverityBar> {
    let mut counts: HashMap<Severity, u64> = HashMap::new();
    for finding in report.open() {
        *counts.entry(finding.severity).or_default() += 1;
    }
    let most = counts.values().copied().max().unwrap_or(0).max(1);
    let bar = |severity: Severity| {
        let findings = counts.get(&severity).copied().unwrap_or(0);
        SeverityBar { severity: severity.as_str(), findings, percent: (findings * 100).div_ceil(most) }
    };
    Severity::WORST_FIRST.into_iter().map(bar).collect()
}

/// The rules with the most open findings; of equals the worse one first.
pub(super) fn rule_bars(report: &Report) -> Vec<RuleBar> {
    let mut rules: HashMap<&str, (u64, Severity, &str)> = HashMap::new();
    for finding in report.open() {
        let entry = rules.entry(&finding.rule).or_insert((0, finding.severity, &finding.title));
        *entry = (entry.0 + 1, entry.1.max(finding.severity), entry.2);
    }
    let mut rules: Vec<_> = rules.into_iter().collect();
    rules.sort_by_key(|(id, (findings, severity, _))| (Reverse((*findings, *severity)), *id));
    let most = rules.first().map_or(1, |(_, (findings, ..))| *findings);
    let bar = |(id, (findings, severity, title)): (&str, (u64, Severity, &str))| RuleBar {
        id: Text::name(id),
        title: Text::name(title),
        severity: severity.as_str(),
        findings,
        percent: (findings * 100).div_ceil(most),
    };
    rules.into_iter().take(RULES).map(bar).collect()
}

impl Trend {
    /// The view of a report's trend.
    pub(super) fn of(report: &Report) -> Self {
        let most = report.trend.iter().map(TrendRow::total).max().unwrap_or(0).max(1);
        let step = step(most);
        let top = most.div_ceil(step) * step;
        let runs = report.trend.len();
        let column = |(place, row): (usize, &TrendRow)| RunColumn::of(row, place, runs, top);
        Self {
            height: HEIGHT,
            runs: report.trend.iter().enumerate().map(column).collect(),
            lines: (0..=top / step)
                .map(|line| GridLine { findings: line * step, y: y(line * step, top) })
                .collect(),
            incomplete: report.trend.iter().any(|row| row.verdict == Completeness::Incomplete),
        }
    }
}

impl RunColumn {
    #[expect(clippy::cast_precision_loss, reason = "a trend has a few runs")]
    fn of(row: &TrendRow, place: usize, runs: usize, top: u64) -> Self {
        let slot = (100.0 - LEFT) / runs as f64;
        let width = (slot * 0.62).min(WIDEST);
        let middle = LEFT + slot * (place as f64 + 0.5);
        let mut below = 0;
        let parts = Severity::WORST_FIRST.map(|severity| {
            let (findings, foot) = (row.of(severity), y(below, top));
            below += findings;
            ColumnPart {
                severity: severity.as_str(),
                findings,
                y: y(below, top),
                height: foot - y(below, top),
            }
        });
        Self {
            run: Text::name(&row.run),
            finished: date(row.finished),
            day: row.finished.format("%b %-d").to_string(),
            complete: row.verdict == Completeness::Complete,
            users: row.users,
            findings: row.total(),
            x: format!("{:.2}", middle - width / 2.0),
            middle: format!("{middle:.2}"),
            width: format!("{width:.2}"),
            y: y(row.total(), top),
            parts: parts.into(),
        }
    }
}

/// Where a number stands, in pixels from the upper edge.
fn y(findings: u64, top: u64) -> u64 {
    HEIGHT - findings * HEIGHT / top
}

/// The distance of the lines: 1, 2 or 5 with noughts, so that there are at most five.
fn step(most: u64) -> u64 {
    let powers = std::iter::successors(Some(1_u64), |power| power.checked_mul(10));
    powers
        .flat_map(|power| [1, 2, 5].map(|digit| power.saturating_mul(digit)))
        .find(|step| most.div_ceil(*step) <= 4)
        .unwrap_or(most)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_stand_at_round_numbers() {
        let steps = [1, 4, 5, 9, 40, 41, 167, 10_000, u64::MAX].map(step);
        assert_eq!(steps[..8], [1, 1, 2, 5, 10, 20, 50, 5_000]);
    }

    #[test]
    fn the_parts_of_a_column_stand_on_each_other_and_end_at_its_total() {
        let mut report = Report::sample();
        let row = report.trend[0].clone();
        report.trend = (0..13).map(|_| row.clone()).collect();
        report.trend[5].findings.insert(Severity::High, 137);
        let trend = Trend::of(&report);
        assert_eq!(trend.lines.last().map(|line| line.y), Some(0));
        for run in &trend.runs {
            let mut foot = HEIGHT;
            for part in &run.parts {
                assert_eq!(part.y + part.height, foot, "{run:?}");
                foot = part.y;
            }
            assert_eq!(foot, run.y);
        }
        let edges: Vec<f64> = trend.runs.iter().map(|run| run.x.parse().unwrap()).collect();
        assert!(edges.is_sorted() && edges[0] >= LEFT && edges[12] + WIDEST / 2.0 < 100.0, "{edges:?}");
    }

    #[test]
    fn the_rules_with_the_most_open_findings_come_first() {
        let mut report = Report::sample();
        let locked = report.findings[1].clone();
        report.findings.extend([locked.clone(), locked.clone()]);
        let bars = rule_bars(&report);
        assert_eq!((bars[0].id.to_string(), bars[0].percent), (locked.rule.to_string(), 100));
        assert!(bars[1].findings < bars[0].findings && bars[1].percent < 100);
    }
}
