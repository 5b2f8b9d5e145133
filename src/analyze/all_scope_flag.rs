//! SCOPE-01: accounts that reach everything by a flag.

use super::{Context, Outcome, Rule, all_of, can_change, cut, enabled, yes_no};
use crate::finding::{Finding, Severity};
use crate::model::{GLOBAL_ADMIN, Part, UserRole};

about! {
    id: "all_scope_flag",
    code: "SCOPE-01",
    title: "Access to all sites or all asset groups",
    flags: "Enabled accounts with the all-sites or all-asset-groups flag outside the roles in allowed_roles.",
    evidence: "The flags allSites and allAssetGroups of the account, and its privileges.",
    why: "The flag includes everything that is added later; nobody decides on it again.",
    severity: Severity::High,
    click_path: "Administration > Users > Manage users > the user > Site access and Asset group access: select the ones \
                 that the work needs instead of all.",
    api_call: "PUT /api/3/users/{id} with role.allSites=false and role.allAssetGroups=false, then PUT \
               /api/3/users/{id}/sites and /asset_groups with the ids to keep (the first call replaces the whole user \
               and drops grants: read them before, restore them after).",
    needs: &[Part::Users, Part::UserPrivileges],
    version: 1,
}

rule! {
    /// `[analyzers.all_scope_flag]`: SCOPE-01.
    AllScopeFlag {
        /// Ids of the roles, not their names, whose holders may reach everything, such as "global-admin".
        allowed_roles: Vec<String> = vec![GLOBAL_ADMIN.to_owned()],
    }
}

impl Rule for AllScopeFlag {
    fn examine(&self, Context { graph, .. }: Context<'_>) -> Outcome {
        let mut outcome = Outcome::default();
        for user in enabled(graph) {
            let outside = user.role.id.as_ref().map(|id| !self.allowed_roles.iter().any(|role| role == id.as_str()));
            if outside == Some(false) {
                continue;
            }
            outcome.judge(all_of([outside, Some(reached(&user.role).is_some())]), || {
                let changes = can_change(user);
                let severity = if changes == Some(true) { Severity::High } else { Severity::Medium };
                let everything = reached(&user.role).unwrap_or_default();
                let summary = format!("{} reaches {everything} by a flag", cut(&user.login));
                Finding::new(&ABOUT, user, severity, summary)
                    .with("role", cut(&user.role.label()))
                    .with("reaches", everything)
                    .with("can change what it reaches", yes_no(changes))
            });
        }
        outcome
    }
}

fn reached(role: &UserRole) -> Option<&'static str> {
    match (role.all_sites, role.all_asset_groups) {
        (true, true) => Some("all sites and all asset groups"),
        (true, false) => Some("all sites"),
        (false, true) => Some("all asset groups"),
        (false, false) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analyze::check::{Expect, check, findings};
    use crate::model::sample::{global_admin, incomplete, snapshot, user, with_role};
    use crate::model::{Answer, User, UserRole};

    fn rule() -> AllScopeFlag {
        AllScopeFlag::default()
    }

    fn all_sites(mut user: User) -> User {
        user.role.all_sites = true;
        user
    }

    #[test]
    fn flags_either_flag_outside_the_allowed_roles() {
        let mut groups = user(3, "ben");
        groups.role.all_asset_groups = true;
        let world = snapshot(vec![global_admin(1, "root"), all_sites(user(2, "mia")), groups, user(4, "cy")]);
        check(&rule(), world, Expect::Fail(&["mia", "ben"]));
    }

    #[test]
    fn is_high_where_the_account_can_change_things() {
        let reader = all_sites(user(2, "mia"));
        let writer = all_sites(with_role(user(3, "ben"), "Ops", &["manage-sites"]));
        let mut unanswered = all_sites(user(4, "cy"));
        unanswered.privileges = Answer::Missing;
        unanswered.role.privileges = None;
        let found = findings(&rule(), snapshot(vec![reader, writer, unanswered]));
        let severities: Vec<_> = found.iter().map(|finding| finding.severity).collect();
        assert_eq!(severities, [Severity::Medium, Severity::High, Severity::Medium]);
    }

    #[test]
    fn an_allowed_role_passes_by_its_id() {
        let rule = AllScopeFlag { allowed_roles: vec!["user".into()], ..rule() };
        check(&rule, snapshot(vec![all_sites(user(2, "mia"))]), Expect::NotApplicable);
    }

    #[test]
    fn passes_without_flags_unless_accounts_are_missing() {
        check(&rule(), snapshot(vec![user(2, "mia")]), Expect::Pass);
        check(&rule(), incomplete(snapshot(vec![user(2, "mia")]), Part::Users), Expect::Unknown);
    }

    #[test]
    fn a_flag_without_a_known_role_may_be_allowed() {
        let mut roleless = user(2, "mia");
        roleless.role = UserRole { all_sites: true, ..UserRole::default() }.into();
        check(&rule(), snapshot(vec![roleless]), Expect::Unknown);
    }

    #[test]
    fn leaves_disabled_accounts_to_the_other_rule() {
        let disabled = User { enabled: Some(false), ..all_sites(user(2, "mia")) };
        check(&rule(), snapshot(vec![disabled]), Expect::NotApplicable);
    }
}
