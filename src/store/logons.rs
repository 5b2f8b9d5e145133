//! Logons that were read from a console's log: the newest of each login, and how far the log was read.

use std::path::Path;

use rusqlite::{OptionalExtension, Row, Transaction};

use super::{At, Count, Fault, Store, StoreError};
use crate::logon::{LogPosition, LogRecord, Logon};

impl Store {
    /// What is known of a log of a console, by its key.
    pub async fn logons(&self, console: &str, path: &Path) -> Result<LogRecord, StoreError> {
        let (console, path) = (console.to_owned(), path.to_string_lossy().into_owned());
        self.writer
            .look(move |tx| {
                let (position, since) = position(tx, &console, &path)?;
                let query = "SELECT login, at, address FROM logons WHERE console = ?1 ORDER BY login";
                let mut statement = tx.prepare(query)?;
                let rows = statement.query_map([&console], logon)?;
                Ok(LogRecord { position, since, newest: rows.collect::<Result<_, _>>()? })
            })
            .await
    }

    /// Keeps what a reading of a log came to. Of two logons of a login the newer stays; all that was read of another
    /// log, with another pattern or in another zone goes.
    pub async fn keep_logons(&self, console: &str, path: &Path, record: LogRecord) -> Result<(), StoreError> {
        let (console, path) = (console.to_owned(), path.to_string_lossy().into_owned());
        self.writer
            .change(move |tx| {
                let Some(now) = &record.position else { return Ok(()) };
                let before = position(tx, &console, &path)?.0;
                if before.is_none_or(|before| before.reader != now.reader) {
                    tx.execute("DELETE FROM logons WHERE console = ?1", [&console])?;
                    // Whoever comes back to a former log reads it anew: what was known of it is gone.
                    tx.execute("DELETE FROM log_positions WHERE console = ?1", [&console])?;
                }
                let mut keep = tx.prepare(
                    "INSERT INTO logons (console, login, at, address) VALUES (?1, ?2, ?3, ?4)
                     ON CONFLICT (console, login) DO UPDATE SET at = excluded.at, address = excluded.address
                     WHERE excluded.at > at",
                )?;
                for logon in &record.newest {
                    keep.execute((&console, &logon.login, At(logon.at), &logon.address))?;
                }
                tx.execute(
                    "INSERT OR REPLACE INTO log_positions
                     (console, path, inode, head, offset, last, reader, since) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
                    (
                        &console,
                        &path,
                        now.inode.cast_signed(),
                        &now.head,
                        Count(now.offset),
                        now.last.map(At),
                        &now.reader,
                        record.since.map(At),
                    ),
                )?;
                Ok(())
            })
            .await
    }
}

type Position = (Option<LogPosition>, Option<chrono::DateTime<chrono::Utc>>);

fn position(tx: &Transaction<'_>, console: &str, path: &str) -> Result<Position, Fault> {
    let query =
        "SELECT inode, head, offset, last, reader, since FROM log_positions WHERE console = ?1 AND path = ?2";
    let row = |row: &Row<'_>| {
        let position = LogPosition {
            inode: row.get::<_, i64>(0)?.cast_unsigned(),
            head: row.get(1)?,
            offset: row.get::<_, Count>(2)?.0,
            last: row.get::<_, Option<At>>(3)?.map(|At(last)| last),
            reader: row.get(4)?,
        };
        Ok((Some(position), row.get::<_, Option<At>>(5)?.map(|At(since)| since)))
    };
    Ok(tx.query_row(query, [console, path], row).optional()?.unwrap_or_default())
}

fn logon(row: &Row<'_>) -> rusqlite::Result<Logon> {
    Ok(Logon { login: row.get(0)?, at: row.get::<_, At>(1)?.0, address: row.get(2)? })
}

#[cfg(test)]
mod tests {
    use super::super::trial::{Trial, at};
    use super::*;

    fn record(offset: u64, newest: &[(&str, i64)]) -> LogRecord {
        let position = LogPosition {
            inode: u64::MAX - 5,
            head: "ab".into(),
            offset,
            last: Some(at(90)),
            reader: "r".into(),
        };
        let logon = |(login, seconds): &(&str, i64)| Logon {
            login: (*login).into(),
            at: at(*seconds),
            address: Some(format!("10.0.0.{seconds}")),
        };
        LogRecord { position: Some(position), since: Some(at(1)), newest: newest.iter().map(logon).collect() }
    }

    const LOG: &str = "/opt/console/auth.log";

    #[tokio::test]
    async fn the_newest_logon_of_each_login_survives_the_process() {
        let trial = Trial::new();
        let store = trial.open();
        let log = Path::new(LOG);
        assert_eq!(store.logons("hq", log).await.unwrap(), LogRecord::default());
        let first = record(10, &[("a", 50), ("b", 60)]);
        store.keep_logons("hq", log, first.clone()).await.unwrap();
        assert_eq!(store.logons("hq", log).await.unwrap(), first);
        store.keep_logons("hq", log, record(20, &[("a", 40), ("b", 70), ("c", 5)])).await.unwrap();
        store.close().await;
        let kept = trial.open().logons("hq", log).await.unwrap();
        assert_eq!(kept, record(20, &[("a", 50), ("b", 70), ("c", 5)]), "an older one takes nothing away");
    }

    #[tokio::test]
    async fn consoles_and_logs_are_apart() {
        let trial = Trial::new();
        let store = trial.open();
        store.keep_logons("hq", Path::new(LOG), record(10, &[("a", 50)])).await.unwrap();
        assert_eq!(store.logons("branch", Path::new(LOG)).await.unwrap(), LogRecord::default());
        let other = store.logons("hq", Path::new("/elsewhere")).await.unwrap();
        assert_eq!((other.position, other.since, other.newest.len()), (None, None, 1));
    }

    #[tokio::test]
    async fn what_another_log_told_goes() {
        let trial = Trial::new();
        let store = trial.open();
        let (former, next) = (Path::new(LOG), Path::new("/elsewhere/auth.log"));
        store.keep_logons("hq", former, record(10, &[("a", 50), ("gone", 60)])).await.unwrap();
        store.keep_logons("branch", former, record(10, &[("a", 50)])).await.unwrap();
        let told = record(20, &[("a", 40)]);
        store.keep_logons("hq", next, told.clone()).await.unwrap();
        assert_eq!(store.logons("hq", next).await.unwrap(), told);
        store.keep_logons("hq", next, told.clone()).await.unwrap();
        assert_eq!(store.logons("hq", next).await.unwrap(), told, "nor does it come back");
        let back = store.logons("hq", former).await.unwrap();
        assert_eq!((back.position, back.since), (None, None), "the former log is read anew");
        assert_eq!(store.logons("branch", former).await.unwrap().newest.len(), 1);
    }

    #[tokio::test]
    async fn what_another_pattern_found_goes() {
        let trial = Trial::new();
        let store = trial.open();
        let log = Path::new(LOG);
        store.keep_logons("hq", log, record(10, &[("a", 50), ("wrong", 60)])).await.unwrap();
        store.keep_logons("branch", log, record(10, &[("a", 50)])).await.unwrap();
        let mut next = record(10, &[("a", 40)]);
        next.position.as_mut().unwrap().reader = "other".into();
        store.keep_logons("hq", log, next.clone()).await.unwrap();
        assert_eq!(store.logons("hq", log).await.unwrap(), next);
        assert_eq!(store.logons("branch", log).await.unwrap().newest.len(), 1);
    }
}
