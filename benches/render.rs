//! The writing of a large report: `cargo bench --bench render`. 50,000 users with 1.5 million grants: time and memory of
//! each format and of all together (budget 25 s, 500 MB), and the workbook against its own cells written by bare
//! `rust_xlsxwriter` (budget 1.3 times).
//!
//! Everything is measured in a process of its own, which reads a saved snapshot; the peak of its memory begins anew once
//! the report stands, and the report itself counts. The bare writer gets the cells of the finished workbook, sheet by
//! sheet and row by row, as a list of strings and numbers in memory, and writes them in constant-memory mode to a file.
//! Every column has a look of its own, as in the workbook, because a cell with a look takes longer to write; beyond that
//! the bare writer chooses nothing and links nothing, so that the ratio is all that the workbook adds to its cells.
//! The two take turns, and the median of each counts.
//!
//! Last, Chromium opens the page, which shows 10,000 of the users (budget 2 s), and scrolls through it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a benchmark prints, and may panic"
)]

use std::fs::{self, File};
use std::io::{BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use calamine::{DataRef, Reader, Xlsx};
use chrono::{DateTime, Utc};
use recert::analyze::Policy;
use recert::config::Config;
use recert::history::History;
use recert::model::Snapshot;
use recert::render::{Artifact, Format, Templates, artifacts};
use recert::report::Report;
use recert::review::{self, Occasion};
use recert::simulator::{self, Estate, EstateOptions, Simulator};
use recert::store::{read_snapshots, write_snapshots};
use rust_xlsxwriter::Workbook;

/// Set in a child: the snapshot, and what to measure of it, one of [`ALL`], [`BARE`], [`PAGE`] and the names of formats.
const SNAPSHOT: &str = "RECERT_BENCH_SNAPSHOT";
const WHAT: &str = "RECERT_BENCH_WHAT";
const ALL: &str = "all";
const BARE: &str = "bare";
const PAGE: &str = "page";
/// How often the workbook and the bare writer take turns.
const TURNS: usize = 3;

fn main() {
    if let Ok(snapshot) = std::env::var(SNAPSHOT) {
        return measure(Path::new(&snapshot), &std::env::var(WHAT).unwrap());
    }
    let only = std::env::args().skip(1).find(|argument| !argument.starts_with('-'));
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("snapshot.json");
    write_snapshots(&path, &[snapshot(directory.path())]).unwrap();
    let formats = Format::ALL.map(name);
    for what in formats.iter().map(String::as_str).chain([ALL, BARE, PAGE]) {
        if only.as_deref().is_some_and(|only| only != what) {
            continue;
        }
        let status = Command::new(std::env::current_exe().unwrap())
            .env(SNAPSHOT, &path)
            .env(WHAT, what)
            .status()
            .unwrap();
        assert!(status.success());
    }
}

/// A format as the command line names it.
fn name(format: Format) -> String {
    serde_json::to_value(format).unwrap().as_str().unwrap().to_owned()
}

fn formats(what: &str) -> Vec<Format> {
    Format::ALL.into_iter().filter(|format| what == ALL || name(*format) == what).collect()
}

/// A console of this size, collected over HTTP.
fn snapshot(directory: &Path) -> Snapshot {
    let options =
        EstateOptions { seed: 7, users: 50_000, sites: 200, grants_per_user: 33, ..EstateOptions::default() };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let quiet = simulator::Options { log: false, ..simulator::Options::default() };
        let simulator = Simulator::start(Estate::generate(&options), quiet).await.unwrap();
        let password = directory.join("password");
        fs::write(&password, simulator.password()).unwrap();
        let private = std::os::unix::fs::PermissionsExt::from_mode(0o600);
        fs::set_permissions(&password, private).unwrap();
        let text = format!(
            "[[console]]\nname = \"bench\"\nurl = {:?}\nusername = {:?}\npassword = {{ file = '{}' }}\n\
             max_in_flight = 32\n",
            simulator.url(),
            simulator.username(),
            password.display(),
        );
        let file = directory.join("config.toml");
        fs::write(&file, text).unwrap();
        let config = Config::load(&file, []).unwrap();
        let source = recert::job::open(&config.console[0]).unwrap();
        let snapshot = review::collect(&[source], clock).await.unwrap().remove(0);
        simulator.stop().await;
        snapshot
    })
}

