//! Writes of grants. A user who reaches everything by flag cannot get single grants, but can lose leftover ones.

use std::collections::BTreeSet;

use axum::body::Bytes;
use axum::extract::State;

use super::{Account, At, Caller, Console, Estate, Host, Links, Refusal, Reply, parse, pretty};

/// What a grant is for.
#[derive(Clone, Copy)]
enum Place {
    Site,
    AssetGroup,
}

impl Place {
    fn segment(self) -> &'static str {
        match self {
            Self::Site => "sites",
            Self::AssetGroup => "asset_groups",
        }
    }

    fn exists(self, estate: &Estate, id: i64) -> bool {
        match self {
            Self::Site => estate.sites.contains_key(&id),
            Self::AssetGroup => estate.asset_groups.contains_key(&id),
        }
    }

    fn reaches_all(self, account: &Account) -> bool {
        match self {
            Self::Site => account.all_sites,
            Self::AssetGroup => account.all_asset_groups,
        }
    }

    fn grants(self, account: &mut Account) -> &mut BTreeSet<i64> {
        match self {
            Self::Site => &mut account.sites,
            Self::AssetGroup => &mut account.asset_groups,
        }
    }
}

/// What happens to the grants of a user.
enum Change {
    Set(BTreeSet<i64>),
    Add(i64),
    Remove(i64),
    Clear,
}

fn change(console: &Console, caller: &Caller, host: &Host, user: i64, place: Place, change: Change) -> Reply {
    caller.administers()?;
    console.write(|state| {
        let estate = &state.estate;
        let named: Vec<i64> = match &change {
            Change::Set(ids) => ids.iter().copied().collect(),
            Change::Add(id) => vec![*id],
            Change::Remove(_) | Change::Clear => Vec::new(),
        };
        if !estate.users.contains_key(&user) || !named.iter().all(|id| place.exists(estate, *id)) {
            return Err(Refusal::not_found());
        }
        let account = state.estate.users.get_mut(&user).ok_or(Refusal::not_found())?;
        if !named.is_empty() && place.reaches_all(account) {
            return Err(Refusal::invalid("The user has access to everything already."));
        }
        let grants = place.grants(account);
        match change {
            Change::Set(ids) => *grants = ids,
            Change::Add(id) => _ = grants.insert(id),
            Change::Remove(id) if !grants.remove(&id) => return Err(Refusal::not_found()),
            Change::Remove(_) => {}
            Change::Clear => grants.clear(),
        }
        Ok(())
    })?;
    pretty(&Links { links: vec![host.link("self", format!("/users/{user}/{}", place.segment()))] })
}

/// Declares the four writes that sites and asset groups have in common.
macro_rules! grant_writes {
    ($place:expr, $set:ident, $clear:ident, $add:ident, $remove:ident) => {
        pub(super) async fn $set(
            State(console): State<Console>,
            caller: Caller,
            host: Host,
            At(user): At<i64>,
            body: Bytes,
        ) -> Reply {
            change(&console, &caller, &host, user, $place, Change::Set(parse(&body)?))
        }

        pub(super) async fn $clear(
            State(console): State<Console>,
            caller: Caller,
            host: Host,
            At(user): At<i64>,
        ) -> Reply {
            change(&console, &caller, &host, user, $place, Change::Clear)
        }

        pub(super) async fn $add(
            State(console): State<Console>,
            caller: Caller,
            host: Host,
            At((user, id)): At<(i64, i64)>,
        ) -> Reply {
            change(&console, &caller, &host, user, $place, Change::Add(id))
        }

        pub(super) async fn $remove(
            State(console): State<Console>,
            caller: Caller,
            host: Host,
            At((user, id)): At<(i64, i64)>,
        ) -> Reply {
            change(&console, &caller, &host, user, $place, Change::Remove(id))
        }
    };
}

grant_writes!(Place::Site, set_sites, clear_sites, add_site, remove_site);
grant_writes!(Place::AssetGroup, set_asset_groups, clear_asset_groups, add_asset_group, remove_asset_group);
