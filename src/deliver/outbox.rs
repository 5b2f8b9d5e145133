//! The one retry loop: takes parcels that are due out of the outbox, makes one attempt each, and records what came of it.
//!
//! What it promises: nothing is lost silently, every attempt sends the same bytes under the same id, and a second copy
//! is possible only where the answer to the end of a message was lost.

use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::{FutureExt, StreamExt, stream};
use serde::Deserialize;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::{Failure, FailureKind, PublishError, Relay, Sent, Stage, copy_run, keep_latest, send};
use crate::crash;
use crate::store::{Channel, Parcel, ParcelState, Progressed, Store, StoreError};
use crate::untrusted::without_addresses;

/// Parcels of one round.
const BATCH: usize = 64;
/// Conversations at once: one relay that hangs must not hold up every recipient.
const AT_ONCE: usize = 4;
/// The first wait after a failure; each further one is twice as long, up to the longest.
const FIRST_WAIT: TimeDelta = TimeDelta::minutes(1);
const LONGEST_WAIT: TimeDelta = TimeDelta::hours(4);
/// How long a parcel is tried, and how often at least: a clock that jumps ahead does not end anybody's patience.
const PATIENCE: TimeDelta = TimeDelta::days(3);
const MANY: u32 = 12;
/// The wait while no relay is configured.
const WITHOUT_RELAY: TimeDelta = TimeDelta::hours(1);
/// How long a copy into a directory may take: a network file system that is gone answers never.
const COPY_WITHIN: Duration = Duration::from_mins(10);
/// Lost answers after which a parcel waits for a person: one more attempt could be a third copy.
const LOST_ANSWERS: u32 = 2;

/// What becomes of a mail that was handed over whole, without an answer: the relay may have it or not.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OnAmbiguous {
    /// It is sent once more, the same bytes under the same id: a second copy is better than none.
    #[default]
    Resend,
    /// It waits for `recert outbox retry` or `recert outbox resolve`.
    Hold,
}

/// Delivers what is due.
#[derive(Debug, Clone)]
pub struct Courier {
    /// The outbox.
    pub store: Store,
    /// The mail relay, if there is one.
    pub relay: Option<Arc<Relay>>,
    /// The sender's address.
    pub from: String,
    /// What to do about lost answers.
    pub on_ambiguous: OnAmbiguous,
    /// Where the files of every run lie.
    pub runs: PathBuf,
    /// How many runs of a job stay in a directory, by job and directory; all where it is not named.
    pub keep: HashMap<(String, PathBuf), usize>,
    /// The time now.
    pub clock: fn() -> DateTime<Utc>,
    /// Once it is cancelled, no further attempt is begun.
    pub stop: CancellationToken,
}

/// What came of a round: parcels by the state that they ended in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Posted {
    /// Delivered.
    pub accepted: u64,
    /// To be tried again.
    pub deferred: u64,
    /// Refused for good.
    pub refused: u64,
    /// Handed over whole, without an answer.
    pub ambiguous: u64,
    /// Given up.
    pub expired: u64,
}

impl Posted {
    /// How many attempts there were.
    pub fn total(self) -> u64 {
        self.accepted + self.deferred + self.refused + self.ambiguous + self.expired
    }

    fn count(&mut self, state: ParcelState) {
        match state {
            ParcelState::Accepted => self.accepted += 1,
            ParcelState::Refused => self.refused += 1,
            ParcelState::Ambiguous => self.ambiguous += 1,
            ParcelState::Expired => self.expired += 1,
            _ => self.deferred += 1,
        }
    }
}

/// What follows for a parcel.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Next {
    state: ParcelState,
    due: Option<DateTime<Utc>>,
    held: bool,
    text: String,
}

impl Courier {
    /// Makes one attempt for each parcel that is due.
    ///
    /// # Errors
    /// If the store fails; what was attempted is then recorded as far as it got, and is never forgotten.
    pub async fn post_due(&self, channel: Channel) -> Result<Posted, StoreError> {
        let due = self.store.due_parcels((self.clock)(), channel, BATCH).await?;
        // A relay that cannot be talked to is the same for the rest of the round: they stay due for the next one.
        let away = AtomicBool::new(false);
        let attempts = due.into_iter().map(|parcel| self.unless_away(parcel, &away));
        let mut results = stream::iter(attempts).buffer_unordered(AT_ONCE);
        let (mut posted, mut failed) = (Posted::default(), None);
        while let Some(result) = results.next().await {
            match result {
                Ok(Some(state)) => posted.count(state),
                Ok(None) => {}
                Err(error) => failed = Some(error),
            }
        }
        failed.map_or(Ok(posted), Err)
    }

