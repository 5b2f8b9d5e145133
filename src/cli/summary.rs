//! The end of a review on the terminal: how complete, what was found, where the files are.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::Arc;

use comfy_table::{Cell, CellAlignment, ContentArrangement, Table};
use owo_colors::{OwoColorize, Style};

use super::Screen;
use super::screen::{amount, style};
use crate::finding::{Severity, SubjectKind, Verdict};
use crate::report::{Completeness, ENDS_NOW, ENDS_SOON, Report, WaiverRow, WaiverState};
use crate::untrusted::{shortened, visible};

/// Findings that are told one by one.
const WORST: usize = 8;

/// Rules in the table, and subjects in the line below it.
const RULES: usize = 10;
const SUBJECTS: usize = 5;

/// The columns of a terminal that nobody has made wider, and those of the longest bar.
const COLUMNS: u16 = 80;
const BAR: usize = 40;

/// Prints the summary.
pub(super) fn print(report: &Report, directory: Option<&Path>, screen: &mut Screen) -> io::Result<()> {
    screen.line("")?;
    screen.line(population(report).to_string())?;
    let estate = &report.estate;
    if estate.consoles > 1 {
        screen.line(format!(
            "{}  {} of at most {}, {} of them with accounts on several consoles",
            "estate".bold(),
            amount(estate.users, "account", "accounts"),
            amount(estate.people, "person", "people"),
            estate.on_several_consoles
        ))?;
    }
    screen.line("")?;
    screen.line(counts(report))?;
    bars(report).into_iter().try_for_each(|line| screen.line(line))?;
    screen.line("")?;
    rules(report, screen)?;
    subjects(report).into_iter().try_for_each(|line| screen.line(line))?;
    worst(report, screen)?;
    reminders(report).into_iter().try_for_each(|line| screen.line(line))?;
    verdict(report, screen)?;
    report.redaction_note().into_iter().try_for_each(|note| screen.line(note))?;
    if let Some(directory) = directory {
        screen.line(format!("Files in {}", directory.display()))?;
    }
    Ok(())
}

/// A table that fits a terminal of the usual width, whatever stands in it.
fn table(header: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(comfy_table::presets::UTF8_FULL_CONDENSED);
    table.set_content_arrangement(ContentArrangement::Dynamic).set_width(COLUMNS).set_header(header);
    table
}

/// Every console: what was seen of what it says that it has, and whether that ties out.
fn population(report: &Report) -> Table {
    let mut table = table(&["Console", "Users", "Roles", "Sites", "Groups", "Calls", "Population"]);
    for console in &report.consoles {
        let here =
            |rows: &mut dyn Iterator<Item = &Arc<str>>| rows.filter(|name| ***name == *console.name).count();
        let of = |seen: usize, total: Option<u64>| match total {
            Some(total) if total == seen as u64 => seen.to_string(),
            Some(total) => format!("{seen} of {total}"),
            None => format!("{seen} of ?"),
        };
        let (mark, colour) = match console.verdict {
            Completeness::Complete => ("ties out", Style::new().green()),
            Completeness::Incomplete => ("incomplete", Style::new().red().bold()),
        };
        let totals = &console.totals;
        let numbers = [
            of(here(&mut report.users.iter().map(|row| &row.console)), totals.users),
            here(&mut report.roles.iter().map(|row| &row.console)).to_string(),
            of(here(&mut report.sites.iter().map(|row| &row.console)), totals.sites),
            of(here(&mut report.asset_groups.iter().map(|row| &row.console)), totals.asset_groups),
            console.requests.to_string(),
        ];
        let mut cells = vec![Cell::new(shortened(&visible(&console.name), 24))];
        cells.extend(numbers.map(|number| Cell::new(number).set_alignment(CellAlignment::Right)));
        cells.push(Cell::new(mark.style(colour)));
        table.add_row(cells);
    }
    table
}

/// Open findings of each severity as a bar, and how many more or fewer they are than in the run before.
fn bars(report: &Report) -> Vec<String> {
    let count = |severity| report.open().filter(|finding| finding.severity == severity).count();
    let most = Severity::WORST_FIRST.into_iter().map(count).max().unwrap_or_default().max(1);
    let before = report.trend.len().checked_sub(2).map(|at| &report.trend[at]);
    let line = |severity: Severity| {
        let now = count(severity);
        let bar = "█".repeat((now * BAR).div_ceil(most));
        let change = before.map(|row| row.of(severity)).map(|then| match (now as u64).cmp(&then) {
            Ordering::Greater => format!("  ▲ {} more", now as u64 - then),
            Ordering::Less => format!("  ▼ {} fewer", then - now as u64),
            Ordering::Equal => "  =".to_owned(),
        });
        let name = format!("{:<8}", severity.as_str());
        format!(
            "  {name} {now:>6}  {}{}",
            bar.style(bar_style(severity)),
            change.unwrap_or_default().dimmed()
        )
    };
    Severity::WORST_FIRST.into_iter().map(line).collect()
}

