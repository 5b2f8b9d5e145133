//! Waived findings and waivers.

use super::*;
use crate::report::{FindingState, WaiverRow, WaiverState};

/// The sample with its worst finding waived, and a waiver in each state.
pub(super) fn waived() -> Report {
    let mut report = complete();
    let rule = report.findings[0].rule.clone();
    report.findings[0].state = FindingState::Waived;
    report.findings[0].waiver = Some("on leave; approved by Maria Boss (T-1)".into());
    report.findings[0].waiver_expires = "2026-12-31T23:59:59Z".parse().ok();
    let row = report.rules.iter_mut().find(|row| *row.id == *rule && row.findings > 0).unwrap();
    (row.original_verdict, row.verdict, row.open) = (Some(Verdict::Fail), Verdict::Waived, 0);
    report.waivers = [
        (WaiverState::Expired, -5),
        (WaiverState::Active, 3),
        (WaiverState::Unused, 20),
        (WaiverState::Elsewhere, 90),
    ]
    .map(|(state, days_left)| WaiverRow {
        rule: "locked_account".into(),
        console: None,
        subject: Some(format!("{}-subject", state.as_str())),
        finding: None,
        reason: "on leave".into(),
        approved_by: "Maria Boss".into(),
        expires: (report.run.finished + chrono::TimeDelta::days(days_left)).date_naive(),
        days_left,
        ticket: Some("T-1".into()),
        state,
        findings: 1,
    })
    .into();
    report
}

#[test]
fn what_is_waived_is_marked_and_counted_apart() {
    let page = page(&waived());
    let figures = between(&page, "<dl class=\"figures\">", "</dl>");
    for (what, count) in [("Open findings", 1), ("Waived findings", 1)] {
        assert!(figures.contains(&format!("<dt>{what}</dt><dd>{count}</dd>")), "{what}: {figures}");
    }
    let bars = between(&page, "<dl class=\"bars\">", "</dl>");
    assert_eq!(bars.matches("<div class=\"zero\">").count(), 4, "only the medium one is open");
    let findings = between(&page, "<section id=\"findings\"", "</section>");
    assert!(findings.contains("1 open finding and 1 waived of 2 rules"));
    let place = |rule: &str| findings.find(&format!("id=\"r-{rule}\"")).unwrap();
    assert!(place("locked_account") < place("local_admin_without_2fa"), "what is open comes first");
    let row = between(findings, "id=\"r-local_admin_without_2fa\"", "</article>");
    assert!(
        row.contains("0 open findings, 1 waived")
            && row.contains("<span class=\"badge v-waived\">Waived</span>")
    );
    assert!(
        row.contains(
            "</strong> until 2026-12-31 23:59 UTC: <bdi>on leave; approved by Maria Boss (T-1)</bdi>"
        )
    );
    let rules = between(&page, "<section id=\"rules\"", "</section>");
    assert!(rules.contains("Waived</span><span class=\"sub nowrap\">was fail</span>"));
}

#[test]
fn the_open_findings_of_a_rule_stand_before_the_waived_ones() {
    let report = complete_but(|report| {
        let mut other = report.findings[1].clone();
        (other.id, other.state) = ("0".repeat(20), FindingState::Waived);
        report.findings.insert(1, other);
    });
    let page = page(&report);
    let place = |id: &str| page.find(&format!("<tr id=\"finding-{id}\" ")).expect(id);
    assert!(place(&report.findings[2].id) < place(&report.findings[1].id));
}

#[test]
fn every_waiver_is_on_the_page_with_its_end() {
    let page = page(&waived());
    let section = between(&page, "<section id=\"waivers\"", "</section>");
    assert_eq!(rows(&page, "waivers"), 4 + 1);
    for (state, end) in [
        ("Expired", "<span class=\"warn\">5 days ago</span>"),
        ("Active", "<span class=\"warn\">3 days left</span>"),
        ("Unused", "<strong>20 days left</strong>"),
        ("Elsewhere", "90 days left"),
    ] {
        let row = between(section, &format!("\">{state}</span>"), "</tr>");
        assert!(row.contains(end) && row.contains("Maria Boss") && row.contains("T-1"), "{state}: {row}");
    }
    let none = self::page(&complete());
    assert!(between(&none, "<section id=\"waivers\"", "</section>").contains("No waivers are configured."));
}
