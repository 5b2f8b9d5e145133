//! Rules of one's own in the configuration: what is taken, and that each mistake is told with its place and its mend.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

use std::fs;

use recert::config::Config;
use recert::finding::Severity;

/// A rule with its keys; one of them replaced or added, or left out if the value is empty.
fn rule(key: &str, value: &str) -> String {
    let keys = [
        ("id", "\"idle_admin\""),
        ("title", "\"Idle administrator\""),
        ("severity", "\"high\""),
        ("expression", "\"user.superuser && user.locked\""),
    ];
    let mut text = "[[rule]]\n".to_owned();
    for (own, default) in keys {
        let value = if own == key { value } else { default };
        if !value.is_empty() {
            text.extend([own, " = ", value, "\n"]);
        }
    }
    if !keys.iter().any(|(own, _)| *own == key) {
        text.extend([key, " = ", value, "\n"]);
    }
    text
}

fn load(text: &str) -> Result<Config, String> {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("config.toml");
    fs::write(&path, text).unwrap();
    Config::load(&path, []).map_err(|error| {
        let told = error.to_string();
        assert!(told.contains("config.toml"), "{told}");
        told
    })
}

/// How many rules are read, or what is wrong.
fn count(text: &str) -> Result<usize, String> {
    load(text).map(|config| config.rule.len())
}

fn expression(text: &str) -> String {
    rule("expression", &toml::Value::String(text.to_owned()).to_string())
}

#[test]
fn a_rule_is_read_with_its_defaults() {
    let config = load(&rule("id", "\"idle_admin\"")).unwrap();
    let rule = &config.rule[0];
    assert_eq!((rule.id.as_str(), rule.title.as_str()), ("idle_admin", "Idle administrator"));
    assert_eq!((rule.severity, rule.enabled), (Severity::High, true));
    assert!(rule.why.is_none() && rule.remediation.is_none() && rule.controls.is_empty());
}

#[test]
fn every_key_is_read() {
    let text = rule("enabled", "false")
        + "why = \"Two\\nlines.\"\nremediation = \"Disable it.\"\ncontrols = [\"pci-dss 7.2.4\", \"soc-2 CC6.2\"]\n"
        + &rule("id", "\"another_2\"");
    let config = load(&text).unwrap();
    assert_eq!(config.rule.len(), 2);
    let rule = &config.rule[0];
    assert!(!rule.enabled && rule.why.as_deref() == Some("Two\nlines."));
    assert_eq!(rule.remediation.as_deref(), Some("Disable it."));
    assert_eq!(rule.controls, ["pci-dss 7.2.4", "soc-2 CC6.2"]);
}

#[test]
fn good_values_are_taken() {
    for (key, value) in [
        ("id", "\"abc\"".to_owned()),
        ("id", format!("\"{}\"", "a".repeat(60))),
        ("id", "\"a1_b2_c3\"".to_owned()),
        ("title", format!("\"{}\"", "ü".repeat(120))),
        ("severity", "\"info\"".to_owned()),
        ("severity", "\"critical\"".to_owned()),
        ("why", format!("\"{}\"", "x".repeat(2_000))),
        ("controls", "[]".to_owned()),
        ("controls", "[\"iso-27001 5.18\"]".to_owned()),
        ("expression", "'''\nuser.enabled\n&& user.locked // both\n'''".to_owned()),
        ("expression", "\"user.locked || true\"".to_owned()),
    ] {
        assert_eq!(count(&rule(key, &value)), Ok(1), "{key} = {value}");
    }
}

/// What stands in a file, and words of the error.
type Mistake = (String, &'static [&'static str]);

