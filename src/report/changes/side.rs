//! One console in one run, indexed.

use std::collections::{HashMap, HashSet};

use super::{administrates, is_administrative};
use crate::finding::SubjectKind;
use crate::model::{Part, PrivilegeId, Role, RoleId, Snapshot, User, UserId};

/// One snapshot and the look-ups that a comparison needs.
pub(super) struct Side<'a> {
    pub(super) snapshot: &'a Snapshot,
    pub(super) users: HashMap<UserId, &'a User>,
    pub(super) roles: HashMap<&'a RoleId, &'a Role>,
    /// How many users hold each role.
    pub(super) holders: HashMap<&'a RoleId, usize>,
    pub(super) privileges: HashSet<&'a PrivilegeId>,
    /// Names of authentication sources, sites and asset groups.
    pub(super) sources: HashMap<i64, &'a str>,
    pub(super) sites: HashMap<i64, &'a str>,
    pub(super) asset_groups: HashMap<i64, &'a str>,
}

impl<'a> Side<'a> {
    pub(super) fn of(snapshot: &'a Snapshot) -> Self {
        let mut holders = HashMap::new();
        for role in snapshot.users.iter().filter_map(|user| user.role.id.as_ref()) {
            *holders.entry(role).or_default() += 1;
        }
        let sources = snapshot.authentication_sources.iter();
        Self {
            snapshot,
            users: snapshot.users.iter().map(|user| (user.id, user)).collect(),
            roles: snapshot.roles.iter().map(|role| (&role.id, role)).collect(),
            holders,
            privileges: snapshot.privileges.iter().collect(),
            sources: sources.map(|source| (source.id.0, &*source.name)).collect(),
            sites: snapshot.sites.iter().map(|site| (site.id.0, &*site.name)).collect(),
            asset_groups: snapshot.asset_groups.iter().map(|group| (group.id.0, &*group.name)).collect(),
        }
    }

    /// Whether a part was seen whole, by a collector that may see everything.
    pub(super) fn is_whole(&self, part: Part) -> bool {
        let coverage = &self.snapshot.coverage;
        coverage.is_complete(Part::Collector) && coverage.is_complete(part)
    }

    /// Whether the console has a subject of findings; `None` where its list was not seen whole.
    pub(super) fn has(&self, kind: SubjectKind, id: &str) -> Option<bool> {
        let number = || id.parse::<i64>().ok();
        let (part, listed) = match kind {
            SubjectKind::User => (Part::Users, self.users.contains_key(&UserId(number()?))),
            SubjectKind::Role => (Part::Roles, self.roles.contains_key(&RoleId::from(id))),
            SubjectKind::Privilege => (Part::Privileges, self.privileges.contains(&PrivilegeId::from(id))),
            SubjectKind::AuthenticationSource => {
                (Part::AuthenticationSources, self.sources.contains_key(&number()?))
            }
            SubjectKind::Site => (Part::Sites, self.sites.contains_key(&number()?)),
            SubjectKind::AssetGroup => (Part::AssetGroups, self.asset_groups.contains_key(&number()?)),
            SubjectKind::Report => {
                let id = number()?;
                (Part::Reports, self.snapshot.reports.known()?.iter().any(|report| report.id == id))
            }
            SubjectKind::Console => return Some(true),
        };
        if listed { Some(true) } else { self.is_whole(part).then_some(false) }
    }

    /// Whether a subject of findings is an account or a role that may do everything.
    pub(super) fn is_administrator(&self, kind: SubjectKind, id: &str) -> bool {
        match kind {
            SubjectKind::User => {
                let user = id.parse().ok().and_then(|id| self.users.get(&UserId(id)));
                user.is_some_and(|user| administrates(user))
            }
            SubjectKind::Role => {
                self.roles.get(&RoleId::from(id)).is_some_and(|role| is_administrative(role))
            }
            _ => false,
        }
    }
}
