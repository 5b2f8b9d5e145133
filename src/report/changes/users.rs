//! Accounts that came and went, and what changed about those that stayed: a bounded number of lines for each.

mod access;
mod record;

use super::{
    Notes, Pair, Side, Subject, administrates, amount, cut, difference, gained_and_lost, list,
    two_factor_switched,
};
use crate::model::{Answer, Part, User};

pub(super) fn compare(pair: &Pair<'_>, notes: &mut Notes) {
    let mut open = Open::default();
    for now in &pair.now.snapshot.users {
        match pair.before.users.get(&now.id) {
            Some(then) => {
                let mut account = Account { pair, then, now, notes };
                record::compare(&mut account, &mut open);
                access::compare(&mut account, &mut open);
            }
            None if pair.before.is_whole(Part::Users) => added(now, notes),
            None => {}
        }
    }
    if pair.now.is_whole(Part::Users) {
        for then in pair.before.snapshot.users.iter().filter(|then| !pair.now.users.contains_key(&then.id)) {
            let summary = format!("{} was removed; it had role {}", cut(&then.login), role_name(then));
            notes.add("user", "removed", subject(then, administrates(then)), summary);
        }
    }
    open.tell(notes);
}

fn added(user: &User, notes: &mut Notes) {
    let source = user.authentication.as_ref().and_then(|from| from.name.as_deref().or(from.kind.as_deref()));
    let state = match user.enabled {
        Some(true) => ", enabled",
        Some(false) => ", disabled",
        None => "",
    };
    let summary = format!(
        "{} was added: role {}, source {}{state}; reaches {} and {}",
        cut(&user.login),
        role_name(user),
        cut(source.unwrap_or("unknown")),
        reached(user.role.superuser || user.role.all_sites, &user.sites, "site"),
        reached(user.role.superuser || user.role.all_asset_groups, &user.asset_groups, "asset group"),
    );
    notes.add("user", "added", subject(user, administrates(user)), summary);
}

/// How many sites or groups a user reaches, in words.
fn reached<T>(all: bool, own: &Answer<Vec<T>>, noun: &str) -> String {
    match own.known() {
        _ if all => format!("every {noun}"),
        Some(ids) if ids.is_empty() => format!("no {noun}"),
        Some(ids) => amount(ids.len(), noun),
        None => format!("an unknown number of {noun}s"),
    }
}

/// An account that is in both runs.
struct Account<'a, 'n> {
    pair: &'a Pair<'a>,
    then: &'a User,
    now: &'a User,
    notes: &'n mut Notes,
}

impl Account<'_, '_> {
    /// Tells of a change; the summary begins with the login.
    fn add(&mut self, kind: &'static str, change: &'static str, says: &str) {
        let administrator = administrates(self.then) || administrates(self.now);
        let summary = format!("{} {says}", cut(&self.now.login));
        self.notes.add(kind, change, subject(self.now, administrator), summary);
    }
}

fn subject(user: &User, administrator: bool) -> Subject {
    Subject { id: user.id.to_string(), name: user.login.to_string(), administrator }
}

/// A role as people and the API know it.
fn role_name(user: &User) -> String {
    match (&user.role.name, &user.role.id) {
        (Some(name), Some(id)) if name != id.as_str() => format!("{} ({})", cut(name), cut(id.as_str())),
        (_, Some(id)) => cut(id.as_str()).into_owned(),
        (Some(name), None) => cut(name).into_owned(),
        (None, None) => "unknown".to_owned(),
    }
}

/// Whether an account has another role: by id; by name where an id is missing; `None` if neither can be compared.
fn has_another_role(then: &User, now: &User) -> Option<bool> {
    let ids = then.role.id.as_ref().zip(now.role.id.as_ref()).map(|(then, now)| then != now);
    let names = || then.role.name.as_ref().zip(now.role.name.as_ref()).map(|(then, now)| then != now);
    ids.or_else(names)
}

/// The logins of accounts of which something could not be compared, part by part.
#[derive(Default)]
struct Open<'a> {
    records: Vec<&'a str>,
    privileges: Vec<&'a str>,
    sites: Vec<&'a str>,
    asset_groups: Vec<&'a str>,
    two_factor: Vec<&'a str>,
}

impl Open<'_> {
    fn tell(self, notes: &mut Notes) {
        let unanswered = "no answer in one of the two runs about";
        for (part, logins, why, claim) in [
            (
                Part::Users,
                self.records,
                "a field is missing in one of the two records of",
                "nothing is said of that field",
            ),
            (
                Part::UserPrivileges,
                self.privileges,
                unanswered,
                "no privilege of theirs is called gained or lost",
            ),
            (Part::UserSites, self.sites, unanswered, "no site grant of theirs is called gained or lost"),
            (
                Part::UserAssetGroups,
                self.asset_groups,
                unanswered,
                "no asset group grant of theirs is called gained or lost",
            ),
            (
                Part::TwoFactor,
                self.two_factor,
                "not determined in both runs for",
                "nothing is said of their second factor",
            ),
        ] {
            if !logins.is_empty() {
                let users = amount(logins.len(), "user");
                notes.uncompared(part.as_str(), format!("{why} {users} ({}): {claim}", list(logins)));
            }
        }
    }
}
