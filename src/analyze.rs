//! The rules: each judges one console's access graph, purely, synchronously and without failing.
//!
//! A rule is a struct that is its own configuration table. Its file, its module, its table and its id are one name.
//! Adding one is a file here and a line in [`analyzers!`].
//!
//! What holds for all of them: a judgement has three values, and what is not known is never read as "no". An account
//! that cannot log in is the business of `inactive_account_with_privileges`; the other rules that speak of a danger
//! leave it out, those that speak of the data or of a definition do not.

#[cfg(test)]
mod check;
mod control;
mod mailbox;
mod mismatch;
mod power;
#[cfg(test)]
mod properties;
mod text;
mod toxic;

use std::panic::{AssertUnwindSafe, catch_unwind};

use chrono::{DateTime, Utc};
use serde::Deserialize;

use crate::finding::{About, Finding, Judgement, Severity, Verdict};
use crate::graph::AccessGraph;
use crate::identity::{Mailbox, login_form, name_form};
use crate::model::{Coverage, Part, PartState, TwoFactor, User};

pub use toxic::{COMBINATIONS, Combination};

use control::{cis, hipaa, iso27001, nist, pci_dss, soc2, sox};
use mailbox::{is_one_person, mailbox_aspect, mailboxes};
use mismatch::{Disagreements, disagreements};
use power::{can_change, holds_everything, is_privileged};
use text::{amount, conjoin, cut, enumerate, first_logins, list, logins, yes_no};
use toxic::{Holding, Holdings, held_by, holdings};

/// What a rule may look at.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// The console's access.
    pub graph: &'a AccessGraph,
    /// The time to judge at: the end of the collection, never the clock.
    pub now: DateTime<Utc>,
    /// The ids of the rules before this one whose verdict is withheld (unknown, or the rule broke).
    pub withheld: &'a [&'static str],
    /// The ids of the rules before this one that found something, but could not judge everything.
    pub partial: &'a [&'static str],
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

impl Outcome {
    /// Records one subject of the rule: something is wrong with it, or not, or it cannot be told (`None`).
    fn judge(&mut self, wrong: Option<bool>, finding: impl FnOnce() -> Finding) {
        self.expected += 1;
        self.examined += u64::from(wrong.is_some());
        if wrong == Some(true) {
            self.findings.push(finding());
        }
    }
}

/// Whether all conditions hold: one that does not settles it, else one that is not known leaves it open.
fn all_of<const N: usize>(conditions: [Option<bool>; N]) -> Option<bool> {
    if conditions.contains(&Some(false)) {
        return Some(false);
    }
    if conditions.contains(&None) { None } else { Some(true) }
}

/// One judgement of the catalogue.
pub trait Rule: Configured {
    /// What it is.
    fn about(&self) -> &'static About;
    /// Judges one console.
    fn examine(&self, context: Context<'_>) -> Outcome;
    /// What is wrong with its knobs, beyond their types; one sentence without the rule's name.
    fn mistake(&self) -> Option<String> {
        None
    }
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
    local_user_without_2fa: LocalUserWithout2fa,
    two_factor_disabled: TwoFactorDisabled,
    local_account_beside_external_source: LocalAccountBesideExternalSource,
    superuser_outside_global_admin: SuperuserOutsideGlobalAdmin,
    global_admin_count: GlobalAdminCount,
    shadow_admin: ShadowAdmin,
    inactive_account_with_privileges: InactiveAccountWithPrivileges,
    all_scope_flag: AllScopeFlag,
    grant_mismatch: GrantMismatch,
    user_without_scope: UserWithoutScope,
    locked_account: LockedAccount,
    email_missing_or_invalid: EmailMissingOrInvalid,
    shared_or_generic_account: SharedOrGenericAccount,
    duplicate_identity: DuplicateIdentity,
    unused_custom_role: UnusedCustomRole,
    similar_roles: SimilarRoles,
    role_definition_mismatch: RoleDefinitionMismatch,
    unknown_privilege: UnknownPrivilege,
    toxic_combination: ToxicCombination,
    incomplete_collection: IncompleteCollection,
}

impl Analyzers {
    /// What is wrong with the knobs, each with its table's name; to be refused before anything is judged.
    pub fn mistakes(&self) -> Vec<String> {
        let mistake = |rule: &&dyn Rule| {
            rule.mistake().map(|mistake| format!("analyzers.{}: {mistake}", rule.about().id))
        };
        self.rules().iter().filter_map(mistake).collect()
    }

