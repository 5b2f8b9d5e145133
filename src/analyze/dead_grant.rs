//! SCOPE-05: grants for sites and asset groups in which nothing happens any more.

use chrono::{DateTime, Utc};

use super::{Context, Outcome, Rule, all_of, amount, any_of, conjoin, cut, enabled, logins};
use crate::finding::{Finding, Severity, Subject};
use crate::graph::{AccessGraph, Reach};
use crate::model::{Part, Site, User};

about! {
    id: "dead_grant",
    code: "SCOPE-05",
    title: "Grants for a dead site or asset group",
    flags: "Sites without assets or without a scan for more than max_days, and asset groups without assets, that enabled \
            accounts reach by single grants.",
    evidence: "The object's number of assets and last scan, and the grants of the accounts.",
    why: "Nobody needs the access now, and it comes back to life with the first new asset.",
    severity: Severity::Low,
    click_path: "Administration > Users > Manage users > the user > Site access or Asset group access: remove the grant, or \
                 delete the site or asset group if nobody misses it.",
    api_call: "DELETE /api/3/users/{id}/sites/{siteId} or /api/3/users/{id}/asset_groups/{assetGroupId} removes one grant.",
    needs: &[Part::Users, Part::UserSites, Part::UserAssetGroups, Part::Sites, Part::AssetGroups],
    version: 1,
}

rule! {
    /// `[analyzers.dead_grant]`: SCOPE-05.
    DeadGrant {
        /// The most days since the last scan of a site that is in use.
        max_days: u32 = 180,
    }
}

impl Rule for DeadGrant {
    fn mistake(&self) -> Option<String> {
        (self.max_days == 0).then(|| "max_days is 0, but no site is scanned all the time".to_owned())
    }

    fn examine(&self, Context { graph, now, .. }: Context<'_>) -> Outcome {
        let mut outcome = Outcome::default();
        let snapshot = graph.snapshot();
        let dead = |site: &Site| any_of([is_empty(site.assets), self.is_unscanned(site, now)]);
        let sites: Vec<_> = snapshot.sites.iter().map(|site| (site.id, dead(site))).collect();
        let holders = Holders::of(graph, &sites, |user| graph.sites_of(user));
        for (site, (id, dead)) in snapshot.sites.iter().zip(sites) {
            let users = holders.users(id);
            outcome.judge(all_of([dead, holders.any(id)]), || {
                let mut signs = Vec::new();
                if is_empty(site.assets) == Some(true) {
                    signs.push("has no assets".to_owned());
                }
                let last = site.last_scan.as_deref();
                if self.is_unscanned(site, now) == Some(true) {
                    signs.push(last.map_or("was never scanned".to_owned(), |at| format!("was last scanned on {}", day(at))));
                }
                finding(site.into(), "site", &signs, users)
                    .with("assets", site.assets.map_or("unknown".to_owned(), |assets| assets.to_string()))
                    .with("last scan", cut(last.unwrap_or("never")))
                    .with("accounts", logins(users))
            });
        }
        let groups: Vec<_> = snapshot.asset_groups.iter().map(|group| (group.id, is_empty(group.assets))).collect();
        let holders = Holders::of(graph, &groups, |user| graph.asset_groups_of(user));
        for (group, (id, dead)) in snapshot.asset_groups.iter().zip(groups) {
            let users = holders.users(id);
            outcome.judge(all_of([dead, holders.any(id)]), || {
                finding(group.into(), "asset group", &["has no assets".to_owned()], users)
                    .with("assets", "0")
                    .with("accounts", logins(users))
            });
        }
        outcome
    }
}

impl DeadGrant {
    /// Whether nothing has scanned a site for too long. A site that agents fill is never scanned and in use all the same.
    fn is_unscanned(&self, site: &Site, now: DateTime<Utc>) -> Option<bool> {
        if site.kind.as_deref() == Some("agent") {
            return Some(false);
        }
        let Some(last) = &site.last_scan else { return Some(true) };
        let last = DateTime::parse_from_rfc3339(last).ok()?;
        Some((now - last.to_utc()).num_days() > i64::from(self.max_days))
    }
}

fn is_empty(assets: Option<i64>) -> Option<bool> {
    assets.map(|assets| assets == 0)
}

/// The day of a time that was read before.
fn day(at: &str) -> &str {
    at.split_once('T').map_or(at, |(day, _)| day)
}

fn finding(subject: Subject, kind: &str, signs: &[String], users: &[&User]) -> Finding {
    let verb = if users.len() == 1 { "holds" } else { "hold" };
    let accounts = amount(users.len(), "account");
    let summary = format!("{accounts} {verb} a grant for {kind} {}, which {}", cut(&subject.name), conjoin(signs));
    Finding::new(&ABOUT, subject, Severity::Low, summary).affecting(users.iter().map(|user| user.id))
}

/// The enabled accounts that reach objects by single grants. What is left under a flag is `leftover_grants`'s to tell.
struct Holders<'a, T> {
    /// The objects in question, sorted.
    ids: Vec<T>,
    /// In the same order.
    users: Vec<Vec<&'a User>>,
    is_whole: bool,
}

