//! SCOPE-02: accounts whose scope is unlike that of their peers.

use std::collections::BTreeMap;

use super::{Context, Outcome, Rule, amount, conjoin, cut, enabled};
use crate::finding::{Finding, Severity};
use crate::graph::Reach;
use crate::model::{AssetGroupId, Part, RoleId, SiteId, User};

about! {
    id: "scope_outlier",
    code: "SCOPE-02",
    title: "Scope unlike that of other accounts of the role",
    flags: "Enabled accounts that reach far more sites and asset groups than the other accounts of their role, or almost \
            none of those that the others share.",
    evidence: "The single grants of all accounts of the role: their number by the robust z-score, and their likeness to \
               what at least half of the accounts have.",
    why: "Grants pile up with every task and project; who has far more than colleagues, or other things than all of them, \
          often keeps what a former job needed.",
    severity: Severity::Low,
    click_path: "Administration > Users > Manage users > the user > Site access and Asset group access: remove what the work \
                 does not need, or give the account the role that fits it.",
    api_call: "DELETE /api/3/users/{id}/sites/{siteId} and /api/3/users/{id}/asset_groups/{assetGroupId} remove one grant \
               each.",
    needs: &[Part::Users, Part::UserSites, Part::UserAssetGroups, Part::Sites, Part::AssetGroups],
    version: 2,
}

/// Makes the median absolute deviation of a normal distribution comparable with its standard deviation.
const CONSISTENCY: f64 = 0.6745;

/// From which likeness an account has what is common among its peers.
const ALIKE: f64 = 0.5;

rule! {
    /// `[analyzers.scope_outlier]`: SCOPE-02.
    ScopeOutlier {
        /// The fewest accounts of a role, each with single grants alone, that show what is usual.
        min_peers: u32 = 5,
        /// Above which robust z-score the number of grants is unusual.
        threshold: f64 = 3.5,
        /// The fewest grants above the median that are worth a finding.
        min_excess: u32 = 5,
        /// Below which likeness (0 to 1) to what the peers share an account is unlike them.
        min_likeness: f64 = 0.1,
    }
}

impl Rule for ScopeOutlier {
    fn mistake(&self) -> Option<String> {
        if self.min_peers < 3 {
            return Some(format!("min_peers is {}, but fewer than 3 accounts show nothing usual", self.min_peers));
        }
        if !(self.threshold > 0.0 && self.threshold.is_finite()) {
            return Some(format!("threshold is {}, but has to be above 0", self.threshold));
        }
        let share = self.min_likeness > 0.0 && self.min_likeness <= 1.0;
        (!share).then(|| format!("min_likeness is {}, but has to be above 0 and at most 1", self.min_likeness))
    }

    fn examine(&self, Context { graph, .. }: Context<'_>) -> Outcome {
        let mut outcome = Outcome::default();
        let snapshot = graph.snapshot();
        let sites: Vec<SiteId> = snapshot.sites.iter().map(|site| site.id).collect();
        let groups: Vec<AssetGroupId> = snapshot.asset_groups.iter().map(|group| group.id).collect();
        let mut roles: BTreeMap<&RoleId, Peers<'_>> = BTreeMap::new();
        for user in enabled(graph) {
            match (&user.role.id, graph.sites_of(user), graph.asset_groups_of(user)) {
                // Who reaches everything by a flag has no peers here.
                (_, Reach::All { .. }, _) | (_, _, Reach::All { .. }) => {}
                // It may be a peer of anybody.
                (None, ..) => outcome.expected += 1,
                (Some(role), Reach::Listed(sites), Reach::Listed(groups)) => {
                    roles.entry(role).or_default().known.push(Scope { user, sites, groups });
                }
                (Some(role), ..) => roles.entry(role).or_default().unknown += 1,
            }
        }
        let min = self.min_peers as usize;
        for peers in roles.values().filter(|peers| peers.known.len() + peers.unknown >= min) {
            outcome.expected += peers.unknown as u64;
            if peers.known.len() < min {
                outcome.expected += peers.known.len() as u64;
                continue;
            }
            let usual = Usual::of(peers, &sites, &groups);
            for (scope, likeness) in peers.known.iter().zip(&usual.likeness) {
                let signs = self.signs(&usual, scope, *likeness);
                outcome.judge(Some(!signs.is_empty()), || finding(scope, &usual, *likeness, &signs));
            }
        }
        outcome
    }
}

impl ScopeOutlier {
    /// What is unusual about a scope.
    fn signs(&self, usual: &Usual, scope: &Scope<'_>, likeness: f64) -> Vec<String> {
        let mut signs = Vec::new();
        let excess = scope.size() - usual.median;
        if excess >= f64::from(self.min_excess) && usual.z(scope) > self.threshold {
            let size = amount(scope.sites.len() + scope.groups.len(), "grant");
            signs.push(format!("holds {size}; the median is {}", usual.median));
        }
        if usual.is_shared && scope.size() > 0.0 && likeness < self.min_likeness {
            signs.push("has almost nothing of what the others share".to_owned());
        }
        signs
    }
}

