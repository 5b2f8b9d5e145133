//! HYG-01: accounts whose mail address cannot reach anybody.

use super::{Context, Mailbox, Outcome, Rule, cut, enabled, list, yes_no};
use crate::finding::{Finding, Severity};
use crate::model::Part;

about! {
    id: "email_missing_or_invalid",
    code: "HYG-01",
    title: "Mail address missing or invalid",
    flags: "Enabled accounts without a mail address, with one that cannot be valid, or with one outside approved_domains.",
    evidence: "The mail address of the account.",
    why: "The address is what ties an account to a person; without it nobody is told, and nobody can be asked to review.",
    severity: Severity::Medium,
    click_path: "Administration > Users > Manage users > the user > General: enter the owner's address.",
    api_call: "PUT /api/3/users/{id} with email (it replaces the whole user and drops grants: read them before, restore \
               them after).",
    needs: &[Part::Users, Part::UserPrivileges],
    version: 1,
}

rule! {
    /// `[analyzers.email_missing_or_invalid]`: HYG-01.
    EmailMissingOrInvalid {
        /// Domains that addresses may have, each as it stands after the `@`; empty: any domain.
        approved_domains: Vec<String> = Vec::new(),
    }
}

impl Rule for EmailMissingOrInvalid {
    fn mistake(&self) -> Option<String> {
        let odd = self.approved_domains.iter().find(|domain| domain.trim().is_empty() || domain.contains('@'))?;
        Some(format!("approved_domains holds {odd:?}, which is not a domain"))
    }

    fn examine(&self, context: Context<'_>) -> Outcome {
        let Context { graph, .. } = context;
        let mut outcome = Outcome::default();
        for user in enabled(graph) {
            let wrong = graph.mailbox(user).is_none_or(|mailbox| self.is_outside(mailbox));
            outcome.judge(Some(wrong), || {
                let address = user.email.as_deref().map(str::trim).filter(|address| !address.is_empty());
                let problem = match (address, graph.mailbox(user)) {
                    (None, _) => "no mail address",
                    (_, None) => "a mail address that cannot be valid",
                    _ => "a mail address outside the approved domains",
                };
                let privileged = context.is_privileged(user);
                let severity = if privileged == Some(true) { Severity::Medium } else { Severity::Low };
                let summary = format!("{} has {problem}", cut(&user.login));
                let finding = Finding::new(&ABOUT, user, severity, summary)
                    .with("mail address", cut(address.unwrap_or("none")))
                    .with("administrative power", yes_no(privileged));
                if self.approved_domains.is_empty() {
                    finding
                } else {
                    finding.with("approved domains", list(&self.approved_domains))
                }
            });
        }
        outcome
    }
}

impl EmailMissingOrInvalid {
    fn is_outside(&self, mailbox: &Mailbox) -> bool {
        let mut approved = self.approved_domains.iter();
        !self.approved_domains.is_empty() && !approved.any(|domain| domain.trim().to_lowercase() == mailbox.domain)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analyze::check::{Expect, check, findings};
    use crate::model::User;
    use crate::model::sample::{global_admin, incomplete, snapshot, user};

    fn mail(user: User, address: Option<&str>) -> User {
        User { email: address.map(Into::into), ..user }
    }

    fn rule(domains: &[&str]) -> EmailMissingOrInvalid {
        let approved_domains = domains.iter().map(|domain| (*domain).to_owned()).collect();
        EmailMissingOrInvalid { approved_domains, ..Default::default() }
    }

    #[test]
    fn flags_missing_and_invalid_addresses() {
        let world = snapshot(vec![
            mail(user(1, "none"), None),
            mail(user(2, "blank"), Some(" ")),
            mail(user(3, "odd"), Some("odd at corp.example")),
            user(4, "mia"),
        ]);
        check(&rule(&[]), world, Expect::Fail(&["none", "blank", "odd"]));
    }

    #[test]
    fn is_medium_with_power() {
        let world = snapshot(vec![mail(global_admin(1, "root"), None), mail(user(2, "mia"), None)]);
        let severities: Vec<_> = findings(&rule(&[]), world).iter().map(|finding| finding.severity).collect();
        assert_eq!(severities, [Severity::Medium, Severity::Low]);
    }

    #[test]
    fn approved_domains_are_exact_but_for_case() {
        let world = snapshot(vec![mail(user(1, "mia"), Some("Mia@CORP.example"))]);
        check(&rule(&[]), world.clone(), Expect::Pass);
        check(&rule(&["corp.Example"]), world.clone(), Expect::Pass);
        check(&rule(&["orp.example"]), world.clone(), Expect::Fail(&["mia"]));
        check(&rule(&["eu.corp.example"]), world, Expect::Fail(&["mia"]));
    }

    #[test]
    fn ignores_disabled_accounts() {
        let disabled = User { enabled: Some(false), ..mail(user(1, "mia"), None) };
        check(&rule(&[]), snapshot(vec![disabled]), Expect::NotApplicable);
    }

    #[test]
    fn does_not_pass_an_incomplete_listing() {
        check(&rule(&[]), incomplete(snapshot(vec![user(1, "mia")]), Part::Users), Expect::Unknown);
    }

    #[test]
    fn refuses_an_address_for_a_domain() {
        assert!(rule(&["@corp.example"]).mistake().is_some() && rule(&["corp.example"]).mistake().is_none());
    }
}
