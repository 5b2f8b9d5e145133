//! `recert review`: one review now.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;

use super::deliver::Delivery;
use super::open::{chosen, collect, load};
use super::{Mistake, Outcome, Screen, World, summary};
use crate::config::{Config, JobTable};
use crate::deliver::{PublishError, publish};
use crate::evidence::{ChainPlace, Filing, Observed, SigningKey};
use crate::finding::{Severity, Verdict};
use crate::history::History;
use crate::model::Snapshot;
use crate::render::{Format, Templates};
use crate::report::{Completeness, Report};
use crate::review::{self, Occasion};
use crate::store::{Store, read_snapshots, write_snapshots};

/// Review consoles now and write the reports
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    config: super::ConfigArgument,
    /// Review as this job does: its consoles and formats
    #[arg(long, value_name = "JOB", conflicts_with = "console")]
    job: Option<String>,
    /// Review this console; repeat it for several [default: all]
    #[arg(long, value_name = "NAME")]
    console: Vec<String>,
    /// Write the files into this new directory [default: recert-RUN]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Write only these formats
    #[arg(long, value_name = "FORMAT", value_delimiter = ',')]
    format: Vec<Format>,
    /// Judge a saved snapshot instead of asking a console; needs no configuration
    #[arg(long, value_name = "SNAPSHOT", conflicts_with_all = ["console", "save_snapshot"])]
    from: Option<PathBuf>,
    /// Save what was collected, to judge it again with --from
    #[arg(long, value_name = "FILE")]
    save_snapshot: Option<PathBuf>,
    /// Deliver to the recipients and directories of the job, and keep the run in the store
    #[arg(long, requires = "job")]
    deliver: bool,
    /// Exit with 4 if a finding that no waiver covers is at least this severe
    #[arg(long, value_name = "SEVERITY")]
    fail_on: Option<Severity>,
    /// Print the whole report as one JSON document
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(arguments: Arguments, world: &World, screen: &mut Screen) -> anyhow::Result<Outcome> {
    let config = configuration(&arguments, world)?;
    let job = job(&config, arguments.job.as_deref())?;
    let formats = formats(&arguments.format, job);
    let templates = templates(config.templates.as_deref())?;
    refuse_what_must_fail(&arguments)?;
    let delivery = match &arguments.job {
        Some(job) if arguments.deliver => Some(Delivery::prepare(&config, job, world)?),
        _ => None,
    };
    let store = delivery.as_ref().map(Delivery::store);
    let snapshots = snapshots(&arguments, &config, job, store, world, screen).await?;
    if let Some((first, second)) = review::same_console(&snapshots) {
        let problem =
            format!("{first:?} and {second:?} are one console: every row would count twice; name it once");
        return Err(Mistake(problem).into());
    }
    // Told at the end: the report must not be lost because the snapshot is.
    let saved = arguments.save_snapshot.as_ref().map_or(Ok(()), |path| write_snapshots(path, &snapshots));
    let observed = arguments.publishes().then(|| Observed::of(&snapshots)).transpose()?;
    let (report, delivered) = if let Some(delivery) = delivery {
        delivery.deliver(snapshots, screen).await?
    } else {
        let occasion =
            Occasion { job: arguments.job.clone(), scheduled: None, configuration: config.hash.clone() };
        (Arc::new(review::report(snapshots, &config.policy, occasion, &History::default())), true)
    };

    let default = || PathBuf::from(format!("recert-{}", report.run.id));
    let directory = observed.as_ref().map(|_| arguments.out.clone().unwrap_or_else(default));
    if let (Some(directory), Some(observed)) = (&directory, &observed) {
        let key = signing_key(&config, screen);
        let filing = Filing { observed, receipts: None, place: &ChainPlace::alone(), key: key.as_ref() };
        publish(directory, &report, &formats, &templates, &filing)?;
    }
    if arguments.json {
        screen.json(&*report)?;
    } else {
        summary::print(&report, directory.as_deref(), screen)?;
    }
    saved?;
    Ok(if delivered { outcome(&report, arguments.fail_on) } else { Outcome::Failed })
}

