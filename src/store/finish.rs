//! A run is done: its report, what it saw, and what is to be sent about it become one transaction.

use chrono::{DateTime, Utc};
use rusqlite::{OptionalExtension, Transaction};

use super::{
    At, Count, Fault, Finished, Link, RunState, Store, StoreError, Word, add_link, keep, pack, post,
    remember_accounts, seal,
};
use crate::finding::Severity;
use crate::report::Report;

impl Store {
    /// Stores everything about a run that is done, or nothing. False, and no change, if the run had ended before. A run
    /// that is not known, as one on demand, becomes known.
    ///
    /// # Errors
    /// If the store fails; and [`StoreError::HeadMoved`] if the run's link does not follow the last one.
    pub async fn finish(&self, finished: Finished) -> Result<bool, StoreError> {
        let Finished { report, snapshots, parcels, link, now } = finished;
        let id = report.run.id.clone();
        let prepare = move || -> Result<_, StoreError> {
            let packed = snapshots.map(|snapshots| pack(&id, &snapshots)).transpose()?;
            Ok((packed, seal(parcels), link.map(Link::pack).transpose()?))
        };
        let (packed, parcels, link) = self.writer.aside(prepare).await??;
        self.writer
            .change(move |tx| {
                if !set_done(tx, &report, now)? {
                    return Ok(false);
                }
                if let Some(packed) = packed {
                    keep(tx, &report.run.id, &packed)?;
                }
                add_findings(tx, &report)?;
                add_rules(tx, &report)?;
                remember_accounts(tx, &report)?;
                post(tx, &parcels)?;
                if let Some(link) = &link {
                    add_link(tx, link)?;
                }
                Ok(true)
            })
            .await
    }
}

/// Gives the run its end and its counts. False if it has ended.
fn set_done(tx: &Transaction<'_>, report: &Report, now: DateTime<Utc>) -> Result<bool, Fault> {
    let run = &report.run;
    let state = tx.query_row("SELECT state FROM runs WHERE id = ?1", [&run.id], |row| row.get(0));
    match state.optional()? {
        Some(Word(RunState::Done | RunState::Failed)) => return Ok(false),
        Some(Word(RunState::Claimed | RunState::Running)) => {}
        None => {
            tx.execute(
                "INSERT INTO runs (id, job, slot, state, collapsed, attempts, claimed)
                 VALUES (?1, ?2, ?3, 'running', ?4, 1, ?5)",
                (&run.id, &run.job, run.slot.map(At), Count(run.collapsed), At(now)),
            )?;
        }
    }
    let names: Vec<&str> = report.consoles.iter().map(|console| console.name.as_str()).collect();
    let names = serde_json::to_string(&names)
        .map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))?;
    tx.execute(
        "UPDATE runs SET state = 'done', started = coalesce(started, ?2), finished = ?3, judged = ?4, verdict = ?5,
         users = ?6, gaps = ?7, requests = ?8, consoles = ?9 WHERE id = ?1",
        (
            &run.id,
            At(run.started),
            At(now),
            At(run.finished),
            Word(run.verdict),
            Count::of(report.users.len()),
            Count::of(report.gaps.len()),
            Count(report.consoles.iter().map(|console| console.requests).sum()),
            names,
        ),
    )?;
    let [critical, high, medium, low, info] = Severity::WORST_FIRST
        .map(|severity| Count::of(report.open().filter(|finding| finding.severity == severity).count()));
    tx.execute(
        "UPDATE runs SET critical = ?2, high = ?3, medium = ?4, low = ?5, info = ?6 WHERE id = ?1",
        (&run.id, critical, high, medium, low, info),
    )?;
    Ok(true)
}

fn add_findings(tx: &Transaction<'_>, report: &Report) -> Result<(), Fault> {
    let mut finding = tx.prepare_cached(
        "INSERT INTO findings (run, position, id, console, rule, severity, subject_kind, subject_id, subject_name,
                               summary)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
    )?;
    let mut sighting = tx.prepare_cached(
        "INSERT INTO sightings (finding, first, last) VALUES (?1, ?2, ?3) ON CONFLICT (finding)
         DO UPDATE SET first = min(first, excluded.first), last = max(last, excluded.last)",
    )?;
    for (position, row) in report.findings.iter().enumerate() {
        finding.execute((
            &report.run.id,
            Count::of(position),
            &row.id,
            &*row.console,
            &*row.rule,
            Word(row.severity),
            Word(row.subject_kind),
            &row.subject_id,
            &row.subject_name,
            &row.summary,
        ))?;
        sighting.execute((&row.id, At(row.first_seen), At(report.run.finished)))?;
    }
    Ok(())
}

