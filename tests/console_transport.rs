//! What the client makes of failures: classes, retries, pauses, the rule for 401, bounds, and what never leaks.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use recert::console::{
    Console, ConsoleAdmin, Error, ErrorKind, Outcome, PageRequest, Retry, Settings, SettingsError, Timeouts,
    TokenProvider, Traffic, Trust, TwoFactorKey,
};
use recert::model::{RoleId, UserId};
use recert::trust::TrustError;
use secrecy::SecretString;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use wiremock::matchers::{any, path, path_regex};
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate};

const PASSWORD: &str = "CANARY-password";
const SEED: &str = "CANARYSEED234567";
const CODE: &str = "CANARY-code";
const ID: UserId = UserId(7);

struct Code;

impl TokenProvider for Code {
    fn token(&self) -> Option<SecretString> {
        Some(CODE.into())
    }
}

/// Settings of a patient test: everything as by default, but in milliseconds.
fn settings(base: &str) -> Settings {
    Settings {
        token: Some(Arc::new(Code)),
        timeouts: Timeouts {
            connect: Duration::from_millis(500),
            idle: Duration::from_secs(5),
            whole: Duration::from_secs(10),
        },
        retry: Retry {
            base: Duration::from_millis(1),
            cap: Duration::from_millis(2),
            retry_after_cap: Duration::from_millis(300),
            ..Retry::default()
        },
        ..Settings::new(base.parse().unwrap(), "reviewer".to_owned(), PASSWORD.into())
    }
}

fn console(server: &MockServer) -> Console {
    Console::connect(settings(&server.uri())).unwrap()
}

async fn answering(template: ResponseTemplate) -> (MockServer, Console) {
    let server = MockServer::start().await;
    Mock::given(any()).respond_with(template).mount(&server).await;
    let console = console(&server);
    (server, console)
}

fn ok() -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_json(json!({ "resources": [], "links": [] }))
}

async fn sent(server: &MockServer) -> Vec<String> {
    let received = server.received_requests().await.unwrap();
    received.iter().map(|request| request.url.path().to_owned()).collect()
}

/// Answers each connection with these bytes and closes it, or leaves it open.
async fn raw(answer: Vec<u8>, close: bool) -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let connections = Arc::new(AtomicUsize::new(0));
    let counter = connections.clone();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            counter.fetch_add(1, Ordering::SeqCst);
            let answer = answer.clone();
            tokio::spawn(async move {
                read_head(&mut stream).await;
                let _ = stream.write_all(&answer).await;
                if !close {
                    std::future::pending::<()>().await;
                }
            });
        }
    });
    (address, connections)
}

async fn read_head(stream: &mut TcpStream) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => return,
        }
    }
}

fn raw_console(address: SocketAddr) -> Console {
    Console::connect(settings(&format!("http://{address}"))).unwrap()
}

/// Answers with the given statuses in turn, then with the last for ever.
struct Turns(AtomicUsize, Vec<ResponseTemplate>);

impl Respond for Turns {
    fn respond(&self, _: &Request) -> ResponseTemplate {
        let turn = self.0.fetch_add(1, Ordering::SeqCst);
        self.1[turn.min(self.1.len() - 1)].clone()
    }
}

async fn in_turn(answers: Vec<ResponseTemplate>) -> (MockServer, Console) {
    let server = MockServer::start().await;
    Mock::given(any()).respond_with(Turns(AtomicUsize::new(0), answers)).mount(&server).await;
    let console = console(&server);
    (server, console)
}

