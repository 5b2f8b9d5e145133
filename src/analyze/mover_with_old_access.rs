//! LIFE-06: people who have moved within the organisation and kept their access.

use super::{Context, Outcome, Rule, all_of, amount, any_of, cut, enabled, yes_no};
use crate::finding::{Finding, Severity};
use crate::history::Baseline;
use crate::model::{Part, Person, RosterMatch, User};

about! {
    id: "mover_with_old_access",
    code: "LIFE-06",
    title: "Access kept after a move",
    flags: "Enabled accounts whose person has another department or another manager than at the last sign-off, or in the \
            run before where nobody signed off, while role, flags and grants are the same.",
    evidence: "Department and manager in the roster then and now, and the account's role, flags and grants.",
    why: "Access that a former task needed piles up with every move, and the new manager does not know of it.",
    severity: Severity::Medium,
    click_path: "Administration > Users > Manage users > the user > Roles, Site access and Asset group access: ask the new \
                 manager what the work needs now, and take away the rest.",
    api_call: "PUT /api/3/users/{id}/sites and /asset_groups with the ids to keep; PUT /api/3/users/{id} with role.id \
               (it replaces the whole user and drops grants: read them before, restore them after).",
    needs: &[Part::Users, Part::UserSites, Part::UserAssetGroups, Part::Roster],
    version: 2,
}

rule! {
    /// `[analyzers.mover_with_old_access]`: LIFE-06.
    MoverWithOldAccess {}
}

impl Rule for MoverWithOldAccess {
    fn examine(&self, context: Context<'_>) -> Outcome {
        let Context { graph, history, .. } = context;
        if graph.snapshot().roster.is_none() {
            return Outcome::lacking("there is no roster: add a [roster] table");
        }
        let baseline = match history.baseline(&graph.snapshot().console) {
            Ok(baseline) => baseline,
            Err(lacking) => return Outcome::lacking(lacking),
        };
        if baseline.snapshot.roster.is_none() {
            return Outcome::lacking("the run to compare with had no roster: sign off one that has");
        }
        let listed_all = baseline.snapshot.saw_everyone();
        let mut outcome = Outcome::default();
        for (now, then) in baseline.beside(enabled(graph)) {
            let Some(then) = then else {
                if !listed_all {
                    outcome.judge(None, || finding(&baseline, now, now));
                }
                continue;
            };
            let Some(moved) = moved(&then.person, &now.person) else { continue };
            // Most stay where they are: what they can reach needs no comparing.
            let wrong = if moved == Some(false) { moved } else { all_of([moved, has_same_access(then, now)]) };
            outcome.judge(wrong, || finding(&baseline, then, now));
        }
        outcome
    }
}

/// Whether the person of an account has moved. The outer `None`: it is not one person's account, then and now.
#[expect(clippy::option_option, reason = "not a subject of the rule is something else than not known")]
fn moved(then: &RosterMatch, now: &RosterMatch) -> Option<Option<bool>> {
    match (then, now) {
        (RosterMatch::Person { person: then, .. }, RosterMatch::Person { person: now, .. }) => {
            (then.id == now.id).then(|| has_moved(then, now))
        }
        (RosterMatch::Nobody, _) | (_, RosterMatch::Nobody) => None,
        // Which person it is, or was, is not known.
        _ => Some(None),
    }
}

/// `None` if the roster keeps neither department nor manager, or says one of them only once.
fn has_moved(then: &Person, now: &Person) -> Option<bool> {
    let kept = [&then.department, &now.department, &then.manager, &now.manager];
    if kept.iter().all(|field| field.is_none()) {
        return None;
    }
    any_of([differ(then.department.as_deref(), now.department.as_deref()), differ(then.manager.as_deref(), now.manager.as_deref())])
}

/// What the roster does not keep does not change.
fn differ(then: Option<&str>, now: Option<&str>) -> Option<bool> {
    let form = |text: &str| text.trim().to_lowercase();
    match (then, now) {
        (None, None) => Some(false),
        (Some(then), Some(now)) => Some(then != now && form(then) != form(now)),
        _ => None,
    }
}

/// Whether role, flags and grants are what they were. Grants under a flag that reaches everything add nothing.
fn has_same_access(then: &User, now: &User) -> Option<bool> {
    let (was, is) = (&then.role, &now.role);
    let flags = |user: &User| (user.role.superuser, user.role.all_sites, user.role.all_asset_groups);
    let all_sites = is.superuser || is.all_sites;
    let all_groups = is.superuser || is.all_asset_groups;
    all_of([
        was.id.as_ref().zip(is.id.as_ref()).map(|(was, is)| was == is),
        Some(flags(then) == flags(now)),
        if all_sites { Some(true) } else { are_same(then.sites.known(), now.sites.known()) },
        if all_groups { Some(true) } else { are_same(then.asset_groups.known(), now.asset_groups.known()) },
    ])
}