    async fn unless_away(
        &self,
        parcel: Parcel,
        away: &AtomicBool,
    ) -> Result<Option<ParcelState>, StoreError> {
        if self.stop.is_cancelled() || away.load(Ordering::Relaxed) {
            return Ok(None);
        }
        match self.attempt(parcel, away).await {
            // Somebody settled it while it was on its way: there is nothing more to record.
            Err(StoreError::Settled { state, .. }) => Ok(Some(state)),
            result => result.map(Some),
        }
    }

    /// One attempt. A panic in it is a bug, and no reason to forget this parcel or the ones beside it.
    async fn attempt(&self, parcel: Parcel, away: &AtomicBool) -> Result<ParcelState, StoreError> {
        match AssertUnwindSafe(self.post(&parcel, away)).catch_unwind().await {
            Ok(result) => result,
            Err(_) => self.broke_off(&parcel).await,
        }
    }

    /// Records an attempt that panicked, by how far it got. What it said is in the log.
    async fn broke_off(&self, parcel: &Parcel) -> Result<ParcelState, StoreError> {
        let found = self.store.parcel(&parcel.id).await?;
        let state = found.first().map_or(parcel.state, |parcel| parcel.state);
        if state.is_settled() {
            return Ok(state);
        }
        let kind =
            if state == ParcelState::DotSent { FailureKind::Ambiguous } else { FailureKind::Temporary };
        let failure = before(kind, "internal error: the attempt broke off");
        let next = after(parcel, Err(failure), self.on_ambiguous, (self.clock)());
        tracing::error!(parcel = parcel.id, state = next.state.as_str(), "the attempt broke off");
        let counted = state != parcel.state;
        let state = next.state;
        self.store.record(self.progressed(parcel, next, !counted)).await?;
        Ok(state)
    }

    async fn post(&self, parcel: &Parcel, away: &AtomicBool) -> Result<ParcelState, StoreError> {
        crash::point("parcel-due");
        let (next, sent) = match parcel.channel {
            // A crash can have left it so: what waits for a person is not sent by a start.
            Channel::Email if self.waits_for_a_person(parcel) => (held(String::new()), None),
            Channel::Email => self.mail(parcel, away).await?,
            Channel::Directory => (self.copy(parcel).await?, None),
        };
        tell(parcel, &next);
        let state = next.state;
        self.store.record(self.progressed(parcel, next, false)).await?;
        if state == ParcelState::Accepted {
            crash::point(if parcel.channel == Channel::Email { "mail-recorded" } else { "copy-recorded" });
        }
        if let Some(sent) = sent {
            sent.quit().await;
        }
        Ok(state)
    }

    /// Whether one more attempt needs a person's word: the answer to an earlier one was lost.
    fn waits_for_a_person(&self, parcel: &Parcel) -> bool {
        let hold = self.on_ambiguous == OnAmbiguous::Hold || parcel.lost_answers >= LOST_ANSWERS;
        parcel.state == ParcelState::Ambiguous && hold
    }

    fn progressed(&self, parcel: &Parcel, next: Next, attempt: bool) -> Progressed {
        Progressed {
            parcel: parcel.id.clone(),
            state: next.state,
            due: next.due,
            attempt,
            reply: Some(next.text).filter(|text| !text.is_empty()),
            held: next.held,
            now: (self.clock)(),
        }
    }

    async fn mail(&self, parcel: &Parcel, away: &AtomicBool) -> Result<(Next, Option<Sent>), StoreError> {
        let Some(relay) = &self.relay else {
            away.store(true, Ordering::Relaxed);
            let failure = before(FailureKind::Configuration, "there is no [smtp] table any more");
            let next = after(parcel, Err(failure), self.on_ambiguous, (self.clock)());
            return Ok((Next { due: Some((self.clock)() + WITHOUT_RELAY), ..next }, None));
        };
        let body = match self.store.body(&parcel.id).await {
            Ok(body) => body,
            Err(error) if error.is_about_content() => {
                let failure = before(FailureKind::Permanent, error.to_string());
                return Ok((after(parcel, Err(failure), self.on_ambiguous, (self.clock)()), None));
            }
            Err(error) => return Err(error),
        };
        let reached = |stage: Stage| {
            let (state, point) = match stage {
                Stage::Connecting => (ParcelState::Connecting, "mail-connecting"),
                Stage::Envelope => (ParcelState::Envelope, "mail-envelope"),
                Stage::Data => (ParcelState::Data, "mail-data"),
                Stage::DotSent => (ParcelState::DotSent, "mail-dot-recorded"),
            };
            let next = Next { state, due: None, held: false, text: String::new() };
            let progressed = self.progressed(parcel, next, stage == Stage::Connecting);
            let store = self.store.clone();
            async move {
                store.record(progressed).await?;
                crash::point(point);
                Ok(())
            }
        };
        let answer = send(relay, &self.from, &parcel.recipient, &body, reached).await?;
        crash::point("mail-answered");
        let (answer, sent) = match answer {
            Ok(sent) => (Ok(sent.reply.clone()), Some(sent)),
            Err(failure) => {
                let unreachable =
                    failure.stage == Stage::Connecting && failure.kind != FailureKind::Permanent;
                away.fetch_or(unreachable, Ordering::Relaxed);
                (Err(failure), None)
            }
        };
        Ok((after(parcel, answer, self.on_ambiguous, (self.clock)()), sent))
    }

