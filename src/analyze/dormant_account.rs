//! LIFE-03: accounts that nobody has used for long, by the best evidence there is.
//!
//! A report names its owner, and no time at which somebody touched it: to own one is no sign of use.

use chrono::{DateTime, Utc};

use super::{Context, Outcome, Rule, amount, cut, enabled, logon, sight, yes_no};
use crate::finding::{Finding, Severity};
use crate::graph::{Idle, LastSeen, SeenBy};
use crate::model::{Part, User};

about! {
    id: "dormant_account",
    code: "LIFE-03",
    title: "Dormant account",
    flags: "Enabled accounts that were not seen at work for more than days, privileged ones for more than \
            privileged_days; accounts that never logged on and declared break-glass accounts are left out.",
    evidence: "The last logon by the console's log or an export; where neither speaks of the account, its last scan or \
               exception, which only show that it is in use.",
    why: "Nobody would notice that somebody else uses it; what is not used needs no access.",
    severity: Severity::High,
    click_path: "Administration > Users > Manage users > the user: ask the owner, then disable the account or delete it.",
    api_call: "PUT /api/3/users/{id} with enabled=false (it replaces the whole user and drops grants: read them before), \
               or DELETE /api/3/users/{id}.",
    needs: &[Part::Users, Part::UserPrivileges],
    uses: &[Part::LastLogon, Part::Scans, Part::VulnerabilityExceptions, Part::PolicyOverrides],
    version: 1,
}

rule! {
    /// `[analyzers.dormant_account]`: LIFE-03.
    DormantAccount {
        /// Whole days without a sign of use that are accepted.
        days: u32 = 90,
        /// The same for accounts with administrative power.
        privileged_days: u32 = 45,
    }
}

/// Why an account cannot be judged.
const HINT: &str = "no source of logons names them; export_lists_all = true says that a table names everybody";

impl Rule for DormantAccount {
    fn mistake(&self) -> Option<String> {
        if self.days == 0 || self.privileged_days == 0 {
            return Some("days and privileged_days are at least 1".to_owned());
        }
        (self.privileged_days > self.days)
            .then(|| "privileged_days is above days; it is the shorter of the two".to_owned())
    }

    fn examine(&self, context: Context<'_>) -> Outcome {
        let Context { graph, .. } = context;
        let sources = !graph.snapshot().logon_sources.is_empty();
        if !sources && graph.users().iter().all(|user| graph.last_seen(user.id).is_none()) {
            return Outcome::lacking("nothing tells of logons: add a [console.last_logon] table");
        }
        let mut outcome = Outcome { hint: Some(HINT.to_owned()), ..Outcome::default() };
        let known_since = known_since(context);
        for user in enabled(graph).filter(|user| !context.is_break_glass(user)) {
            let Some(signs) = Signs::of(context, user, known_since) else { continue };
            let privileged = context.is_privileged(user);
            let over = |days| signs.are_over(days, context.now);
            let (plain, strict) = (over(self.days), over(self.privileged_days));
            let dormant = match privileged {
                Some(true) => strict,
                Some(false) => plain,
                None => plain.filter(|_| plain == strict),
            };
            outcome.judge(dormant, || {
                let (severity, days) = match privileged {
                    Some(true) => (Severity::High, self.privileged_days),
                    _ => (Severity::Medium, self.days),
                };
                let summary = format!("{} has not logged on for more than {}", cut(&user.login), amount(days, "day"));
                Finding::new(&ABOUT, user, severity, summary)
                    .with("last seen", sight(graph, user))
                    .with("last logon", logon(graph, user))
                    .with("role", cut(&user.role.label()))
                    .with("administrative power", yes_no(privileged))
            });
        }
        outcome
    }
}

/// When earlier runs first saw an account of this console. An account that they first saw later is younger than that.
fn known_since(context: Context<'_>) -> Option<DateTime<Utc>> {
    let accounts = context.history.accounts.get(context.graph.snapshot().console.key())?;
    accounts.values().map(|past| past.first_seen).min()
}

/// What tells of an account's use.
struct Signs {
    /// The newest sign that no source of logons contradicts.
    newest: Option<DateTime<Utc>>,
    /// How long it has not logged on; where it never did, since its newest sign of any kind.
    idle: Option<Idle>,
}

impl Signs {
    /// `None` if it was never used: that is `never_used_account`'s to tell.
    fn of(context: Context<'_>, user: &User, known_since: Option<DateTime<Utc>>) -> Option<Self> {
        let graph = context.graph;
        let seen = graph.last_seen(user.id);
        let logon = user.last_logon.as_ref().and_then(|logon| logon.at);
        let mut idle = graph.idle(user);
        if let Some(idle) = idle.as_mut().filter(|_| logon.is_none()) {
            let is_younger = |since| appeared(context, user, known_since).is_some_and(|at| since <= at);
            if idle.since.is_none_or(is_younger) {
                idle.since = Some(seen?.at);
            }
        }
        // A name stands on scans that a schedule started; a source that would show a logon and does not is the better one.
        let contradicted = |seen: &LastSeen| {
            !matches!(seen.by, SeenBy::Logon(_)) && graph.idle(user).is_some_and(|idle| idle.covers(seen.at))
        };
        let newest = seen.filter(|seen| !contradicted(seen)).map(|seen| seen.at).or(logon);
        Some(Self { newest, idle })
    }

