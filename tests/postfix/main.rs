//! Mail through a real relay, a Postfix on loopback, and read back by another language's mail library.
//!
//! Sending and reading back are apart: whatever has sent, [`read_back`] tells what has arrived.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

use std::convert::Infallible;
use std::path::{Path, PathBuf};
use std::process::Command;

use chrono::DateTime;
use recert::deliver::{self, Attachment, Letter, NamedAs, Relay, RelayTls, Steps, message_id};
use recert::trust::Trust;
use secrecy::SecretString;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

#[path = "../artifacts/programs.rs"]
mod programs;
mod relay;

use programs::{finished, program};
use relay::{DOMAIN, Postfix};

#[tokio::test]
async fn a_message_arrives_as_it_was_sent() {
    let Some(mut postfix) = Postfix::start() else { return };
    if program("python3").is_none() {
        return;
    }
    let workbook: Vec<u8> =
        (0..200_000_u32).map(|n| n.wrapping_mul(2_654_435_761).to_be_bytes()[0]).collect();
    let (one, two) = (format!("one@{DOMAIN}"), format!("two@{DOMAIN}"));
    let mut sent = Vec::new();
    for recipient in [&one, &two] {
        sent.push((recipient, send(&postfix, recipient, &workbook).await));
    }
    postfix.delivered(2);
    assert!(postfix.log.iter().any(|line| line.contains("TLS connection established")), "{:#?}", postfix.log);
    assert!(postfix.log.iter().any(|line| line.contains("sasl_username=recert")), "{:#?}", postfix.log);

    let messages = read_back(&postfix.maildir);
    let mut recipients: Vec<_> = messages.iter().map(|message| message["delivered_to"].clone()).collect();
    recipients.sort_by_key(Value::to_string);
    assert_eq!(recipients, [json!(one), json!(two)]);
    for message in &messages {
        assert_eq!(message["return_path"], format!("recert@{DOMAIN}"));
        let to = |(recipient, _): &&(&String, Vec<u8>)| message["delivered_to"] == **recipient;
        let (recipient, bytes) = sent.iter().find(to).unwrap();
        assert_eq!(message["sha256"], hex::encode(Sha256::digest(bytes)), "not the bytes that were sent");
        assert_eq!(header(message, "To"), [recipient.as_str()], "nobody else is named");
        assert_eq!(message["defects"], json!([]));
        assert_eq!(header(message, "Subject"), ["Rezertifizierung: 3 Befunde in \u{201e}hq\u{201c}"]);
        assert_eq!(header(message, "Message-ID"), [id(recipient)]);
        let parts = message["parts"].as_array().unwrap();
        assert_eq!(parts[0]["type"], "text/plain");
        assert_eq!(parts[0]["text"], TEXT);
        assert_eq!(parts[1]["type"], "text/html");
        assert_eq!(parts[2]["disposition"], "attachment");
        assert_eq!(parts[2]["filename"], "report.xlsx");
        assert_eq!(parts[2]["size"], workbook.len());
        assert_eq!(parts[2]["sha256"], hex::encode(Sha256::digest(&workbook)));
    }
}

#[test]
fn the_relay_takes_nothing_from_strangers_and_brings_nothing_outside() {
    let Some(python) = program("python3") else { return };
    let Some(relay) = Postfix::start() else { return };
    let said = script(&python, &relay, "probe.py", &[DOMAIN]);
    assert_eq!(
        said,
        json!({
            "auth_before_tls": false,
            "recipient_without_login": 554,
            "wrong_password": 535,
            "recipient": 250,
            "recipient_outside": 550,
        })
    );
    assert_eq!(read_back(&relay.maildir), [] as [Value; 0]);
}

/// Lines that a relay could take for its own.
const TEXT: &str = "Grüße\r\n.\r\n..\r\nFrom here on\r\n";

fn id(recipient: &str) -> String {
    message_id("installation", "run", recipient, "report", 1, DOMAIN)
}

/// Sends one message with a file as the outbox does: STARTTLS, login, its own trust; tells the bytes.
async fn send(postfix: &Postfix, recipient: &str, workbook: &[u8]) -> Vec<u8> {
    let relay = Relay {
        host: "localhost".into(),
        port: postfix.port,
        tls: RelayTls::StartTls,
        trust: Trust::CaFile(postfix.ca_pem.clone()),
        login: Some((postfix.login.into(), SecretString::from(postfix.password))),
        hello: None,
        steps: Steps::standard(),
    };
    let from = format!("recert@{DOMAIN}");
    let attachments = [Attachment {
        name: "report.xlsx".into(),
        media_type: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        bytes: workbook.to_vec(),
    }];
    let letter = Letter {
        from: &from,
        to: recipient,
        named: NamedAs::To,
        subject: "Rezertifizierung: 3 Befunde in \u{201e}hq\u{201c}",
        text: TEXT,
        html: "<p>Grüße</p>\n",
        attachments: &attachments,
        message_id: &id(recipient),
        date: DateTime::from_timestamp(1_793_600_000, 0).unwrap(),
    };
    let bytes = letter.write().unwrap();
    let told = deliver::send(&relay, &from, recipient, &bytes, |_| async { Ok::<_, Infallible>(()) }).await;
    let Ok(told) = told;
    let sent = told.unwrap();
    assert!(sent.reply.contains("queued"), "{}", sent.reply);
    sent.quit().await;
    bytes
}

fn script(python: &Path, relay: &Postfix, name: &str, arguments: &[&str]) -> Value {
    let mut command = Command::new(python);
    command
        .arg(place(name))
        .args([&relay.port.to_string(), relay.ca_pem.to_str().unwrap(), relay.login])
        .args(arguments)
        .env("RELAY_PASSWORD", relay.password);
    serde_json::from_slice(&finished(&mut command).stdout).unwrap()
}

/// Every message of a maildir, in the order of arrival, as Python's `email` reads it: `return_path` and `delivered_to`
/// of the envelope; `sha256` of the bytes as they were sent, before the relay put its own lines on top; `headers`
/// (name and decoded value, in order); `defects` that the reader has found; `parts` with type, file name, size,
/// SHA-256 of the decoded content, and the text of a text.
fn read_back(maildir: &Path) -> Vec<Value> {
    let python = program("python3").expect("asked for before the relay was started");
    let said = finished(Command::new(python).arg(place("read_back.py")).arg(maildir));
    serde_json::from_slice(&said.stdout).unwrap()
}

/// All values of a header.
fn header<'message>(message: &'message Value, name: &str) -> Vec<&'message str> {
    let headers = message["headers"].as_array().unwrap().iter();
    let named = headers.filter(|header| header[0].as_str().unwrap().eq_ignore_ascii_case(name));
    named.map(|header| header[1].as_str().unwrap()).collect()
}

fn place(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/postfix").join(name)
}
