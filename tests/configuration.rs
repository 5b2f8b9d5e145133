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
        if line.starts_with('[') && line.ends_with(']') {
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
    let rules = Analyzers::default()
        .rules()
        .iter()
        .map(|rule| rule.about().id.clone().into_owned())
        .collect::<Vec<_>>();
    let fixed = [
        "[store]",
        "[smtp]",
        "[evidence]",
        "[daemon]",
        "[[console]]",
        "[[job]]",
        "[[job.email]]",
        "[[job.directory]]",
        "[[account]]",
        "[[waiver]]",
        "[console.last_logon]",
        "[roster]",
        "[roster.columns]",
        "[[rule]]",
    ];
    let mut tables: Vec<String> = fixed.map(str::to_owned).to_vec();
    tables.extend(rules.iter().map(|rule| format!("[analyzers.{rule}]")));
    let mut shown = 0;
    for table in &tables {
        // A recipient stands inside a job, and a source of logons inside a console.
        let inside = match table {
            _ if table.starts_with("[[job.") => "[[job]]\nname = \"j\"\n",
            _ if table.starts_with("[console.") => "[[console]]\nname = \"c\"\n",
            _ => "",
        };
        for key in accepted(&format!("{inside}{table}")) {
            let is_table = matches!(
                (table.as_str(), key.as_str()),
                ("[[job]]", "directory" | "email") | ("[roster]", "columns") | ("[[console]]", "last_logon")
            );
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
    assert_eq!(accepted("[analyzers]"), rules.iter().cloned().collect());
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
    let logons: Config = toml::from_str(
        "[[console]]\nname = \"n\"\nurl = \"https://c.example\"\nusername = \"u\"\n\
         password = { env = \"P\" }\n[console.last_logon]\n",
    )
    .unwrap();
    let logons = logons.console[0].last_logon.as_ref().unwrap();
    assert_eq!((logons.timezone.as_str(), logons.max_age_days, logons.export_lists_all), ("UTC", 45, false));
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

#[test]
fn the_roster_that_the_example_shows_has_the_defaults() {
    let (path, text) = example();
    assert!(Config::load(&path, []).unwrap().roster.is_none(), "a default review has no roster");
    let table = shown(&text, "[roster]");
    let file = table.lines().filter(|line| !["url", "token", "tls"].iter().any(|key| line.starts_with(key)));
    let shown: Config = toml::from_str(&file.collect::<Vec<_>>().join("\n")).unwrap();
    let bare: Config = toml::from_str("[roster]\nfile = \"/people.csv\"\n").unwrap();
    let layout = |config: Config| config.roster.unwrap().source().unwrap().layout;
    assert_eq!(layout(shown), layout(bare));
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
fn numbers_and_tables_are_asked_for_in_words() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("config.toml");
    let load = |text: &str, variable: &str| {
        fs::write(&path, text).unwrap();
        let variables = [(variable.to_owned(), "x".to_owned())];
        Config::load(&path, variables.into_iter().filter(|(name, _)| !name.is_empty()))
            .unwrap_err()
            .to_string()
    };
    for (text, variable, said) in [
        ("[[job]]\nname = \"j\"\njitter = \"five\"\n", "", "expected a whole number from 0 to 4294967295"),
        ("[[job]]\nname = \"j\"\nkeep = -1\n", "", "expected a whole number from 0 on"),
        ("console = 7\n", "", "line 1"),
        (CONSOLE, "RECERT__CONSOLE__2__NAME", "expected a table for key `console[1]`"),
    ] {
        let error = load(text, variable);
        assert!(error.contains(said), "{text}{variable}: {error}");
        for word in ["u32", "usize", "struct", "unit value"] {
            assert!(!error.contains(word), "{text}{variable}: {error}");
        }
    }
}

#[test]
fn what_is_no_base_of_a_security_console_is_refused_with_the_mend() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("config.toml");
    for (url, said) in [
        (
            "https://c.example:3780/api/3",
            "url: has a path, which recert adds itself; write only https://c.example:3780",
        ),
        ("https://c.example/nexpose/", "write only https://c.example"),
        (
            "https://us.api.insight.rapid7.com",
            "url: this is the Insight cloud; recert talks to Security Consoles",
        ),
        ("https://Insight.Rapid7.com.:443", "this is the Insight cloud"),
    ] {
        fs::write(&path, CONSOLE.replace("https://c.example", url)).unwrap();
        let error = Config::load(&path, []).unwrap_err().to_string();
        assert!(error.contains("console[0] \"hq\": ") && error.contains(said), "{url}: {error}");
    }
    for url in ["https://c.example:3780/", "https://rapid7.com.example", "https://myrapid7.com"] {
        fs::write(&path, CONSOLE.replace("https://c.example", url)).unwrap();
        Config::load(&path, []).unwrap_or_else(|error| panic!("{url}: {error}"));
    }
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
        (
            "[analyzers.shared_or_generic_account]\npatterns = [\"Admin\"]\n",
            "analyzers.shared_or_generic_account.patterns: \"Admin\" never fits",
        ),
    ] {
        fs::write(&path, text).unwrap();
        let error = Config::load(&path, []).unwrap_err().to_string();
        assert!(error.contains(expected) && error.contains("config.toml"), "{text}: {error}");
    }
}

/// The part of the example that is commented out because few consoles can have it: it loads all the same.
#[test]
fn the_source_of_logons_that_the_example_shows_is_one() {
    let (_, text) = example();
    let start = text.find("# [console.last_logon]").unwrap();
    let table = &text[start..start + text[start..].find("\n\n").unwrap()];
    let keys = ["[", "log", "export", "timezone", "pattern", "columns", "date_format", "max_age_days"];
    let is_key = |line: &&str| {
        line.ends_with(']') && line.starts_with('[')
            || keys.iter().any(|key| line.starts_with(&format!("{key} =")))
    };
    let lines: Vec<&str> = table.lines().map(|line| line.trim_start_matches("# ")).filter(is_key).collect();
    assert_eq!(lines.len(), keys.len(), "{lines:?}");
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("config.toml");
    fs::write(&path, format!("{CONSOLE}{}\n", lines.join("\n"))).unwrap();
    let config = Config::load(&path, []).unwrap();
    let sources = config.console[0].last_logon.as_ref().unwrap().sources().unwrap();
    assert!(sources.log.is_some() && sources.export.is_some());
}

const CONSOLE: &str =
    "[[console]]\nname = \"hq\"\nurl = \"https://c.example\"\nusername = \"u\"\npassword = { env = \"P\" }\n";

#[test]
fn a_source_of_logons_that_cannot_be_one_is_refused_with_its_key_and_mend() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("config.toml");
    for (table, key, mend) in [
        ("", "last_logon: ", "give log, export or both"),
        ("log = \"auth.log\"", "last_logon.log: ", "absolute path"),
        ("export = \"users.csv\"", "last_logon.export: ", "absolute path"),
        ("log = \"/l\"\ntimezone = \"Berlin\"", "last_logon.timezone: ", "such as Europe/Berlin"),
        ("log = \"/l\"\npattern = '('", "last_logon.pattern: ", "no regular expression"),
        ("log = \"/l\"\npattern = '(?<time>x)'", "last_logon.pattern: ", "a group named login"),
        ("log = \"/l\"\npattern = '(?<login>x)'", "last_logon.pattern: ", "a group named time"),
        ("export = \"/e\"\npattern = '(?<login>x)(?<time>x)'", "last_logon.pattern: ", "without a log"),
        ("export = \"/e\"\ndate_format = \"%H:%M\"", "last_logon.date_format: ", "name day, month and year"),
        ("export = \"/e\"\nmax_age_days = 0", "last_logon.max_age_days: ", "between 1 and 3650"),
        ("export = \"/e\"\ncolumns = { login = \" \" }", "last_logon.columns: ", "needs its name"),
        ("log = \"/l\"\nexport_lists_all = true", "last_logon.export: ", "without an export"),
        ("log = \"/l\"\ncolumns = { name = \"x\" }", "", "unknown field `name`"),
        ("logfile = \"/l\"", "", "unknown field `logfile`"),
    ] {
        fs::write(&path, format!("{CONSOLE}[console.last_logon]\n{table}\n")).unwrap();
        let error = Config::load(&path, []).unwrap_err().to_string();
        assert!(error.contains(key) && error.contains(mend), "{table}: {error}");
        assert!(key.is_empty() || error.contains("console[0] \"hq\": "), "{table}: {error}");
    }
}

