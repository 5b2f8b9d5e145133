//! Mail addresses, names and logins reduced to what can be compared: between accounts, and with the people of a roster.

use std::collections::BTreeSet;
use std::fmt;

use compact_str::CompactString;

/// A mail address that could receive mail, in lower case.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Mailbox {
    /// What stands before the `@`.
    pub local: CompactString,
    /// What stands after it.
    pub domain: CompactString,
}

impl Mailbox {
    /// Reads an address as people write it: `local@host.tld` with no quotes, comments or spaces inside. That is
    /// stricter than RFC 5322 and wide enough for every real mailbox, international ones included.
    pub fn parse(address: &str) -> Option<Self> {
        let address = address.trim();
        let (local, domain) = address.split_once('@')?;
        let strange = |c: char| c.is_whitespace() || c.is_control() || "\"(),:;<>@[\\]".contains(c);
        let dotted = |text: &str| text.split('.').all(|part| !part.is_empty());
        let is_local = local.len() <= 64 && dotted(local) && !local.contains(strange);
        let label = |label: &str| {
            let inner = |c: char| c.is_alphanumeric() || c == '-';
            label.len() <= 63 && label.chars().all(inner) && !label.starts_with('-') && !label.ends_with('-')
        };
        let is_domain = domain.contains('.') && dotted(domain) && domain.split('.').all(label);
        (is_local && is_domain && address.len() <= 254)
            .then(|| Self { local: lowercase(local), domain: lowercase(domain) })
    }

    /// The mailbox behind a tagged address: mail to `jo+console` arrives at `jo`.
    #[must_use]
    pub fn untagged(mut self) -> Self {
        if let Some(plus) = self.local.find('+').filter(|plus| *plus > 0) {
            self.local.truncate(plus);
        }
        self
    }
}

/// As `str` does it, and fast for the letters that nearly every address is written in.
fn lowercase(text: &str) -> CompactString {
    if text.is_ascii() {
        let mut lower = CompactString::from(text);
        lower.make_ascii_lowercase();
        return lower;
    }
    text.to_lowercase().into()
}

impl fmt::Display for Mailbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.local, self.domain)
    }
}

/// The words of a full name, in lower case.
pub fn name_words(text: &str) -> BTreeSet<String> {
    let words = text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    words.map(str::to_lowercase).collect()
}

/// A full name in comparable form: its words in lower case, sorted.
pub fn name_form(name: &str) -> String {
    Vec::from_iter(name_words(name)).join(" ")
}

/// A login without the domain in `CORP\ana` or `ana@corp.example`.
pub fn bare_login(login: &str) -> &str {
    let login = login.trim();
    let login = login.rsplit_once('\\').map_or(login, |(_, user)| user);
    login.split_once('@').map_or(login, |(user, _)| user)
}

/// A login in comparable form: lower case, without its domain, and with `-` for every separator.
pub fn login_form(login: &str) -> String {
    bare_login(login).to_lowercase().replace(['.', '_', ' '], "-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_people_write_and_nothing_else() {
        let valid = [
            "ana@corp.example",
            " Ana.Silva+x@EU.corp.example ",
            "zoë@bücher.example",
            "o'hara@corp.example",
        ];
        for address in valid {
            assert!(Mailbox::parse(address).is_some(), "{address}");
        }
        let long = format!("{}@corp.example", "a".repeat(65));
        let invalid = [
            "",
            "ana",
            "ana@corp",
            "@corp.example",
            "ana@",
            "a na@corp.example",
            "ana@corp..example",
            ".ana@corp.example",
            "ana@-corp.example",
            "ana@@corp.example",
            "ana@corp.example, bo@corp.example",
            "Ana <ana@corp.example>",
            "ana@corp.example\r\nBcc: x@corp.example",
            &long,
        ];
        for address in invalid {
            assert!(Mailbox::parse(address).is_none(), "{address}");
        }
    }

    #[test]
    fn a_tag_is_not_part_of_the_mailbox() {
        let untagged = |address: &str| Mailbox::parse(address).unwrap().untagged().to_string();
        assert_eq!(untagged("Ana+vm+x@corp.example"), "ana@corp.example");
        assert_eq!(untagged("+ana@corp.example"), "+ana@corp.example", "nothing would be left");
    }

    #[test]
    fn logins_lose_their_domain() {
        for login in ["CORP\\Ana.Silva", " Ana.Silva@corp.example ", "Ana.Silva"] {
            assert_eq!((bare_login(login), login_form(login).as_str()), ("Ana.Silva", "ana-silva"));
        }
        assert_eq!(login_form("ana_silva"), "ana-silva");
    }

    #[test]
    fn names_compare_by_their_words() {
        assert_eq!(name_form("Silva, Ana"), name_form("ana  SILVA"));
        assert!(name_words(" - ").is_empty());
    }
}
