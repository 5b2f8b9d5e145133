//! Delivery: artifacts on their way to people. One attempt each by mail or into a directory, and the one retry loop over
//! the outbox. What failed is said, and nothing half-done stays.

mod directory;
mod letter;
mod manifest;
mod outbox;
mod pack;
mod smtp;

pub use directory::{
    DIRECTORY_MODE, FILE_MODE, PublishError, Published, copy_run, holds_only_job, holds_run, keep_latest,
    publish, publish_redacted, take_out,
};
pub use letter::{Letter, LetterError, NamedAs, message_id};
pub use manifest::{Manifest, ManifestFile};
pub use outbox::{Courier, OnAmbiguous, Posted};
pub use pack::{Attachment, LeftFile, Packed, pack};
pub use smtp::{Failure, FailureKind, Relay, RelayTls, Sent, Stage, Steps, probe, send};
