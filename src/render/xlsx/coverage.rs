//! The sheets Coverage: how much of each part was seen, and every gap by name; and Contradictions: where a console
//! answers one question in two ways.

use rust_xlsxwriter::XlsxError;

use super::{Book, Column, Kind, Plan, Row, Style, gaps_by_part};
use crate::model::PartState;
use crate::report::{CoverageRow, GapRow};

pub(super) fn write(book: &mut Book<'_>) -> Result<(), XlsxError> {
    use Kind::{Count, Mark, Text};
    let report = book.report;
    let columns = vec![
        Column::new("Part", Text, 30),
        Column::new("Console", Text, 18),
        Column::new("State", Mark, 16),
        Column::new("Expected", Count, 11),
        Column::new("Examined", Count, 11),
        Column::new("Gap: endpoint", Text, 42),
        Column::new("Gap: id", Text, 16),
        Column::new("Gap: reason", Text, 22),
        Column::new("Gap: attempts", Count, 11),
        Column::new("Gap: last status", Kind::Id, 11),
    ];
    let mut plan = Plan::new("Coverage", 1, columns);
    plan.note.push_str("Every part of the population, and under it what is missing from it");
    let mut table = book.table(plan)?;
    for (part, gaps) in gaps_by_part(report) {
        write_part(&mut table.row()?, part)?;
        for gap in gaps {
            write_gap(&mut table.row()?, gap)?;
        }
    }
    table.finish()?;
    if report.anomalies.is_empty() { Ok(()) } else { write_anomalies(book) }
}

fn write_part(row: &mut Row<'_>, part: &CoverageRow) -> Result<(), XlsxError> {
    row.text(&words(part.part))?.text(&part.console)?;
    row.styled(&words(part.state.as_str()), |style: &Style| match part.state {
        PartState::Complete => &style.good,
        PartState::Incomplete => &style.bad,
        PartState::Undetermined => &style.doubt,
        PartState::NotAsked => &style.muted,
    })?;
    row.count(part.expected)?.count(part.examined)?;
    Ok(())
}

fn write_gap(row: &mut Row<'_>, gap: &GapRow) -> Result<(), XlsxError> {
    row.text(&words(gap.part))?.text(&gap.console)?.styled("gap", |style| &style.bad)?.skip(2);
    row.text(&gap.endpoint)?.optional(gap.id.as_deref())?.text(&words(gap.reason.as_str()))?;
    row.count(u64::from(gap.attempts))?.count(gap.last_status.map(u64::from))?;
    Ok(())
}

fn write_anomalies(book: &mut Book<'_>) -> Result<(), XlsxError> {
    use Kind::{Id, Text, Wrapped};
    let report = book.report;
    let columns = vec![
        Column::new("What was compared", Text, 26),
        Column::new("Console", Text, 16),
        Column::new("User id", Id, 9),
        Column::new("Object", Text, 30),
        Column::new("One answer", Wrapped, 54),
        Column::new("The other answer", Wrapped, 54),
    ];
    let mut plan = Plan::new("Contradictions", 1, columns);
    plan.note.push_str("Where two answers of a console disagree");
    let mut table = book.table(plan)?;
    for anomaly in &report.anomalies {
        let mut row = table.row()?;
        row.text(&words(anomaly.check.as_str()))?.text(&anomaly.console)?;
        row.number(anomaly.user)?.text(&anomaly.object)?;
        row.text(&format!("{} says: {}", anomaly.left_endpoint, anomaly.left_says))?;
        row.text(&format!("{} says: {}", anomaly.right_endpoint, anomaly.right_says))?;
    }
    table.finish()
}

fn words(name: &str) -> String {
    name.replace('_', " ")
}
