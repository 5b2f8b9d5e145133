//! Letters with hostile content: on the real way to a relay they stay one message with our headers, to the byte.

use chrono::{DateTime, TimeZone, Utc};
use mail_parser::{Message, MessageParser, MimeHeaders};
use proptest::prelude::*;
use recert::deliver::{Attachment, Letter, LetterError, NamedAs, message_id};

use crate::relay::{Relay, Tls};
use crate::{FROM, TO, attempt, client_of};

const EVIL: &str = "evil@example.org";
const HEADERS: [&str; 9] = [
    "auto-submitted",
    "content-type",
    "date",
    "from",
    "message-id",
    "mime-version",
    "subject",
    "to",
    "x-auto-response-suppress",
];

/// What somebody could name a user or a file after.
const HOSTILE: [&str; 16] = [
    "x\n.\nMAIL FROM:<evil@example.org>\n",
    "x\r\n.\r\nMAIL FROM:<evil@example.org>\r\nRCPT TO:<evil@example.org>\r\nDATA\r\n",
    "x\r.\rMAIL FROM:<evil@example.org>\r",
    "review\r\nBcc: evil@example.org",
    "review\nBcc: evil@example.org\n\nbody",
    "\r\n\r\n<script>alert(1)</script>",
    ".",
    "\r\n.\r\n",
    "nul\0nul",
    "a\"; filename=\"b.exe\"; x=\"",
    "../../etc/passwd\\..\\x",
    "\u{202e}txt.exe\u{2066}\u{200b}",
    "=?utf-8?B?QmNjOiBldmls?= =?utf-8?Q?=0D=0ABcc:_evil?=",
    "--recert-mixed\r\nContent-Type: text/html\r\n\r\nx",
    "\u{1b}[31m\u{7f}\u{85}\u{2028}",
    "größe ☃ 𝔘",
];

fn date() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2027, 1, 4, 7, 0, 0).unwrap()
}

fn file(name: &str, bytes: &[u8]) -> Attachment {
    // The parser takes any text for UTF-8, and replaces what is not.
    let media_type = if std::str::from_utf8(bytes).is_ok() { "text/csv" } else { "application/octet-stream" };
    Attachment { name: name.to_owned(), media_type, bytes: bytes.to_vec() }
}

fn id() -> String {
    message_id("here", "run-1", TO, "report", 1, "corp.example")
}

fn letter<'a>(subject: &'a str, body: &'a str, id: &'a str, attachments: &'a [Attachment]) -> Letter<'a> {
    Letter {
        from: FROM,
        to: TO,
        named: NamedAs::To,
        subject,
        text: body,
        html: body,
        attachments,
        message_id: id,
        date: date(),
    }
}

fn parsed(bytes: &[u8]) -> Message<'_> {
    MessageParser::default().parse(bytes).unwrap()
}

/// The names of the headers, in lower case and in order of the alphabet.
fn header_names(message: &Message<'_>) -> Vec<String> {
    let mut names: Vec<_> =
        message.headers().iter().map(|header| header.name().to_ascii_lowercase()).collect();
    names.sort();
    names
}

