//! Pseudonyms: which words of a text are a person's, and what stands in their place.

mod tokens;

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;

use sha2::{Digest, Sha256};

use super::PSEUDONYM;
use tokens::{Invisible, Kind, Token, fold, is_invisible, tokens};

/// Hexadecimal digits of a pseudonym: enough that a hundred thousand persons have different ones.
const DIGITS: usize = 12;

/// Texts with fewer letters and digits are found in their own case only: the name `Al` is not the word `AL`.
const SHORT: usize = 3;

/// Names of more words are not looked for in another order.
const WORDS: usize = 4;

/// What stands at the end of a text that is cut off.
const CUT: Kind = Kind::Sign('…');

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
    /// A text that is found however it is written.
    in_any_case: bool,
    /// Short texts, each in its own case.
    exactly: Vec<String>,
    /// Texts that are nobody's as they are written here.
    kept: Vec<String>,
}

/// A text that was found: how many tokens it has, and whether it stays.
#[derive(Debug, Clone, Copy)]
struct Hit {
    tokens: usize,
    kept: bool,
}

impl Pseudonyms {
    pub(super) fn new(key: &str, all_addresses: bool) -> Self {
        Self { key: key.to_owned(), all_addresses, ends: vec![End::default()], ..Self::default() }
    }

    /// Finds this text from now on. One without a letter is no word of anybody.
    pub(super) fn find(&mut self, text: &str) {
        let text = text.trim();
        let steps = self.learn(text);
        self.end(&steps, text);
    }

    /// Finds this name from now on, whichever of its words comes first: as `Ana Silva`, `Silva, Ana` and `Silva Ana`.
    pub(super) fn find_name(&mut self, name: &str) {
        let name = name.trim();
        let steps = self.learn(name);
        self.end(&steps, name);
        let (gap, comma) = (self.word(" "), self.word(","));
        let is_long = name.chars().filter(|c| c.is_alphanumeric()).count() >= SHORT;
        let parts: Vec<&[usize]> = steps.split(|step| *step == gap || *step == comma).collect();
        let commas = steps.iter().filter(|step| **step == comma).count();
        let usual = commas == 0 || (commas == 1 && parts.len() == 2);
        if !is_long || !usual || !(2..=WORDS).contains(&parts.len()) {
            return;
        }
        for first in 0..parts.len() {
            let (behind, front) = parts.split_at(first);
            let [front, behind] = [front, behind].map(|words| words.join(&gap));
            for between in [gap, comma] {
                let whole =
                    if behind.is_empty() { front.clone() } else { [&*front, &*behind].join(&between) };
                self.end(&whole, name);
            }
        }
    }

    /// Leaves this text as it is wherever it stands, unless it is part of a longer one that is a person's.
    pub(super) fn keep(&mut self, text: &str) {
        let steps = self.learn(text);
        let node = self.node(&steps);
        self.ends[node].kept.push(text.to_owned());
    }

    /// The words of a text, numbered.
    fn learn(&mut self, text: &str) -> Vec<usize> {
        let mut tokens = tokens(text, Invisible::IsNothing);
        let is_gap = |token: &Token| token.kind == Kind::Gap;
        tokens.truncate(tokens.iter().rposition(|token| !is_gap(token)).map_or(0, |last| last + 1));
        let mut folded = String::new();
        let tokens = tokens.iter().skip_while(|token| is_gap(token));
        tokens.map(|token| self.word(compared(text, token, &mut folded))).collect()
    }

    fn word(&mut self, word: &str) -> usize {
        if let Some(known) = self.words.get(word) {
            return *known;
        }
        let fresh = self.words.len();
        self.words.insert(word.to_owned(), fresh);
        fresh
    }

    fn node(&mut self, steps: &[usize]) -> usize {
        let mut node = 0;
        for word in steps {
            let fresh = self.ends.len();
            node = *self.steps.entry((node, *word)).or_insert(fresh);
            if node == fresh {
                self.ends.push(End::default());
            }
        }
        node
    }

