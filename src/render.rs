//! Renderers: the report as files. Each is pure and deterministic; equal reports give equal bytes.
//!
//! A renderer writes to a sink that the caller owns, so that a large artifact is never held in memory whole. Its only
//! error is the sink's. Text that came from a console is data in every one of them: no formula, no markup, no header.

mod csv;
mod email;
mod html;
mod json;
mod markdown;
mod ocsf;
mod parquet;
mod sarif;
mod templates;
mod view;
mod xlsx;

use std::borrow::Cow;
use std::cmp::Reverse;
use std::collections::HashMap;
use std::fmt;
use std::io::{self, Write};

use serde::{Deserialize, Serialize};

use crate::finding::Framework;
use crate::model::{MatchedBy, PartState};
use crate::report::{
    ConsoleSummary, CoverageRow, ENDS_NOW, ENDS_SOON, GapRow, Report, UserRow, WaiverRow, WaiverState,
};

use templates::{Inlined, Template};
use view::{Table, Text, counted, date, date_of, late, lateness};

pub use email::{Alarm, Attached, ChainHead, LeftFile, Mail, MailContext, MailKind, alarm_mail, report_mail};
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
    /// Findings as events of the Open Cybersecurity Schema Framework, for a SIEM.
    Ocsf,
    /// Findings as a SARIF log, for tools that collect results of analyses.
    Sarif,
    /// Users, grants and findings as tables of an estate's history, for `DuckDB`, Spark or Trino.
    Parquet,
    /// The page for a ticket or a wiki.
    Markdown,
}

impl Format {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Xlsx,
        Self::Csv,
        Self::Html,
        Self::Json,
        Self::Ocsf,
        Self::Sarif,
        Self::Parquet,
        Self::Markdown,
    ];

    /// Those that a job writes unless it says otherwise: what people open, and the document. The others feed programs
    /// that not everybody has, and a mail has no room for them.
    pub const USUAL: [Self; 4] = [Self::Xlsx, Self::Csv, Self::Html, Self::Json];
}

/// One file of a review.
pub struct Artifact<'a> {
    /// Its path below the directory of the review; every part of it is a plain name.
    pub name: Cow<'static, str>,
    /// Its media type.
    pub media_type: &'static str,
    /// The format that it belongs to.
    pub format: Format,
    render: Render<'a>,
}

type Render<'a> = Box<dyn Fn(&mut dyn Write) -> io::Result<()> + 'a>;

impl Artifact<'_> {
    /// Writes the artifact.
    ///
    /// # Errors
    /// Those of `out`, and of the temporary files of the workbook. A template that replaces the page is tried when it
    /// is loaded, but it may still fail on data that the trial did not foresee: that is an [`io::Error::other`].
    pub fn render(&self, out: &mut dyn Write) -> io::Result<()> {
        (self.render)(out)
    }

    /// Its name where there are no folders and names are plain, as in a mail.
    pub fn flat_name(&self) -> String {
        let plain = |c: char| match c {
            '/' => '-',
            _ if c.is_ascii_alphanumeric() || "-_.".contains(c) => c,
            _ => '_',
        };
        self.name.chars().map(plain).collect()
    }
}

impl fmt::Debug for Artifact<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Artifact").field("name", &self.name).finish_non_exhaustive()
    }
}

/// The artifacts of a report in these formats, the manifest apart; in the order of [`Format::ALL`].
pub fn artifacts<'a>(report: &'a Report, templates: &'a Templates, formats: &[Format]) -> Vec<Artifact<'a>> {
    let wanted = Format::ALL.into_iter().filter(|format| formats.contains(format));
    wanted.flat_map(|format| of_format(report, templates, format)).collect()
}

