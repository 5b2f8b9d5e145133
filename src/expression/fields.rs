//! What an expression can ask about an account: one table, which is also the manual, and how each fact is found.

use cel::common::types::{CelBool, CelInt, CelList, CelString, CelTimestamp};
use cel::common::value::Val;
use chrono::{DateTime, NaiveDate, NaiveTime, Utc};

use super::Type::{Bool, Int, String, Timestamp};
use super::{Fact, Field, Subject, Type};
use crate::graph::Reach;
use crate::model::{BUILTIN_ROLES, Part, Person, PrivilegeId, Role, RosterMatch, TwoFactor};

const STRINGS: Type = Type::List(&String);

/// The last second of a day: a last day is a day of work.
const END_OF_DAY: NaiveTime = match NaiveTime::from_hms_opt(23, 59, 59) {
    Some(time) => time,
    None => NaiveTime::MIN,
};

/// Every field, with its type and meaning; record by record.
pub static FIELDS: &[Field] = &[
    field("user.id", Int, "The account's id on the console.", |s| known(CelInt::from(s.user.id.0))),
    field("user.login", String, "The login, as the console writes it.", |s| known(text(&s.user.login))),
    field("user.name", String, "The full name.", |s| known(text(&s.user.name))),
    field("user.email", String, "The mail address; absent if the account has none.", |s| {
        or_absent(s.user.email.as_deref().map(text))
    }),
    field("user.enabled", Bool, "Whether the account may log in.", |s| or_unknown(s.user.enabled.map(truth))),
    field("user.locked", Bool, "Whether the account is locked after failed logins.", |s| {
        or_unknown(s.user.locked.map(truth))
    }),
    field("user.local", Bool, "Whether the console itself checks the password.", |s| {
        or_unknown(s.user.is_local().map(truth))
    }),
    field("user.source", String, "The name of the authentication source.", source),
    field(
        "user.source_type",
        String,
        "The type of the authentication source, such as normal, admin, ldap, kerberos, saml.",
        source_type,
    ),
    field("user.superuser", Bool, "Whether the account has the superuser flag.", |s| {
        known(truth(s.user.role.superuser))
    }),
    field("user.all_sites", Bool, "Whether the account has the all-sites flag.", |s| {
        known(truth(s.user.role.all_sites))
    }),
    field("user.all_asset_groups", Bool, "Whether the account has the all-asset-groups flag.", |s| {
        known(truth(s.user.role.all_asset_groups))
    }),
    field("user.privileges", STRINGS, "The ids of the privileges that count for the account.", |s| {
        or_unknown(s.user.effective_privileges().map(|held| texts(held.iter().map(PrivilegeId::as_str))))
    }),
    Field {
        name: "user.two_factor",
        kind: String,
        doc: "The two-factor state; undetermined if the console's answer proves neither.",
        values: &["configured", "not_configured", "delegated", "undetermined"],
        fact: |s| known(text(TwoFactor::as_str(s.user.two_factor))),
    },
    field("user.last_logon", Timestamp, "The last logon; absent if the source would show one.", last_logon),
    field("user.console", String, "The console's name in the configuration.", |s| {
        known(text(&s.graph.snapshot().console.name))
    }),
    field("role.id", String, "The id of the account's role.", |s| {
        or_unknown(s.user.role.id.as_ref().map(|id| text(id.as_str())))
    }),
    field("role.name", String, "The role's name.", |s| {
        let name = s.user.role.name.as_deref();
        or_unknown(name.or_else(|| definition(s).map(|role| role.name.as_str())).map(text))
    }),
    field("role.description", String, "The role's description; absent if it has none.", |s| {
        definition(s).map_or(Fact::Unknown, |role| or_absent(role.description.as_deref().map(text)))
    }),
    field("role.builtin", Bool, "Whether the role comes with the product.", |s| {
        or_unknown(s.user.role.id.as_ref().map(|id| truth(BUILTIN_ROLES.contains(&id.as_str()))))
    }),
    field("role.privileges", STRINGS, "The ids of the privileges in the role's definition.", |s| {
        let copy = || s.user.role.privileges.as_deref();
        let held = definition(s).map(|role| &role.privileges).or_else(copy);
        or_unknown(held.map(|held| texts(held.iter().map(PrivilegeId::as_str))))
    }),
    field("role.users", Int, "How many accounts hold the role, disabled ones included.", role_users),
    field("grants.sites", STRINGS, "The names of the sites that are granted directly.", |s| {
        let seen = is_whole(s, Part::Sites);
        let name = |id| s.graph.site(id).map(|site| site.name.as_str());
        names(s.user.sites.known(), seen, |&id| (name(id), format!("site {id} (not listed)")))
    }),
    field("grants.asset_groups", STRINGS, "The names of the asset groups that are granted directly.", |s| {
        let seen = is_whole(s, Part::AssetGroups);
        let name = |id| s.graph.asset_group(id).map(|group| group.name.as_str());
        names(s.user.asset_groups.known(), seen, |&id| (name(id), format!("asset group {id} (not listed)")))
    }),
    field("grants.site_count", Int, "How many sites the account reaches, by flag or by grant.", |s| {
        let all = is_whole(s, Part::Sites).then_some(s.graph.snapshot().sites.len());
        or_unknown(reached(&s.graph.sites_of(s.user), all))
    }),
    field(
        "grants.asset_group_count",
        Int,
        "How many asset groups the account reaches, by flag or by grant.",
        |s| {
            let all = is_whole(s, Part::AssetGroups).then_some(s.graph.snapshot().asset_groups.len());
            or_unknown(reached(&s.graph.asset_groups_of(s.user), all))
        },
    ),
    field(
        "person.id",
        String,
        "The id of the person behind the account; absent if the roster has nobody.",
        |s| person(s, |person| known(text(&person.id))),
    ),
    field("person.name", String, "The person's name.", |s| {
        person(s, |person| or_absent(person.name.as_deref().map(text)))
    }),
    field("person.email", String, "The person's mail address.", |s| {
        person(s, |person| or_absent(person.email.as_deref().map(text)))
    }),
    field("person.manager", String, "The person's manager, as the roster writes it.", |s| {
        person(s, |person| or_absent(person.manager.as_deref().map(text)))
    }),
    field("person.department", String, "The person's department.", |s| {
        person(s, |person| or_absent(person.department.as_deref().map(text)))
    }),
    field("person.type", String, "What kind of person, in the roster's word.", |s| {
        person(s, |person| or_absent(person.kind.as_deref().map(text)))
    }),
    field("person.left", Bool, "Whether the person has left.", left),
    field("person.temporary", Bool, "Whether this kind of person stays for a time only.", |s| {
        person(s, |person| or_unknown(person.temporary.map(truth)))
    }),
    field("person.start", Timestamp, "The beginning of the first day (UTC).", |s| {
        person(s, |person| or_absent(person.start.map(|day| at(day, NaiveTime::MIN))))
    }),
    field("person.end", Timestamp, "The end of the last day (UTC).", |s| {
        person(s, |person| or_absent(person.end.map(|day| at(day, END_OF_DAY))))
    }),
    field("now", Timestamp, "The end of the collection that is judged.", |s| known(time(s.now))),
];

