//! Exceptions, overrides, scans and reports: their shapes, their order, and who stands behind them.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};
use recert::simulator::{Account, ActRecord, Estate, EstateOptions};
use serde_json::{Value, json};

use crate::client::{clean, start};
use crate::estate::demo;

const APPROVE: &str = "approve-vulnerability-exceptions";
const SUBMIT: &str = "submit-vulnerability-exceptions";

/// Who asked and who decided, of both kinds.
fn decisions(estate: &Estate) -> Vec<(&ActRecord, Option<&ActRecord>)> {
    let exceptions = estate.exceptions.values().map(|it| (&it.submitted, it.reviewed.as_ref()));
    let overrides = estate.overrides.values().map(|it| (&it.submitted, it.reviewed.as_ref()));
    exceptions.chain(overrides).collect()
}

fn reviews(estate: &Estate) -> Vec<(&ActRecord, &ActRecord)> {
    decisions(estate).into_iter().filter_map(|(submitted, reviewed)| Some((submitted, reviewed?))).collect()
}

fn holds(estate: &Estate, account: &Account, privilege: &str) -> bool {
    estate.privileges_of(account).is_some_and(|held| held.contains(privilege))
}

#[tokio::test]
async fn records_are_paged_and_shaped_as_described() {
    let (simulator, client) = start(clean(120)).await;
    let estate = simulator.estate();
    for (path, ids) in [
        ("/vulnerability_exceptions", estate.exceptions.keys().copied().collect::<Vec<_>>()),
        ("/policy_overrides", estate.overrides.keys().copied().collect()),
        ("/scans", estate.scans.keys().copied().collect()),
        ("/reports", estate.reports.keys().copied().collect()),
    ] {
        assert!(ids.len() > 4, "{path}");
        assert_eq!(client.get(&format!("{path}?size=500")).await.ids(), ids, "{path}");
        let second = client.get(&format!("{path}?page=1&size=3")).await;
        assert_eq!(second.ids(), ids[3..ids.len().min(6)], "{path}");
        let body = second.json();
        assert_eq!(body["page"]["totalResources"], ids.len());
        assert!(body["links"].as_array().unwrap().len() > 1);
        assert!(!body["resources"][0]["links"].as_array().unwrap().is_empty());
    }
    let rows = client.get("/vulnerability_exceptions?size=500").await.json()["resources"].clone();
    for row in rows.as_array().unwrap() {
        let truth = &estate.exceptions[&row["id"].as_i64().unwrap()];
        assert_eq!(row["scope"]["vulnerability"], truth.vulnerability);
        assert_eq!(
            (&row["submit"]["user"], &row["submit"]["name"]),
            (&json!(truth.submitted.user), &json!(truth.submitted.login))
        );
        assert_eq!(row.get("review").is_some(), truth.reviewed.is_some());
        assert!(row.as_object().unwrap().values().all(|value| !value.is_null()));
        let date: DateTime<Utc> = row["submit"]["date"].as_str().unwrap().parse().unwrap();
        assert_eq!(date, truth.submitted.at);
    }
    let settings = client.get("/administration/settings").await.json();
    assert_eq!(settings["web"]["sessionTimeout"], "PT10M");
}

#[tokio::test]
async fn scans_come_newest_first_if_the_console_obeys() {
    for obeys in [true, false] {
        let mut estate = clean(40);
        estate.quirks.scans_by_id = !obeys;
        // Ids and times disagree here.
        let last = *estate.scans.last_key_value().unwrap().0;
        estate.scans.get_mut(&last).unwrap().started = estate.as_of - TimeDelta::days(90);
        let (simulator, client) = start(estate).await;
        let body = client.get("/scans?size=500&sort=startTime,DESC").await.json();
        let times: Vec<&Value> =
            body["resources"].as_array().unwrap().iter().map(|row| &row["startTime"]).collect();
        assert_eq!(times.len(), simulator.estate().scans.len());
        assert_eq!(times.is_sorted_by(|a, b| a.as_str() >= b.as_str()), obeys);
    }
}

#[tokio::test]
async fn the_odd_shapes_can_be_switched_on() {
    let mut estate = clean(120);
    estate.quirks.review_fields_swapped = true;
    estate.quirks.lists_refused = BTreeMap::from([("policy_overrides".to_owned(), 403)]);
    estate.session_timeout = "900".to_owned();
    let (simulator, client) = start(estate).await;
    assert_eq!(client.get("/policy_overrides").await.status, 403);
    assert_eq!(client.get("/administration/settings").await.json()["web"]["sessionTimeout"], "900");
    let body = client.get("/vulnerability_exceptions?size=500").await.json();
    let row = body["resources"].as_array().unwrap().iter().find(|row| row.get("review").is_some()).unwrap();
    let estate = simulator.estate();
    let review = estate.exceptions[&row["id"].as_i64().unwrap()].reviewed.as_ref().unwrap();
    assert_eq!(row["review"]["user"], review.login);
    assert_eq!(row["review"]["name"], review.user.to_string());
    assert!(row["submit"]["user"].is_i64(), "only a review is described so");
}

