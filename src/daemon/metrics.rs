//! The metrics, in the text format of Prometheus. Counters and histograms are fed as things happen; every other figure is
//! made from the [`Vitals`] at each scrape, so that it never tells of a job that is gone.
//!
//! The recorder is not installed globally: nothing but this file records, and each test has its own.

use std::time::Duration;

use ::metrics::{
    counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram, with_local_recorder,
};
use chrono::{DateTime, Utc};
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusRecorder};

use super::{RunResult, Vitals};
use crate::finding::Severity;

const RUNS: &str = "recert_runs_total";
const RUN_DURATION: &str = "recert_run_duration_seconds";
const RUN_LATENESS: &str = "recert_run_lateness_seconds";
const MAILS: &str = "recert_mails_total";
const CONSOLE_CALLS: &str = "recert_console_calls_total";
const CONSOLE_WAITED: &str = "recert_console_call_milliseconds_total";

const LAST_SUCCESS: &str = "recert_last_success_timestamp_seconds";
const NEXT_SLOT: &str = "recert_next_slot_timestamp_seconds";
const OVERDUE: &str = "recert_job_overdue";
const GAPS: &str = "recert_gaps";
const FINDINGS: &str = "recert_findings";
const OUTBOX_WAITING: &str = "recert_outbox_waiting";
const OUTBOX_OLDEST: &str = "recert_outbox_oldest_seconds";
const OUTBOX_AMBIGUOUS: &str = "recert_outbox_ambiguous";
const OUTBOX_REFUSED: &str = "recert_outbox_refused_total";
const RELOAD_FAILURES: &str = "recert_reload_failures_total";
const LAST_BEAT: &str = "recert_last_beat_timestamp_seconds";
const BUILD: &str = "recert_build_info";

/// A second to four hours.
const DURATIONS: [f64; 12] =
    [1.0, 5.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0, 7200.0, 14_400.0];
/// A second to a week.
const LATENESSES: [f64; 10] = [1.0, 5.0, 30.0, 60.0, 300.0, 900.0, 3600.0, 21_600.0, 86_400.0, 604_800.0];

/// What became of an attempt to send a mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MailResult {
    /// The relay took it.
    Accepted,
    /// Not now; it is tried again.
    Deferred,
    /// Refused for good.
    Refused,
    /// The relay's last answer was lost.
    Ambiguous,
    /// Given up after too long.
    Expired,
}

impl MailResult {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::Accepted, Self::Deferred, Self::Refused, Self::Ambiguous, Self::Expired];

    /// The name in every output.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Deferred => "deferred",
            Self::Refused => "refused",
            Self::Ambiguous => "ambiguous",
            Self::Expired => "expired",
        }
    }
}

/// What has been counted and measured since the start.
#[derive(Debug)]
pub struct Metrics {
    recorder: PrometheusRecorder,
}

impl Metrics {
    /// Nothing yet. The only error of the builder is an empty list of buckets.
    pub fn new() -> Result<Self, BuildError> {
        let recorder = PrometheusBuilder::new()
            .set_buckets_for_metric(Matcher::Full(RUN_DURATION.to_owned()), &DURATIONS)?
            .set_buckets_for_metric(Matcher::Full(RUN_LATENESS.to_owned()), &LATENESSES)?
            .build_recorder();
        with_local_recorder(&recorder, || {
            describe_counter!(RUNS, "Runs that ended, by how they ended.");
            describe_histogram!(
                RUN_DURATION,
                "How long a run took, from its first call to its stored report."
            );
            describe_histogram!(RUN_LATENESS, "How long after its slot a run started.");
            describe_counter!(MAILS, "Attempts to send a mail, by what became of it.");
            describe_counter!(CONSOLE_CALLS, "Requests sent to a console, retries included.");
            describe_counter!(CONSOLE_WAITED, "Milliseconds from each request to its whole answer, in sum.");
            for result in MailResult::ALL {
                counter!(MAILS, "result" => result.as_str()).increment(0);
            }
        });
        Ok(Self { recorder })
    }

