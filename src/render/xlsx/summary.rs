//! The sheet Summary: the verdict, whether the population ties out, and what was found, on one page in width.
//!
//! It is small and laid out freely, so it is the one sheet that is held in memory.

mod charts;
mod tables;

use chrono::{DateTime, Utc};
use rust_xlsxwriter::{Format, FormatAlign, Url, Worksheet, XlsxError};

use super::{Book, Palette, Style, lateness, serial, shown, undetermined_parts};
use crate::finding::Severity;
use crate::report::{Completeness, ENDS_SOON, Report, WaiverState};

/// A narrow margin, one wide column for names, and twelve equal ones.
const FIRST: u16 = 1;
const LAST: u16 = 13;

pub(super) fn write(book: &mut Book<'_>) -> Result<(), XlsxError> {
    let name = book.claim_name("Summary");
    let mut sheet = Worksheet::new();
    sheet.set_name(&name)?.set_screen_gridlines(false).set_zoom(90);
    book.dress(&mut sheet);
    sheet.set_column_width(0, 2)?.set_column_width(FIRST, 46)?;
    sheet.set_column_range_width(FIRST + 1, LAST, 10.5)?.set_column_width(LAST + 1, 2)?;
    let mut page = Page { sheet, style: &book.style, report: book.report, row: 0 };
    page.title()?;
    page.verdict(&book.status())?;
    page.beside()?;
    page.run()?;
    tables::population(&mut page)?;
    tables::since(&mut page)?;
    let severities = tables::severities(&mut page)?;
    charts::severities(&mut page, &name, severities)?;
    if let Some((rules, worst)) = tables::top_rules(&mut page)? {
        charts::rules(&mut page, &name, rules, &worst)?;
    }
    tables::verdicts(&mut page)?;
    let Page { mut sheet, row, .. } = page;
    sheet.set_print_area(0, 0, row, LAST + 1)?.set_print_fit_to_pages(1, 0).set_active(true);
    book.workbook.push_worksheet(sheet);
    Ok(())
}

/// The sheet while it is filled from the top.
struct Page<'b> {
    sheet: Worksheet,
    style: &'b Style,
    report: &'b Report,
    row: u32,
}

/// The rows, first and last, of a table that a chart draws.
#[derive(Clone, Copy)]
struct Drawn {
    first: u32,
    last: u32,
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

    #[expect(clippy::cast_precision_loss, reason = "counts of rows are far below 2^53")]
    fn put_count(&mut self, column: u16, count: u64, format: &Format) -> Result<(), XlsxError> {
        let format = format.clone().set_num_format("#,##0");
        self.sheet.write_number_with_format(self.row, column, count as f64, &format)?;
        Ok(())
    }

    fn put_time(
        &mut self,
        columns: (u16, u16),
        time: DateTime<Utc>,
        format: &Format,
    ) -> Result<(), XlsxError> {
        self.put(columns, &time.to_rfc3339(), format)?;
        if let Some(serial) = serial(time) {
            let format = format.clone().set_num_format("yyyy-mm-dd hh:mm");
            self.sheet.write_number_with_format(self.row, columns.0, serial, &format)?;
        }
        Ok(())
    }

    fn height(&mut self, points: u16) -> Result<(), XlsxError> {
        self.sheet.set_row_height(self.row, points).map(drop)
    }

    fn heading(&mut self, text: &str) -> Result<(), XlsxError> {
        self.row += 1;
        self.height(26)?;
        let format = self.style.heading.clone().set_align(FormatAlign::Bottom);
        self.put((FIRST, FIRST), text, &format)?;
        self.row += 1;
        Ok(())
    }

