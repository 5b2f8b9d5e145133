//! A published run, and what a directory holds then.

use std::fs;
use std::path::Path;

use super::{PublishError, Published, publish};
use crate::evidence::{ChainPlace, Filing, Observed};
use crate::render::{Format, Templates};
use crate::report::Report;

/// Publishes as a run that stands alone.
pub(super) fn published(
    directory: &Path,
    report: &Report,
    formats: &[Format],
) -> Result<Published, PublishError> {
    let observed = Observed::sample();
    let place = ChainPlace::alone();
    let filing = Filing { observed: &observed, receipts: None, place: &place, key: None };
    publish(directory, report, formats, &Templates::default(), &filing)
}

pub(super) fn names(directory: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// Every file and folder below a directory, by its path from there.
pub(super) fn all_below(directory: &Path) -> Vec<String> {
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
