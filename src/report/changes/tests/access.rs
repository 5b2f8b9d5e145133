//! Accounts, roles, privileges and grants.

use super::*;
use crate::model::{AssetGroupId, Authentication, AuthenticationSourceId, RoleId};

fn mia(world: &mut Snapshot) -> &mut User {
    &mut world.users[1]
}

fn noor(world: &mut Snapshot) -> &mut User {
    &mut world.users[2]
}

/// What is told when mia changes so.
fn told_of(change: impl FnOnce(&mut User)) -> Vec<String> {
    told(&between(world(), with(|world| change(mia(world)))))
}

fn privileges(ids: &[&str]) -> Arc<BTreeSet<PrivilegeId>> {
    Arc::new(ids.iter().map(|id| PrivilegeId::from(*id)).collect())
}

#[test]
fn accounts_are_added_and_removed() {
    let fewer = || with(|world| drop(world.users.remove(1)));
    assert_eq!(
        told(&between(fewer(), world())),
        [
            "user added: mia was added: role User (user), source Corporate LDAP, enabled; reaches 1 site and no asset group"
        ]
    );
    assert_eq!(told(&between(world(), fewer())), ["user removed: mia was removed; it had role User (user)"]);
}

#[test]
fn a_list_that_was_not_seen_whole_adds_and_removes_nobody() {
    let fewer = || with(|world| drop(world.users.remove(1)));
    for part in [Part::Users, Part::Collector] {
        let added = between(incomplete(fewer(), part), world());
        assert_eq!(told(&added), Vec::<String>::new(), "{part}");
        assert!(open(&added)[0].contains("in the earlier run: no"), "{:?}", open(&added));
        let removed = between(world(), incomplete(fewer(), part));
        assert_eq!(told(&removed), Vec::<String>::new(), "{part}");
        assert!(open(&removed)[0].contains("in this run: no"), "{:?}", open(&removed));
    }
    let both = between(incomplete(world(), Part::Users), incomplete(world(), Part::Users));
    assert_eq!(open(&both), ["users: not seen whole in both runs: no user is called added or removed"]);
    let seen = between(fewer(), incomplete(world(), Part::Users));
    assert_eq!(told(&seen).len(), 1, "who is there, and was not on a whole list, was added");
}

#[test]
fn the_state_of_an_account_is_told() {
    assert_eq!(told_of(|mia| mia.enabled = Some(false)), ["user disabled: mia was disabled"]);
    assert_eq!(told_of(|mia| mia.locked = Some(true)), ["user locked: mia was locked"]);
    assert_eq!(
        told_of(|mia| mia.login = "mia.b".into()),
        ["user renamed: mia.b was called mia in the earlier run"]
    );
    let back = between(with(|world| mia(world).enabled = Some(false)), world());
    assert_eq!(told(&back), ["user enabled: mia was enabled"]);
}

#[test]
fn a_field_that_is_missing_is_no_change() {
    let clear: [fn(&mut User); 4] = [
        |mia| mia.enabled = None,
        |mia| mia.locked = None,
        |mia| mia.authentication = None,
        |mia| (mia.role.id, mia.role.name) = (None, None),
    ];
    for change in clear {
        let differences = between(world(), with(|world| change(mia(world))));
        assert_eq!(told(&differences), Vec::<String>::new());
        assert_eq!(
            open(&differences),
            [
                "users: a field is missing in one of the two records of 1 user (mia): nothing is said of that field"
            ]
        );
    }
}

#[test]
fn another_role_is_one_line_with_what_it_gives_and_takes() {
    let change = |mia: &mut User| {
        *mia = with_role(mia.clone(), "Auditors", &["view-site-asset-data", "create-reports"]);
    };
    assert_eq!(
        told_of(change),
        [
            "user role_changed: mia has role Auditors now, not User (user): gains 1 privilege: create-reports; \
          loses 1 privilege: view-asset-group-asset-data"
        ]
    );
    let unknown = |mia: &mut User| {
        change(mia);
        (mia.privileges, mia.role.privileges) = (Answer::Missing, None);
    };
    assert_eq!(told_of(unknown), ["user role_changed: mia has role Auditors now, not User (user)"]);
}

