//! The sheet Access matrix, one for each console: users down, sites and asset groups across, and how each is reached.
//! Of more users than anybody reads it has a row for each role, and the sheet Access list has the users.

mod by_role;

use std::collections::{BTreeMap, HashMap, HashSet};

use rust_xlsxwriter::{Format, XlsxError};

use super::{Book, Column, Kind, Plan, Row, Style};
use crate::report::{Report, Scopes, UserRow};

const KEYS: u16 = 3;
const NOTE: &str = "S superuser · A flag for all · D direct grant · ? not known · empty: no access";

/// A site or an asset group.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Scope {
    Site(i64),
    AssetGroup(i64),
}

/// One column: what it stands for, its name, and whether the console lists it. The flags for all reach only those.
struct Across<'a> {
    scope: Scope,
    name: &'a str,
    listed: bool,
}

pub(super) fn write(book: &mut Book<'_>) -> Result<(), XlsxError> {
    let report = book.report;
    for console in &report.consoles {
        let beside = match report.consoles.len() {
            1 => String::new(),
            _ => format!(" ({})", short(&console.name)),
        };
        let users = report.users.iter().filter(|user| *user.console == *console.name).count();
        let name = format!("Access matrix{beside}");
        if users <= book.limits.matrix {
            write_console(book, &name, &console.name)?;
        } else {
            by_role::write(book, &name, &format!("Access list{beside}"), &console.name)?;
        }
    }
    Ok(())
}

/// As much of a console's name as leaves room for the rest of a sheet's.
fn short(console: &str) -> String {
    const ROOM: usize = 15;
    if console.encode_utf16().count() <= ROOM {
        return console.to_owned();
    }
    let mut room = ROOM - 1;
    let fits = |c: &char| room.checked_sub(c.len_utf16()).map(|left| room = left).is_some();
    console.chars().take_while(fits).chain(['…']).collect()
}

fn write_console(book: &mut Book<'_>, name: &str, console: &str) -> Result<(), XlsxError> {
    let report = book.report;
    let across = scopes(report, console);
    let names = headers(&across);
    let width = usize::from(book.limits.columns - KEYS);
    // A console without sites and groups still has users.
    let chunks = across.len().div_ceil(width).max(1);
    for chunk in 0..chunks {
        let range = chunk * width..across.len().min((chunk + 1) * width);
        let (across, names) = (&across[range.clone()], &names[range]);
        let mut table = book.table(plan(name, across, names))?;
        for user in by_reach(report, console) {
            write_row(&mut table.row()?, user, across)?;
        }
        table.finish()?;
    }
    Ok(())
}

/// The users of a console: who reaches everything first, then role by role, so that what is alike stands together.
fn by_reach<'a>(report: &'a Report, console: &str) -> Vec<&'a UserRow> {
    let mut users: Vec<&UserRow> = report.users.iter().filter(|user| *user.console == *console).collect();
    users.sort_by_key(|user| (!user.superuser, role_of(user), &*user.login));
    users
}

fn role_of(user: &UserRow) -> &str {
    user.role_name.as_deref().or(user.role_id.as_deref()).unwrap_or_default()
}

/// Every site and asset group of a console: what it lists, and what is granted although it does not list it.
fn scopes<'a>(report: &'a Report, console: &str) -> Vec<Across<'a>> {
    let (mut sites, mut groups): (HashSet<i64>, HashSet<i64>) = Default::default();
    for user in report.users.iter().filter(|user| *user.console == *console) {
        sites.extend(own(&user.sites, &user.leftover_sites));
        groups.extend(own(&user.asset_groups, &user.leftover_asset_groups));
    }
    let sites = sites.into_iter().map(Scope::Site);
    let scopes = sites.chain(groups.into_iter().map(Scope::AssetGroup));
    let mut known: BTreeMap<Scope, Option<&str>> = scopes.map(|scope| (scope, None)).collect();
    let sites = report.sites.iter().filter(|site| *site.console == *console);
    known.extend(sites.map(|site| (Scope::Site(site.id), Some(&*site.name))));
    let groups = report.asset_groups.iter().filter(|group| *group.console == *console);
    known.extend(groups.map(|group| (Scope::AssetGroup(group.id), Some(&*group.name))));
    let across = |(scope, name): (Scope, Option<&'a str>)| Across {
        scope,
        name: name.unwrap_or_default(),
        listed: name.is_some(),
    };
    known.into_iter().map(across).collect()
}

/// The direct grants behind what a user reaches.
fn own<'a>(scopes: &'a Scopes, leftover: &'a [i64]) -> &'a [i64] {
    if let Scopes::Listed(ids) = scopes { ids } else { leftover }
}

