//! The one way to write rows: strictly downwards, cell after cell, typed, on to a further sheet where one is full.
//!
//! A sheet in constant-memory mode drops whatever is written above its current row without an error; a row that can
//! only be the next one makes that impossible.

use std::borrow::Cow;

use chrono::{DateTime, Utc};
use rust_xlsxwriter::{Format, Url, Worksheet, XlsxError};

use super::{Book, Style, exact, serial, shown};
use crate::finding::Severity;
use crate::report::Completeness;

/// Title, verdict and header.
pub(super) const HEAD_ROWS: u32 = 3;
const HEADER_ROW: u32 = HEAD_ROWS - 1;
/// Heights, in points.
const HEADER_HEIGHT: f64 = 30.0;
const LINE: f64 = 15.0;

/// What a sheet of rows looks like.
pub(super) struct Plan<'a> {
    /// Its name and title.
    pub(super) name: String,
    /// What stands beside the verdict under the title.
    pub(super) note: String,
    /// Its columns.
    pub(super) columns: Vec<Column<'a>>,
    /// How many of them stay in view.
    pub(super) keys: u16,
    /// Words above the header, each with the column that it begins at.
    pub(super) bands: Vec<(u16, &'static str)>,
    /// How many lines a row shows if nothing in it needs more.
    pub(super) lines: u16,
    /// How many columns are printed, from the first; those behind them are for filters and for looking things up.
    pub(super) printed: u16,
}

impl<'a> Plan<'a> {
    pub(super) fn new(name: &str, keys: u16, columns: Vec<Column<'a>>) -> Self {
        let printed = u16::try_from(columns.len()).unwrap_or(u16::MAX);
        Self {
            name: name.to_owned(),
            note: String::new(),
            columns,
            keys,
            bands: Vec::new(),
            lines: 1,
            printed,
        }
    }
}

/// A column.
#[derive(Clone)]
pub(super) struct Column<'a> {
    head: Cow<'a, str>,
    kind: Kind,
    width: u16,
}

impl<'a> Column<'a> {
    pub(super) fn new(head: impl Into<Cow<'a, str>>, kind: Kind, width: u16) -> Self {
        Self { head: head.into(), kind, width }
    }
}

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Text on one line.
    Text,
    /// Text that is worth tall rows.
    Wrapped,
    /// A number that names something.
    Id,
    /// A number that counts something.
    Count,
    /// An instant, UTC.
    Time,
    /// A word in the middle.
    Mark,
    /// A letter in the middle, under a header that stands upright.
    Upright,
}

impl Kind {
    fn format(self, style: &Style) -> &Format {
        match self {
            Self::Text => &style.text,
            Self::Wrapped => &style.wrapped,
            Self::Id => &style.id,
            Self::Count => &style.count,
            Self::Time => &style.time,
            Self::Mark | Self::Upright => &style.mark,
        }
    }
}

/// A sheet that is being written, or several that continue each other.
pub(super) struct Table<'b, 'r, 'p> {
    book: &'b mut Book<'r>,
    plan: Plan<'p>,
    sheet: Worksheet,
    next: u32,
    /// How many more cells of the sheet may lead elsewhere.
    links: u32,
}

impl<'b, 'r, 'p> Table<'b, 'r, 'p> {
    pub(super) fn begin(book: &'b mut Book<'r>, plan: Plan<'p>) -> Result<Self, XlsxError> {
        let sheet = head(book, &plan)?;
        let links = book.limits.links;
        Ok(Self { book, plan, sheet, next: HEAD_ROWS, links })
    }

    /// The next row.
    pub(super) fn row(&mut self) -> Result<Row<'_>, XlsxError> {
        if self.next >= self.book.limits.rows {
            let further = head(self.book, &self.plan)?;
            let full = std::mem::replace(&mut self.sheet, further);
            push(self.book, &self.plan, full, self.next - 1)?;
            (self.next, self.links) = (HEAD_ROWS, self.book.limits.links);
        }
        let index = self.next;
        self.next += 1;
        let Self { book, plan, sheet, links, .. } = self;
        let (style, columns, lines) = (&book.style, &*plan.columns, plan.lines);
        Ok(Row { sheet, style, columns, lines, links, index, column: 0 })
    }

    pub(super) fn finish(self) -> Result<(), XlsxError> {
        push(self.book, &self.plan, self.sheet, self.next - 1)
    }
}