impl<'a, T: Ord + Copy + 'a> Holders<'a, T> {
    /// Those of the objects that may be dead.
    fn of(graph: &'a AccessGraph, objects: &[(T, Option<bool>)], reach: impl Fn(&'a User) -> Reach<'a, T>) -> Self {
        let mut ids: Vec<T> = objects.iter().filter(|(_, dead)| *dead != Some(false)).map(|(id, _)| *id).collect();
        ids.sort_unstable();
        let mut holders = Self { users: vec![Vec::new(); ids.len()], ids, is_whole: true };
        for user in enabled(graph).filter(|_| !holders.ids.is_empty()) {
            match reach(user) {
                Reach::Listed(granted) => {
                    for place in granted.iter().filter_map(|id| holders.ids.binary_search(id).ok()) {
                        // An answer that names an object twice is one grant.
                        if holders.users[place].last().is_none_or(|last| last.id != user.id) {
                            holders.users[place].push(user);
                        }
                    }
                }
                Reach::Unknown => holders.is_whole = false,
                Reach::All { .. } => {}
            }
        }
        holders
    }

    fn users(&self, id: T) -> &[&'a User] {
        self.ids.binary_search(&id).map_or(&[], |place| &self.users[place])
    }

    fn any(&self, id: T) -> Option<bool> {
        if self.users(id).is_empty() { self.is_whole.then_some(false) } else { Some(true) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analyze::check::{Expect, check, findings};
    use crate::model::sample::{incomplete, snapshot, user};
    use crate::model::{Answer, AssetGroupId, SiteId, Snapshot, UserId};

    fn rule() -> DeadGrant {
        DeadGrant::default()
    }

    /// Two accounts with grants for site 1 and group 1, on a console judged at 2026-09-21T13:36:30Z.
    fn world() -> Snapshot {
        let of = |id, login| User { asset_groups: Answer::Known(vec![AssetGroupId(1)]), ..user(id, login) };
        snapshot(vec![of(1, "mia"), of(2, "bo")])
    }

    fn with_site(change: impl Fn(&mut Site)) -> Snapshot {
        let mut world = world();
        change(&mut world.sites[0]);
        world
    }

    #[test]
    fn passes_what_is_in_use() {
        check(&rule(), world(), Expect::Pass);
        let mut dead_without_grants = world();
        dead_without_grants.sites[2].assets = Some(0);
        dead_without_grants.asset_groups[1].assets = Some(0);
        check(&rule(), dead_without_grants, Expect::Pass);
    }

    #[test]
    fn a_site_or_group_without_assets_is_dead() {
        let mut world = with_site(|site| site.assets = Some(0));
        world.asset_groups[0].assets = Some(0);
        check(&rule(), world.clone(), Expect::Fail(&["Site 1", "Group 1"]));
        let found = findings(&rule(), world).remove(0);
        assert_eq!(found.summary, "2 accounts hold a grant for site Site 1, which has no assets");
        assert_eq!((found.severity, &found.affected[..]), (Severity::Low, &[UserId(1), UserId(2)][..]));
    }

    #[test]
    fn a_site_is_dead_after_its_days_without_a_scan() {
        let now = world().finished;
        for (days, expected) in [(179, Expect::Pass), (180, Expect::Pass), (181, Expect::Fail(&["Site 1"]))] {
            let last = (now - chrono::Duration::days(days)).to_rfc3339();
            check(&rule(), with_site(|site| site.last_scan = Some(last.clone())), expected);
        }
        check(&rule(), with_site(|site| site.last_scan = None), Expect::Fail(&["Site 1"]));
        let both = findings(&rule(), with_site(|site| (site.assets, site.last_scan) = (Some(0), None)));
        assert!(both[0].summary.ends_with("which has no assets and was never scanned"), "{}", both[0].summary);
    }

    #[test]
    fn agents_fill_a_site_without_scans() {
        let agents = |assets| {
            with_site(move |site| {
                (site.kind, site.last_scan, site.assets) = (Some("agent".into()), None, Some(assets));
            })
        };
        check(&rule(), agents(40), Expect::Pass);
        check(&rule(), agents(0), Expect::Fail(&["Site 1"]));
    }

    #[test]
    fn what_is_not_known_is_not_alive() {
        check(&rule(), with_site(|site| site.last_scan = Some("yesterday".into())), Expect::Unknown);
        check(&rule(), with_site(|site| site.assets = None), Expect::Unknown);
        let mut unanswered = with_site(|site| site.assets = Some(0));
        unanswered.users.retain(|user| user.id == UserId(1));
        unanswered.users[0].sites = Answer::Missing;
        check(&rule(), unanswered, Expect::Unknown);
        for part in [Part::Users, Part::UserSites, Part::UserAssetGroups, Part::Sites, Part::AssetGroups] {
            check(&rule(), incomplete(world(), part), Expect::Unknown);
        }
    }

    #[test]
    fn flags_and_disabled_accounts_hold_no_single_grant() {
        let mut world = with_site(|site| site.assets = Some(0));
        world.users[0].role.all_sites = true;
        world.users[1].enabled = Some(false);
        check(&rule(), world, Expect::Pass);
    }

    #[test]
    fn does_not_apply_without_objects_and_counts_a_doubled_grant_once() {
        let mut bare = world();
        bare.sites.clear();
        bare.asset_groups.clear();
        check(&rule(), bare, Expect::NotApplicable);
        let mut doubled = with_site(|site| site.assets = Some(0));
        doubled.users[0].sites = Answer::Known(vec![SiteId(1), SiteId(1)]);
        assert_eq!(findings(&rule(), doubled)[0].affected, [UserId(1), UserId(2)]);
    }

    #[test]
    fn the_id_follows_the_object_alone() {
        let console = world().console;
        let id = |world: Snapshot| findings(&rule(), world)[0].id(&console);
        let mut other = with_site(|site| (site.last_scan, site.name) = (None, "Old".into()));
        other.users.remove(0);
        assert_eq!(id(with_site(|site| site.assets = Some(0))), id(other));
        assert!(DeadGrant { max_days: 0, ..rule() }.mistake().is_some() && rule().mistake().is_none());
    }
}
