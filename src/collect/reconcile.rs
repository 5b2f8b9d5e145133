//! Reconciliation: the console answers "who is in this role, privilege, source, site, group" as well, and the answers
//! are held against the users' side. A disagreement names both sides; nothing is corrected.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;

use super::{Answers, Asker, Coverage, Focus, Ledger, Lists, Part, Population, User};
use crate::console::Console;
use crate::model::{
    Anomaly, AssetGroupId, AuthenticationSourceId, Claim, CrossCheck, PrivilegeId, RoleId, SiteId, UserId,
};

/// How many users of one disagreement are told one by one, so that a console on which two answers differ for everybody
/// does not fill the snapshot; the others are counted.
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
    let mut disagreements = Disagreements::default();
    reconciler.inverse(
        &mut disagreements,
        CrossCheck::RoleUsers,
        "/api/3/roles/{}/users",
        &inverse.roles,
        |user| user.role.id.as_ref().map(|id| vec![id.clone()]),
    );
    reconciler.inverse(
        &mut disagreements,
        CrossCheck::PrivilegeUsers,
        "/api/3/privileges/{}/users",
        &inverse.privileges,
        |user| user.effective_privileges().map(|held| held.iter().cloned().collect()),
    );
    reconciler.inverse(
        &mut disagreements,
        CrossCheck::AuthenticationSourceUsers,
        "/api/3/authentication_sources/{}/users",
        &inverse.sources,
        |user| user.authentication.as_ref().and_then(|authentication| authentication.id).map(|id| vec![id]),
    );
    // Sites and groups: users with a flag are listed by some consoles and not by others (`console-api.md` §9.3).
    reconciler.inverse(
        &mut disagreements,
        CrossCheck::SiteUsers,
        "/api/3/sites/{}/users",
        &inverse.sites,
        |user| {
            let flagged = user.role.superuser || user.role.all_sites;
            user.sites.known().filter(|_| !flagged).cloned()
        },
    );
    reconciler.inverse(
        &mut disagreements,
        CrossCheck::AssetGroupUsers,
        "/api/3/asset_groups/{}/users",
        &inverse.asset_groups,
        |user| {
            let flagged = user.role.superuser || user.role.all_asset_groups;
            user.asset_groups.known().filter(|_| !flagged).cloned()
        },
    );
    for user in &reconciler.settled {
        definition(lists, user, &mut disagreements);
        dangling(lists, coverage, user, &mut disagreements);
        incomplete_record(user, &mut disagreements);
    }
    disagreements.told()
}

/// Disagreements with the users that each is true of. Many users share few of them.
#[derive(Default)]
struct Disagreements(BTreeMap<Disagreement, BTreeSet<UserId>>);

/// A disagreement without its user.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Disagreement {
    check: CrossCheck,
    object: String,
    /// The question about the user behind the left side: what follows on `/api/3/users/{id}`.
    left_path: &'static str,
    left_says: Cow<'static, str>,
    right: Claim,
}

impl Disagreements {
    fn add(&mut self, disagreement: Disagreement, users: impl IntoIterator<Item = UserId>) {
        self.0.entry(disagreement).or_default().extend(users);
    }