    /// Whether they end more than so many days ago. Without a source of logons, that nothing newer is there proves
    /// nothing.
    fn are_over(&self, days: u32, now: DateTime<Utc>) -> Option<bool> {
        let more = |since: DateTime<Utc>, until: DateTime<Utc>| (until - since).num_days() > i64::from(days);
        if self.newest.is_some_and(|newest| !more(newest, now)) {
            return Some(false);
        }
        let Idle { since, until } = self.idle?;
        more(since?, until).then_some(true)
    }
}

/// When earlier runs saw that an account was new; `None` if it was there from the first run on, or nothing is kept.
fn appeared(context: Context<'_>, user: &User, known_since: Option<DateTime<Utc>>) -> Option<DateTime<Utc>> {
    let past = context.history.account(&context.graph.snapshot().console, user.id);
    let first_seen = past.map_or(context.now, |past| past.first_seen);
    known_since.filter(|known_since| *known_since < first_seen).map(|_| first_seen)
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;
    use crate::analyze::check::{Around, Expect, check, check_in, findings};
    use crate::analyze::{AccountKind, DeclaredAccount, Policy};
    use crate::history::{AccountPast, History};
    use crate::model::LogonSourceKind::{Export, Log};
    use crate::model::sample::{global_admin, incomplete, snapshot, user};
    use crate::model::{Answer, LastLogon, LogonSource, LogonSourceKind, ScanActivity, Snapshot, UserId};

    fn rule() -> DormantAccount {
        DormantAccount::default()
    }

    fn ago(days: i64) -> DateTime<Utc> {
        snapshot(Vec::new()).finished - TimeDelta::days(days)
    }

    /// A source of logons, from and up to so many days ago.
    fn source(kind: LogonSourceKind, since: Option<i64>, until: i64) -> LogonSource {
        LogonSource { kind, label: "users.csv".into(), since: since.map(ago), until: ago(until) }
    }

    fn logged_on(user: User, source: LogonSourceKind, days: Option<i64>) -> User {
        User { last_logon: Some(LastLogon { at: days.map(ago), source, from: None }), ..user }
    }

    /// A world with a fresh export and a log of the last 200 days.
    fn world(users: Vec<User>) -> Snapshot {
        let mut world = snapshot(users);
        world.logon_sources = vec![source(Export, None, 0), source(Log, Some(200), 0)];
        world
    }

    /// Adds a scan that a name started so many days ago.
    fn scanned(mut world: Snapshot, by: &str, days: i64) -> Snapshot {
        world.scans = Answer::Known(vec![ScanActivity { started_by: by.into(), scans: 1, last: ago(days) }]);
        world
    }

    fn known(first_seen: &[(i64, i64)]) -> Around {
        let past = |days| AccountPast { first_seen: ago(days), locked: None, lock_changes: Vec::new() };
        let key = snapshot(Vec::new()).console.key().to_owned();
        let accounts = first_seen.iter().map(|(id, days)| (UserId(*id), past(*days))).collect();
        let accounts = [(key, accounts)].into();
        Around { history: History { kept: true, accounts, ..History::default() }, ..Around::default() }
    }

    #[test]
    fn counts_whole_days_and_is_stricter_with_power() {
        for (days, expected) in [(89, Expect::Pass), (90, Expect::Pass), (91, Expect::Fail(&["mia"]))] {
            check(&rule(), world(vec![logged_on(user(1, "mia"), Export, Some(days))]), expected);
        }
        for (days, expected) in [(44, Expect::Pass), (45, Expect::Pass), (46, Expect::Fail(&["root"]))] {
            check(&rule(), world(vec![logged_on(global_admin(1, "root"), Log, Some(days))]), expected);
        }
        let both = [user(1, "mia"), global_admin(2, "root")].map(|user| logged_on(user, Log, Some(91)));
        let severities: Vec<_> = findings(&rule(), world(both.to_vec())).iter().map(|one| one.severity).collect();
        assert_eq!(severities, [Severity::Medium, Severity::High]);
    }

    #[test]
    fn power_that_is_not_known_leaves_the_days_between_open() {
        for (days, expected) in [(45, Expect::Pass), (60, Expect::Unknown), (91, Expect::Fail(&["mia"]))] {
            let mut unanswered = logged_on(user(1, "mia"), Log, Some(days));
            (unanswered.privileges, unanswered.role.privileges) = (Answer::Missing, None);
            check(&rule(), world(vec![unanswered]), expected);
        }
    }

    #[test]
    fn a_source_of_logons_decides_where_it_reaches() {
        let mia = |days| logged_on(user(1, "mia"), Export, days);
        let fresh = |mia| world(vec![mia]);
        let old = |mia| Snapshot { logon_sources: vec![source(Export, None, 30)], ..world(vec![mia]) };
        for (world, expected) in [
            // A scan that the export would have shown as a logon.
            (scanned(fresh(mia(Some(100))), "mia", 5), Expect::Fail(&["mia"])),
            // A scan after the export ends.
            (scanned(old(mia(Some(130))), "mia", 5), Expect::Pass),
            // An export that ends too early to tell, and one that does not.
            (old(mia(Some(120))), Expect::Unknown),
            (old(mia(Some(121))), Expect::Fail(&["mia"])),
            // A recent logon beside a newer scan.
            (scanned(fresh(mia(Some(5))), "mia", 3), Expect::Pass),
            // No logon ever, but a scan.
            (scanned(fresh(mia(None)), "mia", 91), Expect::Fail(&["mia"])),
            (scanned(fresh(mia(None)), "mia", 90), Expect::Unknown),
            // No sign of use at all.
            (fresh(mia(None)), Expect::NotApplicable),
        ] {
            check(&rule(), world, expected);
        }
    }

    #[test]
    fn without_a_source_only_a_recent_sign_proves_anything() {
        let world = |days| scanned(snapshot(vec![user(1, "mia")]), "mia", days);
        check(&rule(), world(90), Expect::Pass);
        check(&rule(), world(91), Expect::Unknown);
        let other = scanned(snapshot(vec![user(1, "mia"), user(2, "ben")]), "mia", 5);
        check(&rule(), other, Expect::Unknown);
        check(&rule(), snapshot(vec![user(1, "mia")]), Expect::Unknown);
    }

    #[test]
    fn an_account_that_a_log_does_not_name_is_idle_since_the_log_begins() {
        let log = |since| {
            let mut world = world(vec![logged_on(user(1, "mia"), Log, None)]);
            world.logon_sources = vec![source(Log, Some(since), 0)];
            world
        };
        for (since, expected) in [(89, Expect::Unknown), (90, Expect::Unknown), (91, Expect::Fail(&["mia"]))] {
            check(&rule(), log(since), expected);
        }
        let first_run = known(&[(1, 10), (2, 10)]);
        check_in(&rule(), log(91), &first_run, Expect::Fail(&["mia"]));
        for came_later in [known(&[(1, 9), (2, 10)]), known(&[(2, 10)])] {
            check_in(&rule(), log(91), &came_later, Expect::NotApplicable);
        }
    }

    #[test]
    fn leaves_out_break_glass_and_disabled_accounts() {
        let dormant = || logged_on(user(1, "mia"), Log, Some(100));
        let declare = |kind| Around {
            policy: Policy {
                accounts: vec![DeclaredAccount { kind, ..DeclaredAccount::of("mia") }],
                ..Policy::default()
            },
            ..Around::default()
        };
        check_in(&rule(), world(vec![dormant()]), &declare(AccountKind::BreakGlass), Expect::NotApplicable);
        check_in(&rule(), world(vec![dormant()]), &declare(AccountKind::Service), Expect::Fail(&["mia"]));
        check(&rule(), world(vec![User { enabled: Some(false), ..dormant() }]), Expect::NotApplicable);
    }

    #[test]
    fn does_not_pass_an_incomplete_listing() {
        let recent = || world(vec![logged_on(user(1, "mia"), Log, Some(1))]);
        check(&rule(), recent(), Expect::Pass);
        for part in [Part::Users, Part::UserPrivileges] {
            check(&rule(), incomplete(recent(), part), Expect::Unknown);
        }
    }

    #[test]
    fn says_when_by_what_and_how_sure() {
        let found = findings(&rule(), world(vec![logged_on(user(1, "mia"), Export, Some(100))])).remove(0);
        assert_eq!(found.evidence[0].1, "2026-06-13 by logon (export), confidence high");
        assert_eq!(found.evidence[1].1, "2026-06-13, by the export up to 2026-09-21");
        let console = snapshot(Vec::new()).console;
        let later = logged_on(user(1, "mia.b"), Log, Some(180));
        assert_eq!(findings(&rule(), world(vec![later]))[0].id(&console), found.id(&console));
    }

    #[test]
    fn nonsense_is_refused() {
        let mistake = |days, privileged_days| DormantAccount { days, privileged_days, ..rule() }.mistake();
        assert!(mistake(0, 0).is_some() && mistake(90, 0).is_some() && mistake(30, 45).is_some());
        assert_eq!(mistake(45, 45), None);
    }
}