/// Only our headers, each once; only our parts, each as it was given; nothing that a relay could read as another mail.
fn is_ours(bytes: &[u8], body: &str, attachments: &[Attachment]) {
    let message = parsed(bytes);
    assert_eq!(header_names(&message), HEADERS);
    assert_eq!(message.from().unwrap().first().unwrap().address(), Some(FROM));
    assert_eq!(message.to().unwrap().iter().map(|to| to.address().unwrap()).collect::<Vec<_>>(), [TO]);
    assert!(message.bcc().is_none() && message.cc().is_none());
    assert_eq!(format!("<{}>", message.message_id().unwrap()), id());
    assert_eq!(message.date().unwrap().to_timestamp(), date().timestamp());
    let subject = message.subject().unwrap_or_default();
    assert!(!subject.contains(['\r', '\n', '\0']), "{subject:?}");
    assert_eq!(message.parts.len(), 4 + attachments.len(), "two containers, two texts, and the files");
    let text = message.part(message.text_body[0]).unwrap();
    // Lines of a text end with CR LF on their way.
    let body = body.replace("\r\n", "\n").replace('\n', "\r\n");
    assert_eq!(text.contents(), body.as_bytes());
    assert_eq!(message.part(message.html_body[0]).unwrap().contents(), body.as_bytes());
    assert_eq!(message.attachment_count(), attachments.len());
    for (found, given) in message.attachments().zip(attachments) {
        assert_eq!(found.contents(), given.bytes);
        let name = found.attachment_name().unwrap_or_default();
        assert!(name.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c)), "{name:?}");
    }
    assert!(bytes.is_ascii() && bytes.ends_with(b"\r\n"));
    for line in bytes.strip_suffix(b"\r\n").unwrap().split(|byte| *byte == b'\n') {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        assert!(line.len() <= 998 && !line.starts_with(b".") && !line.contains(&b'\r') && !line.contains(&0));
        let line = line.to_ascii_lowercase();
        for command in ["mail from", "rcpt to", "bcc:", "data"] {
            assert!(!line.starts_with(command.as_bytes()), "{}", line.escape_ascii());
        }
    }
}

#[tokio::test]
async fn hostile_text_stays_text_on_the_way_to_the_relay() {
    let long = "x".repeat(5_000);
    for (number, hostile) in HOSTILE.into_iter().chain([long.as_str()]).enumerate() {
        let tls = Tls::ALL[number % 3];
        let relay = Relay::with(crate::relay::Options { tls, ..Default::default() }).await;
        let attachments = [
            file("users.csv", hostile.as_bytes()),
            file(hostile, format!("{hostile}\n.\n{hostile}").as_bytes()),
            file("empty.csv", b""),
        ];
        let id = id();
        // Lines of a subject are broken at spaces, and this has none.
        let subject = if hostile == long { "long" } else { hostile };
        let bytes = letter(subject, hostile, &id, &attachments).write().unwrap();
        is_ours(&bytes, hostile, &attachments);
        attempt(&client_of(&relay, tls), &bytes).await.unwrap();
        relay.idle().await;
        let messages = relay.messages();
        assert_eq!(messages.len(), 1, "{hostile:?}");
        assert!(messages[0].body == bytes, "{hostile:?} arrives changed");
        assert_eq!((messages[0].from.as_str(), &*messages[0].to), (FROM, &[TO.to_owned()][..]));
        assert_eq!(relay.violations(), [""; 0], "{hostile:?}");
        let said = relay.attempts()[0].clone();
        assert!(
            ![said.clear, said.inside].concat().windows(EVIL.len()).any(|bytes| bytes == EVIL.as_bytes())
        );
    }
}

#[test]
fn a_hostile_address_writes_no_letter() {
    let id = id();
    for address in [
        "a@b.example\r\nBcc: evil@example.org",
        "a@b.example, evil@example.org",
        "a@b.example\0",
        "",
        "<a@b.example>",
        "\"x\r\ny\"@b.example",
    ] {
        let good = letter("s", "t", &id, &[]);
        assert!(Letter { to: address, ..good.clone() }.write().is_err(), "{address:?}");
        assert!(Letter { from: address, ..good }.write().is_err(), "{address:?}");
    }
}

#[test]
fn a_subject_that_cannot_be_broken_into_lines_writes_no_letter() {
    let (id, word) = (id(), "x".repeat(1_000));
    assert!(matches!(letter(&word, "t", &id, &[]).write(), Err(LetterError::Unsafe(_))));
    let words = "word ".repeat(1_000);
    is_ours(&letter(words.trim(), "t", &id, &[]).write().unwrap(), "t", &[]);
}

