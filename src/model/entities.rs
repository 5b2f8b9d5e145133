//! The resources of a console as a review keeps them (`console-api.md` §5): an allow-list of fields, nothing raw.

use std::collections::BTreeSet;
use std::sync::Arc;

use compact_str::CompactString;
use serde::{Deserialize, Serialize};

use super::{
    Answer, AssetGroupId, AuthenticationSourceId, LastLogon, PrivilegeId, RoleId, RosterMatch, Shared,
    SiteId, UserId,
};

/// The id of the Global Administrator role.
pub const GLOBAL_ADMIN: &str = "global-admin";

/// The ids of the roles that come with the product (`console-api.md` §6); every other id is a custom role.
pub const BUILTIN_ROLES: &[&str] =
    &[GLOBAL_ADMIN, "security-manager", "site-admin", "system-admin", "user", "controls-insight-only"];

/// The privilege ids known so far (`console-api.md` §7), sorted. A console may send others.
pub const KNOWN_PRIVILEGES: &[&str] = &[
    "all-permissions",
    "approve-vulnerability-exceptions",
    "assign-scan-engine",
    "assign-scan-template",
    "assign-ticket-assignee",
    "close-tickets",
    "configure-global-settings",
    "create-reports",
    "create-tickets",
    "delete-vulnerability-exceptions",
    "manage-advpolicies",
    "manage-asset-group-access",
    "manage-asset-group-assets",
    "manage-dynamic-asset-groups",
    "manage-policies",
    "manage-report-access",
    "manage-report-templates",
    "manage-scan-alerts",
    "manage-scan-engines",
    "manage-scan-templates",
    "manage-site-access",
    "manage-site-credentials",
    "manage-sites",
    "manage-static-asset-groups",
    "manage-tags",
    "manage-vuln-investigations",
    "purge-site-asset-data",
    "schedule-automatic-scans",
    "specify-scan-targets",
    "specify-site-metadata",
    "start-unscheduled-scans",
    "submit-vulnerability-exceptions",
    "use-restricted-report-sections",
    "view-asset-group-asset-data",
    "view-site-asset-data",
    "view-vuln-investigations",
];

/// A user account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// Its id; the first installed administrator is 1.
    pub id: UserId,
    /// The login, opaque and compared as it stands.
    pub login: CompactString,
    /// The full name.
    pub name: CompactString,
    /// The mail address; the installer's account has none.
    pub email: Option<CompactString>,
    /// Whether it may log in; `None` if the console did not say.
    pub enabled: Option<bool>,
    /// Whether it is locked after failed logins; `None` if the console did not say.
    pub locked: Option<bool>,
    /// Where it authenticates; `None` if the console did not say.
    pub authentication: Option<Shared<Authentication>>,
    /// Its role and flags, as the listing gives them.
    pub role: Shared<UserRole>,
    /// What `/users/{id}/privileges` answered. Accounts of one role share the set once they are in a graph.
    pub privileges: Answer<Arc<BTreeSet<PrivilegeId>>>,
    /// What `/users/{id}/sites` answered: direct grants, sorted.
    pub sites: Answer<Vec<SiteId>>,
    /// What `/users/{id}/asset_groups` answered: direct grants, sorted.
    pub asset_groups: Answer<Vec<AssetGroupId>>,
    /// Two-factor state.
    pub two_factor: TwoFactor,
    /// The person behind it.
    #[serde(default)]
    pub person: RosterMatch,
    /// Its last logon; `None` if no source tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_logon: Option<LastLogon>,
}

impl User {
    /// Whether the account can be used. An account whose state is not known counts as enabled: the safe side.
    pub fn is_enabled(&self) -> bool {
        self.enabled != Some(false)
    }

    /// Whether the console itself checks the password; `None` if it did not say enough to tell.
    pub fn is_local(&self) -> Option<bool> {
        self.authentication.as_ref().and_then(|from| from.is_local())
    }

    /// Whether the account is a Global Administrator: by role id, or by the flag that only this role carries.
    pub fn is_global_admin(&self) -> bool {
        self.role.superuser || self.role.id.as_ref().is_some_and(|id| id.as_str() == GLOBAL_ADMIN)
    }

    /// Whether the account holds a privilege: by itself, through `all-permissions`, or as superuser.
    pub fn holds(&self, privilege: &PrivilegeId) -> bool {
        let held = self.effective_privileges();
        self.role.superuser
            || held.is_some_and(|held| held.contains(privilege) || held.contains("all-permissions"))
    }

    /// The privileges that count: the user's own answer, else the copy in the listing, else unknown.
    pub fn effective_privileges(&self) -> Option<&BTreeSet<PrivilegeId>> {
        self.privileges.known().or(self.role.privileges.as_ref()).map(Arc::as_ref)
    }
}