fn mistakes() -> Vec<Mistake> {
    let long = |n: usize| format!("\"{}\"", "a".repeat(n));
    vec![
        // Keys and types: the parser knows the line.
        (rule("id", ""), &["missing field `id`"]),
        (rule("title", ""), &["missing field `title`"]),
        (rule("severity", ""), &["missing field `severity`"]),
        (rule("expression", ""), &["missing field `expression`"]),
        (rule("id", "7"), &["line 2", "string"]),
        (rule("title", "[\"x\"]"), &["line 3", "string"]),
        (rule("severity", "\"urgent\""), &["line 4", "urgent", "critical"]),
        (rule("severity", "\"High\""), &["line 4", "high"]),
        (rule("severity", "3"), &["line 4"]),
        (rule("expression", "true"), &["line 5", "string"]),
        (rule("enabled", "\"yes\""), &["line 6", "boolean"]),
        (rule("controls", "\"pci-dss 7\""), &["line 6", "sequence"]),
        (rule("controls", "[7]"), &["line 6", "string"]),
        (rule("why", "7"), &["line 6", "string"]),
        (rule("remediation", "false"), &["line 6", "string"]),
        (rule("expresion", "\"true\""), &["line 6", "unknown field `expresion`", "`expression`"]),
        (rule("condition", "\"true\""), &["unknown field `condition`"]),
        ("[rule]\nid = \"abc\"\n".into(), &["line 1"]),
        ("rule = \"true\"\n".into(), &["line 1"]),
        ("[[rules]]\nid = \"abc\"\n".into(), &["unknown field `rules`", "`rule`"]),
        // Values: the place is the rule and the key.
        (rule("id", "\"\""), &["rule[0] \"\": id: has 0 characters; 3 to 60"]),
        (rule("id", "\"ab\""), &["rule[0] \"ab\": id: has 2 characters"]),
        (rule("id", &long(61)), &["id: has 61 characters"]),
        (rule("id", "\"Idle_admin\""), &["id: must be small letters"]),
        (rule("id", "\"idle-admin\""), &["id: must be small letters"]),
        (rule("id", "\"idle admin\""), &["id: must be small letters"]),
        (rule("id", "\"_idle\""), &["id: must be small letters"]),
        (rule("id", "\"idle_\""), &["id: must be small letters"]),
        (rule("id", "\"idle__admin\""), &["single underscores"]),
        (rule("id", "\"2idle\""), &["id: must be small letters"]),
        (rule("id", "\"übel\""), &["id: must be small letters"]),
        (rule("id", "\"../x\""), &["id: must be small letters"]),
        (rule("id", "\"a\\nb\""), &["rule[0] \"a\\nb\": id: must be small letters"]),
        (
            rule("id", "\"locked_account\""),
            &[
                "rule[0] \"locked_account\": id: locked_account is a rule of recert",
                "[analyzers.locked_account]",
            ],
        ),
        (rule("id", "\"incomplete_collection\""), &["is a rule of recert"]),
        (rule("title", "\"\""), &["@title: must be one line"]),
        (rule("title", "\"  \""), &["@title: must be one line"]),
        (rule("title", "\"a\\nb\""), &["@title: must be one line"]),
        (rule("title", "\"a\\u001b[31m\""), &["@title: must be one line"]),
        (rule("title", &long(121)), &["@title: has 121 characters; at most 120"]),
        (rule("why", "\"\""), &["@why: is empty; leave it out"]),
        (rule("why", "\"a\\u0000b\""), &["@why: has a control character"]),
        (rule("why", &long(2_001)), &["@why: has 2001 characters"]),
        (rule("remediation", "\" \""), &["@remediation: is empty"]),
        (rule("remediation", "\"\\u0007\""), &["@remediation: has a control character"]),
        (rule("remediation", &long(9_000)), &["@remediation: has 9000 characters"]),
        (rule("controls", "[\"\"]"), &["@controls: \"\": must be one line"]),
        (rule("controls", "[\"pci-dss\"]"), &["@controls: \"pci-dss\" has no number", "pci-dss 7.2.4"]),
        (rule("controls", "[\"cis 1\", \"cis 2\\n\"]"), &["@controls: \"cis 2\\n\": must be one line"]),
        (rule("controls", "[\"iso 5.18\"]"), &["@controls: \"iso 5.18\" names no framework", "iso-27001"]),
        (rule("controls", "[\"pci-dss 7\", \"PCI-DSS 7\"]"), &["@controls: \"PCI-DSS 7\" is named twice"]),
    ]
}

