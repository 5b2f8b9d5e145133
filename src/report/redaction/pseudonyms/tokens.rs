//! A text as it is compared with the names and addresses of persons: in words and signs, however they are written.
//!
//! Case, accents in either form of Unicode or none, ligatures, full-width letters, characters that nobody sees, the kind
//! of an apostrophe and how wide a gap is make no difference. Every token keeps its place in the text.

use std::ops::Range;

use icu_normalizer::DecomposingNormalizerBorrowed;

/// Takes a character apart: accents from a letter, and what stands for several letters or for one of another width.
const APART: DecomposingNormalizerBorrowed<'static> = DecomposingNormalizerBorrowed::new_nfkd();

/// A word or a sign, and where it stands.
#[derive(Debug, Clone)]
pub(super) struct Token {
    pub(super) range: Range<usize>,
    pub(super) kind: Kind,
    /// Written as something else, such as `(at)` or `%40`.
    pub(super) spelt: bool,
    /// Gaps around it are its own.
    wide: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Letters and digits that stand together, or one letter of a script that does not part words.
    Word,
    /// Spaces, underscores and what nobody sees, however many.
    Gap,
    /// One sign, as it is compared.
    Sign(char),
}

/// What an invisible character does: some write it between two words, others inside one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Invisible {
    Parts,
    IsNothing,
}

/// The tokens of a text; together they cover it.
pub(super) fn tokens(text: &str, invisible: Invisible) -> Vec<Token> {
    let mut tokens: Vec<Token> = Vec::with_capacity(text.len() / 3);
    let mut at = 0;
    while let Some(first) = text[at..].chars().next() {
        let next = token(text, at, first, invisible);
        at = next.range.end;
        let nothing = invisible == Invisible::IsNothing && is_invisible(first);
        match tokens.last_mut() {
            Some(last) if next.kind == Kind::Gap && (last.kind == Kind::Gap || last.wide || nothing) => {
                last.range.end = at;
            }
            Some(last) if last.kind == Kind::Gap && next.wide => {
                *last = Token { range: last.range.start..at, ..next };
            }
            _ => tokens.push(next),
        }
    }
    tokens
}

fn token(text: &str, at: usize, first: char, invisible: Invisible) -> Token {
    let rest = &text[at..];
    let sign = |sign, length: usize, wide| {
        let spelt = length > first.len_utf8();
        Token { range: at..at + length, kind: Kind::Sign(sign), spelt, wide }
    };
    if is_letter(first) {
        let unspaced = is_unspaced(first);
        let goes_on = |c: char| {
            (is_letter(c) && !unspaced && !is_unspaced(c))
                || is_mark(c)
                || (invisible == Invisible::IsNothing && is_invisible(c))
        };
        let behind = &rest[first.len_utf8()..];
        let length = first.len_utf8() + behind.find(|c| !goes_on(c)).unwrap_or(behind.len());
        return Token { range: at..at + length, kind: Kind::Word, spelt: false, wide: false };
    }
    if first.is_whitespace() || first == '_' || is_invisible(first) {
        return Token { range: at..at + first.len_utf8(), kind: Kind::Gap, spelt: false, wide: false };
    }
    match plain(first) {
        '%' if rest[first.len_utf8()..].starts_with("40") => sign('@', first.len_utf8() + 2, false),
        c @ ('(' | '[' | '{') => match in_words(rest) {
            Some((meant, length)) => sign(meant, length, true),
            None => sign(c, first.len_utf8(), false),
        },
        c => sign(c, first.len_utf8(), c == ','),
    }
}

/// The sign that stands in words between brackets here, and how long that is: `(at)`, `[ DOT ]`, `（at）`.
fn in_words(rest: &str) -> Option<(char, usize)> {
    let mut chars = rest.char_indices();
    let (_, open) = chars.next()?;
    let (close, end) = chars.take(10).find(|(_, c)| matches!(plain(*c), ')' | ']' | '}'))?;
    let mut word = String::new();
    fold(rest[open.len_utf8()..close].trim(), &mut word);
    let meant = match &*word {
        "at" => '@',
        "dot" => '.',
        _ => return None,
    };
    Some((meant, close + end.len_utf8()))
}

/// A word as it is compared.
pub(super) fn fold(word: &str, folded: &mut String) {
    folded.clear();
    if word.is_ascii() {
        folded.push_str(word);
        folded.make_ascii_lowercase();
        return;
    }
    for c in word.chars().filter(|c| !is_mark(*c) && !is_invisible(*c)) {
        match c {
            'ß' | 'ẞ' => folded.push_str("ss"),
            'ı' => folded.push('i'),
            'ς' => folded.push('σ'),
            _ => folded.extend(APART.normalize_iter(c.to_lowercase()).filter(|c| !is_mark(*c))),
        }
    }
}

/// A sign as it is compared: one for all apostrophes, one for all short dashes, and the usual width.
fn plain(sign: char) -> char {
    match sign {
        '’' | '‘' | '‛' | '′' | '`' | '´' | 'ʹ' | 'ʻ' | 'ʼ' => '\'',
        '‐' | '‑' | '‒' | '–' => '-',
        '﹫' => '@',
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(sign) - 0xfee0).unwrap_or(sign),
        _ => sign,
    }
}

fn is_letter(c: char) -> bool {
    c.is_alphanumeric() && !matches!(c, 'ʹ' | 'ʻ' | 'ʼ')
}

/// A letter of a script that puts no space between words: each is a word, so that a name is found inside a sentence.
fn is_unspaced(c: char) -> bool {
    // Thai to Lao, Myanmar, Khmer; kana and ideographs with the marks that stand among them; their later planes.
    matches!(c, '\u{e00}'..='\u{eff}' | '\u{1000}'..='\u{109f}' | '\u{1780}'..='\u{17ff}')
        || matches!(c, '\u{3005}'..='\u{3007}' | '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}')
        || matches!(c, '\u{f900}'..='\u{faff}' | '\u{ff66}'..='\u{ff9f}' | '\u{20000}'..='\u{3ffff}')
}

/// An accent or the like, which stands behind its letter.
fn is_mark(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36f}' | '\u{1ab0}'..='\u{1aff}' | '\u{1dc0}'..='\u{1dff}' | '\u{20d0}'..='\u{20ff}')
        || matches!(c, '\u{fe00}'..='\u{fe0f}' | '\u{fe20}'..='\u{fe2f}' | '\u{34f}')
}

/// What takes no room: of no width, soft hyphens, and what turns the direction of writing.
pub(super) fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{feff}' | '\u{200b}'..='\u{200f}')
        || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}')
}
