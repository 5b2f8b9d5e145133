//! Opening the database: created, checked, brought up to date.

use std::path::Path;
use std::thread;
use std::time::Duration;

use chrono::{DateTime, Utc};
use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags, OptionalExtension, TransactionBehavior};
use rusqlite_migration::{M, Migrations};

use super::{At, Fault, StoreError, directory_of, private_directory, private_file};

/// How long a transaction waits for another process.
pub(super) const BUSY: Duration = Duration::from_secs(10);

/// The first `SQLite` without the race between two connections that restart the log (its release notes, 3.51.3).
const OLDEST_LIBRARY: i32 = 3_051_003;

/// In order; the schema's version is how many of them were applied.
const STEPS: &[M<'_>] = &[
    M::up(include_str!("migrations/1.sql")),
    M::up(include_str!("migrations/2.sql")),
    M::up(include_str!("migrations/3.sql")),
];

/// `PRAGMA application_id` of a store, as the first migration sets it.
const APPLICATION: i64 = 0x7263_7274;

/// Above this size, the log is cut back when it is written into the database file.
const LOG_LIMIT: i64 = 64 << 20;

/// How a database is opened.
#[derive(Debug, Clone, Copy)]
pub(super) enum Opening {
    /// It is created if it is not there, and brought up to date.
    Creating(DateTime<Utc>),
    /// It must be there and be up to date.
    Existing,
}

/// Opens the database and checks it. Gives the connection and the id of the installation.
pub(super) fn open(
    path: &Path,
    opening: Opening,
    busy: Duration,
) -> Result<(Connection, String), StoreError> {
    if rusqlite::version_number() < OLDEST_LIBRARY {
        return Err(StoreError::Library(rusqlite::version()));
    }
    match opening {
        Opening::Creating(_) => {
            let directory = directory_of(path);
            private_directory(directory).map_err(StoreError::io(directory))?;
            private_file(path).map_err(StoreError::io(path))?;
        }
        // In a directory that may not be searched, a store may be there all the same.
        Opening::Existing if path.try_exists().map_err(StoreError::io(path))? => {}
        Opening::Existing => return Err(StoreError::Missing(path.to_owned())),
    }
    let mut connection = connect(path, busy)?;
    let at = |fault: Fault| StoreError::at(path, fault);
    let version = recognise(path, &connection)?;
    let known = latest();
    if let Opening::Creating(now) = opening {
        use_log(&connection, busy).map_err(at)?;
        if version < known {
            migrate(&mut connection).map_err(at)?;
        }
        settle(&mut connection, now).map_err(at)?;
    } else if version == 0 {
        return Err(StoreError::Missing(path.to_owned()));
    } else if version < known {
        return Err(StoreError::Older { path: path.to_owned(), found: version, known });
    }
    verify(path, &connection, "PRAGMA quick_check(1)")?;
    let installation = connection.query_row("SELECT id FROM installation", [], |row| row.get(0)).optional();
    match installation.map_err(|error| at(error.into()))? {
        Some(installation) => Ok((connection, installation)),
        None => Err(StoreError::Missing(path.to_owned())),
    }
}

/// A connection to a database file that is there, set up to be durable and strict.
pub(super) fn connect(path: &Path, busy: Duration) -> Result<Connection, StoreError> {
    let set_up = || -> Result<Connection, Fault> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags)?;
        connection.busy_timeout(busy)?;
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.pragma_update(None, "foreign_keys", true)?;
        connection.pragma_update(None, "cell_size_check", true)?;
        // What retention deletes is overwritten, and nothing of it goes to a directory for temporary files.
        connection.pragma_update(None, "secure_delete", true)?;
        connection.pragma_update(None, "temp_store", "MEMORY")?;
        connection.pragma_update(None, "journal_size_limit", LOG_LIMIT)?;
        Ok(connection)
    };
    set_up().map_err(|fault| StoreError::at(path, fault))
}

/// Runs one of `SQLite`'s checks, all of which say `ok` in one row or what is wrong.
pub(super) fn verify(path: &Path, connection: &Connection, check: &str) -> Result<(), StoreError> {
    let said: String = connection
        .query_row(check, [], |row| row.get(0))
        .map_err(|error| StoreError::at(path, error.into()))?;
    if said == "ok" { Ok(()) } else { Err(StoreError::Damaged { path: path.to_owned(), problem: said }) }
}