fn finding(scope: &Scope<'_>, usual: &Usual, likeness: f64, signs: &[String]) -> Finding {
    let user = scope.user;
    let summary = format!("{} {}", cut(&user.login), conjoin(signs));
    Finding::new(&ABOUT, user, Severity::Low, summary)
        .with("role", cut(&user.role.label()))
        .with("grants", format!("{}, {}", amount(scope.sites.len(), "site"), amount(scope.groups.len(), "asset group")))
        .with("accounts of the role", usual.likeness.len().to_string())
        .with("median of their grants", usual.median.to_string())
        .with("robust z-score", format!("{:.1}", usual.z(scope)))
        .with("likeness to what they share", format!("{likeness:.2}"))
}

/// An account and its grants, all of them single ones.
struct Scope<'a> {
    user: &'a User,
    sites: &'a [SiteId],
    groups: &'a [AssetGroupId],
}

impl Scope<'_> {
    fn size(&self) -> f64 {
        number(self.sites.len() + self.groups.len())
    }
}

/// The accounts of one role.
#[derive(Default)]
struct Peers<'a> {
    known: Vec<Scope<'a>>,
    /// How many more there are whose grants are not known.
    unknown: usize,
}

/// What is usual among the accounts of one role.
struct Usual {
    /// The median number of grants.
    median: f64,
    /// The median distance from it; 1 where more than half are equal.
    deviation: f64,
    /// The likeness of each account to what at least half of them have.
    likeness: Vec<f64>,
    /// Whether there is such a thing, and at least half of them are like it.
    is_shared: bool,
}

impl Usual {
    /// Among at least one account.
    fn of(peers: &Peers<'_>, sites: &[SiteId], groups: &[AssetGroupId]) -> Self {
        let known = &peers.known;
        let median_size = median(known.iter().map(Scope::size).collect());
        let deviation = median(known.iter().map(|scope| (scope.size() - median_size).abs()).collect());
        let sites = common(sites, known.iter().map(|scope| scope.sites));
        let groups = common(groups, known.iter().map(|scope| scope.groups));
        let likeness: Vec<f64> = known
            .iter()
            .map(|scope| {
                let shared = number(shared(&sites, scope.sites) + shared(&groups, scope.groups));
                let all = scope.size() + number(sites.len() + groups.len()) - shared;
                if all > 0.0 { shared / all } else { 1.0 }
            })
            .collect();
        let alike = likeness.iter().filter(|likeness| **likeness >= ALIKE).count();
        let is_shared = sites.len() + groups.len() > 0 && alike * 2 >= known.len();
        Self { median: median_size, deviation: if deviation > 0.0 { deviation } else { 1.0 }, likeness, is_shared }
    }

    /// The robust z-score of a scope's size.
    fn z(&self, scope: &Scope<'_>) -> f64 {
        CONSISTENCY * (scope.size() - self.median) / self.deviation
    }
}

/// Those of all objects, sorted by id, that at least half of the accounts have, in the same order.
fn common<'a, T: Ord + Copy + 'a>(all: &[T], accounts: impl ExactSizeIterator<Item = &'a [T]>) -> Vec<T> {
    let count = accounts.len();
    let mut holders = vec![0; all.len()];
    for place in accounts.flatten().filter_map(|id| all.binary_search(id).ok()) {
        holders[place] += 1;
    }
    all.iter().zip(holders).filter(|(_, holders)| holders * 2 >= count).map(|(id, _)| *id).collect()
}

fn shared<T: Ord>(common: &[T], own: &[T]) -> usize {
    // Where a role has nothing in common, the grants of its many accounts need not be looked at.
    if common.is_empty() {
        return 0;
    }
    own.iter().filter(|id| common.binary_search(id).is_ok()).count()
}

/// The middle one, or what lies between the two in the middle.
fn median(mut values: Vec<f64>) -> f64 {
    if values.is_empty() {
        return 0.0;
    }
    let (is_even, half) = (values.len().is_multiple_of(2), values.len() / 2);
    let (below, middle, _) = values.select_nth_unstable_by(half, f64::total_cmp);
    let lower = below.iter().copied().max_by(f64::total_cmp).filter(|_| is_even);
    lower.map_or(*middle, |lower| f64::midpoint(lower, *middle))
}

