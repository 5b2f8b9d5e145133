//! The parcels of a run: one for each recipient and directory, with the finished bytes of each mail.

use std::fs;
use std::path::Path;

use chrono::{DateTime, TimeDelta, Utc};
use sha2::{Digest, Sha256};

use super::{Copies, Host, Plan, PlannedJob, RunError, Shown};
use crate::config::{EmailTable, When};
use crate::deliver::{Attachment, LeftFile, Letter, NamedAs, Packed, message_id, pack};
use crate::finding::Verdict;
use crate::render::{
    self, Alarm, Artifact, Attached, ChainHead, Mail, MailContext, MailKind, alarm_mail, artifacts,
    report_mail,
};
use crate::report::{Completeness, Report};
use crate::review::Scheduled;
use crate::store::{Channel, Linked, NewParcel, ParcelKind};

/// What a mail may need for itself, without its attachments.
const OWN_SIZE: u64 = 150_000;

/// A recipient, and when something was last posted to it for this job.
pub(super) type LastPosted = (String, Option<DateTime<Utc>>);

/// What every parcel of a job is made with.
#[derive(Clone, Copy)]
struct Desk<'a> {
    host: &'a Host,
    plan: &'a Plan,
    job: &'a PlannedJob,
}

/// The parcels of a run that ended with a report.
pub(super) fn parcels(
    host: &Host,
    plan: &Plan,
    job: &PlannedJob,
    copies: &Copies<'_>,
    link: &Linked,
    last_posted: &[LastPosted],
) -> Result<Vec<NewParcel>, RunError> {
    let desk = Desk { host, plan, job };
    let new = |run: &str, kind, channel, recipient| desk.parcel(run, kind, channel, recipient);
    let mut parcels = Vec::new();
    for table in &job.table.directory {
        let Some(copy) = copies.without(&table.redact) else { continue };
        let path = table.path.display().to_string();
        let parcel = new(&copy.report.run.id, ParcelKind::Report, Channel::Directory, path);
        parcels.push(NewParcel { body: copy.folder.into(), ..parcel });
    }
    for table in &job.table.email {
        let Some(copy) = copies.without(&table.redact) else { continue };
        let report = copy.report;
        let mut written: Vec<(ParcelKind, Mail, Vec<Attachment>)> = Vec::new();
        for (recipient, named) in recipients(table) {
            let last = last_posted.iter().find(|(name, _)| name == recipient).and_then(|(_, last)| *last);
            let Some(kind) = kind(table, report, last) else { continue };
            let parcel = new(&report.run.id, kind, Channel::Email, recipient.clone());
            if written.iter().all(|(of, ..)| *of != kind) {
                let seal = |budget| {
                    let (mail, attachments) = desk.contents(table, copy, link, kind, budget)?;
                    let date = report.run.finished;
                    let trial = desk.sealed(parcel.clone(), named, &mail, &attachments, date)?;
                    Ok::<_, RunError>((trial.body.len() as u64, mail, attachments))
                };
                // What counts is the finished mail, and only then is its size known.
                let (mut size, mut mail, mut attachments) = seal(table.max_size.saturating_sub(OWN_SIZE))?;
                if size > table.max_size {
                    (size, mail, attachments) = seal(0)?;
                }
                tracing::debug!(job = job.table.name, size, "mail written");
                written.push((kind, mail, attachments));
            }
            let Some((_, mail, attachments)) = written.iter().find(|(of, ..)| *of == kind) else { continue };
            parcels.push(desk.sealed(parcel, named, mail, attachments, report.run.finished)?);
        }
    }
    Ok(parcels)
}

/// The parcels of a run that failed: everyone who waits for its report is told that there is none.
///
/// # Errors
/// If the store fails, or a mail cannot be written.
pub async fn alarms(
    host: &Host,
    plan: &Plan,
    job: &PlannedJob,
    scheduled: &Scheduled,
    attempts: u32,
    error: &str,
) -> Result<Vec<NewParcel>, RunError> {
    let now = (host.clock)();
    let last = host.store.last_done(&job.table.name).await?;
    let consoles: Vec<&str> = job.consoles.iter().map(String::as_str).collect();
    let alarm = Alarm {
        run: &scheduled.run,
        job: &job.table.name,
        slot: scheduled.slot,
        attempts,
        error,
        consoles: &consoles,
        last_success: last.and_then(|run| run.finished),
        next_slot: job.schedule.as_ref().and_then(|schedule| schedule.next_after(now)),
        host: &host.name,
    };
    let mail = alarm_mail(&alarm, &plan.templates).map_err(|error| RunError::Letter(error.to_string()))?;
    let desk = Desk { host, plan, job };
    let mut parcels = Vec::new();
    for (recipient, named) in job.table.email.iter().flat_map(recipients) {
        let parcel = desk.parcel(&scheduled.run, ParcelKind::Alarm, Channel::Email, recipient.clone());
        parcels.push(desk.sealed(parcel, named, &mail, &[], now)?);
    }
    Ok(parcels)
}

