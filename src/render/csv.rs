//! The CSV files.
use crate::report::Report;
use std::io::{self, Write};
pub(super) fn users(_: &Report, _: &mut dyn Write) -> io::Result<()> {
    Ok(())
}
pub(super) fn grants(_: &Report, _: &mut dyn Write) -> io::Result<()> {
    Ok(())
}
pub(super) fn findings(_: &Report, _: &mut dyn Write) -> io::Result<()> {
    Ok(())
}
pub(super) fn roles(_: &Report, _: &mut dyn Write) -> io::Result<()> {
    Ok(())
}
pub(super) fn coverage(_: &Report, _: &mut dyn Write) -> io::Result<()> {
    Ok(())
}
