//! A review, from consoles to a report: the only place that knows the order of the stages.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use futures_util::future::join_all;
use sha2::{Digest, Sha256};

use crate::analyze::Analyzers;
use crate::collect::{self, Options, Progress};
use crate::console::{Console, Error};
use crate::graph::AccessGraph;
use crate::model::Snapshot;
use crate::report::{Completeness, Report, Reviewed, Run, assemble};

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
    /// The nominal time of a scheduled run.
    pub slot: Option<DateTime<Utc>>,
    /// SHA-256 of the configuration, hex.
    pub configuration: String,
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

/// Joins, judges and reports snapshots. Equal snapshots, rules and occasion give an equal report.
pub fn report(snapshots: Vec<Snapshot>, analyzers: &Analyzers, occasion: Occasion) -> Report {
    let run = run(&snapshots, occasion);
    let reviewed = snapshots.into_iter().map(|snapshot| {
        let graph = AccessGraph::build(snapshot);
        let judgements = analyzers.judge(&graph);
        Reviewed { graph, judgements }
    });
    assemble(run, reviewed.collect())
}

fn run(snapshots: &[Snapshot], occasion: Occasion) -> Run {
    let started = snapshots.iter().map(|snapshot| snapshot.started).min().unwrap_or_default();
    let finished = snapshots.iter().map(|snapshot| snapshot.finished).max().unwrap_or_default();
    Run {
        id: run_id(snapshots, &occasion),
        job: occasion.job,
        slot: occasion.slot,
        started,
        finished,
        verdict: Completeness::Incomplete,
        version: env!("CARGO_PKG_VERSION"),
        configuration: occasion.configuration,
    }
}

/// The run's id: from the slot where there is one, so that doing it twice is doing it once; else from what was
/// collected and when, so that judging a saved snapshot again is the same run.
fn run_id(snapshots: &[Snapshot], occasion: &Occasion) -> String {
    let mut hash = Sha256::new();
    let mut add = |part: &str| {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    };
    add(occasion.job.as_deref().unwrap_or_default());
    let mut consoles: Vec<_> = snapshots
        .iter()
        .map(|snapshot| match occasion.slot {
            Some(slot) => (snapshot.console.name.clone(), slot),
            None => (snapshot.console.key().to_owned(), snapshot.started),
        })
        .collect();
    consoles.sort();
    for (console, time) in consoles {
        add(&console);
        add(&time.to_rfc3339());
    }
    hex::encode(&hash.finalize()[..8])
}
