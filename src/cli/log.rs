//! The log on standard error: for people with the time, for the journal with a priority that it understands.

use std::fmt;
use std::io;

use tracing::{Event, Level, Subscriber};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

use super::World;

/// Starts the log. `RECERT_LOG` sets the level as `tracing`'s filters do; `level` is what counts without it.
pub(super) fn start(level: &str, world: &World) {
    let filter = world.variable("RECERT_LOG").unwrap_or_else(|| format!("{level},tokio_cron_scheduler=warn"));
    let logs = tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new(filter))
        .with_writer(io::stderr)
        .with_ansi(false)
        .with_target(false);
    // systemd sets it where standard error is a connection to the journal. A second start in one process keeps the first.
    if world.variable("JOURNAL_STREAM").is_some() {
        drop(logs.event_format(ForJournal).try_init());
    } else {
        drop(logs.try_init());
    }
}

/// `<6>run done job="weekly"`: the journal reads the priority (sd-daemon(3)) and has its own time.
struct ForJournal;

impl<S, N> FormatEvent<S, N> for ForJournal
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut out: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let priority = match *event.metadata().level() {
            Level::ERROR => 3,
            Level::WARN => 4,
            Level::INFO => 6,
            _ => 7,
        };
        write!(out, "<{priority}>")?;
        context.format_fields(out.by_ref(), event)?;
        writeln!(out)
    }
}