#[test]
fn another_source_is_told_with_what_it_means_for_the_password() {
    let local = |mia: &mut User| {
        mia.authentication = Some(
            Authentication {
                id: Some(AuthenticationSourceId(2)),
                name: Some("Builtin Users".into()),
                kind: Some("normal".into()),
                external: Some(false),
            }
            .into(),
        );
        mia.two_factor = TwoFactor::NotConfigured;
    };
    assert_eq!(
        told_of(local),
        [
            "user source_changed: mia authenticates at Builtin Users now, not Corporate LDAP: the console itself checks \
          the password, without a second factor"
        ]
    );
    let renamed = |mia: &mut User| mia.authentication.as_mut().unwrap().name = Some("LDAP 2".into());
    assert_eq!(
        told_of(renamed),
        Vec::<String>::new(),
        "the source has another name, not the user another source"
    );
}

#[test]
fn flags_are_one_line_and_explain_the_grants() {
    let gains = |mia: &mut User| {
        (mia.role.superuser, mia.role.all_sites) = (true, true);
        mia.sites = Answer::NotAsked;
    };
    let differences = between(world(), with(|world| gains(mia(world))));
    assert_eq!(told(&differences), ["flags gained: mia gains 2 flags: superuser, all sites"]);
    assert!(differences.changes[0].administrator && open(&differences).is_empty());
    let loses = between(with(|world| gains(mia(world))), world());
    assert_eq!(
        told(&loses),
        ["flags lost: mia loses 2 flags: superuser, all sites; it reaches 1 site by grants of its own"]
    );
    assert!(loses.changes[0].administrator, "it was one then");
}

#[test]
fn a_second_factor_is_gained_and_lost_by_proof_alone() {
    let states =
        [TwoFactor::Configured, TwoFactor::NotConfigured, TwoFactor::Delegated, TwoFactor::Undetermined];
    for then in states {
        for now in states {
            let differences = between(
                with(|world| noor(world).two_factor = then),
                with(|world| noor(world).two_factor = now),
            );
            let expected: &[&str] = match (then, now) {
                (TwoFactor::Configured, TwoFactor::NotConfigured) => {
                    &["user two_factor_lost: noor has no second factor any more"]
                }
                (TwoFactor::NotConfigured, TwoFactor::Configured) => {
                    &["user two_factor_gained: noor has a second factor now"]
                }
                _ => &[],
            };
            assert_eq!(told(&differences), expected, "{then:?} {now:?}");
            let undetermined = [then, now].contains(&TwoFactor::Undetermined);
            assert_eq!(open(&differences).len(), usize::from(undetermined), "{then:?} {now:?}");
        }
    }
}

#[test]
fn a_switch_of_the_whole_console_is_one_line() {
    let off = |world: &mut Snapshot| {
        world.settings.two_factor = Some(false);
        world.users[0].two_factor = TwoFactor::NotConfigured;
        noor(world).two_factor = TwoFactor::NotConfigured;
    };
    assert_eq!(
        told(&between(world(), with(off))),
        [
            "console two_factor_switched_off: Console hq has two-factor authentication switched off: 2 accounts lost it"
        ]
    );
    assert_eq!(
        told(&between(with(off), world())),
        [
            "console two_factor_switched_on: Console hq has two-factor authentication switched on: counts for 2 accounts now"
        ]
    );
}

#[test]
fn privileges_that_the_role_does_not_explain_are_told() {
    let more = privileges(&["create-reports", "view-asset-group-asset-data"]);
    assert_eq!(
        told_of(|mia| mia.privileges = Answer::Known(more.clone())),
        [
            "privileges changed: mia gains 1 privilege: create-reports; loses 1 privilege: view-site-asset-data; \
          no change of its role explains it"
        ]
    );
    let missing = between(
        world(),
        with(|world| {
            (mia(world).privileges, mia(world).role.privileges) = (Answer::Missing, None);
        }),
    );
    assert_eq!(told(&missing), Vec::<String>::new());
    assert_eq!(
        open(&missing),
        [
            "user_privileges: no answer in one of the two runs about 1 user (mia): no privilege of theirs is called gained or lost"
        ]
    );
}

