//! The sheet Controls: a row for every control, rule and console, so that each of them can be filtered by.

use std::collections::HashMap;

use rust_xlsxwriter::XlsxError;

use super::{Book, Column, Kind, Plan, amount, framework_name};

pub(super) fn write(book: &mut Book<'_>) -> Result<(), XlsxError> {
    use Kind::{Count, Mark, Text};
    let report = book.report;
    if report.controls.is_empty() {
        return book.sentence("Controls", "No rule serves a control.");
    }
    let columns = vec![
        Column::new("Framework", Text, 16),
        Column::new("Control", Text, 24),
        Column::new("What it asks for", Text, 62),
        Column::new("State", Mark, 15),
        Column::new("Rule", Text, 44),
        Column::new("Console", Text, 16),
        Column::new("Verdict", Mark, 15),
        Column::new("Open findings", Count, 10),
        Column::new("Code", Text, 10),
        Column::new("Rule id", Text, 34),
    ];
    let mut plan = Plan::new("Controls", 2, columns);
    plan.note = format!(
        "{}, {} not proven. A verdict is evidence for a control; that it is met, an auditor decides",
        amount(report.controls.len() as u64, "control"),
        report.not_proven()
    );
    let known: HashMap<&str, (&str, &str)> =
        report.rules.iter().map(|rule| (&*rule.id, (&*rule.title, &*rule.code))).collect();
    let mut table = book.table(plan)?;
    for control in &report.controls {
        for rule in &control.rules {
            let (title, code) = known.get(&*rule.rule).copied().unwrap_or_default();
            let mut row = table.row()?;
            row.text(framework_name(control.framework))?.text(&control.control)?;
            row.text(control.title.unwrap_or("named by the configuration"))?;
            row.styled(&control.state.as_str().replace('_', " "), |style| style.control(control.state))?;
            row.text(title)?.text(&rule.console)?;
            row.styled(&rule.verdict.as_str().replace('_', " "), |style| style.verdict(rule.verdict))?;
            row.count(rule.findings)?.text(code)?.text(&rule.rule)?;
        }
    }
    table.finish()
}
