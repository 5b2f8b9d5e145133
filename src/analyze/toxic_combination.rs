//! SOD-01: privileges that together allow what neither allows alone.

use super::{
    Combination, Context, Holding, Outcome, Rule, amount, cut, holdings, iso27001, list, nist, soc2, sox,
};
use crate::finding::{About, Finding, Severity};
use crate::graph::{AccessGraph, Reach};
use crate::model::{Part, Role, RoleId, User};

static ABOUT: About = About {
    id: "toxic_combination",
    code: "SOD-01",
    title: "Toxic combination of privileges",
    flags: "Roles that put a combination of the table into the hands of enabled accounts, one finding for each role and \
            combination, and accounts that hold one beyond their role; not those who hold every privilege anyway.",
    why: "Duties that should check each other lie in one hand.",
    severity: Severity::Critical,
    click_path: "Administration > Users > Manage roles > the role: take one side of the combination away and give it to \
                 another role; built-in roles cannot be edited, so give their holders another role.",
    api_call: "PUT /api/3/roles/{id} with the reduced privileges; to move a holder, PUT /api/3/users/{id} with another \
               role.id (it replaces the whole user and drops grants: read them before, restore them after).",
    controls: &[soc2("CC6.3"), iso27001("5.3"), nist("AC-5"), sox("segregation of duties")],
    needs: &[Part::Users, Part::UserPrivileges, Part::Roles],
    version: 1,
};

rule! {
    /// `[analyzers.toxic_combination]`: SOD-01.
    ToxicCombination {}
}

impl Rule for ToxicCombination {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn examine(&self, Context { graph, .. }: Context<'_>) -> Outcome {
        let holdings = holdings(graph);
        let roles = holdings.through_roles.iter();
        let of_roles = roles.flat_map(|(id, rows)| rows.iter().map(|holding| of_role(graph, id, holding)));
        let users = holdings.beyond_roles.iter();
        let of_users = users.flat_map(|(user, rows)| rows.iter().map(|row| of_user(graph, user, row)));
        let findings = of_roles.chain(of_users).collect();
        Outcome { examined: holdings.examined, expected: holdings.expected, findings }
    }
}

fn of_role(graph: &AccessGraph, id: &RoleId, holding: &Holding<'_>) -> Finding {
    let Holding { row, users } = holding;
    let subject = holding.role(graph, id);
    let summary = format!(
        "Through role {}, {} can {}",
        cut(&subject.name),
        amount(users.len(), "enabled account"),
        row.effect
    );
    let everywhere = users.iter().filter(|user| reaches_all_sites(graph, user)).count();
    // All holders meet the row through the same definition, so that the first one shows it.
    let mut finding = finding(row, subject, summary, users[0]);
    if row.by_design.iter().any(|role| role == id.as_str()) {
        // It says something of the product, and nothing of these accounts: it does not count for them.
        finding = finding.with("by design", "the vendor gives this role the combination; the role cannot be edited");
    } else {
        finding = finding.affecting(users.iter().map(|user| user.id));
        if graph.role(id).is_some_and(Role::is_builtin) {
            finding = finding.with("built-in", "the role comes with the product and cannot be edited");
        }
    }
    finding
        .with("holders that reach all sites", format!("{everywhere} of {}", users.len()))
        .with("holders", list(users.iter().map(|user| format!("{} ({})", cut(&user.login), reach(graph, user)))))
}

fn of_user(graph: &AccessGraph, user: &User, row: &'static Combination) -> Finding {
    let summary = format!("{} can {}, beyond what its role defines", cut(&user.login), row.effect);
    finding(row, user, summary, user).with("role", cut(&user.role.label())).with("reaches", reach(graph, user))
}

fn finding(
    row: &'static Combination,
    subject: impl Into<crate::finding::Subject>,
    summary: String,
    holder: &User,
) -> Finding {
    let met_with = holder.effective_privileges().map(|held| list(row.met_with(held)));
    Finding::new(ABOUT.id, subject, row.severity, summary)
        .aspect(&row.code)
        .with("combination", row.code.as_str())
        .with("privileges", met_with.unwrap_or_default())
}

