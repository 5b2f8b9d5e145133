//! Small worlds for unit tests: one complete snapshot, and users and roles to change one thing of.

use std::collections::BTreeSet;
use std::sync::Arc;

use chrono::DateTime;

use super::{
    Answer, AssetGroup, AssetGroupId, Authentication, AuthenticationSource, AuthenticationSourceId,
    Collector, CollectorRights, Confidence, ConsoleIdentity, ConsoleSettings, Coverage, Depth, GLOBAL_ADMIN,
    Gap, GapReason, KNOWN_PRIVILEGES, MatchedBy, Part, PartCoverage, PartState, Person, PrivilegeId,
    Requests, Role, RoleId, RosterMatch, RosterSource, Site, SiteId, Snapshot, Totals, TwoFactor, User,
    UserId, UserRole,
};

/// A complete snapshot: roles global-admin, user and the custom role "Auditors"; local and LDAP sources; sites 1 to 3;
/// asset groups 1 and 2; no users yet.
pub(crate) fn snapshot(users: Vec<User>) -> Snapshot {
    let at = |seconds: i64| DateTime::from_timestamp(1_790_000_000 + seconds, 0).unwrap();
    let mut snapshot = Snapshot {
        console: ConsoleIdentity {
            name: "hq".into(),
            uuid: Some("2f0c1f0e-7a54-4b7e-9d25-0c6b8a3d1e11".into()),
            serial: None,
            version: Some("6.6.210".into()),
        },
        started: at(0),
        finished: at(90),
        depth: Depth::Full,
        collector: Collector {
            login: "svc-recert".into(),
            user: None,
            rights: CollectorRights::GlobalAdministrator,
        },
        settings: ConsoleSettings {
            two_factor: Some(true),
            login_lock_threshold: Some(5),
            session_timeout: Some(600),
        },
        totals: Totals { users: Some(users.len() as u64), sites: Some(3), asset_groups: Some(2) },
        requests: Requests { sent: 120, retried: 2, throttled: 1, waited_ms: 2_400 },
        users,
        roles: vec![
            role("Auditors", &["view-site-asset-data", "create-reports"]),
            role(GLOBAL_ADMIN, KNOWN_PRIVILEGES),
            role("user", &["view-site-asset-data", "view-asset-group-asset-data"]),
        ],
        privileges: KNOWN_PRIVILEGES.iter().map(|id| PrivilegeId::from(*id)).collect(),
        authentication_sources: vec![
            source(1, "Builtin Administrators", "admin", false),
            source(2, "Builtin Users", "normal", false),
            source(3, "Corporate LDAP", "ldap", true),
        ],
        sites: (1..=3).map(site).collect(),
        asset_groups: (1..=2).map(asset_group).collect(),
        coverage: Coverage::default(),
        exceptions: Answer::Known(Vec::new()),
        scans: Answer::Known(Vec::new()),
        reports: Answer::Known(Vec::new()),
        roster: None,
        logon_sources: Vec::new(),
        anomalies: Vec::new(),
    };
    snapshot.coverage.parts = Part::ALL
        .into_iter()
        .map(|part| PartCoverage {
            part,
            expected: Some(1),
            examined: 1,
            state: PartState::Complete,
            gaps: Vec::new(),
        })
        .collect();
    for part in [Part::Roster, Part::LastLogon] {
        let entry = snapshot.coverage.parts.iter_mut().find(|entry| entry.part == part).unwrap();
        (entry.state, entry.expected, entry.examined) = (PartState::NotAsked, Some(0), 0);
    }
    snapshot
}

/// Marks one part of a snapshot incomplete.
pub(crate) fn incomplete(mut snapshot: Snapshot, part: Part) -> Snapshot {
    let entry = snapshot.coverage.parts.iter_mut().find(|entry| entry.part == part).unwrap();
    entry.state = PartState::Incomplete;
    entry.examined = 0;
    entry.gaps.push(Gap {
        endpoint: "/api/3/users/{id}/sites".into(),
        id: Some("7".into()),
        reason: GapReason::Unavailable,
        attempts: 4,
        last_status: Some(503),
    });
    snapshot
}

