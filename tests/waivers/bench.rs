//! A saved snapshot, a configuration with waivers, and the binary.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;
use std::sync::LazyLock;
use std::time::SystemTime;

use chrono::{DateTime, Days, NaiveDate, Utc};
use recert::model::Snapshot;
use recert::review;
use recert::simulator::{self, Estate, EstateOptions, Simulator};
use recert::store::write_snapshots;
use serde_json::Value;
use tempfile::TempDir;

use super::simulated::source;

/// A small console with blemishes, collected once for all tests.
static SNAPSHOT: LazyLock<Snapshot> = LazyLock::new(|| {
    // A thread of its own: a test may have a runtime already.
    std::thread::spawn(|| tokio::runtime::Runtime::new().unwrap().block_on(collected())).join().unwrap()
});

/// The schema of `report.json`.
static SCHEMA: LazyLock<jsonschema::Validator> = LazyLock::new(|| {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("schema/report.schema.json");
    let schema = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    jsonschema::draft202012::new(&schema).unwrap()
});

async fn collected() -> Snapshot {
    let options = EstateOptions { users: 40, blemishes: true, ..EstateOptions::default() };
    let simulator =
        Simulator::start(Estate::generate(&options), simulator::Options::default()).await.unwrap();
    let source = source("hq", &simulator);
    let snapshot = review::collect(&[source], now).await.unwrap().remove(0);
    simulator.stop().await;
    snapshot
}

/// The time now: `recert waive` reads the clock of the machine.
pub(crate) fn now() -> DateTime<Utc> {
    SystemTime::now().into()
}

/// A day so many days after that of the snapshot.
pub(crate) fn day(after: i64) -> NaiveDate {
    let day = SNAPSHOT.finished.date_naive();
    match u64::try_from(after) {
        Ok(days) => day + Days::new(days),
        Err(_) => day - Days::new(after.unsigned_abs()),
    }
}

/// A directory with the snapshot, and the binary in it.
pub(crate) struct Bench {
    directory: TempDir,
}

impl Bench {
    pub(crate) fn new(config: &str) -> Self {
        let bench = Self { directory: tempfile::tempdir().unwrap() };
        write_snapshots(&bench.path("snapshot.json"), std::slice::from_ref(&SNAPSHOT)).unwrap();
        bench.configure(config);
        bench
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub(crate) fn configure(&self, text: &str) {
        fs::write(self.path("config.toml"), text).unwrap();
    }

    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        let mut command = assert_cmd::Command::cargo_bin("recert").unwrap();
        command.args(arguments).current_dir(self.directory.path());
        command.env("RECERT_CONFIG", self.path("config.toml")).output().unwrap()
    }

    /// Reviews the snapshot; gives the exit code, what the terminal shows, and `report.json`.
    pub(crate) fn review(&self, out: &str, more: &[&str]) -> (i32, String, Value) {
        let output = self.run(&[&["review", "--from", "snapshot.json", "--out", out], more].concat());
        let shown = text(&output);
        let file = fs::read(self.path(out).join("report.json")).expect(&shown);
        let report: Value = serde_json::from_slice(&file).unwrap();
        let errors: Vec<String> = SCHEMA.iter_errors(&report).map(|error| error.to_string()).collect();
        assert_eq!(errors, [] as [String; 0], "the document is as its schema says");
        (output.status.code().unwrap(), shown, report)
    }
}

/// Everything that a command said.
pub(crate) fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// The rows of a list in which a key has a value.
pub(crate) fn rows<'a>(report: &'a Value, list: &str, key: &str, value: &str) -> Vec<&'a Value> {
    report[list].as_array().unwrap().iter().filter(|row| row[key] == value).collect()
}
