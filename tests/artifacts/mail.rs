//! The mail of a review: of the demo's consoles, and of one whose every text is hostile.

use std::path::Path;
use std::sync::LazyLock;
use std::time::Duration;

use chrono::DateTime;
use recert::analyze::Policy;
use recert::history::History;
use recert::model::Snapshot;
use recert::render::{Attached, ChainHead, Mail, MailContext, MailKind, Templates, report_mail};
use recert::report::Report;
use recert::review::{self, Occasion, Scheduled};
use recert::simulator::{self, Estate, EstateOptions, Simulator};

use super::corpus::EFFECT;
use super::page::{dom, hidden, tags};
use super::programs::{Trap, program};
use super::review::HOSTILE;
use super::simulated::source;

/// What a mail client takes without cutting it off.
const CLIPPED: usize = 90_000;

/// Everything that a mail may consist of: what shows text, and the tables of its layout.
const INERT: &[&str] = &[
    "bdi", "body", "br", "h1", "h2", "head", "html", "meta", "p", "span", "strong", "style", "table",
    "tbody", "td", "th", "title", "tr",
];

/// The demo's consoles, reviewed as a weekly job would.
static DEMO: LazyLock<Report> = LazyLock::new(|| {
    std::thread::spawn(|| tokio::runtime::Runtime::new().unwrap().block_on(demo())).join().unwrap()
});

async fn demo() -> Report {
    let (mut simulators, mut sources) = (Vec::new(), Vec::new());
    for (name, estate) in Estate::demo(7, 240, EstateOptions::default().as_of) {
        let simulator = Simulator::start(estate, simulator::Options::default()).await.unwrap();
        sources.push(source(&name, &simulator));
        simulators.push(simulator);
    }
    let snapshots = review::collect(&sources, clock).await.unwrap();
    for simulator in simulators {
        tokio::time::timeout(Duration::from_secs(10), simulator.stop()).await.unwrap();
    }
    reported(snapshots)
}

fn clock() -> DateTime<chrono::Utc> {
    DateTime::from_timestamp(1_790_000_000, 0).unwrap()
}

fn reported(snapshots: Vec<Snapshot>) -> Report {
    let slot = clock() - chrono::Duration::minutes(130);
    let scheduled = Scheduled { run: review::scheduled_run_id("test", "weekly", slot), slot, collapsed: 0 };
    let occasion =
        Occasion { job: Some("weekly".into()), scheduled: Some(scheduled), configuration: "5e".repeat(32) };
    review::report(snapshots, &Policy::default(), occasion, &History::default())
}

fn mail(report: &Report) -> Mail {
    let context = MailContext {
        kind: MailKind::Report,
        attached: Attached::Files(&["report.xlsx", "report.html", "findings.csv"]),
        lies_at: Some(Path::new("/var/lib/recert/reports/weekly/2026-09-21T12-10Z")),
        host: "review-01.example",
        head: Some(ChainHead {
            index: 12,
            sha256: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
            key: Some("E221A1854B7A0A12"),
        }),
    };
    report_mail(report, &context, &Templates::builtin()).unwrap()
}

#[test]
fn text_adds_no_element_and_no_attribute() {
    let hostile = mail(&reported(vec![HOSTILE.snapshot.clone()]));
    for tag in tags(&hostile.html) {
        let (name, attributes) = tag.split_once(' ').unwrap_or((tag, ""));
        assert!(INERT.contains(&name), "<{tag}>");
        for attribute in attributes.split("\" ").filter(|attribute| !attribute.is_empty()) {
            let key = attribute.split_once("=\"").unwrap_or((attribute, "")).0;
            assert!(
                !key.starts_with("on") && !["src", "srcset", "href", "action", "id"].contains(&key),
                "<{tag}>"
            );
        }
    }
    assert!(!hostile.html.contains("url(") && !hostile.html.contains("@import"));
}

#[test]
fn nothing_in_it_is_invisible_and_nothing_is_too_long() {
    let hostile = mail(&reported(vec![HOSTILE.snapshot.clone()]));
    for part in [&hostile.html, &hostile.text, &hostile.subject] {
        assert_eq!(part.chars().find(|c| hidden(*c)), None);
    }
    assert!(hostile.html.len() < CLIPPED, "{} bytes", hostile.html.len());
    assert!(!hostile.subject.contains(['\n', '\r']));
    let long = |line: &&str| line.chars().count() > 72;
    assert_eq!(hostile.text.lines().find(long), None);
}

#[test]
fn a_browser_shows_the_mail_of_the_demo_and_asks_for_nothing() {
    let mail = mail(&DEMO);
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("mail.html");
    std::fs::write(&path, &mail.html).unwrap();
    std::fs::write(path.with_extension("txt"), format!("{}\n\n{}", mail.subject, mail.text)).unwrap();
    let Some(browser) = program("chromium") else { return };
    let trap = Trap::set();
    let dom = dom(&browser, &path, &trap);
    assert_eq!(trap.caught(), 0, "the mail asks for something");
    assert!(dom.contains(">COMPLETE<") && dom.contains("The worst findings"), "{dom:.2000}");
    assert!(!dom.contains("<script") && !dom.contains("<img") && !dom.contains(&format!("id=\"{EFFECT}\"")));
}
