//! The mail of a weekly review, as wide as a reading pane and as a telephone, in light and in dark.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use chrono::{DateTime, Duration, Utc};
use recert::analyze::Policy;
use recert::finding::Severity;
use recert::history::{Before, History, PastRun};
use recert::model::Snapshot;
use recert::render::{Attached, Mail, MailContext, MailKind, Templates, report_mail};
use recert::review::{self, Occasion, Scheduled};
use recert::simulator::{self, Estate, EstateOptions, Simulator};

use super::programs::{finished, program};
use super::simulated::source;

fn clock() -> DateTime<Utc> {
    DateTime::from_timestamp(1_790_000_000, 0).unwrap()
}

/// Two consoles, reviewed every week for two months.
async fn mail() -> Mail {
    let mut snapshots = Vec::new();
    for (name, estate) in Estate::demo(7, 240, EstateOptions::default().as_of) {
        let simulator = Simulator::start(estate, simulator::Options::default()).await.unwrap();
        let source = source(&name, &simulator);
        snapshots.extend(review::collect(&[source], clock).await.unwrap());
        simulator.stop().await;
    }
    let slot = clock() - Duration::minutes(10);
    let scheduled = Scheduled { run: review::scheduled_run_id("test", "weekly", slot), slot, collapsed: 0 };
    let occasion =
        Occasion { job: Some("weekly".into()), scheduled: Some(scheduled), configuration: "5e".repeat(32) };
    let history = history(&snapshots);
    let report = review::report(snapshots, &Policy::default(), occasion, &history);
    let context = MailContext {
        kind: MailKind::Report,
        attached: Attached::Files(&["report.xlsx", "report.html", "findings.csv"]),
        lies_at: Some(Path::new("/var/lib/recert/reports/5f2a9c01d3b4e6f7")),
        head: None,
        host: "review-01.example",
    };
    report_mail(&report, &context, &Templates::builtin()).unwrap()
}

fn history(now: &[Snapshot]) -> History {
    let mut then = now.to_vec();
    for snapshot in &mut then {
        snapshot.finished -= Duration::days(7);
        snapshot.users.truncate(snapshot.users.len() - 2);
        snapshot.users[4].role.all_sites ^= true;
    }
    let past = (1..9).rev().map(|week: u64| PastRun {
        run: format!("{week:016x}"),
        finished: clock() - Duration::days(7 * i64::try_from(week).unwrap()),
        is_complete: week != 5,
        users: 240,
        findings: BTreeMap::from([
            (Severity::Critical, 2 + week / 3),
            (Severity::High, 8 + week * 3 % 7),
            (Severity::Medium, 30 + week * 4),
            (Severity::Low, 12),
        ]),
    });
    let before = Before {
        run: "0000000000000001".into(),
        slot: None,
        finished: clock() - Duration::days(7),
        snapshots: then,
        findings: Vec::new(),
        rules: Vec::new(),
    };
    History { kept: true, past: past.collect(), before: Some(before), ..History::default() }
}

/// A page that shows the mail in a frame of this width and, as its title, how much room the mail needs.
fn framed(directory: &Path, mail: &Mail, width: u32, height: u32) -> PathBuf {
    let markup = mail.html.replace('&', "&amp;").replace('"', "&quot;");
    let page = format!(
        "<!doctype html><meta name=color-scheme content='light dark'><body style='margin:0'>\
         <iframe id=mail style='border:0;width:{width}px;height:{height}px' srcdoc=\"{markup}\"></iframe>\
         <script>onload=()=>{{const e=document.getElementById('mail').contentDocument.documentElement;\
         document.title=e.scrollWidth+'x'+e.scrollHeight}}</script>"
    );
    let path = directory.join(format!("framed-{width}.html"));
    fs::write(&path, page).unwrap();
    path
}

fn browser(program: &Path, scheme: &str, size: (u32, u32), more: &[&str], page: &Path) -> Vec<u8> {
    let profile = tempfile::tempdir().unwrap();
    let mut command = Command::new(program);
    command.args([
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--hide-scrollbars",
        "--virtual-time-budget=4000",
    ]);
    command.arg(format!("--user-data-dir={}", profile.path().display()));
    command.arg(format!("--blink-settings=preferredColorScheme={}", u8::from(scheme == "light")));
    command.arg(format!("--window-size={},{}", size.0, size.1)).args(more);
    finished(command.arg(format!("file://{}", page.display()))).stdout
}

#[tokio::test(flavor = "multi_thread")]
async fn the_mail_fits_a_reading_pane_and_a_telephone() {
    let Some(chromium) = program("chromium") else { return };
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap().join("screenshots");
    fs::create_dir_all(&target).unwrap();
    let directory = tempfile::tempdir().unwrap();
    let mail = mail().await;
    fs::write(target.join("mail.txt"), format!("{}\n\n{}", mail.subject, mail.text)).unwrap();
    for width in [640, 360] {
        let page = framed(directory.path(), &mail, width, 800);
        let dom = browser(&chromium, "light", (width.max(500), 800), &["--dump-dom"], &page);
        let dom = String::from_utf8_lossy(&dom).into_owned();
        let title = dom.split("<title>").nth(1).and_then(|rest| rest.split("</title>").next()).unwrap();
        let (needs, height) = title.split_once('x').unwrap();
        assert_eq!(needs, width.to_string(), "the mail is wider than {width} pixels");
        let height: u32 = height.parse().unwrap();
        assert!((1_000..9_000).contains(&height), "{height} pixels high");
        let page = framed(directory.path(), &mail, width, height);
        let mut pictures = Vec::new();
        for scheme in ["light", "dark"] {
            let picture = target.join(format!("mail-{width}-{scheme}.png"));
            let to = format!("--screenshot={}", picture.display());
            browser(&chromium, scheme, (width.max(500), height), &[&to], &page);
            pictures.push(fs::read(&picture).unwrap());
        }
        assert!(pictures.iter().all(|picture| picture.len() > 50_000), "a picture shows nothing");
        assert_ne!(pictures[0], pictures[1], "the dark mail is not dark");
    }
}
