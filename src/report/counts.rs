//! How many of everything: what a manifest says, to be compared with the files.

use std::borrow::Cow;

use serde::Serialize;

use super::Report;

/// Rows in a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Counts {
    users: usize,
    grants: usize,
    findings: usize,
    roles: usize,
    sites: usize,
    asset_groups: usize,
    gaps: usize,
}

/// A rule that judged, and its version.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct RuleVersion {
    id: Cow<'static, str>,
    version: u32,
}

impl Report {
    /// How many rows each table has.
    pub fn counts(&self) -> Counts {
        Counts {
            users: self.users.len(),
            grants: self.grants().count(),
            findings: self.findings.len(),
            roles: self.roles.len(),
            sites: self.sites.len(),
            asset_groups: self.asset_groups.len(),
            gaps: self.gaps.len(),
        }
    }

    /// Every rule that judged, by its id.
    pub fn rule_versions(&self) -> Vec<RuleVersion> {
        let version = |rule: &super::RuleRow| RuleVersion { id: rule.id.clone(), version: rule.version };
        let mut versions: Vec<RuleVersion> = self.rules.iter().map(version).collect();
        versions.sort_unstable();
        versions.dedup_by(|a, b| a.id == b.id);
        versions
    }
}
