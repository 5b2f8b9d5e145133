//! Health and metrics over HTTP, for this machine alone: `/healthz`, `/readyz`, `/metrics`, and nothing to change.

use std::fs::Permissions;
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;
use std::{fmt, fs};

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use axum::serve::Listener;
use thiserror::Error;
use tokio::net::{TcpListener, UnixListener, UnixStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};
use tokio_util::sync::{CancellationToken, DropGuard};

use super::{Metrics, Vitals};

/// A loop that has not beaten for that long hangs. It beats every second.
const STUCK: Duration = Duration::from_mins(1);
/// How long an answer under way may still take when the daemon stops.
const FAREWELL: Duration = Duration::from_secs(1);
/// Owner and group may connect, nobody else.
const SOCKET_MODE: u32 = 0o660;
/// The text format of Prometheus.
const EXPOSITION: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Where it listens: `127.0.0.1:9187`, `[::1]:9187` or `unix:/run/recert/http.sock`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Listen {
    /// A loopback address.
    Tcp(SocketAddr),
    /// A socket in the file system, mode 0660.
    Unix(PathBuf),
}

/// What is wrong with an address to listen on.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum ListenError {
    /// Other machines could connect.
    #[error(
        "{0} can be reached from other machines, and health and metrics are not protected; listen on 127.0.0.1:{port} or on \
         unix:/run/recert/http.sock, and let a proxy with TLS and a login stand before it",
        port = .0.port()
    )]
    Exposed(SocketAddr),
    /// A socket needs a full path.
    #[error("unix:{path}: write the full path of the socket, such as unix:/run/recert/http.sock")]
    Relative {
        /// What stands there.
        path: String,
    },
    /// Not an address.
    #[error("{0:?} is not an address; write 127.0.0.1:9187, [::1]:9187 or unix:/run/recert/http.sock")]
    Unknown(String),
}

impl FromStr for Listen {
    type Err = ListenError;

    fn from_str(text: &str) -> Result<Self, ListenError> {
        if let Some(path) = text.strip_prefix("unix:") {
            let full = Path::new(path);
            let usable = full.is_absolute() && full.file_name().is_some() && !path.ends_with('/');
            return if usable {
                Ok(Self::Unix(full.to_owned()))
            } else {
                Err(ListenError::Relative { path: path.to_owned() })
            };
        }
        let address: SocketAddr = text.parse().map_err(|_| ListenError::Unknown(text.to_owned()))?;
        if address.ip().to_canonical().is_loopback() {
            Ok(Self::Tcp(address))
        } else {
            Err(ListenError::Exposed(address))
        }
    }
}

impl fmt::Display for Listen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => write!(f, "{address}"),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

/// Why it cannot listen.
#[derive(Debug, Error)]
pub enum HttpError {
    /// The system refuses.
    #[error("cannot listen on {listen}: {source}")]
    Bind {
        /// Where.
        listen: Listen,
        /// What the system says.
        source: io::Error,
    },
    /// Somebody answers on the socket.
    #[error("another process listens on {listen}; stop it, or give this daemon its own socket")]
    Taken {
        /// Where.
        listen: Listen,
    },
    /// The file is somebody's, and is not deleted.
    #[error("{} is not a socket; move it away, or name another path", path.display())]
    NotASocket {
        /// The file.
        path: PathBuf,
    },
}

/// The running server. Dropping it stops it.
#[derive(Debug)]
pub struct Http {
    address: Option<SocketAddr>,
    socket: Option<PathBuf>,
    serving: JoinHandle<io::Result<()>>,
    until_dropped: DropGuard,
}

/// What the answers are made from.
#[derive(Clone)]
struct Source {
    vitals: watch::Receiver<Vitals>,
    metrics: Arc<Metrics>,
}

impl Http {
    /// Listens and answers from now on. A socket that a former daemon left is replaced.
    pub async fn open(
        listen: &Listen,
        vitals: watch::Receiver<Vitals>,
        metrics: Arc<Metrics>,
    ) -> Result<Self, HttpError> {
        let stopping = CancellationToken::new();
        let router = router(Source { vitals, metrics });
        let refused = |source| HttpError::Bind { listen: listen.clone(), source };
        let (address, socket, serving) = match listen {
            Listen::Tcp(address) => {
                let listener = TcpListener::bind(address).await.map_err(refused)?;
                let address = listener.local_addr().map_err(refused)?;
                (Some(address), None, serve(listener, router, &stopping))
            }
            Listen::Unix(path) => {
                make_way(path, listen).await?;
                let listener = bind(path).map_err(refused)?;
                (None, Some(path.clone()), serve(listener, router, &stopping))
            }
        };
        Ok(Self { address, socket, serving, until_dropped: stopping.drop_guard() })
    }

