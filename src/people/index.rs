//! Finds the people who answer to an account by one key, without looking at all of them.

use std::collections::HashMap;

use super::Entry;
use crate::identity::{Mailbox, bare_login};
use crate::model::{Confidence, MatchedBy, User};

/// A key that more people carry tells nothing of any of them: a placeholder, or the mailbox of a whole department.
const MOST_CARRIERS: usize = 100;

/// What finds the people of a roster.
#[derive(Debug, Clone, Default)]
pub(super) struct Index {
    ids: Carriers,
    mailboxes: Forms,
    logins: Forms,
    aliases: Forms,
}

/// People by a text as it is, and by what is left of it without tag or domain; both without case.
#[derive(Debug, Clone, Default)]
struct Forms {
    whole: Carriers,
    core: Carriers,
}

/// People by a text, by their number in the roster.
#[derive(Debug, Clone, Default)]
struct Carriers(HashMap<String, Vec<u32>>);

impl Carriers {
    fn insert(&mut self, text: String, person: u32) {
        let people = self.0.entry(text).or_default();
        if people.last() != Some(&person) && people.len() <= MOST_CARRIERS {
            people.push(person);
        }
    }

    fn of(&self, text: &str) -> &[u32] {
        self.0.get(text).filter(|people| people.len() <= MOST_CARRIERS).map_or(&[], Vec::as_slice)
    }
}

/// A person who answers to an account by some key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Candidate {
    /// Its number in the roster.
    pub(super) person: u32,
    /// How alike the two are by this key.
    pub(super) confidence: Confidence,
}

/// An account in the forms that are compared.
pub(super) struct Account<'a> {
    login: &'a str,
    whole_login: String,
    core_login: String,
    mailbox: Option<Mailbox>,
    untagged: Option<Mailbox>,
}

impl<'a> Account<'a> {
    pub(super) fn of(user: &'a User) -> Self {
        let mailbox = user.email.as_deref().and_then(Mailbox::parse);
        Self {
            login: user.login.trim(),
            whole_login: user.login.trim().to_lowercase(),
            core_login: bare_login(&user.login).to_lowercase(),
            untagged: mailbox.clone().map(Mailbox::untagged),
            mailbox,
        }
    }
}

impl Index {
    pub(super) fn build(entries: &[Entry]) -> Self {
        let mut index = Self::default();
        for (person, entry) in (0..).zip(entries) {
            index.ids.insert(entry.person.id.as_str().to_lowercase(), person);
            if let Some(mailbox) = entry.person.email.as_deref().and_then(Mailbox::parse) {
                index.mailboxes.whole.insert(mailbox.to_string(), person);
                index.mailboxes.core.insert(mailbox.untagged().to_string(), person);
            }
            let logins = entry.login.iter().map(|login| (login, false));
            for (login, is_alias) in logins.chain(entry.aliases.iter().map(|alias| (alias, true))) {
                let forms = if is_alias { &mut index.aliases } else { &mut index.logins };
                forms.whole.insert(login.to_lowercase(), person);
                forms.core.insert(bare_login(login).to_lowercase(), person);
            }
        }
        index
    }

    /// The person with exactly this id.
    pub(super) fn by_id(&self, entries: &[Entry], id: &str) -> Option<u32> {
        let is = |person: &u32| entry(entries, *person).is_some_and(|entry| entry.person.id == id.trim());
        self.ids.of(&id.trim().to_lowercase()).iter().copied().find(is)
    }

