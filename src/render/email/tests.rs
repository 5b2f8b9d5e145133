//! The mails of the sample, and of reports that are larger, emptier or more hostile than it.

use super::*;
use crate::finding::Severity;
use crate::render::TemplateError;
use crate::report::{Change, Completeness, ControlState, FindingState, WaiverRow, WaiverState};

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
fn waived_findings_are_counted_apart() {
    let report = complete_but(|report| report.findings[0].state = FindingState::Waived);
    let mail = mail_of(&report, &context());
    assert_eq!(mail.subject, "[recert] weekly: hq, lab — 1 medium");
    assert!(mail.text.contains("\nOPEN FINDINGS: 1 (1 more waived)\n") && !mail.text.contains("nxadmin"));
    assert!(mail.html.contains("and 1 waived"));
}

/// A waiver that ends so many days after the run.
fn waiver(rule: &str, days_left: i64, state: WaiverState) -> WaiverRow {
    WaiverRow {
        rule: rule.into(),
        console: None,
        subject: Some("svc-scan".into()),
        finding: None,
        reason: "on leave".into(),
        approved_by: "Maria Boss".into(),
        expires: (at("2026-09-21T00:00:00Z") + chrono::TimeDelta::days(days_left)).date_naive(),
        days_left,
        ticket: None,
        state,
        findings: 1,
    }
}

#[test]
fn waivers_to_decide_about_are_told_the_most_urgent_first() {
    let report = complete_but(|report| {
        report.waivers = vec![
            waiver("ended", -5, WaiverState::Expired),
            waiver("ends_now", 7, WaiverState::Active),
            waiver("ends_soon", 30, WaiverState::Active),
            waiver("later", 31, WaiverState::Active),
            waiver("of_another_console", 1, WaiverState::Elsewhere),
            waiver("covers_nothing", 90, WaiverState::Unused),
        ];
    });
    let mail = mail_of(&report, &context());
    let block = between(&mail.text, "WAIVERS TO DECIDE ABOUT: 4\n", "\n Users ");
    let places = ["ends_now", "ended for", "ends_soon", "covers_nothing"].map(|rule| block.find(rule));
    assert!(places.iter().all(Option::is_some) && places.is_sorted(), "{block}");
    assert!(!block.contains("later") && !block.contains("of_another_console"), "{block}");
    assert_says(&mail, "ends in 7 days, on 2026-09-28");
    assert_says(&mail, "ended 5 days ago, on 2026-09-16; 1 finding is not covered by it any more");
    assert_says(&mail, "covers nothing that was found");
    assert!(mail.text.contains("\n! ENDS     ends in 7 days"), "{}", mail.text);
    assert!(flat(&mail).contains("ends_now for svc-scan, approved by Maria Boss"));
    assert_eq!(mail.html.matches("class=\"warn\"").count(), 2, "those within a week, and those that ended");
    let quiet = mail_of(&complete_but(|report| report.waivers.truncate(0)), &context());
    assert!(!quiet.text.contains("WAIVERS") && !quiet.html.contains("Waivers to decide"));
}

