//! Disagreements between two answers of the console, gathered by the one subject that each finding is about.

use std::collections::{BTreeMap, BTreeSet};

use super::{amount, cut};
use crate::finding::{Finding, Subject, SubjectKind};
use crate::graph::AccessGraph;
use crate::model::{Anomaly, CrossCheck, RoleId, UserId};

/// The most disagreements that one finding shows.
const SHOWN: usize = 10;

/// All disagreements about one subject, in the order of the cross-checks.
pub(super) struct Disagreements<'a> {
    /// What they are about.
    pub(super) subject: Subject,
    /// Both sides of each.
    pub(super) anomalies: Vec<&'a Anomaly>,
}

impl Disagreements<'_> {
    /// Adds both sides of the first few to a finding, and how many more there are.
    pub(super) fn evidence(&self, mut finding: Finding) -> Finding {
        let users: BTreeSet<UserId> = self.anomalies.iter().filter_map(|anomaly| anomaly.user).collect();
        let is_subject =
            |id: &UserId| self.subject.kind == SubjectKind::User && self.subject.id == id.to_string();
        finding = finding.affecting(users.into_iter().filter(|id| !is_subject(id)));
        for Anomaly { check: _, user, object, left, right } in self.anomalies.iter().take(SHOWN).copied() {
            let about = match user {
                Some(user) if self.subject.kind != SubjectKind::User => format!("user {user}: "),
                _ => format!("{}: ", cut(object)),
            };
            let side =
                |claim: &crate::model::Claim| format!("{} says {}", cut(&claim.endpoint), cut(&claim.says));
            finding = finding.with("disagreement", format!("{about}{}; {}", side(left), side(right)));
        }
        match self.anomalies.len().saturating_sub(SHOWN) {
            0 => finding,
            more => finding.with("not shown", amount(more, "more disagreement")),
        }
    }
}

/// Gathers the anomalies of some cross-checks: by user where one is named, unless the fault is the role's.
pub(super) fn disagreements<'a>(graph: &'a AccessGraph, checks: &[CrossCheck]) -> Vec<Disagreements<'a>> {
    let mut by_subject: BTreeMap<_, Disagreements<'_>> = BTreeMap::new();
    for anomaly in graph.snapshot().anomalies.iter().filter(|anomaly| checks.contains(&anomaly.check)) {
        let subject = subject_of(graph, anomaly);
        let key = (subject.kind, subject.id.parse::<i64>().ok(), subject.id.clone());
        let entry = by_subject.entry(key).or_insert_with(|| Disagreements { subject, anomalies: Vec::new() });
        entry.anomalies.push(anomaly);
    }
    let mut gathered: Vec<_> = by_subject.into_values().collect();
    for entry in &mut gathered {
        entry.anomalies.sort();
    }
    gathered
}

fn subject_of(graph: &AccessGraph, anomaly: &Anomaly) -> Subject {
    let of_role = matches!(anomaly.check, CrossCheck::RoleDefinition | CrossCheck::DanglingRole);
    match anomaly.user {
        Some(id) if !of_role => user(graph, id),
        _ => object(graph, anomaly.check, &anomaly.object),
    }
}

fn user(graph: &AccessGraph, id: UserId) -> Subject {
    graph.user(id).map_or_else(
        || Subject { kind: SubjectKind::User, id: id.to_string(), name: format!("user {id} (not listed)") },
        Subject::from,
    )
}

fn object(graph: &AccessGraph, check: CrossCheck, object: &str) -> Subject {
    let number = object.parse::<i64>().ok();
    let (kind, listed) = match check {
        CrossCheck::RoleUsers | CrossCheck::RoleDefinition | CrossCheck::DanglingRole => {
            (SubjectKind::Role, graph.role(&RoleId::from(object)).map(Subject::from))
        }
        CrossCheck::PrivilegeUsers | CrossCheck::UserPrivileges => (SubjectKind::Privilege, None),
        CrossCheck::AuthenticationSourceUsers => {
            let source = number.and_then(|id| graph.source(crate::model::AuthenticationSourceId(id)));
            (SubjectKind::AuthenticationSource, source.map(Subject::from))
        }
        CrossCheck::SiteUsers | CrossCheck::DanglingSite => {
            let site = number.and_then(|id| graph.site(crate::model::SiteId(id)));
            (SubjectKind::Site, site.map(Subject::from))
        }
        CrossCheck::AssetGroupUsers | CrossCheck::DanglingAssetGroup => {
            let group = number.and_then(|id| graph.asset_group(crate::model::AssetGroupId(id)));
            (SubjectKind::AssetGroup, group.map(Subject::from))
        }
        CrossCheck::IncompleteRecord => {
            (SubjectKind::Console, Some(Subject::from(&graph.snapshot().console)))
        }
    };
    listed.unwrap_or_else(|| Subject { kind, id: object.to_owned(), name: object.to_owned() })
}
