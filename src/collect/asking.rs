//! Asks one question about many things: all at once as far as the client lets through, and not on into a dead console.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::sync::atomic::{AtomicU32, Ordering};

use futures_util::StreamExt;
use futures_util::stream;

use super::{Progress, gap};
use crate::console::{Error, ErrorKind};
use crate::model::Gap;

/// Answers in a row without any from the console, each after its retries, that end the asking. What is left then
/// becomes gaps at once, where a console that hangs would hold the review for days.
const DEAD_AFTER: u32 = 20;

/// Shared by all questions of one collection.
pub(super) struct Asker<'a> {
    pub(super) concurrency: usize,
    pub(super) progress: &'a Progress,
    unanswered: AtomicU32,
}

/// The answers to one question about many things.
#[derive(Debug)]
pub(super) struct Answers<I, T> {
    /// What was answered.
    pub(super) known: BTreeMap<I, T>,
    /// What was not.
    pub(super) failed: BTreeMap<I, Error>,
}

impl<I, T> Default for Answers<I, T> {
    fn default() -> Self {
        Self { known: BTreeMap::new(), failed: BTreeMap::new() }
    }
}

impl<I: Ord + Clone + Display, T> Answers<I, T> {
    /// The gaps, by id.
    pub(super) fn gaps(&self) -> Vec<Gap> {
        self.failed.iter().map(|(id, error)| gap(error, Some(id.to_string()))).collect()
    }

    /// How many were asked.
    pub(super) fn asked(&self) -> u64 {
        (self.known.len() + self.failed.len()) as u64
    }

    /// Replaces what was answered before by a later round of the same question.
    pub(super) fn supersede(&mut self, later: Self) {
        for (id, answer) in later.known {
            self.failed.remove(&id);
            self.known.insert(id, answer);
        }
        for (id, error) in later.failed {
            self.known.remove(&id);
            self.failed.insert(id, error);
        }
    }

    /// Forgets what was asked about something that turned out to be gone.
    pub(super) fn forget(&mut self, id: &I) {
        self.known.remove(id);
        self.failed.remove(id);
    }
}

impl<'a> Asker<'a> {
    pub(super) fn new(concurrency: usize, progress: &'a Progress) -> Self {
        Self { concurrency: concurrency.max(1), progress, unanswered: AtomicU32::new(0) }
    }

    /// Asks about every id. `endpoint` names the question in the gaps of what is not asked any more.
    pub(super) async fn each<I, T, F>(
        &self,
        endpoint: &'static str,
        ids: Vec<I>,
        ask: impl Fn(I) -> F,
    ) -> Answers<I, T>
    where
        I: Ord + Clone,
        F: Future<Output = Result<T, Error>>,
    {
        let one = |id: I| {
            let question = ask(id.clone());
            async move { (id, self.one(endpoint, question).await) }
        };
        let mut replies = stream::iter(ids).map(one).buffer_unordered(self.concurrency);
        let mut answers = Answers::default();
        while let Some((id, reply)) = replies.next().await {
            match reply {
                Ok(answer) => drop(answers.known.insert(id, answer)),
                Err(error) => drop(answers.failed.insert(id, error)),
            }
        }
        answers
    }

    /// Asks one question, unless the console is given up.
    pub(super) async fn one<T>(
        &self,
        endpoint: &'static str,
        question: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        if self.unanswered.load(Ordering::Relaxed) >= DEAD_AFTER {
            let reason = format!("given up after {DEAD_AFTER} calls in a row without an answer");
            return Err(Error {
                endpoint,
                kind: ErrorKind::Unavailable { status: None, reason },
                attempts: 0,
            });
        }
        let reply = question.await;
        match &reply {
            // A 500 is an answer, of one broken endpoint; a console that is down gives none, or 503.
            Err(Error {
                kind: ErrorKind::Unavailable { status: None | Some(503), .. } | ErrorKind::TimedOut { .. },
                ..
            }) => {
                self.unanswered.fetch_add(1, Ordering::Relaxed);
            }
            _ => self.unanswered.store(0, Ordering::Relaxed),
        }
        reply
    }
}
