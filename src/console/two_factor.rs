//! `/users/{id}/2FA`: whether a user has a second factor, without keeping the secret that the answer holds.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde::de::{Deserializer, Visitor};

use super::{Call, Console, ConsoleAdmin, Error, TwoFactorKey, WriteError};
use crate::model::UserId;

const ENDPOINT: &str = "/api/3/users/{id}/2FA";

impl Console {
    /// `GET /users/{id}/2FA`. The answer is the user's secret seed in clear; all that leaves the parser is whether there is
    /// one, and the bytes are overwritten. What a console answers for a user without a seed is not known for certain, and
    /// 401 has been seen there for a login that may read all else: neither 401 nor 404 means "no second factor".
    pub async fn get_two_factor_authentication_key(&self, id: UserId) -> Result<TwoFactorKey, Error> {
        self.transport.read(&Call::get(ENDPOINT, &[&id]).secret(), presence).await
    }
}

impl ConsoleAdmin {
    /// `POST /users/{id}/2FA`. Makes a new seed, which invalidates the old one, and answers with it.
    pub async fn regenerate_two_factor_authentication(&self, id: UserId) -> Result<SecretString, WriteError> {
        self.write_for(Call::post(ENDPOINT, &[&id]).secret(), seed).await
    }

    /// `PUT /users/{id}/2FA`, the seed as a JSON string.
    pub async fn set_two_factor_authentication(
        &self,
        id: UserId,
        seed: &SecretString,
    ) -> Result<(), WriteError> {
        self.write(Call::put(ENDPOINT, &[&id]).json(&seed.expose_secret()).secret()).await
    }
}

/// The parser's own words could quote the seed.
fn wrong(error: &serde_json::Error) -> String {
    format!("not a token resource, at line {} column {}", error.line(), error.column())
}

fn presence(bytes: &[u8]) -> Result<TwoFactorKey, String> {
    #[derive(Deserialize)]
    struct TokenResource {
        key: Option<Seen>,
    }
    let token: TokenResource = serde_json::from_slice(bytes).map_err(|error| wrong(&error))?;
    Ok(token.key.map_or(TwoFactorKey::Absent, |seen| seen.0))
}

fn seed(bytes: &[u8]) -> Result<SecretString, String> {
    #[derive(Deserialize)]
    struct TokenResource {
        key: Box<str>,
    }
    let token: TokenResource = serde_json::from_slice(bytes).map_err(|error| wrong(&error))?;
    Ok(token.key.into())
}

/// A string that was looked at and not kept.
struct Seen(TwoFactorKey);

impl<'de> Deserialize<'de> for Seen {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Look;

        impl Visitor<'_> for Look {
            type Value = Seen;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }

            fn visit_str<E>(self, key: &str) -> Result<Seen, E> {
                Ok(Seen(if key.trim().is_empty() { TwoFactorKey::Absent } else { TwoFactorKey::Present }))
            }
        }

        deserializer.deserialize_str(Look)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_presence_leaves() {
        for (body, key) in [
            (r#"{"key": "JBSWY3DPEHPK3PXP", "links": []}"#, TwoFactorKey::Present),
            (r#"{"key": "\u004aBSWY3DPEHPK3PXP"}"#, TwoFactorKey::Present),
            (r#"{"key": " "}"#, TwoFactorKey::Absent),
            (r#"{"key": null}"#, TwoFactorKey::Absent),
            (r#"{"links": []}"#, TwoFactorKey::Absent),
        ] {
            assert_eq!(presence(body.as_bytes()).unwrap(), key, "{body}");
        }
    }

    #[test]
    fn an_odd_answer_does_not_spill_the_seed() {
        for body in
            [r#""JBSWY3DPEHPK3PXP""#, r#"{"key": ["JBSWY3DPEHPK3PXP"]}"#, r#"{"JBSWY3DPEHPK3PXP""#, "{"]
        {
            for reason in [presence(body.as_bytes()).unwrap_err(), seed(body.as_bytes()).unwrap_err()] {
                assert!(!reason.contains("JBSWY"), "{reason}");
            }
        }
    }
}
