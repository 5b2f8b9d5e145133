//! The service: one loop over one closed set of events. Slots are claimed here, and runs, deliveries and reloads are
//! started here; what takes time happens beside the loop and comes back as an event.

mod agenda;
mod beat;
mod hardening;
mod http;
mod metrics;
mod notify;
mod telling;
mod vitals;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use chrono::{DateTime, Utc};
use thiserror::Error;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::config::{Config, ConfigError};
use crate::deliver::Posted;
use crate::job::{Host, Plan, RunError};
use crate::report::Report;
use crate::review::Scheduled;
use crate::store::{Ownership, Store, StoreError};

pub use hardening::{HardeningError, harden, survive_file_size_limit};
pub use http::{Http, HttpError, Listen, ListenError};
pub use metrics::{MailResult, Metrics};
pub use notify::Notify;
pub use vitals::{Beat, JobVitals, OutboxVitals, RunResult, Vitals};

use agenda::{Running, Waiting};
use telling::Telling;

/// How long a stop waits for what cannot be interrupted; the unit allows for more.
const STOP_WITHIN: Duration = Duration::from_secs(15);
/// How long the outbox rests after the store failed under it.
const OUTBOX_PAUSE: Duration = Duration::from_mins(1);

/// What the daemon is given.
pub struct Options {
    /// Reads the configuration, at the start and at every reload.
    pub load: Arc<dyn Fn() -> Result<Config, ConfigError> + Send + Sync>,
    /// The time now.
    pub clock: fn() -> DateTime<Utc>,
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options").finish_non_exhaustive()
    }
}

/// Everything that the loop reacts to.
enum Event {
    /// A second went by.
    Beat,
    /// An attempt at a run ended.
    Ended(Ended),
    /// A round of deliveries ended.
    Posted(Result<Posted, StoreError>),
    /// SIGHUP: the configuration is to be read again.
    Reload,
    /// It was read and tried.
    Loaded(Result<Box<Plan>, String>),
    /// SIGTERM or SIGINT.
    Stop,
}

/// How an attempt at a run ended.
struct Ended {
    job: String,
    scheduled: Scheduled,
    attempt: u32,
    result: Result<Arc<Report>, Interrupted>,
}

/// Why an attempt has no report.
enum Interrupted {
    /// The daemon stops; the attempt does not count.
    Stopped,
    /// It failed.
    Failed(RunError),
}

/// What keeps the daemon from working at the moment.
#[derive(Debug, Error)]
enum Trouble {
    #[error("the clock says {0}, which cannot be; nothing is run until it is right")]
    Clock(DateTime<Utc>),
    #[error("not enough space to start a run: {0}")]
    Space(String),
    #[error(transparent)]
    Store(#[from] StoreError),
}

struct Daemon {
    options: Options,
    host: Host,
    plan: Arc<Plan>,
    events: Sender<Event>,
    waiting: Vec<Waiting>,
    running: BTreeMap<String, Running>,
    posting: bool,
    post_from: Instant,
    reloading: bool,
    /// The configuration may have changed since the reload under way began to read it.
    reload_again: bool,
    tasks: TaskTracker,
    stop: CancellationToken,
    telling: Telling,
}

/// Runs until it is told to stop.
///
/// # Errors
/// If something is wrong before it is ready: the configuration, a secret, a template, a directory, the store, or another
/// daemon that owns the store's directory. Later trouble is logged, measured and tried again.
pub async fn run(options: Options) -> anyhow::Result<()> {
    harden()?;
    survive_file_size_limit().context("signals")?;
    let now = (options.clock)();
    let plan = Plan::make((options.load)()?)?;
    let listen = plan
        .config
        .daemon
        .listen
        .as_deref()
        .map(str::parse::<Listen>)
        .transpose()
        .context("daemon.listen")?;
    let table = plan.config.store.clone();
    // First of all: two daemons must not even look at one store.
    let owner = Ownership::take(table.home())?;
    let store = Store::open(table.database(), now)?;
    let recovered = store.recover(now).await?;
    tracing::info!(pending = recovered.pending, ambiguous = recovered.ambiguous, "outbox taken up");
    let telling = Telling::new(Metrics::new()?);
    let http = match &listen {
        Some(listen) => Some(Http::open(listen, telling.listen(), telling.metrics.clone()).await?),
        None => None,
    };
    let (events, queue) = channel(64);
    let mut daemon = Daemon {
        host: Host::new(store, table.home(), options.clock),
        options,
        plan: Arc::new(plan),
        events,
        waiting: Vec::new(),
        running: BTreeMap::new(),
        posting: false,
        post_from: Instant::now(),
        reloading: false,
        reload_again: false,
        tasks: TaskTracker::new(),
        stop: CancellationToken::new(),
        telling,
    };
    daemon.resume(now).await?;
    daemon.listen()?;
    daemon.telling.ready(&daemon.plan.config.hash);
    tracing::info!(jobs = daemon.plan.jobs.len(), configuration = daemon.plan.config.hash, "ready");
    daemon.serve(queue).await;
    if let Some(http) = http {
        http.stop().await;
    }
    drop(owner);
    Ok(())
}

impl Daemon {
    /// Starts what sends events: the heartbeat and the signals.
    fn listen(&self) -> anyhow::Result<()> {
        let (beats, mut beaten) = channel(1);
        tokio::spawn(beat::beat(beats));
        let events = self.events.clone();
        tokio::spawn(async move {
            while beaten.recv().await.is_some() && events.send(Event::Beat).await.is_ok() {}
        });
        let signals: [(SignalKind, fn() -> Event); 3] = [
            (SignalKind::hangup(), || Event::Reload),
            (SignalKind::terminate(), || Event::Stop),
            (SignalKind::interrupt(), || Event::Stop),
        ];
        for (kind, event) in signals {
            let mut received = signal(kind).context("signals")?;
            let events = self.events.clone();
            tokio::spawn(async move {
                while received.recv().await.is_some() && events.send(event()).await.is_ok() {}
            });
        }
        Ok(())
    }

