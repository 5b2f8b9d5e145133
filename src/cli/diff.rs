//! `recert diff`: what changed between two runs.

use owo_colors::OwoColorize;
use serde::Serialize;

use super::open::{load, store};
use super::{Mistake, Outcome, Screen, World};
use crate::finding::About;
use crate::report::{Change, Comparison, changes_between};
use crate::store::{RunRecord, RunState, Store};
use crate::untrusted::visible;

/// Show what changed between two runs of the store
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    config: super::ConfigArgument,
    /// The earlier run: its id, or the start of it
    a: String,
    /// The later run [default: the newest of the same job]
    b: Option<String>,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Difference<'a> {
    from: &'a str,
    to: &'a str,
    comparison: &'a Comparison,
    changes: &'a [Change],
}

pub(super) async fn run(arguments: Arguments, world: &World, screen: &mut Screen) -> anyhow::Result<Outcome> {
    let config = load(&arguments.config.config, world)?;
    let store = store(&config)?;
    let a = one(&store, &arguments.a).await?;
    let b = match &arguments.b {
        Some(b) => one(&store, b).await?,
        None => newest(&store, &a).await?,
    };
    if a.id == b.id {
        return Err(Mistake(format!(
            "{} is the newest run; there is nothing later to compare it with",
            a.id
        ))
        .into());
    }
    let before = store.before(&a.id).await?.ok_or_else(|| without_snapshot(&a))?;
    let after = store.before(&b.id).await?.ok_or_else(|| without_snapshot(&b))?;
    let sightings = store.sightings().await?;
    store.close().await;
    let policy = &config.policy;
    let rules: Vec<&About> = policy.rules().iter().map(|rule| rule.about()).collect();
    let differences = changes_between(&before, &after, &rules, &policy.waivers, &sightings);
    let (changes, comparison) = differences.comparison(&before);
    if arguments.json {
        let comparison = &comparison;
        screen.json(&Difference { from: &a.id, to: &b.id, comparison, changes: &changes })?;
    } else {
        print(&a, &b, &changes, &comparison, screen)?;
    }
    Ok(Outcome::Done)
}

/// The one finished run that an id or the start of one names.
async fn one(store: &Store, id: &str) -> anyhow::Result<RunRecord> {
    let mut found = store.run(id).await?;
    match (found.pop(), found.len()) {
        (Some(run), 0) if run.state == RunState::Done => Ok(run),
        (Some(run), 0) => {
            Err(Mistake(format!("run {} has no report: it is {}", run.id, run.state.as_str())).into())
        }
        (None, _) => Err(Mistake(format!("there is no run {id:?}; `recert history` lists them")).into()),
        (Some(_), more) => {
            Err(Mistake(format!("{} runs start with {id:?}; give more of it", more + 1)).into())
        }
    }
}

async fn newest(store: &Store, a: &RunRecord) -> anyhow::Result<RunRecord> {
    let job = a.job.as_deref().unwrap_or_default();
    let newest = store.last_done(job).await?;
    Ok(newest.ok_or_else(|| Mistake(format!("job {job:?} has no later run")))?)
}

fn without_snapshot(run: &RunRecord) -> Mistake {
    Mistake(format!("the store keeps no snapshot of run {}", run.id))
}

fn print(
    a: &RunRecord,
    b: &RunRecord,
    changes: &[Change],
    comparison: &Comparison,
    screen: &mut Screen,
) -> anyhow::Result<()> {
    let when = |run: &RunRecord| {
        run.slot.or(run.started).map_or_else(String::new, |at| at.format(" (%F %R)").to_string())
    };
    screen.line(format!("From {}{} to {}{}", a.id, when(a), b.id, when(b)))?;
    let mut last = ("", "");
    for change in changes {
        let head = (&*change.console, change.kind);
        if head != last {
            screen.line("")?;
            screen.line(format!("{}: {}", visible(&change.console).bold(), change.kind.replace('_', " ")))?;
            last = head;
        }
        screen.line(format!("  {:<10} {}", change.change, visible(&change.summary)))?;
    }
    if changes.is_empty() {
        screen.line("Nothing changed, as far as both runs saw.")?;
    }
    for gap in &comparison.uncompared {
        screen.remark(format!(
            "not compared: console {}: {}: {}",
            visible(&gap.console),
            gap.part,
            gap.reason
        ));
    }
    Ok(())
}
