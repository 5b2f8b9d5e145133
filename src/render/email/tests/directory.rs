//! Templates in a directory of one's own.

use super::*;
use crate::render::TemplateError;

/// The error of a directory that holds `source` as the template `name`.
fn refused(name: &str, source: &str) -> String {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join(name), source).unwrap();
    let error = Templates::from_directory(directory.path()).unwrap_err();
    assert!(matches!(error, TemplateError::Broken { .. }));
    let error = error.to_string();
    error.strip_prefix(&format!("{}/", directory.path().display())).expect("the file").to_owned()
}

#[test]
fn a_broken_template_is_refused_with_file_line_and_reason() {
    for name in ["email.html", "email.txt"] {
        let open = refused(name, "<p>\n{% if alarm %}\n");
        assert!(open.starts_with(&format!("{name}:2: syntax error")), "{open}");
        let unknown = refused(name, "<p>\n{{ subjct }}");
        assert!(unknown.starts_with(&format!("{name}:2: undefined value")), "{unknown}");
        let report = refused(name, "{% if review is not none %}\n\n{{ review.findngs }}{% endif %}");
        assert!(report.starts_with(&format!("{name}:3: undefined value")), "{report}");
        let alarm = refused(name, "{% if alarm is not none %}\n{{ alarm.slott }}{% endif %}");
        assert!(alarm.starts_with(&format!("{name}:2: undefined value")), "{alarm}");
        let heartbeat = refused(name, "{% if kind == 'heartbeat' %}\n{{ nothing }}{% endif %}");
        assert!(heartbeat.starts_with(&format!("{name}:2: undefined value")), "{heartbeat}");
        for list in [
            "gaps",
            "waivers",
            "consoles",
            "changes",
            "change_counts",
            "findings",
            "files.left",
            "files.names",
        ] {
            let row = format!(
                "{{% if review is not none %}}{{% for row in review.{list}.rows %}}\n{{{{ row.nme }}}}{{% endfor %}}{{% endif %}}"
            );
            assert!(refused(name, &row).starts_with(&format!("{name}:2: undefined value")), "{list}");
        }
        assert!(refused(name, "{{ 'x' * 1700000000 }}").contains("engine ran out of fuel"));
        assert!(refused(name, "{{ names|safe }}").starts_with(&format!("{name}:1: unknown filter")));
    }
}

#[test]
fn a_file_in_the_directory_replaces_one_part_and_leaves_the_others() {
    let directory = tempfile::tempdir().unwrap();
    let source = "{% if review is not none %}<i>{{ review.findings.rows|map(attribute='subject')|join('|') }}</i>{% endif %}";
    std::fs::write(directory.path().join("email.html"), source).unwrap();
    let templates = Templates::from_directory(directory.path()).unwrap();
    let mut report = Report::sample();
    report.findings[0].subject_name = "<script>alert(1)</script>".into();
    let mail = report_mail(&report, &context(), &templates).unwrap();
    assert!(mail.html.contains("<i>&lt;script&gt;alert(1)&lt;/script&gt;|=HYPERLINK"), "{}", mail.html);
    assert_eq!(mail.text, mail_of(&report, &context()).text);

    std::fs::remove_file(directory.path().join("email.html")).unwrap();
    std::fs::write(directory.path().join("email.txt"), "{{ subject }}\n\n\n\n& {{ host }}  \n").unwrap();
    let templates = Templates::from_directory(directory.path()).unwrap();
    let mail = report_mail(&report, &context(), &templates).unwrap();
    assert_eq!(mail.text, format!("{}\n\n& review-01\n", mail.subject));
    assert_eq!(mail.html, mail_of(&report, &context()).html);
}
