//! `recert explain LOGIN`: every privilege and every site of one user, and through what.

use serde::Serialize;

use owo_colors::OwoColorize;

use super::{Mistake, Outcome, Screen, Sources, World, amount};
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
    let branches = [
        role(explanation),
        scopes("site", explanation.sites.as_deref()),
        scopes("asset group", explanation.asset_groups.as_deref()),
    ];
    draw(&branches, "", screen)
}

/// A branch of the tree, with what grows on it.
struct Branch {
    says: String,
    branches: Vec<Branch>,
}

impl Branch {
    fn leaf(says: String) -> Self {
        Self { says, branches: Vec::new() }
    }
}

fn draw(branches: &[Branch], indent: &str, screen: &mut Screen) -> std::io::Result<()> {
    for (index, branch) in branches.iter().enumerate() {
        let (corner, below) =
            if index + 1 == branches.len() { ("└─", "   ") } else { ("├─", "│  ") };
        screen.line(format!("{}{}", format!("{indent}{corner} ").dimmed(), branch.says))?;
        draw(&branch.branches, &format!("{indent}{below}"), screen)?;
    }
    Ok(())
}

/// The role, and the privileges by what gives them.
fn role(explanation: &Explanation) -> Branch {
    let says = format!("role {}", visible(&explanation.role));
    let Some(privileges) = &explanation.privileges else {
        return Branch {
            says,
            branches: vec![Branch::leaf("privileges: unknown, the console did not answer".to_owned())],
        };
    };
    let paths = privileges
        .iter()
        .map(|path| (visible(&path.through).into_owned(), visible(path.privilege.as_str()).into_owned()));
    let by_role_alone = privileges.iter().all(|path| visible(&path.through) == says);
    let mut branches = by_path(paths, "privilege");
    match branches.pop() {
        // The role gives all of them, and need not be named twice.
        Some(only) if by_role_alone => only,
        last => Branch { says, branches: branches.into_iter().chain(last).collect() },
    }
}

/// The sites or asset groups by what gives them.
fn scopes(what: &str, scopes: Option<&[ScopeExplanation]>) -> Branch {
    let Some(scopes) = scopes else {
        return Branch::leaf(format!("{what}s: unknown, the console did not answer"));
    };
    let paths = scopes.iter().map(|scope| {
        let via: Vec<_> = scope.via.iter().map(|via| via.as_str()).collect();
        (via.join(" and "), format!("{} ({})", visible(&scope.name), scope.id))
    });
    Branch { says: amount(scopes.len() as u64, what), branches: by_path(paths, what) }
}

/// What is reached, under the path that reaches it; the paths in the order in which they come first.
fn by_path(reached: impl Iterator<Item = (String, String)>, what: &str) -> Vec<Branch> {
    let mut paths: Vec<Branch> = Vec::new();
    for (path, name) in reached {
        let at = paths.iter().position(|branch| branch.says == path).unwrap_or_else(|| {
            paths.push(Branch::leaf(path));
            paths.len() - 1
        });
        paths[at].branches.push(Branch::leaf(name));
    }
    for path in &mut paths {
        path.says = format!("{}: {}", path.says.bold(), amount(path.branches.len() as u64, what));
    }
    paths
}
