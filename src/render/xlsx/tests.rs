//! The workbook, read back cell by cell.

use std::io::{Cursor, Read};

use calamine::{Data, Reader, Xlsx};

use super::*;
use crate::finding::{Severity, SubjectKind};
use crate::model::{Confidence, MatchedBy, TwoFactor};
use crate::report::{ControlState, FindingState, Scopes, WaiverRow, WaiverState};

const SHEETS: [&str; 16] = [
    "Summary",
    "Findings",
    "Users",
    "People",
    "Access matrix (hq)",
    "Access matrix (lab)",
    "Roles and privileges",
    "Privileges",
    "Sites",
    "Asset groups",
    "Changes",
    "Not compared",
    "Waivers",
    "Rules",
    "Controls",
    "Coverage",
];

fn bytes(report: &Report) -> Vec<u8> {
    let mut out = Vec::new();
    super::report(report, &mut out).unwrap();
    out
}

/// A workbook as somebody else reads it.
struct Opened(Xlsx<Cursor<Vec<u8>>>);

impl Opened {
    fn new(bytes: Vec<u8>) -> Self {
        Self(Xlsx::new(Cursor::new(bytes)).unwrap())
    }

    fn within(report: &Report, limits: Limits) -> Self {
        let mut out = Vec::new();
        within(report, limits, &mut out).unwrap();
        Self::new(out)
    }

    fn rows(&mut self, sheet: &str) -> Vec<Vec<String>> {
        let range = self.0.worksheet_range(sheet).unwrap();
        range.rows().map(|row| row.iter().map(Data::to_string).collect()).collect()
    }

    /// The rows under the header, empty cells at the end left out.
    fn body(&mut self, sheet: &str) -> Vec<String> {
        let rows = self.rows(sheet);
        rows[HEAD_ROWS as usize..].iter().map(|row| row.join("|").trim_end_matches('|').to_owned()).collect()
    }

    fn header(&mut self, sheet: &str) -> String {
        self.rows(sheet)[HEAD_ROWS as usize - 1].join("|").trim_end_matches('|').to_owned()
    }
}

fn sample() -> Opened {
    Opened::new(bytes(&Report::sample()))
}

/// Every part of the package: name and text.
fn parts(bytes: &[u8]) -> Vec<(String, String)> {
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).unwrap();
    (0..archive.len())
        .map(|index| {
            let mut part = archive.by_index(index).unwrap();
            let mut text = String::new();
            part.read_to_string(&mut text).unwrap();
            (part.name().unwrap().into_owned(), text)
        })
        .collect()
}

#[test]
fn sheets_stand_in_the_agreed_order() {
    assert_eq!(sample().0.sheet_names(), SHEETS);
    let mut single = Report::sample();
    single.consoles.truncate(1);
    assert_eq!(Opened::new(bytes(&single)).0.sheet_names()[3], "Access matrix");
}

#[test]
fn every_row_of_the_report_is_on_its_sheet() {
    let (report, mut book) = (Report::sample(), sample());
    let mut count = |sheet: &str| book.body(sheet).len();
    assert_eq!(count("Findings"), report.findings.len());
    assert_eq!(count("Users"), report.users.len());
    assert_eq!(count("Access matrix (hq)") + count("Access matrix (lab)"), report.users.len());
    assert_eq!(count("Roles and privileges"), report.roles.len());
    assert_eq!(count("Privileges"), report.privileges.len());
    assert_eq!(count("Rules"), report.rules.len());
    assert_eq!(count("Sites"), report.sites.len());
    assert_eq!(count("Asset groups"), report.asset_groups.len());
    assert_eq!(count("Coverage"), report.coverage.len() + report.gaps.len());
}

