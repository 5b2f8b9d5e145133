//! What lies in a directory, by the manifest that was found there. None of its paths is believed: none leads out of the
//! directory, and nothing behind a link is a run's file.

use std::fs::{self, File, FileType};
use std::io;
use std::path::{Component, Path};

use serde::Deserialize;

use super::super::Manifest;
use super::MANIFEST;

/// A manifest has a few lines for each file and console.
const LARGEST_MANIFEST: u64 = 16 << 20;

/// What a written manifest tells about its folder.
#[derive(Deserialize)]
pub(super) struct Listed {
    schema: String,
    pub(super) run: ListedRun,
    pub(super) files: Vec<ListedFile>,
}

#[derive(Deserialize)]
pub(super) struct ListedRun {
    pub(super) id: String,
    pub(super) job: Option<String>,
    /// RFC 3339 in UTC: its order is the order of time.
    pub(super) finished: String,
}

#[derive(Deserialize)]
pub(super) struct ListedFile {
    pub(super) name: String,
    pub(super) size: u64,
    pub(super) sha256: String,
}

impl ListedFile {
    pub(super) fn is_in(&self, directory: &Path) -> bool {
        lies_in(directory, &self.name)
            && fs::metadata(directory.join(&self.name)).is_ok_and(|found| found.len() == self.size)
    }

    /// Whether its name is a path below the directory, written in the one way that there is.
    fn stays_below(&self) -> bool {
        let parts: Vec<&str> = self.name.split('/').collect();
        let plain = |part: &&str| {
            let mut components = Path::new(part).components();
            matches!((components.next(), components.next()), (Some(Component::Normal(_)), None))
        };
        parts.iter().all(plain) && self.name != MANIFEST && !self.name.contains('\0')
    }
}

impl Listed {
    /// The manifest of a folder; `None` if the folder is no run.
    pub(super) fn read(directory: &Path) -> Option<Self> {
        let path = directory.join(MANIFEST);
        // Whoever may write there could have put a pipe there, which never ends, or worse.
        let found = fs::symlink_metadata(&path).ok()?;
        if !found.is_file() || found.len() > LARGEST_MANIFEST {
            return None;
        }
        let bytes = fs::read(path).ok()?;
        let listed: Self = serde_json::from_slice(&bytes).ok()?;
        let sound = listed.schema == Manifest::SCHEMA && listed.files.iter().all(ListedFile::stays_below);
        sound.then_some(listed)
    }

    /// Whether it lists a file, or is it.
    pub(super) fn names(&self, name: &str) -> bool {
        name == MANIFEST || self.files.iter().any(|file| file.name == name)
    }

    /// Whether a folder holds plain files that its manifest names, and nothing else.
    pub(super) fn is_all_of(directory: &Path) -> bool {
        Self::read(directory)
            .is_some_and(|listed| holds_only(directory, "", &listed, &|name| listed.names(name)))
    }
}

/// Whether a directory holds plain files that are known by their path from there, the folders of a run's files, and
/// nothing else: above all no link, which would lead to what is not the run's.
pub(super) fn holds_only(
    directory: &Path,
    below: &str,
    listed: &Listed,
    known: &impl Fn(&str) -> bool,
) -> bool {
    let Ok(entries) = fs::read_dir(directory) else { return false };
    entries.into_iter().all(|entry| {
        let Ok(entry) = entry else { return false };
        let (Ok(kind), Ok(name)) = (entry.file_type(), entry.file_name().into_string()) else { return false };
        let path = format!("{below}{name}");
        if kind.is_dir() {
            let folder = format!("{path}/");
            let is_ours = listed.files.iter().any(|file| file.name.starts_with(&folder));
            return is_ours && holds_only(&entry.path(), &folder, listed, known);
        }
        kind.is_file() && known(&path)
    })
}

/// Opens a file of a directory by its path from there, if neither it nor a folder on the way is a link.
pub(super) fn open_in(directory: &Path, name: &str) -> io::Result<File> {
    if !lies_in(directory, name) {
        return Err(io::Error::new(io::ErrorKind::NotFound, "it is no plain file"));
    }
    File::open(directory.join(name))
}

fn lies_in(directory: &Path, name: &str) -> bool {
    kind_in(directory, &directory.join(name)).is_some_and(|kind| kind.is_file())
}

/// What a path below a directory is; `None` if it is not there, or behind a link.
pub(super) fn kind_in(directory: &Path, path: &Path) -> Option<FileType> {
    let kind = |path: &Path| fs::symlink_metadata(path).map(|found| found.file_type()).ok();
    let mut folders = folders_above(directory, path);
    folders.all(|folder| kind(folder).is_some_and(|kind| kind.is_dir())).then(|| kind(path)).flatten()
}

/// The folders between a directory and a path below it, the innermost first.
pub(super) fn folders_above<'a>(directory: &'a Path, path: &'a Path) -> impl Iterator<Item = &'a Path> {
    path.ancestors().skip(1).take_while(move |folder| *folder != directory)
}
