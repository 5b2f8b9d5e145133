//! The rules: each judges one console's access graph, purely, synchronously and without failing.
//!
//! A rule is a struct that is its own configuration table. Its file, its module, its table and its id are one name.
//! Adding one is a file here and a line in [`analyzers!`].

#[cfg(test)]
mod check;
mod toxic;

use std::panic::{AssertUnwindSafe, catch_unwind};

use chrono::{DateTime, Utc};
use serde::Deserialize;

use crate::finding::{About, Finding, Judgement, Severity, Verdict};
use crate::graph::AccessGraph;
use crate::model::User;

pub use toxic::{COMBINATIONS, Combination};

/// What a rule may look at.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// The console's access.
    pub graph: &'a AccessGraph,
    /// The time to judge at: the end of the collection, never the clock.
    pub now: DateTime<Utc>,
    /// The ids of the rules before this one whose verdict is withheld (unknown).
    pub withheld: &'a [&'static str],
}

/// What a rule saw, before the frame turns it into a verdict.
#[derive(Debug, Default)]
pub struct Outcome {
    /// How many subjects it could judge.
    pub examined: u64,
    /// How many it should have judged.
    pub expected: u64,
    /// What it found.
    pub findings: Vec<Finding>,
}

/// One judgement of the catalogue.
pub trait Rule: Configured {
    /// What it is.
    fn about(&self) -> &'static About;
    /// Judges one console.
    fn examine(&self, context: Context<'_>) -> Outcome;
}

/// The two settings that every rule has; [`rule!`] implements it.
pub trait Configured {
    /// Whether the configuration wants it.
    fn enabled(&self) -> bool;
    /// The severity that the configuration gives to all its findings.
    fn severity(&self) -> Option<Severity>;
}

/// Declares the catalogue, in the order of judging and printing: modules, the `[analyzers]` table and its rules.
macro_rules! analyzers {
    ($($id:ident: $rule:ident,)*) => {
        $(mod $id;)*
        $(pub use $id::$rule;)*

        /// The `[analyzers]` table: one table for each rule, all of them optional.
        #[derive(Debug, Clone, Default, Deserialize)]
        #[serde(deny_unknown_fields, default)]
        pub struct Analyzers {
            $(
                #[doc = concat!("`[analyzers.", stringify!($id), "]`.")]
                pub $id: $rule,
            )*
        }

        impl Analyzers {
            /// Every rule, in the order of the catalogue.
            pub fn rules(&self) -> Vec<&dyn Rule> {
                vec![$(&self.$id),*]
            }
        }

        #[cfg(test)]
        const IDS: &[&str] = &[$(stringify!($id)),*];
    };
}

/// Declares a rule's struct: its own knobs beside the two that every rule has.
macro_rules! rule {
    ($(#[$doc:meta])* $rule:ident { $($(#[$knob_doc:meta])* $knob:ident: $kind:ty = $default:expr,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, serde::Deserialize)]
        #[serde(deny_unknown_fields, default)]
        pub struct $rule {
            /// Whether the rule judges at all.
            pub enabled: bool,
            /// Replaces the severity of every finding of this rule.
            pub severity: Option<crate::finding::Severity>,
            $($(#[$knob_doc])* pub $knob: $kind,)*
        }

        impl Default for $rule {
            fn default() -> Self {
                Self { enabled: true, severity: None, $($knob: $default,)* }
            }
        }

        impl crate::analyze::Configured for $rule {
            fn enabled(&self) -> bool {
                self.enabled
            }

            fn severity(&self) -> Option<crate::finding::Severity> {
                self.severity
            }
        }
    };
}

analyzers! {
    local_admin_without_2fa: LocalAdminWithout2fa,
}

impl Analyzers {
    /// Judges one console by every rule. A rule that panics is a bug; it yields the verdict *error* and ends nothing.
    pub fn judge(&self, graph: &AccessGraph) -> Vec<Judgement> {
        let now = graph.snapshot().finished;
        let mut judgements: Vec<Judgement> = Vec::new();
        let mut withheld = Vec::new();
        for rule in self.rules() {
            let judgement = judge(rule, Context { graph, now, withheld: &withheld });
            if judgement.verdict == Verdict::Unknown {
                withheld.push(judgement.rule.id);
            }
            judgements.push(judgement);
        }
        judgements
    }
}

fn judge(rule: &dyn Rule, context: Context<'_>) -> Judgement {
    let about = rule.about();
    let mut judgement = Judgement {
        rule: about,
        verdict: Verdict::Pass,
        examined: 0,
        expected: 0,
        note: None,
        findings: Vec::new(),
    };
    if !rule.enabled() {
        judgement.verdict = Verdict::NotApplicable;
        judgement.note = Some("switched off in the configuration".to_owned());
        return judgement;
    }
    let Ok(mut outcome) = catch_unwind(AssertUnwindSafe(|| rule.examine(context))) else {
        judgement.verdict = Verdict::Error;
        judgement.note = Some("the rule broke; this is a bug in recert".to_owned());
        return judgement;
    };
    if let Some(severity) = rule.severity() {
        outcome.findings.iter_mut().for_each(|finding| finding.severity = severity);
    }
    let coverage = &context.graph.snapshot().coverage;
    let unseen: Vec<&str> =
        about.needs.iter().filter(|part| !coverage.is_complete(**part)).map(|part| part.as_str()).collect();
    (judgement.verdict, judgement.note) = conclude(&outcome, &unseen);
    judgement.examined = outcome.examined;
    judgement.expected = outcome.expected;
    judgement.findings = outcome.findings;
    judgement
}

/// A finding always counts. Without one, absence proves nothing unless everything was seen.
fn conclude(outcome: &Outcome, unseen: &[&str]) -> (Verdict, Option<String>) {
    let missing = outcome.expected.saturating_sub(outcome.examined);
    let note = match (unseen.is_empty(), missing) {
        (true, 0) => None,
        (true, missing) => Some(format!("{missing} of {} could not be judged", outcome.expected)),
        (false, _) => Some(format!("not seen whole: {}", unseen.join(", "))),
    };
    let verdict = if !outcome.findings.is_empty() {
        Verdict::Fail
    } else if note.is_some() {
        Verdict::Unknown
    } else if outcome.expected == 0 {
        Verdict::NotApplicable
    } else {
        Verdict::Pass
    };
    (verdict, note)
}

/// Whether an account has administrative power: superuser, Global Administrator, `all-permissions`, or a toxic
/// combination of high or critical severity. `None` if its privileges are not known and nothing else tells.
fn is_privileged(user: &User) -> Option<bool> {
    if user.is_global_admin() {
        return Some(true);
    }
    let held = user.effective_privileges()?;
    Some(held.contains("all-permissions") || toxic::held_by(held).any(|row| row.severity >= Severity::High))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_module_names_and_codes_are_unique() {
        let analyzers = Analyzers::default();
        let rules = analyzers.rules();
        let ids: Vec<_> = rules.iter().map(|rule| rule.about().id).collect();
        assert_eq!(ids, IDS);
        let codes: std::collections::BTreeSet<_> = rules.iter().map(|rule| rule.about().code).collect();
        assert_eq!(codes.len(), rules.len());
    }

    #[test]
    fn conclusions_follow_from_findings_and_coverage() {
        let outcome = |examined, expected| Outcome { examined, expected, findings: Vec::new() };
        assert_eq!(conclude(&outcome(3, 3), &[]).0, Verdict::Pass);
        assert_eq!(conclude(&outcome(0, 0), &[]).0, Verdict::NotApplicable);
        assert_eq!(conclude(&outcome(2, 3), &[]).0, Verdict::Unknown);
        assert_eq!(conclude(&outcome(3, 3), &["users"]).0, Verdict::Unknown);
        assert_eq!(conclude(&outcome(0, 0), &["users"]).0, Verdict::Unknown);
    }
}
