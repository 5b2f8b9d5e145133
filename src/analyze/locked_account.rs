//! LIFE-05: accounts that failed logins have locked, now or again and again.

use chrono::{DateTime, TimeDelta, Utc};

use super::{Context, Outcome, Rule, amount, any_of, cut, yes_no};
use crate::finding::{Finding, Severity};
use crate::history::LOCK_CHANGES;
use crate::model::{Part, User};

about! {
    id: "locked_account",
    code: "LIFE-05",
    title: "Locked account",
    flags: "Accounts that are locked after failed logins, and those that were locked or unlocked at least flapping times \
            within flapping_days.",
    evidence: "The account's locked state now, and how it changed over the runs that the store keeps.",
    why: "Somebody guesses passwords, or a job still logs in with an old one; both need a look before the account is \
          unlocked.",
    severity: Severity::Medium,
    click_path: "Administration > Users > Manage users > the user: find out who failed to log in, then unlock the \
                 account, or disable it if nobody misses it.",
    api_call: "DELETE /api/3/users/{id}/lock unlocks an enabled account.",
    needs: &[Part::Users],
    version: 3,
}

rule! {
    /// `[analyzers.locked_account]`: LIFE-05.
    LockedAccount {
        /// Changes between locked and unlocked, as the runs that are kept saw them, from which on it is a finding.
        flapping: u32 = 4,
        /// The days before a run within which these changes count.
        flapping_days: u32 = 30,
    }
}

impl Rule for LockedAccount {
    fn mistake(&self) -> Option<String> {
        if self.flapping < 2 {
            return Some("flapping is at least 2: an account that was locked and unlocked once is nothing strange".to_owned());
        }
        if usize::try_from(self.flapping).is_ok_and(|flapping| flapping > LOCK_CHANGES) {
            return Some(format!("flapping is above {LOCK_CHANGES}: no more changes of an account are kept"));
        }
        (self.flapping_days == 0).then(|| "flapping_days is at least 1".to_owned())
    }

    fn examine(&self, context: Context<'_>) -> Outcome {
        let Context { graph, .. } = context;
        let mut outcome = Outcome::default();
        let threshold = graph.snapshot().settings.login_lock_threshold;
        for user in graph.users() {
            let changes = self.changes(context, user);
            let flapping = u32::try_from(changes).is_ok_and(|changes| changes >= self.flapping);
            outcome.judge(any_of([user.locked, Some(flapping)]), || {
                let often = format!("was locked or unlocked {} within {}", amount(changes, "time"), amount(self.flapping_days, "day"));
                let says = match (user.locked == Some(true), flapping) {
                    (true, false) => "is locked after failed logins".to_owned(),
                    (true, true) => format!("is locked after failed logins, and {often}"),
                    (false, _) => often,
                };
                let finding = Finding::new(&ABOUT, user, Severity::Medium, format!("{} {says}", cut(&user.login)))
                    .with("locked", yes_no(user.locked))
                    .with("enabled", yes_no(user.enabled))
                    .with("role", cut(&user.role.label()))
                    .with("failed logins that lock", threshold.map_or("unknown".to_owned(), |count| count.to_string()));
                if changes == 0 {
                    finding
                } else {
                    let within = amount(self.flapping_days as usize, "day");
                    finding.with("changes", format!("{changes} within {within}"))
                }
            });
        }
        outcome
    }
}