    /// Judges one console by every rule. A rule that panics is a bug; it yields the verdict *error* and ends nothing.
    pub fn judge(&self, graph: &AccessGraph) -> Vec<Judgement> {
        let now = graph.snapshot().finished;
        let mut judgements: Vec<Judgement> = Vec::new();
        let (mut withheld, mut partial) = (Vec::new(), Vec::new());
        for rule in self.rules() {
            let judgement = judge(rule, Context { graph, now, withheld: &withheld, partial: &partial });
            match judgement.verdict {
                Verdict::Unknown | Verdict::Error => withheld.push(judgement.rule.id),
                // The note of a rule that found something says what it did not see.
                Verdict::Fail if judgement.note.is_some() => partial.push(judgement.rule.id),
                _ => {}
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
    let undetermined =
        |part: &Part| coverage.part(*part).is_some_and(|seen| seen.state == PartState::Undetermined);
    let names = |parts: Vec<Part>| parts.into_iter().map(Part::as_str).collect::<Vec<_>>();
    let open = names(about.rests_on().filter(undetermined).collect());
    let unseen = |part: &Part| !coverage.is_complete(*part) && !undetermined(part);
    let unseen = names(about.rests_on().filter(unseen).collect());
    (judgement.verdict, judgement.note) = conclude(&outcome, &unseen, &open);
    judgement.examined = outcome.examined;
    judgement.expected = outcome.expected;
    judgement.findings = outcome.findings;
    judgement
}

/// A finding always counts. Without one, absence proves nothing unless everything was seen.
fn conclude(outcome: &Outcome, unseen: &[&str], undetermined: &[&str]) -> (Verdict, Option<String>) {
    let missing = outcome.expected.saturating_sub(outcome.examined);
    let said =
        |says: &str, parts: &[&str]| (!parts.is_empty()).then(|| format!("{says}: {}", parts.join(", ")));
    let parts: Vec<String> = [said("not seen whole", unseen), said("undetermined in part", undetermined)]
        .into_iter()
        .flatten()
        .collect();
    let note = match (parts.is_empty(), missing) {
        (true, 0) => None,
        (true, missing) => Some(format!("{missing} of {} could not be judged", outcome.expected)),
        (false, _) => Some(parts.join("; ")),
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

/// Enabled accounts, by id. One whose state is not known counts as enabled.
fn enabled(graph: &AccessGraph) -> impl Iterator<Item = &User> {
    graph.users().iter().filter(|user| user.is_enabled())
}

/// Whether the console has a second factor for an account; `None` if that could not be told. A local account has no
/// identity provider to delegate to, so *delegated* proves nothing for it.
fn has_second_factor(user: &User) -> Option<bool> {
    match user.two_factor {
        TwoFactor::Configured => Some(true),
        TwoFactor::NotConfigured => Some(false),
        TwoFactor::Delegated | TwoFactor::Undetermined => None,
    }
}

/// The evidence on an account without a second factor: one cause for all of them, or the account's own state.
fn second_factor_evidence(graph: &AccessGraph, user: &User) -> String {
    if graph.snapshot().settings.two_factor == Some(false) {
        "switched off for the whole console; two_factor_disabled is the cause".to_owned()
    } else {
        user.two_factor.as_str().to_owned()
    }
}

/// Whether all these parts were asked and seen whole. A part that was rightly not asked compares nothing.
fn was_compared(coverage: &Coverage, parts: &[Part]) -> bool {
    let complete = |part: &Part| coverage.part(*part).is_some_and(|seen| seen.state == PartState::Complete);
    parts.iter().all(complete)
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
        assert_eq!(conclude(&outcome(3, 3), &[], &[]).0, Verdict::Pass);
        assert_eq!(conclude(&outcome(0, 0), &[], &[]).0, Verdict::NotApplicable);
        assert_eq!(conclude(&outcome(2, 3), &[], &[]).0, Verdict::Unknown);
        assert_eq!(conclude(&outcome(3, 3), &["users"], &[]).0, Verdict::Unknown);
        assert_eq!(conclude(&outcome(0, 0), &["users"], &[]).0, Verdict::Unknown);
    }

    #[test]
    fn every_rule_says_what_it_is() {
        for rule in Analyzers::default().rules() {
            let about = rule.about();
            let capital = |text: &str| text.chars().next().is_some_and(char::is_uppercase);
            assert!(capital(about.title) && !about.title.ends_with('.'), "{}: title", about.id);
            for text in [about.flags, about.why, about.click_path, about.api_call] {
                assert!(capital(text) && text.ends_with('.') && !text.contains("  "), "{}: {text}", about.id);
            }
            assert!(!about.controls.is_empty() && !about.needs.is_empty(), "{}", about.id);
            assert!(about.version >= 1, "{}", about.id);
        }
    }

    #[test]
    fn one_known_no_settles_a_conjunction() {
        assert_eq!(all_of([Some(true), Some(true)]), Some(true));
        assert_eq!(all_of([None, Some(false)]), Some(false));
        assert_eq!(all_of([None, Some(true)]), None);
    }

    #[test]
    fn knobs_are_checked_and_named() {
        assert_eq!(Analyzers::default().mistakes(), Vec::<String>::new());
        let mut analyzers = Analyzers::default();
        analyzers.global_admin_count.min = 9;
        analyzers.similar_roles.threshold = f64::NAN;
        let mistakes = analyzers.mistakes();
        assert!(mistakes[0].starts_with("analyzers.global_admin_count: "), "{mistakes:?}");
        assert!(mistakes[1].starts_with("analyzers.similar_roles: "), "{mistakes:?}");
    }

    #[test]
    fn unknown_knobs_are_refused() {
        let error = toml::from_str::<Analyzers>("[locked_account]\nafter_days = 3").unwrap_err();
        assert!(error.to_string().contains("after_days"));
    }

    #[test]
    fn the_configuration_switches_off_and_sets_severity() {
        use crate::model::sample::{snapshot, user};
        let locked = User { locked: Some(true), ..user(1, "mia") };
        let table = "[locked_account]\nseverity = \"critical\"\n[email_missing_or_invalid]\nenabled = false";
        let analyzers: Analyzers = toml::from_str(table).unwrap();
        let judgements = analyzers.judge(&AccessGraph::build(snapshot(vec![locked])));
        let of = |id: &str| judgements.iter().find(|judgement| judgement.rule.id == id).unwrap();
        assert_eq!(of("locked_account").findings[0].severity, Severity::Critical);
        assert_eq!(of("email_missing_or_invalid").verdict, Verdict::NotApplicable);
    }
}
