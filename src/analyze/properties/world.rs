//! Generated worlds: a console with everything that a review may know of it, and what earlier runs left behind.

use std::collections::BTreeSet;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use proptest::prelude::*;
use proptest::sample::{select, subsequence};

use crate::history::{AccountPast, Before, History, Signed};
use crate::model::sample::{known_as, person, role, snapshot, user, with_roster};
use crate::model::{
    Act, Anomaly, Answer, AssetGroupId, Authentication, AuthenticationSourceId, Claim, CrossCheck, Exception,
    ExceptionKind, KNOWN_PRIVILEGES, LastLogon, LogonSource, LogonSourceKind, MatchedBy, Part, PartState,
    Person, PrivilegeId, ReportAccess, RosterMatch, ScanActivity, SiteId, Snapshot, TwoFactor, User, UserId,
};

/// What accounts are called, and who has started a scan.
const LOGINS: [&str; 9] =
    ["ana", "ana.silva", "CORP\\ana", "ext-ana", "nxadmin", "test", "root", "=cmd()", ""];

fn state() -> impl Strategy<Value = Option<bool>> {
    select(vec![Some(true), Some(true), Some(false), None])
}

fn privileges() -> impl Strategy<Value = BTreeSet<PrivilegeId>> {
    let ids: Vec<&str> = KNOWN_PRIVILEGES.iter().copied().chain(["manage-novelties"]).collect();
    subsequence(ids, 0..12).prop_map(|ids| ids.into_iter().map(PrivilegeId::from).collect())
}

fn answer<T: Clone + std::fmt::Debug>(known: impl Strategy<Value = T>) -> impl Strategy<Value = Answer<T>> {
    prop_oneof![6 => known.prop_map(Answer::Known), 1 => Just(Answer::NotAsked), 1 => Just(Answer::Missing)]
}

fn authentication() -> impl Strategy<Value = Option<Authentication>> {
    let kinds = select(vec![(1, "admin"), (2, "normal"), (3, "ldap"), (4, "saml")]);
    let from = (kinds, any::<bool>(), state()).prop_map(|((id, kind), has_id, external)| Authentication {
        id: has_id.then_some(AuthenticationSourceId(id)),
        name: Some(kind.into()),
        kind: external.is_none().then(|| kind.into()),
        external,
    });
    proptest::option::weighted(0.9, from)
}

prop_compose! {
    fn account()(
        login in select(LOGINS.to_vec()),
        name in select(vec!["Ana Silva", "Silva, Ana", "Bo Li", ""]),
        email in select(vec![
            None,
            Some("ana@corp.example"),
            Some("Ana+vm@corp.example"),
            Some("bo@corp.example"),
            Some("team@corp.example"),
            Some("no mail"),
        ]),
        (enabled, locked) in (state(), state()),
        authentication in authentication(),
        role_id in select(vec![None, Some("global-admin"), Some("user"), Some("Auditors"), Some("Gone")]),
        (all_sites, all_asset_groups, superuser) in (any::<bool>(), any::<bool>(), proptest::bool::weighted(0.1)),
        copy in proptest::option::of(privileges()),
        privileges in answer(privileges().prop_map(Arc::new)),
        sites in answer(subsequence(vec![1, 2, 3, 9], 0..4)),
        asset_groups in answer(subsequence(vec![1, 2, 9], 0..3)),
        two_factor in select(vec![
            TwoFactor::Configured,
            TwoFactor::NotConfigured,
            TwoFactor::Delegated,
            TwoFactor::Undetermined,
        ]),
        person in matched(),
        last_logon in last_logon(),
    ) -> User {
        let mut account = User {
            name: name.into(),
            email: email.map(Into::into),
            enabled,
            locked,
            authentication: authentication.map(Into::into),
            privileges,
            sites: map(sites, SiteId),
            asset_groups: map(asset_groups, AssetGroupId),
            two_factor,
            person,
            last_logon,
            ..user(0, login)
        };
        account.role.id = role_id.map(Into::into);
        account.role.name = role_id.map(str::to_owned);
        account.role.privileges = copy.map(Arc::new);
        account.role.all_sites = all_sites;
        account.role.all_asset_groups = all_asset_groups;
        account.role.superuser = superuser;
        account
    }
}

