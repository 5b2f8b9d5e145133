//! GOV-04: the accounts for the day on which nothing else works: enough of them, fit for it, tried out, and not in use.

use chrono::{Days, NaiveDate};

use super::{AccountKind, Context, DeclaredAccount, Outcome, Rule, amount, any_of, conjoin, cut, list, yes_no};
use crate::finding::{Finding, Severity, digest};
use crate::graph::AccessGraph;
use crate::model::{Part, User};

about! {
    id: "break_glass_account",
    code: "GOV-04",
    title: "Break-glass accounts missing, unfit or used",
    flags: "Consoles with fewer than min declared break-glass accounts that are enabled, local and privileged; declared \
            ones that do not exist, could not be used on the day, were not tried out within tested_within_days (a day that \
            lies ahead is no trial), or were used since they were tried out.",
    evidence: "The declarations of kind break_glass, and state, source, power and last use of their accounts.",
    why: "When the identity provider is down, these accounts are the only way in; when they are used on any other day, \
          somebody goes around it.",
    severity: Severity::High,
    click_path: "Administration > Users > Manage users: create or mend the local accounts, try them out, and enter the day \
                 as tested in their [[account]] tables; for a use that nobody can explain, change the password first.",
    api_call: "POST /api/3/users creates one; PUT /api/3/users/{id} mends it (it replaces the whole user and drops grants: \
               read them before, restore them after).",
    needs: &[Part::Users, Part::UserPrivileges, Part::LastLogon],
    version: 3,
}

rule! {
    /// `[analyzers.break_glass_account]`: GOV-04.
    BreakGlassAccount {
        /// The fewest accounts that are enabled, local and privileged.
        min: u32 = 2,
        /// Days within which each must have been tried out.
        tested_within_days: u32 = 180,
    }
}

impl Rule for BreakGlassAccount {
    fn mistake(&self) -> Option<String> {
        if self.min == 0 {
            return Some("min must be at least 1; with none, switch the rule off".to_owned());
        }
        (self.tested_within_days == 0).then(|| "tested_within_days must be at least 1".to_owned())
    }

    fn examine(&self, context: Context<'_>) -> Outcome {
        let Context { graph, .. } = context;
        let mut outcome = Outcome::default();
        let account = |one: &DeclaredAccount| {
            let mut alike = graph.users().iter().filter(|user| one.is_login(&user.login));
            graph.users().iter().find(|user| user.login == one.login).or_else(|| alike.next())
        };
        let declared: Vec<_> = declared(context).into_iter().map(|one| (one, account(one))).collect();
        self.count(context, &declared, &mut outcome);
        let all_seen = graph.snapshot().saw_everyone();
        for (declared, user) in &declared {
            match user {
                Some(user) => self.account(context, declared, user, &mut outcome),
                None => outcome.judge(all_seen.then_some(true), || missing(graph, declared)),
            }
        }
        if !declared.is_empty() && graph.snapshot().logon_sources.is_empty() {
            outcome.lacks = Some("whether break-glass accounts were used is not known: add a [console.last_logon] table");
        }
        outcome
    }
}

/// The accounts that are declared as break-glass for this console, by login.
fn declared(context: Context<'_>) -> Vec<&DeclaredAccount> {
    let console = &context.graph.snapshot().console.name;
    let on_this = context.policy.accounts.iter().filter(|account| account.is_on(console));
    let mut declared: Vec<_> = on_this.filter(|account| account.kind == AccountKind::BreakGlass).collect();
    declared.sort_by_cached_key(|account| account.login.to_lowercase());
    declared
}