    fn title(&mut self) -> Result<(), XlsxError> {
        let ink =
            Format::new().set_background_color(Palette::INK).set_font_color(Palette::WHITE).set_indent(1);
        self.height(36)?;
        let title = ink
            .clone()
            .set_bold()
            .set_font_size(22)
            .set_align(FormatAlign::Left)
            .set_align(FormatAlign::VerticalCenter);
        self.put((FIRST, LAST), "Access review", &title)?;
        self.row += 1;
        self.height(24)?;
        let names: Vec<&str> = self.report.consoles.iter().map(|console| console.name.as_str()).collect();
        let (run, day) = (&self.report.run, "%Y-%m-%d %H:%M");
        let (started, finished) = (run.started.format(day), run.finished.format(day));
        let line = format!("{}    {started} to {finished} UTC    recert {}", names.join(", "), run.version);
        self.put(
            (FIRST, LAST),
            &line,
            &ink.set_font_size(10).set_align(FormatAlign::Left).set_align(FormatAlign::Top),
        )?;
        self.row += 2;
        Ok(())
    }

    /// The verdict in a cell that nobody overlooks, and beside it the numbers that are asked for first.
    fn verdict(&mut self, status: &str) -> Result<(), XlsxError> {
        let (word, fill) = match self.report.run.verdict {
            Completeness::Complete => ("COMPLETE", Palette::GOOD),
            Completeness::Incomplete => ("INCOMPLETE", Palette::BAD),
        };
        let big = Format::new()
            .set_bold()
            .set_font_size(24)
            .set_font_color(Palette::WHITE)
            .set_background_color(fill)
            .set_align(FormatAlign::Center)
            .set_align(FormatAlign::VerticalCenter);
        self.put_tall(1, (FIRST, FIRST), word, &big)?;
        self.cards()?;
        self.row += 2;
        self.height(20)?;
        match self.report.run.verdict {
            Completeness::Complete => {
                let doubt = undetermined_parts(self.report).join(", ").replace('_', " ");
                let line = if doubt.is_empty() {
                    "Every part of every console ties out: what was to be seen was seen.".to_owned()
                } else {
                    format!(
                        "The population ties out. Not determined for some of it: {doubt}, see the sheet Coverage."
                    )
                };
                let format = self.style.complete.clone().set_align(FormatAlign::VerticalCenter);
                self.put((FIRST, LAST), &line, &format)?;
            }
            Completeness::Incomplete => {
                let link = Url::new("internal:'Coverage'!A1").set_text(format!(
                    "{status}. What was not seen proves nothing: no rule passes on it, and counts may be too low."
                ));
                let format = self.style.incomplete.clone().set_align(FormatAlign::VerticalCenter);
                self.sheet.write_url_with_format(self.row, FIRST, &link, &format)?;
            }
        }
        self.row += 1;
        Ok(())
    }

    fn cards(&mut self) -> Result<(), XlsxError> {
        let report = self.report;
        let open = |severity| report.open().filter(|finding| finding.severity == severity).count();
        let privileged = report.users.iter().filter(|user| user.superuser).count();
        let alarm = |count: usize, colour| if count == 0 { Palette::INK } else { colour };
        let (critical, high, gaps) = (open(Severity::Critical), open(Severity::High), report.gaps.len());
        let cards = [
            ("open critical", critical, alarm(critical, Palette::severity(Severity::Critical))),
            ("open high", high, alarm(high, Palette::severity(Severity::High))),
            ("open findings", report.open().count(), Palette::INK),
            ("users", report.users.len(), Palette::INK),
            ("superusers", privileged, Palette::INK),
            ("gaps", gaps, alarm(gaps, Palette::BAD)),
        ];
        let card = Format::new().set_background_color(Palette::PAPER).set_align(FormatAlign::Center);
        for ((label, count, colour), column) in cards.into_iter().zip((FIRST + 1..).step_by(2)) {
            let number = card.clone().set_bold().set_font_size(20).set_font_color(colour);
            self.put((column, column + 1), "", &number.clone().set_align(FormatAlign::Bottom))?;
            self.put_count(column, count as u64, &number.set_align(FormatAlign::Bottom))?;
            let words =
                card.clone().set_font_size(9).set_font_color(Palette::MUTED).set_align(FormatAlign::Top);
            self.row += 1;
            self.put((column, column + 1), label, &words)?;
            self.row -= 1;
        }
        self.height(34)?;
        self.sheet.set_row_height(self.row + 1, 20)?;
        Ok(())
    }