    /// Every disagreement: the first users one by one, the others counted.
    fn told(self) -> Vec<Anomaly> {
        let mut anomalies = Vec::new();
        for (Disagreement { check, object, left_path, left_says, right }, users) in self.0 {
            let anomaly = |user: Option<UserId>, further_users: u64| {
                let (id, says) = match user {
                    Some(id) => (id.to_string(), left_says.to_string()),
                    None if further_users == 1 => {
                        ("{id}".to_owned(), format!("{left_says} (1 further user)"))
                    }
                    None => ("{id}".to_owned(), format!("{left_says} ({further_users} further users)")),
                };
                let left = Claim { endpoint: format!("/api/3/users/{id}{left_path}"), says };
                Anomaly { check, user, further_users, object: object.clone(), left, right: right.clone() }
            };
            anomalies.extend(users.iter().take(TOLD_APART).map(|id| anomaly(Some(*id), 0)));
            let further = users.len().saturating_sub(TOLD_APART);
            anomalies.extend((further > 0).then(|| anomaly(None, further as u64)));
        }
        anomalies.sort();
        anomalies
    }
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
        disagreements: &mut Disagreements,
        check: CrossCheck,
        endpoint: &str,
        inverse: &Answers<I, BTreeSet<UserId>>,
        claims: impl Fn(&User) -> Option<Vec<I>>,
    ) {
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
        for (object, listed) in &inverse.known {
            let claimed = forward.get(object).unwrap_or(&nobody);
            let endpoint = endpoint.replace("{}", &object.to_string());
            let disagreement = |left_says, right_says: &str| Disagreement {
                check,
                object: object.to_string(),
                left_path: "",
                left_says: Cow::Borrowed(left_says),
                right: Claim { endpoint: endpoint.clone(), says: right_says.to_owned() },
            };
            let unlisted: Vec<UserId> = claimed.difference(listed).copied().collect();
            let unclaimed: Vec<UserId> =
                listed.difference(claimed).copied().filter(|id| self.may_object(*id, &silent)).collect();
            if !unlisted.is_empty() {
                disagreements.add(disagreement("names it", "leaves the user out"), unlisted);
            }
            if !unclaimed.is_empty() {
                disagreements.add(disagreement("does not name it", "names the user"), unclaimed);
            }
        }
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

/// The privileges in the listing against the role's definition and against the user's own answer.
fn definition(lists: &Lists, user: &User, disagreements: &mut Disagreements) {
    let Some(listed) = &user.role.privileges else { return };
    let role = user.role.id.as_ref().and_then(|id| lists.roles.iter().find(|role| role.id == *id));
    let asked = user.privileges.known();
    let against = |check, object: String, endpoint: String, other: &BTreeSet<PrivilegeId>| Disagreement {
        check,
        object,
        left_path: "",
        left_says: Cow::Owned(beyond(listed, other)),
        right: Claim { endpoint, says: beyond(other, listed) },
    };
    if let Some(role) = role.filter(|role| role.privileges != **listed) {
        let endpoint = format!("/api/3/roles/{}", role.id);
        let check = CrossCheck::RoleDefinition;
        disagreements.add(against(check, role.id.to_string(), endpoint, &role.privileges), [user.id]);
    }
    if let Some(asked) = asked.filter(|asked| *asked != listed) {
        let endpoint = format!("/api/3/users/{}/privileges", user.id);
        let check = CrossCheck::UserPrivileges;
        disagreements.add(against(check, user.id.to_string(), endpoint, asked), [user.id]);
    }
}

/// What one side has and the other has not.
fn beyond(side: &BTreeSet<PrivilegeId>, other: &BTreeSet<PrivilegeId>) -> String {
    let extra: Vec<&str> = side.difference(other).map(PrivilegeId::as_str).collect();
    match extra.len() {
        0 => "has nothing more".to_owned(),
        1..=5 => format!("has also {}", extra.join(", ")),
        more => format!("has also {} and {} more", extra[..5].join(", "), more - 5),
    }
}

/// References to what the console does not list. Proves nothing while the list itself has gaps.
fn dangling(lists: &Lists, coverage: &Coverage, user: &User, disagreements: &mut Disagreements) {
    let mut add = |check, object: String, left_path, list: &str| {
        let left_says = Cow::Borrowed("refers to it");
        let right = Claim { endpoint: list.to_owned(), says: "does not list it".to_owned() };
        disagreements.add(Disagreement { check, object, left_path, left_says, right }, [user.id]);
    };
    if let Some(id) = user.role.id.as_ref().filter(|_| coverage.is_complete(Part::Roles))
        && !lists.roles.iter().any(|role| role.id == *id)
    {
        add(CrossCheck::DanglingRole, id.to_string(), "", "/api/3/roles");
    }
    if coverage.is_complete(Part::Sites) {
        let listed = |id: &SiteId| lists.sites.rows.binary_search_by_key(id, |site| site.id).is_ok();
        for id in user.sites.known().into_iter().flatten().filter(|id| !listed(id)) {
            add(CrossCheck::DanglingSite, id.to_string(), "/sites", "/api/3/sites");
        }
    }
    if coverage.is_complete(Part::AssetGroups) {
        let listed =
            |id: &AssetGroupId| lists.asset_groups.rows.binary_search_by_key(id, |group| group.id).is_ok();
        for id in user.asset_groups.known().into_iter().flatten().filter(|id| !listed(id)) {
            add(CrossCheck::DanglingAssetGroup, id.to_string(), "/asset_groups", "/api/3/asset_groups");
        }
    }
}

/// A record without what every known console sends.
fn incomplete_record(user: &User, disagreements: &mut Disagreements) {
    let absent: Vec<&str> = [
        ("enabled", user.enabled.is_none()),
        ("locked", user.locked.is_none()),
        ("authentication", user.authentication.is_none()),
        ("role.id", user.role.id.is_none()),
    ]
    .into_iter()
    .filter_map(|(field, absent)| absent.then_some(field))
    .collect();
    if absent.is_empty() {
        return;
    }
    let disagreement = Disagreement {
        check: CrossCheck::IncompleteRecord,
        object: user.id.to_string(),
        left_path: "",
        left_says: Cow::Owned(format!("leaves out {}", absent.join(", "))),
        right: Claim {
            endpoint: "/api/3/users".to_owned(),
            says: "should send it, as known consoles do".to_owned(),
        },
    };
    disagreements.add(disagreement, [user.id]);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(users: impl IntoIterator<Item = i64>) -> Vec<Anomaly> {
        let mut disagreements = Disagreements::default();
        for user in users {
            let disagreement = Disagreement {
                check: CrossCheck::DanglingSite,
                object: "9".into(),
                left_path: "/sites",
                left_says: Cow::Borrowed("refers to it"),
                right: Claim { endpoint: "/api/3/sites".into(), says: "does not list it".into() },
            };
            disagreements.add(disagreement, [UserId(user)]);
        }
        disagreements.told()
    }

    #[test]
    fn one_more_user_takes_nothing_away() {
        let (all, one_more) = (told(1..=50), told(1..=51));
        assert_eq!(all.len(), 50);
        assert!(all.iter().all(|anomaly| anomaly.user.is_some() && anomaly.further_users == 0));
        assert!(all.iter().all(|anomaly| one_more.contains(anomaly)));
        let rest: Vec<_> = one_more.iter().filter(|anomaly| !all.contains(anomaly)).collect();
        assert_eq!((rest.len(), rest[0].user, rest[0].further_users), (1, None, 1));
        assert_eq!(rest[0].left.says, "refers to it (1 further user)");
    }

    #[test]
    fn a_snapshot_does_not_grow_with_the_users() {
        let told = told((1..=100_000).rev());
        assert_eq!(told.len(), TOLD_APART + 1);
        assert_eq!(told[0].further_users, 100_000 - 50);
        assert_eq!(told[0].left.endpoint, "/api/3/users/{id}/sites");
        assert_eq!(told[1].left.endpoint, "/api/3/users/1/sites");
    }
}
