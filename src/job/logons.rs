//! Last logons for collected snapshots, from the files that the configuration names. They are evidence that a review can
//! do without: nothing here makes a run fail or its population incomplete.

use std::path::Path;

use chrono::{DateTime, Utc};

use crate::config::{Config, LastLogonTable};
use crate::logon::{LogRecord, Reading, Sources, apply};
use crate::model::Snapshot;
use crate::store::Store;

/// Reads the sources of every snapshot's console and sets the last logons of its users. With a store, a log is read on
/// from where it was read to, and what archives no longer hold is still known. What cannot be read is told in the log.
pub async fn add_last_logons(
    config: &Config,
    store: Option<&Store>,
    snapshots: &mut [Snapshot],
    now: DateTime<Utc>,
) {
    for snapshot in snapshots {
        let console = snapshot.console.name.clone();
        let table = config.console(&console).and_then(|table| table.last_logon.as_ref());
        // The configuration was checked whole before.
        let Some(Ok(sources)) = table.map(LastLogonTable::sources) else { continue };
        if snapshot.users.is_empty() {
            continue;
        }
        let Some(reading) = read(&console, snapshot.console.key(), sources, store, now).await else {
            apply(snapshot, &[], true);
            continue;
        };
        for note in &reading.notes {
            tracing::warn!(console, "last logons: {note}");
        }
        for error in &reading.errors {
            tracing::warn!(console, "last logons are not known from one source: {error}");
        }
        apply(snapshot, &reading.evidence, !reading.errors.is_empty());
    }
}

/// Reads, and keeps what the log came to. A store that fails costs time in the next run and nothing else.
async fn read(
    console: &str,
    key: &str,
    sources: Sources,
    store: Option<&Store>,
    now: DateTime<Utc>,
) -> Option<Reading> {
    let log = sources.log.as_ref().map(|log| log.path.clone());
    let kept = store.zip(log.as_deref());
    let known = match kept {
        Some((store, path)) => known(console, key, store, path).await,
        None => LogRecord::default(),
    };
    let mut reading = match tokio::task::spawn_blocking(move || sources.read(known, now)).await {
        Ok(reading) => reading,
        Err(error) => {
            tracing::error!(console, "last logons: internal error: {error}");
            return None;
        }
    };
    if let Some(((store, path), record)) = kept.zip(reading.record.take())
        && let Err(error) = store.keep_logons(key, path, record).await
    {
        tracing::warn!(console, "last logons: what was read is not kept: {error}");
    }
    Some(reading)
}

async fn known(console: &str, key: &str, store: &Store, path: &Path) -> LogRecord {
    store.logons(key, path).await.unwrap_or_else(|error| {
        tracing::warn!(console, "last logons: what was read before is not known: {error}");
        LogRecord::default()
    })
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::PathBuf;

    use super::*;
    use crate::model::sample::{snapshot, user};
    use crate::model::{LogonSourceKind, Part, PartState, User};

    struct Bench {
        directory: tempfile::TempDir,
        store: Store,
    }

    fn now() -> DateTime<Utc> {
        "2026-11-25T12:00:00Z".parse().unwrap()
    }

    impl Bench {
        fn new() -> Self {
            let directory = tempfile::tempdir().unwrap();
            let store = Store::open(&directory.path().join("data/recert.db"), now()).unwrap();
            Self { directory, store }
        }

        fn path(&self, name: &str) -> PathBuf {
            self.directory.path().join(name)
        }

        /// The sample console with sources of these names.
        fn config(&self, sources: &[&str]) -> Config {
            let keys: Vec<_> = sources
                .iter()
                .map(|name| format!("{} = {:?}", name.split('.').next().unwrap(), self.path(name)))
                .collect();
            let text = format!(
                "[[console]]\nname = \"hq\"\nurl = \"https://c.example\"\nusername = \"u\"\npassword = {{ env = \"P\" }}\n\
                 last_logon = {{ {} }}\n",
                keys.join(", ")
            );
            toml::from_str(&text).unwrap()
        }

        fn log(&self, lines: &[(&str, &str)]) {
            let line = |(day, login): &(&str, &str)| {
                format!("2026-11-{day}T08:00:00 [INFO] [Principal: {login}] Authentication succeeded\n")
            };
            fs::write(self.path("log.txt"), lines.iter().map(line).collect::<String>()).unwrap();
        }

        async fn add(&self, sources: &[&str], store: bool) -> Snapshot {
            let mut snapshots = [snapshot(vec![user(1, "jdoe"), user(2, "mmuster")])];
            let store = store.then_some(&self.store);
            add_last_logons(&self.config(sources), store, &mut snapshots, now()).await;
            let [snapshot] = snapshots;
            snapshot
        }
    }

    fn days(snapshot: &Snapshot) -> Vec<Option<String>> {
        let day = |user: &User| Some(user.last_logon.as_ref()?.at?.format("%d").to_string());
        snapshot.users.iter().map(day).collect()
    }

    fn state(snapshot: &Snapshot) -> PartState {
        snapshot.coverage.part(Part::LastLogon).unwrap().state
    }

    #[tokio::test]
    async fn what_the_log_no_longer_has_is_known_from_the_store() {
        let bench = Bench::new();
        bench.log(&[("10", "jdoe"), ("11", "mmuster")]);
        let first = bench.add(&["log.txt"], true).await;
        assert_eq!(days(&first), [Some("10".into()), Some("11".into())]);
        assert_eq!(state(&first), PartState::Complete);
        bench.log(&[("20", "jdoe")]);
        assert_eq!(days(&bench.add(&["log.txt"], false).await), [Some("20".into()), None], "the log alone");
        let second = bench.add(&["log.txt"], true).await;
        assert_eq!(days(&second), [Some("20".into()), Some("11".into())]);
        assert_eq!(second.logon_sources[0].label, "log.txt");
    }

    #[tokio::test]
    async fn a_source_that_fails_leaves_the_run_complete_and_the_other_source_in_force() {
        let bench = Bench::new();
        let none = bench.add(&["log.txt"], true).await;
        assert_eq!((state(&none), days(&none)), (PartState::Undetermined, vec![None, None]));
        assert!(none.users.iter().all(|user| user.last_logon.is_none()), "not known is not none");
        assert!(none.coverage.ties_out() && none.logon_sources.is_empty());
        bench.log(&[("10", "jdoe")]);
        let one = bench.add(&["log.txt", "export.csv"], true).await;
        assert_eq!((state(&one), days(&one)), (PartState::Undetermined, vec![Some("10".into()), None]));
        let absent = one.users[1].last_logon.as_ref().unwrap();
        assert_eq!((absent.at, absent.source), (None, LogonSourceKind::Log), "not since the log begins");
    }

    #[tokio::test]
    async fn a_store_that_fails_costs_only_time() {
        let bench = Bench::new();
        bench.log(&[("10", "jdoe")]);
        bench.store.clone().close().await;
        let added = bench.add(&["log.txt"], true).await;
        assert_eq!((state(&added), days(&added)[0].as_deref()), (PartState::Complete, Some("10")));
    }

    #[tokio::test]
    async fn what_is_not_configured_or_has_no_users_stays_as_it_is() {
        let bench = Bench::new();
        let before = snapshot(vec![user(1, "jdoe")]);
        let mut after = [before.clone()];
        add_last_logons(&Config::default(), Some(&bench.store), &mut after, now()).await;
        assert_eq!(after, [before]);
        let unseen = snapshot(Vec::new());
        let mut after = [unseen.clone()];
        add_last_logons(&bench.config(&["log.txt"]), None, &mut after, now()).await;
        assert_eq!(after, [unseen]);
    }
}
