//! When an account was last seen at work, by the best evidence there is.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, Utc};

use crate::model::{Act, Confidence, LogonSourceKind, Snapshot, User, UserId};

/// When an account was last seen, and what tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LastSeen {
    /// When.
    pub at: DateTime<Utc>,
    /// What tells.
    pub by: SeenBy,
}

/// What tells that an account was at work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SeenBy {
    /// It logged on.
    Logon(LogonSourceKind),
    /// It started a scan.
    Scan,
    /// It asked for a vulnerability exception or a policy override, or decided on one.
    Exception,
}

impl SeenBy {
    /// The name in files.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Logon(LogonSourceKind::Export) => "logon (export)",
            Self::Logon(LogonSourceKind::Log) => "logon (log)",
            Self::Scan => "scan",
            Self::Exception => "exception",
        }
    }

    /// How much it can be relied on: a logon is one; that somebody's name stands on a scan or on an exception tells of
    /// work, though not that nothing came after it.
    pub fn confidence(self) -> Confidence {
        match self {
            Self::Logon(LogonSourceKind::Export) => Confidence::High,
            Self::Logon(LogonSourceKind::Log) => Confidence::Medium,
            Self::Scan | Self::Exception => Confidence::Low,
        }
    }
}

/// The newest time in which an account did not log on, as far as a source proves it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Idle {
    /// From when on: the last logon, else where the source begins. `None`: from the account's own beginning.
    pub since: Option<DateTime<Utc>>,
    /// Up to when a source would have shown a logon.
    pub until: DateTime<Utc>,
}

impl Idle {
    /// Whether a logon at that time would have been shown.
    pub fn covers(&self, at: DateTime<Utc>) -> bool {
        self.since.is_none_or(|since| since <= at) && at <= self.until
    }
}

/// How long an account has not logged on; `None` if no source speaks of it.
pub(super) fn idle(snapshot: &Snapshot, user: &User) -> Option<Idle> {
    let logon = user.last_logon.as_ref()?;
    let source = |kind| snapshot.logon_sources.iter().find(move |source| source.kind == kind);
    let told = source(logon.source)?;
    let mut until = told.until;
    // The log speaks of every account; it goes on where an export ends, unless there is time between the two.
    if let Some(log) = source(LogonSourceKind::Log)
        && log.since.is_none_or(|since| since <= until)
    {
        until = until.max(log.until);
    }
    Some(Idle { since: logon.at.or(told.since), until })
}

/// Each account's last sight, newest evidence first; of equally new evidence, the most reliable.
pub(super) fn last_seen(snapshot: &Snapshot) -> BTreeMap<UserId, LastSeen> {
    let mut seen: BTreeMap<UserId, LastSeen> = BTreeMap::new();
    let mut note = |user: UserId, at: DateTime<Utc>, by: SeenBy| {
        let newer = |known: &LastSeen| (at, by.confidence()) > (known.at, known.by.confidence());
        if seen.get(&user).is_none_or(newer) {
            seen.insert(user, LastSeen { at, by });
        }
    };
    for user in &snapshot.users {
        if let Some(logon) = &user.last_logon
            && let Some(at) = logon.at
        {
            note(user.id, at, SeenBy::Logon(logon.source));
        }
    }
    let started = snapshot.scans.known().into_iter().flatten().map(|scan| scan.started_by.as_str());
    let acts = snapshot.exceptions.known().into_iter().flatten();
    let acts = acts.flat_map(|exception| [&exception.submitted, &exception.reviewed]).flatten();
    let names = Names::among(snapshot, started.chain(acts.filter_map(unnumbered)));
    for scan in snapshot.scans.known().into_iter().flatten() {
        if let Some(user) = names.find(&scan.started_by) {
            note(user, scan.last, SeenBy::Scan);
        }
    }
    for exception in snapshot.exceptions.known().into_iter().flatten() {
        for act in [&exception.submitted, &exception.reviewed].into_iter().flatten() {
            if let (Some(user), Some(at)) = (names.actor(act), act.at) {
                note(user, at, SeenBy::Exception);
            }
        }
    }
    seen
}

/// Whom the names on scans and exceptions mean: a login, else a full name. `None` for one that several accounts have.
///
/// Only names that are asked for are kept: they are few, and the accounts are many.
pub(super) struct Names<'a>(HashMap<&'a str, Bearers>);

/// The accounts that have a name as their login, and those that have it as their full name.
#[derive(Default)]
struct Bearers {
    by_login: Bearer,
    by_name: Bearer,
}

#[derive(Default, Clone, Copy)]
enum Bearer {
    #[default]
    Nobody,
    One(UserId),
    Several,
}

impl Bearer {
    fn add(&mut self, user: UserId) {
        *self = if matches!(self, Self::Nobody) { Self::One(user) } else { Self::Several };
    }
}

impl<'a> Names<'a> {
    /// What these names mean on a console.
    pub(super) fn among(snapshot: &Snapshot, asked: impl Iterator<Item = &'a str>) -> Self {
        let mut names: HashMap<&str, Bearers> = asked.map(|name| (name, Bearers::default())).collect();
        let users = if names.is_empty() { &[][..] } else { &snapshot.users };
        for user in users {
            if let Some(bearers) = names.get_mut(user.login.as_str()) {
                bearers.by_login.add(user.id);
            }
            if let Some(bearers) = names.get_mut(user.name.as_str()) {
                bearers.by_name.add(user.id);
            }
        }
        Self(names)
    }

