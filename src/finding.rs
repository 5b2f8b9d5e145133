//! What a rule says: findings with stable ids, their severity, and the verdict of the rule on a console.

mod controls;
mod judgement;

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

pub use controls::{control_title, controls_of, mapped_rules, parse_control};
pub use judgement::{About, Control, Framework, Judgement};

use crate::model::{
    AssetGroup, AuthenticationSource, ConsoleIdentity, PrivilegeId, ReportAccess, Role, Site, User, UserId,
};

/// How much a finding matters; the only scale, everywhere.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, clap::ValueEnum,
)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// To know.
    Info,
    /// To tidy up.
    Low,
    /// To mend in the normal course.
    Medium,
    /// To mend soon.
    High,
    /// To mend now.
    Critical,
}

impl Severity {
    /// All of them, worst first.
    pub const WORST_FIRST: [Self; 5] = [Self::Critical, Self::High, Self::Medium, Self::Low, Self::Info];

    /// The name in files, in the configuration and on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// What a rule concludes about one console.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Everything it needs was seen, and nothing is wrong.
    Pass,
    /// At least one finding.
    Fail,
    /// No finding, but part of what it needs was not seen: absence proves nothing.
    Unknown,
    /// Nothing on this console that the rule speaks about, or the rule is switched off.
    NotApplicable,
    /// Every finding is covered by a waiver.
    Waived,
    /// The rule itself broke: a bug.
    Error,
}

impl Verdict {
    /// The name in `report.json`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Fail => "fail",
            Self::Unknown => "unknown",
            Self::NotApplicable => "not_applicable",
            Self::Waived => "waived",
            Self::Error => "error",
        }
    }
}

/// What kind of thing a finding is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SubjectKind {
    /// A user account.
    User,
    /// A role.
    Role,
    /// A privilege.
    Privilege,
    /// An authentication source.
    AuthenticationSource,
    /// A site.
    Site,
    /// An asset group.
    AssetGroup,
    /// A configured report.
    Report,
    /// The console as a whole.
    Console,
}

impl SubjectKind {
    /// The name in `findings.csv`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Role => "role",
            Self::Privilege => "privilege",
            Self::AuthenticationSource => "authentication_source",
            Self::Site => "site",
            Self::AssetGroup => "asset_group",
            Self::Report => "report",
            Self::Console => "console",
        }
    }
}

/// What a finding is about: the id tells subjects apart, the name is for people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subject {
    /// Its kind.
    pub kind: SubjectKind,
    /// Its id on the console.
    pub id: String,
    /// Its name: the login of a user, the name of anything else.
    pub name: String,
}

impl From<&User> for Subject {
    fn from(user: &User) -> Self {
        Self { kind: SubjectKind::User, id: user.id.to_string(), name: user.login.to_string() }
    }
}

impl From<&Role> for Subject {
    fn from(role: &Role) -> Self {
        Self { kind: SubjectKind::Role, id: role.id.to_string(), name: role.name.clone() }
    }
}

impl From<&PrivilegeId> for Subject {
    fn from(privilege: &PrivilegeId) -> Self {
        Self { kind: SubjectKind::Privilege, id: privilege.to_string(), name: privilege.to_string() }
    }
}

impl From<&AuthenticationSource> for Subject {
    fn from(source: &AuthenticationSource) -> Self {
        Self { kind: SubjectKind::AuthenticationSource, id: source.id.to_string(), name: source.name.clone() }
    }
}

impl From<&Site> for Subject {
    fn from(site: &Site) -> Self {
        Self { kind: SubjectKind::Site, id: site.id.to_string(), name: site.name.clone() }
    }
}

impl From<&AssetGroup> for Subject {
    fn from(group: &AssetGroup) -> Self {
        Self { kind: SubjectKind::AssetGroup, id: group.id.to_string(), name: group.name.clone() }
    }
}

impl From<&ReportAccess> for Subject {
    fn from(report: &ReportAccess) -> Self {
        Self { kind: SubjectKind::Report, id: report.id.to_string(), name: report.name.clone() }
    }
}

impl From<&ConsoleIdentity> for Subject {
    fn from(console: &ConsoleIdentity) -> Self {
        Self { kind: SubjectKind::Console, id: console.key().to_owned(), name: console.name.clone() }
    }
}

