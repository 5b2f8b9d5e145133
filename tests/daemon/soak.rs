//! A day in a minute: two jobs, consoles that fail in a tenth of all calls, a relay with mishaps. At the end every slot
//! and every mail is accounted for, the daemon is no larger than before, and what it tells of itself is true.

use std::collections::BTreeSet;
use std::fs;
use std::time::Instant;

use chrono::{DateTime, TimeDelta, Utc};
use recert::finding::Severity;
use recert::report::Completeness;
use recert::simulator::{Estate, EstateOptions, Faults, Options, Simulator};
use recert::store::{Channel, ParcelState, RunRecord, RunState};

use crate::clock::Place;
use crate::faked::{Clock, LOOK, figure, get, libfaketime, listen, rounds};
use crate::programs::skip;
use crate::relay::{How, Mishap, Step};
use crate::service::{LIMIT, Machine, RECIPIENTS};

/// What the wall clock goes on with each look: a day in a minute, with what the looks themselves take.
const STRIDE: TimeDelta = TimeDelta::seconds(180);
/// The same after the day is over, until everything that waits has had its time. No slot comes in it.
const LAST_STRIDE: TimeDelta = TimeDelta::seconds(5);
/// Connections to the relay between two mishaps.
const BETWEEN: usize = 6;
/// What the daemon may grow by after a quarter of the day.
const GROWTH: u64 = 12_000;
/// Files that may be open at the end beyond the fewest of the first quarter.
const MORE_FILES: usize = 4;

/// The jobs and how many slots each one has in the day.
const JOBS: [(&str, u64); 2] = [("weekly", 24), ("half-hourly", 48)];

const MISHAPS: [Mishap; 8] = [
    Mishap::new(Step::Banner, How::Temporary),
    Mishap::new(Step::Mail, How::Temporary),
    Mishap::new(Step::Accept, How::Reset),
    Mishap::new(Step::Rcpt, How::Close),
    Mishap::new(Step::Data, How::Temporary),
    Mishap::new(Step::Dot, How::Temporary),
    Mishap::new(Step::Quit, How::Close),
    // The mail is there, and its answer is lost.
    Mishap::kept(How::Close),
];

fn faulty(seed: u64) -> Options {
    let faults = Faults { rate: 0.1, seed, ..Faults::default() };
    Options { faults, log: false, ..Options::default() }
}

/// The second job, on a console of its own.
async fn second(machine: &Machine) -> (Simulator, String) {
    let estate = Estate::generate(&EstateOptions {
        seed: 4,
        users: 12,
        sites: 2,
        asset_groups: 2,
        grants_per_user: 1,
        blemishes: true,
        ..EstateOptions::default()
    });
    let simulator =
        Simulator::start(estate, Options { password: machine.simulator.password().to_owned(), ..faulty(5) });
    let simulator = simulator.await.unwrap();
    let tables = format!(
        "[[console]]\nname = \"lab\"\nurl = \"{}\"\nusername = \"{}\"\npassword = {{ file = \"{}\" }}\n\
         [[job]]\nname = \"half-hourly\"\nschedule = \"*/30 * * * *\"\nconsoles = [\"lab\"]\nformats = [\"csv\", \"json\"]\n\
         [[job.email]]\nto = [\"{}\", \"{}\"]\nformats = [\"csv\"]\n\
         [[job.directory]]\npath = \"{}\"\n",
        simulator.url(),
        simulator.username(),
        machine.path("password").display(),
        RECIPIENTS[0],
        RECIPIENTS[1],
        machine.path("reports").display(),
    );
    (simulator, tables)
}

