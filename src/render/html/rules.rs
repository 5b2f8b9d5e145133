//! The rules on the page: every verdict by console, and the findings of each rule, worst first.

use std::borrow::Cow;
use std::cmp::Reverse;
use std::collections::HashMap;

use serde::Serialize;

use super::links::UserRows;
use super::{EVIDENCE, FINDINGS_OF_A_RULE, Table, Text, VERDICTS, date};
use crate::finding::{Severity, SubjectKind, Verdict};
use crate::report::{FindingChange, FindingRow, Report, RuleRow};

/// Every rule's verdict on one console, the worst first, and how often each occurs.
#[derive(Debug, Default, Serialize)]
pub(super) struct Verdicts {
    pub(super) rows: Vec<VerdictView>,
    pub(super) counts: Vec<VerdictCount>,
}

/// How many rules came to one verdict.
#[derive(Debug, Default, Serialize)]
pub(super) struct VerdictCount {
    pub(super) verdict: &'static str,
    pub(super) rules: u64,
}

/// A rule's verdict on one console.
#[derive(Debug, Default, Serialize)]
pub(super) struct VerdictView {
    pub(super) id: Cow<'static, str>,
    pub(super) code: Cow<'static, str>,
    pub(super) title: Cow<'static, str>,
    pub(super) version: u32,
    pub(super) severity: &'static str,
    pub(super) verdict: &'static str,
    /// The verdict as it was before waivers, where they change it.
    pub(super) original: Option<&'static str>,
    pub(super) examined: u64,
    pub(super) expected: u64,
    /// Open findings.
    pub(super) findings: u64,
    pub(super) waived: u64,
    pub(super) note: Option<Text>,
}

/// The findings of one rule on all consoles.
#[derive(Debug, Default, Serialize)]
pub(super) struct RuleSection {
    pub(super) id: Text,
    pub(super) code: Cow<'static, str>,
    pub(super) title: Text,
    /// The worst severity among its open findings; among all, if all are waived.
    pub(super) severity: &'static str,
    /// Open findings.
    pub(super) open: u64,
    pub(super) waived: u64,
    pub(super) why: Cow<'static, str>,
    pub(super) click_path: Cow<'static, str>,
    pub(super) api_call: Cow<'static, str>,
    pub(super) controls: Vec<Text>,
    pub(super) findings: Table<FindingView>,
}

/// A finding.
#[derive(Debug, Default, Serialize)]
pub(super) struct FindingView {
    pub(super) id: Text,
    pub(super) severity: &'static str,
    /// `new`, `reopened` or `persisting`, where there is a run to compare with that proves it.
    pub(super) change: Option<&'static str>,
    pub(super) console: Text,
    pub(super) kind: &'static str,
    pub(super) subject: Text,
    pub(super) subject_id: Text,
    /// The full name, where the subject is a user.
    pub(super) full_name: Option<Text>,
    /// The id of the user's row, where the subject is a user whose row is shown.
    pub(super) user: Option<String>,
    pub(super) summary: Text,
    pub(super) evidence: Vec<EvidenceView>,
    /// Pieces of evidence that are not shown.
    pub(super) more_evidence: u64,
    pub(super) waived: bool,
    pub(super) waiver: Option<Text>,
    pub(super) waiver_expires: Option<String>,
}

/// One piece of evidence.
#[derive(Debug, Default, Serialize)]
pub(super) struct EvidenceView {
    pub(super) label: &'static str,
    pub(super) value: Text,
}

impl Verdicts {
    /// The verdicts on one console.
    pub(super) fn of(report: &Report, console: &str) -> Self {
        let mut verdicts = Self::default();
        for verdict in VERDICTS {
            let alike = |rule: &&RuleRow| rule.verdict == verdict && &*rule.console == console;
            let mut rules: Vec<&RuleRow> = report.rules.iter().filter(alike).collect();
            rules.sort_by_key(|rule| Reverse((rule.severity, rule.open, rule.findings)));
            if !rules.is_empty() {
                let rules = rules.len() as u64;
                verdicts.counts.push(VerdictCount { verdict: verdict.as_str(), rules });
            }
            verdicts.rows.extend(rules.into_iter().map(VerdictView::of));
        }
        verdicts
    }
}

impl VerdictView {
    fn of(rule: &RuleRow) -> Self {
        Self {
            id: rule.id.clone(),
            code: rule.code.clone(),
            title: rule.title.clone(),
            version: rule.version,
            severity: rule.severity.as_str(),
            verdict: rule.verdict.as_str(),
            original: rule.original_verdict.map(Verdict::as_str),
            examined: rule.examined,
            expected: rule.expected,
            findings: rule.open,
            waived: rule.findings - rule.open,
            note: rule.note.as_deref().map(Text::sentence),
        }
    }
}

