//! HYG-05: people who were closed on one console of the estate and are open on another.

use super::{Context, Outcome, Rule, cut, enumerate, has_left, list, others_are_seen, yes_no};
use crate::finding::{Finding, Severity};
use crate::graph::AccessGraph;
use crate::model::{Part, User};

about! {
    id: "open_on_another_console",
    code: "HYG-05",
    title: "Closed on one console, open on another",
    flags: "Enabled accounts of people who have no enabled account left on another console of the review but a disabled \
            one, or whose account there belongs to somebody who has left. Who has left by this console's own roster is \
            told elsewhere.",
    evidence: "The accounts of each person on all consoles of the review: by roster, mailbox, or name and login.",
    why: "The path of a leaver ended at one console; the twin on the other stays open.",
    severity: Severity::High,
    click_path: "Administration > Users > Manage users > the user: ask why the person was closed on the other console; \
                 disable the account if that holds here as well.",
    api_call: "PUT /api/3/users/{id} with enabled=false (it replaces the whole user and drops grants: read them before).",
    needs: &[Part::Users, Part::Roster],
    version: 2,
}

rule! {
    /// `[analyzers.open_on_another_console]`: HYG-05.
    OpenOnAnotherConsole {}
}

impl Rule for OpenOnAnotherConsole {
    fn examine(&self, context: Context<'_>) -> Outcome {
        let Context { graph, estate, .. } = context;
        let mut outcome = Outcome::default();
        if estate.len() < 2 {
            return outcome;
        }
        let seen = others_are_seen(context);
        for user in graph.users().iter().filter(|user| user.is_enabled()) {
            let closed = closed_elsewhere(context, user);
            let wrong = if closed.is_empty() { seen.then_some(false) } else { Some(true) };
            outcome.judge(wrong, || {
                let consoles: Vec<_> = closed.iter().map(|(there, _)| cut(&there.snapshot().console.name)).collect();
                let places = enumerate(&consoles, consoles.len());
                let summary = format!("{} is open here, though the person was closed on {places}", cut(&user.login));
                Finding::new(&ABOUT, user, Severity::High, summary)
                    .with("closed", list(closed.iter().map(|(there, twins)| closed_at(context, there, twins))))
                    .with("role here", cut(&user.role.label()))
                    .with("administrative power here", yes_no(context.is_privileged(user)))
            });
        }
        // Without a roster, nobody is known to have left there; a disabled account is seen without one.
        let mut others = estate.iter().filter(|there| !std::ptr::eq(*there, graph));
        if outcome.expected > 0 && others.any(|there| there.snapshot().roster.is_none()) {
            outcome.lacks = Some("whether people have left on another console is not known: add a [roster] table");
        }
        outcome
    }
}

/// The other consoles on which the person was closed, each with the accounts there, in the order of the estate.
fn closed_elsewhere<'a>(context: Context<'a>, user: &User) -> Vec<(&'a AccessGraph, Vec<&'a User>)> {
    let mut consoles: Vec<(&AccessGraph, Vec<&User>)> = Vec::new();
    let twins = context.accounts_of_person(user).filter(|(there, _)| !std::ptr::eq(*there, context.graph));
    for (there, twin) in twins {
        match consoles.last_mut() {
            Some((last, twins)) if std::ptr::eq(*last, there) => twins.push(twin),
            _ => consoles.push((there, vec![twin])),
        }
    }
    let left_here = has_left(user, context.now) == Some(true);
    consoles.retain(|(_, twins)| {
        let left = |twin: &&User| has_left(twin, context.now) == Some(true);
        // With an enabled account beside it, a disabled one was merely replaced.
        twins.iter().all(|twin| twin.enabled == Some(false)) || (!left_here && twins.iter().any(left))
    });
    consoles
}

