//! What outlives a run: a `SQLite` database with schedules, runs, what they saw and found, and the outbox; and snapshots
//! in files that the user names.
//!
//! This is the only place that knows SQL. What goes in and out are values, and every method is one transaction, so that
//! another database could stand behind the same methods. The connection belongs to one thread; callers await its
//! answer. A caller that stops waiting does not stop the step that it asked for.
//!
//! Several processes may use one store: a transaction that writes takes the lock at its start and waits for others.
//! While a store is open, nothing in this process may open its database file by other means: closing that file would
//! drop the locks of `SQLite`, which belong to the process and not to the connection.

mod accounts;
mod care;
mod column;
mod database;
mod error;
mod finish;
mod history;
mod links;
mod logons;
mod outbox;
mod ownership;
mod parcel;
mod place;
mod prune;
mod run;
mod runs;
mod schedules;
mod sign_offs;
mod snapshot_file;
mod snapshots;
#[cfg(test)]
mod trial;
mod writer;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};

pub use error::StoreError;
pub use links::{Head, Link, Linked, Receipts};
pub use outbox::{OutboxDepth, Recovered};
pub use ownership::{Ownership, OwnershipError};
pub use parcel::{Channel, Delivery, NewParcel, Parcel, ParcelKind, ParcelState, Progressed};
pub use run::{Claim, Finished, RunRecord, RunState};
pub use sign_offs::SignOff;
pub use snapshot_file::{SnapshotFileError, read_snapshots, to_json as snapshots_to_json, write_snapshots};

use accounts::{accounts, remember_accounts};
use column::{At, Count, Word};
use database::{BUSY, Opening, connect, verify};
use error::Fault;
use links::add_link;
use outbox::{parcels_of, post, seal};
use place::{directory_of, private_directory, private_file, sync_directory};
use runs::must_go_on;
use sign_offs::last_sign_off;
use snapshot_file::{from_json, to_json};
use snapshots::{keep, pack, packed, unpack};
use writer::Writer;

/// The store. Cheap to clone; all clones share one connection.
#[derive(Debug, Clone)]
pub struct Store {
    writer: Arc<Writer>,
    installation: Arc<str>,
}

impl Store {
    /// Opens the database file and brings its schema up to date. A file that is not there is created with mode 0600,
    /// its directory with 0700; `now` is when.
    pub fn open(path: &Path, now: DateTime<Utc>) -> Result<Self, StoreError> {
        Self::start(path, Opening::Creating(now), BUSY)
    }

    /// Opens a database file that is there and up to date; changes nothing in it.
    pub fn open_existing(path: &Path) -> Result<Self, StoreError> {
        Self::start(path, Opening::Existing, BUSY)
    }

    fn start(path: &Path, opening: Opening, busy: Duration) -> Result<Self, StoreError> {
        let (connection, installation) = database::open(path, opening, busy)?;
        let writer = Writer::start(path, connection)?;
        Ok(Self { writer: Arc::new(writer), installation: installation.into() })
    }

    /// The id of this installation: random, made with the database, 128 bits in hex.
    pub fn installation(&self) -> &str {
        &self.installation
    }

    /// Waits for what was asked before, writes everything from the log into the database file and closes it. Whoever
    /// still holds a clone gets [`StoreError::Stopped`].
    pub async fn close(self) {
        self.writer.close().await;
    }
}
