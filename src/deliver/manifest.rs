//! `manifest.json`: what a review wrote, with the hash of every file, and what it was made from.

use std::borrow::Cow;

use serde::Serialize;

use crate::report::{ConsoleTotals, Redaction, Report, Run};

/// The manifest of one run's files.
#[derive(Debug, Clone, Serialize)]
pub struct Manifest {
    schema: &'static str,
    tool: Tool,
    run: Run,
    consoles: Vec<ConsoleEntry>,
    counts: Counts,
    rules: Vec<RuleEntry>,
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
    /// Its name.
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

/// Rows in the report, to be compared with the files.
#[derive(Debug, Clone, Serialize)]
struct Counts {
    users: usize,
    grants: usize,
    findings: usize,
    roles: usize,
    sites: usize,
    asset_groups: usize,
    gaps: usize,
}

#[derive(Debug, Clone, Serialize)]
struct RuleEntry {
    id: Cow<'static, str>,
    version: u32,
}

impl Manifest {
    /// The value of `schema`.
    pub const SCHEMA: &str = "recert.manifest/1";

    /// The manifest of a report's files. For a redacted copy, `whole` is the hash of the whole report's manifest.
    pub fn new(report: &Report, mut files: Vec<ManifestFile>, whole: Option<String>) -> Self {
        files.sort_by(|a, b| a.name.cmp(&b.name));
        let mut rules: Vec<RuleEntry> = report
            .rules
            .iter()
            .map(|rule| RuleEntry { id: rule.id.clone(), version: rule.version })
            .collect();
        rules.sort_by(|a, b| a.id.cmp(&b.id));
        rules.dedup_by(|a, b| a.id == b.id);
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
            counts: Counts {
                users: report.users.len(),
                grants: report.grants().count(),
                findings: report.findings.len(),
                roles: report.roles.len(),
                sites: report.sites.len(),
                asset_groups: report.asset_groups.len(),
                gaps: report.gaps.len(),
            },
            rules,
            files,
            redacted: report.redacted.clone(),
            whole,
        }
    }
}
