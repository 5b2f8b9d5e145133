//! Values that many accounts have in common.

use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// A value that others may hold too. Reading is as of the value itself; a change makes it this holder's own.
///
/// Accounts are many, and what they are by is little: on a large console it is this that keeps judging within the caches.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Shared<T>(Arc<T>);

impl<T> From<T> for Shared<T> {
    fn from(value: T) -> Self {
        Self(Arc::new(value))
    }
}

impl<T> Deref for Shared<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: Clone> DerefMut for Shared<T> {
    fn deref_mut(&mut self) -> &mut T {
        Arc::make_mut(&mut self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_the_holders_own() {
        let one = Shared::from(String::from("user"));
        let mut other = one.clone();
        other.push('s');
        assert_eq!((one.as_str(), other.as_str()), ("user", "users"));
    }
}
