//! GOV-03: waivers that do not count any more, cover nothing, or cover too much. It judges after the rules whose findings
//! waivers speak of; the coverage's rule, which comes last, it asks itself.

use super::{Configured, Context, Outcome, Rule, amount, conjoin, cut, judge};
use crate::finding::{About, Finding, Judgement, Severity, digest};
use crate::model::Part;
use crate::waiver::Waiver;

about! {
    id: "waiver_hygiene",
    code: "GOV-03",
    title: "Waiver expired, unused or too wide",
    flags: "Waivers that have expired while what they covered is still there; that count and match nothing, where they \
            speak of this console alone; that cover more than max_share of what their rule examined, or by a pattern all of \
            two or more findings; and that end in more than max_days. Those of this rule as well.",
    evidence: "Each waiver, and what its rule found on the console.",
    why: "A waiver is a blind spot that somebody answers for until a day; what outlives its day or its reason is one that \
          nobody does.",
    severity: Severity::Medium,
    click_path: "Mend the finding, or have the waiver approved again with a new day; delete a waiver that matches nothing; \
                 replace a wide one by one for each subject that needs it.",
    api_call: "No call: waivers stand in the configuration.",
    needs: &[Part::Info],
    version: 3,
}

rule! {
    /// `[analyzers.waiver_hygiene]`: GOV-03.
    WaiverHygiene {
        /// The largest share of what its rule examined (0 to 1) that one waiver may cover.
        max_share: f64 = 0.2,
        /// A waiver that covers fewer findings than this is not too wide by its share alone.
        min_covered: u64 = 5,
        /// The most days that a waiver may still count; a longer one is nobody's decision any more when it ends.
        max_days: u32 = 400,
    }
}

impl Rule for WaiverHygiene {
    fn mistake(&self) -> Option<String> {
        if !(self.max_share > 0.0 && self.max_share <= 1.0) {
            return Some(format!("max_share is {}; it is a share above 0 and at most 1", self.max_share));
        }
        if self.min_covered == 0 {
            return Some("min_covered must be at least 1".to_owned());
        }
        (self.max_days == 0).then(|| "max_days must be at least 1".to_owned())
    }

    fn examine(&self, context: Context<'_>) -> Outcome {
        let console = &context.graph.snapshot().console;
        let mut outcome = Outcome::default();
        let waivers = context.policy.waivers.iter().filter(|waiver| waiver.is_on(&console.name));
        let (own, others): (Vec<&Waiver>, Vec<&Waiver>) = waivers.partition(|waiver| waiver.is_of(&ABOUT));
        // This rule judges the coverage's rule by itself, which comes after it and names its verdict; what it finds does
        // not depend on that.
        let coverage = &context.policy.analyzers.incomplete_collection;
        let of_coverage = others.iter().any(|waiver| waiver.is_of(coverage.about()));
        let coverage = of_coverage.then(|| judge(coverage, context));
        for waiver in others {
            let mut judged = context.so_far.iter().chain(&coverage);
            if let Some(judgement) = judged.find(|judgement| waiver.is_of(&judgement.rule)) {
                self.examine_one(context, waiver, &Told::by(judgement), &mut outcome);
            }
        }
        // Waivers of this rule speak of what it has found by now; one that covers a finding about another of them comes
        // after that one.
        let covers_none = |waiver: &&Waiver| !outcome.findings.iter().any(|found| waiver.covers(console, found));
        let (later, first): (Vec<&Waiver>, Vec<&Waiver>) = own.into_iter().partition(covers_none);
        let (last, later) = later.into_iter().partition(|waiver| waiver.finding.is_some());
        for waivers in [first, later, last] {
            let findings = outcome.findings.clone();
            let (examined, whole) = (outcome.examined, outcome.examined == outcome.expected);
            let told = Told { rule: &ABOUT, findings: &findings, examined, whole };
            for waiver in waivers {
                self.examine_one(context, waiver, &told, &mut outcome);
            }
        }
        outcome
    }
}

