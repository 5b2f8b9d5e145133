//! What the mail of a report says, and what that of a heartbeat does.

use std::collections::{HashMap, HashSet};

use serde::Serialize;

use super::changes::{self, ChangeCount, ChangeView};
use super::files::FilesView;
use super::most::{self, MostView};
use super::next::{self, StepView};
use super::trend::{self, PartView, TrendView};
use super::waivers::{self, WaiverView};
use super::{MailContext, MailKind, Table, Text, date, gaps_by_part, late, undetermined_parts, words};
use crate::finding::Severity;
use crate::model::GapReason;
use crate::report::{Completeness, ConsoleSummary, CoverageRow, FindingRow, GapRow, Report};

/// The most consoles in the table of consoles.
const CONSOLES: usize = 12;

/// The most parts with gaps that are named.
const GAPS: usize = 12;

/// The most findings that are told.
const FINDINGS: usize = 8;

/// The first hex digits of the configuration's hash: enough to tell two apart.
const CONFIGURATION: usize = 12;

/// A review.
#[derive(Debug, Default, Serialize)]
pub(super) struct ReviewView {
    /// Whether every part of every console ties out.
    pub(super) complete: bool,
    /// The parts that were answered on some console by what proves nothing.
    pub(super) undetermined: Vec<&'static str>,
    /// Whether a heartbeat may say so: there is an earlier run, and no difference to it.
    pub(super) nothing_new: bool,
    /// What a redacted copy says of itself.
    pub(super) redacted: Option<String>,
    pub(super) slot: Option<String>,
    /// How long after its slot the run started, if that is worth a word.
    pub(super) late: Option<String>,
    /// Earlier slots that were missed and that the run stands for as well.
    pub(super) collapsed: u64,
    /// From when to when was collected.
    pub(super) collected: String,
    pub(super) counts: Counts,
    pub(super) severities: Vec<SeverityBar>,
    /// The job's last runs; empty if this is the first.
    pub(super) trend: Vec<TrendView>,
    /// What to do next.
    pub(super) steps: Vec<StepView>,
    pub(super) rules: Table<MostView>,
    pub(super) subjects: Table<MostView>,
    pub(super) consoles: Table<ConsoleView>,
    pub(super) gaps: Table<GapView>,
    /// Waivers that have expired, cover nothing or end soon.
    pub(super) waivers: Table<WaiverView>,
    pub(super) earlier: Option<EarlierView>,
    pub(super) change_counts: Table<ChangeCount>,
    pub(super) changes: Table<ChangeView>,
    pub(super) findings: Table<FindingView>,
    pub(super) files: FilesView,
    /// The beginning of the configuration's hash.
    pub(super) configuration: Text,
}

/// How many of each there are in the whole report.
#[derive(Debug, Default, Serialize)]
pub(super) struct Counts {
    pub(super) consoles: u64,
    pub(super) incomplete_consoles: u64,
    pub(super) users: u64,
    /// Findings that stand.
    pub(super) findings: u64,
    /// Findings that a waiver covers.
    pub(super) waived: u64,
    pub(super) controls: u64,
    /// Controls of which nothing is proven.
    pub(super) not_proven: u64,
    pub(super) gaps: u64,
}

/// How many findings have one severity.
#[derive(Debug, Default, Serialize)]
pub(super) struct SeverityBar {
    pub(super) severity: &'static str,
    pub(super) findings: u64,
    /// The length of the bar: 100 is that of the most frequent severity.
    pub(super) percent: u64,
}

/// One console.
#[derive(Debug, Default, Serialize)]
pub(super) struct ConsoleView {
    name: Text,
    complete: bool,
    users: u64,
    findings: u64,
    gaps: u64,
}

/// The gaps of one part of one console.
#[derive(Debug, Default, Serialize)]
pub(super) struct GapView {
    console: Text,
    part: &'static str,
    gaps: u64,
    /// Why, each reason once.
    reasons: Vec<&'static str>,
}

/// The run that the changes are compared with.
#[derive(Debug, Default, Serialize)]
pub(super) struct EarlierView {
    pub(super) finished: String,
    /// How many parts could not be compared.
    pub(super) uncompared: u64,
}

/// One finding.
#[derive(Debug, Default, Serialize)]
pub(super) struct FindingView {
    severity: &'static str,
    console: Text,
    subject: Text,
    kind: &'static str,
    title: Text,
    summary: Text,
}

impl ReviewView {
    pub(super) fn of(report: &Report, context: &MailContext<'_>) -> Self {
        let run = &report.run;
        let open: Vec<&FindingRow> = report.open().collect();
        let heartbeat = context.kind == MailKind::Heartbeat;
        Self {
            complete: run.verdict == Completeness::Complete,
            undetermined: undetermined_parts(report),
            nothing_new: heartbeat && report.comparison.is_some() && report.changes.is_empty(),
            redacted: report.redaction_note(),
            slot: run.slot.map(date),
            late: late(run),
            collapsed: run.collapsed,
            collected: words::period(run.started, run.finished),
            counts: Counts::of(report, &open),
            severities: severities(&open),
            trend: trend::trend(report),
            steps: next::steps(report),
            rules: most::rules(report),
            subjects: most::subjects(report),
            consoles: consoles(report, &open),
            gaps: gaps(report),
            waivers: waivers::waivers(report),
            earlier: report.comparison.as_ref().map(|comparison| EarlierView {
                finished: date(comparison.finished),
                uncompared: comparison.uncompared.len() as u64,
            }),
            change_counts: changes::counts(report),
            changes: changes::first(report),
            findings: Table::of(open.iter(), FINDINGS, "the files of this run", |row| FindingView::of(row)),
            files: FilesView::of(context),
            configuration: Text::name(&run.configuration.chars().take(CONFIGURATION).collect::<String>()),
        }
    }

