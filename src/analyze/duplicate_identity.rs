//! HYG-03: several accounts of one person.

use std::collections::{BTreeMap, HashMap};

use super::{
    Context, Outcome, Rule, amount, cut, is_one_person, iso27001, list, login_form, name_form, nist, pci_dss,
    shared_mailboxes, soc2,
};
use crate::finding::{About, Finding, Severity};
use crate::model::{Part, User};

static ABOUT: About = About {
    id: "duplicate_identity",
    code: "HYG-03",
    title: "Several accounts of one person",
    flags: "Accounts, at least one of them enabled, that share a mailbox and a name, or a name and a login across \
            authentication sources.",
    why: "When the person leaves or moves, the directory closes one account and the twin stays open.",
    severity: Severity::Medium,
    click_path: "Administration > Users > Manage users: agree with the person which account stays, move its grants, and \
                 delete the others.",
    api_call: "GET /api/3/users/{id}/sites and /asset_groups of the accounts to go, PUT the same on the account that \
               stays, then DELETE /api/3/users/{id}.",
    controls: &[soc2("CC6.2"), iso27001("5.16"), pci_dss("8.2.1"), nist("IA-4")],
    needs: &[Part::Users],
    version: 1,
};

rule! {
    /// `[analyzers.duplicate_identity]`: HYG-03.
    DuplicateIdentity {}
}

impl Rule for DuplicateIdentity {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn examine(&self, Context { graph, .. }: Context<'_>) -> Outcome {
        let users = graph.users();
        let comparable = |user: &&User| user.email.is_some() || source(user).is_some();
        let findings = clusters(users).into_iter().filter(|cluster| cluster.iter().any(|user| user.is_enabled()));
        Outcome {
            examined: users.iter().filter(comparable).count() as u64,
            expected: users.len() as u64,
            findings: findings.map(|cluster| finding(&cluster)).collect(),
        }
    }
}

fn finding(cluster: &[&User]) -> Finding {
    let lead = cluster[0];
    let (first, second) = (cut(&lead.login), cut(&cluster[1].login));
    let summary = match cluster.len() - 2 {
        0 => format!("{first} and {second} look like one person"),
        more => format!("{first}, {second} and {} look like one person", amount(more, "more account")),
    };
    let account = |user: &&User| {
        let state = if user.is_enabled() { "enabled" } else { "disabled" };
        let source = user.authentication.as_ref().and_then(|from| from.name.as_deref()).unwrap_or("unknown source");
        format!("{} (id {}, {}, {state})", cut(&user.login), user.id, cut(source))
    };
    Finding::new(ABOUT.id, lead, Severity::Medium, summary)
        .with("name", cut(&lead.name))
        .with("mail address", cut(lead.email.as_deref().unwrap_or("none")))
        .with("accounts", list(cluster.iter().map(account)))
        .affecting(cluster[1..].iter().map(|user| user.id))
}

/// Accounts of one person, each cluster and all clusters by id. Whoever shares a trait with one member belongs to it.
fn clusters(users: &[User]) -> Vec<Vec<&User>> {
    let mut union = Union::new(users.len());
    let index: HashMap<_, _> = users.iter().enumerate().map(|(index, user)| (user.id, index)).collect();
    let mut join = |same: &[&User]| {
        for pair in same.windows(2) {
            union.join(index[&pair[0].id], index[&pair[1].id]);
        }
    };
    for (_, same) in shared_mailboxes(users.iter()) {
        if is_one_person(&same) {
            join(&same);
        }
    }
    for same in same_name_and_login(users) {
        join(&same);
    }
    let mut clusters: BTreeMap<usize, Vec<&User>> = BTreeMap::new();
    for (index, user) in users.iter().enumerate() {
        clusters.entry(union.root(index)).or_default().push(user);
    }
    let mut clusters: Vec<_> = clusters.into_values().filter(|cluster| cluster.len() > 1).collect();
    for cluster in &mut clusters {
        cluster.sort_by_key(|user| user.id);
    }
    clusters.sort_by_key(|cluster| cluster[0].id);
    clusters
}

/// Accounts of different sources with equal names and equal logins, but for case, separators and domain.
fn same_name_and_login(users: &[User]) -> impl Iterator<Item = Vec<&User>> {
    let mut alike: HashMap<(String, String), Vec<&User>> = HashMap::new();
    for user in users.iter().filter(|user| source(user).is_some()) {
        alike.entry((login_form(&user.login), name_form(&user.name))).or_default().push(user);
    }
    alike.into_values().filter(|same| same.iter().any(|user| source(user) != source(same[0])))
}

