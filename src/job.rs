//! A job's run: what becomes of collected snapshots on their way to people, and the checked plan that says how.
//!
//! The order is the promise: files are written, synced and named; then one transaction of the store finishes the run,
//! adds its link to the chain of evidence and puts the parcels into the outbox; then they are sent. Whatever dies in between is done again and is then the
//! same: ids, bytes and message ids are derived, not drawn.

mod copies;
mod letters;
mod logons;
mod plan;
mod run;
mod standing;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use tokio::sync::Mutex;

use crate::store::Store;

use copies::{Copies, Shown};
use letters::{LastPosted, parcels};

pub use letters::alarms;
pub use logons::add_last_logons;
pub use plan::{Plan, PlanError, PlannedJob, open};
pub use run::{RunError, complete, perform};
pub use standing::{Standing, standing};

/// The machine that jobs run on, with its store and its clock.
#[derive(Debug, Clone)]
pub struct Host {
    /// Its name, for mails.
    pub name: String,
    /// The store.
    pub store: Store,
    /// The directory of the store.
    pub home: PathBuf,
    /// The time now.
    pub clock: fn() -> DateTime<Utc>,
    /// Held by the run that takes its place in the chain of evidence.
    turn: Arc<Mutex<()>>,
}

impl Host {
    /// This machine.
    pub fn new(store: Store, home: &Path, clock: fn() -> DateTime<Utc>) -> Self {
        let name = rustix::system::uname().nodename().to_string_lossy().into_owned();
        Self { name, store, home: home.to_owned(), clock, turn: Arc::default() }
    }

    /// Where the files of every kept run lie, each in a directory named by its id.
    pub fn runs(&self) -> PathBuf {
        self.home.join("runs")
    }
}
