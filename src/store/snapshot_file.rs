//! Snapshots in a file: what `--save-snapshot` writes and `--from` reads. Equal snapshots give equal bytes.

use std::fs;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::model::Snapshot;

/// The value of `schema` in a snapshot file.
const SCHEMA: &str = "recert.snapshot/1";

/// Why a snapshot file cannot be used.
#[derive(Debug, Error)]
pub enum SnapshotFileError {
    /// It cannot be read or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// It is not a snapshot file, or not a whole one.
    #[error("{}: not a snapshot that this version reads: {problem}", path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// What is wrong, with line and column.
        problem: String,
    },
}

#[derive(Serialize)]
struct Written<'a> {
    schema: &'static str,
    snapshots: &'a [Snapshot],
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Read {
    schema: String,
    snapshots: Vec<Snapshot>,
}

/// Writes snapshots to a file that only its owner can read: aside, synced, then renamed over what was there.
pub fn write_snapshots(path: &Path, snapshots: &[Snapshot]) -> Result<(), SnapshotFileError> {
    let io = |source: io::Error| SnapshotFileError::Io { path: path.to_owned(), source };
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let aside = tempfile::NamedTempFile::new_in(directory).map_err(io)?;
    let mut out = BufWriter::new(&aside);
    to_json(&mut out, snapshots)
        .and_then(|()| out.write_all(b"\n"))
        .and_then(|()| out.flush())
        .map_err(io)?;
    drop(out);
    aside.as_file().sync_all().map_err(io)?;
    aside.persist(path).map_err(|error| io(error.error))?;
    Ok(())
}

/// Reads snapshots back.
pub fn read_snapshots(path: &Path) -> Result<Vec<Snapshot>, SnapshotFileError> {
    let bytes = fs::read(path).map_err(|source| SnapshotFileError::Io { path: path.to_owned(), source })?;
    from_json(&bytes).map_err(|problem| SnapshotFileError::Content { path: path.to_owned(), problem })
}

/// Writes snapshots as one JSON document that names its schema, on one line without spaces: equal snapshots are equal
/// bytes.
pub fn to_json(out: impl Write, snapshots: &[Snapshot]) -> io::Result<()> {
    Ok(serde_json::to_writer(out, &Written { schema: SCHEMA, snapshots })?)
}

/// Reads what [`to_json`] wrote, or says what is wrong with it.
pub(super) fn from_json(bytes: &[u8]) -> Result<Vec<Snapshot>, String> {
    let read: Read = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    if read.schema != SCHEMA {
        return Err(format!("its schema is {:?}, expected {SCHEMA:?}", read.schema));
    }
    if read.snapshots.is_empty() {
        return Err("it holds no snapshot".to_owned());
    }
    Ok(read.snapshots)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::sample::{global_admin, snapshot, user};

    #[test]
    fn what_is_written_reads_back_and_is_byte_stable() {
        let directory = tempfile::tempdir().unwrap();
        let (first, second) = (directory.path().join("first"), directory.path().join("second"));
        let snapshots = vec![snapshot(vec![global_admin(1, "nxadmin"), user(2, "mia")])];
        write_snapshots(&first, &snapshots).unwrap();
        let read = read_snapshots(&first).unwrap();
        assert_eq!(read, snapshots);
        write_snapshots(&second, &read).unwrap();
        assert_eq!(fs::read(&first).unwrap(), fs::read(&second).unwrap());
    }

    #[test]
    fn refuses_what_is_not_a_snapshot() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file");
        for content in [
            "",
            "{",
            "[]",
            r#"{"schema":"recert.snapshot/9","snapshots":[]}"#,
            r#"{"schema":"recert.snapshot/1","snapshots":[]}"#,
        ] {
            fs::write(&path, content).unwrap();
            assert!(matches!(read_snapshots(&path), Err(SnapshotFileError::Content { .. })), "{content:?}");
        }
    }
}
