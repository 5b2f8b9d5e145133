//! How much an account can do: everything, administration under another name, or changes at all.

use std::collections::{BTreeSet, HashMap};

use super::{Combination, held_by};
use crate::finding::Severity;
use crate::graph::AccessGraph;
use crate::model::{PrivilegeId, User};

/// The privileges that change nothing but reports, tickets and requests. Whatever is not known to be harmless, a
/// privilege of a newer console included, counts as able to change.
const HARMLESS: &[&str] = &[
    "assign-ticket-assignee",
    "close-tickets",
    "create-reports",
    "create-tickets",
    "submit-vulnerability-exceptions",
    "use-restricted-report-sections",
    "view-asset-group-asset-data",
    "view-site-asset-data",
    "view-vuln-investigations",
];

/// The privilege that stands for all.
const ALL_PERMISSIONS: &str = "all-permissions";

/// Whether an account holds every privilege there is: Global Administrator, superuser or `all-permissions`. `None` if
/// its privileges are not known and nothing else tells.
pub(super) fn holds_everything(user: &User) -> Option<bool> {
    if user.is_global_admin() {
        return Some(true);
    }
    Some(user.effective_privileges()?.contains(ALL_PERMISSIONS))
}

/// Who has administrative power on one console, worked out once for all rules.
#[derive(Debug)]
pub(super) struct Powers<'a> {
    /// The table of combinations that count.
    pub(super) combinations: &'a [Combination],
    /// In the order of the users.
    privileged: Vec<Option<bool>>,
}

impl<'a> Powers<'a> {
    /// Works them out for every user of a console.
    pub(super) fn new(combinations: &'a [Combination], graph: &AccessGraph) -> Self {
        // Accounts of one role share their set of privileges: the table is held against each set once.
        let mut told: HashMap<*const BTreeSet<PrivilegeId>, bool> = HashMap::new();
        let of_user = |user: &User| {
            if user.is_global_admin() {
                return Some(true);
            }
            let held = user.effective_privileges()?;
            Some(*told.entry(held).or_insert_with(|| gives_power(combinations, held)))
        };
        Self { combinations, privileged: graph.users().iter().map(of_user).collect() }
    }

    /// Whether an account of that console has administrative power.
    pub(super) fn is_privileged(&self, graph: &AccessGraph, user: &User) -> Option<bool> {
        self.privileged.get(graph.place(user)?).copied().flatten()
    }
}

/// Whether an account has administrative power: it holds everything, or a toxic combination of high or critical
/// severity.
pub(super) fn is_privileged(combinations: &[Combination], user: &User) -> Option<bool> {
    if user.is_global_admin() {
        return Some(true);
    }
    Some(gives_power(combinations, user.effective_privileges()?))
}

/// Whether privileges are administrative power.
fn gives_power(combinations: &[Combination], held: &BTreeSet<PrivilegeId>) -> bool {
    held.contains(ALL_PERMISSIONS) || held_by(combinations, held).any(|row| row.severity >= Severity::High)
}

/// Whether an account can change sites, scans, assets, policies or access.
pub(super) fn can_change(user: &User) -> Option<bool> {
    if holds_everything(user)? {
        return Some(true);
    }
    let held = user.effective_privileges()?;
    Some(held.iter().any(|id| !HARMLESS.contains(&id.as_str())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analyze::COMBINATIONS;
    use crate::model::sample::{global_admin, user, with_role};
    use crate::model::{Answer, User};

    fn holding(privileges: &[&str]) -> User {
        with_role(user(1, "mia"), "Custom", privileges)
    }

    fn unanswered(mut user: User) -> User {
        user.privileges = Answer::Missing;
        user.role.privileges = None;
        user
    }

    #[test]
    fn power_comes_from_role_flag_wildcard_or_combination() {
        assert_eq!(is_privileged(&COMBINATIONS, &global_admin(1, "root")), Some(true));
        assert_eq!(is_privileged(&COMBINATIONS, &holding(&["all-permissions"])), Some(true));
        let approver = ["submit-vulnerability-exceptions", "approve-vulnerability-exceptions"];
        assert_eq!(is_privileged(&COMBINATIONS, &holding(&approver)), Some(true));
        assert_eq!(is_privileged(&COMBINATIONS, &holding(&approver[..1])), Some(false));
    }

    #[test]
    fn low_and_medium_combinations_give_no_power() {
        assert_eq!(is_privileged(&COMBINATIONS, &holding(&["create-tickets", "close-tickets"])), Some(false));
    }

    #[test]
    fn unanswered_is_not_powerless() {
        assert_eq!(is_privileged(&COMBINATIONS, &unanswered(user(1, "mia"))), None);
        assert_eq!(can_change(&unanswered(user(1, "mia"))), None);
        assert_eq!(is_privileged(&COMBINATIONS, &unanswered(global_admin(1, "root"))), Some(true));
    }

    #[test]
    fn a_privilege_of_a_newer_console_counts_as_change() {
        assert_eq!(can_change(&holding(&["view-site-asset-data", "create-reports"])), Some(false));
        assert_eq!(can_change(&holding(&["manage-everything-new"])), Some(true));
    }

    #[test]
    fn harmless_privileges_are_known_ones() {
        assert!(HARMLESS.iter().all(|id| crate::model::KNOWN_PRIVILEGES.contains(id)));
    }
}
