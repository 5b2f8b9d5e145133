//! The workbook, read back cell by cell.

mod access;
mod changes;
mod findings;
mod summary;
mod users;

use std::io::{Cursor, Read};

use calamine::{Data, Reader, Xlsx};

use super::*;
use crate::finding::SubjectKind;
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

fn bytes_within(report: &Report, limits: Limits) -> Vec<u8> {
    let mut out = Vec::new();
    within(report, limits, &mut out).unwrap();
    out
}

/// A workbook as somebody else reads it.
struct Opened(Xlsx<Cursor<Vec<u8>>>);

impl Opened {
    fn new(bytes: Vec<u8>) -> Self {
        Self(Xlsx::new(Cursor::new(bytes)).unwrap())
    }

    fn within(report: &Report, limits: Limits) -> Self {
        Self::new(bytes_within(report, limits))
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

/// The text of one part of the package.
fn part(bytes: &[u8], name: &str) -> String {
    parts(bytes).into_iter().find(|(part, _)| part == name).unwrap().1
}

/// A sheet as it is packed, by its place in the workbook, from 1.
fn sheet(bytes: &[u8], place: usize) -> String {
    part(bytes, &format!("xl/worksheets/sheet{place}.xml"))
}

/// The places that a sheet leads to, in its order.
fn places(bytes: &[u8], place: usize) -> Vec<String> {
    let sheet = sheet(bytes, place);
    sheet.split("location=\"").skip(1).map(|rest| rest.split('"').next().unwrap().to_owned()).collect()
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
fn every_table_filters_freezes_and_repeats_its_header_in_print() {
    let packed = bytes(&Report::sample());
    let workbook = part(&packed, "xl/workbook.xml");
    for (index, name) in SHEETS.iter().enumerate().skip(1) {
        let sheet = sheet(&packed, index + 1);
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
fn equal_reports_give_equal_bytes() {
    let first = bytes(&Report::sample());
    assert_eq!(first, bytes(&Report::sample()));
    let core = part(&first, "docProps/core.xml");
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
