//! What the rules say of each control that they serve.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;

use super::Report;
use crate::finding::{Control, Verdict, control_title};

/// A control, and what the rules that serve it say.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ControlRow {
    /// The framework's key, such as `pci-dss`.
    pub framework: &'static str,
    /// The control as it is written in findings, such as `PCI DSS 4.0.1 8.4.2`.
    pub control: String,
    /// What it asks for, in a few words; `None` for one that only the configuration knows.
    pub title: Option<&'static str>,
    /// What follows from the rules.
    pub state: ControlState,
    /// Every rule that serves it, on every console.
    pub rules: Vec<ControlVerdict>,
}

/// What one rule says on one console.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ControlVerdict {
    /// The rule's id.
    pub rule: Arc<str>,
    /// The console.
    pub console: Arc<str>,
    /// The verdict.
    pub verdict: Verdict,
    /// Open findings.
    pub findings: u64,
}

/// What the rules together say of a control. Never that it is met: they see access, and a control asks for more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ControlState {
    /// At least one rule found something.
    Fail,
    /// No rule found anything, and at least one could not judge: nothing is proven.
    NotProven,
    /// All that was found is waived.
    Waived,
    /// Every rule that had something to judge passed.
    Pass,
    /// No rule had anything to judge.
    NotApplicable,
}

impl ControlState {
    /// The name in files.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Fail => "fail",
            Self::NotProven => "not_proven",
            Self::Waived => "waived",
            Self::Pass => "pass",
            Self::NotApplicable => "not_applicable",
        }
    }

    fn of(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Fail => Self::Fail,
            Verdict::Unknown | Verdict::Error => Self::NotProven,
            Verdict::Waived => Self::Waived,
            Verdict::Pass => Self::Pass,
            Verdict::NotApplicable => Self::NotApplicable,
        }
    }
}

/// Every control with its rules, by framework and number.
pub(super) fn control_rows(report: &Report) -> Vec<ControlRow> {
    let mut verdicts: BTreeMap<&Control, Vec<ControlVerdict>> = BTreeMap::new();
    for rule in &report.rules {
        for control in rule.controls.iter() {
            verdicts.entry(control).or_default().push(ControlVerdict {
                rule: (&*rule.id).into(),
                console: rule.console.clone(),
                verdict: rule.verdict,
                findings: rule.open,
            });
        }
    }
    let row = |(control, rules): (&Control, Vec<ControlVerdict>)| ControlRow {
        framework: control.framework.key(),
        control: control.to_string(),
        title: control_title(control),
        state: rules
            .iter()
            .map(|rule| ControlState::of(rule.verdict))
            .min()
            .unwrap_or(ControlState::NotApplicable),
        rules,
    };
    verdicts.into_iter().map(row).collect()
}