    /// A run ended: how, how long it took, and how long after its slot it started; a run on demand has no slot.
    pub fn run_ended(&self, job: &str, result: RunResult, took: Duration, late: Option<Duration>) {
        self.record(|| {
            counter!(RUNS, "job" => job.to_owned(), "result" => result.as_str()).increment(1);
            histogram!(RUN_DURATION, "job" => job.to_owned()).record(took);
            if let Some(late) = late {
                histogram!(RUN_LATENESS, "job" => job.to_owned()).record(late);
            }
        });
        // What was measured goes into its buckets, so that it does not pile up where nobody scrapes.
        self.recorder.handle().run_upkeep();
    }

    /// An attempt to send a mail ended.
    pub fn mail(&self, result: MailResult) {
        self.record(|| counter!(MAILS, "result" => result.as_str()).increment(1));
    }

    /// A review of a console ended, and cost that many requests, which took so many milliseconds in sum.
    pub fn console_calls(&self, console: &str, sent: u64, milliseconds: u64) {
        self.record(|| {
            counter!(CONSOLE_CALLS, "console" => console.to_owned()).increment(sent);
            counter!(CONSOLE_WAITED, "console" => console.to_owned()).increment(milliseconds);
        });
    }

    /// Everything, as Prometheus reads it. Ages are those at the last beat.
    pub fn render(&self, vitals: &Vitals) -> String {
        self.record(|| {
            // A counter that first appears as 1 is no increase for Prometheus.
            for job in &vitals.jobs {
                for result in RunResult::ALL {
                    counter!(RUNS, "job" => job.name.clone(), "result" => result.as_str()).increment(0);
                }
            }
        });
        let present = PrometheusBuilder::new().build_recorder();
        with_local_recorder(&present, || show(vitals));
        let (present, past) = (present.handle().render(), self.recorder.handle().render());
        format!("{present}{past}")
    }

    fn record(&self, what: impl FnOnce()) {
        with_local_recorder(&self.recorder, what);
    }
}

/// The figures of the present.
fn show(vitals: &Vitals) {
    describe_gauge!(BUILD, "Always 1; the version is in the label.");
    gauge!(BUILD, "version" => env!("CARGO_PKG_VERSION")).set(1);
    describe_gauge!(LAST_BEAT, "When the loop that watches the slots last went round.");
    if let Some(beat) = vitals.beat {
        gauge!(LAST_BEAT).set(seconds(beat.wall));
    }
    describe_counter!(RELOAD_FAILURES, "Changed configurations that were refused, the old one being kept.");
    counter!(RELOAD_FAILURES).absolute(vitals.reload_failures);

    describe_gauge!(LAST_SUCCESS, "When a run of the job last ended with a report; absent before the first.");
    describe_gauge!(NEXT_SLOT, "When the job runs next; absent for a job without a schedule.");
    describe_gauge!(OVERDUE, "1 if a slot of the job has passed without its report.");
    describe_gauge!(GAPS, "Gaps in what the job's last run saw.");
    describe_gauge!(FINDINGS, "Findings of the job's last run, by severity.");
    for job in &vitals.jobs {
        let name = || job.name.clone();
        if let Some(at) = job.last_success {
            gauge!(LAST_SUCCESS, "job" => name()).set(seconds(at));
        }
        if let Some(at) = job.next_slot {
            gauge!(NEXT_SLOT, "job" => name()).set(seconds(at));
        }
        gauge!(OVERDUE, "job" => name()).set(u8::from(job.overdue));
        // A job that never had a report has no findings, and that is not the same as zero.
        if job.last_success.is_some() {
            gauge!(GAPS, "job" => name()).set(number(job.gaps));
            for severity in Severity::WORST_FIRST {
                let findings = job.findings.get(&severity).copied().unwrap_or_default();
                gauge!(FINDINGS, "job" => name(), "severity" => severity.as_str()).set(number(findings));
            }
        }
    }

    let outbox = &vitals.outbox;
    describe_gauge!(OUTBOX_WAITING, "Mails that wait for an attempt.");
    gauge!(OUTBOX_WAITING).set(number(outbox.waiting));
    describe_gauge!(OUTBOX_OLDEST, "How long the mail that has waited longest has waited; 0 if none waits.");
    let waited =
        outbox.oldest.zip(vitals.beat).map_or(0.0, |(oldest, beat)| seconds(beat.wall) - seconds(oldest));
    gauge!(OUTBOX_OLDEST).set(waited.max(0.0));
    describe_gauge!(OUTBOX_AMBIGUOUS, "Mails of which nobody knows whether the relay took them.");
    gauge!(OUTBOX_AMBIGUOUS).set(number(outbox.ambiguous));
    describe_counter!(OUTBOX_REFUSED, "Mails that the relay refused for good.");
    counter!(OUTBOX_REFUSED).absolute(outbox.refused);
}

