//! The CSV files: read by another parser they are the report again, and no cell of them is a formula.

use std::collections::BTreeMap;
use std::process::Command;

use serde_json::Value;

use super::programs::{finished, program};
use super::review::HOSTILE;

/// What begins a formula somewhere, or is swallowed in front of one.
const TRIGGERS: &[char] = &['=', '+', '-', '@', '\t', '\r', '\n', '\0', '＝', '＋', '－', '＠'];
/// What begins one where a cell begins inside a field, and behind what a reader that knows no comma begins one.
const MARKS: &[char] = &['=', '+', '-', '@', '＝', '＋', '－', '＠'];
const CELLS: &[char] = &[';', '\t', '\r', '\n'];
const TABLES: [&str; 5] = ["users.csv", "grants.csv", "findings.csv", "roles.csv", "coverage.csv"];

type Record = Vec<String>;

/// Header and rows as they stand in the file; rows of another length are an error.
fn raw(name: &str) -> Vec<Record> {
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(HOSTILE.text(name).as_bytes());
    reader.records().map(|row| row.unwrap().iter().map(str::to_owned).collect()).collect()
}

/// The rows by the names of their columns, after what the head of `src/render/csv.rs` tells readers to undo.
fn rows(name: &str) -> Vec<BTreeMap<String, String>> {
    let mut rows = raw(name).into_iter();
    let header = rows.next().unwrap();
    rows.map(|row| header.iter().cloned().zip(row.iter().map(|field| restored(field))).collect()).collect()
}

fn restored(field: &str) -> String {
    let control = |c: char| match c {
        '\u{2400}'..='\u{241f}' => char::from_u32(u32::from(c) - 0x2400).unwrap(),
        '\u{2421}' => '\u{7f}',
        other => other,
    };
    let field: String = field.chars().map(control).collect();
    let first = match field.strip_prefix('\'') {
        Some(rest) if rest.starts_with(TRIGGERS) || rest.starts_with('\'') => rest,
        _ => &field,
    };
    let (mut restored, mut begins, mut rest) = (String::new(), false, first.chars().peekable());
    while let Some(c) = rest.next() {
        let guarded = |next: &char| MARKS.contains(next) || *next == '\'';
        let c = if begins && c == '\'' { rest.next_if(guarded).unwrap_or(c) } else { c };
        begins = CELLS.contains(&c) || (begins && c == '"');
        restored.push(c);
    }
    restored
}

fn texts(value: &Value, separator: &str) -> String {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    match value {
        Value::Null => String::new(),
        Value::Array(items) => items.iter().map(text).collect::<Vec<_>>().join(separator),
        other => text(other),
    }
}

/// Compares the named columns of a table with the report, row by row.
fn assert_same(name: &str, list: &str, columns: &[(&str, &str)]) {
    let (report, rows) = (HOSTILE.document(), rows(name));
    let expected = report[list].as_array().unwrap();
    assert_eq!(rows.len(), expected.len(), "{name}");
    for (row, expected) in rows.iter().zip(expected) {
        for (column, key) in columns {
            let (said, expected) = (&row[*column], texts(&expected[*key], ";"));
            assert!(*said == expected, "{name} {column}: {said:.300?} is not {expected:.300?}");
        }
    }
}

fn same<'a>(columns: &[&'a str]) -> Vec<(&'a str, &'a str)> {
    columns.iter().map(|column| (*column, *column)).collect()
}

#[test]
fn tables_read_back_are_the_report() {
    let user = [
        "id",
        "login",
        "name",
        "email",
        "enabled",
        "locked",
        "auth_source",
        "auth_type",
        "role_id",
        "role_name",
        "superuser",
        "privileges",
        "sites",
        "asset_groups",
        "two_factor",
        "findings",
    ];
    assert_same("users.csv", "users", &same(&user));
    let mut role = same(&["description", "privileges", "users", "builtin"]);
    role.extend([("role_id", "id"), ("role_name", "name")]);
    assert_same("roles.csv", "roles", &role);
    let finding =
        ["id", "rule", "title", "severity", "subject_kind", "subject_id", "subject_name", "summary"];
    assert_same("findings.csv", "findings", &same(&finding));
    let names: BTreeMap<_, _> =
        HOSTILE.estate.sites.iter().map(|(id, site)| (id.to_string(), &site.name)).collect();
    let grants = rows("grants.csv");
    let sites: Vec<_> = grants.iter().filter(|grant| grant["scope"] == "site").collect();
    assert!(sites.len() > names.len());
    assert!(sites.iter().all(|grant| grant["scope_name"] == *names[&grant["scope_id"]]));
}

#[test]
fn no_field_begins_a_formula() {
    for name in TABLES {
        let bytes = &HOSTILE.files[name];
        assert!(bytes.ends_with(b"\r\n") && !bytes.starts_with(b"\xef\xbb\xbf"), "{name}");
        for field in raw(name).concat() {
            assert!(!field.starts_with(TRIGGERS), "{name}: {field:.80?}");
            let cells = field.split(CELLS).skip(1).map(|cell| cell.trim_start_matches('"'));
            for cell in cells {
                assert!(!cell.starts_with(MARKS), "where a semicolon parts fields, {name}: {field:.80?}");
            }
            assert!(
                !field.chars().any(|c| c.is_ascii_control() && !"\t\r\n".contains(c)),
                "{name}: {field:.80?}"
            );
        }
    }
}

#[test]
fn python_reads_the_same_rows() {
    const SCRIPT: &str = "
import csv, json, sys
csv.field_size_limit(10**9)
with open(sys.argv[1], encoding='utf-8', newline='') as file:
    json.dump(list(csv.reader(file, strict=True)), sys.stdout)
";
    let Some(python) = program("python3") else { return };
    let directory = tempfile::tempdir().unwrap();
    for name in TABLES {
        let path = directory.path().join(name);
        std::fs::write(&path, &HOSTILE.files[name]).unwrap();
        let output = finished(Command::new(&python).args(["-I", "-c", SCRIPT]).arg(&path));
        let read: Vec<Record> = serde_json::from_slice(&output.stdout).unwrap();
        assert!(read == raw(name), "{name} differs");
    }
}
