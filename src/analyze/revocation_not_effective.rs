//! GOV-02: access that was to be taken away and is still there, or there again.
//!
//! Decisions come with the review by reviewers; until the store keeps them, [`crate::history::History::revocations`] is
//! empty, and the rule says that it has nothing to judge by.

use std::collections::BTreeMap;

use super::{Context, Outcome, Rule, amount, cut};
use crate::finding::{Finding, Severity, Subject, SubjectKind, digest};
use crate::graph::AccessGraph;
use crate::history::{Revocation, Revoked};
use crate::model::{Part, UserId};

about! {
    id: "revocation_not_effective",
    code: "GOV-02",
    title: "Revoked access still there",
    flags: "Accounts, roles and direct grants that a reviewer decided to take away and that are still there after the days \
            allowed, or there again after they had gone.",
    evidence: "The reviewers' decisions, when a run first saw them carried out, and the access that was seen now.",
    why: "A review whose decisions are not carried out changes nothing, and says that it did.",
    severity: Severity::High,
    click_path: "Administration > Users > Manage users > the user: disable the account, or take away the role, site or \
                 asset group that the evidence names; if it was given back on purpose, have that approved.",
    api_call: "PUT /api/3/users/{id} with enabled=false or another role.id (it replaces the whole user and drops grants: \
               read them before, restore them after); DELETE /api/3/users/{id}/sites/{siteId} or \
               /asset_groups/{assetGroupId}.",
    needs: &[Part::Users],
    uses: &[Part::UserSites, Part::UserAssetGroups],
    version: 2,
}

rule! {
    /// `[analyzers.revocation_not_effective]`: GOV-02.
    RevocationNotEffective {
        /// Days after a decision by which it must be carried out.
        days: u32 = 14,
    }
}

impl Rule for RevocationNotEffective {
    fn mistake(&self) -> Option<String> {
        (self.days == 0).then(|| "days must be at least 1: a decision needs a day to be carried out".to_owned())
    }

    fn examine(&self, Context { graph, history, now, .. }: Context<'_>) -> Outcome {
        if history.revocations.is_empty() {
            return Outcome::lacking("no decisions are kept yet");
        }
        let key = graph.snapshot().console.key();
        let mut decided: BTreeMap<(UserId, String), Vec<&Revocation>> = BTreeMap::new();
        for revocation in history.revocations.iter().filter(|revocation| revocation.console == key) {
            decided.entry((revocation.user, aspect(&revocation.what))).or_default().push(revocation);
        }
        let mut outcome = Outcome::default();
        for ((user, aspect), mut revocations) in decided {
            revocations.sort_by_key(|revocation| revocation.decided);
            let there = is_there(graph, user, &revocations[0].what);
            // One thing that was decided on several times is one finding, about the first decision that failed.
            let failed = revocations.into_iter().find(|revocation| {
                revocation.done.is_some() || (now - revocation.decided).num_days() > i64::from(self.days)
            });
            let wrong = if failed.is_some() { there } else { Some(false) };
            outcome.judge(wrong, || {
                let age = failed.map_or(0, |revocation| (now - revocation.decided).num_days());
                finding(graph, user, failed, age).aspect(aspect)
            });
        }
        outcome
    }
}

/// Whether it can be used now; `None` if that is not known. Of sites and asset groups, the direct grant counts: it is
/// what the decision was about.
fn is_there(graph: &AccessGraph, user: UserId, what: &Revoked) -> Option<bool> {
    let Some(user) = graph.user(user) else {
        return graph.snapshot().saw_everyone().then_some(false);
    };
    match what {
        Revoked::Account => user.enabled,
        Revoked::Role(role) => user.role.id.as_ref().map(|held| held == role),
        Revoked::Site(site) => user.sites.known().map(|granted| granted.contains(site)),
        Revoked::AssetGroup(group) => user.asset_groups.known().map(|granted| granted.contains(group)),
    }
}

fn aspect(what: &Revoked) -> String {
    match what {
        Revoked::Account => "account".to_owned(),
        Revoked::Role(role) => digest(&["role", role.as_str()]),
        Revoked::Site(site) => format!("site {site}"),
        Revoked::AssetGroup(group) => format!("asset group {group}"),
    }
}

fn finding(graph: &AccessGraph, user: UserId, failed: Option<&Revocation>, age: i64) -> Finding {
    // Only a listed user can have anything.
    let subject = graph.user(user).map_or_else(
        || Subject { kind: SubjectKind::User, id: user.to_string(), name: user.to_string() },
        Subject::from,
    );
    let login = cut(&subject.name).into_owned();
    let Some(revocation) = failed else {
        return Finding::new(&ABOUT, subject, Severity::High, String::new());
    };
    let what = words(graph, &revocation.what);
    let decided = revocation.decided.format("%F").to_string();
    let days = amount(usize::try_from(age).unwrap_or_default(), "day");
    let summary = match revocation.done {
        Some(_) => format!("{login} has {what} again, which was revoked on {decided}"),
        None => format!("{login} still has {what}, {days} after it was revoked"),
    };
    let done = revocation.done.map_or("never seen".to_owned(), |at| at.format("%F").to_string());
    Finding::new(&ABOUT, subject, Severity::High, summary)
        .with("to be taken away", what)
        .with("decided", format!("{decided} by {}", cut(&revocation.by)))
        .with("carried out", done)
}

