//! The chain of evidence: one link for each run with a report, over all jobs, which outlives the run.

use std::io::{Read, Write};

use chrono::{DateTime, Utc};
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use rusqlite::{OptionalExtension, Transaction};
use serde::Serialize;

use super::{At, Count, Fault, Parcel, Store, StoreError, parcels_of};

/// A link to be added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// What is listed of it.
    pub linked: Linked,
    /// The statement.
    pub statement: Vec<u8>,
    /// The file of its signature.
    pub signature: Option<String>,
}

/// The last link.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Head {
    /// Its number.
    pub index: u64,
    /// SHA-256 of its statement, hex.
    pub sha256: String,
}

/// What is listed of a link; its statement is asked for by its number.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Linked {
    /// Its number, from 1.
    pub index: u64,
    /// The run.
    pub run: String,
    /// Its job.
    pub job: Option<String>,
    /// When the run's rules judged.
    pub finished: DateTime<Utc>,
    /// SHA-256 of the statement, hex.
    pub sha256: String,
    /// SHA-256 of the statement before it; `None` for the first.
    pub previous: Option<String>,
    /// The id of the key that signed the statement.
    pub key: Option<String>,
}

/// What became of everything that was posted about a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipts {
    /// The run.
    pub run: String,
    /// Each parcel.
    pub parcels: Vec<Parcel>,
}

impl Store {
    /// The last link of the chain; `None` before the first.
    pub async fn head(&self) -> Result<Option<Head>, StoreError> {
        self.writer.look(head).await
    }

    /// Every link, in order.
    pub async fn links(&self) -> Result<Vec<Linked>, StoreError> {
        self.writer
            .look(|tx| {
                let query =
                    "SELECT position, run, job, finished, sha256, previous, key FROM links ORDER BY position";
                let mut statement = tx.prepare_cached(query)?;
                let links = statement.query_map([], |row| {
                    let (Count(index), At(finished)) = (row.get(0)?, row.get(3)?);
                    Ok(Linked {
                        index,
                        run: row.get(1)?,
                        job: row.get(2)?,
                        finished,
                        sha256: row.get(4)?,
                        previous: row.get(5)?,
                        key: row.get(6)?,
                    })
                })?;
                Ok(links.collect::<Result<_, _>>()?)
            })
            .await
    }

    /// The statement of a link, and the file of its signature.
    pub async fn statement(&self, index: u64) -> Result<(Vec<u8>, Option<String>), StoreError> {
        self.writer
            .look(move |tx| {
                let query = "SELECT statement, signature FROM links WHERE position = ?1";
                let found = tx.query_row(query, [Count(index)], |row| {
                    Ok((row.get::<_, Vec<u8>>(0)?, row.get::<_, Option<String>>(1)?))
                });
                let mut statement = Vec::new();
                let Some((packed, signature)) = found.optional()? else {
                    return Err(StoreError::Statement(index).into());
                };
                match GzDecoder::new(packed.as_slice()).read_to_end(&mut statement) {
                    Ok(_) => Ok((statement, signature)),
                    Err(_) => Err(StoreError::Statement(index).into()),
                }
            })
            .await
    }

    /// What became of the mails of a job's last run with a report, a given run apart.
    pub async fn receipts(&self, job: &str, but: &str) -> Result<Option<Receipts>, StoreError> {
        let (job, but) = (job.to_owned(), but.to_owned());
        self.writer
            .look(move |tx| {
                let query = "SELECT id FROM runs WHERE job = ?1 AND id <> ?2 AND state = 'done'
                             ORDER BY judged DESC, id LIMIT 1";
                let Some(run) = tx.query_row(query, (job, but), |row| row.get::<_, String>(0)).optional()?
                else {
                    return Ok(None);
                };
                Ok(Some(Receipts { parcels: parcels_of(tx, &run)?, run }))
            })
            .await
    }
}

fn head(tx: &Transaction<'_>) -> Result<Option<Head>, Fault> {
    let query = "SELECT position, sha256 FROM links ORDER BY position DESC LIMIT 1";
    let found = tx.query_row(query, [], |row| {
        let Count(index) = row.get(0)?;
        Ok(Head { index, sha256: row.get(1)? })
    });
    Ok(found.optional()?)
}

impl Link {
    /// With its statement compressed.
    pub(super) fn pack(mut self) -> Result<Self, StoreError> {
        let mut out = GzEncoder::new(Vec::new(), Compression::best());
        let packed = out.write_all(&self.statement).and_then(|()| out.finish());
        self.statement = packed.map_err(|_| StoreError::Statement(self.linked.index))?;
        Ok(self)
    }
}

