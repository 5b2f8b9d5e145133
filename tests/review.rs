//! A review against a simulator whose truth is known: what the report says must be the truth, or be marked as not seen.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

#[path = "review/activity.rs"]
mod activity;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use recert::analyze::Policy;
use recert::collect::{Focus, Options, Progress, TwoFactorPolicy};
use recert::console::{Console, Retry, Settings};
use recert::history::History;
use recert::model::{Depth, Snapshot};
use recert::report::Report;
use recert::review::{self, Occasion, Source};
use recert::simulator::{self, Estate, EstateOptions, Fault, Faults, Simulator};
use secrecy::SecretString;
use serde_json::{Value, json};

fn clock() -> DateTime<Utc> {
    DateTime::from_timestamp(1_790_000_000, 0).unwrap()
}

fn estate(seed: u64) -> Estate {
    Estate::generate(&EstateOptions {
        seed,
        users: 60,
        sites: 12,
        asset_groups: 6,
        grants_per_user: 4,
        blemishes: true,
        ..EstateOptions::default()
    })
}

fn source(simulator: &Simulator, depth: Depth) -> Source {
    let password = SecretString::from(simulator.password());
    let mut settings =
        Settings::new(simulator.url().parse().unwrap(), simulator.username().to_owned(), password);
    settings.max_in_flight = 8;
    // The delays are cut to what a test can wait for; their number is the real one.
    settings.retry = Retry { base: std::time::Duration::from_millis(1), ..settings.retry };
    Source {
        console: Console::connect(settings).unwrap(),
        options: Options {
            name: "hq".into(),
            login: simulator.username().to_owned(),
            depth,
            two_factor: TwoFactorPolicy::Auto,
            concurrency: 16,
            focus: Focus::Everyone,
            also: BTreeSet::new(),
        },
        progress: Arc::new(Progress::default()),
    }
}

async fn collected(
    estate: Estate,
    options: simulator::Options,
    depth: Depth,
) -> (Snapshot, Estate, Simulator) {
    let simulator = Simulator::start(estate, options).await.unwrap();
    let mut snapshots = review::collect(&[source(&simulator, depth)], clock).await.unwrap();
    let truth = simulator.estate();
    (snapshots.remove(0), truth, simulator)
}

fn reported(snapshot: Snapshot) -> (Report, Value) {
    let report = review::report(vec![snapshot], &Policy::default(), Occasion::default(), &History::default());
    let json = serde_json::to_value(&report).unwrap();
    (report, json)
}

/// What the report must say of a user, from the truth.
fn expected(truth: &Estate, id: i64) -> Value {
    let account = &truth.users[&id];
    let source = &truth.sources[&account.source];
    let scopes = |all: bool, granted: &BTreeSet<i64>| if all { json!("all") } else { json!(granted) };
    let two_factor = if source.external {
        "delegated"
    } else if !truth.two_factor_enabled {
        "not_configured"
    } else if truth.quirks.two_factor_unauthorized.contains(&id) {
        "undetermined"
    } else if account.two_factor == simulator::Seed::Present {
        "configured"
    } else {
        "not_configured"
    };
    json!({
        "id": id,
        "login": account.login,
        "name": account.name,
        "email": account.email,
        "enabled": account.enabled,
        "locked": account.locked,
        "auth_source": source.name,
        "auth_type": source.kind,
        "external": source.external,
        "role_id": account.role,
        "superuser": account.superuser,
        "privileges": truth.privileges_of(account).cloned().unwrap_or_default(),
        "all_sites": account.all_sites,
        "sites": scopes(account.all_sites || account.superuser, &account.sites),
        "all_asset_groups": account.all_asset_groups,
        "asset_groups": scopes(account.all_asset_groups || account.superuser, &account.asset_groups),
        "two_factor": two_factor,
    })
}

