//! What changed since the earlier run: counts at the head, then group by group, then what could not be compared.

use serde::Serialize;

use super::{CHANGES_OF_A_KIND, ROWS, Table, Text, date};
use crate::report::{Change, FindingCounts, Report};

/// The changes of the whole report.
#[derive(Debug, Default, Serialize)]
pub(super) struct Changes {
    pub(super) total: u64,
    pub(super) since: Option<Since>,
    /// Findings, administrators, then the other kinds; none that is empty.
    pub(super) groups: Vec<Group>,
    pub(super) uncompared: Table<UncomparedView>,
}

/// The earlier run.
#[derive(Debug, Default, Serialize)]
pub(super) struct Since {
    pub(super) run: Text,
    pub(super) slot: Option<String>,
    pub(super) finished: String,
    pub(super) findings: FindingCounts,
    /// Changes that are no findings.
    pub(super) others: u64,
}

/// Changes that are read together.
#[derive(Debug, Default, Serialize)]
pub(super) struct Group {
    pub(super) id: &'static str,
    pub(super) title: &'static str,
    pub(super) counts: Vec<ChangeCount>,
    pub(super) changes: Table<ChangeView>,
}

/// How often one thing happened in a group.
#[derive(Debug, Default, Serialize)]
pub(super) struct ChangeCount {
    pub(super) kind: &'static str,
    pub(super) change: &'static str,
    pub(super) changes: u64,
}

/// A difference to the earlier run.
#[derive(Debug, Default, Serialize)]
pub(super) struct ChangeView {
    pub(super) console: Text,
    pub(super) kind: &'static str,
    pub(super) change: &'static str,
    pub(super) id: Text,
    pub(super) name: Text,
    pub(super) administrator: bool,
    pub(super) summary: Text,
}

/// Something that could not be compared.
#[derive(Debug, Default, Serialize)]
pub(super) struct UncomparedView {
    pub(super) console: Text,
    pub(super) part: &'static str,
    pub(super) reason: Text,
}

/// The groups in the order of the page, each with its title and the kinds in it.
const GROUPS: &[(&str, &str, &[&str])] = &[
    ("findings", "Findings", &["finding"]),
    // Whatever concerns them, findings apart.
    ("administrators", "Administrators", &[]),
    ("waivers", "Waivers", &["waiver"]),
    ("consoles", "Consoles and rules", &["console", "rule"]),
    ("users", "Users", &["user", "flags"]),
    ("privileges", "Privileges of users, beyond their roles", &["privileges"]),
    ("grants", "Grants of users", &["site_grants", "asset_group_grants"]),
    ("roles", "Roles", &["role"]),
    (
        "lists",
        "Privileges, authentication sources, sites and asset groups of the console",
        &["privilege", "authentication_source", "site", "asset_group"],
    ),
];

impl Changes {
    /// The view of a report's changes.
    pub(super) fn of(report: &Report) -> Self {
        let uncompared = report.comparison.as_ref().map_or(&[][..], |comparison| &comparison.uncompared);
        let is_finding = |change: &&Change| change.kind == "finding";
        Self {
            total: report.changes.len() as u64,
            since: report.comparison.as_ref().map(|comparison| Since {
                run: Text::name(&comparison.run),
                slot: comparison.slot.map(date),
                finished: date(comparison.finished),
                findings: comparison.counts,
                others: report.changes.iter().filter(|change| !is_finding(change)).count() as u64,
            }),
            groups: GROUPS.iter().filter_map(|group| Group::of(report, group)).collect(),
            uncompared: Table::of(uncompared.iter(), ROWS, "report.xlsx and report.json", |row| {
                UncomparedView {
                    console: Text::name(&row.console),
                    part: row.part,
                    reason: Text::sentence(&row.reason),
                }
            }),
        }
    }
}

impl Group {
    fn of(report: &Report, (id, title, kinds): &(&'static str, &'static str, &[&str])) -> Option<Self> {
        let belongs = |change: &&Change| {
            let finding = change.kind == "finding";
            if kinds.is_empty() {
                change.administrator && !finding
            } else {
                kinds.contains(&change.kind) && (finding || !change.administrator)
            }
        };
        let changes: Vec<&Change> = report.changes.iter().filter(belongs).collect();
        let mut counts: Vec<ChangeCount> = Vec::new();
        for change in &changes {
            let key = (change.kind, change.change);
            match counts.iter_mut().find(|count| (count.kind, count.change) == key) {
                Some(count) => count.changes += 1,
                None => counts.push(ChangeCount { kind: key.0, change: key.1, changes: 1 }),
            }
        }
        let table = Table::of(changes.iter(), CHANGES_OF_A_KIND, "report.xlsx and report.json", |change| {
            ChangeView {
                console: Text::name(&change.console),
                kind: change.kind,
                change: change.change,
                id: Text::name(&change.id),
                name: Text::name(&change.name),
                administrator: change.administrator,
                summary: Text::sentence(&change.summary),
            }
        });
        (!changes.is_empty()).then_some(Self { id, title, counts, changes: table })
    }
}
