//! How a rule's test reads: a rule, a world, and what it must conclude.

use super::{Context, Rule, judge};
use crate::finding::{Finding, Verdict};
use crate::graph::AccessGraph;
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

/// Judges a world by one rule and compares.
pub(super) fn check(rule: &dyn Rule, world: Snapshot, expected: Expect<'_>) {
    let graph = AccessGraph::build(world);
    let judgement = judge(rule, context(&graph));
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
    let graph = AccessGraph::build(world);
    judge(rule, context(&graph)).findings
}

fn context(graph: &AccessGraph) -> Context<'_> {
    Context { graph, now: graph.snapshot().finished, withheld: &[], partial: &[] }
}
