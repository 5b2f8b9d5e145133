//! Pseudonyms: which words of a text are a person's, and what stands in their place.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;

use sha2::{Digest, Sha256};

/// Hexadecimal digits of a pseudonym: enough that a hundred thousand persons have different ones.
const DIGITS: usize = 12;

/// Texts with fewer letters and digits are found in their own case only: the name `Al` is not the word `AL`.
const SHORT: usize = 3;

/// What stands at the end of a text that is cut off.
const CUT: &str = "…";

/// Finds the words of persons in a text.
///
/// The texts to find are a tree of words: a step for each word or other character, so that the time a text takes does
/// not depend on how many persons there are.
#[derive(Debug, Default)]
pub(super) struct Pseudonyms {
    key: String,
    /// Whether everything that looks like a mail address is a person's.
    all_addresses: bool,
    words: BTreeMap<String, usize>,
    steps: HashMap<(usize, usize), usize>,
    ends: Vec<End>,
}

/// What ends at a node of the tree.
#[derive(Debug, Default, Clone)]
struct End {
    /// A text that is found in any case.
    in_any_case: bool,
    /// Short texts, each in its own case.
    exactly: Vec<String>,
}

impl Pseudonyms {
    pub(super) fn new(key: &str, all_addresses: bool) -> Self {
        Self { key: key.to_owned(), all_addresses, ends: vec![End::default()], ..Self::default() }
    }

    /// Finds this text from now on. One without a letter is no word of anybody.
    pub(super) fn find(&mut self, text: &str) {
        let text = text.trim();
        let letters = text.chars().filter(|c| c.is_alphanumeric()).count();
        if !text.chars().any(char::is_alphabetic) {
            return;
        }
        let mut node = 0;
        for word in words(text) {
            let fresh = self.words.len();
            let word = *self.words.entry(text[word].to_lowercase()).or_insert(fresh);
            let fresh = self.ends.len();
            node = *self.steps.entry((node, word)).or_insert(fresh);
            if node == fresh {
                self.ends.push(End::default());
            }
        }
        let end = &mut self.ends[node];
        if letters < SHORT {
            end.exactly.push(text.to_owned());
        } else {
            end.in_any_case = true;
        }
    }

    /// What stands in the place of a person's text: `redacted-` and the first digits of the SHA-256 of the key and the
    /// text in lower case, without the spaces around it.
    pub(super) fn of(&self, text: &str) -> String {
        let mut hash = Sha256::new();
        hash.update(&self.key);
        hash.update(text.trim().to_lowercase());
        format!("redacted-{}", &hex::encode(hash.finalize())[..DIGITS])
    }

    /// A text with pseudonyms in the place of persons; `None` if it names none.
    pub(super) fn within(&self, text: &str) -> Option<String> {
        let addresses = if self.all_addresses { addresses(text) } else { Vec::new() };
        let words: Vec<Range<usize>> = words(text).collect();
        let (mut out, mut copied, mut at) = (String::new(), 0, 0);
        while let Some(word) = words.get(at) {
            let address = addresses.iter().find(|address| address.start == word.start);
            let end = address.map(|address| address.end).max(self.longest(text, &words[at..]));
            let Some(end) = end else {
                at += 1;
                continue;
            };
            out.push_str(&text[copied..word.start]);
            out.push_str(&self.of(&text[word.start..end]));
            copied = end;
            at += words[at..].partition_point(|word| word.start < end);
        }
        (copied > 0).then(|| out + &text[copied..])
    }

    /// Where the longest text ends that begins with the first of these words.
    fn longest(&self, text: &str, words: &[Range<usize>]) -> Option<usize> {
        let start = words.first()?.start;
        let (mut node, mut longest) = (0, None);
        for (at, word) in words.iter().enumerate() {
            let next = self.words.get(&text[word.clone()].to_lowercase());
            let Some(next) = next.and_then(|known| self.steps.get(&(node, *known))) else {
                return self.cut_off(node, text, start, &words[at..]).or(longest);
            };
            node = *next;
            let end = &self.ends[node];
            if end.in_any_case || end.exactly.iter().any(|own| *own == text[start..word.end]) {
                longest = Some(word.end);
            }
        }
        longest
    }
}

impl Pseudonyms {
    /// Where the beginning of a text ends that was cut off here: behind it stands the ellipsis of a summary.
    fn cut_off(&self, node: usize, text: &str, start: usize, words: &[Range<usize>]) -> Option<usize> {
        let word = words.first()?;
        let end = match words.get(1) {
            _ if &text[word.clone()] == CUT => word.start,
            Some(next) if &text[next.clone()] == CUT => {
                let begun = text[word.clone()].to_lowercase();
                let mut known =
                    self.words.range(begun.clone()..).take_while(|(known, _)| known.starts_with(&begun));
                known.any(|(_, word)| self.steps.contains_key(&(node, *word))).then_some(word.end)?
            }
            _ => return None,
        };
        (text[start..end].chars().filter(|c| c.is_alphanumeric()).count() >= SHORT).then_some(end)
    }
}

