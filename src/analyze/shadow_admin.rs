//! PRIV-03: administration under another role's name.

use std::collections::BTreeMap;

use super::{Context, Outcome, Rule, amount, cut, holdings, list, logins};
use crate::finding::{Finding, Severity};
use crate::model::{Part, Role, User, UserId};

about! {
    id: "shadow_admin",
    code: "PRIV-03",
    title: "Shadow administrator",
    flags: "Roles other than Global Administrator, with enabled holders, and accounts beyond their role, whose privileges \
            together reach administration: granting oneself access, capturing credentials, or changing global settings.",
    evidence: "The privileges of roles and accounts, held against the table of toxic combinations.",
    why: "The name of the role hides the power, so that counts and reviews of administrators miss these accounts.",
    severity: Severity::High,
    click_path: "Administration > Users > Manage roles > the role: take one privilege of each combination away, or split \
                 the role in two; built-in roles cannot be edited, so give their holders another role.",
    api_call: "PUT /api/3/roles/{id} with the reduced privileges; to move a holder, PUT /api/3/users/{id} with another \
               role.id (it replaces the whole user and drops grants: read them before, restore them after).",
    needs: &[Part::Users, Part::UserPrivileges, Part::Roles],
    version: 1,
}

rule! {
    /// `[analyzers.shadow_admin]`: PRIV-03.
    ShadowAdmin {}
}

impl Rule for ShadowAdmin {
    fn examine(&self, context: Context<'_>) -> Outcome {
        let Context { graph, .. } = context;
        let holdings = holdings(context.combinations(), graph);
        let mut findings = Vec::new();
        for (id, rows) in &holdings.through_roles {
            let rows: Vec<_> = rows.iter().filter(|holding| holding.row.admin_effect).collect();
            let Some(first) = rows.first() else { continue };
            let holders: BTreeMap<UserId, &User> =
                rows.iter().flat_map(|holding| &holding.users).map(|user| (user.id, *user)).collect();
            let holders: Vec<&User> = holders.into_values().collect();
            let role = first.role(graph, id);
            let summary = format!(
                "Role {} gives {} the means of an administrator without the name",
                cut(&role.name),
                amount(holders.len(), "enabled account"),
            );
            let mut finding = Finding::new(&ABOUT, role, Severity::High, summary);
            if graph.role(id).is_some_and(Role::is_builtin) {
                finding = finding.with("built-in", "the role comes with the product and cannot be edited");
            }
            findings.push(
                finding
                    .with("combinations", list(rows.iter().map(|holding| &holding.row.code)))
                    .with("together they can", list(rows.iter().map(|holding| &holding.row.effect)))
                    .with("holders", logins(&holders))
                    .affecting(holders.iter().map(|user| user.id)),
            );
        }
        for (user, rows) in &holdings.beyond_roles {
            let rows: Vec<_> = rows.iter().filter(|row| row.admin_effect).collect();
            if rows.is_empty() {
                continue;
            }
            let summary = format!(
                "{} has the means of an administrator beyond what its role defines",
                cut(&user.login),
            );
            findings.push(
                Finding::new(&ABOUT, *user, Severity::High, summary)
                    .with("role", cut(&user.role.label()))
                    .with("combinations", list(rows.iter().map(|row| &row.code)))
                    .with("together they can", list(rows.iter().map(|row| &row.effect))),
            );
        }
        Outcome { examined: holdings.examined, expected: holdings.expected, findings, ..Outcome::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analyze::check::{Expect, check, findings};
    use crate::model::sample::{global_admin, incomplete, role, snapshot, user, with_role};
    use crate::model::{Answer, Snapshot, User};

    const ACCESS: &[&str] = &["manage-site-access", "view-site-asset-data"];

    fn rule() -> ShadowAdmin {
        ShadowAdmin::default()
    }

    fn access_managers(users: Vec<User>) -> Snapshot {
        let mut world = snapshot(users);
        world.roles.insert(0, role("Access", ACCESS));
        world
    }

    #[test]
    fn rolls_holders_up_to_their_role() {
        let users = (2..40).map(|id| with_role(user(id, &format!("u{id}")), "Access", ACCESS)).collect();
        let found = findings(&rule(), access_managers(users));
        assert_eq!(found.len(), 1);
        assert!(found[0].summary.contains("38 enabled accounts"));
        assert!(found[0].evidence.iter().any(|(label, value)| *label == "holders" && value.ends_with("18 more")));
    }

    #[test]
    fn names_an_account_beyond_its_role() {
        let world = snapshot(vec![with_role(user(2, "mia"), "Auditors", ACCESS)]);
        check(&rule(), world, Expect::Fail(&["mia"]));
    }

    #[test]
    fn one_privilege_less_is_no_administration() {
        let world = snapshot(vec![with_role(user(2, "mia"), "Auditors", &ACCESS[..1]), global_admin(1, "root")]);
        check(&rule(), world, Expect::Pass);
    }

    #[test]
    fn disabled_holders_and_empty_roles_do_not_count() {
        let disabled = User { enabled: Some(false), ..with_role(user(2, "mia"), "Access", ACCESS) };
        check(&rule(), access_managers(vec![disabled, user(3, "ben")]), Expect::Pass);
    }

    #[test]
    fn unanswered_privileges_are_not_harmless() {
        let mut unanswered = user(2, "mia");
        unanswered.privileges = Answer::Missing;
        unanswered.role.privileges = None;
        check(&rule(), snapshot(vec![unanswered]), Expect::Unknown);
        check(&rule(), incomplete(snapshot(vec![user(2, "mia")]), Part::UserPrivileges), Expect::Unknown);
    }
}
