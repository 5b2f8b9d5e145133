//! `report.json`: the whole truth, unaltered, in the form that the schema promises.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::review::HOSTILE;

/// The rows of a list by their id.
fn rows(report: &Value, list: &str) -> BTreeMap<String, Value> {
    let id = |row: &Value| row["id"].as_str().map_or_else(|| row["id"].to_string(), str::to_owned);
    report[list].as_array().unwrap().iter().map(|row| (id(row), row.clone())).collect()
}

/// Only the fields that are compared.
fn fields(row: &Value, like: &Value) -> Value {
    like.as_object().unwrap().keys().map(|key| (key.clone(), row[key].clone())).collect()
}

fn assert_rows(report: &Value, list: &str, expected: BTreeMap<String, Value>) {
    let rows = rows(report, list);
    assert_eq!(rows.len(), expected.len(), "{list}");
    for (id, expected) in expected {
        let row = fields(&rows[&id], &expected);
        assert!(row == expected, "{list} {id:.80}: {row:.2000} is not {expected:.2000}");
    }
}

#[test]
fn the_population_ties_out() {
    let report = HOSTILE.document();
    assert_eq!(report["run"]["verdict"], "complete", "{}", report["gaps"]);
    assert!(!report["anomalies"].as_array().unwrap().is_empty());
}

#[test]
fn every_text_is_the_console_s_own() {
    let (report, estate) = (HOSTILE.document(), &HOSTILE.estate);
    let console = &report["consoles"][0];
    assert_eq!(
        [&console["uuid"], &console["serial"], &console["version"]],
        [&estate.uuid, &estate.serial, &estate.version]
    );
    let user = |(id, account): (&i64, &recert::simulator::Account)| {
        let source = &estate.sources[&account.source];
        let row = json!({
            "login": account.login, "name": account.name, "email": account.email, "role_id": account.role,
            "role_name": estate.roles[&account.role].name, "auth_source": source.name, "auth_type": source.kind,
            "privileges": estate.privileges_of(account),
        });
        (id.to_string(), row)
    };
    assert_rows(&report, "users", estate.users.iter().map(user).collect());
    let role = |(id, role): (&String, &recert::simulator::RoleDefinition)| {
        (
            id.clone(),
            json!({ "name": role.name, "description": role.description, "privileges": role.privileges }),
        )
    };
    assert_rows(&report, "roles", estate.roles.iter().map(role).collect());
    let privilege = |id: &String| (id.clone(), json!({ "id": id }));
    assert_rows(&report, "privileges", estate.privileges.iter().map(privilege).collect());
    let site = |(id, site): (&i64, &recert::simulator::SiteRecord)| {
        let row = json!({
            "name": site.name, "description": site.description, "type": site.kind, "importance": site.importance,
            "last_scan": site.last_scan,
        });
        (id.to_string(), row)
    };
    assert_rows(&report, "sites", estate.sites.iter().map(site).collect());
    let group = |(id, group): (&i64, &recert::simulator::GroupRecord)| {
        (id.to_string(), json!({ "name": group.name, "description": group.description, "type": group.kind }))
    };
    assert_rows(&report, "asset_groups", estate.asset_groups.iter().map(group).collect());
}

/// Long text is cut in a sentence; a name is the console's own.
#[test]
fn every_change_names_its_subject_as_the_console_does() {
    let (report, estate) = (HOSTILE.document(), &HOSTILE.estate);
    let changes = report["changes"].as_array().unwrap();
    let of = |kind: &str, change: &str| {
        let of_kind = changes.iter().filter(move |row| row["kind"] == kind && row["change"] == change);
        of_kind.map(|row| (row["id"].as_str().unwrap(), row["name"].as_str().unwrap())).collect::<Vec<_>>()
    };
    for (kind, change) in
        [("user", "renamed"), ("user", "role_changed"), ("flags", "gained"), ("site_grants", "gained")]
    {
        let rows = of(kind, change);
        assert!(rows.len() > 10, "{kind} {change}: {}", rows.len());
        for (id, name) in rows {
            assert_eq!(name, estate.users[&id.parse().unwrap()].login);
        }
    }
    for (id, name) in of("role", "renamed") {
        assert_eq!(name, estate.roles[id].name);
    }
    for (id, name) in of("site", "added") {
        assert_eq!(name, estate.sites[&id.parse().unwrap()].name);
    }
    let longest = changes.iter().map(|row| row["summary"].as_str().unwrap().chars().count()).max().unwrap();
    assert!(longest < 4_000, "{longest}");
    assert!(of("role", "added").len() + of("site", "removed").len() + of("asset_group", "added").len() > 20);
}

#[test]
fn it_meets_the_published_schema() {
    let schema = serde_json::from_str(include_str!("../../schema/report.schema.json")).unwrap();
    let validator = jsonschema::draft202012::new(&schema).unwrap();
    let report = HOSTILE.document();
    let errors: Vec<String> = validator
        .iter_errors(&report)
        .map(|error| format!("{}: {error:.200}", error.instance_path()))
        .collect();
    assert!(errors.is_empty(), "{errors:?}");
}

#[test]
fn a_line_is_a_line_whatever_the_text() {
    let text = HOSTILE.text("report.json");
    assert!(!text.chars().any(|c| c < ' ' && c != '\n'), "control characters are escaped");
    let rows: Vec<&str> = text.lines().filter(|line| line.starts_with("{\"console\"")).collect();
    assert!(rows.len() > HOSTILE.estate.users.len());
    for row in rows {
        serde_json::from_str::<Value>(row.trim_end_matches(',')).unwrap();
    }
}
