//! Runs that a directory holds already: known by their manifest, copied, kept, and taken away.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use super::listed::{Listed, folders_above, holds_only, kind_in, open_in};
use super::write::{prepare, sync, sync_folders, write};
use super::{MANIFEST, PublishError};
use crate::crash;

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

#[cfg(test)]
mod tests {
    use super::super::trial::{all_below, names, published};
    use super::*;
    use crate::deliver::Manifest;
    use crate::render::Format;
    use crate::report::Report;

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
}
