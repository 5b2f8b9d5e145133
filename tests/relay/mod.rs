//! An SMTP relay on loopback that does what a test tells it: it can break off, hang, refuse or talk nonsense at every step
//! of a conversation. It is strict, and so an oracle too: whatever a client may not send is written down.
//!
//! Used by several test programs: `#[path = "../relay/mod.rs"] mod relay;`.
#![allow(dead_code, reason = "each test program uses a part of it")]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod body;
mod conversation;
mod identity;
mod wire;

pub(crate) use identity::Identity;

use std::collections::VecDeque;
use std::io::Write;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard};

use tempfile::NamedTempFile;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::{AbortHandle, JoinSet};
use tokio_rustls::TlsAcceptor;

/// A relay that listens on 127.0.0.1 until it is dropped. With it end all of its connections.
pub(crate) struct Relay {
    port: u16,
    state: Arc<State>,
    ca: NamedTempFile,
    open: watch::Receiver<usize>,
    task: AbortHandle,
}

/// How a relay is set up. The default is healthy, in the clear, and wants no login.
#[derive(Clone)]
pub(crate) struct Options {
    /// How its connections are protected.
    pub(crate) tls: Tls,
    /// Whom it lets in; without, anybody, and it offers no AUTH.
    pub(crate) login: Option<(String, String)>,
    /// What it offers for AUTH, if it wants a login.
    pub(crate) mechanisms: &'static str,
    /// The largest message that it announces and takes, in bytes.
    pub(crate) size: Option<u64>,
    /// Whether it knows SMTPUTF8.
    pub(crate) utf8: bool,
    /// Recipients that it refuses, and the answer, without its line end: `550 5.1.1 unknown`.
    pub(crate) refuse: Vec<(String, String)>,
    /// What it shows in TLS; by default a certificate of its own authority for `localhost` and 127.0.0.1.
    pub(crate) identity: Option<Identity>,
    /// Bytes that go out in the clear right behind the answer to STARTTLS, in the same write.
    pub(crate) inject: Vec<u8>,
    /// Leaves STARTTLS out of what it offers.
    pub(crate) no_starttls: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            tls: Tls::None,
            login: None,
            mechanisms: "PLAIN LOGIN",
            size: None,
            utf8: false,
            refuse: Vec::new(),
            identity: None,
            inject: Vec::new(),
            no_starttls: false,
        }
    }
}

/// How connections are protected.
#[allow(clippy::enum_variant_names, reason = "STARTTLS is called so")]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tls {
    None,
    Implicit,
    StartTls,
}

impl Tls {
    pub(crate) const ALL: [Self; 3] = [Self::None, Self::Implicit, Self::StartTls];
}

/// A message whose end the relay received, and which it kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Message {
    pub(crate) from: String,
    pub(crate) to: Vec<String>,
    /// Without the doubled dots, up to and with the line end before the final dot.
    pub(crate) body: Vec<u8>,
    pub(crate) tls: bool,
    pub(crate) login: Option<String>,
    /// Whether the client was sent a 250 for it.
    pub(crate) answered: bool,
}

/// A connection.
#[derive(Debug, Clone, Default)]
pub(crate) struct Attempt {
    /// The last step that began.
    pub(crate) reached: Option<Step>,
    /// All that the client said in the clear, without bodies.
    pub(crate) clear: Vec<u8>,
    /// All that the client said inside TLS, without bodies.
    pub(crate) inside: Vec<u8>,
    /// What a client may not do, and this one did.
    pub(crate) violations: Vec<String>,
}

impl Attempt {
    /// Whether the client said this command, in the clear or inside TLS. Upper case.
    pub(crate) fn said(&self, command: &str) -> bool {
        [&self.clear, &self.inside].into_iter().any(|bytes| begins_a_line(bytes, command))
    }

    /// Whether the client said this command in the clear. Upper case.
    pub(crate) fn said_in_clear(&self, command: &str) -> bool {
        begins_a_line(&self.clear, command)
    }
}

fn begins_a_line(bytes: &[u8], command: &str) -> bool {
    bytes.split(|byte| *byte == b'\n').any(|line| line.to_ascii_uppercase().starts_with(command.as_bytes()))
}

/// What goes wrong with one connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Mishap {
    pub(crate) at: Step,
    pub(crate) how: How,
    /// At [`Step::Dot`]: whether the relay keeps the message all the same.
    pub(crate) keeps: bool,
}

impl Mishap {
    pub(crate) const fn new(at: Step, how: How) -> Self {
        Self { at, how, keeps: false }
    }

    /// At the final dot, with the message kept.
    pub(crate) const fn kept(how: How) -> Self {
        Self { at: Step::Dot, how, keeps: true }
    }
}

