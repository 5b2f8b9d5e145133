//! What holds for every rule and every world: no rule breaks, order does not matter, and ids are stable and unique.

mod world;

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use proptest::sample::Index;

use super::{AccountKind, DeclaredAccount, Policy};
use crate::finding::{Finding, Judgement, Verdict};
use crate::graph::AccessGraph;
use crate::history::History;
use crate::model::sample::user;
use crate::model::{Answer, Snapshot, User, UserId};

use world::{World, world};

/// The default rules, with a few accounts declared.
fn policy() -> Policy {
    let declared = |login, kind| DeclaredAccount { kind, ..DeclaredAccount::of(login) };
    // With everything that a declaration needs, so that only the owner's own state is open.
    let owned = DeclaredAccount {
        owner: Some("7".to_owned()),
        purpose: Some("tests".to_owned()),
        review: "2099-01-31".parse().ok(),
        ..declared("test", AccountKind::Service)
    };
    let accounts = vec![declared("root", AccountKind::BreakGlass), owned];
    Policy { accounts, ..Policy::default() }
}

fn judge(world: &World) -> Vec<Judgement> {
    policy().judge(&[AccessGraph::build(world.now.clone())], &world.past).remove(0)
}

/// All findings by id, each as often as it occurs.
fn by_id(world: &World) -> BTreeMap<String, Vec<Finding>> {
    let mut by_id: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for finding in judge(world).into_iter().flat_map(|judgement| judgement.findings) {
        by_id.entry(finding.id(&world.now.console)).or_default().push(finding);
    }
    by_id
}

/// All ids with their rules, which is what a failure should show.
fn rules(world: &World) -> BTreeMap<String, String> {
    by_id(world).into_iter().map(|(id, findings)| (id, findings[0].rule.to_string())).collect()
}

