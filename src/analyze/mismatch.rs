//! Disagreements between two answers of the console, gathered by the one subject that each finding is about: the role,
//! privilege, source, site or group in question, however many users it is in question for.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use super::{amount, cut, enumerate};
use crate::finding::{About, Finding, Severity, Subject, SubjectKind};
use crate::graph::AccessGraph;
use crate::model::{
    Anomaly, AssetGroupId, AuthenticationSourceId, Claim, CrossCheck, RoleId, SiteId, UserId,
};

/// The most disagreements that one finding shows.
const SHOWN: usize = 10;

/// All disagreements about one subject, in the order of the cross-checks.
pub(super) struct Disagreements<'a> {
    graph: &'a AccessGraph,
    /// What they are about.
    subject: Subject,
    /// Both sides of each. Never empty.
    pub(super) anomalies: Vec<&'a Anomaly>,
}

impl Disagreements<'_> {
    /// The finding: the first disagreement in words, the first few with both sides, and the users as affected.
    pub(super) fn finding(&self, rule: &About, severity: Severity) -> Finding {
        let users: BTreeSet<UserId> = self.anomalies.iter().filter_map(|anomaly| anomaly.user).collect();
        let mut finding = Finding::new(rule, self.subject.clone(), severity, self.summary(&users));
        if self.subject.kind != SubjectKind::User {
            finding = finding.with("users", self.count(&users).to_string()).affecting(users);
        }
        let told = self.anomalies.iter().filter(|anomaly| anomaly.further_users == 0);
        for Anomaly { user, left, right, .. } in told.clone().take(SHOWN) {
            let side = |claim: &Claim| format!("{} {}", cut(&claim.endpoint), cut(&claim.says));
            let about = user.map(|id| format!("{}: ", cut(&self.login(id)))).unwrap_or_default();
            finding = finding.with("disagreement", format!("{about}{}; {}", side(left), side(right)));
        }
        let further: u64 = self.anomalies.iter().map(|anomaly| anomaly.further_users).sum();
        match told.skip(SHOWN).count() + as_count(further) {
            0 => finding,
            more => finding.with("not shown", amount(more, "more disagreement")),
        }
    }

    fn summary(&self, users: &BTreeSet<UserId>) -> String {
        let first =
            self.anomalies.iter().find(|anomaly| anomaly.user.is_some()).unwrap_or(&self.anomalies[0]);
        let names: Vec<_> = users.iter().map(|id| self.login(*id)).collect();
        let names: Vec<_> = names.iter().map(|name| cut(name)).collect();
        let count = self.count(users);
        let who = if names.is_empty() { "users".to_owned() } else { enumerate(&names, count) };
        let hold = if count == 1 { "holds" } else { "hold" };
        let kind = self.subject.kind.as_str().replace('_', " ");
        let object = format!("{kind} {}", cut(&self.subject.name));
        let record = match names.first() {
            Some(name) if count > 1 => format!("the record of {name}"),
            _ => "the record".to_owned(),
        };
        let (left, right) = (cut(&first.left.says), cut(&first.right.says));
        let other_side = match first.check {
            CrossCheck::IncompleteRecord => return format!("The record of {who} {left}"),
            CrossCheck::UserPrivileges => {
                return format!(
                    "Two answers on the privileges of {who} differ: the record {left}, the list of privileges {right}"
                );
            }
            CrossCheck::DanglingRole => {
                return format!("{who} {hold} {object}, which the console does not list");
            }
            CrossCheck::DanglingSite | CrossCheck::DanglingAssetGroup => {
                return format!("{who} {hold} a grant on {object}, which the console does not list");
            }
            CrossCheck::RoleDefinition => "the definition of the role",
            CrossCheck::RoleUsers
            | CrossCheck::PrivilegeUsers
            | CrossCheck::AuthenticationSourceUsers
            | CrossCheck::SiteUsers
            | CrossCheck::AssetGroupUsers => &format!("the list of users of the {kind}"),
        };
        let records = if count == 1 { "record" } else { "records" };
        format!(
            "{} and the {records} of {who} contradict each other: {record} {left}, {other_side} {right}",
            capitalised(&object)
        )
    }

    /// How many users it is about; at least, where the users of several cross-checks were not all told one by one.
    fn count(&self, users: &BTreeSet<UserId>) -> usize {
        let mut by_check: BTreeMap<CrossCheck, (BTreeSet<UserId>, u64)> = BTreeMap::new();
        for anomaly in &self.anomalies {
            let (told, further) = by_check.entry(anomaly.check).or_default();
            told.extend(anomaly.user);
            *further += anomaly.further_users;
        }
        let counts = by_check.into_values().map(|(told, further)| told.len() + as_count(further));
        counts.max().unwrap_or_default().max(users.len())
    }

    fn login(&self, id: UserId) -> Cow<'_, str> {
        let user = self.graph.user(id);
        user.map_or_else(|| format!("user {id} (not listed)").into(), |user| user.login.as_str().into())
    }
}

