//! The sheets Changes: what is different from the earlier run; and Not compared: what nothing is claimed of.

use rust_xlsxwriter::XlsxError;

use super::{Book, Column, Kind, Plan, amount};

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
    let below = if open == 0 { "" } else { "; what could not be compared is on the sheet Not compared" };
    let count = amount(changes as u64, "change");
    plan.note = format!("{count} since run {} of {when}{below}", comparison.run);
    let mut table = book.table(plan)?;
    for change in &report.changes {
        let mut row = table.row()?;
        row.text(&change.kind.replace('_', " "))?.text(&change.change.replace('_', " "))?;
        if change.administrator {
            row.styled("yes", |style| &style.bad)?
        } else {
            row.skip(1)
        };
        row.text(&change.name)?.text(&change.summary)?;
        row.text(&change.console)?.text(&change.id)?;
    }
    if changes == 0 {
        table.row()?.text("None.")?;
    }
    table.finish()?;
    if open == 0 {
        return Ok(());
    }
    let columns = vec![
        Column::new("Part", Kind::Text, 26),
        Column::new("Console", Kind::Text, 16),
        Column::new("Why, and what is not claimed", Kind::Wrapped, 110),
    ];
    let mut plan = Plan::new("Not compared", 1, columns);
    plan.note = format!("What could not be compared with run {} of {when}", comparison.run);
    let mut table = book.table(plan)?;
    for row in &comparison.uncompared {
        table.row()?.text(&row.part.replace('_', " "))?.text(&row.console)?.text(&row.reason)?;
    }
    table.finish()
}
