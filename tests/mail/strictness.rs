//! The test relay itself: a client that breaks a rule is told on, and one that breaks none is not.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::relay::{How, Mishap, Options, Relay, Step};

/// Says all lines, each after the answer to the one before it, and hangs up. Gives back what the relay said.
async fn say(relay: &Relay, lines: &[&[u8]]) -> String {
    let mut tcp = TcpStream::connect(("127.0.0.1", relay.port())).await.unwrap();
    let mut heard = Vec::new();
    for line in lines {
        let mut buffer = [0; 4096];
        let read = tcp.read(&mut buffer).await.unwrap();
        heard.extend_from_slice(&buffer[..read]);
        tcp.write_all(line).await.unwrap();
    }
    tcp.shutdown().await.unwrap();
    tcp.read_to_end(&mut heard).await.unwrap();
    relay.idle().await;
    String::from_utf8(heard).unwrap()
}

const BEGIN: [&[u8]; 4] =
    [b"EHLO me\r\n", b"MAIL FROM:<a@corp.example>\r\n", b"RCPT TO:<b@corp.example>\r\n", b"DATA\r\n"];

#[tokio::test]
async fn a_client_that_keeps_the_rules_is_heard_to_the_byte() {
    let relay = Relay::start().await;
    let body = b"Subject: x\r\n\r\n..stuffed\r\n...\r\n.. \r\n.\r\n";
    let heard = say(&relay, &[&BEGIN[..], &[body, b"QUIT\r\n"]].concat()).await;
    assert!(heard.ends_with("250 2.0.0 queued as 0\r\n221 2.0.0 goodbye\r\n"), "{heard}");
    let messages = relay.messages();
    assert_eq!(messages.len(), 1);
    assert_eq!(messages[0].body, b"Subject: x\r\n\r\n.stuffed\r\n..\r\n. \r\n");
    assert_eq!(
        (messages[0].from.as_str(), messages[0].to.as_slice()),
        ("a@corp.example", &["b@corp.example".to_owned()][..])
    );
    assert!(messages[0].answered && !messages[0].tls && messages[0].login.is_none());
    assert_eq!(relay.violations(), [""; 0]);
    assert_eq!(relay.attempts()[0].reached, Some(Step::Quit));
    assert!(relay.attempts()[0].said_in_clear("MAIL FROM") && !relay.attempts()[0].said("AUTH"));
}

#[tokio::test]
async fn whatever_a_client_may_not_send_is_written_down() {
    let bodies: [(&[u8], &str); 7] = [
        (b"a\nb\r\n.\r\n", "a bare LF in the body"),
        (b"a\n.\nb\r\n.\r\n", "a bare LF in the body"),
        (b"a\rb\r\n.\r\n", "a bare CR in the body"),
        (b"a\0b\r\n.\r\n", "a NUL in the body"),
        (b".a\r\n.\r\n", "a dot at the start of a line is not doubled"),
        (b"\xc3\xa4\r\n.\r\n", "a body beyond ASCII, not announced"),
        (b"a\r\n.\r\nMAIL FROM:<evil@corp.example>\r\n", "bytes behind the final dot, before its answer"),
    ];
    for (body, violation) in bodies {
        let relay = Relay::start().await;
        say(&relay, &[&BEGIN[..], &[body]].concat()).await;
        assert_eq!(relay.messages().len(), 1);
        assert!(
            relay.violations().iter().any(|found| found == violation),
            "{violation}: {:?}",
            relay.violations()
        );
    }
    let relay = Relay::start().await;
    say(&relay, &[&BEGIN[..], &[&[&[b'a'; 999][..], b"\r\n.\r\n"].concat()]].concat()).await;
    assert_eq!(relay.violations(), ["a line of the body is too long"]);

    let commands: [(&[&[u8]], &str); 6] = [
        (&[b"MAIL FROM:<a@corp.example>\r\n"], "MAIL out of order"),
        (&[b"EHLO me\r\n", b"DATA\r\n"], "DATA out of order"),
        (&[b"EHLO me\r\n", b"STARTTLS\r\n"], "STARTTLS out of order"),
        (&[b"EHLO me\r\nMAIL FROM:<a@corp.example>\r\n"], "bytes behind \"EHLO me\", before its answer"),
        (&[BEGIN[0], BEGIN[1], BEGIN[2], b"DATA\r\nSubject"], "bytes behind \"DATA\", before its answer"),
        (&[b"EHLO me\n"], "\"EHLO me\" has a bare CR or LF or a NUL"),
    ];
    for (lines, violation) in commands {
        let relay = Relay::start().await;
        say(&relay, lines).await;
        assert!(
            relay.violations().iter().any(|found| found == violation),
            "{violation}: {:?}",
            relay.violations()
        );
    }
}

#[tokio::test]
async fn a_line_feed_and_a_dot_do_not_end_a_message() {
    for body in [&b"a\n.\n"[..], b"a\n.\r\n", b"a\r.\r", b"a\r\n.\n"] {
        let relay = Relay::start().await;
        say(&relay, &[&BEGIN[..], &[body]].concat()).await;
        assert_eq!(relay.messages(), [], "{body:?}");
    }
}

#[tokio::test]
async fn a_mishap_happens_to_one_connection() {
    let relay = Relay::start().await;
    relay.script([Mishap::new(Step::Mail, How::Temporary), Mishap::kept(How::Close)]);
    let whole = [&BEGIN[..], &[b"x\r\n.\r\n", b"QUIT\r\n"]].concat();
    assert!(say(&relay, &BEGIN[..2]).await.contains("451"));
    assert!(!say(&relay, &whole[..5]).await.contains("queued"));
    assert!(say(&relay, &whole).await.contains("queued as 1"));
    assert_eq!(relay.messages().iter().map(|message| message.answered).collect::<Vec<_>>(), [false, true]);
}

#[tokio::test]
async fn a_relay_refuses_what_it_was_told_to() {
    let refuse = vec![("b@corp.example".to_owned(), "550 5.1.1 unknown".to_owned())];
    let relay = Relay::with(Options { refuse, size: Some(3), ..Options::default() }).await;
    let heard = say(&relay, &BEGIN[..3]).await;
    assert!(heard.contains("250-SIZE 3\r\n") && heard.ends_with("550 5.1.1 unknown\r\n"), "{heard}");
    let heard = say(&relay, &[BEGIN[0], b"MAIL FROM:<a@corp.example> SIZE=4\r\n"]).await;
    assert!(heard.ends_with("552 5.3.4 too large\r\n"), "{heard}");
    let other = [BEGIN[0], BEGIN[1], b"RCPT TO:<c@corp.example>\r\n", b"DATA\r\n", b"xx\r\n.\r\n"];
    assert!(say(&relay, &other).await.ends_with("552 5.3.4 too large\r\n"));
    assert_eq!(relay.messages(), []);
}
