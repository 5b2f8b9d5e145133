//! AUTH-02: local accounts without administrative power and a password alone.

use super::{Context, Outcome, Rule, all_of, cut, enabled, has_second_factor, second_factor_evidence};
use crate::finding::{Finding, Severity};
use crate::model::Part;

about! {
    id: "local_user_without_2fa",
    code: "AUTH-02",
    title: "Local user without two-factor authentication",
    flags: "Enabled local accounts without administrative power and without a second factor.",
    evidence: "The account's authentication source, its privileges, and what the console answers about its second factor.",
    why: "What the console knows of a network's weak points is worth a stolen password.",
    severity: Severity::Medium,
    click_path: "Administration > Users > Manage users > the user > Two-factor authentication: generate a token and hand \
                 it over in person, or move the account to the external authentication source.",
    api_call: "POST /api/3/users/{id}/2FA generates the token; to move the account, PUT /api/3/users/{id} with another \
               authentication source (it replaces the whole user and drops grants: read them before, restore them \
               after).",
    needs: &[Part::Users, Part::UserPrivileges],
    uses: &[Part::TwoFactor],
    version: 1,
}

rule! {
    /// `[analyzers.local_user_without_2fa]`: AUTH-02.
    LocalUserWithout2fa {}
}

impl Rule for LocalUserWithout2fa {
    fn examine(&self, context: Context<'_>) -> Outcome {
        let Context { graph, .. } = context;
        let mut outcome = Outcome::default();
        for user in enabled(graph) {
            let in_question = all_of([user.is_local(), context.is_privileged(user).map(|privileged| !privileged)]);
            if in_question == Some(false) {
                continue;
            }
            outcome.judge(all_of([in_question, has_second_factor(user).map(|has| !has)]), || {
                let summary = format!("{} is a local user and logs in with a password alone", cut(&user.login));
                Finding::new(&ABOUT, user, Severity::Medium, summary)
                    .with("role", cut(&user.role.label()))
                    .with("two-factor", second_factor_evidence(graph, user))
            });
        }
        outcome
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analyze::check::{Expect, check};
    use crate::model::sample::{global_admin, local_user, snapshot, user};
    use crate::model::{Answer, TwoFactor, User};

    fn without_2fa(user: User) -> User {
        User { two_factor: TwoFactor::NotConfigured, ..user }
    }

    #[test]
    fn flags_ordinary_local_accounts_only() {
        let world = snapshot(vec![without_2fa(global_admin(1, "nxadmin")), without_2fa(local_user(2, "mia"))]);
        check(&LocalUserWithout2fa::default(), world, Expect::Fail(&["mia"]));
    }

    #[test]
    fn passes_with_a_second_factor() {
        check(&LocalUserWithout2fa::default(), snapshot(vec![local_user(2, "mia")]), Expect::Pass);
    }

    #[test]
    fn does_not_apply_to_external_and_disabled_accounts() {
        let disabled = User { enabled: Some(false), ..without_2fa(local_user(2, "mia")) };
        check(&LocalUserWithout2fa::default(), snapshot(vec![user(1, "ben"), disabled]), Expect::NotApplicable);
    }

    #[test]
    fn undetermined_is_not_missing() {
        let undetermined = User { two_factor: TwoFactor::Undetermined, ..local_user(2, "mia") };
        check(&LocalUserWithout2fa::default(), snapshot(vec![undetermined]), Expect::Unknown);
    }

    #[test]
    fn unknown_power_is_not_ordinary() {
        let mut user = without_2fa(local_user(2, "mia"));
        user.privileges = Answer::Missing;
        user.role.privileges = None;
        check(&LocalUserWithout2fa::default(), snapshot(vec![user]), Expect::Unknown);
    }
}