fn mistakes_in_expressions() -> Vec<Mistake> {
    vec![
        // Expressions: the place goes on inside of them.
        (expression(""), &["@expression: line 1, column 1: is empty"]),
        (
            expression("user.enabeld"),
            &["@expression: line 1, column 6: `user.enabeld`", "did you mean `enabled`"],
        ),
        (expression("user.locked &&\n usr.x"), &["@expression: line 2, column 2: `usr`"]),
        (expression("user.login"), &["column 1: is a string", "condition"]),
        (expression("user.locked and true"), &["line 1, column 13: \"and\" is written &&"]),
        (expression("user.locked = true"), &["column 13: \"is equal\" is written =="]),
        (expression("user.id > 'x'"), &["column 9: int > string is not possible"]),
        (expression("lower(user.login) == 'x'"), &["column 1: the function `lower`", "known: has"]),
        (expression("user.login.matches('[')"), &["column 20: the pattern is not a regular expression"]),
        (expression("now - user.last_logon > duration('90d')"), &["column 34", "a day is 24h"]),
        (expression(&"(".repeat(25)), &["column 25: is nested more than 24 brackets"]),
        (expression(&format!("'{}' == ''", "x".repeat(2_000))), &["has 2008 bytes; at most 2000"]),
        (expression(&(vec!["1"; 60].join("+") + " > 1")), &["operations deep"]),
        (
            expression("user.privileges.all(x, role.privileges.all(y, x == y))"),
            &["column 40: `all` inside of another walk"],
        ),
        (expression("true"), &["@expression: asks nothing of the account", "user, role, grants or person"]),
        (expression("1 / 0 == 1"), &["@expression: asks nothing of the account"]),
        (
            expression("now > timestamp('2026-01-31T00:00:00Z')"),
            &["@expression: asks nothing of the account"],
        ),
        (
            expression(&format!(
                "user.privileges.exists(p, {})",
                vec![format!("({})", ["p.matches('a')"; 8].join("||")); 8].join("||")
            )),
            &["line 1: @expression: line 1, column 17: the whole may take", "at most 5000", "several rules"],
        ),
        // Several rules.
        (
            rule("id", "\"idle_admin\"") + &rule("id", "\"idle_admin\""),
            &["rule[1] \"idle_admin\": two rules have this id"],
        ),
        (
            rule("id", "\"first\"") + &rule("expression", "\"user\""),
            &["rule[1] \"idle_admin\": expression: line 1, column 1: `user` is a record"],
        ),
        // A rule that is switched off is a rule all the same.
        (rule("id", "\"x\"") + "enabled = false\n", &["rule[0] \"x\": id"]),
        (expression("user.foo") + "enabled = false\n", &["`user.foo` does not exist"]),
    ]
}

#[test]
fn mistakes_are_told_with_their_place() {
    let table = [mistakes(), mistakes_in_expressions()].concat();
    assert!(table.len() >= 60, "{}", table.len());
    let mut wrong = Vec::new();
    // `@` is the place of the rule.
    for (text, words) in &table {
        match load(text) {
            Ok(_) => wrong.push(format!("is taken: {text}")),
            Err(told) => {
                let said = |word: &&str| told.contains(&word.replace('@', "rule[0] \"idle_admin\": "));
                if !words.iter().all(said) || told.chars().any(|c| c.is_control() && c != '\n') {
                    wrong.push(format!("{text}\n{words:?}\n{told:?}"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

#[test]
fn there_is_an_end_to_the_number_of_rules() {
    let many = |number: usize| (0..number).map(|n| rule("id", &format!("\"rule_{n}\""))).collect::<String>();
    assert_eq!(count(&many(200)), Ok(200));
    let told = count(&many(201)).unwrap_err();
    assert!(told.contains("rule: has 201 rules; at most 200 are possible"), "{told}");
}

#[test]
fn a_rule_can_be_changed_by_the_environment() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("config.toml");
    fs::write(&path, rule("enabled", "true")).unwrap();
    let set = |key: &str, value: &str| [(format!("RECERT__RULE__0__{key}"), value.to_owned())];
    assert!(!Config::load(&path, set("ENABLED", "false")).unwrap().rule[0].enabled);
    let told = Config::load(&path, set("EXPRESSION", "user.foo")).unwrap_err().to_string();
    assert!(told.contains("expression: line 1, column 6"), "{told}");
}
