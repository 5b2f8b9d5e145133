//! Rosters from a server: real HTTP over loopback, and everything that can be wrong with it.

use std::time::Duration;

use recert::model::GapReason;
use recert::people::{Format, Layout, Limits, Origin, Reading, Source};
use recert::secret::SecretSource;
use recert::trust::Trust;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use wiremock::matchers::{any, header, method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

const JSON: &str = r#"{"people": [{"id": 7, "email": "ana@corp.example"}]}"#;
const TOKEN: &str = "CANARY-token";

fn source(url: &str) -> Source {
    let origin = Origin::Url { url: url.parse().unwrap(), token: None, trust: Trust::System };
    let limits = Limits {
        bytes: 1_000,
        people: 10,
        connect: Duration::from_secs(5),
        idle: Duration::from_secs(5),
        whole: Duration::from_secs(10),
    };
    Source { origin, layout: Layout::new(Format::Json), limits }
}

async fn read(source: &Source) -> Reading {
    source.read("2026-11-25T12:00:00Z".parse().unwrap()).await
}

async fn answering(template: ResponseTemplate) -> MockServer {
    let server = MockServer::start().await;
    Mock::given(any()).respond_with(template).mount(&server).await;
    server
}

/// The error's text, with what it must never hold looked for.
async fn refused(source: &Source) -> (String, GapReason, Option<u16>) {
    let error = read(source).await.unwrap_err();
    let (text, gap) = (error.to_string(), error.gap());
    assert!(!text.contains("CANARY") && !text.contains("/api"), "{text}");
    (text, gap.reason, gap.last_status)
}

#[tokio::test]
async fn reads_what_the_server_sends_and_sends_the_token_there_alone() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("token");
    std::fs::write(&file, format!("{TOKEN}\n")).unwrap();
    std::fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let server = MockServer::start().await;
    Mock::given(method("GET"))
        .and(path("/api/people.json"))
        .and(header("authorization", format!("Bearer {TOKEN}")))
        .and(header("accept", "application/json"))
        .respond_with(ResponseTemplate::new(200).set_body_string(JSON))
        .expect(1)
        .mount(&server)
        .await;
    let mut source = source(&format!("{}/api/people.json?key=CANARY", server.uri()));
    let Origin::Url { token, .. } = &mut source.origin else { unreachable!() };
    *token = Some(SecretSource::File(file.clone()));
    let (roster, read_from) = read(&source).await.unwrap();
    assert_eq!((roster.len(), read_from.label), (1, server.address().to_string()));
    let requests = server.received_requests().await.unwrap();
    assert!(!requests[0].headers.contains_key("cookie"));

    std::fs::remove_file(&file).unwrap();
    let (text, reason, _) = refused(&source).await;
    assert!(text.contains("token") && text.contains("No such file"), "{text}");
    assert_eq!(reason, GapReason::Unavailable);
    assert_eq!(server.received_requests().await.unwrap().len(), 1, "nothing is sent without the token");
}

#[tokio::test]
async fn without_a_token_no_credential_is_sent() {
    let server = answering(ResponseTemplate::new(200).set_body_string(JSON)).await;
    read(&source(&server.uri())).await.unwrap();
    let requests = server.received_requests().await.unwrap();
    assert!(!requests[0].headers.contains_key("authorization"));
}

#[tokio::test]
async fn another_status_is_an_error_with_its_mend() {
    for (status, said) in [
        (404, "is roster.url the right one?"),
        (401, "is roster.token the right one?"),
        (403, "is roster.token the right one?"),
        (500, "it has a problem"),
        (503, "it has a problem"),
        (204, "answers 204"),
        (206, "answers 206"),
    ] {
        let server = answering(ResponseTemplate::new(status).set_body_string("CANARY")).await;
        let (text, reason, last_status) = refused(&source(&format!("{}/api?k=CANARY", server.uri()))).await;
        assert!(text.contains(said) && text.contains(&server.address().to_string()), "{text}");
        assert_eq!((reason, last_status), (GapReason::Unavailable, Some(status)));
        assert_eq!(server.received_requests().await.unwrap().len(), 1, "it is asked once");
    }
}

#[tokio::test]
async fn no_redirect_is_followed() {
    let elsewhere = answering(ResponseTemplate::new(200).set_body_string(JSON)).await;
    for status in [301, 302, 303, 307, 308] {
        let to = format!("{}/CANARY", elsewhere.uri());
        let server = answering(ResponseTemplate::new(status).insert_header("location", to)).await;
        let (text, _, last_status) = refused(&source(&server.uri())).await;
        assert!(text.contains("no redirect is followed"), "{text}");
        assert_eq!(last_status, Some(status));
    }
    assert!(elsewhere.received_requests().await.unwrap().is_empty());
}