impl BreakGlassAccount {
    /// Whether enough of them would work on the day.
    fn count(&self, context: Context<'_>, declared: &[(&DeclaredAccount, Option<&User>)], outcome: &mut Outcome) {
        let console = &context.graph.snapshot().console;
        let all_seen = context.graph.snapshot().saw_everyone();
        let works = |user: Option<&User>| match user {
            Some(user) => super::all_of([user.enabled, user.is_local(), context.is_privileged(user)]),
            None => all_seen.then_some(false),
        };
        let answers: Vec<Option<bool>> = declared.iter().map(|(_, user)| works(*user)).collect();
        let min = usize::try_from(self.min).unwrap_or(usize::MAX);
        let sure = answers.iter().filter(|answer| **answer == Some(true)).count();
        let possible = answers.iter().filter(|answer| **answer != Some(false)).count();
        let too_few = if sure >= min { Some(false) } else { (possible < min).then_some(true) };
        outcome.judge(too_few, || {
            let name = cut(&console.name);
            let summary = if declared.is_empty() {
                format!("No break-glass account is declared for {name}")
            } else {
                in_words(&name, &answers, self.min)
            };
            let of = |wanted: bool| {
                let these = declared.iter().zip(&answers).filter(|(_, answer)| (**answer == Some(true)) == wanted);
                let logins: Vec<&str> = these.map(|((one, _), _)| one.login.as_str()).collect();
                if logins.is_empty() { "none".to_owned() } else { list(logins) }
            };
            Finding::new(&ABOUT, console, Severity::High, summary)
                .aspect("count")
                .with("enabled, local and privileged", of(true))
                .with("declared otherwise", of(false))
                .with("needed", self.min.to_string())
        });
    }

    /// What is wrong with one of them.
    fn account(&self, context: Context<'_>, declared: &DeclaredAccount, user: &User, outcome: &mut Outcome) {
        let today = context.now.date_naive();
        // A day that lies ahead is no trial yet: it explains no use.
        let ahead = declared.tested.is_some_and(|day| day > today);
        let tested = declared.tested.filter(|day| *day <= today);
        let in_use = was_used(context, tested, user);
        let privileged = context.is_privileged(user);
        let tested_late =
            !ahead && tested.is_none_or(|day| (today - day).num_days() > i64::from(self.tested_within_days));
        let answers = [
            (user.enabled.map(|enabled| !enabled), "is disabled"),
            (user.locked, "is locked"),
            (user.is_local().map(|local| !local), "is not local"),
            (privileged.map(|privileged| !privileged), "is not privileged"),
            (Some(ahead), "has a trial that lies ahead"),
            (Some(tested_late), if declared.tested.is_some() { "was tried out too long ago" } else { "was never tried out" }),
            (in_use, "was used"),
        ];
        outcome.judge(any_of(answers.map(|(answer, _)| answer)), || {
            let reasons: Vec<&str> =
                answers.into_iter().filter(|(answer, _)| *answer == Some(true)).map(|(_, says)| says).collect();
            let summary = format!("The break-glass account {} {}", cut(&user.login), conjoin(&reasons));
            let seen = context.graph.last_seen(user.id);
            let last_use = seen.map(|seen| format!("{} by {}", seen.at.format("%F %H:%M UTC"), seen.by.as_str()));
            let never = if in_use == Some(false) { "never" } else { "unknown" };
            Finding::new(&ABOUT, user, Severity::High, summary)
                .with("reasons", reasons.join("; "))
                .with("last use", last_use.unwrap_or_else(|| never.to_owned()))
                .with("tried out", declared.tested.map_or("never".to_owned(), |day| day.to_string()))
                .with("administrative power", yes_no(privileged))
                .with("owner", cut(declared.owner.as_deref().unwrap_or("none")))
        });
    }
}

/// How many of the declared accounts, at least one, work where more are needed.
fn in_words(console: &str, answers: &[Option<bool>], min: u32) -> String {
    let sure = answers.iter().filter(|answer| **answer == Some(true)).count();
    let needed = format!("{min} {} needed", if min == 1 { "is" } else { "are" });
    match (answers, sure) {
        (all, sure) if all.len() == sure => {
            let works = if sure == 1 { "works" } else { "work" };
            format!("{console} has {} that {works}; {needed}", amount(sure, "break-glass account"))
        }
        ([Some(false)], _) => format!("The only break-glass account on {console} does not work; {needed}"),
        ([_], _) => format!("The only break-glass account on {console} may not work; {needed}"),
        (all, 1) => format!("1 of {} break-glass accounts on {console} works; {needed}", all.len()),
        (all, 0) => format!("None of {} break-glass accounts on {console} works for sure; {needed}", all.len()),
        (all, sure) => format!("{sure} of {} break-glass accounts on {console} work; {needed}", all.len()),
    }
}

