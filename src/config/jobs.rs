//! The tables that name jobs: what is reviewed when, and who receives it.

use std::collections::BTreeSet;
use std::path::PathBuf;

use chrono::TimeDelta;
use lettre::Address;
use serde::Deserialize;

use super::Problem;
use crate::render::Format;
use crate::report::Redaction;
use crate::schedule::{CatchUp, Schedule};

/// `[[job]]`: consoles that are reviewed together.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JobTable {
    /// Its name.
    pub name: String,
    /// When the daemon runs it, as five fields of cron; without it, only on demand.
    pub schedule: Option<String>,
    /// The zone that the schedule is read in, an IANA name.
    #[serde(default = "JobTable::default_timezone")]
    pub timezone: String,
    /// What becomes of slots that were missed.
    #[serde(default)]
    pub catch_up: CatchUp,
    /// Minutes that a run may start later than its slot, so that many daemons do not ask at once.
    #[serde(default)]
    pub jitter: u32,
    /// The consoles; all of them if left out.
    #[serde(default)]
    pub consoles: Vec<String>,
    /// The formats; those of [`Format::USUAL`] if left out.
    #[serde(default = "JobTable::default_formats")]
    pub formats: Vec<Format>,
    /// Runs whose snapshots, findings and files the store keeps.
    #[serde(default = "JobTable::default_keep")]
    pub keep: usize,
    /// `[[job.email]]`: who receives a mail.
    #[serde(default)]
    pub email: Vec<EmailTable>,
    /// `[[job.directory]]`: where the files go.
    #[serde(default)]
    pub directory: Vec<DirectoryTable>,
}

/// `[[job.email]]`: recipients of a mail; each gets a message of its own.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EmailTable {
    /// The recipients.
    pub to: Vec<String>,
    /// Recipients that the header names as copies.
    #[serde(default)]
    pub cc: Vec<String>,
    /// What makes a run worth a mail.
    #[serde(default)]
    pub when: When,
    /// The formats that are attached; the job's if left out, none if empty.
    pub formats: Option<Vec<Format>>,
    /// Bytes that the whole mail may have, as it is sent.
    #[serde(default = "EmailTable::default_max_size")]
    pub max_size: u64,
    /// Days without a mail after which a short one says that all is well; never if left out.
    pub heartbeat_days: Option<u32>,
    /// What these recipients do not get to see, in the mail and in every file; nothing if left out.
    #[serde(default)]
    pub redact: BTreeSet<Redaction>,
}

/// What makes a run worth a mail. An incomplete run always is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum When {
    /// Every run.
    #[default]
    Always,
    /// A run with an open finding.
    OnFindings,
    /// A run that differs from the one before, and the first.
    OnChange,
}

/// `[[job.directory]]`: a directory that receives each run in a folder of its own.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DirectoryTable {
    /// The directory.
    pub path: PathBuf,
    /// How many runs stay; all of them if left out.
    pub keep: Option<usize>,
    /// What the files that go there leave out; nothing if left out.
    #[serde(default)]
    pub redact: BTreeSet<Redaction>,
}

impl JobTable {
    fn default_timezone() -> String {
        "UTC".to_owned()
    }

    fn default_formats() -> Vec<Format> {
        Format::USUAL.to_vec()
    }

    const fn default_keep() -> usize {
        60
    }

    /// When it runs; `None` if only on demand.
    pub fn slots(&self) -> Result<Option<Schedule>, String> {
        let parse = |pattern: &String| Schedule::parse(pattern, &self.timezone);
        self.schedule.as_ref().map(parse).transpose().map_err(|error| error.to_string())
    }

    /// The most that a run may start after its slot.
    pub fn jitter(&self) -> TimeDelta {
        TimeDelta::minutes(self.jitter.into())
    }

    pub(super) fn check(&self) -> Result<(), Problem> {
        if self.name.trim().is_empty() || self.name.chars().any(char::is_control) {
            return Err(("name", "a job needs a name on one line".to_owned()));
        }
        self.slots().map_err(|problem| ("schedule", problem))?;
        if self.schedule.is_none() && self.timezone != Self::default_timezone() {
            return Err(("timezone", "means nothing without a schedule".to_owned()));
        }
        if self.jitter > 720 {
            return Err(("jitter", "must be at most 720 minutes".to_owned()));
        }
        if self.formats.is_empty() {
            return Err(("formats", "is empty; leave it out for the usual formats".to_owned()));
        }
        if self.keep < 2 {
            let problem = "must be at least 2: a run is compared with the one before".to_owned();
            return Err(("keep", problem));
        }
        if self.directory.iter().any(|directory| directory.keep == Some(0)) {
            return Err(("directory.keep", "must be at least 1; leave it out to keep every run".to_owned()));
        }
        let relative = |directory: &&DirectoryTable| !directory.path.is_absolute();
        if let Some(directory) = self.directory.iter().find(relative).filter(|_| self.schedule.is_some()) {
            let problem = format!("{}: a service needs an absolute path", directory.path.display());
            return Err(("directory.path", problem));
        }
        let mut receivers: Vec<_> = self.directory.iter().map(|directory| &directory.path).collect();
        receivers.sort();
        if receivers.windows(2).any(|pair| pair[0] == pair[1]) {
            return Err(("directory.path", "a directory is named twice".to_owned()));
        }
        self.email.iter().try_for_each(|email| email.check(&self.formats))?;
        let mut recipients: Vec<String> = self.email.iter().flat_map(EmailTable::recipients).collect();
        recipients.sort();
        match recipients.windows(2).find(|pair| pair[0] == pair[1]) {
            Some(pair) => Err(("email.to", format!("{} is named twice in one job", pair[0]))),
            None => Ok(()),
        }
    }
}

impl EmailTable {
    const fn default_max_size() -> u64 {
        10_000_000
    }

    /// Every address, in lower case, to be compared.
    fn recipients(&self) -> Vec<String> {
        self.to.iter().chain(&self.cc).map(|address| address.to_ascii_lowercase()).collect()
    }

    fn check(&self, of_job: &[Format]) -> Result<(), Problem> {
        if self.to.is_empty() {
            return Err(("email.to", "is empty; name a recipient or take the table out".to_owned()));
        }
        for (key, addresses) in [("email.to", &self.to), ("email.cc", &self.cc)] {
            let plain = |address: &&String| address.is_ascii() && address.parse::<Address>().is_ok();
            if let Some(wrong) = addresses.iter().find(|address| !plain(address)) {
                let problem = format!("{wrong:?} is not a plain mail address such as audit@example.com");
                return Err((key, problem));
            }
        }
        if let Some(format) = self.formats.iter().flatten().find(|format| !of_job.contains(format)) {
            let problem = format!("the job does not write {format:?}; add it to the job's formats");
            return Err(("email.formats", problem.to_lowercase()));
        }
        if self.max_size < 200_000 {
            return Err((
                "email.max_size",
                "must be at least 200000 bytes: the mail alone needs that".to_owned(),
            ));
        }
        if self.heartbeat_days == Some(0) {
            return Err(("email.heartbeat_days", "must be at least 1; leave it out for none".to_owned()));
        }
        Ok(())
    }
}
