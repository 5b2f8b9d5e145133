//! `findings.ocsf.jsonl`: what a review says, as events of the Open Cybersecurity Schema Framework, one JSON object a line.
//!
//! The class is *Compliance Finding* (2003): a check of a resource against controls, with a status. *Detection Finding*
//! speaks of attacks that were seen, and *IAM Analysis Finding* wants figures of use that a console does not have. An
//! event has the time at which the rule judged; when the finding was first seen stands beside it.
//!
//! `finding_info.types` tells four kinds apart, in this order: the population of each console, whether it was seen whole
//! or not; each verdict that is not known, because silence of its rule proves nothing, or that was not and is, which
//! closes it; each finding; and each finding of the earlier run that is proven to be resolved, which closes it. A file is never empty, so that a review without
//! findings is told from one that did not come.

mod schema;

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap};
use std::io::{self, BufWriter, Write};

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::{Value, json};

use super::{coverage_words, gaps_by_part};
use crate::finding::{Severity, SubjectKind, Verdict, digest};
use crate::report::{
    Change, Completeness, ConsoleSummary, FindingChange, FindingRow, Report, ResolvedFinding, RuleRow,
};

use schema::{
    Activity, CLOSE, CREATE, FAIL, Millis, NEW, Outcome, PASS, RESOLVED, SUPPRESSED, Status, UNKNOWN, UPDATE,
    WARNING, compliance, severity_of,
};

/// The version of the schema that the events are written to.
const VERSION: &str = "1.7.0";

const CATEGORY: u32 = 2;
const CLASS: u32 = 2003;

pub(super) fn findings(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let mut out = BufWriter::new(out);
    let events = Events::of(report);
    let mut write = |event: Event<'_>| {
        serde_json::to_writer(&mut out, &event)?;
        out.write_all(b"\n")
    };
    for console in &report.consoles {
        write(events.population(console))?;
    }
    for rule in &report.rules {
        if is_unknown(rule.verdict) {
            write(events.unknown(rule))?;
        } else if rule.earlier.is_some_and(is_unknown) {
            write(events.known(rule))?;
        }
    }
    for finding in &report.findings {
        write(events.finding(finding))?;
    }
    for change in &report.changes {
        if let Some(finding) = &change.resolved {
            write(events.resolved(change, finding))?;
        }
    }
    out.flush()
}

/// Whether a rule says neither that something is wrong nor that nothing is.
fn is_unknown(verdict: Verdict) -> bool {
    matches!(verdict, Verdict::Unknown | Verdict::Error)
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
    message: Cow<'a, str>,
    status_id: u32,
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    status_detail: Option<String>,
    metadata: Value,
    finding_info: Value,
    compliance: Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    remediation: Option<Value>,
    resources: [Value; 1],
    #[serde(skip_serializing_if = "Vec::is_empty")]
    evidences: Vec<Value>,
    unmapped: Value,
}

/// What the kinds of events differ in.
struct Said<'a, 'm> {
    /// What it is, in `finding_info.types`.
    kind: &'static str,
    /// What tells it apart, the same in every run.
    uid: &'a str,
    /// The rule, or what else judged.
    code: &'a str,
    title: &'a str,
    message: Cow<'m, str>,
    activity: Activity,
    status: Status,
    severity: Severity,
    /// The times of `finding_info` beside the last.
    first_seen: Option<DateTime<Utc>>,
    compliance: Value,
    resource: Value,
}

/// What every event rests on.
struct Events<'a> {
    report: &'a Report,
    rules: HashMap<(&'a str, &'a str), &'a RuleRow>,
    consoles: HashMap<&'a str, &'a ConsoleSummary>,
    /// How much was seen of each part, and what was not, by console.
    coverage: HashMap<&'a str, Vec<String>>,
    /// Consoles that were in the earlier run.
    known: BTreeSet<&'a str>,
    redacted: Vec<String>,
}

impl<'a> Events<'a> {
    fn of(report: &'a Report) -> Self {
        let mut coverage: HashMap<&str, Vec<String>> = HashMap::new();
        for (row, gaps) in gaps_by_part(report) {
            coverage.entry(&row.console).or_default().push(coverage_words(row, &gaps));
        }
        let added = |console: &ConsoleSummary| {
            let of = |change: &Change| change.kind == "console" && *change.console == *console.name;
            report.changes.iter().any(|change| of(change) && change.change == "added")
        };
        let known = report.consoles.iter().filter(|console| report.comparison.is_some() && !added(console));
        Self {
            report,
            rules: report.rules.iter().map(|rule| ((&*rule.console, &*rule.id), rule)).collect(),
            consoles: report.consoles.iter().map(|console| (&*console.name, console)).collect(),
            coverage,
            known: known.map(|console| &*console.name).collect(),
            redacted: report.redacted.iter().map(|what| format!("redacted:{}", what.as_str())).collect(),
        }
    }

