//! The access graph: one snapshot joined and indexed, read-only. It answers who reaches what, and through what.
//!
//! Building it cannot fail. What the snapshot does not know stays unknown here ([`Reach::Unknown`]).

mod activity;
mod explain;

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::hash::Hash;
use std::sync::{Arc, OnceLock};

use serde::Serialize;

use crate::identity::Mailbox;
use crate::model::{
    Act, Answer, AssetGroup, AssetGroupId, AuthenticationSource, AuthenticationSourceId, PrivilegeId, Role,
    RoleId, Site, SiteId, Snapshot, User, UserId,
};

pub use activity::{Idle, LastSeen, SeenBy};
pub use explain::{Explanation, Holder, PrivilegePath, ScopeExplanation, Target};

/// Why a grant exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Via {
    /// The user is a superuser.
    Superuser,
    /// The user's all-sites or all-asset-groups flag.
    AllFlag,
    /// A grant of its own for this site or group.
    Direct,
}

impl Via {
    /// The name in `grants.csv`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Superuser => "superuser",
            Self::AllFlag => "all-flag",
            Self::Direct => "direct",
        }
    }
}

/// How far a user reaches among sites, or among asset groups.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reach<'a, T> {
    /// All of them. `via` is never empty and never holds `Direct`; `direct` are leftover grants under the flag.
    All {
        /// Superuser, all-flag, or both.
        via: Vec<Via>,
        /// Direct grants that exist beside the flag, as far as they are known.
        direct: &'a [T],
    },
    /// Exactly these, by direct grant.
    Listed(&'a [T]),
    /// The console did not answer.
    Unknown,
}

impl<T: PartialEq> Reach<'_, T> {
    /// Whether this reach includes `id`; `None` if that is not known.
    pub fn includes(&self, id: &T) -> Option<bool> {
        match self {
            Self::All { .. } => Some(true),
            Self::Listed(ids) => Some(ids.contains(id)),
            Self::Unknown => None,
        }
    }
}

/// One snapshot, joined and indexed.
#[derive(Debug)]
pub struct AccessGraph {
    snapshot: Snapshot,
    // Ordered, because rules ask for one user after the other: what is next to each other is in the caches.
    users_by_id: BTreeMap<UserId, usize>,
    users_by_role: BTreeMap<RoleId, Vec<usize>>,
    last_seen: BTreeMap<UserId, LastSeen>,
    /// In the order of the users; read when a rule first asks.
    mailboxes: OnceLock<Vec<Option<Mailbox>>>,
    knows_every_role: OnceLock<bool>,
}

impl AccessGraph {
    /// Joins and indexes a snapshot.
    pub fn build(mut snapshot: Snapshot) -> Self {
        sort(&mut snapshot);
        share_what_is_equal(&mut snapshot);
        let users_by_id = snapshot.users.iter().enumerate().map(|(index, user)| (user.id, index)).collect();
        let mut users_by_role: BTreeMap<RoleId, Vec<usize>> = BTreeMap::new();
        for (index, user) in snapshot.users.iter().enumerate() {
            if let Some(role) = &user.role.id {
                users_by_role.entry(role.clone()).or_default().push(index);
            }
        }
        let last_seen = activity::last_seen(&snapshot);
        let (mailboxes, knows_every_role) = (OnceLock::new(), OnceLock::new());
        Self { snapshot, users_by_id, users_by_role, last_seen, mailboxes, knows_every_role }
    }

    /// The snapshot behind the graph.
    pub fn snapshot(&self) -> &Snapshot {
        &self.snapshot
    }

    /// All users, by id.
    pub fn users(&self) -> &[User] {
        &self.snapshot.users
    }

    /// A user by id.
    pub fn user(&self, id: UserId) -> Option<&User> {
        self.users_by_id.get(&id).map(|&index| &self.snapshot.users[index])
    }

    /// The mailbox of an account of this console, tags left out; `None` if it has no address that could receive mail.
    pub fn mailbox(&self, user: &User) -> Option<&Mailbox> {
        let read = |user: &User| user.email.as_deref().and_then(Mailbox::parse).map(Mailbox::untagged);
        let mailboxes = self.mailboxes.get_or_init(|| self.users().iter().map(read).collect());
        mailboxes[self.place(user)?].as_ref()
    }

    /// When an account was last seen at work; `None` if nothing tells.
    pub fn last_seen(&self, user: UserId) -> Option<LastSeen> {
        self.last_seen.get(&user).copied()
    }

    /// The newest time in which an account did not log on, by the sources of logons; `None` if none speaks of it.
    pub fn idle(&self, user: &User) -> Option<Idle> {
        activity::idle(&self.snapshot, user)
    }

