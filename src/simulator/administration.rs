//! The console about itself: entry point, information, settings, licence and the page for browsers.

use axum::extract::State;
use axum::response::Response;
use serde_json::json;

use super::{Caller, Console, Host, Links, Reply, login_page, pretty};

/// The entry point: links and nothing else.
pub(super) async fn entry(_: Caller, host: Host) -> Reply {
    let rels = [
        "users",
        "roles",
        "privileges",
        "authentication_sources",
        "sites",
        "asset_groups",
        "vulnerability_exceptions",
        "policy_overrides",
        "scans",
        "reports",
    ];
    let links = rels.map(|rel| host.link(rel, format!("/{rel}")));
    pretty(&Links { links: std::iter::once(host.link("self", "")).chain(links).collect() })
}

pub(super) async fn info(State(console): State<Console>, _: Caller, host: Host) -> Reply {
    let (serial, version) = console.read(|state| (state.estate.serial.clone(), state.estate.version.clone()));
    pretty(&json!({
        "distinguishedName": "CN=Rapid7 Security Console, O=Rapid7",
        "fqdn": "nsc.internal.example",
        "host": "nsc",
        "ip": "192.0.2.20",
        "jvm": { "name": "OpenJDK 64-Bit Server VM", "uptime": "P3DT4H12M7.25S" },
        "operatingSystem": "Ubuntu Linux 22.04",
        "serial": serial,
        "superuser": false,
        "user": "nexpose",
        "version": {
            "build": "2026-11-02-09-30",
            "platform": "Linux64",
            "semantic": version,
            "update": { "id": { "productId": 1_000_410, "versionId": 880 } },
        },
        "links": [host.link("self", "/administration/info")],
    }))
}

pub(super) async fn settings(State(console): State<Console>, caller: Caller, host: Host) -> Reply {
    caller.administers()?;
    console.read(|state| {
        let estate = &state.estate;
        pretty(&json!({
            "uuid": estate.uuid,
            "serialNumber": estate.serial,
            "assetLinking": true,
            "authentication": {
                "2fa": estate.two_factor_enabled,
                "loginLockThreshold": estate.login_lock_threshold,
            },
            "insightPlatform": true,
            "web": {
                "maxThreads": 100,
                "minThreads": 10,
                "port": 3780,
                "sessionTimeout": estate.session_timeout,
            },
            "links": [host.link("self", "/administration/settings")],
        }))
    })
}

pub(super) async fn license(caller: Caller, host: Host) -> Reply {
    caller.administers()?;
    pretty(&json!({
        "edition": "InsightVM",
        "status": "Activated",
        "evaluation": false,
        "perpetual": false,
        "expires": "2027-06-30T00:00:00.000Z",
        "features": { "agents": true, "multitenancy": false, "policyManager": true },
        "limits": { "assets": 250_000, "scanEngines": 100, "users": 100_000 },
        "links": [host.link("self", "/administration/license")],
    }))
}

/// What a browser sees without logging in; in maintenance it says so.
pub(super) async fn login(State(console): State<Console>) -> Response {
    login_page(console.read(|state| state.estate.quirks.maintenance))
}
