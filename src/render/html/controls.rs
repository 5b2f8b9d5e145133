//! Controls on the page: by framework, each with the rules that serve it. The workbook has them by console.

use std::borrow::Cow;
use std::collections::HashMap;

use serde::Serialize;

use super::{NAMES, Text, VERDICTS, framework_name};
use crate::report::{ControlRow, ControlState, ControlVerdict, Report, RuleRow};

/// A framework with its controls, by number.
#[derive(Debug, Default, Serialize)]
pub(super) struct FrameworkView {
    pub(super) id: &'static str,
    pub(super) name: &'static str,
    /// The states that occur, worst first.
    pub(super) counts: Vec<StateCount>,
    pub(super) controls: Vec<ControlView>,
}

/// How many controls are in one state.
#[derive(Debug, Default, Serialize)]
pub(super) struct StateCount {
    pub(super) state: &'static str,
    pub(super) controls: u64,
}

/// A control.
#[derive(Debug, Default, Serialize)]
pub(super) struct ControlView {
    pub(super) control: Text,
    pub(super) title: Option<&'static str>,
    pub(super) state: &'static str,
    /// Open findings of its rules.
    pub(super) findings: u64,
    pub(super) rules: Vec<ServingRule>,
}

/// A rule that serves a control.
#[derive(Debug, Default, Serialize)]
pub(super) struct ServingRule {
    pub(super) code: Cow<'static, str>,
    pub(super) title: Text,
    /// The worst of its verdicts.
    pub(super) verdict: &'static str,
    /// Where it is that verdict.
    pub(super) consoles: Text,
    /// Open findings on all consoles.
    pub(super) findings: u64,
}

/// The states in the order that a reader needs them.
const STATES: [ControlState; 5] = [
    ControlState::Fail,
    ControlState::NotProven,
    ControlState::Waived,
    ControlState::Pass,
    ControlState::NotApplicable,
];

/// Every framework that a rule serves, in the order of the report.
pub(super) fn frameworks(report: &Report) -> Vec<FrameworkView> {
    let rules: HashMap<&str, &RuleRow> = report.rules.iter().map(|rule| (&*rule.id, rule)).collect();
    let mut frameworks: Vec<(&'static str, Vec<&ControlRow>)> = Vec::new();
    for control in &report.controls {
        match frameworks.last_mut().filter(|(id, _)| *id == control.framework) {
            Some((_, controls)) => controls.push(control),
            None => frameworks.push((control.framework, vec![control])),
        }
    }
    frameworks.into_iter().map(|(id, controls)| framework(id, &controls, &rules)).collect()
}

fn framework(id: &'static str, controls: &[&ControlRow], rules: &HashMap<&str, &RuleRow>) -> FrameworkView {
    let count = |state: ControlState| {
        let controls = controls.iter().filter(|control| control.state == state).count() as u64;
        (controls > 0).then_some(StateCount { state: state.as_str(), controls })
    };
    FrameworkView {
        id,
        name: framework_name(id),
        counts: STATES.into_iter().filter_map(count).collect(),
        controls: controls.iter().map(|control| ControlView::of(control, rules)).collect(),
    }
}

impl ControlView {
    fn of(control: &ControlRow, rules: &HashMap<&str, &RuleRow>) -> Self {
        let mut serving: Vec<(&str, Vec<&ControlVerdict>)> = Vec::new();
        for verdict in &control.rules {
            match serving.iter_mut().find(|(rule, _)| *rule == &*verdict.rule) {
                Some((_, verdicts)) => verdicts.push(verdict),
                None => serving.push((&verdict.rule, vec![verdict])),
            }
        }
        Self {
            control: Text::name(&control.control),
            title: control.title,
            state: control.state.as_str(),
            findings: control.rules.iter().map(|rule| rule.findings).sum(),
            rules: serving
                .into_iter()
                .filter_map(|(rule, verdicts)| ServingRule::of(rules.get(rule)?, &verdicts))
                .collect(),
        }
    }
}

impl ServingRule {
    fn of(rule: &RuleRow, verdicts: &[&ControlVerdict]) -> Option<Self> {
        let worst = VERDICTS.into_iter().find(|worst| verdicts.iter().any(|one| one.verdict == *worst))?;
        let there: Vec<&str> =
            verdicts.iter().filter(|one| one.verdict == worst).map(|one| &*one.console).collect();
        let more = there.len().saturating_sub(NAMES);
        let rest = if more > 0 { format!(" and {more} more") } else { String::new() };
        let named = there.iter().take(NAMES).copied().collect::<Vec<_>>().join(", ");
        Some(Self {
            code: rule.code.clone(),
            title: Text::name(&rule.title),
            verdict: worst.as_str(),
            consoles: Text::name(&format!("{named}{rest}")),
            findings: verdicts.iter().map(|one| one.findings).sum(),
        })
    }
}