/// Both are sorted.
fn are_same<T: PartialEq>(then: Option<&Vec<T>>, now: Option<&Vec<T>>) -> Option<bool> {
    Some(then? == now?)
}

fn finding(baseline: &Baseline<'_>, then: &User, now: &User) -> Finding {
    let summary = format!("{} still has the access it had before its person moved", cut(&now.login));
    let mut finding = Finding::new(&ABOUT, now, Severity::Medium, summary);
    if let (Some(was), Some(is)) = (then.person.person(), now.person.person()) {
        finding = finding
            .with("person", cut(&is.id))
            .with("department", change(was.department.as_deref(), is.department.as_deref()))
            .with("manager", change(was.manager.as_deref(), is.manager.as_deref()));
    }
    let grants = |count: Option<usize>, noun| {
        count.map_or_else(|| format!("unknown {noun}s"), |count| amount(count, noun))
    };
    let sites = grants(now.sites.known().map(Vec::len), "site");
    let groups = grants(now.asset_groups.known().map(Vec::len), "asset group");
    finding
        .with("compared with", cut(&baseline.words()))
        .with("role", cut(&now.role.label()))
        .with("all sites", yes_no(Some(now.role.all_sites)))
        .with("all asset groups", yes_no(Some(now.role.all_asset_groups)))
        .with("grants of its own", format!("{sites}, {groups}"))
}

