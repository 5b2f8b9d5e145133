//! A simulated console as a review reads it. Other test programs take it by its path.

use std::collections::BTreeSet;
use std::sync::Arc;

use recert::collect::{Focus, Options, Progress, TwoFactorPolicy};
use recert::console::{Console, Settings};
use recert::model::Depth;
use recert::review::Source;
use recert::simulator::Simulator;
use secrecy::SecretString;

/// Everything of everyone on this console.
pub(crate) fn source(name: &str, simulator: &Simulator) -> Source {
    let login = simulator.username().to_owned();
    let password = SecretString::from(simulator.password());
    let settings = Settings::new(simulator.url().parse().unwrap(), login.clone(), password);
    Source {
        console: Console::connect(settings).unwrap(),
        options: Options {
            name: name.to_owned(),
            login,
            depth: Depth::Full,
            two_factor: TwoFactorPolicy::Auto,
            concurrency: 16,
            focus: Focus::Everyone,
            also: BTreeSet::new(),
        },
        progress: Arc::new(Progress::default()),
    }
}
