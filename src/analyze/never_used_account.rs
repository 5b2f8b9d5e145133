//! LIFE-04: accounts that were made and never used.

use std::collections::HashSet;

use chrono::{DateTime, Utc};

use super::{Context, Outcome, Rule, cut, enabled, logon, yes_no};
use crate::finding::{Finding, Severity};
use crate::history::NOT_KEPT;
use crate::model::{Part, User};

about! {
    id: "never_used_account",
    code: "LIFE-04",
    title: "Account that was never used",
    flags: "Enabled accounts that a run saw at least days ago and that have not logged on since, nor started a scan, nor \
            acted on an exception; declared break-glass accounts, and those of which dormant_account tells, are left out.",
    evidence: "When a run first saw the account, and the source of logons that does not show one.",
    why: "Access that was given and never taken up is not needed, and its first password may still be the one that \
          somebody sent by mail.",
    severity: Severity::Medium,
    click_path: "Administration > Users > Manage users > the user: ask who wanted the account, then delete it.",
    api_call: "DELETE /api/3/users/{id}, or PUT /api/3/users/{id} with enabled=false (it replaces the whole user and \
               drops grants: read them before).",
    needs: &[Part::Users],
    uses: &[Part::LastLogon, Part::Scans, Part::VulnerabilityExceptions, Part::PolicyOverrides],
    version: 1,
}

rule! {
    /// `[analyzers.never_used_account]`: LIFE-04.
    NeverUsedAccount {
        /// Whole days after the first sight of an account from which on it should have been used.
        days: u32 = 30,
    }
}

impl Rule for NeverUsedAccount {
    fn mistake(&self) -> Option<String> {
        (self.days == 0).then(|| "days is at least 1".to_owned())
    }

    fn examine(&self, context: Context<'_>) -> Outcome {
        let Context { graph, history, .. } = context;
        if !history.kept {
            return Outcome::lacking(NOT_KEPT);
        }
        if graph.snapshot().logon_sources.is_empty() {
            return Outcome::lacking("nothing tells of logons: add a [console.last_logon] table");
        }
        let mut outcome = Outcome::default();
        let dormant = dormant(context);
        for user in enabled(graph) {
            if context.is_break_glass(user) || dormant.contains(user.id.to_string().as_str()) {
                continue;
            }
            let past = history.account(&graph.snapshot().console, user.id);
            let unused = past.map_or(Some(false), |past| self.is_unused(context, user, past.first_seen));
            outcome.judge(unused, || {
                let first_seen = past.map_or_else(String::new, |past| past.first_seen.format("%F").to_string());
                let summary = format!("{} was never used since it was first seen", cut(&user.login));
                Finding::new(&ABOUT, user, Severity::Medium, summary)
                    .with("first seen by a run", first_seen)
                    .with("last logon", logon(graph, user))
                    .with("role", cut(&user.role.label()))
                    .with("administrative power", yes_no(context.is_privileged(user)))
            });
        }
        outcome
    }
}

impl NeverUsedAccount {
    fn is_unused(&self, context: Context<'_>, user: &User, first_seen: DateTime<Utc>) -> Option<bool> {
        let enough = |until: DateTime<Utc>| (until - first_seen).num_days() >= i64::from(self.days);
        // `last_seen` is a logon, or other evidence of use.
        if !enough(context.now) || context.graph.last_seen(user.id).is_some() {
            return Some(false);
        }
        // The source must reach from the first sight over all of the days.
        let idle = context.graph.idle(user)?;
        (idle.since.is_none_or(|since| since <= first_seen) && enough(idle.until)).then_some(true)
    }
}