    /// The address, with the port that the system chose for port 0; none for a socket.
    pub fn address(&self) -> Option<SocketAddr> {
        self.address
    }

    /// Ends the answers under way, for a second at most, and removes the socket.
    pub async fn stop(self) {
        let Self { address: _, socket, serving, until_dropped } = self;
        drop(until_dropped);
        // The server has no error of its own, and a connection that somebody holds on to ends with the process.
        let _ended_or_held = timeout(FAREWELL, serving).await;
        if let Some(socket) = socket {
            // One that stays is replaced at the next start.
            let _stays = fs::remove_file(socket);
        }
    }
}

fn serve<L>(listener: L, router: Router, stopping: &CancellationToken) -> JoinHandle<io::Result<()>>
where
    L: Listener,
    L::Addr: fmt::Debug,
{
    let server = axum::serve(listener, router).with_graceful_shutdown(stopping.clone().cancelled_owned());
    tokio::spawn(server.into_future())
}

/// Makes sure that nobody loses anything by a new socket at this path.
async fn make_way(path: &Path, listen: &Listen) -> Result<(), HttpError> {
    let refused = |source| HttpError::Bind { listen: listen.clone(), source };
    match fs::symlink_metadata(path) {
        Ok(file) if file.file_type().is_socket() => match UnixStream::connect(path).await {
            Err(error) if error.kind() == ErrorKind::ConnectionRefused => Ok(()),
            Err(error) => Err(refused(error)),
            Ok(_) => Err(HttpError::Taken { listen: listen.clone() }),
        },
        Ok(_) => Err(HttpError::NotASocket { path: path.to_owned() }),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => Err(refused(error)),
    }
}

/// Binds aside and renames, so that the socket never has another mode under its name.
fn bind(path: &Path) -> io::Result<UnixListener> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let aside = path.with_file_name(format!(".{name}.{}", std::process::id()));
    match fs::remove_file(&aside) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let listener = UnixListener::bind(&aside)?;
    let published = fs::set_permissions(&aside, Permissions::from_mode(SOCKET_MODE))
        .and_then(|()| fs::rename(&aside, path));
    if let Err(error) = published {
        let _stays = fs::remove_file(&aside);
        return Err(error);
    }
    Ok(listener)
}

fn router(source: Source) -> Router {
    Router::new()
        .route("/healthz", get(healthz))
        .route("/readyz", get(readyz))
        .route("/metrics", get(metrics))
        .with_state(source)
}

async fn healthz(State(source): State<Source>) -> (StatusCode, String) {
    let Some(beat) = source.vitals.borrow().beat else {
        return (StatusCode::SERVICE_UNAVAILABLE, "the loop has not begun\n".to_owned());
    };
    let age = Instant::now().saturating_duration_since(beat.at);
    if age < STUCK {
        (StatusCode::OK, "ok\n".to_owned())
    } else {
        let seconds = age.as_secs();
        let text = format!(
            "the loop hangs: it last went round {seconds} s ago, at {}\n",
            beat.wall.format("%FT%TZ")
        );
        (StatusCode::SERVICE_UNAVAILABLE, text)
    }
}

async fn readyz(State(source): State<Source>) -> (StatusCode, &'static str) {
    if source.vitals.borrow().ready {
        (StatusCode::OK, "ready\n")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "not ready yet\n")
    }
}

