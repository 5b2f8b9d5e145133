//! Connections to a relay: by TCP, and by TLS with our own trust, from the first byte or after STARTTLS.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use lettre::transport::smtp::client::AsyncTokioStream;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use super::stream::{HandedOver, Watched};
use super::{Failure, FailureKind, Relay, RelayTls, Stage};
use crate::trust::{client_config, tls_error, untrusted};

/// A reply may have so many bytes before STARTTLS.
const LONGEST_REPLY: usize = 16_384;
/// What lettre reads where the relay does not greet again.
const GREETING: &[u8] = b"220 ready\r\n";

/// Connects and protects the connection.
pub(super) async fn connect(relay: &Relay) -> Result<(Box<dyn AsyncTokioStream>, HandedOver), Failure> {
    let (tcp, peer) = dial(relay).await?;
    let handed_over = HandedOver::default();
    let watch = handed_over.clone();
    let stream: Box<dyn AsyncTokioStream> = match relay.tls {
        RelayTls::None => Box::new(Watched { inner: tcp, peer, greeting: b"", handed_over: watch, heard: 0 }),
        RelayTls::Implicit => {
            let inner = handshake(relay, tcp).await?;
            Box::new(Watched { inner, peer, greeting: b"", handed_over: watch, heard: 0 })
        }
        RelayTls::StartTls => {
            let tcp = start_tls(relay, tcp).await?;
            let inner = handshake(relay, tcp).await?;
            Box::new(Watched { inner, peer, greeting: GREETING, handed_over: watch, heard: 0 })
        }
    };
    Ok((stream, handed_over))
}

fn temporary(text: impl AsRef<str>) -> Failure {
    Failure::new(Stage::Connecting, FailureKind::Temporary, text)
}

fn wrong(text: impl AsRef<str>) -> Failure {
    Failure::new(Stage::Connecting, FailureKind::Configuration, text)
}

async fn dial(relay: &Relay) -> Result<(TcpStream, SocketAddr), Failure> {
    let place = format!("{}:{}", relay.host, relay.port);
    let limit = relay.steps.connect;
    let late = |_| temporary(format!("{place}: no connection within {limit:?}"));
    let found = timeout(limit, lookup_host((relay.host.as_str(), relay.port))).await.map_err(late)?;
    let addresses: Vec<_> = found.map_err(|error| temporary(format!("{place}: {error}")))?.collect();
    if relay.tls == RelayTls::None && !addresses.iter().all(|address| address.ip().is_loopback()) {
        return Err(wrong(format!("{place} is not this host; without TLS nothing is sent beyond it")));
    }
    let mut last = io::Error::other("the name has no address");
    for address in addresses {
        match timeout(limit, TcpStream::connect(address)).await {
            Ok(Ok(tcp)) => {
                // Commands are small and answered one by one: waiting to fill a packet only costs time.
                tcp.set_nodelay(true).map_err(|error| temporary(format!("{place}: {error}")))?;
                return Ok((tcp, address));
            }
            Ok(Err(error)) => last = error,
            Err(_) => {
                last = io::Error::new(io::ErrorKind::TimedOut, format!("no connection within {limit:?}"));
            }
        }
    }
    Err(temporary(format!("{place}: {last}")))
}

async fn handshake(
    relay: &Relay,
    tcp: TcpStream,
) -> Result<tokio_rustls::client::TlsStream<TcpStream>, Failure> {
    let config = client_config(&relay.trust).map_err(|error| wrong(error.to_string()))?;
    let name = ServerName::try_from(relay.host.clone())
        .map_err(|_| wrong(format!("{:?} is not a host name that a certificate can bear", relay.host)))?;
    let limit = relay.steps.connect;
    match timeout(limit, TlsConnector::from(Arc::new(config)).connect(name, tcp)).await {
        Err(_) => Err(temporary(format!(
            "no TLS within {limit:?}; is {} the port for {}?",
            relay.port,
            if relay.tls == RelayTls::Implicit { "implicit TLS, not STARTTLS" } else { "STARTTLS" }
        ))),
        Ok(Ok(stream)) => Ok(stream),
        Ok(Err(error)) => Err(match tls_error(&error).and_then(untrusted) {
            Some(untrusted) => wrong(format!(
                "the relay's certificate is not trusted: {}; its SHA-256 is {}, to be compared and put into smtp.pin_sha256",
                untrusted.reason,
                hex::encode(untrusted.sha256)
            )),
            None => temporary(format!("TLS failed: {error}")),
        }),
    }
}