/// Compares every user with the truth, except for fields that a gap excuses; those must not be claimed.
fn assert_users_are_true(report: &Value, truth: &Estate) {
    let excused = |field: &str, id: i64| {
        let endpoint = match field {
            "sites" => "/api/3/users/{id}/sites",
            "asset_groups" => "/api/3/users/{id}/asset_groups",
            "two_factor" => "/api/3/users/{id}/2FA",
            "privileges" => "/api/3/users/{id}/privileges",
            _ => return false,
        };
        gaps(report).contains(&(endpoint.to_owned(), Some(id.to_string())))
    };
    let users = report["users"].as_array().unwrap();
    let ids: Vec<i64> = users.iter().map(|user| user["id"].as_i64().unwrap()).collect();
    assert_eq!(ids, truth.users.keys().copied().collect::<Vec<_>>());
    for user in users {
        let id = user["id"].as_i64().unwrap();
        for (field, value) in expected(truth, id).as_object().unwrap() {
            let unknown = user[field].is_null() || user[field] == "undetermined";
            let claimed = !(excused(field, id) && unknown);
            assert!(!claimed || user[field] == *value, "user {id} {field}: {} is not {value}", user[field]);
        }
    }
}

fn gaps(report: &Value) -> BTreeSet<(String, Option<String>)> {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let gaps = report["gaps"].as_array().unwrap();
    gaps.iter().map(|gap| (text(&gap["endpoint"]).unwrap(), text(&gap["id"]))).collect()
}

fn assert_lists_are_true(report: &Value, truth: &Estate) {
    let names = |list: &str| -> BTreeMap<String, String> {
        let rows = report[list].as_array().unwrap().iter();
        let id = |row: &Value| row["id"].as_str().map_or_else(|| row["id"].to_string(), str::to_owned);
        rows.map(|row| (id(row), row["name"].as_str().unwrap_or_default().to_owned())).collect()
    };
    let sites = truth.sites.iter().map(|(id, site)| (id.to_string(), site.name.clone()));
    assert_eq!(names("sites"), sites.collect());
    let groups = truth.asset_groups.iter().map(|(id, group)| (id.to_string(), group.name.clone()));
    assert_eq!(names("asset_groups"), groups.collect());
    assert_eq!(
        names("roles"),
        truth.roles.iter().map(|(id, role)| (id.clone(), role.name.clone())).collect()
    );
    let privileges: BTreeSet<String> = names("privileges").into_keys().collect();
    assert_eq!(privileges, truth.privileges);
}

#[tokio::test]
async fn the_report_is_the_truth() {
    for seed in 0..3 {
        let (snapshot, truth, _simulator) =
            collected(estate(seed), simulator::Options::default(), Depth::Full).await;
        let (_, report) = reported(snapshot);
        assert_eq!(report["run"]["verdict"], "complete", "{}", report["gaps"]);
        assert_users_are_true(&report, &truth);
        assert_lists_are_true(&report, &truth);
    }
}

#[tokio::test]
async fn lean_says_the_same_in_fewer_calls() {
    let (full, truth, _first) = collected(estate(1), simulator::Options::default(), Depth::Full).await;
    let (lean, _, _second) = collected(estate(1), simulator::Options::default(), Depth::Lean).await;
    assert!(lean.requests.sent + 60 <= full.requests.sent, "{} {}", lean.requests.sent, full.requests.sent);
    let (_, report) = reported(lean);
    assert_eq!(report["run"]["verdict"], "complete");
    assert_users_are_true(&report, &truth);
}

#[tokio::test]
async fn the_console_is_not_asked_more_than_allowed_and_never_for_an_external_second_factor() {
    let (snapshot, truth, simulator) = collected(estate(2), simulator::Options::default(), Depth::Full).await;
    assert!(simulator.most_in_flight() <= 8, "{}", simulator.most_in_flight());
    let log = simulator.log();
    assert_eq!(log.len() as u64, snapshot.requests.sent);
    assert!(log.iter().all(|request| request.method == "GET"));
    for request in log.iter().filter(|request| request.path.ends_with("/2FA")) {
        let id: i64 = request.path.split('/').nth(4).unwrap().parse().unwrap();
        assert!(!truth.sources[&truth.users[&id].source].external, "{}", request.path);
    }
}

