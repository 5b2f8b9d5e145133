//! The numbers behind the first screen: what its charts draw, and what it has no room for.

use std::cmp::Reverse;
use std::collections::HashMap;

use rust_xlsxwriter::{Format, FormatAlign, FormatBorder, XlsxError};

use super::{FIRST, LAST, PANELS, Page, Palette, Style, cell, centred, serial, small};
use crate::finding::Severity;
use crate::model::Depth;
use crate::report::{Completeness, FindingState};

/// What a row is called, and the places of its figures.
const NAME: (u16, u16) = (PANELS[0].0, PANELS[0].1 + 1);
const SLOTS: [(u16, u16); 9] =
    [(11, 13), (14, 16), (17, 19), (20, 22), (23, 26), (27, 29), (30, 32), (33, 35), (36, 38)];
/// How many rules the chart shows.
const TOP: usize = 8;

/// Where the figures of the charts stand: rows, first and last.
pub(super) struct Drawn {
    pub(super) severities: (u32, u32),
    pub(super) rules: Option<DrawnRules>,
    pub(super) trend: (u32, u32),
    /// The last row of the sheet.
    pub(super) end: u32,
}

/// The rows of the rules that are drawn, and how bad each is.
pub(super) struct DrawnRules {
    pub(super) rows: (u32, u32),
    pub(super) worst: Vec<Severity>,
}

impl Drawn {
    /// The column of the names of rules and runs, and that of the figures in a slot.
    pub(super) const NAMES: u16 = NAME.0;
    pub(super) const fn column(slot: usize) -> u16 {
        SLOTS[slot].0
    }
}

pub(super) fn write(page: &mut Page<'_>) -> Result<Drawn, XlsxError> {
    population(page)?;
    since(page)?;
    let severities = severities(page)?;
    let rules = rules(page)?;
    let trend = trend(page)?;
    run(page)?;
    Ok(Drawn { severities, rules, trend, end: page.row })
}

/// A table's name, and the heads of its columns.
fn head(page: &mut Page<'_>, name: &str, heads: &[&str]) -> Result<(), XlsxError> {
    page.skip_rows(1, 12)?;
    page.height(26)?;
    let rule = |format: Format| {
        format
            .set_align(FormatAlign::Bottom)
            .set_border_bottom(FormatBorder::Thin)
            .set_border_bottom_color(Palette::INK)
    };
    page.put(NAME, name, &rule(cell(10).set_bold()))?;
    for (text, slot) in heads.iter().zip(SLOTS) {
        page.put(slot, text, &rule(small().set_align(FormatAlign::Center).set_text_wrap()))?;
    }
    page.row += 1;
    page.height(18)
}

/// Console by console: what it says it holds, and how much of it is in this report.
fn population(page: &mut Page<'_>) -> Result<(), XlsxError> {
    let heads = [
        "verdict",
        "users expected",
        "users seen",
        "sites expected",
        "sites seen",
        "asset groups expected",
        "asset groups seen",
        "roles seen",
        "requests",
    ];
    head(page, "Population", &heads)?;
    let report = page.report;
    for console in &report.consoles {
        page.height(18)?;
        let version = console.version.as_deref().map(|version| format!("   version {version}"));
        let lean = if console.depth == Depth::Lean { ", lean" } else { "" };
        let name = format!("{}{}{lean}", console.name, version.unwrap_or_default());
        page.put(NAME, &name, &Style::ruled(&cell(9)))?;
        let (word, colour) = match console.verdict {
            Completeness::Complete => ("complete", Palette::GOOD),
            Completeness::Incomplete => ("incomplete", Palette::BAD),
        };
        page.put(SLOTS[0], word, &Style::ruled(&centred(9).set_bold().set_font_color(colour)))?;
        let here = |consoles: &mut dyn Iterator<Item = &str>| {
            consoles.filter(|name| *name == console.name).count() as u64
        };
        let totals = &console.totals;
        let pairs = [
            (totals.users, here(&mut report.users.iter().map(|row| &*row.console))),
            (totals.sites, here(&mut report.sites.iter().map(|row| &*row.console))),
            (totals.asset_groups, here(&mut report.asset_groups.iter().map(|row| &*row.console))),
        ];
        for ((total, rows), slots) in pairs.into_iter().zip(SLOTS[1..].chunks(2)) {
            let differs = total.is_some_and(|total| total != rows);
            let look = if differs { centred(9).set_bold().set_font_color(Palette::BAD) } else { centred(9) };
            let look = Style::ruled(&look);
            match total {
                Some(total) => page.put_count(slots[0], total, &look)?,
                None => page.put(slots[0], "no total", &look)?,
            }
            page.put_count(slots[1], rows, &look)?;
        }
        let plain = Style::ruled(&centred(9));
        page.put_count(SLOTS[7], here(&mut report.roles.iter().map(|row| &*row.console)), &plain)?;
        page.put_count(SLOTS[8], console.requests, &plain)?;
        page.row += 1;
    }
    Ok(())
}

