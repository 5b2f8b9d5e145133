//! PRIV-04: administrators that were none, or lesser ones, when the console was last signed off.

use super::{Context, Outcome, Rule, all_of, any_of, cut, enabled, holds_everything, is_privileged};
use crate::finding::{Finding, Severity};
use crate::history::Baseline;
use crate::model::{Part, User};

about! {
    id: "new_privileged_account",
    code: "PRIV-04",
    title: "New administrator since the last sign-off",
    flags: "Enabled accounts with administrative power that were absent, disabled or without it in the run that was last \
            signed off, or in the run before where none was; and those that hold every privilege now and held fewer then.",
    evidence: "The account in that run and now, both judged by the same table of combinations: without administrative \
               power, with some of it, or with every privilege.",
    why: "Power that came between two reviews was approved by nobody who reviews.",
    severity: Severity::High,
    click_path: "Administration > Users > Manage users > the user: ask for the approval; without one, give the account its \
                 former role or disable it.",
    api_call: "PUT /api/3/users/{id} with the former role.id, or with enabled=false (it replaces the whole user and drops \
               grants: read them before, restore them after).",
    needs: &[Part::Users, Part::UserPrivileges],
    version: 2,
}

rule! {
    /// `[analyzers.new_privileged_account]`: PRIV-04.
    NewPrivilegedAccount {}
}

impl Rule for NewPrivilegedAccount {
    fn examine(&self, context: Context<'_>) -> Outcome {
        let Context { graph, history, .. } = context;
        let baseline = match history.baseline(&graph.snapshot().console) {
            Ok(baseline) => baseline,
            Err(lacking) => return Outcome::lacking(lacking),
        };
        let mut outcome = Outcome::default();
        let saw_everyone = baseline.snapshot.saw_everyone();
        for (user, before) in baseline.beside(enabled(graph)) {
            let had_power = |before: &User| all_of([before.enabled, is_privileged(context.combinations(), before)]);
            let is_new = || match before {
                Some(before) => any_of([had_power(before).map(|had| !had), was_raised(before, user)]),
                None => saw_everyone.then_some(true),
            };
            // Of the many without power now, the past does not matter.
            let wrong = match context.is_privileged(user) {
                Some(false) => Some(false),
                privileged => all_of([privileged, is_new()]),
            };
            outcome.judge(wrong, || finding(context, baseline, before, user));
        }
        outcome
    }
}

/// Whether an account holds everything that held less: who had some power then was approved for that alone.
fn was_raised(before: &User, now: &User) -> Option<bool> {
    all_of([holds_everything(now), holds_everything(before).map(|everything| !everything)])
}

