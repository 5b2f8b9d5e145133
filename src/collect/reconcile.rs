//! Reconciliation: the console answers "who is in this role, privilege, source, site, group" as well, and the answers
//! are held against the users' side. A disagreement names both sides; nothing is corrected.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;

use super::{Answers, Asker, Coverage, Focus, Ledger, Lists, Part, Population, User};
use crate::console::Console;
use crate::model::{
    Anomaly, AssetGroupId, AuthenticationSourceId, Claim, CrossCheck, PrivilegeId, RoleId, SiteId, UserId,
};

/// Disagreements on one object that are told one by one; beyond that they have one cause and are told as one.
const TOLD_APART: usize = 50;

/// The inverse lists.
#[derive(Default)]
pub(super) struct Inverse {
    roles: Answers<RoleId, BTreeSet<UserId>>,
    privileges: Answers<PrivilegeId, BTreeSet<UserId>>,
    sources: Answers<AuthenticationSourceId, BTreeSet<UserId>>,
    sites: Answers<SiteId, BTreeSet<UserId>>,
    asset_groups: Answers<AssetGroupId, BTreeSet<UserId>>,
}

impl Inverse {
    pub(super) async fn read(console: &Console, asker: &Asker<'_>, lists: &Lists, focus: &Focus) -> Self {
        if *focus != Focus::Everyone {
            return Self::default();
        }
        let roles = lists.roles.iter().map(|role| role.id.clone()).collect();
        let sources = lists.authentication_sources.iter().map(|source| source.id).collect();
        let sites = lists.sites.rows.iter().map(|site| site.id).collect();
        let groups = lists.asset_groups.rows.iter().map(|group| group.id).collect();
        let (roles, privileges, sources, sites, asset_groups) = tokio::join!(
            asker.each("/api/3/roles/{id}/users", roles, |id: RoleId| async move {
                Ok(console.get_role_users(&id).await?.into_iter().collect())
            }),
            asker.each(
                "/api/3/privileges/{id}/users",
                lists.privileges.clone(),
                |id: PrivilegeId| async move {
                    Ok(console.get_users_with_privilege(&id).await?.into_iter().collect())
                }
            ),
            asker.each("/api/3/authentication_sources/{id}/users", sources, |id| async move {
                Ok(console.get_authentication_source_users(id).await?.into_iter().collect())
            }),
            asker.each("/api/3/sites/{id}/users", sites, |id| async move {
                Ok(console.get_site_users(id).await?.into_iter().map(|user| user.id).collect())
            }),
            asker.each("/api/3/asset_groups/{id}/users", groups, |id| async move {
                Ok(console.get_asset_group_users(id).await?.into_iter().collect())
            }),
        );
        Self { roles, privileges, sources, sites, asset_groups }
    }

    /// Books what was seen of the inverse lists.
    pub(super) fn record(&self, ledger: &mut Ledger) {
        ledger.answers(Part::RoleUsers, Part::Roles, &self.roles);
        ledger.answers(Part::PrivilegeUsers, Part::Privileges, &self.privileges);
        ledger.answers(Part::AuthenticationSourceUsers, Part::AuthenticationSources, &self.sources);
        ledger.answers(Part::SiteUsers, Part::Sites, &self.sites);
        ledger.answers(Part::AssetGroupUsers, Part::AssetGroups, &self.asset_groups);
    }
}

