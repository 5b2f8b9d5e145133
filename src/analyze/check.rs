//! How a rule's test reads: a rule, a world, and what it must conclude.

use super::{COMBINATIONS, Context, People, Policy, Powers, Rule, judge};
use crate::finding::{Finding, Judgement, Verdict};
use crate::graph::AccessGraph;
use crate::history::History;
use crate::model::Snapshot;

/// What a rule must conclude.
#[derive(Debug, Clone, Copy)]
pub(super) enum Expect<'a> {
    /// Nothing wrong, everything seen.
    Pass,
    /// Findings on exactly these subjects, by name and in this order.
    Fail(&'a [&'a str]),
    /// No finding, but not everything seen.
    Unknown,
    /// Nothing to judge.
    NotApplicable,
}

/// What a rule may look at beside the console itself.
#[derive(Debug, Clone, Default)]
pub(super) struct Around {
    /// What the configuration declares.
    pub(super) policy: Policy,
    /// What earlier runs left behind.
    pub(super) history: History,
    /// Further consoles of the review.
    pub(super) others: Vec<Snapshot>,
    /// What the rules before this one concluded.
    pub(super) so_far: Vec<Judgement>,
}

/// Judges a world by one rule and compares.
pub(super) fn check(rule: &dyn Rule, world: Snapshot, expected: Expect<'_>) {
    check_in(rule, world, &Around::default(), expected);
}

/// As [`check`], with something around the world.
pub(super) fn check_in(rule: &dyn Rule, world: Snapshot, around: &Around, expected: Expect<'_>) {
    let judgement = judged(rule, world, around);
    let names: Vec<_> = judgement.findings.iter().map(|finding| finding.subject.name.as_str()).collect();
    let (verdict, subjects) = match expected {
        Expect::Pass => (Verdict::Pass, &[][..]),
        Expect::Fail(subjects) => (Verdict::Fail, subjects),
        Expect::Unknown => (Verdict::Unknown, &[][..]),
        Expect::NotApplicable => (Verdict::NotApplicable, &[][..]),
    };
    assert_eq!(names, subjects, "{}: subjects of the findings", judgement.rule.id);
    assert_eq!(judgement.verdict, verdict, "{}: {:?}", judgement.rule.id, judgement.note);
    assert!(judgement.findings.iter().all(|finding| finding.rule == judgement.rule.id));
}

/// What a rule finds in a world.
pub(super) fn findings(rule: &dyn Rule, world: Snapshot) -> Vec<Finding> {
    judged(rule, world, &Around::default()).findings
}

/// What a rule concludes about a world with something around it.
pub(super) fn judged(rule: &dyn Rule, world: Snapshot, around: &Around) -> Judgement {
    let estate: Vec<AccessGraph> =
        std::iter::once(world).chain(around.others.iter().cloned()).map(AccessGraph::build).collect();
    let graph = &estate[0];
    let context = Context {
        graph,
        now: graph.snapshot().finished,
        policy: &around.policy,
        history: &around.history,
        estate: &estate,
        so_far: &around.so_far,
        powers: &Powers::new(&COMBINATIONS, graph),
        people: &People::default(),
    };
    judge(rule, context)
}
