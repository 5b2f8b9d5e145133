//! What holds for every rule and every world: no rule breaks, order does not matter, and ids are stable and unique.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use proptest::sample::{Index, select, subsequence};

use super::Analyzers;
use crate::finding::{Finding, Judgement, Verdict};
use crate::graph::AccessGraph;
use crate::model::sample::{role, snapshot, user};
use crate::model::{
    Anomaly, Answer, AssetGroupId, Authentication, AuthenticationSourceId, Claim, CrossCheck,
    KNOWN_PRIVILEGES, Part, PartState, PrivilegeId, SiteId, Snapshot, TwoFactor, User, UserId,
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
        email in select(vec![None, Some("ana@corp.example"), Some("team@corp.example"), Some("no mail")]),
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
        CrossCheck::PrivilegeUsers,
        CrossCheck::AuthenticationSourceUsers,
        CrossCheck::SiteUsers,
        CrossCheck::DanglingAssetGroup,
        CrossCheck::IncompleteRecord,
    ];
    let objects = select(vec!["1", "2", "Auditors", "Gone", "create-reports"]);
    (select(checks), proptest::option::of(1_i64..12), objects).prop_map(|(check, user, object)| Anomaly {
        check,
        user: user.map(UserId),
        further_users: 0,
        object: object.into(),
        left: Claim { endpoint: "/left".into(), says: "yes".into() },
        right: Claim { endpoint: "/right".into(), says: "no".into() },
    })
}

prop_compose! {
    fn world()(
        accounts in prop::collection::vec(account(), 0..10),
        roles in prop::collection::vec(privileges(), 0..4),
        anomalies in prop::collection::vec(anomaly(), 0..6),
        two_factor in state(),
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
        if let Some((part, proves_nothing)) = incomplete {
            let entry = world.coverage.parts.iter_mut().find(|entry| entry.part == part).unwrap();
            entry.state = if proves_nothing { PartState::Undetermined } else { PartState::Incomplete };
        }
        world
    }
}

fn judge(world: &Snapshot) -> Vec<Judgement> {
    Analyzers::default().judge(&AccessGraph::build(world.clone()))
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
        cases: 192,
        failure_persistence: None,
        rng_seed: proptest::test_runner::RngSeed::Fixed(20_261_123),
        ..ProptestConfig::default()
    })]

    #[test]
    fn no_rule_breaks_and_counts_agree(world in world()) {
        for judgement in judge(&world) {
            let id = judgement.rule.id;
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
        prop_assert_eq!(ids(&world), ids(&renamed));
        let mut elsewhere = world.clone();
        elsewhere.console.uuid = Some("another".into());
        prop_assert!(ids(&world).is_disjoint(&ids(&elsewhere)));
    }
}
