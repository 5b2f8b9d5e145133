//! SCOPE-04: grants and records on which the console contradicts itself.

use super::{Context, Disagreements, Outcome, Rule, disagreements, was_compared};
use crate::finding::{Finding, Severity};
use crate::model::{CrossCheck, Part};

about! {
    id: "grant_mismatch",
    code: "SCOPE-04",
    title: "Contradictory or dangling grants",
    flags: "Sites, asset groups and authentication sources whose users differ between the users' records and their own \
            lists, grants of sites or asset groups that the console does not list, and incomplete user records.",
    evidence: "The grants as the user's record has them and as the lists of sites and asset groups have them.",
    why: "A review of this population certifies access that nobody may have, and misses access that somebody has.",
    severity: Severity::High,
    click_path: "Administration > Users > Manage users > the user: compare the access page with the page of the site or \
                 asset group, correct the one that is wrong, and review again.",
    api_call: "GET /api/3/users/{id}/sites and /api/3/sites/{id}/users show both sides (the same for asset_groups); \
               DELETE /api/3/users/{id}/sites/{siteId} takes a dangling grant away.",
    needs: &[
        Part::Users,
        Part::UserSites,
        Part::UserAssetGroups,
        Part::AuthenticationSources,
        Part::AuthenticationSourceUsers,
        Part::Sites,
        Part::SiteUsers,
        Part::AssetGroups,
        Part::AssetGroupUsers,
    ],
    version: 2,
}

const CHECKS: &[CrossCheck] = &[
    CrossCheck::AuthenticationSourceUsers,
    CrossCheck::SiteUsers,
    CrossCheck::AssetGroupUsers,
    CrossCheck::DanglingSite,
    CrossCheck::DanglingAssetGroup,
    CrossCheck::IncompleteRecord,
];

rule! {
    /// `[analyzers.grant_mismatch]`: SCOPE-04.
    GrantMismatch {}
}

impl Rule for GrantMismatch {
    fn examine(&self, Context { graph, .. }: Context<'_>) -> Outcome {
        let compared = was_compared(
            &graph.snapshot().coverage,
            &[Part::AuthenticationSourceUsers, Part::SiteUsers, Part::AssetGroupUsers],
        );
        let expected = graph.users().len() as u64;
        Outcome {
            examined: if compared { expected } else { 0 },
            expected,
            findings: disagreements(graph, CHECKS).iter().map(finding).collect(),
            ..Outcome::default()
        }
    }
}

