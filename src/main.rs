//! The binary: reads the clock, the arguments and the environment, and turns the outcome into an exit code.

use std::process::ExitCode;

use chrono::{DateTime, Utc};
use recert::cli::{self, World};

fn main() -> ExitCode {
    let world = World { clock: now, variables: std::env::vars_os().collect() };
    cli::run(std::env::args_os(), &world).into()
}

#[expect(clippy::disallowed_methods, reason = "the one place that reads the clock")]
fn now() -> DateTime<Utc> {
    Utc::now()
}
