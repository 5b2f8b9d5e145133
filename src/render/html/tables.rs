//! The tables of the page: users, roles, sites, asset groups, coverage, gaps and anomalies.

use std::cmp::Reverse;
use std::collections::HashMap;

use serde::Serialize;

use super::links::UserRows;
use super::{ROLES, ROWS, Table, Text, USERS, date, date_of, roster_words, users_worst_first};
use crate::finding::Severity;
use crate::model::{Confidence, CrossCheck};
use crate::report::{AnomalyRow, AssetGroupRow, CoverageRow, GapRow, Report, RoleRow, Scopes, SiteRow};

/// A user.
#[derive(Debug, Default, Serialize)]
pub(super) struct UserView {
    pub(super) console: Text,
    pub(super) id: i64,
    pub(super) login: Text,
    pub(super) name: Text,
    pub(super) role: Option<Text>,
    pub(super) superuser: bool,
    pub(super) source: Option<Text>,
    /// `external`, `local` or `unknown`.
    pub(super) origin: &'static str,
    /// `enabled`, `disabled` or `unknown`.
    pub(super) state: &'static str,
    pub(super) locked: bool,
    pub(super) two_factor: &'static str,
    pub(super) sites: ScopeCount,
    pub(super) asset_groups: ScopeCount,
    /// The id of the person in the roster.
    pub(super) person: Option<Text>,
    /// `not_asked`, `nobody`, `person` or `ambiguous`.
    pub(super) roster: &'static str,
    /// How account and person were matched, in words.
    pub(super) matched: Text,
    pub(super) manager: Option<Text>,
    pub(super) department: Option<Text>,
    /// Whether the person is known to have left.
    pub(super) left: bool,
    pub(super) last_seen: Option<String>,
    /// What tells when it was last seen, and how sure that is.
    pub(super) last_seen_by: Option<String>,
    /// Open findings.
    pub(super) findings: u64,
    pub(super) severity: Option<&'static str>,
    /// The id of the row.
    pub(super) anchor: String,
    /// The first of its findings that is shown.
    pub(super) first_finding: Option<Text>,
}

/// How many sites or groups a user reaches.
#[derive(Debug, Default, Serialize)]
pub(super) struct ScopeCount {
    /// `all`, `listed` or `unknown`.
    pub(super) reach: &'static str,
    /// How many, where they are listed.
    pub(super) listed: u64,
}

impl From<&Scopes> for ScopeCount {
    fn from(scopes: &Scopes) -> Self {
        match scopes {
            Scopes::All => Self { reach: "all", listed: 0 },
            Scopes::Listed(ids) => Self { reach: "listed", listed: ids.len() as u64 },
            Scopes::Unknown => Self { reach: "unknown", listed: 0 },
        }
    }
}

/// A role with its privileges.
#[derive(Debug, Default, Serialize)]
pub(super) struct RoleView {
    pub(super) console: Text,
    pub(super) id: Text,
    pub(super) name: Text,
    pub(super) description: Option<Text>,
    pub(super) builtin: bool,
    pub(super) users: u64,
    pub(super) privileges: Vec<Text>,
}

/// A site or an asset group.
#[derive(Debug, Default, Serialize)]
pub(super) struct ScopeView {
    pub(super) console: Text,
    pub(super) id: i64,
    pub(super) name: Text,
    pub(super) kind: Option<Text>,
    /// Sites only.
    pub(super) importance: Option<Text>,
    pub(super) assets: Option<i64>,
    /// Sites only.
    pub(super) last_scan: Option<Text>,
    pub(super) users: u64,
    /// Users whose reach is not known: `users` may be higher by as many.
    pub(super) users_unknown: u64,
}

/// The coverage of one part.
#[derive(Debug, Default, Serialize)]
pub(super) struct CoverageView {
    pub(super) console: Text,
    pub(super) part: &'static str,
    /// Where it was read from.
    pub(super) endpoint: &'static str,
    pub(super) expected: Option<u64>,
    pub(super) examined: u64,
    pub(super) state: &'static str,
}

/// One thing that was not seen.
#[derive(Debug, Default, Serialize)]
pub(super) struct GapView {
    pub(super) console: Text,
    pub(super) part: &'static str,
    pub(super) endpoint: Text,
    pub(super) id: Option<Text>,
    pub(super) reason: &'static str,
    pub(super) attempts: u32,
    pub(super) last_status: Option<u16>,
}

/// Two answers that disagree.
#[derive(Debug, Default, Serialize)]
pub(super) struct AnomalyView {
    pub(super) console: Text,
    pub(super) check: &'static str,
    pub(super) user: Option<i64>,
    pub(super) object: Text,
    pub(super) left_endpoint: Text,
    pub(super) left_says: Text,
    pub(super) right_endpoint: Text,
    pub(super) right_says: Text,
}

