//! The tables that name consoles. The settings of client and collection are made from them.

use std::collections::BTreeSet;
use std::path::PathBuf;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use url::Url;

use super::{LastLogonTable, Problem};
use crate::collect::{Focus, Options, TwoFactorPolicy};
use crate::console::{Settings, Trust, check_base};
use crate::model::Depth;
use crate::secret::{SecretError, SecretSource};

/// `[[console]]`: a console, and how it is reviewed.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConsoleTable {
    /// Its label in every report.
    pub name: String,
    /// Its base, such as `https://console.example:3780`.
    #[serde(deserialize_with = "url")]
    pub url: Url,
    /// The login that collects; a Global Administrator.
    pub username: String,
    /// Where its password is.
    pub password: SecretSource,
    /// What certificate to trust; without it, the system's authorities.
    pub tls: Option<TlsTable>,
    /// Calls in flight at most.
    #[serde(default = "ConsoleTable::default_max_in_flight")]
    pub max_in_flight: usize,
    /// Whether two-factor state is asked for.
    #[serde(default)]
    pub two_factor: TwoFactorPolicy,
    /// How much is asked.
    #[serde(default)]
    pub depth: Depth,
    /// Where last logons come from, which the API does not have.
    pub last_logon: Option<LastLogonTable>,
}

/// A URL whose error does not quote it: somebody may have put a password there.
pub(super) fn url<'de, D: Deserializer<'de>>(from: D) -> Result<Url, D::Error> {
    String::deserialize(from)?.parse().map_err(|error| D::Error::custom(format!("not a URL: {error}")))
}

/// `tls` of a console: exactly one of the two.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TlsTable {
    /// Certificate authorities to trust instead of the system's, PEM.
    pub ca_file: Option<PathBuf>,
    /// SHA-256 of the certificates to trust, hex; two during a rotation.
    pub pin_sha256: Option<Vec<String>>,
}

impl ConsoleTable {
    const fn default_max_in_flight() -> usize {
        4
    }

    /// What the client needs. Reads the password.
    pub fn settings(&self) -> Result<Settings, SecretError> {
        let password = self.password.read()?;
        let mut settings = Settings::new(self.url.clone(), self.username.clone(), password);
        settings.max_in_flight = self.max_in_flight;
        if let Some(tls) = &self.tls {
            settings.trust = tls.trust();
        }
        Ok(settings)
    }

    /// What the collection needs.
    pub fn options(&self) -> Options {
        Options {
            name: self.name.clone(),
            login: self.username.clone(),
            depth: self.depth,
            two_factor: self.two_factor,
            // Twice what the client lets through, so that it never waits for the next question.
            concurrency: self.max_in_flight * 2,
            focus: Focus::Everyone,
            also: BTreeSet::new(),
        }
    }

    pub(super) fn check(&self) -> Result<(), Problem> {
        if self.name.trim().is_empty() || self.name.chars().any(char::is_control) {
            return Err(("name", "a console needs a name on one line".to_owned()));
        }
        check_base(&self.url).map_err(|error| ("url", error.to_string()))?;
        if self.url.path() != "/" {
            let base = self.url.origin().ascii_serialization();
            return Err(("url", format!("has a path, which recert adds itself; write only {base}")));
        }
        let host = self.url.host_str().unwrap_or_default().trim_end_matches('.');
        if host == "rapid7.com" || host.ends_with(".rapid7.com") {
            let problem = "this is the Insight cloud; recert talks to Security Consoles, such as \
                           https://console.example:3780";
            return Err(("url", problem.to_owned()));
        }
        if self.username.is_empty() || self.username.contains(':') {
            return Err(("username", "a login without a colon is needed".to_owned()));
        }
        if !(1..=64).contains(&self.max_in_flight) {
            return Err(("max_in_flight", "must be between 1 and 64".to_owned()));
        }
        self.tls.as_ref().map_or(Ok(()), TlsTable::check)?;
        self.last_logon.as_ref().map_or(Ok(()), LastLogonTable::check)
    }
}

impl TlsTable {
    pub(super) fn check(&self) -> Result<(), Problem> {
        match (&self.ca_file, &self.pin_sha256) {
            (Some(_), None) => Ok(()),
            (None, Some(pins)) if pins.is_empty() => Err((
                "tls.pin_sha256",
                "is empty; `recert console trust URL` shows the line to put here".to_owned(),
            )),
            (None, Some(pins)) => pins.iter().try_for_each(|text| match pin(text) {
                Some(_) => Ok(()),
                None => Err(("tls.pin_sha256", format!("{text:?} is not a SHA-256: 64 hexadecimal digits"))),
            }),
            (None, None) | (Some(_), Some(_)) => Err(("tls", "give either ca_file or pin_sha256".to_owned())),
        }
    }

    pub(super) fn trust(&self) -> Trust {
        match (&self.ca_file, &self.pin_sha256) {
            (Some(path), _) => Trust::CaFile(path.clone()),
            (None, pins) => Trust::Pins(pins.iter().flatten().filter_map(|text| pin(text)).collect()),
        }
    }
}

/// A fingerprint as 64 hexadecimal digits, with or without colons.
fn pin(text: &str) -> Option<[u8; 32]> {
    hex::decode(text.replace(':', "")).ok()?.try_into().ok()
}
