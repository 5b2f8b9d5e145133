//! What goes wrong, chosen by a hash of seed, call and attempt, so that a run repeats even under concurrency.

use std::collections::HashMap;
use std::hash::{Hash, Hasher};
use std::io;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use axum::body::{Body, Bytes, to_bytes};
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::{Refusal, login_page};

/// What goes wrong.
#[derive(Debug, Clone, PartialEq)]
pub struct Faults {
    /// The share of calls that fail, 0 to 1.
    pub rate: f64,
    /// Which calls fail, and how, follows from it.
    pub seed: u64,
    /// The ways to fail, equally likely.
    pub kinds: Vec<Fault>,
    /// Paths, such as `/api/3/users/7/sites`, that always answer 503.
    pub broken: Vec<String>,
    /// After this many calls the console is gone: connections are refused, open ones break.
    pub dies_after: Option<u64>,
}

impl Default for Faults {
    /// None; with a rate, the kinds that a patient client survives.
    fn default() -> Self {
        Self {
            rate: 0.0,
            seed: 7,
            kinds: vec![
                Fault::Unavailable503,
                Fault::Internal500,
                Fault::Throttled429 { retry_after: 1 },
                Fault::Reset,
                Fault::TruncatedJson,
            ],
            broken: Vec::new(),
            dies_after: None,
        }
    }
}

/// A way to fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// 503, and nothing was done.
    Unavailable503,
    /// 500, and nothing was done.
    Internal500,
    /// 429, and nothing was done.
    Throttled429 {
        /// The `Retry-After` header, in seconds.
        retry_after: u64,
    },
    /// The call is done, and the connection breaks in the middle of the answer.
    Reset,
    /// The call is done, and the answer is whole by its length but ends in the middle of the JSON.
    TruncatedJson,
    /// 200 with a login page in place of the answer.
    Html200,
    /// 200 with bytes that are no text.
    Garbage200,
    /// 200 with JSON of another shape.
    WrongType,
    /// The right answer, this much later.
    Slow(Duration),
}

/// The faults with the memory they need: how often each call has been made.
pub(super) struct Mischief {
    faults: Faults,
    attempts: Mutex<HashMap<String, u64>>,
}

impl Mischief {
    pub(super) fn new(faults: Faults) -> Self {
        Self { faults, attempts: Mutex::default() }
    }

    /// The number of calls after which the console is gone.
    pub(super) fn dies_after(&self) -> Option<u64> {
        self.faults.dies_after
    }

    /// What happens to this attempt of a call; `call` is method, path and query.
    pub(super) fn strikes(&self, path: &str, call: String) -> Option<Fault> {
        if self.faults.broken.iter().any(|broken| broken == path) {
            return Some(Fault::Unavailable503);
        }
        if self.faults.rate <= 0.0 || self.faults.kinds.is_empty() {
            return None;
        }
        let attempt = {
            let mut attempts = self.attempts.lock().unwrap_or_else(PoisonError::into_inner);
            let attempt = attempts.entry(call.clone()).or_default();
            *attempt += 1;
            *attempt
        };
        let mut hasher = Fnv::default();
        (self.faults.seed, call, attempt).hash(&mut hasher);
        let mut rng = fastrand::Rng::with_seed(hasher.finish());
        let kinds = &self.faults.kinds;
        (rng.f64() < self.faults.rate).then(|| kinds[rng.usize(..kinds.len())])
    }
}

/// FNV-1a: unlike the standard library's hasher it is the same in every release.
struct Fnv(u64);

impl Default for Fnv {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl Hasher for Fnv {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
}

impl Fault {
    /// The answer, where the fault comes before the work.
    pub(super) fn instead(self) -> Option<Response> {
        let refusal = match self {
            Self::Unavailable503 => Refusal::unavailable(),
            Self::Internal500 => Refusal::internal(),
            Self::Throttled429 { retry_after } => {
                let mut response = Refusal::throttled().into_response();
                response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(retry_after));
                return Some(response);
            }
            _ => return None,
        };
        Some(refusal.into_response())
    }

    /// The finished answer, spoiled.
    pub(super) async fn spoil(self, response: Response) -> Response {
        let (mut parts, body) = response.into_parts();
        let Ok(body) = to_bytes(body, usize::MAX).await else { return Refusal::internal().into_response() };
        parts.headers.remove(CONTENT_LENGTH);
        match self {
            Self::Reset => broken_off(parts.headers, &body),
            Self::TruncatedJson => Response::from_parts(parts, Body::from(body.slice(..body.len() / 2))),
            Self::Html200 => login_page(false),
            Self::Garbage200 => {
                parts.status = StatusCode::OK;
                Response::from_parts(parts, Body::from(&b"\xff\xfe\x00{\x80\x81\xc3\x28"[..]))
            }
            Self::WrongType => {
                parts.status = StatusCode::OK;
                Response::from_parts(parts, Body::from(wrong_type(&body)))
            }
            Self::Slow(delay) => {
                tokio::time::sleep(delay).await;
                Response::from_parts(parts, Body::from(body))
            }
            Self::Unavailable503 | Self::Internal500 | Self::Throttled429 { .. } => {
                Response::from_parts(parts, Body::from(body))
            }
        }
    }
}

/// JSON that parses and is not what was described: the rows as an object, or the object in a list.
fn wrong_type(body: &[u8]) -> String {
    let mut value: Value = serde_json::from_slice(body).unwrap_or_default();
    if let Some(rows) = value.get_mut("resources") {
        *rows = json!({ "count": rows.as_array().map_or(0, Vec::len) });
    } else {
        value = json!([value]);
    }
    value.to_string()
}

/// An answer that promises its whole length and breaks off half-way.
pub(super) fn broken_off(mut headers: HeaderMap, body: &Bytes) -> Response {
    let length = body.len().max(2);
    headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
    headers.entry(CONTENT_TYPE).or_insert(HeaderValue::from_static("application/json;charset=UTF-8"));
    let half = body.slice(..body.len() / 2);
    let broken = Err(io::Error::from(io::ErrorKind::ConnectionReset));
    let body = Body::from_stream(futures_util::stream::iter([Ok(half), broken]));
    (headers, body).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn strikes(rate: f64, seed: u64) -> Vec<Option<Fault>> {
        let mischief = Mischief::new(Faults { rate, seed, ..Faults::default() });
        (0..400).map(|n| mischief.strikes("/p", format!("GET /p?{}", n % 40))).collect()
    }

    #[test]
    fn equal_seeds_strike_alike_and_others_do_not() {
        assert_eq!(strikes(0.2, 5), strikes(0.2, 5));
        assert_ne!(strikes(0.2, 5), strikes(0.2, 6));
    }

    #[test]
    fn the_rate_is_kept() {
        let struck = strikes(0.25, 1).into_iter().flatten().count();
        assert!((60..140).contains(&struck), "{struck} of 400");
        assert!(strikes(0.0, 1).into_iter().all(|fault| fault.is_none()));
    }
}