/// What tells authentication sources apart: the id, else the type.
fn source(user: &User) -> Option<(Option<i64>, Option<&str>)> {
    let from = user.authentication.as_ref()?;
    match (from.id, from.kind.as_deref()) {
        (Some(id), _) => Some((Some(id.0), None)),
        (None, Some(kind)) => Some((None, Some(kind))),
        (None, None) => None,
    }
}

/// Disjoint sets over indexes.
struct Union(Vec<usize>);

impl Union {
    fn new(len: usize) -> Self {
        Self((0..len).collect())
    }

    fn root(&mut self, mut index: usize) -> usize {
        while self.0[index] != index {
            self.0[index] = self.0[self.0[index]];
            index = self.0[index];
        }
        index
    }

    /// The smaller root stays, so that the outcome does not depend on the order of joining.
    fn join(&mut self, a: usize, b: usize) {
        let (a, b) = (self.root(a), self.root(b));
        self.0[a.max(b)] = a.min(b);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analyze::check::{Expect, check, findings};
    use crate::model::sample::{incomplete, local_user, snapshot, user};

    fn rule() -> DuplicateIdentity {
        DuplicateIdentity::default()
    }

    fn person(user: User, name: &str, mail: &str) -> User {
        User { name: name.into(), email: Some(mail.into()), ..user }
    }

    #[test]
    fn flags_one_mailbox_and_one_name() {
        let world = snapshot(vec![
            person(user(1, "ana"), "Ana Silva", "ana@corp.example"),
            person(local_user(2, "asilva"), "Silva, Ana", "Ana+vm@corp.example"),
            user(3, "ben"),
        ]);
        check(&rule(), world.clone(), Expect::Fail(&["ana"]));
        let accounts = &findings(&rule(), world)[0].evidence[2].1;
        assert!(accounts.contains("ana (id 1, ") && accounts.contains("asilva (id 2, "), "{accounts}");
    }

    #[test]
    fn flags_the_same_login_and_name_across_sources_only() {
        let twin = |user: User| User { name: "Ana Silva".into(), email: None, ..user };
        let across = snapshot(vec![twin(user(1, "CORP\\ana.silva")), twin(local_user(2, "ana_silva"))]);
        check(&rule(), across, Expect::Fail(&["CORP\\ana.silva"]));
        let within = snapshot(vec![twin(user(1, "CORP\\ana.silva")), twin(user(2, "LAB\\ana.silva"))]);
        check(&rule(), within, Expect::Pass);
    }

    #[test]
    fn chains_make_one_cluster() {
        let world = snapshot(vec![
            person(user(1, "ana"), "Ana Silva", "ana@corp.example"),
            person(user(2, "ana2"), "Ana Silva", "ana@corp.example"),
            person(local_user(3, "ana2"), "Ana Silva", "ana@home.example"),
        ]);
        check(&rule(), world.clone(), Expect::Fail(&["ana"]));
        assert!(findings(&rule(), world)[0].summary.contains("ana2 and 1 more account look"));
    }

    #[test]
    fn different_people_on_one_mailbox_are_not_one() {
        let world = snapshot(vec![
            person(user(1, "ana"), "Ana Silva", "desk@corp.example"),
            person(user(2, "bo"), "Bo Li", "desk@corp.example"),
        ]);
        check(&rule(), world, Expect::Pass);
    }

    #[test]
    fn a_disabled_twin_counts_while_another_is_enabled() {
        let twin = |id, enabled| User {
            enabled: Some(enabled),
            ..person(user(id, &format!("ana{id}")), "Ana Silva", "ana@corp.example")
        };
        check(&rule(), snapshot(vec![twin(1, false), twin(2, true)]), Expect::Fail(&["ana1"]));
        check(&rule(), snapshot(vec![twin(1, false), twin(2, false)]), Expect::Pass);
    }

    #[test]
    fn an_account_with_nothing_to_compare_is_unknown() {
        let bare = User { authentication: None, email: None, ..user(1, "ana") };
        check(&rule(), snapshot(vec![bare]), Expect::Unknown);
        check(&rule(), incomplete(snapshot(vec![user(1, "mia")]), Part::Users), Expect::Unknown);
    }
}
