//! `recert store`: care of the store.

use std::path::PathBuf;

use super::open::{load, store};
use super::{Outcome, Screen, World};

/// Care for the store
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Write a copy of the database into a new file, checked; the daemon may be running
    Backup {
        #[command(flatten)]
        config: super::ConfigArgument,
        /// The new file
        file: PathBuf,
    },
    /// Check the database's integrity
    Check {
        #[command(flatten)]
        config: super::ConfigArgument,
    },
}

pub(super) async fn run(command: Command, world: &World, screen: &mut Screen) -> anyhow::Result<Outcome> {
    match command {
        Command::Backup { config, file } => {
            let store = store(&load(&config.config, world)?)?;
            store.back_up(&file).await?;
            store.close().await;
            screen.line(format!("{}: written and checked", file.display()))?;
            screen.line("The files of the runs lie beside the database, in runs/; copy them as they are.")?;
        }
        Command::Check { config } => {
            let store = store(&load(&config.config, world)?)?;
            store.check().await?;
            store.close().await;
            screen.line("The database is whole.")?;
        }
    }
    Ok(Outcome::Done)
}