/// Adds a packed link, unless it does not follow the last one.
pub(super) fn add_link(tx: &Transaction<'_>, link: &Link) -> Result<(), Fault> {
    let linked = &link.linked;
    let (index, sha256) = head(tx)?.map_or((0, None), |head| (head.index, Some(head.sha256)));
    if linked.index != index + 1 || linked.previous != sha256 {
        return Err(StoreError::HeadMoved.into());
    }
    tx.execute(
        "INSERT INTO links (position, run, job, finished, sha256, previous, key, statement, signature)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        (
            Count(linked.index),
            &linked.run,
            &linked.job,
            At(linked.finished),
            &linked.sha256,
            &linked.previous,
            &linked.key,
            &link.statement,
            &link.signature,
        ),
    )?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::trial::{Trial, at, finished, parcel, report, rows};
    use super::super::{Finished, RunState};
    use super::*;

    fn link(index: u64, run: &str, previous: Option<&str>) -> Link {
        let linked = Linked {
            index,
            run: run.into(),
            job: Some("weekly".into()),
            finished: at(100),
            sha256: format!("hash of {run}"),
            previous: previous.map(str::to_owned),
            key: None,
        };
        Link { linked, statement: format!("statement of {run}").into_bytes(), signature: None }
    }

    fn done(run: &str, slot: i64, link: Link) -> Finished {
        Finished { link: Some(link), ..finished(report(run, Some(slot), slot + 10)) }
    }

    #[tokio::test]
    async fn each_run_adds_the_link_after_the_last_and_no_other() {
        let trial = Trial::new();
        let store = trial.open();
        assert_eq!(store.head().await.unwrap(), None);
        store.finish(done("a", 100, link(1, "a", None))).await.unwrap();
        let before = rows(&store).await;
        for wrong in [
            link(1, "b", None),
            link(3, "b", Some("hash of a")),
            link(2, "b", Some("hash of x")),
            link(2, "b", None),
        ] {
            assert!(matches!(store.finish(done("b", 200, wrong)).await, Err(StoreError::HeadMoved)));
        }
        assert_eq!(rows(&store).await, before, "a run without its link is not done");
        store.finish(done("b", 200, link(2, "b", Some("hash of a")))).await.unwrap();
        assert!(
            !store.finish(done("b", 200, link(3, "b", Some("hash of b")))).await.unwrap(),
            "it has ended"
        );
        assert_eq!(store.head().await.unwrap(), Some(Head { index: 2, sha256: "hash of b".into() }));
        assert_eq!(store.statement(2).await.unwrap(), (b"statement of b".to_vec(), None));
        assert!(matches!(store.statement(3).await, Err(StoreError::Statement(3))));
        assert_eq!(store.run("b").await.unwrap()[0].state, RunState::Done);
    }

    #[tokio::test]
    async fn links_outlive_their_runs_and_are_never_changed() {
        let trial = Trial::new();
        let store = trial.open();
        let mut previous = None;
        for (index, (run, slot)) in (1..).zip([("a", 100), ("b", 200), ("c", 300)]) {
            let link = link(index, run, previous.as_deref());
            previous = Some(link.linked.sha256.clone());
            store.finish(done(run, slot, link)).await.unwrap();
        }
        assert_eq!(store.prune("weekly", 1).await.unwrap(), ["b", "a"]);
        let links = store.links().await.unwrap();
        assert_eq!(links.iter().map(|link| &*link.run).collect::<Vec<_>>(), ["a", "b", "c"]);
        for edit in ["DELETE FROM links", "UPDATE links SET sha256 = 'x'"] {
            assert!(store.writer.change(move |tx| Ok(tx.execute(edit, [])?)).await.is_err(), "{edit}");
        }
        assert_eq!(store.links().await.unwrap(), links);
    }

    #[tokio::test]
    async fn receipts_are_those_of_the_run_before() {
        let trial = Trial::new();
        let store = trial.open();
        assert_eq!(store.receipts("weekly", "b").await.unwrap(), None);
        let parcels = vec![parcel("a-p", Some("a"), 100)];
        store.finish(Finished { parcels, ..finished(report("a", Some(100), 110)) }).await.unwrap();
        store.finish(finished(report("b", Some(200), 210))).await.unwrap();
        let receipts = store.receipts("weekly", "b").await.unwrap().unwrap();
        assert_eq!((&*receipts.run, &*receipts.parcels[0].id), ("a", "a-p"));
        assert_eq!(store.receipts("monthly", "b").await.unwrap(), None);
    }
}
