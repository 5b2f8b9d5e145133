//! Waivers: named, reasoned, approved, expiring exceptions to rules. The finding stays, with its severity; a waiver
//! stands beside it.

use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use serde::Deserialize;

use crate::day;
use crate::finding::{About, Finding, Subject};
use crate::model::ConsoleIdentity;
use crate::pattern;

/// `[[waiver]]`: an exception to one rule.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Waiver {
    /// The rule's id or catalogue code; the id alone for a rule of one's own.
    pub rule: String,
    /// The console's name, or a pattern; every console if left out.
    pub console: Option<String>,
    /// The subject: its id, its name, or a pattern of either, without case.
    pub subject: Option<String>,
    /// The id of one finding, instead of a subject.
    pub finding: Option<String>,
    /// Why the finding is accepted.
    pub reason: String,
    /// Who accepted it.
    pub approved_by: String,
    /// The last day on which it counts, in UTC.
    #[serde(deserialize_with = "day::required")]
    pub expires: NaiveDate,
    /// Where it was agreed.
    pub ticket: Option<String>,
    /// Where it stands, for messages: `waiver[2]`.
    #[serde(skip)]
    pub place: String,
}

impl Waiver {
    /// Whether it counts at a time.
    pub fn is_active(&self, now: DateTime<Utc>) -> bool {
        now.date_naive() <= self.expires
    }

    /// Days until it ends; none are left on its last day, and the number is negative afterwards.
    pub fn days_left(&self, now: DateTime<Utc>) -> i64 {
        (self.expires - now.date_naive()).num_days()
    }

    /// The last second on which it counts.
    pub fn end(&self) -> DateTime<Utc> {
        last_second(self.expires)
    }

    /// Whether it speaks of a rule.
    pub fn is_of(&self, rule: &About) -> bool {
        self.rule == rule.id || self.rule.eq_ignore_ascii_case(&rule.code)
    }

    /// Whether it speaks of a console of this name.
    pub fn is_on(&self, console: &str) -> bool {
        self.console.as_deref().is_none_or(|wanted| named(wanted, console))
    }

    /// Whether it may speak of several subjects.
    pub fn is_pattern(&self) -> bool {
        self.subject.as_deref().is_some_and(|subject| subject.contains('*'))
    }

    /// Whether it speaks of a finding of its rule on a console, whatever the time.
    pub fn covers(&self, console: &ConsoleIdentity, finding: &Finding) -> bool {
        self.names(&console.name, || finding.id(console), &finding.subject)
    }

    /// Whether it speaks of a finding of its rule that is known by its id and subject alone, whatever the time.
    pub fn names(&self, console: &str, finding: impl FnOnce() -> String, subject: &Subject) -> bool {
        if !self.is_on(console) {
            return false;
        }
        if let Some(id) = &self.finding {
            return *id == finding();
        }
        let wanted = self.subject.as_deref();
        wanted.is_some_and(|wanted| named(wanted, &subject.id) || named(wanted, &subject.name))
    }

    /// Whether two of one rule say the same, but for reason and time.
    pub fn is_same(&self, other: &Self) -> bool {
        let fold = |text: &Option<String>| text.as_deref().map(str::to_lowercase);
        let of = |waiver: &Self| (fold(&waiver.console), fold(&waiver.subject), fold(&waiver.finding));
        of(self) == of(other)
    }

    /// What is wrong with the table, beyond its types: the key, and the problem with its mend.
    pub fn mistake(&self) -> Option<(&'static str, String)> {
        match (&self.subject, &self.finding) {
            (None, None) => {
                return Some(("subject", "is missing; name the subject, or one finding by its id".into()));
            }
            (Some(_), Some(_)) => {
                return Some(("finding", "stands beside a subject; give one of the two".into()));
            }
            _ => {}
        }
        let texts = [
            ("rule", Some(&self.rule)),
            ("console", self.console.as_ref()),
            ("subject", self.subject.as_ref()),
            ("finding", self.finding.as_ref()),
            ("reason", Some(&self.reason)),
            ("approved_by", Some(&self.approved_by)),
            ("ticket", self.ticket.as_ref()),
        ];
        for (key, text) in texts {
            if text.is_some_and(|text| text.trim().is_empty()) {
                return Some((key, "is empty".to_owned()));
            }
        }
        // What is compared with names and ids; the rest is read by people.
        for (key, text) in &texts[..4] {
            if let Some(problem) = text.and_then(|text| pattern::spaces(text)) {
                return Some((key, problem));
            }
        }
        self.finding.as_deref().and_then(no_id).map(|problem| ("finding", problem))
    }
}

/// Digits of a finding's id.
const ID_DIGITS: usize = 20;

/// Why a text is not the id of any finding.
fn no_id(text: &str) -> Option<String> {
    let is_hex = text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let lower = text.to_ascii_lowercase();
    match text.len() {
        ID_DIGITS if is_hex && text == lower => None,
        ID_DIGITS if is_hex => Some(format!("{text:?} never fits: ids are in lower case; write {lower:?}")),
        length if is_hex && length < ID_DIGITS => Some(format!(
            "{text:?} is only a part of an id; write all {ID_DIGITS} digits, as reports show them"
        )),
        _ => Some(format!(
            "{text:?} is not the id of a finding: {ID_DIGITS} hexadecimal digits, as reports show them"
        )),
    }
}

