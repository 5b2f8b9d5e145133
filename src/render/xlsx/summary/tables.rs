//! The summary's tables.

use std::cmp::Reverse;
use std::collections::HashMap;

use rust_xlsxwriter::{Format, FormatAlign, XlsxError};

use super::{Drawn, FIRST, LAST, Page, Style};
use crate::finding::Severity;
use crate::report::{Completeness, FindingState, RuleRow};

/// How many rules the chart shows.
const TOP: usize = 10;

/// Console by console: what it says it holds, and how much of it is in this report.
pub(super) fn population(page: &mut Page<'_>) -> Result<(), XlsxError> {
    let report = page.report;
    page.heading("Population: what each console says it holds, and what this report holds")?;
    let header = page.style.header.clone().set_align(FormatAlign::Center);
    let tops = ["Users", "Roles", "Sites", "Asset groups"];
    page.put_tall(1, (FIRST, FIRST), "Console", &page.style.header)?;
    page.put_tall(1, (2, 3), "Verdict", &header)?;
    for (top, column) in tops.into_iter().zip((4..).step_by(2)) {
        page.put((column, column + 1), top, &header)?;
    }
    page.put_tall(1, (12, 12), "Requests", &header)?;
    page.put_tall(1, (13, 13), "Depth", &header)?;
    page.row += 1;
    let small = header.clone().set_font_size(9);
    for column in (4..12).step_by(2) {
        page.put((column, column), "console", &small)?;
        page.put((column + 1, column + 1), "report", &small)?;
    }
    page.row += 1;
    for console in &report.consoles {
        page.height(20)?;
        let version = console.version.as_deref().map(|version| format!("   version {version}"));
        let name = format!("{}{}", console.name, version.unwrap_or_default());
        page.put((FIRST, FIRST), &name, &Style::ruled(&page.style.text))?;
        let (word, look) = match console.verdict {
            Completeness::Complete => ("complete", &page.style.good),
            Completeness::Incomplete => ("incomplete", &page.style.bad),
        };
        page.put((2, 3), word, &Style::ruled(look))?;
        let here = |consoles: &mut dyn Iterator<Item = &str>| {
            consoles.filter(|name| *name == console.name).count() as u64
        };
        let totals = &console.totals;
        let pairs = [
            (totals.users, here(&mut report.users.iter().map(|row| &*row.console))),
            (None, here(&mut report.roles.iter().map(|row| &*row.console))),
            (totals.sites, here(&mut report.sites.iter().map(|row| &*row.console))),
            (totals.asset_groups, here(&mut report.asset_groups.iter().map(|row| &*row.console))),
        ];
        let plain = Style::ruled(&page.style.mark);
        for ((total, rows), column) in pairs.into_iter().zip((4..).step_by(2)) {
            let differs = total.is_some_and(|total| total != rows);
            let look = if differs { Style::ruled(&page.style.bad) } else { plain.clone() };
            match total {
                Some(total) => page.put_count(column, total, &look)?,
                None => page.put((column, column), "no total", &look)?,
            }
            page.put_count(column + 1, rows, &look)?;
        }
        page.put_count(12, console.requests, &plain)?;
        page.put((13, 13), depth(console.depth), &plain)?;
        page.row += 1;
    }
    Ok(())
}

fn depth(depth: crate::model::Depth) -> &'static str {
    match depth {
        crate::model::Depth::Full => "full",
        crate::model::Depth::Lean => "lean",
    }
}

