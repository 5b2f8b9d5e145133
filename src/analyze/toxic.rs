//! The toxic combinations: sets of privileges that together allow what neither allows alone.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use crate::finding::{Severity, Subject, SubjectKind};
use crate::graph::AccessGraph;
use crate::model::{PrivilegeId, RoleId, User};

/// One row of the table in `toxic_combinations.toml`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Combination {
    /// Its code, such as `T4`.
    pub code: String,
    /// Every one of these groups must be met; a group is met by any one of its privileges.
    pub all_of: Vec<Vec<String>>,
    /// What a holder can do: the words after "can".
    pub effect: String,
    /// How much that matters.
    pub severity: Severity,
    /// Whether it amounts to administrative power under another role's name.
    #[serde(default)]
    pub admin_effect: bool,
    /// Built-in roles that hold it by the vendor's design.
    #[serde(default)]
    pub by_design: Vec<String>,
}

/// The table that is compiled in.
#[expect(clippy::expect_used, reason = "the table is part of the program, and a test parses it")]
pub static COMBINATIONS: LazyLock<Vec<Combination>> = LazyLock::new(|| {
    #[derive(Deserialize)]
    struct Table {
        combination: Vec<Combination>,
    }
    let table: Table =
        toml::from_str(include_str!("toxic_combinations.toml")).expect("toxic_combinations.toml");
    table.combination
});

impl Combination {
    /// Whether a set of privileges meets every group.
    pub(super) fn is_met_by(&self, held: &BTreeSet<PrivilegeId>) -> bool {
        self.all_of.iter().all(|group| group.iter().any(|id| held.contains(id.as_str())))
    }

    /// Whether a role has it by the vendor's design.
    pub(super) fn is_by_design_of(&self, role: &RoleId) -> bool {
        self.by_design.iter().any(|id| id == role.as_str())
    }

    /// The privileges of a set that meet the groups, in the order of the table.
    pub(super) fn met_with<'a>(&'a self, held: &BTreeSet<PrivilegeId>) -> impl Iterator<Item = &'a str> {
        self.all_of.iter().flatten().map(String::as_str).filter(|id| held.contains(*id))
    }
}

/// The combinations of a table that a set of privileges holds, in the order of the table.
pub(super) fn held_by<'a>(
    table: &'a [Combination],
    held: &BTreeSet<PrivilegeId>,
) -> impl Iterator<Item = &'a Combination> {
    table.iter().filter(|row| row.is_met_by(held))
}

/// Who holds which combinations, told by what gives them. A role that defines one is named once with all its holders;
/// an account is named on its own for what it holds beyond its role.
#[derive(Debug, Default)]
pub(super) struct Holdings<'a> {
    /// Combinations that a role defines, by role and row, each with at least one holder.
    pub(super) through_roles: BTreeMap<&'a RoleId, Vec<Holding<'a>>>,
    /// Combinations that an account holds although its role does not define them.
    pub(super) beyond_roles: Vec<(&'a User, Vec<&'a Combination>)>,
    /// Enabled accounts that do not hold everything anyway.
    pub(super) expected: u64,
    /// How many of them have known privileges.
    pub(super) examined: u64,
}

/// A combination that a role defines, and who holds it through that role.
#[derive(Debug)]
pub(super) struct Holding<'a> {
    /// The combination.
    pub(super) row: &'a Combination,
    /// Its place in the table.
    pub(super) place: usize,
    /// Enabled accounts, by id; never empty.
    pub(super) users: Vec<&'a User>,
}

impl Holding<'_> {
    /// The role as a subject; a role that the console does not list is named as its holders' records name it.
    pub(super) fn role(&self, graph: &AccessGraph, id: &RoleId) -> Subject {
        graph.role(id).map_or_else(
            || Subject {
                kind: SubjectKind::Role,
                id: id.to_string(),
                name: self.users[0].role.name.clone().unwrap_or_else(|| id.to_string()),
            },
            Subject::from,
        )
    }
}

/// Finds every holder of every combination among the enabled accounts. Who holds everything is left out: that is one
/// finding of its own, not twelve.
pub(super) fn holdings<'a>(table: &'a [Combination], graph: &'a AccessGraph) -> Holdings<'a> {
    let mut holdings = Holdings::default();
    // Accounts of one role share their set of privileges: the table is held against each set once.
    let mut met: HashMap<*const BTreeSet<PrivilegeId>, Vec<(usize, &Combination)>> = HashMap::new();
    for user in super::enabled(graph) {
        if super::holds_everything(user) == Some(true) {
            continue;
        }
        holdings.expected += 1;
        let Some(held) = user.effective_privileges() else { continue };
        holdings.examined += 1;
        let rows = met
            .entry(held)
            .or_insert_with(|| table.iter().enumerate().filter(|(_, row)| row.is_met_by(held)).collect());
        let mut beyond = Vec::new();
        for &(place, row) in &*rows {
            match &user.role.id {
                Some(id) if definition(graph, user).is_some_and(|defined| row.is_met_by(defined)) => {
                    holdings.add(id, (place, row), user);
                }
                _ => beyond.push(row),
            }
        }
        if !beyond.is_empty() {
            holdings.beyond_roles.push((user, beyond));
        }
    }
    for rows in holdings.through_roles.values_mut() {
        rows.sort_by_key(|holding| holding.place);
    }
    holdings
}

