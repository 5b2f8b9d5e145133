//! Waived findings, and waivers to decide about.

use super::*;
use crate::report::{FindingState, WaiverRow, WaiverState};

#[test]
fn waived_findings_are_counted_apart() {
    let report = complete_but(|report| report.findings[0].state = FindingState::Waived);
    let mail = mail_of(&report, &context());
    assert_eq!(mail.subject, "[recert] weekly: hq, lab — 1 medium");
    assert!(mail.text.contains("\nOPEN FINDINGS: 1 (1 more waived)\n") && !mail.text.contains("nxadmin"));
    assert!(mail.html.contains("and 1 waived"));
}

/// A waiver that ends so many days after the run.
pub(super) fn waiver(rule: &str, days_left: i64, state: WaiverState) -> WaiverRow {
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