fn closed_at(context: Context<'_>, there: &AccessGraph, twins: &[&User]) -> String {
    let account = |twin: &&User| {
        let state = match (twin.enabled, has_left(twin, context.now)) {
            (Some(false), _) => "disabled",
            (_, Some(true)) => "of somebody who has left",
            _ => "enabled",
        };
        format!("{} (id {}, {state})", cut(&twin.login), twin.id)
    };
    format!("on {}: {}", cut(&there.snapshot().console.name), list(twins.iter().map(account)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analyze::check::{Around, Expect, check, check_in, judged};
    use crate::model::sample::{incomplete, known_as, person, snapshot, user, with_roster};
    use crate::model::{CollectorRights, Person, Snapshot};

    fn rule() -> OpenOnAnotherConsole {
        OpenOnAnotherConsole::default()
    }

    fn beside(others: Vec<Snapshot>) -> Around {
        Around { others, ..Around::default() }
    }

    fn lab(users: Vec<User>) -> Snapshot {
        let mut lab = with_roster(snapshot(users));
        lab.console.name = "lab".into();
        lab.console.uuid = Some("lab".into());
        lab
    }

    fn disabled(user: User) -> User {
        User { enabled: Some(false), ..user }
    }

    #[test]
    fn follows_the_persons_accounts_on_the_other_console() {
        let left = || Person { employed: Some(false), ..person("7") };
        for (says, there, expected) in [
            ("disabled", vec![disabled(user(9, "mia"))], Expect::Fail(&["mia"][..])),
            ("enabled", vec![user(9, "mia")], Expect::Pass),
            ("of unknown state", vec![User { enabled: None, ..user(9, "mia") }], Expect::Pass),
            ("somebody else", vec![disabled(user(9, "ben"))], Expect::Pass),
            ("left", vec![known_as(user(9, "mia"), left())], Expect::Fail(&["mia"])),
            ("replaced there", vec![disabled(user(9, "mia")), user(10, "mia")], Expect::Pass),
        ] {
            println!("{says}");
            check_in(&rule(), snapshot(vec![user(1, "mia")]), &beside(vec![lab(there)]), expected);
        }
    }

    #[test]
    fn without_a_roster_nobody_knows_who_has_left_there() {
        let without = |there| beside(vec![Snapshot { roster: None, ..lab(vec![there]) }]);
        check_in(&rule(), snapshot(vec![user(1, "mia")]), &without(user(9, "mia")), Expect::Unknown);
        let closed = without(disabled(user(9, "mia")));
        check_in(&rule(), snapshot(vec![user(1, "mia")]), &closed, Expect::Fail(&["mia"]));
    }

    #[test]
    fn a_limited_account_there_may_not_have_been_shown_the_twin() {
        let mut limited = lab(vec![user(9, "ben")]);
        limited.collector.rights = CollectorRights::Limited;
        check_in(&rule(), snapshot(vec![user(1, "mia")]), &beside(vec![limited]), Expect::Unknown);
    }

    #[test]
    fn what_is_closed_here_is_no_finding_here() {
        let around = beside(vec![lab(vec![user(9, "mia")])]);
        check_in(&rule(), snapshot(vec![disabled(user(1, "mia"))]), &around, Expect::NotApplicable);
    }

    #[test]
    fn who_has_left_here_as_well_is_told_elsewhere() {
        let left = |user| known_as(user, Person { employed: Some(false), ..person("7") });
        let around = |there| beside(vec![lab(vec![there])]);
        check_in(&rule(), snapshot(vec![left(user(1, "mia"))]), &around(left(user(9, "mia"))), Expect::Pass);
        let closed = around(disabled(left(user(9, "mia"))));
        check_in(&rule(), snapshot(vec![left(user(1, "mia"))]), &closed, Expect::Fail(&["mia"]));
    }

    #[test]
    fn the_finding_names_where_and_keeps_its_id() {
        let found = |others| judged(&rule(), snapshot(vec![user(1, "mia")]), &beside(others)).findings.remove(0);
        let one = found(vec![lab(vec![disabled(user(9, "mia"))])]);
        assert_eq!((one.severity, one.summary.as_str()), (Severity::High, "mia is open here, though the person was closed on lab"));
        assert_eq!(one.evidence[0], ("closed", "on lab: mia (id 9, disabled)".to_owned()));
        let mut far = lab(vec![disabled(user(3, "mia"))]);
        far.console.name = "far".into();
        let two = found(vec![lab(vec![disabled(user(9, "mia"))]), far]);
        assert!(two.summary.ends_with("closed on lab and far"), "{}", two.summary);
        let console = snapshot(Vec::new()).console;
        assert_eq!(one.id(&console), two.id(&console));
    }

    #[test]
    fn a_single_console_has_nothing_to_compare_and_a_part_proves_nothing() {
        check(&rule(), snapshot(vec![user(1, "mia")]), Expect::NotApplicable);
        for part in [Part::Users, Part::Roster] {
            let around = beside(vec![incomplete(lab(vec![user(9, "ben")]), part)]);
            check_in(&rule(), snapshot(vec![user(1, "mia")]), &around, Expect::Unknown);
        }
        let around = beside(vec![lab(Vec::new())]);
        check_in(&rule(), incomplete(snapshot(vec![user(1, "mia")]), Part::Users), &around, Expect::Unknown);
    }
}
