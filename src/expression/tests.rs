//! What expressions say of sample accounts, what is refused and where, and that nothing breaks the judge.

use std::time::Duration;

use chrono::TimeDelta;

use super::*;
use crate::model::sample::{
    global_admin, incomplete, known_as, local_user, person, snapshot, user, with_role, with_roster,
};
use crate::model::{
    Answer, Confidence, LastLogon, LogonSourceKind, MatchedBy, Part, Person, RosterMatch, RosterSource,
    SiteId, Snapshot, TwoFactor,
};

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

const YES: Option<bool> = Some(true);
const NO: Option<bool> = Some(false);

/// A text, and what it says of nxadmin, mia and sleepy.
const GOOD: &[(&str, [Option<bool>; 3])] = &[
    ("true", [YES, YES, YES]),
    ("user.id == 2", [NO, YES, NO]),
    ("user.id in [1, 3]", [YES, NO, YES]),
    ("user.id * 2 + 1 >= 5", [NO, YES, YES]),
    ("user.id % 2 == 1 && user.id / 2 == 0", [YES, NO, NO]),
    ("-user.id < -2", [NO, NO, YES]),
    ("user.login == 'mia'", [NO, YES, NO]),
    ("user.login != \"mia\"", [YES, NO, YES]),
    ("user.login < 'n'", [NO, YES, NO]),
    ("user.login in ['mia', 'nxadmin']", [YES, YES, NO]),
    ("user.login in []", [NO, NO, NO]),
    ("user.login.startsWith('nx')", [YES, NO, NO]),
    ("user.login.endsWith('y')", [NO, NO, YES]),
    ("user.name.contains(' Example')", [YES, YES, YES]),
    ("user.login.matches('^[a-z]{3}$')", [NO, YES, NO]),
    ("user.login.matches(r'\\w+admin') || user.login.matches('^m')", [YES, YES, NO]),
    ("size(user.login) > 3", [YES, NO, YES]),
    ("user.login.size() == 3", [NO, YES, NO]),
    ("user.enabled", [YES, YES, YES]),
    ("!user.locked", [YES, YES, NO]),
    ("user.locked ? user.local : user.superuser", [YES, NO, YES]),
    ("user.local", [YES, NO, YES]),
    ("user.source == 'Corporate LDAP'", [NO, YES, NO]),
    ("user.source_type in ['admin', 'normal']", [YES, NO, YES]),
    ("user.superuser == user.all_sites && user.all_sites == user.all_asset_groups", [YES, YES, YES]),
    ("'manage-sites' in user.privileges", [YES, NO, NO]),
    ("size(user.privileges) == 2", [NO, YES, YES]),
    ("user.privileges.exists(p, p.startsWith('manage-'))", [YES, NO, NO]),
    ("user.privileges.all(p, p.startsWith('view-'))", [NO, YES, YES]),
    ("user.privileges.exists_one(p, p == 'view-site-asset-data')", [YES, YES, YES]),
    ("user.privileges.filter(p, p.contains('group')).size() == 1", [NO, YES, YES]),
    ("user.privileges.map(p, size(p)).exists(n, n > 30)", [YES, NO, NO]),
    ("user.privileges.map(p, p.contains('site'), size(p)) == [20]", [NO, YES, YES]),
    ("user.privileges.exists(p, !(p in role.privileges))", [NO, NO, NO]),
    ("user.privileges == []", [NO, NO, NO]),
    ("user.two_factor == 'configured'", [YES, NO, NO]),
    ("user.two_factor in ['not_configured', 'undetermined']", [NO, NO, YES]),
    ("has(user.email)", [NO, YES, YES]),
    ("has(user.email) && user.email.endsWith('@corp.example')", [NO, YES, YES]),
    ("user.email.endsWith('@corp.example')", [None, YES, YES]),
    ("has(user.last_logon)", [None, YES, NO]),
    ("now - user.last_logon > duration('2160h')", [None, YES, None]),
    ("!has(user.last_logon) || now - user.last_logon > duration('2160h')", [None, YES, YES]),
    ("user.last_logon < timestamp('2026-01-31T00:00:00Z')", [None, NO, None]),
    ("user.last_logon + duration('1h') > user.last_logon - duration('30m')", [None, YES, None]),
    ("duration('1h') + duration('30m') == duration('90m')", [YES, YES, YES]),
    (
        "now >= timestamp('2026-09-21T00:00:00Z') && now < timestamp('2026-09-22T00:00:00+02:00')",
        [YES, YES, YES],
    ),
    ("user.console == 'hq'", [YES, YES, YES]),
    ("role.id == 'global-admin'", [YES, NO, NO]),
    ("role.name == 'User'", [NO, YES, YES]),
    ("role.description == 'Role user.'", [NO, YES, YES]),
    ("role.builtin && has(role.description)", [YES, YES, YES]),
    ("'view-site-asset-data' in role.privileges", [YES, YES, YES]),
    ("role.users == 2", [NO, YES, YES]),
    ("grants.sites == ['Site 1']", [YES, YES, YES]),
    ("'Site 2' in grants.sites", [NO, NO, NO]),
    ("grants.site_count == 3", [YES, NO, NO]),
    ("grants.asset_groups.size() == 0", [YES, YES, YES]),
    ("grants.asset_group_count == 2", [YES, NO, NO]),
    ("has(person.id)", [NO, YES, NO]),
    ("person.id == 'p-7' && person.name == 'Person p-7'", [None, YES, None]),
    ("person.email == 'p-7@corp.example'", [None, YES, None]),
    ("has(person.manager)", [NO, NO, NO]),
    ("person.department == 'Operations' && person.type == 'contractor'", [None, YES, None]),
    ("person.temporary && !person.left", [None, YES, None]),
    ("person.start < now && person.end > now", [None, YES, None]),
    ("has(person.end) && person.end - now < duration('24h')", [NO, YES, NO]),
    ("user.locked // why not\n || user.id == 1", [YES, NO, YES]),
    ("'é' == 'é' && 'ü😀'.size() == 2", [YES, YES, YES]),
];

