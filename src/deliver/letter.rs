//! The finished bytes of one mail to one recipient. Equal input gives equal bytes: they are stored before the first
//! attempt, and every attempt sends them.

use chrono::{DateTime, Utc};
use lettre::address::AddressError;
use lettre::message::header::{ContentTransferEncoding, ContentType, Header, HeaderName, HeaderValue};
use lettre::message::{Mailbox, Mailboxes, MultiPart, SinglePart};
use lettre::{Address, Message};
use sha2::{Digest, Sha256};
use thiserror::Error;

use super::Attachment;

/// A line may have so many octets without its end (RFC 5322, 2.1.1).
const LONGEST_LINE: usize = 998;
/// The headers that a letter has, and no others.
const HEADERS: &[&str] = &[
    "From",
    "To",
    "Cc",
    "Subject",
    "Date",
    "Message-ID",
    "MIME-Version",
    "Content-Type",
    "Auto-Submitted",
    "X-Auto-Response-Suppress",
];

/// A mail to one recipient.
#[derive(Debug, Clone)]
pub struct Letter<'a> {
    /// The sender's address.
    pub from: &'a str,
    /// The recipient's address; the header names nobody else.
    pub to: &'a str,
    /// Which header names it.
    pub named: NamedAs,
    /// One line.
    pub subject: &'a str,
    /// The plain text.
    pub text: &'a str,
    /// The same as a page.
    pub html: &'a str,
    /// The files.
    pub attachments: &'a [Attachment],
    /// The id, as [`message_id`] makes it.
    pub message_id: &'a str,
    /// The time that the header tells.
    pub date: DateTime<Utc>,
}

/// Which header names a recipient.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NamedAs {
    /// `To`.
    To,
    /// `Cc`.
    Cc,
}

/// Why a letter cannot be written.
#[derive(Debug, Error)]
pub enum LetterError {
    /// Not an address.
    #[error("{address:?} is not a mail address: {source}")]
    Address {
        /// What stands there.
        address: String,
        /// What is wrong with it.
        source: AddressError,
    },
    /// A part of it cannot be put into a mail.
    #[error("the mail cannot be built: {0}")]
    Build(String),
    /// The finished bytes break a rule that every relay relies on; they are not sent.
    #[error("the finished mail is not safe to send: {0}")]
    Unsafe(String),
}

impl Letter<'_> {
    /// Writes it. Every part is base64: what stands in a file can neither end the message nor begin a command.
    pub fn write(&self) -> Result<Vec<u8>, LetterError> {
        let mailbox = |address: &str| -> Result<Mailbox, LetterError> {
            let parsed: Result<Address, _> = address.parse();
            // No display name: the builder panics on some, and none is needed.
            parsed
                .map(|address| Mailbox::new(None, address))
                .map_err(|source| LetterError::Address { address: address.to_owned(), source })
        };
        let to: Mailboxes = mailbox(self.to)?.into();
        let builder = Message::builder().from(mailbox(self.from)?);
        let builder = match self.named {
            NamedAs::To => builder.mailbox(lettre::message::header::To::from(to)),
            NamedAs::Cc => builder.mailbox(lettre::message::header::Cc::from(to)),
        };
        // The envelope is given when the letter is sent; here only its bytes count.
        let sender = mailbox(self.from)?.email;
        let envelope = lettre::address::Envelope::new(Some(sender.clone()), vec![sender])
            .map_err(|error| LetterError::Build(error.to_string()))?;
        let builder = builder
            .envelope(envelope)
            .subject(one_line(self.subject))
            .date(self.date.into())
            .message_id(Some(self.message_id.to_owned()))
            .header(AutoSubmitted)
            .header(NoAutomaticReply);
        let message =
            builder.multipart(self.body()?).map_err(|error| LetterError::Build(error.to_string()))?;
        let mut bytes = message.formatted();
        // The sender ends the last line itself.
        while bytes.ends_with(b"\r\n") {
            bytes.truncate(bytes.len() - 2);
        }
        bytes.extend(b"\r\n");
        guard(&bytes)?;
        Ok(bytes)
    }

    fn body(&self) -> Result<MultiPart, LetterError> {
        let text = part("text/plain; charset=utf-8", lines(self.text))?;
        let html = part("text/html; charset=utf-8", lines(self.html))?;
        let both = MultiPart::alternative().boundary(self.boundary("alternative"));
        let both = both.singlepart(text).singlepart(html);
        let mut whole = MultiPart::mixed().boundary(self.boundary("mixed")).multipart(both);
        for attachment in self.attachments {
            whole = whole.singlepart(file(attachment)?);
        }
        Ok(whole)
    }

    /// A boundary that follows from the message id. No line of base64 can be one.
    fn boundary(&self, of: &str) -> String {
        format!("recert-{of}-{}", hex::encode(&Sha256::digest(self.message_id)[..12]))
    }
}

