//! Exceptions, scans and reports: asked only where they are wanted, and then the truth, undetermined, or a gap.

use std::collections::BTreeMap;

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use recert::model::{
    Act, Answer, Depth, Exception, ExceptionKind, GapReason, Part, PartState, ReportAccess, ScanActivity,
    Snapshot, UserId,
};
use recert::review;
use recert::simulator::{self, Estate, Simulator};

use super::{clock, estate, reported, source};

const ACTIVITY: [Part; 4] =
    [Part::VulnerabilityExceptions, Part::PolicyOverrides, Part::Scans, Part::Reports];

/// A collection that also asks for optional parts.
async fn collected_also(
    estate: Estate,
    options: simulator::Options,
    also: &[Part],
) -> (Snapshot, Estate, Simulator) {
    let simulator = Simulator::start(estate, options).await.unwrap();
    let mut source = source(&simulator, Depth::Lean);
    source.options.also = also.iter().copied().collect();
    let mut snapshots = review::collect(&[source], clock).await.unwrap();
    let truth = simulator.estate();
    (snapshots.remove(0), truth, simulator)
}

fn asked(simulator: &Simulator, part: Part) -> usize {
    simulator.log().iter().filter(|request| request.path == part.endpoint()).count()
}

fn state(snapshot: &Snapshot, part: Part) -> PartState {
    snapshot.coverage.part(part).unwrap().state
}

#[tokio::test]
async fn what_people_did_is_the_truth() {
    for seed in 0..2 {
        let mut estate = estate(seed);
        estate.quirks.review_fields_swapped = seed == 1;
        estate.session_timeout = "PT1H".to_owned();
        let (snapshot, truth, _simulator) =
            collected_also(estate, simulator::Options::default(), &ACTIVITY).await;
        assert!(ACTIVITY.iter().all(|part| state(&snapshot, *part) == PartState::Complete));
        assert!(snapshot.coverage.ties_out());
        assert_eq!(snapshot.settings.session_timeout, Some(3_600));

        let act = |act: &simulator::ActRecord| {
            Some(Act { user: Some(UserId(act.user)), name: Some(act.login.clone()), at: Some(act.at) })
        };
        let end = |at: Option<DateTime<Utc>>| at.map(|at| at.to_rfc3339_opts(SecondsFormat::Millis, true));
        let exceptions = truth.exceptions.iter().map(|(id, it)| Exception {
            kind: ExceptionKind::Vulnerability,
            id: *id,
            state: Some(it.state.clone()),
            about: Some(it.vulnerability.clone()),
            scope: Some(it.scope.clone()),
            submitted: act(&it.submitted),
            reviewed: it.reviewed.as_ref().and_then(act),
            expires: end(it.expires),
        });
        let overrides = truth.overrides.iter().map(|(id, it)| Exception {
            kind: ExceptionKind::Policy,
            id: *id,
            state: Some(it.state.clone()),
            about: Some(format!("rule {}", it.rule)),
            scope: Some(it.scope.clone()),
            submitted: act(&it.submitted),
            reviewed: it.reviewed.as_ref().and_then(act),
            expires: end(it.expires),
        });
        assert_eq!(snapshot.exceptions, Answer::Known(exceptions.chain(overrides).collect()));

        let mut scans: BTreeMap<String, Vec<DateTime<Utc>>> = BTreeMap::new();
        for scan in truth.scans.values() {
            if let Some(name) = &scan.started_by {
                scans.entry(name.clone()).or_default().push(scan.started);
            }
        }
        let scans = scans.into_iter().map(|(started_by, times)| ScanActivity {
            started_by,
            scans: times.len() as u64,
            last: times.into_iter().max().unwrap(),
        });
        assert_eq!(snapshot.scans, Answer::Known(scans.collect()));

        let reports = truth.reports.iter().map(|(id, it)| ReportAccess {
            id: *id,
            name: it.name.clone(),
            owner: Some(UserId(it.owner)),
            users: it.users.iter().copied().map(UserId).collect(),
            recipients: it.recipients.clone(),
        });
        assert_eq!(snapshot.reports, Answer::Known(reports.collect()));
    }
}

