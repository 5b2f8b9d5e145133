//! ROLE-01: custom roles that nobody holds.

use super::{Context, Outcome, Rule, all_of, cut, is_disputed, knows_all_holders};
use crate::finding::{Finding, Severity};
use crate::model::Part;

about! {
    id: "unused_custom_role",
    code: "ROLE-01",
    title: "Custom role without users",
    flags: "Custom roles that no account holds, disabled accounts included.",
    evidence: "The roles, and who holds them.",
    why: "A forgotten role is given out again without anybody reading what it allows.",
    severity: Severity::Low,
    click_path: "Administration > Users > Manage roles > the role: delete it.",
    api_call: "DELETE /api/3/roles/{id}; the id is case-sensitive, and its spaces are percent-encoded.",
    needs: &[Part::Users, Part::Roles, Part::RoleUsers],
    version: 1,
}

rule! {
    /// `[analyzers.unused_custom_role]`: ROLE-01.
    UnusedCustomRole {}
}

impl Rule for UnusedCustomRole {
    fn examine(&self, Context { graph, .. }: Context<'_>) -> Outcome {
        let mut outcome = Outcome::default();
        let seen_all = knows_all_holders(graph);
        for role in graph.snapshot().roles.iter().filter(|role| !role.is_builtin()) {
            let unused = graph.users_of_role(&role.id).len() == 0;
            let certain = (seen_all && !is_disputed(graph, role)).then_some(true);
            outcome.judge(all_of([Some(unused), certain]), || {
                let summary = format!("Nobody holds the custom role {}", cut(&role.name));
                Finding::new(&ABOUT, role, Severity::Low, summary)
                    .with("privileges", role.privileges.len().to_string())
                    .with("description", cut(role.description.as_deref().unwrap_or("none")))
            });
        }
        outcome
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analyze::check::{Expect, check};
    use crate::model::sample::{incomplete, snapshot, user, with_role};
    use crate::model::{Anomaly, Claim, CrossCheck, User, UserRole};

    fn rule() -> UnusedCustomRole {
        UnusedCustomRole::default()
    }

    #[test]
    fn flags_custom_roles_only() {
        check(&rule(), snapshot(vec![user(1, "mia")]), Expect::Fail(&["Auditors"]));
    }

    #[test]
    fn a_disabled_holder_is_a_holder() {
        let holder = User { enabled: Some(false), ..with_role(user(1, "mia"), "Auditors", &[]) };
        check(&rule(), snapshot(vec![holder]), Expect::Pass);
    }

    #[test]
    fn does_not_apply_without_custom_roles() {
        let mut world = snapshot(vec![user(1, "mia")]);
        world.roles.retain(crate::model::Role::is_builtin);
        check(&rule(), world, Expect::NotApplicable);
    }

    #[test]
    fn nobody_seen_is_not_nobody() {
        check(&rule(), incomplete(snapshot(vec![user(1, "mia")]), Part::Users), Expect::Unknown);
        let roleless = User { role: UserRole::default().into(), ..user(1, "mia") };
        check(&rule(), snapshot(vec![roleless]), Expect::Unknown);
    }

    #[test]
    fn a_disputed_role_is_unknown() {
        let mut world = snapshot(vec![user(1, "mia")]);
        let claim = |says: &str| Claim { endpoint: "/api/3/roles/Auditors/users".into(), says: says.into() };
        world.anomalies.push(Anomaly {
            check: CrossCheck::RoleUsers,
            user: Some(crate::model::UserId(1)),
            further_users: 0,
            object: "Auditors".into(),
            left: claim("role user"),
            right: claim("listed"),
        });
        check(&rule(), world, Expect::Unknown);
    }
}
