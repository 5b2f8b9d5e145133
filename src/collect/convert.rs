//! What the console sends becomes what a review keeps: sorted, de-duplicated, and only the fields that count.

use std::collections::BTreeMap;

use crate::console;
use crate::model::{
    Answer, AssetGroup, Authentication, AuthenticationSource, ConsoleIdentity, ConsoleSettings, Role,
    RosterMatch, Site, TwoFactor, User, UserRole,
};

/// The console's identity; the name is the caller's.
pub(super) fn identity(info: console::Info, settings: &console::AdministrationSettings) -> ConsoleIdentity {
    ConsoleIdentity {
        name: String::new(),
        uuid: settings.uuid.clone(),
        serial: info.serial.or_else(|| settings.serial_number.clone()),
        version: info.version.and_then(|version| version.semantic),
    }
}

/// The settings that rules read.
pub(super) fn settings(settings: &console::AdministrationSettings) -> ConsoleSettings {
    let authentication = settings.authentication.as_ref();
    ConsoleSettings {
        two_factor: authentication.and_then(|authentication| authentication.two_factor),
        login_lock_threshold: authentication.and_then(|authentication| authentication.login_lock_threshold),
        session_timeout: None,
    }
}

/// A user before anything was asked about it.
impl From<console::User> for User {
    fn from(user: console::User) -> Self {
        let role = user.role.unwrap_or_default();
        Self {
            id: user.id,
            name: user.name.unwrap_or_else(|| user.login.clone()),
            login: user.login,
            email: user.email.filter(|email| !email.is_empty()),
            enabled: user.enabled,
            locked: user.locked,
            authentication: user.authentication.map(|authentication| Authentication {
                id: authentication.id,
                name: authentication.name,
                kind: authentication.kind,
                external: authentication.external,
            }),
            role: UserRole {
                id: role.id,
                name: role.name,
                privileges: role.privileges.map(|held| held.into_iter().collect()),
                all_sites: role.all_sites.unwrap_or(false),
                all_asset_groups: role.all_asset_groups.unwrap_or(false),
                superuser: role.superuser.unwrap_or(false),
            },
            privileges: Answer::NotAsked,
            sites: Answer::NotAsked,
            asset_groups: Answer::NotAsked,
            two_factor: TwoFactor::Undetermined,
            person: RosterMatch::NotAsked,
            last_logon: None,
        }
    }
}

impl From<console::Role> for Role {
    fn from(role: console::Role) -> Self {
        Self {
            id: role.id,
            name: role.name,
            description: role.description.filter(|description| !description.is_empty()),
            privileges: role.privileges.into_iter().collect(),
        }
    }
}

impl From<console::AuthenticationSource> for AuthenticationSource {
    fn from(source: console::AuthenticationSource) -> Self {
        Self {
            id: source.id,
            name: source.name.unwrap_or_default(),
            kind: source.kind,
            external: source.external,
        }
    }
}

/// Rows by id, each id once.
pub(super) fn by_id<T, U: From<T>, I: Ord>(rows: Vec<T>, id: impl Fn(&U) -> I) -> Vec<U> {
    let rows: BTreeMap<I, U> = rows.into_iter().map(U::from).map(|row| (id(&row), row)).collect();
    rows.into_values().collect()
}

impl From<console::Site> for Site {
    fn from(site: console::Site) -> Self {
        Self {
            id: site.id,
            name: site.name.unwrap_or_default(),
            description: site.description.filter(|description| !description.is_empty()),
            kind: site.kind,
            importance: site.importance,
            assets: site.assets,
            last_scan: site.last_scan_time,
        }
    }
}

impl From<console::AssetGroup> for AssetGroup {
    fn from(group: console::AssetGroup) -> Self {
        Self {
            id: group.id,
            name: group.name.unwrap_or_default(),
            description: group.description.filter(|description| !description.is_empty()),
            kind: group.kind,
            assets: group.assets,
        }
    }
}
