//! The workbook as a whole: its sheets' names, their common head and foot, and the limits of a sheet.

use std::collections::HashSet;
use std::rc::Rc;

use rust_xlsxwriter::{DocProperties, Workbook, Worksheet, XlsxError};

use super::{Palette, Places, Plan, Style, Table, amount, shown};
use crate::report::{Completeness, Report};

/// How much fits on a sheet. What does not continues on a further one.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    pub(super) rows: u32,
    pub(super) columns: u16,
    /// Cells that lead elsewhere. They live in memory until the end.
    pub(super) links: u32,
    /// Users of a console up to which its access is one matrix.
    pub(super) matrix: usize,
}

impl Limits {
    /// Those of Excel, which opens no sheet with more than 65,530 links; far fewer are worth their memory, and a matrix
    /// of more than some hundred users is read by nobody.
    pub(super) const EXCEL: Self = Self { rows: 1_048_576, columns: 16_384, links: 20_000, matrix: 400 };
}

/// A name of more UTF-16 units is refused by Excel.
const LONGEST_NAME: usize = 31;

/// The workbook while it is written.
pub(super) struct Book<'r> {
    pub(super) workbook: Workbook,
    pub(super) report: &'r Report,
    pub(super) style: Style,
    pub(super) limits: Limits,
    /// Where on their sheets users and findings stand.
    pub(super) places: Rc<Places<'r>>,
    names: HashSet<String>,
}

impl<'r> Book<'r> {
    pub(super) fn new(report: &'r Report, limits: Limits) -> Self {
        let mut workbook = Workbook::new();
        let consoles: Vec<&str> = report.consoles.iter().map(|console| console.name.as_str()).collect();
        let properties = DocProperties::new()
            .set_title("Access review")
            .set_subject(format!("Run {}", report.run.id))
            .set_author(format!("recert {}", report.run.version))
            .set_category(match report.run.verdict {
                Completeness::Complete => "Complete",
                Completeness::Incomplete => "INCOMPLETE",
            })
            .set_keywords(shown(&consoles.join(", ")))
            .set_creation_datetime(&report.run.finished);
        workbook.set_properties(&properties);
        let places = Rc::new(Places::new(report, limits.rows));
        Self { workbook, report, style: Style::new(), limits, places, names: HashSet::new() }
    }

    /// Begins a sheet of rows under one header.
    pub(super) fn table<'b, 'p>(&'b mut self, plan: Plan<'p>) -> Result<Table<'b, 'r, 'p>, XlsxError> {
        Table::begin(self, plan)
    }

    /// A sheet with one sentence, where there is nothing to list.
    pub(super) fn sentence(&mut self, name: &str, sentence: &str) -> Result<(), XlsxError> {
        let mut table = self.table(Plan::new(name, 0, Vec::new()))?;
        table.row()?.text(sentence)?;
        table.finish()
    }

    /// Whether everything was seen, in one line.
    pub(super) fn status(&self) -> String {
        match self.report.run.verdict {
            Completeness::Complete => "Complete".to_owned(),
            Completeness::Incomplete => {
                let gaps = amount(self.report.gaps.len() as u64, "gap");
                format!("INCOMPLETE: {gaps}, see the sheet Coverage")
            }
        }
    }

    /// What every sheet has: paper, foot, and red tabs on an incomplete report.
    pub(super) fn dress(&self, sheet: &mut Worksheet) {
        const A4: u8 = 9;
        let run = &self.report.run;
        let left = format!("recert {} · run {}", run.version, run.id).replace('&', "&&");
        let footer = format!("&L&8{left}&C&8{}&R&8Page &P of &N", self.status());
        sheet.set_paper_size(A4).set_landscape().set_margins(0.4, 0.4, 0.5, 0.6, 0.3, 0.3).set_footer(footer);
        if run.verdict == Completeness::Incomplete {
            sheet.set_tab_color(Palette::BAD);
        }
    }

    /// A name for a sheet that Excel accepts and no other sheet has.
    pub(super) fn claim_name(&mut self, wanted: &str) -> String {
        let mut number = 1;
        loop {
            let name = part_name(wanted, number);
            if self.names.insert(name.to_lowercase()) {
                return name;
            }
            number += 1;
        }
    }
}

/// The name of the n-th sheet of that name, counted from one.
pub(super) fn part_name(wanted: &str, number: usize) -> String {
    let suffix = if number == 1 { String::new() } else { format!(" ({number})") };
    let mut room = LONGEST_NAME - suffix.len();
    let clean = |c: char| if c.is_control() || "[]:*?/\\'".contains(c) { '_' } else { c };
    let fits = |c: &char| {
        let fits = c.len_utf16() <= room;
        room = room.saturating_sub(c.len_utf16());
        fits
    };
    let mut name: String = wanted.chars().map(clean).take_while(fits).collect();
    name.push_str(&suffix);
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_short_clean_and_unique() {
        let report = Report::sample();
        let mut book = Book::new(&report, Limits::EXCEL);
        assert_eq!(book.claim_name("Access matrix (a/b's)"), "Access matrix (a_b_s)");
        assert_eq!(book.claim_name("Access matrix (A*B's)"), "Access matrix (A_B_s) (2)");
        let long = "é😀".repeat(40);
        for _ in 0..12 {
            let name = book.claim_name(&long);
            assert!(name.encode_utf16().count() <= LONGEST_NAME, "{name}");
            assert!(Worksheet::new().set_name(name).is_ok());
        }
    }
}