fn recipients(table: &EmailTable) -> impl Iterator<Item = (&String, NamedAs)> {
    let to = table.to.iter().map(|to| (to, NamedAs::To));
    to.chain(table.cc.iter().map(|cc| (cc, NamedAs::Cc)))
}

/// What a recipient gets of a run: a report, a sign of life, or nothing.
fn kind(table: &EmailTable, report: &Report, last: Option<DateTime<Utc>>) -> Option<ParcelKind> {
    // What was not seen, or not judged, is never silence.
    let partial = report.run.verdict == Completeness::Incomplete
        || report.rules.iter().any(|rule| rule.verdict == Verdict::Error);
    let wanted = match table.when {
        _ if partial => true,
        When::Always => true,
        When::OnFindings => report.open().next().is_some(),
        When::OnChange => report.comparison.is_none() || !report.changes.is_empty(),
    };
    if wanted {
        return Some(ParcelKind::Report);
    }
    // The last mail was made a little later than its run: without some tolerance, a weekly job would skip every other one.
    let days = TimeDelta::days(table.heartbeat_days?.into()) - TimeDelta::hours(12);
    let silent = last.is_none_or(|last| report.run.finished - last >= days);
    silent.then_some(ParcelKind::Heartbeat)
}

impl Desk<'_> {
    fn parcel(&self, run: &str, kind: ParcelKind, channel: Channel, recipient: String) -> NewParcel {
        let mut hash = Sha256::new();
        for part in [self.host.store.installation(), run, channel.as_str(), &recipient, kind.as_str()] {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        let now = (self.host.clock)();
        NewParcel {
            id: hex::encode(&hash.finalize()[..16]),
            run: Some(run.to_owned()),
            job: self.job.table.name.clone(),
            kind,
            recipient,
            channel,
            message_id: String::new(),
            body: Vec::new(),
            due: now,
            created: now,
        }
    }

    /// The mail of a run with its attachments, as every recipient of a table gets it.
    fn contents(
        &self,
        table: &EmailTable,
        Shown { report, files, .. }: Shown<'_>,
        link: &Linked,
        kind: ParcelKind,
        budget: u64,
    ) -> Result<(Mail, Vec<Attachment>), RunError> {
        let letter = |error: std::io::Error| RunError::Letter(error.to_string());
        let heartbeat = kind == ParcelKind::Heartbeat;
        let packed = if heartbeat {
            Packed::Plain(Vec::new())
        } else {
            let archive = format!("recert-{}.zip", report.run.id);
            pack(self.read(table, report, files).map_err(letter)?, budget, &archive).map_err(letter)?
        };
        let mut names = Vec::new();
        let mut left = Vec::new();
        let attached = match &packed {
            Packed::Plain(files) if files.is_empty() => Attached::Nothing,
            Packed::Plain(files) => {
                names.extend(files.iter().map(|file| file.name.as_str()));
                Attached::Files(&names)
            }
            Packed::Zipped(archive) => Attached::Zip(&archive.name),
            Packed::Left(files) => {
                left.extend(files.iter().map(of_render));
                Attached::Left { limit: table.max_size, files: &left }
            }
        };
        let context = MailContext {
            kind: if heartbeat { MailKind::Heartbeat } else { MailKind::Report },
            attached,
            lies_at: Some(files),
            host: &self.host.name,
            head: Some(ChainHead { index: link.index, sha256: &link.sha256, key: link.key.as_deref() }),
        };
        let mail = report_mail(report, &context, &self.plan.templates).map_err(letter)?;
        let attachments = match packed {
            Packed::Plain(files) => files,
            Packed::Zipped(archive) => vec![archive],
            Packed::Left(_) => Vec::new(),
        };
        Ok((mail, attachments))
    }

    /// The files of a run that a table wants; a mail has no folders.
    fn read(&self, table: &EmailTable, report: &Report, files: &Path) -> std::io::Result<Vec<Attachment>> {
        let formats = table.formats.as_ref().unwrap_or(&self.job.table.formats);
        let read = |artifact: &Artifact<'_>| {
            let bytes = fs::read(files.join(&*artifact.name))?;
            Ok(Attachment { name: artifact.flat_name(), media_type: artifact.media_type, bytes })
        };
        artifacts(report, &self.plan.templates, formats).iter().map(read).collect()
    }

    /// Gives a parcel its finished bytes.
    fn sealed(
        &self,
        mut parcel: NewParcel,
        named: NamedAs,
        mail: &Mail,
        attachments: &[Attachment],
        date: DateTime<Utc>,
    ) -> Result<NewParcel, RunError> {
        let from = self.plan.config.smtp.as_ref().map(|smtp| smtp.from.as_str()).unwrap_or_default();
        let domain = from.rsplit_once('@').map_or("localhost", |(_, domain)| domain);
        let (run, kind) = (parcel.run.as_deref().unwrap_or_default(), parcel.kind.as_str());
        let installation = self.host.store.installation();
        parcel.message_id = message_id(installation, run, &parcel.recipient, kind, 1, domain);
        let letter = Letter {
            from,
            to: &parcel.recipient,
            named,
            subject: &mail.subject,
            text: &mail.text,
            html: &mail.html,
            attachments,
            message_id: &parcel.message_id,
            date,
        };
        parcel.body = letter.write().map_err(|error| RunError::Letter(error.to_string()))?;
        Ok(parcel)
    }
}

