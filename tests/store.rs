//! The store between processes: killed ones, competing ones, and the one that owns the directory.
//!
//! Each test starts its own executable again, with itself as the only test and a directory in the environment: then it
//! plays the other process.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use recert::finding::{Severity, SubjectKind, Verdict};
use recert::model::{
    Answer, Collector, CollectorRights, ConsoleIdentity, ConsoleSettings, Coverage, Depth, Requests,
    Snapshot, Totals,
};
use recert::report::{Completeness, Estate, FindingRow, FindingState, Persons, Report, RuleRow, Run, SCHEMA};
use recert::store::{
    Channel, Claim, Finished, NewParcel, Ownership, OwnershipError, ParcelKind, ParcelState, Progressed,
    RunState, Store,
};

/// Where the other process finds its directory.
const DIRECTORY: &str = "RECERT_TEST_STORE";
/// What the other process puts before its ids.
const PREFIX: &str = "RECERT_TEST_PREFIX";

const FINDINGS: usize = 300;
const RULES: usize = 40;
const PARCELS: usize = 3;

#[tokio::test]
async fn a_killed_process_leaves_nothing_half() {
    if let Some((path, prefix)) = played() {
        return write_until_killed(&path, &prefix).await;
    }
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("recert.db");
    let mut interrupted = 0;
    for seed in 0..40 {
        let mut random = fastrand::Rng::with_seed(seed);
        let (mut child, mut told) = play("a_killed_process_leaves_nothing_half", &path, &format!("s{seed}-"));
        let mut acknowledged = Vec::new();
        for _ in 0..random.usize(1..4) {
            let line = told.next().expect("the other process goes on until it is killed");
            acknowledged.push(line);
        }
        // About as long as one run takes, so that the kill may hit any of its steps.
        let end = Instant::now() + Duration::from_micros(random.u64(0..40_000));
        while Instant::now() < end {
            std::hint::spin_loop();
        }
        child.kill().unwrap();
        child.wait().unwrap();
        // What it told between the last line read and its end counts too.
        acknowledged.extend(told);

        let store = Store::open(&path, at(0)).unwrap();
        store.check().await.unwrap();
        store.recover(at(0)).await.unwrap();
        let runs = store.runs(None, usize::MAX).await.unwrap();
        let parcels = store.outbox(true).await.unwrap();
        for run in runs.iter().filter(|run| run.id.starts_with(&format!("s{seed}-"))) {
            let its: Vec<_> = parcels.iter().filter(|it| it.run.as_ref() == Some(&run.id)).collect();
            let before = store.before(&run.id).await.unwrap();
            if run.state == RunState::Done {
                let before = before.expect("a done run has its snapshots");
                assert_eq!((before.findings.len(), before.rules.len()), (FINDINGS, RULES), "{}", run.id);
                assert_eq!(run.findings[&Severity::High], FINDINGS as u64);
                assert_eq!(its.len(), PARCELS, "{}", run.id);
                for parcel in its {
                    assert_eq!(store.body(&parcel.id).await.unwrap(), body(&parcel.id));
                }
            } else {
                interrupted += 1;
                assert!(before.is_none() && its.is_empty(), "{} is half", run.id);
            }
        }
        for line in acknowledged {
            let (what, id) = line.split_once(' ').unwrap();
            match what {
                "claimed" => assert!(runs.iter().any(|run| run.id == id), "seed {seed} lost {id}"),
                "done" => {
                    let run = runs.iter().find(|run| run.id == id).expect(id);
                    assert_eq!(run.state, RunState::Done, "seed {seed} lost {id}");
                }
                _ => {
                    let parcel = parcels.iter().find(|parcel| parcel.id == id).expect(id);
                    assert_eq!(parcel.state, ParcelState::Accepted, "seed {seed} lost {id}");
                }
            }
        }
        assert!(parcels.iter().all(|parcel| matches!(
            parcel.state,
            ParcelState::Pending | ParcelState::Ambiguous | ParcelState::Accepted
        )));
        store.close().await;
    }
    assert!(interrupted > 0, "no kill hit a run");
}