const fn field(
    name: &'static str,
    kind: Type,
    doc: &'static str,
    fact: for<'a> fn(&Subject<'a>) -> Fact<'a>,
) -> Field {
    Field { name, kind, doc, values: &[], fact }
}

fn known<'a>(value: impl Val + 'a) -> Fact<'a> {
    Fact::Known(Box::new(value))
}

/// A fact whose absence is known.
fn or_absent<'a>(value: Option<impl Val + 'a>) -> Fact<'a> {
    value.map_or(Fact::Absent, known)
}

/// A fact that was not asked or not answered if it is not there.
fn or_unknown<'a>(value: Option<impl Val + 'a>) -> Fact<'a> {
    value.map_or(Fact::Unknown, known)
}

fn text(text: &str) -> CelString<'_> {
    CelString::from(text)
}

fn truth(value: bool) -> CelBool {
    CelBool::from(value)
}

fn count(number: usize) -> CelInt {
    CelInt::from(i64::try_from(number).unwrap_or(i64::MAX))
}

fn time(at: DateTime<Utc>) -> CelTimestamp {
    CelTimestamp::from(at.fixed_offset())
}

fn at(day: NaiveDate, hour: NaiveTime) -> CelTimestamp {
    time(day.and_time(hour).and_utc())
}

fn texts<'a>(all: impl Iterator<Item = &'a str>) -> CelList<'a> {
    CelList::from(all.map(|one| Box::new(text(one)) as Box<dyn Val + 'a>).collect::<Vec<_>>())
}

fn is_whole(s: &Subject<'_>, part: Part) -> bool {
    s.graph.snapshot().coverage.is_complete(part)
}

/// The account's own word on its source, else the listing's.
fn source<'a>(s: &Subject<'a>) -> Fact<'a> {
    let Some(authentication) = &s.user.authentication else { return Fact::Unknown };
    let listed = || authentication.id.and_then(|id| s.graph.source(id)).map(|source| source.name.as_str());
    or_unknown(authentication.name.as_deref().or_else(listed).map(text))
}

