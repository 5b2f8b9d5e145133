//! A typed client of the Security Console's REST API v3: what a review reads, and apart from it what changes accounts.
//!
//! [`Console`] has the reading methods only, so that a read path cannot write; [`ConsoleAdmin`] has the others. A method
//! is named after the published operation and stands in the file of its resource.

mod administration;
mod asset_groups;
mod authentication_sources;
mod body;
mod call;
mod credential;
mod duration;
mod error;
mod failure;
mod load;
mod operations;
mod policy_overrides;
mod privileges;
mod reports;
mod retry;
mod roles;
mod scans;
mod settings;
mod sites;
mod tls;
mod transport;
mod two_factor;
mod types;
mod users;
mod vulnerability_exceptions;

use std::fmt;
use std::sync::Arc;

use serde::de::{DeserializeOwned, IgnoredAny};

// What the files of this stage share, so that none of them names another.
use body::{Body, Cut, Decode, Patience, acknowledged, complaint, json, plain_line};
use call::Call;
use credential::{Credential, Doubt};
use duration::seconds;
use failure::{Again, Failure, failure, refusal};
use load::{Load, Outcome as LoadOutcome, Slot};
use retry::{Budget, retry_after};
use transport::{PROBE, Transport, client};

pub use crate::trust::Trust;
pub use error::{Error, ErrorKind, Outcome, WriteError};
pub use operations::{CallError, READ_OPERATIONS};
pub use retry::Retry;
pub use settings::{Settings, SettingsError, Timeouts, TokenProvider, check_base};
pub use tls::presented_certificate;
pub use transport::Traffic;
pub use types::{
    Act, AdministrationSettings, AssetGroup, AuthenticationEdit, AuthenticationSettings,
    AuthenticationSource, Created, ExceptionScope, Info, License, LicenseLimits, OverrideScope, Page,
    PageInfo, PageRequest, PolicyOverride, Report, ReportEmail, Resources, Role, RoleEdit, Scan, Site,
    SiteUser, TwoFactorKey, User, UserAuthentication, UserEdit, UserRole, Version, VulnerabilityException,
    WebSettings,
};

/// A console that can be read. Clones share connections, load control, retry budget and what is known of the credential.
#[derive(Clone)]
pub struct Console {
    transport: Arc<Transport>,
}

impl Console {
    /// Prepares the client. Nothing is sent; the trusted certificates are read.
    pub fn connect(settings: Settings) -> Result<Self, SettingsError> {
        Ok(Self { transport: Arc::new(Transport::new(settings)?) })
    }

    /// What was sent so far.
    pub fn traffic(&self) -> Traffic {
        self.transport.traffic()
    }

    /// `GET /api/3`: the cheapest call that needs the credential; no right beyond a login.
    pub async fn probe(&self) -> Result<(), Error> {
        self.read::<IgnoredAny>(Call::get(PROBE, &[])).await.map(drop)
    }

    async fn read<T: DeserializeOwned>(&self, call: Call) -> Result<T, Error> {
        self.transport.read(&call, json).await
    }

    async fn list<T: DeserializeOwned>(&self, call: Call) -> Result<Vec<T>, Error> {
        self.read::<Resources<T>>(call).await.map(|answer| answer.resources)
    }
}

impl fmt::Debug for Console {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Console").field("base", &self.transport.base()).finish_non_exhaustive()
    }
}

/// A console that can be changed. No change is ever sent twice; its failure says whether it may have been made.
#[derive(Clone, Debug)]
pub struct ConsoleAdmin {
    console: Console,
}

impl ConsoleAdmin {
    /// Prepares the client. Nothing is sent; the trusted certificates are read.
    pub fn connect(settings: Settings) -> Result<Self, SettingsError> {
        Console::connect(settings).map(|console| Self { console })
    }

    /// The reading methods, over the same connections and the same knowledge of the credential.
    pub fn reads(&self) -> &Console {
        &self.console
    }

    async fn write(&self, call: Call) -> Result<(), WriteError> {
        self.write_for(call, acknowledged).await
    }

    async fn write_for<T>(&self, call: Call, decode: Decode<T>) -> Result<T, WriteError> {
        self.console.transport.write(&call, decode).await
    }
}
