//! The outbox against a relay that fails at every step in every way: every mail arrives once the relay heals, once.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

#[path = "../relay/mod.rs"]
mod relay;

use std::cell::Cell;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::{StreamExt, stream};
use recert::deliver::{Courier, Letter, NamedAs, OnAmbiguous, RelayTls, Steps, message_id};
use recert::store::{Channel, Claim, NewParcel, Parcel, ParcelKind, ParcelState, Progressed, Store};
use recert::trust::Trust;
use secrecy::SecretString;
use tokio_util::sync::CancellationToken;

use relay::{How, Mishap, Options, Relay, Step, Tls};

tokio::task_local! {
    /// The time of one case, in minutes since its start; it moves when the case says so.
    static MINUTES: Cell<i64>;
}

const JOB: &str = "weekly";
/// Longer than any wait between attempts.
const NEXT: i64 = 5 * 60;

fn start() -> DateTime<Utc> {
    DateTime::from_timestamp(1_793_600_000, 0).unwrap()
}

fn clock() -> DateTime<Utc> {
    start() + TimeDelta::minutes(MINUTES.get().get())
}

struct Bench {
    _directory: tempfile::TempDir,
    store: Store,
    relay: Relay,
    courier: Courier,
}

impl Bench {
    async fn new(tls: Tls, on_ambiguous: OnAmbiguous) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::open(&directory.path().join("recert.db"), start()).unwrap();
        let login = (tls != Tls::None).then(|| ("recert".to_owned(), "secret".to_owned()));
        let relay = Relay::with(Options { tls, login: login.clone(), ..Options::default() }).await;
        let courier = Courier {
            store: store.clone(),
            relay: Some(Arc::new(recert::deliver::Relay {
                host: "127.0.0.1".into(),
                port: relay.port(),
                tls: match tls {
                    Tls::None => RelayTls::None,
                    Tls::Implicit => RelayTls::Implicit,
                    Tls::StartTls => RelayTls::StartTls,
                },
                trust: Trust::Pins(vec![relay.sha256()]),
                login: login.map(|(login, password)| (login, SecretString::from(password))),
                hello: None,
                steps: Steps::capped(Duration::from_millis(700)),
            })),
            from: "recert@example.org".into(),
            on_ambiguous,
            runs: directory.path().join("runs"),
            keep: HashMap::new(),
            clock,
            stop: CancellationToken::new(),
        };
        Self { _directory: directory, store, relay, courier }
    }

    /// Posts one mail for each recipient, of a run that failed: the shortest way into the outbox.
    async fn post(&self, recipients: &[&str]) {
        let parcels = recipients.iter().map(|recipient| {
            let id = message_id(self.store.installation(), "run", recipient, "alarm", 1, "example.org");
            let letter = Letter {
                from: "recert@example.org",
                to: recipient,
                named: NamedAs::To,
                subject: "FAILED [recert] weekly",
                text: ".\nThere is no report.\n",
                html: "<p>There is no report.</p>",
                attachments: &[],
                message_id: &id,
                date: start(),
            };
            NewParcel {
                id: recipient.replace('@', "-"),
                run: Some("run".into()),
                job: JOB.into(),
                kind: ParcelKind::Alarm,
                recipient: (*recipient).into(),
                channel: Channel::Email,
                body: letter.write().unwrap(),
                message_id: id.clone(),
                due: start(),
                created: start(),
            }
        });
        let now = start();
        let claim = Claim { run: "run".into(), job: JOB.into(), slot: now, collapsed: 0, mark: now, now };
        assert!(self.store.claim(claim).await.unwrap());
        self.store.fail("run", "no answer", parcels.collect(), now).await.unwrap();
    }

    async fn parcels(&self) -> Vec<Parcel> {
        let mut parcels = self.store.outbox(true).await.unwrap();
        parcels.sort_by(|a, b| a.id.cmp(&b.id));
        parcels
    }

    /// Attempts until every wait was over several times.
    async fn deliver(&self) {
        for _ in 0..5 {
            self.courier.post_due(Channel::Email).await.unwrap();
            MINUTES.with(|minutes| minutes.set(minutes.get() + NEXT));
        }
    }

    /// The copies of a parcel at the relay; each must be the stored bytes.
    async fn copies(&self, parcel: &Parcel) -> usize {
        let body = self.store.body(&parcel.id).await.unwrap();
        let messages =
            self.relay.messages().into_iter().filter(|message| message.to == [parcel.recipient.as_str()]);
        messages.inspect(|message| assert!(message.body == body, "other bytes than were stored")).count()
    }
}