    /// Whoever answers to an account by a key, best likeness only; among some people, or among all.
    pub(super) fn find(
        &self,
        entries: &[Entry],
        by: MatchedBy,
        account: &Account<'_>,
        among: Option<&[Candidate]>,
    ) -> Vec<Candidate> {
        let is_among =
            |person: &u32| among.is_none_or(|some| some.iter().any(|candidate| candidate.person == *person));
        let pick = |people: &[u32], likeness: &dyn Fn(&Entry) -> Confidence| {
            let graded = people.iter().copied().filter(is_among).filter_map(|person| {
                let confidence = likeness(entry(entries, person)?);
                Some(Candidate { person, confidence })
            });
            best(graded.collect())
        };
        match by {
            MatchedBy::ExternalId => {
                let likeness = |entry: &Entry| likeness_of_id(account.login, &entry.person.id);
                first_of([&account.whole_login, &account.core_login], |id| pick(self.ids.of(id), &likeness))
            }
            MatchedBy::Email => {
                let (Some(mailbox), Some(untagged)) = (&account.mailbox, &account.untagged) else {
                    return Vec::new();
                };
                let whole = pick(self.mailboxes.whole.of(&mailbox.to_string()), &|_| Confidence::High);
                if !whole.is_empty() {
                    return whole;
                }
                pick(self.mailboxes.core.of(&untagged.to_string()), &|_| Confidence::Medium)
            }
            MatchedBy::Login => {
                let likeness = |entry: &Entry| {
                    entry.login.as_deref().map_or(Confidence::Low, |login| likeness(account.login, login))
                };
                self.logins.find(account, |people| pick(people, &likeness))
            }
            MatchedBy::Alias => {
                let likeness = |entry: &Entry| {
                    let each = entry.aliases.iter().map(|alias| likeness(account.login, alias));
                    lower(each.max().unwrap_or(Confidence::Low))
                };
                self.aliases.find(account, |people| pick(people, &likeness))
            }
        }
    }
}

impl Forms {
    /// Whoever has the login as it is, else whoever has it but for its domain.
    fn find(&self, account: &Account<'_>, pick: impl Fn(&[u32]) -> Vec<Candidate>) -> Vec<Candidate> {
        let whole = pick(self.whole.of(&account.whole_login));
        if whole.is_empty() { pick(self.core.of(&account.core_login)) } else { whole }
    }
}

fn entry(entries: &[Entry], person: u32) -> Option<&Entry> {
    entries.get(usize::try_from(person).ok()?)
}

fn first_of<const N: usize>(texts: [&String; N], find: impl Fn(&str) -> Vec<Candidate>) -> Vec<Candidate> {
    texts.into_iter().map(|text| find(text)).find(|found| !found.is_empty()).unwrap_or_default()
}

/// The candidates that are most alike: who has the very letters goes before who has them in another case.
fn best(mut candidates: Vec<Candidate>) -> Vec<Candidate> {
    let best = candidates.iter().map(|candidate| candidate.confidence).max();
    candidates.retain(|candidate| Some(candidate.confidence) == best);
    candidates
}

fn likeness_of_id(login: &str, id: &str) -> Confidence {
    if login == id || bare_login(login) == id { Confidence::High } else { Confidence::Medium }
}

/// How alike two logins are that are equal but for case and domain.
fn likeness(ours: &str, theirs: &str) -> Confidence {
    if ours == theirs {
        Confidence::High
    } else if are_of_different_domains(ours, theirs) {
        Confidence::Low
    } else {
        Confidence::Medium
    }
}

/// Whether both logins name a domain in the same way, and not the same one: then they may be of two people. `CORP\ana` and
/// `ana@corp.example` can be one account.
fn are_of_different_domains(ours: &str, theirs: &str) -> bool {
    let prefix = |login: &str| login.rsplit_once('\\').map(|(domain, _)| domain.to_lowercase());
    let suffix = |login: &str| login.split_once('@').map(|(_, domain)| domain.to_lowercase());
    let differ =
        |ours: Option<String>, theirs: Option<String>| ours.is_some() && theirs.is_some() && ours != theirs;
    differ(prefix(ours), prefix(theirs)) || differ(suffix(ours), suffix(theirs))
}

/// One step less.
pub(super) fn lower(confidence: Confidence) -> Confidence {
    match confidence {
        Confidence::High => Confidence::Medium,
        Confidence::Medium | Confidence::Low => Confidence::Low,
    }
}