fn clock() -> DateTime<Utc> {
    EstateOptions::default().as_of
}

fn report(path: &Path) -> Report {
    let snapshots = read_snapshots(path).unwrap();
    review::report(snapshots, &Policy::default(), Occasion::default(), &History::default())
}

fn measure(path: &Path, what: &str) {
    let report = report(path);
    if what == BARE {
        return against_bare(&report, path);
    }
    if what == PAGE {
        return open_page(&report, path);
    }
    // Reading and judging took more memory than writing does: the peak begins anew.
    fs::write("/proc/self/clear_refs", "5").unwrap();
    let before = peak_megabytes();
    let started = Instant::now();
    let mut bytes = 0;
    let templates = Templates::builtin();
    for artifact in artifacts(&report, &templates, &formats(what)) {
        let file = path.with_file_name(artifact.flat_name());
        write(&artifact, &file);
        bytes += fs::metadata(&file).unwrap().len();
    }
    let seconds = started.elapsed().as_secs_f64();
    let budget = if what == ALL { " (budget 25 s, 500 MB)" } else { "" };
    println!(
        "render      {what:<8} {seconds:>6.2} s, {} MB at most, {before} of them the report, {:.1} MB written{budget}",
        peak_megabytes(),
        megabytes(bytes),
    );
    if what == ALL {
        println!(
            "render      {} users, {} grants, {} findings",
            report.users.len(),
            report.grants().count(),
            report.findings.len()
        );
    }
}

fn write(artifact: &Artifact<'_>, path: &Path) {
    let mut file = BufWriter::new(File::create(path).unwrap());
    artifact.render(&mut file).unwrap();
    file.flush().unwrap();
}

/// The value of a cell.
enum Value {
    Text(String),
    Number(f64),
}

/// A sheet: its name, and its cells row by row.
type Sheet = (String, Vec<(u32, u16, Value)>);

fn against_bare(report: &Report, path: &Path) {
    let files = ["ours.xlsx", "bare.xlsx"].map(|name| path.with_file_name(name));
    let templates = Templates::builtin();
    let workbook = artifacts(report, &templates, &[Format::Xlsx]).remove(0);
    write(&workbook, &files[0]);
    let sheets = cells(&files[0]);
    let (mut ours, mut bare) = (Vec::new(), Vec::new());
    for _ in 0..TURNS {
        ours.push(seconds(|| write(&workbook, &files[0])));
        bare.push(seconds(|| write_bare(&sheets, &files[1])));
    }
    let written = cells(&files[1]);
    let count = |sheets: &[Sheet]| sheets.iter().map(|(_, cells)| cells.len()).sum::<usize>();
    assert_eq!(count(&written), count(&sheets));
    let [ours, bare] = [ours, bare].map(|mut times: Vec<f64>| {
        times.sort_by(f64::total_cmp);
        times[TURNS / 2]
    });
    println!(
        "render      workbook {ours:.2} s, its {} cells bare {bare:.2} s: {:.2} times (budget 1.3)",
        count(&sheets),
        ours / bare
    );
}

