//! The table that names where the last logons of a console come from.

use std::path::{Path, PathBuf};

use chrono_tz::Tz;
use serde::Deserialize;

use super::Problem;
use crate::logon::{DateFormat, Export, Log, Pattern, Sources};

/// `last_logon` of a console: its own log, an exported list of its users, or both.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LastLogonTable {
    /// The console's authentication log, where recert runs on the console's host.
    pub log: Option<PathBuf>,
    /// The table of users as an administrator exported it, CSV.
    pub export: Option<PathBuf>,
    /// The zone of times without one: that of the console's host.
    #[serde(default = "LastLogonTable::default_timezone")]
    pub timezone: String,
    /// What a logon looks like in the log: a regular expression; the built-in pattern if left out.
    pub pattern: Option<String>,
    /// The columns of the export.
    #[serde(default)]
    pub columns: ColumnsTable,
    /// The form of the export's times, as `strftime` writes it; the usual forms if left out.
    pub date_format: Option<String>,
    /// Days after which an export is too old.
    #[serde(default = "LastLogonTable::default_max_age_days")]
    pub max_age_days: u32,
    /// Whether the export lists every account, so that one which is not in it never logged on.
    #[serde(default)]
    pub export_lists_all: bool,
}

/// `columns`: how the export names what is read of it; the usual names if left out.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ColumnsTable {
    /// The login.
    pub login: Option<String>,
    /// The last logon.
    pub last_logon: Option<String>,
}

impl LastLogonTable {
    fn default_timezone() -> String {
        "UTC".to_owned()
    }

    const fn default_max_age_days() -> u32 {
        45
    }

    /// What the reading needs. Reads nothing yet.
    pub fn sources(&self) -> Result<Sources, Problem> {
        if self.log.is_none() && self.export.is_none() {
            let problem = "names no source; give log, export or both, or take the table out";
            return Err(("last_logon", problem.to_owned()));
        }
        absolute("last_logon.log", self.log.as_deref())?;
        absolute("last_logon.export", self.export.as_deref())?;
        let zone: Tz = self.timezone.parse().map_err(|_| {
            let problem = format!("{:?} is no IANA time zone, such as Europe/Berlin", self.timezone);
            ("last_logon.timezone", problem)
        })?;
        let pattern = match &self.pattern {
            None => Pattern::BUILTIN,
            Some(_) if self.log.is_none() => {
                return Err(("last_logon.pattern", "means nothing without a log".to_owned()));
            }
            Some(text) => Pattern::new(text).map_err(|problem| ("last_logon.pattern", problem))?,
        };
        let date_format = self.date_format.as_deref().map(DateFormat::new).transpose();
        let date_format = date_format.map_err(|problem| ("last_logon.date_format", problem))?;
        if !(1..=3650).contains(&self.max_age_days) {
            return Err(("last_logon.max_age_days", "must be between 1 and 3650".to_owned()));
        }
        if self.export.is_none()
            && (date_format.is_some() || self.export_lists_all || self.columns.is_given())
        {
            let problem = "columns, date_format and export_lists_all mean nothing without an export";
            return Err(("last_logon.export", problem.to_owned()));
        }
        let blank = |name: &Option<String>| name.as_ref().is_some_and(|name| name.trim().is_empty());
        if blank(&self.columns.login) || blank(&self.columns.last_logon) {
            return Err((
                "last_logon.columns",
                "a column needs its name, as the export's first line has it".to_owned(),
            ));
        }
        Ok(Sources {
            log: self.log.as_ref().map(|path| Log { path: path.clone(), zone, pattern }),
            export: self.export.as_ref().map(|path| Export {
                path: path.clone(),
                zone,
                login: self.columns.login.clone(),
                last_logon: self.columns.last_logon.clone(),
                date_format,
                max_age_days: self.max_age_days,
                lists_all: self.export_lists_all,
            }),
        })
    }

    pub(super) fn check(&self) -> Result<(), Problem> {
        self.sources().map(drop)
    }
}

impl ColumnsTable {
    fn is_given(&self) -> bool {
        self.login.is_some() || self.last_logon.is_some()
    }
}

/// The daemon has another working directory than whoever writes the configuration.
fn absolute(key: &'static str, path: Option<&Path>) -> Result<(), Problem> {
    match path {
        Some(path) if !path.is_absolute() => Err((key, "must be the absolute path of a file".to_owned())),
        _ => Ok(()),
    }
}
