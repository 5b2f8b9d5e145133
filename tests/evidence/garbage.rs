//! What nobody made: it is refused, quickly, and nothing breaks.

use std::fs;
use std::io::{Cursor, Write};

use recert::evidence::{Anchors, BadLink, Place, Unseen, check_pack, check_statement, places, verify};
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
    let at = |name: &str| folder.path().join(name);
    std::os::unix::fs::symlink("/", at("root")).unwrap();
    std::os::unix::fs::symlink("/dev/zero", at("endless.zip")).unwrap();
    fs::write(at("notes.txt"), "nothing").unwrap();
    std::os::unix::fs::symlink(at("notes.txt"), at("more.txt")).unwrap();
    let unseen = |name: &str| Place::Unseen(at(name), Unseen::Link);
    assert_eq!(places(folder.path()).unwrap(), [unseen("endless.zip"), unseen("root")]);
    for link in ["root", "endless.zip"] {
        fs::remove_file(at(link)).unwrap();
    }
    let run = at("run");
    fs::create_dir(&run).unwrap();
    for path in [run.join("evidence.zip"), run.join("manifest.json"), at("link-000001.json")] {
        assert!(std::process::Command::new("mkfifo").arg(path).status().unwrap().success());
    }
    let found = [Place::Run(run), Place::Unseen(at("link-000001.json"), Unseen::Odd)];
    assert_eq!(places(folder.path()).unwrap(), found);
    let report = verify(&found, &Anchors::default());
    let odd = |fault: &BadLink| fault.problem.contains("no plain file");
    assert!(report.faults.len() == 2 && report.faults.iter().all(odd), "a pipe never ends: {report:?}");
    fs::write(at("other.zip"), "nothing").unwrap();
    let report = verify(&places(folder.path()).unwrap(), &Anchors::default());
    assert_eq!(report.faults.len(), 3);
}
