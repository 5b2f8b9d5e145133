//! The report: final, sorted and self-contained. Its serialisation is `report.json`; every other format reads it too.

mod assembly;
mod changes;
mod controls;
mod counts;
mod estate;
mod persons;
mod redaction;
mod rows;
mod trend;
mod waivers;
#[cfg(test)]
mod sample;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

pub use assembly::{Reviewed, assemble};
pub use changes::{
    Comparison, Differences, FindingChange, FindingCounts, Uncompared, changes, changes_between,
};
pub use controls::{ControlRow, ControlState, ControlVerdict};
pub use counts::{Counts, RuleVersion};
pub use estate::{AccountPlace, Estate, Identity, IdentityAccount};
pub use persons::{Declared, Persons};
pub use redaction::{PSEUDONYM, Redaction};
pub use rows::{
    AnomalyRow, AssetGroupRow, Change, CoverageRow, Evidence, FindingRow, FindingState, GapRow, Grant,
    PrivilegeRow, ResolvedFinding, RoleRow, RuleRow, Scopes, SiteRow, UserRow,
};
pub use trend::TrendRow;
pub use waivers::{ENDS_NOW, ENDS_SOON, WaiverRow, WaiverState};

use controls::control_rows;
use estate::{identities, totals};
use persons::is_address;
use trend::trend;
use waivers::{covering, waiver_rows, waiver_words, with_waivers};

/// Everything one run found out.
///
/// Lists are sorted: consoles by name, rules by console and catalogue, findings by severity (worst first), console,
/// rule and subject, rows by console and id.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// Always [`SCHEMA`].
    pub schema: &'static str,
    /// The run.
    pub run: Run,
    /// The consoles under review.
    pub consoles: Vec<ConsoleSummary>,
    /// What they come to together.
    pub estate: Estate,
    /// People with accounts on several of them.
    pub identities: Vec<Identity>,
    /// Every rule's verdict on every console.
    pub rules: Vec<RuleRow>,
    /// Every finding.
    pub findings: Vec<FindingRow>,
    /// Every user.
    pub users: Vec<UserRow>,
    /// Every role.
    pub roles: Vec<RoleRow>,
    /// Every privilege.
    pub privileges: Vec<PrivilegeRow>,
    /// Every site.
    pub sites: Vec<SiteRow>,
    /// Every asset group.
    pub asset_groups: Vec<AssetGroupRow>,
    /// How much of each part was seen.
    pub coverage: Vec<CoverageRow>,
    /// What was not seen, by name.
    pub gaps: Vec<GapRow>,
    /// Where two answers of a console disagree.
    pub anomalies: Vec<AnomalyRow>,
    /// What the job's last runs came to, oldest first; this one is the last.
    pub trend: Vec<TrendRow>,
    /// The earlier run that this one is compared with; `None` where there is none.
    pub comparison: Option<Comparison>,
    /// Every waiver of the configuration, and what it covers; those that end first come first.
    pub waivers: Vec<WaiverRow>,
    /// Every control that a rule serves, and what the rules say of it.
    pub controls: Vec<ControlRow>,
    /// What changed since that run: by console, findings first, then what concerns administrators.
    pub changes: Vec<Change>,
    /// What this copy leaves out, with pseudonyms in its place; empty for the whole report.
    pub redacted: Vec<Redaction>,
    /// What the pseudonyms of redacted copies are made with, hex; `None` in such a copy.
    pub redaction_key: Option<String>,
    /// Whom the report can name; JSON leaves it out, as the rows tell.
    #[serde(skip)]
    pub persons: Persons,
}

impl Report {
    /// The findings that no waiver covers, the worst first: those that every headline, alarm and exit code counts.
    pub fn open(&self) -> impl Iterator<Item = &FindingRow> + Clone {
        self.findings.iter().filter(|finding| finding.is_open())
    }

    /// How many findings a waiver covers.
    pub fn waived(&self) -> u64 {
        (self.findings.len() - self.open().count()) as u64
    }

    /// How many controls are neither passed nor failed: what their rules need was not seen, or is not provided.
    pub fn not_proven(&self) -> u64 {
        self.controls.iter().filter(|control| control.state == ControlState::NotProven).count() as u64
    }
}

/// The value of `schema` in `report.json`.
pub const SCHEMA: &str = "recert.report/1";

/// One execution of a review.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Run {
    /// Derived from the slot, or, for a run on demand, from what was collected and when.
    pub id: String,
    /// The job; `None` on demand.
    pub job: Option<String>,
    /// The nominal time of a scheduled run.
    pub slot: Option<DateTime<Utc>>,
    /// Earlier slots that were missed and that this run stands for as well.
    pub collapsed: u64,
    /// When the first collection started.
    pub started: DateTime<Utc>,
    /// When the last collection finished; the time that every rule judges at.
    pub finished: DateTime<Utc>,
    /// Whether the population ties out on every console.
    pub verdict: Completeness,
    /// The version of recert.
    pub version: &'static str,
    /// SHA-256 of the configuration that counts, hex.
    pub configuration: String,
}

/// Whether everything that should have been seen was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Completeness {
    /// Every part of every console ties out.
    Complete,
    /// At least one gap; no claim rests on what was not seen.
    Incomplete,
}

fn completeness(ties_out: bool) -> Completeness {
    if ties_out { Completeness::Complete } else { Completeness::Incomplete }
}

/// One console under review.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ConsoleSummary {
    /// The configured name.
    pub name: String,
    /// Its uuid.
    pub uuid: Option<String>,
    /// Its serial number.
    pub serial: Option<String>,
    /// Its version.
    pub version: Option<String>,
    /// Whether its population ties out.
    pub verdict: Completeness,
    /// When its collection started.
    pub started: DateTime<Utc>,
    /// When its collection finished.
    pub finished: DateTime<Utc>,
    /// The login that collected.
    pub collector: String,
    /// How much was asked: `full` or `lean`.
    pub depth: crate::model::Depth,
    /// How many of each it holds, as far as it was seen.
    pub totals: ConsoleTotals,
    /// HTTP requests that the review cost it, retries included.
    pub requests: u64,
    /// Milliseconds from each of them to its whole answer, in sum; for metrics, JSON leaves it out.
    #[serde(skip)]
    pub waited_ms: u64,
}

impl ConsoleSummary {
    /// What tells consoles apart, as [`crate::model::ConsoleIdentity::key`] does.
    pub fn key(&self) -> &str {
        self.serial.as_deref().or(self.uuid.as_deref()).unwrap_or(&self.name)
    }
}

/// How many of each a console holds: the console's own totals where it gives one, else the rows that were seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct ConsoleTotals {
    /// Users, as the console counts them; `None` if it did not say.
    pub users: Option<u64>,
    /// Roles that were seen; the console gives no total.
    pub roles: u64,
    /// Privileges that were seen; the console gives no total.
    pub privileges: u64,
    /// Authentication sources that were seen; the console gives no total.
    pub authentication_sources: u64,
    /// Sites, as the console counts them; `None` if it did not say.
    pub sites: Option<u64>,
    /// Asset groups, as the console counts them; `None` if it did not say.
    pub asset_groups: Option<u64>,
}
