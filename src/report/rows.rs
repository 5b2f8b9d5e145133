//! The rows of a report: one struct for each list of `report.json`, which is also one table in every other format.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde::{Serialize, Serializer};

use super::FindingChange;
use crate::finding::{Control, Severity, SubjectKind, Verdict};
use crate::graph::Via;
use crate::model::{Confidence, CrossCheck, GapReason, MatchedBy, PartState, PrivilegeId, TwoFactor};

/// A rule's verdict on a console.
#[derive(Debug, Clone, Serialize)]
pub struct RuleRow {
    /// The rule's id.
    pub id: Cow<'static, str>,
    /// Its catalogue code.
    pub code: Cow<'static, str>,
    /// Its title.
    pub title: Cow<'static, str>,
    /// The console.
    pub console: Arc<str>,
    /// The worst severity that it found here; without a finding, the rule's own.
    pub severity: Severity,
    /// The verdict.
    pub verdict: Verdict,
    /// The verdict as it was before waivers; `None` if they change nothing.
    pub original_verdict: Option<Verdict>,
    /// The verdict in the run that this one is compared with; `None` if there is none. JSON tells it by the changes.
    #[serde(skip)]
    pub earlier: Option<Verdict>,
    /// Subjects judged.
    pub examined: u64,
    /// Subjects that should have been judged.
    pub expected: u64,
    /// How many findings.
    pub findings: u64,
    /// Why the verdict is not a plain pass or fail.
    pub note: Option<String>,
    /// Why the rule matters.
    pub why: Cow<'static, str>,
    /// How to mend it in the console's pages; JSON has it in the findings' `remediation`.
    #[serde(skip)]
    pub click_path: Cow<'static, str>,
    /// How to mend it through the API; JSON has it in the findings' `remediation`.
    #[serde(skip)]
    pub api_call: Cow<'static, str>,
    /// How many of them no waiver covers.
    pub open: u64,
    /// The controls that it serves.
    pub controls: Arc<[Control]>,
    /// The rule's version.
    pub version: u32,
}

/// A finding.
#[derive(Debug, Clone, Serialize)]
pub struct FindingRow {
    /// The stable id.
    pub id: String,
    /// The console.
    pub console: Arc<str>,
    /// The rule's id.
    pub rule: Arc<str>,
    /// The rule's title.
    pub title: Arc<str>,
    /// How much it matters.
    pub severity: Severity,
    /// Whether it stands, or a waiver covers it.
    pub state: FindingState,
    /// What kind of thing it is about.
    pub subject_kind: SubjectKind,
    /// The subject's id.
    pub subject_id: String,
    /// The subject's name.
    pub subject_name: String,
    /// What is wrong, one sentence.
    pub summary: String,
    /// What shows it.
    pub evidence: Vec<Evidence>,
    /// How to mend it.
    pub remediation: Arc<str>,
    /// The controls behind it.
    pub controls: Arc<[String]>,
    /// When a run first saw it.
    pub first_seen: DateTime<Utc>,
    /// How it stands to the earlier run; `None` without one, or if the comparison proves nothing.
    pub change: Option<FindingChange>,
    /// The waiver that covers it.
    pub waiver: Option<String>,
    /// When that waiver ends.
    pub waiver_expires: Option<DateTime<Utc>>,
}

impl FindingRow {
    /// Whether no waiver covers it.
    pub fn is_open(&self) -> bool {
        self.state == FindingState::Open
    }
}

/// One piece of evidence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Evidence {
    /// What it is.
    pub label: &'static str,
    /// What it says.
    pub value: String,
}

impl fmt::Display for Evidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.label, self.value)
    }
}

/// Whether a finding stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum FindingState {
    /// It stands.
    Open,
    /// A waiver covers it.
    Waived,
}

impl FindingState {
    /// The name in `findings.csv`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Waived => "waived",
        }
    }
}

