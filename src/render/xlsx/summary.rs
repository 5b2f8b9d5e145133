//! The sheet Summary: a first screen that says whether the population ties out, what was found and what changed; and
//! under it, on a page of its own, the numbers that the charts draw.
//!
//! It is small and laid out freely, so it is the one sheet that is held in memory.

mod charts;
mod head;
mod numbers;
mod panels;

use rust_xlsxwriter::{Format, FormatAlign, FormatBorder, Url, Worksheet, XlsxError};

use super::{
    Book, FONT, Palette, Places, Style, amount, lateness, linked, serial, shown, undetermined_parts,
};
use crate::report::Report;

/// Three panels side by side, made of narrow columns that tables put together as they need them: the columns of each,
/// first and last. Between them and at the edges is a gutter.
const PANELS: [(u16, u16); 3] = [(1, 9), (11, 25), (27, 38)];
const FIRST: u16 = PANELS[0].0;
const LAST: u16 = PANELS[2].1;
/// Widths, in pixels.
const COLUMN: u16 = 33;
const GUTTER: u16 = 16;
/// Heights of the rows of panels, in pixels: a chart's and a list's.
const CHART_ROW: u32 = 18;
const LIST_ROW: u32 = 19;
/// Between two rows of panels.
const GAP: u32 = 6;
/// How many of them a panel has.
const CHART_ROWS: u32 = 8;
const LIST_ROWS: u32 = 10;

pub(super) fn write(book: &mut Book<'_>) -> Result<(), XlsxError> {
    let name = book.claim_name("Summary");
    let mut sheet = Worksheet::new();
    sheet.set_name(&name)?.set_screen_gridlines(false);
    book.dress(&mut sheet);
    for column in 0..=LAST + 1 {
        let inside = PANELS.iter().any(|(first, last)| (*first..=*last).contains(&column));
        sheet.set_column_width_pixels(column, u32::from(if inside { COLUMN } else { GUTTER }))?;
    }
    let mut page = Page { sheet, style: &book.style, report: book.report, places: &book.places, row: 0 };
    head::write(&mut page, &book.status())?;
    let charts = page.row;
    page.skip_rows(CHART_ROWS + 1, CHART_ROW)?;
    page.skip_rows(1, GAP)?;
    panels::write(&mut page)?;
    let fold = page.row;
    let drawn = numbers::write(&mut page)?;
    page.row = charts;
    charts::write(&mut page, &name, &drawn)?;
    let Page { mut sheet, .. } = page;
    sheet.set_print_area(0, 0, drawn.end, LAST + 1)?.set_print_fit_to_pages(1, 0).set_page_breaks(&[fold])?;
    sheet.set_active(true);
    book.workbook.push_worksheet(sheet);
    Ok(())
}

/// The sheet while it is filled from the top.
struct Page<'b> {
    sheet: Worksheet,
    style: &'b Style,
    report: &'b Report,
    places: &'b Places<'b>,
    row: u32,
}

impl Page<'_> {
    /// Text in one cell or across several. Like everywhere, text is only ever written as a string.
    fn put(&mut self, columns: (u16, u16), text: &str, format: &Format) -> Result<(), XlsxError> {
        self.put_tall(0, columns, text, format)
    }

    fn put_tall(
        &mut self,
        more_rows: u32,
        (first, last): (u16, u16),
        text: &str,
        format: &Format,
    ) -> Result<(), XlsxError> {
        if more_rows == 0 && first == last {
            self.sheet.write_string_with_format(self.row, first, shown(text), format)?;
        } else {
            self.sheet.merge_range(self.row, first, self.row + more_rows, last, &shown(text), format)?;
        }
        Ok(())
    }

    /// Text that leads to a place in this workbook.
    fn put_link(
        &mut self,
        (first, last): (u16, u16),
        place: &str,
        text: &str,
        format: &Format,
    ) -> Result<(), XlsxError> {
        let format = linked(format);
        if first != last {
            self.put((first, last), "", &format)?;
        }
        let link = Url::new(format!("internal:{place}"));
        self.sheet.write_url_with_format(self.row, first, &link, &format)?;
        self.sheet.write_string_with_format(self.row, first, shown(text), &format)?;
        Ok(())
    }

    #[expect(clippy::cast_precision_loss, reason = "counts of rows are far below 2^53")]
    fn put_count(&mut self, columns: (u16, u16), count: u64, format: &Format) -> Result<(), XlsxError> {
        self.put_number(columns, count as f64, &format.clone().set_num_format("#,##0"))
    }

    fn put_number(&mut self, columns: (u16, u16), number: f64, format: &Format) -> Result<(), XlsxError> {
        if columns.0 != columns.1 {
            self.put(columns, "", format)?;
        }
        self.sheet.write_number_with_format(self.row, columns.0, number, format)?;
        Ok(())
    }

    fn height(&mut self, pixels: u32) -> Result<(), XlsxError> {
        self.sheet.set_row_height_pixels(self.row, pixels).map(drop)
    }

    /// Rows of one height, left free.
    fn skip_rows(&mut self, rows: u32, pixels: u32) -> Result<(), XlsxError> {
        for _ in 0..rows {
            self.height(pixels)?;
            self.row += 1;
        }
        Ok(())
    }
}

/// What a panel is called, over a rule.
fn heading() -> Format {
    cell(10)
        .set_bold()
        .set_align(FormatAlign::VerticalCenter)
        .set_border_bottom(FormatBorder::Thin)
        .set_border_bottom_color(Palette::INK)
}

/// A cell in ink, in the middle of its row.
fn cell(points: u16) -> Format {
    Format::new()
        .set_font_name(FONT)
        .set_font_size(points)
        .set_font_color(Palette::INK)
        .set_align(FormatAlign::Left)
        .set_align(FormatAlign::VerticalCenter)
}

/// The same, centred, as figures stand under their heads.
fn centred(points: u16) -> Format {
    cell(points).set_align(FormatAlign::Center)
}

/// The same, for words that explain others.
fn small() -> Format {
    cell(8).set_font_color(Palette::MUTED)
}
