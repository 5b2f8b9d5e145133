//! What a rule is: what it says of itself, its table in the configuration, and the macros that declare both.

use std::sync::Arc;

use super::{Combination, Context, Outcome};
use crate::finding::{About, Control, Severity};

/// One judgement of the catalogue.
pub trait Rule: Configured {
    /// Judges one console.
    fn examine(&self, context: Context<'_>) -> Outcome;
    /// The combinations of privileges that it looks for, the configuration's included.
    fn combinations(&self) -> Vec<Combination> {
        Vec::new()
    }
    /// What is wrong with its knobs, beyond their types; one sentence without the rule's name.
    fn mistake(&self) -> Option<String> {
        None
    }
}

/// What a rule is, and its settings; [`about!`] and [`rule!`] implement it.
pub trait Configured {
    /// What it is.
    fn about(&self) -> &About;
    /// The controls that it serves.
    fn controls(&self) -> Arc<[Control]>;
    /// Whether the configuration wants it.
    fn enabled(&self) -> bool;
    /// The severity that the configuration gives to all its findings.
    fn severity(&self) -> Option<Severity>;
    /// Its own settings, beside the two that every rule has, with their defaults.
    fn knobs(&self) -> Vec<Knob>;
}

/// One setting of a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Knob {
    /// The key in the rule's table.
    pub name: &'static str,
    /// What it does.
    pub about: String,
    /// Its default, as TOML.
    pub default: String,
}

/// Declares what a rule is, as the static `ABOUT` of its file.
macro_rules! about {
    (
        id: $id:literal, code: $code:literal, title: $title:literal, flags: $flags:literal,
        evidence: $evidence:literal, why: $why:literal, severity: $severity:expr, click_path: $click_path:literal,
        api_call: $api_call:literal, needs: $needs:expr, $(uses: $uses:expr,)? version: $version:literal,
    ) => {
        static ABOUT: crate::finding::About = crate::finding::About {
            id: std::borrow::Cow::Borrowed($id),
            code: std::borrow::Cow::Borrowed($code),
            title: std::borrow::Cow::Borrowed($title),
            flags: std::borrow::Cow::Borrowed($flags),
            evidence: std::borrow::Cow::Borrowed($evidence),
            why: std::borrow::Cow::Borrowed($why),
            severity: $severity,
            click_path: std::borrow::Cow::Borrowed($click_path),
            api_call: std::borrow::Cow::Borrowed($api_call),
            needs: std::borrow::Cow::Borrowed($needs),
            uses: about!(@uses $($uses)?),
            version: $version,
        };
    };
    (@uses $uses:expr) => { $uses };
    (@uses) => { &[] };
}

/// Declares a rule's struct: its own knobs beside the two that every rule has.
macro_rules! rule {
    ($(#[$doc:meta])* $rule:ident { $($(#[doc = $knob_doc:literal])+ $knob:ident: $kind:ty = $default:expr,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, serde::Deserialize)]
        #[serde(deny_unknown_fields, default)]
        pub struct $rule {
            /// Whether the rule judges at all.
            pub enabled: bool,
            /// Replaces the severity of every finding of this rule.
            pub severity: Option<crate::finding::Severity>,
            $($(#[doc = $knob_doc])+ pub $knob: $kind,)*
        }

        impl Default for $rule {
            fn default() -> Self {
                Self { enabled: true, severity: None, $($knob: $default,)* }
            }
        }

        impl crate::analyze::Configured for $rule {
            fn about(&self) -> &crate::finding::About {
                &ABOUT
            }

            fn controls(&self) -> std::sync::Arc<[crate::finding::Control]> {
                crate::finding::controls_of(&ABOUT.id)
            }

            fn enabled(&self) -> bool {
                self.enabled
            }

            fn severity(&self) -> Option<crate::finding::Severity> {
                self.severity
            }

            fn knobs(&self) -> Vec<crate::analyze::Knob> {
                vec![$(crate::analyze::Knob {
                    name: stringify!($knob),
                    about: [$($knob_doc),+].concat().trim().to_owned(),
                    default: crate::analyze::as_toml(&Self::default().$knob),
                }),*]
            }
        }
    };
}

/// A default as it would stand in the configuration; a setting that is off by default has none.
pub(super) fn as_toml(value: &impl serde::Serialize) -> String {
    toml::Value::try_from(value).map(|value| value.to_string()).unwrap_or_default()
}
