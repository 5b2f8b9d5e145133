//! Bodies: read piece by piece with a bound, parsed without their text reaching an error.

use std::time::Duration;

use reqwest::Response;
use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};
use tokio::time::Instant;
use zeroize::Zeroize;

/// Turns a whole body into a value, or says where it is wrong without quoting it.
pub(super) type Decode<T> = fn(&[u8]) -> Result<T, String>;

/// The longest body that is read.
const LONGEST: usize = 32 << 20;
/// The longest that can hold a secret. Reserved at once, so that the buffer never moves and leaves a copy.
const LONGEST_SECRET: usize = 64 << 10;
/// The longest part of an error's body that is looked at.
const LONGEST_REFUSAL: usize = 64 << 10;
/// The characters that are kept of a console's message.
const LONGEST_MESSAGE: usize = 200;

/// How long one request may still take.
#[derive(Clone, Copy)]
pub(super) struct Patience {
    pub(super) idle: Duration,
    pub(super) whole: Duration,
    pub(super) started: Instant,
}

impl Patience {
    /// The outcome, or the limit that was hit.
    pub(super) async fn wait<F: Future>(&self, future: F) -> Result<F::Output, Duration> {
        let (idle, whole) = (Instant::now() + self.idle, self.started + self.whole);
        let limit = if idle < whole { self.idle } else { self.whole };
        tokio::time::timeout_at(idle.min(whole), future).await.map_err(|_| limit)
    }
}

/// Why there is no whole body.
pub(super) enum Cut {
    TooLong,
    TimedOut(Duration),
    Broken(reqwest::Error),
}

/// A whole body; one that holds a secret is overwritten when dropped. The socket's own buffers are out of reach.
pub(super) struct Body {
    bytes: Vec<u8>,
    secret: bool,
}

impl Body {
    pub(super) async fn read(response: &mut Response, patience: Patience, secret: bool) -> Result<Self, Cut> {
        let longest = if secret { LONGEST_SECRET } else { LONGEST };
        let announced = response.content_length().unwrap_or(0);
        if announced > longest as u64 {
            return Err(Cut::TooLong);
        }
        // What is only announced is not reserved beyond a megabyte.
        let room = if secret { longest } else { usize::try_from(announced).unwrap_or(0).min(1 << 20) };
        let mut body = Self { bytes: Vec::with_capacity(room), secret };
        while let Some(piece) =
            patience.wait(response.chunk()).await.map_err(Cut::TimedOut)?.map_err(Cut::Broken)?
        {
            if body.bytes.len() + piece.len() > longest {
                return Err(Cut::TooLong);
            }
            body.bytes.extend_from_slice(&piece);
        }
        Ok(body)
    }

    pub(super) fn decode<T>(&self, decode: Decode<T>) -> Result<T, String> {
        // Asked for only when the parser has failed: a valid body never pays for it.
        decode(&self.bytes).map_err(|reason| {
            if self.bytes.trim_ascii_start().starts_with(b"<") {
                "it looks like an HTML page instead of JSON, such as a login or maintenance page".to_owned()
            } else {
                reason
            }
        })
    }
}

impl Drop for Body {
    fn drop(&mut self) {
        if self.secret {
            self.bytes.zeroize();
        }
    }
}

/// The console's own words about a refusal, as they came; empty if there are none. Reads little and never long.
pub(super) async fn complaint(response: &mut Response) -> String {
    #[derive(Deserialize)]
    struct Complaint {
        // `status` beside it is a number or a string, and known already.
        message: String,
    }
    let mut bytes = Vec::new();
    let read = async {
        while let Ok(Some(piece)) = response.chunk().await {
            if bytes.len() + piece.len() > LONGEST_REFUSAL {
                break;
            }
            bytes.extend_from_slice(&piece);
        }
    };
    // The status is known and must not be lost to a body that does not come.
    let _ = tokio::time::timeout(Duration::from_secs(2), read).await;
    serde_json::from_slice(&bytes).map(|Complaint { message }| message).unwrap_or_default()
}

/// One short line without control characters and without characters that reorder or hide text.
pub(super) fn plain_line(text: &str) -> String {
    let hides = |c: char| matches!(c, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}');
    let line: String = text.chars().map(|c| if c.is_control() || hides(c) { ' ' } else { c }).collect();
    let mut words = line.split_whitespace().collect::<Vec<_>>().join(" ");
    if let Some((cut, _)) = words.char_indices().nth(LONGEST_MESSAGE) {
        words.truncate(cut);
        words.push('…');
    }
    words
}

