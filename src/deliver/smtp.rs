//! One attempt at one mail: RFC 5321 spoken by lettre over connections that are made, protected and watched here.
//!
//! The caller is told each stage before its first byte, so that it can be recorded first. What failed before the end of
//! the message was handed over can be sent again freely; a lost answer to that end is ambiguous, and nothing else is.

mod connect;
mod stream;

use std::error::Error as StdError;
use std::future::Future;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use lettre::Address;
use lettre::transport::smtp::Error as SmtpError;
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::AsyncSmtpConnection;
use lettre::transport::smtp::commands::{Data, Ehlo, Mail, Rcpt};
use lettre::transport::smtp::extension::{ClientId, Extension, MailParameter};
use lettre::transport::smtp::response::{Response, Severity};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use tokio::time::timeout;

use crate::trust::{Trust, TrustError, client_config};
use crate::untrusted::{shortened, visible};

use connect::connect;
use stream::HandedOver;

/// Characters of a relay's answer that are kept.
const TOLD: usize = 256;

/// The relay that takes the mail.
#[derive(Clone)]
pub struct Relay {
    /// Its name or address.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How the connection is protected.
    pub tls: RelayTls,
    /// Which certificate is believed.
    pub trust: Trust,
    /// Login and password, if it wants them. They travel inside TLS alone.
    pub login: Option<(String, SecretString)>,
    /// What this host calls itself; its own name if left out.
    pub hello: Option<String>,
    /// How long each step may take.
    pub steps: Steps,
}

impl std::fmt::Debug for Relay {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Relay").field("host", &self.host).field("port", &self.port).finish_non_exhaustive()
    }
}

/// How the connection to a relay is protected.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RelayTls {
    /// TLS from the first byte (RFC 8314).
    #[default]
    Implicit,
    /// Begun in the clear, and TLS before anything else (RFC 3207); never without.
    StartTls,
    /// Not at all: for a relay on this host.
    None,
}

/// How long each step of a conversation may take.
#[derive(Debug, Clone, Copy)]
pub struct Steps {
    connect: Duration,
    command: Duration,
    data: Duration,
    /// For so many bytes of the body as the slowest line that is waited for carries in this time.
    block: Duration,
    dot: Duration,
    quit: Duration,
}

/// Bytes of a body for which one more `block` is waited.
const BLOCK: usize = 1 << 20;

impl Steps {
    /// As RFC 5321, 4.5.3.2 wants them.
    pub const fn standard() -> Self {
        Self {
            connect: Duration::from_secs(30),
            command: Duration::from_mins(5),
            data: Duration::from_mins(2),
            block: Duration::from_mins(3),
            dot: Duration::from_mins(10),
            quit: Duration::from_secs(5),
        }
    }

    /// None longer than this.
    pub fn capped(cap: Duration) -> Self {
        let standard = Self::standard();
        Self {
            connect: standard.connect.min(cap),
            command: standard.command.min(cap),
            data: standard.data.min(cap),
            block: standard.block.min(cap),
            dot: standard.dot.min(cap),
            quit: standard.quit.min(cap),
        }
    }
}

/// How far an attempt is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Connecting, TLS, greeting and login.
    Connecting,
    /// Sender and recipient are told.
    Envelope,
    /// The body is being sent.
    Data,
    /// The end of the body is about to be sent: from here on the relay may have the mail.
    DotSent,
}

/// Why an attempt failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// How far it got.
    pub stage: Stage,
    /// What follows from it.
    pub kind: FailureKind,
    /// The relay's answer, or the error: one line.
    pub text: String,
}

/// What follows from a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailureKind {
    /// The relay has nothing; later it may take it.
    Temporary,
    /// The relay refuses this mail for good.
    Permanent,
    /// The relay was handed the whole mail, and its answer is lost.
    Ambiguous,
    /// It cannot work like this: login, certificate or settings are wrong. The relay has nothing.
    Configuration,
}

impl Failure {
    fn new(stage: Stage, kind: FailureKind, text: impl AsRef<str>) -> Self {
        Self { stage, kind, text: visible(&shortened(text.as_ref(), TOLD)).into_owned() }
    }
}

/// A mail that the relay accepted. [`Sent::quit`] ends the conversation, once that is recorded.
pub struct Sent {
    /// The relay's answer; most name the id in their queue.
    pub reply: String,
    connection: AsyncSmtpConnection,
    quit: Duration,
}

impl std::fmt::Debug for Sent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sent").field("reply", &self.reply).finish_non_exhaustive()
    }
}

impl Sent {
    /// Says goodbye. Whatever comes of it changes nothing.
    pub async fn quit(mut self) {
        drop(timeout(self.quit, self.connection.quit()).await);
    }
}

