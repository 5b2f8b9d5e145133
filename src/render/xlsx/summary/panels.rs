//! The lists of the first screen: the tie-out of the population, the subjects to look at first, and what changed.

use std::cmp::Reverse;
use std::collections::HashMap;

use rust_xlsxwriter::{FormatAlign, XlsxError};

use super::{LIST_ROW, LIST_ROWS, PANELS, Page, Palette, Style, cell, centred, heading, small};
use crate::finding::{Severity, SubjectKind};
use crate::report::{Change, Comparison, Completeness, Report};

pub(super) fn write(page: &mut Page<'_>) -> Result<(), XlsxError> {
    let top = page.row;
    page.height(24)?;
    for panel in [population, subjects, changed] {
        page.row = top;
        panel(page)?;
    }
    page.row = top + 1;
    page.skip_rows(LIST_ROWS, LIST_ROW)
}

/// One count of a console, and how many rows of it were seen.
struct TiedOut<'a> {
    console: &'a str,
    part: &'static str,
    complete: bool,
    says: Option<u64>,
    seen: u64,
}

impl TiedOut<'_> {
    fn holds(&self) -> bool {
        self.says.is_none_or(|says| says == self.seen)
    }
}

/// Users come first; the other counts follow where there is room for those of every console. What does not tie out
/// comes before what does.
fn tied_out(report: &Report) -> Vec<TiedOut<'_>> {
    let count = |rows: &mut dyn Iterator<Item = &str>, console: &str| {
        rows.filter(|name| *name == console).count() as u64
    };
    let mut rows = Vec::new();
    for console in &report.consoles {
        let (name, totals) = (console.name.as_str(), &console.totals);
        let users = count(&mut report.users.iter().map(|row| &*row.console), name);
        let sites = count(&mut report.sites.iter().map(|row| &*row.console), name);
        let groups = count(&mut report.asset_groups.iter().map(|row| &*row.console), name);
        let parts = [
            ("users", totals.users, users),
            ("sites", totals.sites, sites),
            ("asset groups", totals.asset_groups, groups),
        ];
        let complete = console.verdict == Completeness::Complete;
        let row = |(part, says, seen)| TiedOut { console: name, part, complete, says, seen };
        rows.push(parts.map(row));
    }
    let parts = if rows.len() * 3 <= LIST_ROWS as usize { 3 } else { 1 };
    let mut rows: Vec<TiedOut<'_>> = rows.into_iter().flat_map(|row| row.into_iter().take(parts)).collect();
    if parts == 1 {
        rows.sort_by_key(|row| row.holds() && row.complete);
    }
    rows
}

/// What each console says it holds, and what was seen.
fn population(page: &mut Page<'_>) -> Result<(), XlsxError> {
    let (first, last) = PANELS[0];
    let (name, says, seen, mark) = ((first, 4), (5, 6), (7, 8), (last, last));
    let title = heading();
    page.put(name, "Population", &title)?;
    let label = small_heading().set_align(FormatAlign::Center);
    for (place, words) in [(says, "expected"), (seen, "seen"), (mark, "")] {
        page.put(place, words, &label)?;
    }
    page.row += 1;
    let rows = tied_out(page.report);
    let room = LIST_ROWS as usize - usize::from(rows.len() > LIST_ROWS as usize);
    for row in rows.iter().take(room) {
        let (sign, ink) = if row.holds() { ("✓", Palette::GOOD) } else { ("✗", Palette::BAD) };
        let figures = Style::ruled(&if row.holds() { centred(9) } else { centred(9).set_font_color(ink) });
        let beside = if row.complete { "" } else { ", incomplete" };
        let ink_of_name = if row.complete { Palette::INK } else { Palette::BAD };
        let look = Style::ruled(&cell(9).set_font_color(ink_of_name));
        page.put(name, &format!("{}: {}{beside}", row.console, row.part), &look)?;
        match row.says {
            Some(count) => page.put_count(says, count, &figures)?,
            None => page.put(says, "no total", &figures)?,
        }
        page.put_count(seen, row.seen, &figures)?;
        page.put(mark, sign, &Style::ruled(&centred(9).set_bold().set_font_color(ink)))?;
        page.row += 1;
    }
    if rows.len() > room {
        page.put((first, last), &format!("and {} more, below", rows.len() - room), &small())?;
    }
    Ok(())
}

/// A subject with its open findings: the worst, where it stands, what it is called, and how many there are.
struct Subject<'a> {
    severity: Severity,
    first: usize,
    count: u64,
    name: &'a str,
    console: &'a str,
    worst: &'a str,
}

/// The worst finding first, then the most; equals stay in the order of the findings.
fn worst_subjects(report: &Report) -> Vec<Subject<'_>> {
    let mut found: HashMap<(&str, SubjectKind, &str), usize> = HashMap::new();
    let mut subjects: Vec<Subject<'_>> = Vec::new();
    for (first, finding) in report.findings.iter().enumerate().filter(|(_, finding)| finding.is_open()) {
        let key = (&*finding.console, finding.subject_kind, finding.subject_id.as_str());
        let at = *found.entry(key).or_insert(subjects.len());
        if at == subjects.len() {
            let (name, console, worst) = (&*finding.subject_name, &*finding.console, &*finding.title);
            subjects.push(Subject { severity: finding.severity, first, count: 0, name, console, worst });
        }
        let subject = &mut subjects[at];
        subject.count += 1;
        if finding.severity > subject.severity {
            (subject.severity, subject.first, subject.worst) = (finding.severity, first, &finding.title);
        }
    }
    subjects.sort_by_key(|subject| Reverse((subject.severity, subject.count)));
    subjects
}

