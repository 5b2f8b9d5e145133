//! Last logons, which the API does not have (`console-api.md` §4): from the console's own authentication log, or from a
//! list of users that an administrator exported from its pages. Evidence that a review can do without.
//!
//! Both are files that others write: bounded in size, and never more than text.

mod export;
mod join;
mod lines;
mod log;
mod moment;
mod pattern;

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use chrono::{DateTime, TimeDelta, Utc};
use rustix::fs::{Mode, OFlags};
use thiserror::Error;

use crate::amount::amount;
use crate::model::{LastLogon, LogonSource, LogonSourceKind, Snapshot};

use lines::each_line;
use moment::{in_zone, leading};

pub use export::{DateFormat, Export};
pub use join::apply;
pub use log::{Counts, Followed, Log, LogPosition, LogRecord};
pub use pattern::Pattern;

/// How far a time may lie ahead of the clock: what was written in local time and is read as UTC is off by at most 26
/// hours, from UTC−12 to UTC+14.
const AHEAD: TimeDelta = TimeDelta::hours(26);

/// Bytes that a login has at most; the console's own limit is lower.
const LOGIN: usize = 256;

/// Where the last logons of one console come from.
#[derive(Debug, Clone)]
pub struct Sources {
    /// The exported list.
    pub export: Option<Export>,
    /// The log.
    pub log: Option<Log>,
}

/// What a reading of the sources came to.
#[derive(Debug, Default)]
pub struct Reading {
    /// What they tell.
    pub evidence: Vec<Evidence>,
    /// What is known of the log now; `None` if it was not read.
    pub record: Option<LogRecord>,
    /// What was not read although the rest was, in sentences.
    pub notes: Vec<String>,
    /// The sources that tell nothing, and why.
    pub errors: Vec<LogonError>,
}

impl Sources {
    /// Reads every source, the log on from what is known. One that fails takes nothing from the other.
    pub fn read(&self, known: LogRecord, now: DateTime<Utc>) -> Reading {
        let mut reading = Reading::default();
        match self.export.as_ref().map(|export| export.read(now)) {
            Some(Ok(evidence)) => reading.evidence.push(evidence),
            Some(Err(error)) => reading.errors.push(error),
            None => {}
        }
        match self.log.as_ref().map(|log| (log, log.follow(known, now))) {
            Some((log, Ok(followed))) => {
                reading.evidence.extend(followed.record.evidence(&log.path, now));
                reading.record = Some(followed.record);
                reading.notes.extend(followed.notes);
            }
            Some((_, Err(error))) => reading.errors.push(error),
            None => {}
        }
        reading
    }
}

/// The newest logon of a login.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Logon {
    /// The login, as the log writes it.
    pub login: String,
    /// When.
    pub at: DateTime<Utc>,
    /// The address that it came from, where the log has it.
    pub address: Option<String>,
}

/// What one source tells of the accounts of a console.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evidence {
    /// The source.
    pub source: LogonSource,
    /// Whether an account that it does not name has no logon in its time.
    pub names_all: bool,
    /// What it tells, by login; no login comes twice.
    pub accounts: Vec<Account>,
}

/// What a source tells of one login.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// The login, as the source writes it.
    pub login: String,
    /// The last logon; `None` if the source says that there was none.
    pub at: Option<DateTime<Utc>>,
    /// The address that it came from.
    pub address: Option<String>,
}

/// Why a source tells nothing. The text names the file and the mend, and quotes nothing of what is in it.
#[derive(Debug, Error)]
pub enum LogonError {
    /// There is no such file.
    #[error("{}: there is no such file; it must lie on this host, below the console's installation for a log", .0.display())]
    Missing(PathBuf),
    /// It may not be read.
    #[error(
        "{}: it may not be read by this user; add the user that runs recert to the group that may read it",
        .0.display()
    )]
    Denied(PathBuf),
    /// It is something else than a file.
    #[error("{}: this is not a regular file; name the file itself", .0.display())]
    NotAFile(PathBuf),
    /// The system does not read.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A log without any time.
    #[error("{}: no line of it starts with a time; name the console's auth.log, or give `pattern`", .0.display())]
    Undated(PathBuf),
    /// A log without any logon. The account that collects logs on itself, so that there is always one.
    #[error("{}: nothing that looks like a logon in {}; give `pattern`", path.display(), amount(*lines, "line"))]
    Unrecognised {
        /// The log.
        path: PathBuf,
        /// Lines with a time.
        lines: u64,
    },
    /// An export that cannot be right; nothing of it counts.
    #[error("{}: line {line}{}: {problem}", path.display(), column.as_ref().map(|name| format!(", column {name:?}")).unwrap_or_default())]
    Export {
        /// The export.
        path: PathBuf,
        /// The line, from 1.
        line: u64,
        /// The column, where it is about one.
        column: Option<String>,
        /// What is wrong and how to mend it.
        problem: String,
    },
    /// An export that is too large.
    #[error("{}: it has more than {most} bytes; export the table of users alone", path.display())]
    TooLarge {
        /// The export.
        path: PathBuf,
        /// How many it may have.
        most: u64,
    },
    /// An export that is too old to tell anything.
    #[error("{}: it is {} old, more than max_age_days = {most}; export the table again", path.display(), amount(*days, "day"))]
    Stale {
        /// The export.
        path: PathBuf,
        /// Its age.
        days: i64,
        /// What it may be.
        most: u32,
    },
    /// An export of tomorrow.
    #[error("{}: its time lies ahead of the clock; set the clock, or export the table again", .0.display())]
    Ahead(PathBuf),
}

impl LogonError {
    fn io(path: &Path, source: io::Error) -> Self {
        let path = path.to_owned();
        match source.kind() {
            io::ErrorKind::NotFound => Self::Missing(path),
            io::ErrorKind::PermissionDenied => Self::Denied(path),
            _ => Self::Io { path, source },
        }
    }
}

/// Opens a regular file. A pipe in its place is refused and not waited for.
fn open(path: &Path) -> Result<File, LogonError> {
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK;
    let opened = rustix::fs::open(path, flags, Mode::empty());
    let file = File::from(opened.map_err(|error| LogonError::io(path, error.into()))?);
    let metadata = file.metadata().map_err(|error| LogonError::io(path, error))?;
    if metadata.is_file() { Ok(file) } else { Err(LogonError::NotAFile(path.to_owned())) }
}

/// The name of a file, without its directories.
fn label(path: &Path) -> String {
    path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
}

/// A login that can be one: not empty, on one line, not endless.
fn login(text: &str) -> Option<&str> {
    let text = text.trim();
    (!text.is_empty() && text.len() <= LOGIN && !text.chars().any(char::is_control)).then_some(text)
}