/// What a rule concluded, as far as its waivers are held against it.
struct Told<'a> {
    rule: &'a About,
    findings: &'a [Finding],
    examined: u64,
    /// Whether it saw everything, so that what it did not find is not there.
    whole: bool,
}

impl<'a> Told<'a> {
    fn by(judgement: &'a Judgement) -> Self {
        let Judgement { rule, findings, examined, note, .. } = judgement;
        Self { rule, findings, examined: *examined, whole: note.is_none() }
    }
}

impl WaiverHygiene {
    fn examine_one(&self, context: Context<'_>, waiver: &Waiver, told: &Told<'_>, outcome: &mut Outcome) {
        let console = &context.graph.snapshot().console;
        let covered = told.findings.iter().filter(|finding| waiver.covers(console, finding)).count();
        let (problems, open) = self.problems(context, waiver, told, covered);
        let wrong = if problems.is_empty() { (!open).then_some(false) } else { Some(true) };
        outcome.judge(wrong, || {
            let what = waiver.subject.as_deref().or(waiver.finding.as_deref()).unwrap_or("everything");
            let rule = &told.rule.id;
            let summary = format!("The waiver of {rule} for {} {}", cut(what), conjoin(&problems));
            Finding::new(&ABOUT, console, Severity::Medium, summary)
                .aspect(aspect(waiver, rule))
                .with("rule", rule.clone())
                .with("console", cut(waiver.console.as_deref().unwrap_or("every console")))
                .with("last day", waiver.expires.to_string())
                .with("approved by", cut(&waiver.approved_by))
                .with("reason", cut(&waiver.reason))
        });
    }

    /// What is wrong with a waiver, in words, and whether more may be.
    fn problems(
        &self,
        context: Context<'_>,
        waiver: &Waiver,
        told: &Told<'_>,
        covered: usize,
    ) -> (Vec<String>, bool) {
        let findings = amount(covered, "finding");
        if !waiver.is_active(context.now) {
            let says = format!("has expired and would still cover {findings}");
            // A rule that finds something may still not have seen everything: what the waiver is for may be there.
            return if covered > 0 { (vec![says], false) } else { (Vec::new(), !told.whole) };
        }
        let mut problems = Vec::new();
        // On another console it may well match; each sees its own.
        if covered == 0 && told.whole && is_on_one_console(context, waiver) {
            problems.push("matches nothing".to_owned());
        }
        #[expect(clippy::cast_precision_loss, reason = "a share needs no more than 52 bits of a count")]
        let wide = told.examined > 0 && covered as f64 / told.examined as f64 > self.max_share;
        if waiver.is_pattern() && covered > 1 && covered == told.findings.len() {
            problems.push(format!("covers all {findings} of its rule"));
        } else if wide && covered as u64 >= self.min_covered {
            problems.push(format!("covers {findings} of {} examined", told.examined));
        }
        let days = waiver.days_left(context.now);
        if days > i64::from(self.max_days) {
            problems.push(format!("ends in {}; at most {} agreed", amount(days, "day"), are(self.max_days)));
        }
        (problems, covered == 0 && !told.whole)
    }
}

