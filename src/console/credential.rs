//! What is known of the credential, so that a wrong one costs one failed login and not one for each call.
//!
//! The console counts failed logins and locks accounts, and its 401 has several meanings: a wrong password, a missing
//! one-time code, a missing right, maintenance. Calls are numbered as they are sent. A success with a higher number than a
//! call that met a 401 proves that the credential still worked afterwards, and that the 401 is about the resource.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use tokio::sync::{Mutex, MutexGuard};

/// The number of a call, in the order of sending; from 1 on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Ticket(u64);

/// The credential is known to be refused, and nothing may be sent.
#[derive(Debug)]
pub(super) struct Refused;

#[derive(Default)]
pub(super) struct Credential {
    sent: AtomicU64,
    /// The highest ticket that met success; 0 while the credential is unproven.
    worked: AtomicU64,
    refused: AtomicBool,
    /// Held by the only call in flight while the credential is unproven.
    first: Mutex<()>,
    /// Held by the one call that finds out what a 401 meant.
    doubt: Mutex<()>,
    doubted: AtomicBool,
}

impl Credential {
    /// Waits until a call may be sent. While the credential is unproven that is one at a time, the guard in hand; while it
    /// is in doubt, none but the probe.
    pub(super) async fn admit(&self, is_probe: bool) -> Result<Option<MutexGuard<'_, ()>>, Refused> {
        if self.doubted.load(Ordering::Acquire) && !is_probe {
            drop(self.doubt.lock().await);
        }
        let alone = if self.is_proven() { None } else { Some(self.first.lock().await) };
        self.check()?;
        Ok(alone.filter(|_| !self.is_proven()))
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
        self.worked.load(Ordering::Acquire) > 0
    }

    /// Whether a call that was sent later than this one succeeded.
    pub(super) fn worked_after(&self, ticket: Ticket) -> bool {
        self.worked.load(Ordering::Acquire) > ticket.0
    }

    pub(super) fn refuse(&self) {
        self.refused.store(true, Ordering::Release);
    }

    /// Holds back other calls, and others with a 401, until the guard is dropped.
    pub(super) async fn doubt(&self) -> Doubt<'_> {
        let guard = self.doubt.lock().await;
        self.doubted.store(true, Ordering::Release);
        Doubt { credential: self, _guard: guard }
    }
}

/// The credential is being looked into.
pub(super) struct Doubt<'a> {
    credential: &'a Credential,
    _guard: MutexGuard<'a, ()>,
}

impl Drop for Doubt<'_> {
    fn drop(&mut self) {
        self.credential.doubted.store(false, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn calls_go_one_at_a_time_until_one_worked() {
        let credential = Credential::default();
        let first = credential.admit(false).await.unwrap();
        assert!(first.is_some());
        let mut second = std::pin::pin!(credential.admit(false));
        assert!(futures_util::poll!(&mut second).is_pending());
        credential.worked(credential.sending());
        drop(first);
        assert!(second.await.unwrap().is_none(), "proven meanwhile");
    }

    #[tokio::test]
    async fn nothing_goes_after_a_refusal() {
        let credential = Credential::default();
        let first = credential.admit(false).await.unwrap();
        let mut second = std::pin::pin!(credential.admit(false));
        assert!(futures_util::poll!(&mut second).is_pending());
        credential.refuse();
        drop(first);
        assert!(second.await.is_err());
    }

    #[tokio::test]
    async fn a_doubt_holds_back_all_but_the_probe() {
        let credential = Credential::default();
        credential.worked(credential.sending());
        let doubt = credential.doubt().await;
        let mut call = std::pin::pin!(credential.admit(false));
        assert!(futures_util::poll!(&mut call).is_pending());
        assert!(credential.admit(true).await.is_ok());
        drop(doubt);
        assert!(call.await.is_ok());
    }

    #[test]
    fn only_a_later_call_vouches() {
        let credential = Credential::default();
        let (early, denied, late) = (credential.sending(), credential.sending(), credential.sending());
        credential.worked(early);
        assert!(!credential.worked_after(denied));
        credential.worked(late);
        assert!(credential.worked_after(denied));
    }
}
