//! The summary: what it tells, where it leads and that it fits.

use super::*;

#[test]
fn summary_tells_the_verdict_and_ties_out() {
    let mut report = Report::sample();
    let text = |report: &Report| {
        let rows = Opened::new(bytes(report)).rows("Summary");
        let line = |row: &Vec<String>| {
            row.iter().filter(|cell| !cell.is_empty()).cloned().collect::<Vec<_>>().join("|")
        };
        rows.iter().map(line).filter(|line| !line.is_empty()).collect::<Vec<_>>().join("\n")
    };
    insta::assert_snapshot!(text(&report), @r#"
    Access review|on demand
    hq, lab  ·  2026-09-21 14:13 to 2026-09-21 14:14 UTC|run 5f2a9c01d3b4e6f7  ·  recert 0.1.0
    INCOMPLETE|1|0|2|5|1|1
    open critical|open high|open findings|users|superusers|gaps
    INCOMPLETE: 1 gap, see the sheet Coverage. What was not seen proves nothing: no rule passes on it, and counts may be too low.
    Open findings by severity|Open findings by rule, the worst first|Open findings in the last 4 runs (* incomplete)
    Population|expected|seen|Look at these first|worst finding|open|What changed|since 2026-09-14, run 1c6e0d4b8a92f357
    hq: users|3|3|✓|critical|nxadmin (hq)|Local administrator without two-factor authentication|1|1|0|1|0
    hq: sites|3|3|✓|medium|=HYPERLINK("http://evil","x") (hq)|Locked account|1|new|reopened|resolved|waived
    hq: asset groups|2|2|✓|new|nxadmin is an administrator with a password alone (critical, local_admin_without_2fa)
    lab: users, incomplete|2|2|✓
    lab: sites, incomplete|3|3|✓|two factor lost|nxadmin has no second factor any more
    lab: asset groups, incomplete|2|2|✓
    resolved|The user is gone; it was: +zoe is locked (medium, locked_account)
    version changed|Console hq runs another version: 6.6.209 → 6.6.210
    Population|verdict|users expected|users seen|sites expected|sites seen|asset groups expected|asset groups seen|roles seen|requests
    hq   version 6.6.210|complete|3|3|3|3|2|2|3|120
    lab   version 6.6.210|incomplete|2|2|3|3|2|2|3|120
    Findings since the last run|new|reopened|persisting|newly judged|undecided|resolved|vanished|other changes|of administrators
    1c6e0d4b8a92f357 of 2026-09-14 14:14 UTC|1|0|1|0|0|1|1|7|1
    Undecided and vanished findings are not called new or resolved: one of the two runs did not see enough of them. Not compared: 2.
    Findings by severity|open|waived
    critical|1|0
    high|0|0
    medium|1|0
    low|0|0
    info|0|0
    all|2|0
    Open findings by rule|open|worst|code
    Local administrator without two-factor authentication|1|critical|AUTH-01
    Locked account|1|medium|LIFE-05
    Open findings, run by run|critical|high|medium|low|info|all open|users|verdict|day (UTC)
    08-31|3c6e0d4b8a92f357|1|2|4|0|0|7|6|complete|46265.59363425926
    09-07*|2c6e0d4b8a92f357|0|2|4|0|0|6|6|incomplete|46272.59363425926
    09-14|1c6e0d4b8a92f357|0|0|3|0|0|3|6|complete|46279.59363425926
    09-21*|5f2a9c01d3b4e6f7|1|0|1|0|0|2|5|incomplete|46286.59363425926
    Run
    id|5f2a9c01d3b4e6f7
    job|on demand
    configuration (SHA-256)|cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc
    started (UTC)|46286.59259259259
    finished (UTC)|46286.59363425926
    "#);
    report.run.verdict = crate::report::Completeness::Complete;
    report.findings.clear();
    report.gaps.clear();
    let complete = text(&report);
    assert!(complete.contains("COMPLETE|0|0|0|5|1|0") && !complete.contains("INCOMPLETE"), "{complete}");
    assert!(
        complete.contains("No rule found anything.") && complete.contains("No rule has an open finding.")
    );
    assert!(complete.contains("what was to be seen was seen"));
    let mut two_factor = report.coverage.iter_mut().filter(|row| row.part == "two_factor");
    two_factor.next().unwrap().state = crate::model::PartState::Undetermined;
    drop(two_factor);
    let doubtful = text(&report);
    assert!(doubtful.contains("Not determined for some of it: two factor") && !doubtful.contains("was seen"));
}

#[test]
fn rules_with_worse_findings_stand_before_those_with_more() {
    let mut report = Report::sample();
    for _ in 0..5 {
        report.findings.push(report.findings[1].clone());
    }
    let rows = Opened::new(bytes(&report)).rows("Summary");
    let start = rows.iter().position(|row| row[0] == "Open findings by rule").unwrap() + 1;
    let rule = |row: &Vec<String>| (row[16].clone(), row[10].clone());
    let rules: Vec<_> = rows[start..start + 2].iter().map(rule).collect();
    assert_eq!(rules, [("AUTH-01".into(), "1".into()), ("LIFE-05".into(), "6".into())]);
}

#[test]
fn the_summary_counts_what_is_open_and_says_what_is_beside_it() {
    let mut report = Report::sample();
    report.findings[0].state = FindingState::Waived;
    report.rules[0].original_verdict = Some(crate::finding::Verdict::Fail);
    (report.rules[0].verdict, report.rules[0].open) = (crate::finding::Verdict::Waived, 0);
    report.waivers = vec![waiver(3, WaiverState::Active), waiver(-1, WaiverState::Expired)];
    report.controls[0].state = ControlState::NotProven;
    let rows = Opened::new(bytes(&report)).rows("Summary");
    let lines: Vec<String> = rows.iter().map(|row| row.join("|")).collect();
    let says = |text: &str| lines.iter().any(|line| line.contains(text));
    assert!(says("INCOMPLETE||||||||||0|||||0|||||1||"), "{lines:?}");
    assert!(says(
        "1 finding waived beside the open ones, 1 waiver in force for 30 days or less, 1 waiver expired"
    ));
    assert!(says("1 of 1 controls not proven"));
    let first = rows.iter().position(|row| row[0] == "Open findings by rule").unwrap() + 1;
    assert_eq!(rows[first][16], "LIFE-05");
    report.findings[1].state = FindingState::Waived;
    let rows = Opened::new(bytes(&report)).rows("Summary");
    assert!(rows.iter().any(|row| row.iter().any(|cell| cell == "Every finding is waived.")));
}

#[test]
fn the_summary_leads_to_the_findings_of_the_worst_subjects() {
    let places = places(&bytes(&Report::sample()), 1);
    for place in ["'Findings'!A4", "'Findings'!A5", "'Coverage'!A1"] {
        assert!(places.iter().any(|known| known == place), "{places:?}");
    }
}

/// What an attribute of every element of a name says.
fn attributes<'x>(text: &'x str, element: &'x str, name: &'x str) -> impl Iterator<Item = &'x str> {
    let elements = text.split(element).skip(1).map(|rest| rest.split('>').next().unwrap());
    elements.map(move |rest| {
        let at = rest.find(&format!("{name}=\"")).map(|at| &rest[at + name.len() + 2..]);
        at.map_or("", |rest| rest.split('"').next().unwrap())
    })
}

