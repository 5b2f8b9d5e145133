use super::*;

fn events(report: &Report) -> Vec<Value> {
    let mut out = Vec::new();
    findings(report, &mut out).unwrap();
    let lines = std::str::from_utf8(&out).unwrap().lines();
    lines.map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn of_kind<'a>(events: &'a [Value], kind: &str) -> Vec<&'a Value> {
    events.iter().filter(|event| event["finding_info"]["types"] == json!([kind])).collect()
}

fn activity(event: &Value) -> (Value, Value) {
    (event["activity_name"].clone(), event["type_uid"].clone())
}

#[test]
fn an_event_says_whether_the_finding_is_new_and_whether_all_was_seen() {
    let mut report = Report::sample();
    report.findings[0].change = Some(FindingChange::Persisting);
    report.findings[1].change = Some(FindingChange::New);
    report.consoles[0].verdict = Completeness::Incomplete;
    let events = events(&report);
    let events = of_kind(&events, "finding");
    assert_eq!(activity(events[0]), (json!("Update"), json!(200_302)));
    assert_eq!(activity(events[1]), (json!("Create"), json!(200_301)));
    assert_eq!(events[0]["metadata"]["labels"], json!(["population:incomplete"]));
    assert_eq!(events[0]["unmapped"]["console_complete"], false);
    assert_eq!(events[0]["compliance"]["standards"], json!(["PCI DSS 4.0.1"]));
    assert_eq!(events[0]["compliance"]["requirements"], json!(["PCI DSS 4.0.1 8.4.1"]));
}

#[test]
fn what_somebody_has_seen_before_is_not_created_again() {
    let mut report = Report::sample();
    report.findings.iter_mut().for_each(|finding| finding.change = None);
    report.findings[0].first_seen = report.run.finished;
    report.findings[1].first_seen = report.run.finished - chrono::TimeDelta::milliseconds(1);
    let events = events(&report);
    let said: Vec<_> = of_kind(&events, "finding")[..2].iter().map(|event| activity(event).0).collect();
    assert_eq!(said, ["Create", "Update"]);
}

#[test]
fn what_is_proven_to_be_resolved_is_closed_and_nothing_else() {
    let report = Report::sample();
    let all = events(&report);
    let closed: Vec<_> = all.iter().filter(|event| event["activity_id"] == 3).collect();
    let resolved: Vec<_> = report.changes.iter().filter(|change| change.change == "resolved").collect();
    assert_eq!((closed.len(), resolved.len()), (1, 1));
    let (event, change) = (closed[0], resolved[0]);
    assert_eq!(activity(event), (json!("Close"), json!(200_303)));
    assert_eq!((&event["status_id"], &event["status"]), (&json!(4), &json!("Resolved")));
    assert_eq!(event["finding_info"]["uid"], json!(change.id));
    assert_eq!(event["finding_info"]["title"], "Locked account");
    assert_eq!((&event["severity_id"], &event["compliance"]["status_id"]), (&json!(3), &json!(1)));
    assert_eq!(
        (&event["resources"][0]["uid"], &event["resources"][0]["name"]),
        (&json!("4"), &json!("+zoe"))
    );
    assert_eq!(event["metadata"]["event_code"], "locked_account");
    assert!(!events(&Report::first_sample()).iter().any(|event| event["activity_id"] == 3));
}

#[test]
fn every_console_says_whether_it_was_seen_whole() {
    let report = Report::sample();
    let events = events(&report);
    let said = of_kind(&events, "population");
    let of = |event: &Value| {
        let status = (event["compliance"]["status_id"].clone(), event["status_id"].clone());
        (event["unmapped"]["console"].clone(), status, event["activity_name"].clone())
    };
    assert_eq!(of(said[0]), (json!("hq"), (json!(1), json!(4)), json!("Update")));
    assert_eq!(of(said[1]), (json!("lab"), (json!(2), json!(1)), json!("Update")));
    let details = said[1]["compliance"]["status_details"].as_array().unwrap();
    assert!(details.contains(&json!("users is complete: 1 of 1 seen")), "{details:?}");
    let gap = "user_sites is incomplete: 0 of 1 seen; /api/3/users/{id}/sites 7 unavailable";
    assert!(details.contains(&json!(gap)), "{details:?}");
    let first = self::events(&Report::first_sample());
    assert_eq!(of(of_kind(&first, "population")[0]).2, json!("Create"));
    let uid = |event: &Value| event["finding_info"]["uid"].clone();
    assert_eq!(uid(of_kind(&first, "population")[0]), uid(said[0]), "it is the same in every run");
}

#[test]
fn a_verdict_that_is_not_known_is_told() {
    let mut report = Report::sample();
    let events = events(&report);
    let said = of_kind(&events, "verdict");
    assert_eq!(said.len(), 1);
    assert_eq!((&said[0]["compliance"]["status_id"], &said[0]["severity_id"]), (&json!(0), &json!(1)));
    assert_eq!(
        (&said[0]["metadata"]["event_code"], &said[0]["unmapped"]["console"]),
        (&json!("locked_account"), &json!("lab"))
    );
    report.rules[0].verdict = Verdict::Error;
    assert_eq!(of_kind(&self::events(&report), "verdict").len(), 2);
}

#[test]
fn a_verdict_that_was_not_known_is_closed_when_it_is() {
    let told = |earlier, now| {
        let mut report = Report::sample();
        report.rules.iter_mut().for_each(|rule| (rule.earlier, rule.verdict) = (earlier, now));
        report.rules.truncate(1);
        let events = events(&report);
        let said = of_kind(&events, "verdict");
        said.first().map(|event| {
            let outcome = event["compliance"]["status"].as_str().unwrap().to_owned();
            let activity = event["activity_name"].as_str().unwrap().to_owned();
            (activity, event["status"].as_str().unwrap().to_owned(), outcome)
        })
    };
    let is = |activity: &str, status: &str, outcome: &str| {
        Some((activity.to_owned(), status.to_owned(), outcome.to_owned()))
    };
    let (unknown, pass) = (Some(Verdict::Unknown), Some(Verdict::Pass));
    assert_eq!(told(None, Verdict::Unknown), is("Create", "New", "Unknown"));
    assert_eq!(told(pass, Verdict::Unknown), is("Create", "New", "Unknown"));
    assert_eq!(told(unknown, Verdict::Error), is("Update", "New", "Unknown"));
    assert_eq!(told(unknown, Verdict::Pass), is("Close", "Resolved", "Pass"));
    assert_eq!(told(unknown, Verdict::Waived), is("Close", "Resolved", "Fail"));
    assert_eq!(told(unknown, Verdict::NotApplicable), is("Close", "Resolved", "Unknown"));
    assert_eq!((told(pass, Verdict::Fail), told(None, Verdict::Pass)), (None, None));
}

#[test]
fn a_run_is_one_and_a_copy_says_what_it_leaves_out() {
    let mut report = Report::sample();
    report.redacted = vec![crate::report::Redaction::Email, crate::report::Redaction::Name];
    for event in events(&report) {
        assert_eq!(event["metadata"]["correlation_uid"], json!(report.run.id));
        assert_eq!(event["metadata"]["labels"].as_array().unwrap()[1..], ["redacted:email", "redacted:name"]);
    }
}

#[test]
fn nothing_found_still_says_what_was_looked_at() {
    let mut report = Report::sample();
    report.findings.clear();
    report.changes.clear();
    let events = events(&report);
    assert_eq!(events.len(), of_kind(&events, "population").len() + of_kind(&events, "verdict").len());
    assert_eq!(of_kind(&events, "population").len(), 2);
}
