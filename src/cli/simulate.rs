//! `recert simulate`: the simulated console alone, for trying things.

use std::net::SocketAddr;
use std::time::Duration;

use super::{Outcome, Screen};
use crate::simulator::{Estate, EstateOptions, Fault, Faults, Options, Simulator};

/// Run a simulated console on loopback until interrupted
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Where to listen; loopback addresses only
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:3780")]
    address: SocketAddr,
    /// How many users
    #[arg(long, value_name = "N", default_value_t = 240)]
    users: usize,
    /// How many sites
    #[arg(long, value_name = "N", default_value_t = 24)]
    sites: usize,
    /// How many grants a user has on average
    #[arg(long, value_name = "N", default_value_t = 6)]
    grants: usize,
    /// The seed of the estate
    #[arg(long, value_name = "S", default_value_t = 7)]
    seed: u64,
    /// How long each call takes
    #[arg(long, value_name = "MILLISECONDS", default_value_t = 0)]
    latency: u64,
    /// How many calls of a hundred fail
    #[arg(long, value_name = "PERCENT", default_value_t = 0.0)]
    faults: f64,
    /// The password of the service account [default: a random one]
    #[arg(long, value_name = "PASSWORD", env = "RECERT_SIMULATOR_PASSWORD", hide_env_values = true)]
    password: Option<String>,
}

pub(super) async fn run(arguments: Arguments, screen: &mut Screen) -> anyhow::Result<Outcome> {
    if !arguments.address.ip().is_loopback() {
        let problem = "--address: the simulated console listens on loopback addresses only";
        return Err(super::Mistake(problem.to_owned()).into());
    }
    let estate = Estate::generate(&EstateOptions {
        seed: arguments.seed,
        users: arguments.users,
        sites: arguments.sites,
        grants_per_user: arguments.grants,
        ..EstateOptions::default()
    });
    let defaults = Options::default();
    let options = Options {
        address: arguments.address,
        password: arguments.password.unwrap_or(defaults.password.clone()),
        latency: Duration::from_millis(arguments.latency),
        // Nobody reads it here, and it would grow for ever.
        log: false,
        faults: Faults {
            rate: arguments.faults / 100.0,
            seed: arguments.seed,
            kinds: vec![Fault::Unavailable503, Fault::Reset, Fault::TruncatedJson],
            ..Faults::default()
        },
        ..defaults
    };
    let simulator = Simulator::start(estate, options).await?;
    screen.line(format!("url       {}", simulator.url()))?;
    screen.line(format!("username  {}", simulator.username()))?;
    screen.line(format!("password  {}", simulator.password()))?;
    screen.remark("Interrupt (Ctrl-C) to stop.");
    tokio::signal::ctrl_c().await?;
    simulator.stop().await;
    Ok(Outcome::Done)
}
