//! ROLE-03: roles and privileges on which the console contradicts itself.

use super::{Context, Disagreements, Outcome, Rule, amount, cut, disagreements, iso27001, nist, sox, was_compared};
use crate::finding::{About, Finding, Severity, SubjectKind};
use crate::model::{CrossCheck, Part};

static ABOUT: About = About {
    id: "role_definition_mismatch",
    code: "ROLE-03",
    title: "Effective privileges differ from the role's definition",
    flags: "Users and roles whose privileges differ between the user's record, the user's own privileges, the role's \
            definition and the users of each role and privilege, and roles that users hold but the console does not list.",
    why: "A review of the definition would certify other rights than the ones that people have.",
    severity: Severity::High,
    click_path: "Administration > Users > Manage users > the user > Role: select the role again and save; then compare \
                 with Manage roles, and review again.",
    api_call: "GET /api/3/users/{id}/privileges, /api/3/roles/{id} and /api/3/roles/{id}/users show the sides; PUT \
               /api/3/users/{id} with the same role.id writes it anew (it replaces the whole user and drops grants: read \
               them before, restore them after).",
    controls: &[sox("IPE: completeness and accuracy"), nist("AC-6(7)"), iso27001("5.18")],
    needs: &[
        Part::Users,
        Part::UserPrivileges,
        Part::Roles,
        Part::RoleUsers,
        Part::Privileges,
        Part::PrivilegeUsers,
    ],
    version: 1,
};

const CHECKS: &[CrossCheck] = &[
    CrossCheck::RoleUsers,
    CrossCheck::PrivilegeUsers,
    CrossCheck::RoleDefinition,
    CrossCheck::UserPrivileges,
    CrossCheck::DanglingRole,
];

rule! {
    /// `[analyzers.role_definition_mismatch]`: ROLE-03.
    RoleDefinitionMismatch {}
}

impl Rule for RoleDefinitionMismatch {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn examine(&self, Context { graph, .. }: Context<'_>) -> Outcome {
        let compared = was_compared(
            &graph.snapshot().coverage,
            &[Part::UserPrivileges, Part::RoleUsers, Part::PrivilegeUsers],
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
    let (name, count) = (cut(&subject.name), amount(anomalies.len(), "disagreement"));
    let summary = match subject.kind {
        SubjectKind::User => format!("The console contradicts itself about the privileges of {name}: {count}"),
        SubjectKind::Role => format!("The console contradicts itself about role {name}: {count}"),
        _ => format!("The console contradicts itself about {name}: {count}"),
    };
    disagreements.evidence(Finding::new(ABOUT.id, subject.clone(), Severity::High, summary))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analyze::check::{Expect, check, findings};
    use crate::model::sample::{incomplete, snapshot, user};
    use crate::model::{Anomaly, Claim, PartState, Snapshot, UserId};

    fn rule() -> RoleDefinitionMismatch {
        RoleDefinitionMismatch::default()
    }

    fn anomaly(check: CrossCheck, user: i64, object: &str) -> Anomaly {
        let claim = |endpoint: &str, says: &str| Claim { endpoint: endpoint.into(), says: says.into() };
        Anomaly {
            check,
            user: Some(UserId(user)),
            object: object.into(),
            left: claim("/api/3/users", "12 privileges"),
            right: claim("/api/3/roles", "14 privileges"),
        }
    }

    fn world(anomalies: Vec<Anomaly>) -> Snapshot {
        Snapshot { anomalies, ..snapshot(vec![user(2, "mia"), user(3, "ben")]) }
    }

    #[test]
    fn a_fault_of_the_role_is_told_once_for_all_its_users() {
        let many = (0..5000).map(|user| anomaly(CrossCheck::RoleDefinition, user, "Auditors")).collect();
        check(&rule(), world(many), Expect::Fail(&["Auditors"]));
        let vanished = world(vec![anomaly(CrossCheck::DanglingRole, 2, "Gone")]);
        check(&rule(), vanished, Expect::Fail(&["Gone"]));
    }

    #[test]
    fn a_fault_of_the_user_is_told_on_the_user() {
        let world = world(vec![
            anomaly(CrossCheck::UserPrivileges, 3, "user"),
            anomaly(CrossCheck::PrivilegeUsers, 2, "create-reports"),
            anomaly(CrossCheck::RoleUsers, 2, "user"),
        ]);
        check(&rule(), world.clone(), Expect::Fail(&["mia", "ben"]));
        assert_eq!(findings(&rule(), world)[0].evidence.len(), 2);
    }

    #[test]
    fn leaves_grants_to_the_other_rule() {
        check(&rule(), world(vec![anomaly(CrossCheck::SiteUsers, 2, "1")]), Expect::Pass);
    }

    #[test]
    fn what_was_not_compared_does_not_agree() {
        let mut lean = world(Vec::new());
        let parts = &mut lean.coverage.parts;
        parts.iter_mut().find(|entry| entry.part == Part::UserPrivileges).unwrap().state = PartState::NotAsked;
        check(&rule(), lean, Expect::Unknown);
        check(&rule(), incomplete(world(Vec::new()), Part::Roles), Expect::Unknown);
    }
}
