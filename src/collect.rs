//! Collection: asks one console everything that a review needs and returns the snapshot, with the coverage of every
//! part. After the first answer nothing ends it: what fails becomes a gap by name.
//!
//! The users are listed before and after the fan-out, because the console's paging has no read consistency
//! (`console-api.md` §2) and people work while a review runs.

mod activity;
mod asking;
mod convert;
mod ledger;
mod listing;
mod population;
mod progress;
mod reconcile;
mod scans;
mod two_factor;

use std::collections::BTreeSet;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde::Deserialize;

use crate::console::{Console, Error, ErrorKind};
use crate::model::{
    Answer, AssetGroup, AuthenticationSource, Collector, CollectorRights, ConsoleIdentity, ConsoleSettings,
    Coverage, Depth, Gap, GapReason, Part, PrivilegeId, Requests, Role, Site, Snapshot, Totals, User,
};

use activity::Activity;
use asking::{Answers, Asker};
use convert::instant;
use ledger::Ledger;
use listing::{
    Listing, PAGE_SIZE, list_asset_groups, list_policy_overrides, list_reports, list_sites, list_users,
    list_vulnerability_exceptions,
};
use population::{Population, read_population};
use reconcile::{Inverse, anomalies};
use scans::{Scans, read_scans};
use two_factor::TwoFactorQuestion;

pub use progress::{Progress, Stage};

/// What to collect, and how.
#[derive(Debug, Clone)]
pub struct Options {
    /// The console's configured name.
    pub name: String,
    /// The login that collects; it is looked up among the users, because the API has no "who am I".
    pub login: String,
    /// How much to ask.
    pub depth: Depth,
    /// Whether to ask for two-factor state.
    pub two_factor: TwoFactorPolicy,
    /// Questions kept ready for the client, which holds back what is over its own limit.
    pub concurrency: usize,
    /// Whom to ask about.
    pub focus: Focus,
    /// Optional parts that a rule needs, of the four that the console has: exceptions, overrides, scans, reports.
    pub also: BTreeSet<Part>,
}

/// Whom a collection asks about. A focused one answers one question quickly; it is no review.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Focus {
    /// Everyone, with every cross-check.
    #[default]
    Everyone,
    /// Only the accounts with this login, whatever its case.
    Login(String),
    /// Only the accounts that hold this privilege.
    Holders(PrivilegeId),
}

impl Focus {
    fn includes(&self, user: &User) -> bool {
        match self {
            Self::Everyone => true,
            Self::Login(login) => user.login.to_lowercase() == login.to_lowercase(),
            // Who may hold it is asked as well: some listings leave privileges out.
            Self::Holders(privilege) => user.holds(privilege) || user.effective_privileges().is_none(),
        }
    }
}

/// Whether two-factor state is asked for. The console answers with the secret seed, which never leaves the client.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TwoFactorPolicy {
    /// Local accounts are asked, unless the console says that two-factor authentication is off.
    #[default]
    Auto,
    /// Nobody is asked; every local account is undetermined.
    Off,
}

/// Collects one console.
///
/// `clock` is read twice, at the start and at the end.
///
/// # Errors
/// Only if the very first call gets no usable answer: then nothing was seen. [`unseen`] makes a snapshot of that, for a
/// review of several consoles.
pub async fn collect(
    console: &Console,
    options: &Options,
    progress: &Progress,
    clock: fn() -> DateTime<Utc>,
) -> Result<Snapshot, Error> {
    let started = clock();
    // Alone and first: a wrong password must cost exactly one failed login.
    console.probe().await?;
    let asker = Asker::new(options.concurrency, progress);
    let mut ledger = Ledger::default();

    // Boxed: seven calls at once make a future too large to be moved around on the stack.
    let lists = Box::pin(Lists::read(console, &asker, &mut ledger)).await;
    progress.enter(Stage::Asking);
    let opening = list_users(console, &asker).await;
    let (inverse, mut population, activity) = tokio::join!(
        Inverse::read(console, &asker, &lists, &options.focus),
        read_population(console, &asker, options, &lists.settings, opening),
        Box::pin(Activity::read(console, &asker, &options.also, started))
    );
    progress.enter(Stage::Done);
    lists.complete(&mut population.users);

    let collector = collector(&options.login, &population.users);
    ledger.collector(&collector);
    population.record(&mut ledger);
    inverse.record(&mut ledger);
    activity.record(&mut ledger);
    let coverage = ledger.close();
    let anomalies = anomalies(&lists, &population, &inverse, &coverage);
    let traffic = console.traffic();
    Ok(Snapshot {
        console: ConsoleIdentity { name: options.name.clone(), ..lists.identity },
        started,
        finished: clock(),
        depth: options.depth,
        collector,
        settings: lists.settings,
        totals: Totals {
            users: population.total,
            sites: lists.sites.total,
            asset_groups: lists.asset_groups.total,
        },
        requests: Requests {
            sent: traffic.sent,
            retried: traffic.retried,
            throttled: traffic.throttled,
            waited_ms: u64::try_from(traffic.waited.as_millis()).unwrap_or(u64::MAX),
        },
        users: population.users,
        roles: lists.roles,
        privileges: lists.privileges,
        authentication_sources: lists.authentication_sources,
        sites: lists.sites.rows,
        asset_groups: lists.asset_groups.rows,
        exceptions: activity.exceptions(),
        scans: activity.scans(),
        reports: activity.reports(),
        roster: None,
        logon_sources: Vec::new(),
        coverage,
        anomalies,
    })
}

