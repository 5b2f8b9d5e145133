//! What people ask of the daemon and its store.