impl Relay {
    /// Tries what can be tried without connecting.
    ///
    /// # Errors
    /// If the trusted certificates cannot be read.
    pub fn check(&self) -> Result<(), TrustError> {
        match self.tls {
            RelayTls::None => Ok(()),
            RelayTls::Implicit | RelayTls::StartTls => client_config(&self.trust).map(drop),
        }
    }

    fn client_id(&self) -> ClientId {
        self.hello.clone().map_or_else(ClientId::default, ClientId::Domain)
    }
}

/// Makes one attempt. `reached` is awaited before the first byte of each stage; if it fails, nothing more is sent.
///
/// # Errors
/// Those of `reached`. How the attempt ended is the inner result.
pub async fn send<E, F>(
    relay: &Relay,
    from: &str,
    to: &str,
    bytes: &[u8],
    reached: impl Fn(Stage) -> F,
) -> Result<Result<Sent, Failure>, E>
where
    F: Future<Output = Result<(), E>>,
{
    let wrong = |address: &str| {
        let text = format!("{address:?} is not a mail address");
        Failure::new(Stage::Connecting, FailureKind::Permanent, text)
    };
    let (Ok(sender), Ok(recipient)) = (from.parse::<Address>(), to.parse::<Address>()) else {
        let bad = if from.parse::<Address>().is_err() { from } else { to };
        return Ok(Err(wrong(bad)));
    };
    reached(Stage::Connecting).await?;
    let Opened { mut connection, handed_over, size } = match open(relay).await {
        Ok(opened) => opened,
        Err(failure) => return Ok(Err(failure)),
    };
    if let Some(limit) = size.filter(|limit| bytes.len() as u64 > *limit) {
        let text = format!("the mail has {} bytes, the relay takes {limit}; lower max_size", bytes.len());
        return Ok(Err(Failure::new(Stage::Connecting, FailureKind::Permanent, text)));
    }
    let parameters = match parameters(&connection, &sender, &recipient) {
        Ok(parameters) => parameters,
        Err(failure) => return Ok(Err(failure)),
    };
    reached(Stage::Envelope).await?;
    let command = relay.steps.command;
    let told = async {
        let mail = connection.command(Mail::new(Some(sender), parameters));
        answered(Stage::Envelope, Severity::PositiveCompletion, command, mail).await?;
        let rcpt = connection.command(Rcpt::new(recipient, Vec::new()));
        answered(Stage::Envelope, Severity::PositiveCompletion, command, rcpt).await
    };
    if let Err(failure) = told.await {
        return Ok(Err(failure));
    }
    reached(Stage::Data).await?;
    let data = connection.command(Data);
    if let Err(failure) = answered(Stage::Data, Severity::PositiveIntermediate, relay.steps.data, data).await
    {
        return Ok(Err(failure));
    }
    reached(Stage::DotSent).await?;
    // lettre ends the body with a line end of its own.
    let body = bytes.strip_suffix(b"\r\n").unwrap_or(bytes);
    handed_over.expect_end();
    let blocks = u32::try_from(bytes.len() / BLOCK + 1).unwrap_or(u32::MAX);
    let limit = relay.steps.block.saturating_mul(blocks).saturating_add(relay.steps.dot);
    let message = connection.message(body);
    let answer = answered(Stage::DotSent, Severity::PositiveCompletion, limit, message).await;
    Ok(match answer {
        Ok(response) => Ok(Sent { reply: text(&response), connection, quit: relay.steps.quit }),
        // Without its end, the relay has no mail.
        Err(failure) if failure.kind == FailureKind::Ambiguous && !handed_over.ended() => {
            Err(Failure { stage: Stage::Data, kind: FailureKind::Temporary, ..failure })
        }
        Err(failure) => Err(failure),
    })
}

/// Connects, protects, greets and logs in; sends nothing.
///
/// # Errors
/// What a mail would have failed at.
pub async fn probe(relay: &Relay) -> Result<(), Failure> {
    let mut opened = open(relay).await?;
    drop(timeout(relay.steps.quit, opened.connection.quit()).await);
    Ok(())
}

/// A conversation in which the mail may begin.
struct Opened {
    connection: AsyncSmtpConnection,
    handed_over: HandedOver,
    /// The most that the relay takes, in bytes, if it says so (RFC 1870).
    size: Option<u64>,
}

/// Before the mail itself, nothing that a relay says is about the mail: a refusal is about how it was spoken to.
async fn open(relay: &Relay) -> Result<Opened, Failure> {
    converse(relay).await.map_err(|failure| match failure.kind {
        FailureKind::Permanent => Failure { kind: FailureKind::Configuration, ..failure },
        _ => failure,
    })
}