#[test]
fn records_draw_numbers_of_their_own() {
    let options = EstateOptions::default();
    let later = EstateOptions { as_of: options.as_of + TimeDelta::days(30), ..options };
    let (one, other) = (Estate::generate(&options), Estate::generate(&later));
    let names = |estate: &Estate| estate.sites.values().map(|site| site.name.clone()).collect::<Vec<_>>();
    assert_eq!((&one.users, &one.roles, names(&one)), (&other.users, &other.roles, names(&other)));
    assert_ne!(one.scans, other.scans);
    assert_eq!(one.as_of.to_rfc3339(), "2026-11-20T00:00:00+00:00");
}

#[test]
fn a_clean_past_is_clean() {
    for estate in [clean(12), clean(240), demo().1] {
        let account = |id: i64| &estate.users[&id];
        let decisions = decisions(&estate);
        assert!(decisions.len() >= 6 && estate.reports.len() >= 3 && estate.scans.len() > 10);
        for (submitted, reviewed) in decisions {
            let submitter = account(submitted.user);
            assert!(submitter.enabled && holds(&estate, submitter, SUBMIT), "{submitted:?}");
            assert_eq!(submitter.login, submitted.login);
            let Some(reviewed) = reviewed else { continue };
            let approver = account(reviewed.user);
            assert!(approver.enabled && holds(&estate, approver, APPROVE), "{reviewed:?}");
            assert_ne!(submitted.user, reviewed.user, "nobody approves their own");
            assert!(submitted.at < reviewed.at && reviewed.at < estate.as_of);
            assert_ne!(approver.login, "labadmin", "an approver is a person");
        }
        for report in estate.reports.values() {
            assert!(report.users.iter().chain([&report.owner]).all(|id| account(*id).enabled));
            assert!(report.recipients.iter().all(|address| address.ends_with("@corp.example")), "{report:?}");
        }
        for scan in estate.scans.values() {
            assert!((TimeDelta::zero()..TimeDelta::days(60)).contains(&(estate.as_of - scan.started)));
            let starter = scan.started_by.as_ref().map(|login| account(estate.user_by_login(login).unwrap()));
            assert!(starter.is_none_or(|it| it.enabled && holds(&estate, it, "start-unscheduled-scans")));
        }
    }
}

#[test]
fn the_demonstration_has_doubtful_decisions() {
    for seed in 0..20 {
        let hq = &Estate::demo(seed, 240, EstateOptions::default().as_of)[0].1;
        let account = |id: i64| &hq.users[&id];
        let own = |of: Vec<(&ActRecord, &ActRecord)>| of.iter().filter(|(by, to)| by.user == to.user).count();
        assert_eq!(own(reviews(hq)), 2, "seed {seed}");
        let policies = hq.overrides.values().filter_map(|it| Some((&it.submitted, it.reviewed.as_ref()?)));
        assert_eq!(own(policies.collect()), 1);
        let odd: BTreeMap<&str, BTreeSet<i64>> =
            reviews(hq).into_iter().fold(BTreeMap::new(), |mut odd, (by, review)| {
                let approver = account(review.user);
                for (what, is) in [
                    ("own", by.user == review.user),
                    ("disabled", !approver.enabled),
                    ("without the right", !holds(hq, approver, APPROVE)),
                    ("shared", approver.login == "admin"),
                ] {
                    if is {
                        odd.entry(what).or_default().insert(review.user);
                    }
                }
                odd
            });
        let counts: Vec<(&str, usize)> = odd.iter().map(|(what, users)| (*what, users.len())).collect();
        assert_eq!(counts, [("disabled", 1), ("own", 2), ("shared", 1), ("without the right", 1)]);
        let accounts: BTreeSet<i64> = odd.values().flatten().copied().collect();
        assert_eq!(accounts.len(), 5, "each on its own account");
    }
}

#[test]
fn the_demonstration_has_reports_in_doubtful_hands() {
    for seed in 0..20 {
        let hq = &Estate::demo(seed, 240, EstateOptions::default().as_of)[0].1;
        let owners = hq.reports.values().map(|report| hq.users.get(&report.owner));
        let (gone, disabled) = owners.fold((0, 0), |(gone, disabled), owner| match owner {
            None => (gone + 1, disabled),
            Some(owner) => (gone, disabled + usize::from(!owner.enabled)),
        });
        assert_eq!((gone, disabled), (1, 1), "seed {seed}");
        let outside: Vec<_> = hq
            .reports
            .values()
            .flat_map(|report| &report.recipients)
            .filter(|it| !it.ends_with("@corp.example"))
            .collect();
        assert_eq!(outside, ["audit@partner.example"]);
    }
}