/// Where a user authenticates, as the user record says it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Authentication {
    /// The source's id.
    pub id: Option<AuthenticationSourceId>,
    /// The source's name.
    pub name: Option<String>,
    /// The source's type: `admin`, `normal`, `ldap`, `kerberos`, `saml`, or another.
    pub kind: Option<String>,
    /// Whether the source is outside the console.
    pub external: Option<bool>,
}

impl Authentication {
    /// Whether the console itself checks the password: `external` decides, then the type. `admin` is a *local*
    /// administrator, `normal` a local user (`console-api.md` §5).
    pub fn is_local(&self) -> Option<bool> {
        match (self.external, self.kind.as_deref()) {
            (Some(external), _) => Some(!external),
            (None, Some(kind)) => Some(matches!(kind, "admin" | "normal")),
            (None, None) => None,
        }
    }
}

/// The role and the flags of a user record. The flags belong to the user, not to the role.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct UserRole {
    /// The role's id; some answers leave it out.
    pub id: Option<RoleId>,
    /// The role's display name.
    pub name: Option<String>,
    /// A flat copy of the role's privileges; the role's own where the listing leaves them out.
    pub privileges: Option<Arc<BTreeSet<PrivilegeId>>>,
    /// Whether the user reaches every site.
    pub all_sites: bool,
    /// Whether the user reaches every asset group.
    pub all_asset_groups: bool,
    /// Whether the user is a superuser.
    pub superuser: bool,
}

impl UserRole {
    /// The role as people and the API know it: `Site Owner (site-admin)`; one of the two where they are equal or only
    /// one is known.
    pub fn label(&self) -> String {
        match (&self.name, &self.id) {
            (Some(name), Some(id)) if name != id.as_str() => format!("{name} ({id})"),
            (_, Some(id)) => id.to_string(),
            (Some(name), None) => name.clone(),
            (None, None) => "unknown".to_owned(),
        }
    }
}

/// Two-factor state of an account. The seed behind it is never kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TwoFactor {
    /// The console holds a seed for the account.
    Configured,
    /// The console answered and holds none, or two-factor authentication is switched off for the whole console.
    NotConfigured,
    /// The account authenticates elsewhere; its second factor is the identity provider's.
    Delegated,
    /// The console's answer proves neither.
    Undetermined,
}

impl TwoFactor {
    /// The name in `users.csv` and `report.json`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Configured => "configured",
            Self::NotConfigured => "not_configured",
            Self::Delegated => "delegated",
            Self::Undetermined => "undetermined",
        }
    }
}

/// A role definition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Role {
    /// Its id.
    pub id: RoleId,
    /// Its display name.
    pub name: String,
    /// Its description.
    pub description: Option<String>,
    /// Its privileges; the console leaves the key out for a role without any, which reads as empty.
    pub privileges: BTreeSet<PrivilegeId>,
}

impl Role {
    /// Whether the role comes with the product.
    pub fn is_builtin(&self) -> bool {
        BUILTIN_ROLES.contains(&self.id.as_str())
    }
}

/// An authentication source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuthenticationSource {
    /// Its id; 1 and 2 are the built-in ones on every console seen.
    pub id: AuthenticationSourceId,
    /// Its name.
    pub name: String,
    /// Its type.
    pub kind: Option<String>,
    /// Whether it is outside the console.
    pub external: Option<bool>,
}

impl AuthenticationSource {
    /// Whether accounts of this source authenticate outside the console; decided as for a user.
    pub fn is_external(&self) -> bool {
        match (self.external, self.kind.as_deref()) {
            (Some(external), _) => external,
            (None, kind) => !matches!(kind, Some("admin" | "normal") | None),
        }
    }
}

/// A site.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Site {
    /// Its id.
    pub id: SiteId,
    /// Its name.
    pub name: String,
    /// Its description.
    pub description: Option<String>,
    /// `static`, `dynamic`, `agent`, or another.
    pub kind: Option<String>,
    /// Its importance, such as `normal` or `very_high`.
    pub importance: Option<String>,
    /// How many assets it holds.
    pub assets: Option<i64>,
    /// When it was last scanned (RFC 3339, as the console writes it).
    pub last_scan: Option<String>,
}

/// An asset group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AssetGroup {
    /// Its id.
    pub id: AssetGroupId,
    /// Its name.
    pub name: String,
    /// Its description.
    pub description: Option<String>,
    /// `static` or `dynamic`.
    pub kind: Option<String>,
    /// How many assets it holds.
    pub assets: Option<i64>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_is_labelled_by_name_and_id_where_they_differ() {
        let label = |name: Option<&str>, id: Option<&str>| {
            UserRole { name: name.map(str::to_owned), id: id.map(RoleId::from), ..UserRole::default() }
                .label()
        };
        assert_eq!(label(Some("Site Owner"), Some("site-admin")), "Site Owner (site-admin)");
        assert_eq!(label(Some("Auditors"), Some("Auditors")), "Auditors");
        assert_eq!((label(Some("User"), None), label(None, Some("user"))), ("User".into(), "user".into()));
        assert_eq!(label(None, None), "unknown");
    }
}
