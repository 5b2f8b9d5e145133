//! `recert evidence list`: the links of the store's chain.

use comfy_table::{Cell, CellAlignment, Table};
use serde::Serialize;

use super::super::open::{load, store};
use super::{Outcome, Screen, World};
use crate::evidence::PACK;
use crate::store::Linked;
use crate::untrusted::visible;

/// List the links of the chain
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    config: super::super::ConfigArgument,
    /// Only runs of this job
    #[arg(long, value_name = "JOB")]
    job: Option<String>,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

/// A link, and whether its archive is there.
#[derive(Serialize)]
struct Listed {
    #[serde(flatten)]
    link: Linked,
    present: bool,
}

pub(crate) async fn run(arguments: Arguments, world: &World, screen: &mut Screen) -> anyhow::Result<Outcome> {
    let config = load(&arguments.config.config, world)?;
    let store = store(&config)?;
    let links = store.links().await?;
    store.close().await;
    let runs = config.store.home().join("runs");
    let wanted = |link: &Linked| arguments.job.is_none() || link.job == arguments.job;
    let listed = links
        .into_iter()
        .filter(wanted)
        .map(|link| Listed { present: runs.join(&link.run).join(PACK).is_file(), link });
    let links: Vec<Listed> = listed.collect();
    if arguments.json {
        screen.json(&links)?;
        return Ok(Outcome::Done);
    }
    if links.is_empty() {
        screen.line("No evidence yet.")?;
        return Ok(Outcome::Done);
    }
    let mut table = Table::new();
    table.load_style(comfy_table::presets::UTF8_FULL_CONDENSED);
    table.set_header([
        "Link",
        "Run",
        "Job",
        "Judged at (UTC)",
        "Signed by",
        "Archive",
        "SHA-256 of its statement",
    ]);
    for Listed { link, present } in &links {
        table.add_row([
            Cell::new(link.index).set_alignment(CellAlignment::Right),
            Cell::new(&link.run),
            Cell::new(link.job.as_deref().map(visible).unwrap_or_default()),
            Cell::new(link.finished.format("%F %R").to_string()),
            Cell::new(link.key.as_deref().unwrap_or("unsigned")),
            Cell::new(if *present { "there" } else { "gone" }),
            Cell::new(&link.sha256),
        ]);
    }
    screen.line(table.to_string())?;
    Ok(Outcome::Done)
}
