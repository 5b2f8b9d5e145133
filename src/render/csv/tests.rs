use insta::assert_snapshot;

use super::*;

type Render = fn(&Report, &mut dyn Write) -> io::Result<()>;

fn bytes(render: Render) -> Vec<u8> {
    bytes_of(&Report::sample(), render)
}

fn bytes_of(report: &Report, render: Render) -> Vec<u8> {
    let mut out = Vec::new();
    render(report, &mut out).unwrap();
    out
}

/// The sample with few enough privileges and parts to be read.
fn short() -> Report {
    let mut report = Report::sample();
    report.users.iter_mut().filter_map(|user| user.privileges.as_mut()).for_each(|held| held.truncate(2));
    report.roles.iter_mut().for_each(|role| role.privileges.truncate(2));
    report.coverage.retain(|row| row.part == "users" || row.part == "user_sites");
    report
}

fn text(render: Render) -> String {
    String::from_utf8(bytes_of(&short(), render)).unwrap().replace("\r\n", "\n").replace("\u{202e}", "<RLO>")
}

fn rows(bytes: &[u8]) -> Vec<Vec<String>> {
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(bytes);
    reader.records().map(|row| row.unwrap().iter().map(restored).collect()).collect()
}

/// The way back, as the head of this file documents it.
fn restored(field: &str) -> String {
    let control = |c: char| match c {
        '\u{2400}'..='\u{241f}' => char::from_u32(u32::from(c) - 0x2400).unwrap(),
        '\u{2421}' => '\u{7f}',
        other => other,
    };
    let field: String = field.chars().map(control).collect();
    let mut rest = match field.strip_prefix('\'') {
        Some(rest) if rest.starts_with(TRIGGERS) => rest,
        _ => &field,
    };
    let (mut restored, mut begins) = (String::new(), false);
    while let Some(c) = rest.chars().next() {
        rest = &rest[c.len_utf8()..];
        let c = match rest.chars().next() {
            Some(next) if begins && c == '\'' && MARKS.contains(&next) => {
                rest = &rest[next.len_utf8()..];
                next
            }
            _ => c,
        };
        begins = cell_begins(begins, c);
        restored.push(c);
    }
    restored
}

/// Whether a reader that parts fields at semicolons, tabs or every line end would find a formula in this field.
fn has_a_cell_with_a_formula(field: &str) -> bool {
    let cells = field.split([';', '\t', '\r', '\n']).skip(1);
    cells.map(|cell| cell.trim_start_matches('"')).any(|cell| cell.starts_with(&MARKS[..8]))
}

#[test]
fn columns_are_those_of_the_contract() {
    let header = |columns: &[&str]| columns.join(", ");
    assert_snapshot!(header(USERS), @"console, id, login, name, email, enabled, locked, auth_source, auth_type, external, role_id, role_name, superuser, privileges, all_sites, sites, all_asset_groups, asset_groups, two_factor, findings, highest_severity, person, roster_match, matched_by, match_confidence, manager, department, left, last_seen, last_seen_by, last_seen_confidence");
    assert_snapshot!(header(GRANTS), @"console, user_id, login, scope, scope_id, scope_name, via");
    assert_snapshot!(header(FINDINGS), @"id, console, rule, title, severity, state, subject_kind, subject_id, subject_name, summary, evidence, remediation, controls, first_seen, waiver, waiver_expires");
    assert_snapshot!(header(ROLES), @"console, role_id, role_name, description, privileges, users, builtin");
    assert_snapshot!(header(COVERAGE), @"console, part, expected, examined, state, endpoint, id, reason, attempts, last_status");
}

#[test]
fn every_file_has_its_header_and_a_row_for_each_thing() {
    let report = Report::sample();
    let files: [(Render, &[&str], usize); 5] = [
        (users, USERS, report.users.len()),
        (grants, GRANTS, report.grants().count()),
        (findings, FINDINGS, report.findings.len()),
        (roles, ROLES, report.roles.len()),
        (coverage, COVERAGE, report.coverage.len() + report.gaps.len()),
    ];
    for (render, header, count) in files {
        let bytes = bytes(render);
        assert!(bytes.ends_with(b"\r\n") && !bytes.starts_with(b"\xef\xbb\xbf") && !bytes.contains(&0));
        let rows = rows(&bytes);
        assert_eq!(rows[0], header);
        assert_eq!(rows.len() - 1, count);
    }
}

