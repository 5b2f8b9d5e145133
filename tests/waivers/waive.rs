//! `recert waive` end to end: written, taken up, and refused where it must be.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use super::bench::{Bench, day, rows, text};

/// A bench with a file of waivers configured and a report, and the id of a finding in it.
fn reviewed() -> (Bench, String) {
    let bench = Bench::new("");
    bench.configure(&format!(
        "waiver_file = \"{}\"\n[[console]]\nname = \"hq\"\nurl = \"https://127.0.0.1:1\"\nusername = \"x\"\npassword = {{ env = \"NO_SUCH\" }}\n",
        bench.path("waivers.toml").display()
    ));
    let (_, _, report) = bench.review("first", &[]);
    let id = rows(&report, "findings", "rule", "locked_account")[0]["id"].as_str().unwrap().to_owned();
    (bench, id)
}

fn arguments<'a>(id: &'a str, until: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let fixed = [
        "waive",
        id,
        "--until",
        until,
        "--reason",
        "on \"leave\" \\ [[waiver]]",
        "--report",
        "first/report.json",
    ];
    [&fixed[..], more].concat()
}

const BY: [&str; 2] = ["--approved-by", "Maria Boss"];

#[test]
fn a_finding_is_waived_by_the_start_of_its_id_and_once() {
    let (bench, id) = reviewed();
    let until = day(90).to_string();
    let output = bench.run(&arguments(&id[..6], &until, &[&BY[..], &["--ticket", "RISK-218"]].concat()));
    let said = text(&output);
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert!(said.contains("waivers.toml: added") && said.contains("systemctl reload recert"), "{said}");
    assert!(said.contains(&format!("finding = \"{id}\"")), "{said}");
    let written = bench.read("waivers.toml");
    assert!(written.starts_with("# Waivers: ") && written.contains("\n\n# user "), "{written}");
    assert_eq!(fs::metadata(bench.path("waivers.toml")).unwrap().permissions().mode() & 0o7777, 0o640);

    let (_, _, report) = bench.review("second", &[]);
    let waived = rows(&report, "findings", "state", "waived");
    assert_eq!(waived.len(), 1, "that one alone");
    assert_eq!(
        (&waived[0]["id"], waived[0]["waiver"].as_str()),
        (&id.as_str().into(), Some("on \"leave\" \\ [[waiver]]; approved by Maria Boss (RISK-218)"))
    );
    assert_eq!(waived[0]["waiver_expires"], format!("{until}T23:59:59Z"));

    let again = bench.run(&arguments(&id, &until, &BY));
    let said = text(&again);
    assert_eq!(again.status.code(), Some(2), "{said}");
    assert!(
        said.contains("waivers.toml: line 5: waiver[0] covers this finding already") && said.contains(&until),
        "{said}"
    );
    assert_eq!(bench.read("waivers.toml"), written);
}

#[test]
fn what_is_in_the_file_stays_to_the_byte_with_its_mode() {
    let (bench, id) = reviewed();
    let before = "# ours: ünïcode\t \r\n\r\n[[waiver]]  # kept\nrule='locked_account'\nsubject = 'nobody'\nreason = 'x'\napproved_by = 'y'\nexpires = 2001-01-01";
    fs::write(bench.path("waivers.toml"), before).unwrap();
    fs::set_permissions(bench.path("waivers.toml"), fs::Permissions::from_mode(0o604)).unwrap();
    let until = day(0).to_string();
    let output = bench.run(&arguments(&id, &until, &BY));
    assert_eq!(output.status.code(), Some(0), "{}", text(&output));
    let after = bench.read("waivers.toml");
    assert!(after.starts_with(&format!("{before}\n\n# user ")), "{after}");
    assert_eq!(fs::metadata(bench.path("waivers.toml")).unwrap().permissions().mode() & 0o7777, 0o604);
    let left: Vec<_> =
        fs::read_dir(bench.path("")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left.len(), 4, "nothing is left beside it: {left:?}");
}

#[test]
fn what_must_be_refused_is_refused_and_writes_nothing() {
    let (bench, id) = reviewed();
    let (good, past, far) = (day(30).to_string(), day(-2).to_string(), day(402).to_string());
    let cases: [(Vec<&str>, &str); 11] = [
        (arguments("ffffffffffffffffffff", &good, &BY), "there is no finding"),
        (arguments(&id[..5], &good, &BY), "at least 6 characters"),
        (arguments("locked", &good, &BY), "is not the id of a finding"),
        (arguments(&id, &past, &BY), "has passed"),
        (arguments(&id, &far, &BY), "more than 400 days ahead"),
        (arguments(&id, "31.03.2027", &BY), "a day is wanted, such as 2026-12-31"),
        (arguments(&id, &good, &[]), "--approved-by"),
        (arguments(&id, &good, &["--approved-by", " "]), "--approved-by is empty"),
        (arguments(&id, &good, &[&BY[..], &["--ticket", ""]].concat()), "--ticket is empty"),
        (
            ["waive", &id, "--until", &good, "--reason", " ", "--report", "first/report.json", BY[0], BY[1]]
                .into(),
            "--reason is empty",
        ),
        (
            ["waive", &id, "--until", &good, "--reason", "x", "--report", "snapshot.json", BY[0], BY[1]]
                .into(),
            "is no report.json",
        ),
    ];
    for (arguments, said) in cases {
        let output = bench.run(&arguments);
        let shown = text(&output);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {shown}");
        assert!(shown.contains(said), "{arguments:?}: {shown}");
        assert!(!bench.path("waivers.toml").exists(), "{arguments:?}");
    }
    bench.configure("");
    let shown = text(&bench.run(&arguments(&id, &good, &BY)));
    let line = format!("waiver_file = \"{}\"", bench.path("waivers.toml").display());
    assert!(
        shown.contains("no file of waivers is configured; add this line") && shown.contains(&line),
        "{shown}"
    );
}

