//! The estate as a whole: its totals, and the people with accounts on several consoles.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::Serialize;

use super::{Completeness, FindingState, Report, Reviewed};
use crate::model::{User, UserId};

/// An account by its console's place in the review and its id there.
pub type AccountPlace = (usize, UserId);

/// What all consoles of a review come to together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Estate {
    /// Consoles under review.
    pub consoles: u64,
    /// How many of them tie out.
    pub complete: u64,
    /// Accounts that were seen.
    pub users: u64,
    /// How many of them may log in, or may be able to.
    pub enabled: u64,
    /// How many people that is at most: accounts of one person count once, as far as that can be told.
    pub people: u64,
    /// People with accounts on several consoles.
    pub on_several_consoles: u64,
    /// Open findings.
    pub findings: u64,
}

/// One person with accounts on several consoles.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Identity {
    /// The full name, as the first account has it.
    pub name: String,
    /// The id of the person in the roster, if one of the accounts is matched.
    pub person: Option<String>,
    /// Whether the person has left; `None` if that is not known.
    pub left: Option<bool>,
    /// The accounts, by console and id.
    pub accounts: Vec<IdentityAccount>,
}

/// One account of a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct IdentityAccount {
    /// The console.
    pub console: Arc<str>,
    /// Its id there.
    pub id: i64,
    /// Its login.
    pub login: String,
    /// Whether it may log in.
    pub enabled: Option<bool>,
    /// Its role.
    pub role: String,
}

/// The people with accounts on several consoles, by name and account.
pub(super) fn identities(reviewed: &[Reviewed], people: &[Vec<AccountPlace>]) -> Vec<Identity> {
    let several = people.iter().filter(|accounts| is_on_several(accounts));
    let mut identities: Vec<Identity> = several.filter_map(|accounts| identity(reviewed, accounts)).collect();
    identities.sort_by(|a, b| {
        let first = |identity: &Identity| identity.accounts.first().map(|one| (one.console.clone(), one.id));
        (&a.name, first(a)).cmp(&(&b.name, first(b)))
    });
    identities
}

fn is_on_several(accounts: &[AccountPlace]) -> bool {
    accounts.iter().map(|(console, _)| console).collect::<BTreeSet<_>>().len() > 1
}

fn identity(reviewed: &[Reviewed], accounts: &[AccountPlace]) -> Option<Identity> {
    let mut found: Vec<(&str, &User)> = accounts
        .iter()
        .filter_map(|(console, id)| {
            let graph = &reviewed.get(*console)?.graph;
            Some((&*graph.snapshot().console.name, graph.user(*id)?))
        })
        .collect();
    found.sort_by_key(|(console, user)| (*console, user.id));
    let today = reviewed.first()?.graph.snapshot().finished.date_naive();
    let person = found.iter().find_map(|(_, user)| user.person.person());
    Some(Identity {
        name: found.first()?.1.name.to_string(),
        person: person.map(|person| person.id.to_string()),
        left: person.and_then(|person| person.has_left(today)),
        accounts: found
            .into_iter()
            .map(|(console, user)| IdentityAccount {
                console: console.into(),
                id: user.id.0,
                login: user.login.to_string(),
                enabled: user.enabled,
                role: user.role.label(),
            })
            .collect(),
    })
}

/// The totals of a report that has everything else.
pub(super) fn totals(report: &Report, people: &[Vec<AccountPlace>]) -> Estate {
    let count = |number: usize| number as u64;
    let twins: usize = people.iter().map(|accounts| accounts.len().saturating_sub(1)).sum();
    Estate {
        consoles: count(report.consoles.len()),
        complete: count(
            report.consoles.iter().filter(|console| console.verdict == Completeness::Complete).count(),
        ),
        users: count(report.users.len()),
        enabled: count(report.users.iter().filter(|user| user.enabled != Some(false)).count()),
        people: count(report.users.len().saturating_sub(twins)),
        on_several_consoles: count(report.identities.len()),
        findings: count(report.findings.iter().filter(|row| row.state == FindingState::Open).count()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::AccessGraph;
    use crate::history::History;
    use crate::model::sample::{known_as, person, snapshot, user};
    use crate::report::{Declared, Run, assemble};

    fn reviewed(name: &str, users: Vec<User>) -> Reviewed {
        let mut world = snapshot(users);
        world.console.name = name.into();
        world.console.uuid = Some(name.into());
        Reviewed { graph: AccessGraph::build(world), judgements: Vec::new() }
    }

    #[test]
    fn a_person_on_several_consoles_is_named_once_and_counts_once() {
        let gone = User { enabled: Some(false), ..user(4, "ana") };
        let left = crate::model::Person { employed: Some(false), ..person("E7") };
        let consoles = vec![
            reviewed("lab", vec![user(2, "bo"), known_as(user(3, "ana"), left)]),
            reviewed("hq", vec![gone, user(5, "cy"), user(6, "cy2")]),
        ];
        let places = |accounts: &[(usize, i64)]| accounts.iter().map(|(at, id)| (*at, UserId(*id))).collect();
        // One of two consoles, and one with two accounts on the same.
        let people: Vec<Vec<AccountPlace>> = vec![places(&[(0, 3), (1, 4)]), places(&[(1, 5), (1, 6)])];
        let run = Run { verdict: Completeness::Complete, ..crate::report::Report::sample().run };
        let report = assemble(run, consoles, &people, &Declared::default(), &History::default());
        assert_eq!(
            report.estate,
            Estate {
                consoles: 2,
                complete: 2,
                users: 5,
                enabled: 4,
                people: 3,
                on_several_consoles: 1,
                findings: 0,
            }
        );
        let [identity] = &report.identities[..] else { panic!("{:?}", report.identities) };
        let accounts: Vec<_> =
            identity.accounts.iter().map(|one| (&*one.console, one.id, one.enabled)).collect();
        assert_eq!(accounts, [("hq", 4, Some(false)), ("lab", 3, Some(true))]);
        assert_eq!((identity.person.as_deref(), identity.left), (Some("E7"), Some(true)));
    }
}
