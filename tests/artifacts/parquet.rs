//! The Parquet files: `DuckDB` reads the report back from them, and answers questions about an estate's past with the
//! query that the documentation gives.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use chrono::{NaiveDate, TimeDelta};
use recert::analyze::Policy;
use recert::deliver::{publish, publish_redacted};
use recert::evidence::{ChainPlace, Filing, Observed};
use recert::graph::{AccessGraph, Target};
use recert::history::History;
use recert::model::{Answer, PrivilegeId, Snapshot};
use recert::render::{Format, Templates};
use recert::report::Redaction;
use recert::review::{self, Occasion};
use serde_json::{Value, json};

use super::programs::{finished, program, skip};
use super::review::HOSTILE;

const APPROVE: &str = "approve-vulnerability-exceptions";

/// Runs a query and prints its rows as JSON; what JSON does not have, as text.
const QUERY: &str = "
import duckdb, json, sys
connection = duckdb.connect()
connection.sql(\"SET TimeZone = 'Pacific/Auckland'\")
cursor = connection.execute(sys.argv[1])
names = [column[0] for column in cursor.description]
json.dump([dict(zip(names, row)) for row in cursor.fetchall()], sys.stdout, default=str)
";

/// Python with `DuckDB`; where that is missing, it is told or fails as [`program`] does.
fn duckdb() -> Option<PathBuf> {
    let python = program("python3")?;
    let has = Command::new(&python).args(["-I", "-c", "import duckdb"]).output().unwrap().status.success();
    if !has {
        skip("duckdb", "is no package of python3");
    }
    has.then_some(python)
}

fn rows(python: &Path, query: &str) -> Vec<Value> {
    let output = finished(Command::new(python).args(["-I", "-c", QUERY, query]));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Every column that a table of Parquet and a list of the report share.
fn assert_same(read: &[Value], expected: &[Value], columns: &[&str]) {
    assert_eq!(read.len(), expected.len());
    for (read, expected) in read.iter().zip(expected) {
        for column in columns {
            let said = (&read[*column], &expected[*column]);
            assert!(said.0 == said.1, "{column}: {:.300} is not {:.300}", said.0, said.1);
        }
    }
}

#[test]
fn duckdb_reads_the_report_back() {
    let Some(python) = duckdb() else { return };
    let directory = tempfile::tempdir().unwrap();
    let mut files = 0;
    for (name, bytes) in HOSTILE.files.iter().filter(|(name, _)| name.starts_with("parquet/")) {
        let path = directory.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
        files += 1;
    }
    assert_eq!(files, 3);
    let table = |name: &str, order: &str| {
        let at = directory.path().join("parquet").join(name).join("**/*.parquet");
        rows(
            &python,
            &format!("SELECT * FROM read_parquet('{}', hive_partitioning = true) {order}", at.display()),
        )
    };
    let report = HOSTILE.document();
    let list = |name: &str| report[name].as_array().unwrap();
    let users = table("users", "ORDER BY id");
    assert_same(
        &users,
        list("users"),
        &[
            "console",
            "id",
            "login",
            "name",
            "email",
            "enabled",
            "locked",
            "auth_source",
            "auth_type",
            "external",
            "role_id",
            "role_name",
            "superuser",
            "privileges",
            "all_sites",
            "all_asset_groups",
            "two_factor",
            "findings",
            "highest_severity",
            "person",
            "roster_match",
        ],
    );
    for (read, user) in users.iter().zip(list("users")) {
        assert_eq!((&read["date"], &read["complete"]), (&json!("2026-09-21"), &json!(true)));
        let (all, listed) = match &user["sites"] {
            Value::String(_) => (json!(true), Value::Null),
            listed => (json!(false), listed.clone()),
        };
        assert_eq!((&read["reaches_all_sites"], &read["sites"]), (&all, &listed));
    }
    let findings = table("findings", "");
    assert_same(
        &findings,
        list("findings"),
        &[
            "console",
            "id",
            "rule",
            "title",
            "severity",
            "state",
            "subject_kind",
            "subject_id",
            "subject_name",
            "summary",
            "remediation",
            "controls",
            "change",
            "waiver",
        ],
    );
    let grants = table("grants", "");
    assert_eq!(
        grants.len() + 1,
        csv::Reader::from_reader(&*HOSTILE.files["grants.csv"]).records().count() + 1
    );
    let names: BTreeMap<i64, &String> =
        HOSTILE.estate.sites.iter().map(|(id, site)| (*id, &site.name)).collect();
    for grant in grants.iter().filter(|grant| grant["scope"] == "site") {
        assert_eq!(&grant["scope_name"], names[&grant["scope_id"].as_i64().unwrap()]);
    }
}

/// The only SQL block of the documentation that speaks of exceptions, asked of these runs and this day.
fn documented(runs: &Path, day: NaiveDate) -> String {
    let document = include_str!("../../docs/parquet.md");
    let blocks: Vec<&str> = document
        .split("```sql\n")
        .skip(1)
        .filter_map(|rest| rest.split_once("```"))
        .map(|(sql, _)| sql)
        .collect();
    let mut wanted = blocks.into_iter().filter(|sql| sql.contains(APPROVE));
    let query = wanted.next().expect("a query about exceptions");
    assert!(wanted.next().is_none());
    assert!(query.contains("/var/lib/recert/reports") && query.contains("2026-11-23"));
    query
        .replace("/var/lib/recert/reports", &runs.display().to_string())
        .replace("2026-11-23", &day.to_string())
}

/// The estate of a day: who may approve exceptions, and through what, is different on each.
fn on_day(number: i64) -> Vec<Snapshot> {
    let mut random = fastrand::Rng::with_seed(number.unsigned_abs());
    let names = ["HQ/Zürich 100%=\"1\"", "..", "7"];
    let mut consoles = Vec::new();
    for (index, name) in names.into_iter().enumerate() {
        let mut snapshot = HOSTILE.snapshot.clone();
        snapshot.console.name = name.into();
        snapshot.console.serial = Some(format!("serial {index}"));
        snapshot.started += TimeDelta::days(number);
        snapshot.finished += TimeDelta::days(number);
        snapshot.users.retain(|user| user.login.len() < 100 && user.id.0 % 2 == 0);
        // A run of every day for the first console, and fewer for the others.
        if number % (i64::try_from(index).unwrap() + 1) != 0 {
            continue;
        }
        for user in &mut snapshot.users {
            user.enabled = [Some(true), Some(true), Some(false), None][random.usize(..4)];
            user.role.superuser = random.u8(..8) == 0;
            let held: &[&str] =
                [&[][..], &["create-reports"], &[APPROVE, "create-reports"], &["all-permissions"]]
                    [random.usize(..4)];
            let held: BTreeSet<PrivilegeId> = held.iter().map(|id| PrivilegeId::from(*id)).collect();
            user.role.privileges = None;
            user.privileges = if random.u8(..6) == 0 { Answer::Missing } else { Answer::Known(held.into()) };
        }
        consoles.push(snapshot);
    }
    consoles
}

/// Who may on this day, as the graph says it, and who perhaps may.
fn by_the_graph(snapshot: &Snapshot) -> BTreeSet<(String, i64, String)> {
    let graph = AccessGraph::build(snapshot.clone());
    let name = &graph.snapshot().console.name;
    let holders = graph.who_can(&PrivilegeId::from(APPROVE), Target::Anywhere);
    let yes = holders.into_iter().filter(|holder| holder.enabled).map(|holder| (holder.user.0, "yes"));
    let unknown = graph
        .users()
        .iter()
        .filter(|user| user.is_enabled() && !user.role.superuser && user.effective_privileges().is_none());
    yes.chain(unknown.map(|user| (user.id.0, "not known")))
        .map(|(id, may)| (name.clone(), id, may.to_owned()))
        .collect()
}

#[test]
fn the_documented_query_tells_who_could_approve_exceptions_on_a_day() {
    let Some(python) = duckdb() else { return };
    let runs = tempfile::tempdir().unwrap();
    let mut latest: BTreeMap<String, (NaiveDate, BTreeSet<_>)> = BTreeMap::new();
    let mut answers = BTreeSet::new();
    for number in 0..20 {
        let snapshots = on_day(number);
        for snapshot in &snapshots {
            let seen = (snapshot.finished.date_naive(), by_the_graph(snapshot));
            latest.insert(snapshot.console.name.clone(), seen);
        }
        let day = snapshots[0].finished.date_naive();
        let observed = Observed::of(&snapshots).unwrap();
        let report = review::report(snapshots, &Policy::default(), Occasion::default(), &History::default());
        let directory = runs.path().join(&report.run.id);
        let filing = Filing { observed: &observed, receipts: None, place: &ChainPlace::alone(), key: None };
        publish(&directory, &report, &[Format::Parquet], &Templates::builtin(), &filing).unwrap();
        // What the query must not read beside it.
        if number % 7 == 0 {
            let copy = report.redacted(&BTreeSet::from([Redaction::Email, Redaction::Name]));
            publish_redacted(&directory, &copy, &[Format::Parquet], &Templates::builtin()).unwrap();
        }
        answers.insert((day, latest.clone()));
    }
    assert_eq!(answers.len(), 20);
    let mut different = BTreeSet::new();
    for (day, consoles) in answers {
        let read = rows(&python, &documented(runs.path(), day));
        let answer: BTreeSet<_> = read
            .iter()
            .map(|row| {
                let console = row["console"].as_str().unwrap().to_owned();
                assert_eq!(row["seen_on"], consoles[&console].0.to_string());
                (console, row["id"].as_i64().unwrap(), row["may"].as_str().unwrap().to_owned())
            })
            .collect();
        assert_eq!(answer.len(), read.len(), "nobody is told twice");
        let hidden = |row: &Value| row["name"].as_str().is_some_and(|name| name.starts_with("redacted-"));
        assert!(!read.iter().any(hidden), "a redacted copy is read");
        let expected: BTreeSet<_> = consoles.into_values().flat_map(|(_, who)| who).collect();
        assert_eq!(answer, expected, "{day}");
        different.insert(answer);
    }
    assert_eq!(different.len(), 20, "every day has an answer of its own");
}