/// A text, line and column of its error, and words of it.
const BAD: &[(&str, (usize, usize), &[&str])] = &[
    ("", (1, 1), &["empty"]),
    (" \n ", (1, 1), &["empty"]),
    ("user", (1, 1), &["`user` is a record", "login"]),
    ("role == 'x'", (1, 1), &["`role` is a record", "builtin"]),
    ("usr.login == 'x'", (1, 1), &["`usr` does not exist", "did you mean `user`", "grants"]),
    (".user.login == 'a'", (1, 2), &["`.user` does not exist"]),
    ("/* no */ true", (1, 1), &["cannot be read from here"]),
    ("foo", (1, 1), &["`foo` does not exist", "known: user, role, grants, person, now"]),
    ("a.b.c", (1, 1), &["`a` does not exist"]),
    ("user.enabeld", (1, 6), &["`user.enabeld` does not exist; did you mean `enabled`? known: id, login"]),
    ("user.locked && user . emial == 'x'", (1, 23), &["`user.emial`", "`email`"]),
    ("user.role.name == 'x'", (1, 6), &["`role` stands alone", "role.id"]),
    ("person.user.id == 1", (1, 8), &["`user` stands alone"]),
    ("has(user.foo)", (1, 10), &["`user.foo` does not exist"]),
    ("has(user)", (1, 5), &["has(user.email)"]),
    ("has(now)", (1, 5), &["has(user.email)"]),
    ("has(1 + 2)", (1, 5), &["has(user.email)"]),
    ("has(user.email, user.id)", (1, 1), &["`has` takes one argument; here are 2"]),
    ("now.year == 2026", (1, 5), &["a timestamp has no field `year`"]),
    ("user.login.length == 3", (1, 12), &["a string has no field `length`"]),
    ("user.id", (1, 1), &["is an int", "true or false"]),
    ("user.id + 1", (1, 1), &["is an int"]),
    ("size(user.login)", (1, 1), &["is an int"]),
    ("user.login", (1, 1), &["is a string"]),
    ("now", (1, 1), &["is a timestamp"]),
    ("user.privileges", (1, 1), &["is a list(string)"]),
    ("user.locked && user.id", (1, 16), &["&& needs", "this is an int"]),
    ("user.login == 'a' || user.login", (1, 22), &["|| needs", "this is a string"]),
    ("user.locked &&\n  user.id", (2, 3), &["this is an int"]),
    ("!user.id", (1, 2), &["! needs a bool; this is an int"]),
    ("-user.login == 1", (1, 2), &["- needs an int"]),
    ("1 + user.login == 2", (1, 3), &["int + string is not possible"]),
    ("user.login + 'x' == 'yx'", (1, 12), &["texts are compared"]),
    ("\"éé\" == 1", (1, 6), &["string == int is not possible", "one type"]),
    ("user.enabled > false", (1, 14), &["bool > bool is not possible"]),
    ("user.privileges > 3", (1, 17), &["size(…)"]),
    ("user.id == '2'", (1, 9), &["int == string is not possible"]),
    ("now - user.last_logon > 90", (1, 23), &["duration(\"2160h\")"]),
    ("user.last_logon < '2026-01-01'", (1, 17), &["timestamp(\"2026-01-31T00:00:00Z\")"]),
    ("now + now == now", (1, 5), &["timestamp + timestamp is not possible"]),
    ("duration('1h') * 2 > duration('1h')", (1, 16), &["duration * int is not possible"]),
    ("'view' in user.login", (1, 8), &["a.contains(b)"]),
    ("user.id in user.privileges", (1, 9), &["int in list(string) is not possible"]),
    ("user.locked in user.enabled", (1, 13), &["`in` needs a value and a list"]),
    ("user.locked ? 1 : 'a'", (1, 19), &["the one side of : is an int, the other a string"]),
    ("user.id ? true : false", (1, 1), &["what stands before ?"]),
    ("[1, 'a'] == []", (1, 5), &["must be an int; this is a string"]),
    ("[[1]] == []", (1, 2), &["a list of lists"]),
    ("user.privileges[0] == 'x'", (1, 16), &["one element cannot be taken out"]),
    ("{'a': 1} == {}", (1, 1), &["maps and structures"]),
    ("Msg{x: 1} == 1", (1, 4), &["maps and structures"]),
    ("user.email == null", (1, 15), &["there is no null", "has(user.email)"]),
    ("1.5 > 2", (1, 1), &["whole"]),
    ("user.id == 1u", (1, 12), &["without the u"]),
    ("b'x' == b'x'", (1, 1), &["without the b"]),
    ("user.id == 99999999999999999999", (1, 12), &["invalid int"]),
    ("user.two_factor == 'enabled'", (1, 20), &["is never true", "configured, not_configured, delegated"]),
    ("'no' != user.two_factor", (1, 1), &["is never true"]),
    ("user.two_factor in ['delegated', 'nothing']", (1, 34), &["\"nothing\" is never true"]),
    ("foo(1)", (1, 1), &["the function `foo` does not exist; known: has, size, duration, timestamp"]),
    ("true && int(user.login) == 1", (1, 9), &["the function `int`"]),
    ("dyn(user.login)", (1, 1), &["the function `dyn`"]),
    ("type(user.login) == string", (1, 1), &["the function `type`"]),
    ("contains(user.login, 'x')", (1, 1), &["user.login.contains(\"…\")"]),
    ("exists(user.privileges, p, true)", (1, 1), &["user.privileges.exists(x, …)"]),
    ("user.login.startswith('a')", (1, 12), &["did you mean `startsWith`?"]),
    ("user.login.lowerAscii() == 'a'", (1, 12), &["`lowerAscii` of a string"]),
    ("user.login\n  .foo('a')", (2, 4), &["`foo` of a string"]),
    ("user.id.foo()", (1, 9), &["an int has no functions"]),
    ("now.getFullYear() == 2026", (1, 5), &["a timestamp has no functions"]),
    ("user.privileges.contains('x')", (1, 17), &["a list is asked with `in`"]),
    ("user.privileges.existsOne(x, true)", (1, 17), &["did you mean `exists_one`?"]),
    ("user.login.contains('a', 'b')", (1, 12), &["one argument; here are 2"]),
    ("user.login.size(1) == 1", (1, 12), &["no argument; here are 1"]),
    ("user.login.contains(1)", (1, 21), &["`contains` takes a string; this is an int"]),
    ("size(user.id) > 1", (1, 6), &["`size` takes a string or a list; this is an int"]),
    ("size() > 1", (1, 1), &["one argument; here are 0"]),
    ("user.login.matches('(')", (1, 20), &["not a regular expression: unclosed group"]),
    ("user.login.matches('(?<=a)b')", (1, 20), &["look-around"]),
    ("user.login.matches(user.name)", (1, 20), &["pattern that is written out"]),
    ("user.login.matches('((a{100}){100}){100}')", (1, 20), &["too large"]),
    ("now - user.last_logon > duration('90d')", (1, 34), &["\"90d\" is not a duration", "a day is 24h"]),
    ("duration(user.login) > duration('1h')", (1, 10), &["`duration` takes a text that is written out"]),
    ("duration(1) > duration('1h')", (1, 10), &["written out"]),
    ("now > timestamp('2026-01-01')", (1, 17), &["\"2026-01-01\" is not a timestamp"]),
    ("now > timestamp(user.login)", (1, 17), &["`timestamp` takes a text that is written out"]),
    ("user.login.all(x, true)", (1, 1), &["`all` needs a list; this is a string"]),
    ("[].all(x, true)", (1, 1), &["empty list"]),
    ("user.privileges.all(x)", (1, 17), &["all(x, …)"]),
    ("user.privileges.all(x.y, true)", (1, 21), &["takes a variable first"]),
    ("user.privileges.all(user, true)", (1, 21), &["`user` has a meaning already"]),
    ("user.privileges.all(x, x)", (1, 24), &["`all` asks for a bool; this is a string"]),
    ("user.privileges.exists(x, x > 1)", (1, 29), &["string > int"]),
    ("user.privileges.filter(x, true)", (1, 1), &["is a list(string)"]),
    ("user.privileges.map(x, [x]) == []", (1, 24), &["a list of lists"]),
    ("user.privileges.all(x, x == 'a') && x == 'a'", (1, 37), &["`x` does not exist"]),
    ("user.privileges.all(x, grants.sites.exists(y, y == x))", (1, 37), &["`exists` inside of another walk"]),
    ("user.locked and user.enabled", (1, 13), &["&&"]),
    ("user.locked OR user.enabled", (1, 13), &["||"]),
    ("not user.locked", (1, 5), &["\"not\" is written !"]),
    ("'éé' = 'é'", (1, 6), &["=="]),
    ("'éé' == 'é' && user.foo", (1, 21), &["`user.foo`"]),
    ("user.locked = true", (1, 13), &["=="]),
    ("user.locked &&", (1, 15), &["end of the expression"]),
    ("(user.locked", (1, 13), &["end of the expression"]),
    ("user.locked)", (1, 12), &["cannot be read from here"]),
    ("user.login == 'a", (1, 15), &["cannot be read from here"]),
    ("if (user.locked) true", (1, 1), &["reserved"]),
    ("user.?login == 'a'", (1, 5), &["unsupported"]),
    ("user.`login` == 'a'", (1, 5), &["unsupported"]),
    ("é == user.login", (1, 1), &["cannot be read from here"]),
    ("user.locked\u{0}", (1, 12), &["cannot be read from here"]),
    ("user.locked || \u{202e}true", (1, 16), &["\\u{202e}"]),
];

