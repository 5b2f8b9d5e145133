//! `recert check`: everything that can be wrong before a review, each line ok or what to do.

use owo_colors::OwoColorize;

use super::mend::mend;
use super::open::{chosen, load};
use super::review::templates;
use super::{Outcome, Screen, World, open};
use crate::collect::Focus;
use crate::config::{Config, ConsoleTable};
use crate::model::{CollectorRights, Depth, Snapshot};
use crate::review;
use crate::untrusted::visible;

/// Check the configuration and every console in it
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    config: super::ConfigArgument,
}

/// The lines so far, and whether one of them was a failure.
struct Lines<'a> {
    screen: &'a mut Screen,
    failed: bool,
}

impl Lines<'_> {
    fn ok(&mut self, what: &str) -> anyhow::Result<()> {
        Ok(self.screen.line(format!("{}    {what}", "ok".green()))?)
    }

    fn fail(&mut self, what: &str, mend: &str) -> anyhow::Result<()> {
        self.failed = true;
        self.screen.line(format!("{}  {what}", "fail".red().bold()))?;
        Ok(self.screen.line(format!("      {mend}"))?)
    }
}

pub(super) async fn run(arguments: Arguments, world: &World, screen: &mut Screen) -> anyhow::Result<Outcome> {
    let config = load(&arguments.config.config, world)?;
    templates(config.templates.as_deref())?;
    let consoles = chosen(&config, &[])?;
    let mut lines = Lines { screen, failed: false };
    lines.ok(&format!("configuration {}", arguments.config.config.display()))?;
    for table in consoles {
        console(table, world, &mut lines).await?;
    }
    directories(&config, &mut lines)?;
    Ok(if lines.failed { Outcome::Failed } else { Outcome::Done })
}

/// Password, connection and rights. The rights are found out as a review finds them: by a collection about one account.
async fn console(table: &ConsoleTable, world: &World, lines: &mut Lines<'_>) -> anyhow::Result<()> {
    let name = format!("console {}", visible(&table.name));
    let mut sources = match open(vec![table]) {
        Ok(sources) => sources,
        Err(error) => return lines.fail(&format!("{error:#}"), "mend what the line above names"),
    };
    lines.ok(&format!("{name}: password"))?;
    for source in &mut sources {
        source.options.focus = Focus::Login(table.username.clone());
        source.options.depth = Depth::Lean;
    }
    match review::collect(&sources, world.clock).await {
        Ok(snapshots) => {
            lines.ok(&format!("{name}: reached, trusted, credential accepted"))?;
            snapshots.iter().try_for_each(|snapshot| rights(&name, snapshot, lines))
        }
        Err(nothing) => nothing
            .consoles
            .iter()
            .try_for_each(|(_, error)| lines.fail(&format!("{name}: {}", error.kind), &mend(error))),
    }
}

fn rights(name: &str, snapshot: &Snapshot, lines: &mut Lines<'_>) -> anyhow::Result<()> {
    let login = visible(&snapshot.collector.login);
    match snapshot.collector.rights {
        CollectorRights::GlobalAdministrator => {
            lines.ok(&format!("{name}: {login} is a Global Administrator and sees everything"))
        }
        CollectorRights::Limited => lines.fail(
            &format!("{name}: {login} is no Global Administrator; every review would be incomplete"),
            "give the account the role Global Administrator: a weaker one sees a smaller world",
        ),
        CollectorRights::Unknown => lines.fail(
            &format!(
                "{name}: {login} is not among the users that it may list; every review would be incomplete"
            ),
            "use the login exactly as the console's user list shows it, with the role Global Administrator",
        ),
    }
}

/// Whether the directories of the jobs can be written.
fn directories(config: &Config, lines: &mut Lines<'_>) -> anyhow::Result<()> {
    for job in &config.job {
        for directory in &job.directory {
            let what = format!("job {}: directory {}", job.name, directory.path.display());
            match tempfile::tempfile_in(&directory.path) {
                Ok(_) => lines.ok(&what)?,
                Err(error) => {
                    lines.fail(
                        &format!("{what}: {error}"),
                        "create it, writable by the user that runs recert",
                    )?;
                }
            }
        }
    }
    Ok(())
}
