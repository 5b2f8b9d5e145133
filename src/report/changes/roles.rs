//! Role definitions, and the privileges that a console knows.

use super::{Notes, Pair, Side, Subject, amount, cut, difference, gained_and_lost, is_administrative};
use crate::model::{Part, Role};

pub(super) fn compare(pair: &Pair<'_>, notes: &mut Notes) {
    for role in &pair.now.snapshot.roles {
        match pair.before.roles.get(&role.id) {
            Some(then) => definition(pair, then, role, notes),
            None if pair.before.is_whole(Part::Roles) => {
                let privileges = amount(role.privileges.len(), "privilege");
                let summary = format!("Role {} was added{}: {privileges}", cut(&role.name), held(pair, role));
                notes.add("role", "added", subject(role), summary);
            }
            None => {}
        }
    }
    if pair.now.is_whole(Part::Roles) {
        let gone = pair.before.snapshot.roles.iter().filter(|role| !pair.now.roles.contains_key(&role.id));
        for role in gone {
            let held = pair.before.holders.get(&role.id).copied().unwrap_or(0);
            let summary = format!("Role {} was removed; {} held it", cut(&role.name), amount(held, "user"));
            notes.add("role", "removed", subject(role), summary);
        }
    }
    privileges(pair, notes);
}

/// One line for a definition that changed, whoever holds it. An upgrade of the console changes built-in roles; what
/// changed in a role of its own was edited by somebody.
fn definition(pair: &Pair<'_>, then: &Role, now: &Role, notes: &mut Notes) {
    if then.name != now.name {
        let summary = format!("Role {} is called {} now", cut(&then.name), cut(&now.name));
        notes.add("role", "renamed", subject(now), summary);
    }
    let (gained, lost) = difference(&then.privileges, &now.privileges);
    let Some(balance) = gained_and_lost(&gained, &lost, "privilege") else { return };
    let upgrade = pair.upgrade().filter(|_| now.is_builtin());
    let change = if upgrade.is_some() { "upgraded" } else { "changed" };
    let by = upgrade.map(|upgrade| format!(" (upgrade {upgrade})")).unwrap_or_default();
    let summary = format!("Role {}{}, {}{by}", cut(&now.name), held(pair, now), balance.says);
    let administrator = is_administrative(then) || is_administrative(now);
    notes.add("role", change, Subject { administrator, ..subject(now) }, summary);
}

fn held(pair: &Pair<'_>, role: &Role) -> String {
    let users = pair.now.holders.get(&role.id).copied().unwrap_or(0);
    let least = if pair.now.is_whole(Part::Users) { "" } else { "at least " };
    format!(", held by {least}{}", amount(users, "user"))
}

fn subject(role: &Role) -> Subject {
    Subject { id: role.id.to_string(), name: role.name.clone(), administrator: is_administrative(role) }
}

fn privileges(pair: &Pair<'_>, notes: &mut Notes) {
    let by = pair.upgrade().map(|upgrade| format!(" (upgrade {upgrade})")).unwrap_or_default();
    let mut tell = |here: &Side<'_>, there: &Side<'_>, change: &'static str, says: &str| {
        if !there.is_whole(Part::Privileges) {
            return;
        }
        for id in here.snapshot.privileges.iter().filter(|id| !there.privileges.contains(id)) {
            let subject = Subject { id: id.to_string(), name: id.to_string(), administrator: false };
            let summary = format!("Privilege {} {says}{by}", cut(id.as_str()));
            notes.add("privilege", change, subject, summary);
        }
    };
    tell(&pair.now, &pair.before, "added", "appeared on the console");
    tell(&pair.before, &pair.now, "removed", "is no longer known to the console");
}
