//! What a request that brought no value means: its class, whether to try again, whether a change may have been made.

use std::io;
use std::time::Duration;

use reqwest::{Response, StatusCode};

use super::{Cut, Doubt, ErrorKind, LoadOutcome, Outcome, Timeouts, complaint, plain_line, retry_after};
use crate::trust::{io_kind, tls_error, untrusted};

/// Whether a read may be sent again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Again {
    Never,
    /// A console in the middle of a restart answers whole pages that mean nothing; a wrong answer stays wrong.
    Once,
    Yes,
}

/// One request without a value.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) kind: ErrorKind,
    pub(super) again: Again,
    pub(super) outcome: Outcome,
    /// How long the console asks everyone to wait.
    pub(super) pause: Option<Duration>,
    /// Of a 401 while the credential was known to work.
    pub(super) doubt: Option<Doubt>,
}

impl Failure {
    pub(super) fn new(kind: ErrorKind, again: Again, outcome: Outcome) -> Self {
        Self { kind, again, outcome, pause: None, doubt: None }
    }

    /// The credential was refused before; nothing was sent.
    pub(super) fn refused() -> Self {
        Self::new(ErrorKind::Unauthorized, Again::Never, Outcome::NotMade)
    }

    /// The call cannot be written as a request; nothing was sent.
    pub(super) fn unsendable(reason: &str) -> Self {
        Self::new(ErrorKind::Malformed { reason: reason.to_owned() }, Again::Never, Outcome::NotMade)
    }

    pub(super) fn malformed(reason: String) -> Self {
        Self::new(ErrorKind::Malformed { reason }, Again::Once, Outcome::Unknown)
    }

    pub(super) fn timed_out(limit: Duration) -> Self {
        Self::new(ErrorKind::TimedOut { limit }, Again::Yes, Outcome::Unknown)
    }

    /// A body that began and did not end well.
    pub(super) fn cut(cut: &Cut, timeouts: Timeouts) -> Self {
        match cut {
            Cut::TooLong => Self {
                again: Again::Never,
                ..Self::malformed("the answer is longer than any answer of this API".to_owned())
            },
            Cut::TimedOut(limit) => Self::timed_out(*limit),
            Cut::Broken(error) => failure(error, timeouts),
        }
    }

    /// What this says about the console's load.
    pub(super) fn load(&self) -> LoadOutcome {
        match &self.kind {
            ErrorKind::Throttled { .. } | ErrorKind::TimedOut { .. } => LoadOutcome::Overloaded,
            ErrorKind::Unavailable { status, .. } if *status != Some(500) => LoadOutcome::Overloaded,
            ErrorKind::Untrusted { .. } => LoadOutcome::Unknown,
            _ => LoadOutcome::Answered,
        }
    }
}

/// An error of the HTTP client: no connection, no TLS, or no whole answer.
pub(super) fn failure(error: &reqwest::Error, timeouts: Timeouts) -> Failure {
    let outcome = if error.is_connect() { Outcome::NotMade } else { Outcome::Unknown };
    let unavailable =
        |reason: String| Failure::new(ErrorKind::Unavailable { status: None, reason }, Again::Yes, outcome);
    if let Some(tls) = tls_error(error) {
        return match untrusted(tls) {
            Some(untrusted) => Failure::new(untrusted.into(), Again::Never, Outcome::NotMade),
            None => unavailable(format!("TLS failed: {}", plain_line(&tls.to_string()))),
        };
    }
    if error.is_timeout() {
        let limit = if error.is_connect() { timeouts.connect } else { timeouts.whole };
        return Failure { outcome, ..Failure::timed_out(limit) };
    }
    unavailable(match io_kind(error) {
        Some(io::ErrorKind::ConnectionRefused) => "connection refused".to_owned(),
        Some(io::ErrorKind::ConnectionReset) => "connection reset".to_owned(),
        Some(kind) if error.is_connect() => format!("no connection: {kind}"),
        None if error.is_connect() => "no connection".to_owned(),
        Some(_) | None => "the connection broke before the answer was whole".to_owned(),
    })
}

/// An answer without success. `clean` removes what must not be repeated from the console's words.
pub(super) async fn refusal(response: &mut Response, clean: impl FnOnce(&str) -> String) -> Failure {
    let status = response.status();
    let asked = retry_after(response.headers());
    let message = complaint(response).await;
    match status {
        StatusCode::UNAUTHORIZED => Failure::refused(),
        StatusCode::FORBIDDEN => {
            Failure::new(ErrorKind::Forbidden { status: 403 }, Again::Never, Outcome::NotMade)
        }
        StatusCode::NOT_FOUND => Failure::new(ErrorKind::NotFound, Again::Never, Outcome::NotMade),
        StatusCode::TOO_MANY_REQUESTS => Failure {
            pause: asked,
            ..Failure::new(ErrorKind::Throttled { retry_after: asked }, Again::Yes, Outcome::NotMade)
        },
        StatusCode::SERVICE_UNAVAILABLE => Failure { pause: asked, ..unavailable(status, Again::Yes) },
        StatusCode::REQUEST_TIMEOUT
        | StatusCode::INTERNAL_SERVER_ERROR
        | StatusCode::BAD_GATEWAY
        | StatusCode::GATEWAY_TIMEOUT => unavailable(status, Again::Yes),
        _ if status.is_server_error() => unavailable(status, Again::Never),
        _ if status.is_redirection() => {
            // A redirect after a change can mean that the change was made.
            let message = "it redirects, and no redirect is followed; check the console's address".to_owned();
            Failure::new(
                ErrorKind::Rejected { status: status.as_u16(), message },
                Again::Never,
                Outcome::Unknown,
            )
        }
        _ => {
            let message = if message.is_empty() { "it does not say why".to_owned() } else { clean(&message) };
            Failure::new(
                ErrorKind::Rejected { status: status.as_u16(), message },
                Again::Never,
                Outcome::NotMade,
            )
        }
    }
}

fn unavailable(status: StatusCode, again: Again) -> Failure {
    let reason = match status {
        StatusCode::SERVICE_UNAVAILABLE => "it is in maintenance, starting or overloaded (503)".to_owned(),
        StatusCode::INTERNAL_SERVER_ERROR => "it failed inside (500); its nsc.log says more".to_owned(),
        _ => format!("it answers {}", status.as_u16()),
    };
    Failure::new(ErrorKind::Unavailable { status: Some(status.as_u16()), reason }, again, Outcome::Unknown)
}
