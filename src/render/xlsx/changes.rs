//! The sheet Changes: what is different from an earlier run.

use rust_xlsxwriter::XlsxError;

use super::{Book, Column, Kind, Plan};

pub(super) fn write(book: &mut Book<'_>) -> Result<(), XlsxError> {
    let report = book.report;
    if report.changes.is_empty() {
        return book.sentence("Changes", "No earlier run to compare with.");
    }
    let columns = vec![
        Column::new("Change", Kind::Text, 14),
        Column::new("Kind", Kind::Text, 14),
        Column::new("Name", Kind::Text, 34),
        Column::new("What changed", Kind::Wrapped, 70),
        Column::new("Console", Kind::Text, 16),
        Column::new("Id", Kind::Text, 24),
    ];
    let mut plan = Plan::new("Changes", 1, columns);
    plan.note = format!("{} changes", report.changes.len());
    let mut table = book.table(plan)?;
    for change in &report.changes {
        let mut row = table.row()?;
        row.text(change.change)?.text(change.kind)?.text(&change.name)?.text(&change.summary)?;
        row.text(&change.console)?.text(&change.id)?;
    }
    table.finish()
}
