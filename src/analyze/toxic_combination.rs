//! SOD-01: privileges that together allow what neither allows alone.

use std::collections::{BTreeMap, BTreeSet};

use super::{COMBINATIONS, Combination, Context, Holding, Holdings, Outcome, Rule, amount, conjoin, cut, holdings, list};
use crate::finding::{Finding, Severity, Subject};
use crate::graph::{AccessGraph, Reach};
use crate::model::{Part, Role, RoleId, User, UserId};

about! {
    id: "toxic_combination",
    code: "SOD-01",
    title: "Toxic combination of privileges",
    flags: "Roles that put combinations of the table into the hands of enabled accounts, one finding for each role, and \
            accounts that hold some beyond their role; not those who hold every privilege anyway. What built-in roles \
            combine by the vendor's design is one finding for each combination, on the console.",
    evidence: "The privileges of each role and account, held against the table of combinations.",
    why: "Duties that should check each other lie in one hand.",
    severity: Severity::Critical,
    click_path: "Administration > Users > Manage roles > the role: take one side of the combination away and give it to \
                 another role; built-in roles cannot be edited, so give their holders another role.",
    api_call: "PUT /api/3/roles/{id} with the reduced privileges; to move a holder, PUT /api/3/users/{id} with another \
               role.id (it replaces the whole user and drops grants: read them before, restore them after).",
    needs: &[Part::Users, Part::UserPrivileges, Part::Roles],
    version: 2,
}

rule! {
    /// `[analyzers.toxic_combination]`: SOD-01.
    ToxicCombination {
        /// Further combinations beside recert's own; each a table of its own, as config.example.toml shows.
        combination: Vec<Combination> = Vec::new(),
    }
}

impl Rule for ToxicCombination {
    /// The whole table: recert's own rows, then the configuration's.
    fn combinations(&self) -> Vec<Combination> {
        COMBINATIONS.iter().chain(&self.combination).cloned().collect()
    }

    fn mistake(&self) -> Option<String> {
        let mut codes: BTreeSet<String> = COMBINATIONS.iter().map(|row| row.code.to_lowercase()).collect();
        self.combination.iter().enumerate().find_map(|(index, row)| {
            let wrong = if row.code.trim().is_empty() {
                "code is empty"
            } else if !codes.insert(row.code.to_lowercase()) {
                "code is taken; give each combination its own"
            } else if row.all_of.len() < 2 {
                "all_of needs at least two groups of privileges: one alone is no combination"
            } else if row.all_of.iter().any(|group| group.is_empty() || group.iter().any(|id| id.trim().is_empty())) {
                "all_of has an empty group or an empty privilege"
            } else if row.effect.trim().is_empty() {
                "effect is empty; say what a holder can do"
            } else {
                return None;
            };
            Some(format!("combination[{index}] {:?}: {wrong}", row.code))
        })
    }

    fn examine(&self, context: Context<'_>) -> Outcome {
        let Context { graph, .. } = context;
        let holdings = holdings(context.combinations(), graph);
        let (by_design, given) = split(&holdings);
        let of_roles = given.iter().map(|(id, rows)| of_role(graph, id, rows));
        let of_users = holdings.beyond_roles.iter().map(|(user, rows)| of_user(graph, user, rows));
        let of_design = by_design.iter().map(|(row, roles)| of_design(graph, row, roles));
        let findings = of_roles.chain(of_users).chain(of_design).collect();
        Outcome { examined: holdings.examined, expected: holdings.expected, findings, ..Outcome::default() }
    }
}

/// What roles give their holders: the vendor's design by combination, all else by role.
type ByDesign<'a> = Vec<(&'a Combination, Vec<(&'a RoleId, &'a Holding<'a>)>)>;
type Given<'a> = Vec<(&'a RoleId, Vec<&'a Holding<'a>>)>;

fn split<'a>(holdings: &'a Holdings<'a>) -> (ByDesign<'a>, Given<'a>) {
    let (mut by_design, mut given) = (ByDesign::new(), Given::new());
    for (role, rows) in &holdings.through_roles {
        let (designed, others): (Vec<&Holding<'_>>, Vec<_>) =
            rows.iter().partition(|holding| holding.row.is_by_design_of(role));
        for holding in designed {
            match by_design.iter_mut().find(|(row, _)| std::ptr::eq(*row, holding.row)) {
                Some((_, roles)) => roles.push((role, holding)),
                None => by_design.push((holding.row, vec![(role, holding)])),
            }
        }
        if !others.is_empty() {
            given.push((role, others));
        }
    }
    by_design.sort_by_key(|(_, roles)| roles.first().map(|(_, holding)| holding.place));
    (by_design, given)
}