/// A step of a conversation. A mishap at a command happens when the command is there, in place of its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Step {
    /// The connection is there, and with implicit TLS nothing is read yet.
    Accept,
    /// In place of the greeting.
    Banner,
    Ehlo,
    StartTls,
    /// The client's first byte of TLS is there.
    Handshake,
    /// The first EHLO inside TLS that began with STARTTLS.
    EhloInside,
    Auth,
    Mail,
    Rcpt,
    Data,
    /// In the middle of the body: its first bytes are there. Replies are sent and the connection closed at once. A client
    /// that sends less than the sockets buffer (some MiB) may have sent all of it.
    Body,
    /// The message is there with its final dot.
    Dot,
    Quit,
}

impl Step {
    pub(crate) const ALL: [Self; 13] = [
        Self::Accept,
        Self::Banner,
        Self::Ehlo,
        Self::StartTls,
        Self::Handshake,
        Self::EhloInside,
        Self::Auth,
        Self::Mail,
        Self::Rcpt,
        Self::Data,
        Self::Body,
        Self::Dot,
        Self::Quit,
    ];

    /// Whether a conversation has it.
    pub(crate) fn exists(self, tls: Tls, login: bool) -> bool {
        match self {
            Self::StartTls | Self::EhloInside => tls == Tls::StartTls,
            Self::Handshake => tls != Tls::None,
            Self::Auth => login,
            _ => true,
        }
    }
}

/// How it goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum How {
    /// The connection is closed; inside TLS without a word.
    Close,
    /// The connection is reset.
    Reset,
    /// Nothing is read or written any more.
    Hang,
    /// A 4xx.
    Temporary,
    /// A 5xx.
    Permanent,
    /// Bytes that are not SMTP.
    Garbage,
    /// These bytes, as they are.
    Says(&'static str),
}

impl How {
    /// Those that mean something at every step.
    pub(crate) const ALL: [Self; 6] =
        [Self::Close, Self::Reset, Self::Hang, Self::Temporary, Self::Permanent, Self::Garbage];
}

/// What a relay and its connections share.
struct State {
    options: Options,
    identity: Identity,
    acceptor: TlsAcceptor,
    script: Mutex<VecDeque<Mishap>>,
    messages: Mutex<Vec<Message>>,
    attempts: Mutex<Vec<Attempt>>,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().expect("no connection panics while it holds this")
}

impl Relay {
    /// A healthy relay without TLS and login.
    pub(crate) async fn start() -> Self {
        Self::with(Options::default()).await
    }

    pub(crate) async fn with(options: Options) -> Self {
        let identity = options.identity.clone().unwrap_or_else(|| Identity::of(&["localhost", "127.0.0.1"]));
        let mut ca = NamedTempFile::new().unwrap();
        ca.write_all(identity.ca_pem.as_bytes()).unwrap();
        let state = Arc::new(State {
            acceptor: TlsAcceptor::from(Arc::new(identity.server_config())),
            options,
            identity,
            script: Mutex::default(),
            messages: Mutex::default(),
            attempts: Mutex::default(),
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (count, open) = watch::channel(0);
        let task = tokio::spawn(serve(listener, state.clone(), Arc::new(count))).abort_handle();
        Self { port, state, ca, open, task }
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// The authority of its certificate.
    pub(crate) fn ca_pem(&self) -> &str {
        &self.state.identity.ca_pem
    }

    /// A file with [`Self::ca_pem`], as long as the relay lives.
    pub(crate) fn ca_file(&self) -> &Path {
        self.ca.path()
    }

    /// Of the certificate that it shows.
    pub(crate) fn sha256(&self) -> [u8; 32] {
        self.state.identity.sha256()
    }

    /// Everything that it kept, in order.
    pub(crate) fn messages(&self) -> Vec<Message> {
        locked(&self.state.messages).clone()
    }

    /// Every connection, in order, those that are still open too.
    pub(crate) fn attempts(&self) -> Vec<Attempt> {
        locked(&self.state.attempts).clone()
    }

    /// What clients may not do and did, in all connections.
    pub(crate) fn violations(&self) -> Vec<String> {
        locked(&self.state.attempts).iter().flat_map(|attempt| attempt.violations.clone()).collect()
    }

    /// What happens to the next connections, one each; afterwards it is healthy. Adds to what is still to come.
    pub(crate) fn script(&self, mishaps: impl IntoIterator<Item = Mishap>) {
        locked(&self.state.script).extend(mishaps);
    }

    /// Waits until no connection is open; those that hang do not count.
    pub(crate) async fn idle(&self) {
        self.open.clone().wait_for(|open| *open == 0).await.expect("the relay serves until it is dropped");
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(listener: TcpListener, state: Arc<State>, open: Arc<watch::Sender<usize>>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let Ok((tcp, _)) = accepted else { return };
                let mishap = locked(&state.script).pop_front();
                let number = {
                    let mut attempts = locked(&state.attempts);
                    attempts.push(Attempt::default());
                    attempts.len() - 1
                };
                open.send_modify(|open| *open += 1);
                connections.spawn(conversation::hold(state.clone(), number, tcp, mishap, Counted(open.clone())));
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

/// An open connection, for [`Relay::idle`].
struct Counted(Arc<watch::Sender<usize>>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.send_modify(|open| *open -= 1);
    }
}
