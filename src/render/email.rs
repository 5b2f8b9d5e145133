//! The mails that a review sends, each as markup and as plain text: a report, a sign of life, an alarm.
//!
//! The first lines say what was reviewed, whether everything was seen, and what is wrong; the rest says what changed,
//! the worst findings, and how to get all of it. What is long is cut and counted, so that no report makes a mail that a
//! client clips. The markup is made for mail clients: tables, styles on the elements, no request, no script.

mod alarm;
mod changes;
mod files;
mod most;
mod next;
mod probe;
mod review;
mod subject;
#[cfg(test)]
mod tests;
mod trend;
mod waivers;
mod words;

use std::io;
use std::path::Path;

use chrono::{DateTime, Utc};
use css_inline::CSSInliner;
use minijinja::value::{Serde, Value};
use serde::Serialize;

use super::{
    Table, Template, Templates, Text, counted, date, gaps_by_part, late, undetermined_parts,
    waivers_to_decide,
};
use crate::report::Report;

use alarm::AlarmView;
use review::ReviewView;

/// The template of the markup.
pub(super) const HTML: Template =
    Template { name: "email.html", source: include_str!("../../templates/email.html"), probes };

/// The template of the plain text.
pub(super) const TEXT: Template =
    Template { name: "email.txt", source: include_str!("../../templates/email.txt"), probes };

/// What a template of a mail is tried with.
fn probes() -> Vec<Value> {
    Email::probes().into_iter().map(|probe| Serde(probe).into()).collect()
}

/// One mail without its envelope. Equal input gives equal bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mail {
    /// One line: configured names and numbers, no text of a console. May hold what is not ASCII.
    pub subject: String,
    /// The markup, a whole document.
    pub html: String,
    /// The same as plain text, in lines of at most 72 columns that end with LF; paths and hashes are not broken.
    pub text: String,
}

/// What a mail says beside its report.
#[derive(Debug, Clone, Copy)]
pub struct MailContext<'a> {
    /// What it is for.
    pub kind: MailKind,
    /// Which files come with it.
    pub attached: Attached<'a>,
    /// Where the files lie on the host.
    pub lies_at: Option<&'a Path>,
    /// The host that recert runs on.
    pub host: &'a str,
    /// The head of the chain of evidence as of this run.
    pub head: Option<ChainHead<'a>>,
}

/// The last link of a chain of evidence: who knows it can tell whether any link before it was changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct ChainHead<'a> {
    /// Its number.
    pub index: u64,
    /// SHA-256 of its statement, hex.
    pub sha256: &'a str,
    /// The id of the key that signed it; `None` if it is unsigned.
    pub key: Option<&'a str>,
}

/// What the mail of a report is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MailKind {
    /// To report.
    Report,
    /// To say that there is nothing new and that somebody is still watching.
    Heartbeat,
}

/// Which files come with a mail.
#[derive(Debug, Clone, Copy)]
pub enum Attached<'a> {
    /// These, each by itself.
    Files(&'a [&'a str]),
    /// All of them in this archive.
    Zip(&'a str),
    /// None: together they are larger than what a mail may carry.
    Left {
        /// What it may carry, in bytes.
        limit: u64,
        /// The files, so that they can be checked where they lie.
        files: &'a [LeftFile<'a>],
    },
    /// None, and none was asked for.
    Nothing,
}

/// A file that stayed on the host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LeftFile<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its size in bytes.
    pub size: u64,
    /// SHA-256 of its bytes, hex.
    pub sha256: &'a str,
}

/// A run that failed: there is no report.
#[derive(Debug, Clone, Copy)]
pub struct Alarm<'a> {
    /// The run's id.
    pub run: &'a str,
    /// The job.
    pub job: &'a str,
    /// The nominal time that has no report.
    pub slot: DateTime<Utc>,
    /// How often it was tried.
    pub attempts: u32,
    /// Why the last attempt failed; lines, if there are several reasons.
    pub error: &'a str,
    /// The consoles that were to be reviewed.
    pub consoles: &'a [&'a str],
    /// When the job last ended with a report; `None` if it never did.
    pub last_success: Option<DateTime<Utc>>,
    /// When it will be tried next; `None` if that is not planned.
    pub next_slot: Option<DateTime<Utc>>,
    /// The host that recert runs on.
    pub host: &'a str,
}

