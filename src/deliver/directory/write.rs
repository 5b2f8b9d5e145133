//! One file into a directory: written aside, synced and renamed; and the directories themselves.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::super::ManifestFile;
use super::PublishError;
use crate::crash;

/// The owner writes, the group reads, others see nothing.
pub const DIRECTORY_MODE: u32 = 0o750;
/// The same, of a file.
pub const FILE_MODE: u32 = 0o640;

/// Creates the directory, or accepts an empty one. Says whether it was created.
pub(super) fn prepare(directory: &Path) -> Result<bool, PublishError> {
    let io = |source| PublishError::Io { path: directory.to_owned(), source };
    match fs::read_dir(directory) {
        Ok(mut entries) => match entries.next() {
            None => Ok(false),
            Some(_) => Err(PublishError::NotEmpty(directory.to_owned())),
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            DirBuilder::new().recursive(true).mode(DIRECTORY_MODE).create(directory).map_err(io)?;
            fs::set_permissions(directory, Permissions::from_mode(DIRECTORY_MODE)).map_err(io)?;
            Ok(true)
        }
        Err(error) => Err(io(error)),
    }
}

/// Writes one file aside, syncs it and gives it its name. A file that exists is never replaced or followed. What it
/// made, folders too, is added to `written`.
pub(super) fn write(
    directory: &Path,
    name: &str,
    written: &mut Vec<PathBuf>,
    render: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> Result<ManifestFile, PublishError> {
    let path = directory.join(name);
    let io = |source| PublishError::Io { path: path.clone(), source };
    let folder = make_folders(directory, name, written).map_err(io)?;
    let file = name.rsplit('/').next().unwrap_or(name);
    let aside = folder.join(format!(".{file}.partial"));
    let file = OpenOptions::new().write(true).create_new(true).mode(FILE_MODE).open(&aside).map_err(io)?;
    written.push(aside.clone());
    file.set_permissions(Permissions::from_mode(FILE_MODE)).map_err(io)?;
    let mut out = Hashed { file: BufWriter::with_capacity(1 << 16, file), hash: Sha256::new(), size: 0 };
    render(&mut out).map_err(io)?;
    let Hashed { file, hash, size } = out;
    let file = file.into_inner().map_err(|error| io(error.into_error()))?;
    file.sync_all().map_err(io)?;
    crash::point("file-written");
    fs::rename(&aside, &path).map_err(io)?;
    crash::point("file-named");
    written.push(path.clone());
    Ok(ManifestFile { name: name.to_owned(), size, sha256: hex::encode(hash.finalize()) })
}

/// Creates the folders of a file below the directory, one by one; gives the one that the file lies in.
fn make_folders(directory: &Path, name: &str, made: &mut Vec<PathBuf>) -> io::Result<PathBuf> {
    let mut folder = directory.to_owned();
    for part in name.split('/').rev().skip(1).collect::<Vec<_>>().into_iter().rev() {
        folder.push(part);
        match DirBuilder::new().mode(DIRECTORY_MODE).create(&folder) {
            Ok(()) => {
                made.push(folder.clone());
                fs::set_permissions(&folder, Permissions::from_mode(DIRECTORY_MODE))?;
            }
            // Made for a file before; what another one put there in the meantime is not walked through.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                if !fs::symlink_metadata(&folder)?.is_dir() {
                    return Err(error);
                }
            }
            Err(error) => return Err(error),
        }
    }
    Ok(folder)
}

/// Takes away what was written, best effort: the error that is told is the first one.
pub(super) fn take_back(written: &[PathBuf]) {
    // What lies in a folder was written after it.
    for path in written.iter().rev() {
        drop(fs::remove_file(path).or_else(|_| fs::remove_dir(path)));
    }
}

/// Makes the names in a directory, and the directory's own name, outlast a loss of power.
pub(super) fn sync(directory: &Path) -> Result<(), PublishError> {
    let io = |source| PublishError::Io { path: directory.to_owned(), source };
    File::open(directory).and_then(|open| open.sync_all()).map_err(io)?;
    match directory.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        Some(parent) => File::open(parent).and_then(|open| open.sync_all()).map_err(io),
        None => Ok(()),
    }
}

/// Makes the names in the folders among these paths outlast a loss of power, before a manifest speaks of them.
pub(super) fn sync_folders(written: &[PathBuf]) -> Result<(), PublishError> {
    for path in written.iter().filter(|path| path.is_dir()) {
        let io = |source| PublishError::Io { path: path.clone(), source };
        File::open(path).and_then(|open| open.sync_all()).map_err(io)?;
    }
    Ok(())
}

/// Hashes what is written while it is written.
struct Hashed {
    file: BufWriter<File>,
    hash: Sha256,
    size: u64,
}

impl Write for Hashed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.hash.update(&bytes[..written]);
        self.size += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::super::trial::{all_below, names};
    use super::*;

    #[test]
    fn a_failing_write_leaves_nothing_behind() {
        let directory = tempfile::tempdir().unwrap();
        let mut written = Vec::new();
        write(directory.path(), "first", &mut written, |out| out.write_all(b"whole")).unwrap();
        write(directory.path(), "a/b/third", &mut written, |out| out.write_all(b"whole")).unwrap();
        let full = write(directory.path(), "a/c/second", &mut written, |out| {
            out.write_all(b"half")?;
            Err(io::ErrorKind::StorageFull.into())
        });
        assert!(matches!(full, Err(PublishError::Io { ref path, .. }) if path.ends_with("second")));
        let left = all_below(directory.path());
        assert_eq!(left, ["a", "a/b", "a/b/third", "a/c", "a/c/.second.partial", "first"]);
        take_back(&written);
        assert_eq!(names(directory.path()), [] as [&str; 0]);
    }
}
