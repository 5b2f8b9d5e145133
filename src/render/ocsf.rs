//! `findings.ocsf.jsonl`: each finding as one event of the Open Cybersecurity Schema Framework, one JSON object a line.
//!
//! The class is *Compliance Finding* (2003): a check of a resource against controls, with a status. *Detection Finding*
//! speaks of attacks that were seen, and *IAM Analysis Finding* wants figures of use that a console does not have. An
//! event has the time at which the rule judged; when the finding was first seen stands beside it.

use std::collections::HashMap;
use std::io::{self, BufWriter, Write};

use chrono::{DateTime, Utc};
use serde::{Serialize, Serializer};
use serde_json::{Value, json};

use crate::finding::{Framework, Severity};
use crate::report::{Completeness, ConsoleSummary, FindingChange, FindingRow, Report, RuleRow};

/// The version of the schema that the events are written to.
const VERSION: &str = "1.7.0";

const CATEGORY: u32 = 2;
const CLASS: u32 = 2003;

pub(super) fn findings(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let mut out = BufWriter::new(out);
    let rules: HashMap<(&str, &str), &RuleRow> =
        report.rules.iter().map(|rule| ((&*rule.console, &*rule.id), rule)).collect();
    let consoles: HashMap<&str, &ConsoleSummary> =
        report.consoles.iter().map(|console| (&*console.name, console)).collect();
    for finding in &report.findings {
        let rule = rules.get(&(&*finding.console, &*finding.rule)).copied();
        let console = consoles.get(&*finding.console).copied();
        serde_json::to_writer(&mut out, &Event::of(report, console, rule, finding))?;
        out.write_all(b"\n")?;
    }
    out.flush()
}

/// One event; its keys are attributes of the schema.
#[derive(Serialize)]
struct Event<'a> {
    activity_id: u32,
    activity_name: &'static str,
    category_uid: u32,
    category_name: &'static str,
    class_uid: u32,
    class_name: &'static str,
    type_uid: u32,
    type_name: String,
    severity_id: u32,
    severity: &'static str,
    time: Millis,
    message: &'a str,
    status_id: u32,
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    status_detail: Option<String>,
    metadata: Value,
    finding_info: Value,
    compliance: Value,
    remediation: Value,
    resources: Vec<Value>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    evidences: Vec<Value>,
    unmapped: Value,
}

impl<'a> Event<'a> {
    fn of(
        report: &Report,
        console: Option<&ConsoleSummary>,
        rule: Option<&RuleRow>,
        finding: &'a FindingRow,
    ) -> Self {
        let seen = console.map_or(report.run.finished, |console| console.finished);
        let (activity_id, activity_name) = match finding.change {
            None | Some(FindingChange::New | FindingChange::Reopened) => (1, "Create"),
            Some(FindingChange::Persisting) => (2, "Update"),
        };
        let (status_id, status) = if finding.is_open() { (1, "New") } else { (3, "Suppressed") };
        let (severity_id, severity) = severity(finding.severity);
        Self {
            activity_id,
            activity_name,
            category_uid: CATEGORY,
            category_name: "Findings",
            class_uid: CLASS,
            class_name: "Compliance Finding",
            type_uid: CLASS * 100 + activity_id,
            type_name: format!("Compliance Finding: {activity_name}"),
            severity_id,
            severity,
            time: Millis(seen),
            message: &finding.summary,
            status_id,
            status,
            status_detail: finding.waiver.as_ref().map(|waiver| format!("waived: {waiver}")),
            metadata: metadata(report, console, finding),
            finding_info: json!({
                "uid": finding.id,
                "title": finding.title,
                "desc": finding.summary,
                "created_time": Millis(finding.first_seen),
                "first_seen_time": Millis(finding.first_seen),
                "last_seen_time": Millis(seen),
                "analytic": analytic(finding, rule),
            }),
            compliance: compliance(finding, rule),
            remediation: json!({ "desc": finding.remediation }),
            resources: vec![resource(finding, console)],
            evidences: finding
                .evidence
                .iter()
                .map(|evidence| json!({ "name": evidence.label, "data": evidence.value }))
                .collect(),
            unmapped: json!({
                "run": report.run.id,
                "job": report.run.job,
                "console": finding.console,
                "console_complete": console.map(|console| console.verdict == Completeness::Complete),
                "change": finding.change,
                "waiver": finding.waiver,
                "waiver_expires": finding.waiver_expires.map(Millis),
            }),
        }
    }
}

