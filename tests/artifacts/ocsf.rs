//! `findings.ocsf.jsonl`: every line is an event that the published schema describes.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use serde_json::Value;

use super::demo;
use super::review::HOSTILE;

/// The class and the objects that an event uses, as OCSF 1.7.0 publishes them.
static SCHEMA: LazyLock<Value> = LazyLock::new(|| {
    serde_json::from_str(include_str!("schemas/ocsf-1.7.0-compliance_finding.json")).unwrap()
});

fn events(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Those of a kind: `population`, `verdict` or `finding`.
fn of_kind(events: &[Value], kind: &str) -> Vec<Value> {
    events.iter().filter(|event| event["finding_info"]["types"][0] == kind).cloned().collect()
}

/// Those that say that a finding stands, not that it is gone.
fn found(events: &[Value]) -> Vec<Value> {
    of_kind(events, "finding").into_iter().filter(|event| event["activity_name"] != "Close").collect()
}

/// Everything that the schema does not allow in an event.
fn mistakes(event: &Value) -> Vec<String> {
    let mut mistakes = Vec::new();
    object(event, &SCHEMA["class"], "", &mut mistakes);
    mistakes
}

fn object(value: &Value, described: &Value, at: &str, mistakes: &mut Vec<String>) {
    let Some(members) = value.as_object() else { return mistakes.push(format!("{at} is no object")) };
    let attributes = described["attributes"].as_object().unwrap();
    for (name, attribute) in attributes {
        match members.get(name) {
            None if attribute["requirement"] == "required" => {
                mistakes.push(format!("{at}/{name} is missing"));
            }
            None => {}
            Some(value) if attribute["array"] == true => match value.as_array() {
                Some(items) => {
                    for item in items {
                        one(item, attribute, &format!("{at}/{name}/0"), mistakes);
                    }
                }
                None => mistakes.push(format!("{at}/{name} is no array")),
            },
            Some(value) => one(value, attribute, &format!("{at}/{name}"), mistakes),
        }
    }
    for name in members.keys().filter(|name| !attributes.contains_key(*name)) {
        mistakes.push(format!("{at}/{name} is not known"));
    }
    let names = described["at_least_one"].as_array();
    if names.is_some_and(|names| !names.iter().any(|name| members.contains_key(name.as_str().unwrap()))) {
        mistakes.push(format!("{at} has none of {names:?}"));
    }
}

fn one(value: &Value, attribute: &Value, at: &str, mistakes: &mut Vec<String>) {
    let fits = match attribute["type"].as_str().unwrap() {
        "string" => value.is_string(),
        "integer" => value.is_i64(),
        "boolean" => value.is_boolean(),
        // Milliseconds since 1970; seconds would be below this.
        "timestamp" => value.as_i64().is_some_and(|time| time > 1_000_000_000_000),
        "json" => true,
        "object" => value.is_object(),
        name => return object(value, &SCHEMA["objects"][name], at, mistakes),
    };
    let known = attribute["enum"].as_array().is_none_or(|values| values.contains(value));
    if !fits || !known {
        mistakes.push(format!("{at} is {value}"));
    }
}

#[test]
fn lines_meet_the_published_schema() {
    let demo = std::fs::read_to_string(demo::file("findings.ocsf.jsonl")).unwrap();
    for text in [HOSTILE.text("findings.ocsf.jsonl"), &demo] {
        let events = events(text);
        assert!(events.len() > 20 && text.ends_with('\n'));
        assert!(!of_kind(&events, "population").is_empty() && !found(&events).is_empty());
        for event in events {
            assert_eq!(mistakes(&event), Vec::<String>::new(), "{event:.2000}");
            assert_eq!(event["metadata"]["version"], SCHEMA["version"]);
            let (class, activity) =
                (event["class_uid"].as_i64().unwrap(), event["activity_id"].as_i64().unwrap());
            assert_eq!(event["type_uid"], class * 100 + activity);
        }
    }
}

#[test]
fn the_schema_refuses_what_is_missing_unknown_or_of_another_type() {
    let event = events(HOSTILE.text("findings.ocsf.jsonl")).remove(0);
    let required = SCHEMA["class"]["attributes"].as_object().unwrap().iter();
    let required: Vec<_> = required.filter(|(_, of)| of["requirement"] == "required").collect();
    assert_eq!(required.len(), 9);
    for (name, _) in required {
        let mut without = event.clone();
        without.as_object_mut().unwrap().remove(name);
        assert_eq!(mistakes(&without), [format!("/{name} is missing")]);
    }
    for (pointer, value) in [
        ("/severity_id", Value::from(7)),
        ("/time", Value::from("2026-11-23")),
        ("/message", Value::Null),
        ("/finding_info", Value::from([1])),
        ("/metadata/product", serde_json::json!({ "version": "1" })),
        ("/resources", Value::from("x")),
    ] {
        let mut wrong = event.clone();
        *wrong.pointer_mut(pointer).unwrap() = value;
        assert_eq!(mistakes(&wrong).len(), 1, "{pointer}");
    }
    let mut planted = event;
    planted["compliance"]["planted"] = true.into();
    assert_eq!(mistakes(&planted), ["/compliance/planted is not known"]);
}

#[test]
fn lines_are_the_findings_and_their_text_is_the_console_s_own() {
    let (text, report) = (HOSTILE.text("findings.ocsf.jsonl"), HOSTILE.document());
    assert!(!text.chars().any(|c| c < ' ' && c != '\n'), "control characters are escaped");
    let (all, findings) = (events(text), report["findings"].as_array().unwrap());
    let mut uids = BTreeSet::new();
    for event in &all {
        assert!(uids.insert(event["metadata"]["uid"].as_str().unwrap()), "an event is told twice");
        assert_eq!(event["metadata"]["correlation_uid"], report["run"]["id"]);
    }
    let events = found(&all);
    assert_eq!(events.len(), findings.len());
    for (event, finding) in events.iter().zip(findings) {
        assert_eq!(event["finding_info"]["uid"], finding["id"]);
        assert_eq!(event["message"], finding["summary"]);
        assert_eq!(event["resources"][0]["name"], finding["subject_name"]);
        assert_eq!(
            event["severity"].as_str().unwrap().to_lowercase().replace("informational", "info"),
            finding["severity"]
        );
    }
}

#[test]
fn what_was_not_proven_and_what_is_gone_are_told_as_well() {
    let demo = std::fs::read_to_string(demo::file("findings.ocsf.jsonl")).unwrap();
    let report: Value = serde_json::from_slice(&std::fs::read(demo::file("report.json")).unwrap()).unwrap();
    let all = events(&demo);
    let list = |name: &str| report[name].as_array().unwrap().iter();
    let populations = of_kind(&all, "population");
    assert_eq!(populations.len(), list("consoles").count());
    for (event, console) in populations.iter().zip(list("consoles")) {
        let complete = console["verdict"] == "complete";
        assert_eq!(event["compliance"]["status_id"], if complete { 1 } else { 2 });
        let details = event["compliance"]["status_details"].as_array().unwrap();
        let parts = list("coverage").filter(|row| row["console"] == console["name"]);
        assert_eq!(details.len(), parts.count());
    }
    let is_closed = |event: &Value| event["activity_id"] == 3;
    let (known, unknown): (Vec<_>, Vec<_>) = of_kind(&all, "verdict").into_iter().partition(is_closed);
    let unproven = |rule: &&Value| rule["verdict"] == "unknown" || rule["verdict"] == "error";
    assert_eq!(unknown.len(), list("rules").filter(unproven).count());
    assert!(unknown.iter().all(|event| event["compliance"]["status_id"] == 0));
    let verdict = |event: &Value| {
        let of = |rule: &&Value| {
            rule["id"] == event["metadata"]["event_code"] && rule["console"] == event["unmapped"]["console"]
        };
        list("rules").find(of).map(|rule| rule["verdict"].as_str().unwrap().to_owned())
    };
    assert!(!known.is_empty(), "the run before lacked an input");
    for event in known {
        assert!(!["unknown", "error"].contains(&&*verdict(&event).unwrap()), "{event}");
        assert_eq!((&event["type_uid"], &event["status_id"]), (&200_303.into(), &4.into()));
    }
    let closed: Vec<_> = of_kind(&all, "finding").into_iter().filter(|event| is_closed(event)).collect();
    let is_resolved = |change: &&Value| change["kind"] == "finding" && change["change"] == "resolved";
    let resolved: Vec<_> = list("changes").filter(is_resolved).collect();
    assert!(!resolved.is_empty() && closed.len() == resolved.len());
    for (event, change) in closed.iter().zip(resolved) {
        assert_eq!((&event["finding_info"]["uid"], &event["message"]), (&change["id"], &change["summary"]));
        assert_eq!((&event["type_uid"], &event["status_id"]), (&200_303.into(), &4.into()));
    }
}

#[test]
fn a_waived_finding_is_suppressed_and_says_by_what() {
    let demo = std::fs::read_to_string(demo::file("findings.ocsf.jsonl")).unwrap();
    let (waived, open): (Vec<_>, Vec<_>) =
        found(&events(&demo)).into_iter().partition(|event| !event["unmapped"]["waiver"].is_null());
    assert!(!waived.is_empty() && !open.is_empty());
    for event in waived {
        assert_eq!((&event["status_id"], &event["status"]), (&3.into(), &"Suppressed".into()));
        let reason = event["unmapped"]["waiver"].as_str().unwrap();
        assert!(event["status_detail"].as_str().unwrap().contains(reason));
        assert_eq!(event["compliance"]["status"], "Fail", "a waiver changes no result");
    }
    assert!(open.iter().all(|event| event["status_id"] == 1));
}
