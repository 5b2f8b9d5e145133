//! Who works on a data directory. Any process may read and write its store; one alone takes slots and sends.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use chrono::{DateTime, SecondsFormat, Utc};
use thiserror::Error;

use super::private_directory;

/// The lock of a data directory.
const LOCK: &str = "recert.lock";

/// Why a data directory is not ours.
#[derive(Debug, Error)]
pub enum OwnershipError {
    /// Somebody else works on it.
    #[error(
        "{}: {holder} works on this directory; stop it first, or give this one a directory of its own",
        directory.display()
    )]
    Taken {
        /// The directory.
        directory: PathBuf,
        /// Who it is, as far as that is known: its process id and since when.
        holder: String,
    },
    /// The lock cannot be used.
    #[error("{}: {source}", path.display())]
    Io {
        /// The lock file, or its directory.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

/// The right to take slots and to send. It ends when this is dropped, or with the process, however it ends.
#[derive(Debug)]
pub struct Ownership {
    /// The system releases the lock when the file is closed. The file stays: taking it away would let two processes
    /// hold locks on two files of one name.
    _locked: File,
}

impl Ownership {
    /// Takes a data directory, creating it with mode 0700 if it is not there. Does not wait.
    pub fn take(directory: &Path) -> Result<Self, OwnershipError> {
        private_directory(directory)
            .map_err(|source| OwnershipError::Io { path: directory.to_owned(), source })?;
        let path = directory.join(LOCK);
        let io = |source| OwnershipError::Io { path: path.clone(), source };
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false).mode(0o600);
        let mut file = options.open(&path).map_err(io)?;
        match insist(&file) {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(OwnershipError::Taken {
                    directory: directory.to_owned(),
                    holder: holder(&mut file),
                });
            }
            Err(TryLockError::Error(error)) => return Err(io(error)),
        }
        // For the message alone; that the file was written says since when.
        file.set_len(0)
            .and_then(|()| file.rewind())
            .and_then(|()| writeln!(file, "{}", std::process::id()))
            .map_err(io)?;
        Ok(Self { _locked: file })
    }

    /// Whether somebody works on a data directory. Takes nothing and creates nothing.
    pub fn is_taken(directory: &Path) -> bool {
        // A shared lock is refused exactly as long as the owner holds his, and given back at once.
        let file = File::open(directory.join(LOCK));
        file.is_ok_and(|file| matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)))
    }
}

/// Tries for a moment: whoever only looks holds the lock for no time at all.
fn insist(file: &File) -> Result<(), TryLockError> {
    for _ in 0..5 {
        match file.try_lock() {
            Err(TryLockError::WouldBlock) => std::thread::sleep(Duration::from_millis(10)),
            done => return done,
        }
    }
    file.try_lock()
}

/// Who wrote the lock file, and when.
fn holder(file: &mut File) -> String {
    let mut text = String::new();
    let written = file.metadata().and_then(|metadata| metadata.modified());
    let read = file.take(20).read_to_string(&mut text);
    match (read, text.trim().parse::<u32>(), written) {
        (Ok(_), Ok(id), Ok(written)) => {
            let since = DateTime::<Utc>::from(written).to_rfc3339_opts(SecondsFormat::Secs, true);
            format!("process {id}, since {since},")
        }
        _ => "another process".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_directory_has_one_owner_and_a_dropped_one_is_free() {
        let directory = tempfile::tempdir().unwrap();
        let data = directory.path().join("data");
        assert!(!Ownership::is_taken(&data));
        let first = Ownership::take(&data).unwrap();
        assert!(Ownership::is_taken(&data));
        assert_eq!(fs::metadata(&data).unwrap().permissions().mode() & 0o777, 0o700);
        assert_eq!(fs::metadata(data.join(LOCK)).unwrap().permissions().mode() & 0o777, 0o600);
        let error = Ownership::take(&data).unwrap_err();
        assert!(matches!(error, OwnershipError::Taken { .. }));
        let text = error.to_string();
        assert!(text.contains(&format!("process {}, since 2", std::process::id())), "{text}");
        assert!(text.contains(data.to_str().unwrap()), "{text}");
        drop(first);
        assert!(!Ownership::is_taken(&data));
        let second = Ownership::take(&data).unwrap();
        fs::write(data.join(LOCK), "not a number").unwrap();
        assert!(Ownership::take(&data).unwrap_err().to_string().contains("another process"));
        drop(second);
    }

    #[test]
    fn a_lock_that_cannot_be_made_is_named() {
        let directory = tempfile::tempdir().unwrap();
        fs::create_dir(directory.path().join(LOCK)).unwrap();
        let error = Ownership::take(directory.path()).unwrap_err();
        assert!(matches!(error, OwnershipError::Io { .. }), "{error}");
    }
}
