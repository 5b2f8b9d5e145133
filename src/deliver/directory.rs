//! A directory that receives the files of one review: each written aside, synced and renamed, the manifest last.
//!
//! A directory with a manifest is whole. Without one, something failed, and what was written is taken away again.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use serde::Deserialize;
use sha2::{Digest, Sha256};
use thiserror::Error;

use super::{Manifest, ManifestFile};
use crate::crash;
use crate::render::{ARTIFACTS, Format, Templates};
use crate::report::Report;

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

/// Writes the artifacts of the wanted formats and the manifest into a new or empty directory.
pub fn publish(
    directory: &Path,
    report: &Report,
    formats: &[Format],
    templates: &Templates,
) -> Result<Manifest, PublishError> {
    publish_from(None, directory, report, formats, templates)
}

/// Writes a redacted copy of a published run into a folder of its directory, which names what the copy leaves out.
/// Gives the folder's name.
pub fn publish_redacted(
    run: &Path,
    copy: &Report,
    formats: &[Format],
    templates: &Templates,
) -> Result<String, PublishError> {
    let manifest = run.join(MANIFEST);
    let whole = fs::read(&manifest).map_err(|source| PublishError::Io { path: manifest, source })?;
    let folder = copy.redacted.iter().fold(REDACTED.to_owned(), |name, what| name + "-" + what.as_str());
    let whole = Some(hex::encode(Sha256::digest(whole)));
    publish_from(whole, &run.join(&folder), copy, formats, templates)?;
    Ok(folder)
}

fn publish_from(
    whole: Option<String>,
    directory: &Path,
    report: &Report,
    formats: &[Format],
    templates: &Templates,
) -> Result<Manifest, PublishError> {
    let created = prepare(directory)?;
    let mut written = Vec::new();
    let published = write_all(directory, report, formats, templates, whole, &mut written);
    if published.is_err() {
        // Best effort: the error that is told is the first one.
        for path in &written {
            drop(fs::remove_file(path));
        }
        if created {
            drop(fs::remove_dir(directory));
        }
    }
    published
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
    for file in &listed.files {
        let written = write(to, &file.name, &mut Vec::new(), |out| {
            io::copy(&mut File::open(from.join(&file.name))?, out).map(drop)
        })?;
        if (written.size, &written.sha256) != (file.size, &file.sha256) {
            let source = io::Error::other("its content is not what the manifest says; it was changed");
            return Err(io(&from.join(&file.name), source));
        }
        crash::point("copy-file");
    }
    write(to, MANIFEST, &mut Vec::new(), |out| {
        io::copy(&mut File::open(from.join(MANIFEST))?, out).map(drop)
    })?;
    sync(to)
}

/// Whether a directory holds nothing but what a copy of this run that died can have left.
fn only_partial(directory: &Path, listed: &Listed) -> bool {
    let Ok(entries) = fs::read_dir(directory) else { return false };
    entries.into_iter().all(|entry| {
        let name = entry.map(|entry| entry.file_name().to_string_lossy().into_owned()).unwrap_or_default();
        let plain = name.strip_prefix('.').and_then(|name| name.strip_suffix(".partial")).unwrap_or(&name);
        plain == MANIFEST || listed.files.iter().any(|file| file.name == plain)
    })
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
        fs::metadata(directory.join(&self.name)).is_ok_and(|found| found.len() == self.size)
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
        (listed.schema == Manifest::SCHEMA).then_some(listed)
    }

    /// Whether a folder holds plain files that its manifest names, and nothing else.
    fn is_all_of(directory: &Path) -> bool {
        let (Some(listed), Ok(entries)) = (Self::read(directory), fs::read_dir(directory)) else {
            return false;
        };
        let known = |name: &str| name == MANIFEST || listed.files.iter().any(|file| file.name == name);
        entries.into_iter().all(|entry| {
            entry.is_ok_and(|entry| {
                let is_file = entry.file_type().is_ok_and(|kind| kind.is_file());
                is_file && entry.file_name().to_str().is_some_and(known)
            })
        })
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

fn write_all(
    directory: &Path,
    report: &Report,
    formats: &[Format],
    templates: &Templates,
    whole: Option<String>,
    written: &mut Vec<PathBuf>,
) -> Result<Manifest, PublishError> {
    let mut files = Vec::new();
    for artifact in ARTIFACTS.iter().filter(|artifact| formats.contains(&artifact.format)) {
        let file = write(directory, artifact.name, written, |out| artifact.render(report, templates, out))?;
        files.push(file);
    }
    crash::point("files-written");
    let manifest = Manifest::new(report, files, whole);
    write(directory, MANIFEST, written, |out| {
        serde_json::to_writer_pretty(&mut *out, &manifest)?;
        out.write_all(b"\n")
    })?;
    crash::point("manifest-named");
    sync(directory)?;
    Ok(manifest)
}

/// Writes one file aside, syncs it and gives it its name. A file that exists is never replaced or followed.
fn write(
    directory: &Path,
    name: &str,
    written: &mut Vec<PathBuf>,
    render: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> Result<ManifestFile, PublishError> {
    let (aside, path) = (directory.join(format!(".{name}.partial")), directory.join(name));
    let io = |source| PublishError::Io { path: path.clone(), source };
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

    fn names(directory: &Path) -> Vec<String> {
        let mut names: Vec<_> = fs::read_dir(directory)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o7777
    }

    #[test]
    fn publishes_every_file_with_its_hash_and_mode() {
        let parent = tempfile::tempdir().unwrap();
        let directory = parent.path().join("new/review");
        let manifest = publish(&directory, &Report::sample(), &Format::ALL, &Templates::default()).unwrap();
        let mut expected: Vec<String> = manifest.files.iter().map(|file| file.name.clone()).collect();
        expected.push("manifest.json".into());
        expected.sort();
        assert_eq!(names(&directory), expected);
        assert_eq!(expected.len(), ARTIFACTS.len() + 1);
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
        let error = publish(directory.path(), &Report::sample(), &Format::ALL, &Templates::default());
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
            publish(&directory, &report, &[Format::Json], &Templates::default()).unwrap();
        }
        fs::create_dir(parent.path().join("notes")).unwrap();
        fs::write(parent.path().join("weekly-1/signed.pdf"), "kept").unwrap();
        fs::remove_file(parent.path().join("weekly-2/report.json")).unwrap();
        keep_latest(parent.path(), "weekly", 2).unwrap();
        assert_eq!(names(parent.path()), ["notes", "quarterly-0", "weekly-1", "weekly-3", "weekly-4"]);
        assert_eq!(names(&parent.path().join("weekly-1")), ["manifest.json", "report.json", "signed.pdf"]);
        assert!(holds_run(&parent.path().join("weekly-4"), &Report::sample().run.id));
        assert!(!holds_run(&parent.path().join("weekly-4"), "another"));
    }

    #[test]
    fn a_failing_write_leaves_nothing_behind() {
        let directory = tempfile::tempdir().unwrap();
        let mut written = Vec::new();
        write(directory.path(), "first", &mut written, |out| out.write_all(b"whole")).unwrap();
        let full = write(directory.path(), "second", &mut written, |out| {
            out.write_all(b"half")?;
            Err(io::ErrorKind::StorageFull.into())
        });
        assert!(matches!(full, Err(PublishError::Io { ref path, .. }) if path.ends_with("second")));
        assert_eq!(names(directory.path()), [".second.partial", "first"]);
        for path in &written {
            drop(fs::remove_file(path));
        }
        assert_eq!(names(directory.path()), [] as [&str; 0]);
    }
}
