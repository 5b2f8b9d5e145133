//! LIFE-01: accounts of people who have left.

use chrono::{Days, NaiveDate};

use super::{Context, DeclaredAccount, Outcome, Rule, amount, cut, enabled, matched, sight, yes_no};
use crate::finding::{Finding, Severity};
use crate::model::{Part, Person, RosterMatch, Unexplained, User};

about! {
    id: "leaver_with_account",
    code: "LIFE-01",
    title: "Account of a person who has left",
    flags: "Enabled accounts, locked ones among them, whose person is no longer employed by the roster or whose last day \
            is more than grace_days over.",
    evidence: "The person's status and last day in the roster, and what ties the account to the person.",
    why: "Somebody who has left still gets in, or somebody else does under a name that nobody watches any more.",
    severity: Severity::Critical,
    click_path: "Administration > Users > Manage users > the user: disable the account, hand over its scans and reports, \
                 then delete it.",
    api_call: "PUT /api/3/users/{id} with enabled=false (it replaces the whole user and drops grants: read them before), \
               or DELETE /api/3/users/{id}.",
    needs: &[Part::Users, Part::Roster],
    uses: &[Part::LastLogon],
    version: 2,
}

rule! {
    /// `[analyzers.leaver_with_account]`: LIFE-01.
    LeaverWithAccount {
        /// Days after a person's last day on which the account may still be enabled.
        grace_days: u32 = 0,
    }
}

/// The most words of the roster in a note.
const SHOWN: usize = 5;

/// The longest grace: beyond it, the rule would hardly speak of anybody.
const LONGEST: u32 = 365;

impl Rule for LeaverWithAccount {
    fn mistake(&self) -> Option<String> {
        (self.grace_days > LONGEST).then(|| format!("grace_days is above {LONGEST}; give the days of the hand-over"))
    }

    fn examine(&self, context: Context<'_>) -> Outcome {
        let Context { graph, now, .. } = context;
        let Some(roster) = &graph.snapshot().roster else {
            return Outcome::lacking("there is no roster: add a [roster] table");
        };
        let mut outcome = Outcome::default();
        for user in enabled(graph) {
            let left = match &user.person {
                // That nobody is behind it is orphan_account's to tell.
                RosterMatch::Nobody => continue,
                RosterMatch::NotAsked | RosterMatch::Ambiguous { .. } => None,
                RosterMatch::Person { person, .. } => self.has_left(person, now.date_naive()),
            };
            outcome.judge(left, || finding(context, user));
        }
        let personal = |user: &User| !context.declared(user).is_some_and(DeclaredAccount::is_impersonal);
        if outcome.expected == 0 && enabled(graph).any(personal) {
            return Outcome::lacking("the roster has nobody behind any account: are the columns of [roster.columns] the right ones?");
        }
        outcome.hint = hint(&roster.unexplained);
        outcome
    }
}

impl LeaverWithAccount {
    fn has_left(&self, person: &Person, today: NaiveDate) -> Option<bool> {
        // A last day to come says nothing against a status that says "left" today.
        let accepted = |end: NaiveDate| {
            let last = end.checked_add_days(Days::new(self.grace_days.into()));
            end < today && last.is_none_or(|last| today <= last)
        };
        match person.has_left(today) {
            Some(true) if self.grace_days > 0 && person.end.is_some_and(accepted) => Some(false),
            left => left,
        }
    }
}

/// The words of the roster that neither say that somebody left nor that somebody is there, and where to explain them.
fn hint(Unexplained { words, others }: &Unexplained) -> Option<String> {
    if words.is_empty() {
        return None;
    }
    if *others > 0 || words.iter().any(|(word, _)| word.contains('@')) {
        // Whatever these are, they are not for a report.
        let more = if *others > 0 { "more than " } else { "" };
        let problem = format!("the roster has {more}{} {} not known", amount(words.len(), "state"), if words.len() == 1 { "that is" } else { "that are" });
        return Some(format!("{problem}: is [roster.columns] status the right column?"));
    }
    let shown = words.iter().take(SHOWN).map(|(word, people)| format!("\"{word}\" ({people})"));
    let mut shown: Vec<String> = shown.collect();
    let rest: u64 = words.iter().skip(SHOWN).map(|(_, people)| people).sum();
    if rest > 0 {
        shown.push(format!("others ({rest})"));
    }
    Some(format!("the roster has states of its own, add them to [roster] left or employed: {}", shown.join(", ")))
}

