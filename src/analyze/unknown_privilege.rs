//! ROLE-06: privileges that nobody has classified yet.

use std::collections::{BTreeSet, HashMap};

use super::{Context, Outcome, Rule, cut, list};
use crate::finding::{Finding, Severity};
use crate::graph::AccessGraph;
use crate::model::{KNOWN_PRIVILEGES, Part, PrivilegeId};

about! {
    id: "unknown_privilege",
    code: "ROLE-06",
    title: "Privilege that is not in the catalogue",
    flags: "Privileges that the console, a role or a user names and that this version of recert does not know.",
    evidence: "The privileges that the console lists, and the catalogue of known ones.",
    why: "Consoles gain privileges with updates; until one is classified, no rule can say what its holders can do.",
    severity: Severity::Info,
    click_path: "Administration > Users > Manage roles > a role that holds it: read what it allows, treat it as \
                 sensitive until then, and update recert.",
    api_call: "GET /api/3/privileges/{id}/users lists its holders.",
    needs: &[Part::Users, Part::UserPrivileges, Part::Roles, Part::Privileges],
    version: 2,
}

rule! {
    /// `[analyzers.unknown_privilege]`: ROLE-06.
    UnknownPrivilege {}
}

impl Rule for UnknownPrivilege {
    fn examine(&self, Context { graph, .. }: Context<'_>) -> Outcome {
        let mut outcome = Outcome::default();
        for privilege in named(graph) {
            outcome.judge(Some(!KNOWN_PRIVILEGES.contains(&privilege.as_str())), || {
                let roles = graph.snapshot().roles.iter().filter(|role| role.privileges.contains(privilege));
                let roles = list(roles.map(|role| &role.name));
                let summary = format!("Nothing is known of the privilege {}", cut(privilege.as_str()));
                let subject = crate::finding::Subject::from(privilege);
                let holders = graph.users().iter().filter(|user| user.holds(privilege)).count();
                Finding::new(&ABOUT, subject, Severity::Info, summary)
                    .with("roles", if roles.is_empty() { "none".to_owned() } else { roles })
                    .with("users", holders.to_string())
            });
        }
        // A user whose privileges are not known may hold one that nothing else names.
        let unseen = graph.users().iter().filter(|user| user.effective_privileges().is_none()).count();
        outcome.expected += unseen as u64;
        outcome
    }
}

/// Every privilege that the console names anywhere.
fn named(graph: &AccessGraph) -> BTreeSet<&PrivilegeId> {
    let snapshot = graph.snapshot();
    let defined = snapshot.roles.iter().flat_map(|role| &role.privileges);
    // Accounts of one role share their set of privileges.
    let sets = graph.users().iter().filter_map(|user| user.effective_privileges());
    let sets: HashMap<*const BTreeSet<PrivilegeId>, &BTreeSet<PrivilegeId>> =
        sets.map(|set| (std::ptr::from_ref(set), set)).collect();
    let held = sets.into_values().flatten();
    snapshot.privileges.iter().chain(defined).chain(held).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analyze::check::{Expect, check, findings};
    use crate::model::Answer;
    use crate::model::sample::{global_admin, incomplete, role, snapshot, user, with_role};

    fn rule() -> UnknownPrivilege {
        UnknownPrivilege::default()
    }

    #[test]
    fn flags_what_console_roles_and_users_name() {
        let mut world = snapshot(vec![with_role(user(1, "mia"), "Auditors", &["of-user", "of-role"])]);
        world.privileges.push("of-console".into());
        world.roles[0] = role("Auditors", &["of-role", "create-reports"]);
        check(&rule(), world.clone(), Expect::Fail(&["of-console", "of-role", "of-user"]));
        let of_role = &findings(&rule(), world)[1];
        assert_eq!(of_role.evidence, [("roles", "Auditors".to_owned()), ("users", "1".to_owned())]);
    }

    #[test]
    fn who_holds_everything_holds_it_too() {
        let wildcard = with_role(user(3, "ben"), "Ops", &["all-permissions"]);
        let mut world = snapshot(vec![global_admin(1, "root"), user(2, "mia"), wildcard]);
        world.privileges.push("of-console".into());
        assert_eq!(findings(&rule(), world)[0].evidence[1], ("users", "2".to_owned()));
    }

    #[test]
    fn passes_the_known_catalogue() {
        check(&rule(), snapshot(vec![user(1, "mia")]), Expect::Pass);
    }

    #[test]
    fn unanswered_is_not_known() {
        let mut unanswered = user(1, "mia");
        unanswered.privileges = Answer::Missing;
        unanswered.role.privileges = None;
        check(&rule(), snapshot(vec![unanswered]), Expect::Unknown);
        check(&rule(), incomplete(snapshot(vec![user(1, "mia")]), Part::Privileges), Expect::Unknown);
    }
}
