//! What a review makes of waivers, through the binary, from a saved snapshot.

use super::bench::{Bench, day, rows};

fn waiver(rule: &str, subject: &str, last_day: i64) -> String {
    format!(
        "[[waiver]]\nrule = \"{rule}\"\nsubject = \"{subject}\"\nreason = \"agreed\"\napproved_by = \"Maria Boss\"\nexpires = \"{}\"\n\n",
        day(last_day)
    )
}

#[test]
fn a_waived_finding_stays_with_its_severity_and_its_rule_says_what_it_was() {
    let bench = Bench::new("");
    let (_, _, plain) = bench.review("plain", &[]);
    let found = rows(&plain, "findings", "rule", "locked_account");
    assert!(found.len() >= 2 && rows(&plain, "rules", "id", "locked_account")[0]["verdict"] == "fail");
    bench.configure(&waiver("LIFE-05", "*", 0));
    let (_, shown, waived) = bench.review("waived", &[]);
    let there = rows(&waived, "findings", "rule", "locked_account");
    assert_eq!(there.len(), found.len(), "nothing is hidden");
    for (before, now) in found.iter().zip(&there) {
        for key in ["id", "severity", "summary", "subject_name", "evidence"] {
            assert_eq!(before[key], now[key]);
        }
        assert_eq!(
            (&now["state"], &now["waiver"]),
            (&"waived".into(), &"agreed; approved by Maria Boss".into())
        );
        assert_eq!(now["waiver_expires"], format!("{}T23:59:59Z", day(0)));
    }
    let rule = rows(&waived, "rules", "id", "locked_account")[0];
    assert_eq!((&rule["verdict"], &rule["original_verdict"]), (&"waived".into(), &"fail".into()));
    assert_eq!((&rule["findings"], &rule["open"]), (&found.len().into(), &0.into()));
    let row = &waived["waivers"][0];
    assert_eq!(
        (&row["state"], &row["days_left"], &row["findings"]),
        (&"active".into(), &0.into(), &found.len().into())
    );
    assert!(shown.contains(&format!("; {} waived", found.len())), "{shown}");
    assert!(shown.contains("Waivers: 1 ends within 7 days"), "{shown}");
    let total = |report: &serde_json::Value| {
        report["users"].as_array().unwrap().iter().map(|user| user["findings"].as_u64().unwrap()).sum::<u64>()
    };
    assert!(total(&waived) < total(&plain), "users count open findings");
}

#[test]
fn one_that_has_expired_covers_nothing_and_one_that_covers_nothing_is_listed() {
    let bench = Bench::new(&format!(
        "{}{}{}",
        waiver("locked_account", "*", -1),
        waiver("duplicate_identity", "nobody at all", 200),
        waiver("email_missing_or_invalid", "*", 20).replace("reason", "console = \"prod-*\"\nreason"),
    ));
    let (_, shown, report) = bench.review("out", &[]);
    assert!(rows(&report, "findings", "state", "waived").is_empty());
    let rule = rows(&report, "rules", "id", "locked_account")[0];
    assert_eq!((&rule["verdict"], &rule["original_verdict"]), (&"fail".into(), &serde_json::Value::Null));
    let states: Vec<&str> =
        report["waivers"].as_array().unwrap().iter().map(|row| row["state"].as_str().unwrap()).collect();
    assert_eq!(states, ["expired", "elsewhere", "unused"], "in the order of their ends");
    assert!(report["waivers"][0]["findings"].as_u64().unwrap() > 0, "what is open again is counted");
    assert!(shown.contains("Waivers: 1 expired, 1 unused"), "{shown}");
    let page = bench.read("out/report.html");
    assert!(
        page.contains(">Expired</span>") && page.contains(">Unused</span>") && page.contains("1 day ago")
    );
}

#[test]
fn the_exit_code_counts_open_findings_alone() {
    let bench = Bench::new("");
    let (code, _, report) = bench.review("plain", &["--fail-on", "critical"]);
    assert_eq!(code, 4);
    let mut rules: Vec<&str> = rows(&report, "findings", "severity", "critical")
        .iter()
        .map(|finding| finding["rule"].as_str().unwrap())
        .collect();
    rules.dedup();
    let waivers: String = rules.iter().map(|rule| waiver(rule, "*", 90)).collect();
    bench.configure(&waivers);
    let (code, _, waived) = bench.review("waived", &["--fail-on", "critical"]);
    assert_eq!(code, 0, "complete, and no open finding is critical");
    assert!(!rows(&waived, "findings", "severity", "critical").is_empty());
    assert_eq!(bench.review("high", &["--fail-on", "medium"]).0, 4, "what is open still counts");
}

#[test]
fn of_two_that_cover_a_finding_the_later_end_counts() {
    let bench = Bench::new(&format!("{}{}", waiver("locked_account", "*", 5), waiver("LIFE-05", "*.*", 50)));
    let (_, _, report) = bench.review("out", &[]);
    let ends: Vec<_> = rows(&report, "findings", "rule", "locked_account")
        .iter()
        .filter(|finding| finding["subject_name"].as_str().unwrap().contains('.'))
        .map(|finding| finding["waiver_expires"].clone())
        .collect();
    assert!(!ends.is_empty() && ends.iter().all(|end| *end == format!("{}T23:59:59Z", day(50))), "{ends:?}");
}
