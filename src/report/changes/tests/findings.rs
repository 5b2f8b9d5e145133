//! Findings: new, reopened, persisting, newly judged, resolved, and when none of it is claimed.

use super::*;
use crate::finding::SubjectKind;

pub(super) fn earlier(verdict: Verdict, examined: u64, expected: u64) -> BeforeRule {
    BeforeRule { id: RULE.id.clone().into_owned(), console: "hq".into(), verdict, examined, expected }
}

pub(super) fn judgement(verdict: Verdict, examined: u64, expected: u64, findings: Vec<Finding>) -> Judgement {
    Judgement {
        rule: RULE.clone(),
        controls: std::sync::Arc::default(),
        verdict,
        examined,
        expected,
        note: None,
        lacks_input: false,
        findings,
    }
}

/// A finding of the rule on a user of the world.
fn on(id: usize) -> Finding {
    let world = world();
    let user = &world.users[id - 1];
    Finding::new(&RULE, user, Severity::Medium, format!("{} is locked", user.login))
}

fn id(finding: &Finding) -> String {
    finding.id(&world().console)
}

fn then(finding: &Finding) -> BeforeFinding {
    BeforeFinding {
        id: id(finding),
        console: "hq".into(),
        rule: RULE.id.clone().into_owned(),
        severity: finding.severity,
        subject_kind: SubjectKind::User,
        subject_id: finding.subject.id.clone(),
        subject_name: finding.subject.name.clone(),
        summary: finding.summary.clone(),
    }
}

/// Both runs, to change one thing of: mia was locked and still is, noor is locked now; all of it was seen.
struct Runs {
    then: Snapshot,
    now: Snapshot,
    rule: Option<BeforeRule>,
    verdict: (Verdict, u64, u64),
    was: Vec<Finding>,
    is: Vec<Finding>,
    sightings: HashMap<String, Sighting>,
}

impl Default for Runs {
    fn default() -> Self {
        Self {
            then: world(),
            now: world(),
            rule: Some(earlier(Verdict::Fail, 3, 3)),
            verdict: (Verdict::Fail, 3, 3),
            was: vec![on(2)],
            is: vec![on(2), on(3)],
            sightings: HashMap::new(),
        }
    }
}

impl Runs {
    fn compared(self) -> Differences {
        let mut earlier = before(vec![self.then]);
        earlier.findings = self.was.iter().map(then).collect();
        earlier.rules = self.rule.into_iter().collect();
        let (verdict, examined, expected) = self.verdict;
        let kept = kept(&self.now, &self.is, self::earlier(verdict, examined, expected));
        let of_kept = changes_between(&earlier, &kept, &[&RULE], &[], &self.sightings);
        let judgements = vec![judgement(verdict, examined, expected, self.is)];
        let judged = changes(&earlier, &[reviewed(self.now, judgements)], &[], &self.sightings);
        assert_eq!((told(&of_kept), open(&of_kept)), (told(&judged), open(&judged)), "as the store keeps it");
        assert_eq!((of_kept.counts, &of_kept.findings), (judged.counts, &judged.findings));
        judged
    }
}

/// A run as the store keeps it.
fn kept(now: &Snapshot, is: &[Finding], rule: BeforeRule) -> Before {
    let console: Arc<str> = now.console.name.as_str().into();
    let finding = |finding: &Finding| BeforeFinding {
        id: finding.id(&now.console),
        console: console.clone(),
        ..then(finding)
    };
    let findings = is.iter().map(finding).collect();
    let rules = vec![BeforeRule { console: console.clone(), ..rule }];
    Before { findings, rules, ..before(vec![now.clone()]) }
}

#[test]
fn of_a_rule_that_is_gone_something_is_proven_only_where_all_was_seen() {
    let compared = |now: Snapshot| {
        let mut earlier = before(vec![world()]);
        (earlier.findings, earlier.rules) = (vec![then(&on(2))], vec![self::earlier(Verdict::Fail, 3, 3)]);
        let after = kept(&now, &[on(3)], self::earlier(Verdict::Fail, 3, 3));
        counts(&changes_between(&earlier, &after, &[], &[], &HashMap::new()))
    };
    assert_eq!(compared(world()), [1, 0, 0, 0, 0, 1, 0]);
    assert_eq!(compared(incomplete(world(), Part::Sites)), [1, 0, 0, 0, 0, 0, 1]);
}

