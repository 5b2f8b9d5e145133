//! AUTH-01: local accounts with administrative power and a password alone.

use super::{Combination, Context, Outcome, Rule, all_of, cut, enabled, has_second_factor, held_by, holds_everything, second_factor_evidence};
use crate::finding::{Finding, Severity};
use crate::model::{Part, User};

about! {
    id: "local_admin_without_2fa",
    code: "AUTH-01",
    title: "Local administrator without two-factor authentication",
    flags: "Enabled local accounts (types admin and normal) with administrative power and no second factor.",
    evidence: "The account's authentication source, its privileges, and what the console answers about its second factor.",
    why: "The console's API and pages open with a password alone, and with them every scan credential that the console \
          holds.",
    severity: Severity::Critical,
    click_path: "Administration > Users > Manage users > the user > Two-factor authentication: generate a token, hand it \
                 over in person, and check the next login.",
    api_call: "POST /api/3/users/{id}/2FA generates the token; if nobody answers for the account, PUT /api/3/users/{id} \
               with enabled=false (it replaces the whole user and drops grants: read them before, restore them after).",
    needs: &[Part::Users, Part::UserPrivileges],
    uses: &[Part::TwoFactor],
    version: 1,
}

rule! {
    /// `[analyzers.local_admin_without_2fa]`: AUTH-01.
    LocalAdminWithout2fa {}
}

impl Rule for LocalAdminWithout2fa {
    fn examine(&self, context: Context<'_>) -> Outcome {
        let Context { graph, .. } = context;
        let mut outcome = Outcome::default();
        for user in enabled(graph) {
            let in_question = all_of([user.is_local(), context.is_privileged(user)]);
            if in_question == Some(false) {
                continue;
            }
            outcome.judge(all_of([in_question, has_second_factor(user).map(|has| !has)]), || {
                let power = power(context.combinations(), user);
                let summary =
                    format!("{} is local, holds {power} and logs in with a password alone", cut(&user.login));
                Finding::new(&ABOUT, user, Severity::Critical, summary)
                    .with("role", cut(&user.role.label()))
                    .with("administrative power", power)
                    .with("two-factor", second_factor_evidence(graph, user))
            });
        }
        outcome
    }
}

/// What makes the account an administrator: everything, or the worst combination that it holds.
fn power(table: &[Combination], user: &User) -> String {
    if holds_everything(user) == Some(true) {
        return "every privilege".to_owned();
    }
    let rows = user.effective_privileges().into_iter().flat_map(|held| held_by(table, held));
    let worst = rows.fold(None::<&Combination>, |worst, row| match worst {
        Some(worst) if worst.severity >= row.severity => Some(worst),
        _ => Some(row),
    });
    let reason = worst.map(|row| format!(" ({}: can {})", row.code, row.effect)).unwrap_or_default();
    format!("administrative power{reason}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analyze::check::{Expect, check, findings};
    use crate::model::sample::{global_admin, incomplete, local_user, snapshot, user, with_role};
    use crate::model::{Answer, TwoFactor};

    fn without_2fa(user: User) -> User {
        User { two_factor: TwoFactor::NotConfigured, ..user }
    }

    #[test]
    fn flags_the_builtin_admin_type() {
        let world = snapshot(vec![without_2fa(global_admin(1, "nxadmin")), user(2, "mia")]);
        check(&LocalAdminWithout2fa::default(), world, Expect::Fail(&["nxadmin"]));
    }

    #[test]
    fn flags_a_custom_role_with_administrative_power() {
        let engineer = with_role(local_user(2, "mia"), "Engines", &["manage-scan-engines", "assign-scan-engine"]);
        check(&LocalAdminWithout2fa::default(), snapshot(vec![without_2fa(engineer)]), Expect::Fail(&["mia"]));
    }

    #[test]
    fn names_the_cause_when_the_console_has_it_off() {
        let mut world = snapshot(vec![without_2fa(global_admin(1, "nxadmin"))]);
        world.settings.two_factor = Some(false);
        let findings = findings(&LocalAdminWithout2fa::default(), world);
        assert!(findings[0].evidence[2].1.contains("two_factor_disabled"));
    }

    #[test]
    fn passes_with_a_second_factor() {
        check(&LocalAdminWithout2fa::default(), snapshot(vec![global_admin(1, "nxadmin")]), Expect::Pass);
    }

    #[test]
    fn undetermined_is_not_missing() {
        for two_factor in [TwoFactor::Undetermined, TwoFactor::Delegated] {
            let admin = User { two_factor, ..global_admin(1, "nxadmin") };
            check(&LocalAdminWithout2fa::default(), snapshot(vec![admin]), Expect::Unknown);
        }
    }

    #[test]
    fn unknown_power_or_source_is_not_harmless() {
        let mut powerless = without_2fa(local_user(1, "mia"));
        powerless.privileges = Answer::Missing;
        powerless.role.privileges = None;
        let sourceless = User { authentication: None, ..without_2fa(global_admin(2, "ben")) };
        for user in [powerless, sourceless] {
            check(&LocalAdminWithout2fa::default(), snapshot(vec![user]), Expect::Unknown);
        }
    }

    #[test]
    fn ignores_disabled_and_powerless_accounts() {
        let disabled = User { enabled: Some(false), ..without_2fa(global_admin(1, "nxadmin")) };
        let world = snapshot(vec![disabled, without_2fa(local_user(2, "mia"))]);
        check(&LocalAdminWithout2fa::default(), world, Expect::NotApplicable);
    }

    #[test]
    fn does_not_pass_an_incomplete_population() {
        let world = incomplete(snapshot(vec![global_admin(1, "nxadmin")]), Part::Users);
        check(&LocalAdminWithout2fa::default(), world, Expect::Unknown);
    }
}