/// The ids of those that `dormant_account` has found: a log that begins before the first run shows the same to both.
fn dormant(context: Context<'_>) -> HashSet<&str> {
    let judgement = context.so_far.iter().find(|judgement| judgement.rule.id == "dormant_account");
    let findings = judgement.into_iter().flat_map(|judgement| &judgement.findings);
    findings.map(|finding| finding.subject.id.as_str()).collect()
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::super::DormantAccount;
    use super::*;
    use crate::analyze::check::{Around, Expect, check, check_in, judged};
    use crate::analyze::{AccountKind, DeclaredAccount};
    use crate::history::{AccountPast, History};
    use crate::model::LogonSourceKind::{Export, Log};
    use crate::model::sample::{incomplete, snapshot, user};
    use crate::model::{Answer, LastLogon, LogonSource, LogonSourceKind, ScanActivity, Snapshot, UserId};

    fn rule() -> NeverUsedAccount {
        NeverUsedAccount::default()
    }

    fn ago(days: i64) -> DateTime<Utc> {
        snapshot(Vec::new()).finished - TimeDelta::days(days)
    }

    fn source(kind: LogonSourceKind, since: Option<i64>, until: i64) -> LogonSource {
        LogonSource { kind, label: "users.csv".into(), since: since.map(ago), until: ago(until) }
    }

    /// An account that a source speaks of: its last logon, so many days ago.
    fn mia(by: LogonSource, logon: Option<i64>) -> Snapshot {
        let last_logon = Some(LastLogon { at: logon.map(ago), source: by.kind, from: None });
        let mut world = snapshot(vec![User { last_logon, ..user(1, "mia") }]);
        world.logon_sources = vec![by];
        world
    }

    /// Runs first saw the account so many days ago.
    fn seen(days: i64) -> Around {
        let past = AccountPast { first_seen: ago(days), locked: None, lock_changes: Vec::new() };
        let key = snapshot(Vec::new()).console.key().to_owned();
        let accounts = [(key, [(UserId(1), past)].into())].into();
        Around { history: History { kept: true, accounts, ..History::default() }, ..Around::default() }
    }

    #[test]
    fn counts_from_the_first_sight() {
        for (days, expected) in [(29, Expect::Pass), (30, Expect::Fail(&["mia"])), (31, Expect::Fail(&["mia"]))] {
            check_in(&rule(), mia(source(Export, None, 0), None), &seen(days), expected);
        }
        let found = judged(&rule(), mia(source(Export, None, 0), None), &seen(40)).findings.remove(0);
        assert_eq!(found.severity, Severity::Medium);
        assert_eq!(found.evidence[0], ("first seen by a run", "2026-08-12".to_owned()));
        assert_eq!(found.evidence[1].1, "no logon ever, by the export up to 2026-09-21");
        let console = snapshot(Vec::new()).console;
        let later = judged(&rule(), mia(source(Log, Some(60), 0), None), &seen(50)).findings.remove(0);
        assert_eq!(later.id(&console), found.id(&console));
    }

    #[test]
    fn an_account_that_no_run_saw_before_is_not_old_enough() {
        let nobody = Around { history: History { kept: true, ..History::default() }, ..Around::default() };
        check_in(&rule(), mia(source(Export, None, 0), None), &nobody, Expect::Pass);
    }

    #[test]
    fn the_source_must_reach_over_all_of_the_days() {
        for (by, expected) in [
            (source(Log, Some(40), 0), Expect::Fail(&["mia"])),
            (source(Log, Some(39), 0), Expect::Unknown),
            (source(Export, None, 10), Expect::Fail(&["mia"])),
            (source(Export, None, 11), Expect::Unknown),
        ] {
            check_in(&rule(), mia(by, None), &seen(40), expected);
        }
    }

    #[test]
    fn any_sign_of_use_is_enough() {
        check_in(&rule(), mia(source(Export, None, 0), Some(39)), &seen(40), Expect::Pass);
        let mut scanned = mia(source(Export, None, 0), None);
        scanned.scans = Answer::Known(vec![ScanActivity { started_by: "mia".into(), scans: 1, last: ago(35) }]);
        check_in(&rule(), scanned, &seen(40), Expect::Pass);
        let mut unnamed = mia(source(Export, None, 0), None);
        unnamed.users[0].last_logon = None;
        check_in(&rule(), unnamed, &seen(40), Expect::Unknown);
    }

    #[test]
    fn needs_kept_runs_a_source_and_all_accounts() {
        let world = || mia(source(Export, None, 0), None);
        check(&rule(), world(), Expect::Unknown);
        let nothing_tells = Snapshot { logon_sources: Vec::new(), ..world() };
        check_in(&rule(), nothing_tells, &seen(40), Expect::Unknown);
        check_in(&rule(), incomplete(world(), Part::Users), &seen(9), Expect::Unknown);
    }

    #[test]
    fn leaves_out_what_is_declared_disabled_or_told_already() {
        let world = || mia(source(Log, Some(200), 0), None);
        let mut declared = seen(40);
        let mia = DeclaredAccount { kind: AccountKind::BreakGlass, ..DeclaredAccount::of("mia") };
        declared.policy.accounts = vec![mia];
        check_in(&rule(), world(), &declared, Expect::NotApplicable);
        let mut disabled = world();
        disabled.users[0].enabled = Some(false);
        check_in(&rule(), disabled, &seen(40), Expect::NotApplicable);
        check_in(&rule(), world(), &seen(40), Expect::Fail(&["mia"]));
        let told = judged(&DormantAccount::default(), world(), &seen(40));
        assert_eq!(told.findings.len(), 1);
        check_in(&rule(), world(), &Around { so_far: vec![told], ..seen(40) }, Expect::NotApplicable);
    }

    #[test]
    fn nonsense_is_refused() {
        assert!(NeverUsedAccount { days: 0, ..rule() }.mistake().is_some());
        assert_eq!(NeverUsedAccount { days: 1, ..rule() }.mistake(), None);
    }
}