/// What came, stayed and went since the earlier run, in one row; nothing where there is none.
fn since(page: &mut Page<'_>) -> Result<(), XlsxError> {
    let report = page.report;
    let Some(comparison) = &report.comparison else { return Ok(()) };
    let heads = [
        "new",
        "reopened",
        "persisting",
        "newly judged",
        "undecided",
        "resolved",
        "vanished",
        "other changes",
        "of administrators",
    ];
    head(page, "Findings since the last run", &heads)?;
    let (counts, others) =
        (&comparison.counts, report.changes.iter().filter(|change| change.kind != "finding"));
    let figures = [
        counts.new,
        counts.reopened,
        counts.persisting,
        counts.newly_judged,
        counts.undecided,
        counts.resolved,
        counts.vanished,
        others.clone().count() as u64,
        others.filter(|change| change.administrator).count() as u64,
    ];
    let when = comparison.finished.format("%Y-%m-%d %H:%M UTC");
    page.put(NAME, &format!("{} of {when}", comparison.run), &Style::ruled(&cell(9)))?;
    for (figure, slot) in figures.into_iter().zip(SLOTS) {
        page.put_count(slot, figure, &Style::ruled(&centred(9)))?;
    }
    page.row += 1;
    let open = comparison.uncompared.len();
    if counts.undecided + counts.vanished > 0 || open > 0 {
        let line = format!(
            "Undecided and vanished findings are not called new or resolved: one of the two runs did not see enough of \
             them. Not compared: {open}."
        );
        page.put((FIRST, LAST), &line, &small())?;
        page.row += 1;
    }
    Ok(())
}

fn severities(page: &mut Page<'_>) -> Result<(u32, u32), XlsxError> {
    head(page, "Findings by severity", &["open", "waived"])?;
    let first = page.row;
    let plain = Style::ruled(&centred(9));
    let mut sums = [0, 0];
    for severity in Severity::WORST_FIRST {
        page.height(18)?;
        page.put(NAME, severity.as_str(), &Style::ruled(&cell(9)))?;
        let of = page.report.findings.iter().filter(|finding| finding.severity == severity);
        let counts = [FindingState::Open, FindingState::Waived]
            .map(|state| of.clone().filter(|finding| finding.state == state).count() as u64);
        for ((count, sum), slot) in counts.into_iter().zip(&mut sums).zip(SLOTS) {
            page.put_count(slot, count, &plain)?;
            *sum += count;
        }
        page.row += 1;
    }
    page.height(18)?;
    page.put(NAME, "all", &Style::ruled(&cell(9).set_bold()))?;
    for (sum, slot) in sums.into_iter().zip(SLOTS) {
        page.put_count(slot, sum, &plain.clone().set_bold())?;
    }
    page.row += 1;
    Ok((first, page.row - 2))
}