/// What came, stayed and went since the earlier run, in one row; nothing where there is none.
pub(super) fn since(page: &mut Page<'_>) -> Result<(), XlsxError> {
    let report = page.report;
    let Some(comparison) = &report.comparison else { return Ok(()) };
    page.heading("Since the last run")?;
    let counts = &comparison.counts;
    let findings = [
        ("new", counts.new),
        ("reopened", counts.reopened),
        ("persisting", counts.persisting),
        ("newly judged", counts.newly_judged),
        ("undecided", counts.undecided),
        ("resolved", counts.resolved),
        ("vanished", counts.vanished),
    ];
    let header = page.style.header.clone().set_align(FormatAlign::Center);
    let others = report.changes.iter().filter(|change| change.kind != "finding");
    let of_administrators = others.clone().filter(|change| change.administrator).count() as u64;
    let tops = [
        ("other changes", others.count() as u64),
        ("admin changes", of_administrators),
        ("not compared", comparison.uncompared.len() as u64),
    ];
    page.height(20)?;
    page.put_tall(1, (FIRST, FIRST), "Compared with run", &page.style.header)?;
    page.put((2, 8), "Findings", &header)?;
    page.put((9, 11), "Everything else", &header)?;
    page.row += 1;
    page.height(20)?;
    let small = header.set_font_size(9);
    for ((label, _), column) in findings.iter().chain(&tops).zip(2..) {
        page.put((column, column), label, &small)?;
    }
    page.row += 1;
    page.height(20)?;
    let when = comparison.finished.format("%Y-%m-%d %H:%M UTC");
    page.put((FIRST, FIRST), &format!("{} of {when}", comparison.run), &Style::ruled(&page.style.text))?;
    let plain = Style::ruled(&page.style.mark);
    for ((label, count), column) in findings.iter().chain(&tops).zip(2..) {
        let alarming = *count > 0 && matches!(*label, "new" | "reopened" | "not compared");
        let look = if alarming { Style::ruled(&page.style.bad) } else { plain.clone() };
        page.put_count(column, *count, &look)?;
    }
    page.row += 1;
    if counts.undecided + counts.vanished > 0 || !comparison.uncompared.is_empty() {
        let line = "Undecided and vanished findings are not called new or resolved: one of the two runs did not see \
                    enough of them. The sheet Changes says why.";
        page.put((FIRST, LAST), line, &page.style.complete)?;
        page.row += 1;
    }
    Ok(())
}

pub(super) fn severities(page: &mut Page<'_>) -> Result<Drawn, XlsxError> {
    page.heading("Findings by severity")?;
    header_row(page, &["Severity", "Open", "Waived"])?;
    let first = page.row;
    let ruled = Style::ruled(&page.style.mark);
    let mut sums = [0, 0];
    for severity in Severity::WORST_FIRST {
        page.height(20)?;
        let look = Style::ruled(page.style.severity(severity)).set_align(FormatAlign::Left).set_indent(1);
        page.put((FIRST, FIRST), severity.as_str(), &look)?;
        let of = page.report.findings.iter().filter(|finding| finding.severity == severity);
        let counts = [FindingState::Open, FindingState::Waived]
            .map(|state| of.clone().filter(|finding| finding.state == state).count() as u64);
        for ((count, sum), column) in counts.into_iter().zip(&mut sums).zip(2..) {
            page.put_count(column, count, &ruled)?;
            *sum += count;
        }
        page.row += 1;
    }
    page.height(20)?;
    let strong = ruled.set_bold();
    page.put((FIRST, FIRST), "all", &strong.clone().set_align(FormatAlign::Left).set_indent(1))?;
    for (sum, column) in sums.into_iter().zip(2..) {
        page.put_count(column, sum, &strong)?;
    }
    page.row += 1;
    Ok(Drawn { first, last: page.row - 2 })
}

