//! The simulated console behind the HTTP: its state, its counters and its log.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, RwLock};
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::{
    Account, Estate, GLOBAL_ADMIN, Index, LOCAL_ADMINS, LOCAL_USERS, Mischief, Options, Person, Rights, Seed,
    plain_account,
};

/// A simulated console. Clones share the same state.
#[derive(Clone)]
pub struct Console {
    shared: Arc<Shared>,
}

/// A request that the console received.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The HTTP method.
    pub method: String,
    /// The path, percent-encoded as it came.
    pub path: String,
    /// The query without its question mark.
    pub query: Option<String>,
    /// The status answered; 0 if the connection broke or the answer was never finished.
    pub status: u16,
    /// Whether the credential was accepted.
    pub authorised: bool,
}

struct Shared {
    username: String,
    password: String,
    token: Option<String>,
    latency: Duration,
    keeps_log: bool,
    mischief: Mischief,
    state: RwLock<ConsoleState>,
    failed_logins: Mutex<HashMap<String, i64>>,
    log: Mutex<Vec<Request>>,
    calls: AtomicU64,
    in_flight: AtomicUsize,
    most_in_flight: AtomicUsize,
    authentication_failures: AtomicU64,
    dead: CancellationToken,
    stopped: CancellationToken,
}

/// What the calls read and change.
pub(super) struct ConsoleState {
    /// The truth.
    pub(super) estate: Estate,
    /// Passwords of the accounts that have one here: the service account, and those set through the API.
    pub(super) passwords: BTreeMap<i64, String>,
    /// Seeds by user. Made at run time, never part of the estate and never logged.
    seeds: Mutex<BTreeMap<i64, String>>,
    index: OnceLock<Index>,
}

impl ConsoleState {
    /// The estate the other way round.
    pub(super) fn index(&self) -> &Index {
        self.index.get_or_init(|| Index::build(&self.estate))
    }

    /// The seed of an account that has one; made up when first asked for.
    pub(super) fn seed(&self, user: i64) -> String {
        lock(&self.seeds).entry(user).or_insert_with(random_seed).clone()
    }

    /// Gives an account a seed; a random one unless it is given.
    pub(super) fn set_seed(&mut self, user: i64, seed: Option<String>) -> String {
        let seed = seed.unwrap_or_else(random_seed);
        lock(&self.seeds).insert(user, seed.clone());
        if let Some(account) = self.estate.users.get_mut(&user) {
            account.two_factor = Seed::Present;
        }
        seed
    }

    /// Removes an account with all that belongs to it.
    pub(super) fn remove_user(&mut self, user: i64) -> Option<Account> {
        self.passwords.remove(&user);
        lock(&self.seeds).remove(&user);
        self.estate.users.remove(&user)
    }
}