/// Users, worst first.
pub(super) fn users(
    report: &Report,
    anchors: &UserRows<'_>,
    first_findings: &HashMap<&str, &Text>,
) -> Table<UserView> {
    Table::of(users_worst_first(report).into_iter(), USERS, "report.xlsx and users.csv", |user| UserView {
        console: Text::name(&user.console),
        id: user.id,
        login: Text::name(&user.login),
        name: Text::name(&user.name),
        role: Text::maybe(user.role_name.as_deref().or(user.role_id.as_deref())),
        superuser: user.superuser,
        source: Text::maybe(user.auth_source.as_deref().or(user.auth_type.as_deref())),
        origin: user.external.map_or("unknown", |external| if external { "external" } else { "local" }),
        state: user.enabled.map_or("unknown", |enabled| if enabled { "enabled" } else { "disabled" }),
        locked: user.locked == Some(true),
        two_factor: user.two_factor.as_str(),
        sites: (&user.sites).into(),
        asset_groups: (&user.asset_groups).into(),
        person: Text::maybe(user.person.as_deref()),
        roster: user.roster_match,
        matched: Text::name(&roster_words(user)),
        manager: Text::maybe(user.manager.as_deref()),
        department: Text::maybe(user.department.as_deref()),
        left: user.left == Some(true),
        last_seen: user.last_seen.map(date),
        last_seen_by: user.last_seen_by.map(|by| {
            let sure = user.last_seen_confidence.map(Confidence::as_str).map(|sure| format!(", {sure}"));
            format!("{}{}", by.replace('_', " "), sure.unwrap_or_default())
        }),
        findings: user.findings,
        severity: user.highest_severity.map(Severity::as_str),
        anchor: anchors.get(&user.console, user.id).unwrap_or_default().to_owned(),
        first_finding: anchors
            .get(&user.console, user.id)
            .and_then(|anchor| first_findings.get(anchor).copied().cloned()),
    })
}

/// Roles: the most used first.
pub(super) fn roles(report: &Report) -> Table<RoleView> {
    let mut roles: Vec<&RoleRow> = report.roles.iter().collect();
    roles.sort_by_key(|role| Reverse(role.users));
    Table::of(roles.into_iter(), ROLES, "report.xlsx and roles.csv", |role| RoleView {
        console: Text::name(&role.console),
        id: Text::name(&role.id),
        name: Text::name(&role.name),
        description: role.description.as_deref().map(Text::sentence),
        builtin: role.builtin,
        users: role.users,
        privileges: role.privileges.iter().map(|privilege| Text::name(privilege.as_str())).collect(),
    })
}

/// Sites: those that most users reach first.
pub(super) fn sites(report: &Report) -> Table<ScopeView> {
    let mut sites: Vec<&SiteRow> = report.sites.iter().collect();
    sites.sort_by_key(|site| Reverse(site.users));
    Table::of(sites.into_iter(), ROWS, "report.xlsx and report.json", |site| ScopeView {
        console: Text::name(&site.console),
        id: site.id,
        name: Text::name(&site.name),
        kind: Text::maybe(site.kind.as_deref()),
        importance: Text::maybe(site.importance.as_deref()),
        assets: site.assets,
        last_scan: site.last_scan.as_deref().map(date_of),
        users: site.users,
        users_unknown: site.users_unknown,
    })
}

/// Asset groups: those that most users reach first.
pub(super) fn asset_groups(report: &Report) -> Table<ScopeView> {
    let mut groups: Vec<&AssetGroupRow> = report.asset_groups.iter().collect();
    groups.sort_by_key(|group| Reverse(group.users));
    Table::of(groups.into_iter(), ROWS, "report.xlsx and report.json", |group| ScopeView {
        console: Text::name(&group.console),
        id: group.id,
        name: Text::name(&group.name),
        kind: Text::maybe(group.kind.as_deref()),
        importance: None,
        assets: group.assets,
        last_scan: None,
        users: group.users,
        users_unknown: group.users_unknown,
    })
}

/// Coverage, in the order of the report.
pub(super) fn coverage(report: &Report) -> Table<CoverageView> {
    let view = |row: &CoverageRow| CoverageView {
        console: Text::name(&row.console),
        part: row.part,
        endpoint: row.endpoint,
        expected: row.expected,
        examined: row.examined,
        state: row.state.as_str(),
    };
    Table::of(report.coverage.iter(), ROWS, "report.xlsx and coverage.csv", view)
}

/// Gaps, in the order of the report.
pub(super) fn gaps(report: &Report) -> Table<GapView> {
    let view = |row: &GapRow| GapView {
        console: Text::name(&row.console),
        part: row.part,
        endpoint: Text::name(&row.endpoint),
        id: Text::maybe(row.id.as_deref()),
        reason: row.reason.as_str(),
        attempts: row.attempts,
        last_status: row.last_status,
    };
    Table::of(report.gaps.iter(), ROWS, "report.xlsx and coverage.csv", view)
}

/// Anomalies, in the order of the report.
pub(super) fn anomalies(report: &Report) -> Table<AnomalyView> {
    let view = |row: &AnomalyRow| AnomalyView {
        console: Text::name(&row.console),
        check: compared(row.check),
        user: row.user,
        object: Text::name(&row.object),
        left_endpoint: Text::name(&row.left_endpoint),
        left_says: Text::sentence(&row.left_says),
        right_endpoint: Text::name(&row.right_endpoint),
        right_says: Text::sentence(&row.right_says),
    };
    Table::of(report.anomalies.iter(), ROWS, "report.xlsx and report.json", view)
}

/// What was compared, in words.
fn compared(check: CrossCheck) -> &'static str {
    match check {
        CrossCheck::RoleUsers => "the user's role and the users of the role",
        CrossCheck::PrivilegeUsers => "the user's privileges and the users of the privilege",
        CrossCheck::AuthenticationSourceUsers => {
            "the user's authentication source and the users of the source"
        }
        CrossCheck::SiteUsers => "the user's sites and the users of the site",
        CrossCheck::AssetGroupUsers => "the user's asset groups and the users of the group",
        CrossCheck::RoleDefinition => "the listed privileges and the definition of the role",
        CrossCheck::UserPrivileges => "the listed privileges and the user's own",
        CrossCheck::DanglingRole => "the user's role and the list of roles",
        CrossCheck::DanglingSite => "the granted site and the list of sites",
        CrossCheck::DanglingAssetGroup => "the granted asset group and the list of asset groups",
        CrossCheck::IncompleteRecord => "the user's record and what every known console sends",
    }
}