async fn converse(relay: &Relay) -> Result<Opened, Failure> {
    if relay.login.is_some() && relay.tls == RelayTls::None {
        let text = "a password is never sent without TLS";
        return Err(Failure::new(Stage::Connecting, FailureKind::Configuration, text));
    }
    let (stream, handed_over) = connect(relay).await?;
    let id = relay.client_id();
    let greeted = AsyncSmtpConnection::connect_with_transport(stream, &id);
    let mut connection = step(Stage::Connecting, relay.steps.command, greeted).await?;
    // lettre keeps to itself what it does not know.
    let features = step(Stage::Connecting, relay.steps.command, connection.command(Ehlo::new(id))).await?;
    let size = features.message().find_map(|line| line.strip_prefix("SIZE ")?.trim().parse().ok());
    if let Some((login, password)) = &relay.login {
        let mechanisms = [Mechanism::Plain, Mechanism::Login];
        if connection.server_info().get_auth_mechanism(&mechanisms).is_none() {
            let text = "the relay offers no login by PLAIN or LOGIN; take username and password out, or use its submission port";
            return Err(Failure::new(Stage::Connecting, FailureKind::Configuration, text));
        }
        let credentials = Credentials::new(login.clone(), password.expose_secret().to_owned());
        let authenticated = connection.auth(&mechanisms, &credentials);
        step(Stage::Connecting, relay.steps.command, authenticated).await.map_err(|failure| {
            // A relay may repeat what it was told, and that was the password.
            let secret = password.expose_secret();
            let told =
                [secret.to_owned(), BASE64.encode(secret), BASE64.encode(format!("\0{login}\0{secret}"))];
            let repeats = told.iter().any(|told| !told.is_empty() && failure.text.contains(told));
            let answer = if repeats { "its answer is withheld" } else { failure.text.as_str() };
            Failure { text: format!("the relay does not accept the login: {answer}"), ..failure }
        })?;
    }
    // Zero says that there is no fixed limit.
    Ok(Opened { connection, handed_over, size: size.filter(|size| *size > 0) })
}

/// What MAIL must say for these addresses, or why the relay cannot take them.
fn parameters(
    connection: &AsyncSmtpConnection,
    sender: &Address,
    recipient: &Address,
) -> Result<Vec<MailParameter>, Failure> {
    let ascii = |address: &Address| AsRef::<str>::as_ref(address).is_ascii();
    if ascii(sender) && ascii(recipient) {
        return Ok(Vec::new());
    }
    if connection.server_info().supports_feature(Extension::SmtpUtfEight) {
        return Ok(vec![MailParameter::SmtpUtfEight]);
    }
    let text = "the address is not ASCII, and the relay does not know SMTPUTF8";
    Err(Failure::new(Stage::Connecting, FailureKind::Permanent, text))
}

/// Awaits one step, no longer than it may take.
async fn step<T>(
    stage: Stage,
    limit: Duration,
    work: impl Future<Output = Result<T, SmtpError>>,
) -> Result<T, Failure> {
    match timeout(limit, work).await {
        Ok(Ok(done)) => Ok(done),
        Ok(Err(error)) => Err(classified(stage, &error)),
        Err(_) => Err(Failure::new(stage, unanswered(stage), format!("no answer within {limit:?}"))),
    }
}

/// Awaits one step whose answer must be of one kind. lettre takes every 2xx and 3xx for a yes; but another than the step
/// asks for answers something else. After one answer too many, that to DATA would stand for that to the end of the mail.
async fn answered(
    stage: Stage,
    wanted: Severity,
    limit: Duration,
    work: impl Future<Output = Result<Response, SmtpError>>,
) -> Result<Response, Failure> {
    let response = step(stage, limit, work).await?;
    if response.code().severity == wanted {
        return Ok(response);
    }
    let problem = format!("the relay answers something else: {}", text(&response));
    Err(Failure::new(stage, unanswered(stage), problem))
}

/// What a missing answer leaves open.
fn unanswered(stage: Stage) -> FailureKind {
    if stage == Stage::DotSent { FailureKind::Ambiguous } else { FailureKind::Temporary }
}

/// An answer that refuses is an answer; anything else leaves open what the relay has.
fn classified(stage: Stage, error: &SmtpError) -> Failure {
    let kind = if error.is_permanent() {
        FailureKind::Permanent
    } else if error.is_transient() {
        FailureKind::Temporary
    } else {
        unanswered(stage)
    };
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(next) = cause {
        let more = next.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        cause = next.source();
    }
    Failure::new(stage, kind, text)
}

fn text(response: &Response) -> String {
    let lines: Vec<&str> = response.message().collect();
    let text = format!("{} {}", response.code(), lines.join(" "));
    visible(&shortened(&text, TOLD)).into_owned()
}
