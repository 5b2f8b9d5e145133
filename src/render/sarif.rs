//! `report.sarif`: a SARIF 2.1.0 log for tools that collect results of analyses.
//!
//! Nothing here lies in a file of source code, so that a result names a logical location: console, kind and id of its
//! subject. A message is text of our own form (see [`literal`]): what a console wrote is neither link nor placeholder.

use std::collections::HashMap;
use std::io::{self, BufWriter, Write};

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Serialize, Serializer};
use serde_json::{Value, json};

use super::{coverage_words, gaps_by_part};
use crate::finding::{Severity, Verdict};
use crate::model::PartState;
use crate::report::{Completeness, FindingRow, PSEUDONYM, Report, RuleRow};

pub(super) fn report(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let mut out = BufWriter::new(out);
    serde_json::to_writer(&mut out, &Log::of(report))?;
    out.write_all(b"\n")?;
    out.flush()
}

#[derive(Serialize)]
struct Log<'a> {
    #[serde(rename = "$schema")]
    schema: &'static str,
    version: &'static str,
    runs: [Run<'a>; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Run<'a> {
    tool: Value,
    automation_details: Value,
    invocations: [Value; 1],
    /// What a text begins with that stands in the place of another one.
    #[serde(skip_serializing_if = "Option::is_none")]
    redaction_tokens: Option<[&'static str; 1]>,
    results: Results<'a>,
    properties: Value,
}

impl<'a> Log<'a> {
    fn of(report: &'a Report) -> Self {
        let rules = Rules::of(report);
        let tool = json!({ "driver": {
            "name": "recert",
            "version": report.run.version,
            "semanticVersion": report.run.version,
            "rules": rules.descriptors(),
        }});
        let mut properties = json!({
            "verdict": report.run.verdict,
            "configuration": report.run.configuration,
            "consoles": report.consoles.iter().map(|console| json!({
                "name": console.name,
                "uuid": console.uuid,
                "serial": console.serial,
                "version": console.version,
                "verdict": console.verdict,
            })).collect::<Vec<_>>(),
        });
        let is_copy = !report.redacted.is_empty();
        if is_copy {
            properties["redacted"] = json!(report.redacted);
        }
        let run = Run {
            tool,
            automation_details: json!({
                "id": format!("recert/{}/{}", report.run.job.as_deref().unwrap_or("on-demand"), report.run.id),
            }),
            invocations: [invocation(report)],
            redaction_tokens: is_copy.then_some([PSEUDONYM]),
            results: Results { report, rules },
            properties,
        };
        Self {
            schema: "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json",
            version: "2.1.0",
            runs: [run],
        }
    }
}

/// Each rule once, whichever consoles it judged.
struct Rules<'a> {
    rows: Vec<&'a RuleRow>,
    index: HashMap<&'a str, usize>,
}

impl<'a> Rules<'a> {
    fn of(report: &'a Report) -> Self {
        let mut rows: Vec<&RuleRow> = Vec::new();
        let mut index: HashMap<&str, usize> = HashMap::new();
        for rule in &report.rules {
            let at = *index.entry(&rule.id).or_insert(rows.len());
            match rows.get_mut(at) {
                Some(known) if known.severity < rule.severity => *known = rule,
                Some(_) => {}
                None => rows.push(rule),
            }
        }
        Self { rows, index }
    }

    fn descriptors(&self) -> Vec<Value> {
        let descriptor = |rule: &&RuleRow| {
            let help = if rule.api_call.is_empty() {
                rule.click_path.clone().into_owned()
            } else {
                format!("{}\n{}", rule.click_path, rule.api_call)
            };
            json!({
                "id": rule.id,
                "name": rule.code,
                "shortDescription": { "text": literal(&rule.title) },
                "fullDescription": { "text": literal(&rule.why) },
                "help": { "text": literal(&help) },
                "defaultConfiguration": { "level": level(rule.severity) },
                "properties": {
                    "security-severity": score(rule.severity),
                    "severity": rule.severity,
                    "version": rule.version,
                    "tags": rule.controls,
                },
            })
        };
        self.rows.iter().map(descriptor).collect()
    }
}

/// What was asked, when, and what is missing. Where something is, the run counts as failed: its results are not all.
fn invocation(report: &Report) -> Value {
    let mut notifications = Vec::new();
    for (row, gaps) in gaps_by_part(report) {
        let level = match row.state {
            PartState::Incomplete => "error",
            PartState::Undetermined => "warning",
            PartState::Complete | PartState::NotAsked => continue,
        };
        let text = format!("{}: {}", row.console, coverage_words(row, &gaps));
        notifications.push(json!({ "level": level, "message": { "text": literal(&text) } }));
    }
    for rule in report.rules.iter().filter(|rule| rule.verdict == Verdict::Error) {
        let text = format!("{}: {} did not judge", rule.console, rule.id);
        notifications.push(json!({
            "level": "error",
            "message": { "text": literal(&text) },
            "associatedRule": { "id": rule.id },
        }));
    }
    let whole = report.run.verdict == Completeness::Complete
        && report.rules.iter().all(|rule| rule.verdict != Verdict::Error);
    json!({
        "executionSuccessful": whole,
        "startTimeUtc": time(report.run.started),
        "endTimeUtc": time(report.run.finished),
        "toolExecutionNotifications": notifications,
    })
}

/// The results, written one by one.
struct Results<'a> {
    report: &'a Report,
    rules: Rules<'a>,
}

