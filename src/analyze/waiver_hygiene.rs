//! GOV-03: waivers that do not count any more, cover nothing, or cover too much. It judges after the rules whose findings
//! waivers speak of.

use super::{Context, Outcome, Rule, amount, cut};
use crate::finding::{Finding, Judgement, Severity, digest};
use crate::model::Part;
use crate::waiver::Waiver;

about! {
    id: "waiver_hygiene",
    code: "GOV-03",
    title: "Waiver expired, unused or too wide",
    flags: "Waivers that have expired while what they covered is still there; that count and match nothing, where they \
            speak of this console alone; and that cover more than max_share of what their rule examined.",
    evidence: "Each waiver, and what its rule found on the console.",
    why: "A waiver is a blind spot that somebody answers for until a day; what outlives its day or its reason is one that \
          nobody does.",
    severity: Severity::Medium,
    click_path: "Mend the finding, or have the waiver approved again with a new day; delete a waiver that matches nothing; \
                 replace a wide one by one for each subject that needs it.",
    api_call: "No call: waivers stand in the configuration.",
    needs: &[Part::Info],
    version: 2,
}

rule! {
    /// `[analyzers.waiver_hygiene]`: GOV-03.
    WaiverHygiene {
        /// The largest share of what its rule examined (0 to 1) that one waiver may cover.
        max_share: f64 = 0.2,
        /// A waiver that covers fewer findings than this is never too wide.
        min_covered: u64 = 5,
    }
}

impl Rule for WaiverHygiene {
    fn mistake(&self) -> Option<String> {
        if !(self.max_share > 0.0 && self.max_share <= 1.0) {
            return Some(format!("max_share is {}; it is a share above 0 and at most 1", self.max_share));
        }
        (self.min_covered == 0).then(|| "min_covered must be at least 1".to_owned())
    }

    fn examine(&self, context: Context<'_>) -> Outcome {
        let console = &context.graph.snapshot().console;
        let mut outcome = Outcome::default();
        for waiver in context.policy.waivers.iter().filter(|waiver| waiver.is_on(&console.name)) {
            // Only incomplete_collection and this rule itself have not judged yet.
            let Some(judgement) = context.so_far.iter().find(|judgement| waiver.is_of(&judgement.rule)) else { continue };
            let covered: Vec<&Finding> =
                judgement.findings.iter().filter(|finding| waiver.covers(console, finding)).collect();
            let problem = self.problem(context, waiver, judgement, covered.len() as u64);
            let wrong = match problem {
                Problem::None => Some(false),
                Problem::Unknown => None,
                Problem::Expired | Problem::MatchesNothing | Problem::TooWide => Some(true),
            };
            outcome.judge(wrong, || {
                let says = match problem {
                    Problem::Expired => format!("has expired and would still cover {}", amount(covered.len(), "finding")),
                    Problem::TooWide => format!("covers {} of {} examined", amount(covered.len(), "finding"), judgement.examined),
                    _ => "matches nothing".to_owned(),
                };
                let what = waiver.subject.as_deref().or(waiver.finding.as_deref()).unwrap_or("everything");
                let rule = &judgement.rule.id;
                let summary = format!("The waiver of {rule} for {} {says}", cut(what));
                Finding::new(&ABOUT, console, Severity::Medium, summary)
                    .aspect(aspect(waiver, rule))
                    .with("rule", rule.clone())
                    .with("console", cut(waiver.console.as_deref().unwrap_or("every console")))
                    .with("last day", waiver.expires.to_string())
                    .with("approved by", cut(&waiver.approved_by))
                    .with("reason", cut(&waiver.reason))
            });
        }
        outcome
    }
}

/// What is wrong with a waiver.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Problem {
    None,
    Unknown,
    Expired,
    MatchesNothing,
    TooWide,
}

impl WaiverHygiene {
    fn problem(&self, context: Context<'_>, waiver: &Waiver, judgement: &Judgement, covered: u64) -> Problem {
        let active = waiver.is_active(context.now);
        if covered == 0 {
            // A rule that finds something may still not have seen everything: what the waiver is for may be there.
            if judgement.note.is_some() {
                return Problem::Unknown;
            }
            // On another console it may well match; each sees its own.
            let must_match = active && is_on_one_console(context, waiver);
            return if must_match { Problem::MatchesNothing } else { Problem::None };
        }
        if !active {
            return Problem::Expired;
        }
        #[expect(clippy::cast_precision_loss, reason = "a share needs no more than 52 bits of a count")]
        let wide = judgement.examined > 0 && covered as f64 / judgement.examined as f64 > self.max_share;
        if wide && covered >= self.min_covered { Problem::TooWide } else { Problem::None }
    }
}

/// Whether, of the consoles of the review, a waiver speaks of one.
fn is_on_one_console(context: Context<'_>, waiver: &Waiver) -> bool {
    context.estate.iter().filter(|graph| waiver.is_on(&graph.snapshot().console.name)).count() == 1
}

