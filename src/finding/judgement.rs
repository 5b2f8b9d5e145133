//! What a rule is, and what it concludes about one console.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Finding, Severity, Verdict};
use crate::model::Part;

/// What a rule is: its entry in the catalogue, printed by `recert rules` and carried into every report. Its texts are
/// borrowed for the rules that come with recert, and owned for those of the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct About {
    /// The id: file name, configuration table and rule name in every artifact, such as `local_admin_without_2fa`.
    pub id: Cow<'static, str>,
    /// The catalogue code, such as `AUTH-01`.
    pub code: Cow<'static, str>,
    /// One line.
    pub title: Cow<'static, str>,
    /// What exactly it flags.
    pub flags: Cow<'static, str>,
    /// What it looks at.
    pub evidence: Cow<'static, str>,
    /// Why it matters.
    pub why: Cow<'static, str>,
    /// The severity that its findings have, or the highest where they differ.
    pub severity: Severity,
    /// How to mend it in the console's pages: the click path.
    pub click_path: Cow<'static, str>,
    /// How to mend it through the API; empty where there is no call for it.
    pub api_call: Cow<'static, str>,
    /// The parts of the population that it must see whole before it may pass.
    pub needs: Cow<'static, [Part]>,
    /// Further parts that it looks at where they are there.
    pub uses: &'static [Part],
    /// Raised whenever the judgement changes for equal input.
    pub version: u32,
}

impl About {
    /// A rule for tests that need any.
    #[cfg(test)]
    pub(crate) const fn sample(id: &'static str, code: &'static str, title: &'static str) -> Self {
        Self {
            id: Cow::Borrowed(id),
            code: Cow::Borrowed(code),
            title: Cow::Borrowed(title),
            flags: Cow::Borrowed("Accounts."),
            evidence: Cow::Borrowed("What the console says of the account."),
            why: Cow::Borrowed("An attack, or a job with an old password."),
            severity: Severity::Medium,
            click_path: Cow::Borrowed("Administration > Users."),
            api_call: Cow::Borrowed("DELETE /api/3/users/{id}/lock."),
            needs: Cow::Borrowed(&[Part::Users]),
            uses: &[],
            version: 1,
        }
    }

    /// Both ways to mend it, in one text.
    pub fn remediation(&self) -> String {
        if self.api_call.is_empty() {
            return self.click_path.clone().into_owned();
        }
        format!("Console: {} API: {}", self.click_path, self.api_call)
    }

    /// The parts that its verdict rests on: those that it needs, and the rights of the collector. Without all of them
    /// it sees filtered lists, whatever they say of themselves; the settings are no list.
    pub fn rests_on(&self) -> impl Iterator<Item = Part> + use<> {
        let collector = *self.needs != [Part::Settings] && !self.needs.contains(&Part::Collector);
        let needs = self.needs.clone().into_owned();
        collector.then_some(Part::Collector).into_iter().chain(needs)
    }
}

/// One requirement of a framework.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Control {
    /// Whose.
    pub framework: Framework,
    /// Its number there, such as `8.4.2`.
    pub id: Arc<str>,
}

impl Serialize for Control {
    fn serialize<S: serde::Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        out.collect_str(self)
    }
}

impl fmt::Display for Control {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.framework {
            Framework::Iso27001 => write!(f, "ISO 27001:2022 A.{}", self.id),
            Framework::Hipaa => write!(f, "HIPAA 164.{}", self.id),
            other => write!(f, "{} {}", other.as_str(), self.id),
        }
    }
}

/// The frameworks that rules are mapped to.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, clap::ValueEnum,
)]
pub enum Framework {
    /// AICPA SOC 2, trust services criteria.
    #[serde(rename = "soc-2")]
    #[value(name = "soc-2")]
    Soc2,
    /// ISO/IEC 27001:2022, Annex A.
    #[serde(rename = "iso-27001")]
    #[value(name = "iso-27001")]
    Iso27001,
    /// PCI DSS 4.0.1.
    #[serde(rename = "pci-dss")]
    #[value(name = "pci-dss")]
    PciDss,
    /// NIST SP 800-53 revision 5.
    #[serde(rename = "nist-800-53")]
    #[value(name = "nist-800-53")]
    Nist80053,
    /// CIS Controls 8.1.
    #[serde(rename = "cis")]
    #[value(name = "cis")]
    Cis,
    /// HIPAA, 45 CFR 164.
    #[serde(rename = "hipaa")]
    #[value(name = "hipaa")]
    Hipaa,
    /// SOX IT general controls.
    #[serde(rename = "sox-itgc")]
    #[value(name = "sox-itgc")]
    Sox,
}

impl Framework {
    /// All of them, in the order of reports.
    pub const ALL: [Self; 7] =
        [Self::Soc2, Self::Iso27001, Self::PciDss, Self::Nist80053, Self::Cis, Self::Hipaa, Self::Sox];

    /// The name of the framework.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Soc2 => "SOC 2",
            Self::Iso27001 => "ISO 27001:2022",
            Self::PciDss => "PCI DSS 4.0.1",
            Self::Nist80053 => "NIST 800-53r5",
            Self::Cis => "CIS 8.1",
            Self::Hipaa => "HIPAA",
            Self::Sox => "SOX ITGC",
        }
    }

    /// The name on the command line, in the configuration and in JSON.
    pub fn key(self) -> &'static str {
        match self {
            Self::Soc2 => "soc-2",
            Self::Iso27001 => "iso-27001",
            Self::PciDss => "pci-dss",
            Self::Nist80053 => "nist-800-53",
            Self::Cis => "cis",
            Self::Hipaa => "hipaa",
            Self::Sox => "sox-itgc",
        }
    }
}

/// What one rule concludes about one console.
#[derive(Debug, Clone)]
pub struct Judgement {
    /// The rule.
    pub rule: About,
    /// The controls that it serves.
    pub controls: Arc<[Control]>,
    /// The conclusion.
    pub verdict: Verdict,
    /// How many subjects it could judge.
    pub examined: u64,
    /// How many it should have judged.
    pub expected: u64,
    /// Why the verdict is not a plain pass or fail; one sentence.
    pub note: Option<String>,
    /// Whether the verdict is unknown for want of an input that nobody provides, and not because of a gap.
    pub lacks_input: bool,
    /// What it found.
    pub findings: Vec<Finding>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_name_of_a_framework_everywhere() {
        for framework in Framework::ALL {
            let json = serde_json::to_value(framework).unwrap();
            assert_eq!(json, framework.key());
            let value = clap::ValueEnum::to_possible_value(&framework).unwrap();
            assert_eq!(value.get_name(), framework.key());
        }
    }
}
