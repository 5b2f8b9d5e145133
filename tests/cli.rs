//! The binary as a person uses it: files, exit codes, and errors that name the place and the mend.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Output;
use std::time::{Duration, SystemTime};

use chrono::{DateTime, Utc};
use flate2::Compression;
use flate2::write::GzEncoder;
use recert::analyze::COMBINATIONS;
use recert::simulator::{Estate, EstateOptions, Faults, Options, Rights, Simulator};
use recert::store::read_snapshots;
use serde_json::Value;
use tempfile::TempDir;

/// A directory with a configuration for one simulated console, and the binary in it.
struct Bench {
    directory: TempDir,
    simulator: Option<Simulator>,
}

impl Bench {
    async fn start(options: Options) -> Self {
        let estate =
            Estate::generate(&EstateOptions { users: 40, blemishes: true, ..EstateOptions::default() });
        let simulator = Simulator::start(estate, options).await.unwrap();
        let bench = Self { directory: tempfile::tempdir().unwrap(), simulator: Some(simulator) };
        let simulator = bench.simulator.as_ref().unwrap();
        bench.secret("password", simulator.password());
        bench.configure(&bench.console(&simulator.url(), simulator.username()));
        bench
    }

    fn offline() -> Self {
        Self { directory: tempfile::tempdir().unwrap(), simulator: None }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn secret(&self, name: &str, content: &str) {
        fs::write(self.path(name), format!("{content}\n")).unwrap();
        fs::set_permissions(self.path(name), fs::Permissions::from_mode(0o600)).unwrap();
    }

    fn console(&self, url: &str, username: &str) -> String {
        let password = self.path("password");
        format!(
            "[[console]]\nname = \"hq\"\nurl = \"{url}\"\nusername = \"{username}\"\npassword = {{ file = \"{}\" }}\n",
            password.display()
        )
    }

    fn configure(&self, text: &str) {
        fs::write(self.path("config.toml"), text).unwrap();
    }

    async fn run(&self, arguments: &[&str]) -> Output {
        self.run_with(arguments, &[]).await
    }

    async fn run_with(&self, arguments: &[&str], variables: &[(&str, &str)]) -> Output {
        let mut command = assert_cmd::Command::cargo_bin("recert").unwrap();
        command.args(arguments).current_dir(self.directory.path());
        command.env("RECERT_CONFIG", self.path("config.toml"));
        command.envs(variables.iter().copied());
        // The simulator runs on this runtime: the wait for the binary must not hold it up.
        tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
    }
}

fn code(output: &Output) -> i32 {
    output.status.code().unwrap()
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

fn json(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

const FILES: [&str; 14] = [
    "coverage.csv",
    "evidence.zip",
    "findings.csv",
    "findings.ocsf.jsonl",
    "grants.csv",
    "manifest.json",
    "parquet",
    "report.html",
    "report.json",
    "report.md",
    "report.sarif",
    "report.xlsx",
    "roles.csv",
    "users.csv",
];

/// Every file below a directory, by its path from there.
fn all_files(directory: &Path) -> Vec<String> {
    let below = |name: String| match directory.join(&name) {
        path if path.is_dir() => all_files(&path).into_iter().map(|file| format!("{name}/{file}")).collect(),
        _ => vec![name],
    };
    files(directory).into_iter().flat_map(below).collect()
}

fn files(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).unwrap();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[tokio::test(flavor = "multi_thread")]
async fn review_writes_every_file_and_exits_with_0() {
    let bench = Bench::start(Options::default()).await;
    let output = bench.run(&["review", "--out", "report"]).await;
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    assert_eq!(files(&bench.path("report")), FILES);
    assert!(stdout(&output).contains("COMPLETE") && stdout(&output).contains("Files in report"));
    assert!(!stdout(&output).contains('\u{1b}'), "no colours into a pipe");
    let report = json(&bench.path("report/report.json"));
    assert_eq!(report["schema"], "recert.report/1");
    assert_eq!(
        report["users"].as_array().unwrap().len(),
        bench.simulator.as_ref().unwrap().estate().users.len()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn json_prints_one_document_and_formats_are_chosen() {
    let bench = Bench::start(Options::default()).await;
    let output = bench.run(&["review", "--json", "--out", "report", "--format", "csv,json"]).await;
    let printed: Value = serde_json::from_str(&stdout(&output)).unwrap();
    assert_eq!(printed, json(&bench.path("report/report.json")));
    let written = files(&bench.path("report"));
    assert!(!written.contains(&"report.xlsx".into()) && !written.contains(&"report.html".into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn fail_on_exits_with_4_only_where_a_finding_is_that_bad() {
    let bench = Bench::start(Options::default()).await;
    let output = bench.run(&["review", "--out", "first", "--fail-on", "low"]).await;
    assert_eq!(code(&output), 4, "{}", stderr(&output));
    bench.configure(&format!(
        "{}\n[analyzers]\n{} = {{ severity = \"low\" }}\n",
        fs::read_to_string(bench.path("config.toml")).unwrap(),
        all_rules().join(" = { severity = \"low\" }\n")
    ));
    let output = bench.run(&["review", "--out", "second", "--fail-on", "medium"]).await;
    assert_eq!(code(&output), 0, "{}", stderr(&output));
}

fn all_rules() -> Vec<String> {
    let analyzers = recert::analyze::Analyzers::default();
    analyzers.rules().iter().map(|rule| rule.about().id.clone().into_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_incomplete_review_exits_with_3_and_says_so_everywhere() {
    let faults = Faults { broken: vec!["/api/3/users/5/sites".into()], ..Faults::default() };
    let bench = Bench::start(Options { faults, ..Options::default() }).await;
    let output = bench.run(&["review", "--out", "report", "--fail-on", "info"]).await;
    assert_eq!(code(&output), 3, "{}", stderr(&output));
    assert!(stdout(&output).contains("INCOMPLETE") && stdout(&output).contains("/api/3/users/{id}/sites 5"));
    let page = fs::read_to_string(bench.path("report/report.html")).unwrap();
    assert!(page.contains("INCOMPLETE"));
    assert_eq!(json(&bench.path("report/report.json"))["run"]["verdict"], "incomplete");
    assert_eq!(json(&bench.path("report/manifest.json"))["run"]["verdict"], "incomplete");
    let coverage = fs::read_to_string(bench.path("report/coverage.csv")).unwrap();
    assert!(coverage.contains("user_sites") && coverage.contains(",unavailable,4,503"), "{coverage}");
    let page = fs::read_to_string(bench.path("report/report.md")).unwrap();
    assert!(
        page.starts_with("# Access review: INCOMPLETE\n") && page.contains("| `hq` | user sites |"),
        "{page}"
    );
    let invocation = &json(&bench.path("report/report.sarif"))["runs"][0]["invocations"][0];
    assert_eq!(invocation["executionSuccessful"], false);
    let notification = invocation["toolExecutionNotifications"][0].to_string();
    assert!(notification.contains("/api/3/users/{{id}}/sites 5 unavailable"), "{notification}");
    let events = fs::read_to_string(bench.path("report/findings.ocsf.jsonl")).unwrap();
    assert!(events.lines().count() > 0);
    assert!(events.lines().all(|event| event.contains("\"population:incomplete\"")));
}

#[tokio::test(flavor = "multi_thread")]
async fn saved_snapshots_are_judged_again_to_the_same_bytes() {
    let bench = Bench::start(Options::default()).await;
    bench.run(&["review", "--out", "live", "--save-snapshot", "snapshot.json"]).await;
    let mode = fs::metadata(bench.path("snapshot.json")).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode, 0o600, "a snapshot is for its owner");
    for (out, zone) in [("first", "UTC"), ("second", "Pacific/Apia")] {
        let output = bench
            .run_with(
                &["review", "--from", "snapshot.json", "--out", out],
                &[("TZ", zone), ("LC_ALL", "tr_TR.UTF-8")],
            )
            .await;
        assert_eq!(code(&output), 0, "{}", stderr(&output));
    }
    let written = all_files(&bench.path("live"));
    assert_eq!(written.iter().filter(|name| name.starts_with("parquet/")).count(), 3);
    for name in written {
        let bytes = |run: &str| fs::read(bench.path(run).join(&name)).unwrap();
        assert_eq!(bytes("first"), bytes("second"), "{name}");
        assert_eq!(bytes("live"), bytes("first"), "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_is_told_and_sent_once() {
    let bench = Bench::start(Options::default()).await;
    bench.secret("password", "canary-wrong-password");
    let output = bench.run(&["review", "--out", "report"]).await;
    assert_eq!(code(&output), 1);
    assert_eq!(bench.simulator.as_ref().unwrap().authentication_failures(), 1);
    assert!(stderr(&output).contains("refuses the credential"), "{}", stderr(&output));
    assert!(!stderr(&output).contains("canary"));
    assert!(!bench.path("report").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_occupied_directory_is_refused_before_the_console_is_asked() {
    let bench = Bench::start(Options::default()).await;
    fs::create_dir(bench.path("report")).unwrap();
    fs::write(bench.path("report/evidence.txt"), "kept").unwrap();
    let output = bench.run(&["review", "--out", "report"]).await;
    assert_eq!(code(&output), 2);
    assert!(stderr(&output).contains("not empty"), "{}", stderr(&output));
    assert_eq!(files(&bench.path("report")), ["evidence.txt"]);
    assert!(bench.simulator.as_ref().unwrap().log().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_is_told_and_leaves_nothing() {
    let bench = Bench::start(Options::default()).await;
    bench.run(&["review", "--out", "live", "--save-snapshot", "snapshot.json"]).await;
    // A file-size limit stands in for the full disk; the shell ignores its signal, so that it becomes an error.
    let binary = assert_cmd::cargo::cargo_bin("recert");
    let script = format!(
        "trap '' XFSZ; ulimit -f 4; exec '{}' review --from snapshot.json --format csv --out full",
        binary.display()
    );
    let output = std::process::Command::new("bash")
        .args(["-c", &script])
        .current_dir(bench.directory.path())
        .output()
        .unwrap();
    assert_eq!(code(&output), 1, "{}", stderr(&output));
    assert!(
        stderr(&output).contains("full/") && stderr(&output).contains("File too large"),
        "{}",
        stderr(&output)
    );
    assert!(!bench.path("full").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn mistakes_in_the_configuration_exit_with_2_and_name_the_place() {
    let bench = Bench::offline();
    bench.secret("password", "x");
    let good = bench.console("https://console.example:3780", "svc");
    let cases: Vec<(String, &[&str])> = vec![
        (format!("{good}colour = \"red\"\n"), &["unknown field `colour`", "line 6"]),
        (
            format!("{good}\n[analyzers.global_admin_count]\nmaximum = 3\n"),
            &["unknown field `maximum`", "line 8"],
        ),
        (format!("{good}\n[analyzers.no_such_rule]\n"), &["no_such_rule"]),
        (good.replace("https", "http"), &["console[0]", "url", "loopback"]),
        (good.replace("https://", "https://user:canary@"), &["url", "login"]),
        (good.replace("https://", "https://user:canary@[bad"), &["line 3"]),
        (good.replace("{ file", "\"canary\" #"), &["line 5", "never a value of the configuration"]),
        (good.replace("{ file", "{ canary"), &["line 5", "exactly one of the keys credential, file and env"]),
        (format!("{good}max_in_flight = 0\n"), &["max_in_flight", "between 1 and 64"]),
        (format!("{good}max_in_flight = \"many\"\n"), &["max_in_flight", "line 6"]),
        (format!("{good}tls = {{ pin_sha256 = [\"12ab\"] }}\n"), &["pin_sha256", "64 hexadecimal digits"]),
        (format!("{good}tls = {{ }}\n"), &["tls", "ca_file", "pin_sha256"]),
        (format!("{good}{good}"), &["console[1]", "two consoles"]),
        (format!("{good}\n[[job]]\nname = \"weekly\"\nconsoles = [\"lab\"]\n"), &["job[0]", "lab", "hq"]),
        (good.replace("name = \"hq\"\n", ""), &["missing field `name`"]),
        ("[[console]\n".to_owned(), &["line 1"]),
        (String::new(), &["config.toml: names no console"]),
        (
            good.replace(&bench.path("password").display().to_string(), "/nonexistent"),
            &["/nonexistent", "No such file"],
        ),
        (
            good.replace("{ file", "{ env").replace(&bench.path("password").display().to_string(), "NOT_SET"),
            &["NOT_SET", "not set"],
        ),
        (
            good.replace("{ file", "{ credential")
                .replace(&bench.path("password").display().to_string(), "hq"),
            &["LoadCredential"],
        ),
        (format!("templates = \"/nonexistent\"\n{good}"), &["templates: ", "/nonexistent"]),
    ];
    for (text, expected) in cases {
        bench.configure(&text);
        let output = bench.run(&["review", "--out", "report"]).await;
        let message = stderr(&output);
        assert_eq!(code(&output), 2, "{text}\n{message}");
        for part in expected {
            assert!(message.contains(part), "{text}\nsays {message}\nwithout {part}");
        }
        assert!(!message.contains("canary"), "{message}");
        assert!(!bench.path("report").exists());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_that_others_can_read_is_refused() {
    let bench = Bench::start(Options::default()).await;
    fs::set_permissions(bench.path("password"), fs::Permissions::from_mode(0o644)).unwrap();
    let output = bench.run(&["review", "--out", "report"]).await;
    assert_eq!(code(&output), 2);
    assert!(stderr(&output).contains("0644") && stderr(&output).contains("chmod 600"), "{}", stderr(&output));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_environment_overrides_keys_and_its_mistakes_are_told() {
    let bench = Bench::start(Options::default()).await;
    let output = bench.run_with(&["review", "--json"], &[("RECERT__CONSOLE__0__NAME", "renamed")]).await;
    let report: Value = serde_json::from_str(&stdout(&output)).unwrap();
    assert_eq!(report["consoles"][0]["name"], "renamed");
    let output = bench
        .run_with(&["review", "--json"], &[("RECERT__ANALYZERS__GLOBAL_ADMIN_COUNT__MAXIMUM", "3")])
        .await;
    assert_eq!(code(&output), 2);
    let message = stderr(&output);
    assert!(message.contains("maximum") && message.contains("RECERT__ANALYZERS"), "{message}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_in_the_environment_is_refused_and_not_repeated() {
    let bench = Bench::start(Options::default()).await;
    let output = bench.run_with(&["review"], &[("RECERT__CONSOLE__0__PASSWORD", "canary")]).await;
    assert_eq!(code(&output), 2);
    assert!(stderr(&output).contains("RECERT__CONSOLE__0__PASSWORD"), "{}", stderr(&output));
    assert!(!stderr(&output).contains("canary"), "{}", stderr(&output));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_console_under_two_names_is_refused() {
    let bench = Bench::start(Options::default()).await;
    let console = fs::read_to_string(bench.path("config.toml")).unwrap();
    bench.configure(&format!("{console}{}", console.replace("\"hq\"", "\"headquarters\"")));
    let output = bench.run(&["review", "--out", "report"]).await;
    assert_eq!(code(&output), 2);
    assert!(stderr(&output).contains("are one console"), "{}", stderr(&output));
    let output = bench.run(&["review", "--console", "hq", "--console", "hq"]).await;
    assert!(stderr(&output).contains("named twice"), "{}", stderr(&output));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_must_fail_fails_before_the_console_is_asked() {
    let bench = Bench::start(Options::default()).await;
    fs::write(bench.path("file"), "").unwrap();
    for arguments in [
        ["review", "--out", "file"].as_slice(),
        &["review", "--out", "file/below"],
        &["review", "--save-snapshot", "missing/snapshot.json"],
    ] {
        let output = bench.run(arguments).await;
        assert_eq!(code(&output), 2, "{arguments:?}: {}", stderr(&output));
    }
    assert!(bench.simulator.as_ref().unwrap().log().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_goes_away_does_not_change_the_outcome() {
    let faults = Faults { broken: vec!["/api/3/users/5/sites".into()], ..Faults::default() };
    let bench = Bench::start(Options { faults, ..Options::default() }).await;
    let script = format!(
        "set -o pipefail; RECERT_CONFIG=config.toml '{}' review --json --format csv | true",
        assert_cmd::cargo::cargo_bin("recert").display()
    );
    let mut command = assert_cmd::Command::new("bash");
    command.args(["-c", &script]).current_dir(bench.directory.path());
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    assert_eq!(code(&output), 3, "{}", stderr(&output));
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_say_what_they_do_not_rest_on() {
    let faults = Faults {
        broken: vec!["/api/3/sites?page=0&size=500".into(), "/api/3/sites".into()],
        ..Faults::default()
    };
    let bench = Bench::start(Options { faults, ..Options::default() }).await;
    for arguments in [
        ["explain", "recert"].as_slice(),
        &["explain", "nobody-of-this-name"],
        &["who-can", "create-reports", "--site", "1"],
    ] {
        let output = bench.run(arguments).await;
        assert_eq!(code(&output), 3, "{arguments:?}: {}{}", stdout(&output), stderr(&output));
        assert!(stderr(&output).contains("sites not seen whole"), "{arguments:?}: {}", stderr(&output));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn explain_and_who_can_answer_live_and_from_a_snapshot() {
    let bench = Bench::start(Options::default()).await;
    let username = bench.simulator.as_ref().unwrap().username().to_owned();
    let live = bench.run(&["explain", &username, "--json"]).await;
    assert_eq!(code(&live), 0, "{}", stderr(&live));
    bench.run(&["review", "--out", "report", "--save-snapshot", "snapshot.json"]).await;
    let saved = bench.run(&["explain", &username, "--from", "snapshot.json", "--json"]).await;
    assert_eq!(stdout(&live), stdout(&saved));
    let explained: Value = serde_json::from_str(&stdout(&live)).unwrap();
    assert_eq!(explained[0]["sites"][0]["via"], serde_json::json!(["superuser", "all-flag"]));

    let tree = bench.run(&["explain", &username]).await;
    assert!(stdout(&tree).contains("├─ role Global Administrator (global-admin)"), "{}", stdout(&tree));
    let sites = stdout(&tree);
    let sites = sites.split(" sites\n").nth(1).unwrap_or_default();
    assert!(
        sites.starts_with("│  └─ superuser and all-flag: "),
        "the path stands between user and site: {sites}"
    );
    let live = bench.run(&["who-can", "configure-global-settings", "--site", "1", "--json"]).await;
    let saved = bench
        .run(&["who-can", "configure-global-settings", "--site", "1", "--from", "snapshot.json", "--json"])
        .await;
    assert_eq!(stdout(&live), stdout(&saved));
    assert!(stdout(&live).contains(&username));
    for mistake in [
        ["explain", "nobody-of-this-name"].as_slice(),
        &["who-can", "no-such-privilege"],
        &["who-can", "create-reports", "--site", "no such site"],
    ] {
        assert_eq!(code(&bench.run(mistake).await), 2, "{mistake:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn check_tells_each_line_and_what_to_do() {
    let bench = Bench::start(Options::default()).await;
    // The machine that runs the tests may have a store of its own: it is none of theirs.
    let console = fs::read_to_string(bench.path("config.toml")).unwrap();
    let database = bench.path("state/recert.db");
    bench.configure(&format!("[store]\nurl = \"sqlite://{}\"\n{console}", database.display()));
    let output = bench.run(&["check"]).await;
    assert_eq!(code(&output), 0, "{}", stdout(&output));
    assert_eq!(
        stdout(&output).lines().filter(|line| line.starts_with("ok ")).count(),
        4,
        "{}",
        stdout(&output)
    );
    let roles = "[analyzers.all_scope_flag]\nallowed_roles = [\"global-admin\", \"Global Administrator\"]\n";
    bench.configure(&format!("[store]\nurl = \"sqlite://{}\"\n{console}{roles}", database.display()));
    let output = bench.run(&["check"]).await;
    let told = "analyzers.all_scope_flag.allowed_roles: no console lists a role with the id \"Global Administrator\"; \
                that is a name, write \"global-admin\"";
    assert!(code(&output) == 0 && stdout(&output).contains(told), "{}", stdout(&output));
    assert_eq!(stdout(&output).matches("no console lists").count(), 1, "{}", stdout(&output));
    let limited = Bench::start(Options { collector: Rights::Limited, ..Options::default() }).await;
    let output = limited.run(&["check"]).await;
    assert_eq!(code(&output), 1);
    assert!(stdout(&output).contains("Global Administrator"), "{}", stdout(&output));
}

#[tokio::test(flavor = "multi_thread")]
async fn last_logons_come_from_the_log_and_the_export_and_are_never_fatal() {
    let bench = Bench::start(Options::default()).await;
    let estate = bench.simulator.as_ref().unwrap().estate();
    let logins: Vec<&str> = estate.users.values().map(|user| user.login.as_str()).collect();
    let days_ago = |days: u64| {
        let then = SystemTime::now() - Duration::from_secs(days * 86_400);
        DateTime::<Utc>::from(then).format("%Y-%m-%dT%H:%M:%SZ").to_string()
    };
    let line = |days, login: &str| {
        format!("{} [INFO] [Principal: {login}] [IP: 10.1.2.3] Authentication succeeded\n", days_ago(days))
    };
    let archived = [line(30, logins[2]), line(20, logins[0])].concat();
    let mut packed =
        GzEncoder::new(fs::File::create(bench.path("auth.log.gz.0")).unwrap(), Compression::fast());
    packed.write_all(archived.as_bytes()).unwrap();
    packed.finish().unwrap();
    fs::write(bench.path("auth.log"), line(10, logins[0])).unwrap();
    let export = format!("User Name,Last Logon\n{},{}\n{},Never\n", logins[0], days_ago(15), logins[1]);
    fs::write(bench.path("users.csv"), &export).unwrap();
    let console = fs::read_to_string(bench.path("config.toml")).unwrap();
    let (log, table) = (bench.path("auth.log"), bench.path("users.csv"));
    bench.configure(&format!("{console}last_logon = {{ log = {log:?}, export = {table:?} }}\n"));

    let output = bench.run(&["check"]).await;
    assert_eq!(code(&output), 0, "{}", stdout(&output));
    let told = stdout(&output);
    assert!(told.contains("last logons: users.csv: 2 logins to 2"), "{told}");
    assert!(told.contains("last logons: auth.log: 2 logins from 2"), "{told}");
    let output = bench.run(&["review", "--out", "one", "--save-snapshot", "one.json"]).await;
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    let snapshot = read_snapshots(&bench.path("one.json")).unwrap().remove(0);
    let last = |login: &str| {
        let user = snapshot.users.iter().find(|user| user.login == login).unwrap();
        let logon = user.last_logon.as_ref().unwrap();
        let days = logon.at.map(|at| (snapshot.finished - at).num_days());
        (logon.source.as_str(), days, logon.from.clone())
    };
    assert_eq!(last(logins[0]), ("log", Some(10), Some("10.1.2.3".into())));
    assert_eq!(last(logins[1]), ("export", None, None));
    assert_eq!(last(logins[2]), ("log", Some(30), Some("10.1.2.3".into())));
    assert_eq!(last(logins[3]), ("log", None, None));
    let sources: Vec<_> = snapshot.logon_sources.iter().map(|source| source.label.as_str()).collect();
    assert_eq!(sources, ["users.csv", "auth.log"]);

    fs::write(bench.path("users.csv"), format!("{export}{},last week\n", logins[2])).unwrap();
    fs::remove_file(bench.path("auth.log")).unwrap();
    let output = bench.run(&["review", "--out", "two", "--save-snapshot", "two.json"]).await;
    assert_eq!(code(&output), 0, "never fatal: {}", stderr(&output));
    let told = stderr(&output);
    assert!(told.contains("users.csv: line 4, column \"Last Logon\": "), "{told}");
    assert!(told.contains("auth.log: there is no such file"), "{told}");
    let snapshot = read_snapshots(&bench.path("two.json")).unwrap().remove(0);
    assert!(snapshot.users.iter().all(|user| user.last_logon.is_none()));
    assert!(snapshot.coverage.ties_out());
    let output = bench.run(&["check"]).await;
    assert_eq!(code(&output), 1);
    assert!(stdout(&output).contains("mend what the line above names"), "{}", stdout(&output));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_roster_is_joined_checked_and_missed_where_it_cannot_be_read() {
    let bench = Bench::start(Options::default()).await;
    let console = fs::read_to_string(bench.path("config.toml")).unwrap();
    let (database, people) = (bench.path("state/recert.db"), bench.path("people.csv"));
    let store = format!("[store]\nurl = \"sqlite://{}\"\n", database.display());
    bench.configure(&format!("{store}{console}[roster]\nfile = \"{}\"\n", people.display()));
    let saved = |name: &str| json(&bench.path(name)).to_string();

    fs::write(&people, "id,login\nE7,nxadmin\nE8,nobody-here\n").unwrap();
    let output = bench.run(&["check"]).await;
    assert_eq!(code(&output), 0, "{}", stdout(&output));
    assert!(stdout(&output).contains("roster people.csv: 2 people"), "{}", stdout(&output));
    let output = bench.run(&["review", "--out", "whole", "--save-snapshot", "whole.json"]).await;
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    let coverage = fs::read_to_string(bench.path("whole/coverage.csv")).unwrap();
    assert!(coverage.contains("\nhq,roster,2,2,complete,"), "{coverage}");
    assert!(saved("whole.json").contains("\"nobody\""), "accounts without a person");

    fs::write(&people, "id,status\nE7,active\nE8,furlough\nE9,furlough\n").unwrap();
    let output = bench.run(&["check"]).await;
    assert_eq!(code(&output), 0, "{}", stdout(&output));
    let told = "states that are not known: \"furlough\" (2 people): add each to left or employed in [roster]";
    assert!(stdout(&output).contains(told), "{}", stdout(&output));
    assert!(!stdout(&output).contains("\"active\""), "{}", stdout(&output));

    fs::write(&people, "id,end\nE7,CANARY\n").unwrap();
    let output = bench.run(&["check"]).await;
    assert_eq!(code(&output), 1);
    let told = stdout(&output);
    assert!(told.contains("line 2, column \"end\"") && told.contains("[roster]"), "{told}");
    let output = bench.run(&["review", "--out", "partial", "--save-snapshot", "partial.json"]).await;
    assert_eq!(code(&output), 3, "the run does not end: {}", stderr(&output));
    assert!(stderr(&output).contains("line 2, column \"end\""), "{}", stderr(&output));
    assert!(!format!("{told}{}{}", stdout(&output), stderr(&output)).contains("CANARY"));
    let coverage = fs::read_to_string(bench.path("partial/coverage.csv")).unwrap();
    assert!(coverage.contains("\nhq,roster,,0,incomplete,"), "{coverage}");
    assert!(coverage.contains("\nhq,roster,,,,roster,,malformed,1,"), "{coverage}");
    assert!(!saved("partial.json").contains("\"nobody\""), "nobody was asked");
}

#[tokio::test(flavor = "multi_thread")]
async fn rules_are_printed_and_one_in_full() {
    let bench = Bench::offline();
    bench.configure("");
    let output = bench.run(&["rules"]).await;
    for rule in all_rules() {
        assert!(stdout(&output).contains(&rule), "{rule}");
        let page = bench.run(&["rules", &rule]).await;
        for heading in ["What it flags", "Why it matters", "in the console", "through the API", "Controls"] {
            assert!(stdout(&page).contains(heading), "{rule}: {heading}");
        }
    }
    assert_eq!(code(&bench.run(&["rules", "no_such_rule"]).await), 2);
    assert_eq!(code(&bench.run(&["rules", "auth-01", "--json"]).await), 0);
    assert_eq!(code(&bench.run(&["rules", "Locked_Account"]).await), 0);
    let shown = bench.run(&["rules", "SOD-01"]).await;
    for row in COMBINATIONS.iter() {
        assert!(
            stdout(&shown)
                .contains(&format!("\n  {}  {}  A holder can {}.\n", row.code, row.severity, row.effect))
        );
    }
    assert!(stdout(&shown).contains("    Takes: create-tickets; and close-tickets\n"), "{}", stdout(&shown));
    let designed = "By the vendor's design in: security-manager, site-admin, system-admin, user";
    assert!(stdout(&shown).contains(designed), "{}", stdout(&shown));
    bench.configure(
        "[[analyzers.toxic_combination.combination]]\ncode = \"OUR-1\"\neffect = \"do it all\"\nseverity = \"low\"\n\
         all_of = [[\"create-tickets\", \"close-tickets\"], [\"manage-sites\"]]\n",
    );
    let shown = bench.run(&["rules", "toxic_combination"]).await;
    let ours = "  OUR-1  low  A holder can do it all.\n      Takes: one of create-tickets, close-tickets; and manage-sites\n";
    assert!(stdout(&shown).contains(ours), "{}", stdout(&shown));
    let shown = bench.run(&["rules", "toxic_combination", "--json"]).await;
    let document: Value = serde_json::from_str(&stdout(&shown)).unwrap();
    let rows = document["combinations"].as_array().unwrap();
    assert_eq!((rows.len(), &rows[COMBINATIONS.len()]["code"]), (COMBINATIONS.len() + 1, &"OUR-1".into()));
    let wrong = bench.run(&["rules", "locked_acount"]).await;
    assert!(stderr(&wrong).contains("did you mean \"locked_account\"?"), "{}", stderr(&wrong));
}

#[tokio::test(flavor = "multi_thread")]
async fn rules_of_recert_are_printed_whatever_the_configuration_is() {
    let bench = Bench::offline();
    let missing = bench.run(&["rules", "locked_account"]).await;
    assert_eq!(code(&missing), 2, "a configuration that is named and not there");
    assert!(stderr(&missing).contains("config.toml") && stdout(&missing).is_empty(), "{}", stderr(&missing));
    bench.configure("colour = \"red\"\n");
    for arguments in [&["rules", "locked_account"][..], &["rules"], &["rules", "--framework", "pci-dss"]] {
        let output = bench.run(arguments).await;
        assert_eq!(code(&output), 0, "{}", stderr(&output));
        assert!(stdout(&output).contains("LIFE-05"), "{}", stdout(&output));
        let said = stderr(&output);
        assert!(
            said.contains("rules of your own are missing") && said.contains("unknown field `colour`"),
            "{said}"
        );
    }
    let own = bench.run(&["rules", "our_rule"]).await;
    assert_eq!(code(&own), 2, "it may be one of the configuration");
    assert!(stderr(&own).contains("unknown field `colour`"), "{}", stderr(&own));
}

#[tokio::test(flavor = "multi_thread")]
async fn demo_writes_everything_and_replaces_only_a_former_demo() {
    let bench = Bench::offline();
    let first = bench.run(&["demo"]).await;
    assert_eq!(code(&first), 0, "{}", stderr(&first));
    assert_eq!(files(&bench.path("recert-demo")), FILES);
    let report = json(&bench.path("recert-demo/report.json"));
    for rule in all_rules() {
        let rows = report["rules"].as_array().unwrap();
        let found: u64 = rows
            .iter()
            .filter(|row| row["id"] == rule.as_str())
            .map(|row| row["findings"].as_u64().unwrap())
            .sum();
        assert!(found > 0, "the demo shows nothing of {rule}");
    }
    assert_eq!(code(&bench.run(&["demo", "--seed", "8"]).await), 0);
    fs::write(bench.path("recert-demo/mine.txt"), "kept").unwrap();
    assert_eq!(code(&bench.run(&["demo"]).await), 2);
    assert!(bench.path("recert-demo/mine.txt").exists());
    assert!(bench.path("recert-demo/report.xlsx").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn delivery_keeps_the_latest_runs_of_a_job() {
    let bench = Bench::start(Options::default()).await;
    let console = fs::read_to_string(bench.path("config.toml")).unwrap();
    let database = bench.path("state/recert.db");
    bench.configure(&format!(
        "[store]\nurl = \"sqlite://{}\"\n{console}\n[[job]]\nname = \"weekly\"\nformats = [\"json\"]\n\
         [[job.directory]]\npath = \"runs\"\nkeep = 2\n",
        database.display()
    ));
    fs::create_dir(bench.path("runs")).unwrap();
    for _ in 0..3 {
        let output = bench.run(&["review", "--job", "weekly", "--deliver"]).await;
        assert_eq!(code(&output), 0, "{}", stderr(&output));
    }
    let runs = files(&bench.path("runs"));
    assert_eq!(runs.len(), 2);
    for run in runs {
        assert_eq!(files(&bench.path("runs").join(run)), ["evidence.zip", "manifest.json", "report.json"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn usage_help_completions_and_the_manual_page() {
    let bench = Bench::offline();
    assert_eq!(code(&bench.run(&["review", "--format", "pdf"]).await), 2);
    assert_eq!(code(&bench.run(&[]).await), 2);
    let help = bench.run(&["--help"]).await;
    assert_eq!(code(&help), 0);
    assert!(stdout(&help).contains("Exit codes: 0 done and complete"));
    assert!(stdout(&bench.run(&["completions", "bash"]).await).contains("_recert"));
    let man = async |words: &[&str]| bench.run(&[&["man"], words].concat()).await;
    assert!(stdout(&man(&[]).await).contains(".TH recert 1"));
    let review = stdout(&man(&["review"]).await);
    assert!(review.contains(".TH recert-review 1") && review.contains("snapshot"), "{review}");
    assert!(stdout(&man(&["evidence", "verify"]).await).contains(".TH recert-evidence-verify 1"));
    let wrong = man(&["evidence", "nothing"]).await;
    assert_eq!(code(&wrong), 2);
    let said = stderr(&wrong);
    assert!(
        said.contains("recert evidence has no command \"nothing\"; known: ") && said.contains("verify"),
        "{said}"
    );
    assert_eq!(code(&man(&["--out", "pages/man1"]).await), 0);
    let pages = files(&bench.path("pages/man1"));
    for page in ["recert.1", "recert-review.1", "recert-evidence-verify.1"] {
        assert!(pages.contains(&page.to_owned()), "{pages:?}");
    }
}
