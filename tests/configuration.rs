//! `config.example.toml` is the manual: it loads, it names every key, and what it says of defaults is true.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use recert::analyze::Analyzers;
use recert::config::Config;

fn example() -> (PathBuf, String) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("config.example.toml");
    let text = fs::read_to_string(&path).unwrap();
    (path, text)
}

/// The keys that a table accepts, as the parser's own complaint about an unknown one lists them.
fn accepted(table: &str) -> BTreeSet<String> {
    let error = toml::from_str::<Config>(&format!("{table}\nno_such_key = 1\n")).unwrap_err().to_string();
    let list = error.split("expected").nth(1).unwrap_or_else(|| panic!("{table}: {error}"));
    list.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

/// Whether the example sets or shows a key in a table; key and table may be commented out.
fn shows(text: &str, table: &str, key: &str) -> bool {
    let mut inside = table.is_empty();
    text.lines().any(|line| {
        let line = line.trim().trim_start_matches("# ");
        if line.starts_with('[') {
            inside = line == table;
        }
        inside && line.strip_prefix(key).is_some_and(|rest| rest.trim_start().starts_with('='))
    })
}

#[test]
fn the_example_loads() {
    let (path, _) = example();
    let config = Config::load(&path, []).unwrap();
    assert_eq!((config.console.len(), config.job.len()), (1, 1));
}

#[test]
fn the_example_shows_every_key() {
    let (_, text) = example();
    let rules = Analyzers::default().rules().iter().map(|rule| rule.about().id).collect::<Vec<_>>();
    let fixed = [
        "[store]",
        "[smtp]",
        "[daemon]",
        "[[console]]",
        "[[job]]",
        "[[job.email]]",
        "[[job.directory]]",
        "[[rule]]",
    ];
    let mut tables: Vec<String> = fixed.map(str::to_owned).to_vec();
    tables.extend(rules.iter().map(|rule| format!("[analyzers.{rule}]")));
    let mut shown = 0;
    for table in &tables {
        // A recipient stands inside a job.
        let inside = if table.starts_with("[[job.") { "[[job]]\nname = \"j\"\n" } else { "" };
        for key in accepted(&format!("{inside}{table}")) {
            let is_table = key == "directory" || key == "email";
            assert!(
                is_table || shows(&text, table, &key),
                "config.example.toml: {table} does not show {key}"
            );
            shown += 1;
        }
    }
    assert!(shown > 50, "{shown} keys: the parser's complaint is not read any more");
    for key in accepted("") {
        let forms = [format!("[[{key}]]"), format!("[{key}."), format!("[{key}]")];
        let table = forms.iter().any(|table| text.contains(table.as_str()));
        assert!(table || shows(&text, "", &key), "config.example.toml does not show {key}");
    }
    assert_eq!(accepted("[analyzers]"), rules.iter().map(|rule| (*rule).to_owned()).collect());
}

#[test]
fn the_defaults_that_the_example_shows_are_the_defaults() {
    let (path, _) = example();
    let config = Config::load(&path, []).unwrap();
    assert_eq!(format!("{:?}", config.analyzers), format!("{:?}", Analyzers::default()));
    let console = &config.console[0];
    let bare: Config = toml::from_str(
        "[[console]]\nname = \"n\"\nurl = \"https://c.example\"\nusername = \"u\"\npassword = { env = \"P\" }\n\
         [[job]]\nname = \"j\"\n",
    )
    .unwrap();
    assert_eq!(console.max_in_flight, bare.console[0].max_in_flight);
    assert_eq!(console.two_factor, bare.console[0].two_factor);
    assert_eq!(console.depth, bare.console[0].depth);
    let (job, bare_job) = (&config.job[0], &bare.job[0]);
    assert_eq!(job.formats, bare_job.formats);
    assert_eq!((job.catch_up, job.jitter, job.keep), (bare_job.catch_up, bare_job.jitter, bare_job.keep));
    let email: Config = toml::from_str("[[job]]\nname = \"j\"\n[[job.email]]\nto = []\n").unwrap();
    let (email, bare_email) = (&job.email[0], &email.job[0].email[0]);
    assert_eq!((email.when, email.max_size), (bare_email.when, bare_email.max_size));
    assert_eq!(email.cc, bare_email.cc);
    let smtp: Config = toml::from_str("[smtp]\nhost = \"h\"\nfrom = \"a@b.example\"\n").unwrap();
    let (smtp, bare_smtp) = (config.smtp.unwrap(), smtp.smtp.unwrap());
    assert_eq!((smtp.tls, smtp.on_ambiguous), (bare_smtp.tls, bare_smtp.on_ambiguous));
    assert_eq!(config.store.url, bare.store.url);
}

/// The lines of a table that the example shows commented out, as they are meant: what is prose stays a comment.
fn shown(text: &str, table: &str) -> String {
    let lines =
        text.lines().skip_while(|line| *line != format!("# {table}")).take_while(|line| !line.is_empty());
    let is_key = |line: &str| {
        let key = line.split(" = ").next().unwrap_or_default();
        line.contains(" = ") && key.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
    };
    let meant = lines.map(|line| {
        let bare = line.trim_start_matches("# ");
        if bare == table || is_key(bare) { bare } else { line }
    });
    meant.collect::<Vec<_>>().join("\n")
}

#[test]
fn the_rule_that_the_example_shows_is_a_rule_and_judges_nothing() {
    let (path, text) = example();
    assert!(Config::load(&path, []).unwrap().rule.is_empty(), "a default review has no rules of one's own");
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("config.toml");
    fs::write(&path, shown(&text, "[[rule]]")).unwrap();
    let config = Config::load(&path, []).unwrap();
    let [rule] = &config.rule[..] else { panic!("{} rules", config.rule.len()) };
    assert!(rule.why.is_some() && rule.remediation.is_some() && rule.controls.len() == 2);
    let bare = "[[rule]]\nid = \"a_b\"\ntitle = \"t\"\nseverity = \"low\"\nexpression = \"true\"\n";
    let bare: Config = toml::from_str(bare).unwrap();
    assert_eq!(rule.enabled, bare.rule[0].enabled);
}

#[test]
fn contradictory_knobs_are_refused_with_their_place() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("config.toml");
    for (text, expected) in [
        ("[analyzers.global_admin_count]\nmin = 9\n", "analyzers.global_admin_count"),
        ("[analyzers.similar_roles]\nthreshold = 1.5\n", "analyzers.similar_roles"),
        (
            "[analyzers.shared_or_generic_account]\npatterns = [\"*\"]\n",
            "analyzers.shared_or_generic_account",
        ),
    ] {
        fs::write(&path, text).unwrap();
        let error = Config::load(&path, []).unwrap_err().to_string();
        assert!(error.contains(expected) && error.contains("config.toml"), "{text}: {error}");
    }
}
