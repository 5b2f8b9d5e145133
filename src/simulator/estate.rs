//! The estate of a simulated console: the truth that its answers show, and that tests compare a report with.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};

use super::{ExceptionRecord, OverrideRecord, ReportRecord, ScanRecord};

/// Everything one simulated console holds. All fields are plain, so that a test can arrange any world.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Estate {
    /// The console's own identity (`settings.uuid`).
    pub uuid: String,
    /// The console's serial number (`info.serial`).
    pub serial: String,
    /// The product version, such as "6.6.210".
    pub version: String,
    /// Whether two-factor authentication is on for the console.
    pub two_factor_enabled: bool,
    /// Failed logins in a row before an account is locked; 0 or less never locks.
    pub login_lock_threshold: i64,
    /// How long a session of the pages lives, as the console writes it: ISO 8601.
    pub session_timeout: String,
    /// The moment that the records lead up to.
    pub as_of: DateTime<Utc>,
    /// Accounts by user id.
    pub users: BTreeMap<i64, Account>,
    /// Roles by role id.
    pub roles: BTreeMap<String, RoleDefinition>,
    /// The privileges that the console knows.
    pub privileges: BTreeSet<String>,
    /// Authentication sources by id.
    pub sources: BTreeMap<i64, Source>,
    /// Sites by id.
    pub sites: BTreeMap<i64, SiteRecord>,
    /// Asset groups by id.
    pub asset_groups: BTreeMap<i64, GroupRecord>,
    /// Vulnerability exceptions by id.
    pub exceptions: BTreeMap<i64, ExceptionRecord>,
    /// Policy overrides by id.
    pub overrides: BTreeMap<i64, OverrideRecord>,
    /// Scans by id.
    pub scans: BTreeMap<i64, ScanRecord>,
    /// Configured reports by id.
    pub reports: BTreeMap<i64, ReportRecord>,
    /// Where the console's answers depart from the truth or from its description.
    pub quirks: Quirks,
}

/// A user account.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "the fields of a console's user record, flag by flag")]
pub struct Account {
    /// The login.
    pub login: String,
    /// The full name.
    pub name: String,
    /// The mail address; the key is left out of answers if there is none.
    pub email: Option<String>,
    /// Whether it may log in.
    pub enabled: bool,
    /// Whether it is locked after failed logins.
    pub locked: bool,
    /// The id of its authentication source.
    pub source: i64,
    /// The id of its role.
    pub role: String,
    /// Whether it reaches every site.
    pub all_sites: bool,
    /// Whether it reaches every asset group.
    pub all_asset_groups: bool,
    /// Whether it is a superuser.
    pub superuser: bool,
    /// Direct grants of sites; under `all_sites` these are leftovers.
    pub sites: BTreeSet<i64>,
    /// Direct grants of asset groups; under `all_asset_groups` these are leftovers.
    pub asset_groups: BTreeSet<i64>,
    /// Whether the console holds a two-factor seed for it. The seed itself is not part of the estate.
    pub two_factor: Seed,
    /// What the console says the account may do, where that is not what its role says.
    pub privileges: Option<BTreeSet<String>>,
}

impl Account {
    /// Whether the account is a Global Administrator, by role or by flag.
    pub fn is_global_admin(&self) -> bool {
        self.superuser || self.role == super::GLOBAL_ADMIN
    }
}

/// Whether the console holds a two-factor seed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seed {
    /// It does.
    Present,
    /// It does not.
    Absent,
}

/// A role definition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleDefinition {
    /// The display name.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// Its privileges; the key is left out of answers if there are none.
    pub privileges: BTreeSet<String>,
}

/// An authentication source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// Its name.
    pub name: String,
    /// `admin`, `normal`, `ldap`, `kerberos` or `saml`.
    pub kind: String,
    /// Whether the password is checked outside the console.
    pub external: bool,
}

/// A site.
#[derive(Debug, Clone, PartialEq)]
pub struct SiteRecord {
    /// Its name.
    pub name: String,
    /// Its description; the key is left out of answers if there is none.
    pub description: Option<String>,
    /// `static`, `dynamic` or `agent`.
    pub kind: String,
    /// Its importance, such as `normal` or `very_high`.
    pub importance: String,
    /// How many assets it holds.
    pub assets: i64,
    /// Its risk score.
    pub risk_score: f64,
    /// When it was last scanned (RFC 3339); the key is left out of answers if never.
    pub last_scan: Option<String>,
}

