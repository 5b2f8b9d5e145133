//! The outbox: what is to be sent, how far it is, and everything that happened to it.

use chrono::{DateTime, TimeDelta, Utc};
use rusqlite::{OptionalExtension, Params, Row, Transaction};
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::{
    At, Channel, Count, Delivery, Fault, NewParcel, Parcel, ParcelState, Progressed, Store, StoreError, Word,
};

const COLUMNS: &str =
    "SELECT id, run, job, kind, recipient, channel, message_id, state, held, attempts, size, sha256, \
    created, due, updated, last_reply,
    (SELECT count(*) FROM deliveries WHERE parcel = parcels.id AND deliveries.state = 'ambiguous'),
    (SELECT min(at) FROM deliveries WHERE parcel = parcels.id AND deliveries.state = 'connecting'
     AND id > coalesce((SELECT max(id) FROM deliveries WHERE parcel = parcels.id AND state = 'pending'), 0))
    FROM parcels";

/// No wait between two attempts is as long.
const FARTHEST: TimeDelta = TimeDelta::hours(5);
/// Text of a relay is kept up to this many characters.
const LONGEST_REPLY: usize = 2_000;

/// What was found on its way when the process started.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Recovered {
    /// Parcels that no relay can have accepted: they are sent again.
    pub pending: u64,
    /// Parcels that a relay may have accepted.
    pub ambiguous: u64,
}

/// How much the outbox holds. Each parcel counts once at most.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct OutboxDepth {
    /// Parcels that wait or are on their way, the ambiguous ones left out.
    pub waiting: u64,
    /// When the oldest unsettled one was made, ambiguous ones included.
    pub oldest: Option<DateTime<Utc>>,
    /// Parcels that may have arrived.
    pub ambiguous: u64,
    /// Parcels that a relay refused for good.
    pub refused: u64,
    /// Parcels that were given up.
    pub expired: u64,
}

impl Store {
    /// Takes back what was on its way when the process ended. To be called by the owner alone, before it sends.
    pub async fn recover(&self, now: DateTime<Utc>) -> Result<Recovered, StoreError> {
        self.writer
            .change(move |tx| {
                let take_back = |to: &str, from: &str, text: &str| -> Result<u64, Fault> {
                    tx.execute(
                        &format!(
                            "INSERT INTO deliveries (parcel, at, state, text)
                             SELECT id, ?1, ?2, ?3 FROM parcels WHERE state IN ({from}) ORDER BY id"
                        ),
                        (At(now), to, text),
                    )?;
                    let changed = tx.execute(
                        &format!(
                            "UPDATE parcels SET state = ?2, due = min(due, ?1), updated = ?1, last_reply = ?3
                             WHERE state IN ({from})"
                        ),
                        (At(now), to, text),
                    )?;
                    Ok(changed as u64)
                };
                Ok(Recovered {
                    pending: take_back(
                        "pending",
                        "'connecting', 'envelope', 'data'",
                        "the process ended before anything was accepted",
                    )?,
                    ambiguous: take_back(
                        "ambiguous",
                        "'dot_sent'",
                        "the process ended before the relay's answer was stored",
                    )?,
                })
            })
            .await
    }

    /// Parcels to be sent now on a channel: pending, deferred or ambiguous, not held, due. Longest due first.
    ///
    /// A due time that lies further ahead than any wait was set by a clock that was wrong: it counts as due.
    pub async fn due_parcels(
        &self,
        now: DateTime<Utc>,
        channel: Channel,
        limit: usize,
    ) -> Result<Vec<Parcel>, StoreError> {
        let order = "WHERE state IN ('pending', 'deferred', 'ambiguous') AND held = 0 AND channel = ?1
                     AND (due <= ?2 OR due > ?3) ORDER BY due, created, id LIMIT ?4";
        let farthest = At(now + FARTHEST);
        self.writer
            .look(move |tx| select(tx, order, (Word(channel), At(now), farthest, Count::of(limit))))
            .await
    }

    /// The bytes of a parcel, exactly as they were stored.
    pub async fn body(&self, parcel: &str) -> Result<Vec<u8>, StoreError> {
        let id = parcel.to_owned();
        self.writer
            .look(move |tx| {
                let query = "SELECT sha256, body FROM parcels LEFT JOIN bodies ON parcel = id WHERE id = ?1";
                let found = tx.query_row(query, [&id], |row| {
                    Ok((row.get::<_, String>(0)?, row.get::<_, Option<Vec<u8>>>(1)?))
                });
                match found.optional()? {
                    None => Err(StoreError::UnknownParcel(id).into()),
                    Some((_, None)) => Err(StoreError::BodyGone(id).into()),
                    Some((sha256, Some(body))) if digest(&body) == sha256 => Ok(body),
                    Some(_) => Err(StoreError::BodyChanged(id).into()),
                }
            })
            .await
    }