#[tokio::test]
async fn faults_make_it_exact_or_incomplete_never_wrong() {
    let (mut complete, mut incomplete) = (0, 0);
    for seed in 0..24 {
        let rate = [0.05, 0.3][usize::from(seed % 3 == 2)];
        let kinds = vec![
            Fault::Unavailable503,
            Fault::Internal500,
            Fault::Reset,
            Fault::TruncatedJson,
            Fault::Html200,
            Fault::Garbage200,
            Fault::WrongType,
        ];
        let faults = Faults { rate, seed, kinds, ..Faults::default() };
        let options = simulator::Options { faults, ..simulator::Options::default() };
        let simulator = Simulator::start(estate(seed), options).await.unwrap();
        let Ok(mut snapshots) = review::collect(&[source(&simulator, Depth::Full)], clock).await else {
            continue;
        };
        let (_, report) = reported(snapshots.remove(0));
        let lists =
            ["/api/3/users", "/api/3/roles", "/api/3/sites", "/api/3/asset_groups", "/api/3/privileges"];
        let listed = gaps(&report).iter().all(|(endpoint, _)| !lists.contains(&endpoint.as_str()));
        if report["run"]["verdict"] == "complete" {
            complete += 1;
            assert_eq!(gaps(&report), BTreeSet::new());
            assert_users_are_true(&report, &simulator.estate());
            assert_lists_are_true(&report, &simulator.estate());
        } else {
            incomplete += 1;
            assert_ne!(gaps(&report), BTreeSet::new(), "incomplete without a reason");
            if listed {
                assert_users_are_true(&report, &simulator.estate());
            }
        }
    }
    assert!(complete >= 8 && incomplete >= 2, "{complete} complete, {incomplete} incomplete");
}

#[tokio::test]
async fn broken_endpoints_are_the_gaps_exactly() {
    let broken = [
        "/api/3/users/5/sites",
        "/api/3/users/9/privileges",
        "/api/3/roles/user/users",
        "/api/3/sites/2/users",
    ];
    let faults = Faults { broken: broken.map(str::to_owned).to_vec(), ..Faults::default() };
    let options = simulator::Options { faults, ..simulator::Options::default() };
    let (snapshot, truth, _simulator) = collected(estate(4), options, Depth::Full).await;
    let (_, report) = reported(snapshot);
    assert_eq!(report["run"]["verdict"], "incomplete");
    let expected = [
        ("/api/3/users/{id}/sites", "5"),
        ("/api/3/users/{id}/privileges", "9"),
        ("/api/3/roles/{id}/users", "user"),
        ("/api/3/sites/{id}/users", "2"),
    ];
    let expected = expected.map(|(endpoint, id)| (endpoint.to_owned(), Some(id.to_owned()))).into();
    assert_eq!(gaps(&report), expected);
    for gap in report["gaps"].as_array().unwrap() {
        assert_eq!(
            (&gap["reason"], &gap["attempts"], &gap["last_status"]),
            (&json!("unavailable"), &json!(4), &json!(503))
        );
    }
    assert_users_are_true(&report, &truth);
}

