//! The sheet People: who has accounts on several consoles, a row for each account, and what the estate comes to.

use rust_xlsxwriter::XlsxError;

use super::{Book, Column, Kind, Plan, amount, amount_of_people};

/// Only where there are several consoles: on one, nobody has accounts on several.
pub(super) fn write(book: &mut Book<'_>) -> Result<(), XlsxError> {
    use Kind::{Id, Mark, Text};
    let report = book.report;
    if report.consoles.len() < 2 {
        return Ok(());
    }
    let columns = vec![
        Column::new("Person", Text, 28),
        Column::new("Console", Text, 16),
        Column::new("Login", Text, 28),
        Column::new("Enabled", Mark, 10),
        Column::new("Role", Text, 34),
        Column::new("Has left", Mark, 10),
        Column::new("Roster id", Text, 16),
        Column::new("User id", Id, 10),
    ];
    let mut plan = Plan::new("People", 1, columns);
    let estate = &report.estate;
    plan.note = format!(
        "{} with accounts on several consoles. The estate: {}, {} of them complete, {} of at most {}, {} of them enabled, \
         {}",
        amount_of_people(estate.on_several_consoles),
        amount(estate.consoles, "console"),
        estate.complete,
        amount(estate.users, "account"),
        amount_of_people(estate.people),
        estate.enabled,
        amount(estate.findings, "open finding")
    );
    let mut table = book.table(plan)?;
    for identity in &report.identities {
        for account in &identity.accounts {
            let mut row = table.row()?;
            row.text(&identity.name)?.text(&account.console)?.text(&account.login)?.flag(account.enabled)?;
            row.text(&account.role)?
                .flag(identity.left)?
                .optional(identity.person.as_deref())?
                .number(account.id)?;
        }
    }
    table.finish()
}
