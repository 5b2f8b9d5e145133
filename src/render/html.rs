//! The page.
use crate::report::Report;
use std::io::{self, Write};
/// The templates, compiled in or from a directory.
#[derive(Debug, Default)]
pub struct Templates {}
pub(super) fn report(_: &Report, _: &Templates, _: &mut dyn Write) -> io::Result<()> {
    Ok(())
}