/// Whether it was used on another day than that of its trial, or the day after: a trial may run past midnight. Without a
/// declared trial, no use is explained. `None` if nothing tells of the logons of all this time.
fn was_used(context: Context<'_>, tested: Option<NaiveDate>, user: &User) -> Option<bool> {
    let explained = tested.and_then(|day| day.checked_add_days(Days::new(1)));
    let unexplained = |at: NaiveDate| explained.is_none_or(|last| at > last);
    match context.graph.last_seen(user.id) {
        Some(seen) if unexplained(seen.at.date_naive()) => Some(true),
        // Other traces than logons do not tell that there was no logon, nor do logons of another time.
        _ => {
            let idle = context.graph.idle(user)?;
            let reaches_back = idle.since.is_none_or(|since| explained.is_some_and(|last| since.date_naive() <= last));
            let reaches_on = tested.is_none_or(|day| day <= idle.until.date_naive());
            (reaches_back && reaches_on).then_some(false)
        }
    }
}

/// On the console, and told apart by a digest of the login: nobody has an id.
fn missing(graph: &AccessGraph, declared: &DeclaredAccount) -> Finding {
    let console = &graph.snapshot().console;
    let login = cut(&declared.login);
    let summary = format!("The break-glass account {login} does not exist on {}", cut(&console.name));
    Finding::new(&ABOUT, console, Severity::High, summary)
        .aspect(digest(&["break-glass login", &declared.login.to_lowercase()]))
        .with("declared", login)
        .with("owner", cut(declared.owner.as_deref().unwrap_or("none")))
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, Utc};

    use super::*;
    use crate::analyze::check::{Around, Expect, check, check_in, judged};
    use crate::model::sample::{global_admin, incomplete, local_user, snapshot, user};
    use crate::model::{CollectorRights, LastLogon, LogonSource, LogonSourceKind, Snapshot};

    fn rule() -> BreakGlassAccount {
        BreakGlassAccount::default()
    }

    fn logon(at: Option<&str>) -> LastLogon {
        let at = at.map(|at| at.parse::<DateTime<Utc>>().unwrap());
        LastLogon { at, source: LogonSourceKind::Export, from: None }
    }

    /// A break-glass account that nobody used.
    fn glass(id: i64, login: &str) -> User {
        User { last_logon: Some(logon(None)), ..global_admin(id, login) }
    }

    /// Collected on 2026-09-21, with an export of logons.
    fn world(users: Vec<User>) -> Snapshot {
        let mut world = snapshot(users);
        world.logon_sources.push(LogonSource {
            kind: LogonSourceKind::Export,
            label: "users.csv".into(),
            since: None,
            until: world.finished,
        });
        world
    }

    fn declared(login: &str, tested: Option<&str>) -> DeclaredAccount {
        DeclaredAccount {
            kind: AccountKind::BreakGlass,
            owner: Some("Maria Boss".into()),
            tested: tested.map(|day| day.parse().unwrap()),
            ..DeclaredAccount::of(login)
        }
    }

    fn with(accounts: Vec<DeclaredAccount>) -> Around {
        let mut around = Around::default();
        around.policy.accounts = accounts;
        around
    }

    fn two(tested: Option<&str>) -> Around {
        with(vec![declared("glass1", tested), declared("GLASS2", Some("2026-09-01"))])
    }

    /// Two declared accounts, of which the first is this one.
    fn check_first(first: User, tested: Option<&str>, expected: Expect<'_>) {
        check_in(&rule(), world(vec![first, glass(2, "glass2")]), &two(tested), expected);
    }

    #[test]
    fn two_that_work_and_rest_pass() {
        check_first(glass(1, "glass1"), Some("2026-09-01"), Expect::Pass);
    }

    #[test]
    fn nothing_declared_is_too_few() {
        let found = judged(&rule(), world(vec![glass(1, "glass1")]), &Around::default()).findings.remove(0);
        assert_eq!((&*found.aspect, found.severity), ("count", Severity::High));
        assert_eq!(found.summary, "No break-glass account is declared for hq");
        let elsewhere = DeclaredAccount { console: Some("lab".into()), ..declared("glass1", None) };
        check_in(&rule(), world(vec![glass(1, "glass1")]), &with(vec![elsewhere]), Expect::Fail(&["hq"]));
    }

    #[test]
    fn fewer_than_the_minimum_that_work_are_too_few() {
        let one = with(vec![declared("glass1", Some("2026-09-01"))]);
        check_in(&rule(), world(vec![glass(1, "glass1")]), &one, Expect::Fail(&["hq"]));
        let rule = BreakGlassAccount { min: 1, ..rule() };
        check_in(&rule, world(vec![glass(1, "glass1")]), &one, Expect::Pass);
        let unknown = User { authentication: None, ..glass(1, "glass1") };
        check_in(&rule, world(vec![unknown]), &one, Expect::Unknown);
    }

    #[test]
    fn each_must_work() {
        let disabled = User { enabled: Some(false), ..glass(1, "glass1") };
        check_first(disabled, Some("2026-09-01"), Expect::Fail(&["hq", "glass1"]));
        let external = User { authentication: user(1, "x").authentication, ..glass(1, "glass1") };
        check_first(external, Some("2026-09-01"), Expect::Fail(&["hq", "glass1"]));
        let weak = User { last_logon: Some(logon(None)), ..local_user(1, "glass1") };
        check_first(weak, Some("2026-09-01"), Expect::Fail(&["hq", "glass1"]));
        let locked = User { locked: Some(true), ..glass(1, "glass1") };
        check_first(locked, Some("2026-09-01"), Expect::Fail(&["glass1"]));
        let perhaps = User { locked: None, ..glass(1, "glass1") };
        check_first(perhaps, Some("2026-09-01"), Expect::Unknown);
        let around = two(Some("2026-09-01"));
        check_in(&rule(), world(vec![glass(2, "glass2")]), &around, Expect::Fail(&["hq", "hq"]));
        check_in(&rule(), incomplete(world(vec![glass(2, "glass2")]), Part::Users), &around, Expect::Unknown);
        let mut limited = world(vec![glass(2, "glass2")]);
        limited.collector.rights = CollectorRights::Limited;
        check_in(&rule(), limited, &around, Expect::Unknown);
    }

    #[test]
    fn each_must_have_been_tried_out() {
        for (tested, expected) in [
            (Some("2026-03-26"), Expect::Pass),
            (Some("2026-03-25"), Expect::Pass),
            (Some("2026-03-24"), Expect::Fail(&["glass1"][..])),
            (None, Expect::Fail(&["glass1"])),
        ] {
            println!("{tested:?}");
            check_first(glass(1, "glass1"), tested, expected);
        }
    }

    #[test]
    fn a_trial_that_lies_ahead_is_none_and_explains_no_use() {
        let says = |first: User, tested| {
            let found = judged(&rule(), world(vec![first, glass(2, "glass2")]), &two(Some(tested))).findings;
            found.into_iter().map(|found| found.summary).collect::<Vec<_>>()
        };
        let used = User { last_logon: Some(logon(Some("2026-09-20T09:00:00Z"))), ..glass(1, "glass1") };
        assert_eq!(says(glass(1, "glass1"), "2026-09-21"), Vec::<String>::new());
        let ahead = "The break-glass account glass1 has a trial that lies ahead";
        assert_eq!(says(glass(1, "glass1"), "2026-09-22"), [ahead]);
        assert_eq!(says(used, "2027-01-31"), [format!("{ahead} and was used")]);
    }

    #[test]
    fn too_few_are_told_in_a_sentence() {
        let of = |answers: &[Option<bool>], min| in_words("hq", answers, min);
        let (yes, no) = (Some(true), Some(false));
        assert_eq!(of(&[yes], 2), "hq has 1 break-glass account that works; 2 are needed");
        assert_eq!(of(&[yes, yes], 3), "hq has 2 break-glass accounts that work; 3 are needed");
        assert_eq!(of(&[no], 1), "The only break-glass account on hq does not work; 1 is needed");
        assert_eq!(of(&[None], 2), "The only break-glass account on hq may not work; 2 are needed");
        assert_eq!(of(&[yes, no], 2), "1 of 2 break-glass accounts on hq works; 2 are needed");
        assert_eq!(of(&[no, no], 2), "None of 2 break-glass accounts on hq works for sure; 2 are needed");
    }

    #[test]
    fn a_use_after_the_trial_is_an_alert() {
        let seen = |at| User { last_logon: Some(logon(Some(at))), ..glass(1, "glass1") };
        check_first(seen("2026-08-01T09:00:00Z"), Some("2026-08-01"), Expect::Pass);
        check_first(seen("2026-08-02T23:59:59Z"), Some("2026-08-01"), Expect::Pass);
        check_first(seen("2026-08-03T00:00:00Z"), Some("2026-08-01"), Expect::Fail(&["glass1"]));
        let used = world(vec![seen("2026-08-03T00:00:00Z"), glass(2, "glass2")]);
        let found = judged(&rule(), used, &two(Some("2026-08-01"))).findings.remove(0);
        assert_eq!(found.summary, "The break-glass account glass1 was used");
        assert!(found.evidence.contains(&("last use", "2026-08-03 00:00 UTC by logon (export)".into())), "{found:?}");
        let untested = world(vec![seen("2026-08-03T00:00:00Z"), glass(2, "glass2")]);
        let again = judged(&rule(), untested, &two(None)).findings.remove(0);
        assert_eq!(again.summary, "The break-glass account glass1 was never tried out and was used");
        let console = snapshot(Vec::new()).console;
        assert_eq!(again.id(&console), found.id(&console));
    }

    #[test]
    fn logons_of_another_time_do_not_tell_of_the_days_since_the_trial() {
        let spans = |since: Option<&str>, until: &str| {
            let mut world = world(vec![glass(1, "glass1"), glass(2, "glass2")]);
            world.logon_sources[0].since = since.map(|at| at.parse().unwrap());
            world.logon_sources[0].until = until.parse().unwrap();
            world
        };
        let until = "2026-09-21T00:00:00Z";
        for (since, until, expected) in [
            (None, until, Expect::Pass),
            (Some("2026-09-02T23:00:00Z"), until, Expect::Pass),
            (Some("2026-09-03T00:00:00Z"), until, Expect::Unknown),
            (None, "2026-09-01T00:00:00Z", Expect::Pass),
            (None, "2026-08-31T23:00:00Z", Expect::Unknown),
        ] {
            println!("{since:?} {until}");
            check_in(&rule(), spans(since, until), &two(Some("2026-09-01")), expected);
        }
    }

    #[test]
    fn without_logons_their_use_is_unknown() {
        check_first(User { last_logon: None, ..glass(1, "glass1") }, Some("2026-09-01"), Expect::Unknown);
        let mut blind = world(vec![glass(1, "glass1"), glass(2, "glass2")]);
        blind.logon_sources.clear();
        check_in(&rule(), blind, &two(Some("2026-09-01")), Expect::Unknown);
        for part in [Part::UserPrivileges, Part::LastLogon] {
            let partly = incomplete(world(vec![glass(1, "glass1"), glass(2, "glass2")]), part);
            check_in(&rule(), partly, &two(Some("2026-09-01")), Expect::Unknown);
        }
    }

    #[test]
    fn refuses_knobs_that_make_no_sense() {
        assert_eq!(rule().mistake(), None);
        assert!(BreakGlassAccount { min: 0, ..rule() }.mistake().is_some());
        assert!(BreakGlassAccount { tested_within_days: 0, ..rule() }.mistake().is_some());
        check(&rule(), incomplete(world(Vec::new()), Part::Users), Expect::Fail(&["hq"]));
    }
}
