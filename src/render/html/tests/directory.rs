//! Templates, style sheets and scripts in a directory of one's own.

use super::*;
use crate::render::TemplateError;

/// The error of a directory that holds `source` as its page.
fn refused(source: &str) -> String {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join(TEMPLATE.name), source).unwrap();
    let error = Templates::from_directory(directory.path()).unwrap_err().to_string();
    error.strip_prefix(&format!("{}/", directory.path().display())).expect("the file").to_owned()
}

#[test]
fn a_file_in_the_directory_replaces_the_page_and_is_escaped_too() {
    let directory = tempfile::tempdir().unwrap();
    let source = "{% for user in users.rows %}{{ user.name }}|{% endfor %}";
    std::fs::write(directory.path().join(TEMPLATE.name), source).unwrap();
    let templates = Templates::from_directory(directory.path()).unwrap();
    let mut bytes = Vec::new();
    report(&Report::sample(), &templates, &mut bytes).unwrap();
    let page = String::from_utf8(bytes).unwrap();
    assert!(page.starts_with("nxadmin Example|&lt;script&gt;alert(1)&lt;&#x2f;script&gt;"), "{page}");
}

#[test]
fn a_style_sheet_and_a_script_in_the_directory_replace_those_of_the_page() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("report.css"), "body { color: red }\r\n").unwrap();
    std::fs::write(directory.path().join("report.js"), "'<b>&'\r\n").unwrap();
    let templates = Templates::from_directory(directory.path()).unwrap();
    let mut bytes = Vec::new();
    report(&Report::sample(), &templates, &mut bytes).unwrap();
    let page = String::from_utf8(bytes).unwrap();
    assert!(between(&page, "<style>\n", "</style>").starts_with("body { color: red }\n@page {"));
    assert_eq!(between(&page, "<script>", "</script>"), "'<b>&'\n", "as a browser reads it");
    let hash = BASE64_STANDARD.encode(Sha256::digest("'<b>&'\n"));
    assert!(page.contains(&format!("script-src 'sha256-{hash}'")));
}

#[test]
fn a_script_that_would_end_its_element_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("report.js"), "1;\n'</SCRIPT>'").unwrap();
    let error = Templates::from_directory(directory.path()).unwrap_err().to_string();
    assert!(error.ends_with("report.js:2: </script would end the element that it stands in"), "{error}");
}

#[test]
fn a_directory_without_the_file_leaves_the_page_as_it_is() {
    let directory = tempfile::tempdir().unwrap();
    let templates = Templates::from_directory(directory.path()).unwrap();
    let mut bytes = Vec::new();
    report(&Report::sample(), &templates, &mut bytes).unwrap();
    assert_eq!(String::from_utf8(bytes).unwrap(), page(&Report::sample()));
}

#[test]
fn a_broken_template_is_refused_with_file_line_and_reason() {
    let open = refused("<p>\n{% if complete %}\n");
    assert!(open.starts_with("report.html:2: syntax error"), "{open}");
    let unknown = refused("<p>\n{{ run.idd }}");
    assert!(unknown.starts_with("report.html:2: undefined value"), "{unknown}");
    assert!(
        refused("{% for user in users.rows %}\n{{ user.logn }}{% endfor %}").starts_with("report.html:2: ")
    );
    let optional =
        "{% for gap in gaps.rows %}{% if gap.id is not none %}\n{{ gap.idd }}{% endif %}{% endfor %}";
    assert!(refused(optional).starts_with("report.html:2: "), "optional values are there when it is tried");
    assert!(refused("{% if complete %}\n{{ nothing }}{% endif %}").starts_with("report.html:2: "));
    assert!(refused("{{ names|safe }}").starts_with("report.html:1: unknown filter"));
    assert!(refused("{% include '../../etc/passwd' %}").starts_with("report.html:1: syntax error"));
    let endless = "{{ 'x' * 1700000000 }}";
    assert!(refused(endless).contains("engine ran out of fuel"));
}

#[test]
fn a_directory_that_cannot_be_read_is_an_error() {
    let error = Templates::from_directory("/nowhere/at/all").unwrap_err();
    assert_eq!(error.to_string(), "cannot read /nowhere/at/all: No such file or directory (os error 2)");
    let directory = tempfile::tempdir().unwrap();
    std::fs::create_dir(directory.path().join(TEMPLATE.name)).unwrap();
    assert!(matches!(Templates::from_directory(directory.path()), Err(TemplateError::Read { .. })));
}