/// The resident memory of a process, in kB.
fn memory(process: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

/// How many files a process has open. Only root may look at one that is not dumpable.
fn files(process: u32) -> Option<usize> {
    Some(fs::read_dir(format!("/proc/{process}/fd")).ok()?.count())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_day_of_faults_loses_nothing_and_leaks_nothing() {
    let Some(library) = libfaketime() else { return };
    let start: DateTime<Utc> = "2028-11-02T00:00:00Z".parse().unwrap();
    let mut machine = Machine::with(faulty(7)).await;
    "consoles = [\"hq\"]".clone_into(&mut machine.job);
    let (_lab, tables) = second(&machine).await;
    machine.configure(&format!("{tables}{}", listen(&machine)));
    machine.away_since(start).await;
    let mut place = Place { clock: Clock::new(&library, &machine), machine, service: None };
    place.clock.set(start);
    // Whatever else happens, the first two mails meet these.
    place.machine.relay.script([Mishap::new(Step::Mail, How::Temporary), Mishap::kept(How::Close)]);
    place.start().await;
    let (machine, service) = (&place.machine, place.service.as_ref().unwrap());
    rounds(machine, service, start, 2).await;

    let process = service.child.id();
    let (day, quarter) = (start + TimeDelta::days(1), start + TimeDelta::hours(6));
    let (mut time, mut mishaps, mut next_mishap) = (start, MISHAPS.iter().cycle(), BETWEEN);
    let (mut size, mut fewest) = (0, files(process));
    while time < day {
        time = (time + STRIDE).min(day + TimeDelta::seconds(30));
        place.clock.set(time);
        tokio::time::sleep(LOOK).await;
        service.drain();
        let (status, body) = get(machine, "/healthz").await;
        assert_eq!(status, 200, "{body}\n{}", place.log());
        if machine.relay.attempts().len() >= next_mishap {
            machine.relay.script(mishaps.next().copied());
            next_mishap = machine.relay.attempts().len() + BETWEEN;
        }
        if time < quarter {
            size = memory(process);
            fewest = fewest.min(files(process));
        }
    }
    // Retries of runs and mails still have their waits before them.
    let until = Instant::now() + LIMIT;
    loop {
        let (runs, parcels) = place.content().await;
        let newest = |job: &str| {
            runs.iter().filter(|run| run.job.as_deref() == Some(job)).filter_map(|run| run.slot).max()
        };
        let all_taken = JOBS.iter().all(|(job, _)| newest(job) == Some(day));
        let over = runs.iter().all(|run| run.state.is_terminal())
            && parcels.iter().all(|parcel| parcel.state.is_settled());
        if all_taken && over {
            break;
        }
        assert!(Instant::now() < until, "{runs:#?} {parcels:#?}\n{}", place.log());
        time = (time + LAST_STRIDE).min(day + TimeDelta::minutes(25));
        place.clock.set(time);
        tokio::time::sleep(LOOK).await;
        service.drain();
    }
    let (runs, parcels) = place.settled(time).await;
    assert_eq!(get(machine, "/healthz").await.0, 200);

    for (job, slots) in JOBS {
        let own: Vec<_> = runs.iter().filter(|run| run.job.as_deref() == Some(job)).collect();
        assert_eq!(own.iter().map(|run| 1 + run.collapsed).sum::<u64>(), slots, "{job}: {own:#?}");
        assert_eq!(
            own.iter().map(|run| run.slot).collect::<BTreeSet<_>>().len(),
            own.len(),
            "{job}: {own:#?}"
        );
        assert!(own.iter().any(|run| run.state == RunState::Done), "{job}: {own:#?}");
    }
    machine.check(&runs, &parcels).await;
    assert_eq!(machine.relay.violations(), [""; 0]);
    told_truly(&place, &runs).await;

    let grown = memory(process);
    assert!(grown <= size + GROWTH, "{size} kB after a quarter, {grown} kB at the end");
    match (fewest, files(process)) {
        (Some(fewest), Some(now)) => {
            assert!(now <= fewest + MORE_FILES, "{now} files are open, once {fewest} were");
        }
        _ => skip("/proc/PID/fd", "needs root"),
    }
    place.stop().await;
}

/// The metrics say what the store says.
async fn told_truly(place: &Place, runs: &[RunRecord]) {
    let (_, metrics) = get(&place.machine, "/metrics").await;
    let told = |name: &str| figure(&metrics, name);
    let equal = |name: &str, number: usize| assert_eq!(told(name).to_string(), number.to_string(), "{name}");
    let store = place.machine.store();
    for (job, _) in JOBS {
        let own = || runs.iter().filter(|run| run.job.as_deref() == Some(job));
        let ended =
            |verdict| own().filter(|run| run.state == RunState::Done && run.verdict == Some(verdict)).count();
        let failed = own().filter(|run| run.state == RunState::Failed).count();
        let total = |result: &str| format!("recert_runs_total{{job=\"{job}\",result=\"{result}\"}}");
        equal(&total("complete"), ended(Completeness::Complete));
        equal(&total("incomplete"), ended(Completeness::Incomplete));
        equal(&total("failed"), failed);
        let last = store.last_done(job).await.unwrap().unwrap();
        for severity in Severity::WORST_FIRST {
            let count = last.findings.get(&severity).copied().unwrap_or_default();
            let name = format!("recert_findings{{job=\"{job}\",severity=\"{}\"}}", severity.as_str());
            equal(&name, usize::try_from(count).unwrap());
        }
        equal(&format!("recert_gaps{{job=\"{job}\"}}"), usize::try_from(last.gaps).unwrap());
        let success = told(&format!("recert_last_success_timestamp_seconds{{job=\"{job}\"}}"));
        let finished = (last.finished.unwrap() - DateTime::UNIX_EPOCH).as_seconds_f64();
        assert!((success - finished).abs() < 0.001, "{job}: {success} {finished}");
    }
    let mut ends = Vec::new();
    let posted = store.outbox(true).await.unwrap();
    for parcel in posted.iter().filter(|parcel| parcel.channel == Channel::Email) {
        ends.extend(store.deliveries(&parcel.id).await.unwrap().into_iter().map(|delivery| delivery.state));
    }
    store.close().await;
    for state in [
        ParcelState::Accepted,
        ParcelState::Deferred,
        ParcelState::Refused,
        ParcelState::Ambiguous,
        ParcelState::Expired,
    ] {
        let count = ends.iter().filter(|end| **end == state).count();
        equal(&format!("recert_mails_total{{result=\"{}\"}}", state.as_str()), count);
        let met = matches!(state, ParcelState::Accepted | ParcelState::Deferred | ParcelState::Ambiguous);
        assert_eq!(count > 0, met, "{state:?}: {count}");
    }
    equal("recert_outbox_waiting", 0);
    equal("recert_outbox_ambiguous", 0);
    equal("recert_outbox_refused_total", 0);
}
