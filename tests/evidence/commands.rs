//! The commands, as an operator and an auditor use them.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use assert_cmd::cargo::CommandCargoExt;
use serde_json::Value;

use crate::kept::{Kept, PUBLIC, SECRET};

/// Runs `recert evidence …`; gives the exit code, and what it says.
fn evidence(arguments: &[&str]) -> (i32, String) {
    let mut command = Command::cargo_bin("recert").unwrap();
    let output = command.arg("evidence").args(arguments).env_remove("RECERT_CONFIG").output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.code().unwrap(), String::from_utf8(text).unwrap())
}

fn text(path: &Path) -> String {
    path.display().to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_exports_and_an_auditor_verifies() {
    let kept = Kept::of(4, Some(SECRET)).await;
    let (config, head) = (text(&kept.config()), kept.head().await);
    let (code, said) = evidence(&["list", "--config", &config]);
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("E221A1854B7A0A12") && said.contains(&head), "{said}");
    let listed: Value = serde_json::from_str(&evidence(&["list", "--config", &config, "--json"]).1).unwrap();
    assert_eq!(listed.as_array().unwrap().len(), 4);
    assert!(listed[3]["present"].as_bool().unwrap() && listed[3]["sha256"] == head.as_str());

    let folder = text(&kept.path("auditor"));
    let (code, said) = evidence(&["export", "--out", &folder, "--config", &config]);
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("links 1 to 4: 4 archives") && said.contains(&head), "{said}");
    let (code, said) = evidence(&["export", "--out", &folder, "--config", &config]);
    assert_eq!((code, said.contains("not empty")), (2, true), "{said}");

    let key = kept.path("evidence.pub");
    fs::write(&key, format!("untrusted comment: for the auditor\n{PUBLIC}\n")).unwrap();
    let (code, said) = evidence(&["verify", &folder, "--head", &head, "--public-key", &text(&key)]);
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("WHOLE  4 links") && !said.contains("not checked"), "{said}");
    let (code, said) = evidence(&["verify", &folder]);
    assert!(code == 0 && said.contains("Key: not checked") && said.contains("Head: not checked"), "{said}");

    let run = listed[1]["run"].as_str().unwrap();
    let alone = text(&kept.path("alone.zip"));
    let (code, said) = evidence(&["export", &run[..8], "--out", &alone, "--config", &config]);
    assert_eq!(code, 0, "{said}");
    let (code, said) = evidence(&["verify", &alone, "--public-key", PUBLIC]);
    assert!(code == 0 && said.contains("proven from link 2 on"), "{said}");
    let (code, said) = evidence(&["export", "nosuchrun", "--out", &alone, "--config", &config]);
    assert!(code == 2 && said.contains("evidence list"), "{said}");

    let period = text(&kept.path("period"));
    let period =
        ["export", "--out", &period, "--since", "2026-01-19", "--until", "2026-01-27", "--config", &config];
    let (code, said) = evidence(&period);
    assert!(code == 0 && said.contains("links 2 to 3: 2 archives"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_bad_link_is_named() {
    let kept = Kept::of(3, None).await;
    let folder = kept.folder();
    let run = kept.runs().await[1].clone();
    let id = run.file_name().unwrap().to_str().unwrap().to_owned();
    let (code, said) = evidence(&["verify", &text(&folder), "--head", &kept.head().await]);
    assert!(code == 0 && said.contains("unsigned"), "{said}");
    let report = fs::read_to_string(run.join("report.json")).unwrap();
    fs::write(run.join("report.json"), report.replace("\"hq\"", "\"hQ\"")).unwrap();
    let (code, said) = evidence(&["verify", &text(&folder)]);
    assert_eq!(code, 1, "{said}");
    let line = said.lines().find(|line| line.starts_with("bad")).unwrap();
    assert!(line.contains(&format!("link 2, run {id}")) && line.contains("report.json: "), "{line}");
    let (code, said) = evidence(&["verify", &text(&folder), "--json"]);
    let document: Value = serde_json::from_str(&said).unwrap();
    assert_eq!((code, &document["ok"], &document["head"]), (1, &Value::Bool(false), &"not_checked".into()));
    assert_eq!((&document["faults"][0]["index"], &document["faults"][0]["run"]), (&2.into(), &id.into()));
    // What is broken on the disk is told when it is handed out.
    fs::write(run.join("evidence.zip"), "nothing").unwrap();
    let out = text(&kept.path("out"));
    let (code, said) = evidence(&["export", "--out", &out, "--config", &text(&kept.config())]);
    assert!(code == 1 && said.contains("2 faults found in it: "), "{said}");
}

#[test]
fn wrong_usage_is_told_apart_from_wrong_evidence() {
    let empty = tempfile::tempdir().unwrap();
    let empty = text(empty.path());
    let (code, said) = evidence(&["verify", &empty]);
    assert!(code == 1 && said.contains("no evidence here"), "{said}");
    for (arguments, expected) in [
        (vec!["verify"], "PATH"),
        (vec!["verify", &empty, "--head", "abc"], "64 hexadecimal digits"),
        (vec!["verify", &empty, "--public-key", "/nonexistent.pub"], "/nonexistent.pub"),
    ] {
        let (code, said) = evidence(&arguments);
        assert!(code == 2 && said.contains(expected), "{said}");
    }
    let (code, said) = evidence(&["verify", "/nonexistent"]);
    assert!(code == 1 && said.contains("/nonexistent"), "{said}");
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_exported_is_as_closed_as_a_run_and_counts_no_file_that_is_not_there() {
    let mut kept = Kept::new(Some(SECRET), "keep = 2\n");
    for _ in 0..3 {
        kept.run("weekly").await;
    }
    let config = text(&kept.config());
    let links = kept.store().links().await.unwrap();
    let export = |out: &Path, run: &str| evidence(&["export", run, "--out", &text(out), "--config", &config]);
    let verified = |path: &Path| evidence(&["verify", &text(path)]);

    // Of the first run, the statement alone is left.
    let (code, said) = export(&kept.path("one.zip"), &links[0].run);
    assert_eq!(code, 2, "{said}");
    assert!(said.contains("are gone; name a folder to get its statement") && !kept.path("one.zip").exists());
    let alone = kept.path("new/alone");
    let (code, said) = export(&alone, &links[0].run);
    assert!(code == 0 && said.contains("link 1: 0 archives, 1 statement without its files"), "{said}");
    let (code, said) = verified(&alone);
    assert!(code == 0 && said.contains("WHOLE  1 statement, its files not among what was given"), "{said}");

    let one = kept.path("one.zip");
    let (code, said) = export(&one, &links[2].run);
    assert!(code == 0 && said.contains("link 3: 1 archive\n"), "{said}");
    let (code, said) = verified(&one);
    assert!(code == 0 && said.contains("WHOLE  1 link, every byte of it"), "{said}");
    let all = kept.path("all");
    assert_eq!(evidence(&["export", "--out", &text(&all), "--config", &config]).0, 0);
    let (code, said) = verified(&all);
    assert!(
        code == 0 && said.contains("WHOLE  3 links: every byte of 2, of 1 the statement alone"),
        "{said}"
    );
    assert!(said.contains("1 of them by its statement alone"), "{said}");

    assert_eq!((mode(&one), mode(&alone), mode(&all)), (0o640, 0o750, 0o750));
    let exported: Vec<_> = fs::read_dir(&all).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(exported.len(), 4, "two archives, a statement and its signature");
    assert!(exported.iter().all(|path| mode(path) == 0o640), "{exported:?}");

    let (_, said) = evidence(&["list", "--config", &config]);
    assert!(said.contains("Judged at (UTC)"), "{said}");
    let (_, said) = evidence(&["export", "--help"]);
    assert_eq!(said.matches("in UTC").count(), 2, "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_given_instead_of_evidence_is_called_by_its_name() {
    let kept = Kept::of(1, None).await;
    let run = kept.runs().await.remove(0);
    let (code, said) = evidence(&["verify", &text(&run.join("manifest.json"))]);
    assert!(
        code == 1 && said.contains("manifest of a run's directory") && said.contains("give the directory")
    );
    let (code, said) = evidence(&["verify", &text(&run.join("report.json"))]);
    assert!(code == 1 && said.contains("a file of the kind recert.report/"), "{said}");
    let (code, said) = evidence(&["verify", &text(&kept.config())]);
    assert!(code == 1 && said.contains("is no evidence"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_shows_the_public_key_and_what_is_wrong_with_a_secret_one() {
    let check = |kept: &Kept| {
        let mut command = Command::cargo_bin("recert").unwrap();
        let output = command.args(["check", "--config", &text(&kept.config())]).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    let signed = Kept::new(Some(SECRET), "");
    let said = check(&signed);
    assert!(
        said.contains("ok    evidence: signed by the key E221A1854B7A0A12") && said.contains(PUBLIC),
        "{said}"
    );
    fs::write(signed.path("evidence.key"), "canary").unwrap();
    let said = check(&signed);
    assert!(said.contains("fail  evidence.key: it is no secret key"), "{said}");
    assert!(said.contains("minisign -G -W") && !said.contains("canary"), "{said}");
    let said = check(&Kept::new(None, ""));
    assert!(said.contains("evidence: unsigned"), "{said}");
}
