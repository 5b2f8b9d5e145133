//! Redacted copies: a report in which persons have pseudonyms, for recipients who need the access and not the people.
//!
//! Whole means: every field that is a person's, and every text in which one is named. A pseudonym keeps equality, so
//! that two rows of one person are still seen to be one person's. Every struct is taken apart field by field: a new
//! field does not compile until somebody has decided what it holds.

mod pseudonyms;

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{
    AnomalyRow, AssetGroupRow, Change, ConsoleSummary, Evidence, FindingRow, GapRow, Identity,
    IdentityAccount, Report, RoleRow, RuleRow, SiteRow, UserRow, WaiverRow, is_address,
};
use crate::finding::SubjectKind;

use pseudonyms::Pseudonyms;

/// What a redacted copy leaves out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Redaction {
    /// Mail addresses: those of users, and whatever looks like one.
    Email,
    /// Names of persons: full names, managers, owners, and who approved, decided or signed.
    Name,
}

impl Redaction {
    /// The word in the configuration and in files.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Name => "name",
        }
    }

    /// In a sentence.
    pub fn words(self) -> &'static str {
        match self {
            Self::Email => "mail addresses",
            Self::Name => "names of persons",
        }
    }
}

impl Report {
    /// A copy in which persons have pseudonyms; without anything to redact, the report as it is.
    #[must_use]
    pub fn redacted(&self, what: &BTreeSet<Redaction>) -> Self {
        let mut copy = self.clone();
        if let (false, Some(key)) = (what.is_empty(), copy.redaction_key.take()) {
            Redactor::of(self, what, &key).report(&mut copy);
            copy.redacted.extend(what);
        }
        copy
    }

    /// What every redacted copy says of itself, one sentence; `None` for the whole report.
    pub fn redaction_note(&self) -> Option<String> {
        let words: Vec<&str> = self.redacted.iter().map(|what| what.words()).collect();
        (!words.is_empty()).then(|| format!("Redacted copy: pseudonyms stand for {}.", words.join(" and ")))
    }
}

/// Puts pseudonyms into a report.
struct Redactor {
    pseudonyms: Pseudonyms,
    emails: bool,
    names: bool,
    /// Rules of the configuration: their texts are its own, and may name anybody.
    own_rules: HashSet<String>,
    /// Texts that many rows share, as they were and as they are.
    shared: HashMap<Arc<str>, Arc<str>>,
}

impl Redactor {
    fn of(report: &Report, what: &BTreeSet<Redaction>, key: &str) -> Self {
        let (emails, names) = (what.contains(&Redaction::Email), what.contains(&Redaction::Name));
        let mut pseudonyms = Pseudonyms::new(key, emails);
        let mut persons = report.persons.clone();
        for owner in owners(report) {
            persons.add(owner);
        }
        let addresses = persons.addresses.iter().filter(|_| emails);
        for text in addresses.chain(persons.names.iter().filter(|_| names)) {
            pseudonyms.find(text);
        }
        let own = report.rules.iter().filter(|rule| matches!(rule.title, Cow::Owned(_)));
        let own_rules = own.map(|rule| rule.id.clone().into_owned()).collect();
        Self { pseudonyms, emails, names, own_rules, shared: HashMap::new() }
    }

    /// A text in which persons may be named.
    fn text(&self, text: &mut String) {
        if let Some(redacted) = self.pseudonyms.within(text) {
            *text = redacted;
        }
    }

