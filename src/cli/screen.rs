//! Standard output and standard error. Colours and control characters are for terminals, and console text is neither.

use std::io::{self, BufWriter, IsTerminal, Write};

use anstream::AutoStream;
use owo_colors::{OwoColorize, Style};
use serde::Serialize;

use crate::finding::Severity;
use crate::untrusted::visible;

/// Where a command writes.
pub(super) struct Screen {
    out: AutoStream<io::Stdout>,
    /// Standard output as it is, for bytes that another program reads.
    plain: io::Stdout,
    err: AutoStream<io::Stderr>,
    /// Whether standard error is a terminal: progress bars are drawn only there.
    pub(super) interactive: bool,
}

impl Screen {
    pub(super) fn of_process() -> Self {
        Self {
            out: AutoStream::auto(io::stdout()),
            plain: io::stdout(),
            err: AutoStream::auto(io::stderr()),
            interactive: io::stderr().is_terminal(),
        }
    }

    /// A line of the result.
    pub(super) fn line(&mut self, line: impl AsRef<str>) -> io::Result<()> {
        unless_gone(writeln!(self.out, "{}", line.as_ref()))
    }

    /// The result as one JSON document. On a terminal, what could steer it is written as an escape of JSON.
    pub(super) fn json(&mut self, value: &impl Serialize) -> io::Result<()> {
        if self.plain.is_terminal() {
            let text = serde_json::to_string_pretty(value)?;
            return self.raw(escaped(&text).as_bytes());
        }
        let mut out = BufWriter::new(self.plain.lock());
        unless_gone(serde_json::to_writer_pretty(&mut out, value).map_err(io::Error::from))?;
        unless_gone(out.write_all(b"\n").and_then(|()| out.flush()))
    }

    /// Bytes of the result, for another program, with a line end.
    pub(super) fn raw(&mut self, bytes: &[u8]) -> io::Result<()> {
        let mut out = self.plain.lock();
        unless_gone(out.write_all(bytes).and_then(|()| out.write_all(b"\n")))
    }

    /// A remark beside the result.
    pub(super) fn remark(&mut self, line: impl AsRef<str>) {
        // Nothing can be done about a standard error that is closed.
        drop(writeln!(self.err, "{}", line.as_ref()));
    }

    /// What went wrong.
    pub(super) fn error(&mut self, message: &str) {
        let label = "error:".style(Style::new().red().bold());
        let lines: Vec<_> = message.lines().map(visible).collect();
        self.remark(format!("{label} {}", lines.join("\n")));
    }
}

/// A count of any width.
pub(super) struct Count(u64);

impl From<u64> for Count {
    fn from(count: u64) -> Self {
        Self(count)
    }
}

impl From<usize> for Count {
    fn from(count: usize) -> Self {
        Self(count as u64)
    }
}

/// A count with its noun.
pub(super) fn amount(count: impl Into<Count>, one: &str, several: &str) -> String {
    let Count(count) = count.into();
    format!("{count} {}", if count == 1 { one } else { several })
}

/// A reader that went away (`| head`) has what it wanted: the command ends as it would have.
fn unless_gone(written: io::Result<()>) -> io::Result<()> {
    match written {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written,
    }
}

/// JSON whose strings hold no raw control or format character; line ends stand between values only.
fn escaped(json: &str) -> String {
    let mut escaped = String::with_capacity(json.len());
    for character in json.chars() {
        if character == '\n' || visible(character.encode_utf8(&mut [0; 4])).chars().eq([character]) {
            escaped.push(character);
        } else {
            for unit in character.encode_utf16(&mut [0; 2]) {
                escaped.push_str("\\u");
                escaped.push_str(&hex::encode(unit.to_be_bytes()));
            }
        }
    }
    escaped
}

/// The style of a severity, everywhere on the terminal.
pub(super) fn style(severity: Severity) -> Style {
    match severity {
        Severity::Critical => Style::new().white().on_red().bold(),
        Severity::High => Style::new().red().bold(),
        Severity::Medium => Style::new().yellow(),
        Severity::Low => Style::new().cyan(),
        Severity::Info => Style::new().dimmed(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_on_a_terminal_keeps_its_meaning_and_steers_nothing() {
        let value = serde_json::json!({"name": "a\u{9b}31m\u{202e}b\u{e0041}\n\u{7f}é"});
        let shown = escaped(&serde_json::to_string_pretty(&value).unwrap());
        assert!(shown.chars().all(|character| character == '\n' || !character.is_control()), "{shown}");
        assert!(!shown.contains('\u{202e}') && shown.contains('é'));
        assert_eq!(serde_json::from_str::<serde_json::Value>(&shown).unwrap(), value);
    }

    #[test]
    fn a_reader_that_went_away_is_no_error() {
        assert!(unless_gone(Err(io::ErrorKind::BrokenPipe.into())).is_ok());
        assert!(unless_gone(Err(io::ErrorKind::StorageFull.into())).is_err());
    }
}
