//! What the handlers share: who calls, how a body is written, and how a call is refused.

use axum::extract::rejection::PathRejection;
use axum::extract::{FromRequestParts, Path};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, HOST, SERVER, VARY};
use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::json;

/// What a handler answers.
pub(super) type Reply = Result<Response, Refusal>;

/// The headers that every answer of a console carries.
const HEADERS: [(HeaderName, HeaderValue); 3] = [
    (SERVER, HeaderValue::from_static("Security Console")),
    (CACHE_CONTROL, HeaderValue::from_static("no-store, must-revalidate")),
    (VARY, HeaderValue::from_static("Accept-Encoding")),
];

/// A body as the console writes it: JSON with indentation.
pub(super) fn pretty(body: &impl Serialize) -> Reply {
    serde_json::to_vec_pretty(body)
        .map(|bytes| (HEADERS, [(CONTENT_TYPE, "application/json;charset=UTF-8")], bytes).into_response())
        .map_err(|_| Refusal::internal())
}

/// What a client sent, if it is what it should be.
pub(super) fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, Refusal> {
    serde_json::from_slice(body).map_err(|error| Refusal::invalid(format!("The body is not valid: {error}.")))
}

/// The page that a browser sees first.
pub(super) fn login_page(maintenance: bool) -> Response {
    let text = if maintenance {
        "The Security Console is in maintenance mode. Please try again later."
    } else {
        "Please log on."
    };
    let page = format!(
        "<!DOCTYPE html>\n<html><head><title>Security Console</title></head><body><h1>Security Console</h1><p>{text}</p>\
         <form action=\"/login\"><input name=\"username\"><input name=\"password\" type=\"password\"></form></body></html>\n"
    );
    (HEADERS, [(CONTENT_TYPE, "text/html;charset=UTF-8")], page).into_response()
}

/// Who calls, once the gate has let them in.
#[derive(Debug, Clone)]
pub(super) struct Caller {
    /// The caller's own user id.
    pub(super) id: i64,
    /// Whether everything may be seen and written.
    pub(super) global_admin: bool,
}

impl Caller {
    /// Refuses, as a missing resource, whoever is no Global Administrator.
    pub(super) fn administers(&self) -> Result<(), Refusal> {
        self.global_admin.then_some(()).ok_or(Refusal::not_found())
    }

    /// Refuses, as a missing resource, whoever asks about somebody else without being a Global Administrator.
    pub(super) fn administers_or_is(&self, user: i64) -> Result<(), Refusal> {
        if self.id == user { Ok(()) } else { self.administers() }
    }
}

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Refusal> {
        parts.extensions.get::<Self>().cloned().ok_or(Refusal::unauthorized())
    }
}

/// The host that the client used, and the links that the console builds from it.
#[derive(Debug, Clone)]
pub(super) struct Host(String);

impl<S: Sync> FromRequestParts<S> for Host {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        let host = parts.headers.get(HOST).and_then(|host| host.to_str().ok());
        Ok(Self(host.unwrap_or("localhost:3780").to_owned()))
    }
}

impl Host {
    /// A link to a path below `/api/3`. The console takes itself for HTTPS, whatever stands in front of it.
    pub(super) fn link(&self, rel: &'static str, path: impl std::fmt::Display) -> Link {
        Link { href: format!("https://{}/api/3{path}", self.0), rel }
    }

    /// A link as a console behind a proxy builds it: under the name that only the inner network knows. Whoever
    /// follows links instead of building addresses leaves the console here.
    pub(super) fn inner_link(rel: &'static str, path: impl std::fmt::Display) -> Link {
        Link { href: format!("https://nsc.internal.example:3780/api/3{path}"), rel }
    }
}

/// A link of a body.
#[derive(Debug, Serialize)]
pub(super) struct Link {
    href: String,
    rel: &'static str,
}

/// A path segment as it stands in a link.
pub(super) fn segment(text: &str) -> impl std::fmt::Display {
    const KEPT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
    utf8_percent_encode(text, KEPT)
}

/// What stands at the placeholders of the path; a text where a number belongs is a resource that does not exist.
pub(super) struct At<T>(pub(super) T);

impl<S, T> FromRequestParts<S> for At<T>
where
    S: Send + Sync,
    T: DeserializeOwned + Send,
{
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        let path: Result<Path<T>, PathRejection> = Path::from_request_parts(parts, state).await;
        path.map(|Path(at)| Self(at)).map_err(|_| Refusal::not_found())
    }
}

/// A call that is not done, in the console's words.
#[derive(Debug)]
pub(super) struct Refusal {
    status: StatusCode,
    message: String,
}

impl Refusal {
    fn new(status: StatusCode, message: &str) -> Self {
        Self { status, message: message.to_owned() }
    }

    /// A status as an edition or a broken console answers it for a whole list.
    pub(super) fn of(status: u16) -> Self {
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        Self::new(status, "The request cannot be answered.")
    }

    /// 400, with the reason.
    pub(super) fn invalid(message: impl Into<String>) -> Self {
        Self { status: StatusCode::BAD_REQUEST, message: message.into() }
    }

    /// 401: wrong or missing credential, locked account, missing right.
    pub(super) fn unauthorized() -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            "The request was not authenticated, or the account does not maintain permissions for it.",
        )
    }

    /// 404, which also stands for a missing right.
    pub(super) fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "The resource does not exist or access is prohibited.")
    }

    /// 405.
    pub(super) fn method_not_allowed() -> Self {
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "The method is not supported for the resource.")
    }

    /// 429.
    pub(super) fn throttled() -> Self {
        Self::new(StatusCode::TOO_MANY_REQUESTS, "Too many requests.")
    }

    /// 500.
    pub(super) fn internal() -> Self {
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "An unexpected error occurred. See the nsc.log file for more information.",
        )
    }

    /// 503.
    pub(super) fn unavailable() -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "The Security Console is currently not available.")
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let links = [Link { href: "https://localhost:3780/api/3".to_owned(), rel: "self" }];
        let body = json!({ "status": self.status.as_u16(), "message": self.message, "links": links });
        match pretty(&body) {
            Ok(response) => (self.status, response).into_response(),
            Err(_) => self.status.into_response(),
        }
    }
}