/// One finding for a role, whatever it combines: its id stays while combinations come and go, and the severity is the
/// worst of them.
fn of_role(graph: &AccessGraph, id: &RoleId, rows: &[&Holding<'_>]) -> Finding {
    let holders: BTreeMap<UserId, &User> =
        rows.iter().flat_map(|holding| &holding.users).map(|user| (user.id, *user)).collect();
    let holders: Vec<&User> = holders.into_values().collect();
    let subject = rows[0].role(graph, id);
    let who = amount(holders.len(), "enabled account");
    let summary = if let [only] = rows {
        format!("Through role {}, {who} can {}", cut(&subject.name), only.row.effect)
    } else {
        let rows: Vec<_> = rows.iter().map(|holding| holding.row).collect();
        format!("Role {} gives {who} {}", cut(&subject.name), several(&rows))
    };
    let everywhere = holders.iter().filter(|user| reaches_all_sites(graph, user)).count();
    // All holders meet a row through the same definition, so that the first one shows it.
    let rows = rows.iter().map(|holding| (holding.row, holding.users[0]));
    let mut finding = finding(subject, summary, rows).affecting(holders.iter().map(|user| user.id));
    if graph.role(id).is_some_and(Role::is_builtin) {
        finding = finding.with("built-in", "the role comes with the product and cannot be edited");
    }
    finding
        .with("holders that reach all sites", format!("{everywhere} of {}", holders.len()))
        .with("holders", list(holders.iter().map(|user| format!("{} ({})", cut(&user.login), reach(graph, user)))))
}

fn of_user(graph: &AccessGraph, user: &User, rows: &[&Combination]) -> Finding {
    let login = cut(&user.login);
    let summary = match rows {
        [only] => format!("{login} can {}, beyond what its role defines", only.effect),
        _ => format!("{login} has, beyond what its role defines, {}", several(rows)),
    };
    finding(Subject::from(user), summary, rows.iter().map(|row| (*row, user)))
        .with("role", cut(&user.role.label()))
        .with("reaches", reach(graph, user))
}

/// One finding for a combination and all built-in roles that have it by the vendor's design. It says something of the
/// product, and nothing of these accounts: it does not count for them.
fn of_design(graph: &AccessGraph, row: &Combination, roles: &[(&RoleId, &Holding<'_>)]) -> Finding {
    let names: Vec<String> = roles.iter().map(|(id, holding)| holding.role(graph, id).name).collect();
    let noun = if roles.len() == 1 { "built-in role" } else { "built-in roles" };
    let lets = if roles.len() == 1 { "lets" } else { "let" };
    // The built-in roles are few.
    let names = conjoin(&names.iter().map(|name| cut(name)).collect::<Vec<_>>());
    let summary = format!("By the vendor's design, the {noun} {names} {lets} their holders {}", row.effect);
    let holders = |(id, holding): &(&RoleId, &Holding<'_>)| {
        format!("{}: {}", cut(&holding.role(graph, id).name), amount(holding.users.len(), "enabled account"))
    };
    let example = roles.iter().map(|(_, holding)| (row, holding.users[0])).take(1);
    finding(Subject::from(&graph.snapshot().console), summary, example)
        .aspect(row.code.clone())
        .with("roles", list(roles.iter().map(holders)))
        .with("by design", "the vendor gives these roles the combination; they cannot be edited")
}

/// Several combinations in a sentence, with the worst in words.
fn several(rows: &[&Combination]) -> String {
    let codes: Vec<&str> = rows.iter().map(|row| row.code.as_str()).collect();
    let worst = worst(rows.iter().copied());
    let effect = worst.map(|row| format!("; with {} they can {}", row.code, row.effect)).unwrap_or_default();
    format!("{} toxic combinations ({}){effect}", rows.len(), codes.join(", "))
}

/// The first of the worst; the rows come in the order of the table.
fn worst<'a>(rows: impl Iterator<Item = &'a Combination>) -> Option<&'a Combination> {
    rows.min_by_key(|row| std::cmp::Reverse(row.severity))
}

/// A finding that names each combination with its privileges, as one holder meets it.
fn finding<'a>(
    subject: Subject,
    summary: String,
    rows: impl Iterator<Item = (&'a Combination, &'a User)> + Clone,
) -> Finding {
    let severity = worst(rows.clone().map(|(row, _)| row)).map_or(ABOUT.severity, |row| row.severity);
    rows.fold(Finding::new(&ABOUT, subject, severity, summary), |finding, (row, holder)| {
        let met_with = holder.effective_privileges().map(|held| list(row.met_with(held))).unwrap_or_default();
        finding.with("combination", format!("{} ({}), {}: {met_with}", row.code, row.severity, row.effect))
    })
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
    use crate::model::{Answer, KNOWN_PRIVILEGES, Snapshot};

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
        assert_eq!((&*finding.aspect, finding.severity, finding.affected.len()), ("", Severity::High, 3000));
        assert!(finding.evidence.contains(&("holders that reach all sites", "1 of 3000".into())));
        let holders = &finding.evidence.last().unwrap().1;
        assert!(holders.starts_with("u (all sites), u (1 site)") && holders.ends_with("2980 more"), "{holders}");
    }

    #[test]
    fn a_role_keeps_its_finding_while_combinations_come_and_go() {
        let with = |privileges: &[&str]| {
            let mut world = snapshot(vec![with_role(user(1, "mia"), "Ops", privileges)]);
            world.roles.insert(2, role("Ops", privileges));
            let found = findings(&rule(), world);
            assert_eq!(found.len(), 1);
            found.into_iter().next().unwrap()
        };
        let console = snapshot(Vec::new()).console;
        let (one, two) = (with(APPROVER), with(&[APPROVER, TICKETS].concat()));
        let many: Vec<&str> = KNOWN_PRIVILEGES.iter().copied().filter(|id| *id != "all-permissions").collect();
        let many = with(&many);
        assert_eq!([two.id(&console), many.id(&console)], [one.id(&console), one.id(&console)]);
        assert_eq!([one.severity, two.severity, many.severity], [Severity::High, Severity::High, Severity::Critical]);
        assert!(one.summary.starts_with("Through role Ops, 1 enabled account can ask for"), "{}", one.summary);
        let says = "Role Ops gives 1 enabled account 2 toxic combinations (T1, T3); with T1 they can ask for";
        assert!(two.summary.starts_with(says), "{}", two.summary);
        assert!(many.summary.contains(" 12 toxic combinations (") && many.summary.contains("; with T4 they can aim"));
        assert_eq!(many.evidence.iter().filter(|(label, _)| *label == "combination").count(), 12);
        let tickets = ("combination", "T3 (low), open a remediation ticket and close it without anybody else: \
                                       create-tickets, close-tickets".to_owned());
        assert!(two.evidence.contains(&tickets), "{:?}", two.evidence);
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
    fn the_vendors_design_is_one_finding_on_the_console() {
        let mut world = snapshot(vec![
            with_role(user(1, "mia"), "user", TICKETS),
            with_role(user(2, "ben"), "site-admin", TICKETS),
            with_role(user(3, "cy"), "site-admin", TICKETS),
        ]);
        world.roles.retain(|role| role.id.as_str() != "user");
        world.roles.extend([role("site-admin", TICKETS), role("user", TICKETS)]);
        let found = findings(&rule(), world.clone());
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].subject.name.as_str(), &*found[0].aspect, found[0].severity), ("hq", "T3", Severity::Low));
        assert!(found[0].summary.starts_with("By the vendor's design, the built-in roles site-admin and user let"));
        assert!(found[0].affected.is_empty());
        let roles = "site-admin: 2 enabled accounts, user: 1 enabled account";
        assert!(found[0].evidence.contains(&("roles", roles.into())), "{:?}", found[0].evidence);
        // A built-in role that has come to hold more than the vendor's design is told as any other.
        let more = [TICKETS, APPROVER].concat();
        world.users[0] = with_role(user(1, "mia"), "user", &more);
        world.roles.retain(|role| role.id.as_str() != "user");
        world.roles.push(role("user", &more));
        let found = findings(&rule(), world);
        assert_eq!(found.iter().map(|found| found.subject.name.as_str()).collect::<Vec<_>>(), ["user", "hq"]);
        assert!(found[0].evidence.iter().any(|(label, _)| *label == "built-in"));
        assert!(found[0].evidence.iter().all(|(label, says)| *label != "combination" || says.starts_with("T1 ")));
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
