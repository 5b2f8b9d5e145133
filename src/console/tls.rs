//! The certificate of a console, as it is shown to its owner and told in errors.

use std::time::Duration;

use reqwest::Url;

use super::{Error, ErrorKind, Timeouts, client, failure};
use crate::trust::{Untrusted, believing_nothing, tls_error, untrusted};

impl From<&Untrusted> for ErrorKind {
    fn from(untrusted: &Untrusted) -> Self {
        Self::Untrusted { sha256: hex::encode(untrusted.sha256), reason: untrusted.reason.clone() }
    }
}

/// Shows the SHA-256 of the certificate that a console presents, to be compared with what its owner reads on it. The
/// handshake ends at the certificate: no credential and no request is sent.
pub async fn presented_certificate(base: &Url, limit: Duration) -> Result<[u8; 32], Error> {
    let failed = |kind| Error { endpoint: "/", kind, attempts: 1 };
    let unavailable = |reason: String| failed(ErrorKind::Unavailable { status: None, reason });
    if base.scheme() != "https" {
        return Err(unavailable("there is no certificate without https".to_owned()));
    }
    let timeouts = Timeouts { connect: limit, idle: limit, whole: limit };
    let client = believing_nothing().map_err(Into::into).and_then(|tls| client(tls, true, 1, timeouts));
    let client = client.map_err(|error| unavailable(error.to_string()))?;
    let answer = tokio::time::timeout(limit, client.get(base.clone()).send()).await;
    let error = match answer {
        Err(_) => return Err(failed(ErrorKind::TimedOut { limit })),
        Ok(Ok(_)) => return Err(unavailable("it answered without a certificate".to_owned())),
        Ok(Err(error)) => error,
    };
    match tls_error(&error).and_then(untrusted) {
        Some(untrusted) => Ok(untrusted.sha256),
        None => Err(failed(failure(&error, timeouts).kind)),
    }
}
