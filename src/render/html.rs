//! `report.html`: one self-contained page, from the report through small views and a template.
//!
//! The page is the first thing that the owner of a review opens and what an auditor prints. It asks for nothing from
//! anywhere, needs no script, and shows the worst first; what does not fit is counted, and the file that holds it is
//! named. The script that it carries only sorts, filters, groups and copies what is there without it.

mod changes;
mod charts;
mod controls;
mod links;
mod page;
mod people;
mod probe;
mod rules;
mod tables;
#[cfg(test)]
mod tests;
mod waivers;

use std::io::{self, BufWriter, Write};

use minijinja::value::Serde;

use super::{
    Inlined, Table, Template, Templates, Text, date, date_of, framework_name, lateness, roster_words,
    undetermined_parts, users_worst_first, waivers_to_decide,
};
use crate::finding::Verdict;
use crate::report::Report;

use page::Page;

/// The page's template.
pub(super) const TEMPLATE: Template = Template {
    name: "report.html",
    source: include_str!("../../templates/report.html"),
    probes: || vec![Serde(Page::with_everything()).into(), Serde(Page::with_nothing()).into()],
};

/// The page's style sheet.
pub(super) const STYLE: Inlined = Inlined {
    name: "report.css",
    variable: "page_style",
    source: include_str!("../../templates/report.css"),
    end: "</style",
};

/// The page's script.
pub(super) const SCRIPT: Inlined = Inlined {
    name: "report.js",
    variable: "page_script",
    source: include_str!("../../templates/report.js"),
    end: "</script",
};

/// The most rows that one table shows; each table says how many more there are and where.
const ROWS: usize = 2_000;

/// The most users that are shown. A browser opens a page of so many at once; see the style sheet for how.
const USERS: usize = 10_000;

/// The most findings that the section of one rule shows.
const FINDINGS_OF_A_RULE: usize = 500;

/// The most changes that one group shows.
const CHANGES_OF_A_KIND: usize = 500;

/// The most roles that are shown, each with all its privileges.
const ROLES: usize = 500;

/// The most pieces of evidence that one finding shows.
const EVIDENCE: usize = 12;

/// The most consoles that a heading names.
const NAMES: usize = 4;

/// The verdicts in the order that a reader needs them.
const VERDICTS: [Verdict; 6] =
    [Verdict::Error, Verdict::Fail, Verdict::Unknown, Verdict::Waived, Verdict::Pass, Verdict::NotApplicable];

/// Writes the page.
pub(super) fn report(report: &Report, templates: &Templates, out: &mut dyn Write) -> io::Result<()> {
    let mut out = BufWriter::new(out);
    templates.render(TEMPLATE.name, &Page::of(report), &mut out)?;
    out.flush()
}
