//! Renderers: the report as files. Each is pure and deterministic; equal reports give equal bytes.
//!
//! A renderer writes to a sink that the caller owns, so that a large artifact is never held in memory whole. Its only
//! error is the sink's. Text that came from a console is data in every one of them: no formula, no markup, no header.

mod csv;
mod email;
mod html;
mod json;
mod templates;
mod view;
mod xlsx;

use std::cmp::Reverse;
use std::collections::HashMap;
use std::io::{self, Write};

use serde::{Deserialize, Serialize};

use crate::finding::Framework;
use crate::model::{MatchedBy, PartState};
use crate::report::{CoverageRow, ENDS_NOW, ENDS_SOON, GapRow, Report, UserRow, WaiverRow, WaiverState};

use templates::{Inlined, Template};
use view::{Table, Text, counted, date, date_of, late, lateness};

pub use email::{Alarm, Attached, LeftFile, Mail, MailContext, MailKind, alarm_mail, report_mail};
pub use templates::{TemplateError, Templates};

/// Every template, whoever renders it.
const TEMPLATES: [&Template; 3] = [&html::TEMPLATE, &email::HTML, &email::TEXT];

/// What templates write out as it stands.
const INLINED: [&Inlined; 2] = [&html::STYLE, &html::SCRIPT];

/// A family of artifacts that is asked for together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// The workbook.
    Xlsx,
    /// One file for each table.
    Csv,
    /// The page.
    Html,
    /// The document that everything else can be derived from.
    Json,
}

impl Format {
    /// All of them, in the order of the manifest.
    pub const ALL: [Self; 4] = [Self::Xlsx, Self::Csv, Self::Html, Self::Json];
}

/// One file of a review.
#[derive(Debug, Clone, Copy)]
pub struct Artifact {
    /// Its name.
    pub name: &'static str,
    /// Its media type.
    pub media_type: &'static str,
    /// The format that it belongs to.
    pub format: Format,
    render: fn(&Report, &Templates, &mut dyn Write) -> io::Result<()>,
}

impl Artifact {
    /// Writes the artifact of a report.
    ///
    /// # Errors
    /// Those of `out`, and of the temporary files of the workbook. A template that replaces the page is tried when it
    /// is loaded, but it may still fail on data that the trial did not foresee: that is an [`io::Error::other`].
    pub fn render(&self, report: &Report, templates: &Templates, out: &mut dyn Write) -> io::Result<()> {
        (self.render)(report, templates, out)
    }
}

/// Every artifact of a review, the manifest apart.
pub const ARTIFACTS: &[Artifact] = &[
    Artifact {
        name: "report.xlsx",
        media_type: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        format: Format::Xlsx,
        render: |report, _, out| xlsx::report(report, out),
    },
    Artifact {
        name: "report.html",
        media_type: "text/html; charset=utf-8",
        format: Format::Html,
        render: html::report,
    },
    Artifact {
        name: "report.json",
        media_type: "application/json",
        format: Format::Json,
        render: |report, _, out| json::report(report, out),
    },
    table("users.csv", |report, _, out| csv::users(report, out)),
    table("grants.csv", |report, _, out| csv::grants(report, out)),
    table("findings.csv", |report, _, out| csv::findings(report, out)),
    table("roles.csv", |report, _, out| csv::roles(report, out)),
    table("coverage.csv", |report, _, out| csv::coverage(report, out)),
];

const fn table(
    name: &'static str,
    render: fn(&Report, &Templates, &mut dyn Write) -> io::Result<()>,
) -> Artifact {
    Artifact { name, media_type: "text/csv; charset=utf-8", format: Format::Csv, render }
}

/// Users in the order that a reviewer needs them: the worst finding first, then the most findings; equals stay in the
/// order of the report.
fn users_worst_first(report: &Report) -> Vec<&UserRow> {
    let mut users: Vec<&UserRow> = report.users.iter().collect();
    users.sort_by_key(|user| Reverse((user.highest_severity, user.findings)));
    users
}

/// What the roster says of an account, in words; nothing where it was not asked.
fn roster_words(user: &UserRow) -> String {
    let by = user.matched_by.map_or("", |by| match by {
        MatchedBy::ExternalId => "id",
        MatchedBy::Email => "e-mail",
        MatchedBy::Login => "login",
        MatchedBy::Alias => "alias",
    });
    match (user.roster_match, user.match_confidence) {
        ("not_asked", _) => String::new(),
        ("person", Some(confidence)) => format!("{by}, {}", confidence.as_str()),
        (other, _) => other.to_owned(),
    }
}

/// The name of a framework, from the key that a report has.
fn framework_name(key: &'static str) -> &'static str {
    Framework::ALL.into_iter().find(|framework| framework.key() == key).map_or(key, Framework::as_str)
}

/// Waivers that somebody must look at, the most urgent first: those that end within days, those that have ended, those
/// that end soon, those that cover nothing.
fn waivers_to_decide(report: &Report) -> Vec<&WaiverRow> {
    let rank = |waiver: &WaiverRow| match waiver.state {
        _ if waiver.ends_within(ENDS_NOW) => 0,
        WaiverState::Expired => 1,
        _ if waiver.ends_within(ENDS_SOON) => 2,
        _ => 3,
    };
    let mut waivers: Vec<&WaiverRow> = report.waivers.iter().filter(|row| row.needs_attention()).collect();
    waivers.sort_by_key(|waiver| rank(waiver));
    waivers
}

/// The parts that a console answered by what proves nothing, each once. Such a part is no gap, but not seen either.
fn undetermined_parts(report: &Report) -> Vec<&'static str> {
    let mut parts = Vec::new();
    for row in report.coverage.iter().filter(|row| row.state == PartState::Undetermined) {
        if !parts.contains(&row.part) {
            parts.push(row.part);
        }
    }
    parts
}

/// Every part of the coverage with its gaps, in the order of the report.
fn gaps_by_part(report: &Report) -> impl Iterator<Item = (&CoverageRow, Vec<&GapRow>)> {
    let mut gaps: HashMap<(&str, &str), Vec<&GapRow>> = HashMap::new();
    for gap in &report.gaps {
        gaps.entry((&gap.console, gap.part)).or_default().push(gap);
    }
    report.coverage.iter().map(move |row| (row, gaps.remove(&(&*row.console, row.part)).unwrap_or_default()))
}

/// The Unicode picture of a C0 control character or of delete: where it must not stand, it can still be seen.
fn picture(c: char) -> Option<char> {
    match c {
        '\0'..='\u{1f}' => char::from_u32(0x2400 + u32::from(c)),
        '\u{7f}' => Some('\u{2421}'),
        _ => None,
    }
}
