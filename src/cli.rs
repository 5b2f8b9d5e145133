//! The command line: one file for each command. Results go to standard output, everything else to standard error.

mod check;
mod complete;
mod console;
mod daemon;
mod deliver;
mod demo;
mod diff;
mod evidence;
mod explain;
mod history;
mod log;
mod mend;
mod open;
mod outbox;
mod progress;
mod review;
mod rules;
mod screen;
mod sign_off;
mod simulate;
mod status;
mod store;
mod summary;
mod waive;
mod who_can;

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use chrono::{DateTime, Utc};
use clap::{CommandFactory, Parser, Subcommand};

use crate::amount::{amount, amount_of_people};
use crate::config::ConfigError;
use crate::console::CallError;
use crate::daemon::ListenError;
use crate::deliver::PublishError;
use crate::job::PlanError;
use crate::render::TemplateError;
use crate::review::NothingSeen;
use crate::untrusted::visible;

use open::{Sources, open};
use progress::Watch;
use screen::Screen;

/// What the process hands in, so that a command's outcome depends on nothing else but secrets and files.
#[derive(Debug)]
pub struct World {
    /// The time now.
    pub clock: fn() -> DateTime<Utc>,
    /// The environment variables.
    pub variables: Vec<(OsString, OsString)>,
}

/// How a command ended; the number is the exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Outcome {
    /// Done and complete.
    Done = 0,
    /// Failed.
    Failed = 1,
    /// Wrong usage or configuration.
    Usage = 2,
    /// Done, but the population is incomplete.
    Incomplete = 3,
    /// Complete, and an open finding is at or above `--fail-on`.
    Findings = 4,
}

impl From<Outcome> for ExitCode {
    fn from(outcome: Outcome) -> Self {
        Self::from(outcome as u8)
    }
}

/// A mistake in what the user asked for, as against a failure on the way.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Mistake(String);

/// Recertifies access on Rapid7 Security Consoles (`InsightVM`, Nexpose).
#[derive(Debug, Parser)]
#[command(name = "recert", version, about = "Recertifies access on Rapid7 InsightVM / Nexpose Security Consoles", max_term_width = 110, after_help = EXIT_CODES)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

const EXIT_CODES: &str = "Exit codes: 0 done and complete; 1 failed; 2 usage or configuration; 3 done, but the \
                          population is incomplete; 4 complete, and an open finding is at or above --fail-on.";

#[derive(Debug, Subcommand)]
enum Command {
    Demo(demo::Arguments),
    Review(review::Arguments),
    Daemon(daemon::Arguments),
    Status(status::Arguments),
    Outbox(outbox::Arguments),
    History(history::Arguments),
    SignOff(sign_off::Arguments),
    Diff(diff::Arguments),
    #[command(subcommand)]
    Evidence(evidence::Command),
    #[command(subcommand)]
    Store(store::Command),
    Check(check::Arguments),
    Rules(rules::Arguments),
    Waive(waive::Arguments),
    Explain(explain::Arguments),
    WhoCan(who_can::Arguments),
    #[command(subcommand)]
    Console(console::Command),
    Simulate(simulate::Arguments),
    Completions(complete::Arguments),
    Man(complete::ManArguments),
}

/// How long the process waits for threads that still work when the command is over.
const FAREWELL: Duration = Duration::from_secs(1);

/// Where the configuration is unless it is named.
const DEFAULT_CONFIG: &str = "/etc/recert/config.toml";

/// Where the configuration is.
#[derive(Debug, clap::Args)]
struct ConfigArgument {
    /// The configuration
    #[arg(
        long,
        value_name = "FILE",
        env = "RECERT_CONFIG",
        global = true,
        default_value = DEFAULT_CONFIG
    )]
    config: PathBuf,
}

