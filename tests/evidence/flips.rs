//! One bit, anywhere.

use std::fs;
use std::io::Cursor;
use std::path::PathBuf;
use std::thread;

use recert::evidence::{Anchors, ChainReport, Place, Verified, check_pack, places, verify};

use crate::kept::{Kept, SECRET};

const RUNS: usize = 20;
const FLIPS: usize = 10_000;
const THREADS: usize = 4;

/// Whether a chain in which one archive is replaced is still taken for whole.
fn passes(links: &[Verified], at: usize, pack: Vec<u8>) -> bool {
    let Ok(link) = check_pack(Cursor::new(pack), &[]) else { return false };
    let mut links = links.to_vec();
    links[at].link = link;
    ChainReport::of(links, &Anchors::default()).faults.is_empty()
}

async fn ten_thousand_flips_are_found(key: Option<&str>) {
    let kept = Kept::of(RUNS, key).await;
    let packs = kept.packs().await;
    let checked = |pack: &Vec<u8>| Verified {
        path: PathBuf::new(),
        link: check_pack(Cursor::new(pack.clone()), &[]).unwrap(),
    };
    let links: Vec<Verified> = packs.iter().map(checked).collect();
    assert_eq!(ChainReport::of(links.clone(), &Anchors::default()).faults, []);
    assert!(passes(&links, 7, packs[7].clone()), "nothing flipped, nothing found");
    thread::scope(|scope| {
        for part in 0..THREADS {
            let (links, packs) = (&links, &packs);
            scope.spawn(move || {
                let mut random = fastrand::Rng::with_seed(26 + part as u64);
                for _ in 0..FLIPS / THREADS {
                    let at = random.usize(..packs.len());
                    let mut pack = packs[at].clone();
                    let (byte, bit) = (random.usize(..pack.len()), random.u8(..8));
                    pack[byte] ^= 1 << bit;
                    assert!(!passes(links, at, pack), "link {at}, byte {byte}, bit {bit}");
                }
            });
        }
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_flips_in_an_unsigned_chain_are_found() {
    ten_thousand_flips_are_found(None).await;
}

/// The last archive to its last byte: nothing follows it that would know its hash.
#[tokio::test(flavor = "multi_thread")]
async fn every_byte_behind_the_files_of_the_last_archive_counts() {
    let kept = Kept::of(2, Some(SECRET)).await;
    let pack = kept.packs().await.pop().unwrap();
    let start = pack.windows(13).position(|name| name == b"manifest.json").unwrap() - 30;
    assert!(pack.len() - start > 1000);
    thread::scope(|scope| {
        for part in 0..THREADS {
            let pack = &pack;
            scope.spawn(move || {
                for byte in (start..pack.len()).skip(part).step_by(THREADS) {
                    let mut pack = pack.clone();
                    pack[byte] ^= 1 << (byte % 8);
                    assert!(check_pack(Cursor::new(pack), &[]).is_err(), "byte {byte} of {start}");
                }
            });
        }
    });
}

/// Statements whose archives are gone, and the signatures beside them: nothing in a link knows a signature's hash.
#[tokio::test(flavor = "multi_thread")]
async fn a_flip_in_a_statement_or_its_signature_is_found() {
    let kept = Kept::of(2, Some(SECRET)).await;
    let folder = kept.path("statements");
    fs::create_dir(&folder).unwrap();
    let mut files = Vec::new();
    for link in kept.store().links().await.unwrap() {
        let (statement, signature) = kept.store().statement(link.index).await.unwrap();
        let path = folder.join(format!("link-{:06}-{}.json", link.index, link.run));
        let beside = path.with_added_extension("minisig");
        fs::write(&path, statement).unwrap();
        fs::write(&beside, signature.unwrap()).unwrap();
        files.extend([path, beside]);
    }
    assert_eq!(verify(&places(&folder).unwrap(), &Anchors::default()).faults, []);
    let mut random = fastrand::Rng::with_seed(7);
    for path in files {
        let statement = Place::Statement(path.with_extension("").with_extension("json"));
        let found = || verify(std::slice::from_ref(&statement), &Anchors::default()).faults;
        let whole = fs::read(&path).unwrap();
        let is_signature = path.extension().unwrap() == "minisig";
        // All of a signature, some of a statement.
        for flip in 0..if is_signature { whole.len() * 8 } else { 300 } {
            let at = if is_signature { flip } else { random.usize(..whole.len() * 8) };
            let mut bytes = whole.clone();
            bytes[at / 8] ^= 1 << (at % 8);
            fs::write(&path, bytes).unwrap();
            assert_ne!(found(), [], "{}, bit {at}", path.display());
        }
        if is_signature {
            let text = String::from_utf8(whole.clone()).unwrap();
            for other in [text.replace('\n', "\r\n"), text.trim_end().to_owned()] {
                fs::write(&path, other).unwrap();
                let found = found();
                assert!(found[0].problem.contains("as recert writes it"), "{found:?}");
            }
            fs::write(&path, text + "\n").unwrap();
            assert_ne!(found(), []);
        }
        fs::write(&path, whole).unwrap();
    }
}

/// The last byte of a compressed file has bits that mean nothing: the file unpacks to the same bytes, whatever they are.
#[tokio::test(flavor = "multi_thread")]
async fn bits_that_mean_nothing_count_as_well() {
    let kept = Kept::of(1, None).await;
    let pack = kept.packs().await.pop().unwrap();
    let mut archive = zip::ZipArchive::new(Cursor::new(pack.clone())).unwrap();
    let mut unnoticed = 0;
    for index in 0..archive.len() {
        let file = archive.by_index(index).unwrap();
        let last = usize::try_from(file.data_start().unwrap() + file.compressed_size()).unwrap() - 1;
        drop(file);
        for bit in 0..8 {
            let mut pack = pack.clone();
            pack[last] ^= 1 << bit;
            let mut archive = zip::ZipArchive::new(Cursor::new(pack.clone())).unwrap();
            let mut file = archive.by_index(index).unwrap();
            unnoticed += u32::from(std::io::copy(&mut file, &mut std::io::sink()).is_ok());
            assert!(check_pack(Cursor::new(pack), &[]).is_err(), "file {index}, bit {bit}");
        }
    }
    assert!(unnoticed > 0, "there are such bits");
}

/// The files beside the archives count as well, and the fault names the run.
#[tokio::test(flavor = "multi_thread")]
async fn a_flip_in_any_file_of_a_run_is_found_and_named() {
    let kept = Kept::of(3, Some(SECRET)).await;
    let anchors = Anchors::default();
    assert_eq!(verify(&places(&kept.folder()).unwrap(), &anchors).faults, []);
    let mut random = fastrand::Rng::with_seed(5);
    for run in kept.runs().await {
        for file in ["manifest.json", "report.json", "evidence.zip"] {
            let path = run.join(file);
            let whole = fs::read(&path).unwrap();
            for _ in 0..60 {
                let mut bytes = whole.clone();
                let (byte, bit) = (random.usize(..bytes.len()), random.u8(..8));
                bytes[byte] ^= 1 << bit;
                fs::write(&path, bytes).unwrap();
                let report = verify(&[Place::Run(run.clone())], &anchors);
                let [fault] = &report.faults[..] else {
                    panic!("{file}, byte {byte}, bit {bit}: {report:?}")
                };
                assert_eq!(fault.path.as_ref(), Some(&run));
                let id = run.file_name().unwrap().to_str().unwrap();
                assert!(file == "evidence.zip" || fault.run.as_deref() == Some(id), "{fault:?}");
                assert!(file == "evidence.zip" || fault.file.as_deref() == Some(file), "{fault:?}");
            }
            fs::write(&path, whole).unwrap();
        }
    }
}
