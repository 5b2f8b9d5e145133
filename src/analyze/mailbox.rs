//! Mail addresses, names and logins reduced to what can be compared between accounts.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::finding::digest;
use crate::model::User;

/// A mail address that could receive mail, in lower case.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Mailbox {
    /// What stands before the `@`.
    pub(super) local: String,
    /// What stands after it.
    pub(super) domain: String,
}

impl Mailbox {
    /// Reads an address as people write it: `local@host.tld` with no quotes, comments or spaces inside. That is
    /// stricter than RFC 5322 and wide enough for every real mailbox, international ones included.
    pub(super) fn parse(address: &str) -> Option<Self> {
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
            .then(|| Self { local: local.to_lowercase(), domain: domain.to_lowercase() })
    }

    /// What tells findings about mailboxes apart: a digest, so that no address is kept where the finding's aspect is.
    pub(super) fn aspect(&self) -> String {
        digest(&["mailbox", &self.local, &self.domain])
    }

    /// The mailbox behind a tagged address: mail to `jo+console` arrives at `jo`.
    fn untagged(mut self) -> Self {
        if let Some(plus) = self.local.find('+').filter(|plus| *plus > 0) {
            self.local.truncate(plus);
        }
        self
    }
}

impl fmt::Display for Mailbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.local, self.domain)
    }
}

/// The mailboxes of these accounts, in order, each with its accounts in the order given.
pub(super) fn mailboxes<'a>(users: impl Iterator<Item = &'a User>) -> BTreeMap<Mailbox, Vec<&'a User>> {
    let mut accounts: BTreeMap<Mailbox, Vec<&User>> = BTreeMap::new();
    for user in users {
        if let Some(mailbox) = user.email.as_deref().and_then(Mailbox::parse) {
            accounts.entry(mailbox.untagged()).or_default().push(user);
        }
    }
    accounts
}

/// Whether accounts could be one person's: the words of the shortest full name occur in all the others, so that
/// "Silva, Ana" and "Ana Silva (local)" are one. An account without a full name contradicts nobody.
pub(super) fn is_one_person(users: &[&User]) -> bool {
    let names: Vec<BTreeSet<String>> =
        users.iter().map(|user| words(&user.name)).filter(|words| !words.is_empty()).collect();
    names
        .iter()
        .min_by_key(|name| name.len())
        .is_none_or(|core| names.iter().all(|name| core.is_subset(name)))
}

fn words(text: &str) -> BTreeSet<String> {
    let words = text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    words.map(str::to_lowercase).collect()
}

/// A full name in comparable form: its words in lower case, sorted.
pub(super) fn name_form(name: &str) -> String {
    Vec::from_iter(words(name)).join(" ")
}

/// A login in comparable form: lower case, without the domain in `CORP\ana` or `ana@corp.example`, and with `-` for
/// every separator.
pub(super) fn login_form(login: &str) -> String {
    let login = login.trim();
    let login = login.rsplit_once('\\').map_or(login, |(_, user)| user);
    let login = login.split_once('@').map_or(login, |(user, _)| user);
    login.to_lowercase().replace(['.', '_', ' '], "-")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::sample::user;

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
    fn tags_and_case_do_not_make_another_mailbox() {
        let mail = |id, mail: &str| User { email: Some(mail.into()), ..user(id, "x") };
        let users = [mail(1, "Ana@corp.example"), mail(2, "ana+vm@corp.example"), mail(3, "bo@corp.example")];
        let accounts = mailboxes(users.iter());
        let (ana, carriers) = accounts.first_key_value().unwrap();
        assert_eq!((ana.to_string().as_str(), carriers.len(), accounts.len()), ("ana@corp.example", 2, 2));
    }

    #[test]
    fn names_of_one_person_contain_each_other() {
        let named = |name: &str| User { name: name.into(), ..user(1, "x") };
        let one = |names: &[&str]| {
            let users: Vec<User> = names.iter().map(|name| named(name)).collect();
            is_one_person(&users.iter().collect::<Vec<_>>())
        };
        assert!(one(&["Ana Silva", "Silva, Ana", "ana silva (local)", ""]));
        assert!(!one(&["Ana Silva", "Bo Silva"]));
    }

    #[test]
    fn logins_lose_their_domain() {
        for login in ["CORP\\Ana.Silva", "ana.silva@corp.example", "ana_silva"] {
            assert_eq!(login_form(login), "ana-silva");
        }
    }
}