/// New, reopened, persisting, newly judged, undecided, resolved, vanished.
fn counts(differences: &Differences) -> [u64; 7] {
    let FindingCounts { new, reopened, persisting, newly_judged, undecided, resolved, vanished } =
        differences.counts;
    [new, reopened, persisting, newly_judged, undecided, resolved, vanished]
}

#[test]
fn what_was_not_there_is_new_and_what_was_persists() {
    let differences = Runs::default().compared();
    assert_eq!(counts(&differences), [1, 0, 1, 0, 0, 0, 0]);
    assert_eq!(told(&differences), ["finding new: noor is locked (medium, locked_account)"]);
    assert_eq!(differences.findings[&id(&on(2))], FindingChange::Persisting);
    assert_eq!(differences.findings[&id(&on(3))], FindingChange::New);
}

#[test]
fn what_an_earlier_run_saw_and_the_last_did_not_is_reopened() {
    let seen = |first| HashMap::from([(id(&on(3)), Sighting { first, last: first })]);
    let differences = Runs { sightings: seen(at(-7)), ..Runs::default() }.compared();
    assert_eq!(counts(&differences), [0, 1, 1, 0, 0, 0, 0]);
    assert_eq!(told(&differences), ["finding reopened: noor is locked (medium, locked_account)"]);
    assert_eq!(differences.findings[&id(&on(3))], FindingChange::Reopened);
    let meanwhile = Runs { sightings: seen(at(3)), ..Runs::default() }.compared();
    assert_eq!(counts(&meanwhile), [1, 0, 1, 0, 0, 0, 0], "another run saw it since: new to this one");
}

#[test]
fn a_rule_that_did_not_judge_makes_nothing_new() {
    for rule in [None, Some(earlier(Verdict::NotApplicable, 0, 0)), Some(earlier(Verdict::Error, 0, 0))] {
        let differences = Runs { rule, was: Vec::new(), ..Runs::default() }.compared();
        assert_eq!(counts(&differences), [0, 0, 0, 2, 0, 0, 0]);
        assert_eq!(
            told(&differences),
            [
                "rule newly_judged: Rule locked_account did not judge in the earlier run: 2 findings are newly judged, not new"
            ]
        );
        assert!(differences.findings.is_empty(), "no claim on the findings themselves");
    }
}

#[test]
fn a_rule_that_judged_a_part_makes_nothing_new_or_reopened() {
    let partial = [
        (earlier(Verdict::Unknown, 3, 3), world()),
        (earlier(Verdict::Fail, 2, 3), world()),
        // A verdict of fail says nothing of what was not seen.
        (earlier(Verdict::Fail, 3, 3), incomplete(world(), Part::Users)),
        (earlier(Verdict::Fail, 3, 3), incomplete(world(), Part::Collector)),
    ];
    for (rule, then) in partial {
        let seen = HashMap::from([(id(&on(3)), Sighting { first: at(-7), last: at(-7) })]);
        let runs = Runs { rule: Some(rule.clone()), then, sightings: seen, ..Runs::default() };
        let differences = runs.compared();
        assert_eq!(counts(&differences), [0, 0, 1, 0, 1, 0, 0], "{rule:?}");
        assert_eq!(told(&differences), Vec::<String>::new());
        assert_eq!(differences.findings.len(), 1, "the one that persists");
        assert_eq!(
            open(&differences)[0],
            "findings: locked_account: 1 finding not called new, because the earlier verdict rests on a part of the population"
        );
    }
}

#[test]
fn what_an_account_does_that_was_not_there_is_new_whatever_the_rule_saw() {
    let then = || with(|world| drop(world.users.remove(2)));
    for rule in [None, Some(earlier(Verdict::Unknown, 1, 2))] {
        let differences = Runs { then: then(), rule, ..Runs::default() }.compared();
        assert_eq!(counts(&differences), [1, 0, 1, 0, 0, 0, 0]);
    }
    let unlisted = incomplete(then(), Part::Users);
    let rule = Some(earlier(Verdict::Unknown, 1, 2));
    let differences = Runs { then: unlisted, rule, ..Runs::default() }.compared();
    assert_eq!(counts(&differences), [0, 0, 1, 0, 1, 0, 0], "it may have been there");
}

