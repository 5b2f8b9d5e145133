//! `recert outbox`: what is on its way to people, and what a person decides about it.

use comfy_table::{Cell, CellAlignment, Table};

use super::open::{load, store};
use super::{Mistake, Outcome, Screen, World};
use crate::store::{Parcel, ParcelState, Progressed, Store};
use crate::untrusted::{shortened, visible};

/// List what is on its way to recipients, try one again, or settle one
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    config: super::ConfigArgument,
    #[command(subcommand)]
    command: Option<Command>,
    /// List what was delivered as well
    #[arg(long)]
    all: bool,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Send a parcel again at the next opportunity: the same bytes under the same message id
    Retry {
        /// The parcel, or the start of its id
        parcel: String,
    },
    /// Settle a parcel without sending it: it arrived after all, or it is not wanted any more
    Resolve {
        /// The parcel, or the start of its id
        parcel: String,
        /// Why; kept with the parcel
        #[arg(long, value_name = "TEXT")]
        reason: String,
    },
}

pub(super) async fn run(arguments: Arguments, world: &World, screen: &mut Screen) -> anyhow::Result<Outcome> {
    let config = load(&arguments.config.config, world)?;
    let store = store(&config)?;
    let done = match arguments.command {
        None => list(&store, arguments.all, arguments.json, screen).await,
        Some(Command::Retry { parcel }) => retry(&store, &parcel, world, screen).await,
        Some(Command::Resolve { parcel, reason }) => resolve(&store, &parcel, reason, world, screen).await,
    };
    store.close().await;
    done.map(|()| Outcome::Done)
}

async fn list(store: &Store, all: bool, json: bool, screen: &mut Screen) -> anyhow::Result<()> {
    let parcels = store.outbox(all).await?;
    if json {
        return Ok(screen.json(&parcels)?);
    }
    if parcels.is_empty() {
        return Ok(screen.line("Nothing is on its way.")?);
    }
    let mut table = Table::new();
    table.load_style(comfy_table::presets::UTF8_FULL_CONDENSED);
    table.set_header(["Parcel", "Job", "What", "To", "State", "Tried", "Next", "Last answer"]);
    for parcel in &parcels {
        let state = if parcel.held {
            format!("{}, held", parcel.state.as_str())
        } else {
            parcel.state.as_str().to_owned()
        };
        let due = if parcel.state.is_settled() || parcel.held {
            "-".to_owned()
        } else {
            parcel.due.format("%F %R").to_string()
        };
        table.add_row([
            Cell::new(parcel.id.get(..12).unwrap_or(&parcel.id)),
            Cell::new(visible(&parcel.job)),
            Cell::new(parcel.kind.as_str()),
            Cell::new(visible(&parcel.recipient)),
            Cell::new(state),
            Cell::new(parcel.attempts).set_alignment(CellAlignment::Right),
            Cell::new(due),
            Cell::new(shortened(parcel.last_reply.as_deref().unwrap_or_default(), 60)),
        ]);
    }
    Ok(screen.line(table.to_string())?)
}

async fn retry(store: &Store, id: &str, world: &World, screen: &mut Screen) -> anyhow::Result<()> {
    let parcel = one(store, id).await?;
    if parcel.state == ParcelState::Accepted {
        return Err(
            Mistake(format!("parcel {id} was delivered; sending it again would be a second copy")).into()
        );
    }
    let now = (world.clock)();
    let reply = Some("to be tried again, by hand".to_owned());
    let state = ParcelState::Pending;
    store
        .record(Progressed {
            parcel: parcel.id.clone(),
            state,
            due: Some(now),
            attempt: false,
            reply,
            held: false,
            now,
        })
        .await?;
    Ok(screen.line(format!("parcel {} is sent at the daemon's next opportunity", parcel.id))?)
}

async fn resolve(
    store: &Store,
    id: &str,
    reason: String,
    world: &World,
    screen: &mut Screen,
) -> anyhow::Result<()> {
    let parcel = one(store, id).await?;
    if parcel.state == ParcelState::Accepted {
        return Err(Mistake(format!("parcel {id} was delivered; there is nothing to settle")).into());
    }
    let (now, state) = ((world.clock)(), ParcelState::Resolved);
    let reply = Some(format!("settled by hand: {reason}"));
    store
        .record(Progressed {
            parcel: parcel.id.clone(),
            state,
            due: None,
            attempt: false,
            reply,
            held: false,
            now,
        })
        .await?;
    Ok(screen.line(format!("parcel {} is settled", parcel.id))?)
}

/// The one parcel that an id or the start of one names.
async fn one(store: &Store, id: &str) -> anyhow::Result<Parcel> {
    let mut found = store.parcel(id).await?;
    match (found.pop(), found.len()) {
        (Some(parcel), 0) => Ok(parcel),
        (None, _) => {
            Err(Mistake(format!("there is no parcel {id:?}; `recert outbox --all` lists them")).into())
        }
        (Some(_), more) => {
            Err(Mistake(format!("{} parcels start with {id:?}; give more of it", more + 1)).into())
        }
    }
}
