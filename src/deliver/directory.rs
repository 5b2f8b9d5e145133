//! A directory that receives the files of one review: each written aside, synced and renamed, the manifest last.
//!
//! A directory with a manifest is whole. Without one, something failed, and what was written is taken away again. Some
//! files lie in folders below it. What a manifest that was found somewhere says of paths is not believed: none leads out
//! of its directory, and nothing behind a link is read as a run's file or taken away.

use std::collections::BTreeSet;
use std::fs::{self, DirBuilder, File, FileType, OpenOptions, Permissions};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Component, Path, PathBuf};

use serde::Deserialize;
use sha2::{Digest, Sha256};
use thiserror::Error;

use super::{Manifest, ManifestFile};
use crate::crash;
use crate::evidence::{Artifact, Filing, PACK, write_pack};
use crate::render::{Format, Templates, artifacts};
use crate::report::Report;
use crate::store::Link;

/// The owner writes, the group reads, others see nothing.
const DIRECTORY_MODE: u32 = 0o750;
const FILE_MODE: u32 = 0o640;
const MANIFEST: &str = "manifest.json";
/// What the folder of a redacted copy is called, before what it leaves out.
const REDACTED: &str = "redacted";
/// A manifest has a few lines for each file and console.
const LARGEST_MANIFEST: u64 = 16 << 20;

/// Why a directory did not receive a review.
#[derive(Debug, Error)]
pub enum PublishError {
    /// It holds something.
    #[error("{}: the directory is not empty; name a new one, so that no earlier evidence is overwritten", .0.display())]
    NotEmpty(PathBuf),
    /// It cannot be written.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

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

/// Takes away what was written, best effort: the error that is told is the first one.
fn take_back(written: &[PathBuf]) {
    // What lies in a folder was written after it.
    for path in written.iter().rev() {
        drop(fs::remove_file(path).or_else(|_| fs::remove_dir(path)));
    }
}

/// Copies the files of a published run into a new directory, each checked against the manifest, the manifest last.
/// A directory that holds the run whole is left as it is; what an attempt that died left of it is written anew.
pub fn copy_run(from: &Path, to: &Path) -> Result<(), PublishError> {
    let io = |path: &Path, source| PublishError::Io { path: path.to_owned(), source };
    let listed = Listed::read(from).ok_or_else(|| {
        io(&from.join(MANIFEST), io::Error::other("the run's files are not there any more"))
    })?;
    if holds_run(to, &listed.run.id) && listed.files.iter().all(|file| file.is_in(to)) {
        return Ok(());
    }
    if Listed::read(to).is_none() && only_partial(to, &listed) {
        fs::remove_dir_all(to).map_err(|source| io(to, source))?;
    }
    prepare(to)?;
    let mut folders = Vec::new();
    for file in &listed.files {
        let written = write(to, &file.name, &mut folders, |out| {
            io::copy(&mut open_in(from, &file.name)?, out).map(drop)
        })?;
        if (written.size, &written.sha256) != (file.size, &file.sha256) {
            let source = io::Error::other("its content is not what the manifest says; it was changed");
            return Err(io(&from.join(&file.name), source));
        }
        crash::point("copy-file");
    }
    sync_folders(&folders)?;
    write(to, MANIFEST, &mut Vec::new(), |out| {
        io::copy(&mut File::open(from.join(MANIFEST))?, out).map(drop)
    })?;
    sync(to)
}

/// Whether a directory holds nothing but what a copy of this run that died can have left.
fn only_partial(directory: &Path, listed: &Listed) -> bool {
    holds_only(directory, "", listed, &|name| {
        let (folder, file) = name.rsplit_once('/').map_or(("", name), |(folder, file)| (folder, file));
        let plain = file.strip_prefix('.').and_then(|file| file.strip_suffix(".partial")).unwrap_or(file);
        let whole = if folder.is_empty() { plain.to_owned() } else { format!("{folder}/{plain}") };
        listed.names(&whole)
    })
}

/// Whether a directory holds plain files that are known by their path from there, the folders of a run's files, and
/// nothing else: above all no link, which would lead to what is not the run's.
fn holds_only(directory: &Path, below: &str, listed: &Listed, known: &impl Fn(&str) -> bool) -> bool {
    let Ok(entries) = fs::read_dir(directory) else { return false };
    entries.into_iter().all(|entry| {
        let Ok(entry) = entry else { return false };
        let (Ok(kind), Ok(name)) = (entry.file_type(), entry.file_name().into_string()) else { return false };
        let path = format!("{below}{name}");
        if kind.is_dir() {
            let folder = format!("{path}/");
            let is_ours = listed.files.iter().any(|file| file.name.starts_with(&folder));
            return is_ours && holds_only(&entry.path(), &folder, listed, known);
        }
        kind.is_file() && known(&path)
    })
}

/// Opens a file of a directory by its path from there, if neither it nor a folder on the way is a link.
fn open_in(directory: &Path, name: &str) -> io::Result<File> {
    if !lies_in(directory, name) {
        return Err(io::Error::new(io::ErrorKind::NotFound, "it is no plain file"));
    }
    File::open(directory.join(name))
}

fn lies_in(directory: &Path, name: &str) -> bool {
    kind_in(directory, &directory.join(name)).is_some_and(|kind| kind.is_file())
}

/// What a path below a directory is; `None` if it is not there, or behind a link.
fn kind_in(directory: &Path, path: &Path) -> Option<FileType> {
    let kind = |path: &Path| fs::symlink_metadata(path).map(|found| found.file_type()).ok();
    let mut folders = folders_above(directory, path);
    folders.all(|folder| kind(folder).is_some_and(|kind| kind.is_dir())).then(|| kind(path)).flatten()
}

/// The folders between a directory and a path below it, the innermost first.
fn folders_above<'a>(directory: &'a Path, path: &'a Path) -> impl Iterator<Item = &'a Path> {
    path.ancestors().skip(1).take_while(move |folder| *folder != directory)
}

/// Makes the names in a directory, and the directory's own name, outlast a loss of power.
fn sync(directory: &Path) -> Result<(), PublishError> {
    let io = |source| PublishError::Io { path: directory.to_owned(), source };
    File::open(directory).and_then(|open| open.sync_all()).map_err(io)?;
    match directory.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        Some(parent) => File::open(parent).and_then(|open| open.sync_all()).map_err(io),
        None => Ok(()),
    }
}

