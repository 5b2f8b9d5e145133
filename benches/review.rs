//! What recert exists for, measured: `cargo bench`. Every figure is a ratio within one run, or a budget.
//!
//! - *latency*: 2,000 users at 20 ms a call, 16 in flight: wall time against calls × latency / 16.
//! - *throughput*: 2,000 users without latency, 16 in flight: calls a second against those of `wrk -t1 -c16` from the
//!   same simulator for the same paths.
//! - *estate*: 50,000 users from a saved snapshot: time and memory of analysis and of all formats, phase by phase.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a benchmark prints, and may panic"
)]

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use chrono::{DateTime, Utc};
use recert::analyze::Policy;
use recert::collect::{Focus, Options, Progress, TwoFactorPolicy};
use recert::console::{Console, Settings};
use recert::graph::AccessGraph;
use recert::history::History;
use recert::model::{Depth, Snapshot};
use recert::render::{Format, Templates, artifacts};
use recert::report::{Completeness, Declared, Reviewed, Run, assemble};
use recert::review::{self, Source};
use recert::simulator::{self, Estate, EstateOptions, Simulator};
use recert::store::{read_snapshots, write_snapshots};
use secrecy::SecretString;

const IN_FLIGHT: usize = 16;
/// The formats, in the order of `Format::ALL`.
const NAMES: [&str; 8] = ["xlsx", "csv", "html", "json", "ocsf", "sarif", "parquet", "markdown"];
/// Set in the child that measures one estate, so that its peak memory is its own.
const SNAPSHOT: &str = "RECERT_BENCH_SNAPSHOT";

fn main() {
    if let Ok(snapshot) = std::env::var(SNAPSHOT) {
        return estate(Path::new(&snapshot));
    }
    let only = std::env::args().skip(1).find(|argument| !argument.starts_with('-'));
    let wanted = |name: &str| only.as_deref().is_none_or(|only| only == name);
    if wanted("latency") {
        latency();
    }
    if wanted("throughput") {
        throughput();
    }
    if wanted("estate") {
        estate_in_a_child();
    }
}

fn medium() -> EstateOptions {
    EstateOptions { seed: 7, users: 2_000, sites: 24, grants_per_user: 6, ..EstateOptions::default() }
}

fn large() -> EstateOptions {
    EstateOptions { seed: 7, users: 50_000, sites: 200, grants_per_user: 33, ..EstateOptions::default() }
}

/// A simulated console in a process of its own, as a real one would be.
struct Simulated {
    child: Child,
    url: String,
    username: String,
    password: String,
}

impl Simulated {
    fn start(estate: &EstateOptions, latency: u64) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_recert"))
            .args(["simulate", "--address", "127.0.0.1:0"])
            .args(["--seed", &estate.seed.to_string(), "--users", &estate.users.to_string()])
            .args(["--sites", &estate.sites.to_string(), "--grants", &estate.grants_per_user.to_string()])
            .args(["--latency", &latency.to_string()])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut field = || lines.next().unwrap().unwrap().split_whitespace().nth(1).unwrap().to_owned();
        Self { url: field(), username: field(), password: field(), child }
    }

    /// Collects everything; gives the snapshot and the wall time.
    fn collect(&self) -> (Snapshot, Duration) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let started = Instant::now();
        let mut snapshots = runtime
            .block_on(review::collect(&[source(&self.url, &self.username, &self.password)], clock))
            .unwrap();
        (snapshots.remove(0), started.elapsed())
    }
}

impl Drop for Simulated {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

fn source(url: &str, username: &str, password: &str) -> Source {
    let mut settings = Settings::new(url.parse().unwrap(), username.to_owned(), SecretString::from(password));
    settings.max_in_flight = IN_FLIGHT;
    Source {
        console: Console::connect(settings).unwrap(),
        options: Options {
            name: "bench".into(),
            login: username.to_owned(),
            depth: Depth::Full,
            two_factor: TwoFactorPolicy::Auto,
            concurrency: IN_FLIGHT * 2,
            focus: Focus::Everyone,
            also: BTreeSet::new(),
        },
        progress: Arc::new(Progress::default()),
    }
}

fn clock() -> DateTime<Utc> {
    DateTime::from_timestamp(1_790_000_000, 0).unwrap()
}

#[expect(clippy::cast_precision_loss, reason = "calls are far below 2⁵²")]
fn latency() {
    let console = Simulated::start(&medium(), 20);
    let (snapshot, wall) = console.collect();
    let calls = snapshot.requests.sent;
    let floor = calls as f64 * 0.020 / IN_FLIGHT as f64;
    let ratio = wall.as_secs_f64() / floor;
    println!(
        "latency     {calls} calls at 20 ms, {IN_FLIGHT} in flight: {:.2} s, {ratio:.3} × the floor of {floor:.2} s (budget 1.10)",
        wall.as_secs_f64()
    );
}

#[expect(clippy::cast_precision_loss, reason = "calls are far below 2⁵²")]
fn throughput() {
    let console = Simulated::start(&medium(), 0);
    // The first call of each kind builds the simulator's indexes; neither side should pay for that.
    console.collect();
    let mut rates: Vec<f64> = (0..9)
        .map(|_| {
            let (snapshot, wall) = console.collect();
            snapshot.requests.sent as f64 / wall.as_secs_f64()
        })
        .collect();
    rates.sort_by(f64::total_cmp);
    let ours = rates[4];
    let Some(wrk) = wrk(&console, &medium()) else {
        println!(
            "throughput  {ours:.0} calls/s; SKIPPED the comparison: wrk is not installed (apt-get install wrk)"
        );
        return;
    };
    println!(
        "throughput  {ours:.0} calls/s; wrk -t1 -c{IN_FLIGHT}: {wrk:.0}/s; ratio {:.2} (budget 0.60)",
        ours / wrk
    );
}

/// The calls a second that wrk gets for the very calls of a review, in their order.
fn wrk(console: &Simulated, estate: &EstateOptions) -> Option<f64> {
    let directory = tempfile::tempdir().unwrap();
    let (script, paths) = (directory.path().join("paths.lua"), directory.path().join("paths.txt"));
    fs::write(&paths, calls(estate).join("\n")).unwrap();
    let credential = BASE64_STANDARD.encode(format!("{}:{}", console.username, console.password));
    let lua = format!(
        "local requests, at = {{}}, 0
        function init()
          wrk.headers['Authorization'] = 'Basic {credential}'
          for path in io.lines('{}') do requests[#requests + 1] = wrk.format('GET', path) end
        end
        function request()
          at = at % #requests + 1
          return requests[at]
        end\n",
        paths.display()
    );
    fs::write(&script, lua).unwrap();
    let output = Command::new("wrk")
        .args(["-t1", "-c16", "-d5s", "-s"])
        .arg(&script)
        .arg(&console.url)
        .output()
        .ok()?;
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(!text.contains("Non-2xx"), "wrk was refused:\n{text}");
    let line = text.lines().find(|line| line.starts_with("Requests/sec:")).expect("a rate");
    line.split_whitespace().nth(1).unwrap().parse().ok()
}

/// Every call of one review of this estate, from the log of a console in this process.
fn calls(estate: &EstateOptions) -> Vec<String> {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let simulator =
            Simulator::start(Estate::generate(estate), simulator::Options::default()).await.unwrap();
        let source = source(&simulator.url(), simulator.username(), simulator.password());
        review::collect(&[source], clock).await.unwrap();
        let path = |request: simulator::Request| match request.query {
            Some(query) => format!("{}?{query}", request.path),
            None => request.path,
        };
        simulator.log().into_iter().filter(|request| request.status == 200).map(path).collect()
    })
}

