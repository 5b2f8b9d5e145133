//! "Why can she see that site?" and "who can do this?": the paths that grant access.

use std::collections::BTreeSet;

use serde::Serialize;

use super::{AccessGraph, Reach, Via};
use crate::model::{AssetGroupId, PrivilegeId, SiteId, User, UserId};

/// Everything one user can do, and through what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Explanation {
    /// The user.
    pub user: UserId,
    /// Its login.
    pub login: String,
    /// Whether the account can be used at all.
    pub enabled: bool,
    /// Its role, as `name (id)`.
    pub role: String,
    /// Each privilege with its path; `None` if they are not known.
    pub privileges: Option<Vec<PrivilegePath>>,
    /// Each site with its paths; `None` if they are not known.
    pub sites: Option<Vec<ScopeExplanation>>,
    /// Each asset group with its paths; `None` if they are not known.
    pub asset_groups: Option<Vec<ScopeExplanation>>,
}

/// A privilege and what grants it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PrivilegePath {
    /// The privilege.
    pub privilege: PrivilegeId,
    /// What grants it: the role, or the console's answer alone where the role does not list it.
    pub through: String,
}

/// A site or an asset group and what grants it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ScopeExplanation {
    /// Its id.
    pub id: i64,
    /// Its name; its id in words if the console does not list it.
    pub name: String,
    /// Every path; revoking access takes all of them away.
    pub via: Vec<Via>,
}

/// Where a privilege is to be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// Anywhere.
    Anywhere,
    /// On one site.
    Site(SiteId),
    /// On one asset group.
    AssetGroup(AssetGroupId),
}

/// Someone who holds a privilege where it was asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Holder {
    /// The user.
    pub user: UserId,
    /// Its login.
    pub login: String,
    /// Its full name.
    pub name: String,
    /// Whether the account can be used.
    pub enabled: bool,
    /// What grants the privilege.
    pub through: String,
    /// What grants the site or group; empty if none was asked for.
    pub scope_via: Vec<Via>,
    /// Whether the scope could not be told, so that the answer may be wrong in either direction.
    pub scope_unknown: bool,
}

impl AccessGraph {
    /// Every privilege, site and asset group of one user, and through what.
    pub fn explain(&self, user: &User) -> Explanation {
        let snapshot = self.snapshot();
        Explanation {
            user: user.id,
            login: user.login.clone(),
            enabled: user.is_enabled(),
            role: role_label(user),
            privileges: user.effective_privileges().map(|held| {
                let path = |privilege: &PrivilegeId| PrivilegePath {
                    privilege: privilege.clone(),
                    through: self.through(user, privilege),
                };
                held.iter().map(path).collect()
            }),
            sites: scopes(&self.sites_of(user), snapshot.sites.iter().map(|site| site.id), |id| {
                (
                    id.0,
                    self.site(id).map_or_else(|| format!("site {id} (not listed)"), |site| site.name.clone()),
                )
            }),
            asset_groups: scopes(
                &self.asset_groups_of(user),
                snapshot.asset_groups.iter().map(|group| group.id),
                |id| {
                    let name = self.asset_group(id).map(|group| group.name.clone());
                    (id.0, name.unwrap_or_else(|| format!("asset group {id} (not listed)")))
                },
            ),
        }
    }

    /// Everyone who holds a privilege, anywhere or on one site or group. `all-permissions` and the superuser flag
    /// include every privilege. Users whose privileges are not known are left out: the coverage names them.
    pub fn who_can(&self, privilege: &PrivilegeId, target: Target) -> Vec<Holder> {
        let holder = |user: &User| {
            if !user.holds(privilege) {
                return None;
            }
            let (included, scope_via) = match target {
                Target::Anywhere => (Some(true), Vec::new()),
                Target::Site(id) => on(&self.sites_of(user), &id),
                Target::AssetGroup(id) => on(&self.asset_groups_of(user), &id),
            };
            (included != Some(false)).then(|| Holder {
                user: user.id,
                login: user.login.clone(),
                name: user.name.clone(),
                enabled: user.is_enabled(),
                through: self.through(user, privilege),
                scope_via,
                scope_unknown: included.is_none(),
            })
        };
        self.users().iter().filter_map(holder).collect()
    }

    fn through(&self, user: &User, privilege: &PrivilegeId) -> String {
        let definition = user.role.id.as_ref().and_then(|id| self.role(id));
        let lists = |id: &str| definition.is_some_and(|role| role.privileges.contains(id));
        let held = |id: &str| user.effective_privileges().is_some_and(|held| held.contains(id));
        if lists(privilege.as_str()) {
            format!("role {}", role_label(user))
        } else if held(privilege.as_str()) {
            format!("the console's answer alone; role {} does not list it", role_label(user))
        } else if held("all-permissions") {
            format!("all-permissions of role {}", role_label(user))
        } else {
            "the superuser flag".to_owned()
        }
    }
}

fn role_label(user: &User) -> String {
    match (&user.role.name, &user.role.id) {
        (Some(name), Some(id)) => format!("{name} ({id})"),
        (Some(name), None) => name.clone(),
        (None, Some(id)) => id.to_string(),
        (None, None) => "unknown".to_owned(),
    }
}

fn on<T: PartialEq>(reach: &Reach<'_, T>, id: &T) -> (Option<bool>, Vec<Via>) {
    let via = match reach {
        Reach::All { via, direct } => {
            let direct = direct.contains(id).then_some(Via::Direct);
            via.iter().copied().chain(direct).collect()
        }
        Reach::Listed(ids) if ids.contains(id) => vec![Via::Direct],
        Reach::Listed(_) | Reach::Unknown => Vec::new(),
    };
    (reach.includes(id), via)
}

fn scopes<T: Copy + Ord>(
    reach: &Reach<'_, T>,
    all: impl Iterator<Item = T>,
    describe: impl Fn(T) -> (i64, String),
) -> Option<Vec<ScopeExplanation>> {
    let ids: BTreeSet<T> = match reach {
        Reach::All { direct, .. } => all.chain(direct.iter().copied()).collect(),
        Reach::Listed(ids) => ids.iter().copied().collect(),
        Reach::Unknown => return None,
    };
    let explain = |id: T| {
        let (number, name) = describe(id);
        ScopeExplanation { id: number, name, via: on(reach, &id).1 }
    };
    Some(ids.into_iter().map(explain).collect())
}
