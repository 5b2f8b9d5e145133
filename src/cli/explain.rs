//! `recert explain LOGIN`: every privilege and every site of one user, and through what.

use serde::Serialize;

use owo_colors::OwoColorize;

use super::{Mistake, Outcome, Screen, Sources, World};
use crate::collect::Focus;
use crate::graph::{Explanation, ScopeExplanation};
use crate::untrusted::visible;

/// Show every privilege and every site of one user, and through what
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The login
    login: String,
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
    explanation: Explanation,
}

pub(super) async fn run(arguments: Arguments, world: &World, screen: &mut Screen) -> anyhow::Result<Outcome> {
    let (graphs, outcome) =
        arguments.sources.graphs(Focus::Login(arguments.login.clone()), world, screen).await?;
    let explain = |graph: &crate::graph::AccessGraph| {
        let explanation = graph.explain(graph.user_by_login(&arguments.login)?);
        Some(OnConsole { console: graph.snapshot().console.name.clone(), explanation })
    };
    let found: Vec<_> = graphs.iter().filter_map(explain).collect();
    if found.is_empty() && outcome == Outcome::Incomplete {
        return Ok(outcome);
    }
    if found.is_empty() {
        return Err(Mistake(format!("no console has a user with the login {:?}", arguments.login)).into());
    }
    if arguments.json {
        screen.json(&found)?;
    } else {
        found.iter().try_for_each(|found| print(found, screen))?;
    }
    let known = found.iter().all(|found| {
        let explanation = &found.explanation;
        explanation.privileges.is_some() && explanation.sites.is_some() && explanation.asset_groups.is_some()
    });
    Ok(if known { outcome } else { Outcome::Incomplete })
}

fn print(OnConsole { console, explanation }: &OnConsole, screen: &mut Screen) -> std::io::Result<()> {
    let state = if explanation.enabled { "enabled" } else { "disabled" };
    let login = visible(&explanation.login);
    screen.line(format!("{} on {}: {state}, id {}", login.bold(), visible(console), explanation.user))?;
    screen.line(format!("├─ role {}", visible(&explanation.role)))?;
    match &explanation.privileges {
        None => screen.line("├─ privileges: unknown, the console did not answer")?,
        Some(privileges) => {
            screen.line(format!("├─ {} privileges", privileges.len()))?;
            for (index, path) in privileges.iter().enumerate() {
                let branch = if index + 1 == privileges.len() { "└─" } else { "├─" };
                let through = visible(&path.through);
                screen.line(format!(
                    "│  {branch} {} ← {}",
                    visible(path.privilege.as_str()),
                    through.dimmed()
                ))?;
            }
        }
    }
    scopes("sites", "├─", "│  ", explanation.sites.as_deref(), screen)?;
    scopes("asset groups", "└─", "   ", explanation.asset_groups.as_deref(), screen)
}

fn scopes(
    what: &str,
    branch: &str,
    indent: &str,
    scopes: Option<&[ScopeExplanation]>,
    screen: &mut Screen,
) -> std::io::Result<()> {
    let Some(scopes) = scopes else {
        return screen.line(format!("{branch} {what}: unknown, the console did not answer"));
    };
    screen.line(format!("{branch} {} {what}", scopes.len()))?;
    for (index, scope) in scopes.iter().enumerate() {
        let branch = if index + 1 == scopes.len() { "└─" } else { "├─" };
        let via: Vec<_> = scope.via.iter().map(|via| via.as_str()).collect();
        let name = visible(&scope.name);
        screen.line(format!("{indent}{branch} {name} ({}) ← {}", scope.id, via.join(" and ").dimmed()))?;
    }
    Ok(())
}