#[test]
fn users_read_as_agreed() {
    let mut book = sample();
    insta::assert_snapshot!(book.header("Users"), @"Login|Name|E-mail|Manager|Department|Has left|Enabled|Locked|Last seen (UTC)|Role|Super-user|Two-factor|Open findings|Worst finding|Sites|Asset groups|Unused own grants|Person|Match|Last seen by|Last seen, how sure|Authentication source|Source type|External|Role id|Console|User id|Privileges|Privileges by id");
    let body: Vec<String> = book.body("Users").iter().map(|row| row.replace('\u{202e}', "RLO")).collect();
    insta::assert_snapshot!(body[1..].join("\n"), @r#"
    =HYPERLINK("http://evil","x")|<script>alert(1)</script>␍
    Bcc: x⟨U+202E⟩␛[31m,"q";'|=HYPERLINK("http://evil","x")@corp.example||||yes|yes||User|no|configured|1|medium|1|0||||||Builtin Users|normal|no|user|hq|2|2|view-asset-group-asset-data, view-site-asset-data
    mia|mia Example|mia@corp.example||||yes|no||User|no|delegated|0||1|0||||||Corporate LDAP|ldap|yes|user|hq|3|2|view-asset-group-asset-data, view-site-asset-data
    noor|noor Example|noor@corp.example||||yes|no||User|no|delegated|0||unknown|0||||||Corporate LDAP|ldap|yes|user|lab|7|2|view-asset-group-asset-data, view-site-asset-data
    ola|ola Example|ola@corp.example||||yes|no||User|no|delegated|0||2|0||||||Corporate LDAP|ldap|yes|user|lab|8|2|view-asset-group-asset-data, view-site-asset-data
    "#);
}

#[test]
fn findings_read_as_agreed() {
    let mut book = sample();
    insta::assert_snapshot!(book.header("Findings"), @"Severity|Subject|Kind|Rule|What is wrong|Evidence|How to mend it|State|Since last run|First seen (UTC)|Console|Finding id|Subject id|Controls|Waiver|Waiver ends (UTC)|Rule id");
    insta::assert_snapshot!(book.body("Findings").join("\n"), @r#"
    critical|nxadmin|user|Local administrator without two-factor authentication|nxadmin is an administrator with a password alone|type: admin; two-factor: not configured|Console: Administration > Users. API: POST /api/3/users/{id}/2FA.|open|new|46286.59363425926|hq|242c454c94bd78003457|1|PCI DSS 4.0.1 8.4.1|||local_admin_without_2fa
    medium|=HYPERLINK("http://evil","x")|user|Locked account|an account is locked||Console: Administration > Users. API: DELETE /api/3/users/{id}/lock.|open|persisting|46258.59363425926|hq|6f741750942742815a0b|2||||locked_account
    "#);
}

#[test]
fn matrix_shows_every_path_and_what_is_not_known() {
    let mut book = sample();
    insta::assert_snapshot!(book.header("Access matrix (hq)"), @r##"
    Login|Name|Role|Site 1|Site 2|Site 3|Group 1|Group 2
    "##);
    insta::assert_snapshot!(book.body("Access matrix (hq)").join("\n"), @r##"
    nxadmin|nxadmin Example|global-admin|SAD|SA|SA|SA|SA
    =HYPERLINK("http://evil","x")|<script>alert(1)</script>␍
    Bcc: x⟨U+202E⟩␛[31m,"q";'|User|D
    mia|mia Example|User|D
    "##);
    insta::assert_snapshot!(book.body("Access matrix (lab)").join("\n"), @r##"
    noor|noor Example|User|?|?|?
    ola|ola Example|User|D||D
    "##);
}

#[test]
fn matrix_has_a_column_for_what_the_console_does_not_list_and_tells_equal_names_apart() {
    let mut report = Report::sample();
    report.users[2].sites = Scopes::Listed(vec![1, 77]);
    report.sites[1].name = "Site 1".into();
    report.sites[2].name = String::new();
    let mut book = Opened::new(bytes(&report));
    insta::assert_snapshot!(book.header("Access matrix (hq)"), @r##"
    Login|Name|Role|Site 1 (#1)|Site 1 (#2)|#3|#77 (not listed)|Group 1|Group 2
    "##);
    insta::assert_snapshot!(book.body("Access matrix (hq)")[2], @r##"
    mia|mia Example|User|D|||D
    "##);
    insta::assert_snapshot!(book.body("Access matrix (hq)")[0], @r##"
    nxadmin|nxadmin Example|global-admin|SAD|SA|SA||SA|SA
    "##);
}

#[test]
fn coverage_lists_gaps_under_their_part() {
    let mut book = sample();
    insta::assert_snapshot!(book.header("Coverage"), @r##"
    Part|Console|State|Expected|Examined|Gap: endpoint|Gap: id|Gap: reason|Gap: attempts|Gap: last status
    "##);
    let of_lab: Vec<String> =
        book.body("Coverage").into_iter().filter(|row| row.starts_with("user sites|lab")).collect();
    insta::assert_snapshot!(of_lab.join("\n"), @r##"
    user sites|lab|incomplete|1|0
    user sites|lab|gap|||/api/3/users/{id}/sites|7|unavailable|4|503
    "##);
}

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
fn an_incomplete_report_says_so_on_every_sheet_and_every_page() {
    let bytes = bytes(&Report::sample());
    let sheets = |text: &(String, String)| text.0.starts_with("xl/worksheets/sheet");
    for (name, text) in parts(&bytes).iter().filter(|part| sheets(part)) {
        let footer = text.split("<oddFooter>").nth(1).unwrap_or_default();
        assert!(footer.contains("INCOMPLETE: 1 gap, see the sheet Coverage"), "{name}");
        assert!(footer.contains("run 5f2a9c01d3b4e6f7"), "{name}");
    }
    let mut book = Opened::new(bytes);
    for sheet in &SHEETS[1..] {
        assert!(book.rows(sheet)[1][0].starts_with("INCOMPLETE: 1 gap"), "{sheet}");
    }
}

#[test]
fn empty_changes_waivers_and_findings_say_so() {
    let mut report = Report::first_sample();
    report.findings.clear();
    let mut book = Opened::new(bytes(&report));
    assert_eq!(book.body("Changes"), ["No earlier run to compare with."]);
    assert!(!book.rows("Summary").iter().any(|row| row[0] == "Findings since the last run"));
    assert_eq!(book.body("Waivers"), ["No waivers are configured."]);
    assert_eq!(book.body("Findings"), ["No findings."]);
}

#[test]
fn a_run_without_a_change_says_so_and_what_it_could_not_compare() {
    let mut report = Report::sample();
    report.changes.clear();
    let mut book = Opened::new(bytes(&report));
    assert_eq!(book.body("Changes"), ["None."]);
    assert_eq!(book.body("Not compared").len(), report.comparison.as_ref().unwrap().uncompared.len());
    assert!(
        book.rows("Changes")[1][0].contains("0 changes since run 1c6e0d4b8a92f357 of 2026-09-14 14:14 UTC")
    );
    report.comparison.as_mut().unwrap().uncompared.clear();
    assert_eq!(Opened::new(bytes(&report)).body("Changes"), ["None."]);
}

#[test]
fn changes_and_waivers_are_listed() {
    let mut report = Report::sample();
    report.findings[1].state = FindingState::Waived;
    report.findings[1].waiver = Some("W-7".into());
    report.findings[1].waiver_expires = "2027-01-01T00:00:00Z".parse().ok();
    report.waivers = vec![
        waiver(-5, WaiverState::Expired),
        waiver(3, WaiverState::Active),
        waiver(99, WaiverState::Unused),
    ];
    let mut book = Opened::new(bytes(&report));
    insta::assert_snapshot!(book.header("Changes"), @r##"
    Kind|Change|Administrator|Name|What changed|Console|Id
    "##);
    insta::assert_snapshot!(book.rows("Changes")[1][0], @"INCOMPLETE: 1 gap, see the sheet Coverage  ·  9 changes since run 1c6e0d4b8a92f357 of 2026-09-14 14:14 UTC; what could not be compared is on the sheet Not compared");
    let body: Vec<String> = book.body("Changes").iter().map(|row| row.replace('\u{202e}', "RLO")).collect();
    insta::assert_snapshot!(body.join("\n"), @r#"
    finding|new|yes|nxadmin|nxadmin is an administrator with a password alone (critical, local_admin_without_2fa)|hq|242c454c94bd78003457
    finding|resolved||+zoe|The user is gone; it was: +zoe is locked (medium, locked_account)|hq|504393dda2f0d8d04235
    user|two factor lost|yes|nxadmin|nxadmin has no second factor any more|hq|1
    console|version changed||hq|Console hq runs another version: 6.6.209 → 6.6.210|hq|2f0c1f0e-7a54-4b7e-9d25-0c6b8a3d1e11
    user|role changed||mia|mia has role User (user) now, not Auditors: gains 1 privilege: view-asset-group-asset-data; loses 1 privilege: create-reports|hq|3
    user|removed||+zoe|+zoe was removed; it had role User (user)|hq|4
    flags|lost||=HYPERLINK("http://evil","x")|=HYPERLINK("http://evil","x") loses 1 flag: all sites; it reaches 1 site by grants of its own|hq|2
    site grants|changed||mia|mia gains 1 site: Site 1; loses 2 sites: Site 2, Site 3|hq|3
    role|upgraded||user|Role user, held by 2 users, gains 1 privilege: view-asset-group-asset-data (upgrade 6.6.209 → 6.6.210)|hq|user
    "#);
    insta::assert_snapshot!(book.header("Waivers"), @"State|Ends (UTC)|Days left|Rule|Console|Subject|Reason|Approved by|Ticket|Findings|Finding id");
    insta::assert_snapshot!(book.rows("Waivers")[1][0], @"INCOMPLETE: 1 gap, see the sheet Coverage  ·  3 waivers: 1 active, 1 unused, 1 expired; 1 waived finding");
    insta::assert_snapshot!(book.body("Waived findings").join("\n"), @r#"medium|Locked account|hq|=HYPERLINK("http://evil","x")|an account is locked|W-7|46388|6f741750942742815a0b"#);
    insta::assert_snapshot!(book.body("Waivers").join("\n"), @"
    expired|46281.99998842593|-5|locked_account|every console|svc-*|on leave|Maria Boss|T-1|1
    active|46289.99998842593|3|locked_account|every console|svc-*|on leave|Maria Boss|T-1|1
    unused|46385.99998842593|99|locked_account|every console|svc-*|on leave|Maria Boss|T-1|1
    ");
}

/// A waiver that ends so many days after the run.
fn waiver(days_left: i64, state: WaiverState) -> WaiverRow {
    WaiverRow {
        rule: "locked_account".into(),
        console: None,
        subject: Some("svc-*".into()),
        finding: None,
        reason: "on leave".into(),
        approved_by: "Maria Boss".into(),
        expires: (Report::sample().run.finished + chrono::TimeDelta::days(days_left)).date_naive(),
        days_left,
        ticket: Some("T-1".into()),
        state,
        findings: 1,
    }
}

#[test]
fn waivers_and_their_ends_are_marked_in_colour() {
    let mut report = Report::sample();
    report.waivers = vec![
        waiver(-5, WaiverState::Expired),
        waiver(7, WaiverState::Active),
        waiver(30, WaiverState::Active),
        waiver(31, WaiverState::Active),
        waiver(99, WaiverState::Unused),
    ];
    let sheet =
        parts(&bytes(&report)).into_iter().find(|(name, _)| name == "xl/worksheets/sheet13.xml").unwrap().1;
    let style = |cell: &str| {
        let (_, rest) =
            sheet.split_once(&format!("r=\"{cell}\" s=\"")).unwrap_or_else(|| panic!("{cell}: {sheet}"));
        rest.split('"').next().unwrap().to_owned()
    };
    let [expired, active, unused] = ["A4", "A5", "A8"].map(style);
    assert!(expired != active && active != unused && expired != unused);
    assert_eq!(style("C5"), expired, "what ends within a week is as loud as what has ended");
    assert_eq!(style("C6"), unused, "within a month, as what is in doubt");
    assert_ne!(style("C7"), style("C6"));
}

#[test]
fn controls_have_a_row_for_each_rule_and_console() {
    let mut report = Report::sample();
    report.controls[0].state = ControlState::NotProven;
    let mut book = Opened::new(bytes(&report));
    insta::assert_snapshot!(book.header("Controls"), @"Framework|Control|What it asks for|State|Rule|Console|Verdict|Open findings|Code|Rule id");
    insta::assert_snapshot!(book.body("Controls").join("\n"), @"
    PCI DSS 4.0.1|PCI DSS 4.0.1 8.4.1|Multi-factor authentication for administrative access|not proven|Local administrator without two-factor authentication|hq|fail|1|AUTH-01|local_admin_without_2fa
    PCI DSS 4.0.1|PCI DSS 4.0.1 8.4.1|Multi-factor authentication for administrative access|not proven|Local administrator without two-factor authentication|lab|pass|0|AUTH-01|local_admin_without_2fa
    ");
    report.controls.clear();
    assert_eq!(Opened::new(bytes(&report)).body("Controls"), ["No rule serves a control."]);
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
fn the_person_behind_an_account_stands_beside_it() {
    let mut report = Report::sample();
    let user = &mut report.users[0];
    user.roster_match = "person";
    (user.person, user.manager) = (Some("4711".into()), Some("Maria Boss".into()));
    (user.matched_by, user.match_confidence) = (Some(MatchedBy::Email), Some(Confidence::High));
    (user.department, user.left) = (Some("Audit".into()), Some(true));
    user.last_seen = "2026-09-20T08:00:00Z".parse().ok();
    (user.last_seen_by, user.last_seen_confidence) = (Some("log"), Some(Confidence::Medium));
    report.users[1].roster_match = "nobody";
    report.users[2].roster_match = "ambiguous";
    let rows = Opened::new(bytes(&report)).rows("Users");
    let row = &rows[3];
    assert_eq!([&row[3], &row[4], &row[5]], ["Maria Boss", "Audit", "yes"]);
    assert!(row[8].starts_with("46285.3333"), "{}", row[8]);
    assert_eq!([&row[17], &row[18], &row[19], &row[20]], ["4711", "e-mail, high", "log", "medium"]);
    let matches: Vec<&str> = rows[4..].iter().map(|row| row[18].as_str()).collect();
    assert_eq!(matches, ["nobody", "ambiguous", "", ""]);
}

#[test]
fn hostile_text_stays_text() {
    let long = "y".repeat(200_000);
    for text in [
        "=1+1",
        "=HYPERLINK(\"http://evil\")",
        "+1",
        "-1",
        "@SUM(A1)",
        "＝1",
        "a,\"b\";c\r\n=d",
        "\0nul",
        "\u{1b}[31mred",
        "\u{202e}txt.exe",
        "]]></t><f>1+1</f>",
        "_x0041_",
        "http://evil.example/",
        "internal:Users!A1",
        "mailto:x@evil.example",
        " leading and trailing ",
        "&L&\"Arial\"&[File]",
        "\u{fffe}",
        long.as_str(),
    ] {
        let mut report = Report::sample();
        report.consoles[0].version = Some(text.to_owned());
        let user = &mut report.users[0];
        (user.login, user.name, user.email) = (text.to_owned(), text.to_owned(), Some(text.to_owned()));
        (user.role_name, user.auth_source) = (Some(text.to_owned()), Some(text.to_owned()));
        report.sites[0].name = text.to_owned();
        report.sites[0].last_scan = Some(text.to_owned());
        report.asset_groups[0].description = Some(text.to_owned());
        report.roles[0].name = text.to_owned();
        report.findings[0].subject_name = text.to_owned();
        report.findings[0].subject_id = text.to_owned();
        report.gaps[0].id = Some(text.to_owned());
        report.users[0].manager = Some(text.to_owned());
        report.waivers = vec![WaiverRow {
            reason: text.to_owned(),
            subject: Some(text.to_owned()),
            ..waiver(1, WaiverState::Active)
        }];
        let packed = bytes(&report);
        for (name, part) in parts(&packed) {
            assert!(!part.contains("<f>") && !part.contains("<f "), "{name} holds a formula for {text:?}");
            assert!(!part.contains("TargetMode=\"External\""), "{name} leads outside for {text:?}");
        }
        let mut book = Opened::new(packed);
        let expected = shown(text);
        assert!(book.rows("Users")[3][..3].iter().all(|cell| *cell == expected), "{text:?}");
        assert_eq!(book.rows("Findings")[3][1], expected);
        assert_eq!([&book.rows("Users")[3][3], &book.rows("Waivers")[3][6]], [&expected, &expected]);
        assert_eq!(book.rows("Access matrix (hq)")[2][3], expected);
        assert_eq!(book.rows("Sites")[3][6], expected);
    }
}

#[test]
fn what_does_not_fit_on_a_sheet_continues_on_a_further_one() {
    let report = Report::sample();
    let whole = sample().body("Users");
    let mut book = Opened::within(&report, Limits { rows: HEAD_ROWS + 2, ..Limits::EXCEL });
    let names: Vec<String> = book.0.sheet_names();
    let users: Vec<&String> = names.iter().filter(|name| name.starts_with("Users")).collect();
    assert_eq!(users, ["Users", "Users (2)", "Users (3)"]);
    let parts: Vec<String> = users.iter().flat_map(|name| book.body(name)).collect();
    assert_eq!(parts, whole);
    let all: usize =
        names.iter().filter(|name| name.starts_with("Coverage")).map(|name| book.body(name).len()).sum();
    assert_eq!(all, report.coverage.len() + report.gaps.len());
}

#[test]
fn columns_that_do_not_fit_continue_on_a_further_sheet() {
    let mut book = Opened::within(&Report::sample(), Limits { columns: 9, ..Limits::EXCEL });
    assert_eq!(book.header("Roles and privileges").split('|').count(), 9);
    let mut narrow = Opened::within(&Report::sample(), Limits { columns: 8, ..Limits::EXCEL });
    assert_eq!(narrow.header("Access matrix (hq)"), "Login|Name|Role|Site 1|Site 2|Site 3|Group 1|Group 2");
    let mut halved = Opened::within(&Report::sample(), Limits { columns: 12, ..Limits::EXCEL });
    assert_eq!(halved.header("Roles and privileges (2)").split('|').count(), 12);
}

#[test]
fn findings_lead_to_their_users() {
    let links = |limits| {
        let mut out = Vec::new();
        within(&Report::sample(), limits, &mut out).unwrap();
        let sheet = parts(&out).into_iter().find(|(name, _)| name == "xl/worksheets/sheet2.xml").unwrap().1;
        let links: Vec<String> = sheet
            .split("location=\"")
            .skip(1)
            .map(|rest| rest.split('"').next().unwrap().to_owned())
            .collect();
        links
    };
    assert_eq!(links(Limits::EXCEL), ["'Users'!A4", "'Users'!A5"]);
    assert_eq!(links(Limits { rows: HEAD_ROWS + 1, ..Limits::EXCEL }), ["'Users'!A4"]);
}

/// The places that a sheet leads to, in its order.
fn places(bytes: &[u8], sheet: usize) -> Vec<String> {
    let name = format!("xl/worksheets/sheet{sheet}.xml");
    let text = parts(bytes).into_iter().find(|(part, _)| *part == name).unwrap().1;
    text.split("location=\"").skip(1).map(|rest| rest.split('"').next().unwrap().to_owned()).collect()
}

#[test]
fn users_lead_to_the_worst_of_their_findings_and_numbers_stay_numbers() {
    let packed = bytes(&Report::sample());
    assert_eq!(places(&packed, 3), ["'Findings'!A4", "'Findings'!A5"]);
    let mut book = Opened::new(packed);
    let count = book.0.worksheet_range("Users").unwrap().get_value((3, 12)).cloned();
    assert_eq!(count, Some(Data::Float(1.0)));
    let mut report = Report::sample();
    (report.findings[1].subject_kind, report.findings[1].subject_id) = (SubjectKind::Role, "user".into());
    assert_eq!(places(&bytes(&report), 3)[1], "'Findings'!A5", "a finding on the role of a user");
}

#[test]
fn the_summary_leads_to_the_findings_of_the_worst_subjects() {
    let places = places(&bytes(&Report::sample()), 1);
    for place in ["'Findings'!A4", "'Findings'!A5", "'Coverage'!A1"] {
        assert!(places.iter().any(|known| known == place), "{places:?}");
    }
}

#[test]
fn a_sheet_has_no_more_links_than_it_may() {
    let mut out = Vec::new();
    within(&Report::sample(), Limits { links: 1, ..Limits::EXCEL }, &mut out).unwrap();
    assert_eq!([places(&out, 2), places(&out, 3)], [["'Users'!A4"], ["'Findings'!A4"]]);
    assert_eq!(Opened::new(out).rows("Findings")[4][1], "=HYPERLINK(\"http://evil\",\"x\")");
}

#[test]
fn access_of_many_users_is_counted_by_role_and_listed() {
    let mut book = Opened::within(&Report::sample(), Limits { matrix: 2, ..Limits::EXCEL });
    insta::assert_snapshot!(book.header("Access matrix (hq)"), @"Role|Users|Reach not known|Site 1|Site 2|Site 3|Group 1|Group 2");
    insta::assert_snapshot!(book.body("Access matrix (hq)").join("\n"), @"
    User|2||2
    global-admin|1||1|1|1|1|1
    ");
    insta::assert_snapshot!(book.header("Access list (hq)"), @"Login|Name|Role|Through|Sites|Asset groups|Sites by name|Asset groups by name|User id");
    insta::assert_snapshot!(book.body("Access list (hq)").join("\n"), @r#"
    nxadmin|nxadmin Example|global-admin|superuser, flag for all, direct grants|all|all|all|all|1
    =HYPERLINK("http://evil","x")|<script>alert(1)</script>␍
    Bcc: x⟨U+202E⟩␛[31m,"q";'|User|direct grants|1|0|Site 1||2
    mia|mia Example|User|direct grants|1|0|Site 1||3
    "#);
    assert!(book.0.sheet_names().iter().all(|name| name != "Access list (lab)"));
    let mut unseen = Opened::within(&Report::sample(), Limits { matrix: 1, ..Limits::EXCEL });
    insta::assert_snapshot!(unseen.body("Access matrix (lab)").join("\n"), @"User|2|1|1||1");
    insta::assert_snapshot!(unseen.body("Access list (lab)").join("\n"), @"
    noor|noor Example|User||unknown|0|unknown||7
    ola|ola Example|User|direct grants|2|0|Site 1; Site 3||8
    ");
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
    let sheet = parts(&packed).into_iter().find(|(name, _)| name == "xl/worksheets/sheet1.xml").unwrap().1;
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

#[test]
fn every_table_filters_freezes_and_repeats_its_header_in_print() {
    let parts = parts(&bytes(&Report::sample()));
    let workbook = &parts.iter().find(|(name, _)| name == "xl/workbook.xml").unwrap().1;
    for (index, name) in SHEETS.iter().enumerate().skip(1) {
        let part = format!("xl/worksheets/sheet{}.xml", index + 1);
        let sheet = &parts.iter().find(|(name, _)| *name == part).unwrap().1;
        for wanted in
            ["<autoFilter ", "state=\"frozen\"", "orientation=\"landscape\"", "fitToWidth=", "Page &amp;P"]
        {
            let found =
                sheet.contains(wanted) || (wanted == "fitToWidth=" && sheet.contains("fitToHeight=\"0\""));
            assert!(found || name == &"Waivers", "{name} lacks {wanted}");
        }
        let titles = format!("_xlnm.Print_Titles\" localSheetId=\"{index}\"");
        assert!(workbook.contains(&titles) || name == &"Waivers", "{name} repeats no header");
    }
}

#[test]
fn users_stand_worst_first_and_findings_lead_to_them_there() {
    let mut report = Report::sample();
    let last = report.users.last_mut().unwrap();
    (last.highest_severity, last.findings) = (Some(Severity::High), 1);
    let packed = bytes(&report);
    let sheet = parts(&packed).into_iter().find(|(name, _)| name == "xl/worksheets/sheet2.xml").unwrap().1;
    assert!(sheet.contains("'Users'!A4") && sheet.contains("'Users'!A6") && !sheet.contains("'Users'!A5"));
    let ids: Vec<String> = Opened::new(packed).rows("Users")[3..].iter().map(|row| row[26].clone()).collect();
    assert_eq!(ids, ["1", "8", "2", "3", "7"]);
}

#[test]
fn only_ids_that_are_numbers_are_numbers() {
    let mut report = Report::sample();
    let base = report.findings[1].clone();
    let of = |subject_kind, subject_id: &str| crate::report::FindingRow {
        subject_kind,
        subject_id: subject_id.to_owned(),
        ..base.clone()
    };
    report.findings = vec![
        of(SubjectKind::Role, "007"),
        of(SubjectKind::Privilege, "12"),
        of(SubjectKind::Site, "12"),
        of(SubjectKind::AuthenticationSource, "3"),
        of(SubjectKind::Console, "9a1e5b3c-0000-4000-8000-000000000000"),
    ];
    let mut book = Opened::new(bytes(&report));
    let range = book.0.worksheet_range("Findings").unwrap();
    let ids: Vec<Data> = (3..8).map(|row| range.get_value((row, 12)).cloned().unwrap_or_default()).collect();
    let text = |text: &str| Data::String(text.to_owned());
    assert_eq!(ids, [text("007"), text("12"), Data::Float(12.0), Data::Float(3.0), Data::Empty]);
}

#[test]
fn unknown_is_said_and_never_left_blank() {
    let mut report = Report::sample();
    let user = &mut report.users[2];
    (user.enabled, user.locked, user.external, user.privileges) = (None, None, None, None);
    (user.sites, user.two_factor) = (Scopes::Unknown, TwoFactor::Undetermined);
    let row = Opened::new(bytes(&report)).rows("Users")[5].clone();
    assert_eq!([&row[6], &row[7], &row[14], &row[23], &row[27]], ["unknown"; 5]);
    assert_eq!(row[11], "undetermined");
}

#[test]
fn a_count_that_may_be_higher_is_no_exact_one() {
    let packed = bytes(&Report::sample());
    let styles = parts(&packed).into_iter().find(|(name, _)| name == "xl/styles.xml").unwrap().1;
    assert!(styles.contains("&quot;≥ &quot;#,##0"), "{styles}");
    let mut book = Opened::new(packed);
    assert!(book.header("Sites").starts_with("Site|Users who reach it|Users not known|Assets|"));
    let counts = |row: &Vec<String>| (row[7].clone(), row[1].clone(), row[2].clone());
    let sites: Vec<_> = book.rows("Sites")[3..].iter().map(counts).collect();
    let of = |console: &str, users: &str, unknown: &str| (console.into(), users.into(), unknown.into());
    assert_eq!(sites[..1], [of("hq", "3", "")]);
    assert_eq!(sites[3..4], [of("lab", "1", "1")]);
}

#[test]
fn equal_reports_give_equal_bytes() {
    let first = bytes(&Report::sample());
    assert_eq!(first, bytes(&Report::sample()));
    let core = parts(&first).into_iter().find(|(name, _)| name == "docProps/core.xml").unwrap().1;
    assert!(
        core.contains(">2026-09-21T14:14:50Z</dcterms:created>")
            && core.contains("<dc:creator>recert 0.1.0<")
    );
}

#[test]
fn a_sink_that_fails_is_an_error() {
    struct Full;
    impl Write for Full {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::StorageFull.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let error = super::report(&Report::sample(), &mut Full).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::StorageFull);
}
