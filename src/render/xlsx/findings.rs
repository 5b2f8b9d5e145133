//! The sheet Findings: one row for each, the worst first.

use rust_xlsxwriter::XlsxError;

use super::{Book, Column, Kind, Plan, Row, amount};
use crate::finding::SubjectKind;
use crate::report::{FindingChange, FindingRow, FindingState};

pub(super) fn write(book: &mut Book<'_>) -> Result<(), XlsxError> {
    use Kind::{Mark, Text, Time, Wrapped};
    let (report, places) = (book.report, book.places.clone());
    if report.findings.is_empty() {
        return book.sentence("Findings", "No findings.");
    }
    let columns = vec![
        Column::new("Severity", Mark, 10),
        Column::new("Subject", Text, 24),
        Column::new("Kind", Text, 9),
        Column::new("Rule", Wrapped, 26),
        Column::new("What is wrong", Wrapped, 42),
        Column::new("Evidence", Wrapped, 46),
        Column::new("How to mend it", Wrapped, 58),
        Column::new("State", Mark, 9),
        Column::new("Since last run", Mark, 12),
        Column::new("First seen (UTC)", Time, 16),
        Column::new("Console", Text, 12),
        Column::new("Finding id", Text, 22),
        Column::new("Subject id", Kind::Id, 20),
        Column::new("Controls", Wrapped, 30),
        Column::new("Waiver", Text, 14),
        Column::new("Waiver ends (UTC)", Time, 16),
        Column::new("Rule id", Text, 30),
    ];
    let mut plan = Plan::new("Findings", 2, columns);
    (plan.lines, plan.printed) = (3, 12);
    let (open, waived) = (report.open().count(), report.waived());
    let beside = if waived > 0 { format!(" and {waived} waived") } else { String::new() };
    plan.note = format!(
        "{}{beside}, the worst first; a user's name leads to its row on the sheet Users",
        amount(open as u64, "open finding")
    );
    let mut table = book.table(plan)?;
    for finding in &report.findings {
        write_row(&mut table.row()?, finding, places.user_of(finding))?;
    }
    table.finish()
}

fn write_row(row: &mut Row<'_>, finding: &FindingRow, user: Option<String>) -> Result<(), XlsxError> {
    let joined = |items: &mut dyn Iterator<Item = String>| items.collect::<Vec<_>>().join("; ");
    row.severity(finding.severity)?.text_to(user, &finding.subject_name)?;
    row.text(&finding.subject_kind.as_str().replace('_', " "))?;
    row.text(&finding.title)?.text(&finding.summary)?;
    row.text(&joined(&mut finding.evidence.iter().map(ToString::to_string)))?;
    row.text(&finding.remediation)?;
    match finding.state {
        FindingState::Open => row.text(finding.state.as_str())?,
        FindingState::Waived => row.styled(finding.state.as_str(), |style| &style.doubt)?,
    };
    row.optional(finding.change.map(FindingChange::as_str))?.time(finding.first_seen)?;
    row.text(&finding.console)?.text(&finding.id)?;
    write_subject_id(row, finding)?;
    row.text(&joined(&mut finding.controls.iter().cloned()))?;
    row.optional(finding.waiver.as_deref())?.time(finding.waiver_expires)?.text(&finding.rule)?;
    Ok(())
}

/// Ids of roles and privileges are text even where they are digits, and the console as a whole has none.
fn write_subject_id(row: &mut Row<'_>, finding: &FindingRow) -> Result<(), XlsxError> {
    use SubjectKind::{AssetGroup, AuthenticationSource, Console, Privilege, Report, Role, Site, User};
    let number = match finding.subject_kind {
        User | Site | AssetGroup | AuthenticationSource | Report => finding.subject_id.parse::<i64>().ok(),
        Role | Privilege => None,
        Console => {
            row.skip(1);
            return Ok(());
        }
    };
    match number {
        Some(id) => row.number(id)?,
        None => row.text(&finding.subject_id)?,
    };
    Ok(())
}
