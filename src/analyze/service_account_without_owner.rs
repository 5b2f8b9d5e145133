//! PRIV-06: programs' accounts with administrative power that nobody answers for.

use std::collections::{HashMap, HashSet};

use compact_str::CompactString;
use chrono::NaiveDate;

use super::{AccountKind, Context, DeclaredAccount, Outcome, Rule, all_of, any_of, conjoin, cut, enabled, login_form, saw_everyone};
use crate::finding::{Finding, Severity, digest};
use crate::graph::AccessGraph;
use crate::model::{Part, User};
use crate::pattern;

about! {
    id: "service_account_without_owner",
    code: "PRIV-06",
    title: "Service account without owner, purpose or review",
    flags: "Enabled service accounts with administrative power that are not declared in [[account]] with a purpose and a \
            review date to come, or whose owner has left; and declared service accounts that do not exist.",
    evidence: "The declarations, the logins that look like a program's and are no person's by the roster, and the roster.",
    why: "A program's password rarely changes and never leaves by itself; without an owner nobody notices that it is \
          misused or no longer needed.",
    severity: Severity::High,
    click_path: "Find the program and who answers for it, then declare the account in the configuration; without either, \
                 Administration > Users > Manage users > the user: disable it.",
    api_call: "PUT /api/3/users/{id} with enabled=false disables the account (it replaces the whole user and drops \
               grants: read them before, restore them after).",
    needs: &[Part::Users, Part::UserPrivileges, Part::Roster],
    version: 2,
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
        let today = context.now.date_naive();
        for user in enabled(context.graph) {
            let privileged = context.is_privileged(user);
            if privileged == Some(false) {
                continue;
            }
            let declared = context.declared(user);
            if !declared.map_or_else(|| self.is_named_so(user), |one| one.kind == AccountKind::Service) {
                continue;
            }
            outcome.judge(all_of([privileged, neglected(declared, &owners, today)]), || {
                finding(user, declared, &owners, today)
            });
        }
        missing(context, &mut outcome);
        outcome
    }
}

impl ServiceAccountWithoutOwner {
    /// Whether it looks like a program's. One whose person the roster knows is that person's, whatever it is called.
    fn is_named_so(&self, user: &User) -> bool {
        if user.person.person().is_some() {
            return false;
        }
        let form = login_form(&user.login);
        self.patterns.iter().any(|pattern| pattern::matches(pattern, &form))
    }
}

/// Who of the declared owners has left, by [`folded`] id or name.
struct Owners(HashMap<String, Option<bool>>);

/// An owner as written by hand, without what does not tell people apart.
fn folded(owner: &str) -> String {
    owner.trim().to_lowercase()
}

impl Owners {
    /// Looks the declared owners up among the people behind the accounts of every console. A name that several people
    /// have has left when all of them have.
    fn of(context: Context<'_>) -> Self {
        let owners = context.policy.accounts.iter().filter_map(|one| one.owner.as_deref());
        let declared: HashSet<String> = owners.map(folded).collect();
        let today = context.now.date_naive();
        let mut left: HashMap<String, Option<bool>> = HashMap::new();
        if declared.is_empty() {
            return Self(left);
        }
        let users = context.estate.iter().flat_map(AccessGraph::users);
        for person in users.filter_map(|user| user.person.person()) {
            for known in std::iter::once(person.id.as_str()).chain(person.name.as_deref()) {
                let known = folded(known);
                if declared.contains(&known) {
                    let has_left = person.has_left(today);
                    left.entry(known).and_modify(|left| *left = all_of([*left, has_left])).or_insert(has_left);
                }
            }
        }
        Self(left)
    }

    /// Whether an owner has left. One who is behind no account may be anybody, and is taken at their word.
    fn has_left(&self, owner: &str) -> Option<bool> {
        self.0.get(&folded(owner)).copied().unwrap_or(Some(false))
    }
}

