//! The made-up organisation: its consoles on loopback, its papers in a directory, and a configuration that names both.

use std::fs;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use chrono::{DateTime, TimeDelta, Utc};

use super::super::Screen;
use crate::config::Config;
use crate::simulator::{self, Estate, Simulator, logons, roster};

use super::IN_FLIGHT;

/// Consoles that run, and the configuration for them.
pub(super) struct Organisation {
    /// The configuration, as it was written to a file and read back.
    pub(super) config: Config,
    simulators: Vec<Simulator>,
}

impl Organisation {
    /// Starts a console for each estate and writes everything that a review of them reads into a directory.
    pub(super) async fn start(
        estates: Vec<(String, Estate)>,
        directory: &Path,
        former: bool,
        screen: &mut Screen,
    ) -> anyhow::Result<Self> {
        fs::create_dir(directory)?;
        let as_of = estates.first().map(|(_, estate)| estate.as_of).unwrap_or_default();
        let people = write(directory, "people.csv", &roster(&estates, former))?;
        let mut text = format!("[roster]\nfile = {}\n", quoted(&people));
        let mut simulators = Vec::new();
        for (name, estate) in estates {
            let export = write(directory, &format!("{name}-users.csv"), &logons(&estate))?;
            let simulator = Simulator::start(estate, simulator::Options::default()).await?;
            if !former {
                screen.remark(format!("console {name} simulated at {}", simulator.url()));
            }
            let password = write(directory, &format!("{name}.password"), simulator.password())?;
            text.push_str(&console(&name, &simulator, &password, &export));
            simulators.push(simulator);
        }
        text.push_str(&declarations(as_of));
        let config = Config::load(&write(directory, "config.toml", &text)?, [])?;
        Ok(Self { config, simulators })
    }

    /// Stops the consoles.
    pub(super) async fn stop(self) {
        for simulator in self.simulators {
            simulator.stop().await;
        }
    }
}

/// Writes a file that only its owner can read.
fn write(directory: &Path, name: &str, content: &str) -> std::io::Result<PathBuf> {
    let path = directory.join(name);
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?;
    file.write_all(content.as_bytes())?;
    Ok(path)
}

/// A path as TOML writes it.
fn quoted(path: &Path) -> String {
    toml::Value::from(path.display().to_string()).to_string()
}

fn console(name: &str, simulator: &Simulator, password: &Path, export: &Path) -> String {
    format!(
        "[[console]]\nname = {name:?}\nurl = {:?}\nusername = {:?}\npassword = {{ file = {} }}\n\
         max_in_flight = {IN_FLIGHT}\nlast_logon = {{ export = {}, export_lists_all = true }}\n",
        simulator.url(),
        simulator.username(),
        quoted(password),
        quoted(export),
    )
}

/// What the organisation declares: one account of each kind, a rule of its own, and waivers of every state.
fn declarations(as_of: DateTime<Utc>) -> String {
    let day = |days: i64| (as_of + TimeDelta::days(days)).format("%F").to_string();
    format!(
        r#"
[analyzers.email_missing_or_invalid]
approved_domains = ["corp.example"]

[[account]]
login = "nxadmin"
console = "hq"
kind = "break_glass"
owner = "E10013"
purpose = "For the day on which the directory is away"
review = "{later}"
tested = "{tested}"

[[account]]
login = "svc-inventory"
console = "hq"
kind = "service"
owner = "E10013"
purpose = "Nightly inventory synchronisation"
review = "{reviewed}"

[[rule]]
id = "local_account_with_all_sites"
title = "Local account that reaches every site"
severity = "medium"
expression = "user.local && (user.all_sites || user.superuser)"
why = "Our policy wants wide access through the directory alone."
remediation = "Move the account to the directory, or give it the sites that it needs."
controls = ["iso-27001 5.15"]

[[waiver]]
rule = "global_admin_count"
console = "hq"
subject = "hq"
reason = "Two more administrators until the migration ends"
approved_by = "Head of Infrastructure"
expires = "{soon}"
ticket = "RISK-218"

[[waiver]]
rule = "HYG-02"
console = "hq"
subject = "helpdesk"
reason = "The service desk works in shifts"
approved_by = "Head of Workplace"
expires = "{past}"

[[waiver]]
rule = "locked_account"
console = "hq"
subject = "somebody.gone"
reason = "Long illness"
approved_by = "Human Resources"
expires = "{later}"
"#,
        tested = day(-300),
        reviewed = day(-30),
        soon = day(20),
        past = day(-12),
        later = day(200),
    )
}
