//! The mails of the sample, and of reports that are larger, emptier or more hostile than it.

mod directory;
mod hostile;
mod waivers;

use super::*;
use crate::finding::Severity;
use crate::report::{Change, Completeness, ControlState};

/// What means something to a parser, a template, a mail server, a terminal or a reader.
const HOSTILE: &str = "</style></title><script>x</script>{{ 7*7 }}{% raw %}\"'><img src=x onerror=y>\u{202e}\u{1b}[31m\0\r\nBcc: eve@evil.example";

/// Gmail cuts a mail off at 102 kB.
const CLIPPED: usize = 90_000;

fn context() -> MailContext<'static> {
    MailContext {
        kind: MailKind::Report,
        attached: Attached::Files(&["report.xlsx", "report.html"]),
        lies_at: Some(Path::new("/var/lib/recert/reports/weekly")),
        host: "review-01",
        head: None,
    }
}

#[test]
fn the_head_of_the_chain_is_in_both_forms_of_every_mail_and_unsigned_is_said() {
    let sha256 = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";
    let head = |key| Some(ChainHead { index: 1234, sha256, key });
    for kind in [MailKind::Report, MailKind::Heartbeat] {
        let signed =
            mail_of(&complete(), &MailContext { kind, head: head(Some("E221A1854B7A0A12")), ..context() });
        let unsigned = mail_of(&complete(), &MailContext { kind, head: head(None), ..context() });
        for (mail, by) in [(signed, "signed by E221A1854B7A0A12"), (unsigned, "unsigned")] {
            for form in [&mail.text, &mail.html] {
                assert!(form.contains(sha256) && form.contains("1234") && form.contains(by), "{form}");
            }
        }
    }
    assert!(!mail_of(&complete(), &context()).text.contains("head of the chain"));
}

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn mail_of(report: &Report, context: &MailContext<'_>) -> Mail {
    report_mail(report, context, &Templates::builtin()).unwrap()
}

/// A weekly run without changes, as if nothing had been missing.
fn complete() -> Report {
    let mut report = Report::sample();
    report.run.job = Some("weekly".into());
    report.run.verdict = Completeness::Complete;
    report.consoles.iter_mut().for_each(|console| console.verdict = Completeness::Complete);
    report.gaps.clear();
    report.changes.clear();
    report.comparison.as_mut().unwrap().uncompared.clear();
    report
}

fn complete_but(change: impl FnOnce(&mut Report)) -> Report {
    let mut report = complete();
    change(&mut report);
    report
}

fn change(kind: &'static str, what: &'static str, text: &str) -> Change {
    Change {
        console: "hq".into(),
        kind,
        change: what,
        id: "1".into(),
        name: text.into(),
        summary: text.into(),
        administrator: false,
        resolved: None,
    }
}

fn alarm() -> Alarm<'static> {
    Alarm {
        run: "5f2a9c01d3b4e6f7",
        job: "weekly",
        slot: at("2026-09-21T14:00:00Z"),
        attempts: 3,
        error: "console hq: no answer in time\nconsole lab: refuses the password of svc-recert",
        consoles: &["hq", "lab"],
        last_success: Some(at("2026-09-14T14:14:00Z")),
        next_slot: Some(at("2026-09-28T14:00:00Z")),
        host: "review-01",
    }
}

/// The text without its line breaks.
fn flat(mail: &Mail) -> String {
    mail.text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// What both parts say; the markup without its tags.
fn assert_says(mail: &Mail, text: &str) {
    assert!(flat(mail).contains(text), "{text:?} is not in the text:\n{}", mail.text);
    let shown: String =
        mail.html.split('<').skip(1).filter_map(|part| part.split_once('>')).map(|(_, text)| text).collect();
    let shown = shown.split_whitespace().collect::<Vec<_>>().join(" ").replace("&nbsp;", " ");
    assert!(shown.contains(text), "{text:?} is not in the markup:\n{shown}");
}

fn between<'a>(text: &'a str, start: &str, end: &str) -> &'a str {
    let (_, rest) = text.split_once(start).unwrap_or_else(|| panic!("no {start}: {text}"));
    rest.split_once(end).unwrap_or_else(|| panic!("no {end} after {start}: {text}")).0
}

