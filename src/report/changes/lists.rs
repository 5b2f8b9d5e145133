//! Authentication sources, sites and asset groups that came and went, and lists that were not seen whole.

use std::collections::HashMap;

use super::{Notes, Pair, Subject, cut};
use crate::model::{Part, Snapshot};

/// A list whose rows have numbers and names.
type Rows<'a> = HashMap<i64, &'a str>;

pub(super) fn compare(pair: &Pair<'_>, notes: &mut Notes) {
    let (then, now) = (&pair.before, &pair.now);
    let sites = |snapshot: &Snapshot| {
        count(snapshot.users.iter().filter_map(|user| user.sites.known()).flatten().map(|id| id.0))
    };
    let groups = |snapshot: &Snapshot| {
        count(snapshot.users.iter().filter_map(|user| user.asset_groups.known()).flatten().map(|id| id.0))
    };
    let none = HashMap::new();
    let source = ("authentication_source", "Authentication source", Part::AuthenticationSources);
    tell(pair, source, &then.sources, &now.sources, &none, notes);
    let site = ("site", "Site", Part::Sites);
    tell(pair, site, &then.sites, &now.sites, &sites(then.snapshot), notes);
    let group = ("asset_group", "Asset group", Part::AssetGroups);
    tell(pair, group, &then.asset_groups, &now.asset_groups, &groups(then.snapshot), notes);
    not_whole(pair, notes);
}

fn count(ids: impl Iterator<Item = i64>) -> HashMap<i64, usize> {
    let mut counts = HashMap::new();
    for id in ids {
        *counts.entry(id).or_default() += 1;
    }
    counts
}

fn tell(
    pair: &Pair<'_>,
    (kind, noun, part): (&'static str, &str, Part),
    then: &Rows<'_>,
    now: &Rows<'_>,
    grants: &HashMap<i64, usize>,
    notes: &mut Notes,
) {
    let subject =
        |id: i64, name: &str| Subject { id: id.to_string(), name: name.to_owned(), administrator: false };
    if pair.before.is_whole(part) {
        for (id, name) in now.iter().filter(|(id, _)| !then.contains_key(id)) {
            notes.add(kind, "added", subject(*id, name), format!("{noun} {} was added", cut(name)));
        }
    }
    if pair.now.is_whole(part) {
        for (id, name) in then.iter().filter(|(id, _)| !now.contains_key(id)) {
            let granted = grants.get(id).map(|users| {
                let had = if *users == 1 { "1 user had".to_owned() } else { format!("{users} users had") };
                format!("; {had} a grant of its own")
            });
            let summary = format!("{noun} {} was removed{}", cut(name), granted.unwrap_or_default());
            notes.add(kind, "removed", subject(*id, name), summary);
        }
    }
}

/// Lists that one of the runs did not see whole: what is missing from them proves nothing.
fn not_whole(pair: &Pair<'_>, notes: &mut Notes) {
    let seen = |part: Part| {
        let complete = |snapshot: &Snapshot| snapshot.coverage.is_complete(part);
        (complete(pair.before.snapshot), complete(pair.now.snapshot))
    };
    let runs = |(then, now): (bool, bool)| match (then, now) {
        (true, true) => None,
        (false, true) => Some(("the earlier run", "added")),
        (true, false) => Some(("this run", "removed")),
        (false, false) => Some(("both runs", "added or removed")),
    };
    if let Some((run, claim)) = runs(seen(Part::Collector)) {
        let why = format!("the collecting account was not shown to see everything in {run}");
        notes.uncompared(
            Part::Collector.as_str(),
            format!("{why}: nothing is called {claim}, and no grant or privilege gained or lost"),
        );
    }
    for (part, noun) in [
        (Part::Users, "user"),
        (Part::Roles, "role"),
        (Part::Privileges, "privilege"),
        (Part::AuthenticationSources, "authentication source"),
        (Part::Sites, "site"),
        (Part::AssetGroups, "asset group"),
    ] {
        if let Some((run, claim)) = runs(seen(part)) {
            notes.uncompared(part.as_str(), format!("not seen whole in {run}: no {noun} is called {claim}"));
        }
    }
}