/// A bar has the colour of its severity as ink: that of the most critical is a background elsewhere.
fn bar_style(severity: Severity) -> Style {
    if severity == Severity::Critical { Style::new().red().bold() } else { style(severity) }
}

/// The subjects with the most open findings.
fn subjects(report: &Report) -> Vec<String> {
    let mut found: BTreeMap<(&str, &str, &str), (Severity, u64, &str)> = BTreeMap::new();
    for finding in report.open().filter(|finding| finding.subject_kind != SubjectKind::Console) {
        let key = (&*finding.console, finding.subject_kind.as_str(), &*finding.subject_id);
        let entry = found.entry(key).or_insert((finding.severity, 0, &finding.subject_name));
        *entry = (entry.0.max(finding.severity), entry.1 + 1, entry.2);
    }
    let mut found: Vec<_> = found.into_iter().collect();
    found.sort_by(|(_, a), (_, b)| b.0.cmp(&a.0).then_with(|| b.1.cmp(&a.1)));
    let told = found.into_iter().take(SUBJECTS).map(|((console, kind, _), (severity, count, name))| {
        let (name, console) = (visible(name), visible(console));
        let severity = format!("{:<8}", severity.as_str()).style(bar_style(severity)).to_string();
        format!("  {severity} {count:>6}  {} ({kind} on {})", shortened(&name, 32), shortened(&console, 16))
    });
    let told: Vec<String> = told.collect();
    if told.is_empty() { told } else { [vec!["Most findings:".to_owned()], told].concat() }
}

/// The rules with open findings, worst first, and how the others ended.
fn rules(report: &Report, screen: &mut Screen) -> io::Result<()> {
    // By what was found, which can be milder than the worst that a rule can find.
    let mut found: BTreeMap<&str, (Severity, u64, &str)> = BTreeMap::new();
    for finding in report.open() {
        let entry = found.entry(&finding.rule).or_insert((finding.severity, 0, &finding.title));
        *entry = (entry.0.max(finding.severity), entry.1 + 1, entry.2);
    }
    let mut found: Vec<_> = found.into_iter().collect();
    found.sort_by(|(_, a), (_, b)| b.0.cmp(&a.0).then_with(|| b.1.cmp(&a.1)));
    let mut table = table(&["Worst", "Open", "Rule", "What"]);
    // The code is as good as the id for `recert rules`, and fits.
    let code = |id: &str| {
        let rule = report.rules.iter().find(|rule| rule.id == id);
        rule.map_or_else(|| id.to_owned(), |rule| rule.code.to_string())
    };
    for (rule, (severity, count, title)) in found.iter().take(RULES) {
        table.add_row([
            Cell::new(severity.style(style(*severity))),
            Cell::new(count).set_alignment(CellAlignment::Right),
            Cell::new(code(rule)),
            Cell::new(title),
        ]);
    }
    if !found.is_empty() {
        screen.line(table.to_string())?;
    }
    if found.len() > RULES {
        screen.line(format!(
            "and {} with findings, all of them in the files",
            amount(found.len() - RULES, "more rule", "more rules")
        ))?;
    }
    let count = |verdict| report.rules.iter().filter(|rule| rule.verdict == verdict).count();
    let verdicts = [
        Verdict::Fail,
        Verdict::Pass,
        Verdict::Unknown,
        Verdict::NotApplicable,
        Verdict::Waived,
        Verdict::Error,
    ];
    let counts = verdicts.into_iter().filter(|verdict| count(*verdict) > 0);
    let counts: Vec<_> =
        counts.map(|verdict| format!("{} {}", count(verdict), verdict.as_str().replace('_', " "))).collect();
    screen.line(format!("Verdicts: {}", counts.join(", ")))
}

fn worst(report: &Report, screen: &mut Screen) -> io::Result<()> {
    let urgent = report.open().filter(|finding| finding.severity >= Severity::High);
    for finding in urgent.take(WORST) {
        let severity = finding.severity.style(style(finding.severity));
        let summary = visible(&finding.summary);
        screen.line(format!("  {severity} {}: {}", visible(&finding.console), shortened(&summary, 140)))?;
    }
    Ok(())
}

fn counts(report: &Report) -> String {
    let count = |severity| report.open().filter(|finding| finding.severity == severity).count();
    let counts: Vec<_> = Severity::WORST_FIRST
        .into_iter()
        .map(|severity| format!("{} {severity}", count(severity).style(style(severity))))
        .collect();
    let waived = match report.waived() {
        0 => String::new(),
        waived => format!("; {waived} waived"),
    };
    format!("Open findings: {}{waived}", counts.join(", "))
}

