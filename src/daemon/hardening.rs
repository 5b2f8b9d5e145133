//! How the process closes itself off: nobody reads its memory, no core holds a secret, and a limit on file sizes is an error
//! instead of the end.

use std::io;

use rustix::io::Errno;
use rustix::process::{
    DumpableBehavior, Resource, Rlimit, Signal, dumpable_behavior, getrlimit, set_dumpable_behavior,
    setrlimit,
};
use thiserror::Error;
use tokio::signal::unix::{SignalKind, signal};

/// Why the process could not be closed off.
#[derive(Debug, Error)]
pub enum HardeningError {
    /// Others of the same user could attach to it, and a crash could write its secrets.
    #[error("the process cannot be made undumpable (PR_SET_DUMPABLE): {0}")]
    Dumpable(io::Error),
    /// A crash could write its secrets.
    #[error("core files cannot be switched off (RLIMIT_CORE): {0}")]
    Core(io::Error),
}

/// Makes the process undumpable, checks that it is, and switches core files off for good. To be called before the first
/// secret is read.
///
/// Undumpable means: no core at all, and nobody but root can trace it or read `/proc/PID/environ` and `mem`. A sandbox that
/// forbids changes of limits is therefore no reason to fail.
pub fn harden() -> Result<(), HardeningError> {
    let set = set_dumpable_behavior(DumpableBehavior::NotDumpable).and_then(|()| dumpable_behavior());
    match set {
        Ok(DumpableBehavior::NotDumpable) => {}
        Ok(_) => return Err(HardeningError::Dumpable(io::Error::other("it was set and does not hold"))),
        Err(error) => return Err(HardeningError::Dumpable(error.into())),
    }
    let none = Rlimit { current: Some(0), maximum: Some(0) };
    if getrlimit(Resource::Core) == none {
        return Ok(());
    }
    no_core(setrlimit(Resource::Core, none))
}

fn no_core(set: Result<(), Errno>) -> Result<(), HardeningError> {
    match set {
        Ok(()) => Ok(()),
        Err(Errno::PERM) => {
            tracing::debug!(
                "the sandbox forbids changes of limits; an undumpable process writes no core anyway"
            );
            Ok(())
        }
        Err(error) => Err(HardeningError::Core(error.into())),
    }
}

/// From now on, a write beyond a limit on file sizes (`LimitFSIZE=`, a quota) fails with `EFBIG`, where SIGXFSZ would end the
/// process without a word. To be called inside the runtime.
pub fn survive_file_size_limit() -> io::Result<()> {
    // The handler that is registered here does nothing and stays for as long as the process lives.
    signal(SignalKind::from_raw(Signal::XFSZ.as_raw())).map(drop)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::Write;
    use std::os::unix::process::ExitStatusExt;
    use std::path::Path;
    use std::process::{Command, ExitStatus};

    use super::*;

    const CHILD: &str = "RECERT_TEST_HARDENING";

    /// Runs this very test in a process of its own, because what it does cannot be undone; `None` in that process.
    fn in_a_child(name: &str, directory: &Path) -> Option<(ExitStatus, String)> {
        if std::env::var_os(CHILD).is_some() {
            return None;
        }
        let name = format!("daemon::hardening::tests::{name}");
        let output = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", &name, "--nocapture"])
            .env(CHILD, "1")
            .current_dir(directory)
            .output()
            .unwrap();
        Some((output.status, String::from_utf8_lossy(&output.stdout).into_owned()))
    }

    #[test]
    fn a_hardened_process_is_not_dumpable() {
        let directory = tempfile::tempdir().unwrap();
        if let Some((status, text)) = in_a_child("a_hardened_process_is_not_dumpable", directory.path()) {
            assert!(status.success() && text.contains("1 passed"), "{text}");
            return;
        }
        assert_eq!(dumpable_behavior(), Ok(DumpableBehavior::Dumpable), "as every process begins");
        harden().unwrap();
        assert_eq!(dumpable_behavior(), Ok(DumpableBehavior::NotDumpable));
        assert_eq!(getrlimit(Resource::Core), Rlimit { current: Some(0), maximum: Some(0) });
        let limits = fs::read_to_string("/proc/self/limits").unwrap();
        let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
        assert_eq!(core.split_whitespace().collect::<Vec<_>>()[4..6], ["0", "0"], "{core}");
        harden().unwrap();
    }

    #[test]
    fn a_hardened_process_that_crashes_leaves_no_core() {
        let directory = tempfile::tempdir().unwrap();
        if let Some((status, text)) =
            in_a_child("a_hardened_process_that_crashes_leaves_no_core", directory.path())
        {
            assert_eq!(status.signal(), Some(Signal::ABORT.as_raw()), "{text}");
            assert!(!status.core_dumped());
            assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
            return;
        }
        // As much of a core as the machine lets the process have.
        let maximum = getrlimit(Resource::Core).maximum;
        setrlimit(Resource::Core, Rlimit { current: maximum, maximum }).unwrap();
        harden().unwrap();
        std::process::abort();
    }

    #[test]
    fn a_sandbox_that_forbids_limits_is_tolerated_and_nothing_else_is() {
        assert!(no_core(Ok(())).is_ok());
        assert!(no_core(Err(Errno::PERM)).is_ok());
        let error = no_core(Err(Errno::INVAL)).unwrap_err();
        assert!(
            error.to_string().starts_with("core files cannot be switched off (RLIMIT_CORE): "),
            "{error}"
        );
    }

    #[test]
    fn a_file_size_limit_is_an_error() {
        let directory = tempfile::tempdir().unwrap();
        if let Some((status, text)) = in_a_child("a_file_size_limit_is_an_error", directory.path()) {
            assert_eq!(status.signal(), None, "killed");
            assert!(status.success() && text.contains("1 passed"), "{text}");
            return;
        }
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            survive_file_size_limit().unwrap();
            let mut file = fs::File::create("file").unwrap();
            setrlimit(Resource::Fsize, Rlimit { current: Some(1024), maximum: Some(1024) }).unwrap();
            file.write_all(&[0; 1024]).unwrap();
            let error = file.write_all(&[0; 1]).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::FileTooLarge);
        });
        // The test harness writes to a pipe, which no file limit concerns.
        assert_eq!(fs::metadata("file").unwrap().len(), 1024);
    }
}