/// The rules that found something: those with the worst open finding first, then those with the most; at last those of
/// which every finding is waived.
pub(super) fn sections(report: &Report, users: &UserRows<'_>) -> Vec<RuleSection> {
    let mut by_rule: HashMap<&str, Vec<&FindingRow>> = HashMap::new();
    for finding in &report.findings {
        by_rule.entry(&finding.rule).or_default().push(finding);
    }
    let rank = |findings: &[&FindingRow]| Reverse((worst_open(findings), open(findings), findings.len()));
    let mut groups: Vec<Vec<&FindingRow>> = by_rule.into_values().collect();
    groups.sort_by(|a, b| rank(a).cmp(&rank(b)).then_with(|| a[0].rule.cmp(&b[0].rule)));
    let full_names = FullNames::of(report);
    groups.into_iter().map(|findings| section(report, &full_names, users, findings)).collect()
}

fn open(findings: &[&FindingRow]) -> usize {
    findings.iter().filter(|finding| finding.is_open()).count()
}

fn worst_open(findings: &[&FindingRow]) -> Option<Severity> {
    findings.iter().filter(|finding| finding.is_open()).map(|finding| finding.severity).max()
}

/// The findings of a rule, the waived ones at the end.
fn section(
    report: &Report,
    full_names: &FullNames<'_>,
    users: &UserRows<'_>,
    mut findings: Vec<&FindingRow>,
) -> RuleSection {
    findings.sort_by_key(|finding| !finding.is_open());
    let (open, first) = (open(&findings), findings[0]);
    let worst = worst_open(&findings).unwrap_or(first.severity);
    let rule = report.rules.iter().find(|rule| *rule.id == *first.rule);
    RuleSection {
        id: Text::name(&first.rule),
        code: rule.map(|rule| rule.code.clone()).unwrap_or_default(),
        title: Text::name(&first.title),
        severity: worst.as_str(),
        open: open as u64,
        waived: (findings.len() - open) as u64,
        why: rule.map(|rule| rule.why.clone()).unwrap_or_default(),
        click_path: rule.map(|rule| rule.click_path.clone()).unwrap_or_default(),
        api_call: rule.map(|rule| rule.api_call.clone()).unwrap_or_default(),
        controls: first.controls.iter().map(|control| Text::name(control)).collect(),
        findings: Table::of(findings.iter(), FINDINGS_OF_A_RULE, "report.xlsx and findings.csv", |finding| {
            FindingView::of(finding, full_names, users)
        }),
    }
}

impl FindingView {
    fn of(finding: &FindingRow, full_names: &FullNames<'_>, users: &UserRows<'_>) -> Self {
        let evidence = finding.evidence.iter().take(EVIDENCE);
        Self {
            id: Text::name(&finding.id),
            severity: finding.severity.as_str(),
            change: finding.change.map(FindingChange::as_str),
            console: Text::name(&finding.console),
            kind: finding.subject_kind.as_str(),
            subject: Text::name(&finding.subject_name),
            subject_id: Text::name(&finding.subject_id),
            full_name: full_names.of_subject(finding),
            user: users.of_subject(finding),
            summary: Text::sentence(&finding.summary),
            evidence: evidence
                .map(|piece| EvidenceView { label: piece.label, value: Text::sentence(&piece.value) })
                .collect(),
            more_evidence: finding.evidence.len().saturating_sub(EVIDENCE) as u64,
            waived: !finding.is_open(),
            waiver: finding.waiver.as_deref().map(Text::sentence),
            waiver_expires: finding.waiver_expires.map(date),
        }
    }
}

/// The full names of the users.
struct FullNames<'a>(HashMap<(&'a str, i64), &'a str>);

impl<'a> FullNames<'a> {
    fn of(report: &'a Report) -> Self {
        Self(report.users.iter().map(|user| ((&*user.console, user.id), &*user.name)).collect())
    }

    /// The name of a finding's user, where it says more than the login.
    fn of_subject(&self, finding: &FindingRow) -> Option<Text> {
        if finding.subject_kind != SubjectKind::User {
            return None;
        }
        let id = finding.subject_id.parse().ok()?;
        let name = self.0.get(&(&*finding.console, id)).copied()?;
        Text::maybe(Some(name).filter(|name| *name != finding.subject_name))
    }
}
