//! PRIV-06: accounts of nobody in person that nobody answers for.

use std::collections::HashSet;

use compact_str::CompactString;
use chrono::NaiveDate;

use super::{AccountKind, Context, DeclaredAccount, Outcome, Rule, conjoin, cut, enabled, login_form, yes_no};
use crate::finding::{Finding, Severity, digest};
use crate::model::{DeclaredOwner, Part, User};
use crate::pattern;

about! {
    id: "service_account_without_owner",
    code: "PRIV-06",
    title: "Impersonal account without owner, purpose or review",
    flags: "Enabled service, shared and break-glass accounts that are declared in [[account]] without a purpose, without a \
            review date to come, or with an owner who has left or whom the roster does not know, high where they have \
            administrative power and medium elsewhere; accounts with administrative power whose logins look like a \
            program's and that are not declared; and declared service accounts that do not exist.",
    evidence: "The declarations, the owners as the whole roster knows them (by id, mail address or name), and the logins \
               that look like a program's and are no person's by the roster.",
    why: "A program's password rarely changes and never leaves by itself; without an owner nobody notices that it is \
          misused or no longer needed.",
    severity: Severity::High,
    click_path: "Find the program and who answers for it, then declare the account in the configuration; without either, \
                 Administration > Users > Manage users > the user: disable it.",
    api_call: "PUT /api/3/users/{id} with enabled=false disables the account (it replaces the whole user and drops \
               grants: read them before, restore them after).",
    needs: &[Part::Users, Part::UserPrivileges, Part::Roster],
    version: 3,
}

/// Logins that programs have. `sa-*` is not among them: many name a person's own account for servers so.
const PATTERNS: &[&str] = &[
    "svc-*", "*-svc", "service-*", "app-*", "api-*", "bot-*", "*-bot", "automation*", "sync-*", "*-sync",
    "integration*",
];

rule! {
    /// `[analyzers.service_account_without_owner]`: PRIV-06.
    ServiceAccountWithoutOwner {
        /// Logins of programs, in lower case; `*` is any text. A login is compared without domain, with `-` for every
        /// separator. An account that is declared otherwise is none.
        patterns: Vec<String> = PATTERNS.iter().map(|pattern| (*pattern).to_owned()).collect(),
    }
}

impl Rule for ServiceAccountWithoutOwner {
    fn mistake(&self) -> Option<String> {
        let all = |pattern: &String| pattern.chars().all(|c| c == '*');
        let wrong = self.patterns.iter().any(all);
        wrong.then(|| "patterns holds a pattern that is empty or matches everything".to_owned())
    }

    fn examine(&self, context: Context<'_>) -> Outcome {
        let mut outcome = Outcome::default();
        let owners = Owners::of(context);
        let mut any_owner = false;
        for user in enabled(context.graph) {
            match context.declared(user) {
                Some(declared) if declared.is_impersonal() => {
                    let (wrong, open) = neglect(declared, &owners);
                    any_owner |= declared.owner.is_some();
                    let answer = if wrong.is_empty() { (!open).then_some(false) } else { Some(true) };
                    outcome.judge(answer, || finding(context, user, Some(declared), &wrong));
                }
                Some(_) => {}
                None => {
                    let privileged = context.is_privileged(user);
                    if privileged != Some(false) && self.is_named_so(user) {
                        outcome.judge(privileged, || finding(context, user, None, &["is not declared"]));
                    }
                }
            }
        }
        // That an owner has not left is no answer where nobody was asked.
        if any_owner && owners.known.is_none() {
            outcome.lacks = Some("whether declared owners have left is not known: add a [roster] table");
        }
        missing(context, &mut outcome);
        outcome
    }
}

impl ServiceAccountWithoutOwner {
    /// Whether it looks like a program's. One whose person the roster knows is that person's, whatever it is called.
    pub(super) fn is_named_so(&self, user: &User) -> bool {
        if user.person.person().is_some() {
            return false;
        }
        let form = login_form(&user.login);
        self.patterns.iter().any(|pattern| pattern::matches(pattern, &form))
    }
}

/// Whether an owner still answers for an account cannot be told.
struct Unknown;

/// What the roster says of the declared owners.
struct Owners<'a> {
    /// Those that were looked up; none without a roster.
    known: Option<&'a [DeclaredOwner]>,
    today: NaiveDate,
}

impl<'a> Owners<'a> {
    fn of(context: Context<'a>) -> Self {
        let roster = context.graph.snapshot().roster.as_ref();
        Self { known: roster.map(|roster| roster.owners.as_slice()), today: context.now.date_naive() }
    }

