//! Evidence joined with the users of a snapshot, by login.

use std::collections::{BTreeMap, BTreeSet};

use super::{Account, Evidence, LastLogon, LogonSourceKind, Snapshot};
use crate::model::{Part, PartCoverage, PartState};

/// What one source says of one user.
enum Said<'a> {
    /// The last logon, or that there was none.
    Account(&'a Account),
    /// Several logins could be this user's, or this login several users'.
    Unclear,
    /// Nothing.
    Nothing,
}

/// Sets the last logon of every user of whom a source tells, and books the part. `failed`: a configured source told
/// nothing. That leaves no gap, because a review does not need logons; but the part is not complete either.
pub fn apply(snapshot: &mut Snapshot, evidence: &[Evidence], failed: bool) {
    let mut said: Vec<Vec<Said<'_>>> = snapshot.users.iter().map(|_| Vec::new()).collect();
    let logins: Vec<&str> = snapshot.users.iter().map(|user| user.login.as_str()).collect();
    for source in evidence {
        for (user, says) in join(&logins, &source.accounts).into_iter().enumerate() {
            said[user].push(says);
        }
    }
    let found: Vec<Option<LastLogon>> = said.iter().map(|said| last(said, evidence)).collect();
    let examined = found.iter().flatten().count() as u64;
    for (user, found) in snapshot.users.iter_mut().zip(found) {
        user.last_logon = found;
    }
    snapshot.logon_sources = evidence.iter().map(|evidence| evidence.source.clone()).collect();
    snapshot.logon_sources.sort_by_key(|source| source.kind);
    let booked = PartCoverage {
        part: Part::LastLogon,
        expected: Some(snapshot.users.len() as u64),
        examined,
        state: if failed { PartState::Undetermined } else { PartState::Complete },
        gaps: Vec::new(),
    };
    match snapshot.coverage.parts.iter_mut().find(|entry| entry.part == Part::LastLogon) {
        Some(entry) => *entry = booked,
        None => snapshot.coverage.parts.push(booked),
    }
}

/// The newest logon of all sources. That there was none is said by the console's own record before the log.
fn last(said: &[Said<'_>], evidence: &[Evidence]) -> Option<LastLogon> {
    // Whatever the others say, a newer logon may be the user's.
    if said.iter().any(|said| matches!(said, Said::Unclear)) {
        return None;
    }
    let of = |account: &Account, source: LogonSourceKind| LastLogon {
        at: account.at,
        source,
        from: account.address.clone(),
    };
    let told = said.iter().zip(evidence).filter_map(|(said, evidence)| match said {
        Said::Account(account) => Some(of(account, evidence.source.kind)),
        Said::Nothing if evidence.names_all => {
            Some(LastLogon { at: None, source: evidence.source.kind, from: None })
        }
        Said::Nothing | Said::Unclear => None,
    });
    let rank = |logon: &LastLogon| match (logon.at, logon.source) {
        // The log has the address.
        (Some(at), source) => (Some(at), source == LogonSourceKind::Log),
        (None, source) => (None, source == LogonSourceKind::Export),
    };
    told.max_by_key(rank)
}

/// For each login of the console, what a source says of it: the entry that is equal to the letter, and those that differ
/// by case or by a domain, where they can be nobody else's.
fn join<'a>(logins: &[&str], accounts: &'a [Account]) -> Vec<Said<'a>> {
    let mut owners: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for login in logins {
        owners.entry(Form::of(login).name).or_default().push(login);
    }
    let mut entries: BTreeMap<String, Vec<&'a Account>> = BTreeMap::new();
    for account in accounts {
        entries.entry(Form::of(&account.login).name).or_default().push(account);
    }
    let said = |login: &&str| {
        let name = Form::of(login).name;
        let alike = entries.get(&name).map_or(&[][..], Vec::as_slice);
        let owners = owners.get(&name).map_or(&[][..], Vec::as_slice);
        // What another user's login is to the letter is that user's.
        let others =
            |account: &&&Account| owners.iter().any(|owner| owner != login && *owner == account.login);
        let open: Vec<&'a Account> = alike.iter().filter(|account| !others(account)).copied().collect();
        let exact = open.iter().find(|account| account.login == **login).copied();
        match (exact, open.as_slice()) {
            (None, []) => Said::Nothing,
            (Some(exact), [_]) => Said::Account(exact),
            (_, open) if owners.len() == 1 && is_one_person(login, open) => open
                .iter()
                .max_by_key(|account| account.at)
                .map_or(Said::Nothing, |newest| Said::Account(newest)),
            _ => Said::Unclear,
        }
    };
    logins.iter().map(said).collect()
}

