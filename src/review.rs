//! A review, from consoles to a report: the only place that knows the order of the stages.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use futures_util::future::join_all;
use sha2::{Digest, Sha256};

use crate::analyze::{DeclaredAccount, Policy};
use crate::collect::{self, Options, Progress};
use crate::console::{Console, Error};
use crate::graph::AccessGraph;
use crate::history::History;
use crate::model::{RosterMatch, Snapshot};
use crate::people::{self, Links};
use crate::report::{Completeness, Declared, Report, Reviewed, Run, assemble};

/// A console to review.
#[derive(Debug, Clone)]
pub struct Source {
    /// The client; it cannot write.
    pub console: Console,
    /// What to collect.
    pub options: Options,
    /// Where the collection tells how far it is.
    pub progress: Arc<Progress>,
}

/// What a run is, before anything was collected.
#[derive(Debug, Clone, Default)]
pub struct Occasion {
    /// The job.
    pub job: Option<String>,
    /// The scheduled run, if it is one.
    pub scheduled: Option<Scheduled>,
    /// SHA-256 of the configuration, hex.
    pub configuration: String,
}

/// A run that a schedule asked for: doing it twice is doing it once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scheduled {
    /// The run's id, from [`scheduled_run_id`].
    pub run: String,
    /// Its nominal time.
    pub slot: DateTime<Utc>,
    /// Earlier slots that were missed and that this run stands for as well.
    pub collapsed: u64,
}

/// No console gave any answer: there is nothing to report.
#[derive(Debug)]
pub struct NothingSeen {
    /// Each console's name, and why.
    pub consoles: Vec<(String, Error)>,
}

impl fmt::Display for NothingSeen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines: Vec<_> =
            self.consoles.iter().map(|(name, error)| format!("console {name}: {}", error.kind)).collect();
        f.write_str(&lines.join("\n"))
    }
}

impl std::error::Error for NothingSeen {}

/// Collects every console at once; one that fails is a gap, as long as another one answers.
pub async fn collect(sources: &[Source], clock: fn() -> DateTime<Utc>) -> Result<Vec<Snapshot>, NothingSeen> {
    let collect_one = |source: &Source| {
        let Source { console, options, progress } = source.clone();
        async move {
            let snapshot = Box::pin(collect::collect(&console, &options, &progress, clock)).await;
            snapshot.map_err(|error| (options, error))
        }
    };
    let results = join_all(sources.iter().map(collect_one)).await;
    for result in &results {
        log(result);
    }
    if results.iter().all(Result::is_err) {
        let failed = |result: Result<Snapshot, (Options, Error)>| result.err();
        let consoles = results.into_iter().filter_map(failed).map(|(options, error)| (options.name, error));
        return Err(NothingSeen { consoles: consoles.collect() });
    }
    let snapshot = |result: Result<Snapshot, (Options, Error)>| {
        result.unwrap_or_else(|(options, error)| collect::unseen(&options, &error, clock()))
    };
    Ok(results.into_iter().map(snapshot).collect())
}

/// Collects, reads the roster meanwhile, and joins the two. Without a roster that can be read the review goes on, and its
/// coverage says so.
pub async fn collect_with_people(
    sources: &[Source],
    roster: Option<&people::Source>,
    links: &Links,
    clock: fn() -> DateTime<Utc>,
) -> Result<Vec<Snapshot>, NothingSeen> {
    let read = async {
        match roster {
            Some(roster) => Some(roster.read(clock()).await),
            None => None,
        }
    };
    let (snapshots, reading) = tokio::join!(collect(sources, clock), read);
    let mut snapshots = snapshots?;
    if let Some(reading) = reading {
        people::apply(&mut snapshots, &reading, links);
        log_join(&snapshots, &reading);
    }
    Ok(snapshots)
}

/// Numbers only, as of a collection.
fn log_join(snapshots: &[Snapshot], reading: &people::Reading) {
    match reading {
        Ok((roster, _)) => {
            let users = || snapshots.iter().flat_map(|snapshot| &snapshot.users);
            let nobody = users().filter(|user| user.person == RosterMatch::Nobody).count();
            let known = users().filter(|user| user.person.person().is_some()).count();
            tracing::info!(
                people = roster.len(),
                users = users().count(),
                known,
                nobody,
                "joined with the roster"
            );
        }
        Err(error) => tracing::error!("nobody is joined with a person: {error}"),
    }
}

