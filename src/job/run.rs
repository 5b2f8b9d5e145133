//! From the claimed slot to the outbox.

use std::any::Any;
use std::fs;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;

use super::{Copies, Host, LastPosted, Plan, PlanError, PlannedJob, add_last_logons, parcels};
use crate::config::RosterTable;
use crate::console::ErrorKind;
use crate::crash;
use crate::deliver::{PublishError, Published, publish};
use crate::evidence::{ChainPlace, Filing, Observed};
use crate::history::History;
use crate::model::Snapshot;
use crate::report::Report;
use crate::review::{self, NothingSeen, Occasion, Scheduled};
use crate::store::{Finished, Link, Linked, NewParcel, Receipts, RunState, StoreError};

/// How often a run tries to take its place in the chain, while other processes take theirs.
const PLACES: usize = 8;

/// Why a run did not end with a report.
#[derive(Debug, Error)]
pub enum RunError {
    /// No console gave any answer.
    #[error(transparent)]
    NothingSeen(#[from] NothingSeen),
    /// Two configured consoles are one.
    #[error("{0:?} and {1:?} are one console: every row would count twice; name it once")]
    SameConsole(String, String),
    /// A password or a certificate cannot be read any more.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// The files cannot be written.
    #[error(transparent)]
    Publish(#[from] PublishError),
    /// What was seen cannot be kept for the evidence.
    #[error("the evidence cannot be written: {0}")]
    Evidence(io::Error),
    /// A mail cannot be written.
    #[error("the mail cannot be written: {0}")]
    Letter(String),
    /// The store fails.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// It did not end.
    #[error("it did not end within {0:?}")]
    TooLong(Duration),
    /// A bug.
    #[error("internal error: {0}")]
    Panic(String),
}

impl RunError {
    /// What a panic said.
    pub fn of_panic(panic: &(dyn Any + Send)) -> Self {
        let text = panic.downcast_ref::<&str>().map(ToString::to_string);
        let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
        Self::Panic(text.unwrap_or_else(|| "no message".to_owned()))
    }

    /// What may leave the host in a mail. What a panic says may quote the console, and stays in the log.
    pub fn in_a_mail(&self) -> String {
        match self {
            Self::Panic(_) => "internal error, which is a bug in recert: its log says more".to_owned(),
            error => error.to_string(),
        }
    }

    /// Whether trying again cannot help, or must not: a refused password that is tried again locks the account.
    pub fn is_final(&self) -> bool {
        match self {
            Self::NothingSeen(seen) => seen.consoles.iter().any(|(_, error)| {
                matches!(error.kind, ErrorKind::Unauthorized | ErrorKind::Untrusted { .. })
            }),
            Self::SameConsole(..) => true,
            Self::TooLong(_)
            | Self::Plan(_)
            | Self::Publish(_)
            | Self::Evidence(_)
            | Self::Letter(_)
            | Self::Store(_)
            | Self::Panic(_) => false,
        }
    }
}

/// Performs a claimed run. What an earlier attempt collected is not collected again.
pub async fn perform(
    host: &Host,
    plan: &Arc<Plan>,
    job: &PlannedJob,
    scheduled: Scheduled,
) -> Result<Arc<Report>, RunError> {
    let run = scheduled.run.clone();
    let snapshots = if let Some(kept) = host.store.snapshots(&run).await? {
        kept
    } else {
        let sources = plan.sources(job)?;
        let roster = plan.config.roster.as_ref().and_then(RosterTable::source);
        let links = plan.config.links();
        let collected = review::collect_with_people(&sources, roster.as_ref(), &links, host.clock).await;
        let mut snapshots = collected?;
        crash::point("collected");
        add_last_logons(&plan.config, Some(&host.store), &mut snapshots, (host.clock)()).await;
        host.store.keep_snapshots(&run, snapshots.clone()).await?;
        snapshots
    };
    crash::point("snapshots-kept");
    complete(host, plan, job, Some(scheduled), snapshots).await
}

/// Judges, publishes and finishes: afterwards the run is done, and its parcels are in the outbox. A run that is already
/// done is only judged again.
pub async fn complete(
    host: &Host,
    plan: &Arc<Plan>,
    job: &PlannedJob,
    scheduled: Option<Scheduled>,
    snapshots: Vec<Snapshot>,
) -> Result<Arc<Report>, RunError> {
    if let Some((first, second)) = review::same_console(&snapshots) {
        return Err(RunError::SameConsole(first.to_owned(), second.to_owned()));
    }
    let occasion =
        Occasion { job: Some(job.table.name.clone()), scheduled, configuration: plan.config.hash.clone() };
    let on_demand = occasion.scheduled.is_none();
    let run = review::run_id(&snapshots, &occasion);
    let history = host.store.history(&job.table.name, &run).await?;
    let done = host.store.run(&run).await?.iter().any(|row| row.id == run && row.state == RunState::Done);
    let mut last_posted = Vec::new();
    for recipient in job.recipients() {
        let posted = host.store.last_posted(&job.table.name, &recipient).await?;
        last_posted.push((recipient, posted));
    }
    let work = Arc::new(Work { host: host.clone(), plan: plan.clone(), job: job.clone(), last_posted });
    let judge = work.clone();
    let judged = blocking(move || judge.judge(snapshots, occasion, &history, done, on_demand)).await?;
    let report = judged.report.clone();
    if !done {
        finish(host, work, judged).await?;
    }
    if let Err(error) = tidy(host, job).await {
        // The report is made; what is too old goes after the next one.
        tracing::warn!(run, "old runs stay: {error}");
    }
    Ok(report)
}

/// Publishes and finishes. The run takes the place after the head of the chain: one at a time here, and anew if another
/// process took that place meanwhile.
async fn finish(host: &Host, work: Arc<Work>, judged: Judged) -> Result<(), RunError> {
    let Judged { report, kept, observed } = judged;
    let observed = observed.map(Arc::new).ok_or_else(|| RunError::Panic("nothing observed".to_owned()))?;
    let run = report.run.id.clone();
    let _turn = host.turn.lock().await;
    for _ in 0..PLACES {
        let receipts = host.store.receipts(&work.job.table.name, &run).await?;
        let head = host.store.head().await?;
        let place = ChainPlace {
            id: Some(host.store.installation().to_owned()),
            index: head.as_ref().map_or(1, |head| head.index + 1),
            previous: head.map(|head| head.sha256),
        };
        let (publishing, observed, of) = (work.clone(), observed.clone(), report.clone());
        let publish = move || publishing.publish(&of, &observed, receipts.as_ref(), &place);
        let (link, parcels) = blocking(publish).await?;
        crash::point("finishing");
        let Linked { index, sha256, key, .. } = link.linked.clone();
        let (report, now) = (report.clone(), (host.clock)());
        let finished = Finished { report, snapshots: kept.clone(), parcels, link: Some(link), now };
        match host.store.finish(finished).await {
            Ok(stored) => {
                crash::point("finished");
                if stored {
                    let key = key.as_deref().unwrap_or("unsigned");
                    tracing::info!(run, link = index, head = sha256, key, "evidence is kept");
                }
                return Ok(());
            }
            Err(StoreError::HeadMoved) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(StoreError::HeadMoved.into())
}

/// Takes the runs that are beyond what the job keeps out of the store, and their files with them.
async fn tidy(host: &Host, job: &PlannedJob) -> Result<(), StoreError> {
    let gone = host.store.prune(&job.table.name, job.table.keep).await?;
    crash::point("pruned");
    for run in gone {
        let directory = host.runs().join(&run);
        if let Err(error) = remove(&directory) {
            tracing::warn!(run, "the files of an old run stay: {error}");
        }
    }
    crash::point("files-pruned");
    Ok(())
}

/// What the synchronous part needs.
struct Work {
    host: Host,
    plan: Arc<Plan>,
    job: PlannedJob,
    last_posted: Vec<LastPosted>,
}

/// A report, and what is still needed of the snapshots that it was made from.
struct Judged {
    report: Arc<Report>,
    /// The snapshots, where the store does not have them yet.
    kept: Option<Vec<Snapshot>>,
    /// What the evidence says of them; `None` for a run that is done.
    observed: Option<Observed>,
}

impl Work {
    fn judge(
        &self,
        snapshots: Vec<Snapshot>,
        occasion: Occasion,
        history: &History,
        done: bool,
        on_demand: bool,
    ) -> Result<Judged, RunError> {
        let observed = if done { None } else { Some(Observed::of(&snapshots).map_err(RunError::Evidence)?) };
        let kept = (on_demand && !done).then(|| snapshots.clone());
        let report = review::report(snapshots, &self.plan.config.policy, occasion, history);
        crash::point("judged");
        Ok(Judged { report: Arc::new(report), kept, observed })
    }

    fn publish(
        &self,
        report: &Report,
        observed: &Observed,
        receipts: Option<&Receipts>,
        place: &ChainPlace,
    ) -> Result<(Link, Vec<NewParcel>), RunError> {
        let directory = self.host.runs().join(&report.run.id);
        // Nothing speaks of these files yet: what an attempt that died left is written anew.
        remove(&directory).map_err(|source| PublishError::Io { path: directory.clone(), source })?;
        let filing = Filing { observed, receipts, place, key: self.plan.key.as_deref() };
        let (formats, templates) = (&self.job.table.formats, &self.plan.templates);
        let Published { link, .. } = publish(&directory, report, formats, templates, &filing)?;
        let copies = Copies::make(&self.job, templates, report, &directory)?;
        crash::point("published");
        let parcels = parcels(&self.host, &self.plan, &self.job, &copies, &link.linked, &self.last_posted)?;
        crash::point("letters-written");
        Ok((link, parcels))
    }
}

fn remove(directory: &Path) -> io::Result<()> {
    match fs::remove_dir_all(directory) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}

/// Runs what computes or writes files beside the runtime. A panic in it is an error of this run alone.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, RunError> + Send + 'static,
) -> Result<T, RunError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) => Err(error
            .try_into_panic()
            .map_or_else(|error| RunError::Panic(error.to_string()), |panic| RunError::of_panic(&*panic))),
    }
}
