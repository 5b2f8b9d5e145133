//! What is wrong in the past of the large console: few records, each of its own account.

use std::collections::BTreeSet;

use chrono::TimeDelta;

use super::{ActRecord, Estate, ExceptionRecord, OverrideRecord, ReportRecord, Workers, login_of};

/// Adds the blemishes behind the clean records. Where an estate is too small to have the person, one is left out.
pub(super) fn blemish_records(estate: &mut Estate) {
    let mut plain = Workers::of(estate).plain.into_iter();
    let submitter = plain.next();
    let first = |wanted: &dyn Fn(&super::Account) -> bool| {
        estate.users.iter().find(|(_, account)| wanted(account)).map(|(id, _)| *id)
    };
    let mut desk = estate.users.iter().filter(|(_, it)| it.role == "exception-desk" && it.enabled);
    let own_cause = [desk.next(), desk.next()].map(|found| found.map(|(id, _)| *id));
    let left = first(&|it| !it.enabled && it.is_global_admin());
    let leaver = first(&|it| !it.enabled && !it.is_global_admin()).or(left);
    let shared = estate.user_by_login("admin");

    // Asked for it and agreed to it.
    if let Some(id) = own_cause[0] {
        add_exception(estate, "msft-cve-2024-38063", id, id, 34);
    }
    if let Some(id) = own_cause[1] {
        add_override(estate, id, 21);
    }
    if let Some(submitter) = submitter {
        // Whoever agreed left the team; may no longer agree; or could be anybody.
        for (approver, vulnerability, days) in [
            (left, "tlsv1_0-enabled", 190),
            (plain.next(), "ssh-weak-kex-algorithms", 140),
            (shared, "cifs-smb-signing-not-required", 55),
        ] {
            if let Some(approver) = approver {
                add_exception(estate, vulnerability, submitter, approver, days);
            }
        }
    }
    // Far from the ids of those who still come.
    let nobody = estate.next_user_id() + 1_000_000;
    add_report(estate, "Quarterly audit 2024", nobody, &[]);
    if let Some(leaver) = leaver {
        add_report(estate, "Weekly server findings", leaver, &[]);
    }
    if let Some(owner) = plain.next() {
        add_report(estate, "Findings for the external auditor", owner, &["audit@partner.example"]);
    }
}

fn act(estate: &Estate, user: i64, days: i64) -> ActRecord {
    let (login, at) = (login_of(estate, user), estate.as_of - TimeDelta::days(days));
    ActRecord { user, login, at, comment: "As agreed.".to_owned() }
}

fn add_exception(estate: &mut Estate, vulnerability: &str, submitter: i64, approver: i64, days: i64) {
    let record = ExceptionRecord {
        vulnerability: vulnerability.to_owned(),
        scope: "Site".to_owned(),
        reason: "Acceptable Risk".to_owned(),
        state: "Approved".to_owned(),
        submitted: act(estate, submitter, days),
        reviewed: Some(act(estate, approver, days - 1)),
        expires: None,
    };
    let id = estate.exceptions.last_key_value().map_or(1, |(id, _)| id + 1);
    estate.exceptions.insert(id, record);
}

fn add_override(estate: &mut Estate, user: i64, days: i64) {
    let record = OverrideRecord {
        rule: 4_711,
        scope: "all-assets".to_owned(),
        state: "approved".to_owned(),
        submitted: act(estate, user, days),
        reviewed: Some(act(estate, user, days - 1)),
        expires: None,
    };
    let id = estate.overrides.last_key_value().map_or(1, |(id, _)| id + 1);
    estate.overrides.insert(id, record);
}

fn add_report(estate: &mut Estate, name: &str, owner: i64, recipients: &[&str]) {
    let record = ReportRecord {
        name: name.to_owned(),
        owner,
        users: BTreeSet::new(),
        recipients: recipients.iter().map(|address| (*address).to_owned()).collect(),
        template: "audit-report".to_owned(),
    };
    let id = estate.reports.last_key_value().map_or(1, |(id, _)| id + 1);
    estate.reports.insert(id, record);
}