    /// Stores what happened to a parcel. One that has arrived, or that a person has settled, does not change any more.
    pub async fn record(&self, progress: Progressed) -> Result<(), StoreError> {
        self.writer
            .change(move |tx| {
                let Progressed { parcel, state: wanted, due, attempt, reply, held, now } = progress;
                let reply: Option<String> = reply.map(|text| text.chars().take(LONGEST_REPLY).collect());
                let query = "SELECT state FROM parcels WHERE id = ?1";
                let Some(Word(state)) = tx.query_row(query, [&parcel], |row| row.get(0)).optional()? else {
                    return Err(StoreError::UnknownParcel(parcel).into());
                };
                let state: ParcelState = state;
                if state.is_final() && state != wanted {
                    return Err(StoreError::Settled { parcel, state, wanted }.into());
                }
                tx.execute(
                    "UPDATE parcels SET state = ?2, due = coalesce(?3, due), attempts = attempts + ?4,
                     last_reply = coalesce(?5, last_reply), held = ?6, updated = ?7 WHERE id = ?1",
                    (&parcel, Word(wanted), due.map(At), attempt, &reply, held, At(now)),
                )?;
                // Holding it, or making it due again, is not one more event on its way.
                if state != wanted || reply.is_some() {
                    tx.execute(
                        "INSERT INTO deliveries (parcel, at, state, text) VALUES (?1, ?2, ?3, ?4)",
                        (&parcel, At(now), Word(wanted), &reply),
                    )?;
                }
                Ok(())
            })
            .await
    }

    /// Parcels that are not settled, or all of them. Newest first.
    pub async fn outbox(&self, all: bool) -> Result<Vec<Parcel>, StoreError> {
        let order = "WHERE ?1 OR state NOT IN ('accepted', 'refused', 'expired', 'resolved')
                     ORDER BY created DESC, id";
        self.writer.look(move |tx| select(tx, order, [all])).await
    }

    /// The parcel of this id, or all parcels whose ids start so.
    pub async fn parcel(&self, id_or_prefix: &str) -> Result<Vec<Parcel>, StoreError> {
        let id = id_or_prefix.to_owned();
        self.writer
            .look(move |tx| {
                let exact = select(tx, "WHERE id = ?1", [&id])?;
                if !exact.is_empty() || id.is_empty() {
                    return Ok(exact);
                }
                select(tx, "WHERE substr(id, 1, length(?1)) = ?1 ORDER BY id", [&id])
            })
            .await
    }

    /// Everything that happened to a parcel, in order.
    pub async fn deliveries(&self, parcel: &str) -> Result<Vec<Delivery>, StoreError> {
        let parcel = parcel.to_owned();
        self.writer
            .look(move |tx| {
                let query = "SELECT at, state, text FROM deliveries WHERE parcel = ?1 ORDER BY id";
                let mut statement = tx.prepare_cached(query)?;
                let deliveries = statement.query_map([parcel], |row| {
                    let (At(at), Word(state)) = (row.get(0)?, row.get(1)?);
                    Ok(Delivery { at, state, text: row.get(2)? })
                })?;
                Ok(deliveries.collect::<Result<_, _>>()?)
            })
            .await
    }

    /// How much the outbox holds.
    pub async fn outbox_depth(&self) -> Result<OutboxDepth, StoreError> {
        self.writer
            .look(|tx| {
                let query = "SELECT state, count(*), min(created) FROM parcels GROUP BY state";
                let mut statement = tx.prepare_cached(query)?;
                let mut depth = OutboxDepth::default();
                let mut rows = statement.query([])?;
                while let Some(row) = rows.next()? {
                    let (Word(state), Count(count), At(oldest)) = (row.get(0)?, row.get(1)?, row.get(2)?);
                    let state: ParcelState = state;
                    match state {
                        ParcelState::Ambiguous => depth.ambiguous = count,
                        ParcelState::Refused => depth.refused = count,
                        ParcelState::Expired => depth.expired = count,
                        ParcelState::Accepted | ParcelState::Resolved => {}
                        _ => depth.waiting += count,
                    }
                    if !state.is_settled() {
                        depth.oldest = Some(depth.oldest.map_or(oldest, |known| known.min(oldest)));
                    }
                }
                Ok(depth)
            })
            .await
    }

