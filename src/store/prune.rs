//! Retention.

use rusqlite::Transaction;

use super::{Count, Fault, Store, StoreError};

const SETTLED: &str = "state IN ('accepted', 'refused', 'expired', 'resolved')";

impl Store {
    /// Keeps the newest `keep` runs of a job that have ended, and deletes the older ones with everything about them.
    /// Gives the ids of those that went, so that their files can go too.
    ///
    /// Always kept: a run with a parcel that is not settled; the run that the next report will be compared with;
    /// the last one that was signed off; when a
    /// finding was seen first; and of each recipient the newest parcel, without its body, so that
    /// [`Store::last_posted`] stays true. The bodies of all settled parcels of the job go; their SHA-256 stays.
    pub async fn prune(&self, job: &str, keep: usize) -> Result<Vec<String>, StoreError> {
        let job = job.to_owned();
        self.writer
            .change(move |tx| {
                let gone = surplus(tx, &job, keep)?;
                let newest = "id = (SELECT id FROM parcels AS p
                                    WHERE p.job = parcels.job AND p.recipient = parcels.recipient
                                    ORDER BY created DESC, id LIMIT 1)";
                for run in &gone {
                    tx.execute(&format!("DELETE FROM parcels WHERE run = ?1 AND NOT ({newest})"), [run])?;
                    tx.execute("DELETE FROM runs WHERE id = ?1", [run])?;
                }
                // Parcels of no run, and those that outlived theirs, are kept as long as the oldest run.
                tx.execute(
                    &format!(
                        "DELETE FROM parcels WHERE job = ?1 AND run IS NULL AND {SETTLED} AND NOT ({newest})
                         AND created < (SELECT min(claimed) FROM runs WHERE runs.job = ?1)"
                    ),
                    [&job],
                )?;
                tx.execute(
                    &format!(
                        // What was refused or given up can be tried again by a person, as long as its run is there.
                        "DELETE FROM bodies WHERE parcel IN (SELECT id FROM parcels WHERE job = ?1
                         AND (state IN ('accepted', 'resolved') OR run IS NULL AND {SETTLED}))"
                    ),
                    [&job],
                )?;
                Ok(gone)
            })
            .await
    }
}

/// The runs to be deleted, newest first.
fn surplus(tx: &Transaction<'_>, job: &str, keep: usize) -> Result<Vec<String>, Fault> {
    let query = format!(
        "SELECT id FROM
           (SELECT id FROM runs WHERE job = ?1 AND state IN ('done', 'failed')
            ORDER BY coalesce(slot, started, claimed) DESC, claimed DESC, id LIMIT -1 OFFSET ?2)
         WHERE id NOT IN (SELECT run FROM parcels WHERE run IS NOT NULL AND NOT {SETTLED})
           AND id NOT IN (SELECT id FROM (SELECT id FROM runs JOIN snapshots ON run = id
                          WHERE job = ?1 AND state = 'done' ORDER BY slot DESC NULLS LAST, judged DESC, id LIMIT 1))
           AND id NOT IN (SELECT id FROM (SELECT id FROM runs JOIN snapshots ON run = id
                          WHERE job = ?1 AND state = 'done' ORDER BY judged DESC, id LIMIT 1))
           AND id NOT IN (SELECT run FROM (SELECT run FROM sign_offs WHERE job = ?1 ORDER BY judged DESC, run LIMIT 1))"
    );
    let mut statement = tx.prepare_cached(&query)?;
    let gone = statement.query_map((job, Count::of(keep)), |row| row.get(0))?;
    Ok(gone.collect::<Result<_, _>>()?)
}

#[cfg(test)]
mod tests {
    use super::super::trial::{Trial, at, claim, finished, parcel, report, rows};
    use super::super::{Finished, ParcelState, Progressed};
    use super::*;

    /// A done run with one parcel in this state.
    async fn done(store: &Store, run: &str, slot: i64, state: ParcelState) {
        let parcels = vec![parcel(&format!("{run}-p"), Some(run), slot)];
        let end = Finished { parcels, ..finished(report(run, Some(slot), slot + 10)) };
        store.claim(claim(run, slot)).await.unwrap();
        assert!(store.finish(end).await.unwrap());
        let progress = Progressed {
            parcel: format!("{run}-p"),
            state,
            due: None,
            attempt: true,
            reply: None,
            held: false,
            now: at(slot + 20),
        };
        store.record(progress).await.unwrap();
    }

