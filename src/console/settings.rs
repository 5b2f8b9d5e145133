//! How to reach one console: address, credential, trust, patience.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use reqwest::Url;
use secrecy::SecretString;
use thiserror::Error;
use url::Host;

use super::Retry;
use crate::trust::{Trust, TrustError};

/// Everything the client must know about one console.
#[derive(Clone)]
pub struct Settings {
    /// Such as `https://console.example:3780`; plain `http` only to a loopback address. A path is kept as a prefix.
    pub base: Url,
    /// The login of the service account.
    pub username: String,
    /// Its password.
    pub password: SecretString,
    /// Which certificates are believed.
    pub trust: Trust,
    /// Where one-time codes come from, if the account has a second factor.
    pub token: Option<Arc<dyn TokenProvider>>,
    /// The most calls in flight; the load control moves between 1 and this.
    pub max_in_flight: usize,
    /// How long to wait.
    pub timeouts: Timeouts,
    /// How often to try again.
    pub retry: Retry,
}

impl Settings {
    /// The defaults: system roots, no second factor, 4 calls in flight.
    pub fn new(base: Url, username: String, password: SecretString) -> Self {
        Self {
            base,
            username,
            password,
            trust: Trust::System,
            token: None,
            max_in_flight: 4,
            timeouts: Timeouts::default(),
            retry: Retry::default(),
        }
    }

    /// The base as every URL begins, without a slash at the end.
    pub(super) fn prefix(&self) -> Result<String, SettingsError> {
        check_base(&self.base)?;
        Ok(self.base.as_str().trim_end_matches('/').to_owned())
    }

    pub(super) fn is_tls(&self) -> bool {
        self.base.scheme() == "https"
    }
}

/// Whether a console can be reached at this base: `https`, or `http` to a loopback address, and neither login, query nor
/// fragment. A host is there, because no URL of these schemes is one without. The error names the mend, and repeats
/// nothing of the URL.
pub fn check_base(url: &Url) -> Result<(), SettingsError> {
    if !url.username().is_empty() || url.password().is_some() {
        return Err(SettingsError::CredentialInUrl);
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(SettingsError::QueryInUrl);
    }
    match url.scheme() {
        "https" => Ok(()),
        "http" if is_loopback(url) => Ok(()),
        "http" => Err(SettingsError::PlainHttp),
        _ => Err(SettingsError::Scheme),
    }
}

fn is_loopback(base: &Url) -> bool {
    match base.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

impl fmt::Debug for Settings {
    /// Names the host only: a mistaken URL can hold a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("host", &self.base.host_str())
            .field("port", &self.base.port_or_known_default())
            .field("username", &self.username)
            .field("trust", &self.trust)
            .field("token", &self.token.is_some())
            .field("max_in_flight", &self.max_in_flight)
            .field("timeouts", &self.timeouts)
            .field("retry", &self.retry)
            .finish_non_exhaustive()
    }
}

/// Gives the current one-time code of the service account; asked for every request that is sent.
pub trait TokenProvider: Send + Sync {
    /// The code, or `None` to send no `Token` header.
    fn token(&self) -> Option<SecretString>;
}

/// How long to wait, each for one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// For a connection, the TLS handshake included.
    pub connect: Duration,
    /// For the answer to begin, and between two pieces of it.
    pub idle: Duration,
    /// From sending to the last byte.
    pub whole: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self { connect: Duration::from_secs(10), idle: Duration::from_mins(1), whole: Duration::from_mins(2) }
    }
}

/// Why a console cannot be spoken to as configured.
#[derive(Debug, Error)]
pub enum SettingsError {
    /// A user name or password inside the URL.
    #[error("the console's URL must not hold a login; use username and password")]
    CredentialInUrl,
    /// A query or fragment inside the URL.
    #[error("the console's URL must not hold a query or a fragment; leave out what begins with ? or #")]
    QueryInUrl,
    /// Plain HTTP beyond this machine.
    #[error(
        "the console's URL must be https://; plain http is for loopback addresses only, because the password would cross \
         the network in clear"
    )]
    PlainHttp,
    /// Neither https nor http.
    #[error("the console's URL must be https://, such as https://console.example:3780")]
    Scheme,
    /// A user name that Basic authentication cannot carry.
    #[error("the user name holds a colon or a control character, which HTTP Basic cannot carry")]
    Username,
    /// No call could be in flight.
    #[error("max_in_flight must be at least 1")]
    MaxInFlight,
    /// The trust cannot be set up.
    #[error(transparent)]
    Trust(#[from] TrustError),
    /// The HTTP client cannot be built.
    #[error("cannot prepare the HTTP client: {0}")]
    Client(String),
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prefix(base: &str) -> Result<String, SettingsError> {
        Settings::new(base.parse().unwrap(), "reviewer".to_owned(), "secret".into()).prefix()
    }

    #[test]
    fn keeps_a_path_and_drops_the_last_slash() {
        assert_eq!(prefix("https://console.example:3780/").unwrap(), "https://console.example:3780");
        assert_eq!(prefix("https://gateway.example/nexpose/").unwrap(), "https://gateway.example/nexpose");
    }

    #[test]
    fn plain_http_stays_on_this_machine() {
        for base in ["http://127.0.0.1:8080", "http://[::1]:8080", "http://localhost"] {
            assert!(prefix(base).is_ok(), "{base}");
        }
        for base in ["http://console.example", "http://10.0.0.7", "http://localhost.example"] {
            assert!(matches!(prefix(base), Err(SettingsError::PlainHttp)), "{base}");
        }
    }

    #[test]
    fn refuses_what_a_base_must_not_hold() {
        assert!(matches!(prefix("https://me:pw@console.example"), Err(SettingsError::CredentialInUrl)));
        assert!(matches!(prefix("https://console.example/?a=b"), Err(SettingsError::QueryInUrl)));
        assert!(matches!(prefix("https://console.example/#a"), Err(SettingsError::QueryInUrl)));
        for base in ["ftp://console.example", "file:///etc/console", "console:3780"] {
            assert!(matches!(prefix(base), Err(SettingsError::Scheme)), "{base}");
        }
        for base in ["https://", "https://:3780", "http://?"] {
            assert!(base.parse::<Url>().is_err(), "a host is there: {base}");
        }
    }

    #[test]
    fn what_is_wrong_with_a_base_names_the_mend_and_not_the_url() {
        for (base, mend) in [
            ("https://me:canary@console.example", "use username and password"),
            ("https://console.example/?canary", "leave out"),
            ("http://canary.example", "must be https://; plain http is for loopback"),
            ("ftp://canary.example", "must be https://, such as"),
        ] {
            let error = check_base(&base.parse().unwrap()).unwrap_err().to_string();
            assert!(error.contains(mend) && !error.contains("canary"), "{error}");
        }
    }
}
