//! SOD-05: people whose accounts on several consoles together allow what none of them allows alone.

use std::collections::{BTreeMap, BTreeSet};

use super::{Combination, Context, Outcome, Rule, cut, enumerate, holds_everything, list, others_are_seen};
use crate::finding::{Finding, Severity};
use crate::graph::AccessGraph;
use crate::model::{Part, PrivilegeId, User};

about! {
    id: "toxic_combination_across_consoles",
    code: "SOD-05",
    title: "Toxic combination over several consoles",
    flags: "People whose enabled accounts on several consoles of the review together meet a combination of the table that \
            their accounts on no single console meet; not those with an account that holds every privilege anyway.",
    evidence: "The accounts of each person on all consoles (by roster, mailbox, or name and login) and their privileges, \
               held against the table of combinations.",
    why: "Duties that should check each other lie in one hand, and no review of a single console can see it.",
    severity: Severity::High,
    click_path: "Administration > Users > Manage users > the user, on one of the consoles: give the person a role without \
                 that side of the combination.",
    api_call: "PUT /api/3/users/{id} with another role.id on one of the consoles (it replaces the whole user and drops \
               grants: read them before, restore them after).",
    needs: &[Part::Users, Part::UserPrivileges, Part::Roster],
    version: 2,
}

rule! {
    /// `[analyzers.toxic_combination_across_consoles]`: SOD-05.
    ToxicCombinationAcrossConsoles {}
}

impl Rule for ToxicCombinationAcrossConsoles {
    fn examine(&self, context: Context<'_>) -> Outcome {
        let Context { graph, estate, .. } = context;
        let mut outcome = Outcome::default();
        if estate.len() < 2 {
            return outcome;
        }
        let seen = others_are_seen(context);
        for user in graph.users().iter().filter(|user| user.is_enabled()) {
            let person = Person::of(context, user);
            // Several accounts of one person here are judged once.
            if person.own.first().is_some_and(|first| first.id != user.id) {
                continue;
            }
            outcome.expected += 1;
            let rows = if person.holds_everything { Vec::new() } else { person.rows(context.combinations()) };
            let settled = person.holds_everything || !rows.is_empty() || (seen && !person.open);
            outcome.examined += u64::from(settled);
            let subject = person.first.unwrap_or(user);
            outcome.findings.extend(rows.into_iter().map(|row| finding(subject, &person, row)));
        }
        outcome
    }
}

/// A person's enabled accounts, and who stands for them.
struct Person<'a> {
    /// The first account of the console that is judged in any state, by id: it stays the first when it is disabled.
    first: Option<&'a User>,
    /// The enabled ones of the console that is judged, by id; none if the person has no twin.
    own: Vec<&'a User>,
    /// What each console gives, in the order of the estate.
    held: Vec<(&'a AccessGraph, BTreeSet<&'a PrivilegeId>)>,
    /// Whether one of the accounts holds everything.
    holds_everything: bool,
    /// Whether the privileges of one of them are not known.
    open: bool,
}

impl<'a> Person<'a> {
    fn of(context: Context<'a>, user: &User) -> Self {
        let mut person =
            Self { first: None, own: Vec::new(), held: Vec::new(), holds_everything: false, open: false };
        for (console, account) in context.accounts_of_person(user) {
            let is_here = std::ptr::eq(console, context.graph);
            if is_here && person.first.is_none() {
                person.first = Some(account);
            }
            if !account.is_enabled() {
                continue;
            }
            if is_here {
                person.own.push(account);
            }
            person.holds_everything |= holds_everything(account) == Some(true);
            let held = account.effective_privileges();
            person.open |= held.is_none();
            let held = held.into_iter().flatten();
            match person.held.last_mut() {
                Some((last, privileges)) if std::ptr::eq(*last, console) => privileges.extend(held),
                _ => person.held.push((console, held.collect())),
            }
        }
        person
    }

    /// The rows that all consoles together meet, and none of them alone, with a part of it from the own console.
    fn rows<'r>(&self, table: &'r [Combination]) -> Vec<&'r Combination> {
        if self.held.len() < 2 {
            return Vec::new();
        }
        let owned = |held: &BTreeSet<&PrivilegeId>| held.iter().map(|id| (*id).clone()).collect::<BTreeSet<_>>();
        let alone: Vec<BTreeSet<PrivilegeId>> = self.held.iter().map(|(_, held)| owned(held)).collect();
        let together: BTreeSet<PrivilegeId> = alone.iter().flatten().cloned().collect();
        let own = self.own.iter().filter_map(|user| user.effective_privileges());
        let own: BTreeSet<PrivilegeId> = own.flatten().cloned().collect();
        let across = |row: &&Combination| {
            row.is_met_by(&together)
                && !alone.iter().any(|held| row.is_met_by(held))
                && row.met_with(&own).next().is_some()
        };
        table.iter().filter(across).collect()
    }
}

