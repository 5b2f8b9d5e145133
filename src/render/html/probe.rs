//! A made-up page with something in every place, to try a template with before it is used.

use super::changes::{ChangeCount, ChangeView, Changes, Group, Since, UncomparedView};
use super::charts::{ColumnPart, GridLine, RuleBar, RunColumn, SeverityBar, Trend};
use super::controls::{ControlView, FrameworkView, ServingRule, StateCount};
use super::page::{ConsoleView, Counts, Page, Population, RunView};
use super::people::{AccountView, PersonView};
use super::rules::{EvidenceView, FindingView, RuleSection, VerdictCount, VerdictView, Verdicts};
use super::tables::{AnomalyView, CoverageView, GapView, RoleView, ScopeCount, ScopeView, UserView};
use super::waivers::{WaivedView, WaiverView};
use super::{Table, Text};

impl Page {
    /// An incomplete page on which no list is empty, nothing optional is missing and no table shows all its rows.
    pub(super) fn with_everything() -> Self {
        let text = Text::name("probe");
        Self {
            complete: false,
            undetermined: vec!["two_factor"],
            redacted: Some(String::new()),
            names: text.clone(),
            run: RunView {
                job: Some(text.clone()),
                slot: Some("2026-11-23 18:00 UTC".to_owned()),
                lateness: Some(String::new()),
                ..RunView::default()
            },
            counts: Counts {
                consoles: 2,
                incomplete_consoles: 1,
                gaps: 2,
                findings: 2,
                waived: 1,
                users_in_roster: 2,
                users_seen: 1,
                controls: 2,
                not_proven: 1,
                waivers_to_decide: 1,
                ..Counts::default()
            },
            severities: vec![SeverityBar { severity: "critical", findings: 2, percent: 100 }],
            rule_bars: vec![RuleBar {
                severity: "critical",
                findings: 2,
                percent: 100,
                ..RuleBar::default()
            }],
            trend: trend(),
            consoles: vec![console(&text), ConsoleView { complete: true, ..ConsoleView::default() }],
            rules: vec![rule(&text)],
            users: part(vec![user(&text), UserView { two_factor: "delegated", ..UserView::default() }]),
            people: part(vec![person(&text)]),
            roles: part(vec![RoleView {
                description: Some(text.clone()),
                privileges: vec![text.clone()],
                ..RoleView::default()
            }]),
            sites: part(vec![scope(&text)]),
            asset_groups: part(vec![scope(&text)]),
            changes: changes(),
            waivers: part(vec![waiver(&text)]),
            waived: part(vec![WaivedView {
                waiver: Some(text.clone()),
                expires: Some(String::new()),
                ..WaivedView::default()
            }]),
            frameworks: vec![framework()],
            coverage: part(vec![CoverageView { expected: Some(1), ..CoverageView::default() }]),
            gaps: part(vec![GapView {
                id: Some(text.clone()),
                last_status: Some(503),
                ..GapView::default()
            }]),
            anomalies: part(vec![AnomalyView { user: Some(1), ..AnomalyView::default() }]),
        }
    }

    /// A complete page on which every list is empty and everything optional is missing.
    pub(super) fn with_nothing() -> Self {
        Self { complete: true, ..Self::default() }
    }
}

fn trend() -> Trend {
    let run = || RunColumn { parts: vec![ColumnPart::default()], ..RunColumn::default() };
    Trend { height: 1, runs: vec![run(), run()], lines: vec![GridLine::default()], incomplete: true }
}

fn changes() -> Changes {
    let row = ChangeView { administrator: true, ..ChangeView::default() };
    Changes {
        total: 2,
        since: Some(Since { slot: Some(String::new()), others: 1, ..Since::default() }),
        groups: vec![Group {
            counts: vec![ChangeCount { kind: "user", change: "added", changes: 2 }],
            changes: part(vec![row]),
            ..Group::default()
        }],
        uncompared: part(vec![UncomparedView::default()]),
    }
}

fn waiver(text: &Text) -> WaiverView {
    WaiverView {
        state: "active",
        due: Some("now"),
        console: Some(text.clone()),
        subject: Some(text.clone()),
        finding: Some(text.clone()),
        ticket: Some(text.clone()),
        ..WaiverView::default()
    }
}

fn framework() -> FrameworkView {
    let rules = vec![ServingRule { findings: 1, verdict: "fail", ..ServingRule::default() }];
    FrameworkView {
        counts: vec![StateCount { state: "fail", controls: 1 }],
        controls: vec![ControlView { title: Some("probe"), state: "fail", rules, ..ControlView::default() }],
        ..FrameworkView::default()
    }
}

/// A table that does not show all its rows.
fn part<T>(rows: Vec<T>) -> Table<T> {
    Table { total: rows.len() as u64 + 1, more: 1, files: "report.xlsx", rows }
}

fn person(text: &Text) -> PersonView {
    let account =
        AccountView { console: text.clone(), login: text.clone(), role: text.clone(), state: "enabled" };
    PersonView { name: text.clone(), person: Some(text.clone()), left: true, accounts: vec![account] }
}

fn console(text: &Text) -> ConsoleView {
    ConsoleView {
        uuid: Some(text.clone()),
        serial: Some(text.clone()),
        version: Some(text.clone()),
        gaps: 2,
        population: vec![
            Population { total: Some(2), rows: 1, ..Population::default() },
            Population { ties_out: true, ..Population::default() },
        ],
        verdicts: Verdicts {
            rows: vec![VerdictView {
                findings: 2,
                waived: 1,
                original: Some("fail"),
                note: Some(text.clone()),
                ..VerdictView::default()
            }],
            counts: vec![VerdictCount { verdict: "fail", rules: 1 }],
        },
        ..ConsoleView::default()
    }
}

fn rule(text: &Text) -> RuleSection {
    let finding = FindingView {
        kind: "user",
        change: Some("new"),
        full_name: Some(text.clone()),
        user: Some(String::new()),
        evidence: vec![EvidenceView { label: "probe", value: text.clone() }],
        more_evidence: 1,
        waived: true,
        waiver: Some(text.clone()),
        waiver_expires: Some(String::new()),
        ..FindingView::default()
    };
    RuleSection {
        open: 1,
        waived: 1,
        controls: vec![text.clone()],
        findings: part(vec![finding]),
        ..RuleSection::default()
    }
}

fn user(text: &Text) -> UserView {
    UserView {
        role: Some(text.clone()),
        superuser: true,
        source: Some(text.clone()),
        locked: true,
        sites: ScopeCount { reach: "listed", listed: 1 },
        asset_groups: ScopeCount { reach: "all", listed: 0 },
        person: Some(text.clone()),
        roster: "person",
        manager: Some(text.clone()),
        department: Some(text.clone()),
        left: true,
        last_seen: Some(String::new()),
        last_seen_by: Some(String::new()),
        findings: 1,
        severity: Some("critical"),
        first_finding: Some(text.clone()),
        ..UserView::default()
    }
}

fn scope(text: &Text) -> ScopeView {
    ScopeView {
        kind: Some(text.clone()),
        importance: Some(text.clone()),
        assets: Some(1),
        last_scan: Some(text.clone()),
        ..ScopeView::default()
    }
}
