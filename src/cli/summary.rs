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
use crate::report::{Completeness, Report};
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
    // By what was found, which can be milder than the worst that a rule can find.
    let mut found: BTreeMap<&str, (Severity, u64, &str)> = BTreeMap::new();
    for finding in &report.findings {
        let entry = found.entry(&finding.rule).or_insert((finding.severity, 0, &finding.title));
        *entry = (entry.0.max(finding.severity), entry.1 + 1, entry.2);
    }
    let mut found: Vec<_> = found.into_iter().collect();
    found.sort_by(|(_, a), (_, b)| b.0.cmp(&a.0).then_with(|| b.1.cmp(&a.1)));
    let mut table = Table::new();
    table.load_style(comfy_table::presets::UTF8_FULL_CONDENSED);
    table.set_header(["Worst", "Findings", "Rule", "What"]);
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
