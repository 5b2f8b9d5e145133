//! What a report remembers of earlier runs.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use rusqlite::{OptionalExtension, Transaction};

use super::{At, Count, Fault, SignOff, Store, StoreError, Word, accounts, last_sign_off, packed, unpack};
use crate::finding::Severity;
use crate::history::{Before, BeforeFinding, BeforeRule, History, PastRun, Sighting, Signed, TREND};
use crate::report::Completeness;

impl Store {
    /// What a report of this job remembers: its last done run before this one, and when each finding was seen.
    ///
    /// A scheduled run is compared with the scheduled one before it, if there is any: a run on demand in between must
    /// not take changes away from the people who get the scheduled reports alone. A run on demand is compared with
    /// whatever judged last. Runs whose snapshots are not kept are passed over. If snapshots are kept but cannot be
    /// read, as after a change of their format, there is nothing to compare with: that must not end all reports.
    ///
    /// With them come what the job's last runs came to, its last sign-off, and what is remembered of each account.
    ///
    /// Of a run that is done already, the sightings are its own too.
    pub async fn history(&self, job: &str, run: &str) -> Result<History, StoreError> {
        let (of, run) = (job.to_owned(), run.to_owned());
        let (read, past, signed, sightings, accounts) = self
            .writer
            .look(move |tx| {
                let read = match preceding(tx, &of, &run)? {
                    Some(preceding) => read(tx, &preceding)?,
                    None => None,
                };
                let past = past(tx, &of, &run)?;
                Ok((read, past, signed(tx, &of, &run)?, sightings(tx)?, accounts(tx)?))
            })
            .await?;
        let before = match self.complete(read).await {
            Err(error @ StoreError::Snapshots { .. }) => {
                tracing::warn!(job, "the report will not say what changed: {error}");
                None
            }
            before => before?,
        };
        let signed = match signed {
            Some((sign_off, packed)) => Some(self.baseline(job, sign_off, packed).await?),
            None => None,
        };
        Ok(History { kept: true, before, past, signed, sightings, accounts, revocations: Vec::new() })
    }

    /// A signed-off run as a baseline, with its snapshots as far as they are kept and can be read.
    async fn baseline(
        &self,
        job: &str,
        sign_off: SignOff,
        packed: Option<Vec<u8>>,
    ) -> Result<Signed, StoreError> {
        let SignOff { run, judged, by, at, .. } = sign_off;
        let mut snapshots = Vec::new();
        if let Some(packed) = packed {
            let name = run.clone();
            match self.writer.aside(move || unpack(&name, &packed)).await? {
                Ok(read) => snapshots = read,
                Err(error) => tracing::warn!(job, "nothing is held against what was signed off: {error}"),
            }
        }
        Ok(Signed { run, finished: judged, by, at, snapshots })
    }

    /// A run as something to compare with; `None` if it is not known, not done, or its snapshots are not kept.
    pub async fn before(&self, run: &str) -> Result<Option<Before>, StoreError> {
        let run = run.to_owned();
        let read = self.writer.look(move |tx| read(tx, &run)).await?;
        self.complete(read).await
    }

    /// When each finding was seen, by its id.
    pub async fn sightings(&self) -> Result<HashMap<String, Sighting>, StoreError> {
        self.writer.look(sightings).await
    }

    /// The findings whose ids start so, in the newest done run of each job.
    pub async fn newest_findings(&self, id: &str) -> Result<Vec<BeforeFinding>, StoreError> {
        let id = id.to_owned();
        self.writer
            .look(move |tx| {
                let newest = "run IN (SELECT id FROM runs WHERE state = 'done' AND NOT EXISTS (
                                  SELECT 1 FROM runs AS later WHERE later.job IS runs.job AND later.state = 'done'
                                  AND (later.judged, later.id) > (runs.judged, runs.id)))";
                select(tx, &format!("{newest} AND substr(id, 1, length(?1)) = ?1"), &id)
            })
            .await
    }

    /// Adds the snapshots.
    async fn complete(&self, read: Option<(Before, Vec<u8>)>) -> Result<Option<Before>, StoreError> {
        let Some((mut before, packed)) = read else { return Ok(None) };
        let complete = move || -> Result<_, StoreError> {
            before.snapshots = unpack(&before.run, &packed)?;
            Ok(Some(before))
        };
        self.writer.aside(complete).await?
    }
}