/// Every disagreement, in the order of the cross-checks.
pub(super) fn anomalies(
    lists: &Lists,
    population: &Population,
    inverse: &Inverse,
    coverage: &Coverage,
) -> Vec<Anomaly> {
    let settled: Vec<&User> =
        population.users.iter().filter(|user| !population.moving.contains(&user.id)).collect();
    let reconciler = Reconciler {
        ids: settled.iter().map(|user| user.id).collect(),
        settled,
        moving: &population.moving,
        users_are_whole: coverage.is_complete(Part::Users),
    };
    let mut anomalies = Vec::new();
    anomalies.extend(reconciler.inverse(
        CrossCheck::RoleUsers,
        "/api/3/roles/{}/users",
        &inverse.roles,
        |user| user.role.id.as_ref().map(|id| vec![id.clone()]),
    ));
    anomalies.extend(reconciler.inverse(
        CrossCheck::PrivilegeUsers,
        "/api/3/privileges/{}/users",
        &inverse.privileges,
        |user| user.effective_privileges().map(|held| held.iter().cloned().collect()),
    ));
    anomalies.extend(reconciler.inverse(
        CrossCheck::AuthenticationSourceUsers,
        "/api/3/authentication_sources/{}/users",
        &inverse.sources,
        |user| user.authentication.as_ref().and_then(|authentication| authentication.id).map(|id| vec![id]),
    ));
    // Sites and groups: users with a flag are listed by some consoles and not by others (`console-api.md` §9.3).
    anomalies.extend(reconciler.inverse(
        CrossCheck::SiteUsers,
        "/api/3/sites/{}/users",
        &inverse.sites,
        |user| {
            let flagged = user.role.superuser || user.role.all_sites;
            user.sites.known().filter(|_| !flagged).cloned()
        },
    ));
    anomalies.extend(reconciler.inverse(
        CrossCheck::AssetGroupUsers,
        "/api/3/asset_groups/{}/users",
        &inverse.asset_groups,
        |user| {
            let flagged = user.role.superuser || user.role.all_asset_groups;
            user.asset_groups.known().filter(|_| !flagged).cloned()
        },
    ));
    for user in &reconciler.settled {
        anomalies.extend(definition(lists, user));
        anomalies.extend(dangling(lists, coverage, user));
        anomalies.extend(incomplete_record(user));
    }
    anomalies.sort();
    anomalies
}

struct Reconciler<'a> {
    /// Users that did not move during the collection.
    settled: Vec<&'a User>,
    ids: BTreeSet<UserId>,
    moving: &'a BTreeSet<UserId>,
    users_are_whole: bool,
}

impl Reconciler<'_> {
    /// Holds inverse lists against the users' side. `claims` gives what a user's side says; `None` is "says nothing".
    fn inverse<I: Ord + Clone + Display>(
        &self,
        check: CrossCheck,
        endpoint: &str,
        inverse: &Answers<I, BTreeSet<UserId>>,
        claims: impl Fn(&User) -> Option<Vec<I>>,
    ) -> Vec<Anomaly> {
        let mut forward: BTreeMap<I, BTreeSet<UserId>> = BTreeMap::new();
        let mut silent = BTreeSet::new();
        for user in &self.settled {
            match claims(user) {
                None => drop(silent.insert(user.id)),
                Some(objects) => {
                    for object in objects {
                        forward.entry(object).or_default().insert(user.id);
                    }
                }
            }
        }
        let nobody = BTreeSet::new();
        let mut anomalies = Vec::new();
        for (object, listed) in &inverse.known {
            let claimed = forward.get(object).unwrap_or(&nobody);
            let endpoint = endpoint.replace("{}", &object.to_string());
            let unlisted: Vec<UserId> = claimed.difference(listed).copied().collect();
            let unclaimed: Vec<UserId> =
                listed.difference(claimed).copied().filter(|id| self.may_object(*id, &silent)).collect();
            anomalies.extend(told(check, object, &endpoint, &unlisted, ("has it", "does not list the user")));
            anomalies.extend(told(
                check,
                object,
                &endpoint,
                &unclaimed,
                ("does not have it", "lists the user"),
            ));
        }
        anomalies
    }

    /// Whether the users' side can contradict a list that names this user: not if the user moved or says nothing, and
    /// for an unknown user only if the users were seen whole.
    fn may_object(&self, id: UserId, silent: &BTreeSet<UserId>) -> bool {
        if self.ids.contains(&id) {
            !silent.contains(&id)
        } else {
            self.users_are_whole && !self.moving.contains(&id)
        }
    }
}

/// Disagreements about one object, one by one or, where they are many, as one.
fn told(
    check: CrossCheck,
    object: &impl Display,
    endpoint: &str,
    users: &[UserId],
    (left, right): (&str, &str),
) -> Vec<Anomaly> {
    let anomaly = |user: Option<UserId>, from: String, left: String| Anomaly {
        check,
        user,
        object: object.to_string(),
        left: Claim { endpoint: from, says: left },
        right: Claim { endpoint: endpoint.to_owned(), says: right.to_owned() },
    };
    if users.len() > TOLD_APART {
        let says = format!("{left} ({} users, the first is {})", users.len(), users[0]);
        return vec![anomaly(None, "/api/3/users".to_owned(), says)];
    }
    users.iter().map(|id| anomaly(Some(*id), format!("/api/3/users/{id}"), left.to_owned())).collect()
}

