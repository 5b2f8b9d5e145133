//! The accounts of one person: on one console, and over all consoles of a review.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;
use std::sync::OnceLock;

use super::{Mailbox, Policy, alike, cut, is_one_person, login_form, mailbox_aspect, name_form};
use crate::finding::digest;
use crate::graph::AccessGraph;
use crate::model::{User, UserId};

/// An account and its console's place in the estate.
#[derive(Debug, Clone, Copy)]
pub(super) struct Account<'a> {
    /// The console's place.
    pub(super) console: usize,
    /// The account there.
    pub(super) user: &'a User,
    mailbox: Option<&'a Mailbox>,
}

impl<'a> Account<'a> {
    /// An account of the console at a place.
    pub(super) fn new(console: usize, graph: &'a AccessGraph, user: &'a User) -> Self {
        Self { console, user, mailbox: graph.mailbox(user) }
    }
}

/// Accounts of one person, in the order given, and what ties them together, in order.
#[derive(Debug)]
pub(super) struct Cluster<'a> {
    /// What they share.
    pub(super) traits: BTreeSet<Trait>,
    /// At least two of them.
    pub(super) accounts: Vec<Account<'a>>,
}

/// What several accounts have in common. The roster's word is the strongest sign; a mailbox comes before a name, because
/// it outlives a change of name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Trait {
    /// The roster says that both are this person's, by its id.
    Person(String),
    /// One mailbox, and names that do not contradict each other.
    Mailbox(Mailbox),
    /// Equal names and equal logins at different sources, or on different consoles.
    NameAndLogin {
        /// The login, in comparable form.
        login: String,
        /// The full name, in comparable form.
        name: String,
        /// The login as one of the accounts has it.
        shown: String,
    },
}

impl Trait {
    /// The first trait of a cluster is its identity: no other cluster has it, and it stays as long as two accounts
    /// share it, whichever of them goes.
    pub(super) fn aspect(&self) -> String {
        match self {
            Self::Person(id) => digest(&["person", id]),
            Self::Mailbox(mailbox) => mailbox_aspect(mailbox),
            Self::NameAndLogin { login, name, .. } => digest(&["name and login", login, name]),
        }
    }
}

impl fmt::Display for Trait {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Person(id) => write!(f, "the person {id} of the roster"),
            Self::Mailbox(mailbox) => write!(f, "the mailbox {mailbox}"),
            // As it is written: redaction finds a login that is a name or an address by that.
            Self::NameAndLogin { shown, .. } => write!(f, "the full name and the login {shown}"),
        }
    }
}

/// Accounts of one person, by the place of the first. Whoever shares one of these traits with a member belongs to it.
pub(super) fn clusters<'a>(
    accounts: &[Account<'a>],
    shared: impl Iterator<Item = (Trait, Vec<usize>)>,
) -> Vec<Cluster<'a>> {
    let mut union = Union::new(accounts.len());
    let mut traits = Vec::new();
    for (shared, same) in shared {
        for pair in same.windows(2) {
            union.join(pair[0], pair[1]);
        }
        traits.push((shared, same[0]));
    }
    // Only accounts with a trait: on a large console nearly all others are alone.
    let mut clusters: BTreeMap<usize, Cluster<'_>> = BTreeMap::new();
    for (shared, member) in traits {
        let cluster = clusters
            .entry(union.root(member))
            .or_insert_with(|| Cluster { traits: BTreeSet::new(), accounts: Vec::new() });
        cluster.traits.insert(shared);
    }
    for (place, account) in accounts.iter().enumerate() {
        if let Some(cluster) = clusters.get_mut(&union.root(place)) {
            cluster.accounts.push(*account);
        }
    }
    clusters.into_values().collect()
}

