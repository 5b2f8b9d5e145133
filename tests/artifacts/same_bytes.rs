//! The same snapshot gives the same files, byte for byte, whoever renders it and wherever.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use recert::model::Snapshot;
use recert::simulator::{Estate, EstateOptions};
use recert::store::write_snapshots;

use super::review::{HOSTILE, collected};

const SNAPSHOTS: u64 = 50;

/// Two people's machines: their language, their time zone, the width of their terminal.
const MACHINES: [[(&str, &str); 5]; 2] = [
    [("LC_ALL", "C"), ("LANG", "C"), ("TZ", "Pacific/Apia"), ("COLUMNS", "60"), ("USER", "ana")],
    [
        ("LC_ALL", "tr_TR.UTF-8"),
        ("LANG", "de_DE.UTF-8"),
        ("TZ", "America/St_Johns"),
        ("COLUMNS", "200"),
        ("USER", "bo"),
    ],
];

#[test]
fn fifty_snapshots_give_the_same_bytes_in_two_processes_of_other_surroundings() {
    let directory = tempfile::tempdir().unwrap();
    let snapshots = snapshots();
    let next = AtomicUsize::new(0);
    let compare = || {
        while let Some(snapshot) = snapshots.get(next.fetch_add(1, Ordering::Relaxed)) {
            let (first, second) = twice(snapshot, &tempfile::tempdir_in(directory.path()).unwrap().keep());
            assert!(first.len() >= 9, "{:?}", first.keys());
            assert_eq!(first.keys().collect::<Vec<_>>(), second.keys().collect::<Vec<_>>());
            for (name, bytes) in &first {
                assert!(bytes == &second[name], "{} of {} differs", name.display(), snapshot.console.name);
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(compare);
        }
    });
}

/// The hostile console, and others of different sizes, seeds and blemishes.
fn snapshots() -> Vec<Snapshot> {
    let collect = |seed: u64| {
        let few = |most: u64| usize::try_from(1 + seed % most).unwrap();
        let options = EstateOptions {
            seed,
            users: 8 + few(17),
            sites: few(5),
            asset_groups: few(4),
            grants_per_user: few(6),
            blemishes: seed.is_multiple_of(3),
            ..EstateOptions::default()
        };
        collected(Estate::generate(&options))
    };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let plain = (1..SNAPSHOTS).map(|seed| runtime.block_on(collect(seed)).1);
    plain.chain([HOSTILE.snapshot.clone()]).collect()
}

/// The files of a snapshot, rendered by one process and by another.
fn twice(snapshot: &Snapshot, home: &Path) -> (BTreeMap<PathBuf, Vec<u8>>, BTreeMap<PathBuf, Vec<u8>>) {
    let file = home.join("snapshot.json");
    write_snapshots(&file, std::slice::from_ref(snapshot)).unwrap();
    let [first, second] = MACHINES.map(|machine| {
        let work = tempfile::tempdir_in(home).unwrap();
        let mut review = assert_cmd::Command::cargo_bin("recert").unwrap();
        review.args(["review", "--out", "files", "--from"]).arg(&file);
        review.envs(machine).env("TMPDIR", work.path()).current_dir(work.path()).assert().success();
        files(&work.path().join("files"))
    });
    (first, second)
}

/// Every file below a directory, by its relative path.
fn files(directory: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let (mut found, mut folders) = (BTreeMap::new(), vec![directory.to_owned()]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(directory).unwrap().to_owned();
                found.insert(name, fs::read(&path).unwrap());
            }
        }
    }
    found
}
