//! The answers of the console, as far as recert reads them (`console-api.md` §5).
//!
//! Parsed leniently: unknown fields are ignored, every field that has been seen absent is optional, and every
//! vocabulary is open. Links are never kept, because no link of a body is ever followed.

mod activity;
mod lenient;

use serde::{Deserialize, Deserializer, Serialize};

use super::seconds;
use crate::model::{AssetGroupId, AuthenticationSourceId, PrivilegeId, RoleId, SiteId, UserId};

pub use activity::{
    Act, ExceptionScope, OverrideScope, PolicyOverride, Report, ReportEmail, Scan, VulnerabilityException,
};
use lenient::{id, number, number_in, numbers, object, text, text_in, texts};

/// One page of a paged collection.
#[derive(Debug, Clone, Deserialize)]
#[serde(bound = "T: Deserialize<'de>")]
pub struct Page<T> {
    /// The rows; an empty collection may leave the key out.
    #[serde(default = "Vec::new")]
    pub resources: Vec<T>,
    /// Where this page stands in the collection.
    pub page: PageInfo,
}

/// Where a page stands. The collection may change between two pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PageInfo {
    /// Zero-based number.
    pub number: u64,
    /// Rows on a full page, as the console applied it; not always what was asked for.
    pub size: u64,
    /// Rows in the whole collection, now.
    pub total_resources: u64,
    /// Pages in the whole collection; 0 if it is empty.
    pub total_pages: u64,
}

/// A collection without pages.
#[derive(Debug, Clone, Deserialize)]
#[serde(bound = "T: Deserialize<'de>")]
pub struct Resources<T> {
    /// The rows; an empty collection may leave the key out.
    #[serde(default = "Vec::new")]
    pub resources: Vec<T>,
}

/// Which page to ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageRequest {
    /// Zero-based number.
    pub number: u64,
    /// Rows; the console allows 1 to 500.
    pub size: u64,
}

/// A user account.
#[derive(Debug, Clone, Deserialize)]
pub struct User {
    /// Its id.
    pub id: UserId,
    /// Its login.
    pub login: String,
    /// Its full name.
    pub name: Option<String>,
    /// Its mail address.
    pub email: Option<String>,
    /// Whether it may log in.
    pub enabled: Option<bool>,
    /// Whether it is locked after failed logins.
    pub locked: Option<bool>,
    /// Where it authenticates.
    pub authentication: Option<UserAuthentication>,
    /// Its role and flags.
    pub role: Option<UserRole>,
}

/// The authentication source inside a user record.
#[derive(Debug, Clone, Deserialize)]
pub struct UserAuthentication {
    /// Its id.
    pub id: Option<AuthenticationSourceId>,
    /// Its name.
    pub name: Option<String>,
    /// Its type.
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// Whether it is outside the console.
    pub external: Option<bool>,
}

/// The role inside a user record; `/sites/{id}/users` leaves id and name out.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UserRole {
    /// Its id.
    pub id: Option<RoleId>,
    /// Its display name.
    pub name: Option<String>,
    /// A flat copy of its privileges.
    pub privileges: Option<Vec<PrivilegeId>>,
    /// Whether the user reaches every site.
    pub all_sites: Option<bool>,
    /// Whether the user reaches every asset group.
    pub all_asset_groups: Option<bool>,
    /// Whether the user is a superuser.
    pub superuser: Option<bool>,
}

/// A role definition, read or written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Role {
    /// Its id.
    pub id: RoleId,
    /// Its display name.
    pub name: String,
    /// Its description.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Its privileges; the console leaves the key out for a role without any.
    #[serde(default)]
    pub privileges: Vec<PrivilegeId>,
}

/// An authentication source.
#[derive(Debug, Clone, Deserialize)]
pub struct AuthenticationSource {
    /// Its id.
    pub id: AuthenticationSourceId,
    /// Its name.
    pub name: Option<String>,
    /// Its type.
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// Whether it is outside the console.
    pub external: Option<bool>,
}

/// A site.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Site {
    /// Its id.
    pub id: SiteId,
    /// Its name.
    pub name: Option<String>,
    /// Its description.
    pub description: Option<String>,
    /// Its type.
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// Its importance.
    pub importance: Option<String>,
    /// How many assets it holds.
    pub assets: Option<i64>,
    /// When it was last scanned, RFC 3339.
    pub last_scan_time: Option<String>,
}