    /// When the newest parcel of a job for a recipient was made, of whatever kind.
    pub async fn last_posted(&self, job: &str, recipient: &str) -> Result<Option<DateTime<Utc>>, StoreError> {
        let (job, recipient) = (job.to_owned(), recipient.to_owned());
        self.writer
            .look(move |tx| {
                let query = "SELECT max(created) FROM parcels WHERE job = ?1 AND recipient = ?2";
                let newest: Option<At> = tx.query_row(query, [job, recipient], |row| row.get(0))?;
                Ok(newest.map(|At(newest)| newest))
            })
            .await
    }
}

/// Everything that was posted about a run, by recipient.
pub(super) fn parcels_of(tx: &Transaction<'_>, run: &str) -> Result<Vec<Parcel>, Fault> {
    select(tx, "WHERE run = ?1 ORDER BY recipient, channel, kind, id", [run])
}

/// A new parcel with the SHA-256 of its body.
#[derive(Debug)]
pub(super) struct Sealed {
    parcel: NewParcel,
    sha256: String,
}

/// Computes the SHA-256 of the bodies; of large ones, that takes its time.
pub(super) fn seal(parcels: Vec<NewParcel>) -> Vec<Sealed> {
    let seal = |parcel: NewParcel| Sealed { sha256: digest(&parcel.body), parcel };
    parcels.into_iter().map(seal).collect()
}

/// Stores new parcels; one whose id is there already is left as it is.
pub(super) fn post(tx: &Transaction<'_>, parcels: &[Sealed]) -> Result<(), Fault> {
    for Sealed { parcel, sha256 } in parcels {
        let inserted = tx.execute(
            "INSERT INTO parcels (id, run, job, kind, recipient, channel, message_id, state, size, sha256, created,
                                  due, updated)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 'pending', ?8, ?9, ?10, ?11, ?10) ON CONFLICT (id) DO NOTHING",
            (
                &parcel.id,
                &parcel.run,
                &parcel.job,
                Word(parcel.kind),
                &parcel.recipient,
                Word(parcel.channel),
                &parcel.message_id,
                Count::of(parcel.body.len()),
                sha256,
                At(parcel.created),
                At(parcel.due),
            ),
        )?;
        if inserted == 1 {
            tx.execute("INSERT INTO bodies (parcel, body) VALUES (?1, ?2)", (&parcel.id, &parcel.body))?;
        }
    }
    Ok(())
}

fn digest(body: &[u8]) -> String {
    hex::encode(Sha256::digest(body))
}

fn select(tx: &Transaction<'_>, order: &str, parameters: impl Params) -> Result<Vec<Parcel>, Fault> {
    let mut statement = tx.prepare_cached(&format!("{COLUMNS} {order}"))?;
    let parcels = statement.query_map(parameters, parcel)?;
    Ok(parcels.collect::<Result<_, _>>()?)
}

fn parcel(row: &Row<'_>) -> rusqlite::Result<Parcel> {
    let time = |column| row.get(column).map(|At(time)| time);
    let (Word(kind), Word(channel), Word(state)) = (row.get(3)?, row.get(5)?, row.get(7)?);
    let Count(size) = row.get(10)?;
    Ok(Parcel {
        id: row.get(0)?,
        run: row.get(1)?,
        job: row.get(2)?,
        kind,
        recipient: row.get(4)?,
        channel,
        message_id: row.get(6)?,
        state,
        held: row.get(8)?,
        attempts: row.get(9)?,
        size,
        sha256: row.get(11)?,
        created: time(12)?,
        due: time(13)?,
        updated: time(14)?,
        last_reply: row.get(15)?,
        lost_answers: row.get(16)?,
        tried_since: row.get::<_, Option<At>>(17)?.map(|At(since)| since),
    })
}

#[cfg(test)]
mod tests {
    use super::super::Finished;
    use super::super::trial::{Trial, at, claim, finished, parcel, report};
    use super::*;

    /// A store with these parcels, all of one run, each made and due at its second.
    async fn with(trial: &Trial, parcels: &[(&str, i64)]) -> Store {
        let store = trial.open();
        store.claim(claim("a", 1)).await.unwrap();
        let parcels = parcels.iter().map(|(id, created)| parcel(id, Some("a"), *created)).collect();
        let done = Finished { parcels, ..finished(report("a", Some(1), 5)) };
        assert!(store.finish(done).await.unwrap());
        store
    }

    fn progress(parcel: &str, state: ParcelState, now: i64) -> Progressed {
        Progressed {
            parcel: parcel.into(),
            state,
            due: None,
            attempt: false,
            reply: None,
            held: false,
            now: at(now),
        }
    }

