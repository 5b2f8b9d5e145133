//! What people did on the console, for the rules that need it: exceptions, overrides, scans, reports.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};

use super::{
    Answer, Asker, Ledger, Listing, Part, Scans, list_policy_overrides, list_reports,
    list_vulnerability_exceptions, read_scans,
};
use crate::console::Console;
use crate::model::{Exception, ReportAccess, ScanActivity};

/// The lists of people's work; `None` is not asked.
pub(super) struct Activity {
    vulnerability_exceptions: Option<Listing<Exception>>,
    policy_overrides: Option<Listing<Exception>>,
    scans: Option<Scans>,
    reports: Option<Listing<ReportAccess>>,
}

impl Activity {
    /// Reads those of the lists that are wanted. `started` is the collection's start.
    pub(super) async fn read(
        console: &Console,
        asker: &Asker<'_>,
        wanted: &BTreeSet<Part>,
        started: DateTime<Utc>,
    ) -> Self {
        let (vulnerability_exceptions, policy_overrides, scans, reports) = tokio::join!(
            wanted_only(wanted, Part::VulnerabilityExceptions, list_vulnerability_exceptions(console, asker)),
            wanted_only(wanted, Part::PolicyOverrides, list_policy_overrides(console, asker)),
            wanted_only(wanted, Part::Scans, read_scans(asker, started, |page| console.get_scans(page))),
            wanted_only(wanted, Part::Reports, list_reports(console, asker)),
        );
        Self { vulnerability_exceptions, policy_overrides, scans, reports }
    }

    /// Books what was asked. What was not asked is booked at the end.
    pub(super) fn record(&self, ledger: &mut Ledger) {
        if let Some(listing) = &self.vulnerability_exceptions {
            ledger.optional_listing(Part::VulnerabilityExceptions, listing);
        }
        if let Some(listing) = &self.policy_overrides {
            ledger.optional_listing(Part::PolicyOverrides, listing);
        }
        if let Some(scans) = &self.scans {
            scans.record(ledger);
        }
        if let Some(listing) = &self.reports {
            ledger.optional_listing(Part::Reports, listing);
        }
    }

    /// The exceptions of every kind that was answered, by kind and id: a console without a policy manager refuses one of
    /// the two lists and has the other. The coverage tells them apart.
    pub(super) fn exceptions(&self) -> Answer<Vec<Exception>> {
        // In the order of the kinds; each list is sorted by id.
        let asked: Vec<_> = [&self.vulnerability_exceptions, &self.policy_overrides]
            .into_iter()
            .flatten()
            .map(answered)
            .collect();
        if asked.is_empty() {
            return Answer::NotAsked;
        }
        if asked.iter().all(Option::is_none) {
            return Answer::Missing;
        }
        Answer::Known(asked.into_iter().flatten().flatten().cloned().collect())
    }

    /// The scans by who started them.
    pub(super) fn scans(&self) -> Answer<Vec<ScanActivity>> {
        self.scans.as_ref().map_or(Answer::NotAsked, Scans::answer)
    }

    /// The reports, by id.
    pub(super) fn reports(&self) -> Answer<Vec<ReportAccess>> {
        let Some(listing) = &self.reports else { return Answer::NotAsked };
        answered(listing).map_or(Answer::Missing, |rows| Answer::Known(rows.to_vec()))
    }
}

/// Asks only for what is wanted: a future that is not awaited sends nothing.
async fn wanted_only<T>(wanted: &BTreeSet<Part>, part: Part, question: impl Future<Output = T>) -> Option<T> {
    if wanted.contains(&part) { Some(question.await) } else { None }
}

/// The rows of a list of which at least the first page came; what is missing of it, the coverage names.
fn answered<T>(listing: &Listing<T>) -> Option<&[T]> {
    listing.total.map(|_| listing.rows.as_slice())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ExceptionKind;

    fn exception(kind: ExceptionKind, id: i64) -> Exception {
        let (state, about, scope, expires) = (None, None, None, None);
        Exception { kind, id, state, about, scope, submitted: None, reviewed: None, expires }
    }

    fn listing(kind: ExceptionKind, ids: &[i64]) -> Listing<Exception> {
        let rows: Vec<_> = ids.iter().map(|id| exception(kind, *id)).collect();
        Listing { total: Some(rows.len() as u64), rows, gaps: Vec::new(), refused: false }
    }

    fn refused() -> Listing<Exception> {
        Listing { rows: Vec::new(), total: None, gaps: Vec::new(), refused: true }
    }

    #[test]
    fn exceptions_are_known_if_any_asked_kind_was_answered() {
        let merged = |vulnerability_exceptions, policy_overrides| {
            let activity =
                Activity { vulnerability_exceptions, policy_overrides, scans: None, reports: None };
            match activity.exceptions() {
                Answer::Known(rows) => rows.iter().map(Exception::label).collect::<Vec<_>>().join(", "),
                Answer::NotAsked => "not asked".to_owned(),
                Answer::Missing => "missing".to_owned(),
            }
        };
        let vulnerabilities = || Some(listing(ExceptionKind::Vulnerability, &[4, 9]));
        let policies = || Some(listing(ExceptionKind::Policy, &[2]));
        assert_eq!(
            merged(vulnerabilities(), policies()),
            "vulnerability exception 4, vulnerability exception 9, policy override 2"
        );
        assert_eq!(merged(None, policies()), "policy override 2");
        assert_eq!(merged(Some(listing(ExceptionKind::Vulnerability, &[])), None), "");
        assert_eq!(
            merged(Some(listing(ExceptionKind::Vulnerability, &[4])), Some(refused())),
            "vulnerability exception 4"
        );
        assert_eq!(merged(Some(refused()), policies()), "policy override 2");
        assert_eq!(merged(Some(refused()), Some(refused())), "missing");
        assert_eq!(merged(Some(refused()), None), "missing");
        assert_eq!(merged(None, None), "not asked");
    }
}
