//! Reads of what people did: exceptions, overrides, scans, reports. Only a Global Administrator sees them here.

use std::collections::BTreeMap;

use axum::extract::State;
use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Value, json};

use super::{
    ActRecord, Caller, Console, ConsoleState, ExceptionRecord, Host, OverrideRecord, Page, Paging, Refusal,
    Reply, ReportRecord, ScanRecord, pretty,
};

pub(super) async fn vulnerability_exceptions(
    State(console): State<Console>,
    caller: Caller,
    host: Host,
    paging: Paging,
) -> Reply {
    console.read(|state| {
        may_read(state, &caller, "vulnerability_exceptions")?;
        let swapped = state.estate.quirks.review_fields_swapped;
        let exceptions = &state.estate.exceptions;
        let ids = paging.sorted_by("id", exceptions, |(id, _)| *id);
        page(&paging, &host, "/vulnerability_exceptions", exceptions, &ids, |id, exception| {
            exception_body(id, exception, swapped, &host)
        })
    })
}

pub(super) async fn policy_overrides(
    State(console): State<Console>,
    caller: Caller,
    host: Host,
    paging: Paging,
) -> Reply {
    console.read(|state| {
        may_read(state, &caller, "policy_overrides")?;
        let swapped = state.estate.quirks.review_fields_swapped;
        let overrides = &state.estate.overrides;
        let ids = paging.sorted_by("id", overrides, |(id, _)| *id);
        page(&paging, &host, "/policy_overrides", overrides, &ids, |id, policy| {
            override_body(id, policy, swapped, &host)
        })
    })
}

pub(super) async fn scans(
    State(console): State<Console>,
    caller: Caller,
    host: Host,
    paging: Paging,
) -> Reply {
    console.read(|state| {
        may_read(state, &caller, "scans")?;
        let scans = &state.estate.scans;
        let ids = if state.estate.quirks.scans_by_id {
            scans.keys().copied().collect()
        } else {
            paging.sorted_by("startTime", scans, |(_, scan)| scan.started)
        };
        page(&paging, &host, "/scans", scans, &ids, |id, scan| {
            let site = state.estate.sites.get(&scan.site).map(|site| site.name.as_str());
            scan_body(id, scan, site, &host)
        })
    })
}

pub(super) async fn reports(
    State(console): State<Console>,
    caller: Caller,
    host: Host,
    paging: Paging,
) -> Reply {
    console.read(|state| {
        may_read(state, &caller, "reports")?;
        let reports = &state.estate.reports;
        let ids = paging.sorted_by("name", reports, |(_, report)| report.name.as_str());
        page(&paging, &host, "/reports", reports, &ids, |id, report| report_body(id, report, &host))
    })
}

/// Refuses whoever is no Global Administrator, and everybody where the console lacks the list.
fn may_read(state: &ConsoleState, caller: &Caller, list: &str) -> Result<(), Refusal> {
    caller.administers()?;
    match state.estate.quirks.lists_refused.get(list) {
        Some(status) => Err(Refusal::of(*status)),
        None => Ok(()),
    }
}

fn page<T>(
    paging: &Paging,
    host: &Host,
    path: &str,
    records: &BTreeMap<i64, T>,
    ids: &[i64],
    body: impl Fn(i64, &T) -> Value,
) -> Reply {
    let window = paging.window(ids.len())?;
    let rows = window.of(ids, 0).iter().filter_map(|id| Some(body(*id, records.get(id)?)));
    pretty(&Page { resources: rows.collect(), window, links: paging.links(&window, host, path) })
}

fn exception_body(id: i64, exception: &ExceptionRecord, swapped: bool, host: &Host) -> Value {
    let own = format!("/vulnerability_exceptions/{id}");
    let mut submit = act(&exception.submitted, false, host);
    submit["reason"] = json!(exception.reason);
    without_absent(json!({
        "id": id,
        "state": exception.state,
        "scope": { "type": exception.scope, "vulnerability": exception.vulnerability },
        "submit": submit,
        "review": exception.reviewed.as_ref().map(|review| act(review, swapped, host)),
        "expires": exception.expires.map(time),
        "links": [host.link("self", &own), host.link("Vulnerability Exception Expiration", format!("{own}/expires"))],
    }))
}

fn override_body(id: i64, policy: &OverrideRecord, swapped: bool, host: &Host) -> Value {
    let own = format!("/policy_overrides/{id}");
    without_absent(json!({
        "id": id,
        "state": policy.state,
        "scope": { "type": policy.scope, "rule": policy.rule, "newResult": "pass" },
        "submit": act(&policy.submitted, false, host),
        "review": policy.reviewed.as_ref().map(|review| act(review, swapped, host)),
        "expires": policy.expires.map(time),
        "links": [host.link("self", &own), host.link("Policy Override Expiration", format!("{own}/expires"))],
    }))
}

/// The description has the login under `user` and the id under `name` for a review: consoles may do either.
fn act(record: &ActRecord, swapped: bool, host: &Host) -> Value {
    let (id, login) = (json!(record.user), json!(record.login));
    let (user, name) = if swapped { (login, json!(record.user.to_string())) } else { (id, login) };
    json!({
        "user": user,
        "name": name,
        "date": time(record.at),
        "comment": record.comment,
        "links": [host.link("User", format!("/users/{}", record.user))],
    })
}

fn scan_body(id: i64, scan: &ScanRecord, site: Option<&str>, host: &Host) -> Value {
    without_absent(json!({
        "id": id,
        "scanName": scan.name,
        "scanType": scan.kind,
        "siteId": scan.site,
        "siteName": site,
        "startedBy": scan.started_by,
        "startTime": time(scan.started),
        "endTime": time(scan.started + chrono::TimeDelta::minutes(42)),
        "duration": "PT42M",
        "status": "finished",
        "engineId": 3,
        "engineName": "Local scan engine",
        "assets": 64,
        "vulnerabilities": { "critical": 3, "severe": 20, "moderate": 11, "total": 34 },
        "links": [host.link("self", format!("/scans/{id}")), host.link("Site", format!("/sites/{}", scan.site))],
    }))
}

fn report_body(id: i64, report: &ReportRecord, host: &Host) -> Value {
    let own = format!("/reports/{id}");
    let additional = if report.recipients.is_empty() { "none" } else { "zip" };
    let recipients = (!report.recipients.is_empty()).then_some(&report.recipients);
    without_absent(json!({
        "id": id,
        "name": report.name,
        "owner": report.owner,
        "users": (!report.users.is_empty()).then_some(&report.users),
        "format": "pdf",
        "template": report.template,
        "language": "en-US",
        "timezone": "Europe/Berlin",
        // A word and a key that no description knows: a client broke on such a thing.
        "scope": { "sites": [1], "assetsInOnlyMostRecentScanOfSite": true },
        "email": without_absent(json!({
            "owner": "file",
            "access": "file-or-url",
            "additional": additional,
            "additionalRecipients": recipients,
            "assetAccess": false,
            "smtp": { "global": true },
        })),
        "links": [
            host.link("self", &own),
            host.link("History", format!("{own}/history")),
            host.link("Owner", format!("/users/{}", report.owner)),
        ],
    }))
}

/// The console leaves a key out where there is no value (`console-api.md` §5).
fn without_absent(mut body: Value) -> Value {
    if let Some(fields) = body.as_object_mut() {
        fields.retain(|_, value| !value.is_null());
    }
    body
}

fn time(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Millis, true)
}
