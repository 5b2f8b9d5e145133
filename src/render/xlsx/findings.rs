//! The sheet Findings: one row for each, the worst first.

use std::collections::HashMap;

use rust_xlsxwriter::XlsxError;

use super::{Book, Column, HEAD_ROWS, Kind, Plan, Row, part_name, users_worst_first};
use crate::finding::SubjectKind;
use crate::report::{FindingChange, FindingRow, FindingState, Report};

/// Links live in memory until the end, and Excel opens no sheet with more than 65,530 of them.
const LINKED: usize = 10_000;

pub(super) fn write(book: &mut Book<'_>) -> Result<(), XlsxError> {
    use Kind::{Mark, Text, Time, Wrapped};
    let report = book.report;
    if report.findings.is_empty() {
        return book.sentence("Findings", "No findings.");
    }
    let places = Places::new(report, book.limits.rows);
    let columns = vec![
        Column::new("Severity", Mark, 11),
        Column::new("Subject", Text, 24),
        Column::new("Kind", Text, 10),
        Column::new("Subject id", Kind::Id, 20),
        Column::new("Rule", Wrapped, 28),
        Column::new("What is wrong", Wrapped, 42),
        Column::new("Evidence", Wrapped, 42),
        Column::new("How to mend it", Wrapped, 50),
        Column::new("Controls", Wrapped, 30),
        Column::new("State", Mark, 9),
        Column::new("Waiver", Text, 14),
        Column::new("Waiver ends (UTC)", Time, 16),
        Column::new("First seen (UTC)", Time, 16),
        Column::new("Since last run", Mark, 13),
        Column::new("Console", Text, 14),
        Column::new("Rule id", Text, 26),
        Column::new("Finding id", Text, 23),
    ];
    let mut plan = Plan::new("Findings", 2, columns);
    plan.lines = 3;
    let (open, waived) = (report.open().count(), report.waived());
    let beside = if waived > 0 { format!(" and {waived} waived") } else { String::new() };
    plan.note = format!("{open} open findings{beside}, the worst first");
    let mut table = book.table(plan)?;
    for finding in &report.findings {
        write_row(&mut table.row()?, finding, places.of(finding))?;
    }
    table.finish()
}

fn write_row(row: &mut Row<'_>, finding: &FindingRow, place: Option<String>) -> Result<(), XlsxError> {
    let joined = |items: &mut dyn Iterator<Item = String>| items.collect::<Vec<_>>().join("; ");
    row.severity(finding.severity)?.text(&finding.subject_name)?;
    row.text(&finding.subject_kind.as_str().replace('_', " "))?;
    write_subject_id(row, finding, place)?;
    row.text(&finding.title)?.text(&finding.summary)?;
    row.text(&joined(&mut finding.evidence.iter().map(ToString::to_string)))?;
    row.text(&finding.remediation)?.text(&joined(&mut finding.controls.iter().cloned()))?;
    match finding.state {
        FindingState::Open => row.text(finding.state.as_str())?,
        FindingState::Waived => row.styled(finding.state.as_str(), |style| &style.doubt)?,
    };
    row.optional(finding.waiver.as_deref())?;
    row.time(finding.waiver_expires)?
        .time(finding.first_seen)?
        .optional(finding.change.map(FindingChange::as_str))?
        .text(&finding.console)?
        .text(&finding.rule)?
        .text(&finding.id)?;
    Ok(())
}

/// Ids of roles and privileges are text even where they are digits, and the console as a whole has none.
fn write_subject_id(row: &mut Row<'_>, finding: &FindingRow, place: Option<String>) -> Result<(), XlsxError> {
    use SubjectKind::{AssetGroup, AuthenticationSource, Console, Privilege, Report, Role, Site, User};
    let number = match finding.subject_kind {
        User | Site | AssetGroup | AuthenticationSource | Report => finding.subject_id.parse::<i64>().ok(),
        Role | Privilege => None,
        Console => {
            row.skip(1);
            return Ok(());
        }
    };
    match (number, place) {
        (Some(id), Some(place)) => row.link(&place, id.to_string())?,
        (Some(id), None) => row.number(id)?,
        (None, _) => row.text(&finding.subject_id)?,
    };
    Ok(())
}

/// Where each user stands on the sheet Users.
struct Places<'a> {
    users: HashMap<(&'a str, i64), usize>,
    rows_of_a_sheet: usize,
}

impl<'a> Places<'a> {
    fn new(report: &'a Report, rows: u32) -> Self {
        let linked = report.findings.len() <= LINKED;
        let users = users_worst_first(report).into_iter().enumerate().filter(|_| linked);
        Self {
            users: users.map(|(index, user)| ((&*user.console, user.id), index)).collect(),
            rows_of_a_sheet: (rows - HEAD_ROWS) as usize,
        }
    }

    fn of(&self, finding: &FindingRow) -> Option<String> {
        let id = finding.subject_id.parse().ok().filter(|_| finding.subject_kind == SubjectKind::User)?;
        let index = self.users.get(&(&*finding.console, id))?;
        let sheet = part_name("Users", index / self.rows_of_a_sheet + 1);
        Some(format!("'{sheet}'!A{}", index % self.rows_of_a_sheet + HEAD_ROWS as usize + 1))
    }
}