#[test]
fn an_empty_report_still_has_headers() {
    let mut report = Report::sample();
    report.users.clear();
    assert_eq!(bytes_of(&report, grants), b"console,user_id,login,scope,scope_id,scope_name,via\r\n");
}

#[test]
fn files_read_as_agreed() {
    assert_snapshot!(text(users), @r#"
    console,id,login,name,email,enabled,locked,auth_source,auth_type,external,role_id,role_name,superuser,privileges,all_sites,sites,all_asset_groups,asset_groups,two_factor,findings,highest_severity,person,roster_match,matched_by,match_confidence,manager,department,left,last_seen,last_seen_by,last_seen_confidence
    hq,1,nxadmin,nxadmin Example,nxadmin@corp.example,true,false,Builtin Users,admin,false,global-admin,global-admin,true,all-permissions;approve-vulnerability-exceptions,true,all,true,all,not_configured,1,critical,,not_asked,,,,,,,,
    hq,2,"'=HYPERLINK(""http://evil"",""x"")","<script>alert(1)</script>
    Bcc: x<RLO>␛[31m,""q"";''","'=HYPERLINK(""http://evil"",""x"")@corp.example",true,true,Builtin Users,normal,false,user,User,false,view-asset-group-asset-data;view-site-asset-data,false,1,false,,configured,1,medium,,not_asked,,,,,,,,
    hq,3,mia,mia Example,mia@corp.example,true,false,Corporate LDAP,ldap,true,user,User,false,view-asset-group-asset-data;view-site-asset-data,false,1,false,,delegated,0,,,not_asked,,,,,,,,
    lab,7,noor,noor Example,noor@corp.example,true,false,Corporate LDAP,ldap,true,user,User,false,view-asset-group-asset-data;view-site-asset-data,false,unknown,false,,delegated,0,,,not_asked,,,,,,,,
    lab,8,ola,ola Example,ola@corp.example,true,false,Corporate LDAP,ldap,true,user,User,false,view-asset-group-asset-data;view-site-asset-data,false,1;3,false,,delegated,0,,,not_asked,,,,,,,,
    "#);
    assert_snapshot!(text(grants), @r##"
    console,user_id,login,scope,scope_id,scope_name,via
    hq,1,nxadmin,site,1,Site 1,superuser
    hq,1,nxadmin,site,2,Site 2,superuser
    hq,1,nxadmin,site,3,Site 3,superuser
    hq,1,nxadmin,site,1,Site 1,all-flag
    hq,1,nxadmin,site,2,Site 2,all-flag
    hq,1,nxadmin,site,3,Site 3,all-flag
    hq,1,nxadmin,site,1,Site 1,direct
    hq,1,nxadmin,asset-group,1,Group 1,superuser
    hq,1,nxadmin,asset-group,2,Group 2,superuser
    hq,1,nxadmin,asset-group,1,Group 1,all-flag
    hq,1,nxadmin,asset-group,2,Group 2,all-flag
    hq,2,"'=HYPERLINK(""http://evil"",""x"")",site,1,Site 1,direct
    hq,3,mia,site,1,Site 1,direct
    lab,8,ola,site,1,Site 1,direct
    lab,8,ola,site,3,Site 3,direct
    "##);
    assert_snapshot!(text(findings), @r##"
    id,console,rule,title,severity,state,subject_kind,subject_id,subject_name,summary,evidence,remediation,controls,first_seen,waiver,waiver_expires
    242c454c94bd78003457,hq,local_admin_without_2fa,Local administrator without two-factor authentication,critical,open,user,1,nxadmin,nxadmin is an administrator with a password alone,type: admin; two-factor: not configured,Console: Administration > Users. API: POST /api/3/users/{id}/2FA.,PCI DSS 4.0.1 8.4.1,2026-09-21T14:14:50Z,,
    6f741750942742815a0b,hq,locked_account,Locked account,medium,open,user,2,"'=HYPERLINK(""http://evil"",""x"")",an account is locked,,Console: Administration > Users. API: DELETE /api/3/users/{id}/lock.,,2026-08-24T14:14:50Z,,
    "##);
    assert_snapshot!(text(roles), @r##"
    console,role_id,role_name,description,privileges,users,builtin
    hq,Auditors,Auditors,Role Auditors.,create-reports;view-site-asset-data,0,false
    hq,global-admin,global-admin,Role global-admin.,all-permissions;approve-vulnerability-exceptions,1,true
    hq,user,user,Role user.,view-asset-group-asset-data;view-site-asset-data,2,true
    lab,Auditors,Auditors,Role Auditors.,create-reports;view-site-asset-data,0,false
    lab,global-admin,global-admin,Role global-admin.,all-permissions;approve-vulnerability-exceptions,0,true
    lab,user,user,Role user.,view-asset-group-asset-data;view-site-asset-data,2,true
    "##);
    assert_snapshot!(text(coverage), @r##"
    console,part,expected,examined,state,endpoint,id,reason,attempts,last_status
    hq,users,1,1,complete,,,,,
    hq,user_sites,1,1,complete,,,,,
    lab,users,1,1,complete,,,,,
    lab,user_sites,1,0,incomplete,,,,,
    lab,user_sites,,,,/api/3/users/{id}/sites,7,unavailable,4,503
    "##);
}

#[test]
fn unknown_is_told_from_nothing() {
    let mut report = Report::sample();
    let list = |rows: &[Vec<String>], login: &str, column: &str| {
        let column = USERS.iter().position(|name| *name == column).unwrap();
        rows.iter().find(|row| row[2] == login).unwrap()[column].clone()
    };
    report.users[2].privileges = None;
    report.users[2].asset_groups = Scopes::Unknown;
    report.users[4].privileges = Some(Vec::new());
    let rows = rows(&bytes_of(&report, users));
    let of = |column| ["nxadmin", "mia", "noor", "ola"].map(|login| list(&rows, login, column));
    assert_eq!(of("sites"), ["all", "1", "unknown", "1;3"]);
    assert_eq!(of("asset_groups"), ["all", "unknown", "", ""]);
    assert_eq!([list(&rows, "mia", "privileges"), list(&rows, "ola", "privileges")], ["unknown", ""]);
}

#[test]
fn hostile_text_is_data_and_comes_back() {
    let long = "x".repeat(200_000);
    for text in [
        "=1+1",
        "+1",
        "-1",
        "@SUM(A1)",
        "\tx",
        "\rx",
        "\nx",
        "\0x",
        "＝1",
        "＋1",
        "－1",
        "＠x",
        "'",
        "''=x",
        "'=1",
        "'x",
        "a=b",
        "a'b",
        "\"quoted\", \"twice\"",
        "two\r\nlines",
        "x\n.\nMAIL FROM:<a>",
        "nul \0 in it",
        "\u{1b}[31mred",
        "\u{202e}txt",
        "é 漢 👩‍💻",
        "",
        " =1",
        "x;=1+cmd|'/c calc'!A1;y",
        "x;\"=1;'=1;\"'+1;''@x;;-1;",
        "x\t+1\t'+1",
        "x\r\n=1\n-1\r@x\n\n'",
        ";＝1;＠x",
        ";'",
        "=1;=1",
        long.as_str(),
    ] {
        let mut report = Report::sample();
        report.users.truncate(1);
        report.users[0].login = text.to_owned();
        let out = bytes_of(&report, users);
        let read = rows(&out);
        assert_eq!((read.len(), read[1][2].as_str()), (2, text));
        let raw = csv::Reader::from_reader(&*out).records().next().unwrap().unwrap();
        assert!(!raw[2].starts_with(&TRIGGERS[..12]), "{text:?} may act as a formula");
        assert!(!has_a_cell_with_a_formula(&raw[2]), "{text:?} may act as a formula where `;` parts fields");
        assert!(!raw[2].chars().any(|c| c.is_ascii_control() && !"\t\r\n".contains(c)));
    }
}

#[test]
fn numbers_of_ours_stay_numbers() {
    let mut report = Report::sample();
    report.users.truncate(1);
    report.users[0].id = -7;
    let out = bytes_of(&report, users);
    assert_eq!(csv::Reader::from_reader(&*out).records().next().unwrap().unwrap()[1], *"-7");
}
