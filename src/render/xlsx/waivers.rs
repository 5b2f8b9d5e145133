//! The sheet Waivers: every finding that one covers, beside the severity that it would have without.

use rust_xlsxwriter::XlsxError;

use super::{Book, Column, Kind, Plan};

pub(super) fn write(book: &mut Book<'_>) -> Result<(), XlsxError> {
    let waived: Vec<_> = book.report.findings.iter().filter(|finding| finding.waiver.is_some()).collect();
    if waived.is_empty() {
        return book.sentence("Waivers", "No waivers are configured.");
    }
    let columns = vec![
        Column::new("Waiver", Kind::Text, 30),
        Column::new("Ends (UTC)", Kind::Time, 17),
        Column::new("Severity", Kind::Mark, 11),
        Column::new("Rule", Kind::Text, 44),
        Column::new("Subject", Kind::Text, 30),
        Column::new("What is wrong", Kind::Wrapped, 60),
        Column::new("Console", Kind::Text, 16),
        Column::new("Finding id", Kind::Text, 23),
    ];
    let mut plan = Plan::new("Waivers", 1, columns);
    plan.note = format!("{} findings are waived", waived.len());
    let mut table = book.table(plan)?;
    for finding in waived {
        let mut row = table.row()?;
        row.optional(finding.waiver.as_deref())?.time(finding.waiver_expires)?;
        row.severity(finding.severity)?.text(&finding.title)?.text(&finding.subject_name)?;
        row.text(&finding.summary)?.text(&finding.console)?.text(&finding.id)?;
    }
    table.finish()
}