/// The version of the schema; refuses what is not a store, and what a later version wrote.
fn recognise(path: &Path, connection: &Connection) -> Result<i64, StoreError> {
    let at = |error: rusqlite::Error| StoreError::at(path, error.into());
    // All of one moment: another process may be creating it right now.
    let look = connection.unchecked_transaction().map_err(at)?;
    let number = |query: &str| look.query_row(query, [], |row| row.get::<_, i64>(0)).map_err(at);
    let application = number("PRAGMA application_id")?;
    let version = number("PRAGMA user_version")?;
    let empty = number("SELECT count(*) FROM sqlite_schema")? == 0;
    if application != APPLICATION && !(application == 0 && version == 0 && empty) {
        return Err(StoreError::Foreign(path.to_owned()));
    }
    let known = latest();
    if version > known {
        return Err(StoreError::Newer { path: path.to_owned(), found: version, known });
    }
    Ok(version)
}

fn latest() -> i64 {
    i64::try_from(STEPS.len()).unwrap_or(i64::MAX)
}

/// Switches to write-ahead logging, which stays on for ever.
///
/// Two processes that do it at once can each hold what the other needs; `SQLite` then says so without waiting.
fn use_log(connection: &Connection, busy: Duration) -> Result<(), Fault> {
    let pause = Duration::from_millis(20);
    let mut waited = Duration::ZERO;
    loop {
        match connection.query_row("PRAGMA journal_mode = WAL", [], |row| row.get::<_, String>(0)) {
            Ok(mode) if mode == "wal" => return Ok(()),
            Ok(mode) => {
                let problem = format!("its file system allows journal mode {mode} alone, not wal");
                return Err(rusqlite::Error::ToSqlConversionFailure(problem.into()).into());
            }
            Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) && waited < busy => {
                thread::sleep(pause);
                waited += pause;
            }
            Err(error) => return Err(error.into()),
        }
    }
}

/// Applies the migrations that are missing, in one transaction.
fn migrate(connection: &mut Connection) -> Result<(), Fault> {
    connection.set_transaction_behavior(TransactionBehavior::Immediate);
    let migrated = Migrations::from_slice(STEPS).to_latest(connection);
    let version: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    match migrated {
        Ok(()) => Ok(()),
        // Another process was faster; this one found its tables and took everything back.
        Err(_) if version == latest() => Ok(()),
        Err(rusqlite_migration::Error::RusqliteError { err, .. }) => Err(err.into()),
        Err(error) => Err(rusqlite::Error::ToSqlConversionFailure(Box::new(error)).into()),
    }
}

