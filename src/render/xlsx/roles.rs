//! The sheets Roles and privileges: roles down, privileges across; and Privileges: each of them with its holders.

use std::collections::BTreeSet;

use rust_xlsxwriter::XlsxError;

use super::{Book, Column, Kind, Plan, Row};
use crate::report::RoleRow;

const NAME: &str = "Roles and privileges";
const KEYS: u16 = 7;

pub(super) fn write(book: &mut Book<'_>) -> Result<(), XlsxError> {
    let report = book.report;
    let listed = report.privileges.iter().map(|privilege| privilege.id.as_str());
    let held = report.roles.iter().flat_map(|role| &role.privileges).map(crate::model::PrivilegeId::as_str);
    let privileges: Vec<&str> = listed.chain(held).collect::<BTreeSet<_>>().into_iter().collect();
    let width = usize::from(book.limits.columns - KEYS);
    for chunk in 0..privileges.len().div_ceil(width).max(1) {
        let across = &privileges[chunk * width..privileges.len().min((chunk + 1) * width)];
        let mut table = book.table(plan(across))?;
        for role in &report.roles {
            write_role(&mut table.row()?, role, across)?;
        }
        table.finish()?;
    }
    write_privileges(book)
}

/// Every privilege with its holders.
fn write_privileges(book: &mut Book<'_>) -> Result<(), XlsxError> {
    let report = book.report;
    let columns = vec![
        Column::new("Privilege", Kind::Text, 44),
        Column::new("Users", Kind::Count, 10),
        Column::new("Roles", Kind::Count, 10),
        Column::new("Known to recert", Kind::Mark, 12),
        Column::new("Console", Kind::Text, 18),
    ];
    let mut plan = Plan::new("Privileges", 1, columns);
    plan.note.push_str("Users with the privilege, superusers included, and the roles that hold it");
    let mut table = book.table(plan)?;
    for privilege in &report.privileges {
        let mut row = table.row()?;
        row.text(privilege.id.as_str())?.count(privilege.users)?.count(privilege.roles)?;
        row.flag(Some(privilege.known))?.text(&privilege.console)?;
    }
    table.finish()
}

fn plan<'a>(across: &[&'a str]) -> Plan<'a> {
    let keys = [
        Column::new("Role", Kind::Text, 30),
        Column::new("Role id", Kind::Text, 20),
        Column::new("Console", Kind::Text, 16),
        Column::new("Comes with the product", Kind::Mark, 12),
        Column::new("Users", Kind::Count, 9),
        Column::new("Privileges", Kind::Count, 11),
        Column::new("Description", Kind::Text, 40),
    ];
    let columns = across.iter().map(|privilege| Column::new(*privilege, Kind::Upright, 4));
    let mut plan = Plan::new(NAME, 1, keys.into_iter().chain(columns).collect());
    plan.note.push_str("● the role holds the privilege");
    plan.bands.push((KEYS, "Privileges of the role"));
    plan
}

fn write_role(row: &mut Row<'_>, role: &RoleRow, across: &[&str]) -> Result<(), XlsxError> {
    row.text(&role.name)?.text(&role.id)?.text(&role.console)?.flag(Some(role.builtin))?;
    row.count(role.users)?.count(role.privileges.len() as u64)?.optional(role.description.as_deref())?;
    let held: BTreeSet<&str> = role.privileges.iter().map(crate::model::PrivilegeId::as_str).collect();
    for privilege in across {
        if held.contains(privilege) {
            row.styled("●", |style| &style.direct)?
        } else {
            row.skip(1)
        };
    }
    Ok(())
}