fn malformed(error: &Error) -> &str {
    match &error.kind {
        ErrorKind::Malformed { reason } => reason,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_wrong_password_costs_one_request_however_many_calls_are_made() {
    let (server, console) = answering(ResponseTemplate::new(401).set_delay(Duration::from_millis(20))).await;
    let calls = (0..16).map(|id| {
        let console = console.clone();
        async move { console.get_user(UserId(id)).await.unwrap_err() }
    });
    let errors = futures_util::future::join_all(calls).await;
    assert!(errors.iter().all(|error| error.kind == ErrorKind::Unauthorized));
    assert_eq!(errors.iter().map(|error| error.attempts).sum::<u32>(), 1);
    assert_eq!(sent(&server).await.len(), 1);
    let later = console.probe().await.unwrap_err();
    assert_eq!((later.kind, later.attempts), (ErrorKind::Unauthorized, 0));
    assert_eq!(console.traffic(), Traffic { sent: 1, retried: 0, throttled: 0, ..console.traffic() });
}

#[tokio::test]
async fn an_html_page_does_not_prove_the_credential() {
    let login = ResponseTemplate::new(200).set_body_raw("<html>log in</html>", "text/html");
    let (server, console) = in_turn(vec![login.clone(), login, ResponseTemplate::new(401)]).await;
    malformed(&console.get_roles().await.unwrap_err());
    assert_eq!(console.get_roles().await.unwrap_err().kind, ErrorKind::Unauthorized);
    assert_eq!(sent(&server).await.len(), 3, "not followed by a probe");
}

#[tokio::test]
async fn a_401_on_one_resource_is_forbidden_once_one_probe_has_worked() {
    let server = MockServer::start().await;
    Mock::given(path("/api/3")).respond_with(ok().set_delay(Duration::from_millis(30))).mount(&server).await;
    Mock::given(path("/api/3/roles")).respond_with(ok()).mount(&server).await;
    Mock::given(any()).respond_with(ResponseTemplate::new(401)).mount(&server).await;
    let console = console(&server);
    console.get_roles().await.unwrap();
    let asked = (0..4).map(|id| {
        let console = console.clone();
        async move { console.get_two_factor_authentication_key(UserId(id)).await.unwrap_err() }
    });
    for error in futures_util::future::join_all(asked).await {
        assert_eq!((error.kind, error.attempts), (ErrorKind::Forbidden { status: 401 }, 1));
    }
    let paths = sent(&server).await;
    assert_eq!(paths.iter().filter(|path| *path == "/api/3").count(), 1, "{paths:?}");
    console.get_roles().await.unwrap();
}

#[tokio::test]
async fn a_credential_that_stops_working_is_probed_once_and_then_left_alone() {
    let (server, console) = in_turn(vec![ok(), ResponseTemplate::new(401)]).await;
    console.get_roles().await.unwrap();
    let error = console.get_user(ID).await.unwrap_err();
    assert_eq!((error.kind, error.attempts), (ErrorKind::Unauthorized, 1));
    assert_eq!(console.get_roles().await.unwrap_err().attempts, 0);
    assert_eq!(sent(&server).await, ["/api/3/roles", "/api/3/users/7", "/api/3"]);
}

/// Failed logins until 64 callers know that the credential stopped working, two in flight at most.
async fn failed_logins_of_a_rotated_password(probed: u16) -> usize {
    let server = MockServer::start().await;
    Mock::given(path("/api/3/roles")).respond_with(ok()).mount(&server).await;
    Mock::given(path_regex("^/api/3/users/1?[0-9]/sites$")).respond_with(ok()).mount(&server).await;
    Mock::given(path("/api/3")).respond_with(ResponseTemplate::new(probed)).mount(&server).await;
    Mock::given(any()).respond_with(ResponseTemplate::new(401)).mount(&server).await;
    let console = Console::connect(Settings { max_in_flight: 2, ..settings(&server.uri()) }).unwrap();
    console.get_roles().await.unwrap();
    let calls = (0..64).map(|id| {
        let console = console.clone();
        async move { console.get_user_sites(UserId(id)).await.map_err(|error| error.kind) }
    });
    let answers = futures_util::future::join_all(calls).await;
    assert!(answers[..20].iter().all(Result::is_ok));
    assert!(answers[20..].iter().all(|answer| answer == &Err(ErrorKind::Unauthorized)));
    let sent = sent(&server).await;
    let answered = if probed == 401 { 0 } else { sent.iter().filter(|path| *path == "/api/3").count() };
    sent.len() - 21 - answered
}

#[tokio::test]
async fn a_password_that_is_rotated_under_many_waiting_calls_costs_those_in_flight_and_the_probe() {
    let failed = failed_logins_of_a_rotated_password(401).await;
    assert!((2..=3).contains(&failed), "{failed}");
}

#[tokio::test]
async fn a_password_that_is_rotated_costs_no_more_if_the_probe_is_not_answered() {
    for status in [501, 503] {
        let failed = failed_logins_of_a_rotated_password(status).await;
        assert!((2..=3).contains(&failed), "{failed}");
    }
}

#[tokio::test]
async fn a_call_that_is_dropped_before_its_probe_is_answered_leaves_the_credential_unproven() {
    let server = MockServer::start().await;
    let slow = ResponseTemplate::new(200).set_delay(Duration::from_mins(1));
    Mock::given(path("/api/3")).respond_with(slow).mount(&server).await;
    Mock::given(path("/api/3/roles")).respond_with(ok()).mount(&server).await;
    Mock::given(any()).respond_with(ResponseTemplate::new(401)).mount(&server).await;
    let console = console(&server);
    console.get_roles().await.unwrap();
    let dropped = tokio::time::timeout(Duration::from_millis(200), console.get_user(ID)).await;
    assert!(dropped.is_err());
    assert_eq!(console.get_user(ID).await.unwrap_err().attempts, 1);
    assert_eq!(console.get_roles().await.unwrap_err().attempts, 0, "refused without another probe");
}

#[tokio::test]
async fn after_a_probe_without_an_answer_the_credential_must_prove_itself_again() {
    let server = MockServer::start().await;
    Mock::given(path("/api/3")).respond_with(ResponseTemplate::new(501)).mount(&server).await;
    Mock::given(path("/api/3/roles")).respond_with(ok()).mount(&server).await;
    Mock::given(any()).respond_with(ResponseTemplate::new(401)).mount(&server).await;
    let console = console(&server);
    for _ in 0..2 {
        console.get_roles().await.unwrap();
        assert_eq!(console.get_user(ID).await.unwrap_err().kind, ErrorKind::Unauthorized);
    }
    assert_eq!(console.get_user(ID).await.unwrap_err().attempts, 1);
    assert_eq!(console.get_roles().await.unwrap_err().attempts, 0);
    let probes = sent(&server).await.iter().filter(|path| *path == "/api/3").count();
    assert_eq!(probes, 2, "none for the 401 that met an unproven credential");
}

#[tokio::test]
async fn refusals_are_told_apart_and_not_repeated() {
    let message = "bad\r\nrole\u{1b}[31m";
    for status in [400, 402, 405, 406, 409, 410, 413, 415, 422] {
        // The console writes its status as a number, its description as a string.
        let body = if status == 400 { json!(400) } else { json!(status.to_string()) };
        let template =
            ResponseTemplate::new(status).set_body_json(json!({ "status": body, "message": message }));
        let (server, console) = answering(template).await;
        let kind = console.get_user(ID).await.unwrap_err().kind;
        assert_eq!(kind, ErrorKind::Rejected { status, message: "bad role [31m".to_owned() });
        assert_eq!(sent(&server).await.len(), 1, "{status}");
    }
    let (server, console) = answering(ResponseTemplate::new(403)).await;
    let error = console.get_user(ID).await.unwrap_err();
    assert_eq!((&error.kind, error.status()), (&ErrorKind::Forbidden { status: 403 }, Some(403)));
    assert_eq!(error.to_string(), "/api/3/users/{id}: this account may not read it (403)");
    assert_eq!(sent(&server).await.len(), 1);
    let (server, console) = answering(ResponseTemplate::new(404).set_body_string("<html>")).await;
    assert_eq!(console.get_user(ID).await.unwrap_err().kind, ErrorKind::NotFound);
    assert_eq!(sent(&server).await.len(), 1);
}

#[tokio::test]
async fn server_errors_are_retried_four_times_in_all() {
    for status in [408, 500, 502, 503, 504] {
        let page = ResponseTemplate::new(status).set_body_raw("<html>maintenance</html>", "text/html");
        let (server, console) = answering(page).await;
        let error = console.get_user(ID).await.unwrap_err();
        assert!(
            matches!(error.kind, ErrorKind::Unavailable { status: Some(s), .. } if s == status),
            "{error}"
        );
        assert_eq!((error.attempts, sent(&server).await.len()), (4, 4), "{status}");
        assert_eq!(console.traffic().retried, 3);
    }
    let (server, console) = answering(ResponseTemplate::new(501)).await;
    assert_eq!(console.get_user(ID).await.unwrap_err().attempts, 1);
    assert_eq!(sent(&server).await.len(), 1);
}

#[tokio::test]
async fn a_retry_that_works_is_all_that_the_caller_sees() {
    let (server, console) = in_turn(vec![
        ResponseTemplate::new(503),
        ResponseTemplate::new(500),
        ResponseTemplate::new(429),
        ok(),
    ])
    .await;
    console.get_roles().await.unwrap();
    assert_eq!(sent(&server).await.len(), 4);
    assert_eq!(console.traffic(), Traffic { sent: 4, retried: 3, throttled: 1, ..console.traffic() });
}

#[tokio::test]
async fn a_console_that_is_down_is_not_called_on_and_on() {
    let (server, console) = answering(ResponseTemplate::new(503)).await;
    for id in 0..100 {
        console.get_user(UserId(id)).await.unwrap_err();
    }
    assert_eq!(sent(&server).await.len(), 120, "100 calls and a budget of 20 retries");
}

#[tokio::test]
async fn throttling_names_what_was_asked_for() {
    let template = ResponseTemplate::new(429).insert_header("retry-after", "5000");
    let server = MockServer::start().await;
    Mock::given(any()).respond_with(template).mount(&server).await;
    let mut settings = settings(&server.uri());
    settings.retry.retry_after_cap = Duration::from_millis(20);
    let console = Console::connect(settings).unwrap();
    let error = console.get_user(ID).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Throttled { retry_after: Some(Duration::from_secs(5000)) });
    assert_eq!(console.traffic(), Traffic { sent: 4, retried: 3, throttled: 4, ..console.traffic() });
}

#[tokio::test]
async fn retry_after_pauses_every_call_up_to_the_cap() {
    let (_server, console) =
        in_turn(vec![ok(), ResponseTemplate::new(503).insert_header("retry-after", "5000"), ok()]).await;
    console.get_roles().await.unwrap();
    let began = Instant::now();
    let calls = (0..3).map(|_| console.get_roles());
    for answer in futures_util::future::join_all(calls).await {
        answer.unwrap();
    }
    console.get_privileges().await.unwrap();
    assert!(began.elapsed() >= Duration::from_millis(290), "{:?}", began.elapsed());
    assert!(began.elapsed() < Duration::from_secs(5));
    assert_eq!(console.traffic().throttled, 1);
}

#[tokio::test]
async fn no_connection_is_unavailable() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let error = raw_console(address).get_user(ID).await.unwrap_err();
    assert_eq!(error.to_string(), "/api/3/users/{id}: the console is not available: connection refused");
    assert_eq!((error.attempts, error.status()), (4, None));
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_retried_as_a_broken_connection() {
    let truncated = b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"resources\": [1".to_vec();
    let chunked = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\n{\"res\r\nzz".to_vec();
    for answer in [truncated, chunked, Vec::new(), b"HTTP/1.1 200".to_vec(), b"nonsense\r\n\r\n".to_vec()] {
        let (address, connections) = raw(answer, true).await;
        let error = raw_console(address).get_user_sites(ID).await.unwrap_err();
        assert!(matches!(error.kind, ErrorKind::Unavailable { status: None, .. }), "{error}");
        assert_eq!((error.attempts, connections.load(Ordering::SeqCst)), (4, 4));
    }
}

#[tokio::test]
async fn a_console_that_says_nothing_or_stops_in_the_middle_times_out() {
    let patience = Timeouts {
        connect: Duration::from_secs(5),
        idle: Duration::from_millis(30),
        whole: Duration::from_secs(10),
    };
    for answer in [Vec::new(), b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{".to_vec()] {
        let (address, _) = raw(answer, false).await;
        let settings = Settings { timeouts: patience, ..settings(&format!("http://{address}")) };
        let error = Console::connect(settings).unwrap().get_user(ID).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::TimedOut { limit: patience.idle });
        assert_eq!(error.attempts, 4);
    }
    // A whole limit below the idle limit is the one that is hit.
    let (address, _) = raw(Vec::new(), false).await;
    let whole = Duration::from_millis(20);
    let settings =
        Settings { timeouts: Timeouts { whole, ..patience }, ..settings(&format!("http://{address}")) };
    let error = Console::connect(settings).unwrap().get_user(ID).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::TimedOut { limit: whole });
}

#[tokio::test]
async fn a_401_whose_body_never_ends_is_still_a_401() {
    let (address, connections) = raw(b"HTTP/1.1 401 X\r\ncontent-length: 9\r\n\r\n".to_vec(), false).await;
    let timeouts = Timeouts {
        connect: Duration::from_secs(5),
        idle: Duration::from_millis(50),
        whole: Duration::from_millis(50),
    };
    let console = Console::connect(Settings { timeouts, ..settings(&format!("http://{address}")) }).unwrap();
    assert_eq!(console.get_user(ID).await.unwrap_err().kind, ErrorKind::Unauthorized);
    assert_eq!(connections.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn wrong_answers_say_where_and_are_asked_for_once_more() {
    let deep = "[".repeat(100_000);
    for (body, reason) in [
        ("<!DOCTYPE html><p>CANARY".to_owned(), "it looks like an HTML page"),
        (
            r#"{"resources": [{"id": "CANARY", "login": "x"}], "page": {}}"#.to_owned(),
            "resources[0].id: string instead of i64 at line 1 column",
        ),
        (r#"{"resources": [], "page": {"number": -1}}"#.to_owned(), "page.number: integer instead of u64"),
        (r#"{"resources": []}"#.to_owned(), "missing field `page`"),
        ("CANARY".to_owned(), "it is not valid JSON at line 1 column 1"),
        (String::new(), "the JSON ends early"),
        (deep, "sequence instead of"),
    ] {
        let (server, console) = answering(ResponseTemplate::new(200).set_body_string(body)).await;
        let error = console.get_users(PageRequest { number: 0, size: 500 }).await.unwrap_err();
        assert!(malformed(&error).contains(reason), "{error}");
        assert!(!error.to_string().contains("CANARY"), "{error}");
        assert_eq!((error.attempts, sent(&server).await.len()), (2, 2));
    }
    let (_server, console) =
        in_turn(vec![ResponseTemplate::new(200).set_body_string("<html>restarting</html>"), ok()]).await;
    console.get_roles().await.unwrap();
    let (_server, console) = answering(ResponseTemplate::new(200).set_body_string("[".repeat(100_000))).await;
    console.call("get_roles", None, None).await.unwrap_err();
}

#[tokio::test]
async fn no_body_is_read_beyond_its_bound() {
    let announced = b"HTTP/1.1 200 OK\r\ncontent-length: 99999999999\r\n\r\n{".to_vec();
    let (address, _) = raw(announced, false).await;
    assert!(
        malformed(&raw_console(address).get_user(ID).await.unwrap_err()).contains("longer than any answer")
    );

    let piece = [b"100000\r\n".to_vec(), vec![b' '; 1 << 20], b"\r\n".to_vec()].concat();
    let mut endless = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n".to_vec();
    (0..33).for_each(|_| endless.extend_from_slice(&piece));
    let (address, connections) = raw(endless, false).await;
    let error = raw_console(address).get_user(ID).await.unwrap_err();
    assert!(malformed(&error).contains("longer than any answer"), "{error}");
    assert_eq!(connections.load(Ordering::SeqCst), 1, "not asked for again");

    let headers = [b"HTTP/1.1 200 OK\r\n".to_vec(), b"x: y\r\n".repeat(100_000), b"\r\n{}".to_vec()].concat();
    let (address, _) = raw(headers, true).await;
    assert!(matches!(
        raw_console(address).get_user(ID).await.unwrap_err().kind,
        ErrorKind::Unavailable { .. }
    ));
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let target = MockServer::start().await;
    for status in [300, 301, 302, 303, 305, 307, 308] {
        let moved =
            ResponseTemplate::new(status).insert_header("location", format!("{}/api/3/roles", target.uri()));
        let (server, console) = answering(moved).await;
        let error = console.get_roles().await.unwrap_err();
        assert!(matches!(&error.kind, ErrorKind::Rejected { status: s, .. } if *s == status), "{error}");
        assert!(error.to_string().contains("no redirect is followed"), "{error}");
        assert_eq!(sent(&server).await.len(), 1);
    }
    assert_eq!(sent(&target).await.len(), 0);
}

#[tokio::test]
async fn a_change_is_sent_once_and_its_failure_says_what_is_known() {
    for (status, outcome) in [
        (400, Outcome::NotMade),
        (403, Outcome::NotMade),
        (404, Outcome::NotMade),
        (429, Outcome::NotMade),
        (303, Outcome::Unknown),
        (500, Outcome::Unknown),
        (503, Outcome::Unknown),
    ] {
        let (server, _) = answering(ResponseTemplate::new(status)).await;
        let admin = ConsoleAdmin::connect(settings(&server.uri())).unwrap();
        let error = admin.delete_user(ID).await.unwrap_err();
        assert_eq!((error.outcome, error.error.attempts), (outcome, 1), "{status}");
        assert_eq!(sent(&server).await.len(), 1, "{status}");
        assert!(error.to_string().contains(if outcome == Outcome::Unknown { "unknown" } else { "not made" }));
    }
    let (address, connections) = raw(Vec::new(), true).await;
    let admin = ConsoleAdmin::connect(settings(&format!("http://{address}"))).unwrap();
    assert_eq!(admin.delete_user(ID).await.unwrap_err().outcome, Outcome::Unknown);
    assert_eq!(connections.load(Ordering::SeqCst), 1);

    let (server, _) = answering(ResponseTemplate::new(200).set_body_string("<html>log in</html>")).await;
    let admin = ConsoleAdmin::connect(settings(&server.uri())).unwrap();
    let error = admin.delete_user(ID).await.unwrap_err();
    assert_eq!(error.outcome, Outcome::Unknown);
    malformed(&error.error);
    assert_eq!(sent(&server).await.len(), 1);
}

#[tokio::test]
async fn the_one_time_code_goes_with_every_request() {
    let (server, console) = in_turn(vec![ResponseTemplate::new(503), ok()]).await;
    console.get_roles().await.unwrap();
    for request in server.received_requests().await.unwrap() {
        assert_eq!(request.headers["token"], CODE);
    }
}

#[tokio::test]
async fn no_more_calls_are_in_flight_than_configured() {
    let server = MockServer::start().await;
    Mock::given(any()).respond_with(ok().set_delay(Duration::from_millis(5))).mount(&server).await;
    let console = Console::connect(Settings { max_in_flight: 3, ..settings(&server.uri()) }).unwrap();
    console.probe().await.unwrap();
    let began = Instant::now();
    let calls = (0..30).map(|id| {
        let console = console.clone();
        tokio::spawn(async move { console.get_user_sites(UserId(id)).await.unwrap() })
    });
    futures_util::future::join_all(calls).await;
    assert!(began.elapsed() >= Duration::from_millis(50), "30 calls of 5 ms, 3 at a time");
}

#[tokio::test]
async fn proxies_of_the_environment_are_not_asked() {
    let trap = MockServer::start().await;
    let (server, _) = answering(ok()).await;
    // The environment of this process is shared by its tests, so another process makes the call.
    let mut child = std::process::Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", "calls_once_for_another_test"]).env("RECERT_TEST_CONSOLE", server.uri());
    for name in ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"] {
        child.env(name, trap.uri());
    }
    child.env("NO_PROXY", "").env("no_proxy", "");
    let status = tokio::task::spawn_blocking(move || child.output().unwrap().status).await.unwrap();
    assert!(status.success());
    assert_eq!((sent(&server).await.len(), sent(&trap).await.len()), (1, 0));
}

/// The other half of the test above; without its variable there is nothing to do.
#[tokio::test]
async fn calls_once_for_another_test() {
    if let Ok(base) = std::env::var("RECERT_TEST_CONSOLE") {
        Console::connect(settings(&base)).unwrap().get_roles().await.unwrap();
    }
}

#[tokio::test]
async fn secrets_stay_out_of_every_text() {
    let basic = "cmV2aWV3ZXI6Q0FOQVJZLXBhc3N3b3Jk";
    let mut texts = Vec::new();
    let echo = json!({ "status": 400, "message": format!("you said {PASSWORD} and {basic} and {CODE}") });
    for status in [200, 302, 400, 401, 403, 404, 409, 429, 500, 501, 503] {
        for body in [echo.clone(), json!({ "key": [SEED] }), json!(SEED), json!({ "key": { SEED: SEED } })] {
            let template = ResponseTemplate::new(status)
                .set_body_json(&body)
                .insert_header("location", format!("http://{SEED}/"));
            let (server, console) = answering(template).await;
            let admin = ConsoleAdmin::connect(settings(&server.uri())).unwrap();
            let key = console.get_two_factor_authentication_key(ID).await;
            assert_ne!(key.as_ref().ok(), Some(&TwoFactorKey::Present));
            texts.push(format!("{key:?}"));
            let user = console.get_user(ID).await.unwrap_err();
            texts.extend([format!("{user:?}"), user.to_string(), format!("{console:?} {admin:?}")]);
            if let Err(error) = admin.set_two_factor_authentication(ID, &SEED.into()).await {
                texts.extend([format!("{error:?}"), error.to_string()]);
            }
            if let Err(error) = admin.regenerate_two_factor_authentication(ID).await {
                texts.extend([format!("{error:?}"), error.to_string()]);
            }
        }
    }
    let template =
        ResponseTemplate::new(400).set_body_json(json!({ "message": format!("{SEED} is no seed") }));
    let (server, _) = answering(template).await;
    let admin = ConsoleAdmin::connect(settings(&server.uri())).unwrap();
    texts.push(admin.set_two_factor_authentication(ID, &SEED.into()).await.unwrap_err().to_string());
    texts.push(admin.reset_password(ID, &SEED.into()).await.unwrap_err().to_string());

    let mut told = settings("http://127.0.0.1:1");
    told.base = format!("https://me:{PASSWORD}@console.example").parse().unwrap();
    texts.push(format!("{told:?}"));
    let error = Console::connect(told).unwrap_err();
    texts.extend([format!("{error:?}"), error.to_string()]);
    assert!(texts.len() > 100);
    for text in texts {
        for secret in [PASSWORD, SEED, CODE, basic] {
            assert!(!text.contains(secret), "{text}");
        }
    }
}

#[tokio::test]
async fn settings_that_cannot_work_are_refused_before_anything_is_sent() {
    let refused = |change: fn(&mut Settings)| {
        let mut settings = settings("https://console.example:3780");
        settings.trust = Trust::Pins(vec![[1; 32]]);
        change(&mut settings);
        Console::connect(settings).unwrap_err()
    };
    assert!(matches!(refused(|it| it.username = "a:b".to_owned()), SettingsError::Username));
    assert!(matches!(refused(|it| it.max_in_flight = 0), SettingsError::MaxInFlight));
    assert!(matches!(
        refused(|it| it.trust = Trust::Pins(Vec::new())),
        SettingsError::Trust(TrustError::NoPins)
    ));
    assert!(matches!(
        refused(|it| it.trust = Trust::CaFile("/nowhere.pem".into())),
        SettingsError::Trust(TrustError::CaFile { .. })
    ));
    assert!(matches!(
        refused(|it| it.base = "http://console.example".parse().unwrap()),
        SettingsError::PlainHttp
    ));
}

#[tokio::test]
async fn an_id_that_would_leave_its_path_is_not_sent() {
    let (server, console) = answering(ok()).await;
    for id in ["", ".", ".."] {
        let error = console.get_role(&RoleId::from(id)).await.unwrap_err();
        assert!(malformed(&error).contains("cannot stand in a path"));
        assert_eq!(error.attempts, 0);
    }
    assert_eq!(sent(&server).await.len(), 0);
}
