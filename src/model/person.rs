//! The people behind the accounts, as the organisation's own roster knows them.

use std::sync::Arc;

use chrono::{DateTime, NaiveDate, Utc};
use compact_str::CompactString;
use serde::{Deserialize, Serialize};

/// The roster that a collection joined its users with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RosterSource {
    /// Where it was read: a file's name or a URL's host, never a query or a credential.
    pub label: String,
    /// SHA-256 of what was read, hex.
    pub sha256: String,
    /// How many people it lists.
    pub people: u64,
    /// When it was read.
    pub read: DateTime<Utc>,
    /// Whom it knows as the owners that the configuration declares, in the order of their words.
    #[serde(default)]
    pub owners: Vec<DeclaredOwner>,
    /// What it says of people's state in words that the configuration does not explain.
    #[serde(default)]
    pub unexplained: Unexplained,
}

/// Somebody who answers for an account by the configuration, looked up among all people of the roster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeclaredOwner {
    /// The configuration's words, in the form of [`Self::form`].
    pub owner: String,
    /// Everybody whom they fit; nobody if the roster does not know the owner.
    pub people: Vec<Arc<Person>>,
}

impl DeclaredOwner {
    /// An owner as written by hand, without what does not tell people apart.
    pub fn form(owner: &str) -> String {
        owner.trim().to_lowercase()
    }
}

/// Words for people's state that are neither for those who left nor for those who are there.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unexplained {
    /// The words, each with how many people have it, the most first.
    pub words: Vec<(CompactString, u64)>,
    /// How many people have other words: a column with many of them is not one of states.
    pub others: u64,
}

/// A person of the roster. Fields that the roster does not have are `None`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    /// The roster's own id.
    pub id: CompactString,
    /// The full name.
    pub name: Option<CompactString>,
    /// The mail address.
    pub email: Option<CompactString>,
    /// The manager, as the roster writes it: an id or a name.
    pub manager: Option<CompactString>,
    /// The department.
    pub department: Option<CompactString>,
    /// Whether the person is still there; `None` if the roster does not say, or says it in a word that is not known.
    pub employed: Option<bool>,
    /// What kind of person: employee, contractor, or another word of the roster.
    pub kind: Option<CompactString>,
    /// Whether this kind of person stays for a time only; `None` if the kind is not known.
    pub temporary: Option<bool>,
    /// The first day.
    pub start: Option<NaiveDate>,
    /// The last day.
    pub end: Option<NaiveDate>,
}

impl Person {
    /// Whether the person has left on a day: by status, or because the last day is over. `None` if neither is known.
    pub fn has_left(&self, today: NaiveDate) -> Option<bool> {
        match (self.employed, self.end) {
            (Some(false), _) => Some(true),
            (_, Some(end)) if end < today => Some(true),
            (Some(true), _) | (None, Some(_)) => Some(false),
            (None, None) => None,
        }
    }
}

/// What the roster says of one account.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RosterMatch {
    /// There is no roster, or it could not be read.
    #[default]
    NotAsked,
    /// Nobody in the roster answers to this account.
    Nobody,
    /// Exactly one person does.
    Person {
        /// The person.
        person: Arc<Person>,
        /// What the two have in common.
        by: MatchedBy,
        /// How sure that is.
        confidence: Confidence,
    },
    /// Several people do, and nothing tells which of them it is.
    Ambiguous {
        /// What they have in common with the account.
        by: MatchedBy,
        /// The people's ids, sorted.
        people: Vec<String>,
    },
}

impl RosterMatch {
    /// The person, if there is exactly one.
    pub fn person(&self) -> Option<&Arc<Person>> {
        match self {
            Self::Person { person, .. } => Some(person),
            Self::NotAsked | Self::Nobody | Self::Ambiguous { .. } => None,
        }
    }
}

/// What an account and a person have in common, the strongest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MatchedBy {
    /// The roster's id: the login is that id, or a declared account names it.
    ExternalId,
    /// The mail address.
    Email,
    /// The roster's login for the person.
    Login,
    /// Another login that the roster knows.
    Alias,
}

impl MatchedBy {
    /// The name in files.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ExternalId => "external_id",
            Self::Email => "email",
            Self::Login => "login",
            Self::Alias => "alias",
        }
    }
}

/// How much a statement about a person or its activity can be relied on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Confidence {
    /// Spelled otherwise, or concluded from something else.
    Low,
    /// Equal but for case or a tag, with nothing against it.
    Medium,
    /// Equal to the letter, or said by the source itself.
    High,
}

impl Confidence {
    /// The name in files.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample::person;
    use super::*;

    #[test]
    fn a_person_has_left_by_status_or_after_the_last_day() {
        let day = |text: &str| text.parse::<NaiveDate>().unwrap();
        let of = |employed, end: Option<&str>| Person { employed, end: end.map(day), ..person("7") };
        let today = day("2026-11-25");
        assert_eq!(of(Some(false), None).has_left(today), Some(true));
        assert_eq!(of(Some(true), Some("2026-11-24")).has_left(today), Some(true));
        assert_eq!(
            of(Some(true), Some("2026-11-25")).has_left(today),
            Some(false),
            "the last day is a day of work"
        );
        assert_eq!(of(None, Some("2027-01-01")).has_left(today), Some(false));
        assert_eq!(of(Some(true), None).has_left(today), Some(false));
        assert_eq!(of(None, None).has_left(today), None);
    }
}
