//! Debian's minisign has the last word: it knows nothing of recert.

use std::fs;
use std::io::{Cursor, Read};
use std::path::Path;
use std::process::Command;

use recert::evidence::{SigningKey, check_statement};

use crate::kept::{Kept, OTHER, PUBLIC, SECRET};
use crate::programs::{finished, program};

fn accepts(minisign: &Path, statement: &Path, public: &str) -> bool {
    let output = Command::new(minisign).args(["-V", "-P", public, "-m"]).arg(statement).output().unwrap();
    output.status.success()
}

/// The statement and the comment are genuine, the signature is somebody else's: without any key from elsewhere, the
/// statement itself says whose it must be.
#[tokio::test(flavor = "multi_thread")]
async fn a_statement_that_somebody_else_signs_anew_is_refused() {
    let Some(minisign) = program("minisign") else { return };
    let kept = Kept::of(1, Some(SECRET)).await;
    let (statement, genuine) = kept.store().statement(1).await.unwrap();
    let genuine = genuine.unwrap();
    assert!(check_statement(&statement, Some(genuine.as_bytes()), &[]).is_ok());
    let comment = genuine.lines().nth(2).unwrap().strip_prefix("trusted comment: ").unwrap();
    let (path, key) = (kept.path("manifest.json"), kept.path("other.key"));
    fs::write(&path, &statement).unwrap();
    fs::write(&key, OTHER).unwrap();
    let mut command = Command::new(&minisign);
    finished(command.args(["-S", "-t", comment, "-s"]).arg(&key).arg("-m").arg(&path));
    let anew = fs::read(path.with_added_extension("minisig")).unwrap();
    let refused = check_statement(&statement, Some(&anew), &[]).unwrap_err();
    assert_eq!(refused.fault.file.as_deref(), Some("manifest.json.minisig"), "{refused:?}");
    assert!(check_statement(&statement, None, &[]).is_err(), "the signature is taken away");
}

#[tokio::test(flavor = "multi_thread")]
async fn minisign_accepts_a_genuine_statement_and_refuses_a_changed_one() {
    let Some(minisign) = program("minisign") else { return };
    let kept = Kept::of(2, Some(SECRET)).await;
    let pack = kept.packs().await.pop().unwrap();
    let mut archive = zip::ZipArchive::new(Cursor::new(pack)).unwrap();
    let mut file = |name: &str| {
        let mut bytes = Vec::new();
        archive.by_name(name).unwrap().read_to_end(&mut bytes).unwrap();
        fs::write(kept.path(name), &bytes).unwrap();
        bytes
    };
    let (statement, signature) = (file("manifest.json"), file("manifest.json.minisig"));
    let path = kept.path("manifest.json");
    let mut command = Command::new(&minisign);
    let said = finished(command.args(["-V", "-P", PUBLIC, "-m"]).arg(&path));
    let said = String::from_utf8(said.stdout).unwrap();
    let run = kept.store().links().await.unwrap()[1].run.clone();
    assert!(said.contains(&format!("Trusted comment: recert evidence of run {run}, link 2")), "{said}");

    let other = SigningKey::parse(OTHER).unwrap().public().to_string();
    assert!(!accepts(&minisign, &path, &other), "by another key");
    let changed = String::from_utf8(statement.clone()).unwrap().replacen("weekly", "weakly", 1);
    fs::write(&path, changed).unwrap();
    assert!(!accepts(&minisign, &path, PUBLIC), "a changed statement");
    fs::write(&path, statement).unwrap();
    let moved = String::from_utf8(signature).unwrap().replace("link 2", "link 3");
    fs::write(kept.path("manifest.json.minisig"), moved).unwrap();
    assert!(!accepts(&minisign, &path, PUBLIC), "a changed comment");
}