/// Whether all that differs is case and one domain. `jdoe` of two domains may be two people.
fn is_one_person(login: &str, accounts: &[&Account]) -> bool {
    let own = Form::of(login).domain;
    let theirs = accounts.iter().filter_map(|account| Form::of(&account.login).domain);
    own.into_iter().chain(theirs).collect::<BTreeSet<_>>().len() <= 1
}

/// A login without case and domain, and the domain.
struct Form {
    name: String,
    domain: Option<String>,
}

impl Form {
    /// `CORP\JDoe` and `jdoe@corp.example` are both `jdoe` of `corp`.
    fn of(login: &str) -> Self {
        let login = login.to_lowercase();
        let (name, domain) = match (login.split_once('\\'), login.rsplit_once('@')) {
            (Some((domain, name)), _) | (None, Some((name, domain))) => (name, Some(domain)),
            (None, None) => (login.as_str(), None),
        };
        let first = |domain: &str| domain.split('.').next().unwrap_or_default().to_owned();
        if name.is_empty() {
            return Self { name: login, domain: None };
        }
        Self { domain: domain.map(first), name: name.to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, Utc};

    use super::*;
    use crate::model::LogonSource;
    use crate::model::sample::{snapshot, user};

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_790_000_000 + seconds, 0).unwrap()
    }

    fn evidence(kind: LogonSourceKind, names_all: bool, accounts: &[(&str, Option<i64>)]) -> Evidence {
        let account = |(login, seconds): &(&str, Option<i64>)| Account {
            login: (*login).into(),
            at: seconds.map(at),
            address: (kind == LogonSourceKind::Log).then(|| "10.1.2.3".into()),
        };
        let since = (kind == LogonSourceKind::Log).then(|| at(-9000));
        Evidence {
            source: LogonSource { kind, label: kind.as_str().into(), since, until: at(0) },
            names_all,
            accounts: accounts.iter().map(account).collect(),
        }
    }

    fn log(accounts: &[(&str, Option<i64>)]) -> Evidence {
        evidence(LogonSourceKind::Log, true, accounts)
    }

    fn export(accounts: &[(&str, Option<i64>)]) -> Evidence {
        evidence(LogonSourceKind::Export, false, accounts)
    }

    /// What is set: `+` a logon by its second, `-` that there was none, with the source's first letter.
    fn applied(logins: &[&str], evidence: &[Evidence]) -> Vec<String> {
        let users = logins.iter().zip(1..).map(|(login, id)| user(id, login)).collect();
        let mut snapshot = snapshot(users);
        apply(&mut snapshot, evidence, false);
        let text = |logon: &LastLogon| {
            let source = &logon.source.as_str()[..1];
            logon.at.map_or(format!("{source}-"), |time| format!("{source}{}", (time - at(0)).num_seconds()))
        };
        snapshot.users.iter().map(|user| user.last_logon.as_ref().map_or("?".into(), text)).collect()
    }

    #[test]
    fn logins_are_joined_to_the_letter_and_else_where_nobody_else_can_be_meant() {
        type Case<'a> = (&'a [&'a str], &'a [(&'a str, Option<i64>)], &'a [&'a str]);
        let cases: &[Case<'_>] = &[
            (&["jdoe"], &[("jdoe", Some(1))], &["l1"]),
            (&["jdoe"], &[("JDoe", Some(1))], &["l1"]),
            (&["jdoe"], &[("CORP\\jdoe", Some(1))], &["l1"]),
            (&["jdoe"], &[("jdoe@corp.example", Some(1))], &["l1"]),
            (&["CORP\\jdoe"], &[("jdoe", Some(1))], &["l1"]),
            (&["CORP\\jdoe"], &[("jdoe@corp.example", Some(1))], &["l1"]),
            (&["CORP\\jdoe"], &[("OTHER\\jdoe", Some(1))], &["?"]),
            (&["jdoe"], &[("other", Some(1))], &["l-"]),
            // Several forms of one person: the newest.
            (&["jdoe"], &[("jdoe", Some(1)), ("CORP\\jdoe", Some(5))], &["l5"]),
            (&["jdoe"], &[("jdoe", Some(9)), ("JDOE", Some(5))], &["l9"]),
            // Two domains may be two people.
            (&["jdoe"], &[("A\\jdoe", Some(1)), ("B\\jdoe", Some(5))], &["?"]),
            (&["jdoe"], &[("jdoe", Some(9)), ("A\\jdoe", Some(1)), ("B\\jdoe", Some(5))], &["?"]),
            // Two users.
            (&["jdoe", "CORP\\jdoe"], &[("jdoe", Some(1)), ("CORP\\jdoe", Some(5))], &["l1", "l5"]),
            (&["jdoe", "JDOE"], &[("jdoe", Some(1))], &["l1", "l-"]),
            (&["jdoe", "JDOE"], &[("JDoe", Some(1))], &["?", "?"]),
            (&["jdoe", "JDOE"], &[("jdoe", Some(1)), ("JDoe", Some(2))], &["?", "?"]),
            (&["\\", "@"], &[("\\", Some(1))], &["l1", "l-"]),
        ];
        for (logins, accounts, expected) in cases {
            assert_eq!(applied(logins, &[log(accounts)]), *expected, "{logins:?} {accounts:?}");
        }
    }

    #[test]
    fn the_newest_of_all_sources_counts_and_none_is_said_only_where_it_would_be_seen() {
        let whole = |accounts| evidence(LogonSourceKind::Export, true, accounts);
        for (sources, expected) in [
            (vec![export(&[("jdoe", Some(1))])], "e1"),
            (vec![export(&[("jdoe", None)])], "e-"),
            (vec![export(&[])], "?"),
            (vec![whole(&[])], "e-"),
            (vec![log(&[])], "l-"),
            (vec![export(&[("jdoe", Some(1))]), log(&[("jdoe", Some(2))])], "l2"),
            (vec![export(&[("jdoe", Some(3))]), log(&[("jdoe", Some(2))])], "e3"),
            (vec![export(&[("jdoe", Some(2))]), log(&[("jdoe", Some(2))])], "l2"),
            (vec![export(&[("jdoe", Some(2))]), log(&[])], "e2"),
            (vec![export(&[("jdoe", None)]), log(&[("jdoe", Some(2))])], "l2"),
            (vec![export(&[("jdoe", None)]), log(&[])], "e-"),
            (vec![export(&[]), log(&[])], "l-"),
            (vec![export(&[("jdoe", Some(3))]), log(&[("A\\jdoe", Some(1)), ("B\\jdoe", Some(5))])], "?"),
        ] {
            assert_eq!(applied(&["jdoe"], &sources), [expected], "{sources:?}");
        }
    }

    #[test]
    fn sources_and_coverage_are_booked_and_a_failure_leaves_no_gap() {
        let mut reviewed = snapshot(vec![user(1, "jdoe"), user(2, "new")]);
        let sources = [log(&[("jdoe", Some(2))]), export(&[("jdoe", Some(1))])];
        apply(&mut reviewed, &sources, false);
        let kinds: Vec<_> = reviewed.logon_sources.iter().map(|source| source.kind).collect();
        assert_eq!(kinds, [LogonSourceKind::Export, LogonSourceKind::Log]);
        let part = reviewed.coverage.part(Part::LastLogon).unwrap();
        assert_eq!((part.state, part.expected, part.examined), (PartState::Complete, Some(2), 2));
        let logon = reviewed.users[0].last_logon.as_ref().unwrap();
        assert_eq!(logon.from.as_deref(), Some("10.1.2.3"));

        apply(&mut reviewed, &[], true);
        let part = reviewed.coverage.part(Part::LastLogon).unwrap();
        assert_eq!((part.state, part.examined), (PartState::Undetermined, 0));
        assert!(reviewed.coverage.ties_out() && !reviewed.coverage.is_complete(Part::LastLogon));
        assert!(reviewed.users.iter().all(|user| user.last_logon.is_none()));
    }
}
