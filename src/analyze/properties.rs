//! What holds for every rule and every world: no rule breaks, order does not matter, and ids are stable and unique.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use proptest::sample::{Index, select, subsequence};

use super::Policy;
use crate::finding::{Finding, Judgement, Verdict};
use crate::graph::AccessGraph;
use crate::history::History;
use crate::model::sample::{role, snapshot, user};
use crate::model::{
    Act, Anomaly, Answer, AssetGroupId, Authentication, AuthenticationSourceId, Claim, CrossCheck, Exception,
    ExceptionKind, KNOWN_PRIVILEGES, Part, PartState, PrivilegeId, ReportAccess, SiteId, Snapshot, TwoFactor,
    User, UserId,
};

fn state() -> impl Strategy<Value = Option<bool>> {
    select(vec![Some(true), Some(true), Some(false), None])
}

fn privileges() -> impl Strategy<Value = BTreeSet<PrivilegeId>> {
    let ids: Vec<&str> = KNOWN_PRIVILEGES.iter().copied().chain(["manage-novelties"]).collect();
    subsequence(ids, 0..12).prop_map(|ids| ids.into_iter().map(PrivilegeId::from).collect())
}

fn answer<T: Clone + std::fmt::Debug>(known: impl Strategy<Value = T>) -> impl Strategy<Value = Answer<T>> {
    prop_oneof![6 => known.prop_map(Answer::Known), 1 => Just(Answer::NotAsked), 1 => Just(Answer::Missing)]
}

fn authentication() -> impl Strategy<Value = Option<Authentication>> {
    let kinds = select(vec![(1, "admin"), (2, "normal"), (3, "ldap"), (4, "saml")]);
    let from = (kinds, any::<bool>(), state()).prop_map(|((id, kind), has_id, external)| Authentication {
        id: has_id.then_some(AuthenticationSourceId(id)),
        name: Some(kind.into()),
        kind: external.is_none().then(|| kind.into()),
        external,
    });
    proptest::option::weighted(0.9, from)
}

prop_compose! {
    fn account()(
        login in select(vec!["ana", "ana.silva", "CORP\\ana", "test", "root", "=cmd()", ""]),
        name in select(vec!["Ana Silva", "Silva, Ana", "Bo Li", ""]),
        email in select(vec![
            None,
            Some("ana@corp.example"),
            Some("Ana+vm@corp.example"),
            Some("bo@corp.example"),
            Some("team@corp.example"),
            Some("no mail"),
        ]),
        (enabled, locked) in (state(), state()),
        authentication in authentication(),
        role_id in select(vec![None, Some("global-admin"), Some("user"), Some("Auditors"), Some("Gone")]),
        (all_sites, all_asset_groups, superuser) in (any::<bool>(), any::<bool>(), proptest::bool::weighted(0.1)),
        copy in proptest::option::of(privileges()),
        privileges in answer(privileges()),
        sites in answer(subsequence(vec![1, 2, 3, 9], 0..4)),
        asset_groups in answer(subsequence(vec![1, 2, 9], 0..3)),
        two_factor in select(vec![
            TwoFactor::Configured,
            TwoFactor::NotConfigured,
            TwoFactor::Delegated,
            TwoFactor::Undetermined,
        ]),
    ) -> User {
        let mut account = User {
            name: name.into(),
            email: email.map(str::to_owned),
            enabled,
            locked,
            authentication,
            privileges,
            sites: map(sites, SiteId),
            asset_groups: map(asset_groups, AssetGroupId),
            two_factor,
            ..user(0, login)
        };
        account.role.id = role_id.map(Into::into);
        account.role.name = role_id.map(str::to_owned);
        account.role.privileges = copy;
        account.role.all_sites = all_sites;
        account.role.all_asset_groups = all_asset_groups;
        account.role.superuser = superuser;
        account
    }
}

fn map<T>(answer: Answer<Vec<i64>>, id: fn(i64) -> T) -> Answer<Vec<T>> {
    match answer {
        Answer::Known(ids) => Answer::Known(ids.into_iter().map(id).collect()),
        Answer::NotAsked => Answer::NotAsked,
        Answer::Missing => Answer::Missing,
    }
}

fn anomaly() -> impl Strategy<Value = Anomaly> {
    let checks = vec![
        CrossCheck::RoleUsers,
        CrossCheck::RoleDefinition,
        CrossCheck::DanglingRole,
        CrossCheck::UserPrivileges,
        CrossCheck::PrivilegeUsers,
        CrossCheck::AuthenticationSourceUsers,
        CrossCheck::SiteUsers,
        CrossCheck::DanglingAssetGroup,
        CrossCheck::IncompleteRecord,
    ];
    let objects = select(vec!["1", "2", "Auditors", "Gone", "create-reports"]);
    let users = (1_i64..12, proptest::option::weighted(0.2, 1_u64..9));
    (select(checks), users, objects).prop_map(|(check, (user, further_users), object)| {
        // A record that contradicts itself is told on its user.
        let own = matches!(check, CrossCheck::UserPrivileges | CrossCheck::IncompleteRecord);
        Anomaly {
            check,
            user: (own || further_users.is_none()).then_some(UserId(user)),
            further_users: further_users.filter(|_| !own).unwrap_or_default(),
            object: if own { user.to_string() } else { object.into() },
            left: Claim { endpoint: "/left".into(), says: "yes".into() },
            right: Claim { endpoint: "/right".into(), says: "no".into() },
        }
    })
}