#[test]
fn the_summary_fits_one_screen() {
    let mut report = Report::sample();
    for _ in 0..30 {
        report.findings.push(report.findings[1].clone());
        report.consoles.push(report.consoles[1].clone());
    }
    let packed = bytes(&report);
    let sheet = sheet(&packed, 1);
    let fold: usize = attributes(&sheet, "<brk", "id").next().unwrap().parse().unwrap();
    let points: f64 =
        attributes(&sheet, "<row", "ht").take(fold).map(|points| points.parse().unwrap_or(15.0)).sum();
    assert!(points * 96.0 / 72.0 <= 560.0, "{} pixels high", points * 96.0 / 72.0);
    let columns = attributes(&sheet, "<col ", "min").zip(attributes(&sheet, "<col ", "max"));
    let widths = attributes(&sheet, "<col ", "width").map(|width| width.parse::<f64>().unwrap() * 7.0);
    let pixels: f64 = columns
        .zip(widths)
        .map(|((min, max), width)| width * (max.parse::<f64>().unwrap() - min.parse::<f64>().unwrap() + 1.0))
        .sum();
    assert!(pixels <= 1_290.0, "{pixels} pixels wide");
    let charts = parts(&packed).iter().filter(|(name, _)| name.starts_with("xl/charts/chart")).count();
    assert_eq!(charts, 3);
    assert!(Opened::new(packed).rows("Summary")[..fold].iter().any(|row| row[0].ends_with("more, below")));
}