/// The rules with the worst open findings, then the most, and how bad each is; `None` if there are none.
fn rules(page: &mut Page<'_>) -> Result<Option<DrawnRules>, XlsxError> {
    let report = page.report;
    let mut counts: HashMap<&str, (Severity, u64, &str)> = HashMap::new();
    for finding in report.open() {
        let (worst, count, _) = counts.entry(&finding.rule).or_insert((finding.severity, 0, &finding.title));
        *worst = finding.severity.max(*worst);
        *count += 1;
    }
    if counts.is_empty() {
        return Ok(None);
    }
    let codes: HashMap<&str, &str> = report.rules.iter().map(|rule| (&*rule.id, &*rule.code)).collect();
    let mut rules: Vec<_> = counts.into_iter().collect();
    rules.sort_by_key(|(rule, (worst, count, _))| (Reverse((*worst, *count)), *rule));
    head(page, "Open findings by rule", &["open", "worst", "code"])?;
    let first = page.row;
    let plain = Style::ruled(&centred(9));
    for (rule, (worst, count, title)) in rules.iter().take(TOP) {
        page.height(18)?;
        page.put(NAME, title, &Style::ruled(&cell(9)))?;
        page.put_count(SLOTS[0], *count, &plain)?;
        page.put(SLOTS[1], worst.as_str(), &plain)?;
        page.put(SLOTS[2], codes.get(rule).copied().unwrap_or(rule), &plain)?;
        page.row += 1;
    }
    let last = page.row - 1;
    if rules.len() > TOP {
        let more = format!("and {} more rules: see the sheet Rules", rules.len() - TOP);
        page.put_link((FIRST, LAST), "'Rules'!A1", &more, &small())?;
        page.row += 1;
    }
    let worst = rules.iter().take(TOP).map(|(_, (worst, ..))| *worst).collect();
    Ok(Some(DrawnRules { rows: (first, last), worst }))
}

/// What the last runs came to; an incomplete one has a star, which the chart shows too.
fn trend(page: &mut Page<'_>) -> Result<(u32, u32), XlsxError> {
    let heads = ["critical", "high", "medium", "low", "info", "all open", "users", "verdict", "day (UTC)"];
    head(page, "Open findings, run by run", &heads)?;
    let first = page.row;
    let plain = Style::ruled(&centred(9));
    for row in &page.report.trend {
        page.height(18)?;
        let star = if row.verdict == Completeness::Complete { "" } else { "*" };
        let name = (NAME.0, NAME.0 + 2);
        page.put(name, &format!("{}{star}", row.finished.format("%m-%d")), &Style::ruled(&cell(9)))?;
        page.put((name.1 + 1, NAME.1), &row.run, &Style::ruled(&small()))?;
        for (severity, slot) in Severity::WORST_FIRST.into_iter().zip(SLOTS) {
            page.put_count(slot, row.of(severity), &plain)?;
        }
        page.put_count(SLOTS[5], row.total(), &plain.clone().set_bold())?;
        page.put_count(SLOTS[6], row.users, &plain)?;
        let (word, colour) = match row.verdict {
            Completeness::Complete => ("complete", Palette::GOOD),
            Completeness::Incomplete => ("incomplete", Palette::BAD),
        };
        page.put(SLOTS[7], word, &plain.clone().set_font_color(colour))?;
        match serial(row.finished) {
            Some(day) => page.put_number(SLOTS[8], day, &plain.clone().set_num_format("yyyy-mm-dd"))?,
            None => page.put(SLOTS[8], &row.finished.to_rfc3339(), &plain)?,
        }
        page.row += 1;
    }
    Ok((first, page.row - 1))
}

/// What ties the workbook to its run.
fn run(page: &mut Page<'_>) -> Result<(), XlsxError> {
    head(page, "Run", &[])?;
    let run = &page.report.run;
    let (label, value) = (Style::ruled(&small()), Style::ruled(&cell(9)));
    let place = (SLOTS[0].0, LAST);
    let words = [
        ("id", run.id.as_str()),
        ("job", run.job.as_deref().unwrap_or("on demand")),
        ("configuration (SHA-256)", run.configuration.as_str()),
    ];
    for (name, text) in words {
        page.height(18)?;
        page.put(NAME, name, &label)?;
        page.put(place, text, &value)?;
        page.row += 1;
    }
    let times = [
        ("slot (UTC)", run.slot),
        ("started (UTC)", Some(run.started)),
        ("finished (UTC)", Some(run.finished)),
    ];
    for (name, time) in times {
        let Some(time) = time else { continue };
        page.height(18)?;
        page.put(NAME, name, &label)?;
        match serial(time) {
            Some(days) => page.put_number(place, days, &value.clone().set_num_format("yyyy-mm-dd hh:mm"))?,
            None => page.put(place, &time.to_rfc3339(), &value)?,
        }
        page.row += 1;
    }
    Ok(())
}
