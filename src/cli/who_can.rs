//! `recert who-can PRIVILEGE`: everyone who holds a privilege, anywhere or on one site or asset group.

use comfy_table::{Cell, Table};
use serde::Serialize;

use super::{Mistake, Outcome, Screen, Sources, World};
use crate::collect::Focus;
use crate::graph::{AccessGraph, Holder, Target};
use crate::model::{AssetGroupId, KNOWN_PRIVILEGES, PrivilegeId, SiteId};
use crate::untrusted::visible;

/// Show everyone who holds a privilege, anywhere or on one site or asset group
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The privilege's id, such as approve-vulnerability-exceptions
    privilege: String,
    /// Only where it reaches this site (id or name)
    #[arg(long, value_name = "SITE", conflicts_with = "asset_group")]
    site: Option<String>,
    /// Only where it reaches this asset group (id or name)
    #[arg(long, value_name = "GROUP")]
    asset_group: Option<String>,
    #[command(flatten)]
    sources: Sources,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct OnConsole {
    console: String,
    #[serde(flatten)]
    holder: Holder,
}

pub(super) async fn run(arguments: Arguments, world: &World, screen: &mut Screen) -> anyhow::Result<Outcome> {
    let privilege = PrivilegeId::from(arguments.privilege.as_str());
    let (graphs, outcome) =
        arguments.sources.graphs(Focus::Holders(privilege.clone()), world, screen).await?;
    let known = |graph: &AccessGraph| graph.snapshot().privileges.contains(&privilege);
    let whole = outcome == Outcome::Done;
    if whole && !graphs.iter().any(known) && !KNOWN_PRIVILEGES.contains(&privilege.as_str()) {
        let problem =
            format!("no console knows the privilege {:?}; roles.csv lists them", arguments.privilege);
        return Err(Mistake(problem).into());
    }
    let mut holders = Vec::new();
    let mut found = false;
    for graph in &graphs {
        let Some(target) = target(graph, &arguments) else { continue };
        found = true;
        let console = &graph.snapshot().console.name;
        let on_console = |holder| OnConsole { console: console.clone(), holder };
        holders.extend(graph.who_can(&privilege, target).into_iter().map(on_console));
    }
    if !found && whole {
        let (kind, name) = match (&arguments.site, &arguments.asset_group) {
            (Some(site), _) => ("site", site),
            (None, group) => ("asset group", group.as_ref().unwrap_or(&arguments.privilege)),
        };
        return Err(
            Mistake(format!("no console has one {kind} called {name:?}; its id is never ambiguous")).into()
        );
    }
    if arguments.json {
        screen.json(&holders)?;
    } else {
        print(&holders, screen)?;
    }
    let told = holders.iter().all(|found| !found.holder.scope_unknown);
    Ok(if told { outcome } else { Outcome::Incomplete })
}

/// The site or group on this console, by id or by its only name.
fn target(graph: &AccessGraph, arguments: &Arguments) -> Option<Target> {
    fn only<T>(mut found: impl Iterator<Item = T>) -> Option<T> {
        found.next().filter(|_| found.next().is_none())
    }
    let snapshot = graph.snapshot();
    match (&arguments.site, &arguments.asset_group) {
        (Some(wanted), _) => {
            let by_id = wanted.parse().ok().map(SiteId).filter(|id| graph.site(*id).is_some());
            let named = snapshot.sites.iter().filter(|site| site.name == *wanted).map(|site| site.id);
            by_id.or_else(|| only(named)).map(Target::Site)
        }
        (None, Some(wanted)) => {
            let by_id = wanted.parse().ok().map(AssetGroupId).filter(|id| graph.asset_group(*id).is_some());
            let named =
                snapshot.asset_groups.iter().filter(|group| group.name == *wanted).map(|group| group.id);
            by_id.or_else(|| only(named)).map(Target::AssetGroup)
        }
        (None, None) => Some(Target::Anywhere),
    }
}

fn print(holders: &[OnConsole], screen: &mut Screen) -> std::io::Result<()> {
    if holders.is_empty() {
        return screen.line("Nobody.");
    }
    let mut table = Table::new();
    table.load_style(comfy_table::presets::UTF8_FULL_CONDENSED);
    table.set_header(["Console", "Login", "Name", "Enabled", "Privilege through", "Scope through"]);
    for OnConsole { console, holder } in holders {
        let via: Vec<_> = holder.scope_via.iter().map(|via| via.as_str()).collect();
        let scope = if holder.scope_unknown { "unknown".to_owned() } else { via.join(" and ") };
        table.add_row([
            Cell::new(visible(console)),
            Cell::new(visible(&holder.login)),
            Cell::new(visible(&holder.name)),
            Cell::new(if holder.enabled { "yes" } else { "no" }),
            Cell::new(visible(&holder.through)),
            Cell::new(scope),
        ]);
    }
    screen.line(table.to_string())
}
