//! The subject: one line of configured names and numbers. What must not be overlooked stands in front.

use super::review::ReviewView;
use super::{Alarm, Text, counted, date};

/// The columns of the job's name.
const JOB: usize = 40;

/// `[recert] weekly: hq, lab — 3 critical, 5 high`
pub(super) fn of_report(job: Option<&str>, names: &Text, review: &ReviewView) -> String {
    let mark = if review.complete { "" } else { "INCOMPLETE " };
    let job = job.filter(|job| !job.is_empty()).map(|job| format!("{}: ", Text::line(job, JOB)));
    let job = job.unwrap_or_default();
    let says = match &review.earlier {
        Some(earlier) if review.nothing_new => format!("nothing new since {}", earlier.finished),
        _ => findings(review),
    };
    format!("{mark}[recert] {job}{names} — {says}")
}

/// `FAILED [recert] weekly: hq, lab — no report for 2026-11-23 18:00 UTC`
pub(super) fn of_alarm(alarm: &Alarm<'_>, names: &Text) -> String {
    let names = match alarm.consoles {
        [] => String::new(),
        _ => format!(": {names}"),
    };
    format!("FAILED [recert] {}{names} — no report for {}", Text::line(alarm.job, JOB), date(alarm.slot))
}

/// The two worst severities of open findings.
fn findings(review: &ReviewView) -> String {
    let found = review.severities.iter().filter(|bar| bar.findings > 0);
    let worst: Vec<_> =
        found.take(2).map(|bar| format!("{} {}", counted(bar.findings), bar.severity)).collect();
    match worst[..] {
        [] if review.counts.waived > 0 => "no open findings".to_owned(),
        [] => "no findings".to_owned(),
        _ => worst.join(", "),
    }
}
