//! One connection: RFC 5321 from the relay's side, with at most one mishap in it.

use std::io;
use std::mem;
use std::sync::Arc;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

use super::body::{Body, read_body};
use super::wire::Wire;
use super::{Attempt, Counted, How, Message, Mishap, State, Step, Tls, locked};

const GARBAGE: &[u8] = b"\xff\xfe{\"error\":\"this is not SMTP\"}\r\n\r\n";
/// Octets of a command; more is refused, so that a client gone wild fills no memory.
const LONGEST_COMMAND: usize = 65_536;

/// Holds a conversation until either side ends it.
pub(super) async fn hold(
    state: Arc<State>,
    number: usize,
    tcp: TcpStream,
    mishap: Option<Mishap>,
    counted: Counted,
) {
    // Answers are small: waiting to fill a packet only costs time.
    drop(tcp.set_nodelay(true));
    let mut conversation = Conversation {
        state,
        number,
        mishap,
        counted: Some(counted),
        wire: BufReader::new(Wire::Clear(tcp)),
        greeted: false,
        login: None,
        from: None,
        to: Vec::new(),
        eight_bit: false,
    };
    // However it ends, what the relay has is written down.
    drop(conversation.run().await);
}

/// The end of a conversation, which is no error of the test.
fn over() -> io::Error {
    io::ErrorKind::ConnectionAborted.into()
}

struct Conversation {
    state: Arc<State>,
    number: usize,
    mishap: Option<Mishap>,
    counted: Option<Counted>,
    wire: BufReader<Wire>,
    greeted: bool,
    login: Option<String>,
    from: Option<String>,
    to: Vec<String>,
    /// Whether the message may have bytes beyond ASCII.
    eight_bit: bool,
}

impl Conversation {
    async fn run(&mut self) -> io::Result<()> {
        if self.goes_wrong(Step::Accept).await? {
            return self.drain().await;
        }
        if self.state.options.tls == Tls::Implicit {
            self.handshake().await?;
        }
        if !self.goes_wrong(Step::Banner).await? {
            self.say("220 relay.test ESMTP ready").await?;
        }
        loop {
            let line = self.command().await?;
            let (verb, rest) = line.split_once(' ').unwrap_or((&line, ""));
            match verb.to_ascii_uppercase().as_str() {
                "EHLO" => self.ehlo(rest).await?,
                "STARTTLS" => self.start_tls().await?,
                "AUTH" => self.auth(rest).await?,
                "MAIL" => self.mail(rest).await?,
                "RCPT" => self.rcpt(rest).await?,
                "DATA" => self.data().await?,
                "RSET" => {
                    self.forget();
                    self.say("250 2.0.0 forgotten").await?;
                }
                "NOOP" => self.say("250 2.0.0 nothing done").await?,
                "QUIT" => {
                    if !self.goes_wrong(Step::Quit).await? {
                        self.say("221 2.0.0 goodbye").await?;
                        return self.drain().await;
                    }
                }
                _ => {
                    self.violates(format!("{line:?} is no command"));
                    self.say("500 5.5.1 unknown command").await?;
                }
            }
        }
    }

    async fn ehlo(&mut self, name: &str) -> io::Result<()> {
        let inside = self.wire.get_ref().is_tls();
        let options = self.state.options.clone();
        if name.trim().is_empty() {
            self.violates("EHLO without a name");
        }
        let step = if inside && options.tls == Tls::StartTls { Step::EhloInside } else { Step::Ehlo };
        let says = self.mishap.is_some_and(|mishap| matches!(mishap.how, How::Says(_)));
        if self.goes_wrong(step).await? {
            // Other words for the same: a client may go on from them.
            self.greeted |= says;
            return Ok(());
        }
        self.greeted = true;
        self.forget();
        let mut offers = vec!["relay.test".to_owned(), "8BITMIME".to_owned()];
        offers.extend(options.size.map(|size| format!("SIZE {size}")));
        offers.extend(options.utf8.then(|| "SMTPUTF8".to_owned()));
        let protected = inside || options.tls == Tls::None;
        offers.extend((!protected && !options.no_starttls).then(|| "STARTTLS".to_owned()));
        offers.extend((protected && options.login.is_some()).then(|| format!("AUTH {}", options.mechanisms)));
        offers.push("ENHANCEDSTATUSCODES".to_owned());
        let last = offers.len() - 1;
        let lines = offers.iter().enumerate();
        let lines = lines.map(|(at, offer)| format!("250{}{offer}", if at == last { ' ' } else { '-' }));
        let reply = lines.collect::<Vec<_>>().join("\r\n");
        self.say(&reply).await
    }