fn assert_harmless(mail: &Mail) {
    let invisible = |character: char| {
        (character.is_control() && character != '\n') || ('\u{202a}'..='\u{202e}').contains(&character)
    };
    for part in [&mail.html, &mail.text, &mail.subject] {
        assert!(!part.contains(invisible), "{part}");
    }
    assert!(!mail.subject.contains('\n'), "{}", mail.subject);
    for start in ["<script", "<img", "</style></title>", "<link", "<iframe"] {
        assert!(!mail.html.contains(start), "{start}");
    }
    assert!(!mail.text.contains("49") && !mail.html.contains(">49"), "no text is a template");
}

#[test]
fn the_first_lines_say_what_was_reviewed_and_that_it_is_incomplete() {
    let mail = mail_of(&Report::sample(), &context());
    let lines: Vec<&str> = mail.text.lines().collect();
    assert_eq!(lines[0], "Access review of hq, lab");
    assert!(lines[3].starts_with("INCOMPLETE: 1 gap on 1 of 2 consoles."), "{}", mail.text);
    assert_eq!(mail.subject, "INCOMPLETE [recert] hq, lab — 1 critical, 1 medium");
    assert_says(&mail, "Do not sign this off as a full review.");
    let place = |text: &str| mail.html.find(text).unwrap_or_else(|| panic!("no {text}"));
    assert!(place(">INCOMPLETE<") < place("Not seen") && place("Not seen") < place("2 open findings"));
    assert!(mail.text.contains("\n     1  user sites on lab: unavailable\n"), "{}", mail.text);
    assert!(!flat(&mail).contains(" COMPLETE"));
}

#[test]
fn a_complete_report_says_so_with_its_job_and_its_findings_by_severity() {
    let mail = mail_of(&complete(), &context());
    assert_eq!(mail.subject, "[recert] weekly: hq, lab — 1 critical, 1 medium");
    assert_says(&mail, "on all consoles that should have been seen was seen.");
    assert!(!mail.html.contains("INCOMPLETE") && !mail.text.contains("INCOMPLETE"));
    assert!(mail.text.contains("\nJob        weekly\n"));
    assert!(mail.text.contains(&format!("\nCritical       1  {}\n", "#".repeat(52))));
    assert!(mail.text.contains("\nHigh           0\n"));
}

#[test]
fn what_could_not_be_determined_is_said() {
    let mail = mail_of(
        &complete_but(|report| {
            let rows = report.coverage.iter_mut().filter(|row| row.part == "two_factor");
            rows.for_each(|row| row.state = crate::model::PartState::Undetermined);
        }),
        &context(),
    );
    assert_says(&mail, "Two-factor state could not be determined for some accounts.");
    assert!(!flat(&mail).contains("was seen"));
}

#[test]
fn a_late_run_says_how_late_and_what_it_stands_for() {
    let late = |minutes, collapsed| {
        complete_but(|report| {
            report.run.slot = Some(report.run.started - chrono::TimeDelta::minutes(minutes));
            report.run.collapsed = collapsed;
        })
    };
    let mail = mail_of(&late(130, 2), &context());
    assert_says(&mail, "this run started 2 h 10 min after it was due.");
    assert_says(&mail, "It stands for 2 earlier slots that were missed, too.");
    let mail = mail_of(&late(9, 0), &context());
    assert!(mail.text.contains("\nDue        2026-09-21 14:0"), "{}", mail.text);
    assert!(!mail.text.contains("LATE") && !mail.html.contains("Late:"));
}

