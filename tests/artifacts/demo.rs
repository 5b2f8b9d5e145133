//! The files of `recert demo`: what a newcomer opens first.

use std::path::PathBuf;
use std::sync::LazyLock;

use tempfile::TempDir;

/// The directory of a demo, made once for all tests.
static DEMO: LazyLock<TempDir> = LazyLock::new(|| {
    let directory = tempfile::tempdir().unwrap();
    let mut demo = assert_cmd::Command::cargo_bin("recert").unwrap();
    demo.args(["demo", "--out", "files"]).current_dir(directory.path()).assert().success();
    directory
});

/// Where a file of the demo is.
pub(crate) fn file(name: &str) -> PathBuf {
    DEMO.path().join("files").join(name)
}
