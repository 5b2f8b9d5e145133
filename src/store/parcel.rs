//! Parcels: artifacts on their way to one recipient.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// What a parcel is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ParcelKind {
    /// The report of a run.
    Report,
    /// That the job lives and has nothing to say.
    Heartbeat,
    /// That a run failed.
    Alarm,
}

impl ParcelKind {
    /// The name in every output.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Report => "report",
            Self::Heartbeat => "heartbeat",
            Self::Alarm => "alarm",
        }
    }
}

/// How a parcel travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Channel {
    /// By mail; the recipient is an address.
    Email,
    /// Into a directory; the recipient is its path.
    Directory,
}

impl Channel {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Email, Self::Directory];

    /// The name in every output.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Directory => "directory",
        }
    }
}

/// How far a parcel is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ParcelState {
    /// Waits for its first attempt, or for the next one after an attempt that broke off harmlessly.
    Pending,
    /// An attempt has begun.
    Connecting,
    /// Sender and recipient are being told.
    Envelope,
    /// The body is being sent; the relay has accepted nothing yet.
    Data,
    /// The end of the body may have been sent: from here on, the relay may have accepted it.
    DotSent,
    /// The relay has accepted it.
    Accepted,
    /// The relay refused it for now.
    Deferred,
    /// The relay refused it for good.
    Refused,
    /// The relay's answer to the end of the body is not known.
    Ambiguous,
    /// Given up after too long.
    Expired,
    /// Settled by a person.
    Resolved,
}

impl ParcelState {
    /// All of them, in the order of a parcel's way.
    pub const ALL: [Self; 11] = [
        Self::Pending,
        Self::Connecting,
        Self::Envelope,
        Self::Data,
        Self::DotSent,
        Self::Accepted,
        Self::Deferred,
        Self::Refused,
        Self::Ambiguous,
        Self::Expired,
        Self::Resolved,
    ];

    /// The name in every output.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Connecting => "connecting",
            Self::Envelope => "envelope",
            Self::Data => "data",
            Self::DotSent => "dot_sent",
            Self::Accepted => "accepted",
            Self::Deferred => "deferred",
            Self::Refused => "refused",
            Self::Ambiguous => "ambiguous",
            Self::Expired => "expired",
            Self::Resolved => "resolved",
        }
    }

    /// Whether nothing more is to be done for it.
    pub fn is_settled(self) -> bool {
        matches!(self, Self::Accepted | Self::Refused | Self::Expired | Self::Resolved)
    }

    /// Whether it has arrived, so that it must never go again. A refused or expired one may be sent anew by a person.
    pub fn is_final(self) -> bool {
        matches!(self, Self::Accepted | Self::Resolved)
    }
}

/// A parcel to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewParcel {
    /// The id, derived from what it is about; one that exists already is not stored again.
    pub id: String,
    /// The run that it tells of.
    pub run: Option<String>,
    /// The job.
    pub job: String,
    /// What it is about.
    pub kind: ParcelKind,
    /// The address, or the directory's path.
    pub recipient: String,
    /// How it travels.
    pub channel: Channel,
    /// The Message-ID in its body.
    pub message_id: String,
    /// The bytes that every attempt sends.
    pub body: Vec<u8>,
    /// When it is to be sent.
    pub due: DateTime<Utc>,
    /// When it was made.
    pub created: DateTime<Utc>,
}

/// A parcel, without its body.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Parcel {
    /// Its id.
    pub id: String,
    /// The run that it tells of; `None` also after that run is gone.
    pub run: Option<String>,
    /// The job.
    pub job: String,
    /// What it is about.
    pub kind: ParcelKind,
    /// The address, or the directory's path.
    pub recipient: String,
    /// How it travels.
    pub channel: Channel,
    /// The Message-ID in its body.
    pub message_id: String,
    /// How far it is.
    pub state: ParcelState,
    /// Whether a person has to decide on it first.
    pub held: bool,
    /// Attempts so far.
    pub attempts: u32,
    /// The size of its body in bytes.
    pub size: u64,
    /// The SHA-256 of its body, hex.
    pub sha256: String,
    /// When it was made.
    pub created: DateTime<Utc>,
    /// When it is to be sent.
    pub due: DateTime<Utc>,
    /// When its state last changed.
    pub updated: DateTime<Utc>,
    /// What the relay, or the error, said last.
    pub last_reply: Option<String>,
    /// Attempts whose end the relay did not answer: each may have left a copy.
    pub lost_answers: u32,
    /// When it was first tried since it was posted, or since a person wanted it tried again.
    pub tried_since: Option<DateTime<Utc>>,
}

/// What happened to a parcel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Progressed {
    /// Its id.
    pub parcel: String,
    /// How far it is now.
    pub state: ParcelState,
    /// When it is to be sent again; `None` leaves that as it was.
    pub due: Option<DateTime<Utc>>,
    /// Whether this was one more attempt.
    pub attempt: bool,
    /// What the relay, or the error, says; `None` leaves what was said last.
    pub reply: Option<String>,
    /// Whether a person has to decide on it first.
    pub held: bool,
    /// When it happened.
    pub now: DateTime<Utc>,
}

/// One line of a parcel's history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Delivery {
    /// When.
    pub at: DateTime<Utc>,
    /// What it became.
    pub state: ParcelState,
    /// What the relay, or the error, said.
    pub text: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_stored_by_the_names_that_are_shown() {
        for state in ParcelState::ALL {
            assert_eq!(serde_json::to_value(state).unwrap(), state.as_str());
        }
        for kind in [ParcelKind::Report, ParcelKind::Heartbeat, ParcelKind::Alarm] {
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.as_str());
        }
        for channel in [Channel::Email, Channel::Directory] {
            assert_eq!(serde_json::to_value(channel).unwrap(), channel.as_str());
        }
    }
}
