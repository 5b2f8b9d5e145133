//! Text that means something to whoever reads it next, and reports of any size.

use super::waivers::waiver;
use super::*;
use crate::report::{WaiverRow, WaiverState};

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