/// Makes the names in the folders among these paths outlast a loss of power, before a manifest speaks of them.
fn sync_folders(written: &[PathBuf]) -> Result<(), PublishError> {
    for path in written.iter().filter(|path| path.is_dir()) {
        let io = |source| PublishError::Io { path: path.clone(), source };
        File::open(path).and_then(|open| open.sync_all()).map_err(io)?;
    }
    Ok(())
}

/// Whether a directory already holds this very run, whole.
pub fn holds_run(directory: &Path, run: &str) -> bool {
    Listed::read(directory).is_some_and(|listed| listed.run.id == run)
}

/// Takes the oldest runs of a job out of a directory of runs, so that `keep` stay.
///
/// Only a folder with a manifest of this job that holds nothing else is a run of the job; what a person put there, or
/// another job, stays.
pub fn keep_latest(directory: &Path, job: &str, keep: usize) -> Result<(), PublishError> {
    let io = |path: &Path, source| PublishError::Io { path: path.to_owned(), source };
    let mut runs = Vec::new();
    for entry in fs::read_dir(directory).map_err(|error| io(directory, error))? {
        let path = entry.map_err(|error| io(directory, error))?.path();
        if let Some(listed) = Listed::read(&path).filter(|listed| listed.run.job.as_deref() == Some(job)) {
            runs.push((listed.run.finished, path));
        }
    }
    runs.sort();
    for (_, path) in runs.iter().rev().skip(keep) {
        if Listed::is_all_of(path) {
            fs::remove_dir_all(path).map_err(|error| io(path, error))?;
        }
    }
    Ok(())
}

/// Whether a directory holds a run of this job, and nothing else.
pub fn holds_only_job(directory: &Path, job: &str) -> bool {
    Listed::read(directory).is_some_and(|listed| listed.run.job.as_deref() == Some(job))
        && Listed::is_all_of(directory)
}

/// Takes the files of a run out of its directory, which stays; what is not the run's stays too.
pub fn take_out(directory: &Path) -> Result<(), PublishError> {
    let io = |path: &Path, source| PublishError::Io { path: path.to_owned(), source };
    let Some(listed) = Listed::read(directory) else { return Ok(()) };
    let paths: Vec<PathBuf> = listed.files.iter().map(|file| directory.join(&file.name)).collect();
    for path in &paths {
        if kind_in(directory, path).is_some_and(|kind| kind.is_file()) {
            fs::remove_file(path).map_err(|source| io(path, source))?;
        }
    }
    let folders: BTreeSet<&Path> = paths.iter().flat_map(|path| folders_above(directory, path)).collect();
    for folder in folders.into_iter().rev() {
        if kind_in(directory, folder).is_some_and(|kind| kind.is_dir()) {
            fs::remove_dir(folder).map_err(|source| io(folder, source))?;
        }
    }
    let manifest = directory.join(MANIFEST);
    fs::remove_file(&manifest).map_err(|source| io(&manifest, source))
}