    /// Whether a console was seen whole: passed, or a warning that names what was not.
    fn population(&self, console: &'a ConsoleSummary) -> Event<'a> {
        let complete = console.verdict == Completeness::Complete;
        let (outcome, status, severity) =
            if complete { (PASS, RESOLVED, Severity::Info) } else { (WARNING, NEW, Severity::Medium) };
        let title = "Population of the console";
        let seen = if complete { "was seen whole" } else { "was not seen whole: INCOMPLETE" };
        let details = self.coverage.get(&*console.name).map_or(&[][..], Vec::as_slice);
        self.event(
            &console.name,
            Said {
                kind: "population",
                uid: &digest(&[console.key(), "population"]),
                code: "population",
                title,
                message: format!("The population of console {} {seen}", console.name).into(),
                activity: self.stated(&console.name),
                status,
                severity,
                first_seen: None,
                compliance: compliance("population", title, severity, outcome, &[], &[], details),
                resource: self.whole(&console.name),
            },
        )
    }

    /// A rule that found nothing, which proves nothing.
    fn unknown(&self, rule: &'a RuleRow) -> Event<'a> {
        let said = match rule.verdict {
            Verdict::Error => "broke: a bug",
            _ => "found nothing, which proves nothing",
        };
        let activity = if rule.earlier.is_some_and(is_unknown) { UPDATE } else { CREATE };
        let message = format!("The verdict of {} is not known: it {said}", rule.id);
        self.verdict(rule, message, activity, NEW, UNKNOWN)
    }

    /// A rule of which the earlier run had no verdict, and this one has, or does not ask for one any more.
    fn known(&self, rule: &'a RuleRow) -> Event<'a> {
        let outcome = match rule.verdict {
            Verdict::Pass => PASS,
            Verdict::Fail | Verdict::Waived => FAIL,
            _ => UNKNOWN,
        };
        let said = match rule.verdict {
            Verdict::NotApplicable => "not applicable",
            known => known.as_str(),
        };
        let message = format!("The verdict of {} was not known, and is {said} now", rule.id);
        self.verdict(rule, message, CLOSE, RESOLVED, outcome)
    }

    fn verdict(
        &self,
        rule: &'a RuleRow,
        message: String,
        activity: Activity,
        status: Status,
        outcome: Outcome,
    ) -> Event<'a> {
        let key = self.consoles.get(&*rule.console).map_or(&*rule.console, |console| console.key());
        let mut details = vec![format!("{} of {} subjects judged", rule.examined, rule.expected)];
        details.extend(rule.note.clone());
        let controls: Vec<String> = rule.controls.iter().map(ToString::to_string).collect();
        let compliance =
            compliance(&rule.id, &rule.title, rule.severity, outcome, &rule.controls, &controls, &details);
        self.event(
            &rule.console,
            Said {
                kind: "verdict",
                uid: &digest(&[key, "verdict", &rule.id]),
                code: &rule.id,
                title: &rule.title,
                message: message.into(),
                activity,
                status,
                severity: Severity::Info,
                first_seen: None,
                compliance,
                resource: self.whole(&rule.console),
            },
        )
    }

    fn finding(&self, finding: &'a FindingRow) -> Event<'a> {
        let activity = match finding.change {
            Some(FindingChange::Persisting) => UPDATE,
            // Nothing is proven by comparison, but somebody has seen it before.
            None if finding.first_seen < self.report.run.finished => UPDATE,
            None | Some(FindingChange::New | FindingChange::Reopened) => CREATE,
        };
        let served = self.rule(&finding.console, &finding.rule).map_or(&[][..], |rule| &rule.controls);
        let mut details = vec!["One subject of the check failed.".to_owned()];
        details.extend(finding.waiver.as_ref().map(|waiver| format!("A waiver covers it: {waiver}")));
        let (severity, requirements) = (finding.severity, &*finding.controls);
        let mut event = self.event(
            &finding.console,
            Said {
                kind: "finding",
                uid: &finding.id,
                code: &finding.rule,
                title: &finding.title,
                message: (&*finding.summary).into(),
                activity,
                status: if finding.is_open() { NEW } else { SUPPRESSED },
                severity,
                first_seen: Some(finding.first_seen),
                compliance: compliance(
                    &finding.rule,
                    &finding.title,
                    severity,
                    FAIL,
                    served,
                    requirements,
                    &details,
                ),
                resource: self.resource(
                    &finding.console,
                    finding.subject_kind,
                    &finding.subject_id,
                    &finding.subject_name,
                ),
            },
        );
        event.status_detail = finding.waiver.as_ref().map(|waiver| format!("waived: {waiver}"));
        event.remediation = Some(json!({ "desc": finding.remediation }));
        let evidence = finding.evidence.iter();
        event.evidences = evidence.map(|one| json!({ "name": one.label, "data": one.value })).collect();
        event.unmapped["change"] = json!(finding.change);
        event.unmapped["waiver"] = json!(finding.waiver);
        event.unmapped["waiver_expires"] = json!(finding.waiver_expires.map(Millis));
        event
    }

    /// A finding of the earlier run of which this one proves that it is gone.
    fn resolved(&self, change: &'a Change, finding: &'a ResolvedFinding) -> Event<'a> {
        let rule = self.rule(&change.console, &finding.rule);
        let title = rule.map_or(&*finding.rule, |rule| &*rule.title);
        let served = rule.map_or(&[][..], |rule| &rule.controls);
        let requirements: Vec<String> = served.iter().map(ToString::to_string).collect();
        let details = vec!["The subject of the check does not fail any more.".to_owned()];
        let severity = finding.severity;
        let mut event = self.event(
            &change.console,
            Said {
                kind: "finding",
                uid: &change.id,
                code: &finding.rule,
                title,
                message: (&*change.summary).into(),
                activity: CLOSE,
                status: RESOLVED,
                severity,
                first_seen: None,
                compliance: compliance(&finding.rule, title, severity, PASS, served, &requirements, &details),
                resource: self.resource(
                    &change.console,
                    finding.subject_kind,
                    &finding.subject_id,
                    &change.name,
                ),
            },
        );
        event.unmapped["change"] = json!(change.change);
        event
    }

    fn event<'m>(&self, name: &str, said: Said<'_, 'm>) -> Event<'m> {
        let Said { kind, uid, code, title, message, activity, status, severity, .. } = said;
        let Said { first_seen, compliance, resource, .. } = said;
        let (report, console) = (self.report, self.consoles.get(name).copied());
        let complete = console.is_some_and(|console| console.verdict == Completeness::Complete);
        let time = console.map_or(report.run.finished, |console| console.finished);
        let mut info = json!({
            "uid": uid,
            "title": title,
            "desc": message,
            "types": [kind],
            "last_seen_time": Millis(time),
            "analytic": self.analytic(name, code, title),
        });
        // What is closed was not seen.
        if activity == CLOSE {
            info.as_object_mut().and_then(|info| info.remove("last_seen_time"));
            info["modified_time"] = json!(Millis(time));
        }
        if let Some(first) = first_seen {
            info["created_time"] = json!(Millis(first));
            info["first_seen_time"] = json!(Millis(first));
        }
        let mut labels = vec![if complete { "population:complete" } else { "population:incomplete" }];
        labels.extend(self.redacted.iter().map(String::as_str));
        let ((activity_id, activity_name), (status_id, status)) = (activity, status);
        let (severity_id, severity) = severity_of(severity);
        Event {
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
            time: Millis(time),
            message,
            status_id,
            status,
            status_detail: None,
            metadata: json!({
                "version": VERSION,
                "product": { "name": "recert", "vendor_name": "recert", "version": report.run.version },
                // The same run, delivered twice, is the same event.
                "uid": format!("{}-{uid}", report.run.id),
                "correlation_uid": report.run.id,
                "event_code": code,
                "labels": labels,
            }),
            finding_info: info,
            compliance,
            remediation: None,
            resources: [resource],
            evidences: Vec::new(),
            unmapped: json!({
                "run": report.run.id,
                "job": report.run.job,
                "console": name,
                "console_complete": console.map(|console| console.verdict == Completeness::Complete),
            }),
        }
    }

    fn rule(&self, console: &str, id: &str) -> Option<&'a RuleRow> {
        self.rules.get(&(console, id)).copied()
    }

    /// A statement on a console that every run makes: the first time it is created, then it is updated.
    fn stated(&self, console: &str) -> Activity {
        if self.known.contains(console) { UPDATE } else { CREATE }
    }

    fn analytic(&self, console: &str, id: &str, title: &str) -> Value {
        let mut analytic = json!({ "uid": id, "name": title, "type_id": 1, "type": "Rule" });
        if let Some(rule) = self.rule(console, id) {
            analytic["category"] = json!(rule.code);
            analytic["desc"] = json!(rule.why);
            analytic["version"] = json!(rule.version.to_string());
        }
        analytic
    }

    /// A console as the subject of what is said of it whole.
    fn whole(&self, name: &str) -> Value {
        let key = self.consoles.get(name).map_or(name, |console| console.key());
        self.resource(name, SubjectKind::Console, key, name)
    }

    /// What an event is about, inside its console.
    fn resource(&self, console: &str, kind: SubjectKind, id: &str, name: &str) -> Value {
        let mut resource = json!({
            "uid": id,
            "name": name,
            "type": kind.as_str(),
            "namespace": console,
            "role_id": 3,
            "role": "Affected",
        });
        if let Some(version) = self.consoles.get(console).and_then(|console| console.version.as_ref()) {
            resource["data"] = json!({ "console_version": version });
        }
        resource
    }
}

#[cfg(test)]
mod tests;
