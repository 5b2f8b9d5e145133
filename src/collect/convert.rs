//! What the console sends becomes what a review keeps: sorted, de-duplicated, and only the fields that count.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::{DateTime, NaiveDate, NaiveTime, Utc};

use crate::console;
use crate::model::{
    Act, Answer, AssetGroup, Authentication, AuthenticationSource, ConsoleIdentity, ConsoleSettings,
    Exception, ExceptionKind, ReportAccess, Role, RosterMatch, Site, TwoFactor, User, UserId, UserRole,
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
        session_timeout: settings.web.as_ref().and_then(|web| web.session_timeout),
    }
}

/// A user before anything was asked about it.
impl From<console::User> for User {
    fn from(user: console::User) -> Self {
        let role = user.role.unwrap_or_default();
        Self {
            id: user.id,
            name: user.name.as_ref().unwrap_or(&user.login).into(),
            login: user.login.into(),
            email: user.email.filter(|email| !email.is_empty()).map(Into::into),
            enabled: user.enabled,
            locked: user.locked,
            authentication: user.authentication.map(|authentication| {
                let from = Authentication {
                    id: authentication.id,
                    name: authentication.name,
                    kind: authentication.kind,
                    external: authentication.external,
                };
                from.into()
            }),
            role: UserRole {
                id: role.id,
                name: role.name,
                privileges: role.privileges.map(|held| Arc::new(held.into_iter().collect())),
                all_sites: role.all_sites.unwrap_or(false),
                all_asset_groups: role.all_asset_groups.unwrap_or(false),
                superuser: role.superuser.unwrap_or(false),
            }
            .into(),
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

impl From<console::VulnerabilityException> for Exception {
    fn from(exception: console::VulnerabilityException) -> Self {
        let (scope, about) =
            exception.scope.map(|scope| (scope.kind, scope.vulnerability)).unwrap_or_default();
        Self {
            kind: ExceptionKind::Vulnerability,
            id: exception.id,
            state: exception.state,
            about,
            scope,
            submitted: exception.submit.map(Act::from),
            reviewed: exception.review.map(Act::from),
            expires: exception.expires,
        }
    }
}

impl From<console::PolicyOverride> for Exception {
    fn from(policy: console::PolicyOverride) -> Self {
        let (scope, rule) = policy.scope.map(|scope| (scope.kind, scope.rule)).unwrap_or_default();
        Self {
            kind: ExceptionKind::Policy,
            id: policy.id,
            state: policy.state,
            about: rule.map(|rule| format!("rule {rule}")),
            scope,
            submitted: policy.submit.map(Act::from),
            reviewed: policy.review.map(Act::from),
            expires: policy.expires,
        }
    }
}

impl From<console::Act> for Act {
    fn from(act: console::Act) -> Self {
        Self { user: act.user, name: act.name, at: act.date.as_deref().and_then(instant) }
    }
}

impl From<console::Report> for ReportAccess {
    fn from(report: console::Report) -> Self {
        let users: BTreeSet<UserId> = report.users.into_iter().map(UserId).collect();
        // Addresses of a mailing that is switched off get nothing.
        let mailed = report.email.filter(|email| email.additional.as_deref() != Some("none"));
        let recipients: BTreeSet<String> =
            mailed.into_iter().flat_map(|email| email.additional_recipients).collect();
        Self {
            id: report.id,
            name: report.name.unwrap_or_default(),
            owner: report.owner.map(UserId),
            users: users.into_iter().collect(),
            recipients: recipients.into_iter().collect(),
        }
    }
}

/// A time as the console writes it: RFC 3339, with or without a colon in the offset, or a date alone, which begins at
/// midnight. A time without an offset could be any hour: it is `None`.
pub(super) fn instant(text: &str) -> Option<DateTime<Utc>> {
    let date = || text.parse::<NaiveDate>().ok().map(|date| date.and_time(NaiveTime::MIN).and_utc());
    DateTime::parse_from_rfc3339(text)
        .or_else(|_| DateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f%z"))
        .map_or_else(|_| date(), |time| Some(time.with_timezone(&Utc)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_and_never_guessed() {
        let noon = DateTime::from_timestamp(1_762_776_000, 0);
        for (text, expected) in [
            ("2025-11-10T12:00:00Z", noon),
            ("2025-11-10T12:00:00.000Z", noon),
            ("2025-11-10T14:00:00+02:00", noon),
            ("2025-11-10T14:00:00.000+0200", noon),
            ("2025-11-10", DateTime::from_timestamp(1_762_732_800, 0)),
            ("2025-11-10T12:00:00", None),
            ("10.11.2025", None),
            ("", None),
        ] {
            assert_eq!(instant(text), expected, "{text:?}");
        }
    }

    #[test]
    fn recipients_of_a_mailing_that_is_off_are_nobody() {
        let report = |additional: Option<&str>| {
            let email = console::ReportEmail {
                additional: additional.map(str::to_owned),
                additional_recipients: vec!["b@corp.example".into(), "a@corp.example".into()],
            };
            let (users, owner) = (vec![9, 3, 9], Some(4));
            ReportAccess::from(console::Report { id: 1, name: None, owner, users, email: Some(email) })
        };
        assert_eq!(report(Some("none")).recipients, [] as [String; 0]);
        for sent in [None, Some("zip"), Some("a word of tomorrow")] {
            assert_eq!(report(sent).recipients, ["a@corp.example", "b@corp.example"]);
        }
        assert_eq!(report(None).users, [UserId(3), UserId(9)]);
    }
}
