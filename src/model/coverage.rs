//! How much of the console was seen: coverage by part, gaps by name, and disagreements between two answers.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::UserId;

/// The answer to one question, most often about one user.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer<T> {
    /// The console answered.
    Known(T),
    /// Not asked, because the depth or a flag made the question needless.
    #[default]
    NotAsked,
    /// Asked without an answer; the coverage names the gap.
    Missing,
}

impl<T> Answer<T> {
    /// What the console answered, if it did.
    pub fn known(&self) -> Option<&T> {
        match self {
            Self::Known(value) => Some(value),
            Self::NotAsked | Self::Missing => None,
        }
    }
}

/// A part of the population with its own coverage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// Console information and version.
    Info,
    /// Global settings.
    Settings,
    /// The rights of the collecting account.
    Collector,
    /// The listing of users, before and after the fan-out.
    Users,
    /// Privileges, user by user.
    UserPrivileges,
    /// Site grants, user by user.
    UserSites,
    /// Asset group grants, user by user.
    UserAssetGroups,
    /// Two-factor state, user by user.
    TwoFactor,
    /// The listing of roles.
    Roles,
    /// Users of each role.
    RoleUsers,
    /// The listing of privileges.
    Privileges,
    /// Users of each privilege.
    PrivilegeUsers,
    /// The listing of authentication sources.
    AuthenticationSources,
    /// Users of each authentication source.
    AuthenticationSourceUsers,
    /// The listing of sites.
    Sites,
    /// Users of each site.
    SiteUsers,
    /// The listing of asset groups.
    AssetGroups,
    /// Users of each asset group.
    AssetGroupUsers,
    /// The listing of vulnerability exceptions.
    VulnerabilityExceptions,
    /// The listing of policy overrides.
    PolicyOverrides,
    /// The recent scans.
    Scans,
    /// The listing of configured reports.
    Reports,
    /// The organisation's roster of people; not the console's.
    Roster,
    /// Last logons, from the console's log or an export; not of the API.
    LastLogon,
}

impl Part {
    /// All of them, in the order of the coverage.
    pub const ALL: [Self; 24] = [
        Self::Info,
        Self::Settings,
        Self::Collector,
        Self::Users,
        Self::UserPrivileges,
        Self::UserSites,
        Self::UserAssetGroups,
        Self::TwoFactor,
        Self::Roles,
        Self::RoleUsers,
        Self::Privileges,
        Self::PrivilegeUsers,
        Self::AuthenticationSources,
        Self::AuthenticationSourceUsers,
        Self::Sites,
        Self::SiteUsers,
        Self::AssetGroups,
        Self::AssetGroupUsers,
        Self::VulnerabilityExceptions,
        Self::PolicyOverrides,
        Self::Scans,
        Self::Reports,
        Self::Roster,
        Self::LastLogon,
    ];

    /// Those that are asked only where a rule needs them or the configuration names a source.
    pub const OPTIONAL: [Self; 6] = [
        Self::VulnerabilityExceptions,
        Self::PolicyOverrides,
        Self::Scans,
        Self::Reports,
        Self::Roster,
        Self::LastLogon,
    ];