fn finding(user: &User, person: &Person<'_>, row: &Combination) -> Finding {
    let mut given: BTreeMap<usize, (String, Vec<&str>)> = BTreeMap::new();
    for (place, (console, held)) in person.held.iter().enumerate() {
        let held = held.iter().map(|id| (*id).clone()).collect();
        let privileges: Vec<&str> = row.met_with(&held).collect();
        if !privileges.is_empty() {
            given.insert(place, (cut(&console.snapshot().console.name).into_owned(), privileges));
        }
    }
    let consoles: Vec<&str> = given.values().map(|(name, _)| name.as_str()).collect();
    let places = enumerate(&consoles, consoles.len());
    let summary = format!("With accounts on {places} together, the person behind {} can {}", cut(&user.login), row.effect);
    Finding::new(&ABOUT, user, a_step_below(row.severity), summary)
        .aspect(row.code.clone())
        .with("combination", format!("{} ({}), {}", row.code, row.severity, row.effect))
        .with("given by", list(given.values().map(|(name, ids)| format!("{name}: {}", list(ids)))))
        .affecting(person.own.iter().map(|own| own.id).filter(|id| *id != user.id))
}

/// The sides of the combination lie on different consoles, so that they do not always meet in one thing.
fn a_step_below(severity: Severity) -> Severity {
    match severity {
        Severity::Critical => Severity::High,
        Severity::High => Severity::Medium,
        Severity::Medium | Severity::Low | Severity::Info => Severity::Low,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::analyze::check::{Around, Expect, check, check_in, judged};
    use crate::model::sample::{global_admin, incomplete, snapshot, user, with_role};
    use crate::model::{Answer, CollectorRights, Snapshot, UserId};

    const SUBMIT: &[&str] = &["submit-vulnerability-exceptions"];
    const APPROVE: &[&str] = &["approve-vulnerability-exceptions"];

    fn rule() -> ToxicCombinationAcrossConsoles {
        ToxicCombinationAcrossConsoles::default()
    }

    fn holding(id: i64, login: &str, privileges: &[&str]) -> User {
        with_role(user(id, login), "Ops", privileges)
    }

    fn beside(users: Vec<User>) -> Around {
        let mut lab = snapshot(users);
        lab.console.name = "lab".into();
        Around { others: vec![lab], ..Around::default() }
    }

    fn here(privileges: &[&str]) -> Snapshot {
        snapshot(vec![holding(1, "mia", privileges), user(2, "ben")])
    }

    #[test]
    fn two_halves_on_two_consoles_are_one_combination() {
        let both = [SUBMIT, APPROVE].concat();
        for (says, own, there, expected) in [
            ("halves", SUBMIT, vec![holding(9, "mia", APPROVE)], Expect::Fail(&["mia"][..])),
            ("halves of two people", SUBMIT, vec![holding(9, "cy", APPROVE)], Expect::Pass),
            ("the whole there", SUBMIT, vec![holding(9, "mia", &both)], Expect::Pass),
            ("the whole here", &both, vec![holding(9, "mia", APPROVE)], Expect::Pass),
            ("one half twice", SUBMIT, vec![holding(9, "mia", SUBMIT)], Expect::Pass),
            ("a disabled half", SUBMIT, vec![User { enabled: Some(false), ..holding(9, "mia", APPROVE) }], Expect::Pass),
            ("everything", SUBMIT, vec![User { login: "mia".into(), ..global_admin(9, "mia") }], Expect::Pass),
        ] {
            println!("{says}");
            check_in(&rule(), here(own), &beside(there), expected);
        }
    }

    #[test]
    fn a_console_that_gives_nothing_to_it_has_no_finding() {
        let mut around = beside(vec![holding(9, "mia", SUBMIT)]);
        around.others.push(snapshot(vec![holding(4, "mia", APPROVE)]));
        check_in(&rule(), here(&["create-reports"]), &around, Expect::Pass);
    }

    #[test]
    fn the_finding_says_which_console_gives_what_a_step_below_the_row() {
        let found = judged(&rule(), here(SUBMIT), &beside(vec![holding(9, "mia", APPROVE)])).findings.remove(0);
        assert_eq!((&*found.aspect, found.severity), ("T1", Severity::Medium));
        let given = "hq: submit-vulnerability-exceptions, lab: approve-vulnerability-exceptions";
        assert!(found.evidence.contains(&("given by", given.to_owned())), "{:?}", found.evidence);
        let t4 = judged(&rule(), here(&["manage-site-credentials", "manage-sites"]), &beside(vec![
            holding(9, "mia", &["start-unscheduled-scans"]),
        ]));
        let t4: Vec<_> = t4.findings.iter().map(|found| (&*found.aspect, found.severity)).collect();
        assert_eq!(t4, [("T4", Severity::High)]);
        assert_eq!(a_step_below(Severity::Info), Severity::Low);
    }

    #[test]
    fn several_accounts_of_a_person_here_are_told_once() {
        let twin = User { name: "mia Example".into(), email: Some("mia@corp.example".into()), ..holding(3, "mia2", SUBMIT) };
        let world = snapshot(vec![holding(1, "mia", SUBMIT), twin]);
        let found = judged(&rule(), world, &beside(vec![holding(9, "mia", APPROVE)])).findings;
        assert_eq!((found.len(), found[0].affected.as_slice()), (1, &[UserId(3)][..]));
        // Two halves on one console are not a matter of two consoles.
        let twin = User { name: "mia Example".into(), email: Some("mia@corp.example".into()), ..holding(3, "mia2", APPROVE) };
        let world = snapshot(vec![holding(1, "mia", SUBMIT), twin]);
        check_in(&rule(), world, &beside(vec![holding(9, "mia", APPROVE)]), Expect::Pass);
    }

    proptest! {
        #![proptest_config(ProptestConfig {
            cases: 64,
            failure_persistence: None,
            rng_seed: proptest::test_runner::RngSeed::Fixed(20_261_126),
            ..ProptestConfig::default()
        })]

        #[test]
        fn the_id_stays_whichever_account_is_disabled(
            states in prop::collection::vec(proptest::option::of(any::<bool>()), 1..5),
            halves in prop::collection::vec(any::<bool>(), 5),
        ) {
            let account = |(place, enabled): (usize, &Option<bool>)| {
                let held = if halves[place] { SUBMIT } else { &["create-reports"][..] };
                let id = i64::try_from(place).unwrap() + 1;
                User { enabled: *enabled, email: Some("mia@corp.example".into()), name: "Mia".into(), ..holding(id, &format!("mia{id}"), held) }
            };
            let there = User { email: Some("mia@corp.example".into()), name: "Mia".into(), ..holding(9, "mia", APPROVE) };
            let around = beside(vec![there]);
            let found = |users: Vec<User>| judged(&rule(), snapshot(users), &around).findings;
            let console = snapshot(Vec::new()).console;
            let all_enabled: Vec<User> =
                states.iter().map(|_| &Some(true)).enumerate().map(account).collect();
            let before = found(all_enabled);
            let after = found(states.iter().enumerate().map(account).collect());
            let gives = |(place, enabled): (usize, &Option<bool>)| *enabled != Some(false) && halves[place];
            prop_assert_eq!(after.len(), usize::from(states.iter().enumerate().any(gives)));
            for found in &after {
                prop_assert_eq!(found.id(&console), before[0].id(&console));
                let open = |(place, enabled): (usize, &Option<bool>)| {
                    (*enabled != Some(false) && place > 0).then(|| UserId(i64::try_from(place).unwrap() + 1))
                };
                let others: Vec<UserId> = states.iter().enumerate().filter_map(open).collect();
                prop_assert_eq!(&found.affected, &others);
            }
        }
    }

    #[test]
    fn what_is_not_known_is_not_harmless() {
        let mut unanswered = holding(9, "mia", APPROVE);
        (unanswered.privileges, unanswered.role.privileges) = (Answer::Missing, None);
        check_in(&rule(), here(SUBMIT), &beside(vec![unanswered]), Expect::Unknown);
        let mut around = beside(vec![user(9, "cy")]);
        around.others[0] = incomplete(around.others[0].clone(), Part::Users);
        check_in(&rule(), here(SUBMIT), &around, Expect::Unknown);
        let mut limited = beside(vec![user(9, "cy")]);
        limited.others[0].collector.rights = CollectorRights::Limited;
        check_in(&rule(), here(SUBMIT), &limited, Expect::Unknown);
        check_in(&rule(), incomplete(here(SUBMIT), Part::Roster), &beside(vec![user(9, "cy")]), Expect::Unknown);
        check(&rule(), here(SUBMIT), Expect::NotApplicable);
    }
}