#[test]
fn what_is_not_there_any_more_is_resolved_if_the_rule_saw_everything() {
    for (verdict, is) in
        [(Verdict::Pass, Vec::new()), (Verdict::Fail, vec![on(3)]), (Verdict::Waived, vec![on(3)])]
    {
        let persisting = is.len() as u64;
        let was = vec![on(2), on(3)].into_iter().skip(1 - is.len()).take(1 + is.len()).collect::<Vec<_>>();
        let was = if is.is_empty() { vec![on(2)] } else { was };
        let runs = Runs { verdict: (verdict, 3, 3), was, is, ..Runs::default() };
        let differences = runs.compared();
        assert_eq!(counts(&differences), [0, 0, persisting, 0, 0, 1, 0], "{verdict:?}");
        assert_eq!(told(&differences), ["finding resolved: It was: mia is locked (medium, locked_account)"]);
    }
}

#[test]
fn nothing_is_resolved_by_not_looking() {
    let unproven = [
        (Verdict::Unknown, 3, 3, world()),
        (Verdict::NotApplicable, 0, 0, world()),
        (Verdict::Error, 0, 0, world()),
        (Verdict::Fail, 2, 3, world()),
        (Verdict::Fail, 3, 3, incomplete(world(), Part::Users)),
        (Verdict::Fail, 3, 3, incomplete(world(), Part::Collector)),
    ];
    for (verdict, examined, expected, now) in unproven {
        let runs = Runs { now, verdict: (verdict, examined, expected), is: Vec::new(), ..Runs::default() };
        let differences = runs.compared();
        assert_eq!(counts(&differences), [0, 0, 0, 0, 0, 0, 1], "{verdict:?} {examined} of {expected}");
        assert_eq!(told(&differences), Vec::<String>::new());
        assert!(
            open(&differences)[0]
                .starts_with("findings: locked_account: 1 earlier finding not called resolved"),
            "{:?}",
            open(&differences)
        );
    }
}

#[test]
fn a_finding_goes_with_its_subject_if_that_is_proven() {
    let now = || with(|world| drop(world.users.remove(1)));
    let unknown = (Verdict::Unknown, 1, 2);
    let runs = |now| Runs { now, verdict: unknown, is: Vec::new(), ..Runs::default() };
    let gone = runs(now()).compared();
    assert_eq!(counts(&gone), [0, 0, 0, 0, 0, 1, 0]);
    assert_eq!(
        told(&gone)[0],
        "finding resolved: The user is gone; it was: mia is locked (medium, locked_account)"
    );
    for part in [Part::Users, Part::Collector] {
        let missing = runs(incomplete(now(), part)).compared();
        assert_eq!(counts(&missing), [0, 0, 0, 0, 0, 0, 1], "{part}");
        assert_eq!(told(&missing), Vec::<String>::new(), "{part}");
    }
}

#[test]
fn findings_whose_ids_rest_on_another_identity_are_not_compared() {
    let now = with(|world| world.console.uuid = None);
    let differences = Runs { now, ..Runs::default() }.compared();
    assert_eq!(counts(&differences), [0, 0, 0, 0, 2, 0, 1]);
    assert_eq!(told(&differences), Vec::<String>::new());
    assert!(open(&differences)[0].starts_with("findings: the console did not say who it is"));
}

#[test]
fn findings_of_a_console_that_is_not_reviewed_any_more_are_not_resolved() {
    let mut earlier = before(vec![world()]);
    earlier.findings = vec![then(&on(2))];
    let differences = changes(&earlier, &[], &[], &HashMap::new());
    assert_eq!(counts(&differences), [0, 0, 0, 0, 0, 0, 1]);
    assert_eq!(differences.changes[0].change, "not_reviewed");
}

#[test]
fn findings_of_a_console_that_was_not_reviewed_are_newly_judged() {
    let judgements = vec![judgement(Verdict::Fail, 3, 3, vec![on(2), on(3)])];
    let differences = changes(&before(Vec::new()), &[reviewed(world(), judgements)], &[], &HashMap::new());
    assert_eq!(counts(&differences), [0, 0, 0, 2, 0, 0, 0]);
    assert!(differences.findings.is_empty());
}

#[test]
fn the_worst_comes_first_among_those_that_are_new() {
    let mut worse = on(3);
    worse.severity = Severity::Critical;
    let differences = Runs { was: Vec::new(), is: vec![on(2), worse], ..Runs::default() }.compared();
    assert_eq!(
        told(&differences),
        [
            "finding new: noor is locked (critical, locked_account)",
            "finding new: mia is locked (medium, locked_account)",
        ]
    );
}