fn act() -> impl Strategy<Value = Option<Act>> {
    let act = proptest::option::weighted(0.9, 1_i64..12).prop_map(|user| Act {
        user: user.map(UserId),
        name: None,
        at: None,
    });
    proptest::option::weighted(0.9, act)
}

fn exceptions() -> impl Strategy<Value = Vec<Exception>> {
    let states = select(vec![None, Some("Approved"), Some("Expired"), Some("Rejected"), Some("Recalled")]);
    let kinds = select(vec![ExceptionKind::Vulnerability, ExceptionKind::Policy]);
    let expires = select(vec![None, Some("2020-01-01"), Some("2099-01-01"), Some("soon")]);
    let exception =
        (kinds, states, expires, act(), act()).prop_map(|(kind, state, expires, submitted, reviewed)| {
            Exception {
                kind,
                id: 0,
                state: state.map(str::to_owned),
                about: None,
                scope: None,
                submitted,
                reviewed,
                expires: expires.map(str::to_owned),
            }
        });
    prop::collection::vec(exception, 0..8).prop_map(|mut exceptions| {
        exceptions.iter_mut().zip(1..).for_each(|(exception, id)| exception.id = id);
        exceptions
    })
}

fn reports() -> impl Strategy<Value = Vec<ReportAccess>> {
    let report = (proptest::option::of(1_i64..12), subsequence(vec![1, 2, 3, 4, 11], 0..4)).prop_map(
        |(owner, users)| ReportAccess {
            id: 0,
            name: "Risk".into(),
            owner: owner.map(UserId),
            users: users.into_iter().map(UserId).collect(),
            recipients: Vec::new(),
        },
    );
    prop::collection::vec(report, 0..4).prop_map(|mut reports| {
        reports.iter_mut().zip(1..).for_each(|(report, id)| report.id = id);
        reports
    })
}

prop_compose! {
    fn world()(
        accounts in prop::collection::vec(account(), 0..10),
        roles in prop::collection::vec(privileges(), 0..4),
        anomalies in prop::collection::vec(anomaly(), 0..6),
        two_factor in state(),
        (exceptions, reports) in (answer(exceptions()), answer(reports())),
        incomplete in proptest::option::of((select(Part::ALL.to_vec()), any::<bool>())),
    ) -> Snapshot {
        let mut world = snapshot(accounts);
        for (user, id) in world.users.iter_mut().zip(1..) {
            user.id = UserId(id);
        }
        for (privileges, id) in roles.into_iter().zip(["Alpha", "Beta", "Gamma"]) {
            world.roles.push(crate::model::Role { privileges, ..role(id, &[]) });
        }
        world.anomalies = anomalies;
        world.settings.two_factor = two_factor;
        (world.exceptions, world.reports) = (exceptions, reports);
        if let Some((part, proves_nothing)) = incomplete {
            let entry = world.coverage.parts.iter_mut().find(|entry| entry.part == part).unwrap();
            entry.state = if proves_nothing { PartState::Undetermined } else { PartState::Incomplete };
        }
        world
    }
}

fn judge(world: &Snapshot) -> Vec<Judgement> {
    Policy::default().judge(&[AccessGraph::build(world.clone())], &History::default()).remove(0)
}

/// All findings by id, each as often as it occurs.
fn by_id(world: &Snapshot) -> BTreeMap<String, Vec<Finding>> {
    let mut by_id: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for finding in judge(world).into_iter().flat_map(|judgement| judgement.findings) {
        by_id.entry(finding.id(&world.console)).or_default().push(finding);
    }
    by_id
}

fn ids(world: &Snapshot) -> BTreeSet<String> {
    by_id(world).into_keys().collect()
}

