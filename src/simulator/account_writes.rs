//! Writes of user accounts: creation, replacement, removal, lock, password and two-factor seed.

use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use serde::Deserialize;

use super::{
    Account, At, Caller, Console, ConsoleState, Created, Estate, GLOBAL_ADMIN, Host, Links, Person, Refusal,
    Reply, Token, parse, plain_account, pretty,
};

#[derive(Deserialize)]
struct UserEdit {
    login: String,
    name: String,
    email: Option<String>,
    enabled: Option<bool>,
    password: Option<String>,
    authentication: Option<SourceEdit>,
    role: RoleEdit,
}

#[derive(Deserialize)]
struct SourceEdit {
    id: Option<i64>,
    #[serde(rename = "type")]
    kind: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RoleEdit {
    id: String,
    #[serde(default)]
    all_sites: bool,
    #[serde(default)]
    all_asset_groups: bool,
    #[serde(default)]
    superuser: bool,
}

pub(super) async fn create(State(console): State<Console>, caller: Caller, host: Host, body: Bytes) -> Reply {
    caller.administers()?;
    let edit: UserEdit = parse(&body)?;
    let id = console.write(|state| {
        let Some(password) = edit.password.clone().filter(|password| !password.is_empty()) else {
            return Err(Refusal::invalid("A password is required."));
        };
        refuse_taken_login(&state.estate, &edit.login, None)?;
        let account = account(&state.estate, edit, None)?;
        let id = state.estate.next_user_id();
        state.estate.users.insert(id, account);
        state.passwords.insert(id, password);
        Ok(id)
    })?;
    let created = pretty(&Created { id, links: vec![host.link("self", format!("/users/{id}"))] })?;
    Ok((StatusCode::CREATED, created).into_response())
}

/// Replaces the account as a whole. As administrators report of real consoles, its grants are gone afterwards.
pub(super) async fn replace(
    State(console): State<Console>,
    caller: Caller,
    host: Host,
    At(id): At<i64>,
    body: Bytes,
) -> Reply {
    caller.administers()?;
    let edit: UserEdit = parse(&body)?;
    console.write(|state| {
        let former = existing(state, id)?.clone();
        refuse_taken_login(&state.estate, &edit.login, Some(id))?;
        let password = edit.password.clone();
        let account = account(&state.estate, edit, Some(&former))?;
        state.estate.users.insert(id, account);
        state.passwords.extend(password.map(|password| (id, password)));
        Ok(())
    })?;
    links(&host, &format!("/users/{id}"))
}

pub(super) async fn delete(
    State(console): State<Console>,
    caller: Caller,
    host: Host,
    At(id): At<i64>,
) -> Reply {
    caller.administers()?;
    if caller.id == id {
        return Err(Refusal::invalid("Users cannot delete themselves."));
    }
    console.write(|state| state.remove_user(id)).ok_or(Refusal::not_found())?;
    links(&host, "/users")
}

pub(super) async fn unlock(
    State(console): State<Console>,
    caller: Caller,
    host: Host,
    At(id): At<i64>,
) -> Reply {
    caller.administers()?;
    let login = console.write(|state| {
        let account = existing(state, id)?;
        if !account.enabled {
            return Err(Refusal::invalid("Disabled accounts cannot be unlocked."));
        }
        account.locked = false;
        Ok(account.login.clone())
    })?;
    console.forget_failures(&login);
    links(&host, &format!("/users/{id}"))
}

/// Everybody their own, and nobody another's.
pub(super) async fn set_password(
    State(console): State<Console>,
    caller: Caller,
    host: Host,
    At(id): At<i64>,
    body: Bytes,
) -> Reply {
    let password = bare_string(&body)?;
    console.write(|state| {
        existing(state, id)?;
        if caller.id != id {
            return Err(Refusal::unauthorized());
        }
        state.passwords.insert(id, password);
        Ok(())
    })?;
    links(&host, &format!("/users/{id}"))
}

pub(super) async fn set_seed(
    State(console): State<Console>,
    caller: Caller,
    host: Host,
    At(id): At<i64>,
    body: Bytes,
) -> Reply {
    caller.administers_or_is(id)?;
    let seed = bare_string(&body)?;
    change_seed(&console, id, Some(seed))?;
    links(&host, &format!("/users/{id}/2FA"))
}

pub(super) async fn regenerate_seed(
    State(console): State<Console>,
    caller: Caller,
    host: Host,
    At(id): At<i64>,
) -> Reply {
    caller.administers_or_is(id)?;
    let key = Some(change_seed(&console, id, None)?);
    pretty(&Token { key, links: vec![host.link("self", format!("/users/{id}/2FA"))] })
}

fn change_seed(console: &Console, id: i64, seed: Option<String>) -> Result<String, Refusal> {
    console.write(|state| {
        let account = existing(state, id)?.clone();
        if state.estate.is_external(&account) {
            return Err(Refusal::invalid(
                "Two-factor authentication is not available for external accounts.",
            ));
        }
        Ok(state.set_seed(id, seed))
    })
}

fn existing(state: &mut ConsoleState, id: i64) -> Result<&mut Account, Refusal> {
    state.estate.users.get_mut(&id).ok_or(Refusal::not_found())
}

fn refuse_taken_login(estate: &Estate, login: &str, own: Option<i64>) -> Result<(), Refusal> {
    let taken = estate.user_by_login(login).is_some_and(|id| Some(id) != own);
    if taken || login.is_empty() { Err(Refusal::invalid("The login is missing or taken.")) } else { Ok(()) }
}

/// The account that an edit describes. What an edit cannot say is kept from the former account, grants excepted.
fn account(estate: &Estate, edit: UserEdit, former: Option<&Account>) -> Result<Account, Refusal> {
    if !estate.roles.contains_key(&edit.role.id) {
        return Err(Refusal::invalid("The role does not exist."));
    }
    let administers = edit.role.id == GLOBAL_ADMIN;
    if edit.role.superuser && !administers {
        return Err(Refusal::invalid("Only Global Administrators can be superusers."));
    }
    let source = source(estate, edit.authentication, administers)?;
    let new = plain_account(&Person { name: edit.name, login: edit.login });
    Ok(Account {
        email: edit.email,
        enabled: edit.enabled.unwrap_or(true),
        locked: former.is_some_and(|former| former.locked),
        source,
        role: edit.role.id,
        all_sites: edit.role.all_sites,
        all_asset_groups: edit.role.all_asset_groups,
        superuser: edit.role.superuser,
        two_factor: former.map_or(new.two_factor, |former| former.two_factor),
        ..new
    })
}

/// The source by id, else by type, else a local one. Local administrators and local users have one each.
fn source(estate: &Estate, edit: Option<SourceEdit>, administers: bool) -> Result<i64, Refusal> {
    let local = if administers { "admin" } else { "normal" };
    let edit = edit.unwrap_or(SourceEdit { id: None, kind: None });
    let wanted = edit.kind.as_deref().or(edit.id.is_none().then_some(local));
    let found = estate.sources.iter().find(|(id, source)| {
        edit.id.is_none_or(|wanted| wanted == **id) && wanted.is_none_or(|kind| kind == source.kind)
    });
    let (id, source) = found.ok_or_else(|| Refusal::invalid("The authentication source does not exist."))?;
    if !source.external && source.kind != local {
        return Err(Refusal::invalid(format!("A local account of this role needs the source type {local}.")));
    }
    Ok(*id)
}

/// A JSON string, or the bare text.
fn bare_string(body: &Bytes) -> Result<String, Refusal> {
    let text = serde_json::from_slice(body).ok().or_else(|| String::from_utf8(body.to_vec()).ok());
    text.filter(|text: &String| !text.is_empty()).ok_or_else(|| Refusal::invalid("A text is required."))
}

fn links(host: &Host, path: &str) -> Reply {
    pretty(&Links { links: vec![host.link("self", path)] })
}