/// The slot of a run and the time that it judged at, as far as it is known.
fn times(tx: &Transaction<'_>, run: &str) -> Result<(Option<At>, Option<At>), Fault> {
    let query = "SELECT slot, judged FROM runs WHERE id = ?1";
    let times = tx.query_row(query, [run], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
    Ok(times.unwrap_or_default())
}

/// The id of the run to compare with.
fn preceding(tx: &Transaction<'_>, job: &str, run: &str) -> Result<Option<String>, Fault> {
    let (slot, judged) = times(tx, run)?;
    let query = "SELECT id FROM runs
                 WHERE job = ?1 AND id <> ?2 AND state = 'done' AND id IN (SELECT run FROM snapshots)
                   AND (?3 IS NULL OR slot IS NULL OR slot < ?3) AND (?4 IS NULL OR judged < ?4)
                 ORDER BY CASE WHEN ?3 IS NULL THEN NULL ELSE slot END DESC NULLS LAST, judged DESC, id LIMIT 1";
    Ok(tx.query_row(query, (job, run, slot, judged), |row| row.get(0)).optional()?)
}

/// What the job's done runs before this one came to, oldest first. A run on demand counts beside the scheduled ones:
/// each shows what there was at its time.
fn past(tx: &Transaction<'_>, job: &str, run: &str) -> Result<Vec<PastRun>, Fault> {
    let (slot, judged) = times(tx, run)?;
    let mut statement = tx.prepare_cached(
        "SELECT id, judged, verdict, users, critical, high, medium, low, info FROM runs
         WHERE job = ?1 AND id <> ?2 AND state = 'done' AND (?3 IS NULL OR judged < ?3)
           AND (?4 IS NULL OR slot IS NULL OR slot < ?4)
         ORDER BY judged DESC, id LIMIT ?5",
    )?;
    let runs = statement.query_map((job, run, judged, slot, Count::of(TREND)), |row| {
        let (At(finished), Word::<Completeness>(verdict), Count(users)) =
            (row.get(1)?, row.get(2)?, row.get(3)?);
        let mut findings = BTreeMap::new();
        for (column, severity) in (4..).zip(Severity::WORST_FIRST) {
            let Count(count) = row.get(column)?;
            if count > 0 {
                findings.insert(severity, count);
            }
        }
        let is_complete = verdict == Completeness::Complete;
        Ok(PastRun { run: row.get(0)?, finished, is_complete, users, findings })
    })?;
    let mut runs: Vec<PastRun> = runs.collect::<Result<_, _>>()?;
    runs.reverse();
    Ok(runs)
}

/// A sign-off, with the signed run's compressed snapshots as far as they are kept.
type Packed = (SignOff, Option<Vec<u8>>);

/// The sign-off that counts for a run.
fn signed(tx: &Transaction<'_>, job: &str, run: &str) -> Result<Option<Packed>, Fault> {
    let query = "SELECT judged FROM runs WHERE id = ?1";
    let judged = tx.query_row(query, [run], |row| row.get::<_, Option<At>>(0)).optional()?.flatten();
    let Some(sign_off) = last_sign_off(tx, job, judged)? else { return Ok(None) };
    let packed = packed(tx, &sign_off.run)?;
    Ok(Some((sign_off, packed)))
}

/// A done run with its compressed snapshots.
fn read(tx: &Transaction<'_>, run: &str) -> Result<Option<(Before, Vec<u8>)>, Fault> {
    let query = "SELECT slot, judged FROM runs WHERE id = ?1 AND state = 'done'";
    let times = tx
        .query_row(query, [run], |row| Ok((row.get::<_, Option<At>>(0)?, row.get::<_, At>(1)?)))
        .optional()?;
    let (Some((slot, At(finished))), Some(packed)) = (times, packed(tx, run)?) else { return Ok(None) };
    let before = Before {
        run: run.to_owned(),
        slot: slot.map(|At(slot)| slot),
        finished,
        snapshots: Vec::new(),
        findings: select(tx, "run = ?1", run)?,
        rules: rules(tx, run)?,
    };
    Ok(Some((before, packed)))
}

/// The findings that a condition with one parameter holds for.
fn select(tx: &Transaction<'_>, condition: &str, parameter: &str) -> Result<Vec<BeforeFinding>, Fault> {
    let mut statement = tx.prepare_cached(&format!(
        "SELECT id, console, rule, severity, subject_kind, subject_id, subject_name, summary
         FROM findings WHERE {condition} ORDER BY run, position"
    ))?;
    let mut names = Names::default();
    let findings = statement.query_map([parameter], |row| {
        let (Word(severity), Word(subject_kind)) = (row.get(3)?, row.get(4)?);
        Ok(BeforeFinding {
            id: row.get(0)?,
            console: names.share(row.get(1)?),
            rule: row.get(2)?,
            severity,
            subject_kind,
            subject_id: row.get(5)?,
            subject_name: row.get(6)?,
            summary: row.get(7)?,
        })
    })?;
    Ok(findings.collect::<Result<_, _>>()?)
}

fn rules(tx: &Transaction<'_>, run: &str) -> Result<Vec<BeforeRule>, Fault> {
    let mut statement = tx.prepare_cached(
        "SELECT id, console, verdict, examined, expected FROM rules WHERE run = ?1 ORDER BY position",
    )?;
    let mut names = Names::default();
    let rules = statement.query_map([run], |row| {
        let (Word(verdict), Count(examined), Count(expected)) = (row.get(2)?, row.get(3)?, row.get(4)?);
        Ok(BeforeRule { id: row.get(0)?, console: names.share(row.get(1)?), verdict, examined, expected })
    })?;
    Ok(rules.collect::<Result<_, _>>()?)
}

fn sightings(tx: &Transaction<'_>) -> Result<HashMap<String, Sighting>, Fault> {
    let mut statement = tx.prepare_cached("SELECT finding, first, last FROM sightings")?;
    let sightings = statement.query_map([], |row| {
        let (At(first), At(last)) = (row.get(1)?, row.get(2)?);
        Ok((row.get(0)?, Sighting { first, last }))
    })?;
    Ok(sightings.collect::<Result<_, _>>()?)
}

/// The few names of consoles that many rows share.
#[derive(Default)]
struct Names(HashMap<String, Arc<str>>);

impl Names {
    fn share(&mut self, name: String) -> Arc<str> {
        if let Some(shared) = self.0.get(&name) {
            return shared.clone();
        }
        let shared: Arc<str> = name.as_str().into();
        self.0.insert(name, shared.clone());
        shared
    }
}

#[cfg(test)]
mod tests {
    use super::super::Finished;
    use super::super::trial::{Trial, at, claim, finished, report, snapshots};
    use super::*;
    use crate::finding::{SubjectKind, Verdict};

    async fn before(store: &Store, run: &str) -> Option<String> {
        store.history("weekly", run).await.unwrap().before.map(|before| before.run)
    }

    #[tokio::test]
    async fn what_a_run_found_comes_back_as_it_was() {
        let trial = Trial::new();
        let store = trial.open();
        let report = report("a", Some(100), 110);
        store.finish(finished(report.clone())).await.unwrap();
        let before = store.before("a").await.unwrap().unwrap();
        assert_eq!((before.run.as_str(), before.slot, before.finished), ("a", Some(at(100)), at(110)));
        assert_eq!(before.snapshots, snapshots());
        let ids: Vec<_> = report.findings.iter().map(|finding| &finding.id).collect();
        assert_eq!(before.findings.iter().map(|finding| &finding.id).collect::<Vec<_>>(), ids);
        let (found, row) = (&before.findings[1], &report.findings[1]);
        assert_eq!((found.severity, found.subject_kind), (Severity::Medium, SubjectKind::User));
        assert_eq!((&*found.console, &found.rule), ("hq", &"locked_account".to_owned()));
        assert_eq!((&found.subject_id, &found.subject_name), (&row.subject_id, &row.subject_name));
        assert_eq!(found.summary, row.summary);
        let rules: Vec<_> =
            before.rules.iter().map(|rule| (&*rule.id, &*rule.console, rule.verdict)).collect();
        assert_eq!(rules.len(), report.rules.len());
        assert!(rules.contains(&("locked_account", "lab", Verdict::Unknown)), "{rules:?}");
        assert_eq!((before.rules[0].examined, before.rules[0].expected), (3, 3));
    }

    #[tokio::test]
    async fn findings_are_found_by_the_start_of_their_ids_in_the_newest_run_of_each_job() {
        let trial = Trial::new();
        let store = trial.open();
        let ids = |found: Vec<BeforeFinding>| found.into_iter().map(|one| one.id).collect::<Vec<_>>();
        let mut old = report("a", Some(100), 110);
        old.findings[0].id = "0123456789abcdef0123".into();
        store.finish(finished(old)).await.unwrap();
        assert_eq!(ids(store.newest_findings("012345").await.unwrap()), ["0123456789abcdef0123"]);
        let new = report("b", Some(200), 210);
        let known = new.findings[0].id.clone();
        store.finish(finished(new)).await.unwrap();
        assert_eq!(ids(store.newest_findings("012345").await.unwrap()), [] as [String; 0], "of an older run");
        assert_eq!(ids(store.newest_findings(&known[..6]).await.unwrap()), [known]);
        assert_eq!(ids(store.newest_findings("%").await.unwrap()), [] as [String; 0], "no pattern");
    }

    #[tokio::test]
    async fn the_runs_before_this_one_come_oldest_first() {
        let trial = Trial::new();
        let store = trial.open();
        let past = async |run: &str| store.history("weekly", run).await.unwrap().past;
        assert_eq!(past("first").await, []);
        for (run, slot) in (1..=14).map(|number| (format!("r{number:02}"), 100 * number)) {
            store.finish(finished(report(&run, Some(slot), slot + 10))).await.unwrap();
        }
        store.claim(claim("now", 1_500)).await.unwrap();
        let runs = past("now").await;
        assert_eq!(runs.len(), TREND);
        assert_eq!((runs[0].run.as_str(), runs[TREND - 1].run.as_str()), ("r03", "r14"));
        let told = report("r14", Some(1_400), 1_410);
        let last = &runs[TREND - 1];
        assert_eq!(
            (last.finished, last.is_complete, last.users),
            (at(1_410), false, told.users.len() as u64)
        );
        let high = told.open().filter(|finding| finding.severity == Severity::Medium).count() as u64;
        assert_eq!(last.findings[&Severity::Medium], high);
        assert!(!last.findings.contains_key(&Severity::Info), "none is left out");
        let before: Vec<_> = past("r03").await.into_iter().map(|run| run.run).collect();
        assert_eq!(before, ["r01", "r02"], "neither itself nor a later one");
    }

    #[tokio::test]
    async fn a_scheduled_run_is_compared_with_the_scheduled_one_before_it() {
        let trial = Trial::new();
        let store = trial.open();
        assert_eq!(before(&store, "first").await, None);
        store.finish(finished(report("demand", None, 50))).await.unwrap();
        store.claim(claim("c", 300)).await.unwrap();
        assert_eq!(before(&store, "c").await.as_deref(), Some("demand"), "better than nothing");
        store.finish(finished(report("a", Some(100), 110))).await.unwrap();
        store.finish(finished(report("b", Some(200), 210))).await.unwrap();
        store.finish(finished(report("later", None, 250))).await.unwrap();
        store.claim(claim("failed", 290)).await.unwrap();
        store.fail("failed", "no answer", Vec::new(), at(295)).await.unwrap();
        assert_eq!(before(&store, "c").await.as_deref(), Some("b"));
        store.finish(finished(report("c", Some(300), 310))).await.unwrap();
        store.finish(finished(report("d", Some(400), 410))).await.unwrap();
        assert_eq!(before(&store, "c").await.as_deref(), Some("b"), "neither itself nor a later one");
        assert_eq!(before(&store, "e").await.as_deref(), Some("d"), "one that is not known yet");
        store.claim(claim("resumed", 350)).await.unwrap();
        assert_eq!(
            before(&store, "resumed").await.as_deref(),
            Some("c"),
            "its slot counts, not when it ends"
        );
    }

    #[tokio::test]
    async fn a_run_on_demand_is_compared_with_what_judged_last() {
        let trial = Trial::new();
        let store = trial.open();
        store.finish(finished(report("a", Some(100), 110))).await.unwrap();
        store.finish(finished(report("first", None, 150))).await.unwrap();
        assert_eq!(before(&store, "next").await.as_deref(), Some("first"));
        store.finish(finished(report("b", Some(200), 210))).await.unwrap();
        assert_eq!(before(&store, "next").await.as_deref(), Some("b"));
        assert_eq!(before(&store, "first").await.as_deref(), Some("a"));
    }

    #[tokio::test]
    async fn nothing_is_compared_with_a_run_whose_snapshots_are_not_kept() {
        let trial = Trial::new();
        let store = trial.open();
        store.finish(finished(report("a", None, 110))).await.unwrap();
        let blind = Finished { snapshots: None, ..finished(report("b", None, 210)) };
        store.finish(blind).await.unwrap();
        assert_eq!(before(&store, "next").await.as_deref(), Some("a"));
        assert!(store.before("b").await.unwrap().is_none());
        assert!(store.before("unknown").await.unwrap().is_none());
        let other_job = store.history("monthly", "next").await.unwrap();
        assert!(other_job.before.is_none() && other_job.sightings.len() == 2);
    }
}
