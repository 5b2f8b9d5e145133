//! What expressions say of sample accounts, and where nothing can be told.

use super::*;
use crate::model::sample::{incomplete, with_role};
use crate::model::{Answer, CollectorRights, Confidence, MatchedBy, Part, RosterMatch, RosterSource, SiteId};

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

#[test]
fn good_expressions_say_what_they_mean() {
    assert!(GOOD.len() >= 40);
    for (text, expected) in GOOD {
        let says = [1, 2, 3].map(|id| of(world(), id, text));
        assert_eq!(says, *expected, "{text}");
    }
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
    let mut limited = snapshot(vec![admin()]);
    limited.collector.rights = CollectorRights::Limited;
    assert_eq!(of(limited, 1, "role.users == 1"), None, "there may be more that it is not shown");
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
