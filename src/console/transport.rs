//! Sends calls: each request through credential, load control and HTTP; then the retries, and what a 401 means.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, USER_AGENT};
use reqwest::{Client, Request, Url};
use rustls::ClientConfig;
use secrecy::{ExposeSecret, SecretString};
use serde::de::IgnoredAny;
use tokio::sync::MutexGuard;
use tokio::time::Instant;

use super::{
    Again, Body, Budget, Call, Credential, Decode, Doubt, Error, ErrorKind, Failure, Load, LoadOutcome,
    Patience, Retry, Settings, SettingsError, Slot, Timeouts, TokenProvider, WriteError, failure, json,
    plain_line, refusal,
};
use crate::trust::{believing_nothing, client_config};

/// Needs a working credential and nothing else.
pub(super) const PROBE: &str = "/api/3";

const AGENT: &str = concat!("recert/", env!("CARGO_PKG_VERSION"), " (access review)");
/// The console's own header for one-time codes.
const TOKEN: HeaderName = HeaderName::from_static("token");
const JSON: HeaderValue = HeaderValue::from_static("application/json");
/// Idle connections are closed before the 20 s after which consoles usually do, so that few calls meet a closing one.
const POOL_IDLE: Duration = Duration::from_secs(15);

/// What was sent so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Requests in all.
    pub sent: u64,
    /// Of them, repetitions of a request that failed.
    pub retried: u64,
    /// Answers that asked for fewer calls: 429, or 503 with `Retry-After`.
    pub throttled: u64,
    /// The time from each request to its whole answer, in sum.
    pub waited: Duration,
}

/// What a request is sent for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Purpose {
    /// Its answer.
    Answer,
    /// To find out what a 401 meant. The others wait for it, so it waits for none of them.
    Inquiry,
}

/// One console's connections, and all that is known about how to use them.
pub(super) struct Transport {
    client: Client,
    /// What every URL begins with.
    prefix: String,
    /// The headers of every request; the credential among them is marked as sensitive.
    headers: HeaderMap,
    token: Option<Arc<dyn TokenProvider>>,
    password: SecretString,
    timeouts: Timeouts,
    retry: Retry,
    budget: Budget,
    credential: Arc<Credential>,
    load: Load,
    sent: AtomicU64,
    throttled: AtomicU64,
    /// Microseconds.
    waited: AtomicU64,
}

impl Transport {
    pub(super) fn new(settings: Settings) -> Result<Self, SettingsError> {
        let prefix = settings.prefix()?;
        if settings.username.contains(|c: char| c == ':' || c.is_control()) {
            return Err(SettingsError::Username);
        }
        if settings.max_in_flight == 0 {
            return Err(SettingsError::MaxInFlight);
        }
        let tls = if settings.is_tls() { client_config(&settings.trust)? } else { believing_nothing()? };
        let client = client(tls, settings.is_tls(), settings.max_in_flight, settings.timeouts)?;
        Ok(Self {
            headers: headers(&client, &settings)?,
            client,
            prefix,
            token: settings.token,
            password: settings.password,
            timeouts: settings.timeouts,
            retry: settings.retry,
            budget: Budget::default(),
            credential: Arc::default(),
            load: Load::new(settings.max_in_flight),
            sent: AtomicU64::new(0),
            throttled: AtomicU64::new(0),
            waited: AtomicU64::new(0),
        })
    }

    pub(super) fn base(&self) -> &str {
        &self.prefix
    }

    pub(super) fn traffic(&self) -> Traffic {
        Traffic {
            sent: self.sent.load(Ordering::Relaxed),
            retried: self.budget.spent(),
            throttled: self.throttled.load(Ordering::Relaxed),
            waited: Duration::from_micros(self.waited.load(Ordering::Relaxed)),
        }
    }

    /// Reads, again if that can help.
    pub(super) async fn read<T>(&self, call: &Call, decode: Decode<T>) -> Result<T, Error> {
        match self.tries(call, decode, Purpose::Answer, self.retry.attempts).await {
            Ok(value) => Ok(value),
            Err((failure, attempts)) => Err(self.explain(call, failure, attempts).await),
        }
    }

