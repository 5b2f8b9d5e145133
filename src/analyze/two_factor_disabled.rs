//! AUTH-03: two-factor authentication switched off for the whole console.

use super::{Context, Outcome, Rule};
use crate::finding::{Finding, Severity};
use crate::model::Part;

about! {
    id: "two_factor_disabled",
    code: "AUTH-03",
    title: "Two-factor authentication is switched off",
    flags: "A console whose settings do not offer two-factor authentication at all.",
    evidence: "The console's setting authentication.2fa.",
    why: "No local account can have a second factor; this one setting is the cause of every finding about them.",
    severity: Severity::High,
    click_path: "Administration > Console > Administer > Authentication: enable two-factor authentication; announce it, \
                 because every local account then needs a code at its next login, and LDAP and Kerberos sources do not \
                 work with it.",
    api_call: "GET /api/3/administration/settings shows authentication.2fa; the API cannot change it.",
    needs: &[Part::Settings],
    version: 1,
}

rule! {
    /// `[analyzers.two_factor_disabled]`: AUTH-03.
    TwoFactorDisabled {}
}

impl Rule for TwoFactorDisabled {
    fn examine(&self, Context { graph, .. }: Context<'_>) -> Outcome {
        let mut outcome = Outcome::default();
        let snapshot = graph.snapshot();
        outcome.judge(snapshot.settings.two_factor.map(|on| !on), || {
            let local = super::enabled(graph).filter(|user| user.is_local() == Some(true)).count();
            let summary = "The console offers no two-factor authentication, so that local accounts have a password alone";
            Finding::new(&ABOUT, &snapshot.console, Severity::High, summary)
                .with("setting", "authentication.2fa is false")
                .with("enabled local accounts", local.to_string())
        });
        outcome
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analyze::check::{Expect, check};
    use crate::model::sample::{incomplete, local_user, snapshot};

    fn judge(two_factor: Option<bool>, expected: Expect<'_>) {
        let mut world = snapshot(vec![local_user(1, "mia")]);
        world.settings.two_factor = two_factor;
        check(&TwoFactorDisabled::default(), world, expected);
    }

    #[test]
    fn follows_the_setting() {
        judge(Some(false), Expect::Fail(&["hq"]));
        judge(Some(true), Expect::Pass);
        judge(None, Expect::Unknown);
    }

    #[test]
    fn does_not_pass_settings_with_a_gap() {
        check(&TwoFactorDisabled::default(), incomplete(snapshot(Vec::new()), Part::Settings), Expect::Unknown);
    }
}