#[tokio::test]
async fn an_oversized_body_is_refused_announced_or_not() {
    let server = answering(ResponseTemplate::new(200).set_body_string(" ".repeat(1_001))).await;
    let (text, reason, _) = refused(&source(&server.uri())).await;
    assert!(text.contains("larger than 1000 bytes"), "{text}");
    assert_eq!(reason, GapReason::Unavailable);
    let head = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
    let chunk = format!("100\r\n{}\r\n", " ".repeat(256));
    let url = speaking(format!("{head}{}", chunk.repeat(4)).into_bytes(), true).await;
    let (text, _, _) = refused(&source(&url)).await;
    assert!(text.contains("larger than 1000 bytes"), "{text}");
}

/// A server that says this to the first connection, and then keeps it open or closes it.
async fn speaking(said: Vec<u8>, stays: bool) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/api", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut request = [0; 4_096];
        let _ = stream.read(&mut request).await;
        let _ = stream.write_all(&said).await;
        if stays {
            // Until the client hangs up.
            while stream.read(&mut request).await.is_ok_and(|read| read > 0) {}
        }
    });
    url
}

#[tokio::test]
async fn a_server_that_falls_silent_is_left() {
    for said in ["", "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n[{\"id\": \"CANARY\""] {
        let mut source = source(&speaking(said.as_bytes().to_vec(), true).await);
        source.limits.idle = Duration::from_millis(50);
        let (text, reason, _) = refused(&source).await;
        assert!(text.contains("no whole answer within"), "{text}");
        assert_eq!(reason, GapReason::Unavailable);
    }
}

#[tokio::test]
async fn a_body_that_trickles_has_an_end() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut source = source(&format!("http://{}/api", listener.local_addr().unwrap()));
    source.limits.whole = Duration::from_millis(200);
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        assert!(stream.read(&mut [0; 4_096]).await.unwrap() > 0);
        let head = b"HTTP/1.1 200 OK\r\ncontent-length: 900\r\n\r\n";
        stream.write_all(head).await.unwrap();
        let mut tick = tokio::time::interval(Duration::from_millis(5));
        while stream.write_all(b" ").await.is_ok() {
            tick.tick().await;
        }
    });
    let (text, _, _) = refused(&source).await;
    assert!(text.contains("no whole answer within 200ms"), "{text}");
}

#[tokio::test]
async fn a_connection_that_breaks_is_no_roster() {
    let cut = b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n[{\"id\": 1}]".to_vec();
    let (text, _, _) = refused(&source(&speaking(cut, false).await)).await;
    assert!(text.contains("broke before the answer was whole"), "{text}");
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let closed = format!("http://{}/api", listener.local_addr().unwrap());
    drop(listener);
    let (text, reason, status) = refused(&source(&closed)).await;
    assert!(text.contains("no connection"), "{text}");
    assert_eq!((reason, status), (GapReason::Unavailable, None));
}

#[tokio::test]
async fn wrong_content_is_told_as_such() {
    for (body, said) in [
        ("<html>CANARY</html>", "HTML"),
        ("[{\"id\": \"CANARY\", \"end\": \"CANARY\"}]", "index 0, key \"end\""),
        ("id\nCANARY\n", "not valid JSON"),
        ("", "ends early"),
    ] {
        let server = answering(ResponseTemplate::new(200).set_body_string(body)).await;
        let (text, reason, _) = refused(&source(&server.uri())).await;
        assert!(text.contains(said) && text.contains(&server.address().to_string()), "{text}");
        assert_eq!(reason, GapReason::Malformed);
    }
}

#[tokio::test]
async fn people_are_not_sent_in_clear_beyond_this_host() {
    for (url, said) in [
        ("http://hr.example/api?CANARY", "must be https://"),
        ("http://10.0.0.7/api", "must be https://"),
        ("ftp://hr.example/api", "must be https://"),
        ("https://me:CANARY@hr.example/api", "use token"),
        ("https://hr.example/api#CANARY", "leave out"),
    ] {
        let (text, _, _) = refused(&source(url)).await;
        assert!(text.contains(said), "{text}");
    }
}

#[test]
fn what_is_printed_for_debugging_holds_no_query() {
    let shown = format!("{:?}", source("https://hr.example:8443/api?key=CANARY"));
    assert!(shown.contains("hr.example:8443") && !shown.contains("CANARY"), "{shown}");
}