fn metadata(report: &Report, console: Option<&ConsoleSummary>, finding: &FindingRow) -> Value {
    let complete = console.is_some_and(|console| console.verdict == Completeness::Complete);
    json!({
        "version": VERSION,
        "product": { "name": "recert", "vendor_name": "recert", "version": report.run.version },
        // The same run, delivered twice, is the same event.
        "uid": format!("{}-{}", report.run.id, finding.id),
        "correlation_uid": report.run.id,
        "event_code": finding.rule,
        "labels": [if complete { "population:complete" } else { "population:incomplete" }],
    })
}

fn analytic(finding: &FindingRow, rule: Option<&RuleRow>) -> Value {
    let mut analytic = json!({ "uid": finding.rule, "name": finding.title, "type_id": 1, "type": "Rule" });
    if let Some(rule) = rule {
        analytic["category"] = json!(rule.code);
        analytic["desc"] = json!(rule.why);
        analytic["version"] = json!(rule.version.to_string());
    }
    analytic
}

fn compliance(finding: &FindingRow, rule: Option<&RuleRow>) -> Value {
    let mut served: Vec<Framework> =
        rule.iter().flat_map(|rule| rule.controls.iter().map(|control| control.framework)).collect();
    served.sort();
    served.dedup();
    let standards: Vec<&str> = served.into_iter().map(Framework::as_str).collect();
    let mut details = vec!["One subject of the check failed.".to_owned()];
    details.extend(finding.waiver.as_ref().map(|waiver| format!("A waiver covers it: {waiver}")));
    let (severity_id, severity) = severity(finding.severity);
    json!({
        "control": finding.rule,
        "standards": standards,
        "requirements": finding.controls,
        "status": "Fail",
        "status_id": 3,
        "status_details": details,
        "checks": [{
            "uid": finding.rule,
            "name": finding.title,
            "severity_id": severity_id,
            "severity": severity,
            "status": "Fail",
            "status_id": 3,
        }],
    })
}

/// What the finding is about, inside its console.
fn resource(finding: &FindingRow, console: Option<&ConsoleSummary>) -> Value {
    let mut resource = json!({
        "uid": finding.subject_id,
        "name": finding.subject_name,
        "type": finding.subject_kind.as_str(),
        "namespace": finding.console,
        "role_id": 3,
        "role": "Affected",
    });
    if let Some(version) = console.and_then(|console| console.version.as_ref()) {
        resource["data"] = json!({ "console_version": version });
    }
    resource
}

fn severity(severity: Severity) -> (u32, &'static str) {
    match severity {
        Severity::Info => (1, "Informational"),
        Severity::Low => (2, "Low"),
        Severity::Medium => (3, "Medium"),
        Severity::High => (4, "High"),
        Severity::Critical => (5, "Critical"),
    }
}

/// A time of the schema: milliseconds since 1970.
struct Millis(DateTime<Utc>);

impl Serialize for Millis {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        out.serialize_i64(self.0.timestamp_millis())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn events(report: &Report) -> Vec<Value> {
        let mut out = Vec::new();
        findings(report, &mut out).unwrap();
        let lines = std::str::from_utf8(&out).unwrap().lines();
        lines.map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    #[test]
    fn an_event_says_whether_the_finding_is_new_and_whether_all_was_seen() {
        let mut report = Report::sample();
        report.findings[0].change = Some(FindingChange::Persisting);
        report.findings[1].change = None;
        report.consoles[0].verdict = Completeness::Incomplete;
        let events = events(&report);
        let activity = |event: &Value| (event["activity_name"].clone(), event["type_uid"].clone());
        assert_eq!(activity(&events[0]), (json!("Update"), json!(200_302)));
        assert_eq!(activity(&events[1]), (json!("Create"), json!(200_301)));
        assert_eq!(events[0]["metadata"]["labels"], json!(["population:incomplete"]));
        assert_eq!(events[0]["unmapped"]["console_complete"], false);
        assert_eq!(events[0]["compliance"]["standards"], json!(["PCI DSS 4.0.1"]));
        assert_eq!(events[0]["compliance"]["requirements"], json!(["PCI DSS 4.0.1 8.4.1"]));
    }

    #[test]
    fn nothing_found_is_an_empty_file() {
        let mut report = Report::sample();
        report.findings.clear();
        assert_eq!(events(&report), [] as [Value; 0]);
    }
}
