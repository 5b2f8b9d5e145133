//! The words and the shapes of the schema.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use serde::{Serialize, Serializer};
use serde_json::{Value, json};

use crate::finding::{Control, Framework, Severity};

/// What happened to a finding, in the words of the schema.
pub(super) type Activity = (u32, &'static str);

pub(super) const CREATE: Activity = (1, "Create");
pub(super) const UPDATE: Activity = (2, "Update");
pub(super) const CLOSE: Activity = (3, "Close");

/// Where a finding stands with whoever works on it, in the words of the schema.
pub(super) type Status = (u32, &'static str);

pub(super) const NEW: Status = (1, "New");
pub(super) const SUPPRESSED: Status = (3, "Suppressed");
pub(super) const RESOLVED: Status = (4, "Resolved");

/// What a check came to, in the words of the schema.
pub(super) type Outcome = (u32, &'static str);

pub(super) const UNKNOWN: Outcome = (0, "Unknown");
pub(super) const PASS: Outcome = (1, "Pass");
pub(super) const WARNING: Outcome = (2, "Warning");
pub(super) const FAIL: Outcome = (3, "Fail");

/// What a check came to, and the controls that it was held against.
pub(super) fn compliance(
    rule: &str,
    title: &str,
    severity: Severity,
    (status_id, status): Outcome,
    served: &[Control],
    requirements: &[String],
    details: &[String],
) -> Value {
    let standards: BTreeSet<Framework> = served.iter().map(|control| control.framework).collect();
    let (severity_id, severity) = severity_of(severity);
    json!({
        "control": rule,
        "standards": standards.into_iter().map(Framework::as_str).collect::<Vec<_>>(),
        "requirements": requirements,
        "status": status,
        "status_id": status_id,
        "status_details": details,
        "checks": [{
            "uid": rule,
            "name": title,
            "severity_id": severity_id,
            "severity": severity,
            "status": status,
            "status_id": status_id,
        }],
    })
}

/// A severity as the schema numbers and names it.
pub(super) fn severity_of(severity: Severity) -> (u32, &'static str) {
    match severity {
        Severity::Info => (1, "Informational"),
        Severity::Low => (2, "Low"),
        Severity::Medium => (3, "Medium"),
        Severity::High => (4, "High"),
        Severity::Critical => (5, "Critical"),
    }
}

/// A time of the schema: milliseconds since 1970.
pub(super) struct Millis(pub(super) DateTime<Utc>);

impl Serialize for Millis {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        out.serialize_i64(self.0.timestamp_millis())
    }
}
