//! SCOPE-07: accounts with a role and nothing to use it on.

use super::{Context, Outcome, Rule, all_of, cut, enabled};
use crate::finding::{Finding, Severity};
use crate::graph::Reach;
use crate::model::Part;

about! {
    id: "user_without_scope",
    code: "SCOPE-07",
    title: "Account without any site or asset group",
    flags: "Enabled accounts other than Global Administrators that reach no site and no asset group.",
    evidence: "The grants and flags of the account.",
    why: "The account is misconfigured or left over, and an unused account is one that nobody watches.",
    severity: Severity::Low,
    click_path: "Administration > Users > Manage users > the user: grant what the work needs under Site access and Asset \
                 group access, or delete the account.",
    api_call: "PUT /api/3/users/{id}/sites/{siteId} grants a site, PUT /api/3/users/{id}/asset_groups/{assetGroupId} an \
               asset group; DELETE /api/3/users/{id} deletes the account.",
    needs: &[Part::Users, Part::UserSites, Part::UserAssetGroups],
    version: 1,
}

rule! {
    /// `[analyzers.user_without_scope]`: SCOPE-07.
    UserWithoutScope {}
}

impl Rule for UserWithoutScope {
    fn examine(&self, Context { graph, .. }: Context<'_>) -> Outcome {
        let mut outcome = Outcome::default();
        for user in enabled(graph).filter(|user| !user.is_global_admin()) {
            let has_role = user.role.id.as_ref().map(|_| true);
            let nowhere =
                all_of([has_role, is_nothing(&graph.sites_of(user)), is_nothing(&graph.asset_groups_of(user))]);
            outcome.judge(nowhere, || {
                let summary = format!("{} has a role and no site or asset group to use it on", cut(&user.login));
                Finding::new(&ABOUT, user, Severity::Low, summary)
                    .with("role", cut(&user.role.label()))
                    .with("sites", "none")
                    .with("asset groups", "none")
            });
        }
        outcome
    }
}

fn is_nothing<T>(reach: &Reach<'_, T>) -> Option<bool> {
    match reach {
        Reach::All { .. } => Some(false),
        Reach::Listed(ids) => Some(ids.is_empty()),
        Reach::Unknown => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analyze::check::{Expect, check};
    use crate::model::sample::{global_admin, incomplete, snapshot, user};
    use crate::model::{Answer, AssetGroupId, User, UserRole};

    fn rule() -> UserWithoutScope {
        UserWithoutScope::default()
    }

    fn nowhere(id: i64, login: &str) -> User {
        User { sites: Answer::Known(Vec::new()), ..user(id, login) }
    }

    #[test]
    fn flags_accounts_that_reach_nothing() {
        let group = User { asset_groups: Answer::Known(vec![AssetGroupId(1)]), ..nowhere(3, "cy") };
        let disabled = User { enabled: Some(false), ..nowhere(4, "di") };
        let world = snapshot(vec![nowhere(1, "mia"), user(2, "ben"), group, disabled]);
        check(&rule(), world, Expect::Fail(&["mia"]));
    }

    #[test]
    fn passes_flags_and_grants() {
        let mut flagged = nowhere(1, "mia");
        flagged.role.all_sites = true;
        check(&rule(), snapshot(vec![flagged, user(2, "ben")]), Expect::Pass);
    }

    #[test]
    fn does_not_apply_to_global_administrators() {
        check(&rule(), snapshot(vec![global_admin(1, "root")]), Expect::NotApplicable);
    }

    #[test]
    fn unanswered_is_not_nothing() {
        let unanswered = User { asset_groups: Answer::Missing, ..nowhere(1, "mia") };
        check(&rule(), snapshot(vec![unanswered]), Expect::Unknown);
        let roleless = User { role: UserRole::default().into(), ..nowhere(1, "mia") };
        check(&rule(), snapshot(vec![roleless]), Expect::Unknown);
        check(&rule(), incomplete(snapshot(vec![user(2, "ben")]), Part::UserSites), Expect::Unknown);
    }
}
