//! The workbook: what the compliance owner opens, filters, prints and hands on.
//!
//! Each file below is one sheet, or two that are alike. All but the summary are written row by row into a temporary
//! file (where `TMPDIR` says), so that a large console needs time and disk but no memory.

mod access_matrix;
mod book;
mod cell;
mod changes;
mod controls;
mod coverage;
mod findings;
mod people;
mod places;
mod roles;
mod rules;
mod scopes;
mod style;
mod summary;
mod table;
#[cfg(test)]
mod tests;
mod users;
mod waivers;

use std::io::{self, BufWriter, Seek, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};

use rust_xlsxwriter::XlsxError;

use self::book::{Book, Limits, part_name};
use self::cell::{exact, serial, shown};
use self::places::Places;
use self::style::{FONT, Palette, Style, linked};
use self::table::{Column, HEAD_ROWS, Kind, Plan, Row, Table};
use super::{
    framework_name, gaps_by_part, lateness, picture, roster_words, undetermined_parts, users_worst_first,
};
use crate::amount::{amount, amount_of_people};
use crate::report::Report;

pub(super) fn report(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    within(report, Limits::EXCEL, out)
}

fn within(report: &Report, limits: Limits, out: &mut dyn Write) -> io::Result<()> {
    let mut file = tempfile::tempfile()?;
    // The crate panics where one of its temporary files cannot be written, as on a full disk.
    let built = catch_unwind(AssertUnwindSafe(|| -> io::Result<()> {
        let mut packed = BufWriter::new(&file);
        build(report, limits, &mut packed).map_err(io_error)?;
        packed.flush()
    }));
    built.unwrap_or_else(|panic| {
        let why = panic.downcast_ref::<String>().map_or("no reason given", String::as_str);
        Err(io::Error::other(format!("cannot write the temporary files of the workbook: {why}")))
    })?;
    file.rewind()?;
    io::copy(&mut file, out).map(drop)
}

fn build(report: &Report, limits: Limits, out: impl Write + Send) -> Result<(), XlsxError> {
    let mut book = Book::new(report, limits);
    summary::write(&mut book)?;
    findings::write(&mut book)?;
    users::write(&mut book)?;
    people::write(&mut book)?;
    access_matrix::write(&mut book)?;
    roles::write(&mut book)?;
    scopes::sites(&mut book)?;
    scopes::asset_groups(&mut book)?;
    changes::write(&mut book)?;
    waivers::write(&mut book)?;
    rules::write(&mut book)?;
    controls::write(&mut book)?;
    coverage::write(&mut book)?;
    book.workbook.save_to_writer(out)
}

fn io_error(error: XlsxError) -> io::Error {
    match error {
        XlsxError::IoError(error) | XlsxError::TempFileError(_, error) => error,
        other => io::Error::other(other),
    }
}
