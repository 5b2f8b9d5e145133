//! Where evidence lies below the paths that somebody names.

use std::fmt;
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use thiserror::Error;

use super::{DIRECTORY, LARGEST_STATEMENT, PACK, SIGNATURE, STATEMENT, STATEMENT_TYPE, plain};

/// How deep folders are looked into: a job's, a year's, a month's, a run's, and a run's files lie in folders of their own.
const DEPTH: usize = 16;
/// A folder that holds more is another one than was meant.
const MOST: usize = 2_000_000;
/// How the statements are named that stand for a run whose archive is gone.
const STATEMENT_START: &str = "link-";

/// A piece of evidence.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// An archive.
    Pack(PathBuf),
    /// The directory of a run.
    Run(PathBuf),
    /// A folder that an archive was unpacked into.
    Unpacked(PathBuf),
    /// A statement whose archive is gone.
    Statement(PathBuf),
    /// What could be evidence or lead to some, and is not looked into.
    Unseen(PathBuf, Unseen),
}

/// Why something is not looked into.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Unseen {
    /// It leads elsewhere.
    Link,
    /// It lies too deep.
    TooDeep,
    /// It is a pipe or a device.
    Odd,
}

impl fmt::Display for Unseen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Link => "it is a link; name what it leads to",
            Self::TooDeep => "it lies too deep; name it as well",
            Self::Odd => "it is no plain file",
        })
    }
}

impl Place {
    /// Where it is.
    pub fn path(&self) -> &Path {
        match self {
            Self::Pack(path)
            | Self::Run(path)
            | Self::Unpacked(path)
            | Self::Statement(path)
            | Self::Unseen(path, _) => path,
        }
    }

    /// What a folder is by what lies in it; `None` if it only holds other evidence, or none.
    pub(super) fn of(folder: &Path) -> Option<Self> {
        let is_there = |name: &str| fs::symlink_metadata(folder.join(name)).is_ok();
        let run = || Some(Self::Run(folder.to_owned()));
        if is_there(PACK) {
            return run();
        }
        let text = text_of(&folder.join(DIRECTORY))?;
        // A statement that was changed is known by what lies beside it.
        let is_unpacked = is_there(SIGNATURE) || (is_there("VERIFY.md") && is_there("snapshot.json"));
        if text.contains(STATEMENT_TYPE) || is_unpacked {
            return Some(Self::Unpacked(folder.to_owned()));
        }
        // The directory of a run whose archive was taken away.
        if text.contains(&format!("\"{PACK}\"")) { run() } else { None }
    }

    /// The file that a piece of evidence is told by, without links.
    fn file(&self) -> PathBuf {
        let path = match self {
            Self::Run(folder) => folder.join(PACK),
            Self::Unpacked(folder) => folder.join(STATEMENT),
            Self::Pack(path) | Self::Statement(path) => path.clone(),
            Self::Unseen(path, _) => return path.clone(),
        };
        fs::canonicalize(&path).unwrap_or(path)
    }

    /// What a file is by its name.
    fn named(path: &Path) -> Option<Self> {
        let name = path.file_name()?.to_string_lossy().to_ascii_lowercase();
        if ends_with(path, "zip") {
            return Some(Self::Pack(path.to_owned()));
        }
        let is_statement = name.starts_with(STATEMENT_START) && ends_with(path, "json");
        is_statement.then(|| Self::Statement(path.to_owned()))
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

/// Every piece of evidence at or below a path, in the order of the paths. Links are not followed; one that leads to what
/// is not looked at by its own name is told.
pub fn places(path: &Path) -> Result<Vec<Place>, Unusable> {
    places_of(&[path.to_owned()])
}

/// Every piece of evidence at or below some paths, each once, by however many paths it is reached.
pub fn places_of(paths: &[PathBuf]) -> Result<Vec<Place>, Unusable> {
    let real =
        |path: &PathBuf| fs::canonicalize(path).map_err(|source| Unusable::Io { path: path.clone(), source });
    let roots = paths.iter().map(real).collect::<Result<_, _>>()?;
    let mut walk = Walk { roots, seen: 0, places: Vec::new() };
    for path in paths {
        if path.is_dir() {
            walk.folder(path, DEPTH, false)?;
        } else {
            let is_statement = ends_with(path, "json");
            let kind = if is_statement { Place::Statement } else { Place::Pack };
            walk.places.push(kind(path.clone()));
        }
    }
    // A folder with what lies in it comes before its own archive or statement alone, and takes its place.
    let rank = |place: &Place| matches!(place, Place::Pack(_) | Place::Statement(_));
    walk.places.sort_by_cached_key(|place| (place.file(), rank(place), place.clone()));
    walk.places.dedup_by_key(|place| place.file());
    walk.places.sort();
    Ok(walk.places)
}

fn ends_with(path: &Path, ending: &str) -> bool {
    path.extension().is_some_and(|found| found.eq_ignore_ascii_case(ending))
}

/// Folders on the way down.
struct Walk {
    /// Where it began, without links.
    roots: Vec<PathBuf>,
    seen: usize,
    places: Vec<Place>,
}

impl Walk {
    /// Looks into a folder. What is odd in the folder of a run is told by the check of the run.
    fn folder(&mut self, folder: &Path, depth: usize, of_run: bool) -> Result<(), Unusable> {
        let place = Place::of(folder);
        let of_run = of_run || place.is_some();
        self.places.extend(place);
        let io = |source| Unusable::Io { path: folder.to_owned(), source };
        for entry in fs::read_dir(folder).map_err(io)? {
            let entry = entry.map_err(io)?;
            let (path, kind) = (entry.path(), entry.file_type().map_err(io)?);
            self.seen += 1;
            if self.seen > MOST {
                return Err(Unusable::TooMany(folder.to_owned()));
            }
            let named = Place::named(&path).filter(|_| entry.file_name() != PACK);
            if kind.is_dir() && depth > 0 {
                self.folder(&path, depth - 1, of_run)?;
            } else if kind.is_dir() && !self.is_root(&path) {
                self.places.push(Place::Unseen(path, Unseen::TooDeep));
            } else if kind.is_file() {
                self.places.extend(named);
            } else if kind.is_symlink() && !of_run && self.leads_away(&path) {
                self.places.push(Place::Unseen(path, Unseen::Link));
            } else if !kind.is_symlink() && !of_run && named.is_some() {
                self.places.push(Place::Unseen(path, Unseen::Odd));
            }
        }
        Ok(())
    }

    fn is_root(&self, path: &Path) -> bool {
        fs::canonicalize(path).is_ok_and(|path| self.roots.contains(&path))
    }

    /// Whether a link leads to what could be evidence, and is not met by its own name.
    fn leads_away(&self, link: &Path) -> bool {
        let Ok(target) = fs::canonicalize(link) else { return true };
        if self.roots.contains(&target) {
            return false;
        }
        let (is_folder, is_named) = (target.is_dir(), Place::named(&target).is_some());
        let is_met = self.roots.iter().any(|root| target.starts_with(root)) && (is_folder || is_named);
        !is_met && (is_folder || is_named || Place::named(link).is_some())
    }
}

/// The text of a file, whatever of it is text.
fn text_of(path: &Path) -> Option<String> {
    let mut bytes = Vec::new();
    plain(path).ok()?.take(LARGEST_STATEMENT).read_to_end(&mut bytes).ok()?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}
