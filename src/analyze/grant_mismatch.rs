//! SCOPE-04: grants and records on which the console contradicts itself.

use super::{Context, Disagreements, Outcome, Rule, amount, cut, disagreements, iso27001, nist, sox, was_compared};
use crate::finding::{About, Finding, Severity, SubjectKind};
use crate::model::{CrossCheck, Part};

static ABOUT: About = About {
    id: "grant_mismatch",
    code: "SCOPE-04",
    title: "Contradictory or dangling grants",
    flags: "Users and objects whose grants differ between the user's side and the object's side, grants of sites or asset \
            groups that the console does not list, and incomplete user records.",
    why: "A review of this population certifies access that nobody may have, and misses access that somebody has.",
    severity: Severity::High,
    click_path: "Administration > Users > Manage users > the user: compare the access page with the page of the site or \
                 asset group, correct the one that is wrong, and review again.",
    api_call: "GET /api/3/users/{id}/sites and /api/3/sites/{id}/users show both sides (the same for asset_groups); \
               DELETE /api/3/users/{id}/sites/{siteId} takes a dangling grant away.",
    controls: &[sox("IPE: completeness and accuracy"), nist("AU-6"), iso27001("5.18")],
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
    version: 1,
};

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
    fn about(&self) -> &'static About {
        &ABOUT
    }

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
        }
    }
}

fn finding(disagreements: &Disagreements<'_>) -> Finding {
    let Disagreements { subject, anomalies } = disagreements;
    // The users of a site or group are a cross-check that no console documents exactly: alone they prove less.
    let doubtful = |check| matches!(check, CrossCheck::SiteUsers | CrossCheck::AssetGroupUsers);
    let weak = anomalies.iter().all(|anomaly| doubtful(anomaly.check));
    let severity = if weak { Severity::Medium } else { Severity::High };
    let (name, count) = (cut(&subject.name), amount(anomalies.len(), "disagreement"));
    let summary = match subject.kind {
        SubjectKind::User => format!("The console contradicts itself about the access of {name}: {count}"),
        _ => format!("The console contradicts itself about {name}: {count}"),
    };
    disagreements.evidence(Finding::new(ABOUT.id, subject.clone(), severity, summary))
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
            object: object.into(),
            left: claim("/api/3/users/2/sites", "granted"),
            right: claim("/api/3/sites/9/users", "not listed"),
        }
    }

    fn world(anomalies: Vec<Anomaly>) -> Snapshot {
        Snapshot { anomalies, ..snapshot(vec![user(2, "mia"), user(3, "ben")]) }
    }

    #[test]
    fn gathers_all_disagreements_of_one_subject() {
        let world = world(vec![
            anomaly(CrossCheck::DanglingSite, Some(2), "9"),
            anomaly(CrossCheck::SiteUsers, Some(2), "1"),
            anomaly(CrossCheck::SiteUsers, None, "3"),
            anomaly(CrossCheck::DanglingAssetGroup, Some(77), "4"),
        ]);
        check(&rule(), world.clone(), Expect::Fail(&["mia", "user 77 (not listed)", "Site 3"]));
        let findings = findings(&rule(), world);
        let both_sides = "9: /api/3/users/2/sites says granted; /api/3/sites/9/users says not listed";
        assert!(findings[0].evidence.contains(&("disagreement", both_sides.into())));
        assert_eq!((findings[0].severity, findings[2].severity), (Severity::High, Severity::Medium));
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

    #[test]
    fn shows_the_first_of_many() {
        let many = (0..500).map(|site| anomaly(CrossCheck::SiteUsers, Some(2), &site.to_string())).collect();
        let findings = findings(&rule(), world(many));
        assert_eq!(findings[0].evidence.len(), 11);
        assert_eq!(findings[0].evidence[10], ("not shown", "490 more disagreements".into()));
    }
}
