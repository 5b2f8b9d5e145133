//! Privileges and grants of one account, as far as both runs have an answer.

use std::collections::{BTreeSet, HashMap};

use super::{Account, Open, Side, cut, difference, gained_and_lost, has_another_role};
use crate::model::{Answer, Part, PrivilegeId};

pub(super) fn compare<'a>(account: &mut Account<'a, '_>, open: &mut Open<'a>) {
    if !account.pair.is_whole(Part::Collector) {
        // Told once, of the collector.
        return;
    }
    let login = &account.now.login;
    if !privileges(account) {
        open.privileges.push(login);
    }
    let (then, now) = (&account.then.role, &account.now.role);
    let flagged = (then.superuser || then.all_sites, now.superuser || now.all_sites);
    let sites =
        Places { kind: "site_grants", noun: "site", part: Part::Sites, names: |side| &side.sites, flagged };
    if !sites.compare(
        account,
        numbers(&account.then.sites, |id| id.0),
        numbers(&account.now.sites, |id| id.0),
    ) {
        open.sites.push(login);
    }
    let flagged = (then.superuser || then.all_asset_groups, now.superuser || now.all_asset_groups);
    let groups = Places {
        kind: "asset_group_grants",
        noun: "asset group",
        part: Part::AssetGroups,
        names: |side| &side.asset_groups,
        flagged,
    };
    let (then, now) = (&account.then.asset_groups, &account.now.asset_groups);
    if !groups.compare(account, numbers(then, |id| id.0), numbers(now, |id| id.0)) {
        open.asset_groups.push(login);
    }
}

impl<'a> Account<'a, '_> {
    /// Two sets of privileges that the same question was asked for: the account's own answers, else the copies in the
    /// listing. Answers to different questions may differ without any change.
    pub(super) fn privileges(&self) -> Option<(&'a BTreeSet<PrivilegeId>, &'a BTreeSet<PrivilegeId>)> {
        let own = self.then.privileges.known().zip(self.now.privileges.known());
        let listed = || self.then.role.privileges.as_ref().zip(self.now.role.privileges.as_ref());
        let (then, now) = own.or_else(listed).filter(|_| self.pair.is_whole(Part::Collector))?;
        Some((then, now))
    }
}

/// What the role does not explain, if the role is the same; another role is told with what it gives and takes.
fn privileges(account: &mut Account<'_, '_>) -> bool {
    let Some((then, now)) = account.privileges() else { return false };
    if then == now || has_another_role(account.then, account.now) == Some(true) {
        return true;
    }
    let (mut gained, mut lost) = difference(then, now);
    let role = account.now.role.id.as_ref();
    let (was, is) = (&account.pair.before.roles, &account.pair.now.roles);
    let definitions = role.and_then(|role| was.get(role).zip(is.get(role)));
    if let Some((then, now)) = definitions {
        let (then, now) = (&then.privileges, &now.privileges);
        gained.retain(|id| then.contains(*id) || !now.contains(*id));
        lost.retain(|id| !then.contains(*id) || now.contains(*id));
    }
    if let Some(balance) = gained_and_lost(&gained, &lost, "privilege") {
        let says = format!("{}; no change of its role explains it", balance.says);
        account.add("privileges", balance.change, &says);
    }
    true
}

/// Sites or asset groups.
struct Places {
    kind: &'static str,
    noun: &'static str,
    part: Part,
    names: for<'s, 'a> fn(&'s Side<'a>) -> &'s HashMap<i64, &'a str>,
    /// Whether a flag reached all of them: then, now.
    flagged: (bool, bool),
}

fn numbers<T>(answer: &Answer<Vec<T>>, number: impl Fn(&T) -> i64) -> Answer<BTreeSet<i64>> {
    match answer {
        Answer::Known(ids) => Answer::Known(ids.iter().map(number).collect()),
        Answer::NotAsked => Answer::NotAsked,
        Answer::Missing => Answer::Missing,
    }
}

impl Places {
    /// Whether the account's own grants could be compared, or a flag made that needless.
    fn compare(
        &self,
        account: &mut Account<'_, '_>,
        then: Answer<BTreeSet<i64>>,
        now: Answer<BTreeSet<i64>>,
    ) -> bool {
        let (then, now) = match (then, now) {
            (Answer::Known(then), Answer::Known(now)) => (then, now),
            (Answer::Missing, _) | (_, Answer::Missing) => return false,
            (Answer::NotAsked, Answer::Known(_)) => return self.flagged.0,
            (Answer::Known(_), Answer::NotAsked) => return self.flagged.1,
            (Answer::NotAsked, Answer::NotAsked) => return self.flagged == (true, true),
        };
        if then == now {
            return true;
        }
        let pair = account.pair;
        let (were, are) = ((self.names)(&pair.before), (self.names)(&pair.now));
        // What went with its site or group is told there, once.
        let removed =
            |id: &i64| pair.now.is_whole(self.part) && were.contains_key(id) && !are.contains_key(id);
        let name = |id: &i64| match are.get(id).or_else(|| were.get(id)) {
            Some(name) => cut(name).into_owned(),
            None => format!("{} {id} (not listed)", self.noun),
        };
        let gained: Vec<String> = now.difference(&then).map(name).collect();
        let lost: Vec<String> = then.difference(&now).filter(|id| !removed(id)).map(name).collect();
        if let Some(balance) = gained_and_lost(&gained, &lost, self.noun) {
            let anyway = if self.flagged.1 {
                format!("; it reaches every {} anyway", self.noun)
            } else {
                String::new()
            };
            account.add(self.kind, balance.change, &format!("{}{anyway}", balance.says));
        }
        true
    }
}
