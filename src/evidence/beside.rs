//! The files beside an archive, in the directory of its run: each is vouched for, or it is a fault.
//!
//! The statement names the run's files and vouches for their manifest. A redacted copy is made after the statement: its
//! own manifest vouches for its files, and names the manifest of the run.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;

use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::{Claim, DIRECTORY, Fault, LARGEST_STATEMENT, PACK, Place, SIGNATURE, STATEMENT, plain};

/// What an archive holds beside the files of its run.
const OWN: [&str; 4] = ["VERIFY.md", "snapshot.json", "waivers.json", "receipts.json"];
/// How the folders of redacted copies begin; what a copy leaves out follows.
const COPY: &str = "redacted-";
/// How deep the files of a run may lie.
const DEPTH: usize = 16;

/// What is wrong with the files beside an archive that is whole. An archive that lies alone is no run's directory:
/// what else is in its folder is not part of it.
pub(super) fn beside(folder: &Path, claim: &Claim) -> Vec<Fault> {
    let mut found = Found::default();
    if let Err(error) = found.below(folder, "", DEPTH) {
        return vec![error.into()];
    }
    let is_of_run = |name: &String| {
        let is_named = claim.files.contains_key(name) && !OWN.contains(&name.as_str());
        is_named || name == DIRECTORY || copy_of(name).is_some()
    };
    let lies_alone = !found.files.iter().chain(&found.odd).any(is_of_run);
    let mut faults = std::mem::take(&mut found.faults);
    let has_manifest = found.files.contains(DIRECTORY);
    found.files.remove(PACK);
    if lies_alone {
        found.files.retain(|name| claim.files.contains_key(name));
        faults.retain(|fault| fault.file.as_deref().is_none_or(|odd| claim.names_below(odd)));
    } else if !found.is_odd(DIRECTORY) {
        faults.extend(manifest(folder, claim, found.files.remove(DIRECTORY)).err());
    }
    let is_sound = faults.is_empty();
    for (name, sha256) in &claim.files {
        if found.files.remove(name) {
            faults.extend(same(folder, name, sha256).err());
        } else if has_manifest && !OWN.contains(&name.as_str()) && !found.is_odd(name) {
            faults.push(Fault::of(name, "is missing"));
        }
    }
    let copies: BTreeSet<String> = found.files.iter().filter_map(|name| copy_of(name)).collect();
    for copy in copies {
        found.copy(folder, &copy, claim, is_sound, &mut faults);
    }
    faults.extend(found.files.iter().map(|name| Fault::of(name, "is not in the statement")));
    faults
}

/// What is wrong with the files of an unpacked archive whose statement and signature are whole.
pub(super) fn unpacked(folder: &Path, claim: &Claim) -> Vec<Fault> {
    let mut found = Found::default();
    if let Err(error) = found.below(folder, "", DEPTH) {
        return vec![error.into()];
    }
    let mut faults = std::mem::take(&mut found.faults);
    for known in [STATEMENT, SIGNATURE, PACK] {
        found.files.remove(known);
    }
    for (name, sha256) in &claim.files {
        if found.files.remove(name) {
            faults.extend(same(folder, name, sha256).err());
        } else if !found.is_odd(name) {
            faults.push(Fault::of(name, "is missing"));
        }
    }
    faults.extend(found.files.iter().map(|name| Fault::of(name, "is not in the statement")));
    faults
}

/// Whether a file is there and has this content.
pub(super) fn is_file_of(path: &Path, sha256: &str) -> bool {
    plain(path).and_then(|mut file| hash(&mut file)).is_ok_and(|found| found.0 == sha256)
}

/// The folder of the redacted copy that a file is of.
fn copy_of(name: &str) -> Option<String> {
    let (folder, _) = name.split_once('/')?;
    folder.starts_with(COPY).then(|| folder.to_owned())
}

/// What lies beside an archive, by the path from there.
#[derive(Default)]
struct Found {
    files: BTreeSet<String>,
    /// What is not looked into.
    odd: BTreeSet<String>,
    faults: Vec<Fault>,
}

