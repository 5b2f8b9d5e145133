//! Reads a roster from a file or from a server; the only file of this stage that does.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use reqwest::header::{ACCEPT, HeaderValue, USER_AGENT};
use reqwest::{Client, Response, StatusCode};
use rustix::fs::OFlags;
use secrecy::ExposeSecret;
use sha2::{Digest, Sha256};
use thiserror::Error;
use tokio::time::Instant;
use url::{Host, Url};

use super::{Format, Layout, Mistake, Reading, parse};
use crate::model::{Gap, GapReason, Part, RosterSource};
use crate::secret::SecretSource;
use crate::trust::{Trust, believing_nothing, client_config, io_kind, tls_error, untrusted};
use crate::untrusted::{shortened, visible};

const AGENT: &str = concat!("recert/", env!("CARGO_PKG_VERSION"), " (access review)");
/// Characters of a library's own complaint that are told.
const TOLD: usize = 300;

/// Where a roster is, and how to read it.
#[derive(Debug, Clone)]
pub struct Source {
    /// Where it is.
    pub origin: Origin,
    /// How it is written.
    pub layout: Layout,
    /// How much is read, and how long.
    pub limits: Limits,
}

/// Where a roster is.
#[derive(Clone)]
pub enum Origin {
    /// In a file.
    File {
        /// Its path.
        path: PathBuf,
        /// Days since its last change after which it is refused.
        max_age_days: Option<u32>,
    },
    /// On a server.
    Url {
        /// Its address, for which [`check_url`] has nothing to say.
        url: Url,
        /// Where the token is that the server wants.
        token: Option<SecretSource>,
        /// Which certificate is believed.
        trust: Trust,
    },
}

impl Origin {
    /// What reports call it: a file's name or a URL's host.
    pub fn label(&self) -> String {
        match self {
            Self::File { path, .. } => {
                path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
            }
            Self::Url { url, .. } => host(url),
        }
    }

    /// What an operator needs to find it: the path, or the host.
    fn place(&self) -> String {
        match self {
            Self::File { path, .. } => path.display().to_string(),
            Self::Url { url, .. } => host(url),
        }
    }
}

impl fmt::Debug for Origin {
    /// Names the host only: path and query of a URL can hold a key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Origin").field(&self.place()).finish()
    }
}

fn host(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

/// How much of a roster is read, and how long that may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes.
    pub bytes: u64,
    /// People.
    pub people: usize,
    /// For a connection, the TLS handshake included.
    pub connect: Duration,
    /// For the answer to begin, and between two pieces of it.
    pub idle: Duration,
    /// From sending to the last byte.
    pub whole: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            bytes: 64 << 20,
            people: 1_000_000,
            connect: Duration::from_secs(10),
            idle: Duration::from_mins(1),
            whole: Duration::from_mins(5),
        }
    }
}

/// Why there is no roster. Never holds a value of it, a secret, or more of a URL than its host.
#[derive(Debug, Error)]
pub enum RosterError {
    /// It cannot be read, or must not be relied on.
    #[error("roster {label}: {problem}")]
    Unavailable {
        /// The file or host.
        label: String,
        /// What is wrong and how to mend it.
        problem: String,
        /// The HTTP status, where there was one.
        status: Option<u16>,
    },
    /// It is not what a roster should be.
    #[error("roster {label}: {mistake}")]
    Malformed {
        /// The file or host.
        label: String,
        /// What is wrong with it.
        mistake: Mistake,
    },
}

impl RosterError {
    /// What the coverage says of it.
    pub fn gap(&self) -> Gap {
        let (reason, last_status) = match self {
            Self::Unavailable { status, .. } => (GapReason::Unavailable, *status),
            Self::Malformed { .. } => (GapReason::Malformed, None),
        };
        Gap { endpoint: Part::Roster.endpoint().to_owned(), id: None, reason, attempts: 1, last_status }
    }
}