/// The last second of a day, in UTC.
pub fn last_second(day: NaiveDate) -> DateTime<Utc> {
    day.and_time(NaiveTime::from_hms_opt(23, 59, 59).unwrap_or_default()).and_utc()
}

fn named(wanted: &str, text: &str) -> bool {
    pattern::matches(&wanted.to_lowercase(), &text.to_lowercase())
}

#[cfg(test)]
impl Waiver {
    /// A waiver of locked accounts that an expiry and a subject tell from others.
    pub(crate) fn sample(subject: &str, expires: NaiveDate) -> Self {
        Self {
            rule: "locked_account".into(),
            console: None,
            subject: Some(subject.into()),
            finding: None,
            reason: "on leave".into(),
            approved_by: "Maria Boss".into(),
            expires,
            ticket: None,
            place: String::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::{Severity, SubjectKind};

    fn waiver(subject: &str) -> Waiver {
        Waiver::sample(subject, "2026-12-31".parse().unwrap())
    }

    fn console() -> ConsoleIdentity {
        ConsoleIdentity { name: "HQ".into(), uuid: None, serial: None, version: None }
    }

    fn rule() -> About {
        About::sample("locked_account", "LIFE-05", "Locked account")
    }

    fn finding() -> Finding {
        let subject = Subject { kind: SubjectKind::User, id: "7".into(), name: "Ana.Silva".into() };
        Finding::new(&rule(), subject, Severity::Medium, "locked")
    }

    #[test]
    fn it_covers_by_id_name_or_pattern_without_case() {
        for subject in ["7", "ana.silva", "ANA.*", "*"] {
            assert!(waiver(subject).covers(&console(), &finding()), "{subject}");
        }
        for subject in ["70", "ana", "*.silvas"] {
            assert!(!waiver(subject).covers(&console(), &finding()), "{subject}");
        }
    }

    #[test]
    fn it_covers_the_named_console_and_the_named_finding_alone() {
        let on = |name: &str| Waiver { console: Some(name.into()), ..waiver("7") };
        assert!(on("hq").covers(&console(), &finding()) && on("h*").covers(&console(), &finding()));
        assert!(!on("lab").covers(&console(), &finding()));
        let one = |id: String| Waiver { finding: Some(id), subject: None, ..waiver("7") };
        assert!(one(finding().id(&console())).covers(&console(), &finding()));
        assert!(!one(finding().aspect("other").id(&console())).covers(&console(), &finding()));
    }

    #[test]
    fn it_counts_to_the_end_of_its_last_day() {
        let at = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
        let waiver = waiver("7");
        assert!(
            waiver.is_active(at("2026-12-31T23:59:59Z")) && !waiver.is_active(at("2027-01-01T00:00:00Z"))
        );
        assert_eq!(waiver.days_left(at("2026-12-01T12:00:00Z")), 30);
        assert_eq!(waiver.end(), at("2026-12-31T23:59:59Z"));
    }

    #[test]
    fn a_rule_is_named_by_id_or_code() {
        let of = |rule: &str| Waiver { rule: rule.into(), ..waiver("7") };
        assert!(of("locked_account").is_of(&rule()) && of("life-05").is_of(&rule()));
        assert!(!of("LIFE-5").is_of(&rule()));
    }

    #[test]
    fn what_is_wrong_with_it_is_said() {
        let key = |waiver: Waiver| waiver.mistake().map(|(key, _)| key);
        assert_eq!(key(waiver("7")), None);
        assert_eq!(key(Waiver { subject: None, ..waiver("7") }), Some("subject"));
        assert_eq!(key(Waiver { finding: Some("ab".into()), ..waiver("7") }), Some("finding"));
        assert_eq!(key(Waiver { reason: " ".into(), ..waiver("7") }), Some("reason"));
        assert_eq!(key(Waiver { approved_by: String::new(), ..waiver("7") }), Some("approved_by"));
        assert_eq!(key(waiver("")), Some("subject"));
    }

    #[test]
    fn what_is_no_id_of_a_finding_is_refused_with_the_mend() {
        let said = |id: &str| {
            Waiver { finding: Some(id.into()), subject: None, ..waiver("7") }.mistake().map(|(key, said)| {
                assert_eq!(key, "finding");
                said
            })
        };
        assert_eq!(said(&finding().id(&console())), None);
        assert!(said("836e54e1").unwrap().contains("write all 20 digits"));
        assert!(said("836E54E1E2E7889571C2").unwrap().contains("write \"836e54e1e2e7889571c2\""));
        for wrong in ["836e54e1e2e7889571c2a", "836e54e1e2e7889571cg", "LIFE-05", "836e54e1*"] {
            assert!(said(wrong).unwrap().contains("is not the id of a finding"), "{wrong}");
        }
    }

    #[test]
    fn two_that_say_the_same_are_told_apart_by_nothing() {
        let later = Waiver { reason: "again".into(), subject: Some("ANA".into()), ..waiver("7") };
        assert!(waiver("ana").is_same(&later) && !waiver("7").is_same(&later));
    }
}
