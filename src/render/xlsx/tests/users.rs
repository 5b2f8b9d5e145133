//! The sheet of users.

use super::*;
use crate::finding::Severity;
use crate::model::{Confidence, MatchedBy, TwoFactor};

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
fn users_stand_worst_first_and_findings_lead_to_them_there() {
    let mut report = Report::sample();
    let last = report.users.last_mut().unwrap();
    (last.highest_severity, last.findings) = (Some(Severity::High), 1);
    let packed = bytes(&report);
    let sheet = sheet(&packed, 2);
    assert!(sheet.contains("'Users'!A4") && sheet.contains("'Users'!A6") && !sheet.contains("'Users'!A5"));
    let ids: Vec<String> = Opened::new(packed).rows("Users")[3..].iter().map(|row| row[26].clone()).collect();
    assert_eq!(ids, ["1", "8", "2", "3", "7"]);
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
