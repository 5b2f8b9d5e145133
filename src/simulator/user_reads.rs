//! Reads of one user.

use axum::extract::State;

use super::{
    Account, At, Caller, Collection, Console, ConsoleState, Host, Refusal, Reply, Seed, Token,
    UnsetTwoFactor, UserBody, pretty,
};

pub(super) async fn user(
    State(console): State<Console>,
    caller: Caller,
    host: Host,
    At(id): At<i64>,
) -> Reply {
    console.read(|state| {
        let account = visible(state, &caller, id)?;
        pretty(&UserBody::whole(&state.estate, id, account, &host))
    })
}

pub(super) async fn privileges(
    State(console): State<Console>,
    caller: Caller,
    host: Host,
    At(id): At<i64>,
) -> Reply {
    console.read(|state| {
        let account = visible(state, &caller, id)?;
        let privileges = state.estate.privileges_of(account);
        pretty(&Collection {
            resources: privileges.into_iter().flatten().collect(),
            links: vec![host.link("self", format!("/users/{id}/privileges"))],
        })
    })
}

/// The direct grants; under the all-flag, what is left over of them.
pub(super) async fn sites(
    State(console): State<Console>,
    caller: Caller,
    host: Host,
    At(id): At<i64>,
) -> Reply {
    console.read(|state| {
        let account = visible(state, &caller, id)?;
        pretty(&Collection {
            resources: account.sites.iter().collect(),
            links: vec![host.link("self", format!("/users/{id}/sites"))],
        })
    })
}

/// The direct grants; under the all-flag, what is left over of them.
pub(super) async fn asset_groups(
    State(console): State<Console>,
    caller: Caller,
    host: Host,
    At(id): At<i64>,
) -> Reply {
    console.read(|state| {
        let account = visible(state, &caller, id)?;
        pretty(&Collection {
            resources: account.asset_groups.iter().collect(),
            links: vec![host.link("self", format!("/users/{id}/asset_groups"))],
        })
    })
}

/// The seed itself, as consoles answer it; or one of the shapes that mean less than they seem to.
pub(super) async fn two_factor(
    State(console): State<Console>,
    caller: Caller,
    host: Host,
    At(id): At<i64>,
) -> Reply {
    console.read(|state| {
        let account = state.estate.users.get(&id).ok_or(Refusal::not_found())?;
        let quirks = &state.estate.quirks;
        let withheld = quirks.two_factor_unauthorized.contains(&id);
        if withheld || caller.administers_or_is(id).is_err() {
            return Err(Refusal::unauthorized());
        }
        let key = match (account.two_factor, quirks.two_factor_unset) {
            (Seed::Present, _) => Some(state.seed(id)),
            (Seed::Absent, UnsetTwoFactor::NoKey) => None,
            (Seed::Absent, UnsetTwoFactor::NotFound) => return Err(Refusal::not_found()),
            (Seed::Absent, UnsetTwoFactor::Unauthorized) => return Err(Refusal::unauthorized()),
        };
        pretty(&Token { key, links: vec![host.link("self", format!("/users/{id}/2FA"))] })
    })
}

fn visible<'a>(state: &'a ConsoleState, caller: &Caller, id: i64) -> Result<&'a Account, Refusal> {
    caller.administers_or_is(id)?;
    state.estate.users.get(&id).ok_or(Refusal::not_found())
}
