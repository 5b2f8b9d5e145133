//! Who reaches what: the matrix, and the list where there are too many for one.

use super::*;

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

#[test]
fn a_count_that_may_be_higher_is_no_exact_one() {
    let packed = bytes(&Report::sample());
    let styles = part(&packed, "xl/styles.xml");
    assert!(styles.contains("&quot;≥ &quot;#,##0"), "{styles}");
    let mut book = Opened::new(packed);
    assert!(book.header("Sites").starts_with("Site|Users who reach it|Users not known|Assets|"));
    let counts = |row: &Vec<String>| (row[7].clone(), row[1].clone(), row[2].clone());
    let sites: Vec<_> = book.rows("Sites")[3..].iter().map(counts).collect();
    let of = |console: &str, users: &str, unknown: &str| (console.into(), users.into(), unknown.into());
    assert_eq!(sites[..1], [of("hq", "3", "")]);
    assert_eq!(sites[3..4], [of("lab", "1", "1")]);
}