#[tokio::test]
async fn drift_is_walked_again_and_a_collection_that_never_settles_is_a_gap() {
    let large = |drift: simulator::Drift| {
        let mut estate =
            Estate::generate(&EstateOptions { users: 1_200, grants_per_user: 1, ..EstateOptions::default() });
        estate.quirks.drift = drift;
        estate
    };
    for drift in [
        simulator::Drift { users_added: 1, ..simulator::Drift::default() },
        simulator::Drift { users_removed: 1, ..simulator::Drift::default() },
        simulator::Drift { rows_repeated: 1, ..simulator::Drift::default() },
    ] {
        let (snapshot, truth, _simulator) =
            collected(large(drift.clone()), simulator::Options::default(), Depth::Lean).await;
        let (_, report) = reported(snapshot);
        assert_eq!(report["run"]["verdict"], "complete", "{drift:?}: {}", report["gaps"]);
        assert_users_are_true(&report, &truth);
    }
    let restless = simulator::Drift { users_added: 1_000, ..simulator::Drift::default() };
    let (snapshot, _, _simulator) =
        collected(large(restless), simulator::Options::default(), Depth::Lean).await;
    let (_, report) = reported(snapshot);
    assert_eq!(report["run"]["verdict"], "incomplete");
    assert!(gaps(&report).contains(&("/api/3/users".to_owned(), None)), "{:?}", gaps(&report));
}

#[tokio::test]
async fn a_user_deleted_meanwhile_is_no_gap() {
    let mut estate = estate(5);
    estate.quirks.drift.deletions = vec![simulator::Deletion { user: 50, after_calls: 60 }];
    let (snapshot, truth, _simulator) = collected(estate, simulator::Options::default(), Depth::Full).await;
    assert!(!truth.users.contains_key(&50));
    let (_, report) = reported(snapshot);
    assert_eq!(report["run"]["verdict"], "complete", "{}", report["gaps"]);
    assert_users_are_true(&report, &truth);
}

#[tokio::test]
async fn a_console_that_dies_half_way_leaves_the_rest_as_gaps() {
    let faults = Faults { dies_after: Some(120), ..Faults::default() };
    let options = simulator::Options { faults, ..simulator::Options::default() };
    let (snapshot, truth, _simulator) = collected(estate(6), options, Depth::Full).await;
    let (_, report) = reported(snapshot);
    assert_eq!(report["run"]["verdict"], "incomplete");
    // Whoever was not answered for is a gap, question by question: answers and gaps add up to the population.
    for (part, endpoint) in
        [("user_sites", "/api/3/users/{id}/sites"), ("user_privileges", "/api/3/users/{id}/privileges")]
    {
        let coverage = report["coverage"].as_array().unwrap();
        let row = coverage.iter().find(|row| row["part"] == part).unwrap();
        let missing = gaps(&report).into_iter().filter(|(path, _)| path == endpoint).count() as u64;
        assert_eq!(row["examined"].as_u64().unwrap() + missing, truth.users.len() as u64, "{part}");
    }
    // Nothing that speaks about users passes where they were not listed again; the console's own settings were seen.
    let of_settings = ["two_factor_disabled", "login_lock_threshold", "session_timeout"];
    for rule in report["rules"].as_array().unwrap() {
        assert!(rule["verdict"] != "pass" || of_settings.iter().any(|id| rule["id"] == *id), "{rule}");
    }
}

#[tokio::test]
async fn a_wrong_password_costs_one_failed_login() {
    let simulator = Simulator::start(estate(7), simulator::Options::default()).await.unwrap();
    let mut wrong = source(&simulator, Depth::Full);
    let settings = Settings::new(
        simulator.url().parse().unwrap(),
        simulator.username().to_owned(),
        SecretString::from("not the password"),
    );
    wrong.console = Console::connect(settings).unwrap();
    let failed = review::collect(&[wrong], clock).await.unwrap_err();
    assert_eq!(simulator.authentication_failures(), 1);
    assert!(failed.to_string().contains("refuses the credential"), "{failed}");
}

#[tokio::test]
async fn a_weaker_collector_makes_it_incomplete() {
    let options =
        simulator::Options { collector: simulator::Rights::Limited, ..simulator::Options::default() };
    let (snapshot, _, _simulator) = collected(estate(8), options, Depth::Full).await;
    let (_, report) = reported(snapshot);
    assert_eq!(report["run"]["verdict"], "incomplete");
    let reasons: BTreeSet<_> =
        report["gaps"].as_array().unwrap().iter().map(|gap| gap["reason"].to_string()).collect();
    assert!(reasons.contains("\"limited_collector\""), "{reasons:?}");
}

