//! `recert completions` and `recert man`: made from the arguments themselves.

use std::fs;
use std::path::PathBuf;

use anyhow::Context;
use clap::Command;
use clap_complete::Shell;

use super::{Mistake, Outcome, Screen};

/// Print the completions of a shell
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The shell
    shell: Shell,
}

pub(super) fn completions(
    arguments: &Arguments,
    mut command: Command,
    screen: &mut Screen,
) -> anyhow::Result<Outcome> {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut command, "recert", &mut script);
    screen.raw(script.trim_ascii_end())?;
    Ok(Outcome::Done)
}

/// Print the manual page, or that of a command
#[derive(Debug, clap::Args)]
pub(super) struct ManArguments {
    /// The command, such as `review` or `evidence verify`
    #[arg(value_name = "COMMAND")]
    command: Vec<String>,
    /// Write the pages of all commands into this directory instead
    #[arg(long, value_name = "DIR", conflicts_with = "command")]
    out: Option<PathBuf>,
}

pub(super) fn man(
    arguments: &ManArguments,
    command: Command,
    screen: &mut Screen,
) -> anyhow::Result<Outcome> {
    if let Some(directory) = &arguments.out {
        let place = || format!("cannot write the manual pages into {}", directory.display());
        fs::create_dir_all(directory).with_context(place)?;
        clap_mangen::generate_to(command, directory).with_context(place)?;
        screen.line(format!("Manual pages in {}", directory.display()))?;
        return Ok(Outcome::Done);
    }
    let mut page = Vec::new();
    clap_mangen::Man::new(named(command, &arguments.command)?).render(&mut page)?;
    screen.raw(page.trim_ascii_end())?;
    Ok(Outcome::Done)
}

/// The command of these words.
fn named(command: Command, words: &[String]) -> Result<Command, Mistake> {
    // There is no page of the command `help`.
    let mut command = command.disable_help_subcommand(true);
    // The commands know their full names only afterwards.
    command.build();
    for word in words {
        let Some(found) = command.find_subcommand(word).cloned() else {
            let name = command.get_bin_name().unwrap_or_default();
            let known: Vec<&str> = command.get_subcommands().map(Command::get_name).collect();
            let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
            return Err(Mistake(format!("{name} has no command {word:?}; known: {known}")));
        };
        command = found;
    }
    Ok(command)
}
