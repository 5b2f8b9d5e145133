//! What a review knows: the snapshot of one console and the values in it.
//!
//! A snapshot is a value. It can be saved, read back and judged again, and it says of every part how much of it was
//! seen. Ids are newtypes over what the console sends; none of its vocabularies (roles, privileges, source types) is
//! a closed set here (`console-api.md` §7).

mod activity;
mod coverage;
mod entities;
mod ids;
mod person;
mod shared;
#[cfg(test)]
pub(crate) mod sample;

pub use activity::{
    Act, Exception, ExceptionKind, LastLogon, LogonSource, LogonSourceKind, ReportAccess, ScanActivity,
};
pub use coverage::{
    Anomaly, Answer, Claim, Coverage, CrossCheck, Gap, GapReason, Part, PartCoverage, PartState,
};
pub use entities::{
    AssetGroup, Authentication, AuthenticationSource, BUILTIN_ROLES, GLOBAL_ADMIN, KNOWN_PRIVILEGES, Role,
    Site, TwoFactor, User, UserRole,
};
pub use ids::{AssetGroupId, AuthenticationSourceId, PrivilegeId, RoleId, SiteId, UserId};
pub use person::{Confidence, DeclaredOwner, MatchedBy, Person, RosterMatch, RosterSource, Unexplained};
pub use shared::Shared;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// What one collection saw of one console, with the time and the coverage of every part.
///
/// Every list is sorted by id, so that equal worlds serialise to equal bytes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Snapshot {
    /// Which console this is.
    pub console: ConsoleIdentity,
    /// When the first call of the collection was sent.
    pub started: DateTime<Utc>,
    /// When the last answer of the collection was read.
    pub finished: DateTime<Utc>,
    /// How much was asked.
    pub depth: Depth,
    /// The account that collected, and what it may see.
    pub collector: Collector,
    /// The console's global settings, as far as the review needs them.
    pub settings: ConsoleSettings,
    /// What the console itself says it holds.
    pub totals: Totals,
    /// What the collection cost the console.
    pub requests: Requests,
    /// Users, by id.
    pub users: Vec<User>,
    /// Roles, by id.
    pub roles: Vec<Role>,
    /// Privileges that the console knows, by id.
    pub privileges: Vec<PrivilegeId>,
    /// Authentication sources, by id.
    pub authentication_sources: Vec<AuthenticationSource>,
    /// Sites, by id.
    pub sites: Vec<Site>,
    /// Asset groups, by id.
    pub asset_groups: Vec<AssetGroup>,
    /// Vulnerability exceptions and policy overrides, by kind and id; the coverage tells the two apart.
    #[serde(default)]
    pub exceptions: Answer<Vec<Exception>>,
    /// Scans by who started them, by name.
    #[serde(default)]
    pub scans: Answer<Vec<ScanActivity>>,
    /// Configured reports, by id.
    #[serde(default)]
    pub reports: Answer<Vec<ReportAccess>>,
    /// The roster that the users were joined with.
    #[serde(default)]
    pub roster: Option<RosterSource>,
    /// Where logons are known from, exports before logs.
    #[serde(default)]
    pub logon_sources: Vec<LogonSource>,
    /// How much of each part was seen, and every gap by name.
    pub coverage: Coverage,
    /// Where two answers of the console disagree, in the order of the cross-checks.
    pub anomalies: Vec<Anomaly>,
}

impl Snapshot {
    /// Whether every account there is was seen, so that one that is not here does not exist. A collector with limited
    /// rights is shown some accounts alone, and nothing tells that there are more.
    pub fn saw_everyone(&self) -> bool {
        self.coverage.was_seen(Part::Users) && self.collector.rights == CollectorRights::GlobalAdministrator
    }
}

/// A console: labelled by the configured name, identified by what it says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConsoleIdentity {
    /// The name in the configuration.
    pub name: String,
    /// `settings.uuid`, where the collector may read the settings.
    pub uuid: Option<String>,
    /// `info.serial`.
    pub serial: Option<String>,
    /// `info.version.semantic`, such as "6.6.210".
    pub version: Option<String>,
}

impl ConsoleIdentity {
    /// What tells consoles apart in the ids of findings and runs: serial, else uuid, else the configured name.
    ///
    /// The serial comes first because every account may read it, while the uuid is in the settings: the ids must not
    /// change on the day that the settings cannot be read.
    pub fn key(&self) -> &str {
        self.serial.as_deref().or(self.uuid.as_deref()).unwrap_or(&self.name)
    }

    /// Whether two runs speak of one console: by the first of serial and uuid that both know, else by the name.
    pub fn is_same(&self, other: &Self) -> bool {
        let said = [(&self.serial, &other.serial), (&self.uuid, &other.uuid)];
        let said = said.into_iter().find_map(|(own, other)| Some(own.as_ref()? == other.as_ref()?));
        said.unwrap_or_else(|| self.name == other.name)
    }
}

/// How much a collection asks of the console.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Depth {
    /// Every question about every user and every cross-check.
    #[default]
    Full,
    /// Privileges from the listing, and no question that a flag already answers.
    Lean,
}

/// The service account of the collection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Collector {
    /// Its login, as configured.
    pub login: String,
    /// Its own user record, found in the listing by login.
    pub user: Option<UserId>,
    /// What it may see.
    pub rights: CollectorRights,
}

/// What the collecting account may see; only a Global Administrator sees everything (`console-api.md` §9.10).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CollectorRights {
    /// Role `global-admin`, or the superuser flag.
    GlobalAdministrator,
    /// Anything less: the world it sees may be smaller than the real one.
    Limited,
    /// Its own record was not found or could not be read.
    Unknown,
}

/// The console's global settings, as far as a review needs them; `None` is "could not be read".
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConsoleSettings {
    /// `authentication.2fa`: whether the console offers two-factor authentication at all.
    pub two_factor: Option<bool>,
    /// `authentication.loginLockThreshold`: failed logins before an account is locked.
    pub login_lock_threshold: Option<i64>,
    /// `web.sessionTimeout`, in seconds.
    #[serde(default)]
    pub session_timeout: Option<i64>,
}

/// The console's own totals (`page.totalResources`), re-read at the end of each walk.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    /// Users.
    pub users: Option<u64>,
    /// Sites.
    pub sites: Option<u64>,
    /// Asset groups.
    pub asset_groups: Option<u64>,
}

/// What a collection cost the console.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Requests {
    /// HTTP requests sent, retries included.
    pub sent: u64,
    /// How many of them were retries.
    pub retried: u64,
    /// How many were answered 429 or 503.
    pub throttled: u64,
    /// Milliseconds from each request to its whole answer, in sum.
    #[serde(default)]
    pub waited_ms: u64,
}
