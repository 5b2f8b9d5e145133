//! A run's files into a new or empty directory: the artifacts, the evidence, and the manifest last.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::super::{Manifest, ManifestFile};
use super::write::{prepare, sync, sync_folders, take_back, write};
use super::{MANIFEST, PublishError};
use crate::crash;
use crate::evidence::{Artifact, Filing, PACK, write_pack};
use crate::render::{Format, Templates, artifacts};
use crate::report::Report;
use crate::store::Link;

/// What the folder of a redacted copy is called, before what it leaves out.
const REDACTED: &str = "redacted";

/// What a directory received.
#[derive(Debug, Clone)]
pub struct Published {
    /// Its manifest.
    pub manifest: Manifest,
    /// The link that its evidence is.
    pub link: Link,
}

/// Writes the artifacts of the wanted formats, the evidence and the manifest into a new or empty directory.
pub fn publish(
    directory: &Path,
    report: &Report,
    formats: &[Format],
    templates: &Templates,
    filing: &Filing<'_>,
) -> Result<Published, PublishError> {
    within(directory, |written| {
        let mut files = write_artifacts(directory, report, formats, templates, written)?;
        let (pack, link) = file_evidence(directory, report, &files, filing, written)?;
        crash::point("evidence-written");
        files.push(pack);
        let manifest = Manifest::new(report, files, None);
        write_manifest(directory, &manifest, written)?;
        Ok(Published { manifest, link })
    })
}

/// Writes a redacted copy of a published run into a folder of its directory, which names what the copy leaves out.
/// Gives the folder's name. The evidence has everything, and is no part of it.
pub fn publish_redacted(
    run: &Path,
    copy: &Report,
    formats: &[Format],
    templates: &Templates,
) -> Result<String, PublishError> {
    let manifest = run.join(MANIFEST);
    let whole = fs::read(&manifest).map_err(|source| PublishError::Io { path: manifest, source })?;
    let folder = copy.redacted.iter().fold(REDACTED.to_owned(), |name, what| name + "-" + what.as_str());
    let directory = run.join(&folder);
    within(&directory, |written| {
        let files = write_artifacts(&directory, copy, formats, templates, written)?;
        let whole = Some(hex::encode(Sha256::digest(whole)));
        write_manifest(&directory, &Manifest::new(copy, files, whole), written)
    })?;
    Ok(folder)
}

/// Lets a new or empty directory be written, and takes back what was written where that fails.
fn within<T>(
    directory: &Path,
    write: impl FnOnce(&mut Vec<PathBuf>) -> Result<T, PublishError>,
) -> Result<T, PublishError> {
    let created = prepare(directory)?;
    let mut written = Vec::new();
    let published = write(&mut written);
    if published.is_err() {
        take_back(&written);
        if created {
            drop(fs::remove_dir(directory));
        }
    }
    published
}

fn write_artifacts(
    directory: &Path,
    report: &Report,
    formats: &[Format],
    templates: &Templates,
    written: &mut Vec<PathBuf>,
) -> Result<Vec<ManifestFile>, PublishError> {
    let mut files = Vec::new();
    for artifact in artifacts(report, templates, formats) {
        files.push(write(directory, &artifact.name, written, |out| artifact.render(out))?);
    }
    sync_folders(written)?;
    crash::point("files-written");
    Ok(files)
}

/// Writes the manifest, which makes the directory whole.
fn write_manifest(
    directory: &Path,
    manifest: &Manifest,
    written: &mut Vec<PathBuf>,
) -> Result<(), PublishError> {
    write(directory, MANIFEST, written, |out| out.write_all(&manifest.bytes()?))?;
    crash::point("manifest-named");
    sync(directory)
}

/// Writes the evidence. It vouches for the manifest as well, which names it: there, its own size and hash are blank.
fn file_evidence(
    directory: &Path,
    report: &Report,
    files: &[ManifestFile],
    filing: &Filing<'_>,
    written: &mut Vec<PathBuf>,
) -> Result<(ManifestFile, Link), PublishError> {
    let io = |source| PublishError::Io { path: directory.join(PACK), source };
    let blank = ManifestFile { name: PACK.to_owned(), size: 0, sha256: "0".repeat(64) };
    let manifest = Manifest::new(report, files.iter().cloned().chain([blank]).collect(), None);
    let manifest = manifest.bytes().map(|bytes| hex::encode(Sha256::digest(bytes))).map_err(io)?;
    let artifacts: Vec<Artifact<'_>> =
        files.iter().map(|file| Artifact { name: &file.name, sha256: &file.sha256 }).collect();
    let mut link = None;
    let pack = write(directory, PACK, written, |out| {
        link = Some(write_pack(out, report, directory, &artifacts, manifest, filing)?);
        Ok(())
    })?;
    let link = link.ok_or_else(|| io(io::Error::other("was not written")))?;
    Ok((pack, link))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::super::trial::{all_below, names, published};
    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o7777
    }

    #[test]
    fn publishes_every_file_with_its_hash_and_mode() {
        let parent = tempfile::tempdir().unwrap();
        let directory = parent.path().join("new/review");
        let manifest = published(&directory, &Report::sample(), &Format::ALL).unwrap().manifest;
        let mut expected: Vec<String> = manifest.files.iter().map(|file| file.name.clone()).collect();
        expected.push("manifest.json".into());
        expected.sort();
        let found = all_below(&directory);
        let (folders, files): (Vec<_>, Vec<_>) =
            found.iter().cloned().partition(|name| directory.join(name).is_dir());
        assert_eq!(files, expected);
        assert_eq!(expected.len(), 11 + 2 * 3 + 2, "one for each table and console, evidence and manifest");
        assert!(folders.contains(&"parquet/users/console=lab".to_owned()), "{folders:?}");
        for folder in folders {
            assert_eq!(mode(&directory.join(folder)), 0o750);
        }
        for file in &manifest.files {
            let path = directory.join(&file.name);
            let bytes = fs::read(&path).unwrap();
            assert_eq!(file.size, bytes.len() as u64);
            assert_eq!(file.sha256, hex::encode(Sha256::digest(&bytes)));
            assert_eq!(mode(&path), 0o640);
        }
        assert_eq!(mode(&directory), 0o750);
    }

    #[test]
    fn refuses_a_directory_that_is_not_empty() {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join("evidence"), "kept").unwrap();
        let error = published(directory.path(), &Report::sample(), &Format::ALL);
        assert!(matches!(error, Err(PublishError::NotEmpty(_))));
        assert_eq!(names(directory.path()), ["evidence"]);
    }
}