/// A user with everything it reaches.
#[derive(Debug, Clone, Serialize)]
pub struct UserRow {
    /// The console.
    pub console: Arc<str>,
    /// Its id.
    pub id: i64,
    /// Its login.
    pub login: String,
    /// Its full name.
    pub name: String,
    /// Its mail address.
    pub email: Option<String>,
    /// Whether it may log in.
    pub enabled: Option<bool>,
    /// Whether it is locked.
    pub locked: Option<bool>,
    /// The name of its authentication source.
    pub auth_source: Option<String>,
    /// The type of its authentication source.
    pub auth_type: Option<String>,
    /// Whether it authenticates outside the console.
    pub external: Option<bool>,
    /// Its role's id.
    pub role_id: Option<Arc<str>>,
    /// Its role's name.
    pub role_name: Option<String>,
    /// Whether it is a superuser.
    pub superuser: bool,
    /// Its privileges; `None` is unknown.
    pub privileges: Option<Vec<PrivilegeId>>,
    /// Whether it has the all-sites flag.
    pub all_sites: bool,
    /// The sites that it reaches.
    pub sites: Scopes,
    /// Whether it has the all-asset-groups flag.
    pub all_asset_groups: bool,
    /// The asset groups that it reaches.
    pub asset_groups: Scopes,
    /// Direct site grants that lie unused under "all"; left out of JSON where there are none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub leftover_sites: Vec<i64>,
    /// Direct asset group grants that lie unused under "all"; left out of JSON where there are none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub leftover_asset_groups: Vec<i64>,
    /// Two-factor state.
    pub two_factor: TwoFactor,
    /// The id of the person in the roster; `None` if there is not exactly one.
    pub person: Option<String>,
    /// What the roster says of the account: `not_asked`, `nobody`, `person` or `ambiguous`.
    pub roster_match: &'static str,
    /// What account and person have in common.
    pub matched_by: Option<MatchedBy>,
    /// How sure that is.
    pub match_confidence: Option<Confidence>,
    /// The person's manager, as the roster writes it.
    pub manager: Option<String>,
    /// The person's department.
    pub department: Option<String>,
    /// Whether the person has left; `None` if that is not known.
    pub left: Option<bool>,
    /// When the account was last seen at work.
    pub last_seen: Option<DateTime<Utc>>,
    /// What tells that.
    pub last_seen_by: Option<&'static str>,
    /// How much that can be relied on.
    pub last_seen_confidence: Option<Confidence>,
    /// How many open findings concern it, those on its role included.
    pub findings: u64,
    /// The worst of them.
    pub highest_severity: Option<Severity>,
}

/// What a user reaches: `"all"`, a list of ids, or `null` if the console did not answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scopes {
    /// Every one.
    All,
    /// Exactly these, sorted.
    Listed(Vec<i64>),
    /// Not known.
    Unknown,
}

impl Serialize for Scopes {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::All => out.serialize_str("all"),
            Self::Listed(ids) => ids.serialize(out),
            Self::Unknown => out.serialize_none(),
        }
    }
}

/// One path by which one user reaches one site or asset group: a line of `grants.csv`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Grant<'a> {
    /// The console.
    pub console: &'a str,
    /// The user's id.
    pub user_id: i64,
    /// The user's login.
    pub login: &'a str,
    /// `site` or `asset-group`.
    pub scope: &'static str,
    /// The site's or group's id.
    pub scope_id: i64,
    /// Its name; empty if the console does not list it.
    pub scope_name: &'a str,
    /// What grants it.
    pub via: Via,
}

/// A role.
#[derive(Debug, Clone, Serialize)]
pub struct RoleRow {
    /// The console.
    pub console: Arc<str>,
    /// Its id.
    pub id: Arc<str>,
    /// Its name.
    pub name: String,
    /// Its description.
    pub description: Option<String>,
    /// Its privileges.
    pub privileges: Vec<PrivilegeId>,
    /// How many users hold it.
    pub users: u64,
    /// Whether it comes with the product.
    pub builtin: bool,
}

