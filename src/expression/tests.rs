//! What expressions say of sample accounts, what is refused and where, and that nothing breaks the judge.

mod bounds;
mod meanings;
mod mistakes;

use chrono::TimeDelta;

use super::*;
use crate::model::sample::{global_admin, known_as, local_user, person, snapshot, user, with_roster};
use crate::model::{LastLogon, LogonSourceKind, Person, Snapshot, TwoFactor};

/// mia: LDAP, with a person; nxadmin: local Global Administrator, nobody; sleepy: known to have never logged in.
fn world() -> Snapshot {
    let logon = |at| Some(LastLogon { at, source: LogonSourceKind::Export, from: None });
    let started = snapshot(Vec::new()).started;
    let contractor = Person {
        id: "p-7".into(),
        temporary: Some(true),
        kind: Some("contractor".into()),
        manager: None,
        start: "2026-01-01".parse().ok(),
        end: "2026-09-21".parse().ok(),
        ..person("p-7")
    };
    let mia = User { last_logon: logon(Some(started - TimeDelta::days(100))), ..user(2, "mia") };
    let admin = User { email: None, ..global_admin(1, "nxadmin") };
    let sleepy = User {
        last_logon: logon(None),
        two_factor: TwoFactor::NotConfigured,
        locked: Some(true),
        ..local_user(3, "sleepy")
    };
    with_roster(snapshot(vec![admin, known_as(mia, contractor), sleepy]))
}

/// What an expression says of the account with an id.
fn of(world: Snapshot, id: i64, text: &str) -> Option<bool> {
    let graph = AccessGraph::build(world);
    let expression = Expression::compile(text).unwrap_or_else(|error| panic!("{text}: {error}"));
    let user = graph.user(crate::model::UserId(id)).unwrap();
    expression.holds(&graph, user, graph.snapshot().finished)
}

#[test]
fn an_expression_can_be_shared_and_says_what_it_asks_for() {
    fn shared<T: Send + Sync>(_: &T) {}
    let text = "now > user.last_logon && has(user.email) && user.email != role.id";
    let expression = Expression::compile(text).unwrap();
    shared(&expression);
    assert_eq!(expression.text(), text);
    assert_eq!(expression.references(), ["user.email", "user.last_logon", "role.id", "now"]);
}

#[test]
fn the_table_of_fields_can_be_printed() {
    let mut names = std::collections::BTreeSet::new();
    for field in FIELDS {
        assert!(names.insert(field.name), "{} is there twice", field.name);
        assert!(field.doc.ends_with('.') && field.doc.starts_with(char::is_uppercase), "{}", field.name);
        assert!(Expression::compile(&format!("{0} == {0}", field.name)).is_ok(), "{}", field.name);
    }
    assert_eq!(names.len(), 37);
}

#[test]
fn what_one_account_may_take_is_bounded_by_the_text() {
    let many = |number: usize, list: &str, ask: &str| {
        let asked: Vec<String> = (0..number).map(|n| ask.replace('#', &n.to_string())).collect();
        // Two levels of brackets, so that the depth is not what is refused.
        let halves = asked.chunks(8).map(|half| format!("({})", half.join("||"))).collect::<Vec<_>>();
        format!("{list}.exists(p,{})", halves.join("||"))
    };
    for good in [
        many(12, "user.privileges", "p.matches('a#')"),
        many(18, "user.privileges", "p.contains('a#')"),
        many(12, "grants.sites", "p.startsWith('a#')"),
        many(16, "role.privileges", "p=='a#'"),
        format!("user.privileges.exists(p, p in [{}])", vec!["'create-reports'"; 30].join(", ")),
        "user.privileges.all(p, p in role.privileges)".to_owned(),
        format!("user.login in [{}]", vec!["'somebody'"; 150].join(", ")),
    ] {
        assert!(Expression::compile(&good).is_ok(), "{good}: {:?}", Expression::compile(&good));
    }
    for (bad, column) in [
        (many(60, "user.privileges", "p.matches('a#')"), 17),
        (many(20, "user.privileges", "p.contains('a#')"), 17),
        (many(13, "grants.sites", "p.startsWith('a#')"), 14),
        (format!("user.locked && user.privileges.exists(p, p in [{}])", vec!["'a'"; 100].join(", ")), 32),
        (
            "user.privileges.all(p, p in role.privileges) && user.privileges.all(p, p in role.privileges)"
                .to_owned(),
            65,
        ),
    ] {
        let error = Expression::compile(&bad).unwrap_err();
        assert_eq!((error.line, error.column), (1, column), "{bad}: {error}");
        assert!(error.problem.contains("at most 5000 are possible: ask less inside `"), "{error}");
        assert!(error.problem.ends_with("or make several rules of it"), "{error}");
    }
}