/// Claims and finishes runs and sends their first parcels; says on standard error what the store has acknowledged.
async fn write_until_killed(path: &Path, prefix: &str) {
    let store = Store::open(path, at(0)).unwrap();
    for number in 0.. {
        let id = format!("{prefix}{number}");
        let claim = Claim { job: prefix.into(), ..claim(&id, number) };
        assert!(store.claim(claim).await.unwrap());
        tell(&format!("claimed {id}"));
        store.begin(&id, at(number)).await.unwrap();
        assert!(store.finish(finished(&id, prefix, number)).await.unwrap());
        tell(&format!("done {id}"));
        let parcel = format!("{id}-p0");
        for state in [ParcelState::Connecting, ParcelState::Data, ParcelState::DotSent, ParcelState::Accepted]
        {
            store.record(progress(&parcel, state)).await.unwrap();
        }
        tell(&format!("accepted {parcel}"));
    }
}

#[tokio::test]
async fn two_processes_lose_nothing_and_share_no_slot() {
    const SLOTS: u8 = 60;
    if let Some((path, prefix)) = played() {
        return compete(&path, &prefix, SLOTS.into()).await;
    }
    let slots = usize::from(SLOTS);
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("recert.db");
    let mut players: Vec<_> = ["a", "b"]
        .map(|prefix| play("two_processes_lose_nothing_and_share_no_slot", &path, prefix))
        .into_iter()
        .collect();
    for (_, told) in &mut players {
        assert_eq!(told.next().unwrap(), "ready");
    }
    for (child, _) in &mut players {
        child.stdin.take().unwrap().write_all(b"go\n").unwrap();
    }
    let mut won = Vec::new();
    for (child, told) in &mut players {
        won.extend(told.by_ref().filter_map(|line| line.strip_prefix("won ").map(str::to_owned)));
        assert!(child.wait().unwrap().success());
    }
    let distinct: BTreeSet<_> = won.iter().collect();
    assert_eq!((won.len(), distinct.len()), (slots, slots), "{won:?}");
    let store = Store::open_existing(&path).unwrap();
    store.check().await.unwrap();
    let runs = store.runs(None, usize::MAX).await.unwrap();
    assert_eq!(runs.len(), 3 * slots, "the shared slots, and as many of each process");
    assert!(runs.iter().all(|run| run.state == RunState::Done));
    assert_eq!(store.outbox(true).await.unwrap().len(), 3 * slots * PARCELS);
}

/// Claims every slot that the other one may claim too, and finishes what it won; in between, runs of its own.
async fn compete(path: &Path, prefix: &str, slots: i64) {
    let store = Store::open(path, at(0)).unwrap();
    tell("ready");
    std::io::stdin().read_line(&mut String::new()).unwrap();
    for number in 0..slots {
        let id = format!("shared{number}");
        if store.claim(claim(&id, number)).await.unwrap() {
            tell(&format!("won {id}"));
            assert!(store.finish(finished(&id, "weekly", number)).await.unwrap());
        }
        let own = format!("{prefix}{number}");
        let mut done = finished(&own, "weekly", number);
        Arc::get_mut(&mut done.report).unwrap().run.slot = None;
        assert!(store.finish(done).await.unwrap());
    }
    store.close().await;
}

#[test]
fn a_killed_owner_owns_nothing() {
    if let Some((path, _)) = played() {
        let owned = Ownership::take(&path).unwrap();
        tell("taken");
        std::io::stdin().read_line(&mut String::new()).unwrap();
        drop(owned);
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let (mut child, mut told) = play("a_killed_owner_owns_nothing", directory.path(), "");
    assert_eq!(told.next().unwrap(), "taken");
    let refused = Ownership::take(directory.path()).unwrap_err();
    assert!(matches!(refused, OwnershipError::Taken { .. }));
    assert!(refused.to_string().contains(&format!("process {},", child.id())), "{refused}");
    child.kill().unwrap();
    child.wait().unwrap();
    Ownership::take(directory.path()).unwrap();
}

/// The path and the prefix, if this is the other process.
fn played() -> Option<(PathBuf, String)> {
    let path = std::env::var_os(DIRECTORY)?;
    Some((path.into(), std::env::var(PREFIX).unwrap()))
}

/// Starts the other process of a test. Gives what it tells, line by line.
fn play(test: &str, path: &Path, prefix: &str) -> (Child, impl Iterator<Item = String> + use<>) {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", test, "--nocapture"]).env(DIRECTORY, path).env(PREFIX, prefix);
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let told: BufReader<ChildStderr> = BufReader::new(child.stderr.take().unwrap());
    (child, told.lines().map_while(Result::ok))
}

/// Tells the process that started this one; without it, there is nobody to go on for.
fn tell(line: &str) {
    let mut standard_error = std::io::stderr();
    writeln!(standard_error, "{line}").unwrap();
}

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000 + seconds, 0).unwrap()
}