    /// The name in `coverage.csv`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Settings => "settings",
            Self::Collector => "collector",
            Self::Users => "users",
            Self::UserPrivileges => "user_privileges",
            Self::UserSites => "user_sites",
            Self::UserAssetGroups => "user_asset_groups",
            Self::TwoFactor => "two_factor",
            Self::Roles => "roles",
            Self::RoleUsers => "role_users",
            Self::Privileges => "privileges",
            Self::PrivilegeUsers => "privilege_users",
            Self::AuthenticationSources => "authentication_sources",
            Self::AuthenticationSourceUsers => "authentication_source_users",
            Self::Sites => "sites",
            Self::SiteUsers => "site_users",
            Self::AssetGroups => "asset_groups",
            Self::AssetGroupUsers => "asset_group_users",
            Self::VulnerabilityExceptions => "vulnerability_exceptions",
            Self::PolicyOverrides => "policy_overrides",
            Self::Scans => "scans",
            Self::Reports => "reports",
            Self::Roster => "roster",
            Self::LastLogon => "last_logon",
        }
    }

    /// The path template that it is read from, or the table of the configuration that names its source; what an auditor
    /// needs to read it again.
    pub fn endpoint(self) -> &'static str {
        match self {
            Self::Info => "/api/3/administration/info",
            Self::Settings => "/api/3/administration/settings",
            Self::Collector | Self::Users => "/api/3/users",
            Self::UserPrivileges => "/api/3/users/{id}/privileges",
            Self::UserSites => "/api/3/users/{id}/sites",
            Self::UserAssetGroups => "/api/3/users/{id}/asset_groups",
            Self::TwoFactor => "/api/3/users/{id}/2FA",
            Self::Roles => "/api/3/roles",
            Self::RoleUsers => "/api/3/roles/{id}/users",
            Self::Privileges => "/api/3/privileges",
            Self::PrivilegeUsers => "/api/3/privileges/{id}/users",
            Self::AuthenticationSources => "/api/3/authentication_sources",
            Self::AuthenticationSourceUsers => "/api/3/authentication_sources/{id}/users",
            Self::Sites => "/api/3/sites",
            Self::SiteUsers => "/api/3/sites/{id}/users",
            Self::AssetGroups => "/api/3/asset_groups",
            Self::AssetGroupUsers => "/api/3/asset_groups/{id}/users",
            Self::VulnerabilityExceptions => "/api/3/vulnerability_exceptions",
            Self::PolicyOverrides => "/api/3/policy_overrides",
            Self::Scans => "/api/3/scans",
            Self::Reports => "/api/3/reports",
            Self::Roster => "roster",
            Self::LastLogon => "last_logon",
        }
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The coverage of every part, in the order of [`Part`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Coverage {
    /// One entry for each part.
    pub parts: Vec<PartCoverage>,
}

impl Coverage {
    /// The coverage of one part; `None` if the snapshot does not mention it.
    pub fn part(&self, part: Part) -> Option<&PartCoverage> {
        self.parts.iter().find(|entry| entry.part == part)
    }

    /// Whether a part was seen whole, or was rightly not asked. A part that is not mentioned was not seen.
    pub fn is_complete(&self, part: Part) -> bool {
        self.part(part).is_some_and(|entry| matches!(entry.state, PartState::Complete | PartState::NotAsked))
    }

    /// Whether no part has a gap: the population ties out. A part that is not mentioned was not seen, unless it is one
    /// that need not be asked.
    pub fn ties_out(&self) -> bool {
        let seen = |part: &Part| match self.part(*part) {
            Some(entry) => entry.state != PartState::Incomplete,
            None => Part::OPTIONAL.contains(part),
        };
        Part::ALL.iter().all(seen)
    }

    /// Whether a part was asked and answered whole.
    pub fn was_seen(&self, part: Part) -> bool {
        self.part(part).is_some_and(|entry| entry.state == PartState::Complete)
    }

    /// Every gap with its part.
    pub fn gaps(&self) -> impl Iterator<Item = (Part, &Gap)> {
        self.parts.iter().flat_map(|entry| entry.gaps.iter().map(move |gap| (entry.part, gap)))
    }
}

/// How much of one part was seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartCoverage {
    /// The part.
    pub part: Part,
    /// How many questions or rows there should be; `None` where the console gives no total.
    pub expected: Option<u64>,
    /// How many were answered or seen.
    pub examined: u64,
    /// What follows from the two.
    pub state: PartState,
    /// What is missing, by endpoint and id.
    pub gaps: Vec<Gap>,
}

/// The state of a part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PartState {
    /// Seen whole.
    Complete,
    /// At least one gap.
    Incomplete,
    /// The console answered, but the answer proves nothing (two-factor state behind a 401 or 404).
    Undetermined,
    /// Not asked, because of the configured depth or because the console has it switched off.
    NotAsked,
}

impl PartState {
    /// The name in `coverage.csv`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Complete => "complete",
            Self::Incomplete => "incomplete",
            Self::Undetermined => "undetermined",
            Self::NotAsked => "not_asked",
        }
    }
}

/// One thing that should have been seen and was not.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Gap {
    /// The path template, such as `/api/3/users/{id}/sites`.
    pub endpoint: String,
    /// The id in it; `None` for a listing.
    pub id: Option<String>,
    /// Why there is no answer.
    pub reason: GapReason,
    /// How often it was asked.
    pub attempts: u32,
    /// The last HTTP status, where there was one.
    pub last_status: Option<u16>,
}

