//! Redacted copies: a report in which persons have pseudonyms, for recipients who need the access and not the people.
//!
//! Whole means: every field that is a person's, and every text in which one is named. A pseudonym keeps equality, so
//! that two rows of one person are still seen to be one person's. Every struct is taken apart field by field: a new
//! field does not compile until somebody has decided what it holds.

mod pseudonyms;
mod rows;

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Report, is_address};
use crate::model::BUILTIN_ROLES;

use pseudonyms::Pseudonyms;

/// What every pseudonym begins with.
pub const PSEUDONYM: &str = "redacted-";

/// What a redacted copy leaves out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Redaction {
    /// Mail addresses: those of users, and whatever looks like one.
    Email,
    /// Names of persons: full names, managers, owners, and who approved, decided or signed.
    Name,
}

impl Redaction {
    /// The word in the configuration and in files.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Name => "name",
        }
    }

    /// In a sentence.
    pub fn words(self) -> &'static str {
        match self {
            Self::Email => "mail addresses",
            Self::Name => "names of persons",
        }
    }
}

impl Report {
    /// A copy in which persons have pseudonyms; without anything to redact, the report as it is.
    #[must_use]
    pub fn redacted(&self, what: &BTreeSet<Redaction>) -> Self {
        let mut copy = self.clone();
        if let (false, Some(key)) = (what.is_empty(), copy.redaction_key.take()) {
            Redactor::of(self, what, &key).report(&mut copy);
            copy.redacted.extend(what);
        }
        copy
    }

    /// What every redacted copy says of itself, one sentence; `None` for the whole report.
    pub fn redaction_note(&self) -> Option<String> {
        let words: Vec<&str> = self.redacted.iter().map(|what| what.words()).collect();
        (!words.is_empty()).then(|| format!("Redacted copy: pseudonyms stand for {}.", words.join(" and ")))
    }
}

/// Puts pseudonyms into a report.
struct Redactor {
    pseudonyms: Pseudonyms,
    emails: bool,
    names: bool,
    /// Rules of the configuration: their texts are its own, and may name anybody.
    own_rules: HashSet<String>,
    /// Texts that many rows share, as they were and as they are.
    shared: HashMap<Arc<str>, Arc<str>>,
}

impl Redactor {
    fn of(report: &Report, what: &BTreeSet<Redaction>, key: &str) -> Self {
        let (emails, names) = (what.contains(&Redaction::Email), what.contains(&Redaction::Name));
        let mut pseudonyms = Pseudonyms::new(key, emails);
        report.persons.addresses.iter().filter(|_| emails).for_each(|address| pseudonyms.find(address));
        report.persons.names.iter().filter(|_| names).for_each(|name| pseudonyms.find_name(name));
        kept(report).for_each(|text| pseudonyms.keep(text));
        let own = report.rules.iter().filter(|rule| matches!(rule.title, Cow::Owned(_)));
        let own_rules = own.map(|rule| rule.id.clone().into_owned()).collect();
        Self { pseudonyms, emails, names, own_rules, shared: HashMap::new() }
    }

    /// A text in which persons may be named.
    fn text(&self, text: &mut String) {
        if let Some(redacted) = self.pseudonyms.within(text) {
            *text = redacted;
        }
    }

    fn texts<'a>(&self, texts: impl IntoIterator<Item = &'a mut String>) {
        texts.into_iter().for_each(|text| self.text(text));
    }

    fn shared(&mut self, text: &mut Arc<str>) {
        if !self.shared.contains_key(text) {
            let redacted = self.pseudonyms.within(text).map_or_else(|| text.clone(), Arc::from);
            self.shared.insert(text.clone(), redacted);
        }
        if let Some(redacted) = self.shared.get(text) {
            *text = redacted.clone();
        }
    }

    /// A field that is a person's.
    fn field(&self, text: &mut String, wanted: bool) {
        if !wanted {
            self.text(text);
        } else if !text.trim().is_empty() {
            *text = self.pseudonyms.of(text);
        }
    }

    /// A field that names a person by address or by name.
    fn person(&self, text: &mut String) {
        let wanted = if is_address(text) { self.emails } else { self.names };
        self.field(text, wanted);
    }
}

/// What is nobody's, whatever somebody is called: ids of rules, and the roles that every console has.
fn kept(report: &Report) -> impl Iterator<Item = &str> {
    let rules = report.rules.iter().map(|rule| &*rule.id);
    let builtin = report.roles.iter().filter(|role| role.builtin);
    let builtin = builtin.flat_map(|role| [&*role.id, &*role.name]);
    rules.chain(builtin).chain(BUILTIN_ROLES.iter().copied())
}
