//! What outlives a run. For now: snapshots in files that the user names.

mod snapshot_file;

pub use snapshot_file::{SnapshotFileError, read_snapshots, write_snapshots};
