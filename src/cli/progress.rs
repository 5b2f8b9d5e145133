//! Progress bars: users done, calls, calls per second, time left; one for each console, on a terminal only.

use std::sync::Arc;
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use tokio::task::JoinHandle;

use super::{Screen, amount};
use crate::collect::{Progress, Stage};
use crate::console::Console;
use crate::review::Source;

/// How often the bars are drawn.
const TICK: Duration = Duration::from_millis(120);

/// Draws until it is dropped.
pub(super) struct Watch {
    tasks: Vec<JoinHandle<()>>,
    bars: MultiProgress,
}

impl Watch {
    /// Starts drawing the progress of these consoles.
    pub(super) fn start(sources: &[Source], screen: &Screen) -> Self {
        let target =
            if screen.interactive { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let bars = MultiProgress::with_draw_target(target);
        let draw = |source: &Source| {
            let bar = bars.add(ProgressBar::new(0));
            bar.set_prefix(source.options.name.clone());
            tokio::spawn(draw(bar, source.console.clone(), source.progress.clone()))
        };
        let tasks = if screen.interactive { sources.iter().map(draw).collect() } else { Vec::new() };
        Self { tasks, bars }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
        // A terminal that went away takes its bars with it.
        drop(self.bars.clear());
    }
}

async fn draw(bar: ProgressBar, console: Console, progress: Arc<Progress>) {
    if let Ok(style) = ProgressStyle::with_template("{prefix:>12} {bar:32.cyan/black} {msg}") {
        bar.set_style(style);
    }
    let started = Instant::now();
    let mut ticks = tokio::time::interval(TICK);
    while progress.stage() != Stage::Done {
        ticks.tick().await;
        bar.set_length(progress.users().max(1));
        bar.set_position(progress.users_done());
        bar.set_message(message(&progress, console.traffic().sent, started.elapsed()));
    }
    bar.finish_and_clear();
}

fn message(progress: &Progress, calls: u64, elapsed: Duration) -> String {
    let (users, done) = (progress.users(), progress.users_done());
    let rate = u128::from(calls) * 1000 / elapsed.as_millis().max(1);
    let calls = amount(calls, "call");
    if progress.stage() == Stage::Listing || done == 0 {
        return format!("reading the lists · {calls} · {rate}/s");
    }
    let left =
        u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX) / done * users.saturating_sub(done) / 1000;
    format!("{done}/{users} users · {calls} · {rate}/s · {}:{:02} left", left / 60, left % 60)
}
