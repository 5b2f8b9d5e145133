//! `report.html`: one self-contained page, from the report through small views and a template.
//!
//! The page is the first thing that the owner of a review opens and what an auditor prints. It asks for nothing from
//! anywhere, needs no script, and shows the worst first; what does not fit is counted, and the file that holds it is
//! named.

mod changes;
mod page;
mod probe;
mod rules;
mod tables;
mod templates;
#[cfg(test)]
mod tests;
mod text;

use std::io::{self, BufWriter, Write};

use super::{undetermined_parts, users_worst_first};
use crate::report::Report;

use page::Page;
use text::{Text, counted, date, date_of};

pub use templates::{TemplateError, Templates};

/// The name of the page's template.
const TEMPLATE: &str = "report.html";

/// The most rows that one table shows; each table says how many more there are and where.
const ROWS: usize = 2_000;

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

/// Writes the page.
pub(super) fn report(report: &Report, templates: &Templates, out: &mut dyn Write) -> io::Result<()> {
    let mut out = BufWriter::new(out);
    templates.render(TEMPLATE, &Page::of(report), &mut out)?;
    out.flush()
}

/// The part of a list that is shown.
#[derive(Debug, Default, serde::Serialize)]
struct Table<T> {
    /// The rows that are shown.
    rows: Vec<T>,
    /// How many there are.
    total: u64,
    /// How many are not shown.
    more: u64,
    /// The files that hold all of them.
    files: &'static str,
}

impl<T> Table<T> {
    /// The first `limit` of the rows, each turned into its view.
    fn of<R>(
        rows: impl ExactSizeIterator<Item = R>,
        limit: usize,
        files: &'static str,
        view: impl FnMut(R) -> T,
    ) -> Self {
        let total = rows.len() as u64;
        let rows: Vec<T> = rows.take(limit).map(view).collect();
        let more = total - rows.len() as u64;
        Self { rows, total, more, files }
    }
}
