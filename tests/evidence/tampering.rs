//! What somebody does who can write: removes, moves, repeats, replaces, signs anew.

use std::fs;
use std::path::{Path, PathBuf};

use recert::evidence::{Anchors, BadLink, ChainReport, PublicKey, SigningKey, places, verify};

use crate::kept::{Kept, OTHER, PUBLIC, SECRET, copied};

fn faults(folder: &Path, anchors: &Anchors) -> Vec<BadLink> {
    verify(&places(folder).unwrap(), anchors).faults
}

/// A copy of a chain's archives, each in a file named by its link.
async fn exported(kept: &Kept, name: &str) -> PathBuf {
    let folder = kept.path(name);
    fs::create_dir(&folder).unwrap();
    for (index, pack) in kept.packs().await.into_iter().enumerate() {
        fs::write(file(&folder, index + 1), pack).unwrap();
    }
    folder
}

fn file(folder: &Path, link: usize) -> PathBuf {
    folder.join(format!("link-{link:06}.zip"))
}

async fn head(kept: &Kept) -> Anchors {
    Anchors { heads: vec![kept.head().await], keys: Vec::new() }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_whole_chain_is_whole_with_and_without_a_key() {
    for key in [None, Some(SECRET)] {
        let kept = Kept::of(5, key).await;
        let folder = exported(&kept, "whole").await;
        let mut anchors = head(&kept).await;
        let report = verify(&places(&folder).unwrap(), &anchors);
        assert_eq!(report.faults, []);
        let chain = &report.chains[0];
        assert_eq!((chain.first, chain.last, chain.signed), (1, 5, if key.is_some() { 5 } else { 0 }));
        assert_eq!(chain.id.as_deref(), Some(kept.store().installation()));
        anchors.keys.push(PublicKey::parse(PUBLIC).unwrap());
        let with_key = faults(&folder, &anchors);
        if key.is_some() {
            assert_eq!(with_key, []);
        } else {
            assert!(with_key[0].problem.contains("unsigned"), "{with_key:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_removed_link_is_found_given_a_head() {
    let kept = Kept::of(8, None).await;
    let anchors = head(&kept).await;
    for link in 2..=8 {
        let folder = exported(&kept, &format!("without-{link}")).await;
        fs::remove_file(file(&folder, link)).unwrap();
        let found = faults(&folder, &anchors);
        assert!(!found.is_empty(), "link {link}");
        if link < 8 {
            assert_eq!((found[0].index, found.len()), (Some(link as u64), 1), "{found:?}");
            assert!(found[0].problem.contains("not here"), "{found:?}");
        } else {
            assert_eq!(found[0].index, Some(7));
            assert!(found[0].problem.contains("not the given head"), "{found:?}");
        }
    }
    let folder = exported(&kept, "known").await;
    let earlier = kept.store().links().await.unwrap()[5].sha256.clone();
    let found = faults(&folder, &Anchors { heads: vec![earlier], keys: Vec::new() });
    assert_eq!((found.len(), found[0].index), (1, Some(8)), "{found:?}");
    assert!(found[0].problem.contains("up to 6 alone"), "{found:?}");
    let folder = exported(&kept, "late").await;
    fs::remove_file(file(&folder, 1)).unwrap();
    fs::remove_file(file(&folder, 2)).unwrap();
    let report = verify(&places(&folder).unwrap(), &anchors);
    assert_eq!((report.faults.len(), report.chains[0].first), (0, 3), "a chain may start late, and says so");
    for link in 6..=8 {
        fs::remove_file(file(&folder, link)).unwrap();
    }
    assert!(!faults(&folder, &anchors).is_empty(), "cut off at the end");
    assert!(faults(&folder, &Anchors::default()).is_empty(), "which nobody can know without a head");
}

/// Flips a bit within the files of an archive, before its statement.
fn flip(path: &Path) {
    let mut bytes = fs::read(path).unwrap();
    bytes[100] ^= 1;
    fs::write(path, bytes).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_link_hides_none_that_is_missing() {
    let kept = Kept::of(7, None).await;
    let told = |folder: &Path| -> Vec<(u64, bool)> {
        let found = faults(folder, &Anchors::default());
        found.iter().map(|fault| (fault.index.unwrap(), fault.path.is_some())).collect()
    };
    // Which are broken, which are removed, and where the stretches of missing ones begin.
    for (broken, removed, missing) in [
        (vec![2], vec![3], vec![3]),
        (vec![3], vec![2], vec![2]),
        (vec![4], vec![2, 3, 5, 6], vec![2, 5]),
        (vec![2, 4], vec![3], vec![3]),
        (vec![1], vec![2], vec![2]),
        (vec![7], vec![6], vec![6]),
        (vec![3], vec![1, 2], vec![]),
        (vec![5], vec![6, 7], vec![]),
    ] {
        let folder = exported(&kept, &format!("{broken:?} without {removed:?}")).await;
        for link in &broken {
            flip(&file(&folder, *link));
        }
        for link in &removed {
            fs::remove_file(file(&folder, *link)).unwrap();
        }
        let links = broken.iter().map(|link| (*link as u64, true));
        let mut expected: Vec<_> = links.chain(missing.iter().map(|link| (*link, false))).collect();
        expected.sort_unstable();
        assert_eq!(told(&folder), expected, "{broken:?} without {removed:?}");
    }
    // Nor does a broken link of another chain.
    let other = Kept::of(7, None).await;
    let folder = exported(&kept, "two").await;
    fs::create_dir(folder.join("other")).unwrap();
    let beside = exported(&other, "chain").await;
    copied(&beside, &folder.join("other"));
    flip(&file(&folder, 5));
    fs::remove_file(file(&folder.join("other"), 5)).unwrap();
    assert_eq!(told(&folder), [(5, false), (5, true)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn moved_and_repeated_links_are_found() {
    let kept = Kept::of(6, Some(SECRET)).await;
    let anchors = head(&kept).await;
    // The files of two runs change places: what a name says of its content counts nothing.
    let runs = kept.path("runs");
    copied(&kept.folder(), &runs);
    let names: Vec<PathBuf> =
        kept.runs().await.iter().map(|run| runs.join(run.file_name().unwrap())).collect();
    assert_eq!(faults(&runs, &anchors), []);
    let aside = fs::read(names[1].join("evidence.zip")).unwrap();
    fs::copy(names[4].join("evidence.zip"), names[1].join("evidence.zip")).unwrap();
    fs::write(names[4].join("evidence.zip"), aside).unwrap();
    let found = faults(&runs, &anchors);
    let of = |file: &str| found.iter().filter(|fault| fault.file.as_deref() == Some(file)).count();
    assert_eq!((found.len(), of("manifest.json"), of("report.json")), (4, 2, 2), "{found:?}");

    // An old run once more, in place of a later one and as the newest.
    for link in [4, 6] {
        let folder = exported(&kept, &format!("replayed-{link}")).await;
        fs::copy(file(&folder, 2), file(&folder, link)).unwrap();
        let found = faults(&folder, &anchors);
        assert!(found.iter().any(|fault| fault.problem.contains("lies in two places")), "{found:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_that_was_made_anew_is_found() {
    // A link of another chain in the place of one of this.
    let kept = Kept::of(6, None).await;
    let forged = Kept::of(2, None).await;
    let anchors = head(&kept).await;
    let folder = exported(&kept, "forged").await;
    let other = forged.packs().await.pop().unwrap();
    fs::write(file(&folder, 2), other).unwrap();
    let found = faults(&folder, &anchors);
    assert!(found.iter().any(|fault| fault.index == Some(2) && fault.path.is_none()), "{found:?}");

    // A link of this chain with other content: whole by itself, but not the one that the next one knows.
    let folder = exported(&kept, "replaced").await;
    let mut links = verify(&places(&folder).unwrap(), &anchors).links;
    links[2].link.sha256 = "0".repeat(64);
    let found = ChainReport::of(links, &anchors).faults;
    assert_eq!((found.len(), found[0].index), (1, Some(3)), "{found:?}");
    assert!(found[0].problem.contains("link 4 names as the one before"), "{found:?}");

    // The whole chain made anew, without a hole: only the head tells.
    let anew = Kept::of(6, None).await;
    let folder = exported(&anew, "anew").await;
    assert_eq!(faults(&folder, &Anchors::default()), []);
    assert!(!faults(&folder, &anchors).is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chain_that_somebody_else_signed_is_found_given_the_public_key() {
    let theirs = Kept::of(3, Some(OTHER)).await;
    let folder = exported(&theirs, "theirs").await;
    let known = Anchors { heads: Vec::new(), keys: vec![PublicKey::parse(PUBLIC).unwrap()] };
    let other = SigningKey::parse(OTHER).unwrap().public();
    assert_eq!(faults(&folder, &Anchors { heads: Vec::new(), keys: vec![other] }), []);
    let found = faults(&folder, &known);
    assert_eq!(found.len(), 3, "{found:?}");
    assert!(found.iter().all(|fault| fault.problem.contains(&other.id())), "{found:?}");
    assert!(found.iter().all(|fault| fault.file.as_deref() == Some("manifest.json.minisig")), "{found:?}");
    let both = Anchors { heads: Vec::new(), keys: vec![other, PublicKey::parse(PUBLIC).unwrap()] };
    assert_eq!(faults(&folder, &both), [], "a key may be changed");
}

/// The archives of most runs are gone with their time of retention; their statements still link the others.
#[tokio::test(flavor = "multi_thread")]
async fn statements_stand_in_for_archives_that_are_gone() {
    let monthly = "keep = 2\n[[job]]\nname = \"monthly\"\nformats = [\"json\"]\nkeep = 50\n";
    let mut kept = Kept::new(Some(SECRET), monthly);
    for job in ["monthly", "weekly", "weekly", "monthly", "weekly", "weekly", "monthly"] {
        kept.run(job).await;
    }
    let found = faults(&kept.folder(), &Anchors::default());
    assert!(!found.is_empty() && found.iter().all(|fault| fault.problem.contains("not here")), "{found:?}");

    let folder = kept.path("auditor");
    fs::create_dir(&folder).unwrap();
    let mut gone = 0;
    for link in kept.store().links().await.unwrap() {
        let pack = kept.folder().join(&link.run).join("evidence.zip");
        if pack.exists() {
            fs::copy(pack, folder.join(format!("link-{}.zip", link.index))).unwrap();
        } else {
            let (statement, signature) = kept.store().statement(link.index).await.unwrap();
            let path = folder.join(format!("link-{}.json", link.index));
            fs::write(path.with_added_extension("minisig"), signature.unwrap()).unwrap();
            fs::write(path, statement).unwrap();
            gone += 1;
        }
    }
    assert!(gone > 0);
    let anchors = Anchors { keys: vec![PublicKey::parse(PUBLIC).unwrap()], ..head(&kept).await };
    let report = verify(&places(&folder).unwrap(), &anchors);
    assert_eq!(report.faults, []);
    assert_eq!(report.chains[0].statements_only, gone);
    let path = folder.join("link-2.json");
    let changed = fs::read_to_string(&path).unwrap().replace("weekly", "weakly");
    fs::write(&path, changed).unwrap();
    assert_eq!(faults(&folder, &anchors)[0].index, Some(2));
}
