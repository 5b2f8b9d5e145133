//! `recert completions` and `recert man`: made from the arguments themselves.

use clap::Command;
use clap_complete::Shell;

use super::{Outcome, Screen};

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

pub(super) fn man(command: Command, screen: &mut Screen) -> anyhow::Result<Outcome> {
    let mut page = Vec::new();
    clap_mangen::Man::new(command).render(&mut page)?;
    screen.raw(page.trim_ascii_end())?;
    Ok(Outcome::Done)
}
