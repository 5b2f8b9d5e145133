//! AUTH-07: authentication sources without users, and users of a source that is not there.

use std::collections::{BTreeMap, HashSet};

use super::{Context, Outcome, Rule, amount, cut, first_logins, logins};
use crate::finding::{Finding, Severity, Subject, SubjectKind};
use crate::model::{AuthenticationSource, AuthenticationSourceId, Part, User};

about! {
    id: "dead_authentication_source",
    code: "AUTH-07",
    title: "Dead authentication source",
    flags: "External authentication sources that no account uses, and sources that accounts name and the console does \
            not list.",
    evidence: "The list of sources, and the source that each account names.",
    why: "An unused source still opens the console to whoever runs it; an account of a source that is gone cannot be \
          judged, and may come back to life with a new one.",
    severity: Severity::Low,
    click_path: "Administration > Console > Administer > Authentication: remove the source that nobody uses; \
                 Administration > Users > Manage users > the user > Authentication method: choose one that exists.",
    api_call: "GET /api/3/authentication_sources and /api/3/authentication_sources/{id}/users show both; PUT \
               /api/3/users/{id} with another authentication.id moves an account (it replaces the whole user and drops \
               grants: read them before, restore them after).",
    needs: &[Part::Users, Part::AuthenticationSources],
    version: 2,
}

rule! {
    /// `[analyzers.dead_authentication_source]`: AUTH-07.
    DeadAuthenticationSource {}
}

impl Rule for DeadAuthenticationSource {
    fn examine(&self, Context { graph, .. }: Context<'_>) -> Outcome {
        let mut outcome = Outcome::default();
        let snapshot = graph.snapshot();
        let mut unlisted: BTreeMap<AuthenticationSourceId, Vec<&User>> = BTreeMap::new();
        let listed: HashSet<_> = snapshot.authentication_sources.iter().map(|source| source.id).collect();
        let mut used = HashSet::new();
        // An account that names no source by id may be of any.
        let mut untold = false;
        for user in graph.users() {
            match user.authentication.as_ref().and_then(|from| from.id) {
                Some(id) if listed.contains(&id) => {
                    used.insert(id);
                }
                Some(id) => unlisted.entry(id).or_default().push(user),
                None => untold = true,
            }
        }
        // A user who was not seen may be the one that uses it.
        let all_told = !untold && snapshot.saw_everyone();
        for source in &snapshot.authentication_sources {
            let unused = if !source.is_external() || used.contains(&source.id) { Some(false) } else { all_told.then_some(true) };
            outcome.judge(unused, || unused_source(source));
        }
        let all_listed = snapshot.coverage.was_seen(Part::AuthenticationSources);
        for (id, users) in &unlisted {
            outcome.judge(all_listed.then_some(true), || missing_source(*id, users));
        }
        outcome
    }
}

fn unused_source(source: &AuthenticationSource) -> Finding {
    let summary = format!("No account uses the external authentication source {}", cut(&source.name));
    Finding::new(&ABOUT, source, Severity::Low, summary)
        .with("type", cut(source.kind.as_deref().unwrap_or("unknown")))
        .with("accounts", "none, enabled or not")
}

fn missing_source(id: AuthenticationSourceId, users: &[&User]) -> Finding {
    let named = users.iter().find_map(|user| user.authentication.as_ref()?.name.clone());
    let name = named.unwrap_or_else(|| format!("source {id}"));
    let (verb, enabled) = (if users.len() == 1 { "names" } else { "name" }, users.iter().filter(|user| user.is_enabled()));
    let summary =
        format!("{} {verb} the authentication source {}, which the console does not list", first_logins(users), cut(&name));
    let subject = Subject { kind: SubjectKind::AuthenticationSource, id: id.to_string(), name };
    Finding::new(&ABOUT, subject, Severity::Low, summary)
        .with("source id", id.to_string())
        .with("accounts", logins(users))
        .with("enabled", amount(enabled.count(), "account"))
        .affecting(users.iter().map(|user| user.id))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analyze::check::{Expect, check, findings};
    use crate::model::sample::{incomplete, local_user, snapshot, user};
    use crate::model::{CollectorRights, UserId};

    fn rule() -> DeadAuthenticationSource {
        DeadAuthenticationSource::default()
    }

    /// An account of a source with this id.
    fn of(id: i64, source: Option<i64>) -> User {
        let mut account = user(id, &format!("user{id}"));
        account.authentication.as_mut().unwrap().id = source.map(AuthenticationSourceId);
        account
    }

    #[test]
    fn an_external_source_wants_a_user_and_a_local_one_does_not() {
        check(&rule(), snapshot(vec![local_user(2, "mia")]), Expect::Fail(&["Corporate LDAP"]));
        check(&rule(), snapshot(vec![user(3, "bo")]), Expect::Pass);
        let disabled = User { enabled: Some(false), ..user(3, "bo") };
        check(&rule(), snapshot(vec![disabled]), Expect::Pass);
    }

    #[test]
    fn a_source_that_is_not_listed_is_told_once_with_its_users() {
        let mut world = snapshot(vec![of(1, Some(9)), of(2, Some(9)), user(3, "bo")]);
        check(&rule(), world.clone(), Expect::Fail(&["Corporate LDAP"]));
        let found = findings(&rule(), world.clone()).remove(0);
        assert_eq!((found.subject.id.as_str(), &found.affected[..]), ("9", &[UserId(1), UserId(2)][..]));
        assert_eq!(
            found.summary,
            "user1 and user2 name the authentication source Corporate LDAP, which the console does not list"
        );
        world.users.remove(0);
        world.users[0].authentication.as_mut().unwrap().name = None;
        let fewer = findings(&rule(), world.clone()).remove(0);
        assert_eq!((fewer.subject.name.as_str(), fewer.id(&world.console)), ("source 9", found.id(&world.console)));
    }

    #[test]
    fn what_was_not_seen_is_not_dead() {
        check(&rule(), incomplete(snapshot(vec![local_user(2, "mia")]), Part::Users), Expect::Unknown);
        check(&rule(), snapshot(vec![of(1, None)]), Expect::Unknown);
        let mut limited = snapshot(vec![local_user(2, "mia")]);
        limited.collector.rights = CollectorRights::Limited;
        check(&rule(), limited, Expect::Unknown);
        let silent = User { authentication: None, ..user(1, "mia") };
        check(&rule(), snapshot(vec![silent]), Expect::Unknown);
        let unlisted = snapshot(vec![of(1, Some(9)), user(3, "bo")]);
        check(&rule(), incomplete(unlisted, Part::AuthenticationSources), Expect::Unknown);
    }

    #[test]
    fn does_not_apply_without_sources_and_users() {
        let mut world = snapshot(Vec::new());
        world.authentication_sources.clear();
        check(&rule(), world, Expect::NotApplicable);
    }
}
