//! Trouble: faults, drift, maintenance, latency, and a console that dies.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use recert::simulator::{Console, Deletion, Estate, Fault, Faults, Options, router};
use reqwest::Method;

use crate::client::{clean, start, start_with};

fn always(fault: Fault) -> Options {
    faulty(Faults { rate: 1.0, kinds: vec![fault], ..Faults::default() })
}

fn faulty(faults: Faults) -> Options {
    Options { faults, ..Options::default() }
}

/// The statuses of many calls at once, 0 for a broken one.
async fn storm(seed: u64) -> Vec<u16> {
    let faults = Faults { rate: 0.4, seed, ..Faults::default() };
    let (_simulator, client) = start_with(clean(30), faulty(faults)).await;
    let mut statuses = Vec::new();
    for _ in 0..3 {
        let paths: Vec<_> = (1..20).map(|user| format!("/users/{user}")).collect();
        let answers = join_all(paths.iter().map(|path| client.try_get(path))).await;
        statuses.extend(answers.into_iter().map(|answer| answer.map_or(0, |answer| answer.status)));
    }
    statuses
}

#[tokio::test]
async fn equal_seeds_fail_alike_under_concurrency() {
    let first = storm(5).await;
    assert_eq!(first, storm(5).await);
    assert_ne!(first, storm(6).await);
    assert!([0, 200, 429, 500, 503].iter().all(|status| first.contains(status)), "{first:?}");
}

#[tokio::test]
async fn refusing_faults_have_their_status_and_do_nothing() {
    for (fault, status) in [
        (Fault::Unavailable503, 503),
        (Fault::Internal500, 500),
        (Fault::Throttled429 { retry_after: 4 }, 429),
    ] {
        let (simulator, client) = start_with(clean(3), always(fault)).await;
        let answer = client.delete("/users/2").await;
        assert_eq!((answer.status, answer.json()["status"].as_u64()), (status, Some(u64::from(status))));
        let retry_after = answer.headers.get("retry-after").map(|value| value.to_str().unwrap());
        assert_eq!(retry_after, (status == 429).then_some("4"));
        assert!(simulator.estate().users.contains_key(&2));
    }
}

#[tokio::test]
async fn a_reset_comes_after_the_work() {
    let (simulator, client) = start_with(clean(3), always(Fault::Reset)).await;
    let own = simulator.estate().user_by_login(simulator.username()).unwrap();
    let request = client
        .request(Method::DELETE, "/api/3/users/2")
        .basic_auth(simulator.username(), Some(simulator.password()));
    assert!(client.send(request).await.is_err());
    assert!(client.try_get(&format!("/users/{own}")).await.is_err());
    assert!(!simulator.estate().users.contains_key(&2));
    assert_eq!(simulator.log()[0].status, 0);
    assert_eq!(simulator.log()[0].method, "DELETE");
}

#[tokio::test]
async fn spoiled_answers_are_200_and_not_what_was_asked() {
    let body = |fault| async move {
        let (_simulator, client) = start_with(clean(3), always(fault)).await;
        let answer = client.get("/roles").await;
        assert_eq!(answer.status, 200);
        answer
    };
    let truncated = body(Fault::TruncatedJson).await;
    assert!(truncated.text.starts_with('{') && !truncated.text.ends_with('}'));
    assert!(body(Fault::Html200).await.text.contains("<html>"));
    let garbage = body(Fault::Garbage200).await;
    assert!(garbage.text.contains('\u{fffd}'));
    assert!(body(Fault::WrongType).await.json()["resources"].is_object());
    let began = Instant::now();
    let slow = body(Fault::Slow(Duration::from_millis(60))).await;
    assert!(began.elapsed() >= Duration::from_millis(60) && slow.json()["resources"].is_array());
}

#[tokio::test]
async fn a_broken_path_stays_broken_and_others_work() {
    let faults = Faults { broken: vec!["/api/3/users/2/sites".to_owned()], ..Faults::default() };
    let (_simulator, client) = start_with(clean(3), faulty(faults)).await;
    for _ in 0..3 {
        assert_eq!(client.get("/users/2/sites").await.status, 503);
        assert_eq!(client.get("/users/1/sites").await.status, 200);
    }
}

#[tokio::test]
async fn a_dead_console_refuses_connections() {
    let faults = Faults { dies_after: Some(2), ..Faults::default() };
    let (simulator, client) = start_with(clean(3), faulty(faults)).await;
    assert_eq!(client.get("/users").await.status, 200);
    assert_eq!(client.get("/users").await.status, 200);
    let address = simulator.url().replace("http://", "");
    // The listener closes when its task next runs, which may be after a connection that was already queued.
    let refused = async {
        while tokio::net::TcpStream::connect(&address).await.is_ok() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), refused).await.unwrap();
    for _ in 0..3 {
        assert!(client.try_get("/users").await.is_err());
    }
}