/// Whether nobody answers for a service account, as far as its declaration tells. Its review day itself is in time.
fn neglected(declared: Option<&DeclaredAccount>, owners: &Owners, today: NaiveDate) -> Option<bool> {
    let Some(declared) = declared else { return Some(true) };
    let left = declared.owner.as_deref().map_or(Some(true), |owner| owners.has_left(owner));
    any_of([Some(declared.purpose.is_none()), Some(declared.review.is_none_or(|day| day < today)), left])
}

fn finding(user: &User, declared: Option<&DeclaredAccount>, owners: &Owners, today: NaiveDate) -> Finding {
    let mut wrong = Vec::new();
    if let Some(declared) = declared {
        let owner = declared.owner.as_deref();
        if owner.is_some_and(|owner| owners.has_left(owner) == Some(true)) {
            wrong.push("has an owner who has left");
        }
        if owner.is_none() {
            wrong.push("has no owner");
        }
        if declared.purpose.is_none() {
            wrong.push("has no declared purpose");
        }
        match declared.review {
            None => wrong.push("has no review date"),
            Some(day) if day < today => wrong.push("is overdue for review"),
            Some(_) => {}
        }
    } else {
        wrong.push("is not declared");
    }
    let summary = format!("Service account {} with administrative power {}", cut(&user.login), conjoin(&wrong));
    let said = |text: Option<&str>| cut(text.unwrap_or("none")).into_owned();
    Finding::new(&ABOUT, user, Severity::High, summary)
        .with("role", cut(&user.role.label()))
        .with("declared", if declared.is_some() { "yes" } else { "no; its login looks like a program's" })
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
    let saw_everyone = saw_everyone(snapshot);
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
        snapshot(vec![global_admin(1, login), user(2, "mia")])
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
    fn an_owner_who_has_left_answers_for_nothing() {
        let with = |people: Vec<Person>| {
            let people = people.into_iter().zip(2..).map(|(person, id)| known_as(user(id, &format!("u{id}")), person));
            with_roster(snapshot(std::iter::once(global_admin(1, "scanner")).chain(people).collect()))
        };
        let named = |id: &str, employed| Person { name: Some("Maria Boss".into()), employed, ..person(id) };
        let by_name = around(vec![declared("scanner")]);
        let by_id = around(vec![DeclaredAccount { owner: Some("7".into()), ..declared("scanner") }]);
        for around in [&by_name, &by_id] {
            check_in(&rule(), with(vec![named("7", Some(false))]), around, Expect::Fail(&["scanner"]));
            check_in(&rule(), with(vec![named("7", Some(true))]), around, Expect::Pass);
            check_in(&rule(), with(vec![named("7", None)]), around, Expect::Unknown);
        }
        let by_hand = around(vec![DeclaredAccount { owner: Some(" maria BOSS ".into()), ..declared("scanner") }]);
        check_in(&rule(), with(vec![named("7", Some(false))]), &by_hand, Expect::Fail(&["scanner"]));
        check_in(&rule(), with(vec![person("8")]), &by_name, Expect::Pass);
        let namesakes = vec![named("7", Some(false)), named("8", Some(true))];
        check_in(&rule(), with(namesakes.clone()), &by_name, Expect::Pass);
        check_in(&rule(), with(namesakes), &by_id, Expect::Fail(&["scanner"]));
        let elsewhere = Around { others: vec![with(vec![named("7", Some(false))])], ..around(vec![declared("scanner")]) };
        check_in(&rule(), world("scanner"), &elsewhere, Expect::Fail(&["scanner"]));
    }

    #[test]
    fn another_kind_of_declaration_settles_that_it_is_no_program() {
        for kind in [AccountKind::BreakGlass, AccountKind::Shared, AccountKind::Personal] {
            let other = DeclaredAccount { kind, ..declared("svc-scan") };
            check_in(&rule(), world("svc-scan"), &around(vec![other]), Expect::NotApplicable);
        }
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
