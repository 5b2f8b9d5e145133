//! Who asked for an exception and who decided on it, as far as the console's records tell.

use std::collections::HashSet;

use super::{Context, Outcome, cut};
use crate::finding::{Finding, Subject, digest};
use crate::graph::AccessGraph;
use crate::model::{Act, Answer, ConsoleIdentity, Exception, Snapshot, User, UserId};

/// The most exceptions that one finding names.
const SHOWN: usize = 10;

/// Somebody who acted, as the record names them. In the order of findings: accounts first.
#[derive(Debug, Clone, Copy)]
pub(super) enum Actor<'a> {
    /// An account that is listed.
    Account(&'a User),
    /// An id that is not listed, and the name beside it.
    Unlisted(UserId, Option<&'a str>),
    /// A name that no single account has.
    Named(&'a str),
}

/// What tells actors apart: an account by its id, a name without case.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum ActorKey {
    /// The account.
    Account(UserId),
    /// The id that is not listed.
    Unlisted(UserId),
    /// The name.
    Named(String),
}

impl<'a> Actor<'a> {
    /// Who did these things, in their order; `None` where the record names nobody.
    pub(super) fn of(
        graph: &'a AccessGraph,
        acts: impl Iterator<Item = &'a Act> + Clone,
    ) -> Vec<Option<Self>> {
        let ids = graph.actors(acts.clone());
        let actor = |(act, id): (&'a Act, Option<UserId>)| {
            let name = act.name.as_deref().filter(|name| !name.trim().is_empty());
            match id {
                Some(id) => Some(graph.user(id).map_or_else(|| Self::Unlisted(id, name), Self::Account)),
                None => name.map(Self::Named),
            }
        };
        acts.zip(ids).map(actor).collect()
    }

    /// What tells this one from others.
    pub(super) fn key(&self) -> ActorKey {
        match self {
            Self::Account(user) => ActorKey::Account(user.id),
            Self::Unlisted(id, _) => ActorKey::Unlisted(*id),
            Self::Named(name) => ActorKey::Named(fold(name)),
        }
    }

    /// In a sentence.
    pub(super) fn label(&self) -> String {
        match self {
            Self::Account(user) => cut(&user.login).into_owned(),
            Self::Unlisted(id, Some(name)) => format!("{} (id {id}, not listed)", cut(name)),
            Self::Unlisted(id, None) => format!("the user with id {id}, which is not listed"),
            Self::Named(name) => format!("{} (without an account of that name alone)", cut(name)),
        }
    }

    /// What a finding on this actor is about, and its aspect: the account, else the console and a digest of what the
    /// record says.
    pub(super) fn subject(&self, console: &ConsoleIdentity) -> (Subject, String) {
        match self {
            Self::Account(user) => (Subject::from(*user), String::new()),
            Self::Unlisted(id, _) => (Subject::from(console), digest(&["user id", &id.to_string()])),
            Self::Named(name) => (Subject::from(console), digest(&["user name", &fold(name)])),
        }
    }

    /// Whether two actors are one person: by their accounts, else by equal names. Of one that is gone, nobody knows
    /// whose it was.
    pub(super) fn is_same_person(&self, other: &Self, context: Context<'_>) -> Option<bool> {
        match (self, other) {
            (Self::Account(a), Self::Account(b)) => return Some(context.same_person(a, b)),
            (Self::Unlisted(a, _), Self::Unlisted(b, _)) if a == b => return Some(true),
            (Self::Account(_) | Self::Unlisted(..), Self::Account(_) | Self::Unlisted(..)) => return None,
            (Self::Named(_), _) | (_, Self::Named(_)) => {}
        }
        let names: HashSet<String> = self.names().map(fold).collect();
        other.names().any(|name| names.contains(&fold(name))).then_some(true)
    }

    fn names(&self) -> impl Iterator<Item = &'a str> {
        let names = match *self {
            Self::Account(user) => [Some(user.login.as_str()), Some(user.name.as_str())],
            Self::Unlisted(_, name) => [name, None],
            Self::Named(name) => [Some(name), None],
        };
        names.into_iter().flatten().filter(|name| !name.trim().is_empty())
    }
}

fn fold(name: &str) -> String {
    name.trim().to_lowercase()
}

/// The exceptions of a snapshot, or what keeps a rule about them from its verdict.
pub(super) fn exceptions(snapshot: &Snapshot) -> Result<&[Exception], Outcome> {
    match &snapshot.exceptions {
        Answer::Known(exceptions) => Ok(exceptions),
        Answer::NotAsked => {
            Err(Outcome::lacking("exceptions were not asked for: collect again with this rule on"))
        }
        Answer::Missing => Err(Outcome::lacking("the console gave no answer about exceptions")),
    }
}

/// Adds the exceptions that a finding is about, with the day of the decision, and how many more there are.
pub(super) fn with_exceptions(finding: Finding, exceptions: &[&Exception]) -> Finding {
    let says = |exception: &&Exception| {
        let day = exception.reviewed.as_ref().and_then(|act| act.at);
        let day = day.map_or("on an unknown day".to_owned(), |at| at.format("%F").to_string());
        format!("{}, approved {day}", exception.label())
    };
    let shown: Vec<String> = exceptions.iter().take(SHOWN).map(says).collect();
    let more = exceptions.len() - shown.len();
    let further = if more == 0 { String::new() } else { format!("; and {more} more") };
    finding.with("exceptions", format!("{}{further}", shown.join("; ")))
}
