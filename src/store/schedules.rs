//! Schedules: the mark of each job, the instant after which its slots count.

use chrono::{DateTime, Utc};
use rusqlite::OptionalExtension;

use super::{At, Store, StoreError};

impl Store {
    /// The mark of a job. It is `now` for a job that is new, and for one whose definition has changed: neither has
    /// slots in the past.
    pub async fn mark(
        &self,
        job: &str,
        definition: &str,
        now: DateTime<Utc>,
    ) -> Result<DateTime<Utc>, StoreError> {
        let (job, definition) = (job.to_owned(), definition.to_owned());
        self.writer
            .change(move |tx| {
                let stored = tx
                    .query_row("SELECT definition, mark FROM schedules WHERE job = ?1", [&job], |row| {
                        Ok((row.get::<_, Option<String>>(0)?, row.get::<_, At>(1)?))
                    })
                    .optional()?;
                let mark = match stored {
                    // Asked every second: what is right is not written again.
                    Some((Some(former), At(mark))) if former == definition => return Ok(mark),
                    // A mark without a definition was set before the definition was told.
                    Some((None, At(mark))) => mark,
                    Some(_) | None => now,
                };
                tx.execute(
                    "INSERT INTO schedules (job, definition, mark) VALUES (?1, ?2, ?3)
                     ON CONFLICT (job) DO UPDATE SET definition = excluded.definition, mark = excluded.mark",
                    (&job, &definition, At(mark)),
                )?;
                Ok(mark)
            })
            .await
    }

    /// The mark of a job, if it has one.
    pub async fn known_mark(&self, job: &str) -> Result<Option<DateTime<Utc>>, StoreError> {
        let job = job.to_owned();
        self.writer
            .look(move |tx| {
                let query = "SELECT mark FROM schedules WHERE job = ?1";
                let mark = tx.query_row(query, [&job], |row| row.get::<_, At>(0)).optional()?;
                Ok(mark.map(|At(mark)| mark))
            })
            .await
    }

    /// Sets the mark of a job, to an earlier time too.
    pub async fn set_mark(&self, job: &str, mark: DateTime<Utc>) -> Result<(), StoreError> {
        let job = job.to_owned();
        self.writer
            .change(move |tx| {
                tx.execute(
                    "INSERT INTO schedules (job, mark) VALUES (?1, ?2)
                     ON CONFLICT (job) DO UPDATE SET mark = excluded.mark",
                    (job, At(mark)),
                )?;
                Ok(())
            })
            .await
    }
}

#[cfg(test)]
mod tests {
    use super::super::trial::{Trial, at};

    #[tokio::test]
    async fn a_new_job_and_a_changed_one_have_no_slots_in_the_past() {
        let trial = Trial::new();
        let store = trial.open();
        assert_eq!(store.mark("weekly", "mondays", at(10)).await.unwrap(), at(10));
        assert_eq!(store.mark("weekly", "mondays", at(20)).await.unwrap(), at(10), "as stored");
        assert_eq!(store.mark("weekly", "fridays", at(30)).await.unwrap(), at(30));
        assert_eq!(store.mark("weekly", "fridays", at(40)).await.unwrap(), at(30));
        assert_eq!(store.mark("monthly", "fridays", at(50)).await.unwrap(), at(50), "jobs are apart");
    }

    #[tokio::test]
    async fn a_mark_can_be_set_back_and_survives_the_process() {
        let trial = Trial::new();
        let store = trial.open();
        store.set_mark("weekly", at(5)).await.unwrap();
        assert_eq!(store.mark("weekly", "mondays", at(10)).await.unwrap(), at(5), "set before it was told");
        store.set_mark("weekly", at(3)).await.unwrap();
        store.close().await;
        assert_eq!(trial.open().mark("weekly", "mondays", at(20)).await.unwrap(), at(3));
    }
}