impl Found {
    /// Lists a folder. The runs below it are looked at by themselves; an archive that lies alone vouches for nothing in
    /// its folder.
    fn below(&mut self, folder: &Path, below: &str, depth: usize) -> io::Result<()> {
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            let (path, kind) = (entry.path(), entry.file_type()?);
            let name = format!("{below}{}", entry.file_name().to_string_lossy());
            let why = if kind.is_file() {
                self.files.insert(name);
                continue;
            } else if kind.is_symlink() {
                "it is a link"
            } else if !kind.is_dir() {
                "it is no plain file"
            } else if Place::of(&path).is_some() && fs::symlink_metadata(path.join(DIRECTORY)).is_ok() {
                continue;
            } else if depth > 0 {
                self.below(&path, &format!("{name}/"), depth - 1)?;
                continue;
            } else {
                "it lies too deep"
            };
            self.faults.push(Fault::of(&name, format!("is not looked into: {why}")));
            self.odd.insert(name);
        }
        Ok(())
    }

    /// Whether a path is not looked into, or what it lies in.
    fn is_odd(&self, name: &str) -> bool {
        let below = |odd: &String| name.strip_prefix(odd).is_some_and(|rest| rest.starts_with('/'));
        self.odd.contains(name) || self.odd.iter().any(below)
    }

    /// Holds a redacted copy against its manifest. `is_sound` tells whether the manifest of the run is.
    fn copy(&mut self, folder: &Path, copy: &str, claim: &Claim, is_sound: bool, faults: &mut Vec<Fault>) {
        let inside = |name: &str| format!("{copy}/{name}");
        let manifest = inside(DIRECTORY);
        let read = self.files.remove(&manifest).then(|| Copied::read(&folder.join(&manifest)));
        let copied = match read {
            Some(Ok(copied)) => copied,
            read => {
                let is_there = read.is_some() || self.is_odd(&manifest);
                let problem =
                    if is_there { "is no manifest of a redacted copy: it was changed" } else { "is missing" };
                self.files.retain(|name| copy_of(name).is_none_or(|of| of != copy));
                faults.push(Fault::of(&manifest, problem));
                return;
            }
        };
        if copied.folder() != copy || copied.run.id != claim.run.id {
            faults.push(Fault::of(&manifest, "is the manifest of another copy"));
        } else if is_sound && !copied.is_of(folder) {
            faults.push(Fault::of(&manifest, "names another manifest than this run's: it was changed"));
        }
        for file in &copied.files {
            let name = inside(&file.name);
            if self.files.remove(&name) {
                faults.extend(same(folder, &name, &file.sha256).err());
            } else if !self.is_odd(&name) {
                faults.push(Fault::of(&name, "is missing"));
            }
        }
        let foreign: Vec<String> =
            self.files.iter().filter(|name| copy_of(name).as_deref() == Some(copy)).cloned().collect();
        for name in foreign {
            self.files.remove(&name);
            faults.push(Fault::of(&name, "is not in the manifest of the redacted copy"));
        }
    }
}

/// The manifest of a redacted copy, as far as it can be checked.
#[derive(Deserialize)]
struct Copied {
    run: CopiedRun,
    files: Vec<CopiedFile>,
    redacted: Vec<String>,
    whole: String,
}

#[derive(Deserialize)]
struct CopiedRun {
    id: String,
}

#[derive(Deserialize)]
struct CopiedFile {
    name: String,
    sha256: String,
}

impl Copied {
    fn read(path: &Path) -> io::Result<Self> {
        Ok(serde_json::from_str(&text(path)?)?)
    }

    /// The folder that it belongs into.
    fn folder(&self) -> String {
        format!("{COPY}{}", self.redacted.join("-"))
    }

    /// Whether it was made from the run in this directory.
    fn is_of(&self, folder: &Path) -> bool {
        text(&folder.join(DIRECTORY)).is_ok_and(|text| hex::encode(Sha256::digest(text)) == self.whole)
    }
}

fn same(folder: &Path, name: &str, sha256: &str) -> Result<(), Fault> {
    let found = plain(&folder.join(name)).and_then(|mut file| hash(&mut file));
    match found {
        Ok((found, _)) if found == sha256 => Ok(()),
        Ok(_) => Err(Fault::of(name, "is not the file of this run: it was changed")),
        Err(error) => Err(Fault::of(name, format!("cannot be read: {error}"))),
    }
}

/// The manifest of the directory: with the archive's own line blanked, it is the one that the statement vouches for.
fn manifest(folder: &Path, claim: &Claim, is_there: bool) -> Result<(), Fault> {
    if !is_there {
        return Err(Fault::of(DIRECTORY, "is missing, and files of the run are here"));
    }
    let (sha256, size) = hash(&mut plain(&folder.join(PACK))?)?;
    let changed = || Fault::of(DIRECTORY, "is not the manifest of this run: it was changed");
    let text = text(&folder.join(DIRECTORY)).map_err(|_| changed())?;
    let blank = text.replacen(&own_line(size, &sha256), &own_line(0, &"0".repeat(64)), 1);
    if blank == text || hex::encode(Sha256::digest(&blank)) != claim.directory {
        return Err(changed());
    }
    Ok(())
}

/// As it stands in a directory's manifest.
fn own_line(size: u64, sha256: &str) -> String {
    format!("\"name\": \"{PACK}\",\n      \"size\": {size},\n      \"sha256\": \"{sha256}\"")
}

fn text(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    plain(path)?.take(LARGEST_STATEMENT).read_to_string(&mut text)?;
    Ok(text)
}

/// SHA-256 of a file's bytes, hex, and how many they are.
fn hash(file: &mut File) -> io::Result<(String, u64)> {
    let (mut hash, mut size, mut block) = (Sha256::new(), 0, vec![0; 1 << 16]);
    loop {
        match file.read(&mut block)? {
            0 => return Ok((hex::encode(hash.finalize()), size)),
            read => {
                hash.update(&block[..read]);
                size += read as u64;
            }
        }
    }
}
