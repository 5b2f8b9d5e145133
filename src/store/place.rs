//! Files and directories that belong to their owner alone.

use std::fs::{DirBuilder, File};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;

/// Creates a directory and what is missing above it, with mode 0700. One that is there is left as it is.
pub(super) fn private_directory(directory: &Path) -> io::Result<()> {
    if directory.as_os_str().is_empty() || directory.is_dir() {
        return Ok(());
    }
    DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
    directory.parent().map_or(Ok(()), sync_directory)
}

/// Creates an empty file with mode 0600 that survives a power cut. One that is there, or comes to be at the same
/// moment, is left as it is and never opened: closing it would drop the locks that this process holds on it.
pub(super) fn private_file(path: &Path) -> io::Result<()> {
    if path.exists() {
        return Ok(());
    }
    let aside = tempfile::NamedTempFile::new_in(directory_of(path))?;
    aside.as_file().sync_all()?;
    match aside.into_temp_path().persist_noclobber(path) {
        Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error.error),
        Ok(()) => sync_directory(directory_of(path)),
    }
}

/// Makes the names in a directory survive a power cut.
pub(super) fn sync_directory(directory: &Path) -> io::Result<()> {
    File::open(directory_or_here(directory))?.sync_all()
}

/// The directory that a path is in.
pub(super) fn directory_of(path: &Path) -> &Path {
    directory_or_here(path.parent().unwrap_or(Path::new("")))
}

fn directory_or_here(directory: &Path) -> &Path {
    if directory.as_os_str().is_empty() { Path::new(".") } else { directory }
}
