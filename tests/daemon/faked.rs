//! A daemon whose wall clock a test sets, by libfaketime; its monotonic clock stays real.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;

use crate::programs::skip;
use crate::service::{LIMIT, Machine, Service, now};

/// How often a condition is looked at.
pub(crate) const LOOK: Duration = Duration::from_millis(100);

/// The library; it has a directory of its own among those of the architecture. Skipped loudly where it is missing.
pub(crate) fn libfaketime() -> Option<PathBuf> {
    let architectures = fs::read_dir("/usr/lib").into_iter().flatten().flatten().map(|entry| entry.path());
    // Of the two builds, this one is for programs with threads.
    let mut files = architectures.map(|path| path.join("faketime/libfaketimeMT.so.1"));
    let found = files.find(|path| path.is_file());
    if found.is_none() {
        skip("faketime", "is not installed");
    }
    found
}

/// What makes a process see another time; `clock` are the variables that say which.
pub(crate) fn variables<'a>(library: &'a Path, clock: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let preload = [
        ("LD_PRELOAD", library.to_str().unwrap()),
        ("FAKETIME_DONT_FAKE_MONOTONIC", "1"),
        ("DONT_FAKE_MONOTONIC", "1"),
        ("NO_FAKE_STAT", "1"),
    ];
    [&preload[..], clock].concat()
}

/// A wall clock that a test sets; it goes on at the usual pace.
pub(crate) struct Clock {
    library: PathBuf,
    file: PathBuf,
}

impl Clock {
    pub(crate) fn new(library: &Path, machine: &Machine) -> Self {
        Self { library: library.to_owned(), file: machine.path("clock") }
    }

    /// Sets it, for running processes too.
    pub(crate) fn set(&self, to: DateTime<Utc>) {
        let written = self.file.with_extension("new");
        fs::write(&written, format!("{:+.3}\n", (to - now()).as_seconds_f64())).unwrap();
        // Read at every call: there is never half a file.
        fs::rename(&written, &self.file).unwrap();
    }

    /// Starts a daemon that lives by it, and waits until it is ready.
    pub(crate) async fn start(&self, machine: &Machine) -> Service {
        let mut service = self.launch(machine, &[]);
        service.ready().await;
        service
    }

    /// Starts one, and does not wait.
    pub(crate) fn launch(&self, machine: &Machine, more: &[(&str, &str)]) -> Service {
        let file = self.file.to_str().unwrap();
        let clock = [("FAKETIME_TIMESTAMP_FILE", file), ("FAKETIME_NO_CACHE", "1")];
        machine.start(&[&variables(&self.library, &clock), more].concat())
    }
}

/// Takes away what the library leaves behind of a process that was killed: its next user would stumble over it.
pub(crate) fn forget(process: u32) {
    for name in ["faketime_shm_", "sem.faketime_sem_"] {
        drop(fs::remove_file(format!("/dev/shm/{name}{process}")));
    }
}

/// The table that makes the daemon answer on a socket of the machine.
pub(crate) fn listen(machine: &Machine) -> String {
    format!("[daemon]\nlisten = \"unix:{}\"\n", machine.path("http").display())
}

/// Asks the daemon over that socket: the status and the body.
pub(crate) async fn get(machine: &Machine, path: &str) -> (u16, String) {
    let asked = async {
        let mut stream = UnixStream::connect(machine.path("http")).await?;
        let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        Ok::<_, std::io::Error>(answer)
    };
    let answer = tokio::time::timeout(LIMIT, asked).await.expect("no answer").unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
}

/// A figure among the metrics, by its name with its labels.
pub(crate) fn figure(metrics: &str, name: &str) -> f64 {
    let line = metrics.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("{name} is not in\n{metrics}")).parse().unwrap()
}

/// Waits for so many rounds of the daemon's loop that began after this call, each at the time that the clock was set to,
/// or at most half an hour later. When the second has begun, the first is over.
pub(crate) async fn rounds(machine: &Machine, service: &Service, at: DateTime<Utc>, number: usize) {
    let mut last = beat(machine).await;
    let mut seen = 0;
    let until = Instant::now() + LIMIT;
    while seen < number {
        assert!(Instant::now() < until, "no beat at {at}, the last one was at {last}:\n{}", service.log());
        tokio::time::sleep(LOOK).await;
        service.drain();
        let beat = beat(machine).await;
        if beat != last && (at..at + TimeDelta::minutes(30)).contains(&beat) {
            seen += 1;
        }
        last = beat;
    }
}

async fn beat(machine: &Machine) -> DateTime<Utc> {
    let (_, metrics) = get(machine, "/metrics").await;
    let beat = metrics.lines().find_map(|line| line.strip_prefix("recert_last_beat_timestamp_seconds "));
    let milliseconds = beat.map_or(0.0, |beat| beat.parse::<f64>().unwrap() * 1000.0);
    #[expect(clippy::cast_possible_truncation, reason = "milliseconds of this century")]
    DateTime::from_timestamp_millis(milliseconds.round() as i64).unwrap()
}