    fn end(&mut self, steps: &[usize], text: &str) {
        if !text.chars().any(char::is_alphabetic) {
            return;
        }
        let node = self.node(steps);
        let end = &mut self.ends[node];
        if text.chars().filter(|c| c.is_alphanumeric()).count() < SHORT {
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
        format!("{PSEUDONYM}{}", &hex::encode(hash.finalize())[..DIGITS])
    }

    /// A text with pseudonyms in the place of persons; `None` if it names none.
    pub(super) fn within(&self, text: &str) -> Option<String> {
        if text.is_ascii() || !text.contains(is_invisible) {
            return self.replaced(text, Invisible::Parts);
        }
        let once = self.replaced(text, Invisible::IsNothing);
        self.replaced(once.as_deref().unwrap_or(text), Invisible::Parts).or(once)
    }

    fn replaced(&self, text: &str, invisible: Invisible) -> Option<String> {
        let tokens = tokens(text, invisible);
        let mut folded = String::new();
        let known = tokens.iter().map(|token| self.words.get(compared(text, token, &mut folded)).copied());
        let known: Vec<Option<usize>> = known.collect();
        let mut addresses =
            if self.all_addresses { addresses(text, &tokens) } else { Vec::new() }.into_iter().peekable();
        let (mut out, mut copied, mut at) = (String::new(), 0, 0);
        while at < tokens.len() {
            while addresses.next_if(|address| address.start < at).is_some() {}
            let address = addresses.peek().filter(|address| address.start == at);
            let address = address.map_or(0, ExactSizeIterator::len);
            let hit = self.longest(text, &tokens[at..], &known[at..]);
            let hit = hit.filter(|hit| hit.tokens >= address).unwrap_or(Hit { tokens: address, kept: false });
            if hit.tokens == 0 {
                at += 1;
                continue;
            }
            let own = tokens[at].range.start..tokens[at + hit.tokens - 1].range.end;
            if !hit.kept {
                out.push_str(&text[copied..own.start]);
                out.push_str(&self.of(&text[own.clone()]));
                copied = own.end;
            }
            at += hit.tokens;
        }
        (copied > 0).then(|| out + &text[copied..])
    }

    /// The longest text that begins with the first of these tokens.
    fn longest(&self, text: &str, tokens: &[Token], known: &[Option<usize>]) -> Option<Hit> {
        let start = tokens.first()?.range.start;
        let (mut node, mut longest) = (0, None);
        for (at, word) in known.iter().enumerate() {
            let Some(next) = word.and_then(|word| self.steps.get(&(node, word))) else {
                return self.cut_off(node, text, tokens, at).or(longest);
            };
            node = *next;
            let end = &self.ends[node];
            let own = &text[start..tokens[at].range.end];
            let kept = end.kept.iter().any(|kept| kept == own);
            if kept || end.in_any_case || end.exactly.iter().any(|exact| exact == own) {
                longest = Some(Hit { tokens: at + 1, kept });
            }
        }
        longest
    }

    /// The beginning of a text that was cut off at this token or in it: behind it stands the ellipsis of a summary.
    fn cut_off(&self, node: usize, text: &str, tokens: &[Token], at: usize) -> Option<Hit> {
        let is_cut = |at: usize| tokens.get(at).is_some_and(|token| token.kind == CUT);
        let end = if is_cut(at) {
            at
        } else if is_cut(at + 1) {
            let mut begun = String::new();
            compared(text, &tokens[at], &mut begun);
            let known = self.words.range(begun.clone()..).take_while(|(known, _)| known.starts_with(&begun));
            known.into_iter().any(|(_, word)| self.steps.contains_key(&(node, *word))).then_some(at + 1)?
        } else {
            return None;
        };
        let own = &text[tokens[0].range.start..tokens[end.checked_sub(1)?].range.end];
        let letters = own.chars().filter(|c| c.is_alphanumeric()).count();
        (letters >= SHORT).then_some(Hit { tokens: end, kept: false })
    }
}

/// What a token is compared as; `folded` is where it lies.
fn compared<'f>(text: &str, token: &Token, folded: &'f mut String) -> &'f str {
    match token.kind {
        Kind::Word => fold(&text[token.range.clone()], folded),
        Kind::Gap => {
            folded.clear();
            folded.push(' ');
        }
        Kind::Sign(sign) => {
            folded.clear();
            folded.push(sign);
        }
    }
    folded
}

