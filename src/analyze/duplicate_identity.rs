//! HYG-03: several accounts of one person.

use super::{Account, Cluster, Context, Outcome, Rule, Trait, clusters, cut, first_logins, list, shared_traits, source};
use crate::finding::{Finding, Severity};
use crate::model::{ConsoleIdentity, Part, User};

about! {
    id: "duplicate_identity",
    code: "HYG-03",
    title: "Several accounts of one person",
    flags: "Accounts, at least one of them enabled, that share a mailbox and a name, or a name and a login across \
            authentication sources.",
    evidence: "Mail addresses, full names, logins and authentication sources of all accounts.",
    why: "When the person leaves or moves, the directory closes one account and the twin stays open.",
    severity: Severity::Medium,
    click_path: "Administration > Users > Manage users: agree with the person which account stays, move its grants, and \
                 delete the others.",
    api_call: "GET /api/3/users/{id}/sites and /asset_groups of the accounts to go, PUT the same on the account that \
               stays, then DELETE /api/3/users/{id}.",
    needs: &[Part::Users],
    version: 2,
}

rule! {
    /// `[analyzers.duplicate_identity]`: HYG-03.
    DuplicateIdentity {}
}

impl Rule for DuplicateIdentity {
    fn examine(&self, Context { graph, .. }: Context<'_>) -> Outcome {
        let users = graph.users();
        let comparable = |user: &&User| user.email.is_some() || source(user).is_some();
        // What the accounts themselves show; the roster's word is for the rules that have a roster.
        let accounts: Vec<Account<'_>> = users.iter().map(|user| Account::new(0, graph, user)).collect();
        let clusters = clusters(&accounts, shared_traits(&accounts))
            .into_iter()
            .filter(|cluster| cluster.accounts.iter().any(|account| account.user.is_enabled()));
        Outcome {
            examined: users.iter().filter(comparable).count() as u64,
            expected: users.len() as u64,
            findings: clusters.map(|cluster| finding(&graph.snapshot().console, &cluster)).collect(),
            ..Outcome::default()
        }
    }
}

/// On the console, and told apart by what the accounts share: none of them is the person, and each may be deleted.
fn finding(console: &ConsoleIdentity, Cluster { traits, accounts }: &Cluster<'_>) -> Finding {
    let users: Vec<&User> = accounts.iter().map(|account| account.user).collect();
    let lead = users[0];
    let summary = format!("{} look like accounts of one person", first_logins(&users));
    let account = |user: &&User| {
        let state = if user.is_enabled() { "enabled" } else { "disabled" };
        let source = user.authentication.as_ref().and_then(|from| from.name.as_deref()).unwrap_or("unknown source");
        format!("{} (id {}, {}, {state})", cut(&user.login), user.id, cut(source))
    };
    Finding::new(&ABOUT, console, Severity::Medium, summary)
        .aspect(traits.first().map(Trait::aspect).unwrap_or_default())
        .with("name", cut(&lead.name))
        .with("mail address", cut(lead.email.as_deref().unwrap_or("none")))
        .with("accounts", list(users.iter().map(account)))
        .with("they share", list(traits.iter().map(ToString::to_string)))
        .affecting(users.iter().map(|user| user.id))
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
        check(&rule(), world.clone(), Expect::Fail(&["hq"]));
        let accounts = &findings(&rule(), world)[0].evidence[2].1;
        assert!(accounts.contains("ana (id 1, ") && accounts.contains("asilva (id 2, "), "{accounts}");
    }

    #[test]
    fn flags_the_same_login_and_name_across_sources_only() {
        let twin = |user: User| User { name: "Ana Silva".into(), email: None, ..user };
        let across = snapshot(vec![twin(user(1, "CORP\\ana.silva")), twin(local_user(2, "ana_silva"))]);
        check(&rule(), across, Expect::Fail(&["hq"]));
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
        let found = findings(&rule(), world);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].summary, "ana, ana2 and ana2 look like accounts of one person");
        assert_eq!(found[0].affected, [1, 2, 3].map(crate::model::UserId));
        let shared = "the mailbox ana@corp.example, the full name and the login ana2";
        assert_eq!(found[0].evidence.last(), Some(&("they share", shared.to_owned())));
    }

    #[test]
    fn the_finding_stays_the_same_whichever_account_goes() {
        let accounts = [
            person(user(1, "ana"), "Ana Silva", "ana@corp.example"),
            person(user(2, "ana-vm"), "Ana Silva", "Ana@corp.example"),
            person(local_user(3, "asilva"), "Silva, Ana", "ana+vm@corp.example"),
        ];
        let console = snapshot(Vec::new()).console;
        let ids = |users: &[User]| -> Vec<String> {
            findings(&rule(), snapshot(users.to_vec())).iter().map(|found| found.id(&console)).collect()
        };
        let all = ids(&accounts);
        assert_eq!(all.len(), 1);
        for gone in 0..3 {
            let left: Vec<User> = (0..3).filter(|at| *at != gone).map(|at| accounts[at].clone()).collect();
            assert_eq!(ids(&left), all);
        }
        assert_ne!(ids(&[person(user(1, "bo"), "Bo", "bo@x.example"), person(user(2, "b"), "Bo", "bo@x.example")]), all);
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
        check(&rule(), snapshot(vec![twin(1, false), twin(2, true)]), Expect::Fail(&["hq"]));
        check(&rule(), snapshot(vec![twin(1, false), twin(2, false)]), Expect::Pass);
    }

    #[test]
    fn an_account_with_nothing_to_compare_is_unknown() {
        let bare = User { authentication: None, email: None, ..user(1, "ana") };
        check(&rule(), snapshot(vec![bare]), Expect::Unknown);
        check(&rule(), incomplete(snapshot(vec![user(1, "mia")]), Part::Users), Expect::Unknown);
    }
}