/// Gives a new database the id of its installation.
fn settle(connection: &mut Connection, now: DateTime<Utc>) -> Result<(), Fault> {
    if connection.query_row("SELECT count(*) FROM installation", [], |row| row.get::<_, i64>(0))? > 0 {
        return Ok(());
    }
    let mut random = [0; 16];
    let source = rustls::crypto::ring::default_provider().secure_random;
    source
        .fill(&mut random)
        .map_err(|_| rusqlite::Error::ToSqlConversionFailure("the system gives no random numbers".into()))?;
    connection.execute(
        "INSERT INTO installation (one, id, created) VALUES (1, ?1, ?2) ON CONFLICT DO NOTHING",
        (hex::encode(random), At(now)),
    )?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use super::super::Store;
    use super::super::trial::{Trial, at, claim, finished, report};
    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[tokio::test]
    async fn what_is_created_belongs_to_its_owner_alone() {
        let trial = Trial::new();
        let store = trial.open();
        store.claim(claim("a", 1)).await.unwrap();
        let path = trial.path();
        assert_eq!(mode(path.parent().unwrap()), 0o700);
        for file in [path.clone(), path.with_extension("db-wal"), path.with_extension("db-shm")] {
            assert_eq!(mode(&file), 0o600, "{}", file.display());
        }
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 3, "nothing is left over");
    }

    #[tokio::test]
    async fn the_connection_is_durable_and_strict() {
        let trial = Trial::new();
        let store = trial.open();
        for (pragma, value) in [
            ("journal_mode", "wal"),
            ("synchronous", "2"),
            ("foreign_keys", "1"),
            ("busy_timeout", "10000"),
            ("secure_delete", "1"),
            ("temp_store", "2"),
            ("trusted_schema", "0"),
        ] {
            let query = format!("SELECT CAST({pragma} AS TEXT) FROM pragma_{pragma}");
            let query = query.replace("CAST(busy_timeout", "CAST(timeout");
            let is: String =
                store.writer.look(move |tx| Ok(tx.query_row(&query, [], |row| row.get(0))?)).await.unwrap();
            assert_eq!(is, value, "{pragma}");
        }
        let lax: i64 = store
            .writer
            .look(|tx| {
                let query = "SELECT count(*) FROM pragma_table_list
                             WHERE schema = 'main' AND name NOT LIKE 'sqlite_%' AND strict = 0";
                Ok(tx.query_row(query, [], |row| row.get(0))?)
            })
            .await
            .unwrap();
        assert_eq!(lax, 0, "tables that are not STRICT");
    }

    #[tokio::test]
    async fn an_installation_is_one_for_ever_and_differs_from_others() {
        let (trial, other) = (Trial::new(), Trial::new());
        let id = trial.open().installation().to_owned();
        assert_eq!(id.len(), 32);
        assert_eq!(Store::open(&trial.path(), at(9)).unwrap().installation(), id);
        assert_eq!(Store::open_existing(&trial.path()).unwrap().installation(), id);
        assert_ne!(other.open().installation(), id);
    }

    #[test]
    fn only_open_creates() {
        let trial = Trial::new();
        assert!(matches!(Store::open_existing(&trial.path()), Err(StoreError::Missing(_))));
        assert!(!trial.path().parent().unwrap().exists());
        fs::create_dir(trial.path().parent().unwrap()).unwrap();
        fs::write(trial.path(), "").unwrap();
        assert!(matches!(Store::open_existing(&trial.path()), Err(StoreError::Missing(_))));
        assert_eq!(fs::read(trial.path()).unwrap(), b"");
        assert!(Store::open(&trial.path(), at(0)).is_ok(), "an empty file is an empty database");
    }

    #[tokio::test]
    async fn what_is_no_store_of_this_version_is_refused_and_left_as_it_is() {
        let trial = Trial::new();
        trial.create().await;
        let change = |sql: &str| {
            Connection::open(trial.path()).unwrap().execute_batch(sql).unwrap();
        };
        change("PRAGMA user_version = 99");
        let before = fs::read(trial.path()).unwrap();
        for opened in [Store::open(&trial.path(), at(1)), Store::open_existing(&trial.path())] {
            assert!(matches!(opened, Err(StoreError::Newer { found: 99, .. })));
        }
        assert_eq!(fs::read(trial.path()).unwrap(), before);
        change("PRAGMA user_version = 1; PRAGMA application_id = 7");
        assert!(matches!(Store::open(&trial.path(), at(1)), Err(StoreError::Foreign(_))));
        fs::write(trial.path(), "no database, for sure. ".repeat(100)).unwrap();
        assert!(matches!(Store::open(&trial.path(), at(1)), Err(StoreError::Damaged { .. })));
        fs::remove_file(trial.path()).unwrap();
        change("CREATE TABLE theirs (x)");
        assert!(matches!(Store::open(&trial.path(), at(1)), Err(StoreError::Foreign(_))));
    }

    #[tokio::test]
    async fn a_damaged_page_is_found_at_the_start() {
        let trial = Trial::new();
        let store = trial.open();
        for slot in 0..20 {
            store.finish(finished(report(&format!("r{slot}"), Some(slot), slot))).await.unwrap();
        }
        store.close().await;
        let mut bytes = fs::read(trial.path()).unwrap();
        let middle = bytes.len() / 2 / 4096 * 4096;
        bytes[middle..middle + 4096].fill(0xa5);
        fs::write(trial.path(), bytes).unwrap();
        assert!(matches!(Store::open(&trial.path(), at(0)), Err(StoreError::Damaged { .. })));
        assert!(matches!(Store::open_existing(&trial.path()), Err(StoreError::Damaged { .. })));
    }

    fn schema(path: &Path) -> Vec<Option<String>> {
        let connection = Connection::open(path).unwrap();
        let mut statement = connection.prepare("SELECT sql FROM sqlite_schema ORDER BY name").unwrap();
        let rows = statement.query_map([], |row| row.get(0)).unwrap();
        rows.collect::<Result<_, _>>().unwrap()
    }

    #[tokio::test]
    async fn every_earlier_schema_becomes_the_latest_one() {
        let fresh = Trial::new();
        fresh.create().await;
        for version in 0..STEPS.len() {
            let trial = Trial::new();
            fs::create_dir(trial.path().parent().unwrap()).unwrap();
            let mut connection = Connection::open(trial.path()).unwrap();
            if version > 0 {
                Migrations::from_slice(STEPS).to_version(&mut connection, version).unwrap();
                let existing = Store::open_existing(&trial.path());
                assert!(matches!(existing, Err(StoreError::Older { .. })), "{version}");
            }
            drop(connection);
            trial.create().await;
            assert_eq!(schema(&trial.path()), schema(&fresh.path()), "from version {version}");
        }
        assert!(Migrations::from_slice(STEPS).validate().is_ok());
    }

    #[tokio::test]
    async fn what_the_first_schema_held_is_kept() {
        let trial = Trial::new();
        fs::create_dir(trial.path().parent().unwrap()).unwrap();
        let mut connection = Connection::open(trial.path()).unwrap();
        Migrations::from_slice(STEPS).to_version(&mut connection, 1).unwrap();
        let held = "INSERT INTO installation VALUES (1, 'theirs', '2026-11-20T00:00:00.000000000Z');
                    INSERT INTO schedules VALUES ('weekly', 'mondays', '2026-11-20T00:00:00.000000000Z')";
        connection.execute_batch(held).unwrap();
        drop(connection);
        let store = trial.open();
        assert_eq!(store.installation(), "theirs");
        let mark = store.known_mark("weekly").await.unwrap().unwrap();
        assert_eq!(mark.to_rfc3339(), "2026-11-20T00:00:00+00:00");
        let known = store.logons("hq", Path::new("/auth.log")).await.unwrap();
        assert_eq!(known, crate::logon::LogRecord::default(), "and the new tables are there");
    }

    #[tokio::test]
    async fn a_migration_that_breaks_off_anywhere_leaves_the_schema_as_it_was() {
        let statements: Vec<_> = include_str!("migrations/1.sql").split_inclusive(";\n").collect();
        assert!(statements.len() > 10);
        for done in 0..=statements.len() {
            let broken = format!("{}\nSELECT nothing_of_this_name();", statements[..done].concat());
            let trial = Trial::new();
            fs::create_dir(trial.path().parent().unwrap()).unwrap();
            let mut connection = Connection::open(trial.path()).unwrap();
            let broken = [M::up(&broken)];
            assert!(Migrations::from_slice(&broken).to_latest(&mut connection).is_err());
            drop(connection);
            assert!(schema(&trial.path()).is_empty(), "after {done} statements");
            trial.create().await;
        }
    }

    #[test]
    fn many_may_create_one_store_at_once() {
        let trial = Trial::new();
        let opened = thread::scope(|scope| {
            let open =
                || scope.spawn(|| Store::open(&trial.path(), at(0)).unwrap().installation().to_owned());
            let threads: Vec<_> = (0..8).map(|_| open()).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect::<Vec<_>>()
        });
        assert!(opened.iter().all(|id| *id == opened[0]), "{opened:?}");
    }

    #[tokio::test]
    async fn who_waits_too_long_for_another_is_told_and_can_try_again() {
        let trial = Trial::new();
        let store = trial.open_impatient();
        let other = Connection::open(trial.path()).unwrap();
        other.execute_batch("BEGIN IMMEDIATE").unwrap();
        assert!(matches!(store.claim(claim("a", 1)).await, Err(StoreError::Busy(_))));
        assert!(store.unfinished().await.unwrap().is_empty(), "reading goes on");
        other.execute_batch("COMMIT").unwrap();
        assert!(store.claim(claim("a", 1)).await.unwrap());
    }

    #[test]
    fn a_place_that_is_no_place_is_named() {
        let trial = Trial::new();
        fs::write(trial.path().parent().unwrap(), "a file").unwrap();
        let error = Store::open(&trial.path(), at(0)).unwrap_err().to_string();
        assert!(error.contains("data"), "{error}");
    }
}