    fn texts<'a>(&self, texts: impl IntoIterator<Item = &'a mut String>) {
        texts.into_iter().for_each(|text| self.text(text));
    }

    fn shared(&mut self, text: &mut Arc<str>) {
        if !self.shared.contains_key(text) {
            let redacted = self.pseudonyms.within(text).map_or_else(|| text.clone(), Arc::from);
            self.shared.insert(text.clone(), redacted);
        }
        if let Some(redacted) = self.shared.get(text) {
            *text = redacted.clone();
        }
    }

    /// A field that is a person's.
    fn field(&self, text: &mut String, wanted: bool) {
        if !wanted {
            self.text(text);
        } else if !text.trim().is_empty() {
            *text = self.pseudonyms.of(text);
        }
    }

    /// A field that names a person by address or by name.
    fn person(&self, text: &mut String) {
        let wanted = if is_address(text) { self.emails } else { self.names };
        self.field(text, wanted);
    }

    fn report(mut self, report: &mut Report) {
        let Report {
            schema: _,
            run: _,
            consoles,
            estate: _,
            identities,
            rules,
            findings,
            users,
            roles,
            privileges: _,
            sites,
            asset_groups,
            coverage: _,
            gaps,
            anomalies,
            trend: _,
            comparison,
            waivers,
            controls: _,
            changes,
            redacted: _,
            redaction_key: _,
            persons,
        } = report;
        *persons = super::Persons::default();
        for row in consoles {
            self.console(row);
        }
        for row in &mut *identities {
            self.identity(row);
        }
        // Their order was that of the names.
        identities.sort_by(|a, b| a.name.cmp(&b.name));
        for row in rules {
            self.rule(row);
        }
        for row in findings {
            self.finding(row);
        }
        for row in users {
            self.user(row);
        }
        for row in roles {
            self.role(row);
        }
        for row in sites {
            self.site(row);
        }
        for row in asset_groups {
            self.asset_group(row);
        }
        for row in gaps {
            self.gap(row);
        }
        for row in anomalies {
            self.anomaly(row);
        }
        comparison.iter_mut().flat_map(|all| &mut all.uncompared).for_each(|row| self.text(&mut row.reason));
        for row in waivers {
            self.waiver(row);
        }
        for row in changes {
            self.change(row);
        }
    }

    fn console(&self, row: &mut ConsoleSummary) {
        let ConsoleSummary {
            name: _,
            uuid: _,
            serial: _,
            version: _,
            verdict: _,
            started: _,
            finished: _,
            collector,
            depth: _,
            totals: _,
            requests: _,
            waited_ms: _,
        } = row;
        self.text(collector);
    }

    fn identity(&self, row: &mut Identity) {
        let Identity { name, person, left: _, accounts } = row;
        self.field(name, self.names);
        self.texts(person);
        for IdentityAccount { console: _, id: _, login, enabled: _, role } in accounts {
            self.texts([login, role]);
        }
    }

    /// What a rule says of itself is the program's, or the configuration's for a rule of one's own.
    fn rule(&self, row: &mut RuleRow) {
        let RuleRow {
            id: _,
            code: _,
            title,
            console: _,
            severity: _,
            verdict: _,
            original_verdict: _,
            examined: _,
            expected: _,
            findings: _,
            note,
            why,
            click_path,
            api_call,
            open: _,
            controls: _,
            version: _,
        } = row;
        self.texts(note);
        for text in [title, why, click_path, api_call] {
            if let Cow::Owned(own) = text {
                self.text(own);
            }
        }
    }

    fn finding(&mut self, row: &mut FindingRow) {
        let FindingRow {
            id: _,
            console: _,
            rule,
            title,
            severity: _,
            state: _,
            subject_kind: _,
            subject_id,
            subject_name,
            summary,
            evidence,
            remediation,
            controls: _,
            first_seen: _,
            change: _,
            waiver,
            waiver_expires: _,
        } = row;
        self.texts([subject_id, subject_name, summary].into_iter().chain(waiver));
        for Evidence { label: _, value } in evidence {
            self.text(value);
        }
        if self.own_rules.contains(&**rule) {
            self.shared(title);
            self.shared(remediation);
        }
    }

    fn user(&mut self, row: &mut UserRow) {
        let UserRow {
            console: _,
            id: _,
            login,
            name,
            email,
            enabled: _,
            locked: _,
            auth_source,
            auth_type: _,
            external: _,
            role_id,
            role_name,
            superuser: _,
            privileges: _,
            all_sites: _,
            sites: _,
            all_asset_groups: _,
            asset_groups: _,
            leftover_sites: _,
            leftover_asset_groups: _,
            two_factor: _,
            person,
            roster_match: _,
            matched_by: _,
            match_confidence: _,
            manager,
            department,
            left: _,
            last_seen: _,
            last_seen_by: _,
            last_seen_confidence: _,
            findings: _,
            highest_severity: _,
        } = row;
        self.text(login);
        self.field(name, self.names);
        if let Some(email) = email {
            self.field(email, self.emails);
        }
        self.texts([auth_source, role_name, person, department].into_iter().flatten());
        if let Some(manager) = manager {
            self.person(manager);
        }
        if let Some(id) = role_id {
            self.shared(id);
        }
    }

    fn role(&mut self, row: &mut RoleRow) {
        let RoleRow { console: _, id, name, description, privileges: _, users: _, builtin: _ } = row;
        self.shared(id);
        self.texts([name].into_iter().chain(description));
    }

    fn site(&self, row: &mut SiteRow) {
        let SiteRow {
            console: _,
            id: _,
            name,
            description,
            kind: _,
            importance: _,
            assets: _,
            last_scan: _,
            users: _,
            users_unknown: _,
        } = row;
        self.texts([name].into_iter().chain(description));
    }

    fn asset_group(&self, row: &mut AssetGroupRow) {
        let AssetGroupRow {
            console: _,
            id: _,
            name,
            description,
            kind: _,
            assets: _,
            users: _,
            users_unknown: _,
        } = row;
        self.texts([name].into_iter().chain(description));
    }

    fn gap(&self, row: &mut GapRow) {
        let GapRow { console: _, part: _, endpoint, id, reason: _, attempts: _, last_status: _ } = row;
        self.texts([endpoint].into_iter().chain(id));
    }

    fn anomaly(&self, row: &mut AnomalyRow) {
        let AnomalyRow {
            console: _,
            check: _,
            user: _,
            object,
            left_endpoint,
            left_says,
            right_endpoint,
            right_says,
        } = row;
        self.texts([object, left_endpoint, left_says, right_endpoint, right_says]);
    }

    fn waiver(&self, row: &mut WaiverRow) {
        let WaiverRow {
            rule: _,
            console: _,
            subject,
            finding: _,
            reason,
            approved_by,
            expires: _,
            days_left: _,
            ticket,
            state: _,
            findings: _,
        } = row;
        self.person(approved_by);
        self.texts([reason].into_iter().chain(subject).chain(ticket));
    }

    fn change(&self, row: &mut Change) {
        let Change { console: _, kind: _, change: _, id, name, administrator: _, summary } = row;
        self.texts([id, name, summary]);
    }
}

/// Who answers for declared accounts, as findings name them. The owner of a report is an account.
fn owners(report: &Report) -> impl Iterator<Item = &str> {
    let of_accounts = report.findings.iter().filter(|row| row.subject_kind != SubjectKind::Report);
    let owners = of_accounts.flat_map(|row| &row.evidence).filter(|evidence| evidence.label == "owner");
    owners.map(|evidence| &*evidence.value).filter(|owner| *owner != "none")
}
