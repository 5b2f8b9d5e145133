//! The whole page as a view: what the template of the page may name.

use std::collections::HashMap;

use serde::Serialize;

use super::changes::Changes;
use super::charts::{RuleBar, SeverityBar, Trend, rule_bars, severity_bars};
use super::controls::FrameworkView;
use super::links::{UserRows, first_findings};
use super::people::PersonView;
use super::rules::{RuleSection, Verdicts, sections};
use super::tables::{AnomalyView, CoverageView, GapView, RoleView, ScopeView, UserView};
use super::waivers::{WaivedView, WaiverView};
use super::{
    NAMES, Table, Text, controls, date, lateness, people, tables, undetermined_parts, waivers,
    waivers_to_decide,
};
use crate::model::{Depth, PartState};
use crate::report::{Completeness, ConsoleSummary, Report, UserRow};

/// The variables of the page.
#[derive(Debug, Default, Serialize)]
pub(super) struct Page {
    pub(super) complete: bool,
    /// The parts that were answered on some console by what proves nothing.
    pub(super) undetermined: Vec<&'static str>,
    /// What a redacted copy says of itself.
    pub(super) redacted: Option<String>,
    /// The consoles' names, for headings.
    pub(super) names: Text,
    pub(super) run: RunView,
    pub(super) counts: Counts,
    pub(super) severities: Vec<SeverityBar>,
    /// The rules with the most open findings.
    pub(super) rule_bars: Vec<RuleBar>,
    pub(super) trend: Trend,
    pub(super) consoles: Vec<ConsoleView>,
    pub(super) rules: Vec<RuleSection>,
    pub(super) users: Table<UserView>,
    /// Those with accounts on several consoles.
    pub(super) people: Table<PersonView>,
    pub(super) roles: Table<RoleView>,
    pub(super) sites: Table<ScopeView>,
    pub(super) asset_groups: Table<ScopeView>,
    pub(super) changes: Changes,
    /// Every waiver.
    pub(super) waivers: Table<WaiverView>,
    /// The findings that they cover.
    pub(super) waived: Table<WaivedView>,
    pub(super) frameworks: Vec<FrameworkView>,
    pub(super) coverage: Table<CoverageView>,
    pub(super) gaps: Table<GapView>,
    pub(super) anomalies: Table<AnomalyView>,
}

/// The run.
#[derive(Debug, Default, Serialize)]
pub(super) struct RunView {
    pub(super) id: Text,
    /// The id, reduced to what a string in a style sheet can hold.
    pub(super) label: String,
    pub(super) job: Option<Text>,
    pub(super) slot: Option<String>,
    /// A sentence on its lateness and on missed slots.
    pub(super) lateness: Option<String>,
    pub(super) started: String,
    pub(super) finished: String,
    pub(super) version: &'static str,
    pub(super) configuration: Text,
}

/// How many of each there are in the whole report.
#[derive(Debug, Default, Serialize)]
pub(super) struct Counts {
    pub(super) consoles: u64,
    pub(super) incomplete_consoles: u64,
    pub(super) users: u64,
    pub(super) roles: u64,
    pub(super) sites: u64,
    pub(super) asset_groups: u64,
    /// Open findings.
    pub(super) findings: u64,
    /// Findings that a waiver covers.
    pub(super) waived: u64,
    /// Users with an open finding.
    pub(super) users_with_findings: u64,
    /// How many people the users are at most.
    pub(super) people: u64,
    /// Users whom a roster was asked about.
    pub(super) users_in_roster: u64,
    /// Users of whom something tells when they were last seen.
    pub(super) users_seen: u64,
    pub(super) controls: u64,
    /// Controls of which nothing is proven.
    pub(super) not_proven: u64,
    pub(super) gaps: u64,
    pub(super) requests: u64,
    /// Waivers that somebody must look at.
    pub(super) waivers_to_decide: u64,
}

/// One console.
#[derive(Debug, Default, Serialize)]
pub(super) struct ConsoleView {
    pub(super) name: Text,
    pub(super) uuid: Option<Text>,
    pub(super) serial: Option<Text>,
    pub(super) version: Option<Text>,
    pub(super) complete: bool,
    pub(super) gaps: u64,
    pub(super) started: String,
    pub(super) finished: String,
    pub(super) collector: Text,
    pub(super) depth: &'static str,
    pub(super) requests: u64,
    pub(super) population: Vec<Population>,
    pub(super) verdicts: Verdicts,
}

/// What the console says it holds against the rows of the report.
#[derive(Debug, Default, Serialize)]
pub(super) struct Population {
    pub(super) what: &'static str,
    /// `None` where the console gives no total and its list is all there is.
    pub(super) total: Option<u64>,
    pub(super) rows: u64,
    /// The state of the list's coverage.
    pub(super) state: &'static str,
    pub(super) ties_out: bool,
}

impl Page {
    /// The view of a report.
    pub(super) fn of(report: &Report) -> Self {
        let per_console = PerConsole::of(report);
        let user_rows = UserRows::of(report);
        let rules = sections(report, &user_rows);
        Self {
            complete: report.run.verdict == Completeness::Complete,
            undetermined: undetermined_parts(report),
            redacted: report.redaction_note(),
            names: names(report),
            run: RunView::of(report),
            counts: Counts::of(report),
            severities: severity_bars(report),
            rule_bars: rule_bars(report),
            trend: Trend::of(report),
            consoles: report.consoles.iter().map(|console| per_console.view(report, console)).collect(),
            users: tables::users(report, &user_rows, &first_findings(&rules)),
            rules,
            people: people::people(report),
            roles: tables::roles(report),
            sites: tables::sites(report),
            asset_groups: tables::asset_groups(report),
            changes: Changes::of(report),
            waivers: waivers::waivers(report),
            waived: waivers::waived(report),
            frameworks: controls::frameworks(report),
            coverage: tables::coverage(report),
            gaps: tables::gaps(report),
            anomalies: tables::anomalies(report),
        }
    }
}

