//! The end of a review on the terminal: how complete, what was found, where the files are.

use std::io;
use std::path::Path;

use comfy_table::{Cell, CellAlignment, Table};
use owo_colors::{OwoColorize, Style};

use super::Screen;
use super::screen::style;
use crate::finding::{Severity, Verdict};
use crate::report::{Completeness, Report};
use crate::untrusted::{shortened, visible};

/// Findings that are told one by one.
const WORST: usize = 8;

/// Prints the summary.
pub(super) fn print(report: &Report, directory: Option<&Path>, screen: &mut Screen) -> io::Result<()> {
    screen.line("")?;
    for console in &report.consoles {
        let totals = console.totals;
        screen.line(format!(
            "{}  {} users, {} roles, {} sites, {} asset groups; {} calls in {:.1} s",
            visible(&console.name).bold(),
            totals.users,
            totals.roles,
            totals.sites,
            totals.asset_groups,
            console.requests,
            (console.finished - console.started).as_seconds_f64(),
        ))?;
    }
    screen.line("")?;
    rules(report, screen)?;
    worst(report, screen)?;
    screen.line(counts(report))?;
    verdict(report, screen)?;
    if let Some(directory) = directory {
        screen.line(format!("Files in {}", directory.display()))?;
    }
    Ok(())
}

/// Every rule with findings, worst first, and how the others ended.
fn rules(report: &Report, screen: &mut Screen) -> io::Result<()> {
    let mut failed: Vec<_> = report.rules.iter().filter(|rule| rule.findings > 0).collect();
    failed.sort_by(|a, b| b.severity.cmp(&a.severity).then_with(|| b.findings.cmp(&a.findings)));
    let mut table = Table::new();
    table.load_style(comfy_table::presets::UTF8_FULL_CONDENSED);
    table.set_header(["Severity", "Rule", "Console", "Findings", "What"]);
    for rule in &failed {
        table.add_row([
            Cell::new(rule.severity.style(style(rule.severity))),
            Cell::new(rule.id),
            Cell::new(visible(&rule.console)),
            Cell::new(rule.findings).set_alignment(CellAlignment::Right),
            Cell::new(rule.title),
        ]);
    }
    if !failed.is_empty() {
        screen.line(table.to_string())?;
    }
    let count = |verdict| report.rules.iter().filter(|rule| rule.verdict == verdict).count();
    screen.line(format!(
        "Rules: {} failed, {} passed, {} unknown, {} not applicable",
        count(Verdict::Fail),
        count(Verdict::Pass),
        count(Verdict::Unknown),
        count(Verdict::NotApplicable),
    ))
}

fn worst(report: &Report, screen: &mut Screen) -> io::Result<()> {
    let urgent = report.findings.iter().filter(|finding| finding.severity >= Severity::High);
    for finding in urgent.take(WORST) {
        let severity = finding.severity.style(style(finding.severity));
        let summary = visible(&finding.summary);
        screen.line(format!("  {severity} {}: {}", visible(&finding.console), shortened(&summary, 140)))?;
    }
    Ok(())
}

fn counts(report: &Report) -> String {
    let count = |severity| report.findings.iter().filter(|finding| finding.severity == severity).count();
    let counts: Vec<_> = Severity::WORST_FIRST
        .into_iter()
        .map(|severity| format!("{} {severity}", count(severity).style(style(severity))))
        .collect();
    format!("Findings: {}", counts.join(", "))
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
