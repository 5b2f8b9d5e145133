//! `recert console`: the certificate of a console, and one read operation of its API.

use std::time::Duration;

use url::Url;

use super::mend::pin_line;
use super::open::{chosen, load};
use super::{Mistake, Outcome, Screen, World, open};
use crate::console::{PageRequest, READ_OPERATIONS, presented_certificate};

/// How long a handshake may take.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// Look at a console: its certificate, or one read operation of its API
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Show a console's certificate, and the configuration that would trust it
    Trust {
        /// The console's base, as in the configuration
        url: Url,
    },
    /// Run one read operation of the API by its name and print the answer as JSON
    Call(Call),
}

#[derive(Debug, clap::Args)]
pub(super) struct Call {
    /// The operation
    #[arg(value_parser = clap::builder::PossibleValuesParser::new(READ_OPERATIONS))]
    operation: String,
    /// The id that the operation needs
    id: Option<String>,
    /// The page of a paged list, from 0; 500 rows each
    #[arg(long, value_name = "N")]
    page: Option<u64>,
    #[command(flatten)]
    config: super::ConfigArgument,
    /// The console [default: the only one]
    #[arg(long, value_name = "NAME")]
    console: Option<String>,
}

pub(super) async fn run(command: Command, world: &World, screen: &mut Screen) -> anyhow::Result<Outcome> {
    match command {
        Command::Trust { url } => trust(&url, screen).await,
        Command::Call(arguments) => call(&arguments, world, screen).await,
    }
}

async fn trust(url: &Url, screen: &mut Screen) -> anyhow::Result<Outcome> {
    if url.scheme() != "https" {
        return Err(Mistake(format!("{}: only https:// has a certificate", url.scheme())).into());
    }
    let sha256 = hex::encode(presented_certificate(url, HANDSHAKE).await?);
    let pairs: Vec<_> =
        sha256.as_bytes().chunks(2).map(|pair| String::from_utf8_lossy(pair).to_uppercase()).collect();
    screen.line(format!("SHA-256 {}", pairs.join(":")))?;
    screen.remark(
        "No credential was sent. Compare the fingerprint with the console's own, by another way than this",
    );
    screen.remark(
        "network: in the browser on the console's host, or from its administrator. If it is the same, add:",
    );
    screen.line(pin_line(&sha256))?;
    Ok(Outcome::Done)
}

async fn call(arguments: &Call, world: &World, screen: &mut Screen) -> anyhow::Result<Outcome> {
    let config = load(&arguments.config.config, world)?;
    let names: Vec<String> = arguments.console.iter().cloned().collect();
    let consoles = chosen(&config, &names)?;
    if consoles.len() > 1 {
        return Err(Mistake(
            "the configuration names several consoles; choose one with --console".to_owned(),
        )
        .into());
    }
    for source in open(consoles)? {
        let page = arguments.page.map(|number| PageRequest { number, size: 500 });
        screen.json(&source.console.call(&arguments.operation, arguments.id.as_deref(), page).await?)?;
    }
    Ok(Outcome::Done)
}
