//! What was found most: the rules and the subjects with the worst and the most open findings.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use serde::Serialize;

use super::{Table, Text, words};
use crate::finding::{Severity, SubjectKind};
use crate::report::{FindingRow, Report};

/// The most rules, and the most subjects, that are told.
const SHOWN: usize = 5;

/// The columns of a rule's title.
const TITLE: usize = 80;

/// A rule or a subject.
#[derive(Debug, Default, Serialize)]
pub(super) struct MostView {
    /// The worst of its findings.
    pub(super) severity: &'static str,
    /// Its open findings.
    pub(super) findings: u64,
    /// The rule's title, or the subject's name.
    pub(super) name: Text,
    /// What kind of thing a subject is; none for a rule.
    pub(super) kind: Option<&'static str>,
    /// Where it is; none for a rule.
    pub(super) console: Option<Text>,
}

/// The rules that found something, the worst first.
pub(super) fn rules(report: &Report) -> Table<MostView> {
    most(
        report.open(),
        |row| (&*row.rule, "", ""),
        |row, view| MostView { name: Text::line(&row.title, TITLE), ..view },
    )
}

/// The subjects with findings, the worst first. The console as a whole is everybody's and is left out.
pub(super) fn subjects(report: &Report) -> Table<MostView> {
    let open = report.open().filter(|row| row.subject_kind != SubjectKind::Console);
    most(
        open,
        |row| (&*row.console, row.subject_kind.as_str(), &*row.subject_id),
        |row, view| MostView {
            name: Text::line(&row.subject_name, words::NAME),
            kind: Some(row.subject_kind.as_str()),
            console: Some(Text::line(&row.console, words::NAME)),
            ..view
        },
    )
}

/// Findings by a key: the groups with the worst finding first, then the largest.
fn most<'a>(
    open: impl Iterator<Item = &'a FindingRow>,
    key: fn(&'a FindingRow) -> (&'a str, &'a str, &'a str),
    view: fn(&FindingRow, MostView) -> MostView,
) -> Table<MostView> {
    let mut groups: BTreeMap<_, (Severity, u64, &FindingRow)> = BTreeMap::new();
    for row in open {
        let group = groups.entry(key(row)).or_insert((row.severity, 0, row));
        *group = (group.0.max(row.severity), group.1 + 1, group.2);
    }
    let mut groups: Vec<_> = groups.into_values().collect();
    groups.sort_by_key(|(worst, findings, _)| Reverse((*worst, *findings)));
    Table::of(groups.into_iter(), SHOWN, "the files of this run", |(worst, findings, row)| {
        view(row, MostView { severity: worst.as_str(), findings, ..MostView::default() })
    })
}
