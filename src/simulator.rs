//! A simulated Security Console over real HTTP, with a believable estate from a seed.
//!
//! It answers as consoles have been seen to answer (`console-api.md`), odd shapes and faults included, and it counts
//! what is asked of it. `recert demo`, `recert simulate`, the tests and the benchmarks use it. It knows nothing of
//! the other stages: what they share with it is HTTP.

mod account_writes;
mod administration;
mod answer;
mod blemishes;
mod bodies;
mod console;
mod credential;
mod drift;
mod estate;
mod faults;
mod former;
mod gate;
mod generate;
mod grant_writes;
mod index;
mod listings;
mod paging;
mod papers;
mod people;
mod places;
mod record_blemishes;
mod record_reads;
mod records;
mod records_from_seed;
mod role_writes;
mod roles;
mod server;
mod user_reads;

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::routing::{delete, get, put};

pub use console::{Console, Request};
pub use estate::{
    Account, Deletion, Drift, Estate, GroupRecord, Quirks, RoleDefinition, Seed, SiteRecord, Source,
    UnsetTwoFactor,
};
pub use faults::{Fault, Faults};
pub use generate::EstateOptions;
pub use papers::{logons, roster};
pub use records::{ActRecord, ExceptionRecord, OverrideRecord, ReportRecord, ScanRecord};
pub use server::Simulator;

use answer::{At, Caller, Host, Link, Refusal, Reply, login_page, parse, pretty, segment};
use blemishes::{blemish_across, blemish_large_console, blemish_small_console};
use bodies::{Collection, Created, GroupBody, Links, Page, RoleBody, SiteBody, SourceBody, Token, UserBody};
use console::ConsoleState;
use credential::log_in;
use drift::{grow_or_shrink, repeat_a_row};
use faults::{Mischief, broken_off};
use gate::gate;
use generate::{LOCAL_ADMINS, LOCAL_USERS, SINGLE_SIGN_ON, administrator, neighbours, plain_account};
use index::Index;
use paging::{Paging, Window};
use people::{DOMAIN, People, Person};
use places::{asset_group, site};
use record_blemishes::blemish_records;
use records_from_seed::{Workers, add_records, login_of};
use roles::{BUILTIN, GLOBAL_ADMIN, PRIVILEGES, builtin_roles, custom_roles, names, role};

/// How the simulated console behaves.
pub struct Options {
    /// Where to listen; port 0 takes a free one.
    pub address: SocketAddr,
    /// The login of the service account. If the estate has no such user, it is added.
    pub username: String,
    /// Its password.
    pub password: String,
    /// What the service account may see, if it has to be added.
    pub collector: Rights,
    /// A `Token` header that every call must carry, as accounts with a second factor need.
    pub token: Option<String>,
    /// How long a call takes, from its arrival to its answer.
    pub latency: Duration,
    /// What goes wrong.
    pub faults: Faults,
    /// Whether to keep the log of requests. It grows without bound: not for benchmarks.
    pub log: bool,
}

impl Default for Options {
    /// A free port on loopback, user `recert` with a random password, no latency, no faults, and the log kept.
    fn default() -> Self {
        Self {
            address: SocketAddr::from(([127, 0, 0, 1], 0)),
            username: "recert".to_owned(),
            password: std::iter::repeat_with(fastrand::alphanumeric).take(24).collect(),
            collector: Rights::default(),
            token: None,
            latency: Duration::ZERO,
            faults: Faults::default(),
            log: true,
        }
    }
}

/// What the service account may see.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Rights {
    /// Everything: a Global Administrator.
    #[default]
    GlobalAdministrator,
    /// A smaller, plausible world: its own sites and asset groups, 404 for what concerns other users and the
    /// administration, no writes.
    Limited,
}

/// The console's routes, to be served by [`Simulator`] or behind a TLS listener of a test.
pub fn router(console: Console) -> Router {
    Router::new()
        .merge(user_routes())
        .merge(collection_routes())
        .fallback(async || Refusal::not_found())
        .method_not_allowed_fallback(async || Refusal::method_not_allowed())
        .layer(from_fn_with_state(console.clone(), gate))
        .with_state(console)
}

fn user_routes() -> Router<Console> {
    use account_writes as account;
    use grant_writes as grants;
    use user_reads as user;
    Router::new()
        .route("/api/3/users", get(listings::users).post(account::create))
        .route("/api/3/users/{id}", get(user::user).put(account::replace).delete(account::delete))
        .route("/api/3/users/{id}/privileges", get(user::privileges))
        .route(
            "/api/3/users/{id}/2FA",
            get(user::two_factor).post(account::regenerate_seed).put(account::set_seed),
        )
        .route("/api/3/users/{id}/lock", delete(account::unlock))
        .route("/api/3/users/{id}/password", put(account::set_password))
        .route("/api/3/users/{id}/sites", get(user::sites).put(grants::set_sites).delete(grants::clear_sites))
        .route("/api/3/users/{id}/sites/{site}", put(grants::add_site).delete(grants::remove_site))
        .route(
            "/api/3/users/{id}/asset_groups",
            get(user::asset_groups).put(grants::set_asset_groups).delete(grants::clear_asset_groups),
        )
        .route(
            "/api/3/users/{id}/asset_groups/{group}",
            put(grants::add_asset_group).delete(grants::remove_asset_group),
        )
}

fn collection_routes() -> Router<Console> {
    Router::new()
        .route("/", get(administration::login))
        .route("/login.html", get(administration::login))
        .route("/api/3", get(administration::entry))
        .route("/api/3/", get(administration::entry))
        .route("/api/3/administration/info", get(administration::info))
        .route("/api/3/administration/settings", get(administration::settings))
        .route("/api/3/administration/license", get(administration::license))
        .route("/api/3/roles", get(listings::roles))
        .route("/api/3/roles/{id}", get(listings::role).put(role_writes::put).delete(role_writes::delete))
        .route("/api/3/roles/{id}/users", get(listings::role_users))
        .route("/api/3/privileges", get(listings::privileges))
        .route("/api/3/privileges/{id}", get(listings::privilege))
        .route("/api/3/privileges/{id}/users", get(listings::privilege_users))
        .route("/api/3/authentication_sources", get(listings::sources))
        .route("/api/3/authentication_sources/{id}", get(listings::source))
        .route("/api/3/authentication_sources/{id}/users", get(listings::source_users))
        .route("/api/3/sites", get(listings::sites))
        .route("/api/3/sites/{id}", get(listings::site))
        .route("/api/3/sites/{id}/users", get(listings::site_users))
        .route("/api/3/asset_groups", get(listings::asset_groups))
        .route("/api/3/asset_groups/{id}", get(listings::asset_group))
        .route("/api/3/asset_groups/{id}/users", get(listings::asset_group_users))
        .route("/api/3/vulnerability_exceptions", get(record_reads::vulnerability_exceptions))
        .route("/api/3/policy_overrides", get(record_reads::policy_overrides))
        .route("/api/3/scans", get(record_reads::scans))
        .route("/api/3/reports", get(record_reads::reports))
}
