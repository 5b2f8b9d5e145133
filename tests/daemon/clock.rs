//! Clocks that jump, and machines that were off: every slot runs once, or stands in the run that caught up for it.

use std::collections::BTreeSet;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::{StreamExt, stream};
use recert::review::scheduled_run_id;
use recert::schedule::{is_sane, jitter};
use recert::simulator::Options;
use recert::store::{Channel, Parcel, ParcelState, RunRecord, RunState};

use crate::faked::{Clock, LOOK, libfaketime, listen, rounds};
use crate::relay::{How, Mishap, Step};
use crate::service::{LIMIT, Machine, Service};

/// Machines at once: mostly they wait for their next second.
const AT_ONCE: usize = 24;

/// In what state the daemon is when its clock jumps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Point {
    /// Between two slots.
    Idle,
    /// A slot is claimed, and its run waits for its time.
    Claimed,
    /// A run asks a console.
    Running,
    /// The relay does not take mail at the moment.
    MailWaits,
    /// The daemon is not there.
    Off,
}

const POINTS: [Point; 5] = [Point::Idle, Point::Claimed, Point::Running, Point::MailWaits, Point::Off];

/// Where a clock jumps to.
#[derive(Debug, Clone, Copy)]
enum Jump {
    Hours(i64),
    To1970,
}

impl Jump {
    fn from(self, base: DateTime<Utc>) -> DateTime<Utc> {
        match self {
            Self::Hours(hours) => base + TimeDelta::hours(hours),
            Self::To1970 => DateTime::UNIX_EPOCH + TimeDelta::minutes(1),
        }
    }

    /// The times that the clock shows: wrong, an hour later, right again, an hour later, and three hours after all of
    /// that.
    fn times(self, base: DateTime<Utc>) -> [DateTime<Utc>; 5] {
        let wrong = self.from(base);
        let hour = TimeDelta::hours(1);
        [wrong, wrong + hour, base + TimeDelta::minutes(2), base + hour, base.max(wrong) + hour * 3]
    }
}

