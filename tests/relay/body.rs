//! The body of a message, as RFC 5321, 4.5.2 wants it, and what is wrong with it.

use std::io;

use tokio::io::{AsyncBufRead, AsyncBufReadExt};

/// Octets of a line with its end (RFC 5321, 4.5.3.1.6).
const LONGEST_LINE: usize = 1000;

/// A body with all its lines, the dots single again.
pub(super) struct Body {
    pub(super) bytes: Vec<u8>,
    pub(super) violations: Vec<&'static str>,
}

/// Reads up to the final dot, which stands between two CR LF and nowhere else.
pub(super) async fn read_body(from: &mut (impl AsyncBufRead + Unpin), eight_bit: bool) -> io::Result<Body> {
    let mut body = Body { bytes: Vec::new(), violations: Vec::new() };
    let mut line = Vec::new();
    let mut at_start = true;
    loop {
        line.clear();
        from.read_until(b'\n', &mut line).await?;
        if !line.ends_with(b"\n") {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if at_start && line == b".\r\n" {
            return Ok(body);
        }
        let unstuffed = if at_start { line.strip_prefix(b".") } else { None };
        let content = line.strip_suffix(b"\r\n");
        let problems = [
            (content.is_none(), "a bare LF in the body"),
            (content.unwrap_or(&line).contains(&b'\r'), "a bare CR in the body"),
            (line.contains(&0), "a NUL in the body"),
            (line.len() > LONGEST_LINE, "a line of the body is too long"),
            (!eight_bit && !line.is_ascii(), "a body beyond ASCII, not announced"),
            (
                unstuffed.is_some_and(|rest| !rest.starts_with(b".")),
                "a dot at the start of a line is not doubled",
            ),
        ];
        for (found, problem) in problems {
            // Once is enough: a body may have many lines.
            if found && !body.violations.contains(&problem) {
                body.violations.push(problem);
            }
        }
        at_start = content.is_some();
        body.bytes.extend_from_slice(unstuffed.unwrap_or(&line));
    }
}
