//! What is different from the earlier run: how many of each kind, and the first of them.

use serde::Serialize;

use super::{Table, Text, words};
use crate::report::{Change, Report};

/// The most kinds that are counted.
const KINDS: usize = 12;

/// The most changes that are told.
const SHOWN: usize = 8;

/// How many things of one kind had one thing happen to them.
#[derive(Debug, Default, Serialize)]
pub(super) struct ChangeCount {
    kind: &'static str,
    change: &'static str,
    changes: u64,
}

/// One change.
#[derive(Debug, Default, Serialize)]
pub(super) struct ChangeView {
    console: Text,
    kind: &'static str,
    change: &'static str,
    name: Text,
    summary: Text,
}

/// The changes, counted by kind in the order of the report.
pub(super) fn counts(report: &Report) -> Table<ChangeCount> {
    let mut counts: Vec<ChangeCount> = Vec::new();
    for &Change { kind, change, .. } in &report.changes {
        match counts.iter_mut().find(|count| count.kind == kind && count.change == change) {
            Some(count) => count.changes += 1,
            None => counts.push(ChangeCount { kind, change, changes: 1 }),
        }
    }
    Table::of(counts.into_iter(), KINDS, "the files of this run", |count| count)
}

/// The first changes.
pub(super) fn first(report: &Report) -> Table<ChangeView> {
    Table::of(report.changes.iter(), SHOWN, "the files of this run", |change| ChangeView {
        console: Text::line(&change.console, words::NAME),
        kind: change.kind,
        change: change.change,
        name: Text::line(&change.name, words::NAME),
        summary: Text::line(&change.summary, words::SENTENCE),
    })
}