#[tokio::test]
async fn stopping_breaks_calls_in_flight() {
    let (simulator, client) = start_with(clean(3), always(Fault::Slow(Duration::from_mins(10)))).await;
    let call = client.try_get("/users");
    let stop = async {
        while simulator.log().is_empty() {
            tokio::task::yield_now().await;
        }
        simulator.stop().await;
    };
    let (answer, ()) = tokio::join!(call, stop);
    assert!(answer.is_err());
    assert!(client.try_get("/users").await.is_err());
}

#[tokio::test]
async fn maintenance_looks_like_a_wrong_password() {
    let mut estate = clean(3);
    estate.quirks.maintenance = true;
    let (simulator, client) = start(estate).await;
    assert_eq!(client.get("").await.status, 401);
    let page = client.send(client.request(Method::GET, "/")).await.unwrap();
    assert!(page.text.contains("maintenance"));
    assert_eq!(simulator.authentication_failures(), 0);
}

#[tokio::test]
async fn latency_counts_from_arrival_and_calls_overlap() {
    let options = Options { latency: Duration::from_millis(50), ..Options::default() };
    let (simulator, client) = start_with(clean(3), options).await;
    let began = Instant::now();
    let answers = join_all((0..8).map(|_| client.get("/users"))).await;
    assert!(began.elapsed() >= Duration::from_millis(50));
    assert!(answers.iter().all(|answer| answer.status == 200));
    assert!((2..=8).contains(&simulator.most_in_flight()), "{}", simulator.most_in_flight());
}

/// What a client gets that walks all pages of users once, and the last total it was told.
async fn walk(estate: Estate) -> (Vec<i64>, u64, Estate) {
    let (simulator, client) = start(estate).await;
    let mut seen = Vec::new();
    for number in 0.. {
        let page = client.get(&format!("/users?page={number}&size=10")).await;
        if page.status == 404 {
            break;
        }
        seen.extend(page.ids());
        let info = page.json()["page"].clone();
        if number + 1 >= info["totalPages"].as_u64().unwrap() {
            return (seen, info["totalResources"].as_u64().unwrap(), simulator.estate());
        }
    }
    let total = simulator.estate().users.len();
    (seen, u64::try_from(total).unwrap(), simulator.estate())
}

#[tokio::test]
async fn a_leaver_shifts_the_pages() {
    let mut estate = clean(34);
    estate.quirks.drift.users_removed = 1;
    let (seen, total, truth) = walk(estate).await;
    let missed: Vec<_> = truth.users.keys().filter(|id| !seen.contains(id)).collect();
    assert_eq!((total, missed), (34, vec![&11]), "the first row of the second page slipped to the first");
    assert_eq!(truth.quirks.drift.users_removed, 0);
}

#[tokio::test]
async fn a_joiner_moves_the_total() {
    let mut estate = clean(34);
    estate.quirks.drift.users_added = 2;
    let (seen, total, truth) = walk(estate).await;
    assert_eq!((seen.len(), total, truth.users.len()), (37, 37, 37));
}

#[tokio::test]
async fn a_row_is_repeated_at_the_border() {
    let mut estate = clean(34);
    estate.quirks.drift.rows_repeated = 1;
    let (seen, total, truth) = walk(estate).await;
    assert_eq!((seen.len(), total), (35, 35));
    assert_eq!((seen[9], seen[10]), (10, 10));
    assert_eq!(seen.iter().collect::<BTreeSet<_>>().len(), 34);
    assert_eq!(truth.users.len(), 35);
}

#[tokio::test]
async fn a_user_disappears_after_so_many_calls() {
    let mut estate = clean(10);
    estate.quirks.drift.deletions = vec![Deletion { user: 5, after_calls: 2 }];
    let (simulator, client) = start(estate).await;
    assert_eq!(client.get("/users/5").await.status, 200);
    assert_eq!(client.get("/users/5").await.status, 200);
    assert_eq!(client.get("/users/5").await.status, 404);
    assert!(!simulator.estate().users.contains_key(&5));
}

#[tokio::test]
async fn the_log_names_calls_without_secrets() {
    let (simulator, client) = start(clean(3)).await;
    client.get("/users?page=0&size=5").await;
    client.get("/users/1/2FA").await;
    let log = simulator.log();
    assert_eq!((log[0].path.as_str(), log[0].query.as_deref()), ("/api/3/users", Some("page=0&size=5")));
    assert_eq!((log[1].status, log[1].authorised), (200, true));
    assert!(!format!("{log:?}").contains(simulator.password()));
    let quiet = Options { log: false, ..Options::default() };
    let (simulator, client) = start_with(clean(3), quiet).await;
    client.get("/users").await;
    assert!(simulator.log().is_empty());
}

#[tokio::test]
async fn the_routes_serve_behind_any_listener() {
    let options = Options { password: "given".to_owned(), ..Options::default() };
    let console = Console::new(clean(3), options);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/api/3/users", listener.local_addr().unwrap());
    let server = tokio::spawn(axum::serve(listener, router(console.clone())).into_future());
    let (_elsewhere, client) = start(clean(1)).await;
    let request = reqwest::Client::builder().no_proxy().build().unwrap().get(url);
    let answer = client.send(request.basic_auth(console.username(), Some("given"))).await.unwrap();
    assert_eq!((answer.status, console.log().len()), (200, 1));
    server.abort();
}