    fn ids(parcels: Vec<Parcel>) -> Vec<String> {
        parcels.into_iter().map(|parcel| parcel.id).collect()
    }

    #[tokio::test]
    async fn a_parcel_keeps_its_bytes_and_its_history() {
        let trial = Trial::new();
        let store = with(&trial, &[("p", 10)]).await;
        assert_eq!(store.body("p").await.unwrap(), b"body of p\r\n");
        let is = store.parcel("p").await.unwrap().pop().unwrap();
        let made = parcel("p", Some("a"), 10);
        assert_eq!((&is.run, &is.job, &is.recipient), (&made.run, &made.job, &made.recipient));
        assert_eq!((is.kind, is.channel, &is.message_id), (made.kind, made.channel, &made.message_id));
        assert_eq!((is.state, is.held, is.attempts, is.size), (ParcelState::Pending, false, 0, 11));
        assert_eq!((is.created, is.due, is.updated), (at(10), at(10), at(10)));
        store.record(progress("p", ParcelState::Connecting, 20)).await.unwrap();
        let deferred = Progressed {
            due: Some(at(90)),
            attempt: true,
            reply: Some("451 later ".repeat(1_000)),
            ..progress("p", ParcelState::Deferred, 21)
        };
        store.record(deferred).await.unwrap();
        store.record(progress("p", ParcelState::DotSent, 90)).await.unwrap();
        let is = store.parcel("p").await.unwrap().pop().unwrap();
        assert_eq!((is.state, is.attempts, is.due, is.updated), (ParcelState::DotSent, 1, at(90), at(90)));
        assert_eq!(is.last_reply.unwrap().len(), LONGEST_REPLY, "kept, and shortened");
        let states: Vec<_> =
            store.deliveries("p").await.unwrap().iter().map(|it| (it.at, it.state)).collect();
        assert_eq!(
            states,
            [
                (at(20), ParcelState::Connecting),
                (at(21), ParcelState::Deferred),
                (at(90), ParcelState::DotSent)
            ]
        );
    }

    #[tokio::test]
    async fn one_parcel_is_posted_once() {
        let trial = Trial::new();
        let store = with(&trial, &[("p", 10)]).await;
        store.record(progress("p", ParcelState::Accepted, 20)).await.unwrap();
        store.claim(claim("b", 100)).await.unwrap();
        let again = NewParcel { body: b"other".to_vec(), ..parcel("p", Some("b"), 110) };
        store.fail("b", "no answer", vec![again], at(110)).await.unwrap();
        let is = store.parcel("p").await.unwrap().pop().unwrap();
        assert_eq!((is.state, is.run.as_deref()), (ParcelState::Accepted, Some("a")));
        assert_eq!(store.body("p").await.unwrap(), b"body of p\r\n");
    }

    #[tokio::test]
    async fn what_has_arrived_never_goes_again() {
        let trial = Trial::new();
        let store = with(&trial, &[("p", 10), ("q", 10)]).await;
        for (id, end) in [("p", ParcelState::Accepted), ("q", ParcelState::Resolved)] {
            store.record(progress(id, end, 20)).await.unwrap();
            store.record(progress(id, end, 21)).await.unwrap();
            for state in ParcelState::ALL.into_iter().filter(|state| *state != end) {
                let refused = store.record(progress(id, state, 22)).await;
                assert!(matches!(refused, Err(StoreError::Settled { .. })), "{state:?}");
            }
            assert_eq!(store.deliveries(id).await.unwrap().len(), 1, "the same again is no event");
        }
        let unknown = store.record(progress("x", ParcelState::Accepted, 22)).await;
        assert!(matches!(unknown, Err(StoreError::UnknownParcel(_))));
    }

    #[tokio::test]
    async fn due_is_what_waits_its_time_is_over_and_nobody_holds() {
        let trial = Trial::new();
        let all: Vec<String> = ParcelState::ALL.iter().map(|state| state.as_str().to_owned()).collect();
        let parcels: Vec<(&str, i64)> = all.iter().zip(10..).map(|(id, due)| (id.as_str(), due)).collect();
        let store = with(&trial, &parcels).await;
        for state in ParcelState::ALL {
            store.record(progress(state.as_str(), state, 30)).await.unwrap();
        }
        assert_eq!(
            ids(store.due_parcels(at(99), Channel::Email, 9).await.unwrap()),
            ["pending", "deferred", "ambiguous"]
        );
        assert_eq!(ids(store.due_parcels(at(99), Channel::Email, 1).await.unwrap()), ["pending"]);
        assert_eq!(ids(store.due_parcels(at(16), Channel::Email, 9).await.unwrap()), ["pending", "deferred"]);
        let held = Progressed { held: true, ..progress("ambiguous", ParcelState::Ambiguous, 40) };
        store.record(held).await.unwrap();
        assert_eq!(ids(store.due_parcels(at(99), Channel::Email, 9).await.unwrap()), ["pending", "deferred"]);
        let unsettled = ["ambiguous", "deferred", "dot_sent", "data", "envelope", "connecting", "pending"];
        assert_eq!(ids(store.outbox(false).await.unwrap()), unsettled);
        assert_eq!(store.outbox(true).await.unwrap().len(), 11);
        let depth = store.outbox_depth().await.unwrap();
        let expected = OutboxDepth { waiting: 6, oldest: Some(at(10)), ambiguous: 1, refused: 1, expired: 1 };
        assert_eq!(depth, expected);
    }

