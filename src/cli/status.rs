//! `recert status`: how every job and the outbox stand. For people, and for whatever watches the exit code.

use chrono::{DateTime, TimeDelta, Utc};
use comfy_table::Table;
use owo_colors::OwoColorize;
use serde::Serialize;

use super::history::result;
use super::open::{load, store};
use super::{Outcome, Screen, World};
use crate::job::{Plan, Standing, standing};
use crate::store::{OutboxDepth, Ownership};
use crate::untrusted::visible;

/// A mail that waits for longer is not on its way any more.
const LATE: TimeDelta = TimeDelta::hours(1);

/// Show how every job and the outbox stand; exits with 1 if a report is overdue or a mail cannot be delivered
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    config: super::ConfigArgument,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Status {
    daemon: bool,
    jobs: Vec<JobStatus>,
    outbox: OutboxStatus,
}

#[derive(Serialize)]
struct JobStatus {
    job: String,
    next: Option<DateTime<Utc>>,
    last_run: Option<String>,
    last_result: Option<&'static str>,
    last_slot: Option<DateTime<Utc>>,
    last_success: Option<DateTime<Utc>>,
    overdue: Option<DateTime<Utc>>,
    error: Option<String>,
}

#[derive(Serialize)]
struct OutboxStatus {
    waiting: u64,
    oldest: Option<DateTime<Utc>>,
    ambiguous: u64,
    refused: u64,
    expired: u64,
}

pub(super) async fn run(arguments: Arguments, world: &World, screen: &mut Screen) -> anyhow::Result<Outcome> {
    let config = load(&arguments.config.config, world)?;
    let store = store(&config)?;
    let now = (world.clock)();
    let jobs = Plan::jobs(&config)?;
    let mut standings = Vec::new();
    for job in &jobs {
        standings.push(standing(&store, job, now).await?);
    }
    let depth = store.outbox_depth().await?;
    store.close().await;
    let daemon = Ownership::is_taken(config.store.home());
    let status =
        Status { daemon, jobs: standings.iter().map(job_status).collect(), outbox: outbox_status(&depth) };
    let overdue = status.jobs.iter().any(|job| job.overdue.is_some());
    let late = depth.oldest.is_some_and(|oldest| now - oldest > LATE);
    let undelivered = late || depth.refused + depth.expired + depth.ambiguous > 0;
    if arguments.json {
        screen.json(&status)?;
    } else {
        print(&status, screen)?;
    }
    Ok(if overdue || undelivered { Outcome::Failed } else { Outcome::Done })
}

fn job_status(standing: &Standing) -> JobStatus {
    let last = standing.last.as_ref();
    JobStatus {
        job: standing.job.clone(),
        next: standing.next,
        last_run: last.map(|run| run.id.clone()),
        last_result: last.map(result),
        last_slot: last.and_then(|run| run.slot),
        last_success: standing.last_done.as_ref().and_then(|run| run.finished),
        overdue: standing.overdue,
        error: last.and_then(|run| run.error.clone()),
    }
}

fn outbox_status(depth: &OutboxDepth) -> OutboxStatus {
    OutboxStatus {
        waiting: depth.waiting,
        oldest: depth.oldest,
        ambiguous: depth.ambiguous,
        refused: depth.refused,
        expired: depth.expired,
    }
}

fn print(status: &Status, screen: &mut Screen) -> anyhow::Result<()> {
    let time = |time: Option<DateTime<Utc>>| {
        time.map_or_else(|| "-".to_owned(), |time| time.format("%F %R").to_string())
    };
    if status.daemon {
        screen.line("The daemon runs.")?;
    } else {
        screen.line(format!("{} The daemon does not run.", "!".yellow().bold()))?;
    }
    let mut table = Table::new();
    table.load_style(comfy_table::presets::UTF8_FULL_CONDENSED);
    table.set_header(["Job", "Next (UTC)", "Last slot", "Last result", "Last report", "Overdue since"]);
    for job in &status.jobs {
        table.add_row([
            visible(&job.job).to_string(),
            time(job.next),
            time(job.last_slot),
            job.last_result.unwrap_or("-").to_owned(),
            time(job.last_success),
            time(job.overdue),
        ]);
    }
    screen.line(table.to_string())?;
    for job in &status.jobs {
        if let Some(slot) = job.overdue {
            let label = "overdue".red().bold().to_string();
            screen.line(format!(
                "{label}  job {}: the report of {} UTC is missing",
                visible(&job.job),
                slot.format("%F %R")
            ))?;
        }
        if let Some(error) = &job.error {
            screen.line(format!(
                "{}   job {}: {}",
                "failed".red().bold(),
                visible(&job.job),
                visible(error)
            ))?;
        }
    }
    let outbox = &status.outbox;
    screen.line(format!(
        "Outbox: {} waiting{}, {} without an answer, {} refused, {} given up",
        outbox.waiting,
        outbox.oldest.map_or_else(String::new, |oldest| format!(" since {}", oldest.format("%F %R"))),
        outbox.ambiguous,
        outbox.refused,
        outbox.expired
    ))?;
    if outbox.ambiguous + outbox.refused + outbox.expired > 0 {
        screen.line(
            "`recert outbox` shows them; `recert outbox retry` or `recert outbox resolve` settles them.",
        )?;
    }
    Ok(())
}
