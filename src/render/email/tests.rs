//! The mails of the sample, and of reports that are larger, emptier or more hostile than it.

use super::*;

fn context() -> MailContext<'static> {
    MailContext {
        kind: MailKind::Report,
        earlier: None,
        attached: Attached::Files(&["report.xlsx", "report.html"]),
        lies_at: Some(Path::new("/var/lib/recert/reports/weekly/2026-11-23")),
        host: "review-01",
    }
}

#[test]
fn show() {
    let mail = report_mail(&Report::sample(), &context(), &Templates::builtin()).unwrap();
    std::fs::create_dir_all("/tmp/wt/shots-mail").unwrap();
    std::fs::write("/tmp/wt/shots-mail/sample.html", &mail.html).unwrap();
    panic!("{}\n{}|", mail.subject, mail.text);
}