#[tokio::test]
async fn refused_two_factor_questions_end_soon_and_prove_nothing() {
    for unset in [simulator::UnsetTwoFactor::NotFound, simulator::UnsetTwoFactor::Unauthorized] {
        let mut estate = estate(9);
        estate.quirks.two_factor_unset = unset;
        for account in estate.users.values_mut() {
            account.two_factor = simulator::Seed::Absent;
        }
        let (snapshot, _, simulator) = collected(estate, simulator::Options::default(), Depth::Full).await;
        let asked = simulator.log().iter().filter(|request| request.path.ends_with("/2FA")).count();
        // Five in a row end it; what was already under way by then is asked to its end.
        assert!((5..=5 + 16).contains(&asked), "{asked} asked");
        let (_, report) = reported(snapshot);
        assert_eq!(report["run"]["verdict"], "complete", "{}", report["gaps"]);
        let rule = |id: &str| {
            let rules = report["rules"].as_array().unwrap();
            rules.iter().find(|rule| rule["id"] == id).unwrap().clone()
        };
        assert_eq!(rule("local_admin_without_2fa")["verdict"], "unknown");
        assert_eq!(rule("incomplete_collection")["verdict"], "fail");
    }
}

#[tokio::test]
async fn nobody_is_asked_while_two_factor_is_off() {
    let mut estate = estate(10);
    estate.two_factor_enabled = false;
    let (snapshot, truth, simulator) = collected(estate, simulator::Options::default(), Depth::Full).await;
    assert!(simulator.log().iter().all(|request| !request.path.ends_with("/2FA")));
    assert_users_are_true(&reported(snapshot).1, &truth);
}

#[tokio::test]
async fn one_dead_console_does_not_end_the_review_of_another() {
    let simulator = Simulator::start(estate(11), simulator::Options::default()).await.unwrap();
    let alive = source(&simulator, Depth::Full);
    let mut dead = source(&simulator, Depth::Full);
    dead.options.name = "dead".into();
    // Port 1 on loopback refuses.
    let mut settings =
        Settings::new("http://127.0.0.1:1".parse().unwrap(), "svc".into(), SecretString::from("x"));
    settings.retry = Retry { base: std::time::Duration::from_millis(1), ..settings.retry };
    dead.console = Console::connect(settings).unwrap();
    let snapshots = review::collect(&[alive, dead], clock).await.unwrap();
    let report = review::report(snapshots, &Policy::default(), Occasion::default(), &History::default());
    let json = serde_json::to_value(&report).unwrap();
    assert_eq!(json["run"]["verdict"], "incomplete");
    let of = |name: &str| {
        let consoles = json["consoles"].as_array().unwrap();
        consoles.iter().find(|console| console["name"] == name).unwrap()["verdict"].clone()
    };
    assert_eq!((of("hq"), of("dead")), (json!("complete"), json!("incomplete")));
    let of_dead = report.findings.iter().filter(|finding| &*finding.console == "dead");
    let of_dead: Vec<_> = of_dead.filter(|finding| &*finding.rule == "incomplete_collection").collect();
    assert_eq!(of_dead.len(), 1, "one cause is one finding: {of_dead:#?}");
    assert!(of_dead[0].summary.starts_with("Console dead was not collected: "), "{}", of_dead[0].summary);
}

#[tokio::test]
async fn a_saved_snapshot_is_judged_alike() {
    let (snapshot, _, _simulator) = collected(estate(12), simulator::Options::default(), Depth::Full).await;
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("snapshot.json");
    recert::store::write_snapshots(&path, std::slice::from_ref(&snapshot)).unwrap();
    let read = recert::store::read_snapshots(&path).unwrap().remove(0);
    assert_eq!(read, snapshot);
    assert_eq!(reported(read).1, reported(snapshot).1);
}