    async fn copy(&self, parcel: &Parcel) -> Result<Next, StoreError> {
        let next = Next { state: ParcelState::Connecting, due: None, held: false, text: String::new() };
        self.store.record(self.progressed(parcel, next, true)).await?;
        crash::point("copy-begun");
        let directory = PathBuf::from(&parcel.recipient);
        let keep = self.keep.get(&(parcel.job.clone(), directory.clone())).copied();
        let (run, job) = (parcel.run.clone().unwrap_or_default(), parcel.job.clone());
        // What a parcel for a directory holds is the name of the redacted copy that goes there, or nothing.
        let copy = match self.store.body(&parcel.id).await {
            Ok(name) => String::from_utf8_lossy(&name).into_owned(),
            Err(error) if error.is_about_content() => {
                let failure = before(FailureKind::Permanent, error.to_string());
                return Ok(after(parcel, Err(failure), self.on_ambiguous, (self.clock)()));
            }
            Err(error) => return Err(error),
        };
        let mut source = self.runs.join(&run);
        if !copy.is_empty() {
            source.push(copy);
        }
        let copied = tokio::task::spawn_blocking(move || {
            copy_run(&source, &directory.join(&run))?;
            if let Some(Err(error)) = keep.map(|keep| keep_latest(&directory, &job, keep)) {
                // The files are there; what is too old goes after the next run.
                tracing::warn!(run, job, "old runs stay in {}: {error}", directory.display());
            }
            Ok::<_, PublishError>(())
        });
        let answer = match timeout(COPY_WITHIN, copied).await {
            Ok(Ok(Ok(()))) => Ok("the files are there".to_owned()),
            Ok(Ok(Err(error))) => Err(before(FailureKind::Temporary, error.to_string())),
            Ok(Err(error)) => Err(before(FailureKind::Temporary, error.to_string())),
            Err(_) => {
                let text = format!("the directory does not answer within {COPY_WITHIN:?}");
                Err(before(FailureKind::Temporary, text))
            }
        };
        crash::point("copy-done");
        Ok(after(parcel, answer, self.on_ambiguous, (self.clock)()))
    }
}

/// What follows from an attempt. `parcel` is as it was before it.
fn after(
    parcel: &Parcel,
    answer: Result<String, Failure>,
    on_ambiguous: OnAmbiguous,
    now: DateTime<Utc>,
) -> Next {
    let failure = match answer {
        Ok(text) => return Next { state: ParcelState::Accepted, due: None, held: false, text },
        Err(failure) => failure,
    };
    let again = now + wait(parcel.attempts);
    let text = failure.text;
    let lost = parcel.lost_answers + u32::from(failure.kind == FailureKind::Ambiguous);
    let patience_ends =
        parcel.attempts >= MANY && parcel.tried_since.is_some_and(|since| now - since >= PATIENCE);
    match failure.kind {
        FailureKind::Permanent => Next { state: ParcelState::Refused, due: None, held: false, text },
        FailureKind::Ambiguous if on_ambiguous == OnAmbiguous::Hold || lost >= LOST_ANSWERS => held(text),
        FailureKind::Ambiguous => Next { state: ParcelState::Ambiguous, due: Some(again), held: false, text },
        // Whether the relay has it is still unknown: giving up must not look like a refusal.
        FailureKind::Temporary | FailureKind::Configuration if patience_ends && lost > 0 => held(text),
        FailureKind::Temporary | FailureKind::Configuration if patience_ends => {
            Next { state: ParcelState::Expired, due: None, held: false, text }
        }
        FailureKind::Temporary | FailureKind::Configuration => {
            Next { state: ParcelState::Deferred, due: Some(again), held: false, text }
        }
    }
}

/// Waits for a person, who alone can find out what the recipient has.
fn held(text: String) -> Next {
    Next { state: ParcelState::Ambiguous, due: None, held: true, text }
}

