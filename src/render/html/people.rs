//! The people who have accounts on several consoles.

use serde::Serialize;

use super::{ROWS, Table, Text};
use crate::report::{Identity, Report};

/// One person.
#[derive(Debug, Default, Serialize)]
pub(super) struct PersonView {
    pub(super) name: Text,
    pub(super) person: Option<Text>,
    pub(super) left: bool,
    pub(super) accounts: Vec<AccountView>,
}

/// One of the accounts.
#[derive(Debug, Default, Serialize)]
pub(super) struct AccountView {
    pub(super) console: Text,
    pub(super) login: Text,
    pub(super) role: Text,
    /// `enabled`, `disabled` or `unknown`.
    pub(super) state: &'static str,
}

/// Everyone with accounts on several consoles, by name.
pub(super) fn people(report: &Report) -> Table<PersonView> {
    Table::of(report.identities.iter(), ROWS, "report.xlsx and report.json", PersonView::of)
}

impl PersonView {
    fn of(identity: &Identity) -> Self {
        let accounts = identity.accounts.iter().map(|account| AccountView {
            console: Text::name(&account.console),
            login: Text::name(&account.login),
            role: Text::name(&account.role),
            state: match account.enabled {
                Some(true) => "enabled",
                Some(false) => "disabled",
                None => "unknown",
            },
        });
        Self {
            name: Text::name(&identity.name),
            person: Text::maybe(identity.person.as_deref()),
            left: identity.left == Some(true),
            accounts: accounts.collect(),
        }
    }
}
