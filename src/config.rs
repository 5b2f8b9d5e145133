//! The configuration: one TOML file, layered with `RECERT__SECTION__KEY` from the environment, checked whole.
//!
//! The file is also parsed by `toml` alone, because that parser's errors show the line and a caret.

mod consoles;
mod delivery;
mod jobs;
mod judging;
mod last_logon;
mod lines;
mod roster;
mod rules;
mod words;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::{fs, io};

use serde::Deserialize;
use sha2::{Digest, Sha256};
use thiserror::Error;

use crate::analyze::{Analyzers, DeclaredAccount, OwnRule, Policy};
use crate::people::Links;
use crate::waiver::Waiver;

use lines::{Lines, line_at};
use words::plain;

pub use consoles::{ConsoleTable, TlsTable};
pub use delivery::{DaemonTable, EvidenceTable, SigningKeyError, SmtpTable, StoreTable};
pub use jobs::{DirectoryTable, EmailTable, JobTable, When};
pub use judging::nearest;
pub use last_logon::{ColumnsTable, LastLogonTable};
pub use roster::RosterTable;
pub use rules::RuleTable;

/// What is wrong: the key, and the problem with its mend.
pub type Problem = (&'static str, String);

/// The prefix of environment variables that override keys.
const PREFIX: &str = "RECERT__";

/// Everything that can be configured.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// A directory whose templates replace the built-in ones.
    pub templates: Option<PathBuf>,
    /// `[store]`: where runs, findings and mails on their way are kept.
    #[serde(default)]
    pub store: StoreTable,
    /// `[smtp]`: the relay that takes the mail.
    pub smtp: Option<SmtpTable>,
    /// `[evidence]`: who signs the evidence of each run.
    #[serde(default)]
    pub evidence: EvidenceTable,
    /// `[daemon]`: the service's own listener.
    #[serde(default)]
    pub daemon: DaemonTable,
    /// `[[console]]`: the consoles under review.
    #[serde(default)]
    pub console: Vec<ConsoleTable>,
    /// `[roster]`: the people whom accounts are joined with.
    pub roster: Option<RosterTable>,
    /// `[[job]]`: what is reviewed together.
    #[serde(default)]
    pub job: Vec<JobTable>,
    /// `[analyzers.RULE]`: the rules and their knobs.
    #[serde(default)]
    pub analyzers: Analyzers,
    /// `[[rule]]`: rules of one's own.
    #[serde(default)]
    pub rule: Vec<RuleTable>,
    /// `[[account]]`: service and break-glass accounts, and whose account is whose.
    #[serde(default)]
    pub account: Vec<DeclaredAccount>,
    /// `[[waiver]]`: exceptions to rules.
    #[serde(default)]
    pub waiver: Vec<Waiver>,
    /// A file with further waivers; `recert waive` writes it.
    pub waiver_file: Option<PathBuf>,
    /// What a review judges by, from the tables above and the file of waivers.
    #[serde(skip)]
    pub policy: Policy,
    /// SHA-256 over the file, the waivers' file and the overrides, hex: the configuration that counts.
    #[serde(skip)]
    pub hash: String,
    /// The file that it was read from.
    #[serde(skip)]
    pub path: PathBuf,
}

/// What is wrong with a configuration, and where.
#[derive(Debug, Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read the configuration {}: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The file of waivers cannot be read.
    #[error("waiver_file: cannot read the file of waivers {}: {source}", path.display())]
    UnreadableWaivers {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The file is not what it should be; the text shows line and caret.
    #[error("{}: {problem}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong, with its line.
        problem: String,
    },
    /// An override in the environment is not what it should be.
    #[error("environment: {problem} (set by {variables})")]
    Environment {
        /// What is wrong, with its key.
        problem: String,
        /// The variables that are set.
        variables: String,
    },
    /// The keys are well-formed, but a value cannot be right.
    #[error("{}: {place}: {problem}", path.display())]
    Value {
        /// The file.
        path: PathBuf,
        /// The key.
        place: String,
        /// What is wrong and how to mend it.
        problem: String,
    },
}