fn are(days: u32) -> String {
    format!("{} {}", amount(days, "day"), if days == 1 { "is" } else { "are" })
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
        // `l*0` and `l*1` are so many of the locked accounts, and never all of them.
        let of_tens = |locked, all, expected| check_waiver(world(locked, all), waiver("l*0", 9), expected);
        of_tens(59, 25, Expect::Pass);
        of_tens(49, 49, Expect::Pass);
        let wide = WaiverHygiene { max_share: 0.05, ..rule() };
        let judge = |locked, all| {
            let world = world(locked, all);
            let around = around(&world, vec![waiver("l*0", 9)]);
            judged(&wide, world, &around).findings.pop().map(|found| found.summary)
        };
        assert_eq!(judge(59, 100), None);
        assert_eq!(judge(59, 99).as_deref(), Some("The waiver of locked_account for l*0 covers 5 findings of 99 examined"));
        assert_eq!(judge(49, 49), None, "fewer than min_covered");
    }

    #[test]
    fn a_pattern_must_not_cover_all_that_its_rule_finds() {
        check_waiver(world(1, 25), waiver("l*", 9), Expect::Pass);
        check_waiver(world(2, 25), waiver("l*", 9), Expect::Fail(&["hq"]));
        check_waiver(world(2, 25), waiver("l1*", 9), Expect::Pass);
        let world = world(2, 25);
        let found = judged(&rule(), world.clone(), &around(&world, vec![waiver("*", 9)])).findings.remove(0);
        assert_eq!(found.summary, "The waiver of locked_account for * covers all 2 findings of its rule");
    }

    #[test]
    fn a_waiver_ends_within_the_days_that_are_agreed() {
        check_waiver(world(1, 9), waiver("l1", 400), Expect::Pass);
        check_waiver(world(1, 9), waiver("l1", 401), Expect::Fail(&["hq"]));
        let world = world(1, 9);
        let found = judged(&rule(), world.clone(), &around(&world, vec![waiver("l2", 401)])).findings.remove(0);
        let says = "The waiver of locked_account for l2 matches nothing and ends in 401 days; at most 400 days are agreed";
        assert_eq!(found.summary, says);
    }

    #[test]
    fn waivers_of_the_rules_about_waivers_and_coverage_are_judged_as_well() {
        let of = |rule: &str, subject: &str, days| Waiver { rule: rule.into(), ..waiver(subject, days) };
        let said = |world: Snapshot, waivers: Vec<Waiver>| {
            let around = around(&world, waivers);
            let found = judged(&rule(), world, &around).findings;
            found.into_iter().map(|found| found.summary).collect::<Vec<_>>()
        };
        let partial = || incomplete(world(1, 9), Part::UserSites);
        assert_eq!(said(partial(), vec![of("GOV-05", "hq", 9)]), Vec::<String>::new());
        let gone = "The waiver of incomplete_collection for hq has expired and would still cover 1 finding";
        assert_eq!(said(partial(), vec![of("incomplete_collection", "hq", -1)]), [gone]);
        let unused = "The waiver of incomplete_collection for hq matches nothing";
        assert_eq!(said(world(1, 9), vec![of("incomplete_collection", "hq", 9)]), [unused]);
        let expired = "The waiver of locked_account for l1 has expired and would still cover 1 finding";
        assert_eq!(said(world(1, 9), vec![of("GOV-03", "hq", 9), waiver("l1", -1)]), [expired]);
        let both = said(world(1, 9), vec![of("GOV-03", "hq", -1), waiver("l1", -1)]);
        assert_eq!(both, [expired, "The waiver of waiver_hygiene for hq has expired and would still cover 1 finding"]);
        let unused = "The waiver of waiver_hygiene for hq matches nothing";
        assert_eq!(said(world(1, 9), vec![of("waiver_hygiene", "hq", 9), waiver("l1", 9)]), [unused]);
        // One of this rule that speaks of a finding about another one of this rule.
        let id = {
            let world = world(1, 9);
            let around = around(&world, vec![of("GOV-03", "hq", 9)]);
            judged(&rule(), world.clone(), &around).findings[0].id(&world.console)
        };
        let meta = Waiver { finding: Some(id), subject: None, ..of("GOV-03", "", 9) };
        assert_eq!(said(world(1, 9), vec![meta, of("GOV-03", "hq", 9)]), [unused]);
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
    fn does_not_apply_without_waivers() {
        check(&rule(), world(1, 9), Expect::NotApplicable);
    }

    #[test]
    fn refuses_shares_that_make_no_sense() {
        assert_eq!(rule().mistake(), None);
        for max_share in [0.0, 1.1, f64::NAN] {
            assert!(WaiverHygiene { max_share, ..rule() }.mistake().is_some(), "{max_share}");
        }
        assert!(WaiverHygiene { min_covered: 0, ..rule() }.mistake().is_some());
        assert!(WaiverHygiene { max_days: 0, ..rule() }.mistake().is_some());
    }
}
