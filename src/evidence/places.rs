//! Where evidence lies below the paths that somebody names.

use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use thiserror::Error;

use super::{DIRECTORY, LARGEST_STATEMENT, PACK, plain};

/// How deep folders are looked into: a job's, a year's, a month's, a run's.
const DEPTH: usize = 5;
/// A folder that holds more is another one than was meant.
const MOST: usize = 200_000;
/// How the statements are named that stand for a run whose archive is gone.
const STATEMENT_START: &str = "link-";

/// A piece of evidence.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// An archive.
    Pack(PathBuf),
    /// The directory of a run.
    Run(PathBuf),
    /// A statement whose archive is gone.
    Statement(PathBuf),
}

impl Place {
    /// Where it is.
    pub fn path(&self) -> &Path {
        match self {
            Self::Pack(path) | Self::Run(path) | Self::Statement(path) => path,
        }
    }
}

/// Why a path cannot be looked at.
#[derive(Debug, Error)]
pub enum Unusable {
    /// It cannot be read.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// It is too large.
    #[error("{}: holds more than {MOST} files; name the folder with the evidence", .0.display())]
    TooMany(PathBuf),
}

/// Every piece of evidence at or below a path, in the order of the paths. Links are not followed.
pub fn places(path: &Path) -> Result<Vec<Place>, Unusable> {
    let found = fs::metadata(path).map_err(|source| Unusable::Io { path: path.to_owned(), source })?;
    if found.is_dir() {
        let (mut places, mut seen) = (Vec::new(), 0);
        walk(path, DEPTH, &mut seen, &mut places)?;
        places.sort();
        return Ok(places);
    }
    let is_statement = path.extension().is_some_and(|ending| ending == "json");
    Ok(vec![if is_statement { Place::Statement(path.to_owned()) } else { Place::Pack(path.to_owned()) }])
}

fn walk(folder: &Path, depth: usize, seen: &mut usize, places: &mut Vec<Place>) -> Result<(), Unusable> {
    if is_run(folder) {
        places.push(Place::Run(folder.to_owned()));
        return Ok(());
    }
    let io = |source| Unusable::Io { path: folder.to_owned(), source };
    for entry in fs::read_dir(folder).map_err(io)? {
        let entry = entry.map_err(io)?;
        let (path, kind) = (entry.path(), entry.file_type().map_err(io)?);
        *seen += 1;
        if *seen > MOST {
            return Err(Unusable::TooMany(folder.to_owned()));
        }
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if kind.is_dir() && depth > 0 {
            walk(&path, depth - 1, seen, places)?;
        } else if kind.is_file() && name.ends_with(".zip") {
            places.push(Place::Pack(path));
        } else if kind.is_file() && name.starts_with(STATEMENT_START) && name.ends_with(".json") {
            places.push(Place::Statement(path));
        }
    }
    Ok(())
}

/// Whether a folder is, or was, a run's: it holds the archive, or a manifest that names one.
fn is_run(folder: &Path) -> bool {
    let manifest = folder.join(DIRECTORY);
    let names_one = || manifest_text(&manifest).is_some_and(|text| text.contains(&format!("\"{PACK}\"")));
    folder.join(PACK).is_file() || names_one()
}

fn manifest_text(path: &Path) -> Option<String> {
    let mut text = String::new();
    plain(path).ok()?.take(LARGEST_STATEMENT).read_to_string(&mut text).ok()?;
    Some(text)
}