/// A new sheet as far as its header: all that is known before the rows.
fn head(book: &mut Book<'_>, plan: &Plan<'_>) -> Result<Worksheet, XlsxError> {
    let mut sheet = book.workbook.new_worksheet_with_constant_memory()?;
    let name = book.claim_name(&plan.name);
    sheet.set_name(&name)?;
    book.dress(&mut sheet);
    let style = &book.style;
    // The columns' looks bring a rule under every row; gridlines would be a second one.
    sheet.set_screen_gridlines(false).set_default_row_height(height(plan.lines));
    sheet.set_row_height(1, LINE)?.set_row_format(0, &style.blank)?.set_row_format(1, &style.blank)?;
    for (index, column) in (0..).zip(&plan.columns) {
        sheet.set_column_width(index, column.width)?;
        sheet.set_column_format(index, column.kind.format(style))?;
    }
    sheet.set_row_height(0, 26)?;
    sheet.write_string_with_format(0, 0, name, &style.title)?;
    for (column, words) in &plan.bands {
        sheet.write_string_with_format(0, *column, *words, &style.band)?;
    }
    let status = match book.report.run.verdict {
        Completeness::Complete => &style.complete,
        Completeness::Incomplete => &style.incomplete,
    };
    let separator = if plan.note.is_empty() { "" } else { "  ·  " };
    sheet.write_string_with_format(1, 0, format!("{}{separator}{}", book.status(), plan.note), status)?;
    if plan.columns.is_empty() {
        return Ok(sheet);
    }
    sheet.set_row_height(HEADER_ROW, header_height(plan))?;
    for (index, column) in (0..).zip(&plan.columns) {
        let format = match column.kind {
            Kind::Upright => &style.header_upright,
            Kind::Count | Kind::Mark => &style.header_centred,
            Kind::Text | Kind::Wrapped | Kind::Id | Kind::Time => &style.header_indented,
        };
        sheet.write_string_with_format(HEADER_ROW, index, shown(&column.head), format)?;
    }
    sheet.set_freeze_panes(HEAD_ROWS, plan.keys)?;
    sheet.set_repeat_rows(0, HEADER_ROW)?;
    let printed = plan.columns.iter().take(plan.printed.into());
    if printed.clone().map(|column| u32::from(column.width)).sum::<u32>() > 200 {
        const A3: u8 = 8;
        sheet.set_paper_size(A3);
    }
    let pages = 1 + printed.filter(|column| column.kind == Kind::Upright).count() / 60;
    sheet.set_print_fit_to_pages(u16::try_from(pages).unwrap_or(u16::MAX), 0);
    if pages > 1 {
        sheet.set_repeat_columns(0, plan.keys - 1)?;
    }
    Ok(sheet)
}

/// An upright header is as high as its longest name needs, with room for the filter's button under it.
fn header_height(plan: &Plan<'_>) -> f64 {
    let upright = plan.columns.iter().filter(|column| column.kind == Kind::Upright);
    let longest = upright.map(|column| column.head.chars().count()).max().unwrap_or(0).min(32);
    HEADER_HEIGHT.max(24.0 + 5.4 * f64::from(u8::try_from(longest).unwrap_or(u8::MAX)))
}

fn height(lines: u16) -> f64 {
    f64::from(lines) * (LINE - 3.0) + 3.0
}

fn push(book: &mut Book<'_>, plan: &Plan<'_>, mut sheet: Worksheet, last: u32) -> Result<(), XlsxError> {
    if let Ok(columns @ 1..) = u16::try_from(plan.columns.len()) {
        sheet.autofilter(HEADER_ROW, 0, last, columns - 1)?;
        // Text that runs out of its last column would otherwise shrink every page to its length.
        sheet.set_print_area(0, 0, last, plan.printed.min(columns) - 1)?;
    }
    book.workbook.push_worksheet(sheet);
    Ok(())
}

/// The row that is being written. Each call writes one cell and moves on; what is not known or not there is left out,
/// and leaving out costs nothing.
pub(super) struct Row<'t> {
    sheet: &'t mut Worksheet,
    style: &'t Style,
    columns: &'t [Column<'t>],
    lines: u16,
    links: &'t mut u32,
    index: u32,
    column: u16,
}

type Next<'n, 't> = Result<&'n mut Row<'t>, XlsxError>;

impl<'t> Row<'t> {
    /// Text, which never becomes anything else: this and [`Row::styled`] are the only ways for it into a cell.
    pub(super) fn text(&mut self, text: &str) -> Next<'_, 't> {
        self.sheet.write_string(self.index, self.column, shown(text))?;
        self.make_room(text)?;
        Ok(self.skip(1))
    }

