//! The bodies of answers: how the estate looks from outside, with the fields and the gaps that consoles show.

use std::collections::BTreeSet;

use serde::Serialize;

use super::{Account, Estate, GroupRecord, Host, Link, RoleDefinition, SiteRecord, Source, Window, segment};

/// A page of a paged collection.
#[derive(Serialize)]
pub(super) struct Page<T> {
    pub(super) resources: Vec<T>,
    #[serde(rename = "page")]
    pub(super) window: Window,
    pub(super) links: Vec<Link>,
}

/// A collection without pages: objects, ids or names.
#[derive(Serialize)]
pub(super) struct Collection<T> {
    pub(super) resources: Vec<T>,
    pub(super) links: Vec<Link>,
}

/// What a write answers, and the reads that have nothing to say.
#[derive(Serialize)]
pub(super) struct Links {
    pub(super) links: Vec<Link>,
}

/// The id of something new.
#[derive(Serialize)]
pub(super) struct Created {
    pub(super) id: i64,
    pub(super) links: Vec<Link>,
}

/// The seed of an account, if it has one.
#[derive(Serialize)]
pub(super) struct Token {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) key: Option<String>,
    pub(super) links: Vec<Link>,
}

/// A user.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct UserBody<'a> {
    id: i64,
    login: &'a str,
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<&'a str>,
    enabled: bool,
    locked: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    authentication: Option<SourceBody<'a>>,
    role: UserRoleBody<'a>,
    locale: Locale,
    /// In no description; a client has to live with fields it does not know.
    preferences_version: u8,
    links: Vec<Link>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct UserRoleBody<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    privileges: Option<&'a BTreeSet<String>>,
    all_sites: bool,
    all_asset_groups: bool,
    superuser: bool,
}

#[derive(Serialize)]
struct Locale {
    default: &'static str,
    reports: &'static str,
}

impl<'a> UserBody<'a> {
    /// A user as `/users` and `/users/{id}` show it.
    pub(super) fn whole(estate: &'a Estate, id: i64, account: &'a Account, host: &Host) -> Self {
        let role = estate.roles.get(&account.role);
        let own = format!("/users/{id}");
        Self {
            id,
            login: &account.login,
            name: &account.name,
            email: account.email.as_deref(),
            enabled: account.enabled,
            locked: account.locked,
            authentication: estate
                .sources
                .get(&account.source)
                .map(|source| SourceBody::new(account.source, source, host)),
            role: UserRoleBody {
                id: Some(&account.role),
                name: role.map(|role| role.name.as_str()),
                privileges: estate.privileges_of(account).filter(|privileges| !privileges.is_empty()),
                all_sites: account.all_sites,
                all_asset_groups: account.all_asset_groups,
                superuser: account.superuser,
            },
            locale: Locale { default: "en-US", reports: "en-US" },
            preferences_version: 2,
            links: vec![
                host.link("self", &own),
                host.link("Authentication Source", format!("/authentication_sources/{}", account.source)),
                host.link("Asset Groups", format!("{own}/asset_groups")),
                host.link("Sites", format!("{own}/sites")),
                host.link("Privileges", format!("{own}/privileges")),
                host.link("Role", format!("/roles/{}", segment(&account.role))),
            ],
        }
    }

    /// A user as `/sites/{id}/users` shows it: without the role's id and name, its link a bare template.
    pub(super) fn at_site(estate: &'a Estate, id: i64, account: &'a Account, host: &Host) -> Self {
        let mut body = Self::whole(estate, id, account, host);
        (body.role.id, body.role.name) = (None, None);
        body.links.pop();
        body.links.push(host.link("Role", "/roles/{id}"));
        body
    }
}

/// An authentication source.
#[derive(Serialize)]
pub(super) struct SourceBody<'a> {
    id: i64,
    name: &'a str,
    r#type: &'a str,
    external: bool,
    links: Vec<Link>,
}