    /// Something in every place.
    pub(super) fn probe(attached: &'static str) -> Self {
        Self {
            undetermined: vec!["two_factor", "site_users"],
            redacted: Some(String::new()),
            slot: Some(String::new()),
            late: Some(String::new()),
            collapsed: 1,
            counts: Counts {
                consoles: 2,
                incomplete_consoles: 1,
                users: 2,
                findings: 2,
                waived: 1,
                controls: 2,
                not_proven: 1,
                gaps: 2,
            },
            severities: vec![
                SeverityBar { severity: "critical", findings: 2, percent: 100 },
                SeverityBar { severity: "high", findings: 0, percent: 0 },
            ],
            trend: vec![
                TrendView { parts: vec![PartView { severity: "high", percent: 9 }], ..TrendView::default() },
                TrendView { this: true, complete: true, ..TrendView::default() },
            ],
            steps: vec![
                StepView { command: Some(Text::name("probe")), ..StepView::default() },
                StepView::default(),
            ],
            rules: part(vec![MostView { severity: "high", ..MostView::default() }]),
            subjects: part(vec![MostView {
                severity: "high",
                kind: Some("user"),
                console: Some(Text::name("probe")),
                ..MostView::default()
            }]),
            consoles: part(vec![ConsoleView { gaps: 2, ..ConsoleView::default() }]),
            gaps: part(vec![GapView { reasons: vec!["unavailable"], ..GapView::default() }]),
            waivers: part(vec![
                WaiverView { due: "now", console: Some(Text::name("probe")), ..WaiverView::default() },
                WaiverView { due: "unused", ..WaiverView::default() },
            ]),
            earlier: Some(EarlierView { uncompared: 1, ..EarlierView::default() }),
            change_counts: part(vec![ChangeCount::default()]),
            changes: part(vec![ChangeView::default()]),
            findings: part(vec![FindingView { severity: "critical", ..FindingView::default() }]),
            files: FilesView::probe(attached),
            ..Self::default()
        }
    }
}

/// A table that does not show all its rows.
fn part<T>(rows: Vec<T>) -> Table<T> {
    Table { total: rows.len() as u64 + 1, more: 1, files: "probe", rows }
}

impl Counts {
    fn of(report: &Report, open: &[&FindingRow]) -> Self {
        let incomplete = |console: &&ConsoleSummary| console.verdict == Completeness::Incomplete;
        Self {
            consoles: report.consoles.len() as u64,
            incomplete_consoles: report.consoles.iter().filter(incomplete).count() as u64,
            users: report.users.len() as u64,
            findings: open.len() as u64,
            waived: report.waived(),
            controls: report.controls.len() as u64,
            not_proven: report.not_proven(),
            gaps: report.gaps.len() as u64,
        }
    }
}

fn severities(open: &[&FindingRow]) -> Vec<SeverityBar> {
    let count = |severity| open.iter().filter(|row| row.severity == severity).count() as u64;
    let most = Severity::WORST_FIRST.into_iter().map(count).max().unwrap_or(0).max(1);
    let bar = |severity: Severity| {
        let findings = count(severity);
        SeverityBar { severity: severity.as_str(), findings, percent: (findings * 100).div_ceil(most) }
    };
    Severity::WORST_FIRST.into_iter().map(bar).collect()
}

fn consoles(report: &Report, open: &[&FindingRow]) -> Table<ConsoleView> {
    let users = tally(report.users.iter().map(|row| &*row.console));
    let findings = tally(open.iter().map(|row| &*row.console));
    let gaps = tally(report.gaps.iter().map(|row| &*row.console));
    let of = |counts: &HashMap<&str, u64>, name: &str| counts.get(name).copied().unwrap_or(0);
    Table::of(report.consoles.iter(), CONSOLES, "the files of this run", |console| ConsoleView {
        name: Text::line(&console.name, words::NAME),
        complete: console.verdict == Completeness::Complete,
        users: of(&users, &console.name),
        findings: of(&findings, &console.name),
        gaps: of(&gaps, &console.name),
    })
}

fn tally<'a>(consoles: impl Iterator<Item = &'a str>) -> HashMap<&'a str, u64> {
    let mut counts = HashMap::new();
    for console in consoles {
        *counts.entry(console).or_default() += 1;
    }
    counts
}

fn gaps(report: &Report) -> Table<GapView> {
    let parts: Vec<(&CoverageRow, Vec<&GapRow>)> =
        gaps_by_part(report).filter(|(_, gaps)| !gaps.is_empty()).collect();
    Table::of(parts.iter(), GAPS, "the files of this run", |(row, gaps)| {
        let mut told = HashSet::new();
        let reasons = gaps.iter().map(|gap| gap.reason).map(GapReason::as_str);
        GapView {
            console: Text::line(&row.console, words::NAME),
            part: row.part,
            gaps: gaps.len() as u64,
            reasons: reasons.filter(|reason| told.insert(*reason)).collect(),
        }
    })
}

impl FindingView {
    fn of(row: &FindingRow) -> Self {
        Self {
            severity: row.severity.as_str(),
            console: Text::line(&row.console, words::NAME),
            subject: Text::line(&row.subject_name, words::NAME),
            kind: row.subject_kind.as_str(),
            title: Text::line(&row.title, words::SENTENCE),
            summary: Text::line(&row.summary, words::SENTENCE),
        }
    }
}