#[test]
fn if_every_finding_is_waived_it_does_not_say_that_none_was_found() {
    let report = complete_but(|report| {
        report.findings.iter_mut().for_each(|finding| finding.state = FindingState::Waived);
    });
    let mail = mail_of(&report, &context());
    assert_eq!(mail.subject, "[recert] weekly: hq, lab — no open findings");
    assert_says(&mail, "Every finding is waived.");
    assert!(!flat(&mail).contains("No rule found anything"));
    let heartbeat = MailContext { kind: MailKind::Heartbeat, ..context() };
    assert_says(&mail_of(&report, &heartbeat), "There are no open findings; 2 are waived.");
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
fn hostile_text_is_shown_and_does_nothing() {
    let mut report = Report::sample();
    report.run.id = HOSTILE.into();
    report.run.job = Some(HOSTILE.into());
    report.run.configuration = HOSTILE.into();
    report.findings.iter_mut().for_each(|finding| {
        finding.subject_name = HOSTILE.into();
        finding.summary = HOSTILE.into();
        finding.title = HOSTILE.into();
    });
    report.changes = vec![change("user", "renamed", HOSTILE)];
    report.waivers = vec![WaiverRow {
        console: Some(HOSTILE.into()),
        subject: Some(HOSTILE.into()),
        approved_by: HOSTILE.into(),
        ..waiver(HOSTILE, 3, WaiverState::Active)
    }];
    let files = [LeftFile { name: HOSTILE, size: 1, sha256: HOSTILE }];
    for attached in
        [Attached::Files(&[HOSTILE]), Attached::Zip(HOSTILE), Attached::Left { limit: 1, files: &files }]
    {
        let context = MailContext { attached, lies_at: Some(Path::new(HOSTILE)), host: HOSTILE, ..context() };
        let mail = mail_of(&report, &context);
        assert_harmless(&mail);
        assert_says_hostile(&mail);
    }
    let alarm = Alarm {
        run: HOSTILE,
        job: HOSTILE,
        error: HOSTILE,
        consoles: &[HOSTILE, HOSTILE],
        host: HOSTILE,
        ..alarm()
    };
    let mail = alarm_mail(&alarm, &Templates::builtin()).unwrap();
    assert_harmless(&mail);
    assert_says_hostile(&mail);
}

/// It is there, as what it is.
fn assert_says_hostile(mail: &Mail) {
    assert!(mail.text.contains("{{ 7*7 }}"), "{}", mail.text);
    assert!(mail.html.contains("&lt;script&gt;x&lt;/script&gt;{{ 7*7 }}"), "{}", mail.html);
    assert!(mail.text.contains(r"\u{202e}"), "{}", mail.text);
}

#[test]
fn the_subject_is_one_bounded_line_without_text_of_a_console() {
    let mut report = Report::sample();
    report.run.job = Some(format!("week\r\nly {}", "x".repeat(500)));
    report.consoles.iter_mut().for_each(|console| console.name = "ü\n".repeat(500));
    report.findings.iter_mut().for_each(|finding| finding.subject_name = "eve".into());
    let subject = mail_of(&report, &context()).subject;
    assert!(subject.starts_with(r"INCOMPLETE [recert] week\u{d}\u{a}ly xxx"), "{subject}");
    assert!(subject.chars().count() < 250 && !subject.contains(char::is_control) && !subject.contains("eve"));
}

#[test]
fn no_report_makes_a_mail_that_is_clipped_or_overflows_its_lines() {
    for text in [
        "<\u{202e}\"&'".repeat(2_000),
        "\u{10ffff}".repeat(2_000),
        "x".repeat(10_000),
        "😀 ".repeat(2_000),
        "&".repeat(10_000),
    ] {
        let mut report = Report::sample();
        let (console, coverage) = (report.consoles[0].clone(), report.coverage.clone());
        let (finding, gap) = (report.findings[0].clone(), report.gaps[0].clone());
        report.run.job = Some(text.clone());
        report.run.id = text.clone();
        let mut run = report.trend[0].clone();
        run.findings.values_mut().for_each(|findings| *findings = 99_999);
        report.trend = vec![run; 12];
        for number in 0..300 {
            let name = format!("{number}{text}");
            report.consoles.push(crate::report::ConsoleSummary { name: name.clone(), ..console.clone() });
            report.coverage.extend(
                coverage
                    .iter()
                    .map(|row| crate::report::CoverageRow { console: name.as_str().into(), ..row.clone() }),
            );
            report.waivers.push(WaiverRow {
                console: Some(name.clone()),
                subject: Some(name.clone()),
                approved_by: name.clone(),
                ..waiver(&name, 3, WaiverState::Active)
            });
            report.gaps.push(crate::report::GapRow { console: name.as_str().into(), ..gap.clone() });
            report.changes.push(change("authentication_source", "version_changed", &name));
            report.findings.push(crate::report::FindingRow {
                console: name.as_str().into(),
                subject_name: name.clone(),
                summary: name.clone(),
                severity: Severity::Critical,
                ..finding.clone()
            });
        }
        let names = vec![text.as_str(); 300];
        let files = vec![LeftFile { name: &text, size: u64::MAX, sha256: &text }; 300];
        let context = MailContext {
            attached: Attached::Left { limit: u64::MAX, files: &files },
            lies_at: Some(Path::new(&text)),
            host: &text,
            ..context()
        };
        let error = format!("{text}\n\n").repeat(300);
        let alarm = Alarm { job: &text, run: &text, error: &error, consoles: &names, host: &text, ..alarm() };
        let (mail, alarm) = (mail_of(&report, &context), alarm_mail(&alarm, &Templates::builtin()).unwrap());
        assert_says(&alarm, "and 288 more lines, all of them in the log");
        assert_says(&mail, "and 290 more consoles");
        assert_says(&mail, "and 289 more parts");
        for mail in [mail, alarm] {
            assert!(mail.html.len() < CLIPPED, "{} bytes", mail.html.len());
            // A path is copied, so it stands on a line of its own whatever that holds.
            let path = format!("  {}", Text::line(&text, 500));
            let long = mail.text.lines().find(|line| line.chars().count() > 72 && *line != path);
            assert_eq!(long, None, "{}", mail.text);
        }
    }
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

/// The error of a directory that holds `source` as the template `name`.
fn refused(name: &str, source: &str) -> String {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join(name), source).unwrap();
    let error = Templates::from_directory(directory.path()).unwrap_err();
    assert!(matches!(error, TemplateError::Broken { .. }));
    let error = error.to_string();
    error.strip_prefix(&format!("{}/", directory.path().display())).expect("the file").to_owned()
}

#[test]
fn a_broken_template_is_refused_with_file_line_and_reason() {
    for name in ["email.html", "email.txt"] {
        let open = refused(name, "<p>\n{% if alarm %}\n");
        assert!(open.starts_with(&format!("{name}:2: syntax error")), "{open}");
        let unknown = refused(name, "<p>\n{{ subjct }}");
        assert!(unknown.starts_with(&format!("{name}:2: undefined value")), "{unknown}");
        let report = refused(name, "{% if review is not none %}\n\n{{ review.findngs }}{% endif %}");
        assert!(report.starts_with(&format!("{name}:3: undefined value")), "{report}");
        let alarm = refused(name, "{% if alarm is not none %}\n{{ alarm.slott }}{% endif %}");
        assert!(alarm.starts_with(&format!("{name}:2: undefined value")), "{alarm}");
        let heartbeat = refused(name, "{% if kind == 'heartbeat' %}\n{{ nothing }}{% endif %}");
        assert!(heartbeat.starts_with(&format!("{name}:2: undefined value")), "{heartbeat}");
        for list in [
            "gaps",
            "waivers",
            "consoles",
            "changes",
            "change_counts",
            "findings",
            "files.left",
            "files.names",
        ] {
            let row = format!(
                "{{% if review is not none %}}{{% for row in review.{list}.rows %}}\n{{{{ row.nme }}}}{{% endfor %}}{{% endif %}}"
            );
            assert!(refused(name, &row).starts_with(&format!("{name}:2: undefined value")), "{list}");
        }
        assert!(refused(name, "{{ 'x' * 1700000000 }}").contains("engine ran out of fuel"));
        assert!(refused(name, "{{ names|safe }}").starts_with(&format!("{name}:1: unknown filter")));
    }
}

#[test]
fn a_file_in_the_directory_replaces_one_part_and_leaves_the_others() {
    let directory = tempfile::tempdir().unwrap();
    let source = "{% if review is not none %}<i>{{ review.findings.rows|map(attribute='subject')|join('|') }}</i>{% endif %}";
    std::fs::write(directory.path().join("email.html"), source).unwrap();
    let templates = Templates::from_directory(directory.path()).unwrap();
    let mut report = Report::sample();
    report.findings[0].subject_name = "<script>alert(1)</script>".into();
    let mail = report_mail(&report, &context(), &templates).unwrap();
    assert!(mail.html.contains("<i>&lt;script&gt;alert(1)&lt;/script&gt;|=HYPERLINK"), "{}", mail.html);
    assert_eq!(mail.text, mail_of(&report, &context()).text);

    std::fs::remove_file(directory.path().join("email.html")).unwrap();
    std::fs::write(directory.path().join("email.txt"), "{{ subject }}\n\n\n\n& {{ host }}  \n").unwrap();
    let templates = Templates::from_directory(directory.path()).unwrap();
    let mail = report_mail(&report, &context(), &templates).unwrap();
    assert_eq!(mail.text, format!("{}\n\n& review-01\n", mail.subject));
    assert_eq!(mail.html, mail_of(&report, &context()).html);
}
