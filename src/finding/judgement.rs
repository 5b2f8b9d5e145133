//! What a rule is, and what it concludes about one console.

use super::{Finding, Severity, Verdict};
use crate::model::Part;

/// What a rule is: its entry in the catalogue, printed by `recert rules` and carried into every report.
#[derive(Debug, PartialEq, Eq)]
pub struct About {
    /// The id: file name, configuration table and rule name in every artifact, such as `local_admin_without_2fa`.
    pub id: &'static str,
    /// The catalogue code, such as `AUTH-01`.
    pub code: &'static str,
    /// One line.
    pub title: &'static str,
    /// What exactly it flags.
    pub flags: &'static str,
    /// Why it matters.
    pub why: &'static str,
    /// The severity that its findings have, or the highest where they differ.
    pub severity: Severity,
    /// How to mend it in the console's pages: the click path.
    pub click_path: &'static str,
    /// How to mend it through the API.
    pub api_call: &'static str,
    /// The controls that it serves.
    pub controls: &'static [Control],
    /// The parts of the population that it must see whole before it may pass.
    pub needs: &'static [Part],
    /// Raised whenever the judgement changes for equal input.
    pub version: u32,
}

impl About {
    /// Both ways to mend it, in one text.
    pub fn remediation(&self) -> String {
        format!("Console: {} API: {}", self.click_path, self.api_call)
    }

    /// The parts that its verdict rests on: those that it needs, and the rights of the collector. Without all of them
    /// it sees filtered lists, whatever they say of themselves; the settings are no list.
    pub fn rests_on(&self) -> impl Iterator<Item = Part> + use<> {
        let collector = self.needs != [Part::Settings] && !self.needs.contains(&Part::Collector);
        collector.then_some(Part::Collector).into_iter().chain(self.needs.iter().copied())
    }
}

/// One requirement of a framework.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Control {
    /// Whose.
    pub framework: Framework,
    /// Its number there, such as `8.4.2`.
    pub id: &'static str,
}

impl std::fmt::Display for Control {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.framework {
            Framework::Iso27001 => write!(f, "ISO 27001:2022 A.{}", self.id),
            Framework::Hipaa => write!(f, "HIPAA 164.{}", self.id),
            other => write!(f, "{} {}", other.as_str(), self.id),
        }
    }
}

/// The frameworks that rules are mapped to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Framework {
    /// AICPA SOC 2, trust services criteria.
    Soc2,
    /// ISO/IEC 27001:2022, Annex A.
    Iso27001,
    /// PCI DSS 4.0.1.
    PciDss,
    /// NIST SP 800-53 revision 5.
    Nist80053,
    /// CIS Controls 8.1.
    Cis,
    /// HIPAA, 45 CFR 164.
    Hipaa,
    /// SOX IT general controls.
    Sox,
}

impl Framework {
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
}

/// What one rule concludes about one console.
#[derive(Debug, Clone)]
pub struct Judgement {
    /// The rule.
    pub rule: &'static About,
    /// The conclusion.
    pub verdict: Verdict,
    /// How many subjects it could judge.
    pub examined: u64,
    /// How many it should have judged.
    pub expected: u64,
    /// Why the verdict is not a plain pass or fail; one sentence.
    pub note: Option<String>,
    /// What it found.
    pub findings: Vec<Finding>,
}
