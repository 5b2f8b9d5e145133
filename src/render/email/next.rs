//! What to do next: few steps, the most urgent first, each with the command that helps.

use serde::Serialize;

use super::{Text, counted, waivers_to_decide};
use crate::finding::Severity;
use crate::report::{Completeness, FindingChange, Report};

/// One step.
#[derive(Debug, Default, Serialize)]
pub(super) struct StepView {
    /// What to do, one sentence.
    pub(super) what: String,
    /// What to type on the host, if there is anything.
    pub(super) command: Option<Text>,
}

/// The digits of a run's id that a command needs.
const RUN: usize = 8;

pub(super) fn steps(report: &Report) -> Vec<StepView> {
    let step = |what: String, command: Option<String>| StepView {
        what,
        command: command.map(|command| Text::name(&command)),
    };
    let several = |count: u64, one: &str, many: &str| match count {
        1 => format!("the {one}"),
        count => format!("the {} {many}", counted(count)),
    };
    let open = |severity| report.open().filter(|row| row.severity == severity).count() as u64;
    let mut steps = Vec::new();
    if report.run.verdict == Completeness::Incomplete {
        let what = "Find out why part of it was not seen, and review again before anybody signs.".to_owned();
        steps.push(step(what, Some("recert check".to_owned())));
    }
    let worst = Severity::WORST_FIRST.into_iter().take(2).find(|severity| open(*severity) > 0);
    if let Some(severity) = worst {
        let of = several(open(severity), &format!("{severity} finding"), &format!("{severity} findings"));
        let what = format!("Mend {of} first: the page and the workbook say how, finding by finding.");
        steps.push(step(what, None));
    }
    let fresh = [FindingChange::New, FindingChange::Reopened].map(Some);
    let fresh = report.open().filter(|row| fresh.contains(&row.change)).count() as u64;
    if fresh > 0 {
        let of = several(fresh, "finding that is new or back", "findings that are new or back");
        steps.push(step(format!("Ask who changed what behind {of} since the last run."), None));
    }
    let waivers = waivers_to_decide(report).len() as u64;
    if waivers > 0 {
        let of = several(waivers, "waiver below", "waivers below");
        steps.push(step(format!("Decide about {of}."), Some("recert waive --help".to_owned())));
    }
    if report.run.verdict == Completeness::Complete {
        let run: String = report.run.id.chars().take(RUN).collect();
        let what = "Answer for this review, so that the next ones say what was added since.".to_owned();
        steps.push(step(what, Some(format!("recert sign-off {run} --by \"your name\""))));
    }
    steps
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(report: &Report) -> Vec<String> {
        let command = |step: &StepView| step.command.as_ref().map(ToString::to_string);
        steps(report).iter().map(|step| command(step).unwrap_or_else(|| step.what.clone())).collect()
    }

    #[test]
    fn nobody_is_asked_to_sign_what_was_not_seen() {
        let mut report = Report::sample();
        assert_eq!(
            told(&report),
            [
                "recert check",
                "Mend the critical finding first: the page and the workbook say how, finding by finding.",
                "Ask who changed what behind the finding that is new or back since the last run.",
            ]
        );
        report.run.verdict = Completeness::Complete;
        report.findings.clear();
        assert_eq!(told(&report), ["recert sign-off 5f2a9c01 --by \"your name\""]);
    }
}