#[test]
fn changes_are_counted_by_kind_and_the_first_are_told() {
    let report = complete_but(|report| {
        let line = |number: u32| change("user", "removed", &format!("leaver-{number} was removed"));
        report.changes.push(change("finding", "new", "mia is new here"));
        report.changes.extend((1..=20).map(line));
    });
    let mail = mail_of(&report, &context());
    assert!(mail.text.contains("\nWHAT CHANGED SINCE 2026-09-14 14:14 UTC\n"));
    assert!(mail.text.contains("\n     1  finding: new\n    20  user: removed\n"), "{}", mail.text);
    assert!(mail.text.contains("\n- hq: mia is new here\n- hq: leaver-1 was removed\n"));
    assert_says(&mail, "and 13 more changes");
    assert!(!mail.text.contains("leaver-8 "));
}

#[test]
fn nothing_to_compare_with_is_not_nothing_new() {
    let first = mail_of(&complete_but(|report| report.comparison = None), &context());
    assert_says(&first, "There is no earlier run to compare with.");
    let same = mail_of(&complete(), &context());
    assert_says(&same, "Nothing is different from that run.");
    let uncompared = Report::sample().comparison.unwrap().uncompared;
    let partly = mail_of(
        &complete_but(|report| report.comparison.as_mut().unwrap().uncompared.clone_from(&uncompared)),
        &context(),
    );
    assert_says(&partly, "could not be compared: nothing is claimed there");
}

#[test]
fn the_worst_findings_come_first_and_the_others_are_counted() {
    let report = complete_but(|report| {
        let high = crate::report::FindingRow { severity: Severity::High, ..report.findings[0].clone() };
        report.findings.splice(1..1, std::iter::repeat_n(high, 30));
    });
    let mail = mail_of(&report, &context());
    let worst = between(&mail.text, "THE WORST FINDINGS", "THE FILES");
    assert_eq!(worst.matches("nxadmin (user on hq)").count(), 8);
    assert!(worst.find("\nCritical").unwrap() < worst.find("\nHigh").unwrap());
    assert!(!worst.contains("\nMedium"));
    assert_says(&mail, "and 24 more findings");
    assert_eq!(mail.subject, "[recert] weekly: hq, lab — 1 critical, 30 high");
}

#[test]
fn controls_of_which_nothing_is_proven_are_counted() {
    let mail =
        mail_of(&complete_but(|report| report.controls[0].state = ControlState::NotProven), &context());
    assert_says(&mail, "1 of 1 control is not proven: nothing was found");
    assert!(!flat(&mail_of(&complete(), &context())).contains("not proven"));
}

#[test]
fn without_findings_it_says_so() {
    let clean = complete_but(|report| report.findings.clear());
    let mail = mail_of(&clean, &context());
    assert_eq!(mail.subject, "[recert] weekly: hq, lab — no findings");
    assert_says(&mail, "No rule found anything.");
    let mut clean = Report::sample();
    clean.findings.clear();
    let mail = mail_of(&clean, &context());
    assert_says(&mail, "No rule found anything in what was seen. That proves nothing about the rest.");
}

#[test]
fn a_heartbeat_says_that_nothing_is_new_only_if_that_was_compared() {
    let heartbeat =
        MailContext { kind: MailKind::Heartbeat, attached: Attached::Nothing, lies_at: None, ..context() };
    let mail = mail_of(&complete(), &heartbeat);
    assert_eq!(mail.subject, "[recert] weekly: hq, lab — nothing new since 2026-09-14 14:14 UTC");
    assert_says(&mail, "2 findings still stand. This mail says that the review runs and is still watching.");
    assert!(
        mail.text.contains("\nNOTHING NEW SINCE 2026-09-14 14:14 UTC\n") && mail.html.contains("Nothing new")
    );
    assert!(!mail.text.contains("THE WORST FINDINGS") && !mail.text.contains("THE FILES"));

    let first = complete_but(|report| report.comparison = None);
    let changed = complete_but(|report| report.changes.push(change("user", "added", "mia was added")));
    for mail in [mail_of(&first, &heartbeat), mail_of(&changed, &heartbeat)] {
        assert_eq!(mail.subject, "[recert] weekly: hq, lab — 1 critical, 1 medium");
        assert!(!mail.text.contains("NOTHING NEW") && !mail.html.contains("Nothing new"));
        assert_says(&mail, "still watching");
    }
    let mut incomplete = Report::sample();
    incomplete.changes.clear();
    assert!(mail_of(&incomplete, &heartbeat).subject.starts_with("INCOMPLETE [recert] "));
}

