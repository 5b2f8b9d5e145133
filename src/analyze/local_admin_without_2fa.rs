//! AUTH-01: local accounts with administrative power and a password alone.

use super::{Context, Outcome, Rule, is_privileged};
use crate::finding::{About, Control, Finding, Framework, Severity};
use crate::model::{Part, TwoFactor};

static ABOUT: About = About {
    id: "local_admin_without_2fa",
    code: "AUTH-01",
    title: "Local administrator without two-factor authentication",
    flags: "Enabled local accounts (types admin and normal) with administrative power and no second factor.",
    why: "The console's API and pages open with a password alone, and with them every scan credential that the console \
          holds.",
    severity: Severity::Critical,
    click_path: "Administration > Users > Manage users > the user > Two-factor authentication: generate a token, hand it \
                 over in person, and check the next login.",
    api_call: "POST /api/3/users/{id}/2FA generates the token; PUT /api/3/users/{id} with enabled=false if nobody \
               answers for the account.",
    controls: &[
        Control { framework: Framework::Soc2, id: "CC6.1" },
        Control { framework: Framework::Iso27001, id: "8.2" },
        Control { framework: Framework::Iso27001, id: "8.5" },
        Control { framework: Framework::PciDss, id: "8.4.1" },
        Control { framework: Framework::PciDss, id: "8.4.2" },
        Control { framework: Framework::Nist80053, id: "IA-2(1)" },
        Control { framework: Framework::Cis, id: "6.5" },
        Control { framework: Framework::Hipaa, id: "312(d)" },
    ],
    needs: &[Part::Users, Part::UserPrivileges],
    version: 1,
};

rule! {
    /// `[analyzers.local_admin_without_2fa]`: AUTH-01.
    LocalAdminWithout2fa {}
}

impl Rule for LocalAdminWithout2fa {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn examine(&self, Context { graph, .. }: Context<'_>) -> Outcome {
        let mut outcome = Outcome::default();
        for user in graph.users().iter().filter(|user| user.is_enabled()) {
            // An account is in question unless it is known to be external or known to have no power.
            let (local, privileged) = (user.is_local(), is_privileged(user));
            if local == Some(false) || privileged == Some(false) {
                continue;
            }
            outcome.expected += 1;
            match user.two_factor {
                _ if local.is_none() || privileged.is_none() => continue,
                TwoFactor::Undetermined => continue,
                TwoFactor::Configured | TwoFactor::Delegated => {}
                TwoFactor::NotConfigured => outcome.findings.push(
                    Finding::new(
                        ABOUT.id,
                        user,
                        Severity::Critical,
                        format!("{} is a local administrator and logs in with a password alone", user.login),
                    )
                    .with("role", user.role.name.as_deref().unwrap_or("unknown"))
                    .with("two-factor", user.two_factor.as_str()),
                ),
            }
            outcome.examined += 1;
        }
        outcome
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analyze::check::{Expect, check};
    use crate::model::sample::{global_admin, local_user, snapshot, user};
    use crate::model::{TwoFactor, User};

    fn without_2fa(user: User) -> User {
        User { two_factor: TwoFactor::NotConfigured, ..user }
    }

    #[test]
    fn flags_the_builtin_admin_type() {
        let world = snapshot(vec![without_2fa(global_admin(1, "nxadmin")), user(2, "mia")]);
        check(&LocalAdminWithout2fa::default(), world, Expect::Fail(&["nxadmin"]));
    }

    #[test]
    fn passes_with_a_second_factor() {
        check(&LocalAdminWithout2fa::default(), snapshot(vec![global_admin(1, "nxadmin")]), Expect::Pass);
    }

    #[test]
    fn undetermined_is_not_missing() {
        let admin = User { two_factor: TwoFactor::Undetermined, ..global_admin(1, "nxadmin") };
        check(&LocalAdminWithout2fa::default(), snapshot(vec![admin]), Expect::Unknown);
    }

    #[test]
    fn ignores_disabled_and_powerless_accounts() {
        let disabled = User { enabled: Some(false), ..without_2fa(global_admin(1, "nxadmin")) };
        let world = snapshot(vec![disabled, without_2fa(local_user(2, "mia"))]);
        check(&LocalAdminWithout2fa::default(), world, Expect::NotApplicable);
    }
}