fn reaches_all_sites(graph: &AccessGraph, user: &User) -> bool {
    matches!(graph.sites_of(user), Reach::All { .. })
}

fn reach(graph: &AccessGraph, user: &User) -> String {
    match graph.sites_of(user) {
        Reach::All { .. } => "all sites".to_owned(),
        Reach::Listed(ids) => amount(ids.len(), "site"),
        Reach::Unknown => "unknown sites".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analyze::check::{Expect, check, findings};
    use crate::model::sample::{global_admin, incomplete, role, snapshot, user, with_role};
    use crate::model::{Answer, Snapshot};

    const APPROVER: &[&str] = &["approve-vulnerability-exceptions", "submit-vulnerability-exceptions"];
    const TICKETS: &[&str] = &["close-tickets", "create-tickets"];

    fn rule() -> ToxicCombination {
        ToxicCombination::default()
    }

    fn approvers(users: Vec<User>) -> Snapshot {
        let mut world = snapshot(users);
        world.roles.insert(0, role("Approver", APPROVER));
        world
    }

    #[test]
    fn one_finding_for_a_role_and_a_row_however_many_hold_it() {
        let mut users: Vec<_> = (1..=3000).map(|id| with_role(user(id, "u"), "Approver", APPROVER)).collect();
        users[0].role.all_sites = true;
        let found = findings(&rule(), approvers(users));
        assert_eq!(found.len(), 1);
        let finding = &found[0];
        assert_eq!((&*finding.aspect, finding.severity), ("T1", Severity::High));
        assert!(finding.evidence.contains(&("holders that reach all sites", "1 of 3000".into())));
        let holders = &finding.evidence.last().unwrap().1;
        assert!(holders.starts_with("u (all sites), u (1 site)") && holders.ends_with("2980 more"), "{holders}");
    }

    #[test]
    fn one_role_with_two_rows_has_two_findings() {
        let both = [APPROVER, TICKETS].concat();
        let mut world = snapshot(vec![with_role(user(1, "mia"), "Both", &both)]);
        world.roles.insert(1, role("Both", &both));
        let aspects: Vec<_> = findings(&rule(), world).iter().map(|finding| finding.aspect.clone()).collect();
        assert_eq!(aspects, ["T1", "T3"]);
    }

    #[test]
    fn an_account_beyond_its_role_has_its_own_finding() {
        let world = approvers(vec![
            with_role(user(1, "mia"), "Approver", APPROVER),
            with_role(user(2, "ben"), "Auditors", APPROVER),
        ]);
        check(&rule(), world, Expect::Fail(&["Approver", "ben"]));
    }

    #[test]
    fn the_vendors_design_is_labelled() {
        let mut world = snapshot(vec![with_role(user(1, "mia"), "user", TICKETS)]);
        world.roles.retain(|role| role.id.as_str() != "user");
        world.roles.push(role("user", TICKETS));
        let found = findings(&rule(), world);
        assert_eq!((found[0].subject.name.as_str(), found[0].severity), ("user", Severity::Low));
        assert!(found[0].evidence.iter().any(|(label, _)| *label == "by design"));
    }

    #[test]
    fn global_administrators_and_wildcards_are_reported_elsewhere() {
        let wildcard = with_role(user(2, "mia"), "Ops", &["all-permissions", APPROVER[0], APPROVER[1]]);
        check(&rule(), snapshot(vec![global_admin(1, "root"), wildcard]), Expect::NotApplicable);
    }

    #[test]
    fn half_a_combination_passes() {
        check(&rule(), snapshot(vec![with_role(user(1, "mia"), "Auditors", &APPROVER[..1])]), Expect::Pass);
    }

    #[test]
    fn unanswered_privileges_are_not_harmless() {
        let mut unanswered = user(1, "mia");
        unanswered.privileges = Answer::Missing;
        unanswered.role.privileges = None;
        check(&rule(), snapshot(vec![unanswered]), Expect::Unknown);
        check(&rule(), incomplete(snapshot(vec![user(1, "mia")]), Part::Users), Expect::Unknown);
    }
}
