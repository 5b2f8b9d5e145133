//! ROLE-03: roles and privileges on which the console contradicts itself.

use super::{Context, Outcome, Rule, disagreements, was_compared};
use crate::finding::{Severity};
use crate::model::{CrossCheck, Part};

about! {
    id: "role_definition_mismatch",
    code: "ROLE-03",
    title: "Effective privileges differ from the role's definition",
    flags: "Roles, privileges and users on which the console contradicts itself: what differs between the users' records, \
            their own privileges, the role's definition and the users of each role and privilege, and roles that users \
            hold but the console does not list.",
    evidence: "The privileges in the user's record, in the role's definition and in the lists of users by privilege.",
    why: "A review of the definition would certify other rights than the ones that people have.",
    severity: Severity::High,
    click_path: "Administration > Users > Manage users > the user > Role: select the role again and save; then compare \
                 with Manage roles, and review again.",
    api_call: "GET /api/3/users/{id}/privileges, /api/3/roles/{id} and /api/3/roles/{id}/users show the sides; PUT \
               /api/3/users/{id} with the same role.id writes it anew (it replaces the whole user and drops grants: read \
               them before, restore them after).",
    needs: &[
        Part::Users,
        Part::UserPrivileges,
        Part::Roles,
        Part::RoleUsers,
        Part::Privileges,
        Part::PrivilegeUsers,
    ],
    version: 2,
}

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
    fn examine(&self, Context { graph, .. }: Context<'_>) -> Outcome {
        let compared = was_compared(
            &graph.snapshot().coverage,
            &[Part::UserPrivileges, Part::RoleUsers, Part::PrivilegeUsers],
        );
        let expected = graph.users().len() as u64;
        Outcome {
            examined: if compared { expected } else { 0 },
            expected,
            findings: disagreements(graph, CHECKS)
                .iter()
                .map(|about| about.finding(&ABOUT, Severity::High))
                .collect(),
            ..Outcome::default()
        }
    }
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
            further_users: 0,
            object: object.into(),
            left: claim("/api/3/users/2", "has also create-tickets"),
            right: claim("/api/3/roles/Auditors", "has nothing more"),
        }
    }

    fn world(anomalies: Vec<Anomaly>) -> Snapshot {
        Snapshot { anomalies, ..snapshot(vec![user(2, "mia"), user(3, "ben")]) }
    }

    #[test]
    fn a_fault_of_the_role_is_told_once_for_all_its_users() {
        let many = (2..5002).map(|user| anomaly(CrossCheck::RoleDefinition, user, "Auditors")).collect();
        let found = findings(&rule(), world(many));
        assert_eq!((found.len(), found[0].subject.name.as_str(), found[0].affected.len()), (1, "Auditors", 5000));
        assert_eq!(
            found[0].summary,
            "Role Auditors and the records of mia, ben, user 4 (not listed) and 4997 more contradict each other: the \
             record of mia has also create-tickets, the definition of the role has nothing more"
        );
        let vanished = world(vec![anomaly(CrossCheck::DanglingRole, 2, "Gone")]);
        check(&rule(), vanished.clone(), Expect::Fail(&["Gone"]));
        assert_eq!(findings(&rule(), vanished)[0].summary, "mia holds role Gone, which the console does not list");
    }

    #[test]
    fn a_fault_of_a_privilege_is_told_on_the_privilege_and_one_of_the_user_on_the_user() {
        let world = world(vec![
            anomaly(CrossCheck::UserPrivileges, 3, "3"),
            anomaly(CrossCheck::PrivilegeUsers, 2, "create-reports"),
            anomaly(CrossCheck::RoleUsers, 2, "user"),
            anomaly(CrossCheck::RoleDefinition, 3, "user"),
        ]);
        check(&rule(), world.clone(), Expect::Fail(&["ben", "user", "create-reports"]));
        let found = findings(&rule(), world);
        assert_eq!(found[1].affected, [UserId(2), UserId(3)]);
        assert_eq!(
            found[0].summary,
            "Two answers on the privileges of ben differ: the record has also create-tickets, the list of privileges has \
             nothing more"
        );
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