/// The words of a text: letters and digits that stand together, and every other character by itself.
fn words(text: &str) -> impl Iterator<Item = Range<usize>> {
    let mut rest = text.char_indices().peekable();
    std::iter::from_fn(move || {
        let (start, first) = rest.next()?;
        let mut end = start + first.len_utf8();
        while first.is_alphanumeric()
            && let Some((at, next)) = rest.next_if(|(_, next)| next.is_alphanumeric())
        {
            end = at + next.len_utf8();
        }
        Some(start..end)
    })
}

/// What looks like a mail address, wherever it could be delivered; each begins where a word begins.
fn addresses(text: &str) -> Vec<Range<usize>> {
    let around = |c: char| c.is_whitespace() || c.is_control() || "\"'`(),:;<>@[\\]/|={}…".contains(c);
    let mut found: Vec<Range<usize>> = Vec::new();
    for (at, _) in text.match_indices('@') {
        let start = text[..at]
            .rfind(around)
            .map_or(0, |end| end + text[end..].chars().next().map_or(0, char::len_utf8));
        let domain = |c: char| c.is_alphanumeric() || c == '-' || c == '.';
        let behind = &text[at + 1..];
        let host = &behind[..behind.find(|c| !domain(c)).unwrap_or(behind.len())];
        let host = host.trim_end_matches(['.', '-']);
        if start < at && !host.is_empty() {
            found.push(start..at + 1 + host.len());
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The text with `[…]` around what is a person's.
    fn marked(persons: &[&str], all_addresses: bool, text: &str) -> String {
        let mut pseudonyms = Pseudonyms::new("key", all_addresses);
        for person in persons {
            pseudonyms.find(person);
        }
        let mut marked = pseudonyms.within(text).unwrap_or_else(|| text.to_owned());
        let mut candidates: Vec<String> = persons.iter().map(|person| (*person).to_owned()).collect();
        candidates.extend(addresses(text).into_iter().map(|address| text[address].to_owned()));
        for own in candidates {
            marked = marked.replace(&pseudonyms.of(&own), &format!("[{}]", own.to_lowercase()));
        }
        marked
    }

    #[test]
    fn the_longest_text_of_a_person_is_taken_in_any_case() {
        let persons = ["Ana", "Ana Silva", "Zoë Müller"];
        let cases = [
            ("ANA SILVA and ana", "[ana silva] and [ana]"),
            ("Ana Silvano", "[ana] Silvano"),
            ("banana, Anabel", "banana, Anabel"),
            ("corp\\ana.silva", "corp\\[ana].silva"),
            ("of ZOË MÜLLER.", "of [zoë müller]."),
            ("nobody", "nobody"),
        ];
        for (text, expected) in cases {
            assert_eq!(marked(&persons, false, text), expected);
        }
    }

    #[test]
    fn a_short_name_is_found_in_its_own_case_and_as_a_word_only() {
        assert_eq!(marked(&["Al", "-", ""], false, "Al, AL and All - al"), "[al], AL and All - al");
    }

    #[test]
    fn odd_texts_are_found_whole() {
        let odd = "=cmd|' /C calc'!A0";
        assert_eq!(
            marked(&[odd], false, &format!("x{odd}y {odd}")),
            format!("x{odd}y [{}]", odd.to_lowercase())
        );
    }

    #[test]
    fn a_text_that_is_cut_off_is_found_as_far_as_it_stands() {
        let pseudonyms = {
            let mut all = Pseudonyms::new("key", false);
            all.find("Anastasia Silva-Costa");
            all
        };
        for (text, found) in [
            ("CORP\\Anastasia Sil… and more", Some("Anastasia Sil")),
            ("anast…", Some("anast")),
            ("Anastasia Silva…", Some("Anastasia Silva")),
            ("Anastasia Silk…", None),
            ("an…", None),
            ("Anastasia Sil", None),
        ] {
            let expected = found.map(|own| text.replace(own, &pseudonyms.of(own)));
            assert_eq!(pseudonyms.within(text), expected, "{text}");
        }
    }

    #[test]
    fn whatever_looks_like_an_address_is_one() {
        let cases = [
            ("<Ana.Silva+x@corp.example>.", "<[ana.silva+x@corp.example]>."),
            ("mail=zoë@bücher.example;", "mail=[zoë@bücher.example];"),
            ("CORP\\ana@local", "CORP\\[ana@local]"),
            ("'o@x.example.'", "'[o@x.example].'"),
            ("a@ @b @ 5 @", "a@ @b @ 5 @"),
        ];
        for (text, expected) in cases {
            assert_eq!(marked(&[], true, text), expected);
            assert_eq!(marked(&[], false, text), text);
        }
    }

    #[test]
    fn a_pseudonym_is_the_hash_of_key_and_text() {
        let pseudonyms = Pseudonyms::new("key", true);
        // printf '%s' 'keyana@corp.example' | sha256sum
        assert_eq!(pseudonyms.of(" ANA@corp.example "), pseudonyms.of("ana@corp.example"));
        let hash = hex::encode(Sha256::digest("keyana@corp.example"));
        assert_eq!(pseudonyms.of("ana@corp.example"), format!("redacted-{}", &hash[..12]));
    }
}