fn finding(context: Context<'_>, baseline: Baseline<'_>, before: Option<&User>, user: &User) -> Finding {
    let was_privileged = before.and_then(|before| is_privileged(context.combinations(), before));
    let was = before.map_or("absent".to_owned(), |before| {
        let mut words = vec![before.role.label()];
        if before.enabled == Some(false) {
            words.push("disabled".to_owned());
        }
        match was_privileged {
            Some(false) => words.push("without administrative power".to_owned()),
            Some(true) if was_raised(before, user) == Some(true) => words.push("with fewer privileges".to_owned()),
            _ => {}
        }
        cut(&words.join(", ")).into_owned()
    });
    let was_administrator = was_privileged == Some(true) && before.is_some_and(User::is_enabled);
    let became = if was_administrator { "was given every privilege" } else { "became an administrator" };
    let summary = format!("{} {became} after {}", cut(&user.login), cut(&baseline.words()));
    Finding::new(&ABOUT, user, Severity::High, summary)
        .with("compared with", cut(&baseline.words()))
        .with("then", was)
        .with("now", cut(&user.role.label()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analyze::check::{Around, Expect, check, check_in, judged};
    use crate::history::{Before, History, Signed};
    use crate::model::sample::{global_admin, incomplete, snapshot, user, with_role};
    use crate::model::{Answer, CollectorRights, Snapshot};

    fn rule() -> NewPrivilegedAccount {
        NewPrivilegedAccount::default()
    }

    fn before(then: Snapshot) -> Around {
        let before = Before {
            run: "r7".into(),
            slot: None,
            finished: then.finished,
            snapshots: vec![then],
            findings: Vec::new(),
            rules: Vec::new(),
        };
        Around { history: History { kept: true, before: Some(before), ..History::default() }, ..Around::default() }
    }

    fn signed(then: Snapshot, mut around: Around) -> Around {
        around.history.signed = Some(Signed {
            run: "r3".into(),
            finished: then.finished,
            by: "Maria Boss".into(),
            at: then.finished,
            snapshots: vec![then],
        });
        around
    }

    fn unanswered(mut account: User) -> User {
        account.privileges = Answer::Missing;
        account.role.privileges = None;
        account
    }

    fn now() -> Snapshot {
        snapshot(vec![global_admin(1, "root"), user(2, "mia")])
    }

    #[test]
    fn power_that_was_there_is_not_new() {
        check_in(&rule(), now(), &before(now()), Expect::Pass);
    }

    #[test]
    fn power_is_new_where_it_or_its_account_was_not() {
        let disabled = User { enabled: Some(false), ..global_admin(1, "root") };
        for (then, was) in [
            (vec![], "absent"),
            (vec![disabled], "global-admin, disabled"),
            (vec![user(1, "root")], "User (user), without administrative power"),
        ] {
            let judgement = judged(&rule(), now(), &before(snapshot(then)));
            assert_eq!(judgement.findings.len(), 1, "{was}");
            let found = &judgement.findings[0];
            assert_eq!(found.summary, "root became an administrator after run r7 of 2026-09-21");
            let evidence = [("compared with", "run r7 of 2026-09-21"), ("then", was), ("now", "global-admin")];
            assert_eq!(found.evidence, evidence.map(|(label, text)| (label, text.to_owned())));
        }
    }

    #[test]
    fn who_had_some_power_and_holds_everything_is_new() {
        let lesser = ["submit-vulnerability-exceptions", "approve-vulnerability-exceptions"];
        let lesser = || with_role(user(1, "root"), "Auditors", &lesser);
        let judgement = judged(&rule(), now(), &before(snapshot(vec![lesser(), user(2, "mia")])));
        assert_eq!(judgement.findings.len(), 1);
        let found = &judgement.findings[0];
        assert_eq!(found.summary, "root was given every privilege after run r7 of 2026-09-21");
        assert!(found.evidence[1].1.ends_with(", with fewer privileges"), "{:?}", found.evidence);
        check_in(&rule(), snapshot(vec![lesser()]), &before(snapshot(vec![lesser()])), Expect::Pass);
        check_in(&rule(), snapshot(vec![lesser()]), &before(snapshot(vec![global_admin(1, "root")])), Expect::Pass);
    }

    #[test]
    fn the_signed_run_comes_before_the_last_one() {
        let around = signed(snapshot(vec![user(2, "mia")]), before(now()));
        check_in(&rule(), now(), &around, Expect::Fail(&["root"]));
        let judgement = judged(&rule(), now(), &around);
        assert!(judgement.findings[0].evidence[0].1.ends_with("that Maria Boss signed off"));
        check_in(&rule(), now(), &signed(now(), before(snapshot(Vec::new()))), Expect::Pass);
    }

    #[test]
    fn an_account_that_a_partial_run_did_not_see_may_have_been_there() {
        let partial = incomplete(snapshot(Vec::new()), Part::Users);
        check_in(&rule(), now(), &before(partial), Expect::Unknown);
        let mut limited = snapshot(Vec::new());
        limited.collector.rights = CollectorRights::Limited;
        check_in(&rule(), now(), &before(limited), Expect::Unknown);
    }

    #[test]
    fn what_was_not_answered_then_or_now_stays_open() {
        let then = snapshot(vec![unanswered(user(1, "root")), user(2, "mia")]);
        check_in(&rule(), now(), &before(then), Expect::Unknown);
        let unclear = User { enabled: None, ..global_admin(1, "root") };
        check_in(&rule(), now(), &before(snapshot(vec![unclear])), Expect::Unknown);
        let open = snapshot(vec![unanswered(user(2, "mia"))]);
        check_in(&rule(), open, &before(snapshot(vec![user(2, "mia")])), Expect::Unknown);
        check_in(&rule(), incomplete(now(), Part::Users), &before(now()), Expect::Unknown);
    }

    #[test]
    fn lacks_an_earlier_run_without_one() {
        check(&rule(), now(), Expect::Unknown);
        let mut elsewhere = now();
        elsewhere.console.uuid = Some("another".into());
        for (around, mend) in [(Around::default(), "[store]"), (before(elsewhere), "the next review")] {
            let judgement = judged(&rule(), now(), &around);
            assert!(judgement.lacks_input && judgement.note.is_some_and(|note| note.contains(mend)), "{mend}");
        }
    }

    #[test]
    fn leaves_accounts_that_cannot_log_in_to_the_other_rule() {
        let disabled = snapshot(vec![User { enabled: Some(false), ..global_admin(1, "root") }]);
        check_in(&rule(), disabled, &before(snapshot(Vec::new())), Expect::NotApplicable);
    }

    #[test]
    fn the_id_follows_the_account_alone() {
        let console = now().console;
        let id = |world: Snapshot, around: &Around| judged(&rule(), world, around).findings[0].id(&console);
        let mut renamed = now();
        renamed.users[0].login = "toor".into();
        let signed = signed(snapshot(Vec::new()), Around::default());
        assert_eq!(id(now(), &before(snapshot(Vec::new()))), id(renamed, &signed));
    }
}