    /// What is wrong with an owner, in words. Without a roster nothing is. Not known if several people fit of whom not all
    /// have left, and for one that was not looked up.
    fn problem(&self, owner: &str) -> Result<Option<&'static str>, Unknown> {
        let Some(known) = self.known else { return Ok(None) };
        let form = DeclaredOwner::form(owner);
        let people = &known.iter().find(|one| one.owner == form).ok_or(Unknown)?.people;
        let Some(first) = people.first() else { return Ok(Some("has an owner whom the roster does not know")) };
        let left = first.has_left(self.today).ok_or(Unknown)?;
        let agree = people.iter().all(|person| person.has_left(self.today) == Some(left));
        if agree { Ok(left.then_some("has an owner who has left")) } else { Err(Unknown) }
    }
}

/// What is wrong with a declaration, in words, and whether more may be. Its review day itself is in time.
fn neglect(declared: &DeclaredAccount, owners: &Owners<'_>) -> (Vec<&'static str>, bool) {
    let owner = declared.owner.as_deref().map_or(Ok(Some("has no owner")), |owner| owners.problem(owner));
    let purpose = declared.purpose.is_none().then_some("has no declared purpose");
    let review = match declared.review {
        None => Some("has no review date"),
        Some(day) if day < owners.today => Some("is overdue for review"),
        Some(_) => None,
    };
    let open = owner.is_err();
    ([owner.unwrap_or_default(), purpose, review].into_iter().flatten().collect(), open)
}

fn finding(context: Context<'_>, user: &User, declared: Option<&DeclaredAccount>, wrong: &[&str]) -> Finding {
    let privileged = context.is_privileged(user);
    let kind = declared.map_or(AccountKind::Service, |one| one.kind).words();
    let kind = format!("{}{}", kind[..1].to_uppercase(), &kind[1..]);
    let (severity, power) = match privileged {
        Some(true) => (Severity::High, " with administrative power"),
        _ => (Severity::Medium, ""),
    };
    let summary = format!("{kind} {}{power} {}", cut(&user.login), conjoin(wrong));
    let said = |text: Option<&str>| cut(text.unwrap_or("none")).into_owned();
    Finding::new(&ABOUT, user, severity, summary)
        .with("role", cut(&user.role.label()))
        .with("administrative power", yes_no(privileged))
        .with("declared", declared.map_or("no; its login looks like a program's", |one| one.kind.words()))
        .with("owner", said(declared.and_then(|one| one.owner.as_deref())))
        .with("purpose", said(declared.and_then(|one| one.purpose.as_deref())))
        .with("review by", declared.and_then(|one| one.review).map_or("none".to_owned(), |day| day.to_string()))
}