/// Seconds since 1970.
fn seconds(at: DateTime<Utc>) -> f64 {
    at.signed_duration_since(DateTime::UNIX_EPOCH).as_seconds_f64()
}

/// Exact up to four thousand million; there are no more mails and findings than that.
fn number(number: u64) -> f64 {
    f64::from(u32::try_from(number).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use tokio::time::Instant;

    use super::super::{Beat, JobVitals, OutboxVitals};
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    /// A daemon with one job that ran and one that never did.
    fn vitals() -> Vitals {
        let weekly = JobVitals {
            name: "weekly".to_owned(),
            next_slot: Some(at("2026-11-30T05:00:00Z")),
            last_slot: Some(at("2026-11-23T05:00:00Z")),
            last_success: Some(at("2026-11-23T05:04:10.500Z")),
            last_result: Some(RunResult::Incomplete),
            gaps: 3,
            findings: BTreeMap::from([(Severity::High, 7), (Severity::Low, 40)]),
            ..JobVitals::default()
        };
        let never = JobVitals { name: "ne\"ver\n".to_owned(), overdue: true, ..JobVitals::default() };
        Vitals {
            ready: true,
            beat: Some(Beat { at: Instant::now(), wall: at("2026-11-23T12:00:00Z") }),
            jobs: vec![weekly, never],
            outbox: OutboxVitals {
                waiting: 2,
                oldest: Some(at("2026-11-23T11:58:00Z")),
                ambiguous: 1,
                refused: 4,
            },
            configuration: "0123abcd".to_owned(),
            reload_failures: 5,
        }
    }

    fn lines(text: &str) -> BTreeSet<&str> {
        text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).collect()
    }

    #[test]
    fn the_present_is_told_as_it_is() {
        let metrics = Metrics::new().unwrap();
        let text = metrics.render(&vitals());
        let version = format!("recert_build_info{{version=\"{}\"}} 1", env!("CARGO_PKG_VERSION"));
        let expected = BTreeSet::from([
            version.as_str(),
            "recert_last_beat_timestamp_seconds 1795435200",
            "recert_reload_failures_total 5",
            "recert_last_success_timestamp_seconds{job=\"weekly\"} 1795410250.5",
            "recert_next_slot_timestamp_seconds{job=\"weekly\"} 1796014800",
            "recert_job_overdue{job=\"weekly\"} 0",
            "recert_job_overdue{job=\"ne\\\"ver\\n\"} 1",
            "recert_gaps{job=\"weekly\"} 3",
            "recert_findings{job=\"weekly\",severity=\"critical\"} 0",
            "recert_findings{job=\"weekly\",severity=\"high\"} 7",
            "recert_findings{job=\"weekly\",severity=\"medium\"} 0",
            "recert_findings{job=\"weekly\",severity=\"low\"} 40",
            "recert_findings{job=\"weekly\",severity=\"info\"} 0",
            "recert_outbox_waiting 2",
            "recert_outbox_oldest_seconds 120",
            "recert_outbox_ambiguous 1",
            "recert_outbox_refused_total 4",
            "recert_mails_total{result=\"accepted\"} 0",
            "recert_mails_total{result=\"deferred\"} 0",
            "recert_mails_total{result=\"refused\"} 0",
            "recert_mails_total{result=\"ambiguous\"} 0",
            "recert_mails_total{result=\"expired\"} 0",
            "recert_runs_total{job=\"weekly\",result=\"complete\"} 0",
            "recert_runs_total{job=\"weekly\",result=\"incomplete\"} 0",
            "recert_runs_total{job=\"weekly\",result=\"failed\"} 0",
            "recert_runs_total{job=\"ne\\\"ver\\n\",result=\"complete\"} 0",
            "recert_runs_total{job=\"ne\\\"ver\\n\",result=\"incomplete\"} 0",
            "recert_runs_total{job=\"ne\\\"ver\\n\",result=\"failed\"} 0",
        ]);
        assert_eq!(lines(&text), expected);
    }

    #[test]
    fn what_happens_is_counted_and_measured() {
        let metrics = Metrics::new().unwrap();
        metrics.run_ended(
            "weekly",
            RunResult::Complete,
            Duration::from_secs(90),
            Some(Duration::from_secs(2)),
        );
        metrics.run_ended("weekly", RunResult::Complete, Duration::from_millis(400), None);
        metrics.run_ended(
            "weekly",
            RunResult::Failed,
            Duration::from_secs(20_000),
            Some(Duration::from_hours(2)),
        );
        metrics.mail(MailResult::Accepted);
        metrics.mail(MailResult::Accepted);
        metrics.mail(MailResult::Expired);
        metrics.console_calls("hq", 120, 900);
        metrics.console_calls("hq", 3, 900);
        let text = metrics.render(&vitals());
        let lines = lines(&text);
        for line in [
            "recert_runs_total{job=\"weekly\",result=\"complete\"} 2",
            "recert_runs_total{job=\"weekly\",result=\"incomplete\"} 0",
            "recert_runs_total{job=\"weekly\",result=\"failed\"} 1",
            "recert_run_duration_seconds_bucket{job=\"weekly\",le=\"1\"} 1",
            "recert_run_duration_seconds_bucket{job=\"weekly\",le=\"60\"} 1",
            "recert_run_duration_seconds_bucket{job=\"weekly\",le=\"120\"} 2",
            "recert_run_duration_seconds_bucket{job=\"weekly\",le=\"14400\"} 2",
            "recert_run_duration_seconds_bucket{job=\"weekly\",le=\"+Inf\"} 3",
            "recert_run_duration_seconds_sum{job=\"weekly\"} 20090.4",
            "recert_run_duration_seconds_count{job=\"weekly\"} 3",
            "recert_run_lateness_seconds_bucket{job=\"weekly\",le=\"5\"} 1",
            "recert_run_lateness_seconds_bucket{job=\"weekly\",le=\"21600\"} 2",
            "recert_run_lateness_seconds_count{job=\"weekly\"} 2",
            "recert_console_call_milliseconds_total{console=\"hq\"} 1800",
            "recert_mails_total{result=\"accepted\"} 2",
            "recert_mails_total{result=\"expired\"} 1",
            "recert_console_calls_total{console=\"hq\"} 123",
        ] {
            assert!(lines.contains(line), "{line} is not in\n{text}");
        }
    }

    #[test]
    fn every_metric_has_its_help_and_its_type_once() {
        let metrics = Metrics::new().unwrap();
        metrics.run_ended(
            "weekly",
            RunResult::Complete,
            Duration::from_secs(90),
            Some(Duration::from_secs(2)),
        );
        metrics.console_calls("hq", 1, 900);
        let text = metrics.render(&vitals());
        let told = |keyword: &str| -> Vec<&str> {
            let of = |line: &'_ str| line.strip_prefix(keyword).is_some();
            let mut names: Vec<_> =
                text.lines().filter(|line| of(line)).filter_map(|line| line.split(' ').nth(2)).collect();
            names.sort_unstable();
            names
        };
        let mut names = vec![
            RUNS,
            RUN_DURATION,
            RUN_LATENESS,
            MAILS,
            CONSOLE_CALLS,
            CONSOLE_WAITED,
            LAST_SUCCESS,
            NEXT_SLOT,
            OVERDUE,
            GAPS,
            FINDINGS,
            OUTBOX_WAITING,
            OUTBOX_OLDEST,
            OUTBOX_AMBIGUOUS,
            OUTBOX_REFUSED,
            RELOAD_FAILURES,
            LAST_BEAT,
            BUILD,
        ];
        names.sort_unstable();
        assert_eq!(told("# HELP "), names);
        assert_eq!(told("# TYPE "), names);
    }

    #[test]
    fn a_job_that_is_gone_is_told_of_no_more() {
        let metrics = Metrics::new().unwrap();
        let mut vitals = vitals();
        assert!(metrics.render(&vitals).contains("recert_job_overdue{job=\"weekly\"}"));
        vitals.jobs.remove(0);
        let text = metrics.render(&vitals);
        assert!(!text.contains("recert_job_overdue{job=\"weekly\"}"), "{text}");
    }
}
