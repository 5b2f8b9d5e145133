//! The sheet Users: one row for each, the worst findings first, with counts of what it reaches; the access matrix says what exactly.

use rust_xlsxwriter::XlsxError;

use super::{Book, Column, Kind, Plan, Row, amount, roster_words, users_worst_first};
use crate::model::{Confidence, TwoFactor};
use crate::report::{Scopes, UserRow};

pub(super) fn write(book: &mut Book<'_>) -> Result<(), XlsxError> {
    use Kind::{Count, Id, Mark, Text, Time};
    let (report, places) = (book.report, book.places.clone());
    let columns = vec![
        Column::new("Login", Text, 24),
        Column::new("Name", Text, 22),
        Column::new("E-mail", Text, 28),
        Column::new("Manager", Text, 22),
        Column::new("Department", Text, 18),
        Column::new("Has left", Mark, 10),
        Column::new("Enabled", Mark, 10),
        Column::new("Locked", Mark, 10),
        Column::new("Last seen (UTC)", Time, 16),
        Column::new("Role", Text, 22),
        Column::new("Super-user", Mark, 9),
        Column::new("Two-factor", Mark, 15),
        Column::new("Open findings", Count, 10),
        Column::new("Worst finding", Mark, 10),
        Column::new("Sites", Count, 9),
        Column::new("Asset groups", Count, 9),
        Column::new("Unused own grants", Count, 10),
        Column::new("Person", Text, 16),
        Column::new("Match", Text, 14),
        Column::new("Last seen by", Text, 16),
        Column::new("Last seen, how sure", Mark, 10),
        Column::new("Authentication source", Text, 20),
        Column::new("Source type", Text, 9),
        Column::new("External", Mark, 10),
        Column::new("Role id", Text, 18),
        Column::new("Console", Text, 14),
        Column::new("User id", Id, 8),
        Column::new("Privileges", Count, 11),
        Column::new("Privileges by id", Text, 40),
    ];
    let mut plan = Plan::new("Users", 1, columns);
    plan.printed = 17;
    plan.note = format!(
        "{}, the worst open findings first; a number that is a link leads to the worst one about the user or its role",
        amount(report.users.len() as u64, "user")
    );
    let mut table = book.table(plan)?;
    for user in users_worst_first(report) {
        write_row(&mut table.row()?, user, places.finding_of(user))?;
    }
    table.finish()
}

fn write_row(row: &mut Row<'_>, user: &UserRow, finding: Option<String>) -> Result<(), XlsxError> {
    row.text(&user.login)?.text(&user.name)?.optional(user.email.as_deref())?;
    row.optional(user.manager.as_deref())?.optional(user.department.as_deref())?;
    match user.left {
        Some(true) => row.styled("yes", |style| &style.bad)?,
        Some(false) => row.text("no")?,
        // A person of whom the roster does not say it; without a person, there is nobody to leave.
        None if user.person.is_some() => row.text("unknown")?,
        None => row.skip(1),
    };
    row.flag(user.enabled)?.flag(user.locked)?.time(user.last_seen)?;
    row.optional(user.role_name.as_deref().or(user.role_id.as_deref()))?.flag(Some(user.superuser))?;
    two_factor(row, user.two_factor)?;
    row.count_to(finding, user.findings)?.severity(user.highest_severity)?;
    reach(row, &user.sites)?;
    reach(row, &user.asset_groups)?;
    let leftover = (user.leftover_sites.len() + user.leftover_asset_groups.len()) as u64;
    row.count((leftover > 0).then_some(leftover))?;
    row.optional(user.person.as_deref())?.text(&roster_words(user))?;
    row.text(&user.last_seen_by.unwrap_or_default().replace('_', " "))?;
    row.optional(user.last_seen_confidence.map(Confidence::as_str))?;
    row.optional(user.auth_source.as_deref())?.optional(user.auth_type.as_deref())?.flag(user.external)?;
    row.optional(user.role_id.as_deref())?.text(&user.console)?.number(user.id)?;
    match &user.privileges {
        Some(held) => {
            let ids: Vec<&str> = held.iter().map(crate::model::PrivilegeId::as_str).collect();
            row.count(held.len() as u64)?.text(&ids.join(", "))?
        }
        None => row.text("unknown")?.skip(1),
    };
    Ok(())
}

/// A missing second factor stands out; what could not be determined does too, and is not the same.
fn two_factor(row: &mut Row<'_>, state: TwoFactor) -> Result<(), XlsxError> {
    let words = state.as_str().replace('_', " ");
    match state {
        TwoFactor::NotConfigured => row.styled(&words, |style| &style.bad)?,
        TwoFactor::Undetermined => row.styled(&words, |style| &style.doubt)?,
        TwoFactor::Configured | TwoFactor::Delegated => row.text(&words)?,
    };
    Ok(())
}

fn reach(row: &mut Row<'_>, scopes: &Scopes) -> Result<(), XlsxError> {
    match scopes {
        Scopes::All => row.text("all")?,
        Scopes::Listed(ids) => row.count(ids.len() as u64)?,
        Scopes::Unknown => row.text("unknown")?,
    };
    Ok(())
}
