//! What is known of the credential, so that a wrong one costs a few failed logins and not one for each call.
//!
//! The console counts failed logins and locks accounts, and its 401 has several meanings: a wrong password, a missing
//! one-time code, a missing right, maintenance. Calls are numbered as they are sent. A success with a higher number than a
//! call that met a 401 proves that the credential still worked afterwards, and that the 401 is about the resource.
//!
//! A credential is unproven, then proven by a success. While unproven, calls go one at a time, and a 401 refuses it for
//! good. Once proven, a 401 is a doubt: nothing is sent until one probe has told what it meant. A doubt that ends without
//! knowing makes the credential unproven again. So one that stops working costs what was in flight, and one login more.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use tokio::sync::{Mutex, MutexGuard, watch};

/// The number of a call, in the order of sending; from 1 on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Ticket(u64);

/// The credential is known to be refused, and nothing may be sent.
#[derive(Debug)]
pub(super) struct Refused;

#[derive(Debug, Default)]
pub(super) struct Credential {
    sent: AtomicU64,
    /// The highest ticket that met success.
    worked: AtomicU64,
    /// A success proves the credential only with a higher ticket than this.
    unproven_until: AtomicU64,
    refused: AtomicBool,
    /// Held by the only call in flight while the credential is unproven.
    first: Mutex<()>,
    /// How many calls met a 401 that is not explained yet.
    doubts: watch::Sender<usize>,
    /// Held by the one call that finds out what a 401 meant.
    inquiry: Mutex<()>,
}

impl Credential {
    /// Waits until a call may be sent: not while there is a doubt, and while the credential is unproven one at a time, the
    /// guard in hand.
    pub(super) async fn admit(&self) -> Result<Option<MutexGuard<'_, ()>>, Refused> {
        // The sender lives as long as this, so the wait ends with the doubts.
        let _ = self.doubts.subscribe().wait_for(|doubts| *doubts == 0).await;
        let alone = if self.is_proven() { None } else { Some(self.first.lock().await) };
        self.check()?;
        Ok(alone.filter(|_| !self.is_proven()))
    }

    /// Whether a call that was admitted some time ago may still be sent.
    pub(super) fn still_admits(&self, is_alone: bool) -> bool {
        *self.doubts.borrow() == 0 && (is_alone || self.is_proven())
    }

    /// Fails if the credential has been refused meanwhile.
    pub(super) fn check(&self) -> Result<(), Refused> {
        if self.refused.load(Ordering::Acquire) { Err(Refused) } else { Ok(()) }
    }

    pub(super) fn sending(&self) -> Ticket {
        Ticket(self.sent.fetch_add(1, Ordering::Relaxed) + 1)
    }

    pub(super) fn worked(&self, ticket: Ticket) {
        self.worked.fetch_max(ticket.0, Ordering::AcqRel);
    }

    pub(super) fn is_proven(&self) -> bool {
        self.worked.load(Ordering::Acquire) > self.unproven_until.load(Ordering::Acquire)
    }

    pub(super) fn refuse(&self) {
        self.refused.store(true, Ordering::Release);
    }

    /// Holds back other calls, because this one met a 401, until that is dropped.
    pub(super) fn doubt(self: &Arc<Self>, ticket: Ticket) -> Doubt {
        self.doubts.send_modify(|doubts| *doubts += 1);
        Doubt { credential: self.clone(), ticket }
    }

    /// Waits until no other doubt is being looked into.
    pub(super) async fn inquire(&self) -> MutexGuard<'_, ()> {
        self.inquiry.lock().await
    }
}

/// A call met a 401 while the credential was known to work, and what it means is not known yet.
#[derive(Debug)]
pub(super) struct Doubt {
    credential: Arc<Credential>,
    ticket: Ticket,
}

impl Doubt {
    /// Whether a call that was sent later succeeded.
    pub(super) fn is_explained(&self) -> bool {
        self.credential.worked.load(Ordering::Acquire) > self.ticket.0
    }
}

impl Drop for Doubt {
    /// Also when the call is cancelled in the middle of its inquiry.
    fn drop(&mut self) {
        let credential = &self.credential;
        if !self.is_explained() {
            credential.unproven_until.fetch_max(credential.sent.load(Ordering::Relaxed), Ordering::AcqRel);
        }
        credential.doubts.send_modify(|doubts| *doubts -= 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proven() -> Arc<Credential> {
        let credential = Arc::new(Credential::default());
        credential.worked(credential.sending());
        credential
    }

    #[tokio::test]
    async fn calls_go_one_at_a_time_until_one_worked() {
        let credential = Credential::default();
        let first = credential.admit().await.unwrap();
        assert!(first.is_some());
        let mut second = std::pin::pin!(credential.admit());
        assert!(futures_util::poll!(&mut second).is_pending());
        credential.worked(credential.sending());
        drop(first);
        assert!(second.await.unwrap().is_none(), "proven meanwhile");
    }

    #[tokio::test]
    async fn nothing_goes_after_a_refusal() {
        let credential = Credential::default();
        let first = credential.admit().await.unwrap();
        let mut second = std::pin::pin!(credential.admit());
        assert!(futures_util::poll!(&mut second).is_pending());
        credential.refuse();
        drop(first);
        assert!(second.await.is_err());
    }

    #[tokio::test]
    async fn doubts_hold_back_every_call_until_the_last_is_explained() {
        let credential = proven();
        let doubts = [(); 2].map(|()| credential.doubt(credential.sending()));
        let mut call = std::pin::pin!(credential.admit());
        assert!(futures_util::poll!(&mut call).is_pending());
        assert!(!credential.still_admits(false), "nor one that was admitted before");
        credential.worked(credential.sending());
        let [first, last] = doubts;
        drop(first);
        assert!(futures_util::poll!(&mut call).is_pending());
        drop(last);
        assert!(call.await.unwrap().is_none());
        assert!(credential.still_admits(false));
    }

    #[tokio::test]
    async fn a_doubt_that_ends_unexplained_leaves_the_credential_unproven() {
        let credential = proven();
        let early = credential.sending();
        drop(credential.doubt(credential.sending()));
        assert!(!credential.still_admits(false), "those admitted before must queue again");
        credential.worked(early);
        let alone = credential.admit().await.unwrap();
        assert!(alone.is_some(), "a call that was sent before proves nothing");
        assert!(credential.still_admits(true));
        credential.worked(credential.sending());
        drop(alone);
        assert!(credential.admit().await.unwrap().is_none());
    }

    #[test]
    fn only_a_later_call_vouches() {
        let credential = proven();
        let (early, denied, late) = (credential.sending(), credential.sending(), credential.sending());
        let doubt = credential.doubt(denied);
        credential.worked(early);
        assert!(!doubt.is_explained());
        credential.worked(late);
        assert!(doubt.is_explained());
    }
}
