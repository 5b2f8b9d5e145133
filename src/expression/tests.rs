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