fn claim(run: &str, slot: i64) -> Claim {
    Claim {
        run: run.into(),
        job: "weekly".into(),
        slot: at(slot),
        collapsed: 0,
        mark: at(slot),
        now: at(slot),
    }
}

fn body(parcel: &str) -> Vec<u8> {
    parcel.bytes().cycle().take(5_000).collect()
}

fn progress(parcel: &str, state: ParcelState) -> Progressed {
    Progressed {
        parcel: parcel.into(),
        state,
        due: None,
        attempt: false,
        reply: None,
        held: false,
        now: at(0),
    }
}

fn finished(run: &str, job: &str, slot: i64) -> Finished {
    let parcel = |number| {
        let id = format!("{run}-p{number}");
        NewParcel {
            run: Some(run.into()),
            job: job.into(),
            kind: ParcelKind::Report,
            recipient: format!("r{number}@corp.example"),
            channel: Channel::Email,
            message_id: format!("<{id}@corp.example>"),
            body: body(&id),
            due: at(slot),
            created: at(slot),
            id,
        }
    };
    Finished {
        report: Arc::new(report(run, job, slot)),
        snapshots: Some(vec![snapshot(slot)]),
        parcels: (0..PARCELS).map(parcel).collect(),
        link: None,
        now: at(slot),
    }
}

fn report(run: &str, job: &str, slot: i64) -> Report {
    let finding = |number: usize| FindingRow {
        id: format!("f{number}"),
        console: "hq".into(),
        rule: "locked_account".into(),
        title: "Locked account".into(),
        severity: Severity::High,
        state: FindingState::Open,
        subject_kind: SubjectKind::User,
        subject_id: number.to_string(),
        subject_name: format!("user{number}"),
        summary: "the account is locked".into(),
        evidence: Vec::new(),
        remediation: "".into(),
        controls: [].into(),
        first_seen: at(slot),
        change: None,
        waiver: None,
        waiver_expires: None,
    };
    let rule = |_| RuleRow {
        id: "locked_account".into(),
        code: "LIFE-05".into(),
        title: "Locked account".into(),
        console: "hq".into(),
        severity: Severity::High,
        original_verdict: None,
        earlier: None,
        open: 1,
        controls: std::sync::Arc::default(),
        verdict: Verdict::Fail,
        examined: FINDINGS as u64,
        expected: FINDINGS as u64,
        findings: FINDINGS as u64,
        note: None,
        why: "".into(),
        click_path: "".into(),
        api_call: "".into(),
        version: 1,
    };
    Report {
        schema: SCHEMA,
        run: Run {
            id: run.into(),
            job: Some(job.into()),
            slot: Some(at(slot)),
            collapsed: 0,
            started: at(slot),
            finished: at(slot),
            verdict: Completeness::Complete,
            version: "0.0.0",
            configuration: String::new(),
        },
        trend: Vec::new(),
        comparison: None,
        consoles: Vec::new(),
        estate: Estate::default(),
        identities: Vec::new(),
        rules: (0..RULES).map(rule).collect(),
        findings: (0..FINDINGS).map(finding).collect(),
        users: Vec::new(),
        roles: Vec::new(),
        privileges: Vec::new(),
        sites: Vec::new(),
        asset_groups: Vec::new(),
        coverage: Vec::new(),
        gaps: Vec::new(),
        anomalies: Vec::new(),
        waivers: Vec::new(),
        controls: Vec::new(),
        changes: Vec::new(),
        redacted: Vec::new(),
        redaction_key: None,
        persons: Persons::default(),
    }
}

fn snapshot(second: i64) -> Snapshot {
    Snapshot {
        console: ConsoleIdentity { name: "hq".into(), uuid: None, serial: None, version: None },
        started: at(second),
        finished: at(second),
        depth: Depth::Full,
        collector: Collector { login: "svc".into(), user: None, rights: CollectorRights::Unknown },
        settings: ConsoleSettings::default(),
        totals: Totals::default(),
        requests: Requests::default(),
        users: Vec::new(),
        roles: Vec::new(),
        privileges: Vec::new(),
        authentication_sources: Vec::new(),
        sites: Vec::new(),
        asset_groups: Vec::new(),
        exceptions: Answer::NotAsked,
        scans: Answer::NotAsked,
        reports: Answer::NotAsked,
        roster: None,
        logon_sources: Vec::new(),
        coverage: Coverage::default(),
        anomalies: Vec::new(),
    }
}