fn capitalised(text: &str) -> String {
    let mut rest = text.chars();
    rest.next().map(|first| first.to_uppercase().chain(rest).collect()).unwrap_or_default()
}

fn as_count(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

/// Gathers the anomalies of some cross-checks by subject.
pub(super) fn disagreements<'a>(graph: &'a AccessGraph, checks: &[CrossCheck]) -> Vec<Disagreements<'a>> {
    let mut by_subject: BTreeMap<_, Disagreements<'_>> = BTreeMap::new();
    for anomaly in graph.snapshot().anomalies.iter().filter(|anomaly| checks.contains(&anomaly.check)) {
        let subject = subject_of(graph, anomaly);
        let key = (subject.kind, subject.id.parse::<i64>().ok(), subject.id.clone());
        let entry =
            by_subject.entry(key).or_insert_with(|| Disagreements { graph, subject, anomalies: Vec::new() });
        entry.anomalies.push(anomaly);
    }
    let mut gathered: Vec<_> = by_subject.into_values().collect();
    for entry in &mut gathered {
        entry.anomalies.sort();
    }
    gathered
}

/// The object, so that the subject, and with it the finding's id, does not depend on who disagrees. A record of a user
/// that contradicts nothing but itself is the user's.
fn subject_of(graph: &AccessGraph, anomaly: &Anomaly) -> Subject {
    let object = anomaly.object.as_str();
    let number = object.parse::<i64>().ok();
    let (kind, listed) = match anomaly.check {
        CrossCheck::RoleUsers | CrossCheck::RoleDefinition | CrossCheck::DanglingRole => {
            (SubjectKind::Role, graph.role(&RoleId::from(object)).map(Subject::from))
        }
        CrossCheck::PrivilegeUsers => (SubjectKind::Privilege, None),
        CrossCheck::AuthenticationSourceUsers => {
            let source = number.and_then(|id| graph.source(AuthenticationSourceId(id)));
            (SubjectKind::AuthenticationSource, source.map(Subject::from))
        }
        CrossCheck::SiteUsers | CrossCheck::DanglingSite => {
            (SubjectKind::Site, number.and_then(|id| graph.site(SiteId(id))).map(Subject::from))
        }
        CrossCheck::AssetGroupUsers | CrossCheck::DanglingAssetGroup => {
            let group = number.and_then(|id| graph.asset_group(AssetGroupId(id)));
            (SubjectKind::AssetGroup, group.map(Subject::from))
        }
        CrossCheck::UserPrivileges | CrossCheck::IncompleteRecord => {
            let id = anomaly.user.or(number.map(UserId));
            return id.map_or_else(|| unlisted(SubjectKind::User, object), |id| user(graph, id));
        }
    };
    listed.unwrap_or_else(|| unlisted(kind, object))
}

fn user(graph: &AccessGraph, id: UserId) -> Subject {
    graph.user(id).map_or_else(
        || Subject {
            name: format!("user {id} (not listed)"),
            ..unlisted(SubjectKind::User, &id.to_string())
        },
        Subject::from,
    )
}

fn unlisted(kind: SubjectKind, id: &str) -> Subject {
    Subject { kind, id: id.to_owned(), name: id.to_owned() }
}
