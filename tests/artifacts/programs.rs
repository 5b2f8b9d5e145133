//! Other people's programs: found or loudly skipped, and never waited for without end.

#![allow(dead_code, reason = "each test binary needs a part of it")]

use std::env;
use std::io::Write;
use std::net::TcpListener;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

/// How long one run of a program may take.
const LIMIT: Duration = Duration::from_mins(4);

/// Where a program is. One that is missing is told on standard error past the test harness, which swallows the rest;
/// where `RECERT_TEST_REQUIRE` (a list with commas) names it, the test fails instead.
pub(crate) fn program(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let found = env::split_paths(&path).map(|directory| directory.join(name)).find(|path| path.is_file());
    if found.is_none() {
        skip(name, "is not installed");
    }
    found
}

/// As [`program`], for one that only root can use.
pub(crate) fn program_of_root(name: &str) -> Option<PathBuf> {
    let found = program(name)?;
    if rustix::process::geteuid().is_root() {
        return Some(found);
    }
    skip(name, "needs root");
    None
}

/// Says that a test is left out because of a program, or fails where that is required.
pub(crate) fn skip(name: &str, why: &str) {
    let required = env::var("RECERT_TEST_REQUIRE").unwrap_or_default();
    assert!(!required.split(',').any(|one| one.trim() == name), "{name} is required and {why}");
    std::io::stderr().write_all(format!("SKIPPED: {name} {why}\n").as_bytes()).unwrap();
}

/// Runs a program to its end; with its children it is ended where that takes too long.
pub(crate) fn finished(command: &mut Command) -> Output {
    let child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .spawn()
        .unwrap();
    let group = format!("-{}", child.id());
    let (done, waiting) = std::sync::mpsc::channel();
    let watch = std::thread::spawn(move || {
        let late = waiting.recv_timeout(LIMIT).is_err();
        if late {
            drop(Command::new("kill").args(["-KILL", "--", &group]).status());
        }
        late
    });
    let output = child.wait_with_output().unwrap();
    let _ = done.send(());
    assert!(!watch.join().unwrap(), "not finished within {LIMIT:?}: {command:?}");
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    output
}

/// A proxy that answers nobody and knows how many came.
pub(crate) struct Trap(TcpListener);

impl Trap {
    pub(crate) fn set() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        listener.set_nonblocking(true).unwrap();
        Self(listener)
    }

    pub(crate) fn port(&self) -> u16 {
        self.0.local_addr().unwrap().port()
    }

    /// How many connections came since it was last asked; the system completes and keeps them meanwhile.
    pub(crate) fn caught(&self) -> usize {
        std::iter::from_fn(|| self.0.accept().ok()).count()
    }
}
