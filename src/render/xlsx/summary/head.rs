//! The summary's head: what was reviewed and when, the verdict that nobody overlooks, and the figures asked for first.

use rust_xlsxwriter::{Format, FormatAlign, FormatBorder, XlsxError};

use super::{FIRST, LAST, PANELS, Page, Palette, amount, cell, lateness, small, undetermined_parts};
use crate::finding::Severity;
use crate::report::{Completeness, ENDS_SOON, WaiverState};

pub(super) fn write(page: &mut Page<'_>, status: &str) -> Result<(), XlsxError> {
    page.skip_rows(1, 8)?;
    title(page)?;
    page.skip_rows(1, 8)?;
    verdict(page)?;
    page.row += 2;
    page.height(20)?;
    claim(page, status)?;
    page.row += 1;
    page.height(17)?;
    beside(page)?;
    page.row += 1;
    page.skip_rows(1, 6)
}

fn title(page: &mut Page<'_>) -> Result<(), XlsxError> {
    let run = &page.report.run;
    page.height(32)?;
    page.put((FIRST, PANELS[1].1), "Access review", &cell(20).set_bold())?;
    let right = small().set_align(FormatAlign::Right);
    let job = run.job.as_deref().unwrap_or("on demand");
    let late = lateness(run).map(|late| format!(" · {late}")).unwrap_or_default();
    page.put(PANELS[2], &format!("{job}{late}"), &right.clone().set_align(FormatAlign::Bottom))?;
    page.row += 1;
    page.height(18)?;
    let rule = |format: Format| {
        format
            .set_align(FormatAlign::Top)
            .set_border_bottom(FormatBorder::Medium)
            .set_border_bottom_color(Palette::INK)
    };
    let names: Vec<&str> = page.report.consoles.iter().map(|console| console.name.as_str()).collect();
    let (started, finished) = (run.started.format("%Y-%m-%d %H:%M"), run.finished.format("%Y-%m-%d %H:%M"));
    let line = format!("{}  ·  {started} to {finished} UTC", names.join(", "));
    page.put((FIRST, PANELS[1].1), &line, &rule(cell(9).set_font_color(Palette::MUTED)))?;
    page.put((PANELS[1].1 + 1, LAST), &format!("run {}  ·  recert {}", run.id, run.version), &rule(right))?;
    page.row += 1;
    Ok(())
}

fn verdict(page: &mut Page<'_>) -> Result<(), XlsxError> {
    let (word, fill) = match page.report.run.verdict {
        Completeness::Complete => ("COMPLETE", Palette::GOOD),
        Completeness::Incomplete => ("INCOMPLETE", Palette::BAD),
    };
    let big = cell(22)
        .set_bold()
        .set_font_color(Palette::WHITE)
        .set_background_color(fill)
        .set_align(FormatAlign::Center);
    page.put_tall(1, PANELS[0], word, &big)?;
    let report = page.report;
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
    let card = |points| cell(points).set_background_color(Palette::PAPER).set_align(FormatAlign::Center);
    for ((label, count, colour), place) in cards.into_iter().zip(thirds()) {
        let number = card(20).set_bold().set_font_color(colour).set_align(FormatAlign::Bottom);
        page.put_count(place, count as u64, &number)?;
        page.row += 1;
        let words = card(9).set_font_color(Palette::MUTED).set_align(FormatAlign::Top);
        page.put(place, label, &words)?;
        page.row -= 1;
    }
    page.height(34)?;
    page.sheet.set_row_height_pixels(page.row + 1, 20)?;
    Ok(())
}

/// Three places in each of the two wider panels.
fn thirds() -> impl Iterator<Item = (u16, u16)> {
    PANELS[1..].iter().flat_map(|(first, last)| {
        let width = (last + 1 - first) / 3;
        (0..3).map(move |part| (first + part * width, first + (part + 1) * width - 1))
    })
}

/// What the verdict claims, in a sentence.
fn claim(page: &mut Page<'_>, status: &str) -> Result<(), XlsxError> {
    let note = page.report.redaction_note().map_or_else(String::new, |note| format!("{note} "));
    match page.report.run.verdict {
        Completeness::Complete => {
            let doubt = undetermined_parts(page.report).join(", ").replace('_', " ");
            let line = if doubt.is_empty() {
                "Every part of every console ties out: what was to be seen was seen.".to_owned()
            } else {
                format!(
                    "The population ties out. Not determined for some of it: {doubt}, see the sheet Coverage."
                )
            };
            page.put((FIRST, LAST), &format!("{note}{line}"), &cell(9))
        }
        Completeness::Incomplete => {
            let line = format!(
                "{note}{status}. What was not seen proves nothing: no rule passes on it, and counts may be too low."
            );
            page.put_link((FIRST, LAST), "'Coverage'!A1", &line, &cell(9).set_bold())?;
            let alarm = cell(9).set_bold().set_font_color(Palette::BAD);
            page.sheet.set_cell_format(page.row, FIRST, &alarm).map(drop)
        }
    }
}

/// What the numbers above leave out, each with the sheet that has it: waivers, and controls.
fn beside(page: &mut Page<'_>) -> Result<(), XlsxError> {
    let report = page.report;
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
        .map(|(count, what, of)| format!("{} {what}", amount(count, of)))
        .collect();
    if !said.is_empty() {
        page.put_link((FIRST, PANELS[1].1), "'Waivers'!A1", &said.join(", "), &small())?;
    }
    let (open, controls) = (report.not_proven(), report.controls.len());
    if open > 0 {
        let line = format!("{open} of {controls} controls not proven");
        page.put_link(PANELS[2], "'Controls'!A1", &line, &small())?;
    }
    Ok(())
}
