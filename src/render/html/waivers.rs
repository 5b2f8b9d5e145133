//! Waivers on the page: every one with its state, and the findings that they cover.

use serde::Serialize;

use super::{ROWS, Table, Text, date};
use crate::report::{ENDS_NOW, ENDS_SOON, FindingRow, Report, WaiverRow};

/// A waiver of the configuration.
#[derive(Debug, Default, Serialize)]
pub(super) struct WaiverView {
    /// `active`, `unused`, `expired` or `elsewhere`.
    pub(super) state: &'static str,
    /// The last day on which it counts.
    pub(super) ends: String,
    pub(super) days_left: i64,
    /// `now` or `soon` if it is in force and ends within days.
    pub(super) due: Option<&'static str>,
    pub(super) rule: Text,
    pub(super) console: Option<Text>,
    pub(super) subject: Option<Text>,
    pub(super) finding: Option<Text>,
    pub(super) reason: Text,
    pub(super) approved_by: Text,
    pub(super) ticket: Option<Text>,
    pub(super) findings: u64,
}

/// A finding that a waiver covers.
#[derive(Debug, Default, Serialize)]
pub(super) struct WaivedView {
    pub(super) console: Text,
    pub(super) rule: Text,
    pub(super) subject: Text,
    pub(super) finding: Text,
    pub(super) severity: &'static str,
    pub(super) waiver: Option<Text>,
    pub(super) expires: Option<String>,
}

/// Every waiver, those that end first coming first.
pub(super) fn waivers(report: &Report) -> Table<WaiverView> {
    Table::of(report.waivers.iter(), ROWS, "report.xlsx and report.json", WaiverView::of)
}

impl WaiverView {
    fn of(waiver: &WaiverRow) -> Self {
        Self {
            state: waiver.state.as_str(),
            ends: waiver.expires.to_string(),
            days_left: waiver.days_left,
            due: match waiver {
                _ if waiver.ends_within(ENDS_NOW) => Some("now"),
                _ if waiver.ends_within(ENDS_SOON) => Some("soon"),
                _ => None,
            },
            rule: Text::name(&waiver.rule),
            console: Text::maybe(waiver.console.as_deref()),
            subject: Text::maybe(waiver.subject.as_deref()),
            finding: Text::maybe(waiver.finding.as_deref()),
            reason: Text::sentence(&waiver.reason),
            approved_by: Text::name(&waiver.approved_by),
            ticket: Text::maybe(waiver.ticket.as_deref()),
            findings: waiver.findings,
        }
    }
}

/// Findings that a waiver covers, worst first.
pub(super) fn waived(report: &Report) -> Table<WaivedView> {
    let waived: Vec<&FindingRow> = report.findings.iter().filter(|finding| !finding.is_open()).collect();
    Table::of(waived.into_iter(), ROWS, "report.xlsx and findings.csv", |finding| WaivedView {
        console: Text::name(&finding.console),
        rule: Text::name(&finding.title),
        subject: Text::name(&finding.subject_name),
        finding: Text::name(&finding.id),
        severity: finding.severity.as_str(),
        waiver: finding.waiver.as_deref().map(Text::sentence),
        expires: finding.waiver_expires.map(date),
    })
}
