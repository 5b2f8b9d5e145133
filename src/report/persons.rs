//! Whom a report can name: the mail addresses and names of every person behind its rows and its sentences.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashSet};

use sha2::{Digest, Sha256};

use super::Reviewed;
use crate::history::History;
use crate::identity::name_words;
use crate::model::{Act, Answer, BUILTIN_ROLES, Snapshot};
use crate::waiver::Waiver;

/// What the configuration says about accounts and findings, as far as a report tells it.
#[derive(Debug, Clone, Default)]
pub struct Declared<'a> {
    /// Exceptions to rules.
    pub waivers: &'a [Waiver],
    /// Who answers for declared accounts.
    pub owners: Vec<&'a str>,
    /// Accounts that are no person's: console and login. What they are called names nobody.
    pub impersonal: BTreeSet<(String, String)>,
}

/// The persons of this run, and of the earlier ones that its changes and findings speak about. No file holds them; a
/// redacted copy is made with them.
#[derive(Debug, Clone, Default)]
pub struct Persons {
    /// Their mail addresses, sorted.
    pub addresses: Vec<String>,
    /// Their names, sorted.
    pub names: Vec<String>,
}

impl Persons {
    pub(super) fn of(reviewed: &[Reviewed], declared: &Declared<'_>, history: &History) -> Self {
        let mut persons = Self::default();
        let before = history.before.iter().flat_map(|before| &before.snapshots);
        let signed = history.signed.iter().flat_map(|signed| &signed.snapshots);
        let now = reviewed.iter().map(|console| console.graph.snapshot());
        let mut logins = HashSet::new();
        for snapshot in now.chain(before).chain(signed) {
            persons.add_snapshot(snapshot, declared);
            logins.extend(snapshot.users.iter().map(|user| user.login.trim().to_lowercase()));
        }
        for waiver in declared.waivers {
            persons.add(&waiver.approved_by);
        }
        for owner in &declared.owners {
            persons.add(owner);
        }
        if let Some(signed) = &history.signed {
            persons.add(&signed.by);
        }
        for revocation in &history.revocations {
            persons.add(&revocation.by);
        }
        let (product, rules) = (words_of_the_product(reviewed), words_of_rules(reviewed));
        persons.names.retain(|name| {
            let name = name.trim().to_lowercase();
            let is_word = !name.contains(char::is_whitespace);
            !(product.contains(&name) || is_word && (rules.contains(&name) || logins.contains(&name)))
        });
        for texts in [&mut persons.addresses, &mut persons.names] {
            texts.retain(|text| !text.trim().is_empty());
            texts.sort_unstable();
            texts.dedup();
        }
        persons
    }

    /// Takes a text that the source calls a person: an address if it looks like one, else a name.
    pub(super) fn add(&mut self, person: &str) {
        let texts = if is_address(person) { &mut self.addresses } else { &mut self.names };
        texts.push(person.to_owned());
    }

    fn add_snapshot(&mut self, snapshot: &Snapshot, declared: &Declared<'_>) {
        let of_console = |(console, _): &&(String, String)| *console == snapshot.console.name;
        let impersonal = declared.impersonal.iter().filter(of_console).map(|(_, login)| &**login);
        let impersonal: HashSet<&str> = impersonal.collect();
        for user in &snapshot.users {
            if !impersonal.contains(&*user.login) {
                self.names.push(user.name.to_string());
            }
            self.addresses.extend(user.email.as_ref().map(ToString::to_string));
            if let Some(person) = user.person.person() {
                self.names.extend(person.name.as_ref().map(ToString::to_string));
                self.addresses.extend(person.email.as_ref().map(ToString::to_string));
                if let Some(manager) = &person.manager {
                    self.add(manager);
                }
            }
        }
        if let Answer::Known(reports) = &snapshot.reports {
            self.addresses.extend(reports.iter().flat_map(|report| report.recipients.iter().cloned()));
        }
        if let Answer::Known(exceptions) = &snapshot.exceptions {
            // A record names an account by its login or by its name; a login is no name.
            let logins: HashSet<&str> = snapshot.users.iter().map(|user| &*user.login).collect();
            let acts = exceptions.iter().flat_map(|exception| [&exception.submitted, &exception.reviewed]);
            let named = acts.flatten().filter_map(|act: &Act| act.name.as_deref());
            named.filter(|name| !logins.contains(name)).for_each(|name| self.add(name));
        }
    }

    /// What the pseudonyms of this run are made with. Whoever does not know all of these persons cannot derive it, and
    /// the same run has the same one.
    pub(super) fn key(&self, run: &str) -> String {
        let mut hash = Sha256::new();
        for texts in [&["recert pseudonyms", run].map(str::to_owned)[..], &self.addresses, &self.names] {
            hash.update((texts.len() as u64).to_be_bytes());
            for text in texts {
                hash.update((text.len() as u64).to_be_bytes());
                hash.update(text);
            }
        }
        hex::encode(hash.finalize())
    }
}

/// The words in the names of the roles that every console has. An account that is called "Administrator" names nobody, and
/// its pseudonym must not stand in every "Global Administrator".
fn words_of_the_product(reviewed: &[Reviewed]) -> HashSet<String> {
    let roles = reviewed.iter().flat_map(|console| console.graph.snapshot().roles.iter());
    let builtin = roles.filter(|role| BUILTIN_ROLES.contains(&role.id.as_str()));
    builtin.flat_map(|role| name_words(&role.name)).collect()
}

/// The words in which the program's own rules speak. Somebody who is called by one of them alone, such as "Scan", would
/// take it out of every sentence.
fn words_of_rules(reviewed: &[Reviewed]) -> HashSet<String> {
    let rules = reviewed.iter().flat_map(|console| &console.judgements).map(|judgement| &judgement.rule);
    let texts = rules.flat_map(|rule| {
        [&rule.title, &rule.flags, &rule.evidence, &rule.why, &rule.click_path, &rule.api_call]
    });
    let own: HashSet<&str> = texts
        .filter_map(|text| match text {
            Cow::Borrowed(text) => Some(*text),
            Cow::Owned(_) => None,
        })
        .collect();
    own.into_iter().flat_map(name_words).collect()
}

/// Whether a person is written as a mail address.
pub(super) fn is_address(person: &str) -> bool {
    person.contains('@')
}
