//! The sheets Waivers: every waiver with its state; and Waived findings: what they cover, beside the severity that it
//! keeps.

use rust_xlsxwriter::XlsxError;

use super::{Book, Column, Kind, Plan, Row, amount};
use crate::report::{ENDS_NOW, ENDS_SOON, FindingRow, WaiverRow, WaiverState};

pub(super) fn write(book: &mut Book<'_>) -> Result<(), XlsxError> {
    let report = book.report;
    let count = report.waived();
    if report.waivers.is_empty() && count == 0 {
        return book.sentence("Waivers", "No waivers are configured.");
    }
    let columns = vec![
        Column::new("State", Kind::Mark, 11),
        Column::new("Ends (UTC)", Kind::Time, 17),
        Column::new("Days left", Kind::Count, 10),
        Column::new("Rule", Kind::Text, 34),
        Column::new("Console", Kind::Text, 16),
        Column::new("Subject", Kind::Text, 28),
        Column::new("Reason", Kind::Wrapped, 52),
        Column::new("Approved by", Kind::Wrapped, 32),
        Column::new("Ticket", Kind::Text, 16),
        Column::new("Findings", Kind::Count, 10),
        Column::new("Finding id", Kind::Text, 23),
    ];
    let mut plan = Plan::new("Waivers", 1, columns);
    let of = |state| report.waivers.iter().filter(|waiver| waiver.state == state).count();
    plan.note = format!(
        "{}: {} active, {} unused, {} expired; {}",
        amount(report.waivers.len() as u64, "waiver"),
        of(WaiverState::Active),
        of(WaiverState::Unused),
        of(WaiverState::Expired),
        amount(count, "waived finding"),
    );
    let mut table = book.table(plan)?;
    for waiver in &report.waivers {
        write_waiver(&mut table.row()?, waiver)?;
    }
    table.finish()?;
    if count == 0 {
        return Ok(());
    }
    let columns = vec![
        Column::new("Severity", Kind::Mark, 11),
        Column::new("Rule", Kind::Text, 46),
        Column::new("Console", Kind::Text, 16),
        Column::new("Subject", Kind::Text, 28),
        Column::new("What is wrong", Kind::Wrapped, 60),
        Column::new("Waiver", Kind::Wrapped, 40),
        Column::new("Waiver ends (UTC)", Kind::Time, 17),
        Column::new("Finding id", Kind::Text, 23),
    ];
    let (mut plan, places) = (Plan::new("Waived findings", 1, columns), book.places.clone());
    plan.note.push_str("A waiver hides nothing: what it covers stays a finding, and keeps its severity");
    let mut table = book.table(plan)?;
    for (index, finding) in report.findings.iter().enumerate().filter(|(_, finding)| !finding.is_open()) {
        write_finding(&mut table.row()?, finding, places.finding(index))?;
    }
    table.finish()
}

fn write_waiver(row: &mut Row<'_>, waiver: &WaiverRow) -> Result<(), XlsxError> {
    row.styled(waiver.state.as_str(), |style| style.waiver(waiver.state))?.time(waiver.end())?;
    row.marked(waiver.days_left, |style| {
        if waiver.ends_within(ENDS_NOW) {
            &style.bad
        } else if waiver.ends_within(ENDS_SOON) {
            &style.doubt
        } else {
            &style.count
        }
    })?;
    row.text(&waiver.rule)?.text(waiver.console.as_deref().unwrap_or("every console"))?;
    row.optional(waiver.subject.as_deref())?.text(&waiver.reason)?.text(&waiver.approved_by)?;
    row.optional(waiver.ticket.as_deref())?.count(waiver.findings)?.optional(waiver.finding.as_deref())?;
    Ok(())
}

fn write_finding(row: &mut Row<'_>, finding: &FindingRow, place: String) -> Result<(), XlsxError> {
    row.severity(finding.severity)?.text(&finding.title)?.text(&finding.console)?;
    row.text(&finding.subject_name)?.text(&finding.summary)?.optional(finding.waiver.as_deref())?;
    row.time(finding.waiver_expires)?.text_to(Some(place), &finding.id)?;
    Ok(())
}
