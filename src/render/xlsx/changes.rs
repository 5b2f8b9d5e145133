//! The sheet Changes: what is different from the earlier run, and what could not be compared with it.

use rust_xlsxwriter::XlsxError;

use super::{Book, Column, Kind, Plan};

pub(super) fn write(book: &mut Book<'_>) -> Result<(), XlsxError> {
    let report = book.report;
    let Some(comparison) = &report.comparison else {
        return book.sentence("Changes", "No earlier run to compare with.");
    };
    let columns = vec![
        Column::new("Kind", Kind::Text, 20),
        Column::new("Change", Kind::Text, 22),
        Column::new("Administrator", Kind::Mark, 14),
        Column::new("Name", Kind::Text, 30),
        Column::new("What changed", Kind::Wrapped, 86),
        Column::new("Console", Kind::Text, 16),
        Column::new("Id", Kind::Text, 36),
    ];
    let mut plan = Plan::new("Changes", 2, columns);
    let (changes, open) = (report.changes.len(), comparison.uncompared.len());
    let when = comparison.finished.format("%Y-%m-%d %H:%M UTC");
    let below = if open == 0 { "" } else { "; below them, what could not be compared" };
    let count = if changes == 1 { "1 change".to_owned() } else { format!("{changes} changes") };
    plan.note = format!("{count} since run {} of {when}{below}", comparison.run);
    let mut table = book.table(plan)?;
    for change in &report.changes {
        let mut row = table.row()?;
        row.text(&change.kind.replace('_', " "))?.text(&change.change.replace('_', " "))?;
        row.text(if change.administrator { "yes" } else { "" })?.text(&change.name)?.text(&change.summary)?;
        row.text(&change.console)?.text(&change.id)?;
    }
    if changes == 0 {
        table.row()?.text("None.")?;
    }
    if open > 0 {
        table.second("Not compared: nothing is claimed of it", &["Part", "", "", "", "Why", "Console"])?;
        for row in &comparison.uncompared {
            let mut line = table.row()?;
            line.text(&row.part.replace('_', " "))?.skip(3).text(&row.reason)?.text(&row.console)?;
        }
    }
    table.finish()
}
