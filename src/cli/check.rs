//! `recert check`: everything that can be wrong before a review, each line ok or what to do.

use owo_colors::OwoColorize;
use secrecy::ExposeSecret;

use super::open::load;
use super::review::templates;
use super::{Mistake, Outcome, Screen, World};
use crate::config::{Config, ConsoleTable};
use crate::console::{Console, Error, ErrorKind, PageRequest, User};
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
    if config.console.is_empty() {
        return Err(Mistake("the configuration names no console; add a [[console]] table".to_owned()).into());
    }
    let mut lines = Lines { screen, failed: false };
    lines.ok(&format!("configuration {}", arguments.config.config.display()))?;
    for table in &config.console {
        console(table, &mut lines).await?;
    }
    directories(&config, &mut lines)?;
    Ok(if lines.failed { Outcome::Failed } else { Outcome::Done })
}

async fn console(table: &ConsoleTable, lines: &mut Lines<'_>) -> anyhow::Result<()> {
    let name = format!("console {}", table.name);
    let settings = match table.settings() {
        Ok(settings) => settings,
        Err(error) => return lines.fail(&format!("{name}: password"), &error.to_string()),
    };
    lines
        .ok(&format!("{name}: password, {} characters", settings.password.expose_secret().chars().count()))?;
    let client = match Console::connect(settings) {
        Ok(client) => client,
        Err(error) => return lines.fail(&format!("{name}: settings"), &error.to_string()),
    };
    if let Err(error) = client.probe().await {
        return lines.fail(&format!("{name}: {}", error.kind), &mend(table, &error));
    }
    lines.ok(&format!("{name}: reached, trusted, credential accepted"))?;
    rights(table, &client, &name, lines).await
}

/// Whether the account is a Global Administrator. Only such an account sees everything.
async fn rights(
    table: &ConsoleTable,
    client: &Console,
    name: &str,
    lines: &mut Lines<'_>,
) -> anyhow::Result<()> {
    let own = match own_record(client, &table.username).await {
        Ok(own) => own,
        Err(error) => return lines.fail(&format!("{name}: {error}"), &mend(table, &error)),
    };
    let role = own.as_ref().and_then(|user| user.role.as_ref());
    let login = visible(&table.username);
    match role {
        Some(role)
            if role.superuser == Some(true)
                || role.id.as_ref().is_some_and(|id| id.as_str() == crate::model::GLOBAL_ADMIN) =>
        {
            lines.ok(&format!("{name}: {login} is a Global Administrator and sees everything"))
        }
        Some(role) => {
            let role = role.name.as_deref().unwrap_or("another role");
            let what =
                format!("{name}: {login} has the role {}; every review would be incomplete", visible(role));
            lines.fail(
                &what,
                "give the account the role Global Administrator: a weaker one sees a smaller world",
            )
        }
        None => {
            let what = format!("{name}: {login} is not among the users that it may list");
            lines.fail(&what, "use the login exactly as the console's user list shows it")
        }
    }
}

/// The account's own record; the API has no "who am I", so the users are searched.
async fn own_record(client: &Console, login: &str) -> Result<Option<User>, Error> {
    let mut number = 0;
    loop {
        let page = client.get_users(PageRequest { number, size: 500 }).await?;
        let pages = page.page.total_pages;
        let own = page.resources.into_iter().find(|user| user.login.eq_ignore_ascii_case(login));
        number += 1;
        if own.is_some() || number >= pages {
            return Ok(own);
        }
    }
}

/// What to do about an error.
fn mend(table: &ConsoleTable, error: &Error) -> String {
    match &error.kind {
        ErrorKind::Unauthorized => format!(
            "log in as {} by hand once: is the password right, the account unlocked, and free of two-factor login?",
            visible(&table.username)
        ),
        ErrorKind::Untrusted { sha256, .. } => super::console::trust_lines(sha256),
        ErrorKind::Forbidden { .. } | ErrorKind::NotFound => {
            "the account lacks the right to read this; it needs the role Global Administrator".to_owned()
        }
        ErrorKind::Malformed { .. } => {
            "is the url that of the Security Console itself (https://HOST:3780), not of a proxy or the cloud?"
                .to_owned()
        }
        ErrorKind::Unavailable { .. } | ErrorKind::TimedOut { .. } => {
            "is the host name right, the port (usually 3780) open, and the console out of maintenance?"
                .to_owned()
        }
        ErrorKind::Throttled { .. } | ErrorKind::Rejected { .. } => "try again later".to_owned(),
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