/// What looks like a mail address, wherever it could be delivered, in tokens. Where its sign is spelt out, the host has
/// a dot: not everything between two words is one.
fn addresses(text: &str, tokens: &[Token]) -> Vec<Range<usize>> {
    let around = |c: char| c.is_control() || "\"'(),:;<>@[\\]/|={}…".contains(c);
    let is_local = |token: &Token| match token.kind {
        Kind::Word => true,
        Kind::Gap => text[token.range.clone()].chars().all(|c| c == '_'),
        Kind::Sign(sign) => !around(sign),
    };
    let is_host = |token: &Token| matches!(token.kind, Kind::Word | Kind::Sign('-' | '.'));
    let mut found: Vec<Range<usize>> = Vec::new();
    for (at, sign) in tokens.iter().enumerate().filter(|(_, token)| token.kind == Kind::Sign('@')) {
        let local = tokens[..at].iter().rev().take_while(|token| is_local(token)).count();
        let host = tokens[at + 1..].iter().take_while(|token| is_host(token)).count();
        let host = &tokens[at + 1..at + 1 + host];
        let last = host.iter().rposition(|token| token.kind == Kind::Word);
        let Some(last) = last.filter(|_| local > 0) else { continue };
        if !sign.spelt || host[..last].iter().any(|token| token.kind == Kind::Sign('.')) {
            found.push(at - local..at + 2 + last);
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
        let tokens = tokens(text, Invisible::Parts);
        let place = |address: Range<usize>| {
            text[tokens[address.start].range.start..tokens[address.end - 1].range.end].to_owned()
        };
        candidates.extend(addresses(text, &tokens).into_iter().map(place));
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

    /// What is left of a text where one stands for every person.
    fn hidden(names: &[&str], addresses: &[&str], all_addresses: bool, text: &str) -> String {
        let mut pseudonyms = Pseudonyms::new("key", all_addresses);
        for name in names {
            pseudonyms.find_name(name);
        }
        for address in addresses {
            pseudonyms.find(address);
        }
        let hidden = pseudonyms.within(text).unwrap_or_else(|| text.to_owned());
        let (mut left, mut parts) = (String::new(), hidden.split(PSEUDONYM));
        left.extend(parts.next());
        for part in parts {
            left.push('*');
            left.push_str(&part[DIGITS..]);
        }
        left
    }

    #[test]
    fn a_name_is_found_however_it_is_written() {
        let names =
            ["Zoë Müller", "Seán O'Hara", "Jürgen Groß", "Işıl Kaya", "Ana Maria Silva-Costa", "Costa, Bo"];
        let cases = [
            ("by Zoe\u{308} Mu\u{308}ller.", "by *."),
            ("by ZOE MULLER.", "by *."),
            ("by Zoë\u{a0}Müller, Zoë  Müller, zoë_müller, Zoë\u{3000}Müller", "by *, *, *, *"),
            ("by Zoë\u{200b}Müller and Zo\u{200d}ë Mü\u{ad}ller\u{feff}", "by * and *"),
            ("Müller, Zoë; Müller Zoë; MÜLLER,ZOË; Müller , Zoë", "*; *; *; *"),
            ("Seán O’Hara, Sean O`Hara, O\u{2bc}Hara, Seán", "*, *, *"),
            ("JÜRGEN GROSS, Jürgen Groß, jürgen groẞ", "*, *, *"),
            ("IŞIL KAYA, işil kaya, İŞIL KAYA", "*, *, *"),
            ("Silva-Costa, Ana Maria and Maria Silva-Costa, Ana; Silva‑Costa Ana Maria", "* and *; *"),
            ("Ｚｏë Ｍüller", "*"),
            ("Bo Costa, Costa Bo, Costa,Bo", "*, *, *"),
            ("Zoë. Müller; Müllers Zoë; Hara", "Zoë. Müller; Müllers Zoë; Hara"),
        ];
        for (text, expected) in cases {
            assert_eq!(hidden(&names, &[], false, text), expected, "{text}");
        }
    }

    #[test]
    fn a_name_is_found_in_a_script_that_puts_no_space_between_words() {
        let names = ["王小明", "田中 さくら", "สมชาย"];
        let cases = [
            ("Lab 王小明的", "Lab *的"),
            ("由王小明（IT) 批准", "由*（IT) 批准"),
            ("田中さくら、田中　さくらさん", "田中さくら、*さん"),
            ("ของสมชายครับ", "ของ*ครับ"),
            ("王小红", "王小红"),
        ];
        for (text, expected) in cases {
            assert_eq!(hidden(&names, &[], false, text), expected, "{text}");
        }
    }

    #[test]
    fn brackets_of_any_width_are_no_trouble() {
        for text in
            ["王（IT) x", "［at]", "（x) 王", "（", "(", "（）", "()", "％", "％4", "%4", "（ａｔ", "{（}"]
        {
            assert_eq!(hidden(&["Ana Silva"], &["ana@corp.example"], true, text), text);
        }
    }

    #[test]
    fn an_address_is_found_however_its_sign_is_written() {
        let cases = [
            ("to ana％40corp.example.", "to *."),
            ("to ana（at）corp.example, ana ［ ＡＴ ］ corp.example, ana(at）corp.example", "to *, *, *"),
            ("to ana%40corp.example.", "to *."),
            ("to ana＠corp.example and ＡＮＡ@corp．example", "to * and *"),
            ("to ana (at) corp.example, ana[at]corp.example, ana ( AT ) corp (dot) example", "to *, *, *"),
            ("to a\u{200b}na@corp.example", "to *"),
        ];
        for (text, expected) in cases {
            assert_eq!(hidden(&[], &["ana@corp.example"], false, text), expected, "{text}");
            assert_eq!(hidden(&[], &[], true, &text.replace("na", "nu")), expected, "{text}");
        }
        for text in ["be (at) home, 50%40 of them", "x (at) y", "at (dot) corp.example", "100 %40"] {
            assert_eq!(hidden(&[], &[], true, text), text);
        }
        assert_eq!(hidden(&[], &[], true, "ana_silva@corp.example, x_@y"), "*, *");
    }

    #[test]
    fn what_is_kept_stays_as_it_is_written_and_in_a_longer_name_it_does_not() {
        let mut pseudonyms = Pseudonyms::new("key", false);
        pseudonyms.keep("Global Administrator");
        pseudonyms.keep("locked_account");
        for name in ["Administrator", "Locked Account", "Global Administrator Silva"] {
            pseudonyms.find_name(name);
        }
        let own = |text: &str| pseudonyms.of(text);
        for (text, expected) in [
            ("a Global Administrator is", None),
            ("(high, locked_account)", None),
            ("a global administrator", Some(format!("a global {}", own("administrator")))),
            ("Locked Account", Some(own("locked account"))),
            ("Global Administrator Silva", Some(own("global administrator silva"))),
        ] {
            assert_eq!(pseudonyms.within(text), expected, "{text}");
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