/// Why an answer is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GapReason {
    /// 401 or 403 for this resource, while the credential still works elsewhere.
    Denied,
    /// 404, which this console also sends for "no permission", while the subject still exists.
    DeniedOrMissing,
    /// The console refuses the credential.
    Unauthorized,
    /// 429 until the retries were used up.
    Throttled,
    /// 5xx, refused or broken connection until the retries were used up.
    Unavailable,
    /// No answer in time.
    TimedOut,
    /// An answer that is not what the API describes.
    Malformed,
    /// The listing kept changing between walks, or did not meet the console's own total.
    Drifting,
    /// The user changed between the listing before and the listing after the fan-out.
    Moving,
    /// Not asked any more, because the collection had to stop.
    Stopped,
    /// The collecting account is not a Global Administrator, or that could not be shown.
    LimitedCollector,
}

impl GapReason {
    /// The name in `coverage.csv` and `report.json`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Denied => "denied",
            Self::DeniedOrMissing => "denied_or_missing",
            Self::Unauthorized => "unauthorized",
            Self::Throttled => "throttled",
            Self::Unavailable => "unavailable",
            Self::TimedOut => "timed_out",
            Self::Malformed => "malformed",
            Self::Drifting => "drifting",
            Self::Moving => "moving",
            Self::Stopped => "stopped",
            Self::LimitedCollector => "limited_collector",
        }
    }
}

/// Two answers of the console that cannot both be right.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Anomaly {
    /// What was compared.
    pub check: CrossCheck,
    /// The user in question; `None` where the disagreement is about a role or another resource, or stands for several
    /// users.
    pub user: Option<UserId>,
    /// How many further users the same is true of, where they are too many to be told one by one.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub further_users: u64,
    /// The id of the role, privilege, source, site or group in question.
    pub object: String,
    /// The user's side, or the first side.
    pub left: Claim,
    /// The inverse side, or the second side.
    pub right: Claim,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature is serde's")]
fn is_zero(count: &u64) -> bool {
    *count == 0
}

/// What one endpoint says.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Claim {
    /// The endpoint, such as `/api/3/roles/user/users`.
    pub endpoint: String,
    /// What it says, in a few words.
    pub says: String,
}

/// What was compared with what.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CrossCheck {
    /// A user's role against the role's users.
    RoleUsers,
    /// A user's privileges against the privilege's users.
    PrivilegeUsers,
    /// A user's authentication source against the source's users.
    AuthenticationSourceUsers,
    /// A user's site grants against the site's users (a cross-check only: that list is not authoritative).
    SiteUsers,
    /// A user's asset group grants against the group's users (a cross-check only).
    AssetGroupUsers,
    /// The privileges in a user's listing against the role's definition.
    RoleDefinition,
    /// The privileges in a user's listing against `/users/{id}/privileges`.
    UserPrivileges,
    /// A user's role that `/roles` does not list.
    DanglingRole,
    /// A granted site that `/sites` does not list.
    DanglingSite,
    /// A granted asset group that `/asset_groups` does not list.
    DanglingAssetGroup,
    /// A user record without a field that every known console sends.
    IncompleteRecord,
}

impl CrossCheck {
    /// The name in `report.json`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::RoleUsers => "role_users",
            Self::PrivilegeUsers => "privilege_users",
            Self::AuthenticationSourceUsers => "authentication_source_users",
            Self::SiteUsers => "site_users",
            Self::AssetGroupUsers => "asset_group_users",
            Self::RoleDefinition => "role_definition",
            Self::UserPrivileges => "user_privileges",
            Self::DanglingRole => "dangling_role",
            Self::DanglingSite => "dangling_site",
            Self::DanglingAssetGroup => "dangling_asset_group",
            Self::IncompleteRecord => "incomplete_record",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_anomaly_of_an_older_snapshot_is_read() {
        let older = r#"{"check":"site_users","user":7,"object":"3","left":{"endpoint":"/l","says":"a"},"right":{"endpoint":"/r","says":"b"}}"#;
        let anomaly: Anomaly = serde_json::from_str(older).unwrap();
        assert_eq!(anomaly.further_users, 0);
        assert_eq!(serde_json::to_string(&anomaly).unwrap(), older);
        let several = Anomaly { user: None, further_users: 9, ..anomaly };
        let written = serde_json::to_string(&several).unwrap();
        assert_eq!(serde_json::from_str::<Anomaly>(&written).unwrap(), several);
    }
}
