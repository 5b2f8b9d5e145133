//! Who signed which run off: the baseline that later access is held against.

use chrono::{DateTime, Utc};
use rusqlite::{OptionalExtension, Transaction};
use serde::Serialize;

use super::{At, Fault, Store, StoreError};

/// A sign-off of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SignOff {
    /// The run.
    pub run: String,
    /// Its job.
    pub job: String,
    /// When the run's rules judged.
    pub judged: DateTime<Utc>,
    /// Who signed.
    pub by: String,
    /// When.
    pub at: DateTime<Utc>,
    /// What they had to say.
    pub note: Option<String>,
}

impl Store {
    /// Signs a run off. False, and no change, if it was signed off before.
    ///
    /// # Errors
    /// If the store fails, or the run is not known, not done, or of no job.
    pub async fn sign_off(
        &self,
        run: &str,
        by: &str,
        note: Option<&str>,
        now: DateTime<Utc>,
    ) -> Result<bool, StoreError> {
        let (run, by, note) = (run.to_owned(), by.to_owned(), note.map(str::to_owned));
        self.writer
            .change(move |tx| {
                let query =
                    "SELECT job, judged FROM runs WHERE id = ?1 AND state = 'done' AND job IS NOT NULL";
                let known = tx
                    .query_row(query, [&run], |row| Ok((row.get::<_, String>(0)?, row.get::<_, At>(1)?)))
                    .optional()?;
                let Some((job, judged)) = known else { return Err(StoreError::UnknownRun(run).into()) };
                let inserted = tx.execute(
                    "INSERT INTO sign_offs (run, job, judged, by, at, note) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
                     ON CONFLICT DO NOTHING",
                    (&run, job, judged, by, At(now), note),
                )?;
                Ok(inserted == 1)
            })
            .await
    }

    /// Every sign-off, the newest run first.
    pub async fn sign_offs(&self) -> Result<Vec<SignOff>, StoreError> {
        self.writer.look(|tx| select(tx, "ORDER BY judged DESC, run", [])).await
    }
}

/// The sign-off of a job's newest run that has one, of those that judged before a run.
pub(super) fn last_sign_off(
    tx: &Transaction<'_>,
    job: &str,
    before: Option<At>,
) -> Result<Option<SignOff>, Fault> {
    let order = "WHERE job = ?1 AND (?2 IS NULL OR judged < ?2) ORDER BY judged DESC, run LIMIT 1";
    Ok(select(tx, order, (job, before))?.pop())
}

fn select(
    tx: &Transaction<'_>,
    order: &str,
    parameters: impl rusqlite::Params,
) -> Result<Vec<SignOff>, Fault> {
    let mut statement =
        tx.prepare_cached(&format!("SELECT run, job, judged, by, at, note FROM sign_offs {order}"))?;
    let sign_offs = statement.query_map(parameters, |row| {
        let (At(judged), At(at)) = (row.get(2)?, row.get(4)?);
        Ok(SignOff { run: row.get(0)?, job: row.get(1)?, judged, by: row.get(3)?, at, note: row.get(5)? })
    })?;
    Ok(sign_offs.collect::<Result<_, _>>()?)
}

#[cfg(test)]
mod tests {
    use super::super::trial::{Trial, at, claim, finished, report, snapshots};
    use super::*;

    #[tokio::test]
    async fn a_done_run_is_signed_once_and_becomes_the_baseline() {
        let trial = Trial::new();
        let store = trial.open();
        for (run, slot) in [("a", 100), ("b", 200), ("c", 300)] {
            store.finish(finished(report(run, Some(slot), slot + 10))).await.unwrap();
        }
        assert!(store.history("weekly", "next").await.unwrap().signed.is_none());
        assert!(store.sign_off("b", "Maria Boss", Some("as agreed"), at(250)).await.unwrap());
        assert!(!store.sign_off("b", "Somebody Else", None, at(260)).await.unwrap());
        let signed = store.history("weekly", "next").await.unwrap().signed.unwrap();
        assert_eq!(
            (&*signed.run, &*signed.by, signed.at, signed.finished),
            ("b", "Maria Boss", at(250), at(210))
        );
        assert_eq!(signed.snapshots, snapshots());
        assert!(
            store.history("weekly", "b").await.unwrap().signed.is_none(),
            "a run is not its own baseline"
        );
        assert!(store.history("monthly", "next").await.unwrap().signed.is_none());
        let all = store.sign_offs().await.unwrap();
        assert_eq!((all.len(), all[0].note.as_deref()), (1, Some("as agreed")));
    }

    #[tokio::test]
    async fn what_is_not_done_cannot_be_signed() {
        let trial = Trial::new();
        let store = trial.open();
        store.claim(claim("a", 100)).await.unwrap();
        for run in ["a", "unknown"] {
            let refused = store.sign_off(run, "Maria Boss", None, at(250)).await;
            assert!(matches!(refused, Err(StoreError::UnknownRun(name)) if name == run));
        }
    }

    #[tokio::test]
    async fn the_last_signed_run_outlives_retention() {
        let trial = Trial::new();
        let store = trial.open();
        for (run, slot) in [("a", 100), ("b", 200), ("c", 300), ("d", 400)] {
            store.finish(finished(report(run, Some(slot), slot + 10))).await.unwrap();
        }
        store.sign_off("a", "Maria Boss", None, at(150)).await.unwrap();
        store.sign_off("b", "Maria Boss", None, at(250)).await.unwrap();
        assert_eq!(store.prune("weekly", 1).await.unwrap(), ["c", "a"]);
        let signed = store.history("weekly", "next").await.unwrap().signed.unwrap();
        assert_eq!((&*signed.run, signed.snapshots), ("b", snapshots()));
        assert_eq!(store.sign_offs().await.unwrap().len(), 2, "that the older one was signed stays known");
    }
}