#[test]
fn good_expressions_say_what_they_mean() {
    assert!(GOOD.len() >= 40);
    for (text, expected) in GOOD {
        let says = [1, 2, 3].map(|id| of(world(), id, text));
        assert_eq!(says, *expected, "{text}");
    }
}

#[test]
fn mistakes_are_told_with_their_place_and_the_way_out() {
    assert!(BAD.len() >= 60);
    let mut wrong = Vec::new();
    for (text, (line, column), words) in BAD {
        match Expression::compile(text) {
            Ok(_) => wrong.push(format!("{text}: is taken")),
            Err(error) => {
                let told = error.to_string();
                let place = (error.line, error.column) == (*line, *column);
                let plain = !told.chars().any(|c| c.is_control() || c == '\u{202e}');
                if !place || !plain || !words.iter().all(|word| told.contains(word)) {
                    wrong.push(format!("{text}: {told}"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_is_not_known_counts_only_where_it_decides() {
    let unknown = || {
        let mut noor = user(7, "noor");
        (noor.enabled, noor.locked, noor.authentication) = (None, None, None);
        (noor.privileges, noor.role.privileges) = (Answer::Missing, None);
        (noor.sites, noor.asset_groups) = (Answer::Missing, Answer::NotAsked);
        (noor.role.id, noor.role.name) = (None, None);
        snapshot(vec![noor])
    };
    for name in FIELDS.iter().map(|field| field.name) {
        let open = [
            "user.enabled",
            "user.locked",
            "user.local",
            "user.source",
            "user.source_type",
            "user.privileges",
            "user.last_logon",
        ];
        let record = name.split('.').next().unwrap();
        let is_open = open.contains(&name) || matches!(record, "role" | "grants" | "person");
        if name != "now" {
            let says = of(unknown(), 7, &format!("has({name})"));
            assert_eq!(says, if is_open { None } else { Some(true) }, "has({name})");
        }
        let says = of(unknown(), 7, &format!("{name} == {name}"));
        assert_eq!(says, if is_open { None } else { Some(true) }, "{name}");
    }
    for (text, expected) in [
        ("user.enabled || true", Some(true)),
        ("true || user.enabled", Some(true)),
        ("user.enabled && false", Some(false)),
        ("false && user.enabled", Some(false)),
        ("user.enabled && true", None),
        ("user.enabled || false", None),
        ("!(user.enabled && false)", Some(true)),
        ("user.enabled || !user.enabled", None),
        ("user.enabled ? true : true", None),
        ("user.login == 'noor' || user.enabled", Some(true)),
        ("user.login == 'noor' && user.enabled", None),
        ("user.login == 'mia' ? user.enabled : true", Some(true)),
        ("user.privileges.exists(p, true)", None),
        ("['a'].exists(x, x == 'a' || user.enabled)", Some(true)),
        ("['a', 'b'].exists(x, x == 'b' || user.enabled)", Some(true)),
        ("['a', 'b'].all(x, x == 'b' && user.enabled)", Some(false)),
        ("['a', 'b'].all(x, user.enabled)", None),
        ("size(user.privileges) == 0", None),
        ("'x' in user.privileges", None),
        ("has(person.id) || has(user.email)", Some(true)),
    ] {
        assert_eq!(of(unknown(), 7, text), expected, "{text}");
    }
}

#[test]
fn a_partial_listing_counts_nothing() {
    let admin = || global_admin(1, "root");
    assert_eq!(of(snapshot(vec![admin()]), 1, "grants.site_count == 3"), Some(true));
    assert_eq!(of(incomplete(snapshot(vec![admin()]), Part::Sites), 1, "grants.site_count == 3"), None);
    assert_eq!(of(snapshot(vec![admin()]), 1, "role.users == 1"), Some(true));
    assert_eq!(of(incomplete(snapshot(vec![admin()]), Part::Users), 1, "role.users == 1"), None);
    let mut nobody = user(2, "nobody");
    nobody.role.id = None;
    assert_eq!(of(snapshot(vec![admin(), nobody]), 1, "role.users == 1"), None, "may hold any role");
    let custom = with_role(user(2, "mia"), "Unlisted", &[]);
    assert_eq!(of(snapshot(vec![admin(), custom]), 1, "role.users == 1"), Some(true));
    let dangling = User { sites: Answer::Known(vec![SiteId(1), SiteId(99)]), ..user(2, "mia") };
    let text = "grants.sites == ['Site 1', 'site 99 (not listed)']";
    assert_eq!(of(snapshot(vec![dangling.clone()]), 2, text), Some(true));
    assert_eq!(of(incomplete(snapshot(vec![dangling]), Part::Sites), 2, text), None);
}

#[test]
fn nobody_in_the_roster_is_known_and_several_are_not() {
    let ambiguous = RosterMatch::Ambiguous { by: MatchedBy::Alias, people: vec!["p-1".into(), "p-2".into()] };
    let silent = Person { employed: None, temporary: None, ..person("p-3") };
    let matched =
        RosterMatch::Person { person: Arc::new(silent), by: MatchedBy::Login, confidence: Confidence::Low };
    let roster: Option<RosterSource> = with_roster(snapshot(Vec::new())).roster;
    for (person, expected) in [
        (RosterMatch::NotAsked, [None, None, None]),
        (RosterMatch::Nobody, [Some(false), Some(false), None]),
        (ambiguous, [None, None, None]),
        (matched, [Some(true), None, None]),
    ] {
        let mut world = snapshot(vec![User { person, ..user(1, "mia") }]);
        world.roster.clone_from(&roster);
        let says =
            ["has(person.id)", "has(person.left)", "person.left"].map(|text| of(world.clone(), 1, text));
        assert_eq!(says, expected);
    }
}

#[test]
fn the_last_day_is_a_day_of_work() {
    let graph = AccessGraph::build(world());
    let mia = &graph.users()[1];
    let expression = Expression::compile("person.end < now").unwrap();
    let left = Expression::compile("person.left").unwrap();
    for (time, expected) in [("2026-09-21T23:59:58Z", false), ("2026-09-22T00:00:00Z", true)] {
        let now = time.parse().unwrap();
        assert_eq!(expression.holds(&graph, mia, now), Some(expected), "{time}");
        assert_eq!(left.holds(&graph, mia, now), Some(expected), "{time}");
    }
}

#[test]
fn numbers_that_do_not_fit_tell_nothing() {
    for text in [
        "user.id / 0 == 1",
        "user.id % 0 == 1",
        "9223372036854775807 + user.id > 0",
        "-9223372036854775808 - user.id < 0",
        "9223372036854775807 * (user.id + 1) > 0",
        "-(-9223372036854775808 + user.id - user.id) > 0",
        "(-9223372036854775808 + user.id - user.id) / -1 > 0",
        "(-9223372036854775808 + user.id - user.id) % -1 > 0",
        "timestamp('9999-12-31T23:59:59Z') + duration('2160h') > now",
        "duration('2000000h') + duration('2000000h') > duration('1h')",
        "timestamp('0001-01-01T00:00:00Z') - duration('2160h') < now",
    ] {
        let says = of(world(), 1, text);
        assert!(says != Some(false), "{text}");
        assert_eq!(of(world(), 1, &format!("({text}) || true")), Some(true), "{text}");
    }
    assert_eq!(of(world(), 1, "user.id / 0 == 1 || user.id == 1"), Some(true));
    assert_eq!(of(world(), 1, "user.id / 0 == 1"), None);
    assert_eq!(of(world(), 1, "9223372036854775807 + user.id > 0"), None);
}

#[test]
fn hostile_texts_end_soon_and_with_an_answer() {
    let nest = |open: &str, inner: &str, close: &str, times: usize| {
        format!("{}{inner}{}", open.repeat(times), close.repeat(times))
    };
    let long = |part: &str, sign: &str, times: usize| vec![part; times].join(sign);
    let hostile = [
        nest("(", "true", ")", 24),
        nest("(", "true", ")", 25),
        nest("(", "true", ")", 900),
        nest("!(", "true", ")", 24),
        nest("[", "1", "]", 300),
        nest("{1:", "1", "}", 300),
        "(".repeat(1_999),
        ")".repeat(1_999),
        "!".repeat(1_990) + "true",
        "-".repeat(1_990) + "1",
        "- ".repeat(990) + "1 == 1",
        "'(((((((((((((((((((((((((((((((((((((((((' == 'x'".to_owned(),
        "'\\'((((((((((((((((((((((((((((((((' == 'x' // ((((((((((((((((((((((((((((".to_owned(),
        "r'\\' == 'x'".to_owned(),
        "'''((((((((((((((((((((((((((((((''' == \"\"\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[\"\"\"".to_owned(),
        long("1", "+", 900) + " > 1",
        long("1", "+", 18) + " > 1",
        long("user.locked", "&&", 150),
        long("user.locked", "||", 150),
        long("true", "==", 300),
        long("true ? true", ":", 100) + ":true",
        "user".to_owned() + &".a".repeat(900),
        "user.login".to_owned() + &".size()".repeat(200),
        "user.privileges".to_owned() + &".filter(x, true)".repeat(100) + " == []",
        "user.privileges".to_owned() + &".all(x, user.privileges".repeat(20) + &")".repeat(20),
        format!("'{}' == user.login", "x".repeat(1_950)),
        format!("'{}' == user.login", "x".repeat(3_000)),
        format!("'{}' == user.login", "😀".repeat(480)),
        format!("user.id in [{}]", long("1", ",", 900)),
        format!("user.id == {}", "9".repeat(1_900)),
        format!("user.{} == 1", "x".repeat(1_900)),
        format!("user.login.matches('{}')", "(a*)*".repeat(300)),
        format!("user.login.matches('{}')", nest("(", "a", ")*", 400)),
        "user.login.matches('^(a+)+$') || user.login.matches('(x|x|x)*y')".to_owned(),
        "user.login.matches('\\\\w{1000}{1000}')".to_owned(),
        "\u{feff}true".to_owned(),
        "\u{0}".repeat(100),
        "😀".repeat(400),
        "'\\ud800' == ''".to_owned(),
        "'\\x' == '\\U00110000'".to_owned(),
        "\"\\".to_owned(),
        "'".to_owned(),
        "r'".to_owned(),
        "`".repeat(500),
        "? : ? :".to_owned(),
        "@result".to_owned(),
        "_+_(1, 2)".to_owned(),
        "has(has(user.id))".to_owned(),
        "has(user.privileges.all)".to_owned(),
        "user.privileges.all(@in, true)".to_owned(),
        "user.privileges.all(x, true, true)".to_owned(),
        "user.privileges.map(x, true, true, true)".to_owned(),
        "optional.of(user.id).hasValue()".to_owned(),
        "user.has(user.id)".to_owned(),
        ",".repeat(1_000),
        "a(".repeat(20),
        ["user.login", " == ", "'", "\n", "'"].concat(),
    ];
    let graph = AccessGraph::build(world());
    let (mut taken, mut refused) = (0, 0);
    for text in &hostile {
        // On a thread with the stack of a worker; whatever hangs or overflows shows.
        let (sender, receiver) = std::sync::mpsc::channel();
        let of = text.clone();
        let compiling = thread::spawn(move || {
            let compiled = Expression::compile(&of);
            sender.send(compiled).ok();
        });
        let begin: String = text.chars().take(60).collect();
        let compiled = receiver.recv_timeout(Duration::from_mins(1));
        match compiled.unwrap_or_else(|_| panic!("no answer: {begin}")) {
            Ok(expression) => {
                taken += 1;
                expression.holds(&graph, &graph.users()[0], graph.snapshot().finished);
            }
            Err(error) => {
                refused += 1;
                let told = error.to_string();
                assert!(error.line >= 1 && error.column >= 1 && told.len() < 700, "{begin}: {told}");
                assert!(!told.contains("this is a bug"), "{begin}: {told}");
            }
        }
        compiling.join().unwrap();
    }
    assert!(taken > 8 && refused > 30, "{taken} taken, {refused} refused");
}

#[test]
fn what_the_limits_allow_is_evaluated_on_a_small_stack() {
    let deep = format!("{}true{}", "!(true && ".repeat(9), ")".repeat(9));
    let sum = format!("{} > 1", vec!["user.id"; 18].join("+"));
    let walk = format!("user.privileges.exists(x, {}x == ''{})", "!(true && ".repeat(8), ")".repeat(8));
    for text in [deep, sum, walk] {
        let expression = Expression::compile(&text).unwrap();
        let small = thread::Builder::new().stack_size(1024 * 1024);
        let judging = small.spawn(move || {
            let graph = AccessGraph::build(world());
            expression.holds(&graph, &graph.users()[0], graph.snapshot().finished)
        });
        assert!(judging.unwrap().join().unwrap().is_some(), "{text}");
    }
    let sum = vec!["user.id"; 19].join("+") + " > 1";
    assert!(Expression::compile(&sum).unwrap_err().problem.contains("operations deep"));
}

#[test]
fn brackets_are_counted_where_they_are_brackets() {
    let nested = |times: usize| format!("{}true{}", "(".repeat(times), ")".repeat(times));
    assert!(Expression::compile(&nested(24)).is_ok());
    let error = Expression::compile(&nested(25)).unwrap_err();
    assert_eq!((error.line, error.column), (1, 25), "{error}");
    assert!(error.problem.contains("more than 24 brackets"), "{error}");
    let many = "(".repeat(30);
    for text in [
        format!("user.login == '{many}'"),
        format!("user.login == \"'{many}\""),
        format!("user.login == '\\'{many}'"),
        format!("r'\\' == '{many}'"),
        format!("true // {many}\n|| false"),
    ] {
        assert!(Expression::compile(&text).is_ok(), "{text}: {:?}", Expression::compile(&text));
    }
    assert!(Expression::compile(&format!("r'\\' == {many}")).unwrap_err().problem.contains("24 brackets"));
}

#[test]
fn patterns_are_bounded() {
    let compile = |pattern: &str| Expression::compile(&format!("user.login.matches(r\"{pattern}\")"));
    for pattern in [r"^\w{1,64}$", r"(?i)^(svc|adm|test)[-_.].*$", r"^[\p{L} '.-]{2,40}$"] {
        assert!(compile(pattern).is_ok(), "{pattern}: {:?}", compile(pattern));
    }
    for pattern in [r"\w{150}", "((a{100}){100}){100}"] {
        assert!(compile(pattern).unwrap_err().problem.contains("too large"), "{pattern}");
    }
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
