//! The question whose answer is a secret: asked of local accounts alone, and no longer than it gets answers.

use std::sync::atomic::{AtomicU32, Ordering};

use super::{TwoFactorPolicy, User};
use crate::console::{Console, Error, ErrorKind, TwoFactorKey};
use crate::model::{ConsoleSettings, TwoFactor, UserId};

/// Refusals in a row that end the asking: this console does not answer the question for this account.
const REFUSALS_IN_A_ROW: u32 = 5;

/// Who is asked for two-factor state, and what the answers mean (`console-api.md` §8).
pub(super) struct TwoFactorQuestion<'a> {
    console: &'a Console,
    policy: TwoFactorPolicy,
    /// The console's own switch; `None` if it could not be read.
    switched_on: Option<bool>,
    refused: AtomicU32,
}

impl<'a> TwoFactorQuestion<'a> {
    pub(super) fn new(console: &'a Console, policy: TwoFactorPolicy, settings: &ConsoleSettings) -> Self {
        Self { console, policy, switched_on: settings.two_factor, refused: AtomicU32::new(0) }
    }

    /// Whether anybody is asked at all.
    pub(super) fn is_asked(&self) -> bool {
        self.policy == TwoFactorPolicy::Auto && self.switched_on != Some(false)
    }

    /// Whether this user is asked: only accounts whose password the console itself checks.
    pub(super) fn is_for(&self, user: &User) -> bool {
        self.is_asked() && user.is_local() == Some(true)
    }

    /// Asks. 401, 403 and 404 prove nothing here: the console sends them for "none configured" as well.
    pub(super) async fn ask(&self, id: UserId) -> Result<TwoFactor, Error> {
        if self.refused.load(Ordering::Relaxed) >= REFUSALS_IN_A_ROW {
            return Ok(TwoFactor::Undetermined);
        }
        let state = match self.console.get_two_factor_authentication_key(id).await {
            Ok(TwoFactorKey::Present) => TwoFactor::Configured,
            Ok(TwoFactorKey::Absent) => TwoFactor::NotConfigured,
            Err(Error { kind: ErrorKind::Forbidden { .. } | ErrorKind::NotFound, .. }) => {
                self.refused.fetch_add(1, Ordering::Relaxed);
                return Ok(TwoFactor::Undetermined);
            }
            Err(error) => return Err(error),
        };
        self.refused.store(0, Ordering::Relaxed);
        Ok(state)
    }

    /// Settles what follows without asking: external accounts are the identity provider's, and while the console has
    /// two-factor authentication switched off, no local account has a second factor.
    pub(super) fn apply(&self, mut user: User) -> User {
        user.two_factor = match (user.is_local(), self.switched_on) {
            (Some(false), _) => TwoFactor::Delegated,
            (Some(true), Some(false)) => TwoFactor::NotConfigured,
            _ => user.two_factor,
        };
        user
    }
}
