//! The tables of the store, the mail relay and the daemon's own listener.

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use lettre::Address;
use secrecy::ExposeSecret;
use serde::Deserialize;
use thiserror::Error;

use super::{Problem, TlsTable};
use crate::deliver::{OnAmbiguous, Relay, RelayTls, Steps};
use crate::evidence::{KeyError, SigningKey};
use crate::secret::{SecretError, SecretSource};
use crate::trust::Trust;

/// `[store]`: where runs, findings and mails on their way are kept.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StoreTable {
    /// `sqlite:///` and the path of the database; everything else that is kept lies beside it.
    #[serde(default = "StoreTable::default_url")]
    pub url: String,
}

impl Default for StoreTable {
    fn default() -> Self {
        Self { url: Self::default_url() }
    }
}

impl StoreTable {
    fn default_url() -> String {
        "sqlite:///var/lib/recert/recert.db".to_owned()
    }

    /// The database file.
    pub fn database(&self) -> &Path {
        Path::new(self.url.strip_prefix("sqlite://").unwrap_or_default())
    }

    /// The directory of the database: what a daemon owns.
    pub fn home(&self) -> &Path {
        self.database().parent().unwrap_or(Path::new("/"))
    }

    pub(super) fn check(&self) -> Result<(), Problem> {
        if self.url.starts_with("postgres") {
            return Err((
                "url",
                "PostgreSQL is not supported by this version; use sqlite:///PATH".to_owned(),
            ));
        }
        let path = self.database();
        if path.is_absolute() && path.file_name().is_some() && !self.url.ends_with('/') {
            return Ok(());
        }
        Err((
            "url",
            "must be sqlite:// and the absolute path of a file, such as sqlite:///var/lib/recert/recert.db"
                .to_owned(),
        ))
    }
}

/// `[smtp]`: the relay that takes the mail.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SmtpTable {
    /// Its name, which its certificate must bear unless it is pinned.
    pub host: String,
    /// Its port; 465 for implicit TLS, 587 for STARTTLS, 25 without, if left out.
    pub port: Option<u16>,
    /// How the connection is protected.
    #[serde(default)]
    pub tls: RelayTls,
    /// Certificate authorities to trust instead of the system's, PEM.
    pub ca_file: Option<PathBuf>,
    /// SHA-256 of the certificates to trust, hex; two during a rotation.
    pub pin_sha256: Option<Vec<String>>,
    /// The login, if the relay wants one.
    pub username: Option<String>,
    /// Where its password is.
    pub password: Option<SecretSource>,
    /// The sender's address; its domain also ends the message ids.
    pub from: String,
    /// What recert calls itself to the relay; the host's name if left out.
    pub hello: Option<String>,
    /// Seconds that any step of a conversation may take; RFC 5321's own limits if left out.
    pub timeout: Option<u64>,
    /// What becomes of a mail whose acceptance was not answered.
    #[serde(default)]
    pub on_ambiguous: OnAmbiguous,
}

impl SmtpTable {
    /// What the sender needs. Reads the password.
    pub fn relay(&self) -> Result<Relay, SecretError> {
        let login = match (&self.username, &self.password) {
            (Some(username), Some(password)) => Some((username.clone(), password.read()?)),
            _ => None,
        };
        let port = self.port.unwrap_or(match self.tls {
            RelayTls::Implicit => 465,
            RelayTls::StartTls => 587,
            RelayTls::None => 25,
        });
        let steps = self.timeout.map_or_else(Steps::standard, |cap| Steps::capped(Duration::from_secs(cap)));
        Ok(Relay {
            host: self.host.clone(),
            port,
            tls: self.tls,
            trust: self.trust_table().map_or(Trust::System, |table| table.trust()),
            login,
            hello: self.hello.clone(),
            steps,
        })
    }

    fn trust_table(&self) -> Option<TlsTable> {
        let table = TlsTable { ca_file: self.ca_file.clone(), pin_sha256: self.pin_sha256.clone() };
        (table.ca_file.is_some() || table.pin_sha256.is_some()).then_some(table)
    }

    /// By its name alone; what the name leads to is looked at again when a connection is made.
    fn is_on_this_host(&self) -> bool {
        let is_loopback = |address: IpAddr| address.to_canonical().is_loopback();
        self.host.parse().map_or_else(|_| self.host.eq_ignore_ascii_case("localhost"), is_loopback)
    }

    pub(super) fn check(&self) -> Result<(), Problem> {
        if self.host.is_empty() || self.host.chars().any(|c| c.is_whitespace() || c.is_control() || c == '/')
        {
            return Err(("host", "a host name or address is needed, without a scheme".to_owned()));
        }
        if !self.from.is_ascii() || self.from.parse::<Address>().is_err() {
            let problem = format!("{:?} is not a plain mail address such as recert@example.com", self.from);
            return Err(("from", problem));
        }
        match (&self.username, &self.password) {
            (Some(_), Some(_)) if self.tls == RelayTls::None => {
                return Err((
                    "username",
                    "a password is never sent without TLS; use tls = \"implicit\"".to_owned(),
                ));
            }
            (Some(_), None) => return Err(("password", "is needed with a username".to_owned())),
            (None, Some(_)) => return Err(("username", "is needed with a password".to_owned())),
            (Some(_), Some(_)) | (None, None) => {}
        }
        if self.tls == RelayTls::None && !self.is_on_this_host() {
            return Err((
                "tls",
                format!("\"none\" is for a relay on 127.0.0.1, ::1 or localhost, not on {}", self.host),
            ));
        }
        if self.tls == RelayTls::None && self.trust_table().is_some() {
            return Err((
                "tls",
                "\"none\" has no certificate to trust; take ca_file and pin_sha256 out".to_owned(),
            ));
        }
        if self.timeout.is_some_and(|seconds| !(1..=3600).contains(&seconds)) {
            return Err(("timeout", "must be between 1 and 3600 seconds".to_owned()));
        }
        let plain = |name: &String| !name.is_empty() && name.bytes().all(|b| b.is_ascii_graphic());
        if self.hello.as_ref().is_some_and(|name| !plain(name)) {
            return Err(("hello", "must be a host name".to_owned()));
        }
        self.trust_table().map_or(Ok(()), |table| table.check())
    }
}

/// `[evidence]`: who signs the evidence of each run.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EvidenceTable {
    /// Where the secret key is, in minisign's format; unsigned if left out.
    pub key: Option<SecretSource>,
}

/// Why there is no key to sign with.
#[derive(Debug, Error)]
pub enum SigningKeyError {
    /// It cannot be read.
    #[error("evidence.key: {0}")]
    Secret(#[from] SecretError),
    /// It is none.
    #[error("evidence.key: it {0}")]
    Key(#[from] KeyError),
}

impl EvidenceTable {
    /// Reads the key; `None` if none is named.
    pub fn signing_key(&self) -> Result<Option<SigningKey>, SigningKeyError> {
        let Some(source) = &self.key else { return Ok(None) };
        Ok(Some(SigningKey::parse(source.read_lines()?.expose_secret())?))
    }
}

/// `[daemon]`: the service's own listener.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DaemonTable {
    /// Where `/healthz`, `/readyz` and `/metrics` are: a loopback address, or `unix:` and a path. Nowhere if left out.
    pub listen: Option<String>,
}