/// What a written manifest tells about its folder.
#[derive(Deserialize)]
struct Listed {
    schema: String,
    run: ListedRun,
    files: Vec<ListedFile>,
}

#[derive(Deserialize)]
struct ListedRun {
    id: String,
    job: Option<String>,
    /// RFC 3339 in UTC: its order is the order of time.
    finished: String,
}

#[derive(Deserialize)]
struct ListedFile {
    name: String,
    size: u64,
    sha256: String,
}

impl ListedFile {
    fn is_in(&self, directory: &Path) -> bool {
        lies_in(directory, &self.name)
            && fs::metadata(directory.join(&self.name)).is_ok_and(|found| found.len() == self.size)
    }

    /// Whether its name is a path below the directory, written in the one way that there is.
    fn stays_below(&self) -> bool {
        let parts: Vec<&str> = self.name.split('/').collect();
        let plain = |part: &&str| {
            let mut components = Path::new(part).components();
            matches!((components.next(), components.next()), (Some(Component::Normal(_)), None))
        };
        parts.iter().all(plain) && self.name != MANIFEST && !self.name.contains('\0')
    }
}

impl Listed {
    /// The manifest of a folder; `None` if the folder is no run.
    fn read(directory: &Path) -> Option<Self> {
        let path = directory.join(MANIFEST);
        // Whoever may write there could have put a pipe there, which never ends, or worse.
        let found = fs::symlink_metadata(&path).ok()?;
        if !found.is_file() || found.len() > LARGEST_MANIFEST {
            return None;
        }
        let bytes = fs::read(path).ok()?;
        let listed: Self = serde_json::from_slice(&bytes).ok()?;
        let sound = listed.schema == Manifest::SCHEMA && listed.files.iter().all(ListedFile::stays_below);
        sound.then_some(listed)
    }

    /// Whether it lists a file, or is it.
    fn names(&self, name: &str) -> bool {
        name == MANIFEST || self.files.iter().any(|file| file.name == name)
    }

    /// Whether a folder holds plain files that its manifest names, and nothing else.
    fn is_all_of(directory: &Path) -> bool {
        Self::read(directory)
            .is_some_and(|listed| holds_only(directory, "", &listed, &|name| listed.names(name)))
    }
}

/// Creates the directory, or accepts an empty one. Says whether it was created.
fn prepare(directory: &Path) -> Result<bool, PublishError> {
    let io = |source| PublishError::Io { path: directory.to_owned(), source };
    match fs::read_dir(directory) {
        Ok(mut entries) => match entries.next() {
            None => Ok(false),
            Some(_) => Err(PublishError::NotEmpty(directory.to_owned())),
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            DirBuilder::new().recursive(true).mode(DIRECTORY_MODE).create(directory).map_err(io)?;
            fs::set_permissions(directory, Permissions::from_mode(DIRECTORY_MODE)).map_err(io)?;
            Ok(true)
        }
        Err(error) => Err(io(error)),
    }
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

/// Writes one file aside, syncs it and gives it its name. A file that exists is never replaced or followed. What it
/// made, folders too, is added to `written`.
fn write(
    directory: &Path,
    name: &str,
    written: &mut Vec<PathBuf>,
    render: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> Result<ManifestFile, PublishError> {
    let path = directory.join(name);
    let io = |source| PublishError::Io { path: path.clone(), source };
    let folder = make_folders(directory, name, written).map_err(io)?;
    let file = name.rsplit('/').next().unwrap_or(name);
    let aside = folder.join(format!(".{file}.partial"));
    let file = OpenOptions::new().write(true).create_new(true).mode(FILE_MODE).open(&aside).map_err(io)?;
    written.push(aside.clone());
    file.set_permissions(Permissions::from_mode(FILE_MODE)).map_err(io)?;
    let mut out = Hashed { file: BufWriter::with_capacity(1 << 16, file), hash: Sha256::new(), size: 0 };
    render(&mut out).map_err(io)?;
    let Hashed { file, hash, size } = out;
    let file = file.into_inner().map_err(|error| io(error.into_error()))?;
    file.sync_all().map_err(io)?;
    crash::point("file-written");
    fs::rename(&aside, &path).map_err(io)?;
    crash::point("file-named");
    written.push(path.clone());
    Ok(ManifestFile { name: name.to_owned(), size, sha256: hex::encode(hash.finalize()) })
}

/// Creates the folders of a file below the directory, one by one; gives the one that the file lies in.
fn make_folders(directory: &Path, name: &str, made: &mut Vec<PathBuf>) -> io::Result<PathBuf> {
    let mut folder = directory.to_owned();
    for part in name.split('/').rev().skip(1).collect::<Vec<_>>().into_iter().rev() {
        folder.push(part);
        match DirBuilder::new().mode(DIRECTORY_MODE).create(&folder) {
            Ok(()) => {
                made.push(folder.clone());
                fs::set_permissions(&folder, Permissions::from_mode(DIRECTORY_MODE))?;
            }
            // Made for a file before; what another one put there in the meantime is not walked through.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                if !fs::symlink_metadata(&folder)?.is_dir() {
                    return Err(error);
                }
            }
            Err(error) => return Err(error),
        }
    }
    Ok(folder)
}

