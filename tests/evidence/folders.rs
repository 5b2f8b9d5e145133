//! What lies in the folders that somebody hands in: all of it is looked at, or it is told what is not.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use recert::evidence::{Anchors, BadLink, ChainReport, places, verify};

use crate::kept::{Kept, SECRET, copied};

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
