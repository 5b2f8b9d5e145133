//! Reads of whole collections: the paged ones, the unpaged ones, and users by role, privilege, source and place.

use axum::extract::State;

use super::{
    At, Caller, Collection, Console, ConsoleState, Drift, GroupBody, Host, Links, Page, Paging, Refusal,
    Reply, RoleBody, SiteBody, SourceBody, UserBody, grow_or_shrink, pretty, repeat_a_row, segment,
};

pub(super) async fn users(State(console): State<Console>, _: Caller, host: Host, paging: Paging) -> Reply {
    let drifts = console.read(|state| state.estate.quirks.drift != Drift::default());
    let early = if drifts { repeat_a_row(&console, &paging) } else { 0 };
    let (reply, next_after) = console.read(|state| {
        let users = &state.estate.users;
        let ids = &state.index().users;
        let sorted;
        let ids = if paging.is_natural() {
            ids
        } else {
            sorted = paging.sorted(ids, |id| users.get(id).map(|account| account.login.as_str()));
            &sorted
        };
        let window = paging.window(ids.len())?;
        let rows = window.of(ids, early);
        let body = Page {
            resources: rows
                .iter()
                .filter_map(|id| Some(UserBody::whole(&state.estate, *id, users.get(id)?, &host)))
                .collect(),
            window,
            links: paging.links(&window, &host, "/users"),
        };
        Ok::<_, Refusal>((pretty(&body), window.has_next().then(|| rows.to_vec())))
    })?;
    if drifts && let Some(rows) = next_after {
        grow_or_shrink(&console, &rows);
    }
    reply
}

pub(super) async fn sites(
    State(console): State<Console>,
    caller: Caller,
    host: Host,
    paging: Paging,
) -> Reply {
    console.read(|state| {
        let sites = &state.estate.sites;
        let visible: Vec<i64> = sites.keys().copied().filter(|id| sees_site(state, &caller, *id)).collect();
        let name = |id: &i64| sites.get(id).map(|site| site.name.as_str());
        let mut ids = paging.sorted(&visible, name);
        if state.estate.quirks.sites_by_name && paging.is_natural() {
            ids.sort_by_key(name);
        }
        let window = paging.window(ids.len())?;
        pretty(&Page {
            resources: window
                .of(&ids, 0)
                .iter()
                .filter_map(|id| Some(SiteBody::new(*id, sites.get(id)?, &host)))
                .collect(),
            window,
            links: paging.links(&window, &host, "/sites"),
        })
    })
}

pub(super) async fn site(
    State(console): State<Console>,
    caller: Caller,
    host: Host,
    At(id): At<i64>,
) -> Reply {
    console.read(|state| {
        let site = state.estate.sites.get(&id).filter(|_| sees_site(state, &caller, id));
        pretty(&SiteBody::new(id, site.ok_or(Refusal::not_found())?, &host))
    })
}

/// User objects, unlike the list of an asset group.
pub(super) async fn site_users(
    State(console): State<Console>,
    caller: Caller,
    host: Host,
    At(id): At<i64>,
) -> Reply {
    console.read(|state| {
        let site = state.estate.sites.get(&id).filter(|_| sees_site(state, &caller, id));
        site.ok_or(Refusal::not_found())?;
        let users = state.index().sites.get(&id).map(Vec::as_slice).unwrap_or_default();
        pretty(&Collection {
            resources: users
                .iter()
                .filter_map(|user| {
                    Some(UserBody::at_site(&state.estate, *user, state.estate.users.get(user)?, &host))
                })
                .collect(),
            links: vec![host.link("self", format!("/sites/{id}/users"))],
        })
    })
}

pub(super) async fn asset_groups(
    State(console): State<Console>,
    caller: Caller,
    host: Host,
    paging: Paging,
) -> Reply {
    console.read(|state| {
        let groups = &state.estate.asset_groups;
        let wanted = |id: &i64| {
            groups.get(id).is_some_and(|group| {
                paging.filter("type").is_none_or(|kind| group.kind == kind)
                    && paging.filter("name").is_none_or(|name| group.name == name)
            })
        };
        let visible: Vec<i64> =
            groups.keys().copied().filter(|id| sees_group(state, &caller, *id) && wanted(id)).collect();
        let ids = paging.sorted(&visible, |id| groups.get(id).map(|group| group.name.as_str()));
        let window = paging.window(ids.len())?;
        pretty(&Page {
            resources: window
                .of(&ids, 0)
                .iter()
                .filter_map(|id| Some(GroupBody::new(*id, groups.get(id)?, &host)))
                .collect(),
            window,
            links: paging.links(&window, &host, "/asset_groups"),
        })
    })
}