impl Arguments {
    /// Whether files are written beside those that are delivered.
    fn publishes(&self) -> bool {
        self.out.is_some() || !self.json && !self.deliver
    }
}

/// The key that signs. A service has it; who reviews by hand may not, and is told that the evidence is unsigned.
fn signing_key(config: &Config, screen: &mut Screen) -> Option<SigningKey> {
    let read = config.evidence.signing_key();
    read.unwrap_or_else(|error| {
        screen.remark(format!("the evidence of this run is unsigned: {error}"));
        None
    })
}

/// Complete or not, and how bad.
pub(super) fn outcome(report: &Report, fail_on: Option<Severity>) -> Outcome {
    let worst = report.open().map(|finding| finding.severity).max();
    if report.rules.iter().any(|rule| rule.verdict == Verdict::Error) {
        return Outcome::Failed;
    }
    match (report.run.verdict, fail_on) {
        (Completeness::Incomplete, _) => Outcome::Incomplete,
        (Completeness::Complete, Some(limit)) if worst >= Some(limit) => Outcome::Findings,
        (Completeness::Complete, _) => Outcome::Done,
    }
}

/// The configuration; a saved snapshot can be judged without any.
fn configuration(arguments: &Arguments, world: &World) -> anyhow::Result<Config> {
    let path = &arguments.config.config;
    if arguments.from.is_some() && arguments.job.is_none() && !path.exists() {
        return Ok(Config::default());
    }
    load(path, world)
}

fn job<'a>(config: &'a Config, name: Option<&str>) -> Result<Option<&'a JobTable>, Mistake> {
    let Some(name) = name else { return Ok(None) };
    let job = config.job(name).ok_or_else(|| {
        let known: Vec<_> = config.job.iter().map(|job| job.name.as_str()).collect();
        Mistake(format!("there is no job {name:?} in the configuration; known: {}", known.join(", ")))
    })?;
    Ok(Some(job))
}

fn formats(asked: &[Format], job: Option<&JobTable>) -> Vec<Format> {
    match (asked, job) {
        ([], Some(job)) => job.formats.clone(),
        ([], None) => Format::ALL.to_vec(),
        (asked, _) => asked.to_vec(),
    }
}

/// The templates: built in, or replaced from a directory.
pub(super) fn templates(directory: Option<&Path>) -> anyhow::Result<Templates> {
    let Some(directory) = directory else { return Ok(Templates::builtin()) };
    Templates::from_directory(directory).context("templates")
}

/// Fails before a console is asked, where the end is already known.
fn refuse_what_must_fail(arguments: &Arguments) -> Result<(), Mistake> {
    if let Some(directory) = &arguments.out {
        if directory.read_dir().is_ok_and(|mut entries| entries.next().is_some()) {
            return Err(Mistake(PublishError::NotEmpty(directory.clone()).to_string()));
        }
        writable(directory)?;
    }
    if let Some(path) = &arguments.save_snapshot {
        let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        tempfile::tempfile_in(parent).map_err(|error| Mistake(format!("{}: {error}", path.display())))?;
    }
    Ok(())
}

/// Whether a directory, or the nearest one above it that exists, can be written.
fn writable(directory: &Path) -> Result<(), Mistake> {
    let here = Path::new(".");
    let named = directory.ancestors().filter(|path| !path.as_os_str().is_empty());
    let nearest = named.chain([here]).find(|path| path.exists()).unwrap_or(here);
    match tempfile::tempfile_in(nearest) {
        Ok(_) => Ok(()),
        Err(error) => Err(Mistake(format!("{}: {error}", nearest.display()))),
    }
}

async fn snapshots(
    arguments: &Arguments,
    config: &Config,
    job: Option<&JobTable>,
    store: Option<&Store>,
    world: &World,
    screen: &Screen,
) -> anyhow::Result<Vec<Snapshot>> {
    if let Some(path) = &arguments.from {
        return Ok(read_snapshots(path)?);
    }
    let names = job.map_or(&arguments.console, |job| &job.consoles);
    collect(config, chosen(config, names)?, store, world, screen).await
}
