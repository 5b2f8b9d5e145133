//! Waivers, files of waivers and declared accounts that are refused: each error names its place and the mend, and
//! nothing of the configuration is taken.

use std::fs;

use recert::config::Config;

/// Keys of a waiver that is right but for the rule and what it is for.
const REST: &str = "reason = \"on leave\"\napproved_by = \"Maria Boss\"\nexpires = 2026-12-31\n";

/// What stands under `[[waiver]]`, and what its error must say.
type Case = (&'static str, &'static [&'static str]);

/// Texts that need nothing else to be wrong.
const WHOLE: &[Case] = &[
    // What is missing.
    ("", &["line", "missing field `rule`"]),
    ("rule = \"locked_account\"\nsubject = \"mia\"", &["missing field `reason`"]),
    (
        "rule = \"locked_account\"\nsubject = \"mia\"\nreason = \"x\"\nexpires = 2026-12-31",
        &["missing field `approved_by`"],
    ),
    (
        "rule = \"locked_account\"\nsubject = \"mia\"\nreason = \"x\"\napproved_by = \"M\"",
        &["missing field `expires`"],
    ),
    (
        "subject = \"mia\"\nreason = \"x\"\napproved_by = \"M\"\nexpires = 2026-12-31",
        &["missing field `rule`"],
    ),
    // Not TOML.
    ("rule = locked_account", &["line 2", "rule"]),
    ("rule", &["line 2"]),
    ("rule = \"a\"\nrule = \"b\"", &["line 3", "duplicate key"]),
    ("rule = \"locked_account", &["line 2"]),
    ("[[waiver", &["line 2"]),
];

/// Keys that are put before a whole `REST`.
const KEYS: &[Case] = &[
    // Keys that there are not.
    ("rule = \"locked_account\"\nsubject = \"mia\"\nuser = \"mia\"", &["unknown field `user`", "`subject`"]),
    (
        "rule = \"locked_account\"\nsubject = \"mia\"\nuntil = 2026-12-31",
        &["unknown field `until`", "`expires`"],
    ),
    (
        "rule = \"locked_account\"\nsubject = \"mia\"\napprover = \"M\"",
        &["unknown field `approver`", "`approved_by`"],
    ),
    ("rule = \"locked_account\"\nsubject = \"mia\"\nplace = \"x\"", &["unknown field `place`"]),
    ("rules = \"locked_account\"\nsubject = \"mia\"", &["unknown field `rules`", "`rule`"]),
    // Spaces that nobody sees.
    (
        "rule = \"locked_account\"\nsubject = \" mia\"",
        &["waiver[0]", "subject: \" mia\" has spaces at its ends", "write \"mia\""],
    ),
    ("rule = \"locked_account \"\nsubject = \"mia\"", &["rule: \"locked_account \" has spaces at its ends"]),
    (
        "rule = \"locked_account\"\nfinding = \"836e54e1e2e7889571c2\\n\"",
        &["finding: ", "spaces at its ends, so that it fits nothing; write \"836e54e1e2e7889571c2\""],
    ),
    (
        "rule = \"locked_account\"\nsubject = \"mia\"\nconsole = \" hq \"",
        &["console: \" hq \" has spaces at its ends", "write \"hq\""],
    ),
    // Values of another type.
    ("rule = 7\nsubject = \"mia\"", &["line 2", "invalid type: integer `7`", "string"]),
    ("rule = [\"locked_account\"]\nsubject = \"mia\"", &["line 2", "invalid type: sequence"]),
    ("rule = \"locked_account\"\nsubject = 7", &["line 3", "invalid type: integer `7`"]),
    ("rule = \"locked_account\"\nsubject = [\"mia\"]", &["line 3", "invalid type: sequence"]),
    ("rule = \"locked_account\"\nsubject = true", &["line 3", "invalid type: boolean"]),
    ("rule = \"locked_account\"\nfinding = 836", &["line 3", "invalid type: integer"]),
    ("rule = \"locked_account\"\nsubject = \"mia\"\nconsole = 1", &["line 4", "invalid type: integer"]),
    ("rule = \"locked_account\"\nsubject = \"mia\"\nticket = 218", &["line 4", "invalid type: integer"]),
    // Rules that there are not.
    (
        "rule = \"locked_acount\"\nsubject = \"mia\"",
        &["waiver[0]: rule", "did you mean \"locked_account\"?", "`recert rules`"],
    ),
    ("rule = \"LOCKED_ACCOUNT\"\nsubject = \"mia\"", &["waiver[0]: rule", "`recert rules` lists them"]),
    ("rule = \"LIFE-5\"\nsubject = \"mia\"", &["waiver[0]: rule", "there is no rule \"LIFE-5\""]),
    (
        "rule = \"GOV-03\"\nsubject = \"*\"",
        &["waiver[0]: subject", "says of this waiver too; name one finding by its id"],
    ),
    ("rule = \"*\"\nsubject = \"mia\"", &["waiver[0]: rule", "there is no rule \"*\""]),
    ("rule = \"locked*\"\nsubject = \"mia\"", &["waiver[0]: rule", "`recert rules`"]),
    ("rule = \" locked_account\"\nsubject = \"mia\"", &["waiver[0]: rule", "write \"locked_account\""]),
    ("rule = \"\"\nsubject = \"mia\"", &["waiver[0]: rule", "is empty"]),
    // Neither a subject nor a finding, or both.
    ("rule = \"locked_account\"", &["waiver[0]: subject", "is missing", "one finding by its id"]),
    ("rule = \"locked_account\"\nconsole = \"hq\"", &["waiver[0]: subject", "is missing"]),
    (
        "rule = \"locked_account\"\nsubject = \"mia\"\nfinding = \"836e54e1e2e7889571c2\"",
        &["waiver[0]: finding", "one of the two"],
    ),
    // No id of a finding.
    (
        "rule = \"locked_account\"\nfinding = \"836e54e1\"",
        &["waiver[0]: finding", "only a part of an id", "all 20 digits"],
    ),
    (
        "rule = \"locked_account\"\nfinding = \"836E54E1E2E7889571C2\"",
        &["waiver[0]: finding", "lower case", "\"836e54e1e2e7889571c2\""],
    ),
    (
        "rule = \"locked_account\"\nfinding = \"the first one\"",
        &["waiver[0]: finding", "is not the id of a finding"],
    ),
    // Nothing said.
    ("rule = \"locked_account\"\nsubject = \"\"", &["waiver[0]: subject", "is empty"]),
    ("rule = \"locked_account\"\nsubject = \" \\t\"", &["waiver[0]: subject", "is empty"]),
    ("rule = \"locked_account\"\nfinding = \"\"", &["waiver[0]: finding", "is empty"]),
    ("rule = \"locked_account\"\nsubject = \"mia\"\nconsole = \"\"", &["waiver[0]: console", "is empty"]),
    ("rule = \"locked_account\"\nsubject = \"mia\"\nticket = \" \"", &["waiver[0]: ticket", "is empty"]),
];

/// Days that are none.
const DAYS: &[&str] = &[
    "\"2026-02-30\"",
    "\"31.12.2026\"",
    "\"12/31/2026\"",
    "\"2026-12\"",
    "\"next year\"",
    "\"\"",
    "20261231",
    "2026",
    "true",
    "2026-12-31T10:00:00Z",
    "2026-12-31T10:00:00",
    "10:00:00",
    "[2026, 12, 31]",
    "\"2026-12-31T00:00:00Z\"",
    "\"+262142-12-31\"",
];

const ACCOUNTS: &[Case] = &[
    ("", &["missing field `login`"]),
    ("login = 7", &["line 2", "invalid type: integer"]),
    ("login = \"svc\"\nname = \"x\"", &["unknown field `name`", "`login`"]),
    ("login = \"svc\"\nkind = \"robot\"", &["line 3", "unknown word `robot`", "`service`"]),
    ("login = \"svc\"\nkind = \"Service\"", &["line 3", "unknown word `Service`, did you mean \"service\"?"]),
    ("login = \"svc \"\nperson = \"E1\"", &["account[0]", "login: \"svc \" has spaces", "write \"svc\""]),
    ("login = \"svc\"\nconsole = \"\\thq\"\nperson = \"E1\"", &["console: ", "spaces", "write \"hq\""]),
    ("login = \"\"\nkind = \"service\"\nowner = \"E1\"", &["account[0]", "login", "is empty"]),
    (
        "login = \"svc\"",
        &["line 1: account[0] \"svc\": person: is missing", "service, break_glass or shared"],
    ),
    (
        "login = \"mia\"\nkind = \"personal\"",
        &["account[0] \"mia\": person: is missing", "name whose account it is"],
    ),
    (
        "login = \"svc-*\"\nkind = \"service\"\nowner = \"E1\"",
        &["account[0] \"svc-*\": login", "stands for itself", "a table for each login"],
    ),
    ("login = \"svc\"\nkind = \"service\"", &["account[0] \"svc\": owner", "answers for it"]),
    ("login = \"svc\"\nkind = \"shared\"", &["account[0] \"svc\": owner"]),
    ("login = \"svc\"\nkind = \"break_glass\"", &["account[0] \"svc\": owner"]),
    ("login = \"svc\"\nkind = \"service\"\nowner = \" \"", &["account[0] \"svc\": owner", "is empty"]),
    (
        "login = \"svc\"\nkind = \"service\"\nowner = \"E1\"\npurpose = \"\"",
        &["account[0] \"svc\": purpose", "leave it out"],
    ),
    (
        "login = \"svc\"\nkind = \"service\"\nowner = \"E1\"\nperson = \"E2\"",
        &["account[0] \"svc\": person", "its owner instead"],
    ),
    ("login = \"mia\"\nperson = \"\"", &["account[0] \"mia\": person", "is empty"]),
    ("login = \"mia\"\nperson = \"E1\"\ntested = 2026-01-01", &["account[0] \"mia\": tested", "break-glass"]),
    ("login = \"mia\"\nperson = \"E1\"\nreview = \"soon\"", &["line 4", "a day such as"]),
    (
        "login = \"mia\"\nperson = \"E1\"\n[[account]]\nlogin = \"MIA\"\nperson = \"E2\"",
        &["account[1] \"MIA\"", "declared twice", "keep one"],
    ),
];

/// Loads a configuration that must be refused; gives its error.
fn refused(config: &str, waivers: Option<&str>) -> String {
    let directory = tempfile::tempdir().unwrap();
    let (path, file) = (directory.path().join("config.toml"), directory.path().join("waivers.toml"));
    let mut text = String::new();
    if let Some(waivers) = waivers {
        fs::write(&file, waivers).unwrap();
        text = format!("waiver_file = \"{}\"\n", file.display());
    }
    fs::write(&path, format!("{text}{config}")).unwrap();
    let error = Config::load(&path, []).err();
    error.unwrap_or_else(|| panic!("taken:\n{config}\n{}", waivers.unwrap_or_default())).to_string()
}

fn assert_says(shown: &str, error: &str, said: &[&str]) {
    for part in said {
        assert!(error.contains(part), "{shown}\n{error}\ndoes not say {part:?}");
    }
}

/// Refuses a waiver in the configuration, and the same in a file of its own, which is named then.
fn refuse(waiver: &str, said: &[&str]) {
    let table = format!("[[waiver]]\n{waiver}");
    let error = refused(&table, None);
    assert_says(&table, &error, said);
    assert!(error.contains("config.toml"), "{error}");
    let error = refused("", Some(&table));
    assert_says(&table, &error, said);
    assert!(error.contains("waivers.toml"), "{error}");
}

#[test]
fn every_case_is_refused_with_its_place_and_mend() {
    let mut count = 0;
    for (waiver, said) in WHOLE {
        refuse(waiver, said);
        count += 1;
    }
    for (keys, said) in KEYS {
        refuse(&format!("{keys}\n{REST}"), said);
        count += 1;
    }
    for key in ["reason", "approved_by"] {
        for text in ["\"\"", "\"  \"", "\"\\n\""] {
            let rest = REST.lines().filter(|line| !line.starts_with(key)).collect::<Vec<_>>().join("\n");
            let place = format!("waiver[0]: {key}");
            refuse(
                &format!("rule = \"locked_account\"\nsubject = \"mia\"\n{key} = {text}\n{rest}"),
                &[&place, "is empty"],
            );
            count += 1;
        }
    }
    for day in DAYS {
        let waiver = format!(
            "rule = \"locked_account\"\nsubject = \"mia\"\nreason = \"x\"\napproved_by = \"M\"\nexpires = {day}"
        );
        refuse(&waiver, &["line 6", "a day"]);
        count += 1;
    }
    for (account, said) in ACCOUNTS {
        let table = format!("[[account]]\n{account}\n");
        assert_says(&table, &refused(&table, None), said);
        count += 1;
    }
    assert!(count >= 75, "{count} cases");
}

fn right(subject: &str) -> String {
    format!("[[waiver]]\nrule = \"locked_account\"\nsubject = \"{subject}\"\n{REST}\n")
}

#[test]
fn the_one_that_is_wrong_is_named_among_others() {
    let wrong = format!("[[waiver]]\nrule = \"nonsense\"\nsubject = \"x\"\n{REST}");
    let error = refused(&format!("{}{}{wrong}", right("a"), right("b")), None);
    assert_says("", &error, &["line 15: waiver[2]: rule", "there is no rule \"nonsense\""]);
    let error = refused(&right("a"), Some(&format!("{}{wrong}", right("b"))));
    assert_says("", &error, &["waivers.toml: line 8: waiver[1]: rule"]);
}

#[test]
fn two_that_say_the_same_are_refused_wherever_they_stand() {
    let twice = ["line 8: waiver[1]", "says the same as line 1: waiver[0]", "keep one of the two"];
    assert_says("", &refused(&format!("{}{}", right("mia"), right("MIA")), None), &twice);
    let across = refused(&right("mia"), Some(&right("mia")));
    assert_says(
        "",
        &across,
        &["waivers.toml: line 1: waiver[0]", "says the same as line 2: waiver[0]", "keep one of the two"],
    );
}

#[test]
fn a_file_of_waivers_holds_waivers_alone_and_must_be_readable() {
    assert_says(
        "",
        &refused("", Some("[store]\nurl = \"sqlite:///x\"\n")),
        &["waivers.toml", "unknown field `store`", "`waiver`"],
    );
    assert_says("", &refused("", Some("waiver = \"x\"\n")), &["waivers.toml", "line 1"]);
    assert_says("", &refused("", Some("[waiver]\nrule = \"locked_account\"\n")), &["waivers.toml", "line 1"]);
    assert_says("", &refused("", Some("not toml")), &["waivers.toml", "line 1"]);
    assert_says("", &refused("waiver_file = 7\n", None), &["config.toml", "line 1", "invalid type: integer"]);
    assert_says("", &refused("waiver_file = \"/\"\n", None), &["/", "cannot read"]);
    assert_says(
        "",
        &refused("waiver_file = \"waivers.toml\"\n", None),
        &["config.toml: waiver_file: waivers.toml must be an absolute path"],
    );
    let directory = tempfile::tempdir().unwrap();
    let (path, file) = (directory.path().join("config.toml"), directory.path().join("waivers.toml"));
    fs::write(&path, format!("waiver_file = \"{}\"\n", file.display())).unwrap();
    fs::write(&file, b"# \xff\n").unwrap();
    let error = Config::load(&path, []).unwrap_err().to_string();
    assert!(error.contains("waivers.toml: line 1: is not UTF-8; save the file"), "{error}");
    fs::write(&path, b"# one\n# \xe4\n").unwrap();
    let error = Config::load(&path, []).unwrap_err().to_string();
    assert!(error.contains("config.toml: line 2: is not UTF-8; save the file"), "{error}");
}

#[test]
fn a_table_of_no_configured_console_is_refused() {
    let console = "[[console]]\nname = \"HQ\"\nurl = \"https://c.example\"\nusername = \"u\"\npassword = { env = \"P\" }\n";
    let waiver = |name: &str| format!("{}console = \"{name}\"\n", right("mia"));
    let account = |name: &str| format!("[[account]]\nlogin = \"a\"\nperson = \"E1\"\nconsole = \"{name}\"\n");
    for table in [waiver("h"), account("h"), waiver("lab*"), account("lab*")] {
        let error = refused(&format!("{console}{table}"), None);
        assert_says(
            &table,
            &error,
            &["line 6: ", "[0]", ": console: ", "is none of the consoles; configured: HQ"],
        );
    }
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("config.toml");
    for text in [
        format!("{console}{}{}", waiver("hq"), account("h*")),
        // Snapshots are judged without consoles.
        format!("{}{}", waiver("lab"), account("lab*")),
    ] {
        fs::write(&path, &text).unwrap();
        Config::load(&path, []).unwrap_or_else(|error| panic!("{text}: {error}"));
    }
}

#[test]
fn other_waivers_are_tried_without_their_file() {
    let directory = tempfile::tempdir().unwrap();
    let (path, file) = (directory.path().join("config.toml"), directory.path().join("waivers.toml"));
    fs::write(&path, format!("waiver_file = \"{}\"\n", file.display())).unwrap();
    fs::write(&file, right("old")).unwrap();
    let tried = Config::load_with_waivers(&path, [], right("new").as_bytes()).unwrap();
    assert_eq!(tried.policy.waivers[0].subject.as_deref(), Some("new"));
    let error = Config::load_with_waivers(&path, [], b"[[waiver]]\n").unwrap_err().to_string();
    assert!(error.contains("waivers.toml") && error.contains("missing field"), "{error}");
    let before = Config::load(&path, []).unwrap();
    assert_eq!(before.policy.waivers[0].subject.as_deref(), Some("old"));
    assert_ne!(before.hash, tried.hash);
    fs::write(&file, right("new")).unwrap();
    assert_eq!(
        Config::load(&path, []).unwrap().hash,
        tried.hash,
        "the hash is that of the bytes that were parsed"
    );
}

#[test]
fn what_is_right_is_taken_and_an_old_one_is_no_mistake() {
    let directory = tempfile::tempdir().unwrap();
    let (path, file) = (directory.path().join("config.toml"), directory.path().join("waivers.toml"));
    fs::write(&file, right("in a file")).unwrap();
    let old = right("old").replace("2026-12-31", "\"2001-01-01\"");
    fs::write(&path, format!("waiver_file = \"{}\"\n{}{old}", file.display(), right("LIFE"))).unwrap();
    let config = Config::load(&path, []).unwrap();
    let places: Vec<&str> = config.policy.waivers.iter().map(|waiver| waiver.place.as_str()).collect();
    assert_eq!(places[..2], ["line 2: waiver[0]", "line 9: waiver[1]"]);
    assert!(places[2].ends_with("waivers.toml: line 1: waiver[0]"), "{places:?}");
    fs::remove_file(&file).unwrap();
    let without = Config::load(&path, []).unwrap();
    assert_eq!(without.policy.waivers.len(), 2, "a file that is not there holds none");
    assert_ne!(without.hash, config.hash, "what is waived is part of the configuration that counts");
}
