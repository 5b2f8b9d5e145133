//! Lines of a file that somebody else writes: one at a time, none longer than a bound.

use std::io::{self, BufRead};

/// Bytes that a line has at most.
pub(super) const LONGEST: usize = 64 << 10;

/// Gives each line without its end; `None` for one that is too long. Returns the bytes up to the end of the last whole
/// line, and what follows that: a line that is still being written.
pub(super) fn each_line(
    mut reader: impl BufRead,
    mut each: impl FnMut(Option<&[u8]>),
) -> io::Result<(u64, Option<Vec<u8>>)> {
    let (mut whole, mut read) = (0, 0);
    let (mut line, mut is_long) = (Vec::new(), false);
    loop {
        let found = match reader.fill_buf() {
            Ok(found) => found,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        if found.is_empty() {
            return Ok((whole, (!is_long).then_some(line)));
        }
        let end = found.iter().position(|byte| *byte == b'\n');
        let part = &found[..end.unwrap_or(found.len())];
        is_long |= line.len() + part.len() > LONGEST;
        if is_long {
            line.clear();
        } else {
            line.extend_from_slice(part);
        }
        let taken = part.len() + usize::from(end.is_some());
        reader.consume(taken);
        read += taken as u64;
        if end.is_some() {
            each((!is_long).then_some(line.as_slice()));
            (whole, is_long) = (read, false);
            line.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::BufReader;

    use super::*;

    fn read(text: &[u8], buffer: usize) -> (Vec<Option<String>>, u64, Option<String>) {
        let mut lines = Vec::new();
        let text_of = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let reader = BufReader::with_capacity(buffer, text);
        let (whole, rest) = each_line(reader, |line| lines.push(line.map(text_of))).unwrap();
        (lines, whole, rest.map(|rest| text_of(&rest)))
    }

    #[test]
    fn a_partial_line_is_left_for_later() {
        for buffer in [1, 2, 3, 64] {
            let (lines, whole, rest) = read(b"one\n\nthree\nfou", buffer);
            assert_eq!(lines, [Some("one".into()), Some(String::new()), Some("three".into())]);
            assert_eq!((whole, rest.as_deref()), (11, Some("fou")));
        }
        assert_eq!(read(b"", 8), (Vec::new(), 0, Some(String::new())));
    }

    #[test]
    fn a_line_that_is_too_long_is_counted_and_the_next_one_read() {
        let just = "x".repeat(LONGEST);
        let text = format!("{just}\n{just}y\nshort\n{just}yyy");
        let (lines, whole, rest) = read(text.as_bytes(), 1000);
        assert_eq!(lines, [Some(just.clone()), None, Some("short".into())]);
        assert_eq!(whole, (2 * LONGEST + 9) as u64);
        assert_eq!(rest, None);
    }
}