fn finding(disagreements: &Disagreements<'_>) -> Finding {
    // The users of a site or group are a cross-check that no console documents exactly: alone they prove less.
    let doubtful = |check| matches!(check, CrossCheck::SiteUsers | CrossCheck::AssetGroupUsers);
    let weak = disagreements.anomalies.iter().all(|anomaly| doubtful(anomaly.check));
    disagreements.finding(&ABOUT, if weak { Severity::Medium } else { Severity::High })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analyze::check::{Expect, check, findings};
    use crate::model::sample::{incomplete, snapshot, user};
    use crate::model::{Anomaly, Claim, PartState, Snapshot, UserId};

    fn rule() -> GrantMismatch {
        GrantMismatch::default()
    }

    fn anomaly(check: CrossCheck, user: Option<i64>, object: &str) -> Anomaly {
        let claim = |endpoint: &str, says: &str| Claim { endpoint: endpoint.into(), says: says.into() };
        Anomaly {
            check,
            user: user.map(UserId),
            further_users: 0,
            object: object.into(),
            left: claim("/api/3/users/2/sites", "names it"),
            right: claim("/api/3/sites/9/users", "leaves the user out"),
        }
    }

    fn world(anomalies: Vec<Anomaly>) -> Snapshot {
        let people = [(2, "mia"), (3, "ben"), (4, "cy"), (5, "di")].map(|(id, login)| user(id, login));
        Snapshot { anomalies, ..snapshot(people.to_vec()) }
    }

    #[test]
    fn the_object_is_the_subject_and_the_users_are_affected() {
        let world = world(vec![
            anomaly(CrossCheck::DanglingSite, Some(2), "9"),
            anomaly(CrossCheck::SiteUsers, Some(2), "1"),
            anomaly(CrossCheck::SiteUsers, Some(77), "1"),
            anomaly(CrossCheck::SiteUsers, None, "3"),
            anomaly(CrossCheck::DanglingAssetGroup, Some(77), "4"),
            anomaly(CrossCheck::IncompleteRecord, Some(3), "3"),
        ]);
        check(&rule(), world.clone(), Expect::Fail(&["ben", "Site 1", "Site 3", "9", "4"]));
        let found = findings(&rule(), world);
        let severities: Vec<_> = found.iter().map(|finding| finding.severity).collect();
        assert_eq!(severities, [Severity::High, Severity::Medium, Severity::Medium, Severity::High, Severity::High]);
        assert_eq!(found[1].affected, [UserId(2), UserId(77)]);
        assert!(found[0].affected.is_empty());
        let both_sides = "mia: /api/3/users/2/sites names it; /api/3/sites/9/users leaves the user out";
        assert!(found[1].evidence.contains(&("disagreement", both_sides.into())), "{:?}", found[1].evidence);
    }

    #[test]
    fn the_summary_names_the_object_the_logins_and_the_first_disagreement() {
        let summary = |anomalies: Vec<Anomaly>| findings(&rule(), world(anomalies)).remove(0).summary;
        assert_eq!(
            summary((2..6).map(|id| anomaly(CrossCheck::SiteUsers, Some(id), "1")).collect()),
            "Site Site 1 and the records of mia, ben, cy and 1 more contradict each other: the record of mia names it, the \
             list of users of the site leaves the user out"
        );
        assert_eq!(
            summary(vec![anomaly(CrossCheck::AuthenticationSourceUsers, Some(2), "3")]),
            "Authentication source Corporate LDAP and the record of mia contradict each other: the record names it, \
             the list of users of the authentication source leaves the user out"
        );
        assert_eq!(
            summary(vec![
                anomaly(CrossCheck::DanglingAssetGroup, Some(2), "9"),
                anomaly(CrossCheck::DanglingAssetGroup, Some(77), "9"),
            ]),
            "mia and user 77 (not listed) hold a grant on asset group 9, which the console does not list"
        );
        let mut incomplete = anomaly(CrossCheck::IncompleteRecord, Some(3), "3");
        incomplete.left.says = "leaves out locked".into();
        assert_eq!(summary(vec![incomplete]), "The record of ben leaves out locked");
    }

    #[test]
    fn the_id_does_not_depend_on_how_many_disagree() {
        let found = |users: i64, further_users: u64| {
            let mut anomalies: Vec<_> =
                (2..2 + users).map(|id| anomaly(CrossCheck::SiteUsers, Some(id), "1")).collect();
            if further_users > 0 {
                anomalies.push(Anomaly { further_users, ..anomaly(CrossCheck::SiteUsers, None, "1") });
            }
            let mut found = findings(&rule(), world(anomalies));
            assert_eq!(found.len(), 1);
            found.remove(0)
        };
        let console = snapshot(Vec::new()).console;
        let (one, few, many) = (found(1, 0), found(50, 0), found(50, 450));
        assert_eq!([few.id(&console), many.id(&console)], [one.id(&console), one.id(&console)]);
        assert!(many.summary.contains("mia, ben, cy and 497 more"), "{}", many.summary);
        assert_eq!((few.affected.len(), many.affected.len()), (50, 50));
        assert_eq!(many.evidence[0], ("users", "500".into()));
        assert_eq!(many.evidence[11..], [("not shown", "490 more disagreements".into())]);
    }

    #[test]
    fn leaves_roles_to_the_other_rule() {
        check(&rule(), world(vec![anomaly(CrossCheck::RoleUsers, Some(2), "user")]), Expect::Pass);
    }

    #[test]
    fn what_was_not_compared_does_not_agree() {
        let mut lean = world(Vec::new());
        let parts = &mut lean.coverage.parts;
        parts.iter_mut().find(|entry| entry.part == Part::SiteUsers).unwrap().state = PartState::NotAsked;
        check(&rule(), lean, Expect::Unknown);
        check(&rule(), incomplete(world(Vec::new()), Part::UserSites), Expect::Unknown);
    }
}
