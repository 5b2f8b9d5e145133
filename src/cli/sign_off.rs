//! `recert sign-off`: somebody answers for a review; later access is held against it.

use super::open::{load, store};
use super::{Mistake, Outcome, Screen, World, amount};
use crate::report::Completeness;
use crate::store::RunState;
use crate::untrusted::visible;

/// Sign a review off: later reviews say what was added or raised since
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The run, as `recert history` shows it; the first characters are enough
    run: String,
    /// Who answers for it
    #[arg(long, value_name = "NAME")]
    by: String,
    /// What there is to say
    #[arg(long, value_name = "TEXT")]
    note: Option<String>,
    /// Sign an incomplete review: what was not seen is not certified
    #[arg(long)]
    accept_gaps: bool,
    #[command(flatten)]
    config: super::ConfigArgument,
}

pub(super) async fn run(arguments: Arguments, world: &World, screen: &mut Screen) -> anyhow::Result<Outcome> {
    let by = arguments.by.trim();
    if by.is_empty() || by.chars().any(char::is_control) {
        return Err(Mistake("--by needs a name on one line".to_owned()).into());
    }
    let config = load(&arguments.config.config, world)?;
    let store = store(&config)?;
    let mut found = store.run(&arguments.run).await?;
    let run = match (found.pop(), found.is_empty()) {
        (Some(run), true) => run,
        (Some(_), false) => {
            return Err(
                Mistake(format!("several runs start with {:?}; give more of the id", arguments.run)).into()
            );
        }
        (None, _) => {
            let problem = format!("there is no run {:?}; `recert history` lists them", arguments.run);
            return Err(Mistake(problem).into());
        }
    };
    if run.state != RunState::Done {
        return Err(Mistake(format!(
            "run {} is {}: only a finished review can be signed off",
            run.id,
            run.state.as_str()
        ))
        .into());
    }
    if run.job.is_none() {
        return Err(
            Mistake(format!("run {} belongs to no job: nothing is ever compared with it", run.id)).into()
        );
    }
    if run.verdict == Some(Completeness::Incomplete) && !arguments.accept_gaps {
        let (them, they_are) = if run.gaps == 1 { ("it", "it is") } else { ("them", "they are") };
        let problem = format!(
            "run {} is INCOMPLETE, with {}: look at {them} in its report, and repeat this with --accept-gaps if \
             {they_are} accepted",
            run.id,
            amount(run.gaps, "gap")
        );
        return Err(Mistake(problem).into());
    }
    let signed = store.sign_off(&run.id, by, arguments.note.as_deref(), (world.clock)()).await?;
    let before = store.sign_offs().await?.into_iter().find(|sign_off| sign_off.run == run.id);
    store.close().await;
    if let (false, Some(before)) = (signed, before) {
        let problem = format!(
            "run {} was signed off before, by {} on {}",
            run.id,
            visible(&before.by),
            before.at.format("%F")
        );
        return Err(Mistake(problem).into());
    }
    screen.line(format!(
        "Run {} of job {} is signed off by {}.",
        run.id,
        visible(run.job.as_deref().unwrap_or_default()),
        visible(by)
    ))?;
    Ok(Outcome::Done)
}