    async fn left(store: &Store) -> Vec<String> {
        store.runs(Some("weekly"), 99).await.unwrap().into_iter().map(|run| run.id).collect()
    }

    #[tokio::test]
    async fn the_newest_runs_stay_and_the_older_ones_go_with_everything_about_them() {
        let trial = Trial::new();
        let store = trial.open();
        for (run, slot) in [("a", 100), ("b", 200), ("c", 300), ("d", 400)] {
            done(&store, run, slot, ParcelState::Accepted).await;
        }
        store.claim(claim("next", 50)).await.unwrap();
        assert!(store.prune("monthly", 0).await.unwrap().is_empty());
        assert_eq!(store.prune("weekly", 2).await.unwrap(), ["b", "a"]);
        assert_eq!(left(&store).await, ["d", "c", "next"]);
        let expected = [
            ("runs", 3),
            ("snapshots", 2),
            ("findings", 4),
            ("rules", 8),
            ("sightings", 2),
            ("parcels", 2),
            ("bodies", 0),
            ("deliveries", 2),
        ];
        assert_eq!(rows(&store).await, expected);
        assert!(matches!(store.body("d-p").await, Err(StoreError::BodyGone(_))));
        store.check().await.unwrap();
    }

    #[tokio::test]
    async fn what_is_still_to_be_sent_stays_with_its_run() {
        let trial = Trial::new();
        let store = trial.open();
        let unsettled = ParcelState::ALL.into_iter().filter(|state| !state.is_settled());
        for (state, slot) in unsettled.clone().zip((100..).step_by(100)) {
            done(&store, state.as_str(), slot, state).await;
        }
        done(&store, "gone", 50, ParcelState::Refused).await;
        done(&store, "last", 2_000, ParcelState::Expired).await;
        assert_eq!(store.prune("weekly", 1).await.unwrap(), ["gone"]);
        for state in unsettled {
            assert!(store.body(&format!("{}-p", state.as_str())).await.is_ok(), "{state:?}");
        }
    }

    #[tokio::test]
    async fn what_the_next_report_needs_stays() {
        let trial = Trial::new();
        let store = trial.open();
        done(&store, "a", 100, ParcelState::Accepted).await;
        done(&store, "b", 200, ParcelState::Accepted).await;
        store.finish(finished(report("demand", None, 250))).await.unwrap();
        for slot in [300, 400, 500] {
            let run = format!("failed{slot}");
            store.claim(claim(&run, slot)).await.unwrap();
            store.fail(&run, "no answer", Vec::new(), at(slot)).await.unwrap();
        }
        let seen = store.history("weekly", "next").await.unwrap().sightings;
        assert_eq!(store.prune("weekly", 1).await.unwrap(), ["failed400", "failed300", "a"]);
        assert_eq!(left(&store).await, ["failed500", "b", "demand"]);
        store.claim(claim("next", 900)).await.unwrap();
        let history = store.history("weekly", "next").await.unwrap();
        assert_eq!(history.before.unwrap().run, "b");
        assert_eq!(history.sightings, seen);
    }

    #[tokio::test]
    async fn of_each_recipient_the_newest_parcel_is_remembered() {
        let trial = Trial::new();
        let store = trial.open();
        for (run, slot) in [("a", 100), ("b", 200)] {
            done(&store, run, slot, ParcelState::Accepted).await;
        }
        store.finish(finished(report("quiet", Some(300), 310))).await.unwrap();
        store.finish(finished(report("quieter", Some(400), 410))).await.unwrap();
        assert_eq!(store.prune("weekly", 1).await.unwrap(), ["quiet", "b", "a"]);
        let parcels = store.outbox(true).await.unwrap();
        assert_eq!(
            parcels.iter().map(|it| (&*it.id, it.run.as_deref())).collect::<Vec<_>>(),
            [("b-p", None)]
        );
        assert_eq!(store.last_posted("weekly", "jo@corp.example").await.unwrap(), Some(at(200)));
        done(&store, "e", 500, ParcelState::Accepted).await;
        store.prune("weekly", 1).await.unwrap();
        assert_eq!(store.outbox(true).await.unwrap().len(), 1, "the former newest one has gone");
    }
}