    /// Changes something, and sends it once whatever happens.
    pub(super) async fn write<T>(&self, call: &Call, decode: Decode<T>) -> Result<T, WriteError> {
        match self.tries(call, decode, Purpose::Answer, 1).await {
            Ok(value) => Ok(value),
            Err((failure, attempts)) => {
                let outcome = failure.outcome;
                Err(WriteError { error: self.explain(call, failure, attempts).await, outcome })
            }
        }
    }

    async fn tries<T>(
        &self,
        call: &Call,
        decode: Decode<T>,
        purpose: Purpose,
        most: u32,
    ) -> Result<T, (Failure, u32)> {
        let url = self.url(call).map_err(|failure| (failure, 0))?;
        self.budget.earn();
        let (mut attempts, mut meaningless) = (0, 0);
        loop {
            let failure = match self.once(call, &url, decode, purpose, &mut attempts).await {
                Ok(value) => return Ok(value),
                Err(failure) => failure,
            };
            let again = match failure.again {
                Again::Never => false,
                Again::Once => meaningless == 0,
                Again::Yes => true,
            };
            if !again || attempts >= most || !self.budget.spend(&self.retry) {
                return Err((failure, attempts));
            }
            meaningless += u32::from(failure.again == Again::Once);
            tokio::time::sleep(self.retry.delay(attempts)).await;
        }
    }

    /// One request, once it may be sent.
    async fn once<T>(
        &self,
        call: &Call,
        url: &Url,
        decode: Decode<T>,
        purpose: Purpose,
        attempts: &mut u32,
    ) -> Result<T, Failure> {
        let (alone, slot) = self.turn(call, purpose).await?;
        let ticket = self.credential.sending();
        *attempts += 1;
        self.sent.fetch_add(1, Ordering::Relaxed);

        let began = Instant::now();
        let answer = self.exchange(call, url).await;
        let waited = u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX);
        self.waited.fetch_add(waited, Ordering::Relaxed);
        let mut result = answer.and_then(|body| body.decode(decode).map_err(Failure::malformed));
        match &mut result {
            Ok(_) => {
                self.credential.worked(ticket);
                slot.finish(LoadOutcome::Answered);
            }
            Err(failure) => {
                // Before the slot is given back, so that whoever gets it knows.
                if failure.kind == ErrorKind::Unauthorized {
                    if alone.is_some() || purpose == Purpose::Inquiry {
                        self.credential.refuse();
                    } else {
                        failure.doubt = Some(self.credential.doubt(ticket));
                    }
                }
                slot.finish(failure.load());
                if let Some(pause) = failure.pause {
                    self.load.pause(pause.min(self.retry.retry_after_cap));
                }
                if failure.pause.is_some() || matches!(failure.kind, ErrorKind::Throttled { .. }) {
                    self.throttled.fetch_add(1, Ordering::Relaxed);
                }
            }
        }
        result
    }

    /// Waits until a request may be sent, as far as credential and load are concerned.
    async fn turn(
        &self,
        call: &Call,
        purpose: Purpose,
    ) -> Result<(Option<MutexGuard<'_, ()>>, Slot<'_>), Failure> {
        let kind = (call.endpoint, call.rows);
        if purpose == Purpose::Inquiry {
            return Ok((None, self.load.bypass(kind).await));
        }
        loop {
            let alone = self.credential.admit().await.map_err(|_| Failure::refused())?;
            let slot = self.load.acquire(kind).await;
            self.credential.check().map_err(|_| Failure::refused())?;
            // Much can be learnt while a call queues for its slot.
            if self.credential.still_admits(alone.is_some()) {
                return Ok((alone, slot));
            }
        }
    }

    /// The request and its whole answer.
    async fn exchange(&self, call: &Call, url: &Url) -> Result<Body, Failure> {
        let request = self.request(call, url.clone())?;
        let code = request.headers().get(TOKEN).cloned();
        let patience =
            Patience { idle: self.timeouts.idle, whole: self.timeouts.whole, started: Instant::now() };
        let mut response = patience
            .wait(self.client.execute(request))
            .await
            .map_err(Failure::timed_out)?
            .map_err(|error| failure(&error, self.timeouts))?;
        if !response.status().is_success() {
            return Err(refusal(&mut response, |message| self.clean(call, code.as_ref(), message)).await);
        }
        Body::read(&mut response, patience, call.secret)
            .await
            .map_err(|cut| Failure::cut(&cut, self.timeouts))
    }

    fn url(&self, call: &Call) -> Result<Url, Failure> {
        let target = call.target.as_ref().map_err(|reason| Failure::unsendable(reason))?;
        Url::parse(&[&self.prefix, target.as_str()].concat())
            .map_err(|_| Failure::unsendable("it cannot be written as a URL"))
    }

    fn request(&self, call: &Call, url: Url) -> Result<Request, Failure> {
        let mut request = Request::new(call.method.clone(), url);
        let mut headers = self.headers.clone();
        if let Some(token) = self.token.as_ref().and_then(|token| token.token()) {
            let mut value = HeaderValue::from_str(token.expose_secret())
                .map_err(|_| Failure::unsendable("the one-time code cannot stand in a header"))?;
            value.set_sensitive(true);
            headers.insert(TOKEN, value);
        }
        if let Some(body) = &call.body {
            headers.insert(CONTENT_TYPE, JSON);
            *request.body_mut() = Some(body.clone().into());
        }
        *request.headers_mut() = headers;
        Ok(request)
    }

    /// The console's words as one line, unless they could repeat a secret; looked for before anything is cut away.
    fn clean(&self, call: &Call, code: Option<&HeaderValue>, message: &str) -> String {
        let authorization = self.headers.get(AUTHORIZATION);
        let sent = [authorization, code].into_iter().flatten().filter_map(|value| value.to_str().ok());
        // Of `Basic …`, the last word alone tells the password.
        let mut secrets =
            sent.filter_map(|value| value.split(' ').next_back()).chain([self.password.expose_secret()]);
        if call.secret || secrets.any(|secret| !secret.is_empty() && message.contains(secret)) {
            return "its words are withheld, because they may repeat a secret".to_owned();
        }
        plain_line(message)
    }

    async fn explain(&self, call: &Call, failure: Failure, attempts: u32) -> Error {
        let kind = match failure.doubt {
            Some(doubt) => self.denied(call, doubt).await,
            None => failure.kind,
        };
        Error { endpoint: call.endpoint, kind, attempts }
    }

    /// What a 401 means once the credential has worked: the resource, if the credential still works after it. One call
    /// finds that out, and no other is sent meanwhile.
    async fn denied(&self, call: &Call, doubt: Doubt) -> ErrorKind {
        let _inquiry = self.credential.inquire().await;
        // Declared after the inquiry and so dropped before it: the next doubt sees how this one ended.
        let doubt = doubt;
        if self.credential.check().is_ok() && !doubt.is_explained() && self.credential.is_proven() {
            if call.endpoint == PROBE {
                self.credential.refuse();
            } else {
                let probe = Call::get(PROBE, &[]);
                // A success explains the doubt, a 401 refuses the credential, and anything else leaves it unproven.
                let _ = self.tries(&probe, json::<IgnoredAny>, Purpose::Inquiry, self.retry.attempts).await;
            }
        }
        if doubt.is_explained() { ErrorKind::Forbidden { status: 401 } } else { ErrorKind::Unauthorized }
    }
}