fn of_render(file: &LeftFile) -> render::LeftFile<'_> {
    render::LeftFile { name: &file.name, size: file.size, sha256: &file.sha256 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(keys: &str) -> EmailTable {
        toml::from_str(&format!("to = [\"audit@example.org\"]\n{keys}")).unwrap()
    }

    /// A complete run with findings and changes.
    fn report() -> Report {
        let mut report = Report::sample();
        report.run.verdict = Completeness::Complete;
        report
    }

    fn days_ago(report: &Report, days: i64) -> DateTime<Utc> {
        report.run.finished - TimeDelta::days(days)
    }

    #[test]
    fn a_mail_is_sent_when_its_table_says_so() {
        let (full, mut calm) = (report(), report());
        calm.findings.clear();
        calm.changes.clear();
        let report = Some(ParcelKind::Report);
        for (keys, of_full, of_calm) in [
            ("", report, report),
            ("when = \"always\"", report, report),
            ("when = \"on_findings\"", report, None),
            ("when = \"on_change\"", report, None),
        ] {
            assert_eq!(kind(&table(keys), &full, None), of_full, "{keys}");
            assert_eq!(kind(&table(keys), &calm, None), of_calm, "{keys}");
        }
        calm.comparison = None;
        assert_eq!(kind(&table("when = \"on_change\""), &calm, None), report, "the first run");
    }

    #[test]
    fn what_was_not_seen_or_not_judged_is_never_silence() {
        let mut calm = report();
        calm.findings.clear();
        let quiet = table("when = \"on_findings\"");
        assert_eq!(kind(&quiet, &calm, None), None);
        calm.rules[0].verdict = Verdict::Error;
        assert_eq!(kind(&quiet, &calm, None), Some(ParcelKind::Report));
        calm.rules[0].verdict = Verdict::Pass;
        calm.run.verdict = Completeness::Incomplete;
        assert_eq!(kind(&quiet, &calm, None), Some(ParcelKind::Report));
    }

    #[test]
    fn a_long_silence_ends_with_a_sign_of_life() {
        let mut calm = report();
        calm.findings.clear();
        let weekly = table("when = \"on_findings\"\nheartbeat_days = 14");
        assert_eq!(kind(&weekly, &calm, None), Some(ParcelKind::Heartbeat));
        assert_eq!(kind(&weekly, &calm, Some(days_ago(&calm, 13))), None);
        assert_eq!(kind(&weekly, &calm, Some(days_ago(&calm, 14))), Some(ParcelKind::Heartbeat));
        // The mail of two weeks ago was made some minutes after its run.
        let a_little_later = Some(days_ago(&calm, 14) + TimeDelta::minutes(20));
        assert_eq!(kind(&weekly, &calm, a_little_later), Some(ParcelKind::Heartbeat));
    }
}