#[test]
fn answers_to_different_questions_are_not_compared() {
    // The account's own answer and the copy in the listing differ on this console, then as now.
    let own = privileges(&["create-reports"]);
    let full = with(|world| mia(world).privileges = Answer::Known(own));
    let lean = with(|world| {
        world.depth = Depth::Lean;
        world.users.iter_mut().for_each(|user| user.privileges = Answer::NotAsked);
    });
    assert_eq!(told(&between(full, lean)), Vec::<String>::new());
}

#[test]
fn a_definition_that_was_edited_is_one_line_for_all_its_holders() {
    let now = with(|world| {
        for id in 10..60 {
            world.users.push(user(id, &format!("user{id}")));
        }
    });
    let edited = |mut world: Snapshot| {
        world.roles[2].privileges.insert("manage-sites".into());
        for user in world.users.iter_mut().filter(|user| user.role.id == Some("user".into())) {
            let held = privileges(&["manage-sites", "view-asset-group-asset-data", "view-site-asset-data"]);
            (user.privileges, user.role.privileges) = (Answer::Known(held.clone()), Some(held));
        }
        world
    };
    assert_eq!(
        told(&between(now.clone(), edited(now.clone()))),
        ["role changed: Role user, held by 52 users, gains 1 privilege: manage-sites"]
    );
    let mut upgraded = edited(now.clone());
    upgraded.console.version = Some("6.7.0".into());
    assert_eq!(
        told(&between(now.clone(), upgraded.clone()))[1],
        "role upgraded: Role user, held by 52 users, gains 1 privilege: manage-sites (upgrade 6.6.210 → 6.7.0)"
    );
    upgraded.roles[0].privileges.clear();
    let both = told(&between(now.clone(), upgraded));
    assert!(
        both[1].starts_with("role changed: Role Auditors, held by 0 users, loses 2 privileges"),
        "a custom role was edited, whatever the version: {both:?}"
    );
    let unlisted = incomplete(edited(now.clone()), Part::Users);
    assert!(
        told(&between(now, unlisted))[0]
            .starts_with("role changed: Role user, held by at least 52 users, gains")
    );
}

#[test]
fn roles_are_added_removed_and_renamed() {
    let renamed = with(|world| world.roles[0].name = "Internal audit".into());
    assert_eq!(
        told(&between(world(), renamed)),
        ["role renamed: Role Auditors is called Internal audit now"]
    );
    let fewer = || with(|world| drop(world.roles.remove(0)));
    assert_eq!(
        told(&between(fewer(), world())),
        ["role added: Role Auditors was added, held by 0 users: 2 privileges"]
    );
    assert_eq!(
        told(&between(world(), fewer())),
        ["role removed: Role Auditors was removed; 0 users held it"]
    );
    for part in [Part::Roles, Part::Collector] {
        let removed = between(world(), incomplete(fewer(), part));
        assert_eq!(told(&removed), Vec::<String>::new(), "{part}");
        let added = between(incomplete(fewer(), part), world());
        assert_eq!(told(&added), Vec::<String>::new(), "{part}");
    }
}

#[test]
fn a_definition_of_an_administrative_role_comes_first() {
    let differences = between(
        world(),
        with(|world| {
            world.roles.iter_mut().for_each(|role| role.privileges.extend(["zz-new".into()]));
            assert_eq!(world.roles[1].id, RoleId::from(GLOBAL_ADMIN));
        }),
    );
    let first = &differences.changes[0];
    assert_eq!((&*first.id, first.administrator), (GLOBAL_ADMIN, true));
    assert_eq!(differences.changes.iter().filter(|change| change.administrator).count(), 1);
}

#[test]
fn privileges_of_the_console_appear_with_an_upgrade() {
    let newer = || {
        with(|world| {
            world.console.version = Some("6.7.0".into());
            world.privileges.push("manage-novelties".into());
        })
    };
    assert_eq!(
        told(&between(world(), newer()))[1],
        "privilege added: Privilege manage-novelties appeared on the console (upgrade 6.6.210 → 6.7.0)"
    );
    let gone = between(newer(), incomplete(world(), Part::Privileges));
    assert_eq!(told(&gone).len(), 1, "the version alone: {:?}", told(&gone));
}