impl Config {
    /// Reads and checks a configuration. `environment` is the process's variables; only `RECERT__…` count.
    pub fn load(
        path: &Path,
        environment: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, ConfigError> {
        Self::read(path, environment, None)
    }

    /// Reads and checks a configuration as it would be with another content of its file of waivers, which is not read.
    pub fn load_with_waivers(
        path: &Path,
        environment: impl IntoIterator<Item = (String, String)>,
        waivers: &[u8],
    ) -> Result<Self, ConfigError> {
        Self::read(path, environment, Some(waivers))
    }

    fn read(
        path: &Path,
        environment: impl IntoIterator<Item = (String, String)>,
        in_place: Option<&[u8]>,
    ) -> Result<Self, ConfigError> {
        let bytes =
            fs::read(path).map_err(|source| ConfigError::Unreadable { path: path.to_owned(), source })?;
        let text = utf8(path, &bytes)?;
        let overrides: BTreeMap<String, String> =
            environment.into_iter().filter(|(name, _)| name.starts_with(PREFIX)).collect();
        let mut config = layered(path, text, &overrides)?;
        path.clone_into(&mut config.path);
        let lines = Lines::of(text);
        let mut waivers = judging::named(std::mem::take(&mut config.waiver), "", &lines);
        let value = |(place, problem)| ConfigError::Value { path: path.to_owned(), place, problem };
        let mut of_file = Vec::new();
        if let Some(file) = &config.waiver_file {
            judging::check_waiver_file(file).map_err(value)?;
            of_file = in_place.map_or_else(|| judging::read_waivers(file), |bytes| Ok(bytes.to_owned()))?;
            waivers.extend(judging::parse_waivers(file, &of_file)?);
        }
        config.hash = hash(text, &overrides, &of_file);
        config.policy = Policy {
            analyzers: config.analyzers.clone(),
            own: config.own_rules(&lines).map_err(value)?,
            accounts: config.account.clone(),
            waivers,
        };
        config.check(&lines).map_err(value)?;
        Ok(config)
    }

    /// A console by its configured name.
    pub fn console(&self, name: &str) -> Option<&ConsoleTable> {
        self.console.iter().find(|console| console.name == name)
    }

    /// Whose account is whose, as `[[account]]` tables say it, on every console; and who answers for one.
    pub fn links(&self) -> Links {
        let mut links = Links::default();
        for (account, person) in
            self.account.iter().filter_map(|account| Some((account, account.person.as_ref()?)))
        {
            for console in self.console.iter().filter(|console| account.is_on(&console.name)) {
                links.declare(&console.name, &account.login, person);
            }
        }
        for owner in self.account.iter().filter_map(|account| account.owner.as_deref()) {
            links.ask(owner);
        }
        links
    }

    /// A job by its name.
    pub fn job(&self, name: &str) -> Option<&JobTable> {
        self.job.iter().find(|job| job.name == name)
    }

    /// Checks what the types cannot. The error is the key and the problem.
    fn check(&self, lines: &Lines) -> Result<(), (String, String)> {
        self.store.check().map_err(|(key, problem)| (format!("store.{key}"), problem))?;
        if let Some(smtp) = &self.smtp {
            smtp.check().map_err(|(key, problem)| (format!("smtp.{key}"), problem))?;
        }
        for (index, console) in self.console.iter().enumerate() {
            let place = format!("console[{index}] {:?}", console.name);
            console.check().map_err(|(key, problem)| (format!("{place}: {key}"), problem))?;
            if self.console[..index].iter().any(|other| other.name.eq_ignore_ascii_case(&console.name)) {
                return Err((place, "two consoles have this name; give each its own".to_owned()));
            }
        }
        if let Some(roster) = &self.roster {
            roster.check().map_err(|(key, problem)| (format!("roster.{key}"), problem))?;
        }
        if let Some(mistake) = self.policy.mistakes().into_iter().next() {
            let (place, problem) = mistake.split_once(": ").unwrap_or(("analyzers", &mistake));
            return Err((place.to_owned(), problem.to_owned()));
        }
        let consoles: Vec<&str> = self.console.iter().map(|console| &*console.name).collect();
        judging::check_patterns(&self.analyzers)?;
        judging::check_accounts(&self.account, &consoles, lines)?;
        judging::check_waivers(&self.policy, &consoles)?;
        for (index, job) in self.job.iter().enumerate() {
            let place = format!("job[{index}] {:?}", job.name);
            job.check().map_err(|(key, problem)| (format!("{place}: {key}"), problem))?;
            if self.job[..index].iter().any(|other| other.name.eq_ignore_ascii_case(&job.name)) {
                return Err((place, "two jobs have this name; give each its own".to_owned()));
            }
            if self.console.is_empty() {
                return Err((place, "there is no console to review; add a [[console]] table".to_owned()));
            }
            let repeated = |name: &&String| job.consoles.iter().filter(|other| other == name).count() > 1;
            if let Some(name) = job.consoles.iter().find(repeated) {
                return Err((format!("{place}: consoles"), format!("{name:?} is named twice")));
            }
            if let Some(unknown) = job.consoles.iter().find(|name| self.console(name).is_none()) {
                let known: Vec<_> = self.console.iter().map(|console| console.name.as_str()).collect();
                let problem = format!("there is no console {unknown:?}; known: {}", known.join(", "));
                return Err((format!("{place}: consoles"), problem));
            }
            if !job.email.is_empty() && self.smtp.is_none() {
                return Err((format!("{place}: email"), "needs an [smtp] table with the relay".to_owned()));
            }
        }
        Ok(())
    }

    /// The rules of one's own, compiled.
    fn own_rules(&self, lines: &Lines) -> Result<Vec<OwnRule>, (String, String)> {
        if self.rule.len() > rules::MAX_RULES {
            let problem = format!("has {} rules; at most {} are possible", self.rule.len(), rules::MAX_RULES);
            return Err(("rule".to_owned(), problem));
        }
        let mut own = Vec::new();
        for (index, rule) in self.rule.iter().enumerate() {
            let place = format!("{} {:?}", lines.rule(index), rule.id);
            own.push(rule.compile(index).map_err(|(key, problem)| (format!("{place}: {key}"), problem))?);
            if self.rule[..index].iter().any(|other| other.id == rule.id) {
                return Err((place, "two rules have this id; give each its own".to_owned()));
            }
        }
        Ok(own)
    }
}

fn layered(path: &Path, text: &str, overrides: &BTreeMap<String, String>) -> Result<Config, ConfigError> {
    let alone = toml::from_str::<Config>(text)
        .map_err(|error| ConfigError::File { path: path.to_owned(), problem: located(text, &error) });
    if overrides.is_empty() {
        return alone;
    }
    let variables = || overrides.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
    let blame = |problem: String| ConfigError::Environment { problem, variables: variables() };
    let mut builder =
        config::Config::builder().add_source(config::File::from_str(text, config::FileFormat::Toml));
    for (variable, value) in overrides {
        builder = builder
            .set_override(key(variable), value.as_str())
            .map_err(|error| blame(format!("{variable}: {error}")))?;
    }
    let together = builder.build().and_then(config::Config::try_deserialize);
    match (together, alone) {
        (Ok(config), _) => Ok(config),
        // The file's own mistake is told first: its error knows the line.
        (Err(_), Err(mistake)) => Err(mistake),
        (Err(error), Ok(_)) => Err(blame(plain(&error.to_string()))),
    }
}

/// The parser's error with line and caret, unless the line could hold a secret: then without it.
fn located(text: &str, error: &toml::de::Error) -> String {
    let start = error.span().map_or(0, |span| span.start.min(text.len()));
    let number = line_at(text, start);
    let line = text.lines().nth(number - 1).unwrap_or_default();
    if line.contains("password") || line.contains("token") || line.contains(['@', '?']) {
        format!("line {number}: {}", plain(error.message()))
    } else {
        plain(&error.to_string())
    }
}

/// The text of a file.
fn utf8<'a>(path: &Path, bytes: &'a [u8]) -> Result<&'a str, ConfigError> {
    std::str::from_utf8(bytes).map_err(|error| {
        let number = bytes[..error.valid_up_to()].split(|byte| *byte == b'\n').count();
        let problem = format!("line {number}: is not UTF-8; save the file in this encoding");
        ConfigError::File { path: path.to_owned(), problem }
    })
}

/// `RECERT__CONSOLE__0__URL` names the key `console[0].url`.
fn key(variable: &str) -> String {
    let mut key = String::new();
    for segment in variable[PREFIX.len()..].split("__") {
        if !segment.is_empty() && segment.bytes().all(|byte| byte.is_ascii_digit()) {
            key = format!("{key}[{segment}]");
        } else {
            let dot = if key.is_empty() { "" } else { "." };
            key = format!("{key}{dot}{}", segment.to_ascii_lowercase());
        }
    }
    key
}

/// Over the very bytes that were parsed.
fn hash(text: &str, overrides: &BTreeMap<String, String>, waivers: &[u8]) -> String {
    let mut hash = Sha256::new();
    hash.update(text);
    hash.update(waivers);
    for (variable, value) in overrides {
        hash.update(format!("\n{variable}={value}"));
    }
    hex::encode(hash.finalize())
}
