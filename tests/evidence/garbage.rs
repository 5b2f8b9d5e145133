//! What nobody made: it is refused, quickly, and nothing breaks.

use std::fs;
use std::io::{Cursor, Write};

use recert::evidence::{Anchors, Place, check_pack, check_statement, places, verify};
use zip::write::SimpleFileOptions;

use crate::kept::{Kept, SECRET};

/// An archive of ZIP's own making.
fn zipped(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in files {
        archive.start_file(*name, SimpleFileOptions::default()).unwrap();
        archive.write_all(content).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_archive_that_is_cut_stretched_or_mixed_is_refused() {
    let kept = Kept::of(1, Some(SECRET)).await;
    let pack = kept.packs().await.pop().unwrap();
    let refused = |bytes: Vec<u8>| check_pack(Cursor::new(bytes), &[]).is_err();
    assert!(!refused(pack.clone()));
    let mut random = fastrand::Rng::with_seed(3);
    for _ in 0..400 {
        let (from, to) = (random.usize(..pack.len()), random.usize(..pack.len()));
        let (from, to) = (from.min(to), from.max(to));
        let mut mixed = pack.clone();
        match random.u8(..4) {
            0 => mixed.truncate(to),
            1 => drop(mixed.drain(from..=to)),
            2 => drop(mixed.splice(from..from, pack[from..=to].iter().copied())),
            _ => mixed[from..=to].fill_with(|| random.u8(..)),
        }
        assert!(mixed == pack || refused(mixed), "{from} to {to}");
    }
    for (at, more) in [(0, b"x".as_slice()), (pack.len(), b"x"), (pack.len(), &pack)] {
        let mut longer = pack.clone();
        drop(longer.splice(at..at, more.iter().copied()));
        assert!(refused(longer), "{} bytes more at {at}", more.len());
    }
}

#[test]
fn archives_of_another_making_are_refused() {
    let bomb = vec![0; 50 << 20];
    for (what, bytes) in [
        ("nothing", Vec::new()),
        ("an empty archive", zipped(&[])),
        ("a foreign one", zipped(&[("manifest.json", b"{}")])),
        ("a way out", zipped(&[("../../etc/cron.d/x", b"* * * * *"), ("manifest.json", b"{}")])),
        ("a bomb", zipped(&[("a", &bomb), ("manifest.json", &bomb)])),
        ("one file twice", [zipped(&[("a", b"1")]), zipped(&[("a", b"2")])].concat()),
        ("an end alone", [b"PK\x05\x06".as_slice(), &[0xff; 18]].concat()),
    ] {
        let broken = check_pack(Cursor::new(bytes), &[]).unwrap_err();
        assert!(!broken.fault.to_string().is_empty(), "{what}");
    }
    for statement in
        ["", "{}", "[]", "null", r#"{"_type":"https://in-toto.io/Statement/v1"}"#, &"[".repeat(200_000)]
    {
        assert!(check_statement(statement.as_bytes(), None, &[]).is_err());
    }
}

#[cfg(unix)]
#[test]
fn links_are_not_followed_and_odd_files_are_no_evidence() {
    let folder = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink("/", folder.path().join("root")).unwrap();
    std::os::unix::fs::symlink("/dev/zero", folder.path().join("endless.zip")).unwrap();
    fs::write(folder.path().join("notes.txt"), "nothing").unwrap();
    assert_eq!(places(folder.path()).unwrap(), []);
    let run = folder.path().join("run");
    fs::create_dir(&run).unwrap();
    for name in ["evidence.zip", "manifest.json"] {
        assert!(std::process::Command::new("mkfifo").arg(run.join(name)).status().unwrap().success());
    }
    assert_eq!(places(folder.path()).unwrap(), [], "a pipe never ends");
    let report = verify(&[Place::Run(run.clone())], &Anchors::default());
    assert!(report.faults[0].problem.contains("no plain file"), "{report:?}");
    fs::write(folder.path().join("other.zip"), "nothing").unwrap();
    let report = verify(&places(folder.path()).unwrap(), &Anchors::default());
    assert_eq!(report.faults.len(), 1);
}