fn source_type<'a>(s: &Subject<'a>) -> Fact<'a> {
    let Some(authentication) = &s.user.authentication else { return Fact::Unknown };
    let listed =
        || authentication.id.and_then(|id| s.graph.source(id)).and_then(|source| source.kind.as_deref());
    or_unknown(authentication.kind.as_deref().or_else(listed).map(text))
}

fn last_logon<'a>(s: &Subject<'a>) -> Fact<'a> {
    match &s.user.last_logon {
        Some(logon) => or_absent(logon.at.map(time)),
        None => Fact::Unknown,
    }
}

fn definition<'a>(s: &Subject<'a>) -> Option<&'a Role> {
    s.user.role.id.as_ref().and_then(|id| s.graph.role(id))
}

/// A number only where every account and its role was seen.
fn role_users<'a>(s: &Subject<'a>) -> Fact<'a> {
    let Some(role) = &s.user.role.id else { return Fact::Unknown };
    let everyone = s.graph.snapshot().saw_everyone() && s.graph.knows_every_role();
    or_unknown(everyone.then(|| count(s.graph.users_of_role(role).len())))
}

/// The names of what is granted. What a whole listing does not have is called as everywhere else in a report; what an
/// incomplete one does not have has no name that is known.
fn names<'a, T>(
    granted: Option<&'a Vec<T>>,
    whole: bool,
    name: impl Fn(&'a T) -> (Option<&'a str>, std::string::String),
) -> Fact<'a> {
    let Some(granted) = granted else { return Fact::Unknown };
    let mut list: Vec<Box<dyn Val + 'a>> = Vec::with_capacity(granted.len());
    for one in granted {
        match name(one) {
            (Some(name), _) => list.push(Box::new(text(name))),
            (None, label) if whole => list.push(Box::new(CelString::from(label))),
            (None, _) => return Fact::Unknown,
        }
    }
    known(CelList::from(list))
}

fn reached<T>(reach: &Reach<'_, T>, all: Option<usize>) -> Option<CelInt> {
    match reach {
        Reach::All { .. } => all.map(count),
        Reach::Listed(ids) => Some(count(ids.len())),
        Reach::Unknown => None,
    }
}

/// A fact of the person behind the account. A field that the roster leaves empty is absent.
fn person<'a>(s: &Subject<'a>, fact: impl Fn(&'a Person) -> Fact<'a>) -> Fact<'a> {
    match &s.user.person {
        RosterMatch::Person { person, .. } => fact(person),
        RosterMatch::Nobody => Fact::Absent,
        RosterMatch::NotAsked | RosterMatch::Ambiguous { .. } => Fact::Unknown,
    }
}

fn left<'a>(s: &Subject<'a>) -> Fact<'a> {
    let today = s.now.date_naive();
    person(s, |person| or_unknown(person.has_left(today).map(truth)))
}