    #[tokio::test]
    async fn a_clock_that_is_set_back_leaves_no_parcel_behind() {
        let trial = Trial::new();
        let store = with(&trial, &[("p", 40_000), ("q", 30_000)]).await;
        let due = |now| store.due_parcels(at(now), Channel::Email, 9);
        assert_eq!(ids(due(20_000).await.unwrap()), ["p"], "it would have to wait longer than anything does");
        assert_eq!(ids(due(25_000).await.unwrap()), [""; 0], "these are waits that there are");
        assert_eq!(ids(due(30_000).await.unwrap()), ["q"]);
    }

    #[tokio::test]
    async fn a_start_takes_back_what_was_on_its_way() {
        let trial = Trial::new();
        let all: Vec<String> = ParcelState::ALL.iter().map(|state| state.as_str().to_owned()).collect();
        let parcels: Vec<(&str, i64)> = all.iter().map(|id| (id.as_str(), 10)).collect();
        let store = with(&trial, &parcels).await;
        for state in ParcelState::ALL {
            let later = Progressed { due: Some(at(80)), ..progress(state.as_str(), state, 30) };
            store.record(later).await.unwrap();
        }
        assert_eq!(store.recover(at(50)).await.unwrap(), Recovered { pending: 3, ambiguous: 1 });
        for is in store.outbox(true).await.unwrap() {
            let (expected, due) = match is.id.as_str() {
                "connecting" | "envelope" | "data" => (ParcelState::Pending, at(50)),
                "dot_sent" => (ParcelState::Ambiguous, at(50)),
                _ => (is.state, at(80)),
            };
            assert_eq!((is.state, is.due), (expected, due), "{}", is.id);
            let steps = store.deliveries(&is.id).await.unwrap();
            let own = usize::from(is.id != "pending");
            assert_eq!(steps.last().map(|step| step.state), (own == 1).then_some(is.state));
            assert_eq!(steps.len(), own + usize::from(due == at(50)), "{}", is.id);
        }
        let lost = |is: &Parcel| (is.id == "dot_sent" || is.id == "ambiguous") == (is.lost_answers == 1);
        assert!(store.outbox(true).await.unwrap().iter().all(lost));
        assert_eq!(store.recover(at(60)).await.unwrap(), Recovered::default());
    }

    #[tokio::test]
    async fn a_changed_body_is_not_sent() {
        let trial = Trial::new();
        let store = with(&trial, &[("p", 10), ("q", 10)]).await;
        let tamper =
            |tx: &Transaction<'_>| Ok(tx.execute("UPDATE bodies SET body = x'00' WHERE parcel = 'p'", [])?);
        assert_eq!(store.writer.change(tamper).await.unwrap(), 1);
        assert!(matches!(store.body("p").await, Err(StoreError::BodyChanged(id)) if id == "p"));
        assert!(store.body("q").await.is_ok());
        assert!(matches!(store.body("x").await, Err(StoreError::UnknownParcel(_))));
    }

    #[tokio::test]
    async fn parcels_are_found_by_prefix_and_by_recipient() {
        let trial = Trial::new();
        let store = with(&trial, &[("pa", 10), ("pb", 30), ("q", 20)]).await;
        assert_eq!(ids(store.parcel("p").await.unwrap()), ["pa", "pb"]);
        assert!(store.parcel("").await.unwrap().is_empty());
        assert!(store.parcel("_").await.unwrap().is_empty());
        assert_eq!(store.last_posted("weekly", "jo@corp.example").await.unwrap(), Some(at(30)));
        assert_eq!(store.last_posted("weekly", "mia@corp.example").await.unwrap(), None);
        assert_eq!(store.last_posted("monthly", "jo@corp.example").await.unwrap(), None);
    }
}