fn shuffle<T>(items: &mut [T], order: &[Index]) {
    for (place, index) in order.iter().enumerate().take(items.len()) {
        let other = index.index(items.len());
        items.swap(place, other);
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 64,
        failure_persistence: None,
        rng_seed: proptest::test_runner::RngSeed::Fixed(20_261_123),
        ..ProptestConfig::default()
    })]

    #[test]
    fn no_rule_breaks_and_counts_agree(world in world()) {
        for judgement in judge(&world) {
            let id = &*judgement.rule.id;
            prop_assert_ne!(judgement.verdict, Verdict::Error, "{}", id);
            prop_assert!(judgement.examined <= judgement.expected, "{}", id);
            prop_assert_eq!(judgement.verdict == Verdict::Fail, !judgement.findings.is_empty(), "{}", id);
            for finding in &judgement.findings {
                prop_assert_eq!(finding.rule.as_ref(), id);
                prop_assert!(finding.severity <= judgement.rule.severity, "{}", id);
                prop_assert!(!finding.evidence.is_empty() && !finding.summary.ends_with('.'), "{}", id);
            }
        }
    }

    #[test]
    fn nothing_passes_on_a_part_that_was_not_seen(world in world()) {
        for judgement in judge(&world).iter().filter(|judgement| judgement.verdict == Verdict::Pass) {
            for part in judgement.rule.needs {
                prop_assert!(world.coverage.is_complete(*part), "{} needs {part}", judgement.rule.id);
            }
            prop_assert_eq!(judgement.examined, judgement.expected, "{}", judgement.rule.id);
        }
    }

    #[test]
    fn order_does_not_matter(world in world(), order in prop::collection::vec(any::<Index>(), 12)) {
        let mut shuffled = world.clone();
        shuffle(&mut shuffled.users, &order);
        shuffle(&mut shuffled.roles, &order);
        shuffle(&mut shuffled.anomalies, &order);
        shuffle(&mut shuffled.authentication_sources, &order);
        shuffle(&mut shuffled.privileges, &order);
        shuffle(&mut shuffled.sites, &order);
        shuffle(&mut shuffled.asset_groups, &order);
        shuffle(&mut shuffled.coverage.parts, &order);
        prop_assert_eq!(by_id(&world), by_id(&shuffled));
    }

    #[test]
    fn ids_are_unique_on_a_console(world in world()) {
        for (id, findings) in by_id(&world) {
            prop_assert_eq!(findings.len(), 1, "{}: {:?}", id, findings);
        }
    }

    #[test]
    fn ids_follow_the_console_and_not_the_names(world in world()) {
        let mut renamed = world.clone();
        renamed.console.name = "headquarters".into();
        renamed.roles.iter_mut().for_each(|role| role.name = format!("{} (old)", role.name));
        renamed.sites.iter_mut().for_each(|site| site.name.clear());
        renamed.asset_groups.iter_mut().for_each(|group| group.name.clear());
        renamed.authentication_sources.iter_mut().for_each(|source| source.name.clear());
        for user in &mut renamed.users {
            user.role.name = None;
            // What is compared between accounts ignores case and the order of names.
            let name: Vec<_> = user.name.split([' ', ',']).rev().map(str::to_uppercase).collect();
            user.name = name.join(" ");
            user.login = user.login.to_uppercase();
            user.email = user.email.as_ref().map(|address| address.to_uppercase());
        }
        prop_assert_eq!(ids(&world), ids(&renamed));
        let mut elsewhere = world.clone();
        elsewhere.console.uuid = Some("another".into());
        prop_assert!(ids(&world).is_disjoint(&ids(&elsewhere)));
    }

    #[test]
    fn ids_do_not_depend_on_unrelated_users(world in world()) {
        let before = ids(&world);
        for id in [-1, 50] {
            let mut joined = world.clone();
            joined.users.push(User { id: UserId(id), ..user(0, "zora") });
            prop_assert_eq!(&before, &ids(&joined), "user {}", id);
        }
    }

    #[test]
    fn a_further_account_takes_no_finding_away(world in world(), index in any::<Index>()) {
        prop_assume!(!world.users.is_empty());
        let mut joined = world.clone();
        let twin = User { id: UserId(50), ..index.get(&world.users).clone() };
        joined.users.push(twin);
        let after = ids(&joined);
        // One administrator more can be what was missing, two people can turn out to be one, and a role of one user
        // becomes a role of two.
        let excepted = ["global_admin_count", "duplicate_identity", "bespoke_role"];
        for (id, findings) in by_id(&world) {
            let excepted = excepted.contains(&&*findings[0].rule);
            prop_assert!(excepted || after.contains(&id), "{:?}", findings);
        }
    }

    #[test]
    fn ids_do_not_depend_on_how_many_users_disagree(world in world()) {
        let mut fewer = world.clone();
        let mut told = BTreeSet::new();
        fewer.anomalies.retain(|anomaly| told.insert((anomaly.check, anomaly.object.clone())));
        prop_assert_eq!(ids(&world), ids(&fewer));
    }

    #[test]
    fn everyone_affected_is_named_once(world in world()) {
        for finding in by_id(&world).into_values().flatten() {
            let affected: BTreeSet<_> = finding.affected.iter().collect();
            prop_assert_eq!(affected.len(), finding.affected.len(), "{:?}", finding);
        }
    }
}