impl Serialize for Results<'_> {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        out.collect_seq(self.report.findings.iter().map(|finding| self.result(finding)))
    }
}

impl Results<'_> {
    fn result(&self, finding: &FindingRow) -> Value {
        let FindingRow { console, subject_kind, subject_id, .. } = finding;
        let mut result = json!({
            "ruleId": finding.rule,
            "kind": "fail",
            "level": level(finding.severity),
            "message": { "text": literal(&finding.summary) },
            "locations": [{ "logicalLocations": [{
                "name": finding.subject_name,
                "fullyQualifiedName": format!("{console}/{}/{subject_id}", subject_kind.as_str()),
                "kind": subject_kind.as_str(),
            }]}],
            "partialFingerprints": { "recert/v1": finding.id },
            "suppressions": suppression(finding).into_iter().collect::<Vec<_>>(),
            "properties": {
                "console": console,
                "severity": finding.severity,
                "security-severity": score(finding.severity),
                "state": finding.state,
                "firstSeen": time(finding.first_seen),
                "change": finding.change,
                "evidence": finding.evidence.iter().map(ToString::to_string).collect::<Vec<_>>(),
                "remediation": finding.remediation,
                "controls": finding.controls,
            },
        });
        if let Some(index) = self.rules.index.get(&*finding.rule) {
            result["ruleIndex"] = json!(index);
        }
        result
    }
}

fn suppression(finding: &FindingRow) -> Option<Value> {
    let waiver = finding.waiver.as_ref()?;
    Some(json!({
        "kind": "external",
        "status": "accepted",
        "justification": waiver,
        "properties": { "expires": finding.waiver_expires.map(time) },
    }))
}

/// Text as a message string that says it: in one, brackets make a link, braces a placeholder, and a backslash escapes.
fn literal(text: &str) -> String {
    let mut literal = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match c {
            '\\' | '[' | ']' => literal.extend(['\\', c]),
            '{' | '}' => literal.extend([c, c]),
            _ => literal.push(c),
        }
    }
    literal
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical | Severity::High => "error",
        Severity::Medium => "warning",
        Severity::Low | Severity::Info => "note",
    }
}

/// What tools that sort by a score from 0 to 10 take for the severity.
fn score(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "9.5",
        Severity::High => "8.0",
        Severity::Medium => "5.5",
        Severity::Low => "2.0",
        Severity::Info => "0.0",
    }
}

fn time(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Millis, true)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(report: &Report) -> Value {
        let mut out = Vec::new();
        super::report(report, &mut out).unwrap();
        serde_json::from_slice(&out).unwrap()
    }

    #[test]
    fn what_was_not_seen_makes_the_run_a_failed_one_and_is_named() {
        let mut report = Report::sample();
        report.run.verdict = Completeness::Incomplete;
        let invocation = &log(&report)["runs"][0]["invocations"][0];
        assert_eq!(invocation["executionSuccessful"], false);
        let notifications = invocation["toolExecutionNotifications"].as_array().unwrap();
        assert_eq!(notifications.len(), 1);
        assert_eq!(notifications[0]["level"], "error");
        let text = "lab: user_sites is incomplete: 0 of 1 seen; /api/3/users/{{id}}/sites 7 unavailable";
        assert_eq!(notifications[0]["message"]["text"], text);
    }

    #[test]
    fn a_rule_that_broke_makes_the_run_a_failed_one() {
        let mut report = Report::sample();
        report.run.verdict = Completeness::Complete;
        report.coverage.clear();
        assert_eq!(log(&report)["runs"][0]["invocations"][0]["executionSuccessful"], true);
        report.rules[0].verdict = Verdict::Error;
        let invocation = &log(&report)["runs"][0]["invocations"][0];
        assert_eq!(invocation["executionSuccessful"], false);
        let rule = &invocation["toolExecutionNotifications"][0]["associatedRule"]["id"];
        assert_eq!(rule, &json!(report.rules[0].id));
    }

    #[test]
    fn text_of_a_console_is_neither_link_nor_placeholder() {
        assert_eq!(
            literal("[click](http://evil.example) {0} \\"),
            r"\[click\](http://evil.example) {{0}} \\"
        );
    }

    #[test]
    fn a_rule_stands_there_once_whichever_consoles_it_judged() {
        let report = Report::sample();
        let log = log(&report);
        let rules = log["runs"][0]["tool"]["driver"]["rules"].as_array().unwrap();
        assert_eq!((rules.len(), report.rules.len()), (2, 4));
        assert_eq!(rules[0]["defaultConfiguration"]["level"], "error");
        assert_eq!(rules[0]["properties"]["tags"], json!(["PCI DSS 4.0.1 8.4.1"]));
    }
}