#[test]
fn a_roster_that_cannot_be_right_is_refused_with_its_key() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("config.toml");
    let pin = "[roster]\nurl = \"https://hr.example/people.json\"\n";
    for (text, said) in [
        ("[roster]\n", "roster.file: is needed"),
        (
            "[roster]\nfile = \"/p.csv\"\nurl = \"https://h.example/p.csv\"\n",
            "roster.file: cannot stand beside url",
        ),
        ("[roster]\nfile = \"p.csv\"\n", "roster.file: must be an absolute path"),
        ("[roster]\nfile = \"/people\"\n", "roster.format: is needed"),
        ("[roster]\nurl = \"https://hr.example/people\"\n", "roster.format: is needed"),
        ("[roster]\nfile = \"/p.csv\"\ntoken = { env = \"T\" }\n", "roster.token: is for url"),
        ("[roster]\nfile = \"/p.csv\"\ntls = { ca_file = \"/ca\" }\n", "roster.tls: is for url"),
        (&format!("{pin}max_age_days = 7\n"), "roster.max_age_days: is for file"),
        ("[roster]\nfile = \"/p.csv\"\nmax_age_days = 0\n", "roster.max_age_days: must be at least 1"),
        (&format!("{pin}tls = {{ }}\n"), "roster.tls: give either"),
        (&format!("{pin}tls = {{ pin_sha256 = [\"12\"] }}\n"), "roster.tls.pin_sha256"),
        ("[roster]\nurl = \"http://hr.example/canary.csv\"\n", "roster.url: must be https://"),
        ("[roster]\nurl = \"https://me:canary@hr.example/p.csv\"\n", "roster.url: must not hold a login"),
        ("[roster]\nurl = \"https://hr.example:x/p.csv?key=canary\"\n", "line 2"),
        ("[roster]\nfile = \"/p.csv\"\ntoken = \"canary\"\n", "line 3"),
        ("[roster]\nfile = \"/p.csv\"\ndelimiter = \"ab\"\n", "line 3"),
        ("[roster]\nfile = \"/p.csv\"\ndelimiter = \"a\"\n", "roster.delimiter: must be one"),
        ("[roster]\nfile = \"/p.csv\"\ndelimiter = \"\\\"\"\n", "roster.delimiter: must be one"),
        ("[roster]\nfile = \"/p.csv\"\ndelimiter = \"€\"\n", "roster.delimiter: must be one"),
        ("[roster]\nfile = \"/p.csv\"\nformat = \"xlsx\"\n", "unknown word `xlsx`"),
        ("[roster]\nfile = \"/p.csv\"\ncolumns = { mail = \"m\" }\n", "unknown word `mail`"),
        ("[roster]\nfile = \"/p.csv\"\ncolumns = { email = \" \" }\n", "roster.columns: email is empty"),
        ("[roster]\nfile = \"/p.csv\"\nleft = [\"\"]\n", "roster.left: holds an empty word"),
        ("[roster]\nfile = \"/p.csv\"\nleft = [\"Active\"]\n", "roster.left: \"Active\" is in employed"),
        ("[roster]\nfile = \"/p.csv\"\npeople = 7\n", "unknown field `people`"),
    ] {
        fs::write(&path, text).unwrap();
        let error = Config::load(&path, []).unwrap_err().to_string();
        assert!(error.contains(said) && error.contains("config.toml"), "{text}: {error}");
        assert!(!error.contains("canary"), "{text}: {error}");
    }
    for text in [
        "[roster]\nfile = \"/p.CSV\"\ndelimiter = \"\\t\"\nmax_age_days = 7\n",
        "[roster]\nfile = \"/people\"\nformat = \"json\"\n",
        "[roster]\nurl = \"https://hr.example/p.json?key=canary\"\ntoken = { env = \"T\" }\ntls = { ca_file = \"/ca\" }\n",
        "[roster]\nurl = \"http://127.0.0.1:8080/p\"\nformat = \"csv\"\ncolumns = { id = \"nr\", type = \"kind\" }\n",
    ] {
        fs::write(&path, text).unwrap();
        let config = Config::load(&path, []).unwrap();
        let roster = config.roster.as_ref().unwrap();
        assert!(roster.source().is_some(), "{text}");
        assert!(!format!("{config:?}").contains("canary"), "{text}");
    }
}