fn ids(world: &World) -> BTreeSet<String> {
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
            for part in judgement.rule.needs.iter() {
                prop_assert!(world.now.coverage.is_complete(*part), "{} needs {part}", judgement.rule.id);
            }
            prop_assert_eq!(judgement.examined, judgement.expected, "{}", judgement.rule.id);
        }
    }

    #[test]
    fn what_nobody_provides_proves_nothing(world in world()) {
        let judgements = judge(&world);
        if world.now.roster.is_none() {
            // For other rules, the roster only adds to what they judge.
            let about_people = ["leaver_with_account", "orphan_account", "mover_with_old_access"];
            let rested = |judgement: &&Judgement| about_people.contains(&&*judgement.rule.id);
            for judgement in judgements.iter().filter(rested) {
                prop_assert_eq!(judgement.verdict, Verdict::Unknown, "{}", judgement.rule.id);
            }
            // These speak of people on other consoles, or of the owners of accounts.
            let mut lab = world.now.clone();
            (lab.console.name, lab.console.serial, lab.console.uuid) = ("lab".into(), None, Some("lab".into()));
            let estate = [world.now.clone(), lab].map(AccessGraph::build);
            let beside = policy().judge(&estate, &world.past).remove(0);
            let about_leavers = [
                "unaccountable_approver",
                "stale_report_access",
                "service_account_without_owner",
                "open_on_another_console",
            ];
            for judgement in beside.iter().filter(|one| about_leavers.contains(&&*one.rule.id)) {
                prop_assert_ne!(judgement.verdict, Verdict::Pass, "{}", judgement.rule.id);
            }
        }
        let of = |id: &str| judgements.iter().find(|judgement| judgement.rule.id == id).map(|one| one.verdict);
        if world.now.logon_sources.is_empty() {
            prop_assert_ne!(of("dormant_account"), Some(Verdict::Fail));
            prop_assert_eq!(of("never_used_account"), Some(Verdict::Unknown));
        }
        if world.past.before.is_none() {
            prop_assert_eq!(of("mover_with_old_access"), Some(Verdict::Unknown));
        }
    }

    #[test]
    fn order_does_not_matter(world in world(), order in prop::collection::vec(any::<Index>(), 12)) {
        let mut shuffled = world.clone();
        shuffle(&mut shuffled.now.users, &order);
        shuffle(&mut shuffled.now.roles, &order);
        shuffle(&mut shuffled.now.anomalies, &order);
        shuffle(&mut shuffled.now.authentication_sources, &order);
        shuffle(&mut shuffled.now.privileges, &order);
        shuffle(&mut shuffled.now.sites, &order);
        shuffle(&mut shuffled.now.asset_groups, &order);
        shuffle(&mut shuffled.now.coverage.parts, &order);
        shuffle(&mut shuffled.now.logon_sources, &order);
        let Snapshot { exceptions, scans, reports, .. } = &mut shuffled.now;
        if let Answer::Known(exceptions) = exceptions {
            shuffle(exceptions, &order);
        }
        if let Answer::Known(scans) = scans {
            shuffle(scans, &order);
        }
        if let Answer::Known(reports) = reports {
            shuffle(reports, &order);
        }
        let History { before, signed, .. } = &mut shuffled.past;
        let before = before.iter_mut().flat_map(|run| &mut run.snapshots);
        for then in before.chain(signed.iter_mut().flat_map(|run| &mut run.snapshots)) {
            shuffle(&mut then.users, &order);
        }
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
        let mut changed = world.clone();
        let renamed = &mut changed.now;
        renamed.console.name = "headquarters".into();
        renamed.roles.iter_mut().for_each(|role| role.name = format!("{} (old)", role.name));
        renamed.sites.iter_mut().for_each(|site| site.name.clear());
        renamed.asset_groups.iter_mut().for_each(|group| group.name.clear());
        renamed.authentication_sources.iter_mut().for_each(|source| source.name.clear());
        for user in &mut renamed.users {
            user.role.name = None;
            // What is compared between accounts ignores case and the order of names.
            let name: Vec<_> = user.name.split([' ', ',']).rev().map(str::to_uppercase).collect();
            user.name = name.join(" ").into();
            user.login = user.login.to_uppercase();
            user.email = user.email.as_ref().map(compact_str::CompactString::to_uppercase);
        }
        // What was done stands under the name of who did it.
        if let Answer::Known(scans) = &mut renamed.scans {
            for scan in scans {
                scan.started_by = scan.started_by.to_uppercase();
            }
        }
        if let Answer::Known(exceptions) = &mut renamed.exceptions {
            for act in exceptions.iter_mut().flat_map(|one| [&mut one.submitted, &mut one.reviewed]).flatten() {
                act.name = act.name.as_ref().map(|name| name.to_uppercase());
            }
        }
        if let Answer::Known(reports) = &mut renamed.reports {
            for report in reports {
                report.name.clear();
            }
        }
        prop_assert_eq!(rules(&world), rules(&changed));
        let mut elsewhere = world.clone();
        elsewhere.now.console.uuid = Some("another".into());
        prop_assert!(ids(&world).is_disjoint(&ids(&elsewhere)));
    }

    #[test]
    fn ids_do_not_depend_on_unrelated_users(world in world()) {
        // Anyone can be the first to use a source, and everyone counts for which scope and which domains are usual.
        let of_everyone = ["dead_authentication_source", "scope_outlier", "stale_report_access"];
        let own = |world: &World| -> BTreeMap<String, String> {
            rules(world).into_iter().filter(|(_, rule)| !of_everyone.contains(&rule.as_str())).collect()
        };
        let before = own(&world);
        for id in [-1, 50] {
            let mut joined = world.clone();
            joined.now.users.push(User { id: UserId(id), ..user(0, "zora") });
            prop_assert_eq!(&before, &own(&joined), "user {}", id);
        }
    }

    #[test]
    fn a_further_account_takes_no_finding_away(world in world(), index in any::<Index>()) {
        prop_assume!(!world.now.users.is_empty());
        let mut joined = world.clone();
        let original = index.get(&world.now.users).clone();
        joined.now.users.push(User { id: UserId(50), ..original.clone() });
        let after = ids(&joined);
        // One administrator more can be what was missing, two people can turn out to be one, what two have is less
        // unusual, and a role of one user becomes a role of two.
        let excepted = ["global_admin_count", "duplicate_identity", "scope_outlier", "bespoke_role"];
        for (id, findings) in by_id(&world) {
            let Finding { rule, subject, .. } = &findings[0];
            // A scan or an approval under a login that two accounts have tells of neither.
            let doubted = ["dormant_account", "unaccountable_approver"].contains(&&**rule)
                && subject.id == original.id.to_string();
            prop_assert!(doubted || excepted.contains(&&**rule) || after.contains(&id), "{:?}", findings);
        }
    }

    #[test]
    fn ids_do_not_depend_on_how_many_users_disagree(world in world()) {
        let mut fewer = world.clone();
        let mut told = BTreeSet::new();
        fewer.now.anomalies.retain(|anomaly| told.insert((anomaly.check, anomaly.object.clone())));
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
