//! Delivery: artifacts on their way to people. One attempt each; what failed is said, and nothing half-done stays.

mod directory;
mod manifest;

pub use directory::{PublishError, holds_run, keep_latest, publish};
pub use manifest::{Manifest, ManifestFile};