    /// Makes the row as high as wrapped text needs it. Heights stay in memory, so that a row far down keeps the height
    /// of all.
    fn make_room(&mut self, text: &str) -> Result<(), XlsxError> {
        // A row may be 409 points high.
        const MOST_LINES: u16 = 33;
        const ROWS: u32 = 10_000;
        let Some(Column { kind: Kind::Wrapped, width, .. }) = self.columns.get(usize::from(self.column))
        else {
            return Ok(());
        };
        // A column holds more letters than digits, which its width counts; the indent takes about two.
        let room = (usize::from(*width) * 4 / 3).saturating_sub(2).max(1);
        let lines: usize = text.lines().map(|line| line.chars().count() / room + 1).sum();
        let lines = u16::try_from(lines).unwrap_or(MOST_LINES).min(MOST_LINES);
        if lines > self.lines && self.index < ROWS {
            self.lines = lines;
            self.sheet.set_row_height(self.index, height(lines))?;
        }
        Ok(())
    }

    pub(super) fn styled(&mut self, text: &str, pick: impl FnOnce(&Style) -> &Format) -> Next<'_, 't> {
        self.sheet.write_string_with_format(self.index, self.column, shown(text), pick(self.style))?;
        Ok(self.skip(1))
    }

    pub(super) fn optional(&mut self, text: Option<&str>) -> Next<'_, 't> {
        self.text(text.unwrap_or_default())
    }

    pub(super) fn number(&mut self, number: impl Into<Option<i64>>) -> Next<'_, 't> {
        if let Some(number) = number.into() {
            match exact(number) {
                Some(exact) => self.sheet.write_number(self.index, self.column, exact)?,
                None => self.sheet.write_string(self.index, self.column, number.to_string())?,
            };
        }
        Ok(self.skip(1))
    }

    pub(super) fn count(&mut self, count: impl Into<Option<u64>>) -> Next<'_, 't> {
        self.number(count.into().map(|count| i64::try_from(count).unwrap_or(i64::MAX)))
    }

    /// A number in a look of its own.
    #[expect(clippy::cast_precision_loss, reason = "days and counts are far below 2^53")]
    pub(super) fn marked(&mut self, number: i64, pick: impl FnOnce(&Style) -> &Format) -> Next<'_, 't> {
        self.sheet.write_number_with_format(self.index, self.column, number as f64, pick(self.style))?;
        Ok(self.skip(1))
    }

    /// A count that may be higher: a number still, so that it sorts and adds up, shown with the sign for it.
    #[expect(clippy::cast_precision_loss, reason = "counts of rows are far below 2^53")]
    pub(super) fn at_least(&mut self, count: u64) -> Next<'_, 't> {
        let format = &self.style.at_least;
        self.sheet.write_number_with_format(self.index, self.column, count as f64, format)?;
        Ok(self.skip(1))
    }

    pub(super) fn flag(&mut self, flag: Option<bool>) -> Next<'_, 't> {
        self.text(match flag {
            Some(true) => "yes",
            Some(false) => "no",
            None => "unknown",
        })
    }

    pub(super) fn time(&mut self, time: impl Into<Option<DateTime<Utc>>>) -> Next<'_, 't> {
        if let Some(time) = time.into() {
            match serial(time) {
                Some(serial) => self.sheet.write_number(self.index, self.column, serial)?,
                None => self.sheet.write_string(self.index, self.column, time.to_rfc3339())?,
            };
        }
        Ok(self.skip(1))
    }

    pub(super) fn severity(&mut self, severity: impl Into<Option<Severity>>) -> Next<'_, 't> {
        match severity.into() {
            Some(severity) => self.styled(severity.as_str(), |style| style.severity(severity)),
            None => Ok(self.skip(1)),
        }
    }

    /// Text that leads to a place in this workbook, as long as the sheet may have links.
    pub(super) fn text_to(&mut self, place: Option<String>, text: &str) -> Next<'_, 't> {
        if self.lead(place)? { self.styled(text, |style| &style.link) } else { self.text(text) }
    }

    /// A count that leads to what it counts.
    pub(super) fn count_to(&mut self, place: Option<String>, count: u64) -> Next<'_, 't> {
        if self.lead(place)? {
            self.marked(i64::try_from(count).unwrap_or(i64::MAX), |style| &style.link_count)
        } else {
            self.count(count)
        }
    }

    /// Makes the cell lead somewhere; what it holds is written over the words that a link brings, and keeps its type.
    fn lead(&mut self, place: Option<String>) -> Result<bool, XlsxError> {
        let Some(place) = place.filter(|_| *self.links > 0) else { return Ok(false) };
        *self.links -= 1;
        let link = Url::new(format!("internal:{place}"));
        self.sheet.write_url_with_format(self.index, self.column, &link, &self.style.link)?;
        Ok(true)
    }

    pub(super) fn skip(&mut self, cells: u16) -> &mut Self {
        self.column += cells;
        self
    }
}
