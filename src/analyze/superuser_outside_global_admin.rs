//! PRIV-01: the superuser flag or the wildcard privilege outside the role that is meant to carry them.

use super::{Context, Outcome, Rule, cut, logins, yes_no};
use crate::finding::{Finding, Severity};
use crate::model::{GLOBAL_ADMIN, Part, User};

/// The privilege that includes every other.
const WILDCARD: &str = "all-permissions";

about! {
    id: "superuser_outside_global_admin",
    code: "PRIV-01",
    title: "Superuser or all permissions outside Global Administrator",
    flags: "Accounts with the superuser flag or all-permissions, and roles that define all-permissions, outside the role \
            global-admin; disabled accounts too.",
    evidence: "The superuser flag and the privileges of accounts and roles.",
    why: "A wildcard under another name escapes every count of administrators, and it grows with each new privilege of \
          the product.",
    severity: Severity::Critical,
    click_path: "Administration > Users > Manage roles > the role: take the wildcard away and select what the work needs; \
                 or Manage users > the user > Role: Global Administrator, if that is what it should be.",
    api_call: "PUT /api/3/roles/{id} without all-permissions; for an account, PUT /api/3/users/{id} with its proper role \
               and superuser=false (it replaces the whole user and drops grants: read them before, restore them after).",
    needs: &[Part::Users, Part::UserPrivileges, Part::Roles],
    version: 1,
}

rule! {
    /// `[analyzers.superuser_outside_global_admin]`: PRIV-01.
    SuperuserOutsideGlobalAdmin {}
}

impl Rule for SuperuserOutsideGlobalAdmin {
    fn examine(&self, Context { graph, .. }: Context<'_>) -> Outcome {
        let mut outcome = Outcome::default();
        for role in graph.snapshot().roles.iter().filter(|role| role.id.as_str() != GLOBAL_ADMIN) {
            outcome.judge(Some(role.privileges.contains(WILDCARD)), || {
                let users: Vec<_> = graph.users_of_role(&role.id).collect();
                let summary = format!("Role {} defines all-permissions without being Global Administrator", cut(&role.name));
                Finding::new(&ABOUT, role, Severity::Critical, summary)
                    .with("users", users.len().to_string())
                    .with("logins", logins(&users))
                    .affecting(users.iter().filter(|user| user.is_enabled()).map(|user| user.id))
            });
        }
        for user in graph.users() {
            let outside = user.role.id.as_ref().map(|id| id.as_str() != GLOBAL_ADMIN);
            if outside == Some(false) {
                continue;
            }
            // Without a known role, a wildcard may be the Global Administrator's own.
            let wrong = if holds_wildcard(user) == Some(true) { outside } else { holds_wildcard(user) };
            outcome.judge(wrong, || {
                let summary =
                    format!("{} holds every permission without being Global Administrator", cut(&user.login));
                Finding::new(&ABOUT, user, Severity::Critical, summary)
                    .with("role", cut(&user.role.label()))
                    .with("superuser flag", yes_no(Some(user.role.superuser)))
                    .with(WILDCARD, yes_no(user.effective_privileges().map(|held| held.contains(WILDCARD))))
                    .with("enabled", yes_no(user.enabled))
            });
        }
        outcome
    }
}

fn holds_wildcard(user: &User) -> Option<bool> {
    if user.role.superuser {
        return Some(true);
    }
    user.effective_privileges().map(|held| held.contains(WILDCARD))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analyze::check::{Expect, check};
    use crate::model::sample::{global_admin, incomplete, role, snapshot, user, with_role};
    use crate::model::{Answer, UserRole};

    fn rule() -> SuperuserOutsideGlobalAdmin {
        SuperuserOutsideGlobalAdmin::default()
    }

    #[test]
    fn flags_the_flag_on_another_role() {
        let mut hidden = user(2, "mia");
        hidden.role.superuser = true;
        check(&rule(), snapshot(vec![global_admin(1, "root"), hidden]), Expect::Fail(&["mia"]));
    }

    #[test]
    fn flags_the_role_and_its_holders() {
        let all = [WILDCARD, "create-reports"];
        let mut world = snapshot(vec![with_role(user(2, "mia"), "Ops", &all)]);
        world.roles.insert(1, role("Ops", &all));
        check(&rule(), world, Expect::Fail(&["Ops", "mia"]));
    }

    #[test]
    fn passes_when_only_global_administrators_hold_it() {
        check(&rule(), snapshot(vec![global_admin(1, "root"), user(2, "mia")]), Expect::Pass);
    }

    #[test]
    fn unanswered_privileges_are_not_harmless() {
        let mut unanswered = user(2, "mia");
        unanswered.privileges = Answer::Missing;
        unanswered.role.privileges = None;
        check(&rule(), snapshot(vec![unanswered]), Expect::Unknown);
    }

    #[test]
    fn a_wildcard_without_a_known_role_may_be_in_its_place() {
        let mut roleless = global_admin(2, "mia");
        roleless.role = UserRole { superuser: true, ..UserRole::default() }.into();
        check(&rule(), snapshot(vec![roleless]), Expect::Unknown);
    }

    #[test]
    fn does_not_pass_without_all_roles() {
        check(&rule(), incomplete(snapshot(vec![user(2, "mia")]), Part::Roles), Expect::Unknown);
    }
}
