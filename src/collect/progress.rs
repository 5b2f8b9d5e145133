//! How far a collection is, for whoever watches: counters that the collection writes and a progress bar reads.

use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};

/// What a collection is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Reading the lists.
    Listing,
    /// Asking about every user, role, privilege, source, site and group.
    Asking,
    /// Finished.
    Done,
}

/// The counters of one collection.
#[derive(Debug, Default)]
pub struct Progress {
    stage: AtomicU8,
    users: AtomicU64,
    user_questions: AtomicU64,
    user_answers: AtomicU64,
}

impl Progress {
    /// What the collection is doing.
    pub fn stage(&self) -> Stage {
        match self.stage.load(Ordering::Relaxed) {
            0 => Stage::Listing,
            1 => Stage::Asking,
            _ => Stage::Done,
        }
    }

    /// How many users there are, once that is known.
    pub fn users(&self) -> u64 {
        self.users.load(Ordering::Relaxed)
    }

    /// How many users' worth of questions is answered.
    pub fn users_done(&self) -> u64 {
        let questions = self.user_questions.load(Ordering::Relaxed).max(1);
        self.users() * self.user_answers.load(Ordering::Relaxed).min(questions) / questions
    }

    pub(super) fn enter(&self, stage: Stage) {
        let number = match stage {
            Stage::Listing => 0,
            Stage::Asking => 1,
            Stage::Done => 2,
        };
        self.stage.store(number, Ordering::Relaxed);
    }

    pub(super) fn expect(&self, users: usize, questions: usize) {
        self.users.store(users as u64, Ordering::Relaxed);
        self.user_questions.store(questions as u64, Ordering::Relaxed);
    }

    pub(super) fn answered_for_user(&self) {
        self.user_answers.fetch_add(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_done_follows_the_answers() {
        let progress = Progress::default();
        assert_eq!((progress.stage(), progress.users_done()), (Stage::Listing, 0));
        progress.expect(10, 40);
        progress.enter(Stage::Asking);
        for _ in 0..20 {
            progress.answered_for_user();
        }
        assert_eq!((progress.stage(), progress.users_done()), (Stage::Asking, 5));
    }
}