pub(super) async fn asset_group(
    State(console): State<Console>,
    caller: Caller,
    host: Host,
    At(id): At<i64>,
) -> Reply {
    console.read(|state| {
        let group = state.estate.asset_groups.get(&id).filter(|_| sees_group(state, &caller, id));
        pretty(&GroupBody::new(id, group.ok_or(Refusal::not_found())?, &host))
    })
}

/// Ids, unlike the list of a site.
pub(super) async fn asset_group_users(
    State(console): State<Console>,
    caller: Caller,
    host: Host,
    At(id): At<i64>,
) -> Reply {
    console.read(|state| {
        let group = state.estate.asset_groups.get(&id).filter(|_| sees_group(state, &caller, id));
        group.ok_or(Refusal::not_found())?;
        ids(state.index().asset_groups.get(&id), &host, &format!("/asset_groups/{id}/users"))
    })
}

pub(super) async fn roles(State(console): State<Console>, _: Caller, host: Host) -> Reply {
    console.read(|state| {
        pretty(&Collection {
            resources: state.estate.roles.iter().map(|(id, role)| RoleBody::new(id, role, &host)).collect(),
            links: vec![host.link("self", "/roles")],
        })
    })
}

pub(super) async fn role(State(console): State<Console>, _: Caller, host: Host, At(id): At<String>) -> Reply {
    console.read(|state| {
        let role = state.estate.roles.get(&id).ok_or(Refusal::not_found())?;
        pretty(&RoleBody::new(&id, role, &host))
    })
}

pub(super) async fn role_users(
    State(console): State<Console>,
    caller: Caller,
    host: Host,
    At(id): At<String>,
) -> Reply {
    caller.administers()?;
    console.read(|state| {
        state.estate.roles.get(&id).ok_or(Refusal::not_found())?;
        ids(state.index().roles.get(&id), &host, &format!("/roles/{}/users", segment(&id)))
    })
}

pub(super) async fn privileges(State(console): State<Console>, _: Caller, host: Host) -> Reply {
    console.read(|state| {
        pretty(&Collection {
            resources: state.estate.privileges.iter().collect(),
            links: vec![host.link("self", "/privileges")],
        })
    })
}

/// Links and nothing else.
pub(super) async fn privilege(
    State(console): State<Console>,
    _: Caller,
    host: Host,
    At(id): At<String>,
) -> Reply {
    console.read(|state| {
        state.estate.privileges.get(&id).ok_or(Refusal::not_found())?;
        let own = format!("/privileges/{}", segment(&id));
        pretty(&Links { links: vec![host.link("self", &own), host.link("Users", format!("{own}/users"))] })
    })
}

pub(super) async fn privilege_users(
    State(console): State<Console>,
    caller: Caller,
    host: Host,
    At(id): At<String>,
) -> Reply {
    caller.administers()?;
    console.read(|state| {
        state.estate.privileges.get(&id).ok_or(Refusal::not_found())?;
        ids(state.index().privileges.get(&id), &host, &format!("/privileges/{}/users", segment(&id)))
    })
}

pub(super) async fn sources(State(console): State<Console>, _: Caller, host: Host) -> Reply {
    console.read(|state| {
        let sources = state.estate.sources.iter();
        pretty(&Collection {
            resources: sources.map(|(id, source)| SourceBody::new(*id, source, &host)).collect(),
            links: vec![host.link("self", "/authentication_sources")],
        })
    })
}

pub(super) async fn source(State(console): State<Console>, _: Caller, host: Host, At(id): At<i64>) -> Reply {
    console.read(|state| {
        let source = state.estate.sources.get(&id).ok_or(Refusal::not_found())?;
        pretty(&SourceBody::new(id, source, &host))
    })
}

pub(super) async fn source_users(
    State(console): State<Console>,
    caller: Caller,
    host: Host,
    At(id): At<i64>,
) -> Reply {
    caller.administers()?;
    console.read(|state| {
        state.estate.sources.get(&id).ok_or(Refusal::not_found())?;
        ids(state.index().sources.get(&id), &host, &format!("/authentication_sources/{id}/users"))
    })
}

fn ids(of: Option<&Vec<i64>>, host: &Host, path: &str) -> Reply {
    let resources = of.map(Vec::as_slice).unwrap_or_default();
    pretty(&Collection { resources: resources.iter().collect(), links: vec![host.link("self", path)] })
}

fn sees_site(state: &ConsoleState, caller: &Caller, site: i64) -> bool {
    let own = || state.estate.users.get(&caller.id);
    caller.global_admin || own().is_some_and(|account| account.all_sites || account.sites.contains(&site))
}

fn sees_group(state: &ConsoleState, caller: &Caller, group: i64) -> bool {
    let own = || state.estate.users.get(&caller.id);
    caller.global_admin
        || own().is_some_and(|account| account.all_asset_groups || account.asset_groups.contains(&group))
}
