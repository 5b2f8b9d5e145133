//! The judging of a large console, rule by rule: `cargo bench --bench analysis`. 100,000 users, 500 sites and 40 roles
//! against 10,000 users: time of all rules (budget 5 s), memory (budget 400 MB), growth (budget 11-fold), and the share
//! of each rule.
//!
//! Each size is measured in processes of its own, from a saved snapshot that was joined with a roster and with last
//! logons, and held against an earlier one, so that no rule is idle. The sizes take turns, and of all turns the fastest
//! counts: what else the machine does slows the size that needs more memory more.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a benchmark prints, and may panic"
)]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use recert::analyze::{IDS, Policy};
use recert::config::Config;
use recert::graph::AccessGraph;
use recert::history::{AccountPast, Before, History};
use recert::job::add_last_logons;
use recert::model::{Part, Snapshot};
use recert::review::{self, Source};
use recert::simulator::{self, Estate, EstateOptions, RoleDefinition, Simulator, logons, roster};
use recert::store::{read_snapshots, write_snapshots};

/// Set in the child that measures one size, so that its memory is its own.
const SNAPSHOT: &str = "RECERT_BENCH_SNAPSHOT";
/// Users of the two sizes.
const SIZES: [usize; 2] = [10_000, 100_000];
const SITES: usize = 500;
const ROLES: usize = 40;
/// Repetitions of a measurement. Of all rules the first counts, as a review judges once; the fastest of the others tells
/// what warm caches make of it, and is what the rules are told apart by.
const REPETITIONS: usize = 3;
/// Processes for each size.
const TURNS: usize = 9;

fn main() {
    if let Ok(snapshot) = std::env::var(SNAPSHOT) {
        return measure(Path::new(&snapshot));
    }
    let directory = tempfile::tempdir().unwrap();
    let snapshots = SIZES.map(|users| save_snapshot(users, directory.path()));
    let mut measured = SIZES.map(|_| BTreeMap::new());
    for _ in 0..TURNS {
        for (fastest, snapshot) in measured.iter_mut().zip(&snapshots) {
            for (name, number) in in_a_child(snapshot) {
                fastest
                    .entry(name)
                    .and_modify(|least: &mut f64| *least = least.min(number))
                    .or_insert(number);
            }
        }
    }
    let [small, large] = measured.each_ref().map(|lines| &lines["all rules"]);
    println!(
        "analysis    {:>8} users: {:>8.1} ms all rules, {} MB",
        SIZES[0], small, measured[0]["megabytes"]
    );
    println!(
        "analysis    {:>8} users: {:>8.1} ms all rules (budget 5000), {} MB (budget 400)",
        SIZES[1], large, measured[1]["megabytes"]
    );
    println!("analysis    growth {:.1}-fold (budget 11)", large / small);
    let [small, large] = measured.each_ref().map(|lines| &lines["again"]);
    println!("analysis    judged again: {small:.1} ms and {large:.1} ms, growth {:.1}-fold", large / small);
    let mut rules: Vec<(&String, &f64)> =
        measured[1].iter().filter(|(name, _)| IDS.contains(&name.as_str())).collect();
    rules.sort_by(|a, b| b.1.total_cmp(a.1));
    for (rule, time) in rules {
        println!("            {time:>8.1} ms {rule} ({:.1} ms)", measured[0][rule]);
    }
}

fn save_snapshot(users: usize, directory: &Path) -> PathBuf {
    let path = directory.join(format!("{users}.json"));
    write_snapshots(&path, &[snapshot(users, directory)]).unwrap();
    path
}

/// What a size came to in one process, by name.
fn in_a_child(snapshot: &Path) -> BTreeMap<String, f64> {
    let output = Command::new(std::env::current_exe().unwrap()).env(SNAPSHOT, snapshot).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    let line = |line: &str| {
        let (name, number) = line.rsplit_once(' ')?;
        Some((name.to_owned(), number.parse().ok()?))
    };
    text.lines().filter_map(line).collect()
}