    async fn serve(&mut self, mut queue: Receiver<Event>) {
        while let Some(event) = queue.recv().await {
            match event {
                Event::Beat => self.beat().await,
                Event::Ended(ended) => self.ended(ended).await,
                Event::Posted(posted) => self.posted(posted),
                Event::Reload => self.reload(),
                Event::Loaded(plan) => self.loaded(plan),
                Event::Stop => break,
            }
        }
        self.finish(queue).await;
    }

    async fn beat(&mut self) {
        let now = (self.host.clock)();
        self.telling.beat(now);
        let worked = self.attend(now).await;
        let told = self.tell(now).await.map_err(Trouble::Store);
        self.telling.trouble(worked.and(told).err().as_ref());
        if !self.posting && self.post_from <= Instant::now() {
            self.post();
        }
    }

    /// Delivers what is due, beside the loop.
    fn post(&mut self) {
        self.posting = true;
        let (courier, events) = (self.plan.courier(&self.host), self.events.clone());
        self.tasks.spawn(async move {
            let posted = courier.post_due().await;
            drop(events.send(Event::Posted(posted)).await);
        });
    }

    fn posted(&mut self, posted: Result<Posted, StoreError>) {
        self.posting = false;
        match posted {
            Ok(posted) => self.telling.posted(posted),
            Err(error) => {
                tracing::error!("the outbox waits for a minute: {error}");
                self.post_from = Instant::now() + OUTBOX_PAUSE;
            }
        }
    }

    /// Reads and tries the configuration beside the loop.
    fn reload(&mut self) {
        if self.reloading {
            self.reload_again = true;
            return;
        }
        self.reloading = true;
        self.telling.notify.reloading();
        let (load, events) = (self.options.load.clone(), self.events.clone());
        self.tasks.spawn(async move {
            let tried = move || {
                let config = load().map_err(|error| error.to_string())?;
                Plan::make(config).map(Box::new).map_err(|error| error.to_string())
            };
            let plan =
                tokio::task::spawn_blocking(tried).await.unwrap_or_else(|error| Err(error.to_string()));
            drop(events.send(Event::Loaded(plan)).await);
        });
    }

    /// Takes a new configuration whole, or keeps the old one whole.
    fn loaded(&mut self, plan: Result<Box<Plan>, String>) {
        self.reloading = false;
        match plan.and_then(|plan| self.fits(&plan).map(|()| plan)) {
            Ok(plan) => {
                tracing::info!(configuration = plan.config.hash, "configuration reloaded");
                self.plan = Arc::from(plan);
                self.telling.ready(&self.plan.config.hash);
            }
            Err(problem) => {
                tracing::error!("the configuration is not taken; the old one stays: {problem}");
                self.telling.reload_failed();
            }
        }
        if std::mem::take(&mut self.reload_again) {
            self.reload();
        }
    }

    /// What cannot change while the daemon runs.
    fn fits(&self, plan: &Plan) -> Result<(), String> {
        let (old, new) = (&self.plan.config, &plan.config);
        if old.store.url != new.store.url {
            return Err("store.url: needs a restart".to_owned());
        }
        if old.daemon.listen != new.daemon.listen {
            return Err("daemon.listen: needs a restart".to_owned());
        }
        Ok(())
    }

    /// Interrupts what can be interrupted, waits for the rest, and records how far it got.
    async fn finish(&mut self, mut queue: Receiver<Event>) {
        tracing::info!(runs = self.running.len(), "stopping");
        self.telling.notify.stopping();
        self.stop.cancel();
        self.tasks.close();
        let limit = tokio::time::sleep(STOP_WITHIN);
        tokio::pin!(limit);
        loop {
            tokio::select! {
                () = &mut limit => {
                    tracing::warn!("what still runs is left behind; the next start takes it up");
                    break;
                }
                event = queue.recv() => match event {
                    Some(Event::Ended(ended)) => self.ended(ended).await,
                    // Whoever asks twice is in a hurry.
                    Some(Event::Stop) | None => break,
                    Some(_) => {}
                },
                () = self.tasks.wait(), if queue.is_empty() => break,
            }
        }
        while let Ok(event) = queue.try_recv() {
            if let Event::Ended(ended) = event {
                self.ended(ended).await;
            }
        }
        self.host.store.clone().close().await;
        tracing::info!("stopped");
    }
}