#[test]
fn without_a_report_the_finding_is_looked_for_in_the_newest_run_of_the_store() {
    let (bench, id) = reviewed();
    let config = format!(
        "waiver_file = \"{}\"\n[[console]]\nname = \"hq\"\nurl = \"https://127.0.0.1:1\"\nusername = \"x\"\n\
         password = {{ file = \"{}\" }}\n[store]\nurl = \"sqlite://{}\"\n[[job]]\nname = \"weekly\"\n[[job.directory]]\npath = \"{}\"\n",
        bench.path("waivers.toml").display(),
        bench.path("password").display(),
        bench.path("store/recert.db").display(),
        bench.path("delivered").display(),
    );
    fs::create_dir(bench.path("delivered")).unwrap();
    fs::write(bench.path("password"), "x\n").unwrap();
    fs::set_permissions(bench.path("password"), fs::Permissions::from_mode(0o600)).unwrap();
    bench.configure(&config);
    let until = day(30).to_string();
    let wanted = ["waive", &id[..8], "--until", &until, "--reason", "x", BY[0], BY[1]];
    let shown = text(&bench.run(&wanted));
    assert!(shown.contains("without --report, the finding is looked for in the store"), "{shown}");
    let delivered = bench.run(&["review", "--from", "snapshot.json", "--job", "weekly", "--deliver"]);
    assert_eq!(delivered.status.code(), Some(0), "{}", text(&delivered));
    let output = bench.run(&wanted);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output));
    assert!(bench.read("waivers.toml").contains(&format!("finding = \"{id}\"")));
}

#[test]
fn several_findings_that_start_alike_are_not_guessed_between() {
    let (bench, id) = reviewed();
    let report = bench.read("first/report.json");
    let mut document: serde_json::Value = serde_json::from_str(&report).unwrap();
    let twin = format!("{}{}", &id[..8], "0".repeat(12));
    let mut finding = rows(&document, "findings", "id", &id)[0].clone();
    finding["id"] = twin.into();
    document["findings"].as_array_mut().unwrap().push(finding);
    fs::write(bench.path("first/report.json"), document.to_string()).unwrap();
    let until = day(30).to_string();
    let shown = text(&bench.run(&arguments(&id[..8], &until, &BY)));
    assert!(shown.contains("2 findings start with") && shown.contains("give more of it"), "{shown}");
    assert!(!bench.path("waivers.toml").exists());
}

#[test]
fn one_that_has_ended_is_to_be_renewed_where_it_stands() {
    let (bench, id) = reviewed();
    let until = day(30).to_string();
    assert_eq!(bench.run(&arguments(&id, &until, &BY)).status.code(), Some(0));
    let old = bench.read("waivers.toml").replace(&until, "2001-01-01");
    fs::write(bench.path("waivers.toml"), &old).unwrap();
    let shown = text(&bench.run(&arguments(&id, &until, &BY)));
    assert!(shown.contains("waiver[0] covered this finding until 2001-01-01; to renew it"), "{shown}");
    assert_eq!(bench.read("waivers.toml"), old);
}

#[test]
fn a_file_that_no_table_can_follow_is_left_as_it_was() {
    let (bench, id) = reviewed();
    let inline = "waiver = []\n";
    fs::write(bench.path("waivers.toml"), inline).unwrap();
    let until = day(30).to_string();
    let output = bench.run(&arguments(&id, &until, &BY));
    let shown = text(&output);
    assert_eq!(output.status.code(), Some(2), "{shown}");
    assert!(shown.contains("nothing was added") && shown.contains("line"), "{shown}");
    assert_eq!(bench.read("waivers.toml"), inline);
}

#[test]
fn check_tells_how_waivers_stand() {
    let (bench, _) = reviewed();
    let waiver = |subject: &str, days: i64| {
        format!(
            "[[waiver]]\nrule = \"locked_account\"\nsubject = \"{subject}\"\nreason = \"x\"\napproved_by = \"y\"\nexpires = \"{}\"\n",
            day(days)
        )
    };
    let file = bench.path("waivers.toml");
    bench.configure(&format!(
        "waiver_file = \"{}\"\n{}{}{}[[console]]\nname = \"hq\"\nurl = \"https://127.0.0.1:1\"\nusername = \"x\"\npassword = {{ env = \"NO_SUCH\" }}\n[store]\nurl = \"sqlite://{}\"\n",
        file.display(),
        waiver("old", -3),
        waiver("soon", 20),
        waiver("later", 90),
        bench.path("store/recert.db").display(),
    ));
    let shown = text(&bench.run(&["check"]));
    assert!(shown.contains("waivers: 2 active, 1 expired"), "{shown}");
    assert!(shown.contains("waivers.toml is not there yet; `recert waive` writes it"), "{shown}");
    assert!(shown.contains(&format!("waiver[0]: locked_account for old: expired on {}", day(-3))), "{shown}");
    assert!(shown.contains(&format!("waiver[1]: locked_account for soon: ends on {}", day(20))), "{shown}");
    assert!(!shown.contains("for later"), "{shown}");
}