/// What somebody has to decide again, and what the review could not tell; nothing where there is nothing to say.
fn reminders(report: &Report) -> Vec<String> {
    let count = |wanted: &dyn Fn(&WaiverRow) -> bool| report.waivers.iter().filter(|row| wanted(row)).count();
    let waivers = [
        (count(&|row| row.ends_within(ENDS_NOW)), format!("within {ENDS_NOW} days")),
        (
            count(&|row| row.ends_within(ENDS_SOON) && !row.ends_within(ENDS_NOW)),
            format!("within {ENDS_SOON} days"),
        ),
        (count(&|row| row.state == WaiverState::Expired), "expired".to_owned()),
        (count(&|row| row.state == WaiverState::Unused), "unused".to_owned()),
    ];
    let waivers: Vec<String> = waivers
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, what)| match what.strip_prefix("within") {
            Some(_) => format!("{} {what}", amount(count, "ends", "end")),
            None => format!("{count} {what}"),
        })
        .collect();
    let waivers = (!waivers.is_empty()).then(|| format!("Waivers: {}", waivers.join(", ")));
    let controls = match report.not_proven() {
        0 => None,
        some => Some(format!("Controls: {some} of {} not proven", report.controls.len())),
    };
    waivers.into_iter().chain(controls).collect()
}

fn verdict(report: &Report, screen: &mut Screen) -> io::Result<()> {
    match report.run.verdict {
        Completeness::Complete => {
            let label = "COMPLETE".style(Style::new().green().bold());
            screen.line(format!("{label}  the population ties out on every console"))
        }
        Completeness::Incomplete => {
            let label = "INCOMPLETE".style(Style::new().white().on_red().bold());
            screen.line(format!(
                "{label}  {}; nothing is claimed from what was not seen",
                amount(report.gaps.len(), "gap", "gaps")
            ))?;
            for gap in report.gaps.iter().take(WORST) {
                let id = gap.id.as_deref().map(|id| format!(" {}", visible(id))).unwrap_or_default();
                screen.line(format!(
                    "  {}: {}{id}: {}",
                    visible(&gap.console),
                    gap.endpoint,
                    gap.reason.as_str()
                ))?;
            }
            if report.gaps.len() > WORST {
                let rest = report.gaps.len() - WORST;
                screen.line(format!("  and {rest} more, all of them in coverage.csv"))?;
            }
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{ControlState, FindingState};

    #[test]
    fn a_bar_says_how_many_more_or_fewer_there_are() {
        let plain = |report: &Report| {
            bars(report).iter().map(|line| anstream::adapter::strip_str(line).to_string()).collect::<Vec<_>>()
        };
        let told = plain(&Report::sample());
        assert_eq!(told[0], format!("  critical      1  {}  ▲ 1 more", "█".repeat(BAR)));
        assert_eq!(told[2], format!("  medium        1  {}  ▼ 2 fewer", "█".repeat(BAR)));
        assert!(plain(&Report::first_sample()).iter().all(|line| !line.contains(['▲', '▼', '='])));
    }

    #[test]
    fn open_findings_are_counted_and_what_is_beside_them_is_one_line_each() {
        let mut report = Report::sample();
        let plain = |text: String| anstream::adapter::strip_str(&text).to_string();
        assert_eq!(plain(counts(&report)), "Open findings: 1 critical, 0 high, 1 medium, 0 low, 0 info");
        assert_eq!(reminders(&report), [] as [String; 0]);
        report.findings[0].state = FindingState::Waived;
        report.controls[0].state = ControlState::NotProven;
        let waiver = |days_left, state| WaiverRow {
            rule: "locked_account".into(),
            console: None,
            subject: Some("mia".into()),
            finding: None,
            reason: "x".into(),
            approved_by: "y".into(),
            expires: report.run.finished.date_naive(),
            days_left,
            ticket: None,
            state,
            findings: 0,
        };
        report.waivers = vec![
            waiver(-1, WaiverState::Expired),
            waiver(7, WaiverState::Active),
            waiver(8, WaiverState::Unused),
            waiver(31, WaiverState::Active),
            waiver(1, WaiverState::Elsewhere),
        ];
        assert_eq!(
            plain(counts(&report)),
            "Open findings: 0 critical, 0 high, 1 medium, 0 low, 0 info; 1 waived"
        );
        assert_eq!(
            reminders(&report),
            [
                "Waivers: 1 ends within 7 days, 1 ends within 30 days, 1 expired, 1 unused",
                "Controls: 1 of 1 not proven"
            ]
        );
    }
}
