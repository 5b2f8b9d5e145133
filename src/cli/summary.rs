//! The end of a review on the terminal: how complete, what was found, where the files are.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::Arc;

use comfy_table::{Cell, CellAlignment, Table};
use owo_colors::{OwoColorize, Style};

use super::Screen;
use super::screen::style;
use crate::finding::{Severity, Verdict};
use crate::report::{Completeness, ENDS_NOW, ENDS_SOON, Report, WaiverRow, WaiverState};
use crate::untrusted::{shortened, visible};

/// Findings that are told one by one.
const WORST: usize = 8;

/// Prints the summary.
pub(super) fn print(report: &Report, directory: Option<&Path>, screen: &mut Screen) -> io::Result<()> {
    screen.line("")?;
    for console in &report.consoles {
        let here =
            |rows: &mut dyn Iterator<Item = &Arc<str>>| rows.filter(|name| ***name == *console.name).count();
        screen.line(format!(
            "{}  {} users, {} roles, {} sites, {} asset groups; {} calls in {:.1} s",
            visible(&console.name).bold(),
            here(&mut report.users.iter().map(|row| &row.console)),
            here(&mut report.roles.iter().map(|row| &row.console)),
            here(&mut report.sites.iter().map(|row| &row.console)),
            here(&mut report.asset_groups.iter().map(|row| &row.console)),
            console.requests,
            (console.finished - console.started).as_seconds_f64(),
        ))?;
    }
    let estate = &report.estate;
    if estate.consoles > 1 {
        screen.line(format!(
            "{}  {} accounts of at most {} people, {} of them with accounts on several consoles",
            "estate".bold(),
            estate.users,
            estate.people,
            estate.on_several_consoles
        ))?;
    }
    screen.line("")?;
    rules(report, screen)?;
    worst(report, screen)?;
    screen.line(counts(report))?;
    reminders(report).into_iter().try_for_each(|line| screen.line(line))?;
    verdict(report, screen)?;
    report.redaction_note().into_iter().try_for_each(|note| screen.line(note))?;
    if let Some(directory) = directory {
        screen.line(format!("Files in {}", directory.display()))?;
    }
    Ok(())
}

/// Every rule with open findings, worst first, and how the others ended.
fn rules(report: &Report, screen: &mut Screen) -> io::Result<()> {
    // By what was found, which can be milder than the worst that a rule can find.
    let mut found: BTreeMap<&str, (Severity, u64, &str)> = BTreeMap::new();
    for finding in report.open() {
        let entry = found.entry(&finding.rule).or_insert((finding.severity, 0, &finding.title));
        *entry = (entry.0.max(finding.severity), entry.1 + 1, entry.2);
    }
    let mut found: Vec<_> = found.into_iter().collect();
    found.sort_by(|(_, a), (_, b)| b.0.cmp(&a.0).then_with(|| b.1.cmp(&a.1)));
    let mut table = Table::new();
    table.load_style(comfy_table::presets::UTF8_FULL_CONDENSED);
    table.set_header(["Worst", "Open", "Rule", "What"]);
    for (rule, (severity, count, title)) in &found {
        table.add_row([
            Cell::new(severity.style(style(*severity))),
            Cell::new(count).set_alignment(CellAlignment::Right),
            Cell::new(rule),
            Cell::new(title),
        ]);
    }
    if !found.is_empty() {
        screen.line(table.to_string())?;
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
        (count(&|row| row.ends_within(ENDS_NOW)), format!("end within {ENDS_NOW} days")),
        (
            count(&|row| row.ends_within(ENDS_SOON) && !row.ends_within(ENDS_NOW)),
            format!("end within {ENDS_SOON} days"),
        ),
        (count(&|row| row.state == WaiverState::Expired), "expired".to_owned()),
        (count(&|row| row.state == WaiverState::Unused), "unused".to_owned()),
    ];
    let waivers: Vec<String> = waivers
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, what)| format!("{count} {what}"))
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
                "{label}  {} gaps; nothing is claimed from what was not seen",
                report.gaps.len()
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
                "Waivers: 1 end within 7 days, 1 end within 30 days, 1 expired, 1 unused",
                "Controls: 1 of 1 not proven"
            ]
        );
    }
}