fn cells(path: &PathBuf) -> Vec<Sheet> {
    let mut book: Xlsx<_> = Xlsx::new(BufReader::new(File::open(path).unwrap())).unwrap();
    let mut sheets = Vec::new();
    for name in book.sheet_names() {
        let mut reader = book.worksheet_cells_reader(&name).unwrap();
        let mut cells = Vec::new();
        while let Some(cell) = reader.next_cell().unwrap() {
            let (row, column) = cell.get_position();
            let value = match cell.get_value() {
                DataRef::String(text) => Value::Text(text.clone()),
                DataRef::SharedString(text) => Value::Text((*text).to_owned()),
                DataRef::Float(number) => Value::Number(*number),
                DataRef::DateTime(time) => Value::Number(time.as_f64()),
                DataRef::Empty => continue,
                other => panic!("a workbook of ours holds no {other:?}"),
            };
            cells.push((row, u16::try_from(column).unwrap(), value));
        }
        sheets.push((name, cells));
    }
    sheets
}

fn write_bare(sheets: &[Sheet], path: &Path) {
    let mut book = Workbook::new();
    let look = rust_xlsxwriter::Format::new().set_font_name("Arial").set_font_size(9);
    for (name, cells) in sheets {
        let sheet = book.add_worksheet_with_constant_memory().unwrap();
        sheet.set_name(name).unwrap();
        let last = cells.iter().map(|(_, column, _)| *column).max().unwrap_or_default();
        sheet.set_column_range_format(0, last, &look).unwrap();
        for (row, column, value) in cells {
            match value {
                Value::Text(text) => sheet.write_string(*row, *column, text).unwrap(),
                Value::Number(number) => sheet.write_number(*row, *column, *number).unwrap(),
            };
        }
    }
    book.save(path).unwrap();
}

/// Runs after the page's own script: when the page was there, with every row laid out, and how long the slowest of many
/// leaps down the page took.
const DRIVER: &str = "<script>document.body.offsetHeight; const opened = performance.now();
let slowest = 0;
for (let leap = 0; leap < 200; leap += 1) {
  const began = performance.now();
  scrollTo(0, document.body.scrollHeight * leap / 200);
  document.body.offsetHeight;
  slowest = Math.max(slowest, performance.now() - began);
}
const told = `opened=${opened} slowest=${slowest} rows=${document.querySelectorAll('#users tbody tr').length} `;
document.body.append(Object.assign(document.createElement('pre'), { id: 'told', textContent: told }));</script></body>";

fn open_page(report: &Report, path: &Path) {
    let templates = Templates::builtin();
    let mut page = Vec::new();
    artifacts(report, &templates, &[Format::Html]).remove(0).render(&mut page).unwrap();
    let page = String::from_utf8(page).unwrap();
    // What the policy says of scripts is all that is another in the copy.
    let (start, rest) = page.split_once("script-src '").unwrap();
    let (_, rest) = rest.split_once('\'').unwrap();
    let copy = format!("{start}script-src 'unsafe-inline'{rest}").replace("</body>", DRIVER);
    let file = path.with_file_name("opened.html");
    fs::write(&file, copy).unwrap();
    let chromium = Command::new("chromium")
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--window-size=1360,900", "--dump-dom"])
        .arg(format!("--user-data-dir={}", path.with_file_name("profile").display()))
        .arg(&file)
        .output();
    let Ok(output) = chromium else {
        println!("render      page     SKIPPED: chromium is not installed (apt-get install chromium)");
        return;
    };
    let dom = String::from_utf8_lossy(&output.stdout);
    let told = dom.split_once("<pre id=\"told\">").expect("the driver came to its end").1;
    let number = |name: &str| -> f64 {
        told.split_once(&format!("{name}=")).unwrap().1.split(' ').next().unwrap().parse().unwrap()
    };
    println!(
        "render      page     {:.2} s until its {} users stand in Chromium (budget 2), {:.0} ms for the slowest leap",
        number("opened") / 1_000.0,
        number("rows"),
        number("slowest")
    );
}

fn seconds(work: impl FnOnce()) -> f64 {
    let started = Instant::now();
    work();
    started.elapsed().as_secs_f64()
}

#[expect(clippy::cast_precision_loss, reason = "sizes of files are far below 2⁵² bytes")]
fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}

/// The most memory this process had resident since the peak was reset.
fn peak_megabytes() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() / 1024
}
