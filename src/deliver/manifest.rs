//! `manifest.json`: what a review wrote, with the hash of every file, and what it was made from.

use serde::Serialize;

use crate::report::{ConsoleTotals, Counts, Redaction, Report, RuleVersion, Run};

/// The manifest of one run's files.
#[derive(Debug, Clone, Serialize)]
pub struct Manifest {
    schema: &'static str,
    tool: Tool,
    run: Run,
    consoles: Vec<ConsoleEntry>,
    counts: Counts,
    rules: Vec<RuleVersion>,
    /// The files, in the order of their names.
    pub files: Vec<ManifestFile>,
    /// What the files leave out; empty for the whole report.
    redacted: Vec<Redaction>,
    /// SHA-256 of the manifest of the whole report's files, hex, in a redacted copy: what it was made from.
    whole: Option<String>,
}

/// One file of the manifest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ManifestFile {
    /// Its path from the manifest, with `/` between the names.
    pub name: String,
    /// Its size in bytes.
    pub size: u64,
    /// SHA-256 of its bytes, hex.
    pub sha256: String,
}

#[derive(Debug, Clone, Serialize)]
struct Tool {
    name: &'static str,
    version: &'static str,
}

#[derive(Debug, Clone, Serialize)]
struct ConsoleEntry {
    name: String,
    uuid: Option<String>,
    serial: Option<String>,
    version: Option<String>,
    totals: ConsoleTotals,
}

impl Manifest {
    /// The value of `schema`.
    pub const SCHEMA: &str = "recert.manifest/1";

    /// The bytes of its file.
    ///
    /// # Errors
    /// None that is known.
    pub fn bytes(&self) -> std::io::Result<Vec<u8>> {
        let mut bytes = serde_json::to_vec_pretty(self)?;
        bytes.push(b'\n');
        Ok(bytes)
    }

    /// The manifest of a report's files. For a redacted copy, `whole` is the hash of the whole report's manifest.
    pub fn new(report: &Report, mut files: Vec<ManifestFile>, whole: Option<String>) -> Self {
        files.sort_by(|a, b| a.name.cmp(&b.name));
        Self {
            schema: Self::SCHEMA,
            tool: Tool { name: env!("CARGO_PKG_NAME"), version: report.run.version },
            run: report.run.clone(),
            consoles: report
                .consoles
                .iter()
                .map(|console| ConsoleEntry {
                    name: console.name.clone(),
                    uuid: console.uuid.clone(),
                    serial: console.serial.clone(),
                    version: console.version.clone(),
                    totals: console.totals,
                })
                .collect(),
            counts: report.counts(),
            rules: report.rule_versions(),
            files,
            redacted: report.redacted.clone(),
            whole,
        }
    }
}