fn names(report: &Report) -> Text {
    let named: Vec<&str> = report.consoles.iter().take(NAMES).map(|console| &*console.name).collect();
    let more = report.consoles.len().saturating_sub(NAMES);
    let rest = if more > 0 { format!(" and {more} more") } else { String::new() };
    Text::name(&format!("{}{rest}", named.join(", ")))
}

impl RunView {
    fn of(report: &Report) -> Self {
        let run = &report.run;
        let plain = |character: &char| character.is_ascii_alphanumeric() || "-_.:".contains(*character);
        Self {
            id: Text::name(&run.id),
            label: run.id.chars().filter(plain).take(64).collect(),
            job: Text::maybe(run.job.as_deref()),
            slot: run.slot.map(date),
            lateness: lateness(run),
            started: date(run.started),
            finished: date(run.finished),
            version: run.version,
            configuration: Text::name(&run.configuration),
        }
    }
}

impl Counts {
    fn of(report: &Report) -> Self {
        let incomplete = |console: &&ConsoleSummary| console.verdict == Completeness::Incomplete;
        let users = |wanted: &dyn Fn(&UserRow) -> bool| {
            report.users.iter().filter(|user| wanted(user)).count() as u64
        };
        Self {
            consoles: report.consoles.len() as u64,
            incomplete_consoles: report.consoles.iter().filter(incomplete).count() as u64,
            users: report.users.len() as u64,
            roles: report.roles.len() as u64,
            sites: report.sites.len() as u64,
            asset_groups: report.asset_groups.len() as u64,
            findings: report.open().count() as u64,
            waived: report.waived(),
            people: report.estate.people,
            users_with_findings: users(&|user| user.findings > 0),
            users_in_roster: users(&|user| user.roster_match != "not_asked"),
            users_seen: users(&|user| user.last_seen.is_some()),
            controls: report.controls.len() as u64,
            not_proven: report.not_proven(),
            gaps: report.gaps.len() as u64,
            requests: report.consoles.iter().map(|console| console.requests).sum(),
            waivers_to_decide: waivers_to_decide(report).len() as u64,
        }
    }
}

/// The rows of every list, counted by console in one pass each.
struct PerConsole<'a> {
    users: HashMap<&'a str, u64>,
    roles: HashMap<&'a str, u64>,
    privileges: HashMap<&'a str, u64>,
    sites: HashMap<&'a str, u64>,
    asset_groups: HashMap<&'a str, u64>,
    gaps: HashMap<&'a str, u64>,
    states: HashMap<(&'a str, &'static str), PartState>,
}

impl<'a> PerConsole<'a> {
    fn of(report: &'a Report) -> Self {
        Self {
            users: tally(report.users.iter().map(|row| &*row.console)),
            roles: tally(report.roles.iter().map(|row| &*row.console)),
            privileges: tally(report.privileges.iter().map(|row| &*row.console)),
            sites: tally(report.sites.iter().map(|row| &*row.console)),
            asset_groups: tally(report.asset_groups.iter().map(|row| &*row.console)),
            gaps: tally(report.gaps.iter().map(|row| &*row.console)),
            states: report.coverage.iter().map(|row| ((&*row.console, row.part), row.state)).collect(),
        }
    }

    fn view(&self, report: &Report, console: &ConsoleSummary) -> ConsoleView {
        let name = console.name.as_str();
        let population = |what, part, total: Option<u64>, rows: &HashMap<&str, u64>| {
            let rows = rows.get(name).copied().unwrap_or(0);
            let state = self.states.get(&(name, part)).copied();
            Population {
                what,
                total,
                rows,
                state: state.map_or("not_seen", PartState::as_str),
                ties_out: state == Some(PartState::Complete) && total.is_none_or(|total| total == rows),
            }
        };
        ConsoleView {
            name: Text::name(name),
            uuid: Text::maybe(console.uuid.as_deref()),
            serial: Text::maybe(console.serial.as_deref()),
            version: Text::maybe(console.version.as_deref()),
            complete: console.verdict == Completeness::Complete,
            gaps: self.gaps.get(name).copied().unwrap_or(0),
            started: date(console.started),
            finished: date(console.finished),
            collector: Text::name(&console.collector),
            depth: match console.depth {
                Depth::Full => "full",
                Depth::Lean => "lean",
            },
            requests: console.requests,
            population: vec![
                population("Users", "users", console.totals.users, &self.users),
                population("Sites", "sites", console.totals.sites, &self.sites),
                population("Asset groups", "asset_groups", console.totals.asset_groups, &self.asset_groups),
                population("Roles", "roles", None, &self.roles),
                population("Privileges", "privileges", None, &self.privileges),
            ],
            verdicts: Verdicts::of(report, name),
        }
    }
}

fn tally<'a>(consoles: impl Iterator<Item = &'a str>) -> HashMap<&'a str, u64> {
    let mut counts = HashMap::new();
    for console in consoles {
        *counts.entry(console).or_default() += 1;
    }
    counts
}
