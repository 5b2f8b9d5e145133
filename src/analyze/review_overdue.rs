//! GOV-01: access that nobody has reviewed within the required time.

use super::{Context, Outcome, Rule, amount, cut};
use crate::finding::{Finding, Severity};
use crate::history::{NOT_KEPT, UNREADABLE};
use crate::model::Part;

about! {
    id: "review_overdue",
    code: "GOV-01",
    title: "Review overdue",
    flags: "Consoles without a signed-off review that saw all their users as a Global Administrator, or whose last one is \
            older than the required period: privileged_days for privileged access, days for all access.",
    evidence: "The last run of the job that somebody signed off, and when.",
    why: "A review that nobody signs off is a control that does not operate, whatever its reports say.",
    severity: Severity::High,
    click_path: "Read the report of the last complete run with those who answer for the access, have their decisions \
                 carried out, and sign the run off with `recert sign-off`.",
    api_call: "No call: a review is signed off with `recert sign-off`, not on the console.",
    needs: &[Part::Info],
    version: 3,
}

rule! {
    /// `[analyzers.review_overdue]`: GOV-01.
    ReviewOverdue {
        /// The most days between sign-offs of all access.
        days: u32 = 180,
        /// The most days between sign-offs of privileged access.
        privileged_days: u32 = 90,
    }
}

impl Rule for ReviewOverdue {
    fn mistake(&self) -> Option<String> {
        if self.days == 0 || self.privileged_days == 0 {
            return Some("days and privileged_days must be at least 1".to_owned());
        }
        let (privileged, all) = (self.privileged_days, self.days);
        (privileged > all).then(|| {
            format!("privileged_days ({privileged}) is above days ({all}): privileged access cannot be due later")
        })
    }

    fn examine(&self, Context { graph, history, now, .. }: Context<'_>) -> Outcome {
        if !history.kept {
            return Outcome::lacking(NOT_KEPT);
        }
        let console = &graph.snapshot().console;
        if history.signed.as_ref().is_some_and(|signed| !signed.is_readable()) {
            return Outcome::lacking(UNREADABLE);
        }
        let signed = history.signed.as_ref().filter(|signed| signed.of(console).is_some());
        let age = signed.map(|signed| (now - signed.since()).num_days());
        let due = match age {
            None => Some("no review has been signed off".to_owned()),
            Some(age) if age > i64::from(self.days) => {
                Some(format!("the last signed-off review is {} old", days(age)))
            }
            Some(age) if age > i64::from(self.privileged_days) => {
                Some(format!("privileged access is due: the last signed-off review is {} old", days(age)))
            }
            Some(_) => None,
        };
        let mut outcome = Outcome::default();
        outcome.judge(Some(due.is_some()), || {
            let summary = format!("On {}, {}", cut(&console.name), due.unwrap_or_default());
            let finding = Finding::new(&ABOUT, console, Severity::High, summary)
                .with("days allowed", format!("{} for all access, {} for privileged access", self.days, self.privileged_days));
            match signed {
                None => finding.with("last sign-off", "none"),
                Some(signed) => finding
                    .with("last sign-off", signed.at.format("%F").to_string())
                    .with("signed off by", cut(&signed.by))
                    .with("access as of", signed.finished.format("%F").to_string())
                    .with("run", cut(&signed.run)),
            }
        });
        outcome
    }
}

fn days(count: i64) -> String {
    amount(usize::try_from(count).unwrap_or_default(), "day")
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;
    use crate::analyze::check::{Around, Expect, check, check_in, judged};
    use crate::history::{History, Signed};
    use crate::model::{CollectorRights, Snapshot};
    use crate::model::sample::{incomplete, snapshot};

    fn rule() -> ReviewOverdue {
        ReviewOverdue::default()
    }

    fn world() -> Snapshot {
        snapshot(Vec::new())
    }

    /// Signed off so many days before the collection.
    fn signed(days: i64, snapshots: Vec<Snapshot>) -> Around {
        let at = world().finished - TimeDelta::days(days);
        let signed = Signed { run: "r1".into(), finished: at, by: "Maria Boss".into(), at, snapshots };
        Around { history: History { kept: true, signed: Some(signed), ..History::default() }, ..Around::default() }
    }

    #[test]
    fn follows_the_age_of_the_sign_off() {
        let found = |days| {
            let found = judged(&rule(), world(), &signed(days, vec![world()])).findings;
            found.first().map(|found| (found.severity, found.summary.clone()))
        };
        assert_eq!((found(-1), found(89), found(90)), (None, None, None));
        let due = "On hq, privileged access is due: the last signed-off review is 91 days old";
        assert_eq!(found(91), Some((Severity::High, due.to_owned())));
        assert_eq!(found(180).map(|(severity, _)| severity), Some(Severity::High));
        let overdue = "On hq, the last signed-off review is 181 days old";
        assert_eq!(found(181), Some((Severity::High, overdue.to_owned())));
    }

    #[test]
    fn nothing_signed_off_is_a_finding_where_runs_are_kept() {
        let never = Around { history: History { kept: true, ..History::default() }, ..Around::default() };
        let found = judged(&rule(), world(), &never).findings.remove(0);
        assert_eq!((found.severity, found.summary.as_str()), (Severity::High, "On hq, no review has been signed off"));
        check(&rule(), world(), Expect::Unknown);
        let id = |around: &Around| judged(&rule(), world(), around).findings[0].id(&world().console);
        assert_eq!(id(&never), id(&signed(400, vec![world()])));
    }

    #[test]
    fn a_review_of_other_consoles_is_none_of_this_one() {
        let mut other = world();
        other.console.uuid = Some("another".into());
        check_in(&rule(), world(), &signed(1, vec![world()]), Expect::Pass);
        check_in(&rule(), world(), &signed(1, vec![other]), Expect::Fail(&["hq"]));
    }

    #[test]
    fn does_not_pass_a_console_that_was_not_identified() {
        check_in(&rule(), incomplete(world(), Part::Info), &signed(1, vec![world()]), Expect::Unknown);
    }

    #[test]
    fn a_run_that_did_not_see_the_users_or_cannot_be_read_reviewed_nobody() {
        let partial = incomplete(world(), Part::Users);
        check_in(&rule(), world(), &signed(1, vec![partial]), Expect::Fail(&["hq"]));
        check_in(&rule(), world(), &signed(1, Vec::new()), Expect::Unknown);
        let mut limited = world();
        limited.collector.rights = CollectorRights::Limited;
        check_in(&rule(), world(), &signed(1, vec![limited]), Expect::Fail(&["hq"]));
    }

    #[test]
    fn a_late_signature_does_not_make_the_run_younger() {
        let mut around = signed(1, vec![world()]);
        let earlier = world().finished - TimeDelta::days(91);
        around.history.signed.as_mut().unwrap().finished = earlier;
        check_in(&rule(), world(), &around, Expect::Fail(&["hq"]));
    }

    #[test]
    fn refuses_periods_that_make_no_sense() {
        assert_eq!(rule().mistake(), None);
        for (days, privileged_days) in [(0, 0), (180, 0), (90, 91)] {
            assert!(ReviewOverdue { days, privileged_days, ..rule() }.mistake().is_some(), "{days} {privileged_days}");
        }
    }
}