/// What must become of a mail after one mishap: how it ends, and the copies at the relay.
fn promised(mishap: Mishap) -> (&'static [ParcelState], usize) {
    let answered = matches!(mishap.how, How::Temporary | How::Permanent);
    match (mishap.at, mishap.how) {
        (Step::Mail | Step::Rcpt | Step::Data | Step::Dot, How::Permanent) => (&[ParcelState::Refused], 0),
        // So small a mail is sent whole before the answer comes; whether it is read before the end, chance decides.
        (Step::Body, How::Permanent) => (&[ParcelState::Refused, ParcelState::Accepted], 1),
        (Step::Dot, _) if mishap.keeps && !answered => (&[ParcelState::Accepted], 2),
        _ => (&[ParcelState::Accepted], 1),
    }
}

async fn one_mishap(tls: Tls, mishap: Mishap) {
    let bench = Bench::new(tls, OnAmbiguous::Resend).await;
    bench.relay.script([mishap]);
    bench.post(&["audit@example.org"]).await;
    bench.deliver().await;
    let [parcel] = &bench.parcels().await[..] else { panic!("one parcel") };
    let copies = bench.copies(parcel).await;
    let (states, most) = promised(mishap);
    assert!(states.contains(&parcel.state), "{tls:?} {mishap:?}: {parcel:?}");
    let expected = if parcel.state == ParcelState::Accepted { most } else { 0 };
    assert_eq!(copies, expected, "{tls:?} {mishap:?}: {parcel:?}");
    assert_eq!(bench.relay.violations(), [] as [String; 0], "{tls:?} {mishap:?}");
    let in_clear = bench.relay.attempts().iter().any(|attempt| attempt.said_in_clear("AUTH"));
    assert!(!in_clear, "{tls:?} {mishap:?}: the password crossed the network in clear");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_mail_arrives_once_the_relay_heals() {
    let mut cases = Vec::new();
    for tls in Tls::ALL {
        for at in Step::ALL.into_iter().filter(|step| step.exists(tls, tls != Tls::None)) {
            for how in How::ALL {
                cases.push((tls, Mishap::new(at, how)));
                if at == Step::Dot && !matches!(how, How::Temporary | How::Permanent) {
                    cases.push((tls, Mishap::kept(how)));
                }
            }
        }
    }
    assert!(cases.len() > 180, "{}", cases.len());
    let run = |(tls, mishap)| MINUTES.scope(Cell::new(0), one_mishap(tls, mishap));
    stream::iter(cases).map(run).buffer_unordered(16).collect::<Vec<()>>().await;
}

#[tokio::test]
async fn a_lost_answer_waits_for_a_person_if_that_is_wanted() {
    MINUTES
        .scope(Cell::new(0), async {
            let bench = Bench::new(Tls::None, OnAmbiguous::Hold).await;
            bench.relay.script([Mishap::kept(How::Close)]);
            bench.post(&["audit@example.org"]).await;
            bench.deliver().await;
            let parcel = bench.parcels().await.remove(0);
            assert_eq!((parcel.state, parcel.held, parcel.attempts), (ParcelState::Ambiguous, true, 1));
            assert_eq!(bench.copies(&parcel).await, 1);
        })
        .await;
}

#[tokio::test]
async fn two_lost_answers_are_never_followed_by_a_third_copy() {
    MINUTES
        .scope(Cell::new(0), async {
            let bench = Bench::new(Tls::None, OnAmbiguous::Resend).await;
            bench.relay.script([
                Mishap::kept(How::Close),
                Mishap::new(Step::Mail, How::Temporary),
                Mishap::kept(How::Reset),
            ]);
            bench.post(&["audit@example.org"]).await;
            bench.deliver().await;
            let parcel = bench.parcels().await.remove(0);
            assert_eq!((parcel.state, parcel.held, parcel.lost_answers), (ParcelState::Ambiguous, true, 2));
            assert_eq!(bench.copies(&parcel).await, 2);
        })
        .await;
}

#[tokio::test]
async fn a_process_that_dies_before_the_answer_leaves_at_most_one_more_copy() {
    MINUTES
        .scope(Cell::new(0), async {
            let bench = Bench::new(Tls::None, OnAmbiguous::Resend).await;
            bench.post(&["audit@example.org"]).await;
            bench.relay.script([Mishap::kept(How::Hang)]);
            // The process ends while the relay thinks about it.
            let courier = bench.courier.clone();
            let relay = &bench.relay;
            tokio::select! {
                posted = courier.post_due(Channel::Email) => panic!("it should hang: {posted:?}"),
                () = async { while relay.messages().is_empty() { tokio::task::yield_now().await } } => {}
            }
            let recovered = bench.store.recover(clock()).await.unwrap();
            assert_eq!((recovered.pending, recovered.ambiguous), (0, 1));
            bench.deliver().await;
            let parcel = bench.parcels().await.remove(0);
            assert_eq!((parcel.state, parcel.lost_answers), (ParcelState::Accepted, 1));
            assert_eq!(bench.copies(&parcel).await, 2);
        })
        .await;
}

#[tokio::test]
async fn one_bad_recipient_blocks_nobody() {
    MINUTES
        .scope(Cell::new(0), async {
            let mut bench = Bench::new(Tls::None, OnAmbiguous::Resend).await;
            let refuse = vec![("gone@example.org".to_owned(), "550 5.1.1 unknown".to_owned())];
            bench.relay = Relay::with(Options { refuse, ..Options::default() }).await;
            let relay = recert::deliver::Relay {
                port: bench.relay.port(),
                ..(**bench.courier.relay.as_ref().unwrap()).clone()
            };
            bench.courier.relay = Some(Arc::new(relay));
            bench.post(&["audit@example.org", "gone@example.org", "owner@example.org"]).await;
            let posted = bench.courier.post_due(Channel::Email).await.unwrap();
            assert_eq!((posted.accepted, posted.refused, posted.total()), (2, 1, 3));
            let refused = bench.store.parcel("gone-example.org").await.unwrap().remove(0);
            assert!(refused.last_reply.unwrap().contains("5.1.1 unknown"));
        })
        .await;
}

#[tokio::test]
async fn a_relay_that_stays_away_is_given_up_after_three_days_and_not_before() {
    MINUTES
        .scope(Cell::new(0), async {
            let bench = Bench::new(Tls::None, OnAmbiguous::Resend).await;
            bench.relay.script(std::iter::repeat_n(Mishap::new(Step::Rcpt, How::Temporary), 100));
            bench.post(&["audit@example.org"]).await;
            let mut attempts = 0;
            loop {
                attempts += bench.courier.post_due(Channel::Email).await.unwrap().total();
                let parcel = bench.parcels().await.remove(0);
                if parcel.state.is_settled() {
                    assert_eq!(parcel.state, ParcelState::Expired);
                    break;
                }
                MINUTES.with(|minutes| minutes.set(minutes.get() + 1));
            }
            let days = (clock() - start()).num_minutes();
            assert!((3 * 1440..3 * 1440 + 241).contains(&days), "{days} minutes");
            // 1, 2, 4 … 128 minutes, then every four hours.
            assert_eq!(attempts, 26, "attempts in three days");
        })
        .await;
}

#[tokio::test]
async fn what_waits_for_a_person_is_not_sent_by_a_start() {
    MINUTES
        .scope(Cell::new(0), async {
            let bench = Bench::new(Tls::None, OnAmbiguous::Hold).await;
            bench.post(&["audit@example.org"]).await;
            let progress = |state| Progressed {
                parcel: "audit-example.org".into(),
                state,
                due: None,
                attempt: true,
                reply: None,
                held: false,
                now: start(),
            };
            bench.store.record(progress(ParcelState::DotSent)).await.unwrap();
            assert_eq!(bench.store.recover(clock()).await.unwrap().ambiguous, 1);
            bench.deliver().await;
            let parcel = bench.parcels().await.remove(0);
            assert_eq!((parcel.state, parcel.held, parcel.lost_answers), (ParcelState::Ambiguous, true, 1));
            assert_eq!(bench.relay.attempts().len(), 0);
        })
        .await;
}

#[tokio::test]
async fn a_relay_that_is_away_is_asked_by_few_and_a_stop_begins_nothing() {
    MINUTES
        .scope(Cell::new(0), async {
            let bench = Bench::new(Tls::None, OnAmbiguous::Resend).await;
            let recipients: Vec<String> = (0..20).map(|number| format!("jo{number}@example.org")).collect();
            bench.post(&recipients.iter().map(String::as_str).collect::<Vec<_>>()).await;
            bench.relay.script(std::iter::repeat_n(Mishap::new(Step::Banner, How::Temporary), 4));
            let posted = bench.courier.post_due(Channel::Email).await.unwrap();
            assert!((1..=4).contains(&posted.deferred) && posted.accepted == 0, "{posted:?}");
            bench.courier.stop.cancel();
            assert_eq!(bench.courier.post_due(Channel::Email).await.unwrap().total(), 0);
            assert!(bench.relay.attempts().len() <= 4);
        })
        .await;
}
