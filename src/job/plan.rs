//! A plan: a configuration of which everything has been tried that can be tried without sending anything.

use std::path::PathBuf;
use std::sync::Arc;

use thiserror::Error;
use tokio_util::sync::CancellationToken;

use super::Host;
use crate::collect::Progress;
use crate::config::{Config, ConsoleTable, EmailTable, JobTable, SigningKeyError};
use crate::console::{Console, SettingsError};
use crate::deliver::{Courier, Relay};
use crate::evidence::SigningKey;
use crate::render::{TemplateError, Templates};
use crate::review::Source;
use crate::schedule::Schedule;
use crate::secret::SecretError;

/// A configuration that can be worked by.
#[derive(Debug)]
pub struct Plan {
    /// The configuration.
    pub config: Config,
    /// Its jobs, in its order.
    pub jobs: Vec<PlannedJob>,
    /// The templates.
    pub templates: Templates,
    /// Who signs the evidence; `None` leaves it unsigned.
    pub key: Option<Arc<SigningKey>>,
    relay: Option<Arc<Relay>>,
}

/// A job with its schedule.
#[derive(Debug, Clone)]
pub struct PlannedJob {
    /// Its table.
    pub table: JobTable,
    /// When it runs; `None` if only on demand.
    pub schedule: Option<Schedule>,
    /// The names of its consoles.
    pub consoles: Vec<String>,
}

impl PlannedJob {
    /// Everyone whom a mail of the job can go to.
    pub fn recipients(&self) -> Vec<String> {
        let of_table = |email: &EmailTable| [&email.to[..], &email.cc[..]].concat();
        self.table.email.iter().flat_map(of_table).collect()
    }
}

/// What is wrong with a configuration that is well-formed.
#[derive(Debug, Error)]
pub enum PlanError {
    /// A templates directory.
    #[error("templates: {0}")]
    Templates(#[from] TemplateError),
    /// A password.
    #[error("{place}: {error}")]
    Secret {
        /// The console, or the relay.
        place: String,
        /// What is wrong.
        error: SecretError,
    },
    /// A console's trust.
    #[error("console {name}: {error}")]
    Console {
        /// The console.
        name: String,
        /// What is wrong.
        error: SettingsError,
    },
    /// The relay's trust.
    #[error("smtp: {0}")]
    Relay(String),
    /// The key of the evidence.
    #[error(transparent)]
    Key(#[from] SigningKeyError),
    /// A schedule.
    #[error("job {job}: schedule: {problem}")]
    Schedule {
        /// The job.
        job: String,
        /// What is wrong.
        problem: String,
    },
    /// A directory that receives reports.
    #[error("job {job}: directory {}: {error}; create it, writable by the user that runs recert", path.display())]
    Directory {
        /// The job.
        job: String,
        /// The directory.
        path: PathBuf,
        /// What the system says.
        error: std::io::Error,
    },
}

impl Plan {
    /// Tries everything: templates, secrets, certificates, schedules, directories. Sends nothing.
    pub fn make(config: Config) -> Result<Self, PlanError> {
        let templates = match &config.templates {
            Some(directory) => Templates::from_directory(directory)?,
            None => Templates::builtin(),
        };
        for console in &config.console {
            open(console)?;
        }
        let relay = config.smtp.as_ref().map(|smtp| {
            let secret = |error| PlanError::Secret { place: "smtp".to_owned(), error };
            let relay = smtp.relay().map_err(secret)?;
            relay.check().map_err(|error| PlanError::Relay(error.to_string()))?;
            Ok::<_, PlanError>(Arc::new(relay))
        });
        let relay = relay.transpose()?;
        let key = config.evidence.signing_key()?.map(Arc::new);
        let jobs = Self::jobs(&config)?;
        for table in &config.job {
            for directory in &table.directory {
                tempfile::tempfile_in(&directory.path).map_err(|error| PlanError::Directory {
                    job: table.name.clone(),
                    path: directory.path.clone(),
                    error,
                })?;
            }
        }
        Ok(Self { config, jobs, templates, key, relay })
    }

    /// The jobs of a configuration with their schedules; needs no secret.
    pub fn jobs(config: &Config) -> Result<Vec<PlannedJob>, PlanError> {
        let all = || config.console.iter().map(|console| console.name.clone()).collect();
        let plan = |table: &JobTable| {
            let wrong = |problem| PlanError::Schedule { job: table.name.clone(), problem };
            Ok(PlannedJob {
                schedule: table.slots().map_err(wrong)?,
                consoles: if table.consoles.is_empty() { all() } else { table.consoles.clone() },
                table: table.clone(),
            })
        };
        config.job.iter().map(plan).collect()
    }

    /// A job by its name.
    pub fn job(&self, name: &str) -> Option<&PlannedJob> {
        self.jobs.iter().find(|job| job.table.name == name)
    }

    /// Clients for the consoles of a job, made anew: what one run learned about a credential is not for the next.
    pub fn sources(&self, job: &PlannedJob) -> Result<Vec<Source>, PlanError> {
        let also = self.config.policy.wants();
        let consoles = job.consoles.iter().filter_map(|name| self.config.console(name));
        let source = |table: &ConsoleTable| {
            let mut source = open(table)?;
            source.options.also.clone_from(&also);
            Ok(source)
        };
        consoles.map(source).collect()
    }

    /// Who delivers under this plan, until it is told to stop.
    pub fn courier(&self, host: &Host, stop: CancellationToken) -> Courier {
        let keep = self.config.job.iter().flat_map(|job| {
            let keep = |directory: &crate::config::DirectoryTable| {
                ((job.name.clone(), directory.path.clone()), directory.keep)
            };
            job.directory.iter().map(keep)
        });
        Courier {
            store: host.store.clone(),
            relay: self.relay.clone(),
            from: self.config.smtp.as_ref().map(|smtp| smtp.from.clone()).unwrap_or_default(),
            on_ambiguous: self.config.smtp.as_ref().map(|smtp| smtp.on_ambiguous).unwrap_or_default(),
            runs: host.runs(),
            keep: keep.filter_map(|(directory, keep)| Some((directory, keep?))).collect(),
            clock: host.clock,
            stop,
        }
    }
}

/// Makes a console's client. Reads the password; sends nothing.
pub fn open(table: &ConsoleTable) -> Result<Source, PlanError> {
    let secret = |error| PlanError::Secret { place: format!("console {}", table.name), error };
    let client = |error| PlanError::Console { name: table.name.clone(), error };
    Ok(Source {
        console: Console::connect(table.settings().map_err(secret)?).map_err(client)?,
        options: table.options(),
        progress: Arc::new(Progress::default()),
    })
}