    async fn start_tls(&mut self) -> io::Result<()> {
        let offered = self.state.options.tls == Tls::StartTls && !self.state.options.no_starttls;
        if !offered || self.wire.get_ref().is_tls() || !self.greeted {
            return self.out_of_order("STARTTLS").await;
        }
        if self.goes_wrong(Step::StartTls).await? {
            return Ok(());
        }
        let mut reply = b"220 2.0.0 go ahead\r\n".to_vec();
        reply.extend(&self.state.options.inject);
        self.write(&reply).await?;
        self.handshake().await?;
        // RFC 3207: what was said before is forgotten.
        self.greeted = false;
        self.forget();
        Ok(())
    }

    async fn handshake(&mut self) -> io::Result<()> {
        let first = match self.wire.get_ref().tcp() {
            Some(tcp) => tcp.peek(&mut [0]).await?,
            None => 0,
        };
        // Nothing comes from a client that does not like what it was answered; bytes already read came too early.
        if first == 0 || !self.wire.buffer().is_empty() {
            return Err(over());
        }
        if self.goes_wrong(Step::Handshake).await? {
            self.drain().await?;
            return Err(over());
        }
        let Wire::Clear(tcp) = mem::replace(&mut self.wire, BufReader::new(Wire::Gone)).into_inner() else {
            return Err(over());
        };
        let tls = self.state.acceptor.accept(tcp).await?;
        self.wire = BufReader::new(Wire::Tls(Box::new(tls)));
        Ok(())
    }

    async fn auth(&mut self, rest: &str) -> io::Result<()> {
        let Some((login, password)) = self.state.options.login.clone() else {
            return self.out_of_order("AUTH").await;
        };
        if self.state.options.tls != Tls::None && !self.wire.get_ref().is_tls() {
            self.violates("AUTH in the clear");
        }
        if !self.greeted || self.login.is_some() || self.from.is_some() {
            return self.out_of_order("AUTH").await;
        }
        if self.goes_wrong(Step::Auth).await? {
            return Ok(());
        }
        let (mechanism, initial) = rest.split_once(' ').unwrap_or((rest, ""));
        let mechanism = mechanism.to_ascii_uppercase();
        if !self.state.options.mechanisms.split(' ').any(|offered| offered == mechanism) {
            self.violates(format!("AUTH {mechanism} was not offered"));
            return self.say("504 5.5.4 unknown mechanism").await;
        }
        let given = match mechanism.as_str() {
            "PLAIN" => {
                let whole = self.answered(initial, "").await?;
                let mut parts = whole.splitn(3, '\0').skip(1).map(str::to_owned);
                (parts.next().unwrap_or_default(), parts.next().unwrap_or_default())
            }
            _ => (self.answered(initial, "Username:").await?, self.answered("", "Password:").await?),
        };
        if given == (login.clone(), password) {
            self.login = Some(login);
            self.say("235 2.7.0 welcome").await
        } else {
            self.say("535 5.7.8 wrong login or password").await
        }
    }