/// An asset group.
#[derive(Debug, Clone, Deserialize)]
pub struct AssetGroup {
    /// Its id.
    pub id: AssetGroupId,
    /// Its name.
    pub name: Option<String>,
    /// Its description.
    pub description: Option<String>,
    /// Its type.
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// How many assets it holds.
    pub assets: Option<i64>,
}

/// A row of `/sites/{id}/users`: a user object of which only the id can be relied on (`console-api.md` §9.3).
#[derive(Debug, Clone, Deserialize)]
pub struct SiteUser {
    /// The user's id.
    pub id: UserId,
}

/// `/administration/info`.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Info {
    /// The console's serial number.
    pub serial: Option<String>,
    /// Its host name.
    pub host: Option<String>,
    /// Its version.
    pub version: Option<Version>,
}

/// The version inside [`Info`].
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Version {
    /// Such as "6.6.210".
    pub semantic: Option<String>,
}

/// `/administration/settings`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AdministrationSettings {
    /// The console's own identity.
    pub uuid: Option<String>,
    /// The console's serial number.
    pub serial_number: Option<String>,
    /// How users authenticate.
    pub authentication: Option<AuthenticationSettings>,
    /// How the console's pages are served.
    #[serde(default, deserialize_with = "object")]
    pub web: Option<WebSettings>,
}

/// The web part of [`AdministrationSettings`].
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WebSettings {
    /// How long a session of the pages lives, in seconds: the console writes ISO 8601, or a number of seconds.
    #[serde(default, deserialize_with = "duration")]
    pub session_timeout: Option<i64>,
}

/// The authentication part of [`AdministrationSettings`].
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AuthenticationSettings {
    /// Whether two-factor authentication is on for the console.
    #[serde(rename = "2fa")]
    pub two_factor: Option<bool>,
    /// Failed logins before an account is locked.
    pub login_lock_threshold: Option<i64>,
}

/// `/administration/license`.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct License {
    /// The edition.
    pub edition: Option<String>,
    /// The status, such as "Activated".
    pub status: Option<String>,
    /// When it ends, as the console writes it.
    pub expires: Option<String>,
    /// Its limits.
    pub limits: Option<LicenseLimits>,
}

/// The limits inside [`License`].
#[derive(Debug, Clone, Default, Deserialize)]
pub struct LicenseLimits {
    /// How many users it allows.
    pub users: Option<i64>,
}

/// What `GET /users/{id}/2FA` proves. The answer's seed is dropped and overwritten inside the parser.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TwoFactorKey {
    /// The console holds a non-empty seed.
    Present,
    /// The console answered without one.
    Absent,
}

/// A user to create. The password is written into the request and nowhere else.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct UserEdit {
    /// The login.
    pub login: String,
    /// The full name.
    pub name: String,
    /// The mail address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// Whether it may log in.
    pub enabled: bool,
    /// The password; the published description demands it, real consoles accept an edit without it.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "expose")]
    pub password: Option<secrecy::SecretString>,
    /// Whether the password has to be changed at the next login.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub password_reset_on_login: Option<bool>,
    /// Where it authenticates; a local Global Administrator needs type `admin`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub authentication: Option<AuthenticationEdit>,
    /// Its role and flags.
    pub role: RoleEdit,
}

/// The authentication source inside [`UserEdit`].
#[derive(Debug, Clone, Serialize)]
pub struct AuthenticationEdit {
    /// The source's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<AuthenticationSourceId>,
    /// The source's type.
    #[serde(rename = "type")]
    pub kind: String,
}

/// The role inside [`UserEdit`].
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RoleEdit {
    /// The role's id.
    pub id: RoleId,
    /// Whether the user reaches every site.
    pub all_sites: bool,
    /// Whether the user reaches every asset group.
    pub all_asset_groups: bool,
    /// Whether the user is a superuser; only the Global Administrator role may carry it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub superuser: Option<bool>,
}

/// The id of something that was created.
#[derive(Debug, Clone, Copy, Deserialize)]
pub struct Created {
    /// The new user's id.
    pub id: UserId,
}

fn duration<'de, D: Deserializer<'de>>(from: D) -> Result<Option<i64>, D::Error> {
    Ok(text(from)?.as_deref().and_then(seconds))
}

#[expect(clippy::ref_option, reason = "serde hands the field over as it is")]
fn expose<S: serde::Serializer>(secret: &Option<secrecy::SecretString>, out: S) -> Result<S::Ok, S::Error> {
    use secrecy::ExposeSecret;
    secret.as_ref().map(ExposeSecret::expose_secret).serialize(out)
}
