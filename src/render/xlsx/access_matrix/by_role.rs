//! The access of more users than a matrix can show: how many of each role reach what, and a list of the users.

use std::collections::BTreeMap;

use rust_xlsxwriter::XlsxError;

use super::{Across, KEYS, Scope, headers, own, plan_of, role_of, scopes};
use crate::render::xlsx::{Book, Column, Kind, Plan, Row};
use crate::report::{Report, Scopes, UserRow};

pub(super) fn write(book: &mut Book<'_>, matrix: &str, list: &str, console: &str) -> Result<(), XlsxError> {
    let report = book.report;
    let across = scopes(report, console);
    let names = headers(&across);
    let roles = count(report, console, &across);
    let width = usize::from(book.limits.columns - KEYS);
    for chunk in 0..across.len().div_ceil(width).max(1) {
        let range = chunk * width..across.len().min((chunk + 1) * width);
        let keys = [
            Column::new("Role", Kind::Text, 30),
            Column::new("Users", Kind::Count, 9),
            Column::new("Reach not known", Kind::Count, 10),
        ];
        let mut plan = plan_of(matrix, keys, &across[range.clone()], &names[range.clone()], 7);
        plan.note = format!("How many users of each role reach it; every user is on the sheet {list}");
        let mut table = book.table(plan)?;
        for (name, role) in &roles {
            let mut row = table.row()?;
            row.text(name)?.count(role.users)?;
            row.count((role.unknown > 0).then_some(role.unknown))?;
            for reached in &role.reached[range.clone()] {
                match i64::try_from(*reached).unwrap_or(i64::MAX) {
                    0 => row.skip(1),
                    all if *reached == role.users => row.marked(all, |style| &style.superuser)?,
                    some => row.marked(some, |style| &style.direct)?,
                };
            }
        }
        table.finish()?;
    }
    write_list(book, list, console, &across, &names)
}

/// The users of one role.
struct Role {
    users: u64,
    /// Those of whom some access is not known.
    unknown: u64,
    /// How many reach each site and asset group.
    reached: Vec<u64>,
}

fn count<'a>(report: &'a Report, console: &str, across: &[Across<'_>]) -> BTreeMap<&'a str, Role> {
    let (sites, groups) = ids(across);
    let mut roles: BTreeMap<&str, Role> = BTreeMap::new();
    for user in report.users.iter().filter(|user| *user.console == *console) {
        let new = || Role { users: 0, unknown: 0, reached: vec![0; across.len()] };
        let role = roles.entry(role_of(user)).or_insert_with(new);
        role.users += 1;
        role.unknown += u64::from([&user.sites, &user.asset_groups].contains(&&Scopes::Unknown));
        let all = (user.superuser || user.all_sites, user.superuser || user.all_asset_groups);
        if all.0 || all.1 {
            for (column, reached) in across.iter().zip(&mut role.reached) {
                let flag = if matches!(column.scope, Scope::Site(_)) { all.0 } else { all.1 };
                *reached += u64::from(flag && column.listed);
            }
        }
        let direct = positions(own(&user.sites, &user.leftover_sites), &sites).map(|at| (at, all.0));
        let of_groups = positions(own(&user.asset_groups, &user.leftover_asset_groups), &groups);
        for (at, flag) in direct.chain(of_groups.map(|at| (sites.len() + at, all.1))) {
            role.reached[at] += u64::from(!(flag && across[at].listed));
        }
    }
    roles
}

/// The ids of the sites, which come first, and of the asset groups; each in ascending order.
fn ids(across: &[Across<'_>]) -> (Vec<i64>, Vec<i64>) {
    let (mut sites, mut groups) = (Vec::new(), Vec::new());
    for column in across {
        match column.scope {
            Scope::Site(id) => sites.push(id),
            Scope::AssetGroup(id) => groups.push(id),
        }
    }
    (sites, groups)
}

/// Where among sorted ids others stand, which are sorted too. There are millions of them, so that both are walked once.
fn positions<'s>(ids: &'s [i64], sorted: &'s [i64]) -> impl Iterator<Item = usize> {
    let mut at = 0;
    ids.iter().filter_map(move |id| {
        at += sorted[at..].iter().take_while(|known| *known < id).count();
        (sorted.get(at) == Some(id)).then_some(at)
    })
}

fn write_list(
    book: &mut Book<'_>,
    name: &str,
    console: &str,
    across: &[Across<'_>],
    names: &[String],
) -> Result<(), XlsxError> {
    let columns = vec![
        Column::new("Login", Kind::Text, 26),
        Column::new("Name", Kind::Text, 26),
        Column::new("Role", Kind::Text, 26),
        Column::new("Through", Kind::Text, 20),
        Column::new("Sites", Kind::Count, 9),
        Column::new("Asset groups", Kind::Count, 9),
        Column::new("Sites by name", Kind::Text, 60),
        Column::new("Asset groups by name", Kind::Text, 60),
        Column::new("User id", Kind::Id, 9),
    ];
    let (sites, groups) = ids(across);
    let (site_names, group_names) = names.split_at(sites.len());
    let mut plan = Plan::new(name, 1, columns);
    plan.note.push_str(
        "Filter the names for those that contain a site, and its users are left, beside those who reach all",
    );
    let report = book.report;
    let mut table = book.table(plan)?;
    for user in report.users.iter().filter(|user| *user.console == *console) {
        let mut row = table.row()?;
        write_user(&mut row, user)?;
        names_of(&mut row, &user.sites, &sites, site_names)?;
        names_of(&mut row, &user.asset_groups, &groups, group_names)?;
        row.number(user.id)?;
    }
    table.finish()
}

fn write_user(row: &mut Row<'_>, user: &UserRow) -> Result<(), XlsxError> {
    row.text(&user.login)?.text(&user.name)?.text(role_of(user))?.text(&through(user))?;
    for scopes in [&user.sites, &user.asset_groups] {
        match scopes {
            Scopes::All => row.text("all")?,
            Scopes::Listed(ids) => row.count(ids.len() as u64)?,
            Scopes::Unknown => row.styled("unknown", |style| &style.doubt)?,
        };
    }
    Ok(())
}

/// Every path but the empty one, in the words of the matrix.
fn through(user: &UserRow) -> String {
    let grants = [(&user.sites, &user.leftover_sites), (&user.asset_groups, &user.leftover_asset_groups)];
    let direct = grants.into_iter().any(|(scopes, leftover)| !own(scopes, leftover).is_empty());
    let paths = [
        (user.superuser, "superuser"),
        (user.all_sites || user.all_asset_groups, "flag for all"),
        (direct, "direct grants"),
    ];
    paths.into_iter().filter(|(is, _)| *is).map(|(_, path)| path).collect::<Vec<_>>().join(", ")
}

fn names_of(row: &mut Row<'_>, scopes: &Scopes, sorted: &[i64], names: &[String]) -> Result<(), XlsxError> {
    match scopes {
        Scopes::Listed(ids) => {
            let listed: Vec<&str> = positions(ids, sorted).map(|at| names[at].as_str()).collect();
            row.text(&listed.join("; "))?
        }
        Scopes::All => row.text("all")?,
        Scopes::Unknown => row.text("unknown")?,
    };
    Ok(())
}
