//! Writes of roles. Those that come with the product can neither be edited nor removed.

use std::collections::BTreeSet;

use axum::body::Bytes;
use axum::extract::State;
use serde::Deserialize;

use super::{
    At, BUILTIN, Caller, Console, Host, Links, Refusal, Reply, RoleDefinition, parse, pretty, segment,
};

#[derive(Deserialize)]
struct RoleEdit {
    id: String,
    name: String,
    description: String,
    #[serde(default)]
    privileges: BTreeSet<String>,
}

/// Creates the role, or replaces it.
pub(super) async fn put(
    State(console): State<Console>,
    caller: Caller,
    host: Host,
    At(id): At<String>,
    body: Bytes,
) -> Reply {
    caller.administers()?;
    let edit: RoleEdit = parse(&body)?;
    refuse_builtin(&id)?;
    if edit.id != id {
        return Err(Refusal::invalid("The id of the body is not the id of the path."));
    }
    console.write(|state| {
        if let Some(unknown) = edit.privileges.difference(&state.estate.privileges).next() {
            let known: Vec<&str> = state.estate.privileges.iter().map(String::as_str).collect();
            let message = format!("{unknown} is no privilege. Valid values are: {}.", known.join(", "));
            return Err(Refusal::invalid(message));
        }
        let role =
            RoleDefinition { name: edit.name, description: edit.description, privileges: edit.privileges };
        state.estate.roles.insert(id.clone(), role);
        Ok(())
    })?;
    pretty(&Links { links: vec![host.link("self", format!("/roles/{}", segment(&id)))] })
}

pub(super) async fn delete(
    State(console): State<Console>,
    caller: Caller,
    host: Host,
    At(id): At<String>,
) -> Reply {
    caller.administers()?;
    refuse_builtin(&id)?;
    console.write(|state| {
        if !state.estate.roles.contains_key(&id) {
            return Err(Refusal::not_found());
        }
        if state.estate.users.values().any(|account| account.role == id) {
            return Err(Refusal::invalid("The role is assigned to users."));
        }
        state.estate.roles.remove(&id);
        Ok(())
    })?;
    pretty(&Links { links: vec![host.link("self", format!("/roles/{}", segment(&id)))] })
}

fn refuse_builtin(id: &str) -> Result<(), Refusal> {
    if BUILTIN.contains(&id) { Err(Refusal::invalid("Built-in roles cannot be changed.")) } else { Ok(()) }
}