/// What the roster said then and says now.
fn change(then: Option<&str>, now: Option<&str>) -> String {
    let (then, now) = (then.unwrap_or("unknown"), now.unwrap_or("unknown"));
    if then == now { cut(now).into_owned() } else { format!("{}, before: {}", cut(now), cut(then)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analyze::check::{Around, Expect, check_in, judged};
    use crate::history::{Before, History, Signed};
    use crate::model::sample::{global_admin, incomplete, known_as, person, snapshot, user, with_roster};
    use crate::model::{Answer, AssetGroupId, CollectorRights, MatchedBy, SiteId, Snapshot};

    fn rule() -> MoverWithOldAccess {
        MoverWithOldAccess::default()
    }

    /// Somebody of a department, under a manager.
    fn of(user: User, department: Option<&str>, manager: Option<&str>) -> User {
        let (department, manager) = (department.map(Into::into), manager.map(Into::into));
        known_as(user, Person { manager, department, ..person("7") })
    }

    fn sales(user: User) -> User {
        of(user, Some("Sales"), Some("Bo Li"))
    }

    fn finance(user: User) -> User {
        of(user, Some("Finance"), Some("Bo Li"))
    }

    fn world(user: User) -> Snapshot {
        with_roster(snapshot(vec![user]))
    }

    fn before(snapshot: Snapshot) -> Around {
        let before = Before {
            run: "r1".into(),
            slot: None,
            finished: snapshot.finished,
            snapshots: vec![snapshot],
            findings: Vec::new(),
            rules: Vec::new(),
        };
        Around { history: History { kept: true, before: Some(before), ..History::default() }, ..Around::default() }
    }

    fn compare(then: User, now: User, expected: Expect<'_>) {
        check_in(&rule(), world(now), &before(world(then)), expected);
    }

    fn mia() -> User {
        user(1, "mia")
    }

    #[test]
    fn another_department_or_manager_with_the_same_access() {
        compare(sales(mia()), finance(mia()), Expect::Fail(&["mia"]));
        compare(sales(mia()), of(mia(), Some("Sales"), Some("Cy Ng")), Expect::Fail(&["mia"]));
        compare(sales(mia()), of(mia(), Some(" sales"), Some("BO LI")), Expect::Pass);
        compare(sales(mia()), sales(mia()), Expect::Pass);
    }

    #[test]
    fn what_the_roster_does_not_keep_does_not_change() {
        compare(of(mia(), Some("Sales"), None), of(mia(), Some("Sales"), None), Expect::Pass);
        compare(of(mia(), Some("Sales"), None), of(mia(), Some("Finance"), None), Expect::Fail(&["mia"]));
        compare(of(mia(), None, None), of(mia(), None, None), Expect::Unknown);
        compare(of(mia(), Some("Sales"), None), sales(mia()), Expect::Unknown);
        compare(of(mia(), Some("Sales"), None), finance(mia()), Expect::Fail(&["mia"]));
    }

    #[test]
    fn any_change_of_the_access_is_enough() {
        let sites = User { sites: Answer::Known(vec![SiteId(1), SiteId(2)]), ..mia() };
        let groups = User { asset_groups: Answer::Known(vec![AssetGroupId(2)]), ..mia() };
        let (mut role, mut flag) = (mia(), mia());
        role.role.id = Some("Auditors".into());
        flag.role.all_sites = true;
        for changed in [sites, groups, role, flag] {
            compare(sales(mia()), finance(changed), Expect::Pass);
        }
    }

    #[test]
    fn access_that_is_not_known_is_not_the_same() {
        let unknown = || User { sites: Answer::Missing, ..mia() };
        compare(sales(unknown()), finance(mia()), Expect::Unknown);
        compare(sales(mia()), finance(unknown()), Expect::Unknown);
        compare(sales(unknown()), sales(mia()), Expect::Pass);
        let mut roleless = mia();
        roleless.role.id = None;
        compare(sales(roleless), finance(mia()), Expect::Unknown);
        // A lean collection does not ask for the grants under a flag.
        let flagged = || User { sites: Answer::NotAsked, ..global_admin(1, "root") };
        compare(sales(flagged()), finance(flagged()), Expect::Fail(&["root"]));
    }

    #[test]
    fn only_one_persons_account_is_in_question() {
        let other = known_as(mia(), person("8"));
        compare(sales(mia()), other, Expect::NotApplicable);
        compare(sales(mia()), mia(), Expect::NotApplicable);
        compare(mia(), finance(mia()), Expect::NotApplicable);
        compare(sales(user(2, "ben")), finance(mia()), Expect::NotApplicable);
        compare(sales(mia()), User { enabled: Some(false), ..finance(mia()) }, Expect::NotApplicable);
        let people = vec!["7".into(), "8".into()];
        let ambiguous = User { person: RosterMatch::Ambiguous { by: MatchedBy::Email, people }, ..mia() };
        compare(ambiguous.clone(), finance(mia()), Expect::Unknown);
        compare(sales(mia()), ambiguous, Expect::Unknown);
    }

    #[test]
    fn an_account_that_the_baseline_may_have_missed_is_unknown() {
        let then = incomplete(world(sales(user(2, "ben"))), Part::Users);
        check_in(&rule(), world(finance(mia())), &before(then), Expect::Unknown);
        let mut limited = world(sales(user(2, "ben")));
        limited.collector.rights = CollectorRights::Limited;
        check_in(&rule(), world(finance(mia())), &before(limited), Expect::Unknown);
    }

    #[test]
    fn needs_both_rosters_a_baseline_and_every_grant() {
        let (then, now) = (world(sales(mia())), world(sales(mia())));
        check_in(&rule(), now.clone(), &Around::default(), Expect::Unknown);
        check_in(&rule(), snapshot(vec![mia()]), &before(then.clone()), Expect::Unknown);
        check_in(&rule(), now.clone(), &before(snapshot(vec![mia()])), Expect::Unknown);
        for part in [Part::Users, Part::UserSites, Part::UserAssetGroups, Part::Roster] {
            check_in(&rule(), incomplete(now.clone(), part), &before(then.clone()), Expect::Unknown);
        }
    }

    #[test]
    fn holds_against_the_sign_off_and_says_so() {
        let mut around = before(world(finance(mia())));
        let then = world(sales(mia()));
        around.history.signed = Some(Signed {
            run: "r0".into(),
            finished: then.finished,
            by: "Maria Boss".into(),
            at: then.finished,
            snapshots: vec![then],
        });
        let found = judged(&rule(), world(finance(mia())), &around).findings.remove(0);
        assert_eq!(found.severity, Severity::Medium);
        let expected = [
            ("person", "7"),
            ("department", "Finance, before: Sales"),
            ("manager", "Bo Li"),
            ("compared with", "the review of 2026-09-21 that Maria Boss signed off"),
        ];
        assert_eq!(found.evidence[..4], expected.map(|(label, value)| (label, value.to_owned())));
        assert_eq!(found.evidence.last(), Some(&("grants of its own", "1 site, 0 asset groups".to_owned())));
        let console = snapshot(Vec::new()).console;
        let renamed = finance(User { login: "mia.b".into(), ..mia() });
        let renamed = judged(&rule(), world(renamed), &before(world(sales(mia())))).findings.remove(0);
        assert_eq!(renamed.id(&console), found.id(&console));
    }
}
