//! Runs: claimed, begun, released, given up, listed.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use rusqlite::{OptionalExtension, Params, Row, Transaction};

use super::{At, Claim, Count, Fault, NewParcel, RunRecord, RunState, Store, StoreError, Word, post, seal};
use crate::finding::Severity;

const COLUMNS: &str = "SELECT id, job, slot, state, collapsed, attempts, claimed, started, finished, verdict, \
    error, users, gaps, requests, consoles, critical, high, medium, low, info FROM runs";

impl Store {
    /// Takes a slot for a run and raises the job's mark. False if the slot or the run was taken before; the mark is
    /// raised all the same.
    pub async fn claim(&self, claim: Claim) -> Result<bool, StoreError> {
        self.writer
            .change(move |tx| {
                let inserted = tx.execute(
                    "INSERT INTO runs (id, job, slot, state, collapsed, claimed)
                     VALUES (?1, ?2, ?3, 'claimed', ?4, ?5) ON CONFLICT DO NOTHING",
                    (&claim.run, &claim.job, At(claim.slot), Count(claim.collapsed), At(claim.now)),
                )?;
                tx.execute(
                    "INSERT INTO schedules (job, mark) VALUES (?1, ?2)
                     ON CONFLICT (job) DO UPDATE SET mark = max(mark, excluded.mark)",
                    (&claim.job, At(claim.mark)),
                )?;
                Ok(inserted == 1)
            })
            .await
    }

    /// Begins an attempt. Gives its number, from 1.
    pub async fn begin(&self, run: &str, now: DateTime<Utc>) -> Result<u32, StoreError> {
        let run = run.to_owned();
        self.writer
            .change(move |tx| {
                must_go_on(tx, &run)?;
                Ok(tx.query_row(
                    "UPDATE runs SET state = 'running', attempts = attempts + 1, started = ?2 WHERE id = ?1
                     RETURNING attempts",
                    (&run, At(now)),
                    |row| row.get(0),
                )?)
            })
            .await
    }

    /// Gives a run back whose attempt was stopped on request: the attempt does not count. Of a run that has ended,
    /// there is nothing to give back.
    pub async fn release(&self, run: &str) -> Result<(), StoreError> {
        let run = run.to_owned();
        self.writer
            .change(move |tx| {
                if state(tx, &run)? == RunState::Running {
                    tx.execute(
                        "UPDATE runs SET state = 'claimed', attempts = max(attempts - 1, 0) WHERE id = ?1",
                        [&run],
                    )?;
                }
                Ok(())
            })
            .await
    }

    /// Gives a run up, and stores the alarms about it with the same transaction. A run that has ended stays as it is,
    /// and nothing is sent about it.
    pub async fn fail(
        &self,
        run: &str,
        error: &str,
        parcels: Vec<NewParcel>,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let (run, error) = (run.to_owned(), error.to_owned());
        let parcels = self.writer.aside(move || seal(parcels)).await?;
        self.writer
            .change(move |tx| {
                if state(tx, &run)?.is_terminal() {
                    return Ok(());
                }
                tx.execute(
                    "UPDATE runs SET state = 'failed', error = ?2, finished = ?3 WHERE id = ?1",
                    (&run, &error, At(now)),
                )?;
                post(tx, &parcels)
            })
            .await
    }

    /// Runs that have not ended, oldest slot first.
    pub async fn unfinished(&self) -> Result<Vec<RunRecord>, StoreError> {
        let order = "WHERE state IN ('claimed', 'running') ORDER BY coalesce(slot, claimed), id";
        self.writer.look(move |tx| select(tx, order, [])).await
    }

    /// The newest runs, of one job or of all, newest first: by slot, or on demand by start.
    pub async fn runs(&self, job: Option<&str>, limit: usize) -> Result<Vec<RunRecord>, StoreError> {
        let job = job.map(str::to_owned);
        let order = "WHERE ?1 IS NULL OR job = ?1
                     ORDER BY coalesce(slot, started, claimed) DESC, claimed DESC, id LIMIT ?2";
        self.writer.look(move |tx| select(tx, order, (job, Count::of(limit)))).await
    }

    /// The run of this id, or all runs whose ids start so.
    pub async fn run(&self, id: &str) -> Result<Vec<RunRecord>, StoreError> {
        let id = id.to_owned();
        self.writer
            .look(move |tx| {
                let exact = select(tx, "WHERE id = ?1", [&id])?;
                if !exact.is_empty() || id.is_empty() {
                    return Ok(exact);
                }
                select(tx, "WHERE substr(id, 1, length(?1)) = ?1 ORDER BY id", [&id])
            })
            .await
    }

