//! Every struct of a report, taken apart field by field, and what each field holds of persons.

use std::borrow::Cow;

use super::super::{
    AnomalyRow, AssetGroupRow, Change, ConsoleSummary, Evidence, FindingRow, GapRow, Identity,
    IdentityAccount, Persons, Report, ResolvedFinding, RoleRow, RuleRow, SiteRow, UserRow, WaiverRow,
};
use super::Redactor;
use crate::finding::SubjectKind;

impl Redactor {
    pub(super) fn report(mut self, report: &mut Report) {
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
        *persons = Persons::default();
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
            earlier: _,
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
            subject_kind,
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
        for Evidence { label, value } in evidence {
            // Who answers for an account is a person; the owner of a report is an account.
            if *label == "owner" && *subject_kind != SubjectKind::Report && value != "none" {
                self.person(value);
            } else {
                self.text(value);
            }
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
        let Change { console: _, kind, change: _, id, name, administrator: _, summary, resolved } = row;
        // Of a finding and of a rule it is an id of ours.
        if !matches!(*kind, "finding" | "rule") {
            self.text(id);
        }
        self.texts([name, summary]);
        if let Some(ResolvedFinding { rule: _, severity: _, subject_kind: _, subject_id }) = resolved {
            self.text(subject_id);
        }
    }
}
