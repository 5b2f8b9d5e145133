//! The sheet Rules: what every rule says of every console, and why.

use rust_xlsxwriter::XlsxError;

use super::{Book, Column, Kind, Plan, Row};
use crate::report::RuleRow;

pub(super) fn write(book: &mut Book<'_>) -> Result<(), XlsxError> {
    use Kind::{Count, Mark, Text, Wrapped};
    let report = book.report;
    let columns = vec![
        Column::new("Rule", Text, 52),
        Column::new("Code", Text, 10),
        Column::new("Severity", Mark, 10),
        Column::new("Console", Text, 16),
        Column::new("Verdict", Mark, 14),
        Column::new("Before waivers", Mark, 12),
        Column::new("Open", Count, 9),
        Column::new("Waived", Count, 9),
        Column::new("Examined", Count, 10),
        Column::new("Expected", Count, 10),
        Column::new("Note", Wrapped, 44),
        Column::new("Rule id", Text, 34),
        Column::new("Version", Count, 9),
    ];
    let mut plan = Plan::new("Rules", 1, columns);
    plan.printed = 11;
    plan.note.push_str("A rule passes only where it saw all that it needs");
    let mut table = book.table(plan)?;
    for rule in &report.rules {
        write_row(&mut table.row()?, rule)?;
    }
    table.finish()
}

fn write_row(row: &mut Row<'_>, rule: &RuleRow) -> Result<(), XlsxError> {
    row.text(&rule.title)?.text(&rule.code)?.severity(rule.severity)?.text(&rule.console)?;
    row.styled(&rule.verdict.as_str().replace('_', " "), |style| style.verdict(rule.verdict))?;
    match rule.original_verdict {
        Some(verdict) => row.styled(&verdict.as_str().replace('_', " "), |style| style.verdict(verdict))?,
        None => row.skip(1),
    };
    row.count(rule.open)?.count(rule.findings - rule.open)?;
    row.count(rule.examined)?.count(rule.expected)?.optional(rule.note.as_deref())?;
    row.text(&rule.id)?.count(u64::from(rule.version))?;
    Ok(())
}
