//! Accounts that the organisation declares: service and break-glass accounts, and whose account is whose.

use chrono::NaiveDate;
use serde::Deserialize;

use crate::day;
use crate::pattern;

/// `[[account]]`: an account with its owner and purpose.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeclaredAccount {
    /// Its login; compared without case.
    pub login: String,
    /// The console, or a pattern of names; every console if left out.
    pub console: Option<String>,
    /// What kind of account.
    #[serde(default)]
    pub kind: AccountKind,
    /// Who answers for it: the id, mail address or name of a person in the roster.
    pub owner: Option<String>,
    /// What it is for.
    pub purpose: Option<String>,
    /// The day by which its owner must have looked at it again.
    #[serde(default, deserialize_with = "day::optional")]
    pub review: Option<NaiveDate>,
    /// The day on which a break-glass account was last tried.
    #[serde(default, deserialize_with = "day::optional")]
    pub tested: Option<NaiveDate>,
    /// The id of the person in the roster whose account it is.
    pub person: Option<String>,
}

/// What kind of account is declared.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AccountKind {
    /// A person's own.
    #[default]
    Personal,
    /// A program's.
    Service,
    /// For the day on which nothing else works.
    BreakGlass,
    /// Several people's, on purpose.
    Shared,
}

impl AccountKind {
    /// In a sentence.
    pub fn words(self) -> &'static str {
        match self {
            Self::Personal => "personal account",
            Self::Service => "service account",
            Self::BreakGlass => "break-glass account",
            Self::Shared => "shared account",
        }
    }
}

impl DeclaredAccount {
    /// A declaration of a login that says nothing else.
    pub fn of(login: &str) -> Self {
        Self {
            login: login.to_owned(),
            console: None,
            kind: AccountKind::default(),
            owner: None,
            purpose: None,
            review: None,
            tested: None,
            person: None,
        }
    }

    /// Whether it speaks of this login.
    pub fn is_login(&self, login: &str) -> bool {
        // Asked for every account of a console and every declaration: the usual case must not allocate.
        if self.login.is_ascii() && login.is_ascii() {
            return self.login.eq_ignore_ascii_case(login);
        }
        self.login.to_lowercase() == login.to_lowercase()
    }

    /// Whether it speaks of this console.
    pub fn is_on(&self, console: &str) -> bool {
        let wanted = self.console.as_deref();
        wanted.is_none_or(|wanted| pattern::matches(&wanted.to_lowercase(), &console.to_lowercase()))
    }

    /// Whether the account belongs to no person on purpose.
    pub fn is_impersonal(&self) -> bool {
        self.kind != AccountKind::Personal
    }

    /// What is wrong with the table: the key, and the problem with its mend.
    pub fn mistake(&self) -> Option<(&'static str, String)> {
        let empty = |text: &Option<String>| text.as_ref().is_some_and(|text| text.trim().is_empty());
        if self.login.trim().is_empty() {
            return Some(("login", "is empty; name the account".to_owned()));
        }
        if self.login.contains('*') {
            let problem = "a * stands for itself here; write a table for each login";
            return Some(("login", problem.to_owned()));
        }
        for (key, text) in [("login", Some(&self.login)), ("console", self.console.as_ref())] {
            if let Some(problem) = text.and_then(|text| pattern::spaces(text)) {
                return Some((key, problem));
            }
        }
        for (key, text) in [("owner", &self.owner), ("purpose", &self.purpose), ("person", &self.person)] {
            if empty(text) {
                return Some((key, "is empty; fill it in or leave it out".to_owned()));
            }
        }
        if self.is_impersonal() && self.owner.is_none() {
            return Some(("owner", format!("a {} needs somebody who answers for it", self.kind.words())));
        }
        if self.is_impersonal() && self.person.is_some() {
            return Some(("person", format!("a {} is nobody's; name its owner instead", self.kind.words())));
        }
        if self.kind == AccountKind::Personal && self.person.is_none() {
            return Some((
                "person",
                "is missing; name whose account it is, or say in kind: service, break_glass or shared"
                    .to_owned(),
            ));
        }
        if self.tested.is_some() && self.kind != AccountKind::BreakGlass {
            return Some(("tested", "only a break-glass account is tried out".to_owned()));
        }
        None
    }
}