/// The rules with the worst open findings, then the most, and how bad each is; `None` if there are none.
pub(super) fn top_rules(page: &mut Page<'_>) -> Result<Option<(Drawn, Vec<Severity>)>, XlsxError> {
    let report = page.report;
    page.heading("Open findings by rule")?;
    let mut counts: HashMap<&str, (Severity, u64, &str)> = HashMap::new();
    for finding in report.open() {
        let (worst, count, _) = counts.entry(&finding.rule).or_insert((finding.severity, 0, &finding.title));
        *worst = finding.severity.max(*worst);
        *count += 1;
    }
    if counts.is_empty() {
        let waived = report.waived() > 0;
        let line = if waived { "Every finding is waived." } else { "No rule found anything." };
        page.put((FIRST, FIRST), line, &page.style.text)?;
        page.row += 1;
        return Ok(None);
    }
    let codes: HashMap<&str, &str> = report.rules.iter().map(|rule| (&*rule.id, &*rule.code)).collect();
    let mut rules: Vec<_> = counts.into_iter().collect();
    rules.sort_by_key(|(rule, (worst, count, _))| (Reverse((*worst, *count)), *rule));
    header_row(page, &["Rule", "Code", "Open"])?;
    let first = page.row;
    let centred = Style::ruled(&page.style.mark);
    for (rule, (_, count, title)) in rules.iter().take(TOP) {
        page.height(20)?;
        page.put((FIRST, FIRST), title, &Style::ruled(&page.style.text))?;
        page.put((2, 2), codes.get(rule).copied().unwrap_or(rule), &centred)?;
        page.put_count(3, *count, &centred)?;
        page.row += 1;
    }
    let last = page.row - 1;
    if rules.len() > TOP {
        let more = format!("and {} more rules, below", rules.len() - TOP);
        page.put((FIRST, FIRST), &more, &page.style.complete)?;
        page.row += 1;
    }
    let worst = rules.iter().take(TOP).map(|(_, (worst, ..))| *worst).collect();
    Ok(Some((Drawn { first, last }, worst)))
}

/// Every rule on every console.
pub(super) fn verdicts(page: &mut Page<'_>) -> Result<(), XlsxError> {
    let report = page.report;
    page.heading("Verdict of every rule")?;
    let header = page.style.header.clone();
    let centred = header.clone().set_align(FormatAlign::Center);
    let indented = header.clone().set_align(FormatAlign::Left).set_indent(1);
    let columns: [((u16, u16), &str, &Format); 9] = [
        ((FIRST, FIRST), "Rule", &header),
        ((2, 2), "Code", &centred),
        ((3, 3), "Severity", &centred),
        ((4, 5), "Console", &indented),
        ((6, 7), "Verdict", &centred),
        ((8, 8), "Examined", &centred),
        ((9, 9), "Expected", &centred),
        ((10, 10), "Open", &centred),
        ((11, LAST), "Note", &header),
    ];
    page.height(20)?;
    for (place, text, format) in columns {
        page.put(place, text, format)?;
    }
    page.row += 1;
    let (text, mark) = (Style::ruled(&page.style.text), Style::ruled(&page.style.mark));
    for rule in &report.rules {
        let said = noted(rule);
        page.height(if said.is_empty() { 20 } else { 27 })?;
        page.put((FIRST, FIRST), &rule.title, &text)?;
        page.put((2, 2), &rule.code, &mark)?;
        page.put((3, 3), rule.severity.as_str(), &Style::ruled(page.style.severity(rule.severity)))?;
        page.put((4, 5), &rule.console, &text.clone().set_align(FormatAlign::Left).set_indent(1))?;
        let verdict = rule.verdict.as_str().replace('_', " ");
        page.put((6, 7), &verdict, &Style::ruled(page.style.verdict(rule.verdict)))?;
        for (count, column) in [rule.examined, rule.expected, rule.open].into_iter().zip(8..) {
            page.put_count(column, count, &mark)?;
        }
        let note = text.clone().set_text_wrap().set_font_size(9);
        page.put((11, LAST), &said, &note)?;
        page.row += 1;
    }
    Ok(())
}

/// The note on a verdict, and beside it what waivers made of it.
fn noted(rule: &RuleRow) -> String {
    let waived = rule.findings - rule.open;
    let original = rule.original_verdict.map(|verdict| format!(", was {}", verdict.as_str()));
    let waived = (waived > 0).then(|| format!("{waived} waived{}", original.unwrap_or_default()));
    waived.into_iter().chain(rule.note.clone()).collect::<Vec<_>>().join("; ")
}

fn header_row(page: &mut Page<'_>, [name, others @ ..]: &[&str; 3]) -> Result<(), XlsxError> {
    page.height(20)?;
    let centred = page.style.header.clone().set_align(FormatAlign::Center);
    page.put((FIRST, FIRST), name, &page.style.header)?;
    for (text, column) in others.iter().zip(2..) {
        page.put((column, column), text, &centred)?;
    }
    page.row += 1;
    Ok(())
}