fn of_format<'a>(report: &'a Report, templates: &'a Templates, format: Format) -> Vec<Artifact<'a>> {
    let one = |name: &'static str, media_type, render: Render<'a>| {
        vec![Artifact { name: name.into(), media_type, format, render }]
    };
    match format {
        Format::Xlsx => one(
            "report.xlsx",
            "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            Box::new(|out| xlsx::report(report, out)),
        ),
        Format::Csv => {
            let table = |(name, render): (&'static str, CsvTable)| Artifact {
                name: name.into(),
                media_type: "text/csv; charset=utf-8",
                format,
                render: Box::new(move |out| render(report, out)),
            };
            CSV.into_iter().map(table).collect()
        }
        Format::Html => one(
            "report.html",
            "text/html; charset=utf-8",
            Box::new(|out| html::report(report, templates, out)),
        ),
        Format::Json => one("report.json", "application/json", Box::new(|out| json::report(report, out))),
        Format::Ocsf => {
            one("findings.ocsf.jsonl", "application/x-ndjson", Box::new(|out| ocsf::findings(report, out)))
        }
        Format::Sarif => {
            one("report.sarif", "application/sarif+json", Box::new(|out| sarif::report(report, out)))
        }
        // A name is one partition, even where two consoles should share it.
        Format::Parquet => {
            let consoles = report.consoles.chunk_by(|a, b| a.name == b.name).map(|alike| &alike[0]);
            consoles.flat_map(|console| partitions(report, console)).collect()
        }
        Format::Markdown => {
            one("report.md", "text/markdown; charset=utf-8", Box::new(|out| markdown::report(report, out)))
        }
    }
}

type CsvTable = fn(&Report, &mut dyn Write) -> io::Result<()>;

const CSV: [(&str, CsvTable); 5] = [
    ("users.csv", csv::users),
    ("grants.csv", csv::grants),
    ("findings.csv", csv::findings),
    ("roles.csv", csv::roles),
    ("coverage.csv", csv::coverage),
];

/// The Parquet files of one console.
fn partitions<'a>(report: &'a Report, console: &'a ConsoleSummary) -> impl Iterator<Item = Artifact<'a>> {
    parquet::Table::ALL.into_iter().map(move |table| Artifact {
        name: table.path(&report.run.id, console).into(),
        media_type: "application/vnd.apache.parquet",
        format: Format::Parquet,
        render: Box::new(move |out| table.render(report, console, out)),
    })
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

/// Gaps of a part that a sentence names one by one; `report.json` has them all.
const GAPS: usize = 20;

/// How much of a part was seen, and what was not, in one sentence.
fn coverage_words(row: &CoverageRow, gaps: &[&GapRow]) -> String {
    let of = row.expected.map_or_else(String::new, |expected| format!(" of {expected}"));
    let mut text = format!("{} is {}: {}{of} seen", row.part, row.state.as_str(), row.examined);
    for gap in gaps.iter().take(GAPS) {
        let id = gap.id.as_deref().map_or_else(String::new, |id| format!(" {id}"));
        text.extend(["; ", &gap.endpoint, &id, " ", gap.reason.as_str()]);
    }
    if gaps.len() > GAPS {
        text.extend(["; and ", &(gaps.len() - GAPS).to_string(), " more"]);
    }
    text
}

/// The Unicode picture of a C0 control character or of delete: where it must not stand, it can still be seen.
fn picture(c: char) -> Option<char> {
    match c {
        '\0'..='\u{1f}' => char::from_u32(0x2400 + u32::from(c)),
        '\u{7f}' => Some('\u{2421}'),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_artifact_has_a_path_of_its_own_and_a_flat_name_of_its_own() {
        let mut report = Report::sample();
        report.consoles[1].name = "../hq\r\nBcc: x".into();
        let templates = Templates::builtin();
        let all = artifacts(&report, &templates, &Format::ALL);
        let names: HashSet<&str> = all.iter().map(|artifact| &*artifact.name).collect();
        let flat: HashSet<String> = all.iter().map(Artifact::flat_name).collect();
        assert_eq!((names.len(), flat.len(), all.len()), (17, 17, 17));
        let plain = |name: &String| name.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c));
        assert!(flat.iter().all(plain), "as a mail names them: {flat:?}");
        assert_eq!(artifacts(&report, &templates, &Format::USUAL).len(), 8);
        assert!(artifacts(&report, &templates, &[]).is_empty());
    }
}
