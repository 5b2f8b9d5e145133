//! LIFE-05: accounts that failed logins have locked.

use super::{Context, Outcome, Rule, cut, yes_no};
use crate::finding::{Finding, Severity};
use crate::model::Part;

about! {
    id: "locked_account",
    code: "LIFE-05",
    title: "Locked account",
    flags: "Accounts that are locked after failed logins.",
    evidence: "The account's locked state now, and how it changed over the runs that the store keeps.",
    why: "Somebody guesses passwords, or a job still logs in with an old one; both need a look before the account is \
          unlocked.",
    severity: Severity::Medium,
    click_path: "Administration > Users > Manage users > the user: find out who failed to log in, then unlock the \
                 account, or disable it if nobody misses it.",
    api_call: "DELETE /api/3/users/{id}/lock unlocks an enabled account.",
    needs: &[Part::Users],
    version: 1,
}

rule! {
    /// `[analyzers.locked_account]`: LIFE-05.
    LockedAccount {}
}

impl Rule for LockedAccount {
    fn examine(&self, Context { graph, .. }: Context<'_>) -> Outcome {
        let mut outcome = Outcome::default();
        let threshold = graph.snapshot().settings.login_lock_threshold;
        for user in graph.users() {
            outcome.judge(user.locked, || {
                let summary = format!("{} is locked after failed logins", cut(&user.login));
                Finding::new(&ABOUT, user, Severity::Medium, summary)
                    .with("enabled", yes_no(user.enabled))
                    .with("role", cut(&user.role.label()))
                    .with("failed logins that lock", threshold.map_or("unknown".to_owned(), |count| count.to_string()))
            });
        }
        outcome
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analyze::check::{Expect, check};
    use crate::model::User;
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
}