/// The snapshot of a console that could not be reached: nothing seen, and the one call that was tried says why.
pub fn unseen(options: &Options, error: &Error, at: DateTime<Utc>) -> Snapshot {
    Snapshot {
        console: ConsoleIdentity { name: options.name.clone(), uuid: None, serial: None, version: None },
        started: at,
        finished: at,
        depth: options.depth,
        collector: Collector { login: options.login.clone(), user: None, rights: CollectorRights::Unknown },
        settings: ConsoleSettings::default(),
        totals: Totals::default(),
        requests: Requests { sent: u64::from(error.attempts), ..Requests::default() },
        users: Vec::new(),
        roles: Vec::new(),
        privileges: Vec::new(),
        authentication_sources: Vec::new(),
        sites: Vec::new(),
        asset_groups: Vec::new(),
        exceptions: Answer::NotAsked,
        scans: Answer::NotAsked,
        reports: Answer::NotAsked,
        roster: None,
        logon_sources: Vec::new(),
        coverage: Ledger::unseen(&gap(error, None)),
        anomalies: Vec::new(),
    }
}

/// The lists that the console gives in one piece or page by page.
struct Lists {
    identity: ConsoleIdentity,
    settings: ConsoleSettings,
    roles: Vec<Role>,
    privileges: Vec<PrivilegeId>,
    authentication_sources: Vec<AuthenticationSource>,
    sites: Listing<Site>,
    asset_groups: Listing<AssetGroup>,
}

impl Lists {
    async fn read(console: &Console, asker: &Asker<'_>, ledger: &mut Ledger) -> Self {
        let (info, settings, roles, privileges, sources, sites, asset_groups) = tokio::join!(
            console.get_administration_info(),
            console.get_administration_settings(),
            console.get_roles(),
            console.get_privileges(),
            console.get_authentication_sources(),
            list_sites(console, asker),
            list_asset_groups(console, asker),
        );
        let info = ledger.single(Part::Info, info).unwrap_or_default();
        let settings = ledger.single(Part::Settings, settings).unwrap_or_default();
        let roles = ledger.list(Part::Roles, roles);
        let mut privileges = ledger.list(Part::Privileges, privileges);
        let sources = ledger.list(Part::AuthenticationSources, sources);
        ledger.listing(Part::Sites, &sites);
        ledger.listing(Part::AssetGroups, &asset_groups);
        privileges.sort();
        privileges.dedup();
        Self {
            identity: convert::identity(info, &settings),
            settings: convert::settings(&settings),
            roles: convert::by_id(roles, |role: &Role| role.id.clone()),
            privileges,
            authentication_sources: convert::by_id(sources, |source: &AuthenticationSource| source.id),
            sites,
            asset_groups,
        }
    }
}

impl Lists {
    /// Takes a user's privileges from its role where the listing leaves them out, as it does for a role without any.
    fn complete(&self, users: &mut [User]) {
        for user in users.iter_mut().filter(|user| user.role.privileges.is_none()) {
            let role = self.roles.iter().find(|role| Some(&role.id) == user.role.id.as_ref());
            user.role.privileges = role.map(|role| Arc::new(role.privileges.clone()));
        }
    }
}

/// Finds the collecting account among the users and tells what it may see (`console-api.md` §9.10).
fn collector(login: &str, users: &[User]) -> Collector {
    let own = users.iter().find(|user| user.login == login).or_else(|| {
        let login = login.to_lowercase();
        users.iter().find(|user| user.login.to_lowercase() == login)
    });
    let rights = match own {
        Some(user) if user.is_global_admin() => CollectorRights::GlobalAdministrator,
        Some(_) => CollectorRights::Limited,
        None => CollectorRights::Unknown,
    };
    Collector { login: login.to_owned(), user: own.map(|user| user.id), rights }
}

/// Whether the console answered that this account may not read it, or that it is not there: the two look alike.
fn is_refusal(error: &Error) -> bool {
    matches!(error.kind, ErrorKind::Forbidden { .. } | ErrorKind::NotFound)
}

/// What an error leaves unseen.
fn gap(error: &Error, id: Option<String>) -> Gap {
    let reason = match error.kind {
        _ if error.attempts == 0 => GapReason::Stopped,
        ErrorKind::Unauthorized => GapReason::Unauthorized,
        ErrorKind::Forbidden { .. } => GapReason::Denied,
        ErrorKind::NotFound => GapReason::DeniedOrMissing,
        ErrorKind::Throttled { .. } => GapReason::Throttled,
        ErrorKind::Unavailable { .. } | ErrorKind::Untrusted { .. } => GapReason::Unavailable,
        ErrorKind::TimedOut { .. } => GapReason::TimedOut,
        ErrorKind::Malformed { .. } | ErrorKind::Rejected { .. } => GapReason::Malformed,
    };
    Gap {
        endpoint: error.endpoint.to_owned(),
        id,
        reason,
        attempts: error.attempts,
        last_status: error.status().filter(|_| error.attempts > 0),
    }
}