/// So long before every world is judged.
fn ago(days: i64) -> DateTime<Utc> {
    snapshot(Vec::new()).finished - TimeDelta::days(days)
}

/// Around the thresholds of the rules.
fn age() -> impl Strategy<Value = i64> {
    select(vec![0, 1, 29, 31, 44, 46, 89, 91, 200])
}

prop_compose! {
    fn somebody()(
        id in select(vec!["7", "8"]),
        (employed, temporary) in (state(), state()),
        end in proptest::option::weighted(0.3, -40_i64..40),
        department in select(vec![Some("Sales"), Some("Finance"), None]),
        manager in select(vec![Some("Maria Boss"), None]),
    ) -> Person {
        Person {
            manager: manager.map(Into::into),
            department: department.map(Into::into),
            employed,
            temporary,
            end: end.map(|days| ago(days).date_naive()),
            ..person(id)
        }
    }
}

fn matched() -> impl Strategy<Value = RosterMatch> {
    let people = vec!["7".to_owned(), "8".to_owned()];
    prop_oneof![
        5 => somebody().prop_map(|somebody| known_as(user(0, ""), somebody).person),
        2 => Just(RosterMatch::Nobody),
        1 => Just(RosterMatch::Ambiguous { by: MatchedBy::Email, people }),
        1 => Just(RosterMatch::NotAsked),
    ]
}

fn last_logon() -> impl Strategy<Value = Option<LastLogon>> {
    let kind = select(vec![LogonSourceKind::Export, LogonSourceKind::Log]);
    let logon = (proptest::option::weighted(0.7, age()), kind);
    let logon = logon.prop_map(|(at, source)| LastLogon { at: at.map(ago), source, from: None });
    proptest::option::weighted(0.8, logon)
}

fn act() -> impl Strategy<Value = Option<Act>> {
    let user = proptest::option::of((1_i64..12).prop_map(UserId));
    let name = proptest::option::of(select(LOGINS.to_vec()));
    let act = (user, name, proptest::option::of(age()));
    let act = act.prop_map(|(user, name, at)| Act { user, name: name.map(str::to_owned), at: at.map(ago) });
    proptest::option::weighted(0.8, act)
}

prop_compose! {
    fn exception()(
        kind in select(vec![ExceptionKind::Vulnerability, ExceptionKind::Policy]),
        state in select(vec![Some("Approved"), Some("Rejected"), Some("Under Review"), Some("Deleted"), None]),
        (submitted, reviewed) in (act(), act()),
        expires in select(vec![None, Some("2027-01-31T00:00:00Z"), Some("2026-01-31T00:00:00Z"), Some("soon")]),
    ) -> Exception {
        Exception {
            kind,
            id: 0,
            state: state.map(str::to_owned),
            about: Some("ssl-weak-cipher".into()),
            scope: Some("Global".into()),
            submitted,
            reviewed,
            expires: expires.map(str::to_owned),
        }
    }
}

fn report() -> impl Strategy<Value = ReportAccess> {
    let owner = proptest::option::of((1_i64..12).prop_map(UserId));
    let recipients = subsequence(vec!["ana@corp.example", "bo@home.example", "no mail"], 0..3);
    (owner, subsequence((1_i64..12).collect::<Vec<_>>(), 0..3), recipients).prop_map(
        |(owner, users, recipients)| ReportAccess {
            id: 0,
            name: "Weekly".into(),
            owner,
            users: users.into_iter().map(UserId).collect(),
            recipients: recipients.into_iter().map(str::to_owned).collect(),
        },
    )
}

fn scans() -> impl Strategy<Value = Vec<ScanActivity>> {
    // No name comes twice.
    let names = subsequence(LOGINS.iter().copied().chain(["gone"]).collect::<Vec<_>>(), 0..5);
    (names, age()).prop_map(|(names, days)| {
        let scan = |name: &str| ScanActivity { started_by: name.into(), scans: 2, last: ago(days) };
        names.into_iter().map(scan).collect()
    })
}

