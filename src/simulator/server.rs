//! The running server, and a listener that can die.

use std::io;
use std::net::SocketAddr;

use axum::serve::Listener;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::{Console, Estate, Options, Request, router};

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
