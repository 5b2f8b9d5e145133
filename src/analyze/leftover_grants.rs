//! SCOPE-03: grants that wait under a flag.

use super::{Context, Outcome, Rule, amount, any_of, conjoin, cut, enabled, list};
use crate::finding::{Finding, Severity};
use crate::graph::{AccessGraph, Reach};
use crate::model::{Answer, Part, User};

about! {
    id: "leftover_grants",
    code: "SCOPE-03",
    title: "Single grants left under a flag",
    flags: "Enabled accounts that reach all sites or all asset groups by a flag and still hold single grants under it.",
    evidence: "The account's flags, and the grants of its own that the console lists beside them.",
    why: "The grants do nothing today and count again on the day that the flag goes; nobody decides on them then.",
    severity: Severity::Low,
    click_path: "Administration > Users > Manage users > the user > Site access and Asset group access: decide whether the \
                 flag or the single grants are right, and remove the other.",
    api_call: "DELETE /api/3/users/{id}/sites and /asset_groups remove the single grants.",
    needs: &[Part::Users, Part::UserSites, Part::UserAssetGroups],
    version: 1,
}

rule! {
    /// `[analyzers.leftover_grants]`: SCOPE-03.
    LeftoverGrants {}
}

impl Rule for LeftoverGrants {
    fn examine(&self, Context { graph, .. }: Context<'_>) -> Outcome {
        let mut outcome = Outcome::default();
        let snapshot = graph.snapshot();
        for user in enabled(graph) {
            let sites = Side::of(&graph.sites_of(user), &user.sites, snapshot.sites.len());
            let groups = Side::of(&graph.asset_groups_of(user), &user.asset_groups, snapshot.asset_groups.len());
            if !sites.is_flagged && !groups.is_flagged {
                continue;
            }
            outcome.judge(any_of([sites.has_leftovers, groups.has_leftovers]), || finding(graph, user, &sites, &groups));
        }
        outcome
    }
}

/// One of the two sides of an account's scope.
struct Side<'a, T> {
    is_flagged: bool,
    /// `None` under a flag whose grants were not asked, or not told apart from the flag's own.
    has_leftovers: Option<bool>,
    direct: &'a [T],
}

impl<'a, T> Side<'a, T> {
    /// What a console answers for an account with a flag is not documented (`console-api.md` §9.1): an answer that names
    /// all there is may be the flag's own.
    fn of(reach: &Reach<'a, T>, answer: &Answer<Vec<T>>, all: usize) -> Self {
        let Reach::All { direct, .. } = reach else {
            return Self { is_flagged: false, has_leftovers: Some(false), direct: &[] };
        };
        let told = answer.known().filter(|direct| direct.is_empty() || direct.len() < all);
        Self { is_flagged: true, has_leftovers: told.map(|direct| !direct.is_empty()), direct }
    }

    /// The grants, where they are leftovers for certain.
    fn leftovers(&self) -> &'a [T] {
        if self.has_leftovers == Some(true) { self.direct } else { &[] }
    }
}