/// The log says what happened to which parcel, and no recipient.
fn tell(parcel: &Parcel, next: &Next) {
    let (parcel, job, state) = (&*parcel.id, &*parcel.job, next.state.as_str());
    let text = without_addresses(&next.text);
    match next.state {
        ParcelState::Refused | ParcelState::Expired | ParcelState::Ambiguous => {
            tracing::error!(parcel, job, state, held = next.held, "not delivered: {text}");
        }
        ParcelState::Deferred => tracing::warn!(parcel, job, "not delivered yet: {text}"),
        _ => {}
    }
}

/// A failure before anything was said to a relay.
fn before(kind: FailureKind, text: impl Into<String>) -> Failure {
    Failure { stage: Stage::Connecting, kind, text: text.into() }
}

/// The wait after so many earlier attempts.
fn wait(attempts: u32) -> TimeDelta {
    let factor = 1_i32.checked_shl(attempts).unwrap_or(i32::MAX);
    FIRST_WAIT.checked_mul(factor.max(1)).map_or(LONGEST_WAIT, |wait| wait.min(LONGEST_WAIT))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::ParcelKind;

    fn at(minutes: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_790_000_000, 0).unwrap() + TimeDelta::minutes(minutes)
    }

    fn parcel(attempts: u32, lost_answers: u32) -> Parcel {
        Parcel {
            id: "p".into(),
            run: Some("r".into()),
            job: "weekly".into(),
            kind: ParcelKind::Report,
            recipient: "audit@example.org".into(),
            channel: Channel::Email,
            message_id: "<m@example.org>".into(),
            state: ParcelState::Pending,
            held: false,
            attempts,
            size: 1,
            sha256: String::new(),
            created: at(0),
            due: at(0),
            updated: at(0),
            last_reply: None,
            lost_answers,
            tried_since: Some(at(0)),
        }
    }

    fn failed(kind: FailureKind) -> Result<String, Failure> {
        Err(before(kind, "why"))
    }

    fn next(
        parcel: &Parcel,
        kind: FailureKind,
        policy: OnAmbiguous,
        minutes: i64,
    ) -> (ParcelState, Option<i64>, bool) {
        let next = after(parcel, failed(kind), policy, at(minutes));
        (next.state, next.due.map(|due| (due - at(minutes)).num_minutes()), next.held)
    }

    #[test]
    fn failures_are_tried_again_after_growing_waits_until_patience_ends() {
        let waits: Vec<_> = (0..12).map(|attempts| wait(attempts).num_minutes()).collect();
        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 64, 128, 240, 240, 240, 240]);
        assert_eq!(wait(u32::MAX), LONGEST_WAIT);
        let resend = OnAmbiguous::Resend;
        for kind in [FailureKind::Temporary, FailureKind::Configuration] {
            assert_eq!(next(&parcel(3, 0), kind, resend, 10), (ParcelState::Deferred, Some(8), false));
            assert_eq!(
                next(&parcel(30, 0), kind, resend, 3 * 1440 - 1),
                (ParcelState::Deferred, Some(240), false)
            );
            assert_eq!(next(&parcel(30, 0), kind, resend, 3 * 1440), (ParcelState::Expired, None, false));
        }
        assert_eq!(
            next(&parcel(0, 0), FailureKind::Permanent, resend, 0),
            (ParcelState::Refused, None, false)
        );
    }

    #[test]
    fn a_lost_answer_is_sent_once_more_and_a_second_one_waits_for_a_person() {
        let (resend, hold) = (OnAmbiguous::Resend, OnAmbiguous::Hold);
        let lost = FailureKind::Ambiguous;
        assert_eq!(next(&parcel(0, 0), lost, resend, 0), (ParcelState::Ambiguous, Some(1), false));
        assert_eq!(next(&parcel(1, 1), lost, resend, 0), (ParcelState::Ambiguous, None, true));
        assert_eq!(next(&parcel(0, 0), lost, hold, 0), (ParcelState::Ambiguous, None, true));
        // A failure after a lost answer does not make it forgotten.
        let temporary = FailureKind::Temporary;
        assert_eq!(next(&parcel(2, 1), temporary, resend, 10), (ParcelState::Deferred, Some(4), false));
        assert_eq!(next(&parcel(30, 1), temporary, resend, 3 * 1440), (ParcelState::Ambiguous, None, true));
        // The clock alone, set ahead or after a long rest, gives nothing up.
        assert_eq!(next(&parcel(11, 0), temporary, resend, 99_999).0, ParcelState::Deferred);
        let rested = Parcel { tried_since: None, ..parcel(30, 0) };
        assert_eq!(next(&rested, temporary, resend, 99_999).0, ParcelState::Deferred);
    }
}
