//! Where pictures go, and what every one of them must be.

use std::fs;
use std::path::{Path, PathBuf};

/// The directory of all pictures; those of one subject, from an earlier run, are taken away.
pub(crate) fn directory(subject: &str) -> PathBuf {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/screenshots");
    fs::create_dir_all(&directory).unwrap();
    for old in of(&directory, subject) {
        fs::remove_file(old).unwrap();
    }
    directory
}

/// The pictures of one subject, in order.
pub(crate) fn of(directory: &Path, subject: &str) -> Vec<PathBuf> {
    let name = |path: &PathBuf| path.file_name().unwrap().to_string_lossy().into_owned();
    let mut found: Vec<PathBuf> = fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| name(path).starts_with(&format!("{subject}-")))
        .collect();
    found.sort();
    found
}

/// Width and height of a PNG that shows something: a blank one packs to next to nothing.
pub(crate) fn size(picture: &Path) -> (u32, u32) {
    let bytes = fs::read(picture).unwrap();
    assert!(bytes.starts_with(b"\x89PNG\r\n\x1a\n"), "{} is no PNG", picture.display());
    let number = |at: usize| u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap());
    let (width, height) = (number(16), number(20));
    let blank = bytes.len() as u64 * 250 < u64::from(width) * u64::from(height);
    assert!(!blank, "{} is blank: {} bytes for {width} x {height}", picture.display(), bytes.len());
    (width, height)
}