/// The mail of a report.
///
/// # Errors
/// None with the compiled-in templates. One that replaces them is tried when it is loaded, but may still fail on data
/// that the trial did not foresee.
pub fn report_mail(report: &Report, context: &MailContext<'_>, templates: &Templates) -> io::Result<Mail> {
    let review = ReviewView::of(report, context);
    let mut names = report.consoles.iter().map(|console| console.name.as_str());
    let names = words::named(&mut names);
    let view = Email {
        kind: match context.kind {
            MailKind::Report => "report",
            MailKind::Heartbeat => "heartbeat",
        },
        subject: subject::of_report(report.run.job.as_deref(), &names, &review),
        names,
        job: Text::maybe(report.run.job.as_deref()),
        run: Text::line(&report.run.id, words::NAME),
        host: Text::line(context.host, words::NAME),
        version: report.run.version,
        review: Some(review),
        evidence: context.head.map(Evidence::of),
        alarm: None,
    };
    mail(view, templates)
}

/// The mail that says that a run failed.
///
/// # Errors
/// Those of [`report_mail`].
pub fn alarm_mail(alarm: &Alarm<'_>, templates: &Templates) -> io::Result<Mail> {
    let names = words::named(&mut alarm.consoles.iter().copied());
    let view = Email {
        kind: "alarm",
        subject: subject::of_alarm(alarm, &names),
        names,
        job: Some(Text::line(alarm.job, words::NAME)),
        run: Text::line(alarm.run, words::NAME),
        host: Text::line(alarm.host, words::NAME),
        version: env!("CARGO_PKG_VERSION"),
        review: None,
        evidence: None,
        alarm: Some(AlarmView::of(alarm)),
    };
    mail(view, templates)
}

/// The variables of both templates.
#[derive(Debug, Default, Serialize)]
struct Email {
    /// `report`, `heartbeat` or `alarm`.
    kind: &'static str,
    subject: String,
    /// The consoles, for headings.
    names: Text,
    job: Option<Text>,
    /// The run's id.
    run: Text,
    host: Text,
    version: &'static str,
    /// What a report or a heartbeat says; `None` in an alarm.
    review: Option<ReviewView>,
    /// The head of the chain of evidence.
    evidence: Option<Evidence>,
    /// What an alarm says.
    alarm: Option<AlarmView>,
}

/// The head of the chain of evidence, for both templates.
#[derive(Debug, Default, Serialize)]
struct Evidence {
    index: u64,
    sha256: String,
    key: Option<String>,
}

impl Evidence {
    fn of(head: ChainHead<'_>) -> Self {
        Self { index: head.index, sha256: head.sha256.to_owned(), key: head.key.map(str::to_owned) }
    }
}

fn mail(view: Email, templates: &Templates) -> io::Result<Mail> {
    let html = rendered(HTML.name, &view, templates)?;
    // Most clients that keep no style sheet keep the styles of elements.
    let inliner = CSSInliner::options().load_remote_stylesheets(false).minify_css(true).build();
    let html = inliner.inline(&html).map_err(io::Error::other)?;
    let text = tidy(&rendered(TEXT.name, &view, templates)?);
    Ok(Mail { subject: view.subject, html, text })
}

fn rendered(template: &str, view: &Email, templates: &Templates) -> io::Result<String> {
    let mut bytes = Vec::new();
    templates.render(template, view, &mut bytes)?;
    String::from_utf8(bytes).map_err(io::Error::other)
}

/// A text without spaces at the ends of its lines and without more than one blank line in a row, which a template
/// leaves where nothing was to be said.
fn tidy(text: &str) -> String {
    let mut tidy = String::with_capacity(text.len());
    for line in text.lines().map(str::trim_end) {
        if !line.is_empty() || !(tidy.is_empty() || tidy.ends_with("\n\n")) {
            tidy.push_str(line);
            tidy.push('\n');
        }
    }
    tidy.truncate(tidy.trim_end().len());
    tidy.push('\n');
    tidy
}