/// A privilege.
#[derive(Debug, Clone, Serialize)]
pub struct PrivilegeRow {
    /// The console.
    pub console: Arc<str>,
    /// Its id.
    pub id: PrivilegeId,
    /// How many roles hold it.
    pub roles: u64,
    /// How many users can use it, superusers and holders of `all-permissions` included.
    pub users: u64,
    /// Whether recert knows what it allows.
    pub known: bool,
}

/// A site.
#[derive(Debug, Clone, Serialize)]
pub struct SiteRow {
    /// The console.
    pub console: Arc<str>,
    /// Its id.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// Its description.
    pub description: Option<String>,
    /// Its type.
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// Its importance.
    pub importance: Option<String>,
    /// How many assets it holds.
    pub assets: Option<i64>,
    /// When it was last scanned, as the console writes it.
    pub last_scan: Option<String>,
    /// How many users are known to reach it.
    pub users: u64,
    /// How many users' reach is not known, so that the count may be higher.
    pub users_unknown: u64,
}

/// An asset group.
#[derive(Debug, Clone, Serialize)]
pub struct AssetGroupRow {
    /// The console.
    pub console: Arc<str>,
    /// Its id.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// Its description.
    pub description: Option<String>,
    /// Its type.
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// How many assets it holds.
    pub assets: Option<i64>,
    /// How many users are known to reach it.
    pub users: u64,
    /// How many users' reach is not known, so that the count may be higher.
    pub users_unknown: u64,
}

/// How much of one part was seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CoverageRow {
    /// The console.
    pub console: Arc<str>,
    /// The part.
    pub part: &'static str,
    /// The path template that it is read from; JSON leaves it out, as the part implies it.
    #[serde(skip)]
    pub endpoint: &'static str,
    /// How much there should be; `None` where the console gives no total.
    pub expected: Option<u64>,
    /// How much was seen.
    pub examined: u64,
    /// What follows.
    pub state: PartState,
}

/// One thing that was not seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct GapRow {
    /// The console.
    pub console: Arc<str>,
    /// The part that it belongs to.
    pub part: &'static str,
    /// The path template.
    pub endpoint: String,
    /// The id in it.
    pub id: Option<String>,
    /// Why.
    pub reason: GapReason,
    /// How often it was asked.
    pub attempts: u32,
    /// The last HTTP status.
    pub last_status: Option<u16>,
}

/// Two answers of a console that disagree.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AnomalyRow {
    /// The console.
    pub console: Arc<str>,
    /// What was compared.
    pub check: CrossCheck,
    /// The user in question.
    pub user: Option<i64>,
    /// The role, privilege, source, site or group in question.
    pub object: String,
    /// The first endpoint.
    pub left_endpoint: String,
    /// What it says.
    pub left_says: String,
    /// The second endpoint.
    pub right_endpoint: String,
    /// What it says.
    pub right_says: String,
}

/// One difference to an earlier run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Change {
    /// The console.
    pub console: Arc<str>,
    /// What kind of thing changed, such as `finding` or `grant`.
    pub kind: &'static str,
    /// What happened to it, such as `new` or `resolved`.
    pub change: &'static str,
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Whether it concerns an account or a role that may do everything, then or now.
    pub administrator: bool,
    /// One sentence.
    pub summary: String,
    /// The finding, where it is one that is resolved; JSON leaves it out, as the sentence says it.
    #[serde(skip)]
    pub resolved: Option<ResolvedFinding>,
}

/// A finding of the earlier run that is proven not to be there any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResolvedFinding {
    /// The rule's id.
    pub rule: String,
    /// How much it mattered.
    pub severity: Severity,
    /// What kind of thing it was about.
    pub subject_kind: SubjectKind,
    /// That thing's id.
    pub subject_id: String,
}
