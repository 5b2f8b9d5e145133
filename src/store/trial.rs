//! A store in a directory of its own, and small values to put into it.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use rusqlite::Transaction;
use tempfile::TempDir;

use super::{Channel, Claim, Finished, NewParcel, Opening, ParcelKind, Store};
use crate::model::Snapshot;
use crate::model::sample::{global_admin, snapshot};
use crate::report::Report;

/// A directory for a store; it goes away at the end.
pub(super) struct Trial(TempDir);

impl Trial {
    pub(super) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(super) fn path(&self) -> PathBuf {
        self.0.path().join("data").join("recert.db")
    }

    pub(super) fn open(&self) -> Store {
        Store::open(&self.path(), at(0)).unwrap()
    }

    /// Creates a store that nobody has open.
    pub(super) async fn create(&self) {
        self.open().close().await;
    }

    /// A store that does not wait for others.
    pub(super) fn open_impatient(&self) -> Store {
        Store::start(&self.path(), Opening::Creating(at(0)), Duration::ZERO).unwrap()
    }
}

/// How many rows each table has, schedules and the installation left out.
pub(super) async fn rows(store: &Store) -> Vec<(&'static str, i64)> {
    const TABLES: [&str; 8] =
        ["runs", "snapshots", "findings", "rules", "sightings", "parcels", "bodies", "deliveries"];
    let count = |tx: &Transaction<'_>, table| {
        tx.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| Ok((table, row.get(0)?)))
    };
    let counted = store.writer.look(move |tx| Ok(TABLES.map(|table| count(tx, table).unwrap()).to_vec()));
    counted.await.unwrap()
}

/// So many seconds after the start of the test's time.
pub(super) fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000 + seconds, 123_456_789).unwrap()
}

/// A claim of the job `weekly` for the slot at this second.
pub(super) fn claim(run: &str, slot: i64) -> Claim {
    Claim {
        run: run.into(),
        job: "weekly".into(),
        slot: at(slot),
        collapsed: 0,
        mark: at(slot),
        now: at(slot + 1),
    }
}

/// The sample report as one of a run of the job `weekly`, judged at this second.
pub(super) fn report(run: &str, slot: Option<i64>, judged: i64) -> Report {
    let mut report = Report::sample();
    report.run.id = run.into();
    report.run.job = Some("weekly".into());
    report.run.slot = slot.map(at);
    report.run.started = at(judged - 90);
    report.run.finished = at(judged);
    for finding in &mut report.findings {
        finding.first_seen = at(judged);
    }
    report
}

/// That report as a run that is done, with snapshots and without parcels.
pub(super) fn finished(report: Report) -> Finished {
    let now = report.run.finished;
    Finished { report: Arc::new(report), snapshots: Some(snapshots()), parcels: Vec::new(), link: None, now }
}

pub(super) fn snapshots() -> Vec<Snapshot> {
    vec![snapshot(vec![global_admin(1, "nxadmin")])]
}

/// A parcel of the job `weekly`, made and due at this second.
pub(super) fn parcel(id: &str, run: Option<&str>, created: i64) -> NewParcel {
    NewParcel {
        id: id.into(),
        run: run.map(Into::into),
        job: "weekly".into(),
        kind: ParcelKind::Report,
        recipient: "jo@corp.example".into(),
        channel: Channel::Email,
        message_id: format!("<{id}@corp.example>"),
        body: format!("body of {id}\r\n").into_bytes(),
        due: at(created),
        created: at(created),
    }
}