fn estate_in_a_child() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("snapshot.json");
    {
        let console = Simulated::start(&large(), 0);
        let (snapshot, wall) = console.collect();
        println!(
            "estate      collected {} users in {} calls, {:.1} s",
            snapshot.users.len(),
            snapshot.requests.sent,
            wall.as_secs_f64()
        );
        write_snapshots(&path, &[snapshot]).unwrap();
    }
    let status = Command::new(std::env::current_exe().unwrap()).env(SNAPSHOT, &path).status().unwrap();
    assert!(status.success());
}

/// Times each phase from a saved snapshot to the files.
#[expect(clippy::cast_precision_loss, reason = "sizes are far below 2⁵²")]
fn estate(path: &Path) {
    let out: PathBuf = path.with_file_name("files");
    fs::create_dir(&out).unwrap();
    let started = Instant::now();
    let mut lap = Instant::now();
    let mut phases = Vec::new();
    let mut phase = |name: &str, lap: &mut Instant| {
        phases.push(format!("{name} {:.2}", lap.elapsed().as_secs_f64()));
        *lap = Instant::now();
    };
    let snapshot = read_snapshots(path).unwrap().remove(0);
    let users = snapshot.users.len();
    phase("read", &mut lap);
    let estate = vec![AccessGraph::build(snapshot)];
    phase("graph", &mut lap);
    let judgements = Policy::default().judge(&estate, &History::default());
    phase("analyze", &mut lap);
    let run = Run {
        id: "bench".into(),
        job: None,
        slot: None,
        collapsed: 0,
        started: clock(),
        finished: clock(),
        verdict: Completeness::Incomplete,
        version: "bench",
        configuration: String::new(),
    };
    let reviewed = estate.into_iter().zip(judgements);
    let reviewed = reviewed.map(|(graph, judgements)| Reviewed { graph, judgements }).collect();
    let report = assemble(run, reviewed, &[], &Declared::default(), &History::default());
    phase("assemble", &mut lap);
    let grants = report.grants().count();
    phase("count grants", &mut lap);
    let templates = Templates::builtin();
    let mut sizes = Vec::new();
    for format in Format::ALL {
        for artifact in artifacts(&report, &templates, &[format]) {
            let path = out.join(artifact.flat_name());
            let mut file = std::io::BufWriter::new(fs::File::create(&path).unwrap());
            artifact.render(&mut file).unwrap();
            file.flush().unwrap();
            let name = artifact.name.rsplit_once("/console=").map_or(&*artifact.name, |(table, _)| table);
            sizes.push((name.to_owned(), fs::metadata(&path).unwrap().len()));
        }
        phase(NAMES[format as usize], &mut lap);
    }
    println!(
        "estate      {users} users, {grants} grants, {} findings: {:.1} s (budget 25), {} MB at most (budget 600)",
        report.findings.len(),
        started.elapsed().as_secs_f64(),
        peak_megabytes()
    );
    println!("estate      seconds: {}", phases.join(", "));
    let size = |name: &str| sizes.iter().find(|(of, _)| of == name).expect("a file").1;
    for table in ["users", "grants", "findings"] {
        let (csv, parquet) = (size(&format!("{table}.csv")), size(&format!("parquet/{table}")));
        println!(
            "estate      {table}: {parquet} bytes of Parquet are {:.3} of {csv} bytes of CSV (budget 0.100)",
            parquet as f64 / csv as f64
        );
    }
}

/// The most memory this process had resident.
fn peak_megabytes() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() / 1024
}
