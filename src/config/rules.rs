//! The tables of users' own rules: a condition on an account, and what a finding says.

use std::collections::BTreeSet;

use serde::Deserialize;

use super::Problem;
use crate::analyze::{IDS, OwnRule};
use crate::expression::Expression;
use crate::finding::{Severity, parse_control};

/// Rules of one's own that a configuration may have.
pub(super) const MAX_RULES: usize = 200;
/// Characters of a title, and of a control.
const MAX_LINE: usize = 120;
/// Characters of a text.
const MAX_TEXT: usize = 2_000;

/// `[[rule]]`: a rule of one's own. Every account that its condition holds for is a finding.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RuleTable {
    /// Its id, in small letters, digits and underscores; part of the ids of its findings.
    pub id: String,
    /// What it is about, in one line.
    pub title: String,
    /// How much its findings matter.
    pub severity: Severity,
    /// The condition, in CEL.
    pub expression: String,
    /// Why it matters.
    pub why: Option<String>,
    /// How a finding is mended.
    pub remediation: Option<String>,
    /// The controls that it serves, such as `pci-dss 7.2.4`.
    #[serde(default)]
    pub controls: Vec<String>,
    /// Whether it judges at all.
    #[serde(default = "RuleTable::default_enabled")]
    pub enabled: bool,
}

impl RuleTable {
    const fn default_enabled() -> bool {
        true
    }

    /// Checks what the types cannot, and makes the rule; `index` is its place among the rules of one's own.
    pub(super) fn compile(&self, index: usize) -> Result<OwnRule, Problem> {
        id(&self.id).map_err(|problem| ("id", problem))?;
        line(&self.title).map_err(|problem| ("title", problem))?;
        let expression =
            Expression::compile(&self.expression).map_err(|error| ("expression", error.to_string()))?;
        // Without a fact of the account, it is true of all of them or of none.
        if expression.references().iter().all(|name| *name == "now") {
            let problem = "asks nothing of the account; ask for a field of user, role, grants or person";
            return Err(("expression", problem.to_owned()));
        }
        text(self.why.as_deref()).map_err(|problem| ("why", problem))?;
        text(self.remediation.as_deref()).map_err(|problem| ("remediation", problem))?;
        let mut controls = BTreeSet::new();
        for control in &self.controls {
            line(control).map_err(|problem| ("controls", format!("{control:?}: {problem}")))?;
            let parsed = parse_control(control).map_err(|problem| ("controls", problem))?;
            if !controls.insert(parsed) {
                return Err(("controls", format!("{control:?} is named twice")));
            }
        }
        Ok(OwnRule::new(
            index,
            (&self.id, &self.title),
            self.severity,
            expression,
            (self.why.as_deref(), self.remediation.as_deref()),
            controls,
            self.enabled,
        ))
    }
}

fn id(id: &str) -> Result<(), String> {
    let length = id.chars().count();
    if !(3..=60).contains(&length) {
        return Err(format!("has {length} characters; 3 to 60 are possible"));
    }
    let word = |word: &str| {
        !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
    };
    if !id.starts_with(|c: char| c.is_ascii_lowercase()) || !id.split('_').all(word) {
        let problem = "must be small letters and digits with single underscores between, such as";
        return Err(format!("{problem} contractor_with_all_sites"));
    }
    if IDS.contains(&id) {
        return Err(format!("{id} is a rule of recert; choose another name, or set [analyzers.{id}]"));
    }
    Ok(())
}

fn line(text: &str) -> Result<(), String> {
    if text.trim().is_empty() || text.chars().any(char::is_control) {
        return Err("must be one line that is not empty".to_owned());
    }
    bounded(text, MAX_LINE)
}

fn text(text: Option<&str>) -> Result<(), String> {
    let Some(text) = text else { return Ok(()) };
    if text.trim().is_empty() {
        return Err("is empty; leave it out".to_owned());
    }
    if text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t')) {
        return Err("has a control character in it".to_owned());
    }
    bounded(text, MAX_TEXT)
}

fn bounded(text: &str, most: usize) -> Result<(), String> {
    match text.chars().count() {
        length if length > most => Err(format!("has {length} characters; at most {most} are possible")),
        _ => Ok(()),
    }
}