fn words(graph: &AccessGraph, what: &Revoked) -> String {
    match what {
        Revoked::Account => "an enabled account".to_owned(),
        Revoked::Role(id) => format!("the role {}", cut(graph.role(id).map_or(id.as_str(), |role| &role.name))),
        Revoked::Site(id) => match graph.site(*id) {
            Some(site) => format!("the site {} (id {id})", cut(&site.name)),
            None => format!("the site with id {id}"),
        },
        Revoked::AssetGroup(id) => match graph.asset_group(*id) {
            Some(group) => format!("the asset group {} (id {id})", cut(&group.name)),
            None => format!("the asset group with id {id}"),
        },
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;
    use crate::analyze::check::{Around, Expect, check, check_in, judged};
    use crate::history::History;
    use crate::model::sample::{incomplete, snapshot, user};
    use crate::model::{Answer, AssetGroupId, CollectorRights, SiteId, Snapshot, User};

    fn rule() -> RevocationNotEffective {
        RevocationNotEffective::default()
    }

    /// mia has role `user` and site 1, and asset group 2.
    fn mia() -> User {
        User { asset_groups: Answer::Known(vec![AssetGroupId(2)]), ..user(1, "mia") }
    }

    fn world(user: User) -> Snapshot {
        snapshot(vec![user])
    }

    fn revoked(what: Revoked, days_ago: i64, done: bool) -> Revocation {
        let now = snapshot(Vec::new()).finished;
        Revocation {
            console: snapshot(Vec::new()).console.key().to_owned(),
            user: UserId(1),
            what,
            by: "Maria Boss".into(),
            decided: now - TimeDelta::days(days_ago),
            done: done.then(|| now - TimeDelta::days(days_ago - 1)),
        }
    }

    fn after(revocations: Vec<Revocation>) -> Around {
        Around { history: History { revocations, ..History::default() }, ..Around::default() }
    }

    #[test]
    fn what_is_there_after_the_days_or_again_is_a_finding() {
        for (days_ago, done, expected) in [
            (13, false, Expect::Pass),
            (14, false, Expect::Pass),
            (15, false, Expect::Fail(&["mia"])),
            (2, true, Expect::Fail(&["mia"])),
        ] {
            check_in(&rule(), world(mia()), &after(vec![revoked(Revoked::Account, days_ago, done)]), expected);
        }
    }

    #[test]
    fn there_means_enabled_held_or_granted_directly() {
        let everywhere = || {
            let mut user = mia();
            user.role.all_sites = true;
            user
        };
        for (what, account, expected) in [
            (Revoked::Account, User { enabled: Some(false), ..mia() }, Expect::Pass),
            (Revoked::Account, User { enabled: None, ..mia() }, Expect::Unknown),
            (Revoked::Account, User { id: UserId(2), ..mia() }, Expect::Pass),
            (Revoked::Role("user".into()), mia(), Expect::Fail(&["mia"])),
            (Revoked::Role("Auditors".into()), mia(), Expect::Pass),
            (Revoked::Site(SiteId(1)), mia(), Expect::Fail(&["mia"])),
            (Revoked::Site(SiteId(2)), everywhere(), Expect::Pass),
            (Revoked::Site(SiteId(1)), User { sites: Answer::Missing, ..mia() }, Expect::Unknown),
            (Revoked::AssetGroup(AssetGroupId(2)), mia(), Expect::Fail(&["mia"])),
            (Revoked::AssetGroup(AssetGroupId(1)), mia(), Expect::Pass),
        ] {
            println!("{what:?}");
            check_in(&rule(), world(account), &after(vec![revoked(what, 30, false)]), expected);
        }
    }

    #[test]
    fn a_thing_that_was_decided_on_twice_is_one_finding() {
        let twice = vec![revoked(Revoked::Account, 1, false), revoked(Revoked::Account, 40, false)];
        let found = judged(&rule(), world(mia()), &after(twice)).findings;
        assert_eq!((found.len(), found[0].severity), (1, Severity::High));
        assert_eq!(found[0].summary, "mia still has an enabled account, 40 days after it was revoked");
        let console = snapshot(Vec::new()).console;
        let renamed = User { login: "mia.m".into(), ..mia() };
        let again = judged(&rule(), world(renamed), &after(vec![revoked(Revoked::Account, 5, true)])).findings.remove(0);
        assert_eq!(again.id(&console), found[0].id(&console));
        assert_eq!(again.summary, "mia.m has an enabled account again, which was revoked on 2026-09-16");
        let several = [Revoked::Account, Revoked::Role("user".into()), Revoked::Site(SiteId(1))];
        let several = several.map(|what| revoked(what, 30, false)).to_vec();
        let ids: std::collections::BTreeSet<_> =
            judged(&rule(), world(mia()), &after(several)).findings.iter().map(|found| found.id(&console)).collect();
        assert_eq!(ids.len(), 3);
    }

    #[test]
    fn without_decisions_or_users_nothing_is_proven() {
        check(&rule(), world(mia()), Expect::Unknown);
        let elsewhere = Revocation { console: "lab".into(), ..revoked(Revoked::Account, 30, false) };
        check_in(&rule(), world(mia()), &after(vec![elsewhere]), Expect::NotApplicable);
        let gone = after(vec![Revocation { user: UserId(7), ..revoked(Revoked::Account, 30, false) }]);
        check_in(&rule(), world(mia()), &gone, Expect::Pass);
        check_in(&rule(), incomplete(world(mia()), Part::Users), &gone, Expect::Unknown);
        let mut limited = world(mia());
        limited.collector.rights = CollectorRights::Limited;
        check_in(&rule(), limited, &gone, Expect::Unknown);
        assert!(RevocationNotEffective { days: 0, ..rule() }.mistake().is_some());
    }
}