impl<'a> Holdings<'a> {
    fn add(&mut self, role: &'a RoleId, (place, row): (usize, &'a Combination), user: &'a User) {
        let rows = self.through_roles.entry(role).or_default();
        match rows.iter_mut().find(|holding| holding.place == place) {
            Some(holding) => holding.users.push(user),
            None => rows.push(Holding { row, place, users: vec![user] }),
        }
    }
}

/// What a user's role defines: the role itself, else the copy in the user's record.
fn definition<'a>(graph: &'a AccessGraph, user: &'a User) -> Option<&'a BTreeSet<PrivilegeId>> {
    let role = user.role.id.as_ref().and_then(|id| graph.role(id));
    role.map(|role| &role.privileges).or(user.role.privileges.as_deref())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::sample::{global_admin, role, snapshot, user, with_role};
    use crate::model::{BUILTIN_ROLES, KNOWN_PRIVILEGES};

    const APPROVER: &[&str] = &["submit-vulnerability-exceptions", "approve-vulnerability-exceptions"];

    #[test]
    fn the_table_speaks_of_known_privileges_and_roles() {
        let codes: Vec<_> = COMBINATIONS.iter().map(|row| row.code.as_str()).collect();
        assert_eq!(codes, (1..=12).map(|number| format!("T{number}")).collect::<Vec<_>>());
        for row in COMBINATIONS.iter() {
            assert!(
                row.all_of.len() >= 2 && row.all_of.iter().all(|group| !group.is_empty()),
                "{}",
                row.code
            );
            let ids = row.all_of.iter().flatten();
            assert!(ids.clone().all(|id| KNOWN_PRIVILEGES.contains(&id.as_str())), "{}", row.code);
            assert_eq!(ids.clone().collect::<BTreeSet<_>>().len(), ids.count(), "{}", row.code);
            assert!(row.by_design.iter().all(|id| BUILTIN_ROLES.contains(&id.as_str())), "{}", row.code);
            assert!(!row.effect.is_empty() && !row.effect.ends_with('.'), "{}", row.code);
            assert!(!row.admin_effect || row.severity >= Severity::High, "{}", row.code);
        }
    }

    /// What built-in roles have been recorded with (`console-api.md` §6).
    const RECORDED: &[(&str, &[&str])] = &[
        (
            "site-admin",
            &[
                "assign-scan-template",
                "assign-ticket-assignee",
                "close-tickets",
                "create-reports",
                "create-tickets",
                "manage-report-templates",
                "manage-scan-alerts",
                "manage-site-credentials",
                "manage-vuln-investigations",
                "schedule-automatic-scans",
                "specify-site-metadata",
                "start-unscheduled-scans",
                "view-site-asset-data",
                "view-vuln-investigations",
            ],
        ),
        (
            "user",
            &[
                "assign-ticket-assignee",
                "close-tickets",
                "create-reports",
                "create-tickets",
                "view-asset-group-asset-data",
                "view-site-asset-data",
            ],
        ),
    ];

    #[test]
    fn the_vendors_design_is_what_was_recorded() {
        for (role, privileges) in RECORDED {
            let held = privileges.iter().map(|id| PrivilegeId::from(*id)).collect();
            let met: Vec<_> = held_by(&COMBINATIONS, &held).map(|row| &row.code).collect();
            let listed = COMBINATIONS.iter().filter(|row| row.is_by_design_of(&RoleId::from(*role)));
            assert_eq!(listed.map(|row| &row.code).collect::<Vec<_>>(), met, "{role}");
        }
        // The design excuses nothing that matters: no preset is known to come with more than a low row.
        assert!(COMBINATIONS.iter().all(|row| row.by_design.is_empty() || row.severity <= Severity::Low));
    }

    #[test]
    fn every_group_has_to_be_met() {
        let held = |ids: &[&str]| ids.iter().map(|id| PrivilegeId::from(*id)).collect::<BTreeSet<_>>();
        let t4 = ["manage-site-credentials", "manage-sites", "start-unscheduled-scans"];
        assert!(held_by(&COMBINATIONS, &held(&t4)).any(|row| row.code == "T4"));
        for missing in 0..3 {
            let two: Vec<_> = (0..3).filter(|index| *index != missing).map(|index| t4[index]).collect();
            assert!(held_by(&COMBINATIONS, &held(&two)).next().is_none());
        }
    }

    #[test]
    fn holders_are_told_by_what_gives_it() {
        let mut world = snapshot(vec![
            global_admin(1, "root"),
            with_role(user(2, "ana"), "Approver", APPROVER),
            with_role(user(3, "bo"), "Auditors", APPROVER),
            with_role(user(4, "cy"), "Vanished", APPROVER),
        ]);
        world.users[2].role.privileges = None;
        world.roles.insert(0, role("Approver", APPROVER));
        let graph = AccessGraph::build(world);
        let holdings = holdings(&COMBINATIONS, &graph);
        let through: Vec<_> = holdings.through_roles.keys().map(|id| id.as_str()).collect();
        assert_eq!(through, ["Approver", "Vanished"]);
        let beyond: Vec<_> = holdings.beyond_roles.iter().map(|(user, _)| user.login.as_str()).collect();
        assert_eq!(beyond, ["bo"]);
        assert_eq!((holdings.examined, holdings.expected), (3, 3));
    }
}
