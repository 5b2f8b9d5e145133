//! `recert history`: the runs that the store keeps.

use std::collections::HashMap;

use comfy_table::{Cell, CellAlignment, Table};

use serde::Serialize;

use super::open::{load, store};
use super::{Mistake, Outcome, Screen, World};
use crate::finding::Severity;
use crate::report::Completeness;
use crate::store::{RunRecord, SignOff};
use crate::untrusted::visible;

/// List the runs that the store keeps, the newest first
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    config: super::ConfigArgument,
    /// Only runs of this job
    #[arg(long, value_name = "JOB")]
    job: Option<String>,
    /// At most so many
    #[arg(long, value_name = "N", default_value_t = 20)]
    limit: usize,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

/// A run, and who signed it off.
#[derive(Serialize)]
struct Listed {
    #[serde(flatten)]
    run: RunRecord,
    signed_off: Option<SignOff>,
}

pub(super) async fn run(arguments: Arguments, world: &World, screen: &mut Screen) -> anyhow::Result<Outcome> {
    let config = load(&arguments.config.config, world)?;
    let store = store(&config)?;
    if let Some(job) = arguments.job.as_deref().filter(|job| config.job(job).is_none()) {
        // A job that was taken out may still have its runs.
        if store.runs(Some(job), 1).await?.is_empty() {
            let known: Vec<_> = config.job.iter().map(|job| job.name.as_str()).collect();
            let problem = format!("there is no job {job:?}, nor a run of one; known: {}", known.join(", "));
            return Err(Mistake(problem).into());
        }
    }
    let runs = store.runs(arguments.job.as_deref(), arguments.limit).await?;
    let mut sign_offs: HashMap<String, SignOff> =
        store.sign_offs().await?.into_iter().map(|sign_off| (sign_off.run.clone(), sign_off)).collect();
    store.close().await;
    let runs: Vec<Listed> =
        runs.into_iter().map(|run| Listed { signed_off: sign_offs.remove(&run.id), run }).collect();
    if arguments.json {
        screen.json(&runs)?;
        return Ok(Outcome::Done);
    }
    if runs.is_empty() {
        screen.line("No runs yet.")?;
        return Ok(Outcome::Done);
    }
    let mut table = Table::new();
    table.load_style(comfy_table::presets::UTF8_FULL_CONDENSED);
    table.set_header([
        "Run",
        "Job",
        "Slot",
        "Result",
        "Users",
        "Open findings",
        "Gaps",
        "Took",
        "Signed off",
    ]);
    for Listed { run, signed_off } in &runs {
        let right = |text: String| Cell::new(text).set_alignment(CellAlignment::Right);
        table.add_row([
            Cell::new(&run.id),
            Cell::new(run.job.as_deref().map(visible).unwrap_or_default()),
            Cell::new(
                run.slot.map_or_else(|| "on demand".to_owned(), |slot| slot.format("%F %R").to_string()),
            ),
            Cell::new(result(run)),
            right(run.users.to_string()),
            right(findings(run)),
            right(run.gaps.to_string()),
            right(took(run)),
            Cell::new(signed_off.as_ref().map_or_else(String::new, |sign_off| {
                format!("{}, {}", visible(&sign_off.by), sign_off.at.format("%F"))
            })),
        ]);
    }
    screen.line(table.to_string())?;
    Ok(Outcome::Done)
}

/// How a run ended, or how far it is.
pub(super) fn result(run: &RunRecord) -> &'static str {
    match run.verdict {
        Some(Completeness::Complete) => "complete",
        Some(Completeness::Incomplete) => "INCOMPLETE",
        None => run.state.as_str(),
    }
}

/// Open findings by severity, worst first: `2 critical, 5 high`.
fn findings(run: &RunRecord) -> String {
    let count = |severity: &Severity| run.findings.get(severity).filter(|count| **count > 0);
    let named =
        Severity::WORST_FIRST.iter().filter_map(|severity| Some(format!("{} {severity}", count(severity)?)));
    named.collect::<Vec<_>>().join(", ")
}

fn took(run: &RunRecord) -> String {
    match (run.started, run.finished) {
        (Some(started), Some(finished)) => format!("{} s", (finished - started).num_seconds()),
        _ => String::new(),
    }
}
