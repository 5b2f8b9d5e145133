//! `recert outbox`: what is on its way to people, and what a person decides about it.

use comfy_table::{Cell, CellAlignment, Table};

use super::open::{load, store};
use super::{Mistake, Outcome, Screen, World};
use crate::store::{Ownership, Parcel, ParcelState, Progressed, Store};
use crate::untrusted::{shortened, visible};

/// List what is on its way to recipients or did not arrive, try one again, or settle one
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
        Some(Command::Retry { parcel }) => {
            let daemon = Ownership::is_taken(config.store.home());
            retry(&store, &parcel, daemon, world, screen).await
        }
        Some(Command::Resolve { parcel, reason }) => {
            let daemon = Ownership::is_taken(config.store.home());
            resolve(&store, &parcel, reason, daemon, world, screen).await
        }
    };
    store.close().await;
    done.map(|()| Outcome::Done)
}

async fn list(store: &Store, all: bool, json: bool, screen: &mut Screen) -> anyhow::Result<()> {
    let mut parcels = store.outbox(true).await?;
    // What was refused or given up is over for the daemon, but not for a person.
    parcels.retain(|parcel| all || !parcel.state.is_final());
    if json {
        return Ok(screen.json(&parcels)?);
    }
    if parcels.is_empty() {
        let text =
            if all { "Nothing was ever sent." } else { "Nothing is on its way, and nothing was refused." };
        return Ok(screen.line(text)?);
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

async fn retry(
    store: &Store,
    id: &str,
    daemon: bool,
    world: &World,
    screen: &mut Screen,
) -> anyhow::Result<()> {
    let parcel = one(store, id).await?;
    let refusal = match parcel.state {
        ParcelState::Accepted => Some("was delivered; sending it again would be a second copy"),
        ParcelState::Resolved => Some("was settled by hand; it is not sent any more"),
        state if daemon => under_way(state),
        _ => None,
    };
    if let Some(refusal) = refusal {
        return Err(Mistake(format!("parcel {} {refusal}", parcel.id)).into());
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
    let when = if daemon {
        "the daemon sends it within a second or two"
    } else {
        "it is sent when the daemon runs, which it does not at the moment"
    };
    Ok(screen.line(format!("Parcel {} to {}: {when}.", parcel.id, visible(&parcel.recipient)))?)
}

/// Why a parcel cannot be decided about at this moment.
fn under_way(state: ParcelState) -> Option<&'static str> {
    use ParcelState::{Connecting, Data, DotSent, Envelope};
    matches!(state, Connecting | Envelope | Data | DotSent)
        .then_some("is being sent at this moment; look again in a minute")
}

async fn resolve(
    store: &Store,
    id: &str,
    reason: String,
    daemon: bool,
    world: &World,
    screen: &mut Screen,
) -> anyhow::Result<()> {
    let parcel = one(store, id).await?;
    let refusal = match parcel.state {
        ParcelState::Accepted => Some("was delivered; there is nothing to settle"),
        ParcelState::Resolved => Some("is settled already"),
        state if daemon => under_way(state),
        _ => None,
    };
    if let Some(refusal) = refusal {
        return Err(Mistake(format!("parcel {} {refusal}", parcel.id)).into());
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
    Ok(screen.line(format!("Parcel {} to {} is settled.", parcel.id, visible(&parcel.recipient)))?)
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
