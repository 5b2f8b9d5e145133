//! The one thread that owns the connection, and how to ask it.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use rusqlite::{Connection, Transaction, TransactionBehavior};
use tokio::sync::oneshot;
use tokio::task::spawn_blocking;

use super::{Fault, StoreError};

enum Message {
    Step(Box<dyn FnOnce(&mut Connection) + Send>),
    Close(oneshot::Sender<()>),
}

/// The way to the thread. It ends when this is dropped, after the steps that were asked for.
#[derive(Debug)]
pub(super) struct Writer {
    path: PathBuf,
    messages: Sender<Message>,
}

impl Writer {
    /// Gives the connection to a thread of its own.
    pub(super) fn start(path: &Path, connection: Connection) -> Result<Self, StoreError> {
        let (messages, received) = channel();
        thread::Builder::new()
            .name("store".to_owned())
            .spawn(move || serve(connection, received))
            .map_err(StoreError::io(path))?;
        Ok(Self { path: path.to_owned(), messages })
    }

    /// The database file.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Does a step that writes: one transaction, which is taken back unless all of it succeeds.
    pub(super) async fn change<T: Send + 'static>(
        &self,
        step: impl FnOnce(&Transaction<'_>) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.ask(TransactionBehavior::Immediate, step).await
    }

    /// Does a step that only reads, all of it from one state of the database.
    pub(super) async fn look<T: Send + 'static>(
        &self,
        step: impl FnOnce(&Transaction<'_>) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.ask(TransactionBehavior::Deferred, step).await
    }

    async fn ask<T: Send + 'static>(
        &self,
        behavior: TransactionBehavior,
        step: impl FnOnce(&Transaction<'_>) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (answer, answered) = oneshot::channel();
        let transact = move |connection: &mut Connection| -> Result<T, Fault> {
            let transaction = connection.transaction_with_behavior(behavior)?;
            let value = step(&transaction)?;
            transaction.commit()?;
            Ok(value)
        };
        let work = move |connection: &mut Connection| {
            // A transaction that is dropped by an error or a panic is rolled back, so the connection stays sound.
            let outcome = catch_unwind(AssertUnwindSafe(|| transact(connection)));
            // Nobody may be waiting any more.
            drop(answer.send(outcome));
        };
        let stopped = || StoreError::Stopped(self.path.clone());
        self.messages.send(Message::Step(Box::new(work))).map_err(|_| stopped())?;
        match answered.await {
            Ok(Ok(outcome)) => outcome.map_err(|fault| StoreError::at(&self.path, fault)),
            Ok(Err(_)) => Err(StoreError::Broke(self.path.clone())),
            Err(_) => Err(stopped()),
        }
    }

    /// Does work that takes its time and needs no connection, on a thread where it holds nobody up.
    pub(super) async fn aside<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, StoreError> {
        spawn_blocking(work).await.map_err(|_| StoreError::Broke(self.path.clone()))
    }

    /// Ends the thread, after the steps that were asked for before; a second call finds it ended.
    pub(super) async fn close(&self) {
        let (closed, waited) = oneshot::channel();
        if self.messages.send(Message::Close(closed)).is_ok() {
            // An error means that the thread has ended, which is what was wanted.
            drop(waited.await);
        }
    }
}

fn serve(mut connection: Connection, messages: Receiver<Message>) {
    let mut waiting = None;
    for message in messages {
        match message {
            Message::Step(step) => step(&mut connection),
            Message::Close(closed) => {
                waiting = Some(closed);
                break;
            }
        }
    }
    // Best effort: what is in the log is as safe there, and another process may be reading it.
    drop(connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())));
    drop(connection.close());
    if let Some(closed) = waiting {
        // Nobody may be waiting any more.
        closed.send(()).unwrap_or(());
    }
}

#[cfg(test)]
mod tests {
    use super::super::trial::{Trial, claim, rows};
    use super::*;

    #[tokio::test]
    async fn a_step_that_fails_or_panics_is_taken_back_and_the_next_one_works() {
        let trial = Trial::new();
        let store = trial.open();
        let insert = "INSERT INTO sightings (finding, first, last) VALUES ('f', '', '')";
        let failed = store.writer.change(move |tx| {
            tx.execute(insert, [])?;
            Ok(tx.execute("INSERT INTO nowhere VALUES (1)", [])?)
        });
        assert!(matches!(failed.await, Err(StoreError::Refused { .. })));
        let broke = store.writer.change(move |tx| -> Result<(), Fault> {
            tx.execute(insert, [])?;
            panic!("as a bug would")
        });
        assert!(matches!(broke.await, Err(StoreError::Broke(_))));
        assert!(rows(&store).await.iter().all(|(_, count)| *count == 0));
        assert!(store.claim(claim("a", 1)).await.unwrap());
    }

    #[tokio::test]
    async fn a_step_goes_on_without_its_caller() {
        let trial = Trial::new();
        let store = trial.open();
        {
            let mut claimed = Box::pin(store.claim(claim("a", 1)));
            // Asked once, then dropped.
            assert!(futures_util::poll!(&mut claimed).is_pending());
        }
        assert!(!store.claim(claim("a", 1)).await.unwrap());
    }

    #[tokio::test]
    async fn after_the_end_every_clone_gets_an_error() {
        let trial = Trial::new();
        let store = trial.open();
        let other = store.clone();
        store.close().await;
        assert!(matches!(other.claim(claim("a", 1)).await, Err(StoreError::Stopped(_))));
        other.close().await;
    }

    #[tokio::test]
    async fn a_close_waits_for_what_was_asked_before_and_empties_the_log() {
        let trial = Trial::new();
        let store = trial.open();
        let other = store.clone();
        let claims = async {
            for slot in 0..20 {
                assert!(store.claim(claim(&format!("r{slot}"), slot)).await.unwrap());
            }
        };
        claims.await;
        other.close().await;
        let log = trial.path().with_extension("db-wal");
        assert!(!log.exists(), "the last connection takes the log away");
        assert_eq!(trial.open().unfinished().await.unwrap().len(), 20);
    }
}
