//! Mail through a real relay, a Postfix on loopback, and read back by another language's mail library.
//!
//! Sending and reading back are apart: whatever has sent, [`read_back`] tells what has arrived.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

#[path = "../artifacts/programs.rs"]
mod programs;
mod relay;

use programs::{finished, program};
use relay::{DOMAIN, Postfix};

#[test]
fn a_message_arrives_as_it_was_sent() {
    let Some(python) = program("python3") else { return };
    let Some(mut relay) = Postfix::start() else { return };
    let workbook: Vec<u8> =
        (0..200_000_u32).map(|n| n.wrapping_mul(2_654_435_761).to_be_bytes()[0]).collect();
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("report.xlsx");
    fs::write(&file, &workbook).unwrap();
    let (one, two) = (format!("one@{DOMAIN}"), format!("two@{DOMAIN}"));
    let said = send(&python, &relay, &[&one, &two], &file);
    relay.delivered(2);
    assert!(relay.log.iter().any(|line| line.contains("TLS connection established")), "{:#?}", relay.log);
    assert!(relay.log.iter().any(|line| line.contains("sasl_username=recert")), "{:#?}", relay.log);

    let messages = read_back(&relay.maildir);
    let mut recipients: Vec<_> = messages.iter().map(|message| message["delivered_to"].clone()).collect();
    recipients.sort_by_key(Value::to_string);
    assert_eq!(recipients, [json!(one), json!(two)]);
    for message in &messages {
        assert_eq!(message["return_path"], format!("recert@{DOMAIN}"));
        assert_eq!(message["sha256"], said["sha256"], "not the bytes that were sent");
        assert_eq!(message["defects"], json!([]));
        assert_eq!(header(message, "Subject"), ["Rezertifizierung: 3 Befunde in \u{201e}hq\u{201c}"]);
        assert_eq!(header(message, "Message-ID"), ["<parcel-1@corp.example>"]);
        let parts = message["parts"].as_array().unwrap();
        assert_eq!(parts[0]["type"], "text/plain");
        assert_eq!(parts[0]["text"], "Grüße\r\n.\r\n..\r\nFrom here on\r\n");
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

/// Sends one message with a file to all recipients, with Python's `smtplib`; tells the SHA-256 of its bytes.
fn send(python: &Path, relay: &Postfix, recipients: &[&str], file: &Path) -> Value {
    let mut arguments = vec![file.to_str().unwrap()];
    arguments.extend(recipients);
    script(python, relay, "send.py", &arguments)
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
