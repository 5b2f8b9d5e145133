//! LIFE-02: accounts behind which the roster knows nobody.

use super::{Context, DeclaredAccount, Outcome, Rule, cut, enabled, list, sight, yes_no};
use crate::finding::{Finding, Severity};
use crate::model::{MatchedBy, Part, RosterMatch, User};

about! {
    id: "orphan_account",
    code: "LIFE-02",
    title: "Account without a person",
    flags: "Enabled accounts that match nobody in the roster, or several people of whom none is certain, unless declared \
            as service, break-glass or shared accounts.",
    evidence: "The account's login, full name and mail address, and the people it could belong to.",
    why: "Nobody answers for what it does, and nobody asks for it to be closed when its owner leaves.",
    severity: Severity::High,
    click_path: "Administration > Users > Manage users > the user: correct its address or login so that the roster knows \
                 it, or disable it; declare what is no person's account, or whose it is, as an [[account]] in the \
                 configuration.",
    api_call: "PUT /api/3/users/{id} with email, or with enabled=false (it replaces the whole user and drops grants: read \
               them before, restore them after).",
    needs: &[Part::Users, Part::UserPrivileges, Part::Roster],
    uses: &[Part::LastLogon],
    version: 1,
}

rule! {
    /// `[analyzers.orphan_account]`: LIFE-02.
    OrphanAccount {}
}

impl Rule for OrphanAccount {
    fn examine(&self, context: Context<'_>) -> Outcome {
        let Context { graph, .. } = context;
        if graph.snapshot().roster.is_none() {
            return Outcome::lacking("there is no roster: add a [roster] table");
        }
        let mut outcome = Outcome::default();
        for user in enabled(graph) {
            if context.declared(user).is_some_and(DeclaredAccount::is_impersonal) {
                continue;
            }
            match &user.person {
                RosterMatch::Ambiguous { by, people } => {
                    outcome.judge(Some(true), || ambiguous(context, user, *by, people));
                }
                RosterMatch::Nobody => outcome.judge(Some(true), || orphan(context, user)),
                RosterMatch::Person { .. } => outcome.judge(Some(false), || orphan(context, user)),
                RosterMatch::NotAsked => outcome.judge(None, || orphan(context, user)),
            }
        }
        outcome
    }
}

fn orphan(context: Context<'_>, user: &User) -> Finding {
    let privileged = context.is_privileged(user) == Some(true);
    let severity = if privileged { Severity::High } else { Severity::Medium };
    let summary = format!("{} belongs to nobody in the roster", cut(&user.login));
    described(context, user, Finding::new(&ABOUT, user, severity, summary))
}

fn ambiguous(context: Context<'_>, user: &User, by: MatchedBy, people: &[String]) -> Finding {
    let summary = format!("{} could belong to several people of the roster", cut(&user.login));
    let finding = Finding::new(&ABOUT, user, Severity::Medium, summary)
        .aspect("ambiguous")
        .with("matched by", by.as_str())
        .with("people", list(people));
    described(context, user, finding)
}

fn described(context: Context<'_>, user: &User, finding: Finding) -> Finding {
    finding
        .with("full name", cut(&user.name))
        .with("mail address", cut(user.email.as_deref().unwrap_or("none")))
        .with("role", cut(&user.role.label()))
        .with("administrative power", yes_no(context.is_privileged(user)))
        .with("last seen", sight(context.graph, user))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analyze::check::{Around, Expect, check, check_in, findings};
    use crate::analyze::{AccountKind, Policy};
    use crate::model::sample::{global_admin, incomplete, known_as, person, snapshot, user, with_roster};

    fn rule() -> OrphanAccount {
        OrphanAccount::default()
    }

    fn ambiguous(user: User) -> User {
        let people = vec!["7".into(), "8".into()];
        User { person: RosterMatch::Ambiguous { by: MatchedBy::Email, people }, ..user }
    }

    #[test]
    fn flags_whom_the_roster_does_not_know_high_where_privileged() {
        let known = known_as(user(3, "ben"), person("7"));
        let world = with_roster(snapshot(vec![global_admin(1, "svc-recert"), user(2, "mia"), known]));
        check(&rule(), world.clone(), Expect::Fail(&["svc-recert", "mia"]));
        let severities: Vec<_> = findings(&rule(), world).iter().map(|finding| finding.severity).collect();
        assert_eq!(severities, [Severity::High, Severity::Medium]);
    }

    #[test]
    fn a_doubt_is_a_finding_of_its_own_and_names_everybody() {
        let found = findings(&rule(), with_roster(snapshot(vec![ambiguous(global_admin(1, "mia"))]))).remove(0);
        assert_eq!((found.severity, &*found.aspect), (Severity::Medium, "ambiguous"));
        assert_eq!(found.evidence[0], ("matched by", "email".to_owned()));
        assert_eq!(found.evidence[1], ("people", "7, 8".to_owned()));
        let console = snapshot(Vec::new()).console;
        let orphan = findings(&rule(), with_roster(snapshot(vec![user(1, "mia")]))).remove(0);
        assert_ne!(found.id(&console), orphan.id(&console));
        let renamed = User { login: "mia.b".into(), email: None, ..user(1, "mia") };
        let renamed = findings(&rule(), with_roster(snapshot(vec![renamed]))).remove(0);
        assert_eq!(renamed.id(&console), orphan.id(&console));
    }

    #[test]
    fn declared_accounts_are_nobodys_on_purpose() {
        let declare = |kind| Around {
            policy: Policy {
                accounts: vec![DeclaredAccount { kind, ..DeclaredAccount::of("MIA") }],
                ..Policy::default()
            },
            ..Around::default()
        };
        for world in [user(1, "mia"), ambiguous(user(1, "mia"))] {
            let world = with_roster(snapshot(vec![world]));
            for kind in [AccountKind::Service, AccountKind::BreakGlass, AccountKind::Shared] {
                check_in(&rule(), world.clone(), &declare(kind), Expect::NotApplicable);
            }
            check_in(&rule(), world, &declare(AccountKind::Personal), Expect::Fail(&["mia"]));
        }
    }

    #[test]
    fn passes_people_and_leaves_disabled_accounts_out() {
        let disabled = User { enabled: Some(false), ..user(2, "ben") };
        let known = known_as(user(1, "mia"), person("7"));
        check(&rule(), with_roster(snapshot(vec![known, disabled.clone()])), Expect::Pass);
        check(&rule(), with_roster(snapshot(vec![disabled])), Expect::NotApplicable);
    }

    #[test]
    fn needs_a_roster_that_was_asked_for_everybody() {
        check(&rule(), snapshot(vec![user(1, "mia")]), Expect::Unknown);
        let mut world = with_roster(snapshot(vec![known_as(user(1, "mia"), person("7"))]));
        for part in [Part::Users, Part::UserPrivileges, Part::Roster] {
            check(&rule(), incomplete(world.clone(), part), Expect::Unknown);
        }
        world.users[0].person = RosterMatch::NotAsked;
        check(&rule(), world, Expect::Unknown);
    }
}