fn subjects(page: &mut Page<'_>) -> Result<(), XlsxError> {
    let (first, last) = PANELS[1];
    let (severity, name, worst, count) =
        ((first, first + 1), (first + 2, first + 6), (first + 7, last - 1), (last, last));
    let title = heading();
    page.put((first, first + 6), "Look at these first", &title)?;
    page.put(worst, "worst finding", &small_heading())?;
    page.put(count, "open", &small_heading().set_align(FormatAlign::Center))?;
    page.row += 1;
    let many = page.report.consoles.len() > 1;
    for subject in worst_subjects(page.report).into_iter().take(LIST_ROWS as usize) {
        let chip = page.style.severity(subject.severity).clone().set_align(FormatAlign::VerticalCenter);
        page.put(severity, subject.severity.as_str(), &chip)?;
        let words =
            if many { format!("{} ({})", subject.name, subject.console) } else { subject.name.to_owned() };
        let place = page.places.finding(subject.first);
        page.put_link(name, &place, &words, &Style::ruled(&cell(9).set_indent(1)))?;
        page.put(worst, subject.worst, &Style::ruled(&small().set_shrink()))?;
        page.put_count(count, subject.count, &Style::ruled(&centred(9).set_bold()))?;
        page.row += 1;
    }
    if page.report.open().next().is_none() {
        let line =
            if page.report.waived() > 0 { "Every finding is waived." } else { "No rule found anything." };
        page.put((first, last), line, &cell(9))?;
    }
    Ok(())
}

/// How many findings came and went, and what else a reader must hear of, the gravest first.
fn changed(page: &mut Page<'_>) -> Result<(), XlsxError> {
    let (first, last) = PANELS[2];
    let title = heading();
    let Some(comparison) = &page.report.comparison else {
        page.put((first, last), "What changed", &title)?;
        page.row += 1;
        return page.put((first, last), "No earlier run to compare with.", &cell(9));
    };
    page.put((first, first + 5), "What changed", &title)?;
    let since = format!("since {}, run {}", comparison.finished.format("%Y-%m-%d"), comparison.run);
    page.put((first + 6, last), &since, &small_heading().set_align(FormatAlign::Right))?;
    page.row += 1;
    counts(page, comparison)?;
    page.row += 2;
    for change in gravest(page.report).into_iter().take(LIST_ROWS as usize / 2 - 1) {
        let wrapped = Style::ruled(&cell(8).set_text_wrap());
        let colour = if change.change == "resolved" { Palette::GOOD } else { Palette::INK };
        let tag = Style::ruled(&small().set_bold().set_text_wrap().set_font_color(colour));
        page.put_tall(1, (first, first + 1), &change.change.replace('_', " "), &tag)?;
        page.put_tall(1, (first + 2, last), &change.summary, &wrapped)?;
        page.row += 2;
    }
    Ok(())
}

fn counts(page: &mut Page<'_>, comparison: &Comparison) -> Result<(), XlsxError> {
    let (first, counts) = (PANELS[2].0, &comparison.counts);
    let shown = [
        ("new", counts.new, Palette::BAD),
        ("reopened", counts.reopened, Palette::BAD),
        ("resolved", counts.resolved, Palette::GOOD),
        ("waived", page.report.waived(), Palette::INK),
    ];
    for ((label, count, colour), column) in shown.into_iter().zip((first..).step_by(3)) {
        let colour = if count == 0 { Palette::MUTED } else { colour };
        let number = centred(12).set_bold().set_font_color(colour);
        page.put_count((column, column + 2), count, &number)?;
        page.row += 1;
        let words = small().set_align(FormatAlign::Center).set_align(FormatAlign::Top);
        page.put((column, column + 2), label, &Style::ruled(&words))?;
        page.row -= 1;
    }
    Ok(())
}

/// New and reopened findings that are critical or high, what happened to administrators, what was resolved, the rest.
fn gravest(report: &Report) -> Vec<&Change> {
    let severities: HashMap<&str, Severity> =
        report.findings.iter().map(|finding| (&*finding.id, finding.severity)).collect();
    let rank = |change: &Change| {
        let severity = severities.get(&*change.id).copied().unwrap_or(Severity::Info);
        match (change.kind, change.change) {
            ("finding", "new" | "reopened") if severity >= Severity::High => (0, Reverse(severity)),
            ("finding", "resolved") => (2, Reverse(Severity::Info)),
            _ if change.administrator => (1, Reverse(Severity::Info)),
            ("finding", _) => (3, Reverse(severity)),
            _ => (4, Reverse(Severity::Info)),
        }
    };
    let mut changes: Vec<&Change> = report.changes.iter().collect();
    changes.sort_by_key(|change| rank(change));
    changes
}

/// A word over a column of a panel.
fn small_heading() -> rust_xlsxwriter::Format {
    heading().unset_bold().set_font_size(8).set_font_color(Palette::MUTED)
}