impl LockedAccount {
    /// How often runs saw an account locked or unlocked within the days that count; 0 where nothing is remembered.
    fn changes(&self, context: Context<'_>, user: &User) -> usize {
        let Some(past) = context.history.account(&context.graph.snapshot().console, user.id) else { return 0 };
        let counts = |at: &&DateTime<Utc>| context.now - **at <= TimeDelta::days(self.flapping_days.into());
        // The store notes what this run sees only after it has been judged.
        let now = past.locked.zip(user.locked).is_some_and(|(then, now)| then != now);
        past.lock_changes.iter().filter(counts).count() + usize::from(now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analyze::check::{Around, Expect, check, check_in, judged};
    use crate::history::{AccountPast, History};
    use crate::model::sample::{incomplete, snapshot, user};

    fn judge(locked: Option<bool>, expected: Expect<'_>) {
        let world = snapshot(vec![User { locked, ..user(1, "mia") }, user(2, "ben")]);
        check(&LockedAccount::default(), world, expected);
    }

    #[test]
    fn follows_the_state() {
        judge(Some(true), Expect::Fail(&["mia"]));
        judge(Some(false), Expect::Pass);
        judge(None, Expect::Unknown);
    }

    #[test]
    fn does_not_pass_an_incomplete_listing() {
        let world = incomplete(snapshot(vec![user(2, "ben")]), Part::Users);
        check(&LockedAccount::default(), world, Expect::Unknown);
    }

    #[test]
    fn does_not_apply_to_nobody() {
        check(&LockedAccount::default(), snapshot(Vec::new()), Expect::NotApplicable);
    }

    /// Runs saw changes at so many seconds before this one.
    fn changed(seconds: &[i64]) -> Around {
        let world = snapshot(Vec::new());
        let lock_changes = seconds.iter().map(|ago| world.finished - TimeDelta::seconds(*ago)).collect();
        let past = AccountPast { first_seen: world.started, locked: Some(false), lock_changes };
        let accounts = [(world.console.key().to_owned(), [(user(1, "mia").id, past)].into())].into();
        Around { history: History { kept: true, accounts, ..History::default() }, ..Around::default() }
    }

    #[test]
    fn counts_the_changes_within_the_days() {
        let month = 30 * 24 * 3_600;
        for (seconds, locked, expected) in [
            (&[1, 2, 3][..], Some(false), Expect::Pass),
            (&[1, 2, 3, 4], Some(false), Expect::Fail(&["mia"])),
            (&[1, 2, 3, 4, 5], None, Expect::Fail(&["mia"])),
            (&[1, 2, 3], None, Expect::Unknown),
            // The change that this very run sees is the fourth.
            (&[1, 2, 3], Some(true), Expect::Fail(&["mia"])),
            (&[month, 2, 3, 4], Some(false), Expect::Fail(&["mia"])),
            (&[month + 1, 2, 3, 4], Some(false), Expect::Pass),
        ] {
            let world = snapshot(vec![User { locked, ..user(1, "mia") }, user(2, "ben")]);
            check_in(&LockedAccount::default(), world, &changed(seconds), expected);
        }
    }

    #[test]
    fn says_which_of_the_two_in_one_finding() {
        let found = |locked, seconds: &[i64]| {
            let world = snapshot(vec![User { locked: Some(locked), ..user(1, "mia") }]);
            judged(&LockedAccount::default(), world, &changed(seconds)).findings.remove(0)
        };
        let (locked, flapping, both) = (found(true, &[9]), found(false, &[1, 2, 3, 4]), found(true, &[1, 2, 3]));
        assert_eq!(locked.summary, "mia is locked after failed logins");
        assert_eq!(flapping.summary, "mia was locked or unlocked 4 times within 30 days");
        assert_eq!(both.summary, format!("{}, and{}", locked.summary, &flapping.summary["mia".len()..]));
        assert_eq!(both.evidence.last(), Some(&("changes", "4 within 30 days".to_owned())));
        let console = snapshot(Vec::new()).console;
        assert_eq!(locked.id(&console), flapping.id(&console));
        assert_eq!(locked.id(&console), both.id(&console));
    }

    #[test]
    fn nonsense_is_refused() {
        let mistake =
            |flapping, flapping_days| LockedAccount { flapping, flapping_days, ..Default::default() }.mistake();
        assert!(mistake(1, 30).is_some() && mistake(21, 30).is_some() && mistake(4, 0).is_some());
        assert_eq!((mistake(2, 1), mistake(20, 30)), (None, None));
    }
}
