//! The one error of the client: what happened, where, and what a caller can do about it.

use std::fmt;
use std::time::Duration;

use thiserror::Error;

/// Why a call has no answer.
#[derive(Debug, Clone, Error)]
#[error("{endpoint}: {kind}")]
pub struct Error {
    /// The path template, such as `/api/3/users/{id}/sites`.
    pub endpoint: &'static str,
    /// What happened.
    pub kind: ErrorKind,
    /// How many requests were sent for this call; 0 if none was.
    pub attempts: u32,
}

/// The classes of failure, by what a caller can do.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ErrorKind {
    /// The console refuses the credential. Not retried: failed logins lock accounts. Nothing more is sent, unless the
    /// credential worked before and the console did not answer when asked whether it still does: then one call is sent at
    /// a time until one works, and the next 401 is the last.
    #[error(
        "the console refuses the credential (401); it is not tried again, because failed logins lock the account"
    )]
    Unauthorized,
    /// 401 or 403 for this resource, while the credential works elsewhere.
    #[error("this account may not read it ({status})")]
    Forbidden {
        /// 401 or 403.
        status: u16,
    },
    /// 404: not there, or hidden from this account; the console does not say which.
    #[error("not there, or hidden from this account (404)")]
    NotFound,
    /// 400 and the other refusals of a request that would be refused again.
    #[error("the console rejects the request ({status}): {message}")]
    Rejected {
        /// The HTTP status.
        status: u16,
        /// The console's own message, shortened, control characters removed.
        message: String,
    },
    /// 429 until the retries were used up.
    #[error("the console asks for fewer calls (429)")]
    Throttled {
        /// What its last `Retry-After` asked for.
        retry_after: Option<Duration>,
    },
    /// 5xx, maintenance, or no connection until the retries were used up.
    #[error("the console is not available: {reason}")]
    Unavailable {
        /// The HTTP status; `None` if there was no answer.
        status: Option<u16>,
        /// What happened, without bodies or headers.
        reason: String,
    },
    /// No whole answer in time.
    #[error("no whole answer within {limit:?}")]
    TimedOut {
        /// The limit that was hit.
        limit: Duration,
    },
    /// An answer that is not what the API describes.
    #[error("the answer is not what the API describes: {reason}")]
    Malformed {
        /// Where and why, such as `resources[3].id: invalid type` or `HTML page instead of JSON`.
        reason: String,
    },
    /// The console's certificate is not trusted. No credential was sent.
    #[error("the console's certificate is not trusted: {reason}; its SHA-256 is {sha256}")]
    Untrusted {
        /// SHA-256 of the certificate that was presented (DER), lower-case hex.
        sha256: String,
        /// Why it is not trusted.
        reason: String,
    },
}

impl Error {
    /// The last HTTP status, where there was an answer.
    pub fn status(&self) -> Option<u16> {
        match &self.kind {
            ErrorKind::Unauthorized => Some(401),
            ErrorKind::NotFound => Some(404),
            ErrorKind::Throttled { .. } => Some(429),
            ErrorKind::Forbidden { status } | ErrorKind::Rejected { status, .. } => Some(*status),
            ErrorKind::Unavailable { status, .. } => *status,
            ErrorKind::Malformed { .. } => Some(200),
            ErrorKind::TimedOut { .. } | ErrorKind::Untrusted { .. } => None,
        }
    }
}

/// Why a change was not acknowledged, and whether it may have been made all the same.
#[derive(Debug, Clone, Error)]
#[error("{error}{outcome}")]
pub struct WriteError {
    /// What happened.
    pub error: Error,
    /// What is known of the change.
    pub outcome: Outcome,
}

/// What is known of a change that was not acknowledged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The console did not receive or did not accept it.
    NotMade,
    /// The console may have made it. Read before sending it again.
    Unknown,
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotMade => "; the change was not made",
            Self::Unknown => "; whether the change was made is unknown",
        })
    }
}