fn logon_sources() -> impl Strategy<Value = Vec<LogonSource>> {
    let source = |kind, since: Option<i64>, until| LogonSource {
        kind,
        label: "users.csv".into(),
        since: since.map(ago),
        until: ago(until),
    };
    let export =
        proptest::option::of((0_i64..45).prop_map(move |until| source(LogonSourceKind::Export, None, until)));
    let log = age().prop_map(move |since| source(LogonSourceKind::Log, Some(since), 0));
    (export, proptest::option::of(log)).prop_map(|(export, log)| export.into_iter().chain(log).collect())
}

/// What an earlier run saw of one account.
#[derive(Debug, Clone)]
struct Then {
    /// Whether it was there.
    listed: bool,
    /// Its person, and its sites, if they were others.
    person: Option<RosterMatch>,
    sites: Option<Vec<SiteId>>,
    /// The days since its first sight, and since its changes of lock.
    first_seen: Option<i64>,
    lock_changes: Vec<i64>,
}

prop_compose! {
    fn then()(
        listed in proptest::bool::weighted(0.9),
        person in proptest::option::of(matched()),
        sites in proptest::option::weighted(0.2, subsequence(vec![1, 2, 3, 9], 0..4)),
        first_seen in proptest::option::weighted(0.8, age()),
        lock_changes in prop::collection::vec(0_i64..40, 0..7),
    ) -> Then {
        let sites = sites.map(|sites| sites.into_iter().map(SiteId).collect());
        Then { listed, person, sites, first_seen, lock_changes }
    }
}

/// A console now, and what earlier runs left behind.
#[derive(Debug, Clone)]
pub(super) struct World {
    pub(super) now: Snapshot,
    pub(super) past: History,
}

prop_compose! {
    pub(super) fn world()(
        now in console(),
        then in prop::collection::vec(then(), 10),
        runs in select(vec![(false, false, false), (true, false, false), (true, true, false), (true, true, true)]),
        had_roster in proptest::bool::weighted(0.9),
    ) -> World {
        let (kept, before, signed) = runs;
        let mut past = History { kept, ..History::default() };
        let mut earlier = now.clone();
        earlier.finished = ago(7);
        if !had_roster {
            earlier.roster = None;
        }
        let all = || now.users.iter().zip(&then);
        earlier.users = all().filter(|(_, then)| then.listed).map(|(user, then)| User {
            person: then.person.clone().unwrap_or_else(|| user.person.clone()),
            sites: then.sites.clone().map_or_else(|| user.sites.clone(), Answer::Known),
            ..user.clone()
        }).collect();
        if kept {
            let accounts = all().filter_map(|(user, then)| {
                let mut lock_changes: Vec<_> = then.lock_changes.iter().copied().map(ago).collect();
                lock_changes.sort();
                let past = AccountPast { first_seen: ago(then.first_seen?), locked: user.locked, lock_changes };
                Some((user.id, past))
            }).collect();
            past.accounts = [(now.console.key().to_owned(), accounts)].into();
        }
        past.before = before.then(|| Before {
            run: "r2".into(),
            slot: None,
            finished: earlier.finished,
            snapshots: vec![earlier.clone()],
            findings: Vec::new(),
            rules: Vec::new(),
        });
        past.signed = signed.then(|| Signed {
            run: "r1".into(),
            finished: ago(30),
            by: "Maria Boss".into(),
            at: ago(29),
            snapshots: vec![earlier],
        });
        World { now, past }
    }
}

fn map<T>(answer: Answer<Vec<i64>>, id: fn(i64) -> T) -> Answer<Vec<T>> {
    match answer {
        Answer::Known(ids) => Answer::Known(ids.into_iter().map(id).collect()),
        Answer::NotAsked => Answer::NotAsked,
        Answer::Missing => Answer::Missing,
    }
}

