//! `recert demo`: simulated consoles on loopback, a real review of them over HTTP, all reports in a directory.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;
use secrecy::SecretString;
use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::review::templates;
use super::{Mistake, Outcome, Screen, Watch, World, summary};
use crate::analyze::Policy;
use crate::collect::{Focus, Options, Progress, TwoFactorPolicy};
use crate::console::{Console, Settings};
use crate::deliver::publish;
use crate::history::History;
use crate::model::Depth;
use crate::render::{ARTIFACTS, Format};
use crate::review::{self, Occasion, Source};
use crate::simulator::{self, Estate, Simulator};

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
    let mut simulators = Vec::new();
    let mut sources = Vec::new();
    for (name, estate) in Estate::demo(arguments.seed, users) {
        let simulator = Simulator::start(estate, simulator::Options::default()).await?;
        screen.remark(format!("console {name} simulated at {}", simulator.url()));
        sources.push(source(name, &simulator)?);
        simulators.push(simulator);
    }
    let watch = Watch::start(&sources, screen);
    let snapshots = review::collect(&sources, world.clock).await;
    drop(watch);
    let configuration = hex::encode(Sha256::digest(format!("demo seed {} users {users}", arguments.seed)));
    let occasion = Occasion { job: Some(JOB.to_owned()), scheduled: None, configuration };
    let report = review::report(snapshots?, &Policy::default(), occasion, &History::default());
    if let Some(former) = former {
        former.remove()?;
    }
    publish(&arguments.out, &report, &Format::ALL, &templates(None)?)?;
    for simulator in simulators {
        simulator.stop().await;
    }
    summary::print(&report, Some(&arguments.out), screen)?;
    Ok(super::review::outcome(&report, None))
}

fn source(name: String, simulator: &Simulator) -> anyhow::Result<Source> {
    let password = SecretString::from(simulator.password());
    let mut settings = Settings::new(simulator.url().parse()?, simulator.username().to_owned(), password);
    settings.max_in_flight = IN_FLIGHT;
    Ok(Source {
        console: Console::connect(settings)?,
        options: Options {
            name,
            login: simulator.username().to_owned(),
            depth: Depth::Full,
            two_factor: TwoFactorPolicy::Auto,
            concurrency: IN_FLIGHT * 2,
            focus: Focus::Everyone,
            also: Policy::default().wants(),
        },
        progress: Arc::new(Progress::default()),
    })
}

/// The files of a former demo.
struct FormerDemo(Vec<PathBuf>);

impl FormerDemo {
    fn remove(self) -> anyhow::Result<()> {
        for path in self.0 {
            fs::remove_file(&path).with_context(|| path.display().to_string())?;
        }
        Ok(())
    }
}

/// Looks at what stands in the way. Only what a demo wrote, and nothing else, may be replaced.
fn former_demo(directory: &Path) -> anyhow::Result<Option<FormerDemo>> {
    #[derive(Deserialize)]
    struct Manifest {
        run: Run,
    }
    #[derive(Deserialize)]
    struct Run {
        job: Option<String>,
    }
    let Ok(entries) = fs::read_dir(directory) else { return Ok(None) };
    let paths: Vec<PathBuf> =
        entries.map(|entry| entry.map(|entry| entry.path())).collect::<Result<_, _>>()?;
    if paths.is_empty() {
        return Ok(None);
    }
    let manifest = fs::read(directory.join("manifest.json")).ok();
    let manifest: Option<Manifest> = manifest.and_then(|bytes| serde_json::from_slice(&bytes).ok());
    let ours = |path: &PathBuf| {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        name == "manifest.json" || ARTIFACTS.iter().any(|artifact| artifact.name == name)
    };
    let demo = manifest.is_some_and(|manifest| manifest.run.job.as_deref() == Some(JOB));
    if demo && paths.iter().all(ours) {
        return Ok(Some(FormerDemo(paths)));
    }
    Err(Mistake(format!(
        "{}: the directory holds something else than a former demo's files; name another one with --out",
        directory.display()
    ))
    .into())
}