/// What tells waivers apart: what they speak of, without case; never why, by whom or until when.
fn aspect(waiver: &Waiver, rule: &str) -> String {
    let fold = |text: &Option<String>| text.as_deref().map(str::to_lowercase);
    let [console, subject, finding] = [&waiver.console, &waiver.subject, &waiver.finding].map(fold);
    let kind = if finding.is_some() { "finding" } else { "subject" };
    let what = finding.or(subject).unwrap_or_default();
    digest(&["waiver", rule, console.as_deref().unwrap_or("*"), kind, &what])
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;
    use crate::analyze::LockedAccount;
    use crate::analyze::check::{Around, Expect, check, check_in, judged};
    use crate::model::sample::{incomplete, snapshot, user};
    use crate::model::{Snapshot, User};

    fn rule() -> WaiverHygiene {
        WaiverHygiene::default()
    }

    fn waiver(subject: &str, days_left: i64) -> Waiver {
        Waiver::sample(subject, (world(0, 0).finished + TimeDelta::days(days_left)).date_naive())
    }

    /// So many locked accounts `l1`, `l2`, … of so many.
    fn world(locked: i64, all: i64) -> Snapshot {
        let account = |id| User { locked: Some(id <= locked), ..user(id, &format!("l{id}")) };
        snapshot((1..=all).map(account).collect())
    }

    fn around(world: &Snapshot, waivers: Vec<Waiver>) -> Around {
        let so_far = vec![judged(&LockedAccount::default(), world.clone(), &Around::default())];
        let mut around = Around { so_far, ..Around::default() };
        around.policy.waivers = waivers;
        around
    }

    fn check_waiver(world: Snapshot, waiver: Waiver, expected: Expect<'_>) {
        let around = around(&world, vec![waiver]);
        check_in(&rule(), world, &around, expected);
    }

    #[test]
    fn an_expired_waiver_counts_while_it_would_cover_something() {
        check_waiver(world(1, 9), waiver("l1", 0), Expect::Pass);
        check_waiver(world(1, 9), waiver("l1", -1), Expect::Fail(&["hq"]));
        check_waiver(world(1, 9), waiver("l2", -1), Expect::Pass);
        check_waiver(incomplete(world(0, 9), Part::Users), waiver("l2", -1), Expect::Unknown);
    }

    #[test]
    fn a_waiver_of_this_console_alone_must_match() {
        check_waiver(world(1, 9), waiver("l2", 9), Expect::Fail(&["hq"]));
        check_waiver(incomplete(world(0, 9), Part::Users), waiver("l2", 9), Expect::Unknown);
        check_waiver(incomplete(world(1, 9), Part::Users), waiver("l2", 9), Expect::Unknown);
        let with_lab = |console: Option<&str>| {
            let mut lab = world(0, 1);
            lab.console.name = "lab".into();
            let waiver = Waiver { console: console.map(str::to_owned), ..waiver("l2", 9) };
            Around { others: vec![lab], ..around(&world(1, 9), vec![waiver]) }
        };
        check_in(&rule(), world(1, 9), &with_lab(None), Expect::Pass);
        check_in(&rule(), world(1, 9), &with_lab(Some("*")), Expect::Pass);
        check_in(&rule(), world(1, 9), &with_lab(Some("HQ")), Expect::Fail(&["hq"]));
        check_in(&rule(), world(1, 9), &with_lab(Some("lab")), Expect::NotApplicable);
    }

    #[test]
    fn a_wide_waiver_covers_more_than_a_share_and_some_findings() {
        check_waiver(world(5, 25), waiver("l*", 9), Expect::Pass);
        check_waiver(world(6, 25), waiver("l*", 9), Expect::Fail(&["hq"]));
        check_waiver(world(5, 24), waiver("l*", 9), Expect::Fail(&["hq"]));
        check_waiver(world(4, 4), waiver("l*", 9), Expect::Pass);
    }

    #[test]
    fn the_finding_follows_what_the_waiver_speaks_of() {
        let found = |waiver: Waiver| {
            let world = world(1, 9);
            let found = judged(&rule(), world.clone(), &around(&world, vec![waiver])).findings.remove(0);
            (found.id(&world.console), found.summary)
        };
        let (id, summary) = found(waiver("l1", -1));
        assert_eq!(summary, "The waiver of locked_account for l1 has expired and would still cover 1 finding");
        let later = Waiver { reason: "again".into(), rule: "LIFE-05".into(), ..waiver("L1", -9) };
        assert_eq!(found(later).0, id);
        assert_ne!(found(waiver("l*", -1)).0, id);
        assert_ne!(found(Waiver { console: Some("hq".into()), ..waiver("l1", -1) }).0, id);
    }

    #[test]
    fn does_not_apply_without_waivers_or_before_their_rule() {
        check(&rule(), world(1, 9), Expect::NotApplicable);
        let later = Waiver { rule: "incomplete_collection".into(), ..waiver("*", -1) };
        check_waiver(world(1, 9), later, Expect::NotApplicable);
    }

    #[test]
    fn refuses_shares_that_make_no_sense() {
        assert_eq!(rule().mistake(), None);
        for max_share in [0.0, 1.1, f64::NAN] {
            assert!(WaiverHygiene { max_share, ..rule() }.mistake().is_some(), "{max_share}");
        }
        assert!(WaiverHygiene { min_covered: 0, ..rule() }.mistake().is_some());
    }
}
