//! What may stand in a cell: text that shows what it holds, numbers and times that a spreadsheet keeps exactly.

use std::borrow::Cow;
use std::fmt::Write;

use chrono::{DateTime, Utc};

use super::picture;

/// The longest text that a cell holds, in UTF-16 units.
const LONGEST: usize = 32_767;
const CUT: &str = " … (cut)";

/// Text as it may be written: control characters as pictures, invisible and direction-changing ones spelt out, cut with
/// a mark where a cell ends. Line feeds and tabs stay.
pub(super) fn shown(text: &str) -> Cow<'_, str> {
    let stands = |at: usize| !text[at..].starts_with(must_not_stand);
    let mut doubtful = text.bytes().enumerate().filter(|(_, byte)| may_begin_what_must_not_stand(*byte));
    if text.len() <= LONGEST && doubtful.all(|(at, _)| stands(at)) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len().min(4 * LONGEST));
    for c in text.chars() {
        match picture(c).filter(|_| must_not_stand(c)) {
            Some(picture) => shown.push(picture),
            None if must_not_stand(c) => {
                // Writing into a string does not fail.
                let _ = write!(shown, "⟨U+{:04X}⟩", u32::from(c));
            }
            None => shown.push(c),
        }
    }
    cut(&mut shown, LONGEST);
    Cow::Owned(shown)
}

/// Text of at most `longest` UTF-16 units, with the mark if anything had to go.
fn cut(text: &mut String, longest: usize) {
    let room = longest - CUT.encode_utf16().count();
    let (mut units, mut end) = (0, 0);
    for (index, c) in text.char_indices() {
        units += c.len_utf16();
        if units <= room {
            end = index + c.len_utf8();
        }
    }
    if units > longest {
        text.truncate(end);
        text.push_str(CUT);
    }
}

/// C0 and C1 controls, and what hides or reorders the text around it. Joiners stay: scripts and emoji need them.
fn must_not_stand(c: char) -> bool {
    match c {
        '\t' | '\n' => false,
        '\u{61c}'
        | '\u{200b}'
        | '\u{200e}'
        | '\u{200f}'
        | '\u{2028}'..='\u{202e}'
        | '\u{2060}'
        | '\u{2066}'..='\u{2069}'
        | '\u{feff}'
        | '\u{fffe}'
        | '\u{ffff}' => true,
        c => c.is_control(),
    }
}

/// Whether a character that must not stand may begin with this byte. A large report has tens of megabytes of text, of
/// which next to no character has to be looked at.
fn may_begin_what_must_not_stand(byte: u8) -> bool {
    matches!(byte, 0..=0x1f | 0x7f | 0xc2 | 0xd8 | 0xe2 | 0xef)
}

/// A number that a spreadsheet shows digit by digit: it keeps fifteen of them.
#[expect(clippy::cast_precision_loss, reason = "at most fifteen digits: exact")]
pub(super) fn exact(number: i64) -> Option<f64> {
    (number.unsigned_abs() < 1_000_000_000_000_000).then_some(number as f64)
}

/// A time as days since the last day of 1899, which is right from March 1900 on; `None` outside of what a sheet can show.
#[expect(clippy::cast_precision_loss, reason = "milliseconds up to the year 9999 are far below 2^53")]
pub(super) fn serial(time: DateTime<Utc>) -> Option<f64> {
    const EPOCH: f64 = 25_569.0;
    const DAY: f64 = 86_400_000.0;
    let days = EPOCH + time.timestamp_millis() as f64 / DAY;
    (61.0..2_958_466.0).contains(&days).then_some(days)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_text_stays() {
        for text in ["", "mia", "=1+1", "two\nlines\tand a tab", "_x0041_", "漢字 👩‍💻 é"] {
            assert_eq!(shown(text), text);
        }
    }

    #[test]
    fn no_character_that_must_not_stand_is_overlooked() {
        for c in (char::MIN..=char::MAX).filter(|c| must_not_stand(*c)) {
            assert!(may_begin_what_must_not_stand(c.to_string().as_bytes()[0]), "{c:?}");
            assert!(!shown(&format!("–{c}")).contains(c), "{c:?}");
        }
    }

    #[test]
    fn what_cannot_be_seen_is_shown() {
        assert_eq!(shown("a\0b\u{1b}[31m\r\n\u{7f}"), "a␀b␛[31m␍\n␡");
        assert_eq!(shown("\u{202e}txt\u{9b}\u{feff}"), "⟨U+202E⟩txt⟨U+009B⟩⟨U+FEFF⟩");
    }

    #[test]
    fn long_text_is_cut_with_a_mark_and_never_inside_a_character() {
        let units = |text: &str| shown(text).encode_utf16().count();
        assert_eq!(shown(&"x".repeat(LONGEST)), "x".repeat(LONGEST));
        assert_eq!(units(&"x".repeat(LONGEST + 1)), LONGEST);
        assert!(shown(&"x".repeat(LONGEST + 1)).ends_with(CUT));
        for emoji in ["😀".repeat(20_000), format!("x{}", "😀".repeat(20_000))] {
            assert!((LONGEST - 1..=LONGEST).contains(&units(&emoji)));
        }
        assert_eq!(shown(&"é".repeat(LONGEST)), "é".repeat(LONGEST), "bytes are not units");
        assert_eq!(units(&"\u{202e}".repeat(30_000)), LONGEST, "what is spelt out counts");
    }

    #[test]
    fn numbers_and_times_are_exact_or_text() {
        assert_eq!(exact(-7), Some(-7.0));
        assert_eq!(exact(999_999_999_999_999), Some(999_999_999_999_999.0));
        assert_eq!((exact(1_000_000_000_000_000), exact(i64::MIN)), (None, None));
        let at = |text: &str| serial(text.parse().unwrap());
        assert_eq!(at("2026-11-23T12:00:00Z"), Some(46_349.5));
        assert_eq!(at("1900-03-01T00:00:00Z"), Some(61.0));
        assert_eq!((at("1899-01-01T00:00:00Z"), at("+10000-01-01T00:00:00Z")), (None, None));
    }
}
