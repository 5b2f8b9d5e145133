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
            login: user.login.to_string(),
            enabled: user.is_enabled(),
            role: user.role.label(),
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
                login: user.login.to_string(),
                name: user.name.to_string(),
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
            format!("role {}", user.role.label())
        } else if held(privilege.as_str()) {
            format!("the console's answer alone; role {} does not list it", user.role.label())
        } else if held("all-permissions") {
            format!("all-permissions of role {}", user.role.label())
        } else {
            "the superuser flag".to_owned()
        }
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::model::Answer;
    use crate::model::sample::{global_admin, snapshot, user, with_role};

    fn graph(users: Vec<User>) -> AccessGraph {
        AccessGraph::build(snapshot(users))
    }

    #[test]
    fn every_path_to_a_site_is_told() {
        let mut mia = user(2, "mia");
        mia.role.all_sites = true;
        let graph = graph(vec![global_admin(1, "admin"), mia]);
        let paths = |id: i64| {
            let sites = graph.explain(graph.user(UserId(id)).unwrap()).sites.unwrap();
            sites.into_iter().map(|site| (site.id, site.via)).collect::<Vec<_>>()
        };
        let (all, direct, superuser) = (Via::AllFlag, Via::Direct, Via::Superuser);
        assert_eq!(paths(2), [(1, vec![all, direct]), (2, vec![all]), (3, vec![all])]);
        assert_eq!(paths(1)[0], (1, vec![superuser, all, direct]));
    }

    #[test]
    fn what_the_console_did_not_answer_is_unknown_and_not_nothing() {
        let mut noor = user(7, "noor");
        noor.sites = Answer::Missing;
        let graph = graph(vec![noor]);
        assert_eq!(graph.explain(&graph.users()[0]).sites, None);
        let view = PrivilegeId::from("view-site-asset-data");
        let holders = graph.who_can(&view, Target::Site(SiteId(1)));
        assert!(holders[0].scope_unknown && holders[0].scope_via.is_empty());
    }

    #[test]
    fn who_can_counts_roles_wildcards_and_superusers_and_heeds_the_scope() {
        let wildcard = with_role(user(3, "wild"), "Automation", &["all-permissions"]);
        let graph = graph(vec![global_admin(1, "admin"), user(2, "mia"), wildcard]);
        let logins = |privilege: &str, target| {
            let holders = graph.who_can(&PrivilegeId::from(privilege), target);
            holders.into_iter().map(|holder| holder.login).collect::<Vec<_>>()
        };
        assert_eq!(logins("manage-sites", Target::Anywhere), ["admin", "wild"]);
        assert_eq!(logins("view-site-asset-data", Target::Site(SiteId(1))), ["admin", "mia", "wild"]);
        assert_eq!(logins("view-site-asset-data", Target::Site(SiteId(2))), ["admin"]);
        assert_eq!(logins("view-site-asset-data", Target::AssetGroup(AssetGroupId(1))), ["admin"]);
        let through: Vec<_> = graph
            .who_can(&PrivilegeId::from("manage-sites"), Target::Anywhere)
            .into_iter()
            .map(|holder| holder.through)
            .collect();
        assert_eq!(through, ["role global-admin", "all-permissions of role Automation"]);
    }

    #[test]
    fn a_privilege_beyond_the_role_is_told_as_such() {
        let mut mia = user(2, "mia");
        mia.privileges = Answer::Known(Arc::new([PrivilegeId::from("manage-tags")].into()));
        let graph = graph(vec![mia]);
        let privileges = graph.explain(&graph.users()[0]).privileges.unwrap();
        assert_eq!(privileges[0].through, "the console's answer alone; role User (user) does not list it");
    }
}
