//! Care: backups and checks. Both read for a while, so they use a connection of their own and hold nobody up.

use std::fs::File;
use std::path::Path;

use rusqlite::{Connection, OpenFlags};
use tempfile::NamedTempFile;

use super::{BUSY, Store, StoreError, connect, directory_of, sync_directory, verify};

impl Store {
    /// Writes a copy of the store as it is now, while others go on writing. The copy is written aside, checked, synced
    /// and then given its name; its mode is 0600. A file that exists is never overwritten.
    pub async fn back_up(&self, to: &Path) -> Result<(), StoreError> {
        let (from, to) = (self.writer.path().to_owned(), to.to_owned());
        self.writer.aside(move || back_up(&from, &to)).await?
    }

    /// Checks the whole database, every index and every reference.
    pub async fn check(&self) -> Result<(), StoreError> {
        let path = self.writer.path().to_owned();
        let check = move || check(&path, &connect(&path, BUSY)?);
        self.writer.aside(check).await?
    }
}

fn back_up(from: &Path, to: &Path) -> Result<(), StoreError> {
    let exists = || StoreError::BackupExists(to.to_owned());
    if to.symlink_metadata().is_ok() {
        return Err(exists());
    }
    let directory = directory_of(to);
    let aside = NamedTempFile::new_in(directory).map_err(StoreError::io(directory))?.into_temp_path();
    let name = aside.to_str().ok_or_else(|| {
        let problem = "SQLite needs a path in UTF-8 for a backup";
        StoreError::io(to)(std::io::Error::new(std::io::ErrorKind::InvalidInput, problem))
    })?;
    let connection = connect(from, BUSY)?;
    connection.execute("VACUUM INTO ?1", [name]).map_err(|error| StoreError::at(to, error.into()))?;
    let copy = Connection::open_with_flags(&aside, OpenFlags::SQLITE_OPEN_READ_ONLY);
    let copy = copy.map_err(|error| StoreError::at(to, error.into()))?;
    check(to, &copy)?;
    drop(copy);
    File::open(&aside).and_then(|file| file.sync_all()).map_err(StoreError::io(to))?;
    aside.persist_noclobber(to).map_err(|error| match error.error.kind() {
        std::io::ErrorKind::AlreadyExists => exists(),
        _ => StoreError::io(to)(error.error),
    })?;
    sync_directory(directory).map_err(StoreError::io(directory))
}

fn check(path: &Path, connection: &Connection) -> Result<(), StoreError> {
    verify(path, connection, "PRAGMA integrity_check(1)")?;
    let dangling = connection
        .query_row("SELECT count(*) FROM pragma_foreign_key_check", [], |row| row.get::<_, i64>(0))
        .map_err(|error| StoreError::at(path, error.into()))?;
    if dangling > 0 {
        let problem = format!("{dangling} rows refer to rows that are not there");
        return Err(StoreError::Damaged { path: path.to_owned(), problem });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use super::super::trial::{Trial, at, claim, finished, report, rows};
    use super::*;

    #[tokio::test]
    async fn a_backup_is_a_whole_store() {
        let trial = Trial::new();
        let store = trial.open();
        store.finish(finished(report("a", Some(100), 110))).await.unwrap();
        let directory = tempfile::tempdir().unwrap();
        let to = directory.path().join("backup.db");
        store.back_up(&to).await.unwrap();
        store.claim(claim("b", 200)).await.unwrap();
        assert_eq!(fs::metadata(&to).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1, "nothing is left beside it");
        let restored = Store::open(&to, at(0)).unwrap();
        assert_eq!(restored.installation(), store.installation());
        assert_eq!(restored.runs(None, 9).await.unwrap().len(), 1);
        assert!(restored.before("a").await.unwrap().is_some());
        assert!(restored.claim(claim("b", 200)).await.unwrap());
        assert_eq!(rows(&restored).await, rows(&store).await);
        restored.check().await.unwrap();
    }

    #[tokio::test]
    async fn a_backup_overwrites_nothing_and_a_failed_one_leaves_nothing() {
        let trial = Trial::new();
        let store = trial.open();
        let directory = tempfile::tempdir().unwrap();
        let to = directory.path().join("backup.db");
        fs::write(&to, "precious").unwrap();
        assert!(matches!(store.back_up(&to).await, Err(StoreError::BackupExists(_))));
        assert_eq!(fs::read(&to).unwrap(), b"precious");
        let nowhere = directory.path().join("nowhere").join("backup.db");
        assert!(matches!(store.back_up(&nowhere).await, Err(StoreError::Io { .. })));
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
    }

    #[tokio::test]
    async fn a_check_finds_what_refers_to_nothing() {
        let trial = Trial::new();
        let store = trial.open();
        store.check().await.unwrap();
        let other = Connection::open(trial.path()).unwrap();
        other
            .execute_batch("PRAGMA foreign_keys = OFF; INSERT INTO snapshots VALUES ('nobody', x'00')")
            .unwrap();
        assert!(matches!(store.check().await, Err(StoreError::Damaged { .. })));
        let directory = tempfile::tempdir().unwrap();
        let refused = store.back_up(&directory.path().join("backup.db")).await;
        assert!(matches!(refused, Err(StoreError::Damaged { .. })));
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
    }
}
