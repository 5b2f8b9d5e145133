//! Ids of roles in the rules' settings that no console lists: a name in the place of an id fits nothing, in silence.

use super::Lines;
use crate::config::{Config, nearest};
use crate::model::{Part, Role, Snapshot};
use crate::untrusted::visible;

/// The roles that the consoles list.
pub(super) struct Listed {
    roles: Vec<Role>,
    /// Whether every list was seen whole: else a role that is not in them may be there all the same.
    is_whole: bool,
}

impl Listed {
    pub(super) fn new() -> Self {
        Self { roles: Vec::new(), is_whole: true }
    }

    /// Takes what a console lists; `None` if it could not be asked.
    pub(super) fn add(&mut self, snapshot: Option<Snapshot>) {
        let whole = snapshot.filter(|snapshot| snapshot.coverage.is_complete(Part::Roles));
        self.is_whole &= whole.is_some();
        self.roles.extend(whole.map(|snapshot| snapshot.roles).unwrap_or_default());
    }

    /// A setting may name a role that is yet to come: no mistake.
    pub(super) fn tell(&self, config: &Config, lines: &mut Lines<'_>) -> anyhow::Result<()> {
        if !self.is_whole || self.roles.is_empty() {
            return Ok(());
        }
        let rules = &config.analyzers;
        for (key, ids) in [
            ("all_scope_flag.allowed_roles", &rules.all_scope_flag.allowed_roles),
            ("exposed_site.approved_roles", &rules.exposed_site.approved_roles),
        ] {
            for id in ids {
                if let Some(problem) = self.problem(id) {
                    lines.screen.line(format!("      analyzers.{key}: {}", visible(&problem)))?;
                }
            }
        }
        Ok(())
    }

    /// Why an id fits no role, and the mend.
    fn problem(&self, id: &str) -> Option<String> {
        if self.roles.iter().any(|role| role.id.as_str() == id) {
            return None;
        }
        let problem = format!("no console lists a role with the id {id:?}");
        if let Some(role) = self.roles.iter().find(|role| role.name.eq_ignore_ascii_case(id.trim())) {
            return Some(format!("{problem}; that is a name, write {:?}", role.id.as_str()));
        }
        let ids: Vec<&str> = self.roles.iter().map(|role| role.id.as_str()).collect();
        Some(format!("{problem}{}", nearest(id, &ids)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::sample::{incomplete, snapshot};

    #[test]
    fn a_name_in_the_place_of_an_id_is_told_with_the_id() {
        let mut world = snapshot(Vec::new());
        let mut role = crate::model::sample::role("global-admin", &[]);
        role.name = "Global Administrator".into();
        world.roles = vec![role];
        let mut listed = Listed::new();
        listed.add(Some(world.clone()));
        assert_eq!(listed.problem("global-admin"), None);
        let told = listed.problem("Global Administrator").unwrap();
        assert_eq!(
            told,
            "no console lists a role with the id \"Global Administrator\"; that is a name, write \"global-admin\""
        );
        let told = listed.problem("global-admins").unwrap();
        assert!(told.ends_with("did you mean \"global-admin\"?"), "{told}");
        assert!(listed.is_whole);
        listed.add(Some(incomplete(world, Part::Roles)));
        assert!(!listed.is_whole, "a part of the roles proves nothing");
    }
}
