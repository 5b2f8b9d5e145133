//! The estates: equal for equal seeds, large in little time, blemished where the demonstration needs it.

use std::collections::{BTreeMap, BTreeSet};

use recert::simulator::{Account, Estate, EstateOptions, Seed};

use crate::client::clean;

pub(crate) fn demo() -> (Estate, Estate) {
    let mut consoles: BTreeMap<_, _> =
        Estate::demo(7, 240, EstateOptions::default().as_of).into_iter().collect();
    assert_eq!(consoles.keys().map(String::as_str).collect::<Vec<_>>(), ["hq", "lab"]);
    (consoles.remove("hq").unwrap(), consoles.remove("lab").unwrap())
}

fn is_local(estate: &Estate, account: &Account) -> bool {
    !estate.is_external(account)
}

fn count(estate: &Estate, wanted: impl Fn(&Account) -> bool) -> usize {
    estate.users.values().filter(|account| wanted(account)).count()
}

fn is_global_admin(account: &Account) -> bool {
    account.role == "global-admin"
}

#[test]
fn equal_seeds_give_equal_estates() {
    let debug = |seed| format!("{:?}", Estate::demo(seed, 120, EstateOptions::default().as_of));
    assert_eq!(debug(7), debug(7));
    assert_ne!(debug(7), debug(8));
}

#[test]
fn sizes_are_as_asked() {
    let (hq, lab) = demo();
    assert_eq!((hq.users.len(), lab.users.len()), (240, 26));
    assert_eq!(Estate::demo(1, 30, EstateOptions::default().as_of)[1].1.users.len(), 12);
    let options = EstateOptions { users: 50_000, sites: 300, asset_groups: 200, ..EstateOptions::default() };
    let large = Estate::generate(&EstateOptions { blemishes: false, ..options });
    assert_eq!((large.users.len(), large.sites.len(), large.asset_groups.len()), (50_000, 300, 200));
    let logins: BTreeSet<_> = large.users.values().map(|account| &account.login).collect();
    assert_eq!(logins.len(), 50_000);
    let grants: usize =
        large.users.values().map(|account| account.sites.len() + account.asset_groups.len()).sum();
    assert!((150_000..250_000).contains(&grants), "{grants} grants for a mean of 4");
}

#[test]
fn no_users_no_places_is_an_estate_too() {
    let nothing = EstateOptions { users: 0, sites: 0, asset_groups: 0, ..EstateOptions::default() };
    let blemished = Estate::generate(&nothing);
    assert!(blemished.users.len() < 60);
    assert!(Estate::generate(&EstateOptions { blemishes: false, ..nothing }).users.is_empty());
}

#[test]
fn a_clean_estate_has_nothing_grave() {
    let estate = clean(500);
    assert!(estate.two_factor_enabled);
    assert_eq!(count(&estate, |account| is_local(&estate, account) && account.two_factor == Seed::Absent), 0);
    assert_eq!(count(&estate, |account| account.superuser && !is_global_admin(account)), 0);
    assert!(count(&estate, is_global_admin) <= 4);
    assert_eq!(count(&estate, |account| account.locked || account.privileges.is_some()), 0);
    assert_eq!(count(&estate, |account| account.email.is_none()), 1, "the installer's account");
    let idle = |account: &Account| account.sites.is_empty() && account.asset_groups.is_empty();
    assert_eq!(count(&estate, |account| account.enabled && !is_global_admin(account) && idle(account)), 0);
    assert_eq!(count(&estate, |account| !account.enabled && !idle(account)), 0);
    let used: BTreeSet<_> = estate.users.values().map(|account| &account.role).collect();
    assert!(estate.roles.keys().all(|role| used.contains(role)));
}

#[test]
fn most_people_of_the_demonstration_are_fine() {
    let (hq, _) = demo();
    assert!(count(&hq, |account| hq.sources[&account.source].kind == "ldap") > hq.users.len() / 2);
    assert!(count(&hq, |account| hq.sources[&account.source].kind == "saml") > 10);
    assert!(count(&hq, |account| is_local(&hq, account)) < hq.users.len() / 6);
}

#[test]
fn the_demonstration_has_accounts_without_a_second_factor() {
    let (hq, lab) = demo();
    let bare =
        |account: &Account| is_local(&hq, account) && account.enabled && account.two_factor == Seed::Absent;
    assert_eq!(
        count(&hq, |account| bare(account) && is_global_admin(account) && account.login == "admin"),
        1
    );
    assert!((2..8).contains(&count(&hq, |account| bare(account) && account.role == "user")));
    assert!(hq.two_factor_enabled && !lab.two_factor_enabled);
    assert!(lab.users.values().all(|account| account.two_factor == Seed::Absent));
}

#[test]
fn unanswered_second_factors_are_few_and_apart() {
    for seed in 0..20 {
        let hq = &Estate::demo(seed, 240, EstateOptions::default().as_of)[0].1;
        let silent = &hq.quirks.two_factor_unauthorized;
        assert!((2..=3).contains(&silent.len()), "{silent:?}");
        let local: Vec<_> =
            hq.users.iter().filter(|(_, account)| is_local(hq, account)).map(|(id, _)| id).collect();
        assert!(silent.iter().all(|id| hq.users[id].two_factor == Seed::Present && local.contains(&id)));
        let neighbours = local.windows(2).filter(|pair| pair.iter().all(|id| silent.contains(id)));
        assert_eq!(neighbours.count(), 0);
    }
}

