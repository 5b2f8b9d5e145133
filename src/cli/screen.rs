//! Standard output and standard error. Colours and control characters are for terminals, and console text is neither.

use std::io::{self, IsTerminal, Write};

use anstream::AutoStream;
use owo_colors::{OwoColorize, Style};
use serde::Serialize;

use crate::finding::Severity;
use crate::untrusted::visible;

/// Where a command writes.
pub(super) struct Screen {
    out: AutoStream<io::Stdout>,
    err: AutoStream<io::Stderr>,
    /// Whether standard error is a terminal: progress bars are drawn only there.
    pub(super) interactive: bool,
}

impl Screen {
    pub(super) fn of_process() -> Self {
        Self {
            out: AutoStream::auto(io::stdout()),
            err: AutoStream::auto(io::stderr()),
            interactive: io::stderr().is_terminal(),
        }
    }

    /// A line of the result.
    pub(super) fn line(&mut self, line: impl AsRef<str>) -> io::Result<()> {
        writeln!(self.out, "{}", line.as_ref())
    }

    /// The result as one JSON document.
    pub(super) fn json(&mut self, value: &impl Serialize) -> io::Result<()> {
        serde_json::to_writer_pretty(&mut self.out, value)?;
        self.out.write_all(b"\n")
    }

    /// Bytes of the result, for another program.
    pub(super) fn raw(&mut self) -> &mut dyn Write {
        &mut self.out
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
