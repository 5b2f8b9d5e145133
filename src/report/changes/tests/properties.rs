//! What holds for every two worlds: what is told as gained and lost is the difference of the sets, and equal worlds
//! differ in nothing.

use proptest::prelude::*;
use proptest::sample::subsequence;

use super::*;
use crate::model::AssetGroupId;

const PRIVILEGES: [&str; 4] =
    ["create-reports", "create-tickets", "view-asset-group-asset-data", "view-site-asset-data"];

prop_compose! {
    fn account()(
        (superuser, all_sites, all_asset_groups) in (any::<bool>(), any::<bool>(), any::<bool>()),
        (enabled, locked) in (any::<bool>(), any::<bool>()),
        role in proptest::sample::select(vec!["Auditors", "user"]),
        privileges in subsequence(PRIVILEGES.to_vec(), 0..=4),
        sites in subsequence(vec![1, 2, 3, 4], 0..=4),
        groups in subsequence(vec![1, 2, 3], 0..=3),
    ) -> User {
        let mut account = with_role(user(0, "x"), role, &privileges);
        account.role.superuser = superuser;
        account.role.all_sites = all_sites;
        account.role.all_asset_groups = all_asset_groups;
        account.enabled = Some(enabled);
        account.locked = Some(locked);
        account.sites = Answer::Known(sites.into_iter().map(SiteId).collect());
        account.asset_groups = Answer::Known(groups.into_iter().map(AssetGroupId).collect());
        account
    }
}

prop_compose! {
    /// Some of six accounts, each as it may be.
    fn estate()(accounts in proptest::collection::vec(proptest::option::of(account()), 6)) -> Snapshot {
        let named = |(id, account): (i64, Option<User>)| {
            account.map(|account| User { id: crate::model::UserId(id), login: format!("user{id}").into(), ..account })
        };
        snapshot((1..).zip(accounts).filter_map(named).collect())
    }
}

/// What the lines of one kind say was gained and lost, by account; the lists are short enough to be whole.
fn balances(differences: &Differences, kind: &str) -> Vec<(String, BTreeSet<String>, BTreeSet<String>)> {
    let of_kind = differences.changes.iter().filter(|change| change.kind == kind);
    let mut balances: Vec<_> = of_kind
        .map(|change| {
            let part = |verb: &str| -> BTreeSet<String> {
                let says = change.summary.split("; ").find(|part| part.contains(verb));
                let names = says.and_then(|part| part.split_once(": ")).map(|(_, names)| names);
                names.into_iter().flat_map(|names| names.split(", ")).map(str::to_owned).collect()
            };
            (change.name.clone(), part("gains "), part("loses "))
        })
        .collect();
    balances.sort();
    balances
}

/// The same, naively, from the accounts of both worlds.
fn expected(
    then: &Snapshot,
    now: &Snapshot,
    set: impl Fn(&User) -> BTreeSet<String>,
    counts: impl Fn(&User, &User) -> bool,
) -> Vec<(String, BTreeSet<String>, BTreeSet<String>)> {
    let mut balances = Vec::new();
    for is in &now.users {
        let Some(was) = then.users.iter().find(|was| was.id == is.id) else { continue };
        let (before, after) = (set(was), set(is));
        if before != after && counts(was, is) {
            let beyond = |a: &BTreeSet<String>, b: &BTreeSet<String>| a.difference(b).cloned().collect();
            balances.push((is.login.to_string(), beyond(&after, &before), beyond(&before, &after)));
        }
    }
    balances.sort();
    balances
}

fn flags(user: &User) -> BTreeSet<String> {
    let role = &user.role;
    [
        ("superuser", role.superuser),
        ("all sites", role.all_sites),
        ("all asset groups", role.all_asset_groups),
    ]
    .into_iter()
    .filter(|flag| flag.1)
    .map(|flag| flag.0.to_owned())
    .collect()
}

fn logins(users: &[User], others: &[User]) -> Vec<String> {
    let missing = |user: &&User| !others.iter().any(|other| other.id == user.id);
    users.iter().filter(missing).map(|user| user.login.to_string()).collect()
}

fn named(differences: &Differences, change: &str) -> Vec<String> {
    let alike = |row: &&Change| row.kind == "user" && row.change == change;
    let mut names: Vec<String> =
        differences.changes.iter().filter(alike).map(|row| row.name.clone()).collect();
    names.sort();
    names
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 192, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_world_does_not_differ_from_itself(world in estate()) {
        let differences = between(world.clone(), world);
        prop_assert_eq!(told(&differences), Vec::<String>::new());
        prop_assert_eq!(open(&differences), Vec::<String>::new());
    }

    #[test]
    fn what_is_told_is_the_difference_of_the_sets(then in estate(), now in estate()) {
        let differences = between(then.clone(), now.clone());
        let sites = |user: &User| {
            let name = |id: &SiteId| if id.0 > 3 { format!("site {id} (not listed)") } else { format!("Site {id}") };
            user.sites.known().unwrap().iter().map(name).collect()
        };
        let groups = |user: &User| {
            let name = |id: &AssetGroupId| {
                if id.0 > 2 { format!("asset group {id} (not listed)") } else { format!("Group {id}") }
            };
            user.asset_groups.known().unwrap().iter().map(name).collect()
        };
        let held = |user: &User| {
            user.privileges.known().unwrap().iter().map(|id| id.as_str().to_owned()).collect()
        };
        let always = |_: &User, _: &User| true;
        prop_assert_eq!(balances(&differences, "site_grants"), expected(&then, &now, sites, always));
        prop_assert_eq!(balances(&differences, "asset_group_grants"), expected(&then, &now, groups, always));
        prop_assert_eq!(balances(&differences, "flags"), expected(&then, &now, flags, always));
        // Definitions are the same in both: what changed without another role has no explanation.
        let same_role = |was: &User, is: &User| was.role.id == is.role.id;
        prop_assert_eq!(balances(&differences, "privileges"), expected(&then, &now, held, same_role));
        prop_assert_eq!(named(&differences, "added"), logins(&now.users, &then.users));
        prop_assert_eq!(named(&differences, "removed"), logins(&then.users, &now.users));
        prop_assert_eq!(open(&differences), Vec::<String>::new());
        let back = between(now, then);
        prop_assert_eq!(named(&back, "enabled"), named(&differences, "disabled"));
        prop_assert_eq!(named(&back, "locked"), named(&differences, "unlocked"));
        prop_assert_eq!(named(&back, "role_changed"), named(&differences, "role_changed"));
    }

    #[test]
    fn from_a_world_that_nobody_saw_whole_nobody_comes_or_goes(then in estate(), now in estate()) {
        let blind = |world: Snapshot| incomplete(world, Part::Users);
        let differences = between(blind(then), blind(now));
        prop_assert_eq!(named(&differences, "added"), Vec::<String>::new());
        prop_assert_eq!(named(&differences, "removed"), Vec::<String>::new());
    }
}