    /// What the numbers above leave out, each with the sheet that has it: a line for waivers, a line for controls.
    fn beside(&mut self) -> Result<(), XlsxError> {
        let report = self.report;
        if let Some(note) = report.redaction_note() {
            let format = self.style.text.clone().set_bold().set_align(FormatAlign::VerticalCenter);
            self.put((FIRST, LAST), &note, &format)?;
            self.row += 1;
        }
        let waivers = |state| report.waivers.iter().filter(|waiver| waiver.state == state).count() as u64;
        let soon = report.waivers.iter().filter(|waiver| waiver.ends_within(ENDS_SOON)).count() as u64;
        let parts = [
            (report.waived(), "waived beside the open ones".to_owned(), "finding"),
            (soon, format!("in force for {ENDS_SOON} days or less"), "waiver"),
            (waivers(WaiverState::Expired), "expired".to_owned(), "waiver"),
            (waivers(WaiverState::Unused), "unused".to_owned(), "waiver"),
        ];
        let said: Vec<String> = parts
            .into_iter()
            .filter(|(count, ..)| *count > 0)
            .map(|(count, what, of)| format!("{count} {of}{} {what}", if count == 1 { "" } else { "s" }))
            .collect();
        let (open, controls) = (report.not_proven(), report.controls.len());
        let lines = [
            ("Waivers", (!said.is_empty()).then(|| said.join(", "))),
            (
                "Controls",
                (open > 0).then(|| {
                    format!("{open} of {controls} controls not proven: what their rules need was not seen")
                }),
            ),
        ];
        for (sheet, line) in lines {
            let Some(line) = line else { continue };
            self.height(20)?;
            let place = Url::new(format!("internal:'{sheet}'!A1"));
            let place = place.set_text(format!("{line}. See the sheet {sheet}."));
            let format = self.style.link.clone().set_align(FormatAlign::VerticalCenter);
            self.sheet.write_url_with_format(self.row, FIRST, &place, &format)?;
            self.row += 1;
        }
        Ok(())
    }

    /// What ties the workbook to its run.
    fn run(&mut self) -> Result<(), XlsxError> {
        let run = &self.report.run;
        self.row += 1;
        let label = self.style.text.clone().set_font_size(9).set_font_color(Palette::MUTED);
        let places = [(1, 1), (2, 3), (4, 5), (6, 7), (8, 9), (10, 13)];
        let labels =
            ["Run", "Job", "Slot (UTC)", "Started (UTC)", "Finished (UTC)", "Configuration (SHA-256)"];
        for (place, text) in places.into_iter().zip(labels) {
            self.put(place, text, &label)?;
        }
        self.row += 1;
        self.height(26)?;
        let value = self.style.text.clone().set_align(FormatAlign::Left).set_text_wrap();
        self.put(places[0], &run.id, &value)?;
        self.put(places[1], run.job.as_deref().unwrap_or("on demand"), &value)?;
        match run.slot {
            Some(slot) => self.put_time(places[2], slot, &value)?,
            None => self.put(places[2], "–", &value)?,
        }
        self.put_time(places[3], run.started, &value)?;
        self.put_time(places[4], run.finished, &value)?;
        let beside = value.clone();
        self.put(places[5], &run.configuration, &value.set_font_name("Consolas").set_font_size(8))?;
        self.row += 1;
        if let Some(lateness) = lateness(run) {
            self.put((1, 13), &lateness, &beside)?;
            self.row += 1;
        }
        Ok(())
    }
}