#[tokio::test]
async fn what_no_rule_needs_is_not_asked() {
    let (snapshot, _, simulator) =
        collected_also(estate(3), simulator::Options::default(), &[Part::PolicyOverrides]).await;
    for part in ACTIVITY {
        let wanted = part == Part::PolicyOverrides;
        assert_eq!(asked(&simulator, part), usize::from(wanted), "{part}");
        let expected = if wanted { PartState::Complete } else { PartState::NotAsked };
        assert_eq!(state(&snapshot, part), expected, "{part}");
    }
    let kinds: Vec<_> = snapshot.exceptions.known().unwrap().iter().map(|it| it.kind).collect();
    assert!(!kinds.is_empty() && kinds.iter().all(|kind| *kind == ExceptionKind::Policy));
    assert_eq!((&snapshot.scans, &snapshot.reports), (&Answer::NotAsked, &Answer::NotAsked));
    let (snapshot, ..) = collected_also(estate(3), simulator::Options::default(), &[]).await;
    assert_eq!(snapshot.exceptions, Answer::NotAsked);
}

#[tokio::test]
async fn a_refused_list_proves_nothing_and_is_no_gap() {
    for status in [401, 403, 404] {
        let mut estate = estate(4);
        let refused = ["vulnerability_exceptions", "policy_overrides", "scans", "reports"];
        estate.quirks.lists_refused = refused.map(|list| (list.to_owned(), status)).into();
        let (snapshot, _, simulator) = collected_also(estate, simulator::Options::default(), &ACTIVITY).await;
        for part in ACTIVITY {
            let entry = snapshot.coverage.part(part).unwrap();
            assert_eq!((entry.state, entry.gaps.len()), (PartState::Undetermined, 0), "{part} {status}");
            assert!(!snapshot.coverage.is_complete(part) && asked(&simulator, part) > 0);
        }
        assert_eq!(
            (&snapshot.exceptions, &snapshot.scans, &snapshot.reports),
            (&Answer::Missing, &Answer::Missing, &Answer::Missing)
        );
        assert!(snapshot.coverage.ties_out());
        assert_eq!(simulator.authentication_failures(), 0);
        assert_eq!(reported(snapshot).1["run"]["verdict"], "complete");
    }
}

#[tokio::test]
async fn a_list_that_fails_is_a_gap() {
    for part in ACTIVITY {
        let list = part.endpoint().rsplit('/').next().unwrap().to_owned();
        let mut estate = estate(5);
        estate.quirks.lists_refused = BTreeMap::from([(list, 500)]);
        let (snapshot, ..) = collected_also(estate, simulator::Options::default(), &ACTIVITY).await;
        for other in ACTIVITY {
            let expected = if other == part { PartState::Incomplete } else { PartState::Complete };
            assert_eq!(state(&snapshot, other), expected, "{other} while {part} fails");
        }
        let gap = &snapshot.coverage.part(part).unwrap().gaps[0];
        assert_eq!((gap.endpoint.as_str(), gap.id.as_deref()), (part.endpoint(), Some("page 0")));
        assert_eq!((gap.reason, gap.last_status), (GapReason::Unavailable, Some(500)));
        assert_eq!(reported(snapshot).1["run"]["verdict"], "incomplete");
    }
}

#[tokio::test]
async fn the_walk_over_the_scans_ends_at_the_horizon_if_the_newest_come_first() {
    let mut estate = estate(6);
    let scan = estate.scans.first_key_value().unwrap().1.clone();
    let hours_ago = |hours: i64| clock() - TimeDelta::hours(hours);
    // 3,000 scans, the newest with the highest id, 12 hours apart: 400 days are 800 of them.
    estate.scans = (0..3_000)
        .map(|n| {
            let started_by = Some(if n == 2_999 { "late" } else { "early" }.to_owned());
            (n, simulator::ScanRecord { started_by, started: hours_ago((2_999 - n) * 12), ..scan.clone() })
        })
        .collect();
    for (scans_by_id, pages) in [(false, 3), (true, 6)] {
        let mut estate = estate.clone();
        estate.quirks.scans_by_id = scans_by_id;
        let (snapshot, _, simulator) =
            collected_also(estate, simulator::Options::default(), &[Part::Scans]).await;
        assert_eq!(asked(&simulator, Part::Scans), pages);
        assert_eq!(state(&snapshot, Part::Scans), PartState::Complete);
        let expected = [("early", 800, 12), ("late", 1, 0)];
        let expected = expected.map(|(name, scans, hours)| ScanActivity {
            started_by: name.to_owned(),
            scans,
            last: hours_ago(hours),
        });
        assert_eq!(snapshot.scans, Answer::Known(expected.into()));
    }
}