/// An asset group.
#[derive(Debug, Clone, PartialEq)]
pub struct GroupRecord {
    /// Its name.
    pub name: String,
    /// Its description; the key is left out of answers if there is none.
    pub description: Option<String>,
    /// `static` or `dynamic`.
    pub kind: String,
    /// How many assets it holds.
    pub assets: i64,
    /// Its risk score.
    pub risk_score: f64,
}

/// Where the console's answers depart from the truth or from its description.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each oddity is on or off by itself")]
pub struct Quirks {
    /// Accounts whose `/2FA` answers 401 to everyone.
    pub two_factor_unauthorized: BTreeSet<i64>,
    /// What `/2FA` answers for an account without a seed.
    pub two_factor_unset: UnsetTwoFactor,
    /// Users that `/sites/{id}/users` leaves out, by site.
    pub site_users_omitted: BTreeMap<i64, BTreeSet<i64>>,
    /// Users that `/asset_groups/{id}/users` leaves out, by asset group.
    pub asset_group_users_omitted: BTreeMap<i64, BTreeSet<i64>>,
    /// Whether the inverse lists name Global Administrators; consoles in the field do either.
    pub inverse_lists_name_admins: bool,
    /// Whether sites come in the order of their names under the self link `sort=id,asc`.
    pub sites_by_name: bool,
    /// Whether scans come in the order of their ids, whatever order is asked for.
    pub scans_by_id: bool,
    /// Whether a review has the login under `user` and the id under `name`, as its description says.
    pub review_fields_swapped: bool,
    /// Lists of records that the console refuses to everybody, by name, such as `policy_overrides`, with the status.
    pub lists_refused: BTreeMap<String, u16>,
    /// Whether the console is in maintenance: every call answers 401, and the login page says why.
    pub maintenance: bool,
    /// What changes while a client reads.
    pub drift: Drift,
}

/// What `GET /users/{id}/2FA` answers for an account without a seed; the description does not say.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum UnsetTwoFactor {
    /// 200 without the `key` field.
    #[default]
    NoKey,
    /// 404.
    NotFound,
    /// 401.
    Unauthorized,
}

/// What changes while a client reads. Each count goes down as it is used.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Drift {
    /// How many more times a user appears after a page of `/users` that is not the last.
    pub users_added: u32,
    /// How many more times the first ordinary user of such a page is deleted after it.
    pub users_removed: u32,
    /// How many more times a later page of `/users` starts one row early, repeating the row before it.
    pub rows_repeated: u32,
    /// Users to delete, each once the console has been asked so many times.
    pub deletions: Vec<Deletion>,
}

/// A user that disappears while a client reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deletion {
    /// The user's id.
    pub user: i64,
    /// The number of calls after which it is gone.
    pub after_calls: u64,
}

impl Estate {
    /// The privileges that the console says an account has: its own where they differ, else its role's.
    pub fn privileges_of<'a>(&'a self, account: &'a Account) -> Option<&'a BTreeSet<String>> {
        account.privileges.as_ref().or_else(|| self.roles.get(&account.role).map(|role| &role.privileges))
    }

    /// The id of the account with this login.
    pub fn user_by_login(&self, login: &str) -> Option<i64> {
        self.users.iter().find(|(_, account)| account.login == login).map(|(id, _)| *id)
    }

    /// Whether an account authenticates outside the console. A source that is not listed counts as outside.
    pub fn is_external(&self, account: &Account) -> bool {
        self.sources.get(&account.source).is_none_or(|source| source.external)
    }

    /// An id that no user has.
    pub fn next_user_id(&self) -> i64 {
        self.users.last_key_value().map_or(1, |(id, _)| id + 1)
    }

    /// The first directory, LDAP before Kerberos.
    pub(super) fn directory(&self) -> Option<i64> {
        let of_kind = |kind: &str| self.sources.iter().find(|(_, source)| source.kind == kind);
        of_kind("ldap").or_else(|| of_kind("kerberos")).map(|(id, _)| *id)
    }
}
