//! What every request passes: counting, the log, credentials, faults, drift and latency.

use std::time::Instant;

use axum::body::Bytes;
use axum::extract::{self, State};
use axum::http::HeaderMap;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::{Caller, Console, Deletion, Fault, Refusal, Request, broken_off, log_in};

/// What came of a request.
struct Outcome {
    response: Response,
    /// As the log shows it: 0 where the connection breaks.
    status: u16,
    authorised: bool,
}

impl Outcome {
    fn answered(response: Response, authorised: bool) -> Self {
        Self { status: response.status().as_u16(), response, authorised }
    }

    fn broken() -> Self {
        Self { response: broken_off(HeaderMap::new(), &Bytes::new()), status: 0, authorised: false }
    }
}

/// The middleware around every route.
pub(super) async fn gate(State(console): State<Console>, request: extract::Request, next: Next) -> Response {
    let arrived = Instant::now();
    let _in_flight = console.enter();
    let number = console.log_arrival(Request {
        method: request.method().to_string(),
        path: request.uri().path().to_owned(),
        query: request.uri().query().map(str::to_owned),
        status: 0,
        authorised: false,
    });
    let outcome = tokio::select! {
        outcome = pass(&console, request, next) => outcome,
        () = console.stopped().cancelled() => Outcome::broken(),
    };
    wait_until(arrived + console.latency()).await;
    console.log_answer(number, outcome.status, outcome.authorised);
    outcome.response
}

/// Waits on a thread of its own: the runtime's timer rounds up by one to two milliseconds, and who measures a client
/// against this console wants 20 ms to be 20 ms.
async fn wait_until(end: Instant) {
    let left = end.saturating_duration_since(Instant::now());
    if !left.is_zero() {
        // The only error is a runtime that shuts down, and then nobody waits for the answer.
        drop(tokio::task::spawn_blocking(move || std::thread::sleep(left)).await);
    }
}

async fn pass(console: &Console, request: extract::Request, next: Next) -> Outcome {
    if !request.uri().path().starts_with("/api/3") {
        return Outcome::answered(next.run(request).await, false);
    }
    let call = console.count_call();
    let last = console.mischief().dies_after();
    if last.is_some_and(|last| call > last) {
        console.dead().cancel();
        return Outcome::broken();
    }
    delete_due_users(console, call);
    let outcome = answer(console, request, next).await;
    if last == Some(call) {
        console.dead().cancel();
    }
    outcome
}

async fn answer(console: &Console, mut request: extract::Request, next: Next) -> Outcome {
    if console.read(|state| state.estate.quirks.maintenance) {
        return Outcome::answered(Refusal::unauthorized().into_response(), false);
    }
    let Some(caller) = log_in(console, request.headers()) else {
        return Outcome::answered(Refusal::unauthorized().into_response(), false);
    };
    request.extensions_mut().insert::<Caller>(caller);
    let call = format!("{} {}", request.method(), request.uri());
    let Some(fault) = console.mischief().strikes(request.uri().path(), call) else {
        return Outcome::answered(next.run(request).await, true);
    };
    if let Some(refused) = fault.instead() {
        return Outcome::answered(refused, true);
    }
    let spoiled = fault.spoil(next.run(request).await).await;
    let outcome = Outcome::answered(spoiled, true);
    if fault == Fault::Reset { Outcome { status: 0, ..outcome } } else { outcome }
}

/// Users that disappear while a client reads.
fn delete_due_users(console: &Console, calls: u64) {
    let due = |deletion: &Deletion| calls > deletion.after_calls;
    if console.read(|state| !state.estate.quirks.drift.deletions.iter().any(due)) {
        return;
    }
    console.write(|state| {
        let gone: Vec<_> =
            state.estate.quirks.drift.deletions.extract_if(.., |deletion| due(deletion)).collect();
        for deletion in gone {
            state.remove_user(deletion.user);
        }
    });
}
