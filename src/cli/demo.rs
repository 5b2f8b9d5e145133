//! `recert demo`: simulated consoles on loopback, a real review of them over HTTP, all reports in a directory.
//!
//! Everything is as in earnest: a configuration, a roster, an exported list of users, a store with earlier runs of which
//! one is signed off. Only the consoles, the people and the past are made up.

mod organisation;
mod past;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;
use sha2::{Digest, Sha256};

use super::open::{chosen, collect};
use super::review::templates;
use super::{Mistake, Outcome, Screen, World, summary};
use crate::deliver::{holds_only_job, publish, take_out};
use crate::evidence::{ChainPlace, Filing, Observed};
use crate::render::Format;
use crate::review::{self, Occasion};
use crate::simulator::Estate;

use organisation::Organisation;

/// The job of a demo's run; by it a former demo's directory is recognised.
const JOB: &str = "demo";
/// The simulated consoles are ours, so the demo asks more at once than a real one would be asked.
const IN_FLIGHT: usize = 16;

/// Review a simulated console and write all reports
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Write the files into this directory; a former demo's is replaced
    #[arg(long, value_name = "DIR", default_value = "recert-demo")]
    out: PathBuf,
    /// Users of the larger console
    #[arg(long, value_name = "N", default_value_t = 240, value_parser = clap::value_parser!(u64).range(40..=100_000))]
    users: u64,
    /// The seed of the estate
    #[arg(long, value_name = "S", default_value_t = 7)]
    seed: u64,
}

pub(super) async fn run(arguments: Arguments, world: &World, screen: &mut Screen) -> anyhow::Result<Outcome> {
    let former = former_demo(&arguments.out)?;
    let users = usize::try_from(arguments.users).context("--users")?;
    let now = (world.clock)();
    let estates = Estate::demo(arguments.seed, users, now);
    let home = tempfile::tempdir()?;

    let then = estates.iter().map(|(name, estate)| (name.clone(), estate.former())).collect();
    let then = Organisation::start(then, &home.path().join("then"), true, screen).await?;
    let earlier = collect(&then.config, chosen(&then.config, &[])?, None, world, screen).await?;
    then.stop().await;
    let today = Organisation::start(estates, &home.path().join("today"), false, screen).await?;
    let history = past::history(&earlier, &today.config.policy, home.path(), now).await?;
    let snapshots = collect(&today.config, chosen(&today.config, &[])?, None, world, screen).await?;
    let policy = today.config.policy.clone();
    today.stop().await;

    let configuration = hex::encode(Sha256::digest(format!("demo seed {} users {users}", arguments.seed)));
    let occasion = Occasion { job: Some(JOB.to_owned()), scheduled: None, configuration };
    let observed = Observed::of(&snapshots)?;
    let report = review::report(snapshots, &policy, occasion, &history);
    if former {
        take_out(&arguments.out)?;
    }
    let filing = Filing { observed: &observed, receipts: None, place: &ChainPlace::alone(), key: None };
    publish(&arguments.out, &report, &Format::ALL, &templates(None)?, &filing)?;
    summary::print(&report, Some(&arguments.out), screen)?;
    Ok(super::review::outcome(&report, None))
}

/// Whether a former demo stands in the way. Only what a demo wrote, and nothing else, may be replaced.
fn former_demo(directory: &Path) -> Result<bool, Mistake> {
    if fs::read_dir(directory).map_or(true, |mut entries| entries.next().is_none()) {
        return Ok(false);
    }
    if holds_only_job(directory, JOB) {
        return Ok(true);
    }
    Err(Mistake(format!(
        "{}: the directory holds something else than a former demo's files; name another one with --out",
        directory.display()
    )))
}
