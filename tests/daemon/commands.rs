//! What people ask of the daemon and its store, while it runs and while it does not.

use std::fs;
use std::process::Output;

use recert::store::{ParcelState, Store};
use serde_json::{Value, json};

use crate::relay::{How, Mishap, Step};
use crate::reload::{ask, check, settled};
use crate::service::{Machine, RECIPIENTS, Service};

fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn err(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// Runs a command that has to succeed, and gives what it prints.
pub(crate) async fn prints(machine: &Machine, arguments: &[&str]) -> String {
    let output = machine.run(arguments).await;
    assert_eq!(output.status.code(), Some(0), "{arguments:?}: {}{}", out(&output), err(&output));
    out(&output)
}

/// Runs a command that has to fail, and gives what it says.
pub(crate) async fn fails(machine: &Machine, arguments: &[&str], code: i32) -> String {
    let output = machine.run(arguments).await;
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {}{}", out(&output), err(&output));
    err(&output)
}

/// A daemon that has done its one run.
async fn after_one_run(machine: &Machine) -> (Service, String) {
    machine.one_slot_due().await;
    let mut service = machine.start(&[]);
    service.ready().await;
    let (runs, parcels) = settled(machine, &mut service, 1).await;
    machine.check(&runs, &parcels).await;
    (service, runs[0].id.clone())
}

/// Somebody changes the console's estate: a user less.
async fn the_estate_changes(machine: &Machine) {
    let estate = machine.simulator.estate();
    let user = estate.user_by_login(machine.simulator.username()).unwrap();
    let id = estate.users.keys().find(|id| **id != user).unwrap();
    machine.writes(reqwest::Method::DELETE, &format!("/users/{id}"), &Value::Null).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_second_daemon_on_one_directory_names_the_first_and_goes() {
    let machine = Machine::new().await;
    let mut service = machine.start(&[]);
    service.ready().await;
    let said = fails(&machine, &["daemon"], 1).await;
    assert!(said.contains(&format!("process {}", service.child.id())), "{said}");
    assert!(service.child.try_wait().unwrap().is_none());
    service.stop().await;

    // A race: whoever wins, one lives, and the others say why they do not.
    let mut racers: Vec<_> = (0..5).map(|_| machine.start(&[])).collect();
    let until = std::time::Instant::now() + crate::service::LIMIT;
    loop {
        let ended: Vec<_> = racers.iter_mut().filter_map(|racer| racer.child.try_wait().unwrap()).collect();
        assert!(ended.iter().all(|status| status.code() == Some(1)), "{ended:?}");
        if ended.len() == 4 {
            break;
        }
        assert!(std::time::Instant::now() < until, "{}", racers[0].log());
        tokio::time::sleep(std::time::Duration::from_millis(25)).await;
    }
    let log = racers[0].log();
    assert_eq!(log.matches("works on this directory").count(), 4, "{log}");
    let living = racers.iter_mut().position(|racer| racer.child.try_wait().unwrap().is_none()).unwrap();
    let living = racers.swap_remove(living);
    drop(racers);
    living.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_review_on_demand_is_delivered_by_the_daemon_or_else_by_itself() {
    let machine = Machine::new().await;
    let mut service = machine.start(&[]);
    service.ready().await;
    let output = machine.run(&["review", "--job", "weekly", "--deliver"]).await;
    assert_eq!(output.status.code(), Some(0), "{}", err(&output));
    assert!(err(&output).contains("the daemon that runs here delivers"), "{}", err(&output));
    let (runs, parcels) = settled(&machine, &mut service, 1).await;
    machine.check(&runs, &parcels).await;
    service.stop().await;

    let output = machine.run(&["review", "--job", "weekly", "--deliver"]).await;
    assert_eq!(output.status.code(), Some(0), "{}", err(&output));
    assert_eq!(err(&output).matches("delivered to").count(), RECIPIENTS.len() + 1, "{}", err(&output));
    let (runs, parcels) = machine.all_settled().await;
    assert_eq!(runs.len(), 2);
    check(&machine, &runs[0], &parcels).await;

    machine.relay.script([Mishap::new(Step::Rcpt, How::Permanent)]);
    let output = machine.run(&["review", "--job", "weekly", "--deliver"]).await;
    assert_eq!(output.status.code(), Some(1), "{}", err(&output));
    assert!(err(&output).contains("not delivered to"), "{}", err(&output));
    fails(&machine, &["review", "--job", "monthly", "--deliver"], 2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn runs_are_listed_and_compared() {
    let machine = Machine::new().await;
    let (service, first) = after_one_run(&machine).await;
    let same = fails(&machine, &["diff", &first], 2).await;
    assert!(same.contains("is the newest run"), "{same}");
    the_estate_changes(&machine).await;
    prints(&machine, &["review", "--job", "weekly", "--deliver"]).await;

    let history: Value = serde_json::from_str(&prints(&machine, &["history", "--json"]).await).unwrap();
    let ids: Vec<_> = history.as_array().unwrap().iter().map(|run| run["id"].as_str().unwrap()).collect();
    assert_eq!((ids.len(), ids[1]), (2, &*first), "newest first");
    assert_eq!(history[1]["state"], "done");
    let table = prints(&machine, &["history", "--job", "weekly"]).await;
    assert!(table.contains(&first) && table.contains("on demand") && table.contains("complete"), "{table}");
    assert_eq!(prints(&machine, &["history", "--limit", "1"]).await.matches("weekly").count(), 1);
    let unknown = fails(&machine, &["history", "--job", "monthly"], 2).await;
    assert!(unknown.contains("\"monthly\"") && unknown.contains("weekly"), "{unknown}");

    let shown = prints(&machine, &["diff", &first[..6]]).await;
    assert!(shown.contains(&first) && shown.contains(ids[0]) && shown.contains("removed"), "{shown}");
    let diff: Value =
        serde_json::from_str(&prints(&machine, &["diff", &first, ids[0], "--json"]).await).unwrap();
    assert_eq!((&diff["from"], &diff["to"]), (&json!(first), &json!(ids[0])));
    let removed = |change: &Value| change["change"] == "removed" && change["kind"] == "user";
    assert_eq!(
        diff["changes"].as_array().unwrap().iter().filter(|change| removed(change)).count(),
        1,
        "{diff}"
    );
    let unknown = fails(&machine, &["diff", "no-such-run"], 2).await;
    assert!(unknown.contains("no-such-run") && unknown.contains("recert history"), "{unknown}");
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_held_mail_is_decided_by_a_person() {
    let machine = Machine::new().await;
    let held = machine.configuration().replace("timeout = 20", "timeout = 20\non_ambiguous = \"hold\"");
    fs::write(machine.path("config.toml"), held).unwrap();
    machine.relay.script([Mishap::kept(How::Close), Mishap::new(Step::Dot, How::Close)]);
    machine.one_slot_due().await;
    let mut service = machine.start(&[]);
    service.ready().await;
    let (_, parcels) = settled(&machine, &mut service, 1).await;
    let held: Vec<_> = parcels.iter().filter(|parcel| parcel.held).collect();
    assert_eq!(held.len(), 2, "{parcels:#?}");

    let table = prints(&machine, &["outbox"]).await;
    assert_eq!(table.matches("ambiguous, held").count(), 2, "{table}");
    assert!(!table.contains("accepted"), "what arrived is not listed:\n{table}");
    let status = machine.run(&["status"]).await;
    assert_eq!(status.status.code(), Some(1), "{}", out(&status));
    assert!(out(&status).contains("2 without an answer"), "{}", out(&status));

    let all: Value = serde_json::from_str(&prints(&machine, &["outbox", "--all", "--json"]).await).unwrap();
    assert_eq!(all.as_array().unwrap().len(), RECIPIENTS.len() + 1);
    let accepted = all.as_array().unwrap().iter().find(|parcel| parcel["state"] == "accepted").unwrap();
    let accepted = accepted["id"].as_str().unwrap();
    for command in [&["outbox", "retry", accepted][..], &["outbox", "resolve", accepted, "--reason", "x"]] {
        assert!(fails(&machine, command, 2).await.contains("was delivered"));
    }
    assert!(fails(&machine, &["outbox", "retry", "zz"], 2).await.contains("there is no parcel \"zz\""));
    assert!(fails(&machine, &["outbox", "retry", ""], 2).await.contains("there is no parcel"));

    // One arrived after all, as its recipient says; the other did not.
    let arrived = &machine.relay.messages()[0].to[0];
    let (one, other): (Vec<_>, Vec<_>) = held.into_iter().partition(|parcel| parcel.recipient == *arrived);
    let said = prints(&machine, &["outbox", "resolve", &one[0].id[..12], "--reason", "she has it"]).await;
    assert!(said.contains("is settled"), "{said}");
    assert!(fails(&machine, &["outbox", "retry", &one[0].id], 2).await.contains("settled by hand"));
    let said = prints(&machine, &["outbox", "retry", &other[0].id[..12]]).await;
    assert!(said.contains("the daemon sends it"), "{said}");
    let (_, parcels) = loop {
        let (runs, parcels) = machine.settled(&mut service).await;
        if parcels.iter().all(|parcel| !parcel.held) {
            break (runs, parcels);
        }
    };
    let state = |id: &str| parcels.iter().find(|parcel| parcel.id == id).unwrap().state;
    assert_eq!((state(&one[0].id), state(&other[0].id)), (ParcelState::Resolved, ParcelState::Accepted));
    assert_eq!(machine.relay.messages().len(), RECIPIENTS.len(), "each has one copy");
    assert!(prints(&machine, &["outbox"]).await.contains("Nothing is on its way"));
    prints(&machine, &["status"]).await;
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_mail_is_shown_until_somebody_decides() {
    let machine = Machine::new().await;
    machine.relay.script([Mishap::new(Step::Rcpt, How::Permanent)]);
    let (service, _) = {
        machine.one_slot_due().await;
        let mut service = machine.start(&[]);
        service.ready().await;
        let settled = settled(&machine, &mut service, 1).await;
        (service, settled)
    };
    let status = machine.run(&["status"]).await;
    assert_eq!(status.status.code(), Some(1));
    assert!(
        out(&status).contains("1 refused") && out(&status).contains("`recert outbox`"),
        "{}",
        out(&status)
    );
    let table = prints(&machine, &["outbox"]).await;
    assert!(table.contains("refused") && table.contains("554"), "{table}");
    let parcels: Value = serde_json::from_str(&prints(&machine, &["outbox", "--json"]).await).unwrap();
    let id = parcels[0]["id"].as_str().unwrap();
    prints(&machine, &["outbox", "resolve", id, "--reason", "left the company"]).await;
    prints(&machine, &["status"]).await;
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_store_is_copied_and_checked_while_the_daemon_works() {
    let machine = Machine::new().await;
    let missing = fails(&machine, &["status"], 1).await;
    assert!(missing.contains("recert.db"), "{missing}");
    let (service, run) = after_one_run(&machine).await;
    let copy = machine.path("copy.db");
    let said = prints(&machine, &["store", "backup", copy.to_str().unwrap()]).await;
    assert!(said.contains("written and checked"), "{said}");
    let (store, copied) = (machine.store(), Store::open_existing(&copy).unwrap());
    assert_eq!(copied.runs(None, 10).await.unwrap(), store.runs(None, 10).await.unwrap());
    assert_eq!(copied.outbox(true).await.unwrap(), store.outbox(true).await.unwrap());
    assert_eq!(copied.snapshots(&run).await.unwrap(), store.snapshots(&run).await.unwrap());
    assert_eq!(copied.installation(), store.installation());
    copied.close().await;
    store.close().await;
    assert!(
        fails(&machine, &["store", "backup", copy.to_str().unwrap()], 1).await.contains("exists already")
    );
    assert!(prints(&machine, &["store", "check"]).await.contains("whole"));
    service.stop().await;
    assert!(prints(&machine, &["store", "check"]).await.contains("whole"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_tries_the_relay_and_sends_nothing() {
    let machine = Machine::new().await;
    let said = prints(&machine, &["check"]).await;
    assert!(
        said.contains("smtp: 127.0.0.1") && said.contains("reached") && said.contains("runs next at"),
        "{said}"
    );
    machine.relay.script([Mishap::new(Step::Banner, How::Permanent)]);
    let output = machine.run(&["check"]).await;
    assert_eq!(output.status.code(), Some(1), "{}", out(&output));
    assert!(out(&output).contains("fail  smtp: 127.0.0.1"), "{}", out(&output));
    assert!(machine.relay.messages().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn status_and_health_tell_how_the_jobs_stand() {
    let machine = Machine::new().await;
    machine.configure(&format!("[daemon]\nlisten = \"unix:{}\"\n", machine.path("http").display()));
    let (service, run) = after_one_run(&machine).await;
    assert!(ask(&machine, "/healthz").await.starts_with("HTTP/1.1 200"));
    assert!(ask(&machine, "/readyz").await.starts_with("HTTP/1.1 200"));
    let shown = prints(&machine, &["status"]).await;
    assert!(shown.contains("The daemon runs.") && shown.contains("complete"), "{shown}");
    let status: Value = serde_json::from_str(&prints(&machine, &["status", "--json"]).await).unwrap();
    assert_eq!((&status["daemon"], &status["jobs"][0]["last_run"]), (&json!(true), &json!(run)));
    assert_eq!((&status["jobs"][0]["overdue"], &status["outbox"]["waiting"]), (&json!(null), &json!(0)));
    service.stop().await;
    assert!(!machine.path("http").exists(), "the socket goes with the daemon");

    // Down alone is no alarm; a report that is missing is.
    assert!(prints(&machine, &["status"]).await.contains("The daemon does not run."));
    a_report_is_missing(&machine).await;
}

/// A job of another name, whose slot went by while nobody was there.
async fn a_report_is_missing(machine: &Machine) {
    let slot = crate::service::now() - chrono::TimeDelta::hours(12);
    let pattern = slot.format("%-M %-H * * *").to_string();
    machine.configure(&format!("[[job]]\nname = \"daily\"\nschedule = \"{pattern}\"\n"));
    let store = machine.store();
    store.set_mark("daily", slot - chrono::TimeDelta::hours(1)).await.unwrap();
    store.close().await;
    let output = machine.run(&["status"]).await;
    assert_eq!(output.status.code(), Some(1), "{}", out(&output));
    let missing = format!("the report of {} UTC is missing", slot.format("%F %R"));
    assert!(out(&output).contains(&missing), "{}", out(&output));
    let output = machine.run(&["status", "--json"]).await;
    let status: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((output.status.code(), &status["daemon"]), (Some(1), &json!(false)));
    assert!(status["jobs"][1]["overdue"].is_string(), "{status}");
}