/// The names, with the id where a name alone would not tell two apart.
fn headers(across: &[Across<'_>]) -> Vec<String> {
    let mut seen: HashMap<(bool, &str), usize> = HashMap::new();
    let key = |column: &Across<'_>| matches!(column.scope, Scope::Site(_));
    for column in across {
        *seen.entry((key(column), column.name)).or_default() += 1;
    }
    let header = |column: &Across<'_>| {
        let (Scope::Site(id) | Scope::AssetGroup(id)) = column.scope;
        match (column.listed, column.name, seen[&(key(column), column.name)]) {
            (false, ..) => format!("#{id} (not listed)"),
            (true, "", _) => format!("#{id}"),
            (true, name, 1) => name.to_owned(),
            (true, name, _) => format!("{name} (#{id})"),
        }
    };
    across.iter().map(header).collect()
}

fn plan<'a>(name: &str, across: &[Across<'_>], names: &'a [String]) -> Plan<'a> {
    let keys = [
        Column::new("Login", Kind::Text, 26),
        Column::new("Name", Kind::Text, 26),
        Column::new("Role", Kind::Text, 22),
    ];
    let mut plan = plan_of(name, keys, across, names, 4);
    plan.note.push_str(NOTE);
    plan
}

/// Columns that stay in view, and one for each site and asset group.
fn plan_of<'a>(
    name: &str,
    keys: [Column<'a>; KEYS as usize],
    across: &[Across<'_>],
    names: &'a [String],
    width: u16,
) -> Plan<'a> {
    let columns = names.iter().map(|name| Column::new(name.as_str(), Kind::Upright, width));
    let mut plan = Plan::new(name, KEYS, keys.into_iter().chain(columns).collect());
    let is_site = |column: &Across<'_>| matches!(column.scope, Scope::Site(_));
    let first_group = across.partition_point(is_site);
    if first_group > 0 {
        plan.bands.push((KEYS, "Sites"));
    }
    if let Ok(first_group) = u16::try_from(first_group)
        && usize::from(first_group) < across.len()
    {
        plan.bands.push((KEYS + first_group, "Asset groups"));
    }
    plan
}

fn write_row(row: &mut Row<'_>, user: &UserRow, across: &[Across<'_>]) -> Result<(), XlsxError> {
    row.text(&user.login)?.text(&user.name)?;
    row.text(role_of(user))?;
    let mut sites = Reach::new(user.superuser, user.all_sites, &user.sites, &user.leftover_sites);
    let mut groups =
        Reach::new(user.superuser, user.all_asset_groups, &user.asset_groups, &user.leftover_asset_groups);
    for column in across {
        let mark = match column.scope {
            Scope::Site(id) => sites.mark(id, column.listed),
            Scope::AssetGroup(id) => groups.mark(id, column.listed),
        };
        match mark {
            "" => row.skip(1),
            mark => row.styled(mark, |style| look(style, mark))?,
        };
    }
    Ok(())
}

/// One user's way to the sites, or to the asset groups, asked for in ascending order of their ids.
struct Reach<'a> {
    superuser: bool,
    all_flag: bool,
    unknown: bool,
    direct: &'a [i64],
}

impl<'a> Reach<'a> {
    fn new(superuser: bool, all_flag: bool, scopes: &'a Scopes, leftover: &'a [i64]) -> Self {
        Self { superuser, all_flag, unknown: *scopes == Scopes::Unknown, direct: own(scopes, leftover) }
    }

    /// Every path: whoever takes access away must close all of them.
    fn mark(&mut self, id: i64, listed: bool) -> &'static str {
        let passed = self.direct.iter().take_while(|granted| **granted < id).count();
        self.direct = &self.direct[passed..];
        let direct = self.direct.first() == Some(&id);
        match (self.superuser && listed, self.all_flag && listed, direct) {
            (true, true, true) => "SAD",
            (true, true, false) => "SA",
            (true, false, true) => "SD",
            (true, false, false) => "S",
            (false, true, true) => "AD",
            (false, true, false) => "A",
            (false, false, true) => "D",
            (false, false, false) if self.unknown => "?",
            (false, false, false) => "",
        }
    }
}

fn look<'s>(style: &'s Style, mark: &str) -> &'s Format {
    match mark.as_bytes().first() {
        Some(b'S') => &style.superuser,
        Some(b'A') => &style.all_flag,
        Some(b'D') => &style.direct,
        _ => &style.doubt,
    }
}
