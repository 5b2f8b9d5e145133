//! From the configuration to clients: which consoles a command talks to, or which saved snapshots it reads instead.

use std::path::{Path, PathBuf};

use super::{Mistake, Outcome, Screen, Watch, World};
use crate::collect::Focus;
use crate::config::{Config, ConsoleTable, RosterTable};
use crate::graph::AccessGraph;
use crate::job::{self, add_last_logons};
use crate::model::{Depth, Snapshot};
use crate::review::{self, Source};
use crate::store::{Store, read_snapshots};
use crate::untrusted::visible;

/// Gaps that are told one by one beside an answer.
const GAPS_TOLD: usize = 5;

/// Where a question about access is answered from.
#[derive(Debug, clap::Args)]
pub(super) struct Sources {
    #[command(flatten)]
    pub(super) config: super::ConfigArgument,
    /// Only this console
    #[arg(long, value_name = "NAME")]
    console: Vec<String>,
    /// Read a saved snapshot instead of asking a console
    #[arg(long, value_name = "SNAPSHOT")]
    from: Option<PathBuf>,
}

impl Sources {
    /// The graphs to answer from. Live consoles are asked about the focus alone.
    pub(super) async fn graphs(
        &self,
        focus: Focus,
        world: &World,
        screen: &mut Screen,
    ) -> anyhow::Result<(Vec<AccessGraph>, Outcome)> {
        let snapshots = if let Some(path) = &self.from {
            let all = read_snapshots(path)?;
            let wanted =
                |name: &str| self.console.is_empty() || self.console.iter().any(|wanted| wanted == name);
            all.into_iter().filter(|snapshot| wanted(&snapshot.console.name)).collect()
        } else {
            let config = load(&self.config.config, world)?;
            let mut sources = open(chosen(&config, &self.console)?)?;
            for source in &mut sources {
                source.options.focus = focus.clone();
                source.options.depth = Depth::Lean;
            }
            let watch = Watch::start(&sources, screen);
            let snapshots = review::collect(&sources, world.clock).await?;
            drop(watch);
            snapshots
        };
        let outcome = tell_gaps(&snapshots, screen);
        Ok((snapshots.into_iter().map(AccessGraph::build).collect(), outcome))
    }
}

/// Says what an answer does not rest on; what was not seen can make it wrong in either direction.
fn tell_gaps(snapshots: &[Snapshot], screen: &mut Screen) -> Outcome {
    let mut outcome = Outcome::Done;
    for snapshot in snapshots.iter().filter(|snapshot| !snapshot.coverage.ties_out()) {
        outcome = Outcome::Incomplete;
        let console = visible(&snapshot.console.name);
        for (part, gap) in snapshot.coverage.gaps().take(GAPS_TOLD) {
            screen.remark(format!(
                "console {console}: {part} not seen whole: {}: {}",
                gap.endpoint,
                gap.reason.as_str()
            ));
        }
    }
    outcome
}

/// Collects consoles for a review: what its rules look at, joined with the people and the last logons that the
/// configuration names.
pub(super) async fn collect(
    config: &Config,
    consoles: Vec<&ConsoleTable>,
    store: Option<&Store>,
    world: &World,
    screen: &Screen,
) -> anyhow::Result<Vec<Snapshot>> {
    let mut sources = open(consoles)?;
    let also = config.policy.wants();
    for source in &mut sources {
        source.options.also.clone_from(&also);
    }
    let watch = Watch::start(&sources, screen);
    let roster = config.roster.as_ref().and_then(RosterTable::source);
    let snapshots =
        review::collect_with_people(&sources, roster.as_ref(), &config.links(), world.clock).await;
    drop(watch);
    let mut snapshots = snapshots?;
    add_last_logons(config, store, &mut snapshots, (world.clock)()).await;
    Ok(snapshots)
}

/// Reads the configuration.
pub(super) fn load(path: &Path, world: &World) -> anyhow::Result<Config> {
    Ok(Config::load(path, world.texts())?)
}

/// The consoles of these names, or all of them.
pub(super) fn chosen<'a>(config: &'a Config, names: &[String]) -> anyhow::Result<Vec<&'a ConsoleTable>> {
    if config.console.is_empty() {
        let problem = format!("{}: names no console; add a [[console]] table", config.path.display());
        return Err(Mistake(problem).into());
    }
    if names.is_empty() {
        return Ok(config.console.iter().collect());
    }
    if let Some(name) = names.iter().find(|name| names.iter().filter(|other| other == name).count() > 1) {
        return Err(Mistake(format!("console {name:?} is named twice")).into());
    }
    let find = |name: &String| {
        config.console(name).ok_or_else(|| {
            let known: Vec<_> = config.console.iter().map(|console| console.name.as_str()).collect();
            Mistake(format!("there is no console {name:?} in the configuration; known: {}", known.join(", ")))
        })
    };
    Ok(names.iter().map(find).collect::<Result<_, _>>()?)
}

/// Makes the clients. Reads the passwords; sends nothing.
pub(super) fn open(consoles: Vec<&ConsoleTable>) -> anyhow::Result<Vec<Source>> {
    Ok(consoles.into_iter().map(job::open).collect::<Result<_, _>>()?)
}

/// The store that the daemon keeps.
pub(super) fn store(config: &Config) -> anyhow::Result<Store> {
    Ok(Store::open_existing(config.store.database())?)
}
