//! Somebody answers for a review, and what comes later is held against it.

use std::fs;

use recert::simulator::{Faults, Options};
use reqwest::Method;
use serde_json::{Value, json};

use crate::commands::{fails, prints};
use crate::service::Machine;

/// Reviews and delivers, and gives the report that arrived.
async fn review(machine: &Machine) -> Value {
    prints(machine, &["review", "--job", "weekly", "--deliver"]).await;
    let newest = runs(machine).await[0]["id"].as_str().unwrap().to_owned();
    let report = fs::read(machine.path("reports").join(newest).join("report.json")).unwrap();
    serde_json::from_slice(&report).unwrap()
}

/// What `recert history --json` lists, the newest first.
async fn runs(machine: &Machine) -> Vec<Value> {
    serde_json::from_str(&prints(machine, &["history", "--json"]).await).unwrap()
}

/// The verdict on a rule, and whom it finds.
fn judged(report: &Value, rule: &str) -> (String, Vec<String>) {
    let rules = report["rules"].as_array().unwrap();
    let verdict = rules.iter().find(|row| row["id"] == rule).unwrap()["verdict"].as_str().unwrap();
    let findings = report["findings"].as_array().unwrap().iter().filter(|finding| finding["rule"] == rule);
    (
        verdict.to_owned(),
        findings.map(|finding| finding["subject_name"].as_str().unwrap().to_owned()).collect(),
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn a_difference_is_what_the_later_report_says() {
    let machine = Machine::new().await;
    review(&machine).await;
    let first = runs(&machine).await[0]["id"].as_str().unwrap().to_owned();
    prints(&machine, &["sign-off", &first, "--by", "Maria Boss"]).await;
    let administrator = json!({
        "login": "late.admin", "name": "Late Admin", "password": "Correct-Horse-9",
        "role": { "id": "global-admin", "superuser": true }
    });
    machine.writes(Method::POST, "/users", &administrator).await;
    let report = review(&machine).await;
    let changes = report["changes"].as_array().unwrap();
    assert!(changes.iter().any(|change| change["change"] == "new"), "{report}");
    let diff = async || -> Value {
        serde_json::from_str(&prints(&machine, &["diff", &first, "--json"]).await).unwrap()
    };
    let told = diff().await;
    assert_eq!((&told["changes"], &told["comparison"]), (&report["changes"], &report["comparison"]));
    // Knobs of today say nothing of what was judged then.
    let mut text = fs::read_to_string(machine.path("config.toml")).unwrap();
    text.push_str(
        "\n[analyzers.new_privileged_account]\nenabled = false\n[analyzers.global_admin_count]\nmin = 0\nmax = 1\n",
    );
    fs::write(machine.path("config.toml"), text).unwrap();
    assert_eq!(diff().await, told);
}

#[tokio::test(flavor = "multi_thread")]
async fn later_power_is_held_against_the_review_that_was_signed_off() {
    let machine = Machine::new().await;
    assert_eq!(judged(&review(&machine).await, "new_privileged_account").0, "unknown", "nothing came before");
    let signed = runs(&machine).await[0]["id"].as_str().unwrap().to_owned();
    let said = prints(&machine, &["sign-off", &signed[..6], "--by", " Maria Boss ", "--note", "seen"]).await;
    assert!(said.contains(&signed) && said.contains("Maria Boss."), "{said}");
    assert_eq!(judged(&review(&machine).await, "review_overdue").0, "pass");

    let administrator = json!({
        "login": "late.admin", "name": "Late Admin", "password": "Correct-Horse-9",
        "role": { "id": "global-admin", "superuser": true }
    });
    machine.writes(Method::POST, "/users", &administrator).await;
    let new = ("fail".to_owned(), vec!["late.admin".to_owned()]);
    assert_eq!(judged(&review(&machine).await, "new_privileged_account"), new);
    assert_eq!(
        judged(&review(&machine).await, "new_privileged_account"),
        new,
        "new until somebody answers for it, though the run before had it"
    );
    let accepted = runs(&machine).await[0]["id"].as_str().unwrap().to_owned();
    prints(&machine, &["sign-off", &accepted, "--by", "Ivo Auditor"]).await;
    assert_eq!(judged(&review(&machine).await, "new_privileged_account").0, "pass");

    let by: Vec<_> = runs(&machine).await.iter().map(|run| run["signed_off"]["by"].clone()).collect();
    assert_eq!(by, [Value::Null, json!("Ivo Auditor"), Value::Null, Value::Null, json!("Maria Boss")]);
    let table = prints(&machine, &["history"]).await;
    assert!(table.contains("Signed off") && table.contains("Maria Boss, 2"), "{table}");

    let again = fails(&machine, &["sign-off", &signed, "--by", "Somebody Else"], 2).await;
    assert!(again.contains("was signed off before, by Maria Boss on 2"), "{again}");
    let unknown = fails(&machine, &["sign-off", "no-such-run", "--by", "Maria Boss"], 2).await;
    assert!(unknown.contains("no-such-run") && unknown.contains("recert history"), "{unknown}");
    for nobody in [" ", "Maria\nBoss"] {
        let said = fails(&machine, &["sign-off", &signed, "--by", nobody], 2).await;
        assert!(said.contains("--by needs a name"), "{said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_incomplete_review_is_signed_off_only_by_who_accepts_its_gaps() {
    let faults = Faults { broken: vec!["/api/3/sites".to_owned()], ..Faults::default() };
    let machine = Machine::with(Options { faults, log: false, ..Options::default() }).await;
    machine.run(&["review", "--job", "weekly", "--deliver"]).await;
    let run = runs(&machine).await[0].clone();
    let id = run["id"].as_str().unwrap();
    assert_eq!((&run["verdict"], run["gaps"].as_u64() > Some(0)), (&json!("incomplete"), true), "{run}");
    let said = fails(&machine, &["sign-off", id, "--by", "Maria Boss"], 2).await;
    assert!(said.contains("INCOMPLETE") && said.contains("--accept-gaps"), "{said}");
    assert_eq!(runs(&machine).await[0]["signed_off"], Value::Null);
    prints(&machine, &["sign-off", id, "--by", "Maria Boss", "--accept-gaps"]).await;
    assert_eq!(runs(&machine).await[0]["signed_off"]["by"], "Maria Boss");
}