    fn find(&self, name: &str) -> Option<UserId> {
        let bearers = self.0.get(name)?;
        match (bearers.by_login, bearers.by_name) {
            (Bearer::One(user), _) | (Bearer::Nobody, Bearer::One(user)) => Some(user),
            (Bearer::Several, _) | (Bearer::Nobody, Bearer::Nobody | Bearer::Several) => None,
        }
    }

    /// The account that acted: by its id, else by its name.
    pub(super) fn actor(&self, act: &Act) -> Option<UserId> {
        act.user.or_else(|| self.find(act.name.as_deref()?))
    }
}

/// The name of whoever acted, where no id tells it.
pub(super) fn unnumbered(act: &Act) -> Option<&str> {
    act.name.as_deref().filter(|_| act.user.is_none())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::AccessGraph;
    use crate::model::sample::{snapshot, user};
    use crate::model::{Answer, Exception, ExceptionKind, LastLogon, LogonSource, ScanActivity, User};

    fn at(day: u32) -> DateTime<Utc> {
        format!("2026-09-{day:02}T08:00:00Z").parse().unwrap()
    }

    fn scan(by: &str, day: u32) -> ScanActivity {
        ScanActivity { started_by: by.into(), scans: 3, last: at(day) }
    }

    #[test]
    fn the_newest_evidence_counts() {
        let logon = LastLogon { at: Some(at(5)), source: LogonSourceKind::Log, from: None };
        let mia = User { last_logon: Some(logon), ..user(1, "mia") };
        let mut world = snapshot(vec![mia, user(2, "bo"), user(3, "cy")]);
        world.scans = Answer::Known(vec![scan("mia", 4), scan("bo Example", 9)]);
        let submitted = Act { user: Some(UserId(1)), name: None, at: Some(at(7)) };
        world.exceptions = Answer::Known(vec![Exception {
            kind: ExceptionKind::Vulnerability,
            id: 1,
            state: None,
            about: None,
            scope: None,
            submitted: Some(submitted),
            reviewed: None,
            expires: None,
        }]);
        let graph = AccessGraph::build(world);
        let seen = |id| graph.last_seen(UserId(id)).map(|seen| (seen.at, seen.by));
        assert_eq!(seen(1), Some((at(7), SeenBy::Exception)));
        assert_eq!(seen(2), Some((at(9), SeenBy::Scan)), "by the full name");
        assert_eq!(seen(3), None);
    }

    #[test]
    fn a_name_of_several_accounts_means_none_of_them() {
        let mut users =
            [1, 2].map(|id| User { name: "Ana Silva".into(), ..user(id, &format!("ana{id}")) }).to_vec();
        // One login at two sources, which is another account's full name.
        users.extend([user(3, "bo"), user(4, "bo"), User { name: "bo".into(), ..user(5, "cy") }]);
        let mut world = snapshot(users);
        world.scans = Answer::Known(vec![scan("Ana Silva", 9), scan("bo", 9)]);
        let graph = AccessGraph::build(world);
        assert!((1..=5).all(|id| graph.last_seen(UserId(id)).is_none()));
    }

    #[test]
    fn of_equally_new_evidence_the_most_reliable_is_told() {
        let logon = LastLogon { at: Some(at(5)), source: LogonSourceKind::Export, from: None };
        let mut world = snapshot(vec![User { last_logon: Some(logon), ..user(1, "mia") }]);
        world.scans = Answer::Known(vec![scan("mia", 5)]);
        let graph = AccessGraph::build(world);
        assert_eq!(graph.last_seen(UserId(1)).unwrap().by, SeenBy::Logon(LogonSourceKind::Export));
    }

    #[test]
    fn an_account_is_idle_from_its_last_logon_to_the_end_of_the_source() {
        use LogonSourceKind::{Export, Log};
        let source = |kind, since: Option<u32>, until| LogonSource {
            kind,
            label: "users.csv".into(),
            since: since.map(at),
            until: at(until),
        };
        let export = || source(Export, None, 10);
        let cases = [
            (Some((Export, Some(3))), vec![export()], Some((Some(3), 10)), "the last logon"),
            (Some((Export, None)), vec![export()], Some((None, 10)), "never, up to the export"),
            (Some((Log, None)), vec![source(Log, Some(5), 20)], Some((Some(5), 20)), "since the log begins"),
            (
                Some((Export, Some(3))),
                vec![export(), source(Log, Some(10), 20)],
                Some((Some(3), 20)),
                "the log goes on",
            ),
            (
                Some((Export, Some(3))),
                vec![export(), source(Log, Some(11), 20)],
                Some((Some(3), 10)),
                "a day between the two",
            ),
            (None, vec![export()], None, "the source does not speak of it"),
            (Some((Log, Some(3))), vec![export()], None, "its source is not there"),
        ];
        for (logon, sources, expected, case) in cases {
            let last_logon = logon.map(|(source, day): (_, Option<u32>)| LastLogon {
                at: day.map(at),
                source,
                from: None,
            });
            let mut world = snapshot(vec![User { last_logon, ..user(1, "mia") }]);
            world.logon_sources = sources;
            let graph = AccessGraph::build(world);
            let expected = expected
                .map(|(since, until): (Option<u32>, u32)| Idle { since: since.map(at), until: at(until) });
            assert_eq!(graph.idle(&graph.users()[0]), expected, "{case}");
        }
        let idle = Idle { since: Some(at(3)), until: at(10) };
        assert_eq!([2, 3, 10, 11].map(|day| idle.covers(at(day))), [false, true, true, false]);
    }
}