fn finding<'a>(
    graph: &AccessGraph,
    user: &User,
    sites: &Side<'a, crate::model::SiteId>,
    groups: &Side<'a, crate::model::AssetGroupId>,
) -> Finding {
    let flags = [(sites.is_flagged, "sites"), (groups.is_flagged, "asset groups")];
    let all = conjoin(&flags.iter().filter(|(flagged, _)| *flagged).map(|(_, all)| *all).collect::<Vec<_>>());
    let (sites, groups) = (sites.leftovers(), groups.leftovers());
    let mut words = Vec::new();
    if !sites.is_empty() {
        words.push(amount(sites.len(), "site"));
    }
    if !groups.is_empty() {
        words.push(amount(groups.len(), "asset group"));
    }
    let summary = format!(
        "{} reaches all {all} by a flag and still holds single grants for {}",
        cut(&user.login),
        conjoin(&words)
    );
    let mut finding =
        Finding::new(&ABOUT, user, Severity::Low, summary).with("role", cut(&user.role.label()));
    if !sites.is_empty() {
        let name = |id| graph.site(id).map_or_else(|| format!("site {id}"), |site| site.name.clone());
        finding = finding.with("sites", list(sites.iter().map(|id| name(*id))));
    }
    if !groups.is_empty() {
        let name = |id| graph.asset_group(id).map_or_else(|| format!("asset group {id}"), |group| group.name.clone());
        finding = finding.with("asset groups", list(groups.iter().map(|id| name(*id))));
    }
    finding
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analyze::check::{Expect, check, findings};
    use crate::model::sample::{global_admin, incomplete, snapshot, user};
    use crate::model::{AssetGroupId, SiteId};

    fn rule() -> LeftoverGrants {
        LeftoverGrants::default()
    }

    /// An account with the all-sites flag and these answers.
    fn flagged(sites: Answer<Vec<SiteId>>, groups: Answer<Vec<AssetGroupId>>) -> User {
        let mut account = User { sites, asset_groups: groups, ..user(2, "mia") };
        account.role.all_sites = true;
        account
    }

    fn known<T>(ids: &[i64], id: fn(i64) -> T) -> Answer<Vec<T>> {
        Answer::Known(ids.iter().copied().map(id).collect())
    }

    #[test]
    fn grants_under_a_flag_are_told_by_name() {
        let account = flagged(known(&[1, 9], SiteId), known(&[1], AssetGroupId));
        check(&rule(), snapshot(vec![account.clone()]), Expect::Fail(&["mia"]));
        let found = findings(&rule(), snapshot(vec![account])).remove(0);
        assert_eq!(found.summary, "mia reaches all sites by a flag and still holds single grants for 2 sites");
        let evidence = [("role", "User (user)"), ("sites", "Site 1, site 9")];
        assert_eq!(found.evidence, evidence.map(|(label, text)| (label, text.to_owned())), "groups are no leftovers");
        assert_eq!(found.severity, Severity::Low);
    }

    #[test]
    fn either_flag_and_the_superuser_count() {
        let mut groups = user(2, "mia");
        groups.role.all_asset_groups = true;
        groups.asset_groups = known(&[1], AssetGroupId);
        let root = User { asset_groups: known(&[1], AssetGroupId), ..global_admin(1, "root") };
        check(&rule(), snapshot(vec![root, groups]), Expect::Fail(&["root", "mia"]));
    }

    #[test]
    fn a_flag_alone_and_grants_alone_pass() {
        check(&rule(), snapshot(vec![flagged(known(&[], SiteId), Answer::Missing)]), Expect::Pass);
        check(&rule(), snapshot(vec![user(2, "mia")]), Expect::NotApplicable);
        let disabled = User { enabled: Some(false), ..flagged(known(&[1], SiteId), Answer::Missing) };
        check(&rule(), snapshot(vec![disabled]), Expect::NotApplicable);
    }

    #[test]
    fn an_answer_that_is_missing_or_names_everything_tells_nothing() {
        for sites in [Answer::NotAsked, Answer::Missing, known(&[1, 2, 3], SiteId)] {
            check(&rule(), snapshot(vec![flagged(sites, known(&[], AssetGroupId))]), Expect::Unknown);
        }
        check(&rule(), snapshot(vec![flagged(known(&[1, 2], SiteId), Answer::Missing)]), Expect::Fail(&["mia"]));
        let clean = snapshot(vec![flagged(known(&[], SiteId), Answer::Missing)]);
        check(&rule(), incomplete(clean, Part::UserSites), Expect::Unknown);
    }

    #[test]
    fn the_id_follows_the_account_alone() {
        let console = snapshot(Vec::new()).console;
        let id = |ids: &[i64]| findings(&rule(), snapshot(vec![flagged(known(ids, SiteId), Answer::Missing)]))[0].id(&console);
        assert_eq!(id(&[1]), id(&[2, 3]));
    }
}
