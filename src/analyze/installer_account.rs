//! HYG-04: the account that the installation made, and those that every attacker tries first.

use super::{Context, Outcome, Rule, all_of, cut, enabled, login_form, sight, yes_no};
use crate::finding::{Finding, Severity};
use crate::model::{Part, UserId};

about! {
    id: "installer_account",
    code: "HYG-04",
    title: "Account of the installation",
    flags: "The enabled local account with the id 1, and enabled local accounts whose login is in vendor_logins, unless \
            declared as break-glass accounts.",
    evidence: "The account's id, login and authentication source, and when it was last seen.",
    why: "Its login is in every manual, so that guessing starts with it, and it is nobody's own.",
    severity: Severity::Medium,
    click_path: "Administration > Users > Manage users: give each administrator an account of their own, then disable \
                 this one; or keep it for emergencies, and declare it as a break-glass [[account]] in the configuration.",
    api_call: "PUT /api/3/users/{id} with enabled=false (it replaces the whole user and drops grants: read them before, \
               restore them after).",
    needs: &[Part::Users],
    uses: &[Part::LastLogon],
    version: 1,
}

/// The id of the account that the installation makes.
const INSTALLED: UserId = UserId(1);

/// Logins that installation guides propose.
const VENDOR_LOGINS: &[&str] = &["nxadmin", "nexpose", "rapid7", "insightvm"];

rule! {
    /// `[analyzers.installer_account]`: HYG-04.
    InstallerAccount {
        /// Logins of the vendor, in lower case. A login is compared without domain, with `-` for every separator.
        vendor_logins: Vec<String> = VENDOR_LOGINS.iter().map(|login| (*login).to_owned()).collect(),
    }
}

impl Rule for InstallerAccount {
    fn mistake(&self) -> Option<String> {
        let odd = self.vendor_logins.iter().find(|login| login.is_empty() || login_form(login) != **login)?;
        Some(format!("vendor_logins holds {odd:?}; write a login in lower case, without a domain, with - as separator"))
    }

    fn examine(&self, context: Context<'_>) -> Outcome {
        let Context { graph, .. } = context;
        let mut outcome = Outcome::default();
        for user in enabled(graph).filter(|user| !context.is_break_glass(user)) {
            let local = user.is_local();
            let vendors = local != Some(false) && self.vendor_logins.contains(&login_form(&user.login));
            outcome.judge(all_of([Some(user.id == INSTALLED || vendors), local]), || {
                let says = if vendors { "has a login of the vendor" } else { "is the account of the installation" };
                let source = user.authentication.as_ref().and_then(|from| from.name.as_deref());
                let summary = format!("{} {says} and is enabled", cut(&user.login));
                Finding::new(&ABOUT, user, Severity::Medium, summary)
                    .with("id", user.id.to_string())
                    .with("login", cut(&user.login))
                    .with("source", cut(source.unwrap_or("unknown")))
                    .with("last seen", sight(graph, user))
                    .with("administrative power", yes_no(context.is_privileged(user)))
            });
        }
        outcome
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analyze::check::{Around, Expect, check, check_in, findings};
    use crate::analyze::{AccountKind, DeclaredAccount, Policy};
    use crate::model::sample::{global_admin, incomplete, local_user, snapshot, user};
    use crate::model::User;

    fn rule() -> InstallerAccount {
        InstallerAccount::default()
    }

    #[test]
    fn flags_the_first_account_and_the_vendors_logins_if_local() {
        let world = snapshot(vec![
            global_admin(1, "root"),
            local_user(2, "NXadmin"),
            local_user(3, "mia"),
            user(4, "rapid7"),
            local_user(5, "nexpose2"),
        ]);
        check(&rule(), world.clone(), Expect::Fail(&["root", "NXadmin"]));
        let found = findings(&rule(), world);
        assert_eq!(found[0].summary, "root is the account of the installation and is enabled");
        assert_eq!(found[1].summary, "NXadmin has a login of the vendor and is enabled");
        assert!(found.iter().all(|finding| finding.severity == Severity::Medium));
        assert_eq!(found[0].evidence[0], ("id", "1".to_owned()));
        assert_eq!(found[0].evidence[2], ("source", "Builtin Users".to_owned()));
        let console = snapshot(Vec::new()).console;
        let renamed = findings(&rule(), snapshot(vec![local_user(1, "nxadmin")])).remove(0);
        assert_eq!(renamed.id(&console), found[0].id(&console));
    }

    #[test]
    fn an_external_account_passes_and_an_unknown_source_is_open() {
        check(&rule(), snapshot(vec![user(1, "root")]), Expect::Pass);
        let unknown = User { authentication: None, ..user(1, "root") };
        check(&rule(), snapshot(vec![unknown]), Expect::Unknown);
        let other = User { authentication: None, ..user(2, "mia") };
        check(&rule(), snapshot(vec![other]), Expect::Pass);
    }

    #[test]
    fn leaves_out_break_glass_and_disabled_accounts() {
        let declare = |kind| Around {
            policy: Policy {
                accounts: vec![DeclaredAccount { kind, ..DeclaredAccount::of("nxadmin") }],
                ..Policy::default()
            },
            ..Around::default()
        };
        let world = || snapshot(vec![local_user(1, "nxadmin")]);
        check_in(&rule(), world(), &declare(AccountKind::BreakGlass), Expect::NotApplicable);
        check_in(&rule(), world(), &declare(AccountKind::Shared), Expect::Fail(&["nxadmin"]));
        let disabled = User { enabled: Some(false), ..local_user(1, "nxadmin") };
        check(&rule(), snapshot(vec![disabled, local_user(2, "mia")]), Expect::Pass);
    }

    #[test]
    fn does_not_pass_an_incomplete_listing() {
        check(&rule(), incomplete(snapshot(vec![local_user(2, "mia")]), Part::Users), Expect::Unknown);
    }

    #[test]
    fn logins_are_written_as_they_are_compared() {
        let rule = |logins: &[&str]| InstallerAccount {
            vendor_logins: logins.iter().map(|login| (*login).to_owned()).collect(),
            ..rule()
        };
        assert!([&[""][..], &["NXAdmin"], &["CORP\\nx"], &["nx_admin"]].iter().all(|bad| rule(bad).mistake().is_some()));
        assert_eq!(rule(&["nx-admin"]).mistake(), None);
        check(&rule(&[]), snapshot(vec![local_user(1, "nxadmin")]), Expect::Fail(&["nxadmin"]));
        check(&rule(&[]), snapshot(vec![local_user(2, "nxadmin")]), Expect::Pass);
    }
}
