//! What the later run saw and concluded: as it was just judged, or as the store keeps it.

use std::borrow::Cow;
use std::collections::HashMap;

use super::{Before, BeforeFinding, Reviewed};
use crate::finding::{About, Finding, Judgement, Severity, SubjectKind, Verdict};
use crate::model::Snapshot;

/// One console.
pub(super) struct Seen<'a> {
    pub(super) snapshot: &'a Snapshot,
    pub(super) judged: Vec<Judged<'a>>,
}

/// One rule.
pub(super) struct Judged<'a> {
    pub(super) rule: &'a str,
    /// What the rule is; `None` if there is no such rule any more.
    pub(super) about: Option<&'a About>,
    pub(super) verdict: Verdict,
    pub(super) examined: u64,
    pub(super) expected: u64,
    pub(super) findings: Vec<Found<'a>>,
}

/// One finding.
pub(super) struct Found<'a> {
    pub(super) id: Cow<'a, str>,
    pub(super) severity: Severity,
    pub(super) subject_kind: SubjectKind,
    pub(super) subject_id: &'a str,
    pub(super) subject_name: &'a str,
    pub(super) summary: &'a str,
}

impl<'a> Seen<'a> {
    /// As it was just judged.
    pub(super) fn judged(reviewed: &'a Reviewed) -> Self {
        let snapshot = reviewed.graph.snapshot();
        let judged = |judgement: &'a Judgement| Judged {
            rule: &judgement.rule.id,
            about: Some(&judgement.rule),
            verdict: judgement.verdict,
            examined: judgement.examined,
            expected: judgement.expected,
            findings: judgement.findings.iter().map(|finding| Found::now(finding, snapshot)).collect(),
        };
        Self { snapshot, judged: reviewed.judgements.iter().map(judged).collect() }
    }

    /// As it is kept, every console. `rules` are those that there are.
    pub(super) fn kept(run: &'a Before, rules: &[&'a About]) -> Vec<Self> {
        let rules: HashMap<&str, &About> = rules.iter().map(|about| (&*about.id, *about)).collect();
        let mut findings: HashMap<(&str, &str), Vec<Found<'_>>> = HashMap::new();
        for finding in &run.findings {
            findings.entry((&*finding.console, &*finding.rule)).or_default().push(Found::then(finding));
        }
        let mut console = |snapshot: &'a Snapshot| {
            let name = &*snapshot.console.name;
            let of_console = run.rules.iter().filter(|rule| &*rule.console == name);
            let judged = of_console.map(|rule| Judged {
                rule: &rule.id,
                about: rules.get(&*rule.id).copied(),
                verdict: rule.verdict,
                examined: rule.examined,
                expected: rule.expected,
                findings: findings.remove(&(name, &*rule.id)).unwrap_or_default(),
            });
            Self { snapshot, judged: judged.collect() }
        };
        run.snapshots.iter().map(&mut console).collect()
    }

    /// How many findings there are.
    pub(super) fn findings(&self) -> u64 {
        self.judged.iter().map(|judged| judged.findings.len() as u64).sum()
    }
}

impl<'a> Found<'a> {
    fn now(finding: &'a Finding, snapshot: &Snapshot) -> Self {
        Self {
            id: finding.id(&snapshot.console).into(),
            severity: finding.severity,
            subject_kind: finding.subject.kind,
            subject_id: &finding.subject.id,
            subject_name: &finding.subject.name,
            summary: &finding.summary,
        }
    }

    fn then(finding: &'a BeforeFinding) -> Self {
        Self {
            id: finding.id.as_str().into(),
            severity: finding.severity,
            subject_kind: finding.subject_kind,
            subject_id: &finding.subject_id,
            subject_name: &finding.subject_name,
            summary: &finding.summary,
        }
    }
}