/// One rule, one subject: what is wrong, and what shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The rule's id.
    pub rule: Cow<'static, str>,
    /// What it is about.
    pub subject: Subject,
    /// Tells findings of one rule on one subject apart (the code of a toxic combination, a digest of a mailbox); usually
    /// empty. As the subject's id, it must not depend on who or how many are affected.
    pub aspect: Cow<'static, str>,
    /// How much it matters.
    pub severity: Severity,
    /// One sentence.
    pub summary: String,
    /// What shows it: labels and values, in the order they should be read.
    pub evidence: Vec<(&'static str, String)>,
    /// Users that it concerns beside the subject: the holders of a role, the twins of an account. It counts for them too.
    pub affected: Vec<UserId>,
}

impl Finding {
    /// A finding without evidence; [`Finding::with`] adds it.
    pub fn new(
        rule: &About,
        subject: impl Into<Subject>,
        severity: Severity,
        summary: impl Into<String>,
    ) -> Self {
        Self {
            rule: rule.id.clone(),
            subject: subject.into(),
            aspect: Cow::Borrowed(""),
            severity,
            summary: summary.into(),
            evidence: Vec::new(),
            affected: Vec::new(),
        }
    }

    /// Names the users that it concerns beside the subject.
    #[must_use]
    pub fn affecting(mut self, users: impl IntoIterator<Item = UserId>) -> Self {
        self.affected.extend(users);
        self
    }

    /// Adds one piece of evidence.
    #[must_use]
    pub fn with(mut self, label: &'static str, value: impl Into<String>) -> Self {
        self.evidence.push((label, value.into()));
        self
    }

    /// Names the aspect that tells this finding from another one of the same rule on the same subject.
    #[must_use]
    pub fn aspect(mut self, aspect: impl Into<Cow<'static, str>>) -> Self {
        self.aspect = aspect.into();
        self
    }

    /// The stable id: from console, rule, subject and aspect, never from text, severity or order.
    ///
    /// It is a [`digest`]: a million findings collide with a probability below 10⁻¹².
    pub fn id(&self, console: &ConsoleIdentity) -> String {
        digest(&[console.key(), &self.rule, self.subject.kind.as_str(), &self.subject.id, &self.aspect])
    }
}

/// 80 bits of SHA-256 over length-prefixed parts, in hexadecimal: what tells things apart without naming them.
pub fn digest(parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part.as_bytes());
    }
    hex::encode(&hash.finalize()[..10])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn console(name: &str) -> ConsoleIdentity {
        ConsoleIdentity { name: name.into(), uuid: None, serial: None, version: None }
    }

    fn finding(id: &str) -> Finding {
        let subject = Subject { kind: SubjectKind::User, id: id.into(), name: "jo".into() };
        let rule = About::sample("locked_account", "LIFE-05", "Locked account");
        Finding::new(&rule, subject, Severity::Medium, "jo is locked")
    }

    #[test]
    fn id_ignores_names_wording_and_severity() {
        let mut other = finding("7");
        other.subject.name = "jo.renamed".into();
        other.severity = Severity::Critical;
        other.summary = "said otherwise".into();
        assert_eq!(finding("7").with("since", "monday").id(&console("hq")), other.id(&console("hq")));
    }

    #[test]
    fn id_tells_consoles_subjects_and_aspects_apart() {
        let ids = [
            finding("7").id(&console("hq")),
            finding("8").id(&console("hq")),
            finding("7").id(&console("lab")),
            finding("7").aspect("T4").id(&console("hq")),
        ];
        assert_eq!(ids.iter().collect::<std::collections::BTreeSet<_>>().len(), ids.len());
    }

    #[test]
    fn id_follows_the_console_not_its_label() {
        let mut first = console("hq");
        first.uuid = Some("c0ffee".into());
        let second = ConsoleIdentity { name: "headquarters".into(), ..first.clone() };
        assert_eq!(finding("7").id(&first), finding("7").id(&second));
    }

    #[test]
    fn ids_never_change_between_versions() {
        let id = finding("7").aspect("T4").id(&console("hq"));
        assert_eq!(id, "836e54e1e2e7889571c2");
    }

    #[test]
    fn parts_of_a_digest_do_not_run_into_each_other() {
        assert_ne!(digest(&["ab", "c"]), digest(&["a", "bc"]));
        assert_ne!(digest(&["ab"]), digest(&["ab", ""]));
    }

    #[test]
    fn severities_are_ordered() {
        assert!(Severity::Critical > Severity::High && Severity::Low > Severity::Info);
    }
}
