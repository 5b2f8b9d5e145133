//! Snapshots of a run: what a snapshot file holds, compressed.

use std::io::{BufWriter, Read};
use std::sync::Arc;

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use rusqlite::{OptionalExtension, Transaction};

use super::{Fault, Store, StoreError, from_json, must_go_on, to_json};
use crate::model::Snapshot;

impl Store {
    /// Keeps what a run that has not ended saw, in place of what was kept before.
    pub async fn keep_snapshots(
        &self,
        run: &str,
        snapshots: impl Into<Arc<[Snapshot]>>,
    ) -> Result<(), StoreError> {
        let (run, snapshots) = (run.to_owned(), snapshots.into());
        let (run, packed) =
            self.writer.aside(move || pack(&run, &snapshots).map(|packed| (run, packed))).await??;
        self.writer
            .change(move |tx| {
                must_go_on(tx, &run)?;
                keep(tx, &run, &packed)
            })
            .await
    }

    /// What a run saw; `None` if nothing of it is kept.
    pub async fn snapshots(&self, run: &str) -> Result<Option<Vec<Snapshot>>, StoreError> {
        let run = run.to_owned();
        let (packed, run) = self.writer.look(move |tx| Ok((packed(tx, &run)?, run))).await?;
        let Some(packed) = packed else { return Ok(None) };
        self.writer.aside(move || unpack(&run, &packed)).await?.map(Some)
    }
}

/// Puts compressed snapshots beside their run.
pub(super) fn keep(tx: &Transaction<'_>, run: &str, packed: &[u8]) -> Result<(), Fault> {
    tx.execute(
        "INSERT INTO snapshots (run, body) VALUES (?1, ?2) ON CONFLICT (run) DO UPDATE SET body = excluded.body",
        (run, packed),
    )?;
    Ok(())
}

/// The compressed snapshots of a run.
pub(super) fn packed(tx: &Transaction<'_>, run: &str) -> Result<Option<Vec<u8>>, Fault> {
    Ok(tx.query_row("SELECT body FROM snapshots WHERE run = ?1", [run], |row| row.get(0)).optional()?)
}

/// Compresses snapshots; of a large console, that takes its time.
pub(super) fn pack(run: &str, snapshots: &[Snapshot]) -> Result<Vec<u8>, StoreError> {
    // The serialiser writes every sign by itself.
    let mut out = BufWriter::with_capacity(1 << 16, GzEncoder::new(Vec::new(), Compression::fast()));
    to_json(&mut out, snapshots)
        .and_then(|()| out.into_inner()?.finish())
        .map_err(|error| StoreError::Snapshots { run: run.to_owned(), problem: error.to_string() })
}

/// What [`pack`] compressed.
pub(super) fn unpack(run: &str, packed: &[u8]) -> Result<Vec<Snapshot>, StoreError> {
    let mut json = Vec::new();
    GzDecoder::new(packed)
        .read_to_end(&mut json)
        .map_err(|error| error.to_string())
        .and_then(|_| from_json(&json))
        .map_err(|problem| StoreError::Snapshots { run: run.to_owned(), problem })
}

#[cfg(test)]
mod tests {
    use super::super::trial::{Trial, at, claim, finished, report, snapshots};
    use super::*;
    use crate::model::sample::{snapshot, user};

    #[tokio::test]
    async fn what_a_run_saw_is_kept_replaced_and_final_at_its_end() {
        let trial = Trial::new();
        let store = trial.open();
        assert!(matches!(store.keep_snapshots("a", snapshots()).await, Err(StoreError::UnknownRun(_))));
        store.claim(claim("a", 100)).await.unwrap();
        assert_eq!(store.snapshots("a").await.unwrap(), None);
        store.keep_snapshots("a", vec![snapshot(vec![user(7, "former")])]).await.unwrap();
        store.keep_snapshots("a", snapshots()).await.unwrap();
        assert_eq!(store.snapshots("a").await.unwrap(), Some(snapshots()));
        let done = super::super::Finished { snapshots: None, ..finished(report("a", Some(100), 110)) };
        assert!(store.finish(done).await.unwrap());
        assert!(matches!(store.keep_snapshots("a", Vec::new()).await, Err(StoreError::Ended(_))));
        assert_eq!(store.snapshots("a").await.unwrap(), Some(snapshots()));
        assert_eq!(store.history("weekly", "b").await.unwrap().before.unwrap().finished, at(110));
    }

    #[tokio::test]
    async fn what_another_version_wrote_is_named_by_its_run() {
        let trial = Trial::new();
        let store = trial.open();
        store.finish(finished(report("a", None, 100))).await.unwrap();
        let garbage = |tx: &Transaction<'_>| Ok(tx.execute("UPDATE snapshots SET body = x'00'", [])?);
        store.writer.change(garbage).await.unwrap();
        let named = |error: StoreError| matches!(error, StoreError::Snapshots { run, .. } if run == "a");
        assert!(named(store.snapshots("a").await.unwrap_err()));
        assert!(named(store.before("a").await.unwrap_err()));
        let history = store.history("weekly", "next").await.unwrap();
        assert!(history.before.is_none() && history.sightings.len() == 2, "a report is written all the same");
    }
}