/// The only HTTP client: no redirects, no proxies, no cookies, no compression, HTTP/1.1.
pub(super) fn client(
    tls: ClientConfig,
    https_only: bool,
    max_idle: usize,
    timeouts: Timeouts,
) -> Result<Client, SettingsError> {
    Client::builder()
        .tls_backend_preconfigured(tls)
        .https_only(https_only)
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .referer(false)
        .no_proxy()
        .http1_only()
        .tcp_nodelay(true)
        .connect_timeout(timeouts.connect)
        .pool_max_idle_per_host(max_idle)
        .pool_idle_timeout(POOL_IDLE)
        .build()
        .map_err(|error| SettingsError::Client(error.to_string()))
}

fn headers(client: &Client, settings: &Settings) -> Result<HeaderMap, SettingsError> {
    let signed = client
        .get(settings.base.clone())
        .basic_auth(&settings.username, Some(settings.password.expose_secret()))
        .build()
        .map_err(|error| SettingsError::Client(error.without_url().to_string()))?;
    let mut authorization = signed.headers().get(AUTHORIZATION).cloned().ok_or(SettingsError::Username)?;
    authorization.set_sensitive(true);
    Ok(HeaderMap::from_iter([
        (AUTHORIZATION, authorization),
        (ACCEPT, JSON),
        (USER_AGENT, HeaderValue::from_static(AGENT)),
    ]))
}