/// What is wrong with the address of a roster: `https`, or `http` to a loopback address, and neither login nor fragment.
/// Says the mend, and repeats nothing of the URL.
pub fn check_url(url: &Url) -> Result<(), &'static str> {
    if !url.username().is_empty() || url.password().is_some() {
        return Err("must not hold a login; use token");
    }
    if url.fragment().is_some() {
        return Err("must not hold a fragment; leave out what begins with #");
    }
    let is_loopback = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    match url.scheme() {
        "https" => Ok(()),
        "http" if is_loopback => Ok(()),
        _ => Err("must be https://; people are not sent over the network in clear"),
    }
}

/// What went wrong, before the place is known.
struct Failure {
    problem: String,
    status: Option<u16>,
}

impl<T: Into<String>> From<T> for Failure {
    fn from(problem: T) -> Self {
        Self { problem: problem.into(), status: None }
    }
}

impl Source {
    /// Reads the roster whole. Waits as long as the limits allow, and asks once.
    pub async fn read(&self, now: DateTime<Utc>) -> Reading {
        let label = self.origin.place();
        let bytes = match &self.origin {
            Origin::File { path, max_age_days } => {
                let (path, oldest, most) = (path.clone(), *max_age_days, self.limits.bytes);
                beside(move || file(&path, oldest, most, now)).await.and_then(|read| read)
            }
            Origin::Url { url, token, trust } => self.fetch(url, token.as_ref(), trust).await,
        };
        let unavailable = |Failure { problem, status }: Failure| RosterError::Unavailable {
            label: label.clone(),
            problem,
            status,
        };
        let bytes = bytes.map_err(unavailable)?;
        let (layout, most) = (self.layout.clone(), self.limits.people);
        let parsed = beside(move || (hex::encode(Sha256::digest(&bytes)), parse(&bytes, &layout, most)));
        let (sha256, parsed) = parsed.await.map_err(unavailable)?;
        let roster = parsed.map_err(|mistake| RosterError::Malformed { label: label.clone(), mistake })?;
        let people = roster.len() as u64;
        let source = RosterSource {
            label: self.origin.label(),
            sha256,
            people,
            read: now,
            owners: Vec::new(),
            unexplained: roster.unexplained().clone(),
        };
        Ok((roster, source))
    }

    async fn fetch(
        &self,
        url: &Url,
        token: Option<&SecretSource>,
        trust: &Trust,
    ) -> Result<Vec<u8>, Failure> {
        check_url(url).map_err(|problem| format!("roster.url {problem}"))?;
        let limits = self.limits;
        let patience = Patience { limits, deadline: Instant::now() + limits.whole };
        let mut request = client(url, trust, limits)?.get(url.clone()).header(USER_AGENT, AGENT);
        request = request.header(
            ACCEPT,
            match self.layout.format {
                Format::Csv => HeaderValue::from_static("text/csv"),
                Format::Json => HeaderValue::from_static("application/json"),
            },
        );
        if let Some(token) = token {
            // Marked as sensitive by the client.
            request = request.bearer_auth(token.read().map_err(|error| error.to_string())?.expose_secret());
        }
        let mut response = patience.wait(request.send()).await?.map_err(|error| broken(&error, limits))?;
        answered(&response)?;
        let too_long = || format!("is larger than {} bytes, which no roster is", limits.bytes);
        if response.content_length().is_some_and(|announced| announced > limits.bytes) {
            return Err(too_long().into());
        }
        let mut bytes = Vec::new();
        loop {
            let piece = patience.wait(response.chunk()).await?;
            let Some(piece) = piece.map_err(|error| broken(&error, limits))? else { return Ok(bytes) };
            if (bytes.len() + piece.len()) as u64 > limits.bytes {
                return Err(too_long().into());
            }
            bytes.extend_from_slice(&piece);
        }
    }
}

/// Works beside the runtime.
async fn beside<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Failure> {
    tokio::task::spawn_blocking(work).await.map_err(|_| Failure::from("internal error while it was read"))
}

