//! ROLE-05: custom roles made for one user, or for a purpose that nobody wrote down.

use super::{Context, Outcome, Rule, any_of, conjoin, cut, is_disputed, knows_all_holders};
use crate::finding::{Finding, Severity};
use crate::model::{Part, Role, User};

about! {
    id: "bespoke_role",
    code: "ROLE-05",
    title: "Custom role of a single user or without description",
    flags: "Custom roles that exactly one account holds, disabled accounts included, and custom roles without a \
            description.",
    evidence: "The custom roles, their descriptions, and who holds them.",
    why: "Such a role grows with its holder: nobody else reads it, and a reviewer cannot tell what it should allow.",
    severity: Severity::Low,
    click_path: "Administration > Users > Manage roles > the role: write down what it is for, or give its holder a \
                 common role and delete it.",
    api_call: "PUT /api/3/roles/{id} with a description; or PUT /api/3/users/{id} with another role.id (it replaces the \
               whole user and drops grants: read them before, restore them after), then DELETE /api/3/roles/{id}.",
    needs: &[Part::Users, Part::Roles, Part::RoleUsers],
    version: 2,
}

rule! {
    /// `[analyzers.bespoke_role]`: ROLE-05.
    BespokeRole {}
}

impl Rule for BespokeRole {
    fn examine(&self, Context { graph, .. }: Context<'_>) -> Outcome {
        let mut outcome = Outcome::default();
        let seen_all = knows_all_holders(graph);
        for role in graph.snapshot().roles.iter().filter(|role| !role.is_builtin()) {
            let holders: Vec<&User> = graph.users_of_role(&role.id).collect();
            let certain = seen_all && !is_disputed(graph, role);
            // Two holders are two, whoever else there may be.
            let single = (certain || holders.len() > 1).then_some(holders.len() == 1);
            let bare = role.description.as_deref().is_none_or(|text| text.trim().is_empty());
            outcome.judge(any_of([single, Some(bare)]), || finding(role, &holders, single, bare));
        }
        outcome
    }
}

fn finding(role: &Role, holders: &[&User], single: Option<bool>, bare: bool) -> Finding {
    let holder = holders.first().filter(|_| single == Some(true));
    let held = holder.map(|user| format!("is held by {} alone", cut(&user.login)));
    let reasons: Vec<String> = held.into_iter().chain(bare.then(|| "has no description".to_owned())).collect();
    let known = if single.is_some() { holders.len().to_string() } else { "unknown".to_owned() };
    let finding = Finding::new(&ABOUT, role, Severity::Low, format!("Role {} {}", cut(&role.name), conjoin(&reasons)))
        .with("accounts that hold it", known)
        .with("description", if bare { "none".into() } else { cut(role.description.as_deref().unwrap_or_default()) })
        .with("privileges", role.privileges.len().to_string());
    match holder {
        Some(user) => finding.with("holder", cut(&user.login)).affecting([user.id]),
        None => finding,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analyze::check::{Expect, check, findings};
    use crate::model::sample::{incomplete, snapshot, user, with_role};
    use crate::model::{Anomaly, Claim, CollectorRights, CrossCheck, Snapshot, UserId};

    fn rule() -> BespokeRole {
        BespokeRole::default()
    }

    /// The sample's custom role "Auditors" with so many holders and this description.
    fn world(holders: i64, description: Option<&str>) -> Snapshot {
        let holder = |id| with_role(user(id, &format!("u{id}")), "Auditors", &[]);
        let mut world = snapshot((1..=holders).map(holder).collect());
        world.roles[0].description = description.map(str::to_owned);
        world
    }

    #[test]
    fn one_holder_or_no_description_is_a_finding() {
        for (holders, description, expected) in [
            (0, Some("Reads all."), Expect::Pass),
            (1, Some("Reads all."), Expect::Fail(&["Auditors"])),
            (2, Some("Reads all."), Expect::Pass),
            (2, None, Expect::Fail(&["Auditors"])),
            (2, Some(" "), Expect::Fail(&["Auditors"])),
        ] {
            check(&rule(), world(holders, description), expected);
        }
    }

    #[test]
    fn both_reasons_are_one_finding_with_one_id() {
        let both = findings(&rule(), world(1, None));
        assert_eq!((both.len(), both[0].severity), (1, Severity::Low));
        assert_eq!(both[0].summary, "Role Auditors is held by u1 alone and has no description");
        assert_eq!(both[0].affected, [UserId(1)]);
        let console = world(0, None).console;
        let mut renamed = world(2, None);
        renamed.roles[0].name = "Reviewers".into();
        assert_eq!(findings(&rule(), renamed)[0].id(&console), both[0].id(&console));
    }

    #[test]
    fn who_else_holds_it_is_not_known_from_part_of_the_users() {
        let part = |holders, description| incomplete(world(holders, description), Part::Users);
        check(&rule(), part(1, Some("Reads all.")), Expect::Unknown);
        let mut limited = world(1, Some("Reads all."));
        limited.collector.rights = CollectorRights::Limited;
        check(&rule(), limited, Expect::Unknown);
        let found = findings(&rule(), part(1, None));
        assert_eq!(found[0].summary, "Role Auditors has no description");
        assert!(found[0].evidence.contains(&("accounts that hold it", "unknown".into())));
        let mut disputed = world(1, Some("Reads all."));
        let claim = || Claim { endpoint: "/api/3/roles/Auditors/users".into(), says: "listed".into() };
        disputed.anomalies.push(Anomaly {
            check: CrossCheck::RoleUsers,
            user: Some(UserId(9)),
            further_users: 0,
            object: "Auditors".into(),
            left: claim(),
            right: claim(),
        });
        check(&rule(), disputed, Expect::Unknown);
    }

    #[test]
    fn does_not_apply_to_built_in_roles() {
        let mut world = world(1, None);
        world.roles.remove(0);
        check(&rule(), world, Expect::NotApplicable);
    }
}