    /// What the client gave at once, or answers to a challenge.
    async fn answered(&mut self, initial: &str, challenge: &str) -> io::Result<String> {
        let answer = if initial.is_empty() {
            self.say(&format!("334 {}", BASE64_STANDARD.encode(challenge))).await?;
            self.command().await?
        } else {
            initial.to_owned()
        };
        let Ok(bytes) = BASE64_STANDARD.decode(answer.trim()) else {
            self.violates("an answer to AUTH that is not base64");
            return Ok(String::new());
        };
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    async fn mail(&mut self, rest: &str) -> io::Result<()> {
        let tls_missing = self.state.options.tls != Tls::None && !self.wire.get_ref().is_tls();
        let login_missing = self.state.options.login.is_some() && self.login.is_none();
        if !self.greeted || self.from.is_some() || tls_missing {
            return self.out_of_order("MAIL").await;
        }
        let Some((from, parameters)) = path(rest, "FROM:") else {
            self.violates(format!("MAIL {rest:?}"));
            return self.say("501 5.5.4 not MAIL FROM:<address>").await;
        };
        if self.goes_wrong(Step::Mail).await? {
            return Ok(());
        }
        if login_missing {
            return self.say("530 5.7.0 log in first").await;
        }
        let parameters = parameters.to_ascii_uppercase();
        let utf8 = parameters.split(' ').any(|parameter| parameter == "SMTPUTF8");
        if (utf8 || !from.is_ascii()) && !(utf8 && self.state.options.utf8) {
            self.violates("an address beyond ASCII without SMTPUTF8, or SMTPUTF8 where it is not offered");
            return self.say("553 5.6.7 SMTPUTF8 is not known").await;
        }
        let announced =
            parameters.split(' ').find_map(|parameter| parameter.strip_prefix("SIZE=")?.parse().ok());
        if announced.is_some_and(|size: u64| self.too_large(size)) {
            return self.say("552 5.3.4 too large").await;
        }
        self.eight_bit = utf8 || parameters.contains("BODY=8BITMIME");
        self.from = Some(from.to_owned());
        self.say("250 2.1.0 sender ok").await
    }

    async fn rcpt(&mut self, rest: &str) -> io::Result<()> {
        if self.from.is_none() {
            return self.out_of_order("RCPT").await;
        }
        let Some((to, _)) = path(rest, "TO:") else {
            self.violates(format!("RCPT {rest:?}"));
            return self.say("501 5.5.4 not RCPT TO:<address>").await;
        };
        if self.goes_wrong(Step::Rcpt).await? {
            return Ok(());
        }
        let refused = self.state.options.refuse.iter().find(|(address, _)| address == to);
        if let Some(answer) = refused.map(|(_, answer)| answer.clone()) {
            return self.say(&answer).await;
        }
        self.to.push(to.to_owned());
        self.say("250 2.1.5 recipient ok").await
    }

    async fn data(&mut self) -> io::Result<()> {
        if self.to.is_empty() {
            return self.out_of_order("DATA").await;
        }
        if self.goes_wrong(Step::Data).await? {
            return Ok(());
        }
        self.say("354 end with a dot on its own line").await?;
        if self.mishap.is_some_and(|mishap| mishap.at == Step::Body) {
            if self.wire.fill_buf().await?.is_empty() {
                return Err(over());
            }
            self.goes_wrong(Step::Body).await?;
            return Err(over());
        }
        self.reached(Step::Body);
        let Body { bytes: body, violations } = read_body(&mut self.wire, self.eight_bit).await?;
        for violation in violations {
            self.violates(violation);
        }
        if !self.wire.buffer().is_empty() {
            self.violates("bytes behind the final dot, before its answer");
        }
        let keeps = self.mishap.is_none_or(|mishap| mishap.at != Step::Dot || mishap.keeps);
        let fits = !self.too_large(body.len() as u64);
        let kept = (keeps && fits).then(|| self.keep(body));
        self.forget();
        if self.goes_wrong(Step::Dot).await? {
            return Ok(());
        }
        let Some(kept) = kept else { return self.say("552 5.3.4 too large").await };
        self.say(&format!("250 2.0.0 queued as {kept}")).await?;
        locked(&self.state.messages)[kept].answered = true;
        Ok(())
    }

    fn keep(&mut self, body: Vec<u8>) -> usize {
        let mut messages = locked(&self.state.messages);
        messages.push(Message {
            from: self.from.clone().unwrap_or_default(),
            to: self.to.clone(),
            body,
            tls: self.wire.get_ref().is_tls(),
            login: self.login.clone(),
            answered: false,
        });
        messages.len() - 1
    }

    fn too_large(&self, size: u64) -> bool {
        self.state.options.size.is_some_and(|limit| limit > 0 && size > limit)
    }

    fn forget(&mut self) {
        self.from = None;
        self.to.clear();
        self.eight_bit = false;
    }

    /// A command, without its line end.
    async fn command(&mut self) -> io::Result<String> {
        let mut line = Vec::new();
        (&mut self.wire).take(LONGEST_COMMAND as u64).read_until(b'\n', &mut line).await?;
        let inside = self.wire.get_ref().is_tls();
        self.note(|attempt| {
            let said = if inside { &mut attempt.inside } else { &mut attempt.clear };
            said.extend_from_slice(&line);
        });
        if !line.ends_with(b"\n") {
            if !line.is_empty() {
                self.violates("a command without an end");
            }
            return Err(over());
        }
        let text = String::from_utf8_lossy(line.trim_ascii_end()).into_owned();
        if !line.ends_with(b"\r\n") || line[..line.len() - 2].iter().any(|byte| b"\r\0".contains(byte)) {
            self.violates(format!("{text:?} has a bare CR or LF or a NUL"));
        }
        if !self.wire.buffer().is_empty() {
            self.violates(format!("bytes behind {text:?}, before its answer"));
        }
        Ok(text)
    }

    /// Whether the mishap of this connection happened here, and the conversation goes on.
    async fn goes_wrong(&mut self, step: Step) -> io::Result<bool> {
        self.reached(step);
        let Some(mishap) = self.mishap.take_if(|mishap| mishap.at == step) else { return Ok(false) };
        match mishap.how {
            How::Close => return Err(over()),
            How::Reset => {
                self.wire.get_ref().tcp().map_or(Ok(()), TcpStream::set_zero_linger)?;
                return Err(over());
            }
            How::Hang => {
                self.counted = None;
                std::future::pending::<()>().await;
            }
            How::Temporary => self.say("451 4.3.0 try again later").await?,
            How::Permanent => self.say("554 5.7.1 not here, not now, not you").await?,
            How::Garbage => self.write(GARBAGE).await?,
            How::Says(bytes) => self.write(bytes.as_bytes()).await?,
        }
        Ok(true)
    }

    async fn out_of_order(&mut self, command: &str) -> io::Result<()> {
        self.violates(format!("{command} out of order"));
        self.say("503 5.5.1 out of order").await
    }

    async fn say(&mut self, reply: &str) -> io::Result<()> {
        self.write(format!("{reply}\r\n").as_bytes()).await
    }

    async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.wire.write_all(bytes).await?;
        self.wire.flush().await
    }

    /// Reads until the client has gone: closing over unread bytes would take the last answer back.
    async fn drain(&mut self) -> io::Result<()> {
        let mut buffer = vec![0; 8192];
        while self.wire.read(&mut buffer).await? > 0 {}
        Ok(())
    }

    fn note(&self, change: impl FnOnce(&mut Attempt)) {
        change(&mut locked(&self.state.attempts)[self.number]);
    }

    fn reached(&self, step: Step) {
        self.note(|attempt| attempt.reached = Some(step));
    }

    fn violates(&self, what: impl Into<String>) {
        self.note(|attempt| attempt.violations.push(what.into()));
    }
}

/// The address of `FROM:<address> PARAMETERS`, and the parameters.
fn path<'a>(rest: &'a str, keyword: &str) -> Option<(&'a str, &'a str)> {
    let (given, rest) = rest.split_at_checked(keyword.len())?;
    let (address, parameters) = rest.strip_prefix('<')?.split_once('>')?;
    let separated = parameters.is_empty() || parameters.starts_with(' ');
    (given.eq_ignore_ascii_case(keyword) && separated).then_some((address, parameters.trim_start()))
}
