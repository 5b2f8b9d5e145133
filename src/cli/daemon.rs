//! `recert daemon`: the service.

use std::sync::Arc;

use super::{Outcome, World};
use crate::config::Config;
use crate::daemon::{self, Options};

/// Run as a service: review on schedule, deliver, answer to signals
///
/// SIGHUP reads the configuration again, all of it or nothing; SIGTERM stops within 20 seconds, and interrupted work goes
/// on after the next start.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    config: super::ConfigArgument,
}

pub(super) async fn run(arguments: Arguments, world: &World) -> anyhow::Result<Outcome> {
    let path = arguments.config.config;
    let variables: Vec<_> = world.texts().collect();
    let load = move || Config::load(&path, variables.iter().cloned());
    daemon::run(Options { load: Arc::new(load), clock: world.clock }).await?;
    Ok(Outcome::Done)
}