/// Text in a mail has lines that end with CR LF, inside base64 too (RFC 2045, 6.8).
fn lines(text: &str) -> Vec<u8> {
    text.replace("\r\n", "\n").replace('\n', "\r\n").into_bytes()
}

fn part(media_type: &str, bytes: Vec<u8>) -> Result<SinglePart, LetterError> {
    let content_type =
        ContentType::parse(media_type).map_err(|error| LetterError::Build(error.to_string()))?;
    let encoding = ContentTransferEncoding::Base64;
    Ok(SinglePart::builder().header(content_type).header(encoding).body(base64_body(bytes)?))
}

fn file(attachment: &Attachment) -> Result<SinglePart, LetterError> {
    let content_type =
        ContentType::parse(attachment.media_type).map_err(|error| LetterError::Build(error.to_string()))?;
    // The names are ours; whatever else came here is made harmless rather than refused.
    let name: String = attachment
        .name
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '_' })
        .collect();
    Ok(SinglePart::builder()
        .header(content_type)
        .header(lettre::message::header::ContentDisposition::attachment(&name))
        .header(ContentTransferEncoding::Base64)
        .body(base64_body(attachment.bytes.clone())?))
}

fn base64_body(bytes: Vec<u8>) -> Result<lettre::message::Body, LetterError> {
    lettre::message::Body::new_with_encoding(bytes, ContentTransferEncoding::Base64)
        .map_err(|_| LetterError::Build("a part cannot be encoded".to_owned()))
}

/// Without control characters, and without what reads as an encoded word (RFC 2047) that we did not encode: it would be
/// shown as something else than was given.
fn one_line(subject: &str) -> String {
    subject.split(char::is_control).collect::<Vec<_>>().join(" ").replace("=?", "= ?")
}

/// What every relay relies on, looked at in the bytes themselves and not in what they were made from.
fn guard(bytes: &[u8]) -> Result<(), LetterError> {
    let broken = |problem: String| Err(LetterError::Unsafe(problem));
    if let Some(at) = bytes.iter().position(|byte| *byte == 0) {
        return broken(format!("a NUL at byte {at}"));
    }
    let mut in_header = true;
    for (number, line) in bytes.split(|byte| *byte == b'\n').enumerate() {
        let number = number + 1;
        let Some(line) = line.strip_suffix(b"\r") else {
            // After the last line end there is nothing.
            if line.is_empty() && bytes.ends_with(b"\r\n") {
                continue;
            }
            return broken(format!("line {number} does not end with CR LF"));
        };
        if line.contains(&b'\r') {
            return broken(format!("a carriage return inside line {number}"));
        }
        if line.len() > LONGEST_LINE {
            return broken(format!("line {number} has {} octets", line.len()));
        }
        if line == b"." {
            return broken(format!("line {number} is a single dot"));
        }
        if !line.is_ascii() {
            return broken(format!("line {number} is not ASCII"));
        }
        in_header &= !line.is_empty();
        if in_header && !line.starts_with(b" ") && !line.starts_with(b"\t") {
            let name = line.split(|byte| *byte == b':').next().unwrap_or_default();
            let known = HEADERS.iter().any(|header| name.eq_ignore_ascii_case(header.as_bytes()));
            if !known {
                return broken(format!("line {number} is a header that does not belong there"));
            }
        }
    }
    Ok(())
}

/// The id of a message, with its brackets: derived, so that the same parcel made twice is the same message to whoever
/// drops duplicates.
pub fn message_id(
    installation: &str,
    run: &str,
    recipient: &str,
    kind: &str,
    revision: u32,
    domain: &str,
) -> String {
    let mut hash = Sha256::new();
    for part in [installation, run, recipient, kind, &revision.to_string()] {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    format!("<{}@{domain}>", hex::encode(&hash.finalize()[..20]))
}

/// RFC 3834: no human wrote it, and nothing should answer it.
#[derive(Clone)]
struct AutoSubmitted;

impl Header for AutoSubmitted {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("Auto-Submitted")
    }

    fn parse(_: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self)
    }

    fn display(&self) -> HeaderValue {
        HeaderValue::new(Self::name(), "auto-generated".to_owned())
    }
}

/// What Exchange understands instead of RFC 3834.
#[derive(Clone)]
struct NoAutomaticReply;

impl Header for NoAutomaticReply {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("X-Auto-Response-Suppress")
    }

    fn parse(_: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self)
    }

    fn display(&self) -> HeaderValue {
        HeaderValue::new(Self::name(), "All".to_owned())
    }
}