    /// The last successful run of a job.
    pub async fn last_done(&self, job: &str) -> Result<Option<RunRecord>, StoreError> {
        let job = job.to_owned();
        let order = "WHERE job = ?1 AND state = 'done'
                     ORDER BY coalesce(slot, started, claimed) DESC, claimed DESC, id LIMIT 1";
        self.writer.look(move |tx| Ok(select(tx, order, [job])?.pop())).await
    }
}

/// The state of a run that must be known.
pub(super) fn state(tx: &Transaction<'_>, run: &str) -> Result<RunState, Fault> {
    let state = tx.query_row("SELECT state FROM runs WHERE id = ?1", [run], |row| row.get(0)).optional()?;
    let Some(Word(state)) = state else { return Err(StoreError::UnknownRun(run.to_owned()).into()) };
    Ok(state)
}

/// Refuses a run that is not known or has ended.
pub(super) fn must_go_on(tx: &Transaction<'_>, run: &str) -> Result<(), Fault> {
    if state(tx, run)?.is_terminal() {
        return Err(StoreError::Ended(run.to_owned()).into());
    }
    Ok(())
}

fn select(tx: &Transaction<'_>, order: &str, parameters: impl Params) -> Result<Vec<RunRecord>, Fault> {
    let mut statement = tx.prepare_cached(&format!("{COLUMNS} {order}"))?;
    let records = statement.query_map(parameters, record)?;
    Ok(records.collect::<Result<_, _>>()?)
}

fn record(row: &Row<'_>) -> rusqlite::Result<RunRecord> {
    let time = |column| row.get::<_, Option<At>>(column).map(|time| time.map(|At(time)| time));
    let count = |column| row.get::<_, Count>(column).map(|Count(count)| count);
    let Word(state) = row.get(3)?;
    let At(claimed) = row.get(6)?;
    let consoles: String = row.get(14)?;
    let consoles = serde_json::from_str(&consoles).map_err(|error| {
        rusqlite::Error::FromSqlConversionFailure(14, rusqlite::types::Type::Text, Box::new(error))
    })?;
    let mut findings = BTreeMap::new();
    for (severity, column) in Severity::WORST_FIRST.into_iter().zip(15..) {
        match count(column)? {
            0 => {}
            some => drop(findings.insert(severity, some)),
        }
    }
    Ok(RunRecord {
        id: row.get(0)?,
        job: row.get(1)?,
        slot: time(2)?,
        state,
        collapsed: count(4)?,
        attempts: row.get(5)?,
        claimed,
        started: time(7)?,
        finished: time(8)?,
        verdict: row.get::<_, Option<Word<_>>>(9)?.map(|Word(verdict)| verdict),
        error: row.get(10)?,
        users: count(11)?,
        gaps: count(12)?,
        requests: count(13)?,
        findings,
        consoles,
    })
}

#[cfg(test)]
mod tests {
    use super::super::trial::{Trial, at, claim, finished, parcel, report, rows};
    use super::*;

    #[tokio::test]
    async fn a_slot_is_taken_once_and_the_mark_is_raised_all_the_same() {
        let trial = Trial::new();
        let store = trial.open();
        store.mark("weekly", "mondays", at(0)).await.unwrap();
        assert!(store.claim(claim("a", 100)).await.unwrap());
        let again = Claim { mark: at(150), ..claim("a", 100) };
        assert!(!store.claim(again).await.unwrap(), "the same run");
        assert!(!store.claim(claim("b", 100)).await.unwrap(), "the same slot");
        assert!(!store.claim(claim("a", 200)).await.unwrap(), "the same run for another slot");
        assert_eq!(store.mark("weekly", "mondays", at(999)).await.unwrap(), at(200));
        assert!(store.claim(claim("early", 50)).await.unwrap());
        assert_eq!(store.mark("weekly", "mondays", at(999)).await.unwrap(), at(200), "never lowered");
        let other = Claim { job: "monthly".into(), ..claim("c", 100) };
        assert!(store.claim(other).await.unwrap(), "another job");
    }