/// What accounts show of themselves that they have in common, and who has it, by their places.
pub(super) fn shared_traits(accounts: &[Account<'_>]) -> impl Iterator<Item = (Trait, Vec<usize>)> {
    same_mailbox(accounts).chain(same_name_and_login(accounts))
}

/// Accounts behind which the roster knows one person.
fn same_person(accounts: &[Account<'_>]) -> impl Iterator<Item = (Trait, Vec<usize>)> {
    let id = |place: usize| accounts[place].user.person.person().map(|person| person.id.as_str());
    alike(accounts.len(), id).into_iter().map(|(id, same)| (Trait::Person(id.to_owned()), same))
}

/// Accounts with one mailbox that could be one person's.
fn same_mailbox(accounts: &[Account<'_>]) -> impl Iterator<Item = (Trait, Vec<usize>)> {
    let carriers = alike(accounts.len(), |place| accounts[place].mailbox);
    let of_one = |same: &[usize]| {
        let users: Vec<&User> = same.iter().map(|place| accounts[*place].user).collect();
        is_one_person(&users)
    };
    let shared = carriers.into_iter().filter(move |(_, same)| of_one(same));
    shared.map(|(mailbox, same)| (Trait::Mailbox(mailbox.clone()), same))
}

/// Accounts of different sources, or consoles, with equal names and equal logins, but for case, separators and domain.
fn same_name_and_login(accounts: &[Account<'_>]) -> impl Iterator<Item = (Trait, Vec<usize>)> {
    let login = |place: usize| {
        let user = accounts[place].user;
        source(user).map(|_| login_form(&user.login))
    };
    let alike = alike(accounts.len(), login).into_iter().flat_map(|(login, same)| {
        let mut names: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for place in same {
            names.entry(name_form(&accounts[place].user.name)).or_default().push(place);
        }
        let shown = |same: &[usize]| cut(&accounts[same[0]].user.login).into_owned();
        names.into_iter().map(move |(name, same)| {
            (Trait::NameAndLogin { login: login.clone(), name, shown: shown(&same) }, same)
        })
    });
    let from = |place: usize| (accounts[place].console, source(accounts[place].user));
    alike.filter(move |(_, same)| same.iter().any(|place| from(*place) != from(same[0])))
}

/// What tells authentication sources of a console apart: the id, else the type.
pub(super) fn source(user: &User) -> Option<(Option<i64>, Option<&str>)> {
    let from = user.authentication.as_ref()?;
    match (from.id, from.kind.as_deref()) {
        (Some(id), _) => Some((Some(id.0), None)),
        (None, Some(kind)) => Some((None, Some(kind))),
        (None, None) => None,
    }
}

/// Who of an estate is one person, worked out when a rule first asks: most reviews need no answer.
///
/// Accounts that are nobody's by declaration are left out, and a generic login or the mailbox of a list ties nobody
/// together: `admin` of one console is not the person behind `admin` of another.
#[derive(Debug, Default)]
pub(super) struct People {
    found: OnceLock<Found>,
}

#[derive(Debug, Default)]
struct Found {
    /// Each person's accounts: the console's place and the user, in the order of the estate.
    people: Vec<Vec<(usize, UserId)>>,
    /// The place in `people` of each account that has a twin.
    of: HashMap<(usize, UserId), usize>,
}

impl People {
    /// The accounts of the person behind an account, that one among them; none if it has no twin.
    pub(super) fn accounts(
        &self,
        estate: &[AccessGraph],
        policy: &Policy,
        account: (usize, UserId),
    ) -> &[(usize, UserId)] {
        let found = self.found.get_or_init(|| find(estate, policy));
        found.of.get(&account).map_or(&[], |person| &found.people[*person])
    }
}

/// Each person's accounts, of those who have several: the console's place and the user, in the order of the estate.
pub(super) fn people(estate: &[AccessGraph], policy: &Policy) -> Vec<Vec<(usize, UserId)>> {
    find(estate, policy).people
}

fn find(estate: &[AccessGraph], policy: &Policy) -> Found {
    let mut accounts = Vec::with_capacity(estate.iter().map(|graph| graph.users().len()).sum());
    let impersonal: BTreeSet<String> = policy
        .accounts
        .iter()
        .filter(|declared| declared.is_impersonal())
        .map(|declared| declared.login.to_lowercase())
        .collect();
    for (console, graph) in estate.iter().enumerate() {
        let name = &graph.snapshot().console.name;
        let is_nobodys = |user: &&User| {
            !impersonal.is_empty()
                && impersonal.contains(user.login.to_lowercase().as_str())
                && policy.declared(name, &user.login).is_some_and(super::DeclaredAccount::is_impersonal)
        };
        accounts.extend(
            graph
                .users()
                .iter()
                .filter(|user| !is_nobodys(user))
                .map(|user| Account::new(console, graph, user)),
        );
    }
    let shared = &policy.analyzers.shared_or_generic_account;
    let (generic, lists) = (shared.generic_logins(), shared.list_mailboxes());
    let tells = |(shared, _): &(Trait, Vec<usize>)| match shared {
        Trait::Person(_) => true,
        Trait::Mailbox(mailbox) => !lists.fit(&mailbox.local),
        Trait::NameAndLogin { login, .. } => !generic.fit(login),
    };
    let traits = same_person(&accounts).chain(shared_traits(&accounts));
    let clusters = clusters(&accounts, traits.filter(tells));
    let mut found = Found::default();
    for cluster in clusters {
        let person: Vec<_> =
            cluster.accounts.iter().map(|account| (account.console, account.user.id)).collect();
        found.of.extend(person.iter().map(|account| (*account, found.people.len())));
        found.people.push(person);
    }
    found
}

/// Disjoint sets over places.
struct Union(Vec<usize>);

impl Union {
    fn new(len: usize) -> Self {
        Self((0..len).collect())
    }

    fn root(&mut self, mut place: usize) -> usize {
        while self.0[place] != place {
            self.0[place] = self.0[self.0[place]];
            place = self.0[place];
        }
        place
    }

    /// The smaller root stays, so that the outcome does not depend on the order of joining.
    fn join(&mut self, a: usize, b: usize) {
        let (a, b) = (self.root(a), self.root(b));
        self.0[a.max(b)] = a.min(b);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analyze::{AccountKind, DeclaredAccount};
    use crate::model::Snapshot;
    use crate::model::sample::{known_as, local_user, person, snapshot, user};

    fn world(name: &str, users: Vec<User>) -> Snapshot {
        let mut world = snapshot(users);
        world.console.name = name.into();
        world
    }

    fn bare(user: User) -> User {
        User { email: None, ..user }
    }

    /// The accounts of the person behind user 1 of the first of two consoles.
    fn twins(here: User, there: Vec<User>, policy: &Policy) -> Vec<(usize, i64)> {
        let estate = [world("hq", vec![here]), world("lab", there)].map(AccessGraph::build);
        let people = People::default();
        let of_first = people.accounts(&estate, policy, (0, UserId(1)));
        of_first.iter().map(|(console, user)| (*console, user.0)).collect()
    }

    #[test]
    fn roster_mailbox_or_name_and_login_tie_accounts_of_two_consoles() {
        let named = |user: User, name: &str| User { name: name.into(), ..user };
        let cases = [
            (
                "the roster",
                known_as(bare(user(1, "asilva")), person("7")),
                known_as(bare(user(4, "x9")), person("7")),
                true,
            ),
            (
                "another person",
                known_as(bare(user(1, "asilva")), person("7")),
                known_as(bare(user(4, "x9")), person("8")),
                false,
            ),
            ("the mailbox", user(1, "ana"), User { login: "ana-vm".into(), ..user(4, "ana") }, true),
            ("the mailbox of another", user(1, "ana"), named(user(4, "ana"), "Bo Li"), false),
            ("name and login, one kind of source", bare(user(1, "ana")), bare(user(4, "ANA")), true),
            ("the login alone", bare(user(1, "ana")), named(bare(user(4, "ana")), "Bo Li"), false),
            ("a generic login", bare(local_user(1, "admin")), bare(local_user(4, "admin")), false),
            ("the mailbox of a list", user(1, "team"), User { login: "x".into(), ..user(4, "team") }, false),
        ];
        for (says, here, there, tied) in cases {
            let expected: &[(usize, i64)] = if tied { &[(0, 1), (1, 4)] } else { &[] };
            assert_eq!(twins(here, vec![there, user(9, "bo")], &Policy::default()), expected, "{says}");
        }
    }

    #[test]
    fn what_is_declared_as_nobodys_is_nobodys_on_the_named_console() {
        let service = |console: &str| DeclaredAccount {
            console: Some(console.into()),
            kind: AccountKind::Service,
            ..DeclaredAccount::of("SVC-scan")
        };
        let twins_with = |accounts| {
            let policy = Policy { accounts, ..Policy::default() };
            twins(user(1, "svc-scan"), vec![user(4, "svc-scan")], &policy).len()
        };
        assert_eq!(twins_with(vec![service("hq"), service("lab")]), 0);
        assert_eq!(twins_with(vec![service("lab")]), 0);
        assert_eq!(twins_with(vec![service("elsewhere")]), 2);
    }
}
