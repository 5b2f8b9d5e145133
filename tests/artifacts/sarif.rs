//! `report.sarif`: valid by the published schema, and what a console wrote is no link in it.

use std::collections::BTreeSet;

use jsonschema::Validator;
use recert::analyze::Policy;
use recert::history::History;
use recert::render::{Format, Templates, artifacts};
use recert::report::Redaction;
use recert::review::{self, Occasion};
use serde_json::Value;

use super::demo;
use super::review::HOSTILE;

fn validator() -> Validator {
    let mut schema: Value = serde_json::from_str(include_str!("schemas/sarif-2.1.0.json")).unwrap();
    // Its pattern of a language, which no log of ours names, is no regular expression by its own meta-schema.
    for part in ["run", "toolComponent"] {
        let language = schema.pointer_mut(&format!("/definitions/{part}/properties/language")).unwrap();
        assert!(language.as_object_mut().unwrap().remove("pattern").is_some());
    }
    jsonschema::draft7::new(&schema).unwrap()
}

fn hostile() -> Value {
    serde_json::from_str(HOSTILE.text("report.sarif")).unwrap()
}

fn demo() -> Value {
    serde_json::from_slice(&std::fs::read(demo::file("report.sarif")).unwrap()).unwrap()
}

/// A redacted copy of the hostile review.
fn copy() -> Value {
    let snapshots = vec![HOSTILE.snapshot.clone()];
    let report = review::report(snapshots, &Policy::default(), Occasion::default(), &History::default());
    let report = report.redacted(&BTreeSet::from([Redaction::Email, Redaction::Name]));
    let (templates, mut bytes) = (Templates::builtin(), Vec::new());
    artifacts(&report, &templates, &[Format::Sarif])[0].render(&mut bytes).unwrap();
    serde_json::from_slice(&bytes).unwrap()
}

/// What a reader of messages shows, and where it makes a link.
fn read(message: &str) -> (String, bool) {
    let (mut shown, mut linked) = (String::new(), false);
    let mut characters = message.chars();
    while let Some(c) = characters.next() {
        match c {
            '\\' => shown.extend(characters.next()),
            '{' | '}' => {
                assert_eq!(characters.next(), Some(c), "a placeholder in {message:.200}");
                shown.push(c);
            }
            '[' | ']' => linked = true,
            _ => shown.push(c),
        }
    }
    (shown, linked)
}

#[test]
fn it_meets_the_published_schema() {
    let validator = validator();
    assert_eq!(copy()["runs"][0]["redactionTokens"], serde_json::json!(["redacted-"]));
    for log in [hostile(), demo(), copy()] {
        let errors: Vec<String> = validator
            .iter_errors(&log)
            .map(|error| format!("{}: {error:.200}", error.instance_path()))
            .collect();
        assert_eq!(errors, Vec::<String>::new());
        for planted in
            ["/runs/0", "/runs/0/results/0", "/runs/0/tool/driver/rules/0", "/runs/0/invocations/0"]
        {
            let mut wrong = log.clone();
            wrong.pointer_mut(planted).unwrap()["planted"] = true.into();
            assert!(!validator.is_valid(&wrong), "a planted key passes at {planted}");
        }
        for missing in ["/runs/0/tool/driver/name", "/runs/0/results/0/message", "/version"] {
            let (parent, key) = missing.rsplit_once('/').unwrap();
            let mut wrong = log.clone();
            wrong.pointer_mut(parent).unwrap().as_object_mut().unwrap().remove(key);
            assert!(!validator.is_valid(&wrong), "{missing} may be missing");
        }
    }
}

#[test]
fn a_result_is_a_finding_and_its_message_is_text() {
    let (log, report) = (hostile(), HOSTILE.document());
    let (results, findings) =
        (log["runs"][0]["results"].as_array().unwrap(), report["findings"].as_array().unwrap());
    let rules = log["runs"][0]["tool"]["driver"]["rules"].as_array().unwrap();
    assert_eq!(results.len(), findings.len());
    for (result, finding) in results.iter().zip(findings) {
        let message = result["message"]["text"].as_str().unwrap();
        assert_eq!(read(message), (finding["summary"].as_str().unwrap().to_owned(), false));
        assert_eq!(result["partialFingerprints"]["recert/v1"], finding["id"]);
        let rule = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
        assert_eq!((&rules[rule]["id"], &result["ruleId"]), (&finding["rule"], &finding["rule"]));
        let place = &result["locations"][0]["logicalLocations"][0];
        assert_eq!(place["name"], finding["subject_name"]);
    }
}

#[test]
fn waived_findings_are_suppressed_with_their_reason() {
    let log = demo();
    let results = log["runs"][0]["results"].as_array().unwrap();
    let waived: Vec<_> = results.iter().filter(|result| result["properties"]["state"] == "waived").collect();
    assert!(!waived.is_empty());
    for result in &waived {
        let suppression = &result["suppressions"][0];
        assert_eq!((&suppression["kind"], &suppression["status"]), (&"external".into(), &"accepted".into()));
        assert!(suppression["justification"].as_str().unwrap().contains("approved by"));
        assert!(suppression["properties"]["expires"].is_string());
    }
    // Where one result has the property, all have it.
    let none = results.iter().filter(|result| result["suppressions"].as_array().unwrap().is_empty());
    assert_eq!(none.count() + waived.len(), results.len());
    assert_eq!(log["runs"][0]["invocations"][0]["executionSuccessful"], true);
}