/// Parses JSON. Nested values that are kept are limited to a depth of 128 by the parser.
pub(super) fn json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, String> {
    serde_json::from_slice(bytes).map_err(|error| {
        // Parsed again to learn where, which a valid body never pays for.
        let path = serde_path_to_error::deserialize::<_, T>(&mut serde_json::Deserializer::from_slice(bytes))
            .err()
            .map(|error| error.path().to_string())
            .filter(|path| path != ".");
        describe(&error, path.as_deref())
    })
}

/// The answer to a change: nothing, or links that are not looked at.
pub(super) fn acknowledged(bytes: &[u8]) -> Result<(), String> {
    if bytes.trim_ascii().is_empty() { Ok(()) } else { json::<IgnoredAny>(bytes).map(drop) }
}

/// What the parser says, without the values it quotes.
fn describe(error: &serde_json::Error, path: Option<&str>) -> String {
    let text = error.to_string();
    let what = match error.classify() {
        serde_json::error::Category::Eof => "the JSON ends early".to_owned(),
        serde_json::error::Category::Syntax | serde_json::error::Category::Io => {
            "it is not valid JSON".to_owned()
        }
        serde_json::error::Category::Data => without_values(&text),
    };
    let place = path.map(|path| format!("{}: ", plain_line(path))).unwrap_or_default();
    format!("{place}{what} at line {} column {}", error.line(), error.column())
}

/// `invalid type: string "…", expected i64 at …` keeps its types; a message in another form, names of our fields only.
fn without_values(text: &str) -> String {
    let text = text.rsplit_once(" at line ").map_or(text, |(text, _)| text);
    let known = |start: &str| text.starts_with(start);
    if known("missing field") || known("duplicate field") {
        return text.to_owned();
    }
    let (Some(kind), Some((_, expected))) = (text.split(": ").nth(1), text.rsplit_once(", expected ")) else {
        return "an unexpected value".to_owned();
    };
    let kind: String = kind.chars().take_while(|c| c.is_ascii_alphabetic() || *c == ' ').collect();
    format!("{} instead of {expected}", kind.trim())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::console::{Page, Resources, Role, User};
    use crate::model::UserId;

    #[test]
    fn says_where_and_quotes_nothing() {
        for (body, reason) in [
            (r#"{"resources": [1, "CANARY"]}"#, "resources[1]: string instead of i64 at line 1 column 26"),
            (r#"{"resources": [1, 1.5]}"#, "resources[1]: floating point instead of i64 at line 1 column 21"),
            (
                r#"{"resources": "CANARY, expected nothing"}"#,
                "resources: string instead of a sequence at line 1 column 40",
            ),
            (r#"{"resources": [1,"#, "resources: the JSON ends early at line 1 column 17"),
            ("CANARY", "it is not valid JSON at line 1 column 1"),
        ] {
            assert_eq!(json::<Resources<UserId>>(body.as_bytes()).unwrap_err(), reason);
        }
        let user = br#"{"resources": [{"id": 1}], "page": {}}"#;
        assert_eq!(
            json::<Page<User>>(user).unwrap_err(),
            "resources[0]: missing field `login` at line 1 column 24"
        );
    }

    #[test]
    fn a_value_of_a_hostile_shape_is_an_error_and_no_overflow() {
        let deep = "[".repeat(1_000_000);
        assert!(json::<serde_json::Value>(deep.as_bytes()).is_err());
        assert!(json::<Resources<Role>>(deep.as_bytes()).is_err());
        let hidden = format!(r#"{{"x": {deep}"#);
        assert!(json::<Resources<Role>>(hidden.as_bytes()).is_err());
    }

    #[test]
    fn an_acknowledgement_is_empty_or_json() {
        assert!(acknowledged(b"").is_ok());
        assert!(acknowledged(b"{\"links\": []}").is_ok());
        assert!(acknowledged(b"<html>").is_err());
    }

    #[test]
    fn messages_are_one_short_harmless_line() {
        assert_eq!(plain_line("bad\r\nSet-Cookie: x\u{1b}[31m\u{202e}"), "bad Set-Cookie: x [31m");
        assert_eq!(plain_line(&"ä".repeat(500)).chars().count(), LONGEST_MESSAGE + 1);
    }
}