/// A console of this size, collected over HTTP and joined with everything that rules look at.
fn snapshot(users: usize, directory: &Path) -> Snapshot {
    let options = EstateOptions { users, sites: SITES, asset_groups: 100, ..EstateOptions::default() };
    let mut estate = Estate::generate(&options);
    add_roles(&mut estate);
    let estates = vec![("bench".to_owned(), estate)];
    let (people, export) = (directory.join("people.csv"), directory.join("users.csv"));
    for (path, text) in [(&people, roster(&estates, false)), (&export, logons(&estates[0].1))] {
        fs::write(path, text).unwrap();
        // How old a file is counts, and the clock here stands still.
        fs::File::options().write(true).open(path).unwrap().set_modified(clock().into()).unwrap();
    }
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let estate = estates.into_iter().next().unwrap().1;
        let quiet = simulator::Options { log: false, ..simulator::Options::default() };
        let simulator = Simulator::start(estate, quiet).await.unwrap();
        let password = directory.join("password");
        fs::write(&password, simulator.password()).unwrap();
        let private = std::os::unix::fs::PermissionsExt::from_mode(0o600);
        fs::set_permissions(&password, private).unwrap();
        let text = format!(
            "[roster]\nfile = '{}'\n[[console]]\nname = \"bench\"\nurl = {:?}\nusername = {:?}\n\
             password = {{ file = '{}' }}\nmax_in_flight = 32\n\
             last_logon = {{ export = '{}', export_lists_all = true }}\n",
            people.display(),
            simulator.url(),
            simulator.username(),
            password.display(),
            export.display(),
        );
        let file = directory.join("config.toml");
        fs::write(&file, text).unwrap();
        let config = Config::load(&file, []).unwrap();
        let mut source: Source = recert::job::open(&config.console[0]).unwrap();
        source.options.also = config.policy.wants();
        let roster = config.roster.as_ref().unwrap().source();
        let collected = review::collect_with_people(&[source], roster.as_ref(), &config.links(), clock).await;
        let mut snapshots = collected.unwrap();
        add_last_logons(&config, None, &mut snapshots, clock()).await;
        simulator.stop().await;
        let snapshot = snapshots.remove(0);
        for part in config.policy.wants().into_iter().chain([Part::Roster, Part::LastLogon]) {
            assert!(snapshot.coverage.was_seen(part), "{part:?}: {:?}", snapshot.coverage);
        }
        snapshot
    })
}

/// Further custom roles, each a variation of another, held by some of the users.
fn add_roles(estate: &mut Estate) {
    let privileges: Vec<String> =
        estate.privileges.iter().filter(|id| *id != "all-permissions").cloned().collect();
    let mut names = Vec::new();
    for number in estate.roles.len()..ROLES {
        let held = privileges.iter().skip(number % 7).step_by(1 + number % 5).take(4 + number % 9).cloned();
        let role = RoleDefinition {
            name: format!("Team role {number}"),
            description: "For one team.".to_owned(),
            privileges: held.collect(),
        };
        names.push(format!("team-{number}"));
        estate.roles.insert(format!("team-{number}"), role);
    }
    let ordinary = estate.users.values_mut().filter(|account| account.role == "user");
    for (number, account) in ordinary.enumerate().filter(|(number, _)| number % 3 == 0) {
        account.role.clone_from(&names[number / 3 % names.len()]);
    }
}

fn clock() -> DateTime<Utc> {
    EstateOptions::default().as_of
}

/// Measures one snapshot, and prints a name and a number in each line.
fn measure(path: &Path) {
    let snapshot = read_snapshots(path).unwrap().remove(0);
    let history = history(&snapshot);
    let estate = vec![AccessGraph::build(snapshot)];
    // Reading the file took more memory than judging does: the peak begins anew.
    fs::write("/proc/self/clear_refs", "5").unwrap();
    let judge = |policy: &Policy| {
        let time = || {
            let started = Instant::now();
            let judgements = policy.judge(&estate, &history);
            assert_eq!(judgements.len(), 1);
            started.elapsed()
        };
        let first = time();
        (first, (1..REPETITIONS).map(|_| time()).min().unwrap())
    };
    let (first, again) = judge(&Policy::default());
    println!("all rules {}", milliseconds(first));
    println!("again {}", milliseconds(again));
    println!("megabytes {}", peak_megabytes());
    let (_, idle) = judge(&only("none"));
    for rule in IDS {
        println!("{rule} {}", milliseconds(judge(&only(rule)).1.saturating_sub(idle)));
    }
}

/// A policy in which one rule alone is switched on.
fn only(rule: &str) -> Policy {
    let off = IDS.iter().filter(|id| **id != rule).map(|id| format!("[{id}]\nenabled = false\n"));
    Policy { analyzers: toml::from_str(&off.collect::<String>()).unwrap(), ..Policy::default() }
}

/// The same console some time before, so that the rules on changes have something to compare.
fn history(snapshot: &Snapshot) -> History {
    let mut then = snapshot.clone();
    let before = chrono::TimeDelta::days(90);
    then.started -= before;
    then.finished -= before;
    let key = snapshot.console.key().to_owned();
    let past = AccountPast { first_seen: then.finished, locked: Some(false), lock_changes: Vec::new() };
    History {
        kept: true,
        accounts: [(key, then.users.iter().map(|user| (user.id, past.clone())).collect())].into(),
        before: Some(Before {
            run: "before".into(),
            slot: None,
            finished: then.finished,
            snapshots: vec![then],
            findings: Vec::new(),
            rules: Vec::new(),
        }),
        ..History::default()
    }
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1_000.0
}

/// The most memory this process had resident since the peak was reset.
fn peak_megabytes() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() / 1024
}
