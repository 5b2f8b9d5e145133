//! The sheets of changes and of waivers.

use super::*;

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
fn changes_are_listed() {
    let mut book = sample();
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
}

#[test]
fn waivers_are_listed_and_what_they_cover() {
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
    insta::assert_snapshot!(book.header("Waivers"), @"State|Ends (UTC)|Days left|Rule|Console|Subject|Reason|Approved by|Ticket|Findings|Finding id");
    insta::assert_snapshot!(book.rows("Waivers")[1][0], @"INCOMPLETE: 1 gap, see the sheet Coverage  ·  3 waivers: 1 active, 1 unused, 1 expired; 1 waived finding");
    insta::assert_snapshot!(book.body("Waived findings").join("\n"), @r#"medium|Locked account|hq|=HYPERLINK("http://evil","x")|an account is locked|W-7|46388|6f741750942742815a0b"#);
    insta::assert_snapshot!(book.body("Waivers").join("\n"), @"
    expired|46281.99998842593|-5|locked_account|every console|svc-*|on leave|Maria Boss|T-1|1
    active|46289.99998842593|3|locked_account|every console|svc-*|on leave|Maria Boss|T-1|1
    unused|46385.99998842593|99|locked_account|every console|svc-*|on leave|Maria Boss|T-1|1
    ");
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
    let sheet = sheet(&bytes(&report), 13);
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