#[test]
fn a_hostile_message_id_writes_no_letter_with_another_header() {
    for id in ["<a@b>\r\nBcc: evil@example.org", "<a@b>\nBcc: evil@example.org", "<a@b>\0", "<a\r\n\r\n@b>"] {
        if let Ok(bytes) = letter("s", "t", id, &[]).write() {
            assert_eq!(header_names(&parsed(&bytes)), HEADERS, "{id:?}");
        }
    }
}

/// Whatever a store holds, what arrives is what was sent: dots are doubled on the way and single again behind it.
#[tokio::test]
async fn dots_arrive_as_they_were() {
    let mails: [&[u8]; 7] = [
        b".\r\nfirst\r\n",
        b"a\r\n.\r\nb\r\n",
        b"a\r\n..\r\n.b\r\n...c\r\n",
        b"a\r\n.\r\n",
        b".\r\n.\r\n.\r\n",
        b"a\r\n\r\n\r\n",
        b"\r\n",
    ];
    let relay = Relay::start().await;
    for (number, mail) in mails.into_iter().enumerate() {
        attempt(&client_of(&relay, Tls::None), mail).await.unwrap();
        relay.idle().await;
        let messages = relay.messages();
        assert_eq!(messages.len(), number + 1, "{}", mail.escape_ascii());
        assert_eq!(messages[number].body.escape_ascii().to_string(), mail.escape_ascii().to_string());
    }
    assert_eq!(relay.violations(), [""; 0]);
}

#[tokio::test]
async fn a_copy_names_its_own_recipient_alone() {
    let id = id();
    let bytes = Letter { named: NamedAs::Cc, ..letter("s", "t", &id, &[]) }.write().unwrap();
    let message = parsed(&bytes);
    assert!(message.to().is_none());
    assert_eq!(message.cc().unwrap().first().unwrap().address(), Some(TO));
}

#[test]
fn the_same_letter_has_the_same_bytes_and_a_boundary_of_its_own() {
    let attachments = [file("users.csv", b"a,b\n1,2\n")];
    let (first, second) = (id(), message_id("here", "run-2", TO, "report", 1, "corp.example"));
    let write = |id: &str| letter("größe", "text", id, &attachments).write().unwrap();
    assert!(write(&first) == write(&first));
    let (first, second) = (write(&first), write(&second));
    let lines = |bytes: &[u8]| bytes.split(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect::<Vec<_>>();
    let boundaries =
        |bytes: &[u8]| lines(bytes).into_iter().filter(|line| line.starts_with(b"--")).collect::<Vec<_>>();
    assert!(boundaries(&first).iter().all(|line| !boundaries(&second).contains(line)));
    assert_eq!(boundaries(&first).len(), 6);
}

#[test]
fn ids_differ_where_mails_do_and_nowhere_else() {
    let given = ["here", "run", "a@corp.example", "report"];
    let of = |parts: [&str; 4], revision| {
        message_id(parts[0], parts[1], parts[2], parts[3], revision, "corp.example")
    };
    let mut ids = vec![of(given, 1), of(given, 2)];
    assert_eq!(of(given, 1), ids[0]);
    for at in 0..4 {
        let mut other = given;
        other[at] = "other";
        ids.push(of(other, 1));
    }
    // Parts do not run into each other.
    ids.push(of(["her", "erun", "a@corp.example", "report"], 1));
    ids.push(of(["here", "run", "a@corp.examplereport", ""], 1));
    ids.push(of(["here", "run", "a@corp.example", "report1"], 1));
    for id in &ids {
        assert!(id.starts_with('<') && id.ends_with("@corp.example>") && id.is_ascii(), "{id}");
    }
    let count = ids.len();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), count);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn any_content_makes_one_letter_with_our_headers(
        subject in any::<String>(),
        body in any::<String>(),
        name in any::<String>(),
        bytes in proptest::collection::vec(any::<u8>(), 0..400),
    ) {
        let attachments = [file(&name, &bytes)];
        let id = id();
        let written = letter(&subject, &body, &id, &attachments).write().unwrap();
        is_ours(&written, &body, &attachments);
    }
}