#[test]
fn it_says_how_to_get_the_files() {
    assert_says(
        &mail_of(&complete(), &context()),
        "The files lie on review-01 in /var/lib/recert/reports/weekly",
    );
    let zip = mail_of(&complete(), &MailContext { attached: Attached::Zip("weekly.zip"), ..context() });
    assert_says(&zip, "All files are attached in one archive");
    assert!(zip.text.contains("\n  weekly.zip\n"));
    let sha256 = "0123456789abcdef".repeat(4);
    let files = [LeftFile { name: "report.xlsx", size: 31_400_000, sha256: &sha256 }];
    let left = MailContext { attached: Attached::Left { limit: 10_000_000, files: &files }, ..context() };
    let mail = mail_of(&complete(), &left);
    assert_says(&mail, "Nothing is attached: the files are larger than the 10 MB that this mail may carry.");
    assert!(mail.text.contains(&format!("\nreport.xlsx, 31.4 MB\n  {sha256}\n")), "{}", mail.text);
    assert!(mail.html.contains(&sha256));
    let nothing = MailContext { attached: Attached::Nothing, lies_at: None, ..context() };
    assert_says(&mail_of(&complete(), &nothing), "No file is attached.");
}

#[test]
fn an_alarm_says_what_did_not_happen_why_and_what_is_next() {
    let mail = alarm_mail(&alarm(), &Templates::builtin()).unwrap();
    assert_eq!(mail.subject, "FAILED [recert] weekly: hq, lab — no report for 2026-09-21 14:00 UTC");
    assert!(mail.text.starts_with("FAILED: no access review of hq, lab\n"));
    assert_says(&mail, "failed in 3 attempts. There is no report of it");
    for line in alarm().error.lines() {
        assert!(mail.text.contains(&format!("\n{line}\n")) && mail.html.contains(line), "{}", mail.text);
    }
    assert!(
        mail.text.contains("\nLast report    2026-09-14 14:14 UTC\nNext attempt   2026-09-28 14:00 UTC\n")
    );
    let never =
        Alarm { last_success: None, next_slot: None, attempts: 1, error: "", consoles: &[], ..alarm() };
    let mail = alarm_mail(&never, &Templates::builtin()).unwrap();
    assert_eq!(mail.subject, "FAILED [recert] weekly — no report for 2026-09-21 14:00 UTC");
    assert!(mail.text.contains("\nLast report    never\nNext attempt   not planned\n"), "{}", mail.text);
    assert_says(&mail, "No reason was given.");
}

#[test]
fn it_asks_for_nothing_and_its_styles_are_on_the_elements() {
    let plain = complete_but(|report| report.findings[1].subject_name = "leo".into());
    let mail = mail_of(&plain, &context());
    let style = between(&mail.html, "<style data-css-inline=\"keep\">", "</style>");
    assert!(style.contains("(prefers-color-scheme: dark)") && style.contains("(max-width: 520px)"));
    assert_eq!(
        mail.html.matches("<style").count(),
        2,
        "that one and Outlook's; the first is on the elements"
    );
    for text in ["http", "url(", "@import", " src=", " href=", "var(", "flex", "grid"] {
        assert!(!mail.html.replace("http-equiv", "").contains(text), "{text}");
    }
    let sheet = between(&mail.html, "<table class=\"sheet\"", ">");
    assert!(sheet.contains("font-family:") && sheet.contains("color:#18202c"), "{sheet}");
    let badge = between(&mail.html, "<span class=\"badge critical\"", ">");
    assert!(badge.contains("background-color:#8e1018") && badge.contains("color:#ffffff"), "{badge}");
    assert!(mail.html.contains("<meta name=\"color-scheme\" content=\"light dark\">"));
}

#[test]
fn equal_reports_give_equal_bytes() {
    assert_eq!(mail_of(&Report::sample(), &context()), mail_of(&Report::sample(), &context()));
}
