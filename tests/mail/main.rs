//! Mail, spoken to a relay that misbehaves at every step: how each attempt ends, and what the relay has of it.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../relay/mod.rs"]
mod relay;

mod answers;
mod identities;
mod letters;
mod logins;
mod mishaps;
mod stages;
mod strictness;

use std::convert::Infallible;
use std::time::Duration;

use recert::deliver::{Failure, Relay, RelayTls, Sent, Steps, send};
use recert::trust::Trust;

const FROM: &str = "recert@corp.example";
const TO: &str = "owner@corp.example";
const LOGIN: &str = "mailer";
const PASSWORD: &str = "open sesame 4711";

/// Long enough for a busy machine, and still an end.
const PATIENT: Duration = Duration::from_mins(1);

fn login() -> (String, String) {
    (LOGIN.to_owned(), PASSWORD.to_owned())
}

/// A client that believes this relay, and has no login.
fn client_of(relay: &relay::Relay, tls: relay::Tls) -> Relay {
    Relay {
        host: "127.0.0.1".to_owned(),
        port: relay.port(),
        tls: match tls {
            relay::Tls::None => RelayTls::None,
            relay::Tls::Implicit => RelayTls::Implicit,
            relay::Tls::StartTls => RelayTls::StartTls,
        },
        trust: Trust::CaFile(relay.ca_file().to_owned()),
        login: None,
        hello: Some("recert.corp.example".to_owned()),
        steps: Steps::capped(PATIENT),
    }
}

/// The same with the login.
fn with_login(client: Relay) -> Relay {
    Relay { login: Some((LOGIN.to_owned(), PASSWORD.into())), ..client }
}

/// One attempt, of which nobody records the stages, with its goodbye.
async fn attempt(client: &Relay, bytes: &[u8]) -> Result<String, Failure> {
    let sent: Result<Result<Sent, Failure>, Infallible> =
        send(client, FROM, TO, bytes, |_| async { Ok(()) }).await;
    let sent = sent.unwrap()?;
    let reply = sent.reply.clone();
    sent.quit().await;
    Ok(reply)
}