    #[tokio::test]
    async fn attempts_are_counted_unless_they_were_stopped_on_request() {
        let trial = Trial::new();
        let store = trial.open();
        store.claim(Claim { collapsed: 3, ..claim("a", 100) }).await.unwrap();
        assert_eq!(store.begin("a", at(101)).await.unwrap(), 1);
        assert_eq!(store.begin("a", at(102)).await.unwrap(), 2, "after a crash");
        store.release("a").await.unwrap();
        store.release("a").await.unwrap();
        let run = store.run("a").await.unwrap().pop().unwrap();
        assert_eq!((run.state, run.attempts, run.collapsed), (RunState::Claimed, 1, 3));
        assert_eq!(store.begin("a", at(103)).await.unwrap(), 2);
        let run = store.run("a").await.unwrap().pop().unwrap();
        assert_eq!((run.state, run.slot, run.claimed), (RunState::Running, Some(at(100)), at(101)));
        assert_eq!((run.started, run.finished, run.verdict), (Some(at(103)), None, None));
    }

    #[tokio::test]
    async fn what_has_ended_or_is_not_known_does_not_begin() {
        let trial = Trial::new();
        let store = trial.open();
        assert!(matches!(store.begin("a", at(1)).await, Err(StoreError::UnknownRun(_))));
        assert!(matches!(store.release("a").await, Err(StoreError::UnknownRun(_))));
        assert!(matches!(store.fail("a", "no", Vec::new(), at(1)).await, Err(StoreError::UnknownRun(_))));
        store.claim(claim("a", 100)).await.unwrap();
        store.fail("a", "the console does not answer", Vec::new(), at(300)).await.unwrap();
        assert!(matches!(store.begin("a", at(301)).await, Err(StoreError::Ended(_))));
        store.release("a").await.unwrap();
        assert_eq!(store.run("a").await.unwrap()[0].state, RunState::Failed);
    }

    #[tokio::test]
    async fn a_run_fails_once_and_with_its_alarm() {
        let trial = Trial::new();
        let store = trial.open();
        store.claim(claim("a", 100)).await.unwrap();
        store.fail("a", "no answer", vec![parcel("p", Some("a"), 300)], at(300)).await.unwrap();
        let run = store.run("a").await.unwrap().pop().unwrap();
        assert_eq!((run.state, run.error.as_deref()), (RunState::Failed, Some("no answer")));
        assert_eq!(run.finished, Some(at(300)));
        let once = rows(&store).await;
        store.fail("a", "again", vec![parcel("q", Some("a"), 400)], at(400)).await.unwrap();
        assert_eq!(rows(&store).await, once);
        assert_eq!(store.run("a").await.unwrap()[0].error.as_deref(), Some("no answer"));
        assert!(store.unfinished().await.unwrap().is_empty());
    }

    #[tokio::test]
    async fn an_alarm_that_cannot_be_stored_leaves_the_run_alive() {
        let trial = Trial::new();
        let store = trial.open();
        store.claim(claim("a", 100)).await.unwrap();
        let of_nothing = vec![parcel("p", Some("unknown"), 300)];
        assert!(store.fail("a", "no answer", of_nothing, at(300)).await.is_err());
        assert_eq!(store.run("a").await.unwrap()[0].state, RunState::Claimed);
    }

    #[tokio::test]
    async fn runs_are_listed_in_order_and_found_by_prefix() {
        let trial = Trial::new();
        let store = trial.open();
        for (run, slot) in [("b1", 300), ("a1", 100), ("a2", 200)] {
            store.claim(claim(run, slot)).await.unwrap();
        }
        store.claim(Claim { job: "monthly".into(), ..claim("c", 150) }).await.unwrap();
        store.finish(finished(report("a2", Some(200), 210))).await.unwrap();
        store.finish(finished(report("demand", None, 250))).await.unwrap();
        let ids = |runs: Vec<RunRecord>| runs.into_iter().map(|run| run.id).collect::<Vec<_>>();
        assert_eq!(ids(store.unfinished().await.unwrap()), ["a1", "c", "b1"]);
        assert_eq!(ids(store.runs(None, 9).await.unwrap()), ["b1", "a2", "demand", "c", "a1"]);
        assert_eq!(ids(store.runs(Some("weekly"), 2).await.unwrap()), ["b1", "a2"]);
        assert_eq!(ids(store.run("a").await.unwrap()), ["a1", "a2"]);
        assert_eq!(ids(store.run("a2").await.unwrap()), ["a2"]);
        assert!(store.run("").await.unwrap().is_empty());
        assert!(store.run("%").await.unwrap().is_empty());
        assert_eq!(store.last_done("weekly").await.unwrap().unwrap().id, "a2");
        assert_eq!(store.last_done("monthly").await.unwrap(), None);
    }
}
