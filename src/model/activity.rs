//! What accounts did, as far as anything tells: logons, scans, exceptions, reports.
//!
//! The API has no last logon (`console-api.md` §4). Logons come from the console's own log or from an export of its
//! pages; the rest is what the API shows of people's work.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::UserId;

/// Where logons are known from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogonSource {
    /// What kind of source.
    pub kind: LogonSourceKind,
    /// The file's name.
    pub label: String,
    /// From when on it would show a logon; `None` if from the beginning.
    pub since: Option<DateTime<Utc>>,
    /// Up to when it would show one.
    pub until: DateTime<Utc>,
}

/// What tells of a logon.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogonSourceKind {
    /// A list of users that an administrator exported from the console's pages: the console's own record.
    Export,
    /// The console's authentication log.
    Log,
}

impl LogonSourceKind {
    /// The name in files.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Export => "export",
            Self::Log => "log",
        }
    }
}

/// An account's last logon, or that there was none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastLogon {
    /// When; `None` if the source would show it and does not.
    pub at: Option<DateTime<Utc>>,
    /// What tells.
    pub source: LogonSourceKind,
    /// The address that it came from, where the source has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
}

/// A vulnerability exception or a policy override: somebody asked for it, somebody decided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exception {
    /// Which of the two.
    pub kind: ExceptionKind,
    /// Its id among its kind.
    pub id: i64,
    /// `Approved`, `Under Review`, or another word of the console.
    pub state: Option<String>,
    /// What it is for, in the console's words: the vulnerability or the policy rule.
    pub about: Option<String>,
    /// Where it counts, such as `Global` or `Site`.
    pub scope: Option<String>,
    /// Who asked for it, and when.
    pub submitted: Option<Act>,
    /// Who decided, and when.
    pub reviewed: Option<Act>,
    /// When it ends, as the console writes it.
    pub expires: Option<String>,
}

impl Exception {
    /// Whether it was approved; `None` if the console does not say. An expired or deleted one was approved before, or
    /// not: that is not known.
    pub fn is_approved(&self) -> Option<bool> {
        let state = self.state.as_deref()?.to_lowercase();
        match state.as_str() {
            "approved" => Some(true),
            "rejected" | "under review" | "under-review" => Some(false),
            _ => None,
        }
    }

    /// Its name for people: `vulnerability exception 12`.
    pub fn label(&self) -> String {
        format!("{} {}", self.kind.words(), self.id)
    }
}

/// What kind of exception.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExceptionKind {
    /// A vulnerability that is left as it is.
    Vulnerability,
    /// A policy result that is replaced.
    Policy,
}

impl ExceptionKind {
    /// In a sentence.
    pub fn words(self) -> &'static str {
        match self {
            Self::Vulnerability => "vulnerability exception",
            Self::Policy => "policy override",
        }
    }
}

/// Somebody did something.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Act {
    /// The user's id, where the console gives it.
    pub user: Option<UserId>,
    /// The login or name that the console gives beside it, or instead.
    pub name: Option<String>,
    /// When.
    pub at: Option<DateTime<Utc>>,
}

/// The scans that one name started.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScanActivity {
    /// The name, as the scans carry it: a login or a full name.
    pub started_by: String,
    /// How many scans.
    pub scans: u64,
    /// When the last one started.
    pub last: DateTime<Utc>,
}

/// A configured report of the console: a second way to its data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportAccess {
    /// Its id.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// Its owner; may be a user that is gone.
    pub owner: Option<UserId>,
    /// Users with access of their own, sorted.
    pub users: Vec<UserId>,
    /// Mail addresses that it is sent to beside the console's users, sorted.
    pub recipients: Vec<String>,
}
