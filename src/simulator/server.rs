//! The HTTP around the console: its routes, a listener that can die, and the running server.

use std::io;
use std::net::SocketAddr;

use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::routing::{delete, get, put};
use axum::serve::Listener;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::{
    Console, Estate, Options, Refusal, Request, account_writes, administration, gate, grant_writes, listings,
    role_writes, user_reads,
};

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
        .route("/api/3/reports", get(listings::reports))
}

/// A running console. Dropping it stops it.
pub struct Simulator {
    console: Console,
    address: SocketAddr,
    serving: JoinHandle<io::Result<()>>,
    until_dropped: DropGuard,
}

impl Simulator {
    /// Starts a console that holds this estate.
    pub async fn start(estate: Estate, options: Options) -> io::Result<Self> {
        let listener = TcpListener::bind(options.address).await?;
        let address = listener.local_addr()?;
        let console = Console::new(estate, options);
        let mortal = Mortal { listener: Some(listener), address, dead: console.dead().clone() };
        let stopped = console.stopped().clone();
        let server = axum::serve(mortal, router(console.clone()))
            .with_graceful_shutdown(stopped.clone().cancelled_owned());
        Ok(Self {
            console,
            address,
            serving: tokio::spawn(server.into_future()),
            until_dropped: stopped.drop_guard(),
        })
    }

    /// Where it answers, such as `http://127.0.0.1:40123`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The login of the service account.
    pub fn username(&self) -> &str {
        self.console.username()
    }

    /// Its password.
    pub fn password(&self) -> &str {
        self.console.password()
    }

    /// The present truth.
    pub fn estate(&self) -> Estate {
        self.console.estate()
    }

    /// Every request so far, in the order of arrival.
    pub fn log(&self) -> Vec<Request> {
        self.console.log()
    }

    /// The most requests that were in flight at once.
    pub fn most_in_flight(&self) -> usize {
        self.console.most_in_flight()
    }

    /// How many requests came without a credential that counts.
    pub fn authentication_failures(&self) -> u64 {
        self.console.authentication_failures()
    }

    /// Closes the port, breaks the calls in flight and waits until the last connection is closed.
    pub async fn stop(self) {
        let Self { serving, until_dropped, console: _, address: _ } = self;
        drop(until_dropped);
        // The only error of the server is that of its listener, which has none; a panic of the task is a bug that
        // the caller's next request shows.
        let _ended = serving.await;
    }
}

/// A listener that closes its port when the console dies.
struct Mortal {
    listener: Option<TcpListener>,
    address: SocketAddr,
    dead: CancellationToken,
}

impl Listener for Mortal {
    type Io = TcpStream;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (TcpStream, SocketAddr) {
        if let Some(listener) = &mut self.listener {
            tokio::select! {
                (stream, peer) = Listener::accept(listener) => {
                    // Small answers must not wait for the client's delayed acknowledgement. If the option cannot be
                    // set, they only come later.
                    let _slower = stream.set_nodelay(true);
                    return (stream, peer);
                }
                () = self.dead.cancelled() => {}
            }
        }
        self.listener = None;
        std::future::pending().await
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.address)
    }
}
