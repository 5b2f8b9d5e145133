//! What can go wrong with the store, and what to do about it.

use std::io;
use std::path::{Path, PathBuf};

use rusqlite::ErrorCode;
use thiserror::Error;

use super::{BUSY, ParcelState};

/// Why the store did not do a step. Nothing of the step is stored.
#[derive(Debug, Error)]
pub enum StoreError {
    /// There is no database, or an empty one.
    #[error("{}: there is no store yet; `recert daemon` creates it", .0.display())]
    Missing(PathBuf),
    /// No space is left.
    #[error("{}: no space is left on its disk, so nothing of this step is stored; free some, then it goes on", .0.display())]
    Full(PathBuf),
    /// Somebody else writes, for longer than a transaction of this program takes.
    #[error(
        "{}: another process has kept it locked for more than {} seconds; end what holds it (a backup tool, an SQL shell), then try again",
        .0.display(), BUSY.as_secs()
    )]
    Busy(PathBuf),
    /// It is not a database, or not a sound one.
    #[error("{}: the store is damaged ({problem}); stop the daemon, set the file aside and put a backup in its place", path.display())]
    Damaged {
        /// The database file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// It is a database of another program.
    #[error("{}: this is a database of another program; name another file for the store", .0.display())]
    Foreign(PathBuf),
    /// A later version of this program wrote it.
    #[error(
        "{}: its schema is version {found}, this program knows {known}; use the version of recert that wrote it",
        path.display()
    )]
    Newer {
        /// The database file.
        path: PathBuf,
        /// Its schema's version.
        found: i64,
        /// The latest version that this program knows.
        known: i64,
    },
    /// An earlier version of this program wrote it, and this was not the moment to change it.
    #[error(
        "{}: its schema is version {found}, this program needs {known}; restart `recert daemon`, which brings it up to date",
        path.display()
    )]
    Older {
        /// The database file.
        path: PathBuf,
        /// Its schema's version.
        found: i64,
        /// The version that this program needs.
        known: i64,
    },
    /// The `SQLite` in this program is one that may lose commits.
    #[error(
        "SQLite {0} may lose what two connections write at once; build recert with SQLite 3.51.3 or later"
    )]
    Library(&'static str),
    /// The file may not be opened or written.
    #[error("{}: {problem}; run this as the user that owns the store", path.display())]
    Denied {
        /// The database file.
        path: PathBuf,
        /// What `SQLite` says.
        problem: String,
    },
    /// The system does not read or write.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// `SQLite`'s reads or writes fail.
    #[error("{}: reading or writing failed ({problem}); check the disk and its file system", path.display())]
    Disk {
        /// The database file.
        path: PathBuf,
        /// What `SQLite` says.
        problem: String,
    },
    /// `SQLite` refuses a step: a bug.
    #[error("{}: {problem}; this is a bug of recert, please report it", path.display())]
    Refused {
        /// The database file.
        path: PathBuf,
        /// What `SQLite` says.
        problem: String,
    },
    /// A step panicked: a bug.
    #[error("{}: a step broke off and was taken back; this is a bug of recert, please report it", .0.display())]
    Broke(PathBuf),
    /// The store was closed.
    #[error("{}: the store is closed", .0.display())]
    Stopped(PathBuf),
    /// No such run.
    #[error("run {0} is not known; `recert history` lists the runs")]
    UnknownRun(String),
    /// A run that has ended cannot go on.
    #[error("run {0} has ended; it cannot be changed any more")]
    Ended(String),
    /// A link does not follow the last one of the chain.
    #[error("another run took its place in the chain of evidence meanwhile")]
    HeadMoved,
    /// A statement of the chain cannot be read.
    #[error("link {0} of the chain of evidence cannot be read; put a backup of the store in its place")]
    Statement(u64),
    /// The snapshots of a run cannot be read.
    #[error(
        "the snapshots of run {run} cannot be read ({problem}); another version of recert may have written them"
    )]
    Snapshots {
        /// The run.
        run: String,
        /// What is wrong, with line and column.
        problem: String,
    },
    /// No such parcel.
    #[error("parcel {0} is not known; `recert outbox --all` lists the parcels")]
    UnknownParcel(String),
    /// A delivered parcel cannot go back on its way.
    #[error("parcel {parcel} is {}; it cannot become {}", state.as_str(), wanted.as_str())]
    Settled {
        /// The parcel.
        parcel: String,
        /// Its state.
        state: ParcelState,
        /// The state that it was to get.
        wanted: ParcelState,
    },
    /// The body of a settled parcel has been dropped.
    #[error("the body of parcel {0} is no longer kept, as the parcel is settled")]
    BodyGone(String),
    /// The body of a parcel is not the one that was stored.
    #[error(
        "the body of parcel {0} is not what was stored: its SHA-256 differs; it is not sent; restore a backup of the store"
    )]
    BodyChanged(String),
    /// A backup never overwrites.
    #[error("{}: this file exists already; name a new one for the backup", .0.display())]
    BackupExists(PathBuf),
}

impl StoreError {
    /// Whether it is about one parcel's content, which will not be better next time, and not about the store.
    pub fn is_about_content(&self) -> bool {
        matches!(self, Self::BodyGone(_) | Self::BodyChanged(_))
    }

    /// The error of a step on the database at `path`.
    pub(super) fn at(path: &Path, fault: Fault) -> Self {
        let error = match fault {
            Fault::Known(error) => return *error,
            Fault::Sql(error) => error,
        };
        let (path, problem) = (path.to_owned(), error.to_string());
        match &error {
            rusqlite::Error::FromSqlConversionFailure(..) | rusqlite::Error::InvalidColumnType(..) => {
                return Self::Damaged { path, problem };
            }
            _ => {}
        }
        match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => Self::Full(path),
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Busy(path),
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Self::Damaged { path, problem },
            Some(ErrorCode::CannotOpen | ErrorCode::PermissionDenied | ErrorCode::ReadOnly) => {
                Self::Denied { path, problem }
            }
            Some(ErrorCode::SystemIoFailure | ErrorCode::FileLockingProtocolFailed) => {
                Self::Disk { path, problem }
            }
            _ => Self::Refused { path, problem },
        }
    }

    /// The error of a system call on a file.
    pub(super) fn io(path: &Path) -> impl Fn(io::Error) -> Self {
        move |source| {
            let path = path.to_owned();
            if source.kind() == io::ErrorKind::PermissionDenied {
                return Self::Denied { path, problem: source.to_string() };
            }
            Self::Io { path, source }
        }
    }
}

/// Why a step inside a transaction ends: `SQLite`'s error, or one that already says everything.
#[derive(Debug)]
pub(super) enum Fault {
    /// Becomes a [`StoreError`] where the file is known.
    Sql(rusqlite::Error),
    /// Is one already.
    Known(Box<StoreError>),
}

impl From<rusqlite::Error> for Fault {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sql(error)
    }
}

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Self {
        Self::Known(Box::new(error))
    }
}
