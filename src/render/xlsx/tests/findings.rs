//! The sheet of findings.

use super::*;

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
fn findings_lead_to_their_users() {
    let links = |limits| places(&bytes_within(&Report::sample(), limits), 2);
    assert_eq!(links(Limits::EXCEL), ["'Users'!A4", "'Users'!A5"]);
    assert_eq!(links(Limits { rows: HEAD_ROWS + 1, ..Limits::EXCEL }), ["'Users'!A4"]);
}

#[test]
fn a_sheet_has_no_more_links_than_it_may() {
    let out = bytes_within(&Report::sample(), Limits { links: 1, ..Limits::EXCEL });
    assert_eq!([places(&out, 2), places(&out, 3)], [["'Users'!A4"], ["'Findings'!A4"]]);
    assert_eq!(Opened::new(out).rows("Findings")[4][1], "=HYPERLINK(\"http://evil\",\"x\")");
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
