//! AUTH-06: local accounts on a console that has an external authentication source.

use super::{AccountKind, Context, Outcome, Rule, all_of, cut, enabled, list, yes_no};
use crate::finding::{Finding, Severity};
use crate::graph::AccessGraph;
use crate::model::{AuthenticationSource, Part, User};

about! {
    id: "local_account_beside_external_source",
    code: "AUTH-06",
    title: "Local account beside an external authentication source",
    flags: "Enabled local accounts on a console with an LDAP, Kerberos or SAML source, unless declared as service or \
            break-glass accounts in [[account]], or named in allowed_logins.",
    evidence: "The account's authentication source, and the list of sources.",
    why: "A local account is beyond the directory: nobody disables it when its owner leaves, and the identity provider's \
          second factor does not guard it.",
    severity: Severity::High,
    click_path: "Administration > Users > Manage users > the user > Authentication method: choose the external source; \
                 declare the accounts that must stay local in the configuration.",
    api_call: "PUT /api/3/users/{id} with authentication.id of the external source (it replaces the whole user and drops \
               grants: read them before, restore them after).",
    needs: &[Part::Users, Part::UserPrivileges, Part::AuthenticationSources],
    version: 2,
}

rule! {
    /// `[analyzers.local_account_beside_external_source]`: AUTH-06.
    LocalAccountBesideExternalSource {
        /// Logins, exactly as the console writes them, that are local on purpose beside the declared service and
        /// break-glass accounts.
        allowed_logins: Vec<String> = Vec::new(),
    }
}

impl Rule for LocalAccountBesideExternalSource {
    fn examine(&self, context: Context<'_>) -> Outcome {
        let Context { graph, .. } = context;
        let mut outcome = Outcome::default();
        let external = has_external_source(graph);
        if external == Some(false) {
            return outcome;
        }
        for user in enabled(graph).filter(|user| !self.is_on_purpose(context, user)) {
            outcome.judge(all_of([external, user.is_local()]), || {
                let privileged = context.is_privileged(user);
                let severity = if privileged == Some(true) { Severity::High } else { Severity::Medium };
                let source = user.authentication.as_ref().and_then(|from| from.name.as_deref());
                let summary = format!("{} is a local account although the console has an external source", cut(&user.login));
                Finding::new(&ABOUT, user, severity, summary)
                    .with("source", cut(source.unwrap_or("unknown")))
                    .with("external sources", external_sources(graph))
                    .with("administrative power", yes_no(privileged))
            });
        }
        outcome
    }
}

impl LocalAccountBesideExternalSource {
    fn is_on_purpose(&self, context: Context<'_>, user: &User) -> bool {
        let declared = context.declared(user).map(|account| account.kind);
        self.allowed_logins.iter().any(|login| *login == user.login)
            || matches!(declared, Some(AccountKind::Service | AccountKind::BreakGlass))
    }
}

/// An external user proves an external source, listed or not; none is proved only by a complete listing.
fn has_external_source(graph: &AccessGraph) -> Option<bool> {
    let snapshot = graph.snapshot();
    let listed = snapshot.authentication_sources.iter().any(AuthenticationSource::is_external);
    if listed || graph.users().iter().any(|user| user.is_local() == Some(false)) {
        return Some(true);
    }
    snapshot.coverage.is_complete(Part::AuthenticationSources).then_some(false)
}

fn external_sources(graph: &AccessGraph) -> String {
    let external = graph.snapshot().authentication_sources.iter().filter(|source| source.is_external());
    let names = list(external.map(|source| &source.name));
    if names.is_empty() { "not listed, but other accounts use one".to_owned() } else { names }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analyze::check::{Around, Expect, check, check_in, findings};
    use crate::analyze::{DeclaredAccount, Policy};
    use crate::model::sample::{global_admin, incomplete, local_user, snapshot, user};

    fn rule(allowed: &[&str]) -> LocalAccountBesideExternalSource {
        let allowed_logins = allowed.iter().map(|login| (*login).to_owned()).collect();
        LocalAccountBesideExternalSource { allowed_logins, ..Default::default() }
    }

    #[test]
    fn flags_local_accounts_high_where_privileged() {
        let world = snapshot(vec![global_admin(1, "nxadmin"), local_user(2, "mia"), user(3, "ben")]);
        check(&rule(&[]), world.clone(), Expect::Fail(&["nxadmin", "mia"]));
        let severities: Vec<_> = findings(&rule(&[]), world).iter().map(|finding| finding.severity).collect();
        assert_eq!(severities, [Severity::High, Severity::Medium]);
    }

    #[test]
    fn a_declared_login_is_allowed_exactly_as_written() {
        let world = snapshot(vec![global_admin(1, "nxadmin"), user(3, "ben")]);
        check(&rule(&["nxadmin"]), world.clone(), Expect::Pass);
        check(&rule(&["NXADMIN"]), world, Expect::Fail(&["nxadmin"]));
    }

    #[test]
    fn a_declared_service_or_break_glass_account_is_local_on_purpose() {
        let world = snapshot(vec![global_admin(1, "nxadmin"), user(3, "ben")]);
        for (kind, console, expected) in [
            (AccountKind::Service, None, Expect::Pass),
            (AccountKind::BreakGlass, Some("hq"), Expect::Pass),
            (AccountKind::Service, Some("lab"), Expect::Fail(&["nxadmin"])),
            (AccountKind::Shared, None, Expect::Fail(&["nxadmin"])),
            (AccountKind::Personal, None, Expect::Fail(&["nxadmin"])),
        ] {
            let account =
                DeclaredAccount { kind, console: console.map(str::to_owned), ..DeclaredAccount::of("NXadmin") };
            let policy = Policy { accounts: vec![account], ..Policy::default() };
            check_in(&rule(&[]), world.clone(), &Around { policy, ..Around::default() }, expected);
        }
    }

    #[test]
    fn does_not_apply_without_an_external_source() {
        let mut world = snapshot(vec![local_user(2, "mia")]);
        world.authentication_sources.retain(|source| !source.is_external());
        check(&rule(&[]), world.clone(), Expect::NotApplicable);
        check(&rule(&[]), incomplete(world, Part::AuthenticationSources), Expect::Unknown);
    }

    #[test]
    fn an_external_user_proves_an_external_source() {
        let mut world = snapshot(vec![local_user(2, "mia"), user(3, "ben")]);
        world.authentication_sources.clear();
        check(&rule(&[]), incomplete(world, Part::AuthenticationSources), Expect::Fail(&["mia"]));
    }

    #[test]
    fn an_unknown_source_is_neither_local_nor_external() {
        let unknown = User { authentication: None, ..user(1, "mia") };
        check(&rule(&[]), snapshot(vec![unknown]), Expect::Unknown);
    }

    #[test]
    fn leaves_disabled_accounts_to_the_other_rule() {
        let disabled = User { enabled: Some(false), ..local_user(2, "mia") };
        check(&rule(&[]), snapshot(vec![disabled, user(3, "ben")]), Expect::Pass);
    }
}
