//! Rosters in files: which file is read, how old and how large it may be.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use chrono::{DateTime, Utc};
use recert::model::GapReason;
use recert::people::{Format, Layout, Limits, Origin, Reading, RosterError, Source};
use sha2::{Digest, Sha256};

const TEXT: &str = "id,email\n7,ana@corp.example\n";

fn now() -> DateTime<Utc> {
    "2026-11-25T12:00:00Z".parse().unwrap()
}

async fn read(path: &Path, max_age_days: Option<u32>, bytes: u64) -> Reading {
    let origin = Origin::File { path: path.to_owned(), max_age_days };
    let limits = Limits { bytes, ..Limits::default() };
    Source { origin, layout: Layout::new(Format::Csv), limits }.read(now()).await
}

fn people(directory: &tempfile::TempDir) -> PathBuf {
    let path = directory.path().join("people.csv");
    fs::write(&path, TEXT).unwrap();
    path
}

async fn refused(path: &Path, max_age_days: Option<u32>, bytes: u64) -> (String, GapReason) {
    let error = read(path, max_age_days, bytes).await.unwrap_err();
    (error.to_string(), error.gap().reason)
}

#[tokio::test]
async fn reads_a_file_and_says_what_it_was() {
    let directory = tempfile::tempdir().unwrap();
    let (roster, source) = read(&people(&directory), None, TEXT.len() as u64).await.unwrap();
    assert_eq!((roster.len(), source.label.as_str(), source.people), (1, "people.csv", 1));
    assert_eq!(source.sha256, hex::encode(Sha256::digest(TEXT)));
    assert_eq!(source.read, now());
}

#[tokio::test]
async fn refuses_what_is_too_large() {
    let directory = tempfile::tempdir().unwrap();
    let (error, reason) = refused(&people(&directory), None, TEXT.len() as u64 - 1).await;
    assert!(error.contains("people.csv") && error.contains("larger than 27 bytes"), "{error}");
    assert_eq!(reason, GapReason::Unavailable);
}

#[tokio::test]
async fn refuses_a_stale_file() {
    let directory = tempfile::tempdir().unwrap();
    let path = people(&directory);
    let day = Duration::from_hours(24);
    let aged = |age: Duration| {
        let time = SystemTime::from(now()) - age;
        fs::File::options().write(true).open(&path).unwrap().set_modified(time).unwrap();
    };
    aged(7 * day);
    assert!(read(&path, Some(7), 1_000).await.is_ok(), "exactly as old as it may be");
    aged(7 * day + Duration::from_secs(1));
    assert!(read(&path, None, 1_000).await.is_ok(), "any age");
    let (error, _) = refused(&path, Some(7), 1_000).await;
    for part in ["people.csv", "stale", "2026-11-18", "max_age_days is 7"] {
        assert!(error.contains(part), "{error}");
    }
}

#[tokio::test]
async fn refuses_what_is_no_file() {
    let directory = tempfile::tempdir().unwrap();
    let (error, reason) = refused(directory.path(), None, 1_000).await;
    assert!(error.contains("not a regular file"), "{error}");
    assert_eq!(reason, GapReason::Unavailable);
    let pipe = directory.path().join("pipe.csv");
    rustix::fs::mkfifoat(rustix::fs::CWD, &pipe, 0o600.into()).unwrap();
    let (error, _) = refused(&pipe, None, 1_000).await;
    assert!(error.contains("pipe.csv") && error.contains("not a regular file"), "{error}");
    let (error, _) = refused(Path::new("/dev/null"), None, 1_000).await;
    assert!(error.contains("not a regular file"), "{error}");
    let (error, _) = refused(&directory.path().join("missing.csv"), None, 1_000).await;
    assert!(error.contains("missing.csv"), "{error}");
}

#[tokio::test]
async fn a_link_leads_to_its_file() {
    let directory = tempfile::tempdir().unwrap();
    let link = directory.path().join("latest.csv");
    std::os::unix::fs::symlink(people(&directory), &link).unwrap();
    assert_eq!(read(&link, None, 1_000).await.unwrap().1.label, "latest.csv");
}

#[tokio::test]
async fn a_mistake_names_file_and_line() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("people.csv");
    fs::write(&path, "id,end\n7,CANARY\n").unwrap();
    let error = read(&path, None, 1_000).await.unwrap_err();
    assert!(matches!(error, RosterError::Malformed { .. }));
    let (text, gap) = (error.to_string(), error.gap());
    assert!(text.contains("people.csv: line 2, column \"end\"") && !text.contains("CANARY"), "{text}");
    assert_eq!((gap.endpoint.as_str(), gap.id, gap.reason), ("roster", None, GapReason::Malformed));
}
