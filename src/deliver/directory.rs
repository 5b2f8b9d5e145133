//! A directory that receives the files of one review: each written aside, synced and renamed, the manifest last.
//!
//! A directory with a manifest is whole. Without one, something failed, and what was written is taken away again. Some
//! files lie in folders below it. What a manifest that was found somewhere says of paths is not believed: none leads out
//! of its directory, and nothing behind a link is read as a run's file or taken away.

mod listed;
mod publish;
mod runs;
#[cfg(test)]
mod trial;
mod write;

use std::io;
use std::path::PathBuf;

use thiserror::Error;

pub use publish::{Published, publish, publish_redacted};
pub use runs::{copy_run, holds_only_job, holds_run, keep_latest, take_out};
pub use write::{DIRECTORY_MODE, FILE_MODE};

const MANIFEST: &str = "manifest.json";

/// Why a directory did not receive a review.
#[derive(Debug, Error)]
pub enum PublishError {
    /// It holds something.
    #[error("{}: the directory is not empty; name a new one, so that no earlier evidence is overwritten", .0.display())]
    NotEmpty(PathBuf),
    /// It cannot be written.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}