/// The runs that are new at each of a jump's times: how many earlier slots each one stands for.
type Expected = [&'static [u64]; 5];

const DAYS: i64 = 24;

/// What follows from a jump at 40 minutes past an hour, `catch_up = "latest"`.
const LATEST: [(Jump, Expected); 7] = [
    (Jump::Hours(1), [&[0], &[0], &[], &[], &[1]]),
    (Jump::Hours(-1), [&[], &[], &[], &[0], &[1]]),
    (Jump::Hours(25), [&[24], &[0], &[], &[], &[1]]),
    (Jump::Hours(-25), [&[], &[], &[], &[0], &[1]]),
    // Back from a time that is far ahead, the slots of the time that is right come as they would have.
    (Jump::Hours(400 * DAYS), [&[9599], &[0], &[], &[0], &[9601]]),
    (Jump::Hours(-400 * DAYS), [&[], &[0], &[], &[0], &[1]]),
    (Jump::To1970, [&[], &[], &[], &[0], &[1]]),
];

/// The same, `catch_up = "all"`.
const ALL: [(Jump, Expected); 3] = [
    (Jump::Hours(1), [&[0], &[0], &[], &[], &[0, 0]]),
    (Jump::Hours(25), [&[13, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], &[0], &[], &[], &[0, 0]]),
    (Jump::Hours(400 * DAYS), [&[9588, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], &[0], &[], &[0], &[0, 0]]),
];

/// The same, `catch_up = "skip"`: no slot is on time.
const SKIP: [(Jump, Expected); 3] = [
    (Jump::Hours(1), [&[], &[], &[], &[], &[]]),
    (Jump::Hours(25), [&[], &[], &[], &[], &[]]),
    (Jump::Hours(400 * DAYS), [&[], &[], &[], &[], &[]]),
];

/// The same from two minutes past an hour: slots are on time, and stand for none that were missed.
const SKIP_ON_TIME: [(Jump, Expected); 3] = [
    (Jump::Hours(1), [&[0], &[0], &[], &[], &[0]]),
    (Jump::Hours(25), [&[0], &[0], &[], &[], &[0]]),
    (Jump::Hours(400 * DAYS), [&[0], &[0], &[], &[0], &[0]]),
];

/// A machine with a clock, and its daemon.
pub(crate) struct Place {
    pub(crate) machine: Machine,
    pub(crate) clock: Clock,
    pub(crate) service: Option<Service>,
}

impl Place {
    async fn new(library: &Path, latency: Duration, job: &str) -> Self {
        let mut machine = Machine::with(Options { latency, log: false, ..Options::default() }).await;
        job.clone_into(&mut machine.job);
        machine.configure(&listen(&machine));
        Self { clock: Clock::new(library, &machine), machine, service: None }
    }

    pub(crate) async fn start(&mut self) {
        self.service = Some(self.clock.start(&self.machine).await);
    }

    pub(crate) async fn stop(&mut self) {
        self.service.take().unwrap().stop().await;
    }

    /// What the store holds, the runs in the order of their slots.
    pub(crate) async fn content(&self) -> (Vec<RunRecord>, Vec<Parcel>) {
        let store = self.machine.store();
        let (mut runs, parcels) = (store.runs(None, 1000).await.unwrap(), store.outbox(true).await.unwrap());
        store.close().await;
        runs.sort_by_key(|run| run.slot);
        (runs, parcels)
    }

    /// Waits until the store says so.
    async fn until(&self, what: impl Fn(&[RunRecord], &[Parcel]) -> bool) {
        let until = Instant::now() + LIMIT;
        loop {
            let (runs, parcels) = self.content().await;
            if what(&runs, &parcels) {
                return;
            }
            assert!(Instant::now() < until, "{runs:#?} {parcels:#?}\n{}", self.log());
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Waits until the daemon has seen this time, and has nothing left to do at it.
    pub(crate) async fn settled(&self, at: DateTime<Utc>) -> (Vec<RunRecord>, Vec<Parcel>) {
        let service = self.service.as_ref().unwrap();
        rounds(&self.machine, service, at, 1).await;
        let later = at + TimeDelta::minutes(30);
        // No wait is longer than four hours; a mail that would have to is one that is left behind.
        let waits = |parcel: &Parcel| parcel.due > later && parcel.due <= later + TimeDelta::hours(4);
        let over = |parcel: &Parcel| parcel.state.is_settled() || parcel.held || waits(parcel);
        // A clock that cannot be right holds up what waits, and lets end what is under way.
        let ended =
            |run: &RunRecord| run.state.is_terminal() || !is_sane(at) && run.state == RunState::Claimed;
        let until = Instant::now() + LIMIT;
        loop {
            let before = self.content().await;
            rounds(&self.machine, service, at, 2).await;
            let now = self.content().await;
            let idle = now.0.iter().all(ended) && (!is_sane(at) || now.1.iter().all(over));
            if idle && now == before {
                return now;
            }
            assert!(Instant::now() < until, "not settled at {at}: {now:#?}\n{}", self.log());
        }
    }

    pub(crate) fn log(&self) -> String {
        self.service.as_ref().map(Service::log).unwrap_or_default()
    }
}

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

/// Brings a daemon to a point. The slot at the start of the hour of `base` is claimed by then, and no other.
async fn reach(library: &Path, point: Point, base: DateTime<Utc>, job: &str) -> (Place, DateTime<Utc>) {
    let hour = TimeDelta::hours(1);
    let latency = if point == Point::Running { Duration::from_millis(80) } else { Duration::ZERO };
    let waits = if point == Point::Claimed { "jitter = 30\n" } else { "" };
    let mut place = Place::new(library, latency, &format!("{waits}{job}")).await;
    let mut base = base;
    if point == Point::Claimed {
        // A day on which the run waits long enough to be met while it does.
        place.machine.away_since(base - TimeDelta::days(1)).await;
        let store = place.machine.store();
        let waits = |base: DateTime<Utc>| {
            let slot = base - TimeDelta::minutes(40);
            jitter(&scheduled_run_id(store.installation(), "weekly", slot), TimeDelta::minutes(30))
        };
        while waits(base) < TimeDelta::minutes(10) {
            base += TimeDelta::days(1);
        }
        store.set_mark("weekly", base - hour).await.unwrap();
        store.close().await;
        place.clock.set(base - TimeDelta::minutes(40));
    } else {
        place.machine.away_since(base - hour).await;
        place.clock.set(base);
    }
    if point == Point::MailWaits {
        place.machine.relay.script([Mishap::new(Step::Mail, How::Temporary); 2]);
    }
    place.start().await;
    match point {
        Point::Idle => drop(place.settled(base).await),
        Point::Claimed => place.until(|runs, _| runs.len() == 1).await,
        Point::Running => place.until(|runs, _| runs.iter().any(|run| run.started.is_some())).await,
        Point::MailWaits => {
            let deferred = |parcel: &&Parcel| parcel.state == ParcelState::Deferred;
            place.until(|_, parcels| parcels.iter().filter(deferred).count() == 2).await;
        }
        Point::Off => {
            place.settled(base).await;
            place.stop().await;
        }
    }
    (place, base)
}

/// Lets the clock jump at a point, and then come right. Gives how many times had their exact runs.
async fn jumps(
    library: PathBuf,
    point: Point,
    (jump, expected): (Jump, Expected),
    base: DateTime<Utc>,
    job: &str,
) -> usize {
    let (mut place, base) = reach(&library, point, base, job).await;
    let times = jump.times(base);
    let mut known: BTreeSet<_> = place.content().await.0.iter().map(|run| run.slot.unwrap()).collect();
    for (time, expected) in times.into_iter().zip(expected) {
        place.clock.set(time);
        if place.service.is_none() {
            place.start().await;
        }
        // What was begun before the jump may still reach the relay after it.
        rounds(&place.machine, place.service.as_ref().unwrap(), time, 1).await;
        let heard = place.machine.relay.attempts().len();
        let (runs, parcels) = place.settled(time).await;
        let new: Vec<_> = runs.iter().filter(|run| !known.contains(&run.slot.unwrap())).collect();
        let collapsed: Vec<_> = new.iter().map(|run| run.collapsed).collect();
        let story = format!("{job} {point:?} {jump:?} from {base}, at {time}");
        assert_eq!(collapsed, expected, "{story}: {runs:#?}\n{}", place.log());
        assert_eq!(runs.len(), known.len() + new.len(), "{story}: {runs:#?}");
        if let Some(newest) = new.last() {
            let slot = newest.slot.unwrap();
            assert!(time - slot < TimeDelta::hours(1) && slot <= time, "{story}: {newest:?}");
        }
        if is_sane(time) {
            assert!(runs.iter().all(|run| run.state == RunState::Done), "{story}: {runs:#?}");
        } else {
            let attempts = place.machine.relay.attempts();
            let is_quiet = point == Point::Running || heard == attempts.len();
            assert!(is_quiet, "{story}: {heard} attempts, then {attempts:#?}\n{}", place.log());
            if point == Point::Claimed {
                assert_eq!(runs[0].state, RunState::Claimed, "{story}");
            }
        }
        let mailed = parcels.iter().filter(|parcel| parcel.channel == Channel::Email);
        assert!(mailed.clone().all(|parcel| parcel.lost_answers == 0), "{story}");
        known.extend(new.iter().map(|run| run.slot.unwrap()));
    }
    let (runs, parcels) = place.content().await;
    place.machine.check(&runs, &parcels).await;
    place.stop().await;
    times.len()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_jump_at_any_point_repeats_nothing_and_is_caught_up_once() {
    let Some(library) = libfaketime() else { return };
    let base = at("2028-06-14T11:40:00Z");
    let stories = POINTS.into_iter().flat_map(|point| LATEST.map(|jump| (point, jump)));
    let counts: Vec<usize> = stream::iter(stories)
        .map(|(point, jump)| jumps(library.clone(), point, jump, base, ""))
        .buffer_unordered(AT_ONCE)
        .collect()
        .await;
    assert_eq!(counts.iter().sum::<usize>(), POINTS.len() * LATEST.len() * 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_jump_forward_is_caught_up_by_each_policy() {
    let Some(library) = libfaketime() else { return };
    let (late, on_time) = (at("2028-06-14T11:40:00Z"), at("2028-06-14T11:02:00Z"));
    let all = ALL.map(|jump| (jump, late, "catch_up = \"all\""));
    let skip = SKIP.map(|jump| (jump, late, "catch_up = \"skip\""));
    let skip_on_time = SKIP_ON_TIME.map(|jump| (jump, on_time, "catch_up = \"skip\""));
    stream::iter([all, skip, skip_on_time].concat())
        .map(|(jump, base, job)| jumps(library.clone(), Point::Idle, jump, base, job))
        .buffer_unordered(AT_ONCE)
        .collect::<Vec<_>>()
        .await;
}

/// Hours away, the time of the return, and the runs that follow for `latest`, `all` and `skip`.
type Absence = (TimeDelta, &'static str, [&'static [u64]; 3]);

const TWELVE_FOR_30: &[u64] = &[18, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
const TWELVE_FOR_TWO_YEARS: &[u64] = &[17_532, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];

const ABSENCES: [Absence; 6] = [
    (TimeDelta::minutes(1), "2028-06-14T11:02:00Z", [&[], &[], &[]]),
    (TimeDelta::minutes(1), "2028-06-14T11:00:30Z", [&[0], &[0], &[0]]),
    (TimeDelta::hours(1), "2028-06-14T11:40:00Z", [&[0], &[0], &[]]),
    (TimeDelta::hours(30), "2028-06-14T11:40:00Z", [&[29], TWELVE_FOR_30, &[]]),
    // The leap day of 2028 lies in them.
    (TimeDelta::days(731), "2028-06-14T11:40:00Z", [&[17_543], TWELVE_FOR_TWO_YEARS, &[]]),
    (TimeDelta::days(731), "2028-06-14T11:02:00Z", [&[17_543], TWELVE_FOR_TWO_YEARS, &[0]]),
];

async fn returns(library: PathBuf, away: TimeDelta, back: &str, policy: &str, expected: &[u64]) {
    let mut place = Place::new(&library, Duration::ZERO, &format!("catch_up = \"{policy}\"")).await;
    let back = at(back);
    place.machine.away_since(back - away).await;
    place.clock.set(back);
    place.start().await;
    let (runs, parcels) = place.settled(back).await;
    caught_up(&runs, back, expected, &format!("{away} {policy}\n{}", place.log()));
    place.machine.check(&runs, &parcels).await;
    place.stop().await;
}

/// The newest slots have these runs, all of them done.
fn caught_up(runs: &[RunRecord], back: DateTime<Utc>, expected: &[u64], story: &str) {
    let collapsed: Vec<_> = runs.iter().map(|run| run.collapsed).collect();
    assert_eq!(collapsed, expected, "{story}");
    for (run, hours) in runs.iter().rev().zip(0..) {
        let slot = run.slot.unwrap() + TimeDelta::hours(hours);
        assert!(slot <= back && back - slot < TimeDelta::hours(1), "{run:?}: {story}");
        assert_eq!(run.state, RunState::Done, "{story}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_machine_that_was_off_catches_up_by_its_policy() {
    let Some(library) = libfaketime() else { return };
    let stories = ABSENCES.into_iter().flat_map(|(away, back, runs)| {
        ["latest", "all", "skip"].into_iter().zip(runs).map(move |(policy, runs)| (away, back, policy, runs))
    });
    stream::iter(stories)
        .map(|(away, back, policy, runs)| returns(library.clone(), away, back, policy, runs))
        .buffer_unordered(AT_ONCE)
        .collect::<Vec<()>>()
        .await;
}

/// A daemon that owes thirty slots dies while it catches up, and the next one goes on.
async fn dies_catching_up(library: PathBuf, crash: String) {
    let mut place = Place::new(&library, Duration::ZERO, "catch_up = \"all\"").await;
    let back = at("2028-06-14T11:40:00Z");
    place.machine.away_since(back - TimeDelta::hours(30)).await;
    place.clock.set(back);
    let mut service = place.clock.launch(&place.machine, &[("RECERT_CRASH_AT", &crash)]);
    let status = service.ended().await;
    assert_eq!(status.signal(), Some(9), "{crash}: {}", service.log());
    drop(service);
    place.start().await;
    let (runs, parcels) = place.settled(back).await;
    caught_up(&runs, back, TWELVE_FOR_30, &format!("{crash}\n{}", place.log()));
    place.machine.check(&runs, &parcels).await;
    place.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_while_catching_up_gives_each_slot_once() {
    let Some(library) = libfaketime() else { return };
    let claims = (1..=12).map(|number| format!("slot-claimed:{number}"));
    let others = ["slot-due:1", "attempt-counted:1", "attempt-counted:7", "published:4", "finished:1"];
    let others = others.into_iter().chain(["finished:5", "finished:12", "mail-dot-recorded:9"]);
    stream::iter(claims.chain(others.map(str::to_owned)))
        .map(|crash| dies_catching_up(library.clone(), crash))
        .buffer_unordered(AT_ONCE)
        .collect::<Vec<()>>()
        .await;
}
