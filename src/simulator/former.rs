//! The estate as it stood some months before: what was added, raised and edited since is not in it.

use super::{Account, Estate};

impl Estate {
    /// This console some months ago. Some of today's administrators had ordinary work then, a role held less, one
    /// account did not exist, and the product was one version older.
    #[must_use]
    pub fn former(&self) -> Self {
        let mut former = self.clone();
        let plain = |account: &Account| !account.is_global_admin() && account.role == "user";
        if let Some(newcomer) = last(&former, &plain) {
            former.users.remove(&newcomer);
        }
        let raised = last(&former, &|account| account.is_global_admin() && account.enabled);
        if let Some(account) = raised.and_then(|id| former.users.get_mut(&id)) {
            "user".clone_into(&mut account.role);
            (account.superuser, account.all_sites, account.all_asset_groups) = (false, false, false);
            account.sites = self.sites.keys().copied().take(2).collect();
        }
        if let Some(role) = former.roles.get_mut("Scan Engineer") {
            role.privileges.remove("manage-site-credentials");
        }
        for role in ["security-manager", "site-admin"] {
            if let Some(role) = former.roles.get_mut(role) {
                role.privileges.remove("view-vuln-investigations");
            }
        }
        "6.6.198".clone_into(&mut former.version);
        former
    }
}

/// The highest id of an account that is as wanted.
fn last(estate: &Estate, wanted: &dyn Fn(&Account) -> bool) -> Option<i64> {
    estate.users.iter().rev().find(|(_, account)| wanted(account)).map(|(id, _)| *id)
}

#[cfg(test)]
mod tests {
    use super::super::EstateOptions;
    use super::*;

    #[test]
    fn less_was_there_before() {
        let now = Estate::generate(&EstateOptions::default());
        let former = now.former();
        let administrators =
            |estate: &Estate| estate.users.values().filter(|one| one.is_global_admin()).count();
        assert_eq!(former.users.len() + 1, now.users.len());
        assert_eq!(administrators(&former) + 1, administrators(&now));
        let held = |estate: &Estate| estate.roles["Scan Engineer"].privileges.len();
        assert_eq!(held(&former) + 1, held(&now));
        assert!(former.version < now.version);
    }
}
