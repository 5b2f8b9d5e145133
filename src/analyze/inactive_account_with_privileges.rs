//! PRIV-05: accounts that cannot log in and still hold access.

use super::{Context, Outcome, Rule, all_of, amount, cut, yes_no};
use crate::finding::{Finding, Severity};
use crate::model::{Part, User};

about! {
    id: "inactive_account_with_privileges",
    code: "PRIV-05",
    title: "Disabled or locked account with access",
    flags: "Disabled or locked accounts that still have administrative power, an all-sites or all-asset-groups flag, \
            or, if disabled, grants of their own.",
    evidence: "The enabled and locked states of the account, its privileges, flags and grants.",
    why: "Everything that the account holds is live again with one click on enable or unlock.",
    severity: Severity::Medium,
    click_path: "Administration > Users > Manage users > the user: delete the account if nobody needs it back; otherwise \
                 give it the role User and remove its sites and asset groups.",
    api_call: "DELETE /api/3/users/{id}; or DELETE /api/3/users/{id}/sites and DELETE /api/3/users/{id}/asset_groups, \
               and PUT /api/3/users/{id} with role.id user and both all-flags false (it replaces the whole user).",
    needs: &[Part::Users, Part::UserPrivileges, Part::UserSites, Part::UserAssetGroups],
    version: 1,
}

rule! {
    /// `[analyzers.inactive_account_with_privileges]`: PRIV-05.
    InactiveAccountWithPrivileges {
        /// Whether only administrative power counts, and plain grants and flags do not.
        privileged_only: bool = false,
    }
}

impl Rule for InactiveAccountWithPrivileges {
    fn examine(&self, context: Context<'_>) -> Outcome {
        let Context { graph, .. } = context;
        let mut outcome = Outcome::default();
        for user in graph.users() {
            let inactive = is_inactive(user);
            if inactive == Some(false) {
                continue;
            }
            // locked_account tells of every locked account; here its plain grants add nothing.
            let privileged = context.is_privileged(user);
            let holds = match (self.privileged_only, user.enabled == Some(true)) {
                (true, _) => privileged,
                (false, true) => holds_widely(user, privileged),
                (false, false) => holds_anything(user, privileged),
            };
            outcome.judge(all_of([inactive, holds]), || {
                let state = if user.enabled == Some(false) { "disabled" } else { "locked" };
                let summary = format!("{} is {state} and would have its access back at once", cut(&user.login));
                Finding::new(&ABOUT, user, Severity::Medium, summary)
                    .with("role", cut(&user.role.label()))
                    .with("administrative power", yes_no(privileged))
                    .with("all sites", yes_no(Some(user.role.all_sites)))
                    .with("all asset groups", yes_no(Some(user.role.all_asset_groups)))
                    .with("grants of its own", own_grants(user))
            });
        }
        outcome
    }
}

/// Whether an account is disabled or locked: one of the two is enough, and only both answers rule it out.
fn is_inactive(user: &User) -> Option<bool> {
    all_of([user.enabled, user.locked.map(|locked| !locked)]).map(|active| !active)
}

fn holds_widely(user: &User, privileged: Option<bool>) -> Option<bool> {
    if user.role.all_sites || user.role.all_asset_groups { Some(true) } else { privileged }
}

fn holds_anything(user: &User, privileged: Option<bool>) -> Option<bool> {
    let has_none = |grants: Option<usize>| grants.map(|grants| grants == 0);
    let nothing = all_of([
        privileged.map(|privileged| !privileged),
        Some(!user.role.all_sites && !user.role.all_asset_groups),
        has_none(user.sites.known().map(Vec::len)),
        has_none(user.asset_groups.known().map(Vec::len)),
    ]);
    nothing.map(|nothing| !nothing)
}

fn own_grants(user: &User) -> String {
    let count = |grants: Option<usize>, noun| {
        grants.map_or_else(|| format!("unknown {noun}s"), |grants| amount(grants, noun))
    };
    let sites = count(user.sites.known().map(Vec::len), "site");
    format!("{sites}, {}", count(user.asset_groups.known().map(Vec::len), "asset group"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analyze::check::{Expect, check};
    use crate::model::Answer;
    use crate::model::sample::{global_admin, snapshot, user};

    fn rule() -> InactiveAccountWithPrivileges {
        InactiveAccountWithPrivileges::default()
    }

    fn disabled(user: User) -> User {
        User { enabled: Some(false), ..user }
    }

    fn empty(user: User) -> User {
        User { sites: Answer::Known(Vec::new()), ..user }
    }

    #[test]
    fn flags_grants_flags_and_power() {
        let mut flagged = disabled(empty(user(2, "flagged")));
        flagged.role.all_asset_groups = true;
        let locked = |user| User { locked: Some(true), ..user };
        let mut reaching = locked(user(3, "reaching"));
        reaching.role.all_sites = true;
        let world = snapshot(vec![
            disabled(global_admin(1, "root")),
            flagged,
            reaching,
            locked(user(4, "granted")),
            user(5, "active"),
        ]);
        check(&rule(), world, Expect::Fail(&["root", "flagged", "reaching"]));
    }

    #[test]
    fn passes_an_account_that_holds_nothing() {
        check(&rule(), snapshot(vec![disabled(empty(user(2, "mia")))]), Expect::Pass);
    }

    #[test]
    fn does_not_apply_to_active_accounts() {
        check(&rule(), snapshot(vec![global_admin(1, "root")]), Expect::NotApplicable);
    }

    #[test]
    fn the_knob_leaves_plain_grants_alone() {
        let rule = InactiveAccountWithPrivileges { privileged_only: true, ..rule() };
        let world = snapshot(vec![disabled(global_admin(1, "root")), disabled(user(2, "mia"))]);
        check(&rule, world, Expect::Fail(&["root"]));
    }

    #[test]
    fn unanswered_grants_are_not_none() {
        let unanswered = User { asset_groups: Answer::Missing, ..disabled(empty(user(2, "mia"))) };
        check(&rule(), snapshot(vec![unanswered.clone()]), Expect::Unknown);
        let proved = User { sites: user(2, "mia").sites, ..unanswered };
        check(&rule(), snapshot(vec![proved]), Expect::Fail(&["mia"]));
    }

    #[test]
    fn an_unknown_state_is_not_active() {
        let unknown = User { enabled: None, ..user(2, "mia") };
        check(&rule(), snapshot(vec![unknown]), Expect::Unknown);
    }
}