fn add_rules(tx: &Transaction<'_>, report: &Report) -> Result<(), Fault> {
    let mut rule = tx.prepare_cached(
        "INSERT INTO rules (run, position, id, console, verdict, examined, expected)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )?;
    for (position, row) in report.rules.iter().enumerate() {
        rule.execute((
            &report.run.id,
            Count::of(position),
            &*row.id,
            &*row.console,
            Word(row.verdict),
            Count(row.examined),
            Count(row.expected),
        ))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::super::trial::{Trial, at, claim, finished, parcel, report, rows, snapshots};
    use super::*;
    use crate::report::Completeness;

    fn with_parcels(run: &str, slot: Option<i64>, bodies: &[usize]) -> Finished {
        let parcels = bodies.iter().enumerate().map(|(index, size)| super::super::NewParcel {
            body: vec![b'x'; *size],
            ..parcel(&format!("{run}-{index}"), Some(run), 500)
        });
        Finished { parcels: parcels.collect(), ..finished(report(run, slot, 400)) }
    }

    #[tokio::test]
    async fn a_claimed_run_becomes_done_with_everything_about_it() {
        let trial = Trial::new();
        let store = trial.open();
        store.claim(claim("a", 100)).await.unwrap();
        store.begin("a", at(110)).await.unwrap();
        assert!(store.finish(with_parcels("a", Some(100), &[10, 20])).await.unwrap());
        let run = store.run("a").await.unwrap().pop().unwrap();
        assert_eq!((run.state, run.attempts, run.started), (RunState::Done, 1, Some(at(110))));
        assert_eq!((run.finished, run.verdict), (Some(at(400)), Some(Completeness::Incomplete)));
        let report = report("a", Some(100), 400);
        assert_eq!((run.users, run.gaps, run.requests), (5, report.gaps.len() as u64, 240));
        assert_eq!(run.findings, BTreeMap::from([(Severity::Critical, 1), (Severity::Medium, 1)]));
        assert_eq!(run.consoles, ["hq", "lab"]);
        let expected = [
            ("runs", 1),
            ("snapshots", 1),
            ("findings", 2),
            ("rules", 4),
            ("sightings", 2),
            ("parcels", 2),
            ("bodies", 2),
            ("deliveries", 0),
        ];
        assert_eq!(rows(&store).await, expected);
    }

    #[tokio::test]
    async fn a_run_counts_open_findings_and_keeps_the_waived_ones() {
        let trial = Trial::new();
        let store = trial.open();
        let mut report = report("a", None, 400);
        report.findings[0].state = crate::report::FindingState::Waived;
        assert!(store.finish(finished(report)).await.unwrap());
        let run = store.run("a").await.unwrap().pop().unwrap();
        assert_eq!(run.findings, BTreeMap::from([(Severity::Medium, 1)]));
        assert_eq!(store.before("a").await.unwrap().unwrap().findings.len(), 2);
    }

    #[tokio::test]
    async fn a_run_on_demand_becomes_known_and_a_second_end_changes_nothing() {
        let trial = Trial::new();
        let store = trial.open();
        assert!(store.finish(with_parcels("a", None, &[10])).await.unwrap());
        let run = store.run("a").await.unwrap().pop().unwrap();
        assert_eq!((run.slot, run.started, run.claimed), (None, Some(at(310)), at(400)));
        let once = rows(&store).await;
        assert!(!store.finish(with_parcels("a", None, &[10, 20])).await.unwrap());
        assert_eq!(rows(&store).await, once);
        store.claim(claim("b", 100)).await.unwrap();
        store.fail("b", "given up", Vec::new(), at(200)).await.unwrap();
        let once = rows(&store).await;
        assert!(!store.finish(with_parcels("b", Some(100), &[10])).await.unwrap());
        assert_eq!(rows(&store).await, once);
    }

    #[tokio::test]
    async fn a_run_is_not_done_without_its_parcels() {
        let trial = Trial::new();
        let store = trial.open();
        store.claim(claim("a", 100)).await.unwrap();
        let mut done = with_parcels("a", Some(100), &[10, 20]);
        done.parcels[1].run = Some("unknown".into());
        let before = rows(&store).await;
        assert!(store.finish(done).await.is_err());
        assert_eq!(rows(&store).await, before);
        assert_eq!(store.unfinished().await.unwrap().len(), 1);
    }

    #[tokio::test]
    async fn sightings_remember_the_first_and_the_last_run() {
        let trial = Trial::new();
        let store = trial.open();
        for judged in [400, 200, 300] {
            store.finish(finished(report(&format!("r{judged}"), None, judged))).await.unwrap();
        }
        let history = store.history("weekly", "next").await.unwrap();
        assert_eq!(history.sightings.len(), 2);
        for sighting in history.sightings.values() {
            assert_eq!((sighting.first, sighting.last), (at(200), at(400)));
        }
    }

    /// Fills the disk at every page that the end of a run needs.
    #[tokio::test]
    async fn a_full_disk_leaves_nothing_half_and_is_no_end() {
        let trial = Trial::new();
        let store = trial.open();
        store.claim(claim("a", 100)).await.unwrap();
        store.keep_snapshots("a", snapshots()).await.unwrap();
        let before = rows(&store).await;
        let pragma = |name: &str, value: Option<i64>| {
            let query = value.map_or(format!("PRAGMA {name}"), |value| format!("PRAGMA {name} = {value}"));
            store.writer.look(move |tx| Ok(tx.query_row(&query, [], |row| row.get::<_, i64>(0))?))
        };
        let pages = pragma("page_count", None).await.unwrap();
        let mut refused = 0;
        for room in 0.. {
            pragma("max_page_count", Some(pages + room)).await.unwrap();
            match store.finish(with_parcels("a", Some(100), &[20_000, 70_000])).await {
                Ok(stored) => {
                    assert!(stored);
                    break;
                }
                Err(error) => assert!(matches!(error, StoreError::Full(_)), "{error}"),
            }
            refused += 1;
            assert_eq!(rows(&store).await, before, "with room for {room} pages");
            store.check().await.unwrap();
        }
        assert!(refused > 20, "only {refused} places where the disk can be full");
        assert_eq!(store.outbox(true).await.unwrap().len(), 2);
        store.check().await.unwrap();
    }
}