    /// Whose accounts did these things: by the id that the console gives, else by a name that only one account has.
    pub fn actors<'a>(&self, acts: impl Iterator<Item = &'a Act> + Clone) -> Vec<Option<UserId>> {
        let names = activity::Names::among(&self.snapshot, acts.clone().filter_map(activity::unnumbered));
        acts.map(|act| names.actor(act)).collect()
    }

    /// Where a user stands in [`AccessGraph::users`].
    pub fn place(&self, user: &User) -> Option<usize> {
        // One of its own is told by where it lies, without a look-up: rules ask this of every user.
        self.users().element_offset(user).or_else(|| self.users_by_id.get(&user.id).copied())
    }

    /// A user by login: the exact one, else the only one that differs in case alone.
    pub fn user_by_login(&self, login: &str) -> Option<&User> {
        let users = &self.snapshot.users;
        users.iter().find(|user| user.login == login).or_else(|| {
            let mut alike = users.iter().filter(|user| user.login.to_lowercase() == login.to_lowercase());
            alike.next().filter(|_| alike.next().is_none())
        })
    }

    /// The users that hold a role, by id.
    pub fn users_of_role(&self, role: &RoleId) -> impl ExactSizeIterator<Item = &User> {
        let indexes = self.users_by_role.get(role).map_or(&[][..], Vec::as_slice);
        indexes.iter().map(|&index| &self.snapshot.users[index])
    }

    /// Whether the role of every account is known, so that whoever is not among a role's users does not hold it.
    pub fn knows_every_role(&self) -> bool {
        *self.knows_every_role.get_or_init(|| self.users().iter().all(|user| user.role.id.is_some()))
    }

    /// A role by id.
    pub fn role(&self, id: &RoleId) -> Option<&Role> {
        let roles = &self.snapshot.roles;
        roles.binary_search_by(|role| role.id.cmp(id)).ok().map(|index| &roles[index])
    }

    /// A site by id.
    pub fn site(&self, id: SiteId) -> Option<&Site> {
        let sites = &self.snapshot.sites;
        sites.binary_search_by(|site| site.id.cmp(&id)).ok().map(|index| &sites[index])
    }

    /// An asset group by id.
    pub fn asset_group(&self, id: AssetGroupId) -> Option<&AssetGroup> {
        let groups = &self.snapshot.asset_groups;
        groups.binary_search_by(|group| group.id.cmp(&id)).ok().map(|index| &groups[index])
    }

    /// An authentication source by id.
    pub fn source(&self, id: AuthenticationSourceId) -> Option<&AuthenticationSource> {
        self.snapshot.authentication_sources.iter().find(|source| source.id == id)
    }

    /// Which sites a user reaches.
    pub fn sites_of<'a>(&self, user: &'a User) -> Reach<'a, SiteId> {
        reach(user.role.superuser, user.role.all_sites, user.sites.known())
    }

    /// Which asset groups a user reaches.
    pub fn asset_groups_of<'a>(&self, user: &'a User) -> Reach<'a, AssetGroupId> {
        reach(user.role.superuser, user.role.all_asset_groups, user.asset_groups.known())
    }
}

fn reach<T>(superuser: bool, all_flag: bool, granted: Option<&Vec<T>>) -> Reach<'_, T> {
    let mut via = Vec::new();
    if superuser {
        via.push(Via::Superuser);
    }
    if all_flag {
        via.push(Via::AllFlag);
    }
    match (via.is_empty(), granted) {
        (false, granted) => Reach::All { via, direct: granted.map_or(&[], Vec::as_slice) },
        (true, Some(ids)) => Reach::Listed(ids),
        (true, None) => Reach::Unknown,
    }
}

/// Puts every list in the order of its ids: look-ups rely on it, and a snapshot that was edited may not have it.
fn sort(snapshot: &mut Snapshot) {
    snapshot.users.sort_by_key(|user| user.id);
    snapshot.roles.sort_by(|a, b| a.id.cmp(&b.id));
    snapshot.privileges.sort();
    snapshot.authentication_sources.sort_by_key(|source| source.id);
    snapshot.sites.sort_by_key(|site| site.id);
    snapshot.asset_groups.sort_by_key(|group| group.id);
}

/// Gives equal roles, sources and sets of privileges one allocation: there are as many of them as roles, not as users.
fn share_what_is_equal(snapshot: &mut Snapshot) {
    let mut sets: HashSet<Arc<BTreeSet<PrivilegeId>>> = HashSet::new();
    let (mut roles, mut sources) = (HashSet::new(), HashSet::new());
    for user in &mut snapshot.users {
        if let Answer::Known(set) = &mut user.privileges {
            share(&mut sets, set);
        }
        if let Some(set) = &mut user.role.privileges {
            share(&mut sets, set);
        }
        share(&mut roles, &mut user.role);
        if let Some(source) = &mut user.authentication {
            share(&mut sources, source);
        }
    }
}

/// Makes equal values one.
fn share<T: Clone + Eq + Hash>(known: &mut HashSet<T>, value: &mut T) {
    match known.get(value) {
        Some(shared) => value.clone_from(shared),
        None => drop(known.insert(value.clone())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::sample::{snapshot, user};

    #[test]
    fn tags_and_case_do_not_make_another_mailbox() {
        let mail = |id, mail: &str| User { email: Some(mail.into()), ..user(id, "x") };
        let users = [mail(1, "Ana@corp.example"), mail(2, "ana+vm@corp.example"), mail(3, "ana at corp")];
        let graph = AccessGraph::build(snapshot(users.to_vec()));
        let mailboxes = users.each_ref().map(|user| graph.mailbox(user).map(Mailbox::to_string));
        assert_eq!(
            mailboxes,
            [Some("ana@corp.example"), Some("ana@corp.example"), None].map(|m| m.map(str::to_owned))
        );
    }
}
