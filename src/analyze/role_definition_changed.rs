//! ROLE-04: roles whose privileges are no longer those of the baseline.

use std::collections::{BTreeSet, HashMap};

use super::{Context, Outcome, Rule, amount, cut, knows_all_holders, list, logins};
use crate::finding::{Finding, Severity};
use crate::graph::AccessGraph;
use crate::history::Baseline;
use crate::model::{Part, PrivilegeId, Role, RoleId, User};

about! {
    id: "role_definition_changed",
    code: "ROLE-04",
    title: "Role definition changed since sign-off",
    flags: "Roles whose privileges differ from the review that was last signed off (else from the run before), and new \
            custom roles that somebody holds; low where an upgrade of the console changed a built-in role, and for a new \
            role.",
    evidence: "Each role's privileges now and in the baseline, its enabled holders, and the console's version then and now.",
    why: "One edit gives every holder what nobody has approved for them.",
    severity: Severity::High,
    click_path: "Administration > Users > Manage roles > the role: have the change approved, or put back the privileges \
                 that the evidence names.",
    api_call: "PUT /api/3/roles/{id} with the privileges of the baseline; the id is case-sensitive, and its spaces are \
               percent-encoded.",
    needs: &[Part::Roles],
    uses: &[Part::Users],
    version: 1,
}

rule! {
    /// `[analyzers.role_definition_changed]`: ROLE-04.
    RoleDefinitionChanged {}
}

impl Rule for RoleDefinitionChanged {
    fn examine(&self, Context { graph, history, .. }: Context<'_>) -> Outcome {
        let baseline = match history.baseline(&graph.snapshot().console) {
            Ok(baseline) => baseline,
            Err(lacking) => return Outcome::lacking(lacking),
        };
        if !baseline.snapshot.coverage.was_seen(Part::Roles) {
            return Outcome::lacking("the run to compare with did not see all roles");
        }
        let then: HashMap<&RoleId, &Role> = baseline.snapshot.roles.iter().map(|role| (&role.id, role)).collect();
        let upgrade = upgrade(graph, &baseline);
        let seen_all = knows_all_holders(graph);
        let mut outcome = Outcome::default();
        for role in &graph.snapshot().roles {
            let holders: Vec<&User> = graph.users_of_role(&role.id).filter(|user| user.is_enabled()).collect();
            if let Some(then) = then.get(&role.id) {
                let upgrade = upgrade.as_deref().filter(|_| role.is_builtin());
                let differs = then.privileges != role.privileges;
                outcome.judge(Some(differs), || changed(&baseline, (then, role), upgrade, &holders));
            } else {
                // A built-in role that is new came with the product; nobody wrote it.
                let held = match holders.is_empty() {
                    _ if role.is_builtin() => Some(false),
                    true if !seen_all => None,
                    empty => Some(!empty),
                };
                outcome.judge(held, || new(&baseline, role, &holders));
            }
        }
        outcome
    }
}

/// The console's versions then and now, if both are known and differ.
fn upgrade(graph: &AccessGraph, baseline: &Baseline<'_>) -> Option<String> {
    let then = baseline.snapshot.console.version.as_deref()?;
    let now = graph.snapshot().console.version.as_deref()?;
    (then != now).then(|| format!("from {} to {}", cut(then), cut(now)))
}

/// A role that both know. An upgrade edits the roles of the product; what changed in any other was edited by somebody.
fn changed(baseline: &Baseline<'_>, (then, now): (&Role, &Role), upgrade: Option<&str>, holders: &[&User]) -> Finding {
    let severity = if upgrade.is_some() { Severity::Low } else { Severity::High };
    let by = upgrade.map(|versions| format!(", with the upgrade {versions}")).unwrap_or_default();
    let words = baseline.words();
    let held = amount(holders.len(), "enabled account");
    let summary = format!("The privileges of role {} have changed since {}{by}: {held} affected", cut(&now.name), cut(&words));
    let mut finding = Finding::new(&ABOUT, now, severity, summary)
        .with("compared with", words)
        .with("gained", beyond(&now.privileges, &then.privileges))
        .with("lost", beyond(&then.privileges, &now.privileges));
    if let Some(versions) = upgrade {
        finding = finding.with("upgrade", versions);
    }
    held_by(finding, holders)
}

fn new(baseline: &Baseline<'_>, role: &Role, holders: &[&User]) -> Finding {
    let summary = format!(
        "Role {} is a new role, held by {}: it was not there in {}",
        cut(&role.name),
        amount(holders.len(), "enabled account"),
        cut(&baseline.words())
    );
    let finding = Finding::new(&ABOUT, role, Severity::Low, summary)
        .with("compared with", baseline.words())
        .with("gained", beyond(&role.privileges, &BTreeSet::new()));
    held_by(finding, holders)
}

fn held_by(finding: Finding, holders: &[&User]) -> Finding {
    let holding = if holders.is_empty() { "none".to_owned() } else { logins(holders) };
    finding.with("enabled holders", holding).affecting(holders.iter().map(|user| user.id))
}