#[test]
fn the_demonstration_has_hidden_power() {
    let (hq, _) = demo();
    assert_eq!(count(&hq, |account| account.superuser && account.enabled && !is_global_admin(account)), 1);
    assert!(count(&hq, |account| account.enabled && is_global_admin(account)) > 5);
    assert_eq!(
        count(&hq, |account| is_global_admin(account) && !account.enabled && !account.sites.is_empty()),
        1
    );
    let holders = |privilege: &str| {
        let custom = hq.roles.iter().filter(|(id, _)| *id != "global-admin");
        custom
            .filter(|(_, role)| role.privileges.contains(privilege))
            .map(|(id, _)| id.as_str())
            .collect::<Vec<_>>()
    };
    assert_eq!(holders("all-permissions"), ["platform-automation"]);
    assert_eq!(hq.roles["ExceptASCP"].privileges.len(), 34);
    assert_eq!(hq.roles["ExceptASCP"].name, "Scan operations");
    assert_eq!(holders("manage-cloud-connectors"), ["cloud-onboarding"]);
    assert_eq!((hq.privileges.len(), hq.roles["global-admin"].privileges.len()), (37, 36));
    assert_eq!((hq.roles["site-admin"].privileges.len(), hq.roles["user"].privileges.len()), (14, 6));
    let holds = |role: &str, all: &[&str]| all.iter().all(|id| hq.roles[role].privileges.contains(*id));
    assert!(holds(
        "exception-desk",
        &["submit-vulnerability-exceptions", "approve-vulnerability-exceptions"]
    ));
    assert!(holds(
        "Scan Engineer",
        &["manage-site-credentials", "specify-scan-targets", "start-unscheduled-scans"]
    ));
    for role in ["platform-automation", "ExceptASCP", "exception-desk", "Scan Engineer", "cloud-onboarding"] {
        assert!(count(&hq, |account| account.enabled && account.role == role) > 0, "nobody has {role}");
    }
    let differing: Vec<_> = hq.users.values().filter(|account| account.privileges.is_some()).collect();
    assert_eq!(differing.len(), 1);
    assert_ne!(hq.privileges_of(differing[0]), Some(&hq.roles[&differing[0].role].privileges));
}

#[test]
fn the_demonstration_has_untidy_roles() {
    let (hq, _) = demo();
    let used: BTreeSet<_> = hq.users.values().map(|account| account.role.as_str()).collect();
    let idle: Vec<_> = hq.roles.keys().filter(|role| !used.contains(role.as_str())).collect();
    assert_eq!(idle, ["LegacyPCIAuditors"]);
    let privileges = |role: &str| &hq.roles[role].privileges;
    let (one, other) = (privileges("Vulnerability Analyst"), privileges("Vulnerability Analyst EMEA"));
    assert!(one.intersection(other).count() * 10 >= one.union(other).count() * 9);
    assert!(privileges("ReadOnlyTriage").is_subset(one));
    assert!(hq.roles["custom"].privileges.is_empty());
}

#[test]
fn the_demonstration_has_odd_scopes() {
    let (hq, _) = demo();
    let wide = |account: &Account| account.all_sites && account.role == "user";
    assert_eq!(count(&hq, wide), 2);
    assert_eq!(count(&hq, |account| wide(account) && !account.sites.is_empty()), 1);
    let dangling = |account: &Account| account.sites.iter().any(|site| !hq.sites.contains_key(site));
    assert_eq!(count(&hq, dangling), 1);
    let (group, hidden) = hq.quirks.asset_group_users_omitted.first_key_value().unwrap();
    assert!(hidden.iter().all(|user| hq.users[user].asset_groups.contains(group)));
    let idle = |account: &Account| {
        account.enabled
            && !account.all_sites
            && !account.superuser
            && account.sites.is_empty()
            && account.asset_groups.is_empty()
    };
    assert_eq!(count(&hq, idle), 3);
    assert_eq!(count(&hq, |account| account.enabled && account.locked), 2);
}

#[test]
fn the_demonstration_has_doubtful_identities() {
    let (hq, _) = demo();
    let email = |account: &Account| account.email.clone().unwrap_or_default();
    assert!(count(&hq, |account| account.email.is_none()) >= 2);
    assert_eq!(count(&hq, |account| account.email.is_some() && !email(account).contains('@')), 1);
    assert_eq!(count(&hq, |account| email(account).ends_with("@freemail.example")), 1);
    assert_eq!(count(&hq, |account| email(account) == "soc@corp.example"), 2);
    for login in ["scanner", "test1", "helpdesk"] {
        assert!(hq.user_by_login(login).is_some(), "no {login}");
    }
    let mut by_name: BTreeMap<&str, Vec<&Account>> = BTreeMap::new();
    for account in hq.users.values() {
        by_name.entry(&account.name).or_default().push(account);
    }
    let twins: Vec<_> = by_name.into_values().filter(|accounts| accounts.len() > 1).collect();
    assert_eq!(twins.len(), 2);
    for pair in twins {
        assert_eq!(email(pair[0]).to_lowercase(), email(pair[1]).to_lowercase());
        assert_ne!(pair[0].source, pair[1].source);
        assert_ne!(pair[0].login, pair[1].login);
    }
}