fn number(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analyze::check::{Expect, check, findings};
    use crate::model::sample::{incomplete, snapshot, user, with_role};
    use crate::model::{Answer, Snapshot};

    fn rule() -> ScopeOutlier {
        ScopeOutlier::default()
    }

    /// An account of the role `user` with these sites.
    fn with_sites(id: i64, sites: impl IntoIterator<Item = i64>) -> User {
        User { sites: Answer::Known(sites.into_iter().map(SiteId).collect()), ..user(id, &format!("user{id}")) }
    }

    /// Four accounts with the sites 1 to 3, and a fifth.
    fn beside(fifth: User) -> Snapshot {
        snapshot((1..=4).map(|id| with_sites(id, 1..=3)).chain([fifth]).collect())
    }

    #[test]
    fn a_number_is_unusual_above_the_threshold() {
        // With a deviation of 1, 3.5 lies between 5 and 6 more than the median.
        check(&rule(), beside(with_sites(5, 1..=8)), Expect::Pass);
        check(&rule(), beside(with_sites(5, 1..=9)), Expect::Fail(&["user5"]));
        let found = findings(&rule(), beside(with_sites(5, 1..=9))).remove(0);
        assert_eq!((found.summary.as_str(), found.severity), ("user5 holds 9 grants; the median is 3", Severity::Low));
        assert!(found.evidence.contains(&("robust z-score", "4.0".to_owned())), "{:?}", found.evidence);
    }

    #[test]
    fn a_small_excess_is_not_worth_a_finding() {
        let rule = ScopeOutlier { threshold: 0.1, ..rule() };
        check(&rule, beside(with_sites(5, 1..=7)), Expect::Pass);
        check(&rule, beside(with_sites(5, 1..=8)), Expect::Fail(&["user5"]));
    }

    #[test]
    fn a_wide_spread_excuses_a_large_number() {
        let spread = (1..=7).map(|id| with_sites(id, 1..=id * 4)).collect();
        check(&rule(), snapshot(spread), Expect::Pass);
    }

    #[test]
    fn a_scope_of_other_things_is_unlike_the_peers() {
        check(&rule(), beside(with_sites(5, [9])), Expect::Fail(&["user5"]));
        let found = findings(&rule(), beside(with_sites(5, [9]))).remove(0);
        assert_eq!(found.summary, "user5 has almost nothing of what the others share");
        check(&rule(), beside(with_sites(5, [1])), Expect::Pass);
        check(&rule(), beside(with_sites(5, [])), Expect::Pass);
        // One of the three and 7 others is a tenth of all; one of the three and 8 others is less.
        let rule = ScopeOutlier { threshold: 100.0, ..rule() };
        check(&rule, beside(with_sites(5, [1].into_iter().chain(10..17))), Expect::Pass);
        check(&rule, beside(with_sites(5, [1].into_iter().chain(10..18))), Expect::Fail(&["user5"]));
    }

    #[test]
    fn peers_without_anything_in_common_show_nothing() {
        let world = snapshot((1..=6).map(|id| with_sites(id, [id])).collect());
        check(&rule(), world, Expect::Pass);
    }

    #[test]
    fn few_peers_and_other_roles_show_nothing() {
        let mut world = beside(with_sites(5, 1..=30));
        world.users.remove(0);
        check(&rule(), world, Expect::NotApplicable);
        let other = with_role(with_sites(5, 1..=30), "Ops", &[]);
        check(&rule(), beside(other), Expect::NotApplicable);
        let disabled = User { enabled: Some(false), ..with_sites(5, 1..=30) };
        check(&rule(), beside(disabled), Expect::NotApplicable);
        let mut flagged = with_sites(5, 1..=30);
        flagged.role.all_sites = true;
        check(&rule(), beside(flagged), Expect::NotApplicable);
    }

    #[test]
    fn what_is_not_known_is_not_usual() {
        let unanswered = User { sites: Answer::Missing, ..user(6, "user6") };
        check(&rule(), beside(unanswered.clone()), Expect::Unknown);
        let mut world = beside(with_sites(5, 1..=3));
        check(&rule(), world.clone(), Expect::Pass);
        world.users.push(unanswered);
        check(&rule(), world.clone(), Expect::Unknown);
        world.users[5] = with_sites(6, 1..=3);
        world.users[5].role.id = None;
        check(&rule(), world, Expect::Unknown);
        for part in [Part::Users, Part::UserSites, Part::UserAssetGroups, Part::Sites, Part::AssetGroups] {
            check(&rule(), incomplete(beside(with_sites(5, 1..=3)), part), Expect::Unknown);
        }
    }

    #[test]
    fn the_id_follows_the_account_alone() {
        let console = snapshot(Vec::new()).console;
        let id = |fifth| findings(&rule(), beside(fifth))[0].id(&console);
        assert_eq!(id(with_sites(5, [9])), id(User { login: "other".into(), ..with_sites(5, 1..=40) }));
    }

    #[test]
    fn the_median_of_an_even_number_lies_between_two() {
        assert_eq!(median(vec![4.0, 1.0, 3.0, 2.0]).to_string(), "2.5");
        assert_eq!(median(vec![9.0, 1.0, 3.0]).to_string(), "3");
    }

    #[test]
    fn refuses_knobs_outside_their_range() {
        for wrong in [
            ScopeOutlier { min_peers: 2, ..rule() },
            ScopeOutlier { threshold: f64::NAN, ..rule() },
            ScopeOutlier { threshold: 0.0, ..rule() },
            ScopeOutlier { min_likeness: 1.1, ..rule() },
            ScopeOutlier { min_likeness: 0.0, ..rule() },
        ] {
            assert!(wrong.mistake().is_some(), "{wrong:?}");
        }
        assert!(rule().mistake().is_none());
    }
}