#[test]
fn sources_sites_and_groups_are_added_and_removed() {
    let fewer = || {
        with(|world| {
            world.authentication_sources.remove(2);
            world.sites.remove(2);
            world.asset_groups.remove(1);
        })
    };
    assert_eq!(
        told(&between(fewer(), world())),
        [
            "authentication_source added: Authentication source Corporate LDAP was added",
            "site added: Site Site 3 was added",
            "asset_group added: Asset group Group 2 was added",
        ]
    );
    assert_eq!(told(&between(world(), fewer())).len(), 3);
    let blind = |world: Snapshot| {
        let parts = [Part::AuthenticationSources, Part::Sites, Part::AssetGroups];
        parts.into_iter().fold(world, incomplete)
    };
    let removed = between(world(), blind(fewer()));
    assert_eq!((told(&removed), open(&removed).len()), (Vec::new(), 3));
    let added = between(blind(fewer()), world());
    assert_eq!((told(&added), open(&added).len()), (Vec::new(), 3));
}

#[test]
fn grants_are_one_line_for_each_kind_of_scope() {
    let change = |mia: &mut User| {
        mia.sites = Answer::Known(vec![SiteId(2), SiteId(3), SiteId(99)]);
        mia.asset_groups = Answer::Known(vec![AssetGroupId(1)]);
    };
    assert_eq!(
        told_of(change),
        [
            "site_grants changed: mia gains 3 sites: Site 2, Site 3, site 99 (not listed); loses 1 site: Site 1",
            "asset_group_grants gained: mia gains 1 asset group: Group 1",
        ]
    );
    let under_a_flag = |world: &mut Snapshot| mia(world).role.all_sites = true;
    let differences = between(
        with(under_a_flag),
        with(|world| {
            under_a_flag(world);
            mia(world).sites = Answer::Known(Vec::new());
        }),
    );
    assert_eq!(
        told(&differences),
        ["site_grants lost: mia loses 1 site: Site 1; it reaches every site anyway"]
    );
}

#[test]
fn grants_that_were_not_answered_are_neither_gained_nor_lost() {
    let missing =
        || with(|world| (mia(world).sites, mia(world).asset_groups) = (Answer::Missing, Answer::Missing));
    for differences in [between(world(), missing()), between(missing(), world())] {
        assert_eq!(told(&differences), Vec::<String>::new());
        assert_eq!(
            open(&differences),
            [
                "user_sites: no answer in one of the two runs about 1 user (mia): no site grant of theirs is called gained or lost",
                "user_asset_groups: no answer in one of the two runs about 1 user (mia): no asset group grant of theirs is \
                 called gained or lost",
            ]
        );
    }
    let limited = between(
        world(),
        incomplete(with(|world| mia(world).sites = Answer::Known(Vec::new())), Part::Collector),
    );
    assert_eq!(told(&limited), Vec::<String>::new(), "a collector without all rights sees filtered lists");
    let not_asked = between(world(), with(|world| mia(world).sites = Answer::NotAsked));
    assert_eq!((told(&not_asked).len(), open(&not_asked).len()), (0, 1), "nobody asked, and no flag answers");
}

#[test]
fn what_goes_with_its_site_is_told_once() {
    let removed = with(|world| {
        world.sites.remove(0);
        for user in &mut world.users {
            user.sites = Answer::Known(Vec::new());
        }
    });
    assert_eq!(
        told(&between(world(), removed)),
        ["site removed: Site Site 1 was removed; 3 users had a grant of its own"]
    );
}

#[test]
fn thousands_of_users_with_every_grant_changed_have_two_lines_each() {
    let estate = |sites: fn(i64) -> Vec<SiteId>| {
        let of = |id: i64| User {
            sites: Answer::Known(sites(id)),
            asset_groups: Answer::Known(sites(id).into_iter().map(|id| AssetGroupId(id.0)).collect()),
            ..user(id, "mia")
        };
        let mut world = snapshot((1..=5_000).map(of).collect());
        world.sites.clear();
        world
    };
    let differences = between(
        estate(|id| (id..id + 20).map(SiteId).collect()),
        estate(|id| (id + 20..id + 40).map(SiteId).collect()),
    );
    assert_eq!(differences.changes.len(), 10_000);
    let longest = differences.changes.iter().map(|change| change.summary.len()).max().unwrap();
    assert!(longest < 1_000, "{longest}");
    assert!(differences.changes[0].summary.contains("and 12 more; loses 20 sites: "));
}
