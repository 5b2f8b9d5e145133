//! The estate the other way round: users by role, privilege, source, site and asset group.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::Hash;

use super::Estate;

/// Built when first needed, thrown away by the next write. Every list is sorted by id.
#[derive(Debug, Default)]
pub(super) struct Index {
    /// All users.
    pub(super) users: Vec<i64>,
    /// The user of each login.
    pub(super) logins: HashMap<String, i64>,
    /// Users of each role.
    pub(super) roles: HashMap<String, Vec<i64>>,
    /// Users with each privilege.
    pub(super) privileges: HashMap<String, Vec<i64>>,
    /// Users of each authentication source.
    pub(super) sources: HashMap<i64, Vec<i64>>,
    /// Users that the console names for each site.
    pub(super) sites: HashMap<i64, Vec<i64>>,
    /// Users that the console names for each asset group.
    pub(super) asset_groups: HashMap<i64, Vec<i64>>,
}

impl Index {
    pub(super) fn build(estate: &Estate) -> Self {
        let mut index = Self::default();
        let (mut any_site, mut any_group) = (Vec::new(), Vec::new());
        for (&id, account) in &estate.users {
            index.users.push(id);
            index.logins.insert(account.login.clone(), id);
            index.sources.entry(account.source).or_default().push(id);
            list(&mut index.roles, &account.role, id);
            for privilege in estate.privileges_of(account).into_iter().flatten() {
                list(&mut index.privileges, privilege, id);
            }
            if account.is_global_admin() && !estate.quirks.inverse_lists_name_admins {
                continue;
            }
            if account.all_sites {
                any_site.push(id);
            }
            if account.all_asset_groups {
                any_group.push(id);
            }
            for site in &account.sites {
                index.sites.entry(*site).or_default().push(id);
            }
            for group in &account.asset_groups {
                index.asset_groups.entry(*group).or_default().push(id);
            }
        }
        complete(&mut index.sites, estate.sites.keys(), &any_site, &estate.quirks.site_users_omitted);
        complete(
            &mut index.asset_groups,
            estate.asset_groups.keys(),
            &any_group,
            &estate.quirks.asset_group_users_omitted,
        );
        index
    }
}

/// Files a user under a name, which is copied only the first time.
fn list(lists: &mut HashMap<String, Vec<i64>>, name: &str, id: i64) {
    match lists.get_mut(name) {
        Some(users) => users.push(id),
        None => _ = lists.insert(name.to_owned(), vec![id]),
    }
}

/// Adds those who reach every place, and takes out those whom the console forgets.
fn complete<'a, K: Copy + Eq + Hash + Ord + 'a>(
    lists: &mut HashMap<K, Vec<i64>>,
    places: impl Iterator<Item = &'a K>,
    everywhere: &[i64],
    omitted: &BTreeMap<K, BTreeSet<i64>>,
) {
    for place in places {
        let users = lists.entry(*place).or_default();
        users.extend_from_slice(everywhere);
        users.sort_unstable();
        users.dedup();
        if let Some(forgotten) = omitted.get(place) {
            users.retain(|user| !forgotten.contains(user));
        }
    }
}
