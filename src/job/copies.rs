//! What each recipient of a run gets to see: the whole report, or a redacted copy with files of its own.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::PlannedJob;
use crate::deliver::{PublishError, publish_redacted};
use crate::render::{Format, Templates};
use crate::report::{Redaction, Report};

/// A report and where its files lie.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shown<'a> {
    /// The report.
    pub(super) report: &'a Report,
    /// The directory of its files.
    pub(super) files: &'a Path,
    /// The name of the folder in the run's directory, if it is a redacted copy.
    pub(super) folder: &'a str,
}

/// The whole report and the redacted copies of it that the job's recipients get.
pub(super) struct Copies<'a> {
    whole: Shown<'a>,
    redacted: Vec<Redacted>,
}

struct Redacted {
    what: BTreeSet<Redaction>,
    report: Report,
    files: PathBuf,
    folder: String,
}

impl<'a> Copies<'a> {
    /// Writes the files of every redacted copy beside those of the whole report, which lie in `files`.
    pub(super) fn make(
        job: &PlannedJob,
        templates: &Templates,
        report: &'a Report,
        files: &'a Path,
    ) -> Result<Self, PublishError> {
        let wants = |what: &BTreeSet<Redaction>| {
            let all = job.table.directory.iter().any(|table| table.redact == *what);
            let mails = job.table.email.iter().filter(|table| table.redact == *what);
            let attached: Vec<Format> = mails
                .flat_map(|table| table.formats.as_ref().unwrap_or(&job.table.formats))
                .copied()
                .collect();
            let wanted = |format: &&Format| all || attached.contains(format);
            job.table.formats.iter().filter(wanted).copied().collect::<Vec<_>>()
        };
        let directories = job.table.directory.iter().map(|table| &table.redact);
        let tables: BTreeSet<_> =
            directories.chain(job.table.email.iter().map(|table| &table.redact)).collect();
        let redacted = tables.into_iter().filter(|what| !what.is_empty()).map(|what| {
            let copy = report.redacted(what);
            let folder = publish_redacted(files, &copy, &wants(what), templates)?;
            Ok(Redacted { what: what.clone(), report: copy, files: files.join(&folder), folder })
        });
        let redacted = redacted.collect::<Result<_, PublishError>>()?;
        Ok(Self { whole: Shown { report, files, folder: "" }, redacted })
    }

    /// The copy without these. What was not made is never replaced by the whole report.
    pub(super) fn without(&self, what: &BTreeSet<Redaction>) -> Option<Shown<'_>> {
        if what.is_empty() {
            return Some(self.whole);
        }
        let copy = self.redacted.iter().find(|copy| copy.what == *what)?;
        Some(Shown { report: &copy.report, files: &copy.files, folder: &copy.folder })
    }
}
