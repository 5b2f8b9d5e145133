//! What lies in the folders that somebody hands in: all of it is looked at, or it is told what is not.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use recert::evidence::{Anchors, BadLink, ChainReport, Place, places, places_of, verify};

use crate::kept::{Kept, SECRET, copied, unpacked};

fn checked(folder: &Path) -> ChainReport {
    verify(&places(folder).unwrap(), &Anchors::default())
}

fn faults(folder: &Path) -> Vec<BadLink> {
    checked(folder).faults
}

/// The one fault of a folder, as the file and what is wrong with it.
fn fault(folder: &Path) -> (Option<String>, String) {
    let mut faults = faults(folder);
    assert_eq!(faults.len(), 1, "{faults:?}");
    let fault = faults.remove(0);
    (fault.file, fault.problem)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_archive_hides_none_of_the_runs_below_it() {
    let kept = Kept::of(4, Some(SECRET)).await;
    let runs = kept.runs().await;
    let top = kept.path("top");
    copied(&kept.folder(), &top);
    let below = |run: &Path| top.join(run.file_name().unwrap());
    fs::remove_dir_all(below(&runs[0])).unwrap();
    fs::copy(runs[0].join("evidence.zip"), top.join("evidence.zip")).unwrap();
    fs::rename(below(&runs[3]).join("evidence.zip"), top.join("link-000004.zip")).unwrap();
    fs::remove_dir_all(below(&runs[3])).unwrap();
    let report = checked(&top);
    assert_eq!((report.links.len(), report.faults), (4, Vec::new()));
    let whole = fs::read(below(&runs[2]).join("report.json")).unwrap();
    fs::write(below(&runs[2]).join("report.json"), "changed").unwrap();
    assert_eq!(fault(&top).0.as_deref(), Some("report.json"));
    fs::write(below(&runs[2]).join("report.json"), whole).unwrap();
    fs::write(top.join("link-000004.zip"), "changed").unwrap();
    assert!(fault(&top).1.contains("is no evidence"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_looked_into_is_told() {
    let kept = Kept::of(2, None).await;
    let runs = kept.runs().await;
    let top = kept.path("top");
    let deep = top.join("a/b/c/d/e/f/g/h");
    copied(&runs[0], &deep);
    fs::copy(runs[1].join("evidence.zip"), top.join("SECOND.ZIP")).unwrap();
    let report = checked(&top);
    assert_eq!((report.links.len(), report.faults), (2, Vec::new()), "deep, and in capitals");

    // What a link leads to is met by its own name.
    symlink(&deep, top.join("latest")).unwrap();
    assert_eq!(faults(&top), []);
    for (name, target) in [("elsewhere", kept.folder()), ("gone", kept.path("nowhere")), ("up", "..".into())]
    {
        symlink(target, top.join(name)).unwrap();
        let (_, problem) = fault(&top);
        assert!(problem.contains("not looked into") && problem.contains("a link"), "{problem}");
        fs::remove_file(top.join(name)).unwrap();
    }
    // A name that is no evidence's, behind one that is.
    fs::write(top.join("archive.dat"), "nothing").unwrap();
    symlink(top.join("archive.dat"), top.join("third.zip")).unwrap();
    assert!(fault(&top).1.contains("a link"));
    fs::remove_file(top.join("third.zip")).unwrap();

    let abyss = (0..20).fold(top.clone(), |path, _| path.join("x"));
    copied(&runs[1], &abyss);
    let (_, problem) = fault(&top);
    assert!(problem.contains("not looked into") && problem.contains("too deep"), "{problem}");
}

#[tokio::test(flavor = "multi_thread")]
async fn files_of_a_run_without_their_manifest_are_checked_all_the_same() {
    let kept = Kept::of(1, Some(SECRET)).await;
    let run = kept.runs().await.remove(0);
    let manifest = run.join("manifest.json");
    let aside = kept.path("aside.json");
    fs::rename(&manifest, &aside).unwrap();
    let (file, problem) = fault(&run);
    assert!(file.as_deref() == Some("manifest.json") && problem.contains("is missing"), "{problem}");
    symlink("nowhere", &manifest).unwrap();
    let (file, problem) = fault(&run);
    assert!(file.as_deref() == Some("manifest.json") && problem.contains("a link"), "{problem}");

    let report = run.join("report.json");
    let whole = fs::read(&report).unwrap();
    fs::write(&report, "changed").unwrap();
    let found = faults(&run);
    assert!(found.iter().any(|fault| fault.file.as_deref() == Some("report.json")), "{found:?}");
    assert!(found.iter().all(|fault| fault.index == Some(1)), "{found:?}");
    // The archive alone is no directory of a run, whatever lies beside it.
    fs::remove_file(&report).unwrap();
    fs::remove_file(&manifest).unwrap();
    fs::write(run.join("notes.txt"), "of the auditor").unwrap();
    symlink("notes.txt", run.join("latest.txt")).unwrap();
    symlink("/", run.join("elsewhere")).unwrap();
    assert_eq!(faults(&run), []);
    // What the archive holds beside the run's files counts where it was put there.
    fs::write(run.join("snapshot.json"), "changed").unwrap();
    assert_eq!(fault(&run).0.as_deref(), Some("snapshot.json"));
    fs::remove_file(run.join("snapshot.json")).unwrap();
    symlink("notes.txt", run.join("snapshot.json")).unwrap();
    let (file, problem) = fault(&run);
    assert!(file.as_deref() == Some("snapshot.json") && problem.contains("a link"), "{problem}");
    for name in ["snapshot.json", "latest.txt", "elsewhere"] {
        fs::remove_file(run.join(name)).unwrap();
    }
    fs::remove_file(run.join("notes.txt")).unwrap();
    fs::write(report, whole).unwrap();
    fs::rename(aside, manifest).unwrap();
    assert_eq!(faults(&run), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_nothing_vouches_for_is_a_fault() {
    let kept = Kept::of(2, None).await;
    let runs = kept.runs().await;
    for name in ["users.csv", ".hidden", "parquet/users.parquet", "VERIFY.TXT", "link-000009.json.minisig"] {
        let path = runs[1].join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, "foreign").unwrap();
        let (file, problem) = fault(&kept.folder());
        assert_eq!((file.as_deref(), problem.as_str()), (Some(name), "is not in the statement"));
        fs::remove_file(path).unwrap();
    }
    fs::write(runs[1].join("a.txt"), "foreign").unwrap();
    fs::write(runs[1].join("b.txt"), "foreign").unwrap();
    symlink("report.json", runs[1].join("c.txt")).unwrap();
    assert_eq!(faults(&kept.folder()).len(), 3, "each of them is told");
    for name in ["a.txt", "b.txt", "c.txt"] {
        fs::remove_file(runs[1].join(name)).unwrap();
    }
    // A file of the run behind a link, and one that is gone.
    let report = runs[1].join("report.json");
    fs::rename(&report, kept.path("report.json")).unwrap();
    assert_eq!(fault(&runs[1]), (Some("report.json".into()), "is missing".into()));
    symlink(kept.path("report.json"), &report).unwrap();
    assert!(fault(&runs[1]).1.contains("a link"));
    fs::remove_file(&report).unwrap();
    fs::rename(kept.path("report.json"), &report).unwrap();
    // A run below a run is one by itself.
    copied(&runs[0], &runs[1].join("earlier/one"));
    fs::remove_dir_all(&runs[0]).unwrap();
    let report = checked(&kept.folder());
    assert_eq!((report.links.len(), report.faults), (2, Vec::new()));
    // An archive alone is none, and vouches for nothing beside it.
    for name in ["manifest.json", "report.json"] {
        fs::remove_file(runs[1].join("earlier/one").join(name)).unwrap();
    }
    fs::write(runs[1].join("earlier/one/users.csv"), "foreign").unwrap();
    let files: Vec<_> = faults(&kept.folder()).into_iter().filter_map(|fault| fault.file).collect();
    assert_eq!(files, ["earlier/one/evidence.zip", "earlier/one/users.csv"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redacted_copy_is_held_against_its_manifest() {
    let shared = tempfile::tempdir().unwrap();
    let directory = format!(
        "[[job.directory]]\npath = {:?}\nredact = [\"name\", \"email\"]\n",
        shared.path().display().to_string()
    );
    let mut kept = Kept::new(None, &directory);
    kept.run("weekly").await;
    kept.run("weekly").await;
    let runs = kept.runs().await;
    let folder = kept.folder();
    assert_eq!(faults(&folder), []);
    let copy = runs[1].join("redacted-email-name");
    let (manifest, report) = (copy.join("manifest.json"), copy.join("report.json"));
    let (of_copy, of_report) = (fs::read_to_string(&manifest).unwrap(), fs::read(&report).unwrap());
    let expect = |file: &str, part: &str| {
        let (found, problem) = fault(&folder);
        assert_eq!(found.as_deref(), Some(format!("redacted-email-name/{file}").as_str()), "{problem}");
        assert!(problem.contains(part), "{problem}");
    };
    fs::write(&report, "changed").unwrap();
    expect("report.json", "was changed");
    fs::remove_file(&report).unwrap();
    expect("report.json", "is missing");
    fs::write(&report, &of_report).unwrap();
    fs::write(copy.join("users.csv"), "foreign").unwrap();
    expect("users.csv", "not in the manifest");
    fs::remove_file(copy.join("users.csv")).unwrap();
    fs::remove_file(&manifest).unwrap();
    expect("manifest.json", "is missing");
    fs::write(&manifest, "{}").unwrap();
    expect("manifest.json", "was changed");
    let value: serde_json::Value = serde_json::from_str(&of_copy).unwrap();
    let whole = value["whole"].as_str().unwrap();
    fs::write(&manifest, of_copy.replace(whole, &"0".repeat(64))).unwrap();
    expect("manifest.json", "another manifest");
    let id = value["run"]["id"].as_str().unwrap();
    fs::write(&manifest, of_copy.replace(id, "another")).unwrap();
    expect("manifest.json", "another copy");
    fs::write(&manifest, &of_copy).unwrap();
    assert_eq!(faults(&folder), []);
    // Each copy in the folder that says what it leaves out.
    fs::rename(&copy, runs[1].join("redacted-name")).unwrap();
    assert!(fault(&folder).1.contains("another copy"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unpacked_archive_is_checked_like_the_archive() {
    for key in [None, Some(SECRET)] {
        let kept = Kept::of(2, key).await;
        let runs = kept.runs().await;
        let top = kept.path("top");
        let folder = top.join("evidence");
        unpacked(&runs[1].join("evidence.zip"), &folder);
        fs::copy(runs[0].join("evidence.zip"), top.join("first.zip")).unwrap();
        let report = checked(&top);
        assert_eq!((report.links.len(), report.faults), (2, Vec::new()));
        assert!(report.links[1].link.unpacked && report.links[1].link.files.is_some_and(|files| files > 4));
        for name in ["report.json", "snapshot.json", "VERIFY.md", "manifest.json", "manifest.json.minisig"] {
            let path = folder.join(name);
            let Ok(whole) = fs::read(&path) else { continue };
            fs::write(&path, "{}").unwrap();
            let found = faults(&top);
            assert_eq!(found.len(), 1, "{name}: {found:?}");
            let at = found[0].file.as_deref();
            assert!(at == Some(name) || name == "manifest.json", "{name}: {found:?}");
            fs::remove_file(&path).unwrap();
            assert!(name == "manifest.json" || !faults(&top).is_empty(), "{name}");
            fs::write(&path, whole).unwrap();
        }
        fs::write(folder.join("notes.txt"), "foreign").unwrap();
        assert_eq!(fault(&top), (Some("notes.txt".into()), "is not in the statement".into()));
        fs::remove_file(folder.join("notes.txt")).unwrap();

        // Where the archive lies: into a folder of its own below it, and straight beside it.
        let below = runs[1].join("evidence");
        copied(&folder, &below);
        assert_eq!(faults(&kept.folder()), []);
        fs::write(below.join("report.json"), "changed").unwrap();
        assert_eq!(fault(&kept.folder()).0.as_deref(), Some("report.json"));
        fs::copy(runs[1].join("evidence.zip"), folder.join("evidence.zip")).unwrap();
        assert_eq!(faults(&folder), []);
        fs::write(folder.join("VERIFY.md"), "changed").unwrap();
        assert_eq!(fault(&folder).0.as_deref(), Some("VERIFY.md"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_reached_by_two_paths_is_looked_at_once() {
    let kept = Kept::of(2, Some(SECRET)).await;
    let (folder, runs) = (kept.folder(), kept.runs().await);
    let link = kept.path("link");
    symlink(&folder, &link).unwrap();
    let dotted = folder.join("..").join(folder.file_name().unwrap());
    let pack = runs[1].join("evidence.zip");
    let unfolded = kept.path("unfolded");
    unpacked(&pack, &unfolded);
    let statement = unfolded.join("manifest.json");
    let paths = [pack.clone(), folder.clone(), dotted, link, pack.clone(), statement, unfolded];
    let report = verify(&places_of(&paths).unwrap(), &Anchors::default());
    assert_eq!((report.links.len(), report.faults), (2, Vec::new()));
    // The folder counts, whose files are checked as well.
    fs::write(runs[1].join("report.json"), "changed").unwrap();
    let report = verify(&places_of(&paths).unwrap(), &Anchors::default());
    assert_eq!(report.faults[0].file.as_deref(), Some("report.json"));
    // A link to what is named too is none to be told, and neither is a depth.
    let top = kept.path("top");
    let deep = (0..20).fold(top.clone(), |path, _| path.join("x"));
    copied(&runs[0], &deep);
    symlink(&folder, top.join("runs")).unwrap();
    let nearer = top.join("x/".repeat(17));
    let told = |paths: &[PathBuf]| {
        let places = places_of(paths).unwrap();
        places.into_iter().filter(|place| matches!(place, Place::Unseen(..))).count()
    };
    assert_eq!(told(std::slice::from_ref(&top)), 2);
    assert_eq!(told(&[top, folder, nearer]), 0);

    let twice = kept.path("twice");
    fs::create_dir(&twice).unwrap();
    fs::copy(&pack, twice.join("a.zip")).unwrap();
    fs::copy(&pack, twice.join("b.zip")).unwrap();
    let (_, problem) = fault(&twice);
    assert!(
        problem.contains("the same archive lies in two places") && problem.contains("a.zip"),
        "{problem}"
    );
}
