//! The reading operations by name, for those who want to see what a console really answers.

use serde_json::{Value, json};
use thiserror::Error;

use super::{Call, Console, Error, PageRequest, TwoFactorKey};
use crate::model::UserId;

/// The names that [`Console::call`] knows.
pub const READ_OPERATIONS: &[&str] = &{
    let mut names = [""; OPERATIONS.len()];
    let mut at = 0;
    while at < names.len() {
        names[at] = OPERATIONS[at].name;
        at += 1;
    }
    names
};

struct Operation {
    name: &'static str,
    endpoint: &'static str,
    id: Id,
    paged: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Id {
    None,
    Number,
    Text,
}

const fn operation(name: &'static str, endpoint: &'static str, id: Id) -> Operation {
    Operation { name, endpoint, id, paged: false }
}

const fn paged(name: &'static str, endpoint: &'static str) -> Operation {
    Operation { name, endpoint, id: Id::None, paged: true }
}

const TWO_FACTOR: &str = "get_two_factor_authentication_key";

const REPORTS: &str = "get_reports";

const OPERATIONS: &[Operation] = &[
    operation("get_administration_info", "/api/3/administration/info", Id::None),
    operation("get_administration_license", "/api/3/administration/license", Id::None),
    operation("get_administration_settings", "/api/3/administration/settings", Id::None),
    operation("get_asset_group", "/api/3/asset_groups/{id}", Id::Number),
    operation("get_asset_group_users", "/api/3/asset_groups/{id}/users", Id::Number),
    paged("get_asset_groups", "/api/3/asset_groups"),
    operation("get_authentication_source", "/api/3/authentication_sources/{id}", Id::Number),
    operation("get_authentication_source_users", "/api/3/authentication_sources/{id}/users", Id::Number),
    operation("get_authentication_sources", "/api/3/authentication_sources", Id::None),
    paged("get_policy_overrides", "/api/3/policy_overrides"),
    operation("get_privilege", "/api/3/privileges/{id}", Id::Text),
    operation("get_privileges", "/api/3/privileges", Id::None),
    paged(REPORTS, "/api/3/reports"),
    operation("get_role", "/api/3/roles/{id}", Id::Text),
    operation("get_role_users", "/api/3/roles/{id}/users", Id::Text),
    operation("get_roles", "/api/3/roles", Id::None),
    paged("get_scans", "/api/3/scans"),
    operation("get_site", "/api/3/sites/{id}", Id::Number),
    operation("get_site_users", "/api/3/sites/{id}/users", Id::Number),
    paged("get_sites", "/api/3/sites"),
    operation(TWO_FACTOR, "/api/3/users/{id}/2FA", Id::Number),
    operation("get_user", "/api/3/users/{id}", Id::Number),
    operation("get_user_asset_groups", "/api/3/users/{id}/asset_groups", Id::Number),
    operation("get_user_privileges", "/api/3/users/{id}/privileges", Id::Number),
    operation("get_user_sites", "/api/3/users/{id}/sites", Id::Number),
    paged("get_users", "/api/3/users"),
    operation("get_users_with_privilege", "/api/3/privileges/{id}/users", Id::Text),
    paged("get_vulnerability_exceptions", "/api/3/vulnerability_exceptions"),
];

/// Why an operation was not called, or has no answer.
#[derive(Debug, Clone, Error)]
pub enum CallError {
    /// No reading operation has this name.
    #[error("no reading operation is called {0:?}")]
    UnknownOperation(String),
    /// The operation is about one resource.
    #[error("{0} needs an id")]
    NeedsId(&'static str),
    /// The operation's ids are numbers.
    #[error("{0} needs a number as its id")]
    NeedsNumber(&'static str),
    /// The operation is about a whole collection.
    #[error("{0} takes no id")]
    TakesNoId(&'static str),
    /// The operation answers everything at once.
    #[error("{0} has no pages")]
    HasNoPages(&'static str),
    /// The console gave no answer.
    #[error(transparent)]
    Failed(#[from] Error),
}

impl Console {
    /// Calls a reading operation by its name and gives the console's JSON as it is, one page of a paged collection: by
    /// default the first 500 rows, and the answer's `page` says how many there are. Of a second factor it gives
    /// `{"key": "present"}` or `{"key": "absent"}` only, and of a report's database no login.
    pub async fn call(
        &self,
        operation: &str,
        id: Option<&str>,
        page: Option<PageRequest>,
    ) -> Result<Value, CallError> {
        let known = OPERATIONS.iter().find(|known| known.name == operation);
        let &Operation { name, endpoint, id: kind, paged } =
            known.ok_or_else(|| CallError::UnknownOperation(operation.to_owned()))?;
        let number = id.and_then(|id| id.parse::<i64>().ok());
        match (kind, id) {
            (Id::None, Some(_)) => return Err(CallError::TakesNoId(name)),
            (Id::Number | Id::Text, None) => return Err(CallError::NeedsId(name)),
            (Id::Number, Some(_)) if number.is_none() => return Err(CallError::NeedsNumber(name)),
            _ => {}
        }
        if page.is_some() && !paged {
            return Err(CallError::HasNoPages(name));
        }
        if name == TWO_FACTOR {
            let key = self.get_two_factor_authentication_key(UserId(number.unwrap_or_default())).await?;
            return Ok(json!({ "key": if key == TwoFactorKey::Present { "present" } else { "absent" } }));
        }
        let call = match (number, id) {
            (Some(number), _) if kind == Id::Number => Call::get(endpoint, &[&number]),
            (_, Some(id)) => Call::get(endpoint, &[&id]),
            (_, None) => Call::get(endpoint, &[]),
        };
        let call = if paged { call.page(page.unwrap_or(PageRequest { number: 0, size: 500 })) } else { call };
        let mut answer = self.read(call).await?;
        if name == REPORTS {
            without_database_logins(&mut answer);
        }
        Ok(answer)
    }
}

/// A report may be configured to fill a database, with the login for it.
fn without_database_logins(reports: &mut Value) {
    for report in reports.get_mut("resources").and_then(Value::as_array_mut).into_iter().flatten() {
        if let Some(database) = report.get_mut("database").and_then(Value::as_object_mut) {
            database.remove("credentials");
        }
    }
}