/// Tells of service accounts that are declared for this very console and do not exist on it.
fn missing(context: Context<'_>, outcome: &mut Outcome) {
    let snapshot = context.graph.snapshot();
    let here = |console: &str| !console.contains('*') && console.to_lowercase() == snapshot.console.name.to_lowercase();
    let mut declared = context
        .policy
        .accounts
        .iter()
        .filter(|one| one.kind == AccountKind::Service && one.console.as_deref().is_some_and(here))
        .peekable();
    if declared.peek().is_none() {
        return;
    }
    let logins: HashSet<CompactString> = context.graph.users().iter().map(|user| user.login.to_lowercase()).collect();
    let saw_everyone = snapshot.saw_everyone();
    for one in declared {
        let login = one.login.to_lowercase();
        let gone = if logins.contains(login.as_str()) { Some(false) } else { saw_everyone.then_some(true) };
        outcome.judge(gone, || {
            let summary = format!("Declared service account {} does not exist on this console", cut(&one.login));
            Finding::new(&ABOUT, &snapshot.console, Severity::Low, summary)
                .aspect(digest(&[&login]))
                .with("owner", cut(one.owner.as_deref().unwrap_or("none")))
                .with("purpose", cut(one.purpose.as_deref().unwrap_or("none")))
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analyze::Policy;
    use crate::analyze::check::{Around, Expect, check, check_in, judged};
    use crate::model::sample::{global_admin, incomplete, known_as, person, snapshot, user, with_roster};
    use crate::model::{Answer, CollectorRights, Person, Snapshot};

    fn rule() -> ServiceAccountWithoutOwner {
        ServiceAccountWithoutOwner::default()
    }

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    /// A declaration with nothing wrong; the worlds are of 2026-09-21.
    fn declared(login: &str) -> DeclaredAccount {
        DeclaredAccount {
            kind: AccountKind::Service,
            owner: Some("Maria Boss".into()),
            purpose: Some("tickets".into()),
            review: Some(day("2027-01-31")),
            ..DeclaredAccount::of(login)
        }
    }

    fn around(accounts: Vec<DeclaredAccount>) -> Around {
        Around { policy: Policy { accounts, ..Policy::default() }, ..Around::default() }
    }

    fn world(login: &str) -> Snapshot {
        staffed(snapshot(vec![global_admin(1, login), user(2, "mia")]), vec![boss("7", Some(true))])
    }

    fn boss(id: &str, employed: Option<bool>) -> Person {
        Person { name: Some("Maria Boss".into()), employed, ..person(id) }
    }

    /// Joined with a roster that knows these as the owner `maria boss`.
    fn staffed(world: Snapshot, people: Vec<Person>) -> Snapshot {
        let mut world = with_roster(world);
        let people = people.into_iter().map(std::sync::Arc::new).collect();
        let owner = DeclaredOwner { owner: "maria boss".into(), people };
        world.roster.as_mut().unwrap().owners.push(owner);
        world
    }

    #[test]
    fn an_undeclared_login_of_a_program_is_told_in_every_spelling() {
        for login in ["svc-scan", "SVC_scan", "CORP\\svc.scan", "jira-sync", "automation2"] {
            check(&rule(), world(login), Expect::Fail(&[login]));
        }
        for login in ["root", "svcscan", "ana.silva"] {
            check(&rule(), world(login), Expect::NotApplicable);
        }
        check(&rule(), snapshot(vec![user(1, "svc-scan")]), Expect::NotApplicable);
    }

    #[test]
    fn a_declaration_needs_purpose_and_review() {
        let of = |change: fn(&mut DeclaredAccount)| {
            let mut one = declared("Scanner");
            change(&mut one);
            around(vec![one])
        };
        let finds = |around: &Around, words: &str| {
            let judgement = judged(&rule(), world("scanner"), around);
            let summaries: Vec<_> = judgement.findings.iter().map(|found| found.summary.as_str()).collect();
            assert_eq!(summaries, [format!("Service account scanner with administrative power {words}")]);
        };
        check_in(&rule(), world("scanner"), &of(|_| ()), Expect::Pass);
        finds(&of(|one| one.purpose = None), "has no declared purpose");
        finds(&of(|one| one.review = None), "has no review date");
        finds(
            &of(|one| (one.purpose, one.review) = (None, Some(day("2026-09-20")))),
            "has no declared purpose and is overdue for review",
        );
    }

    #[test]
    fn the_review_day_is_in_time() {
        let review = |text| around(vec![DeclaredAccount { review: Some(day(text)), ..declared("scanner") }]);
        assert_eq!(world("scanner").finished.date_naive(), day("2026-09-21"));
        check_in(&rule(), world("scanner"), &review("2026-09-20"), Expect::Fail(&["scanner"]));
        check_in(&rule(), world("scanner"), &review("2026-09-21"), Expect::Pass);
        check_in(&rule(), world("scanner"), &review("2026-09-22"), Expect::Pass);
    }

    #[test]
    fn an_account_of_a_known_person_is_no_program_by_its_name() {
        let persons = || known_as(global_admin(1, "svc-scan"), person("7"));
        check(&rule(), with_roster(snapshot(vec![persons()])), Expect::NotApplicable);
        let incomplete_declaration = DeclaredAccount { purpose: None, ..declared("svc-scan") };
        let around = around(vec![incomplete_declaration]);
        check_in(&rule(), with_roster(snapshot(vec![persons()])), &around, Expect::Fail(&["svc-scan"]));
        check(&rule(), world("sa-mia"), Expect::NotApplicable);
    }

    #[test]
    fn an_owner_who_has_left_or_is_not_known_answers_for_nothing() {
        let with = |people: Vec<Person>| staffed(snapshot(vec![global_admin(1, "scanner")]), people);
        let (left, here) = (|id| boss(id, Some(false)), |id| boss(id, Some(true)));
        let ended = Person { end: Some(day("2026-09-20")), ..here("7") };
        for owner in ["Maria Boss", " maria BOSS "] {
            let around = around(vec![DeclaredAccount { owner: Some(owner.into()), ..declared("scanner") }]);
            for (people, expected) in [
                (vec![here("7")], Expect::Pass),
                (vec![left("7")], Expect::Fail(&["scanner"][..])),
                (vec![ended.clone()], Expect::Fail(&["scanner"])),
                (vec![boss("7", None)], Expect::Unknown),
                (Vec::new(), Expect::Fail(&["scanner"])),
                (vec![left("7"), left("8")], Expect::Fail(&["scanner"])),
                (vec![here("7"), here("8")], Expect::Pass),
                (vec![left("7"), here("8")], Expect::Unknown),
                (vec![left("7"), boss("8", None)], Expect::Unknown),
            ] {
                println!("{owner}: {people:?}");
                check_in(&rule(), with(people), &around, expected);
            }
        }
        let says = |people| judged(&rule(), with(people), &around(vec![declared("scanner")])).findings.remove(0).summary;
        let begins = "Service account scanner with administrative power";
        assert_eq!(says(vec![left("7")]), format!("{begins} has an owner who has left"));
        assert_eq!(says(Vec::new()), format!("{begins} has an owner whom the roster does not know"));
    }

    #[test]
    fn an_owner_who_was_not_looked_up_is_not_known() {
        let of_before = with_roster(snapshot(vec![global_admin(1, "scanner")]));
        check_in(&rule(), of_before, &around(vec![declared("scanner")]), Expect::Unknown);
        let without = judged(&rule(), snapshot(vec![global_admin(1, "scanner")]), &around(vec![declared("scanner")]));
        assert_eq!((without.verdict, without.lacks_input), (crate::finding::Verdict::Unknown, true));
    }

    #[test]
    fn every_declared_account_is_held_to_its_declaration() {
        for (kind, words) in [
            (AccountKind::Service, "Service account"),
            (AccountKind::Shared, "Shared account"),
            (AccountKind::BreakGlass, "Break-glass account"),
        ] {
            let one = |review: Option<&str>| {
                around(vec![DeclaredAccount { kind, review: review.map(day), ..declared("mia") }])
            };
            check_in(&rule(), world("root"), &one(Some("2027-01-31")), Expect::Pass);
            let found = judged(&rule(), world("root"), &one(None)).findings.remove(0);
            assert_eq!((found.severity, found.summary), (Severity::Medium, format!("{words} mia has no review date")));
            let powerful = judged(&rule(), world("mia"), &one(None)).findings.remove(0);
            assert_eq!(powerful.severity, Severity::High);
        }
    }

    #[test]
    fn another_kind_of_declaration_settles_that_it_is_no_program() {
        for kind in [AccountKind::BreakGlass, AccountKind::Shared] {
            let other = DeclaredAccount { kind, ..declared("svc-scan") };
            check_in(&rule(), world("svc-scan"), &around(vec![other]), Expect::Pass);
        }
        let personal = DeclaredAccount { kind: AccountKind::Personal, ..declared("svc-scan") };
        check_in(&rule(), world("svc-scan"), &around(vec![personal]), Expect::NotApplicable);
    }

    #[test]
    fn a_declared_account_that_is_not_there_is_told_on_its_console() {
        let on = |console: Option<&str>, login: &str| DeclaredAccount {
            console: console.map(str::to_owned),
            ..declared(login)
        };
        let gone = around(vec![on(Some("HQ"), "Scanner"), on(Some("hq"), "MIA")]);
        check_in(&rule(), world("root"), &gone, Expect::Fail(&["hq"]));
        let found = judged(&rule(), world("root"), &gone).findings.remove(0);
        assert_eq!(found.severity, Severity::Low);
        let again = around(vec![on(Some("hq"), "scanner"), on(Some("hq"), "other")]);
        let console = world("root").console;
        let ids: Vec<_> = judged(&rule(), world("root"), &again).findings.iter().map(|f| f.id(&console)).collect();
        assert!(ids[0] == found.id(&console) && ids[1] != ids[0]);
        for elsewhere in [None, Some("h*"), Some("lab")] {
            check_in(&rule(), world("root"), &around(vec![on(elsewhere, "scanner")]), Expect::NotApplicable);
        }
        check_in(&rule(), incomplete(world("root"), Part::Users), &gone, Expect::Unknown);
        let mut limited = world("root");
        limited.collector.rights = CollectorRights::Limited;
        check_in(&rule(), limited, &gone, Expect::Unknown);
    }

    #[test]
    fn what_is_not_known_is_not_fine() {
        let mut unanswered = user(1, "svc-scan");
        unanswered.privileges = Answer::Missing;
        unanswered.role.privileges = None;
        check(&rule(), snapshot(vec![unanswered]), Expect::Unknown);
        let fine = around(vec![declared("scanner")]);
        check_in(&rule(), incomplete(world("scanner"), Part::Roster), &fine, Expect::Unknown);
        check_in(&rule(), incomplete(world("scanner"), Part::UserPrivileges), &fine, Expect::Unknown);
    }

    #[test]
    fn leaves_disabled_accounts_to_the_other_rule() {
        let mut world = world("svc-scan");
        world.users[0].enabled = Some(false);
        check(&rule(), world, Expect::NotApplicable);
    }

    #[test]
    fn refuses_a_pattern_that_matches_everything() {
        for pattern in ["", "*"] {
            let rule = ServiceAccountWithoutOwner { patterns: vec![pattern.into()], ..rule() };
            assert!(rule.mistake().is_some());
        }
        assert!(rule().mistake().is_none());
    }
}
