//! What people did on the console and set up there: exceptions, overrides, scans, reports.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};

/// A vulnerability exception.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExceptionRecord {
    /// The vulnerability's id.
    pub vulnerability: String,
    /// `Global`, `Site`, `Asset`, `Asset Group` or `Instance`.
    pub scope: String,
    /// Such as `Acceptable Risk`.
    pub reason: String,
    /// `Under Review`, `Approved`, `Rejected`, `Expired` or `Deleted`.
    pub state: String,
    /// Who asked for it.
    pub submitted: ActRecord,
    /// Who decided; the key is left out of answers if nobody did.
    pub reviewed: Option<ActRecord>,
    /// When it ends; the key is left out of answers if never.
    pub expires: Option<DateTime<Utc>>,
}

/// A policy override.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OverrideRecord {
    /// The policy rule's id.
    pub rule: i64,
    /// `all-assets`, `specific-asset` or `specific-asset-until-next-scan`.
    pub scope: String,
    /// `under-review`, `approved`, `rejected`, `expired` or `deleted`.
    pub state: String,
    /// Who asked for it.
    pub submitted: ActRecord,
    /// Who decided; the key is left out of answers if nobody did.
    pub reviewed: Option<ActRecord>,
    /// When it ends; the key is left out of answers if never.
    pub expires: Option<DateTime<Utc>>,
}

/// Who did something, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActRecord {
    /// The user's id.
    pub user: i64,
    /// The user's login at the time.
    pub login: String,
    /// When.
    pub at: DateTime<Utc>,
    /// What was said about it.
    pub comment: String,
}

/// A scan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScanRecord {
    /// Its name.
    pub name: String,
    /// The id of its site.
    pub site: i64,
    /// `automated`, `manual` or `scheduled`.
    pub kind: String,
    /// The login of who started it; the key is left out of answers if a schedule did.
    pub started_by: Option<String>,
    /// When it started.
    pub started: DateTime<Utc>,
}

/// A configured report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportRecord {
    /// Its name.
    pub name: String,
    /// The id of its owner, who may be gone.
    pub owner: i64,
    /// The ids of users with access of their own.
    pub users: BTreeSet<i64>,
    /// Addresses that it is mailed to beside the console's users.
    pub recipients: Vec<String>,
    /// Its template.
    pub template: String,
}