/// The privileges in the listing against the role's definition and against the user's own answer.
fn definition(lists: &Lists, user: &User) -> Vec<Anomaly> {
    let Some(listed) = &user.role.privileges else { return Vec::new() };
    let role = user.role.id.as_ref().and_then(|id| lists.roles.iter().find(|role| role.id == *id));
    let asked = user.privileges.known();
    let against = |check, object: String, endpoint: String, other: &BTreeSet<PrivilegeId>| Anomaly {
        check,
        user: Some(user.id),
        object,
        left: Claim { endpoint: format!("/api/3/users/{}", user.id), says: beyond(listed, other) },
        right: Claim { endpoint, says: beyond(other, listed) },
    };
    let mut anomalies = Vec::new();
    if let Some(role) = role.filter(|role| role.privileges != *listed) {
        let endpoint = format!("/api/3/roles/{}", role.id);
        anomalies.push(against(CrossCheck::RoleDefinition, role.id.to_string(), endpoint, &role.privileges));
    }
    if let Some(asked) = asked.filter(|asked| *asked != listed) {
        let endpoint = format!("/api/3/users/{}/privileges", user.id);
        anomalies.push(against(CrossCheck::UserPrivileges, user.id.to_string(), endpoint, asked));
    }
    anomalies
}

/// What one side has and the other has not.
fn beyond(side: &BTreeSet<PrivilegeId>, other: &BTreeSet<PrivilegeId>) -> String {
    let extra: Vec<&str> = side.difference(other).map(PrivilegeId::as_str).collect();
    match extra.len() {
        0 => "nothing more".to_owned(),
        1..=5 => format!("also {}", extra.join(", ")),
        more => format!("also {} and {} more", extra[..5].join(", "), more - 5),
    }
}

/// References to what the console does not list. Proves nothing while the list itself has gaps.
fn dangling(lists: &Lists, coverage: &Coverage, user: &User) -> Vec<Anomaly> {
    let anomaly = |check, from: String, object: String, list: &str| Anomaly {
        check,
        user: Some(user.id),
        object,
        left: Claim { endpoint: from, says: "refers to it".to_owned() },
        right: Claim { endpoint: list.to_owned(), says: "does not list it".to_owned() },
    };
    let mut anomalies = Vec::new();
    if let Some(id) = user.role.id.as_ref().filter(|_| coverage.is_complete(Part::Roles))
        && !lists.roles.iter().any(|role| role.id == *id)
    {
        let from = format!("/api/3/users/{}", user.id);
        anomalies.push(anomaly(CrossCheck::DanglingRole, from, id.to_string(), "/api/3/roles"));
    }
    if coverage.is_complete(Part::Sites) {
        let listed = |id: &SiteId| lists.sites.rows.binary_search_by_key(id, |site| site.id).is_ok();
        for id in user.sites.known().into_iter().flatten().filter(|id| !listed(id)) {
            let from = format!("/api/3/users/{}/sites", user.id);
            anomalies.push(anomaly(CrossCheck::DanglingSite, from, id.to_string(), "/api/3/sites"));
        }
    }
    if coverage.is_complete(Part::AssetGroups) {
        let listed =
            |id: &AssetGroupId| lists.asset_groups.rows.binary_search_by_key(id, |group| group.id).is_ok();
        for id in user.asset_groups.known().into_iter().flatten().filter(|id| !listed(id)) {
            let from = format!("/api/3/users/{}/asset_groups", user.id);
            anomalies.push(anomaly(
                CrossCheck::DanglingAssetGroup,
                from,
                id.to_string(),
                "/api/3/asset_groups",
            ));
        }
    }
    anomalies
}

/// A record without what every known console sends.
fn incomplete_record(user: &User) -> Option<Anomaly> {
    let absent: Vec<&str> = [
        ("enabled", user.enabled.is_none()),
        ("locked", user.locked.is_none()),
        ("authentication", user.authentication.is_none()),
        ("role.id", user.role.id.is_none()),
    ]
    .into_iter()
    .filter_map(|(field, absent)| absent.then_some(field))
    .collect();
    (!absent.is_empty()).then(|| Anomaly {
        check: CrossCheck::IncompleteRecord,
        user: Some(user.id),
        object: user.id.to_string(),
        left: Claim {
            endpoint: format!("/api/3/users/{}", user.id),
            says: format!("leaves out {}", absent.join(", ")),
        },
        right: Claim { endpoint: "/api/3/users".to_owned(), says: "known consoles send it".to_owned() },
    })
}