/// Numbers only: a log outlives the review, and what was found is not for it.
fn log(result: &Result<Snapshot, (Options, Error)>) {
    match result {
        Ok(snapshot) => {
            let gaps = snapshot.coverage.gaps().count();
            let (console, users) = (&*snapshot.console.name, snapshot.users.len());
            tracing::info!(console, users, calls = snapshot.requests.sent, gaps, "collected");
        }
        Err((options, error)) => {
            tracing::error!(
                console = &*options.name,
                endpoint = error.endpoint,
                "not collected: {}",
                error.kind
            );
        }
    }
}

/// Two snapshots of one console, by their names: it says so itself, by serial or uuid.
pub fn same_console(snapshots: &[Snapshot]) -> Option<(&str, &str)> {
    let mut seen: BTreeMap<&str, &str> = BTreeMap::new();
    snapshots.iter().map(|snapshot| &snapshot.console).find_map(|console| {
        let former = seen.insert(console.key(), &console.name)?;
        Some((former, console.name.as_str()))
    })
}

/// Joins, judges and reports snapshots. Equal snapshots, policy, occasion and history give an equal report.
pub fn report(snapshots: Vec<Snapshot>, policy: &Policy, occasion: Occasion, history: &History) -> Report {
    let run = run(&snapshots, occasion);
    let estate: Vec<AccessGraph> = snapshots.into_iter().map(AccessGraph::build).collect();
    let judgements = policy.judge(&estate, history);
    let people = policy.people(&estate);
    let declared = declared(policy, &estate);
    let reviewed = estate.into_iter().zip(judgements);
    let reviewed = reviewed.map(|(graph, judgements)| Reviewed { graph, judgements }).collect();
    assemble(run, reviewed, &people, &declared, history)
}

/// What a report tells of the policy beside its judgements.
fn declared<'a>(policy: &'a Policy, estate: &[AccessGraph]) -> Declared<'a> {
    let is_impersonal = |console: &str, login: &str| {
        policy.declared(console, login).is_some_and(DeclaredAccount::is_impersonal)
    };
    let mut impersonal = BTreeSet::new();
    for snapshot in estate.iter().map(AccessGraph::snapshot).filter(|_| !policy.accounts.is_empty()) {
        let console = &snapshot.console.name;
        let users = snapshot.users.iter().filter(|user| is_impersonal(console, &user.login));
        impersonal.extend(users.map(|user| (console.clone(), user.login.to_string())));
    }
    let owners = policy.accounts.iter().filter_map(|account| account.owner.as_deref()).collect();
    Declared { waivers: &policy.waivers, owners, impersonal }
}

fn run(snapshots: &[Snapshot], occasion: Occasion) -> Run {
    let started = snapshots.iter().map(|snapshot| snapshot.started).min().unwrap_or_default();
    let finished = snapshots.iter().map(|snapshot| snapshot.finished).max().unwrap_or_default();
    let id = run_id(snapshots, &occasion);
    let scheduled = occasion.scheduled;
    Run {
        id,
        job: occasion.job,
        slot: scheduled.as_ref().map(|scheduled| scheduled.slot),
        collapsed: scheduled.map_or(0, |scheduled| scheduled.collapsed),
        started,
        finished,
        verdict: Completeness::Incomplete,
        version: env!("CARGO_PKG_VERSION"),
        configuration: occasion.configuration,
    }
}

/// The id of a scheduled run: from the installation, the job and the slot, so that doing it twice is doing it once.
pub fn scheduled_run_id(installation: &str, job: &str, slot: DateTime<Utc>) -> String {
    id(["slot", installation, job, &slot.to_rfc3339()])
}

/// The id of a run: a scheduled one has it from its slot; one on demand from what was collected and when, so that judging
/// a saved snapshot again is the same run.
pub fn run_id(snapshots: &[Snapshot], occasion: &Occasion) -> String {
    if let Some(scheduled) = &occasion.scheduled {
        return scheduled.run.clone();
    }
    let mut consoles: Vec<_> = snapshots
        .iter()
        .map(|snapshot| (snapshot.console.key().to_owned(), snapshot.started.to_rfc3339()))
        .collect();
    consoles.sort();
    let consoles = consoles.iter().flat_map(|(console, started)| [console.as_str(), started.as_str()]);
    id([occasion.job.as_deref().unwrap_or_default()].into_iter().chain(consoles))
}

/// 64 bits of SHA-256 over length-prefixed parts, hex.
fn id<'a>(parts: impl IntoIterator<Item = &'a str>) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    hex::encode(&hash.finalize()[..8])
}
