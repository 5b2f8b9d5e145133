//! `recert evidence`: the chain of evidence, for who keeps it and for who checks it.

mod export;
mod list;
mod verify;

use super::{Mistake, Outcome, Screen, World, amount};

/// Check the evidence of runs, list it, or copy it out for an auditor
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    Verify(verify::Arguments),
    List(list::Arguments),
    Export(export::Arguments),
}

pub(super) async fn run(command: Command, world: &World, screen: &mut Screen) -> anyhow::Result<Outcome> {
    match command {
        Command::Verify(arguments) => verify::run(&arguments, screen),
        Command::List(arguments) => list::run(arguments, world, screen).await,
        Command::Export(arguments) => export::run(arguments, world, screen).await,
    }
}