fn finding(context: Context<'_>, user: &User) -> Finding {
    let summary = format!("{} is enabled although its person has left", cut(&user.login));
    let mut finding = Finding::new(&ABOUT, user, Severity::Critical, summary);
    if let RosterMatch::Person { person, by, confidence } = &user.person {
        let end = person.end.map_or_else(|| "not in the roster".to_owned(), |end| end.to_string());
        finding = finding
            .with("person", cut(&person.id))
            .with("matched", matched(*by, *confidence))
            .with("employed", yes_no(person.employed))
            .with("last day", end);
    }
    finding
        .with("last seen", sight(context.graph, user))
        .with("role", cut(&user.role.label()))
        .with("locked", yes_no(user.locked))
        .with("administrative power", yes_no(context.is_privileged(user)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analyze::check::{Around, Expect, check, findings, judged};
    use crate::model::sample::{incomplete, known_as, person, snapshot, user, with_roster};
    use crate::model::{MatchedBy, Snapshot};

    fn rule() -> LeaverWithAccount {
        LeaverWithAccount::default()
    }

    #[test]
    fn words_that_are_not_known_are_named_with_their_key() {
        let mut world = with_roster(snapshot(vec![of(None, None)]));
        let words = ["furlough", "b", "c", "d", "e", "f"].into_iter().zip([9, 5, 4, 3, 2, 1]);
        let words = words.map(|(word, people)| (word.into(), people)).collect();
        world.roster.as_mut().unwrap().unexplained = Unexplained { words, others: 0 };
        let mut crowded = world.clone();
        let judgement = judged(&rule(), world, &Around::default());
        let says = "1 of 1 could not be judged: the roster has states of its own, add them to [roster] left or employed: \
                    \"furlough\" (9), \"b\" (5), \"c\" (4), \"d\" (3), \"e\" (2), others (1)";
        assert_eq!(judgement.note.as_deref(), Some(says));
        let mut addresses = crowded.clone();
        addresses.roster.as_mut().unwrap().unexplained.words = vec![("ana@corp.example".into(), 1)];
        let note = judged(&rule(), addresses, &Around::default()).note.unwrap();
        assert!(note.contains("the roster has 1 state that is not known: is [roster.columns]"), "{note}");
        crowded.roster.as_mut().unwrap().unexplained.others = 1;
        let note = judged(&rule(), crowded, &Around::default()).note.unwrap();
        assert!(note.ends_with("is [roster.columns] status the right column?") && !note.contains("furlough"), "{note}");
    }

    /// The sample world is judged on 2026-09-21.
    fn of(employed: Option<bool>, end: Option<&str>) -> User {
        let end = end.map(|day| day.parse().unwrap());
        known_as(user(1, "mia"), Person { employed, end, ..person("7") })
    }

    fn world(user: User) -> Snapshot {
        with_roster(snapshot(vec![user]))
    }

    #[test]
    fn follows_the_status_and_the_last_day() {
        for (employed, end, expected) in [
            (Some(false), None, Expect::Fail(&["mia"])),
            (Some(true), Some("2026-09-20"), Expect::Fail(&["mia"])),
            (Some(true), Some("2026-09-21"), Expect::Pass),
            (Some(true), None, Expect::Pass),
            (None, None, Expect::Unknown),
        ] {
            check(&rule(), world(of(employed, end)), expected);
        }
    }

    #[test]
    fn grace_counts_from_the_last_day() {
        let rule = LeaverWithAccount { grace_days: 7, ..rule() };
        for (employed, end, expected) in [
            (Some(true), Some("2026-09-13"), Expect::Fail(&["mia"])),
            (Some(true), Some("2026-09-14"), Expect::Pass),
            (Some(true), Some("2026-09-15"), Expect::Pass),
            (Some(false), Some("2026-09-14"), Expect::Pass),
            (Some(false), Some("2026-09-20"), Expect::Pass),
            (Some(false), Some("2026-09-21"), Expect::Fail(&["mia"])),
            (Some(false), Some("2026-12-31"), Expect::Fail(&["mia"])),
            (Some(false), None, Expect::Fail(&["mia"])),
        ] {
            check(&rule, world(of(employed, end)), expected);
        }
        assert!(LeaverWithAccount { grace_days: 366, ..rule.clone() }.mistake().is_some());
        assert_eq!(LeaverWithAccount { grace_days: 365, ..rule }.mistake(), None);
    }

    #[test]
    fn a_locked_account_counts_and_a_disabled_one_does_not() {
        let left = || of(Some(false), None);
        check(&rule(), world(User { locked: Some(true), ..left() }), Expect::Fail(&["mia"]));
        check(&rule(), world(User { enabled: None, ..left() }), Expect::Fail(&["mia"]));
        check(&rule(), world(User { enabled: Some(false), ..left() }), Expect::NotApplicable);
    }

    #[test]
    fn who_stands_behind_it_must_be_known() {
        let ambiguous = RosterMatch::Ambiguous { by: MatchedBy::Email, people: vec!["7".into(), "8".into()] };
        for (person, expected) in [
            (RosterMatch::Nobody, Expect::Unknown),
            (ambiguous, Expect::Unknown),
            (RosterMatch::NotAsked, Expect::Unknown),
        ] {
            let mut world = world(user(1, "mia"));
            world.users[0].person = person;
            check(&rule(), world, expected);
        }
    }

    #[test]
    fn needs_a_roster_and_all_accounts() {
        check(&rule(), snapshot(vec![user(1, "mia")]), Expect::Unknown);
        let employed = world(of(Some(true), None));
        check(&rule(), incomplete(employed.clone(), Part::Users), Expect::Unknown);
        check(&rule(), incomplete(employed, Part::Roster), Expect::Unknown);
    }

    #[test]
    fn tells_the_person_and_stays_the_same_finding() {
        let found = findings(&rule(), world(of(Some(false), Some("2026-09-01")))).remove(0);
        assert_eq!(found.severity, Severity::Critical);
        let expected =
            [("person", "7"), ("matched", "by email, confidence high"), ("employed", "no"), ("last day", "2026-09-01")];
        assert_eq!(found.evidence[..4], expected.map(|(label, value)| (label, value.to_owned())));
        let console = snapshot(Vec::new()).console;
        let renamed = User { login: "mia.b".into(), ..of(Some(true), Some("2026-01-01")) };
        assert_eq!(findings(&rule(), world(renamed))[0].id(&console), found.id(&console));
    }

    #[test]
    fn a_roster_that_has_nobody_behind_any_account_proves_nothing() {
        let nobody = User { person: RosterMatch::Nobody, ..user(1, "mia") };
        check(&rule(), with_roster(snapshot(vec![nobody.clone()])), Expect::Unknown);
        let disabled = User { enabled: Some(false), ..nobody };
        check(&rule(), with_roster(snapshot(vec![disabled])), Expect::NotApplicable);
    }
}