/// Base32 as authenticators take it.
fn random_seed() -> String {
    const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    (0..32).map(|_| char::from(ALPHABET[fastrand::usize(..ALPHABET.len())])).collect()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Console {
    /// A console that holds this estate, with the service account added to it if need be.
    pub fn new(mut estate: Estate, options: Options) -> Self {
        let id = estate.user_by_login(&options.username).unwrap_or_else(|| {
            let account = service_account(&estate, &options);
            let id = estate.next_user_id();
            estate.users.insert(id, account);
            id
        });
        let passwords = BTreeMap::from([(id, options.password.clone())]);
        let state = ConsoleState { estate, passwords, seeds: Mutex::default(), index: OnceLock::new() };
        let shared = Shared {
            username: options.username,
            password: options.password,
            token: options.token,
            latency: options.latency,
            keeps_log: options.log,
            mischief: Mischief::new(options.faults),
            state: RwLock::new(state),
            failed_logins: Mutex::default(),
            log: Mutex::default(),
            calls: AtomicU64::new(0),
            in_flight: AtomicUsize::new(0),
            most_in_flight: AtomicUsize::new(0),
            authentication_failures: AtomicU64::new(0),
            dead: CancellationToken::new(),
            stopped: CancellationToken::new(),
        };
        Self { shared: Arc::new(shared) }
    }

    /// The login of the service account.
    pub fn username(&self) -> &str {
        &self.shared.username
    }

    /// The password of the service account, as it was at the start.
    pub fn password(&self) -> &str {
        &self.shared.password
    }

    /// The present truth.
    pub fn estate(&self) -> Estate {
        self.read(|state| state.estate.clone())
    }

    /// Every request so far, in the order of arrival.
    pub fn log(&self) -> Vec<Request> {
        lock(&self.shared.log).clone()
    }

    /// The most requests that were in flight at once.
    pub fn most_in_flight(&self) -> usize {
        self.shared.most_in_flight.load(Ordering::Relaxed)
    }

    /// How many requests came without a credential that counts.
    pub fn authentication_failures(&self) -> u64 {
        self.shared.authentication_failures.load(Ordering::Relaxed)
    }

    /// Looks at the state.
    pub(super) fn read<T>(&self, look: impl FnOnce(&ConsoleState) -> T) -> T {
        look(&self.shared.state.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Changes the state.
    pub(super) fn write<T>(&self, change: impl FnOnce(&mut ConsoleState) -> T) -> T {
        let mut state = self.shared.state.write().unwrap_or_else(PoisonError::into_inner);
        state.index.take();
        change(&mut state)
    }

    pub(super) fn token(&self) -> Option<&str> {
        self.shared.token.as_deref()
    }

    pub(super) fn latency(&self) -> Duration {
        self.shared.latency
    }

    pub(super) fn mischief(&self) -> &Mischief {
        &self.shared.mischief
    }

    /// Cancelled when the console accepts no more connections.
    pub(super) fn dead(&self) -> &CancellationToken {
        &self.shared.dead
    }

    /// Cancelled when the simulation ends.
    pub(super) fn stopped(&self) -> &CancellationToken {
        &self.shared.stopped
    }

    /// Counts a call to the API; the first is 1.
    pub(super) fn count_call(&self) -> u64 {
        self.shared.calls.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Counts a request as in flight until the guard is dropped.
    pub(super) fn enter(&self) -> InFlight {
        let now = self.shared.in_flight.fetch_add(1, Ordering::Relaxed) + 1;
        self.shared.most_in_flight.fetch_max(now, Ordering::Relaxed);
        InFlight { shared: Arc::clone(&self.shared) }
    }

    /// Files a request under its number; its answer is filled in when it is known.
    pub(super) fn log_arrival(&self, request: Request) -> Option<usize> {
        self.shared.keeps_log.then(|| {
            let mut log = lock(&self.shared.log);
            log.push(request);
            log.len() - 1
        })
    }

    /// Fills in what was answered.
    pub(super) fn log_answer(&self, number: Option<usize>, status: u16, authorised: bool) {
        if let Some(number) = number
            && let Some(request) = lock(&self.shared.log).get_mut(number)
        {
            (request.status, request.authorised) = (status, authorised);
        }
    }

    /// Counts a failed login, and how many came in a row for this login.
    pub(super) fn count_failure(&self, login: Option<&str>) -> i64 {
        self.shared.authentication_failures.fetch_add(1, Ordering::Relaxed);
        login.map_or(0, |login| {
            let mut failed = lock(&self.shared.failed_logins);
            let count = failed.entry(login.to_owned()).or_default();
            *count += 1;
            *count
        })
    }

    /// Ends the row of failed logins.
    pub(super) fn forget_failures(&self, login: &str) {
        lock(&self.shared.failed_logins).remove(login);
    }
}

/// A request in flight.
pub(super) struct InFlight {
    shared: Arc<Shared>,
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.shared.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The account that reviews: of the directory where there is one, so that it needs no second factor here.
fn service_account(estate: &Estate, options: &Options) -> Account {
    let person = Person { name: "Access review".to_owned(), login: options.username.clone() };
    let directory = estate.directory();
    let administers = options.collector == Rights::GlobalAdministrator;
    Account {
        source: directory.unwrap_or(if administers { LOCAL_ADMINS } else { LOCAL_USERS }),
        two_factor: if directory.is_some() { Seed::Absent } else { Seed::Present },
        email: Some("access-review@corp.example".to_owned()),
        role: if administers { GLOBAL_ADMIN } else { "user" }.to_owned(),
        superuser: administers,
        all_sites: administers,
        all_asset_groups: administers,
        sites: if administers { BTreeSet::new() } else { half(estate.sites.keys()) },
        asset_groups: if administers { BTreeSet::new() } else { half(estate.asset_groups.keys()) },
        ..plain_account(&person)
    }
}

/// Every second of a list.
fn half<'a>(ids: impl Iterator<Item = &'a i64>) -> BTreeSet<i64> {
    ids.step_by(2).copied().collect()
}