impl<'a> SourceBody<'a> {
    pub(super) fn new(id: i64, source: &'a Source, host: &Host) -> Self {
        let own = format!("/authentication_sources/{id}");
        Self {
            id,
            name: &source.name,
            r#type: &source.kind,
            external: source.external,
            links: vec![
                host.link("self", &own),
                host.link("Authentication Source Users", format!("{own}/users")),
            ],
        }
    }
}

/// A role; a role without privileges lacks the key.
#[derive(Serialize)]
pub(super) struct RoleBody<'a> {
    id: &'a str,
    name: &'a str,
    description: &'a str,
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    privileges: &'a BTreeSet<String>,
    links: Vec<Link>,
}

impl<'a> RoleBody<'a> {
    pub(super) fn new(id: &'a str, role: &'a RoleDefinition, host: &Host) -> Self {
        let own = format!("/roles/{}", segment(id));
        Self {
            id,
            name: &role.name,
            description: &role.description,
            privileges: &role.privileges,
            links: vec![host.link("self", &own), host.link("Users", format!("{own}/users"))],
        }
    }
}

/// How many vulnerabilities; derived from the number of assets, so that it stays the same.
#[derive(Serialize)]
struct Vulnerabilities {
    critical: i64,
    severe: i64,
    moderate: i64,
    total: i64,
}

impl Vulnerabilities {
    fn among(assets: i64) -> Self {
        let (critical, severe, moderate) = (assets / 3, assets * 4, assets * 2);
        Self { critical, severe, moderate, total: critical + severe + moderate }
    }
}

/// A site.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct SiteBody<'a> {
    id: i64,
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    r#type: &'a str,
    importance: &'a str,
    assets: i64,
    risk_score: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_scan_time: Option<&'a str>,
    scan_engine: i64,
    scan_template: &'static str,
    vulnerabilities: Vulnerabilities,
    links: Vec<Link>,
}

impl<'a> SiteBody<'a> {
    pub(super) fn new(id: i64, site: &'a SiteRecord, host: &Host) -> Self {
        let own = format!("/sites/{id}");
        Self {
            id,
            name: &site.name,
            description: site.description.as_deref(),
            r#type: &site.kind,
            importance: &site.importance,
            assets: site.assets,
            risk_score: site.risk_score,
            last_scan_time: site.last_scan.as_deref(),
            scan_engine: 3,
            scan_template: "full-audit-without-web-spider",
            vulnerabilities: Vulnerabilities::among(site.assets),
            links: vec![host.link("self", &own), host.link("Users", format!("{own}/users"))],
        }
    }
}

/// An asset group.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct GroupBody<'a> {
    id: i64,
    name: &'a str,
    r#type: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    assets: i64,
    risk_score: f64,
    vulnerabilities: Vulnerabilities,
    #[serde(skip_serializing_if = "Option::is_none")]
    search_criteria: Option<SearchCriteria>,
    links: Vec<Link>,
}

/// How a dynamic group is filled; the value is a bare string, whatever the description says.
#[derive(Serialize)]
struct SearchCriteria {
    r#match: &'static str,
    filters: [Filter; 1],
}

#[derive(Serialize)]
struct Filter {
    field: &'static str,
    operator: &'static str,
    value: &'static str,
}

impl<'a> GroupBody<'a> {
    pub(super) fn new(id: i64, group: &'a GroupRecord, host: &Host) -> Self {
        let own = format!("/asset_groups/{id}");
        let criteria = SearchCriteria {
            r#match: "all",
            filters: [Filter { field: "operating-system", operator: "contains", value: "Windows Server" }],
        };
        Self {
            id,
            name: &group.name,
            r#type: &group.kind,
            description: group.description.as_deref(),
            assets: group.assets,
            risk_score: group.risk_score,
            vulnerabilities: Vulnerabilities::among(group.assets),
            search_criteria: (group.kind == "dynamic").then_some(criteria),
            links: vec![host.link("self", &own), host.link("Users", format!("{own}/users"))],
        }
    }
}
