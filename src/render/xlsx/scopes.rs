//! The sheets Sites and Asset groups: what can be reached, and by how many.

use rust_xlsxwriter::XlsxError;

use super::{Book, Column, Kind, Plan, Row, amount};

pub(super) fn sites(book: &mut Book<'_>) -> Result<(), XlsxError> {
    let report = book.report;
    let columns = vec![
        Column::new("Site", Kind::Text, 34),
        Column::new("Users who reach it", Kind::Count, 12),
        Column::new("Users not known", Kind::Count, 10),
        Column::new("Assets", Kind::Count, 10),
        Column::new("Type", Kind::Text, 12),
        Column::new("Importance", Kind::Text, 12),
        Column::new("Last scan (UTC)", Kind::Time, 17),
        Column::new("Console", Kind::Text, 16),
        Column::new("Site id", Kind::Id, 9),
        Column::new("Description", Kind::Text, 60),
    ];
    let mut plan = Plan::new("Sites", 1, columns);
    plan.note = amount(report.sites.len() as u64, "site");
    let mut table = book.table(plan)?;
    for site in &report.sites {
        let mut row = table.row()?;
        row.text(&site.name)?;
        reached_by(&mut row, site.users, site.users_unknown)?.number(site.assets)?;
        row.optional(site.kind.as_deref())?.optional(site.importance.as_deref())?;
        let scanned = site.last_scan.as_deref().unwrap_or_default();
        match chrono::DateTime::parse_from_rfc3339(scanned) {
            Ok(time) => row.time(time.to_utc())?,
            Err(_) => row.text(scanned)?,
        };
        row.text(&site.console)?.number(site.id)?.optional(site.description.as_deref())?;
    }
    table.finish()
}

pub(super) fn asset_groups(book: &mut Book<'_>) -> Result<(), XlsxError> {
    let report = book.report;
    let columns = vec![
        Column::new("Asset group", Kind::Text, 34),
        Column::new("Users who reach it", Kind::Count, 12),
        Column::new("Users not known", Kind::Count, 10),
        Column::new("Assets", Kind::Count, 10),
        Column::new("Type", Kind::Text, 12),
        Column::new("Console", Kind::Text, 16),
        Column::new("Group id", Kind::Id, 9),
        Column::new("Description", Kind::Text, 60),
    ];
    let mut plan = Plan::new("Asset groups", 1, columns);
    plan.note = amount(report.asset_groups.len() as u64, "asset group");
    let mut table = book.table(plan)?;
    for group in &report.asset_groups {
        let mut row = table.row()?;
        row.text(&group.name)?;
        reached_by(&mut row, group.users, group.users_unknown)?.number(group.assets)?;
        row.optional(group.kind.as_deref())?.text(&group.console)?.number(group.id)?;
        row.optional(group.description.as_deref())?;
    }
    table.finish()
}

/// How many are known to reach it, and how many more might.
fn reached_by<'r, 't>(row: &'r mut Row<'t>, known: u64, unknown: u64) -> Result<&'r mut Row<'t>, XlsxError> {
    if unknown == 0 { Ok(row.count(known)?.skip(1)) } else { row.at_least(known)?.count(unknown) }
}