/// Runs one command.
pub fn run(arguments: impl IntoIterator<Item = OsString>, world: &World) -> Outcome {
    let mut screen = Screen::of_process();
    let arguments = match Arguments::try_parse_from(arguments) {
        Ok(arguments) => arguments,
        Err(message) => {
            let shown = message.print();
            return match (message.use_stderr(), shown) {
                (false, Ok(())) => Outcome::Done,
                _ => Outcome::Usage,
            };
        }
    };
    // A service is read afterwards, a command while it runs.
    let level = if matches!(arguments.command, Command::Daemon(_)) { "info" } else { "warn" };
    log::start(level, world);
    let result = tokio::runtime::Runtime::new().map_err(anyhow::Error::from).and_then(|runtime| {
        let result = runtime.block_on(dispatch(arguments.command, world, &mut screen));
        // What still blocks now, such as a read from a file system that is gone, must not keep the process.
        runtime.shutdown_timeout(FAREWELL);
        result
    });
    result.unwrap_or_else(|error| explain_error(&error, &mut screen))
}

async fn dispatch(command: Command, world: &World, screen: &mut Screen) -> anyhow::Result<Outcome> {
    match command {
        Command::Demo(arguments) => demo::run(arguments, world, screen).await,
        Command::Review(arguments) => review::run(arguments, world, screen).await,
        Command::Daemon(arguments) => daemon::run(arguments, world).await,
        Command::Status(arguments) => status::run(arguments, world, screen).await,
        Command::Outbox(arguments) => outbox::run(arguments, world, screen).await,
        Command::History(arguments) => history::run(arguments, world, screen).await,
        Command::SignOff(arguments) => sign_off::run(arguments, world, screen).await,
        Command::Diff(arguments) => diff::run(arguments, world, screen).await,
        Command::Evidence(command) => evidence::run(command, world, screen).await,
        Command::Store(command) => store::run(command, world, screen).await,
        Command::Check(arguments) => check::run(arguments, world, screen).await,
        Command::Rules(arguments) => rules::run(&arguments, world, screen),
        Command::Waive(arguments) => waive::run(arguments, world, screen).await,
        Command::Explain(arguments) => explain::run(arguments, world, screen).await,
        Command::WhoCan(arguments) => who_can::run(arguments, world, screen).await,
        Command::Console(command) => console::run(command, world, screen).await,
        Command::Simulate(arguments) => simulate::run(arguments, screen).await,
        Command::Completions(arguments) => complete::completions(&arguments, Arguments::command(), screen),
        Command::Man(arguments) => complete::man(&arguments, Arguments::command(), screen),
    }
}

/// Tells an error, what to do about it where that is known, and what kind it is.
fn explain_error(error: &anyhow::Error, screen: &mut Screen) -> Outcome {
    screen.error(&told(error));
    for (name, failure) in error.downcast_ref::<NothingSeen>().into_iter().flat_map(|seen| &seen.consoles) {
        screen.remark(format!("console {}: {}", visible(name), mend::mend(failure)));
    }
    let is_usage = error.chain().any(|cause| {
        cause.is::<Mistake>()
            || cause.is::<ConfigError>()
            || cause.is::<PlanError>()
            || cause.is::<TemplateError>()
            || cause.is::<ListenError>()
            || matches!(cause.downcast_ref(), Some(PublishError::NotEmpty(_)))
            || cause.downcast_ref().is_some_and(|error| !matches!(error, CallError::Failed(_)))
    });
    if is_usage { Outcome::Usage } else { Outcome::Failed }
}

/// An error with its causes, without those that it quotes itself.
fn told(error: &anyhow::Error) -> String {
    let mut told = String::new();
    for cause in error.chain().map(ToString::to_string).filter(|cause| !cause.is_empty()) {
        if told.is_empty() {
            told = cause;
        } else if !told.contains(&cause) {
            told = format!("{told}: {cause}");
        }
    }
    told
}

impl World {
    fn variable(&self, name: &str) -> Option<String> {
        let found = self.variables.iter().find(|(key, _)| key == name)?;
        found.1.to_str().map(str::to_owned)
    }

    /// The variables as text. What is not UTF-8 in an override ends as an error of that key, not as silence.
    fn texts(&self) -> impl Iterator<Item = (String, String)> {
        let text = |text: &OsString| text.to_string_lossy().into_owned();
        self.variables.iter().map(move |(key, value)| (text(key), text(value)))
    }
}
