//! Text that came from a console, made safe to show: on the page, on a terminal, in a log line.
//!
//! A console's text can hide or reorder what a reader sees: control sequences drive a terminal, bidirectional controls
//! turn a name around, zero-width characters make two logins look alike. Here such a character becomes its number,
//! `\u{202e}`, so that it is seen and does nothing. This is for eyes only: files keep the text as it is. Escaping for
//! a sink (markup, formulas, headers) is that sink's own work and comes after.

use std::borrow::Cow;
use std::fmt::Write;

/// The text with every character that is not plainly visible replaced by its number, such as `\u{1b}`.
///
/// Replaced are: controls (C0, DEL, C1, so line ends and tabs too), format and bidirectional controls, zero-width
/// characters and joiners, variation selectors and tags, blank "letters", spaces other than U+0020 and the ideographic
/// space, private-use and unassigned code points (as of the Unicode tables of the standard library). The replacement
/// is not marked: text that spells `\u{1b}` itself comes out as it went in.
pub fn visible(text: &str) -> Cow<'_, str> {
    let Some((start, _)) = text.char_indices().find(|&(_, character)| !is_plain(character)) else {
        return Cow::Borrowed(text);
    };
    let mut shown = String::with_capacity(text.len() + 16);
    shown.push_str(&text[..start]);
    for character in text[start..].chars() {
        if is_plain(character) {
            shown.push(character);
        } else {
            // Writing to a String cannot fail.
            let _ = write!(shown, "\\u{{{:x}}}", u32::from(character));
        }
    }
    Cow::Owned(shown)
}

/// The text cut to at most `characters` characters; an ellipsis at the end says that something is missing.
///
/// Shorten before [`visible`], so that the work is bounded and no number is cut in half.
pub fn shortened(text: &str, characters: usize) -> Cow<'_, str> {
    // A character has at least one byte.
    if text.len() <= characters || text.chars().nth(characters).is_none() {
        return Cow::Borrowed(text);
    }
    let kept = text.char_indices().nth(characters.saturating_sub(1)).map_or(0, |(index, _)| index);
    let ellipsis = if characters == 0 { "" } else { "…" };
    Cow::Owned(format!("{}{ellipsis}", text[..kept].trim_end()))
}

/// The text without its mail addresses: a log outlives its reader's right to know them.
pub fn without_addresses(text: &str) -> String {
    let hidden = |word: &str| if word.contains('@') { "(address)".to_owned() } else { word.to_owned() };
    text.split(' ').map(hidden).collect::<Vec<_>>().join(" ")
}

#[expect(clippy::match_same_arms, reason = "the ranges stand in the order in which they decide")]
fn is_plain(character: char) -> bool {
    match character {
        ' '..='~' => true,
        '\0'..='\u{9f}' => false,
        // The ordinary space between the parts of a Japanese or Chinese name.
        '\u{3000}' => true,
        // Assigned and counted as printable, yet drawn as nothing: default-ignorable letters, marks and selectors,
        // and the blank Braille cell.
        '\u{34f}'
        | '\u{115f}'..='\u{1160}'
        | '\u{17b4}'..='\u{17b5}'
        | '\u{180b}'..='\u{180f}'
        | '\u{2800}'
        | '\u{3164}'
        | '\u{fe00}'..='\u{fe0f}'
        | '\u{ffa0}'
        | '\u{e0100}'..='\u{e01ef}' => false,
        other => is_printable(other),
    }
}

/// Whether the standard library would print it in a debug string: not a control, format, separator, private-use or
/// unassigned code point. The letter before it keeps a combining mark from being escaped for standing first.
fn is_printable(character: char) -> bool {
    let mut buffer = [b'a', 0, 0, 0, 0];
    let end = 1 + character.encode_utf8(&mut buffer[1..]).len();
    std::str::from_utf8(&buffer[..end]).is_ok_and(|pair| pair.escape_debug().count() == 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_taken_out() {
        assert_eq!(without_addresses("550 5.1.1 <jo@corp.example>: unknown"), "550 5.1.1 (address) unknown");
        assert_eq!(without_addresses("no answer within 5s"), "no answer within 5s");
    }

    #[test]
    fn plain_text_of_any_script_is_borrowed() {
        for text in [
            "",
            "svc-recert",
            "Ægir Ñandú",
            "e\u{301}",
            "山田　太郎",
            "हिन्दी",
            "مريم",
            "👍🏽",
            "\"quoted\" \\ 'text'",
            "€ ± …",
        ] {
            assert!(matches!(visible(text), Cow::Borrowed(same) if same == text), "{text:?}");
        }
    }

    #[test]
    fn what_hides_or_misleads_becomes_its_number() {
        let cases = [
            ("a\u{1b}[31mb", r"a\u{1b}[31mb"),
            ("x\r\nBcc: y\t", r"x\u{d}\u{a}Bcc: y\u{9}"),
            ("\0", r"\u{0}"),
            ("\u{7f}\u{9b}", r"\u{7f}\u{9b}"),
            ("nimda\u{202e}", r"nimda\u{202e}"),
            ("\u{2066}\u{2069}\u{61c}", r"\u{2066}\u{2069}\u{61c}"),
            ("ad\u{200b}min\u{feff}\u{ad}", r"ad\u{200b}min\u{feff}\u{ad}"),
            ("\u{200d}\u{200c}\u{2060}\u{fe0f}", r"\u{200d}\u{200c}\u{2060}\u{fe0f}"),
            ("a\u{a0}b\u{2028}", r"a\u{a0}b\u{2028}"),
            ("\u{3164}\u{115f}\u{2800}", r"\u{3164}\u{115f}\u{2800}"),
            ("\u{e0041}\u{e0100}", r"\u{e0041}\u{e0100}"),
            ("\u{e000}\u{378}\u{ffff}\u{10ffff}", r"\u{e000}\u{378}\u{ffff}\u{10ffff}"),
        ];
        for (text, shown) in cases {
            assert_eq!(visible(text), shown);
        }
    }

    #[test]
    fn nothing_invisible_is_left_whatever_comes_in() {
        let every: String = (0..0x2_0000).chain(0xe_0000..0xe_0200).filter_map(char::from_u32).collect();
        let shown = visible(&every);
        assert!(!shown.chars().any(char::is_control));
        assert!(!shown.contains(['\u{200e}', '\u{202a}', '\u{2067}', '\u{feff}', '\u{fff9}', '\u{1d173}']));
        assert!(matches!(visible(&shown), Cow::Borrowed(_)));
    }

    #[test]
    fn shortening_counts_characters_and_says_so() {
        assert!(matches!(shortened("mia", 3), Cow::Borrowed("mia")));
        assert!(matches!(shortened("ßßß", 3), Cow::Borrowed("ßßß")));
        assert_eq!(shortened("miaow", 3), "mi…");
        assert_eq!(shortened("ßßßß", 3), "ßß…");
        assert_eq!(shortened("one two", 5), "one…");
        assert_eq!(shortened("mia", 1), "…");
        assert_eq!(shortened("mia", 0), "");
    }
}
