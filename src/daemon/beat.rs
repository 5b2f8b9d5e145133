//! The heartbeat: one event every second, from the scheduler in UTC.
//!
//! The scheduler waits by the wall clock. When that is set back, its next beat lies in the future; the time without a
//! beat is therefore measured by a clock that cannot be set, and a scheduler that fell silent is replaced.

use std::time::Duration;

use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::time::timeout;
use tokio_cron_scheduler::{Job, JobScheduler, JobSchedulerError};

/// Every second.
const EVERY_SECOND: &str = "* * * * * *";
/// A scheduler that is silent for so long does not live any more.
const SILENCE: Duration = Duration::from_secs(5);

/// Sends a beat every second until nobody listens. A listener that is busy misses beats, it does not collect them.
pub(super) async fn beat(listener: Sender<()>) {
    let (ticks, mut ticked) = channel(1);
    let mut scheduler = None;
    while !listener.is_closed() {
        if scheduler.is_none() {
            match start(ticks.clone()).await {
                Ok(started) => scheduler = Some(started),
                Err(error) => tracing::error!("the scheduler does not start: {error}"),
            }
        }
        if !heard(&mut ticked).await {
            tracing::warn!("no beat for {SILENCE:?}: the clock was set back; the scheduler is started anew");
            stop(scheduler.take()).await;
        }
        // Also after a silence: the daemon must judge the new time at once.
        let _ = listener.try_send(());
    }
    stop(scheduler).await;
}

async fn heard(ticked: &mut Receiver<()>) -> bool {
    matches!(timeout(SILENCE, ticked.recv()).await, Ok(Some(())))
}

async fn start(ticks: Sender<()>) -> Result<JobScheduler, JobSchedulerError> {
    let scheduler = JobScheduler::new().await?;
    let job = Job::new(EVERY_SECOND, move |_, _| {
        let _ = ticks.try_send(());
    })?;
    scheduler.add(job).await?;
    scheduler.start().await?;
    Ok(scheduler)
}

async fn stop(scheduler: Option<JobScheduler>) {
    if let Some(mut scheduler) = scheduler
        && let Err(error) = scheduler.shutdown().await
    {
        tracing::debug!("the scheduler does not stop: {error}");
    }
}