/// How long an answer may still take.
struct Patience {
    limits: Limits,
    deadline: Instant,
}

impl Patience {
    /// The outcome, or the limit that was hit.
    async fn wait<F: Future>(&self, future: F) -> Result<F::Output, Failure> {
        let idle = Instant::now() + self.limits.idle;
        let limit = if idle < self.deadline { self.limits.idle } else { self.limits.whole };
        let late = |_| Failure::from(format!("no whole answer within {limit:?}"));
        tokio::time::timeout_at(idle.min(self.deadline), future).await.map_err(late)
    }
}

/// A client for one request: no redirects, no proxies, no cookies, no compression, HTTP/1.1.
fn client(url: &Url, trust: &Trust, limits: Limits) -> Result<Client, Failure> {
    let is_tls = url.scheme() == "https";
    let tls = if is_tls { client_config(trust) } else { believing_nothing() };
    let client = Client::builder()
        .tls_backend_preconfigured(tls.map_err(|error| error.to_string())?)
        .https_only(is_tls)
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .referer(false)
        .no_proxy()
        .http1_only()
        .connect_timeout(limits.connect)
        .build();
    client.map_err(|error| format!("cannot prepare the HTTP client: {}", error.without_url()).into())
}

/// Only 200 brings a roster: another success has no body, or a part of one.
fn answered(response: &Response) -> Result<(), Failure> {
    let status = response.status();
    let problem = match status {
        StatusCode::OK => return Ok(()),
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
            format!("the server answers {}; is roster.token the right one?", status.as_u16())
        }
        _ if status.is_redirection() => format!(
            "the server redirects ({}), and no redirect is followed; put the final address into roster.url",
            status.as_u16()
        ),
        _ if status.is_server_error() => format!("the server answers {}; it has a problem", status.as_u16()),
        _ => format!("the server answers {}; is roster.url the right one?", status.as_u16()),
    };
    Err(Failure { problem, status: Some(status.as_u16()) })
}

/// An error of the client, without the URL that it would quote.
fn broken(error: &reqwest::Error, limits: Limits) -> Failure {
    if let Some(tls) = tls_error(error) {
        let text = match untrusted(tls) {
            Some(untrusted) => format!(
                "the server's certificate is not trusted: {}; its SHA-256 is {}, to be compared and put into roster.tls",
                untrusted.reason,
                hex::encode(untrusted.sha256)
            ),
            None => format!("TLS failed: {}", visible(&shortened(&tls.to_string(), TOLD))),
        };
        return text.into();
    }
    let connecting = error.is_connect();
    if error.is_timeout() && connecting {
        return format!("no connection within {:?}", limits.connect).into();
    }
    match io_kind(error) {
        Some(kind) if connecting => format!("no connection: {kind}").into(),
        None if connecting => "no connection; does the name exist?".into(),
        Some(_) | None => "the connection broke before the answer was whole".into(),
    }
}

/// A regular file, young and small enough.
fn file(path: &Path, oldest: Option<u32>, most: u64, now: DateTime<Utc>) -> Result<Vec<u8>, Failure> {
    let unreadable = |error: io::Error| error.to_string();
    // Opening a pipe would wait for a writer.
    let flags = OFlags::NONBLOCK.bits().cast_signed();
    let file = File::options().read(true).custom_flags(flags).open(path).map_err(unreadable)?;
    let metadata = file.metadata().map_err(unreadable)?;
    if !metadata.is_file() {
        return Err("is not a regular file".into());
    }
    if let Some(days) = oldest {
        let changed = DateTime::<Utc>::from(metadata.modified().map_err(unreadable)?);
        if now - changed > TimeDelta::days(i64::from(days)) {
            return Err(format!(
                "is stale: last changed on {}, and roster.max_age_days is {days}; export it again",
                changed.format("%F")
            )
            .into());
        }
    }
    let mut bytes = Vec::new();
    file.take(most + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > most {
        return Err(format!("is larger than {most} bytes, which no roster is").into());
    }
    Ok(bytes)
}