/// Speaks up to STARTTLS. What arrived behind its answer was not said by the relay inside TLS, and would be read as if it
/// were: whoever can put bytes there could answer in its name.
async fn start_tls(relay: &Relay, mut tcp: TcpStream) -> Result<TcpStream, Failure> {
    let limit = relay.steps.command;
    let hello = format!("EHLO {}\r\n", relay.client_id());
    let mut replies = Replies { buffer: Vec::new() };
    let talk = async {
        replies.positive(&mut tcp, "the greeting").await?;
        tcp.write_all(hello.as_bytes()).await.map_err(|error| temporary(error.to_string()))?;
        let features = replies.positive(&mut tcp, "EHLO").await?;
        if !features
            .lines()
            .any(|line| line.get(4..).is_some_and(|name| name.trim().eq_ignore_ascii_case("STARTTLS")))
        {
            return Err(wrong(
                "the relay offers no STARTTLS, and nothing is sent without; is this its submission port?",
            ));
        }
        tcp.write_all(b"STARTTLS\r\n").await.map_err(|error| temporary(error.to_string()))?;
        replies.positive(&mut tcp, "STARTTLS").await
    };
    timeout(limit, talk).await.map_err(|_| temporary(format!("no STARTTLS within {limit:?}")))??;
    if !replies.buffer.is_empty() {
        return Err(wrong(
            "bytes arrived in the clear behind the answer to STARTTLS; somebody may be in between",
        ));
    }
    Ok(tcp)
}

/// Reads replies, and keeps what arrived behind one.
struct Replies {
    buffer: Vec<u8>,
}

impl Replies {
    /// A whole reply that is positive (2xx).
    async fn positive(&mut self, tcp: &mut TcpStream, to: &str) -> Result<String, Failure> {
        let reply = self.read(tcp).await?;
        let text = reply.replace("\r\n", " ");
        match reply.as_bytes().first() {
            Some(b'2') => Ok(reply),
            Some(b'4') => Err(temporary(format!("the relay answers {to} with {text}"))),
            _ => Err(wrong(format!("the relay answers {to} with {text}"))),
        }
    }

    /// A whole reply: lines of three digits, of which the last has a space or nothing behind them (RFC 5321, 4.2.1).
    async fn read(&mut self, tcp: &mut TcpStream) -> Result<String, Failure> {
        loop {
            if let Some(end) = end_of_reply(&self.buffer)? {
                let rest = self.buffer.split_off(end);
                let reply = std::mem::replace(&mut self.buffer, rest);
                return Ok(String::from_utf8_lossy(&reply).trim_end().to_owned());
            }
            if self.buffer.len() > LONGEST_REPLY {
                return Err(temporary("the relay's answer does not end"));
            }
            let read = tcp.read_buf(&mut self.buffer).await.map_err(|error| temporary(error.to_string()))?;
            if read == 0 {
                return Err(temporary("the relay closed the connection"));
            }
        }
    }
}

/// Where the first whole reply ends, if it is whole.
fn end_of_reply(buffer: &[u8]) -> Result<Option<usize>, Failure> {
    let mut start = 0;
    while let Some(length) = buffer[start..].iter().position(|byte| *byte == b'\n') {
        let line = buffer[start..start + length].trim_ascii_end();
        let is_code = line.len() >= 3 && line[..3].iter().all(u8::is_ascii_digit);
        start += length + 1;
        match line.get(3) {
            _ if !is_code => return Err(temporary("the relay does not speak SMTP")),
            None | Some(b' ') => return Ok(Some(start)),
            Some(b'-') => {}
            Some(_) => return Err(temporary("the relay does not speak SMTP")),
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reply_ends_at_its_last_line() {
        assert_eq!(end_of_reply(b"220 ready\r\n").unwrap(), Some(11));
        assert_eq!(end_of_reply(b"250-one\r\n250 two\r\nextra").unwrap(), Some(18));
        assert_eq!(end_of_reply(b"250-one\r\n250").unwrap(), None);
        assert_eq!(end_of_reply(b"250\r\n").unwrap(), Some(5));
        for garbage in [&b"HTTP/1.1 400\r\n"[..], b"25\r\n", b"\r\n", b"250x\r\n"] {
            assert!(end_of_reply(garbage).is_err(), "{garbage:?}");
        }
    }
}