fn anomaly() -> impl Strategy<Value = Anomaly> {
    let checks = vec![
        CrossCheck::RoleUsers,
        CrossCheck::RoleDefinition,
        CrossCheck::DanglingRole,
        CrossCheck::UserPrivileges,
        CrossCheck::PrivilegeUsers,
        CrossCheck::AuthenticationSourceUsers,
        CrossCheck::SiteUsers,
        CrossCheck::DanglingAssetGroup,
        CrossCheck::IncompleteRecord,
    ];
    let objects = select(vec!["1", "2", "Auditors", "Gone", "create-reports"]);
    let users = (1_i64..12, proptest::option::weighted(0.2, 1_u64..9));
    (select(checks), users, objects).prop_map(|(check, (user, further_users), object)| {
        // A record that contradicts itself is told on its user.
        let own = matches!(check, CrossCheck::UserPrivileges | CrossCheck::IncompleteRecord);
        Anomaly {
            check,
            user: (own || further_users.is_none()).then_some(UserId(user)),
            further_users: further_users.filter(|_| !own).unwrap_or_default(),
            object: if own { user.to_string() } else { object.into() },
            left: Claim { endpoint: "/left".into(), says: "yes".into() },
            right: Claim { endpoint: "/right".into(), says: "no".into() },
        }
    })
}

prop_compose! {
    fn console()(
        accounts in prop::collection::vec(account(), 0..10),
        roles in prop::collection::vec(privileges(), 0..4),
        anomalies in prop::collection::vec(anomaly(), 0..6),
        two_factor in state(),
        incomplete in proptest::option::of((select(Part::ALL.to_vec()), any::<bool>())),
        has_roster in proptest::bool::weighted(0.8),
        sources in logon_sources(),
        exceptions in answer(prop::collection::vec(exception(), 0..5)),
        scans in answer(scans()),
        reports in answer(prop::collection::vec(report(), 0..4)),
    ) -> Snapshot {
        let mut world = snapshot(accounts);
        for (user, id) in world.users.iter_mut().zip(1..) {
            user.id = UserId(id);
        }
        for (privileges, id) in roles.into_iter().zip(["Alpha", "Beta", "Gamma"]) {
            world.roles.push(crate::model::Role { privileges, ..role(id, &[]) });
        }
        world.anomalies = anomalies;
        world.settings.two_factor = two_factor;
        world.exceptions = exceptions;
        if let Answer::Known(exceptions) = &mut world.exceptions {
            exceptions.iter_mut().zip(1..).for_each(|(exception, id)| exception.id = id);
            exceptions.sort_by_key(|exception| (exception.kind, exception.id));
        }
        world.scans = scans;
        world.reports = reports;
        if let Answer::Known(reports) = &mut world.reports {
            reports.iter_mut().zip(1..).for_each(|(report, id)| report.id = id);
        }
        if !sources.is_empty() {
            set(&mut world, Part::LastLogon, PartState::Complete);
        }
        world.logon_sources = sources;
        let (exceptions, scans, reports) =
            (answered(&world.exceptions), answered(&world.scans), answered(&world.reports));
        set(&mut world, Part::VulnerabilityExceptions, exceptions);
        set(&mut world, Part::PolicyOverrides, exceptions);
        set(&mut world, Part::Scans, scans);
        set(&mut world, Part::Reports, reports);
        // A roster that could not be read is none.
        if has_roster && incomplete.is_none_or(|(part, _)| part != Part::Roster) {
            world = with_roster(world);
            set(&mut world, Part::Roster, PartState::Complete);
        } else {
            world.users.iter_mut().for_each(|user| user.person = RosterMatch::NotAsked);
        }
        if let Some((part, proves_nothing)) = incomplete {
            set(&mut world, part, if proves_nothing { PartState::Undetermined } else { PartState::Incomplete });
        }
        world
    }
}

/// The state of a part with this answer.
fn answered<T>(answer: &Answer<T>) -> PartState {
    match answer {
        Answer::Known(_) => PartState::Complete,
        Answer::NotAsked => PartState::NotAsked,
        Answer::Missing => PartState::Incomplete,
    }
}

fn set(world: &mut Snapshot, part: Part, state: PartState) {
    world.coverage.parts.iter_mut().find(|entry| entry.part == part).unwrap().state = state;
}