/// Hashes what is written while it is written.
struct Hashed {
    file: BufWriter<File>,
    hash: Sha256,
    size: u64,
}

impl Write for Hashed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.hash.update(&bytes[..written]);
        self.size += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::{ChainPlace, Observed};
    use crate::model::sample::{snapshot, user};

    /// Publishes as a run that stands alone.
    fn published(directory: &Path, report: &Report, formats: &[Format]) -> Result<Published, PublishError> {
        let observed = Observed::of(&[snapshot(vec![user(1, "mia")])]).unwrap();
        let place = ChainPlace::alone();
        let filing = Filing { observed: &observed, receipts: None, place: &place, key: None };
        publish(directory, report, formats, &Templates::default(), &filing)
    }

    fn names(directory: &Path) -> Vec<String> {
        let mut names: Vec<_> = fs::read_dir(directory)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    /// Every file and folder below a directory, by its path from there.
    fn all_below(directory: &Path) -> Vec<String> {
        let mut all = Vec::new();
        for name in names(directory) {
            let path = directory.join(&name);
            all.push(name.clone());
            if fs::symlink_metadata(&path).unwrap().is_dir() {
                all.extend(all_below(&path).into_iter().map(|below| format!("{name}/{below}")));
            }
        }
        all
    }

    fn manifest(directory: &Path, report: &Report) -> Manifest {
        published(directory, report, &[Format::Json, Format::Parquet]).unwrap().manifest
    }

    /// Puts another name for its first file into a run's manifest.
    fn rename_in_manifest(directory: &Path, to: &str) {
        let path = directory.join(MANIFEST);
        let mut manifest: serde_json::Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        manifest["files"][0]["name"] = to.into();
        fs::write(path, manifest.to_string()).unwrap();
    }

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

    #[test]
    fn keeps_the_latest_runs_of_the_job_and_whatever_is_not_its_own() {
        let parent = tempfile::tempdir().unwrap();
        for (day, job) in [(1, "weekly"), (2, "weekly"), (3, "weekly"), (4, "weekly"), (0, "quarterly")] {
            let mut report = Report::sample();
            report.run.job = Some(job.into());
            report.run.finished += chrono::TimeDelta::days(day);
            let directory = parent.path().join(format!("{job}-{day}"));
            published(&directory, &report, &[Format::Json]).unwrap();
        }
        fs::create_dir(parent.path().join("notes")).unwrap();
        fs::write(parent.path().join("weekly-1/signed.pdf"), "kept").unwrap();
        fs::remove_file(parent.path().join("weekly-2/report.json")).unwrap();
        keep_latest(parent.path(), "weekly", 2).unwrap();
        assert_eq!(names(parent.path()), ["notes", "quarterly-0", "weekly-1", "weekly-3", "weekly-4"]);
        assert_eq!(
            names(&parent.path().join("weekly-1")),
            ["evidence.zip", "manifest.json", "report.json", "signed.pdf"]
        );
        assert!(holds_run(&parent.path().join("weekly-4"), &Report::sample().run.id));
        assert!(!holds_run(&parent.path().join("weekly-4"), "another"));
    }

    #[test]
    fn folders_are_copied_and_what_an_attempt_that_died_left_in_them_is_written_anew() {
        let parent = tempfile::tempdir().unwrap();
        let (from, to) = (parent.path().join("run"), parent.path().join("copy"));
        let manifest = manifest(&from, &Report::sample());
        copy_run(&from, &to).unwrap();
        assert_eq!(all_below(&to), all_below(&from));
        let file = manifest.files.iter().find(|file| file.name.starts_with("parquet/")).unwrap();
        let (folder, name) = file.name.rsplit_once('/').unwrap();
        fs::remove_file(to.join(MANIFEST)).unwrap();
        fs::rename(to.join(&file.name), to.join(format!("{folder}/.{name}.partial"))).unwrap();
        copy_run(&from, &to).unwrap();
        assert_eq!(all_below(&to), all_below(&from));
        assert_eq!(fs::metadata(to.join(&file.name)).unwrap().len(), file.size);
        fs::remove_file(to.join(MANIFEST)).unwrap();
        fs::write(to.join(folder).join("signed.pdf"), "kept").unwrap();
        assert!(matches!(copy_run(&from, &to), Err(PublishError::NotEmpty(_))));
    }

    #[test]
    fn a_manifest_that_leads_out_of_its_directory_is_none() {
        let parent = tempfile::tempdir().unwrap();
        fs::write(parent.path().join("outside"), "kept").unwrap();
        let outside = parent.path().join("outside").display().to_string();
        for name in [
            "../outside",
            "parquet/../../outside",
            "./report.json",
            "parquet//x",
            "",
            ".",
            "x/",
            MANIFEST,
            "nul\0",
            &outside,
        ] {
            let run = parent.path().join("run");
            let mut report = Report::sample();
            report.run.job = Some("weekly".into());
            manifest(&run, &report);
            rename_in_manifest(&run, name);
            assert!(!holds_run(&run, &report.run.id), "{name:?}");
            assert!(!holds_only_job(&run, "weekly"), "{name:?}");
            assert!(copy_run(&run, &parent.path().join("copy")).is_err(), "{name:?}");
            let before = all_below(&run);
            take_out(&run).unwrap();
            assert_eq!(all_below(&run), before, "{name:?}");
            fs::remove_dir_all(run).unwrap();
        }
        assert_eq!(fs::read(outside).unwrap(), b"kept");
    }

    #[test]
    fn links_are_neither_followed_nor_taken_away() {
        let parent = tempfile::tempdir().unwrap();
        let (run, elsewhere) = (parent.path().join("run"), parent.path().join("elsewhere"));
        let mut report = Report::sample();
        report.run.job = Some("weekly".into());
        manifest(&run, &report);
        assert!(holds_only_job(&run, "weekly"));
        // The same files, but behind a link to where they are somebody else's.
        fs::rename(run.join("parquet"), &elsewhere).unwrap();
        std::os::unix::fs::symlink(&elsewhere, run.join("parquet")).unwrap();
        let there = all_below(&elsewhere);
        assert!(!holds_only_job(&run, "weekly"));
        assert!(copy_run(&run, &parent.path().join("copy")).is_err());
        keep_latest(parent.path(), "weekly", 0).unwrap();
        take_out(&run).unwrap();
        assert_eq!(all_below(&elsewhere), there);
        assert_eq!(names(&run), ["parquet"], "the link stays, the files of the run are gone");
    }

    #[test]
    fn a_run_is_taken_out_of_its_directory_with_its_folders_and_nothing_else() {
        let run = tempfile::tempdir().unwrap();
        manifest(run.path(), &Report::sample());
        fs::write(run.path().join("parquet/users/notes.txt"), "kept").unwrap();
        assert!(take_out(run.path()).is_err(), "a folder that is not empty stays");
        assert_eq!(fs::read(run.path().join("parquet/users/notes.txt")).unwrap(), b"kept");
        fs::remove_file(run.path().join("parquet/users/notes.txt")).unwrap();
        take_out(run.path()).unwrap();
        assert_eq!(names(run.path()), [] as [&str; 0]);
    }

    #[test]
    fn a_failing_write_leaves_nothing_behind() {
        let directory = tempfile::tempdir().unwrap();
        let mut written = Vec::new();
        write(directory.path(), "first", &mut written, |out| out.write_all(b"whole")).unwrap();
        write(directory.path(), "a/b/third", &mut written, |out| out.write_all(b"whole")).unwrap();
        let full = write(directory.path(), "a/c/second", &mut written, |out| {
            out.write_all(b"half")?;
            Err(io::ErrorKind::StorageFull.into())
        });
        assert!(matches!(full, Err(PublishError::Io { ref path, .. }) if path.ends_with("second")));
        let left = all_below(directory.path());
        assert_eq!(left, ["a", "a/b", "a/b/third", "a/c", "a/c/.second.partial", "first"]);
        take_back(&written);
        assert_eq!(names(directory.path()), [] as [&str; 0]);
    }
}