/// An enabled LDAP user with role `user`, one direct site and nothing wrong.
pub(crate) fn user(id: i64, login: &str) -> User {
    let held: BTreeSet<PrivilegeId> =
        ["view-site-asset-data", "view-asset-group-asset-data"].map(PrivilegeId::from).into();
    let held = Arc::new(held);
    User {
        id: UserId(id),
        login: login.into(),
        name: format!("{login} Example").into(),
        email: Some(format!("{login}@corp.example").into()),
        enabled: Some(true),
        locked: Some(false),
        authentication: Some(
            Authentication {
                id: Some(AuthenticationSourceId(3)),
                name: Some("Corporate LDAP".into()),
                kind: Some("ldap".into()),
                external: Some(true),
            }
            .into(),
        ),
        role: UserRole {
            id: Some("user".into()),
            name: Some("User".into()),
            privileges: Some(Arc::clone(&held)),
            ..UserRole::default()
        }
        .into(),
        privileges: Answer::Known(held),
        sites: Answer::Known(vec![SiteId(1)]),
        asset_groups: Answer::Known(Vec::new()),
        two_factor: TwoFactor::Delegated,
        person: RosterMatch::NotAsked,
        last_logon: None,
    }
}

/// An employed person of the roster, named after the id.
pub(crate) fn person(id: &str) -> Person {
    Person {
        id: id.into(),
        name: Some(format!("Person {id}").into()),
        email: Some(format!("{id}@corp.example").into()),
        manager: Some("Maria Boss".into()),
        department: Some("Operations".into()),
        employed: Some(true),
        kind: Some("employee".into()),
        temporary: Some(false),
        start: None,
        end: None,
    }
}

/// Puts a person behind an account, matched by mail address.
pub(crate) fn known_as(user: User, person: Person) -> User {
    let matched =
        RosterMatch::Person { person: Arc::new(person), by: MatchedBy::Email, confidence: Confidence::High };
    User { person: matched, ..user }
}

/// Says that the users were joined with a roster; who has no person is nobody in it.
pub(crate) fn with_roster(mut snapshot: Snapshot) -> Snapshot {
    snapshot.roster = Some(RosterSource {
        label: "people.csv".into(),
        sha256: "ab".repeat(32),
        people: 120,
        read: snapshot.started,
        owners: Vec::new(),
        unexplained: super::Unexplained::default(),
    });
    for user in &mut snapshot.users {
        if user.person == RosterMatch::NotAsked {
            user.person = RosterMatch::Nobody;
        }
    }
    snapshot
}

/// An enabled local user with 2FA configured; otherwise as [`user`].
pub(crate) fn local_user(id: i64, login: &str) -> User {
    User {
        authentication: Some(
            Authentication {
                id: Some(AuthenticationSourceId(2)),
                name: Some("Builtin Users".into()),
                kind: Some("normal".into()),
                external: Some(false),
            }
            .into(),
        ),
        two_factor: TwoFactor::Configured,
        ..user(id, login)
    }
}

/// An enabled local Global Administrator of type `admin`, with 2FA configured.
pub(crate) fn global_admin(id: i64, login: &str) -> User {
    let mut admin = with_role(local_user(id, login), GLOBAL_ADMIN, KNOWN_PRIVILEGES);
    if let Some(authentication) = &mut admin.authentication {
        authentication.id = Some(AuthenticationSourceId(1));
        authentication.kind = Some("admin".into());
    }
    admin.role.superuser = true;
    admin.role.all_sites = true;
    admin.role.all_asset_groups = true;
    admin
}

/// Gives a user a role and its privileges.
pub(crate) fn with_role(mut user: User, id: &str, privileges: &[&str]) -> User {
    let held: BTreeSet<PrivilegeId> = privileges.iter().map(|id| PrivilegeId::from(*id)).collect();
    let held = Arc::new(held);
    user.role.id = Some(id.into());
    user.role.name = Some(id.into());
    user.role.privileges = Some(Arc::clone(&held));
    user.privileges = Answer::Known(held);
    user
}

/// A role named as its id.
pub(crate) fn role(id: &str, privileges: &[&str]) -> Role {
    Role {
        id: RoleId::from(id),
        name: id.into(),
        description: Some(format!("Role {id}.")),
        privileges: privileges.iter().map(|id| PrivilegeId::from(*id)).collect(),
    }
}

fn source(id: i64, name: &str, kind: &str, external: bool) -> AuthenticationSource {
    AuthenticationSource {
        id: AuthenticationSourceId(id),
        name: name.into(),
        kind: Some(kind.into()),
        external: Some(external),
    }
}

fn site(id: i64) -> Site {
    Site {
        id: SiteId(id),
        name: format!("Site {id}"),
        description: None,
        kind: Some("static".into()),
        importance: Some("normal".into()),
        assets: Some(40 * id),
        last_scan: Some("2026-09-20T02:00:00.000Z".into()),
    }
}

fn asset_group(id: i64) -> AssetGroup {
    AssetGroup {
        id: AssetGroupId(id),
        name: format!("Group {id}"),
        description: None,
        kind: Some("dynamic".into()),
        assets: Some(12),
    }
}