/// What one set has and the other has not.
fn beyond(one: &BTreeSet<PrivilegeId>, other: &BTreeSet<PrivilegeId>) -> String {
    if one.is_subset(other) {
        return "nothing".to_owned();
    }
    list(one.difference(other).map(PrivilegeId::as_str))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analyze::check::{Around, Expect, check, check_in, judged};
    use crate::history::{Before, History, Signed};
    use crate::model::Snapshot;
    use crate::model::sample::{incomplete, role, snapshot, user, with_role};

    fn rule() -> RoleDefinitionChanged {
        RoleDefinitionChanged::default()
    }

    /// The sample's console with role "Auditors" held by mia, and with these privileges.
    fn world(privileges: &[&str]) -> Snapshot {
        let disabled = User { enabled: Some(false), ..with_role(user(3, "cy"), "Auditors", privileges) };
        let mut world = snapshot(vec![with_role(user(1, "mia"), "Auditors", privileges), user(2, "ben"), disabled]);
        world.roles[0] = role("Auditors", privileges);
        world
    }

    fn after(snapshot: Snapshot) -> Around {
        let finished = snapshot.finished;
        let before =
            Before { run: "r1".into(), slot: None, finished, snapshots: vec![snapshot], findings: vec![], rules: vec![] };
        Around { history: History { before: Some(before), ..History::default() }, ..Around::default() }
    }

    #[test]
    fn follows_the_privileges_of_each_role() {
        let then = after(world(&["create-reports", "view-site-asset-data"]));
        check_in(&rule(), world(&["create-reports", "view-site-asset-data"]), &then, Expect::Pass);
        check_in(&rule(), world(&["create-reports", "manage-sites"]), &then, Expect::Fail(&["Auditors"]));
        check_in(&rule(), world(&["create-reports"]), &then, Expect::Fail(&["Auditors"]));
    }

    #[test]
    fn says_what_was_gained_and_lost_and_by_whom() {
        let now = world(&["create-reports", "manage-sites"]);
        let found = judged(&rule(), now, &after(world(&["create-reports", "view-site-asset-data"]))).findings.remove(0);
        assert_eq!((found.severity, found.affected.as_slice()), (Severity::High, &[crate::model::UserId(1)][..]));
        let evidence = |label: &str| found.evidence.iter().find(|(own, _)| *own == label).map(|(_, says)| says.as_str());
        assert_eq!(evidence("gained"), Some("manage-sites"));
        assert_eq!(evidence("lost"), Some("view-site-asset-data"));
        assert_eq!(evidence("enabled holders"), Some("mia"));
        assert_eq!(evidence("compared with"), Some("run r1 of 2026-09-21"));
    }

    #[test]
    fn an_upgrade_changes_built_in_roles_and_no_others() {
        let edited = |id: &str, version: Option<&str>| {
            let mut now = world(&["create-reports"]);
            now.roles.iter_mut().find(|role| role.id.as_str() == id).unwrap().privileges.insert("manage-novelties".into());
            now.console.version = version.map(str::to_owned);
            let found = judged(&rule(), now, &after(world(&["create-reports"]))).findings.remove(0);
            (found.severity, found.summary.contains("with the upgrade from 6.6.210 to 6.6.211"))
        };
        assert_eq!(edited("user", Some("6.6.211")), (Severity::Low, true));
        assert_eq!(edited("user", Some("6.6.210")), (Severity::High, false));
        assert_eq!(edited("user", None), (Severity::High, false), "an unknown version excuses nothing");
        assert_eq!(edited("Auditors", Some("6.6.211")), (Severity::High, false));
    }

    #[test]
    fn a_new_role_counts_once_somebody_holds_it_and_one_that_is_gone_does_not() {
        let mut then = world(&["create-reports"]);
        then.roles.remove(0);
        let around = after(then.clone());
        let found = judged(&rule(), world(&["create-reports"]), &around).findings;
        assert_eq!((found[0].severity, found[0].subject.name.as_str(), found.len()), (Severity::Low, "Auditors", 1));
        let mut unheld = world(&["create-reports"]);
        unheld.users.retain(|user| user.login == "ben");
        check_in(&rule(), unheld.clone(), &around, Expect::Pass);
        check_in(&rule(), incomplete(unheld, Part::Users), &around, Expect::Unknown);
        check_in(&rule(), then, &after(world(&["create-reports"])), Expect::Pass);
        let mut built_in = world(&["create-reports"]);
        built_in.roles.push(role("site-admin", &["manage-sites"]));
        built_in.users.push(with_role(user(4, "di"), "site-admin", &[]));
        check_in(&rule(), built_in, &after(world(&["create-reports"])), Expect::Pass);
    }

    #[test]
    fn the_signed_off_run_comes_before_the_run_before() {
        let mut around = after(world(&["create-reports"]));
        let signed = world(&["manage-sites"]);
        let at = signed.finished;
        let signed =
            Signed { run: "r0".into(), finished: at, by: "Maria Boss".into(), at, snapshots: vec![signed] };
        around.history.signed = Some(signed);
        check_in(&rule(), world(&["create-reports"]), &around, Expect::Fail(&["Auditors"]));
    }

    #[test]
    fn without_a_whole_baseline_or_roles_nothing_is_proven() {
        check(&rule(), world(&[]), Expect::Unknown);
        check_in(&rule(), world(&[]), &after(incomplete(world(&[]), Part::Roles)), Expect::Unknown);
        check_in(&rule(), incomplete(world(&[]), Part::Roles), &after(world(&[])), Expect::Unknown);
    }

    #[test]
    fn the_finding_follows_the_role_and_not_its_name() {
        let id = |name: &str, privileges: &[&str]| {
            let mut now = world(privileges);
            now.roles[0].name = name.into();
            let found = judged(&rule(), now.clone(), &after(world(&["create-reports"]))).findings.remove(0);
            found.id(&now.console)
        };
        assert_eq!(id("Auditors", &["manage-sites"]), id("Reviewers", &["manage-tags"]));
    }
}