async fn metrics(State(source): State<Source>) -> impl IntoResponse {
    let vitals = source.vitals.borrow().clone();
    ([(header::CONTENT_TYPE, EXPOSITION)], source.metrics.render(&vitals))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt;

    use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
    use tokio::net::TcpStream;

    use super::super::{Beat, JobVitals};
    use super::*;

    fn beat(ago: Duration) -> Beat {
        let wall = "2026-11-23T12:00:00Z".parse().unwrap();
        Beat { at: Instant::now() - ago, wall }
    }

    async fn opened(listen: &Listen, vitals: Vitals) -> (Http, watch::Sender<Vitals>) {
        let (sender, receiver) = watch::channel(vitals);
        (Http::open(listen, receiver, Arc::new(Metrics::new().unwrap())).await.unwrap(), sender)
    }

    async fn on_loopback(vitals: Vitals) -> (Http, watch::Sender<Vitals>) {
        opened(&"127.0.0.1:0".parse().unwrap(), vitals).await
    }

    /// One request on a connection of its own, and the whole answer.
    async fn ask(mut connection: impl AsyncRead + AsyncWrite + Unpin, method: &str, path: &str) -> String {
        let request = format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
        connection.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        connection.read_to_string(&mut answer).await.unwrap();
        answer
    }

    async fn get(http: &Http, path: &str) -> String {
        ask(TcpStream::connect(http.address().unwrap()).await.unwrap(), "GET", path).await
    }

    #[test]
    fn an_address_is_on_this_machine() {
        assert_eq!("127.0.0.1:9187".parse(), Ok(Listen::Tcp(([127, 0, 0, 1], 9187).into())));
        assert_eq!("127.8.9.1:80".parse(), Ok(Listen::Tcp(([127, 8, 9, 1], 80).into())));
        assert!(matches!("[::1]:9187".parse(), Ok(Listen::Tcp(address)) if address.is_ipv6()));
        let socket = "unix:/run/recert/http.sock";
        assert_eq!(socket.parse(), Ok(Listen::Unix("/run/recert/http.sock".into())));
        for text in ["127.0.0.1:9187", "[::1]:9187", socket] {
            assert_eq!(text.parse::<Listen>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn an_address_that_others_reach_is_refused_with_the_mend() {
        for text in
            ["0.0.0.0:9187", "[::]:9187", "192.0.2.7:9187", "[2001:db8::1]:9187", "[::ffff:192.0.2.7]:9187"]
        {
            let error = text.parse::<Listen>().unwrap_err();
            assert_eq!(error, ListenError::Exposed(text.parse().unwrap()));
            assert!(error.to_string().contains("listen on 127.0.0.1:9187 or on unix:"), "{error}");
        }
        for text in ["unix:", "unix:http.sock", "unix:../http.sock", "unix:/", "unix:/run/recert/"] {
            let error = text.parse::<Listen>().unwrap_err();
            assert!(matches!(error, ListenError::Relative { .. }), "{text}: {error}");
        }
        for text in ["", "9187", "localhost:9187", "127.0.0.1", "http://127.0.0.1:9187", "/run/http.sock"] {
            assert_eq!(text.parse::<Listen>(), Err(ListenError::Unknown(text.to_owned())));
        }
    }

    #[tokio::test]
    async fn health_is_a_loop_that_beats() {
        let (http, vitals) = on_loopback(Vitals::default()).await;
        let answer = get(&http, "/healthz").await;
        assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
        assert!(answer.ends_with("\r\n\r\nthe loop has not begun\n"), "{answer}");

        vitals.send_modify(|vitals| vitals.beat = Some(beat(Duration::from_secs(50))));
        let answer = get(&http, "/healthz").await;
        assert!(answer.starts_with("HTTP/1.1 200 ") && answer.ends_with("\r\n\r\nok\n"), "{answer}");

        vitals.send_modify(|vitals| vitals.beat = Some(beat(Duration::from_mins(5))));
        let answer = get(&http, "/healthz").await;
        assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
        assert!(
            answer.contains("the loop hangs: it last went round 300 s ago, at 2026-11-23T12:00:00Z"),
            "{answer}"
        );
        http.stop().await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_loop_hangs_after_a_minute() {
        let (sender, vitals) =
            watch::channel(Vitals { beat: Some(beat(Duration::ZERO)), ..Vitals::default() });
        let source = Source { vitals, metrics: Arc::new(Metrics::new().unwrap()) };
        let status = || async { healthz(State(source.clone())).await.0 };
        tokio::time::advance(Duration::from_millis(59_999)).await;
        assert_eq!(status().await, StatusCode::OK);
        tokio::time::advance(Duration::from_millis(1)).await;
        assert_eq!(status().await, StatusCode::SERVICE_UNAVAILABLE);
        sender.send_modify(|vitals| vitals.beat = Some(beat(Duration::ZERO)));
        assert_eq!(status().await, StatusCode::OK);
    }

    #[tokio::test]
    async fn ready_is_said_by_the_loop() {
        let (http, vitals) = on_loopback(Vitals::default()).await;
        assert!(get(&http, "/readyz").await.starts_with("HTTP/1.1 503 "));
        vitals.send_modify(|vitals| vitals.ready = true);
        assert!(get(&http, "/readyz").await.starts_with("HTTP/1.1 200 "));
        http.stop().await;
    }

    #[tokio::test]
    async fn metrics_are_those_of_the_moment() {
        let job = JobVitals { name: "weekly".to_owned(), overdue: true, ..JobVitals::default() };
        let (http, vitals) = on_loopback(Vitals { jobs: vec![job], ..Vitals::default() }).await;
        let answer = get(&http, "/metrics").await;
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
        assert!(answer.contains("content-type: text/plain; version=0.0.4; charset=utf-8\r\n"), "{answer}");
        assert!(answer.contains("\nrecert_job_overdue{job=\"weekly\"} 1\n"), "{answer}");
        vitals.send_modify(|vitals| vitals.jobs[0].overdue = false);
        let answer = get(&http, "/metrics").await;
        assert!(answer.contains("\nrecert_job_overdue{job=\"weekly\"} 0\n"), "{answer}");
        http.stop().await;
    }

    #[tokio::test]
    async fn there_is_nothing_else() {
        let (http, _vitals) = on_loopback(Vitals::default()).await;
        for path in ["/", "/metrics/", "/debug", "/healthz/..", "/config"] {
            assert!(get(&http, path).await.starts_with("HTTP/1.1 404 "), "{path}");
        }
        for method in ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"] {
            for path in ["/healthz", "/readyz", "/metrics"] {
                let answer =
                    ask(TcpStream::connect(http.address().unwrap()).await.unwrap(), method, path).await;
                assert!(answer.starts_with("HTTP/1.1 405 "), "{method} {path}: {answer}");
            }
        }
        http.stop().await;
    }

    #[tokio::test]
    async fn a_stopped_server_is_gone_even_if_somebody_holds_on() {
        let (http, _vitals) = on_loopback(Vitals::default()).await;
        let address = http.address().unwrap();
        let mut holds_on = TcpStream::connect(address).await.unwrap();
        holds_on.write_all(b"GET /healthz HTTP/1.1\r\n").await.unwrap();
        http.stop().await;
        assert_eq!(TcpStream::connect(address).await.unwrap_err().kind(), ErrorKind::ConnectionRefused);
    }

    #[tokio::test]
    async fn a_socket_is_for_owner_and_group_and_goes_with_its_server() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("http.sock");
        let (http, _vitals) = opened(&Listen::Unix(path.clone()), Vitals::default()).await;
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o7777, 0o660);
        let answer = ask(UnixStream::connect(&path).await.unwrap(), "GET", "/readyz").await;
        assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
        assert_eq!(http.address(), None);
        http.stop().await;
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
    }

    #[tokio::test]
    async fn a_socket_that_was_left_is_replaced_and_one_in_use_is_not() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("http.sock");
        let listen = Listen::Unix(path.clone());
        drop(UnixListener::bind(&path).unwrap());
        assert!(path.exists(), "left by a daemon that was killed");
        let (http, vitals) = opened(&listen, Vitals::default()).await;

        let metrics = || Arc::new(Metrics::new().unwrap());
        let error = Http::open(&listen, vitals.subscribe(), metrics()).await.unwrap_err();
        assert!(matches!(error, HttpError::Taken { .. }), "{error}");
        let answer = ask(UnixStream::connect(&path).await.unwrap(), "GET", "/readyz").await;
        assert!(answer.starts_with("HTTP/1.1 503 "), "the first one is undisturbed: {answer}");
        http.stop().await;

        for name in ["file", "link", "directory"] {
            let path = directory.path().join(name);
            match name {
                "file" => fs::write(&path, "somebody's").unwrap(),
                "link" => std::os::unix::fs::symlink(directory.path().join("file"), &path).unwrap(),
                _ => fs::create_dir(&path).unwrap(),
            }
            let error =
                Http::open(&Listen::Unix(path.clone()), vitals.subscribe(), metrics()).await.unwrap_err();
            assert!(matches!(&error, HttpError::NotASocket { path: named } if *named == path), "{error}");
        }
        assert_eq!(fs::read_to_string(directory.path().join("file")).unwrap(), "somebody's");
    }

    #[tokio::test]
    async fn a_port_in_use_is_said() {
        let taken = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let listen = Listen::Tcp(taken.local_addr().unwrap());
        let (_sender, receiver) = watch::channel(Vitals::default());
        let error = Http::open(&listen, receiver, Arc::new(Metrics::new().unwrap())).await.unwrap_err();
        assert!(error.to_string().starts_with(&format!("cannot listen on {listen}: ")), "{error}");
    }
}
