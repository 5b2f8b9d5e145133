//! Graphs and judgements become a report: joined, counted and sorted, once for all formats.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use super::{
    AccountPlace, AnomalyRow, AssetGroupRow, ConsoleSummary, ConsoleTotals, CoverageRow, Declared, Estate,
    Evidence, FindingRow, FindingState, GapRow, Grant, Persons, PrivilegeRow, Report, RoleRow, RuleRow, Run,
    SCHEMA, Scopes, SiteRow, UserRow, changes, completeness, control_rows, covering, identities, totals,
    trend, waiver_rows, waiver_words, with_waivers,
};
use crate::finding::{Finding, Judgement, Severity, SubjectKind};
use crate::graph::{AccessGraph, Reach, Via};
use crate::history::{Before, History};
use crate::model::{Confidence, KNOWN_PRIVILEGES, MatchedBy, RosterMatch, Snapshot, User};
use crate::waiver::Waiver;

/// One console after analysis.
#[derive(Debug)]
pub struct Reviewed {
    /// Its graph.
    pub graph: AccessGraph,
    /// Every rule's judgement of it, in catalogue order.
    pub judgements: Vec<Judgement>,
}

/// Assembles the report of a run. `people` are the accounts of one person each, by the places of their consoles in
/// `reviewed`. `run.verdict` is set here: complete only if every console ties out.
pub fn assemble(
    mut run: Run,
    mut reviewed: Vec<Reviewed>,
    people: &[Vec<AccountPlace>],
    declared: &Declared<'_>,
    history: &History,
) -> Report {
    let waivers = declared.waivers;
    // Before the consoles are sorted: people are told by the places of their consoles.
    let identities = identities(&reviewed, people);
    reviewed.sort_by(|a, b| a.graph.snapshot().console.name.cmp(&b.graph.snapshot().console.name));
    let ties_out = reviewed.iter().all(|console| console.graph.snapshot().coverage.ties_out());
    run.verdict = completeness(ties_out);
    let persons = Persons::of(&reviewed, declared, history);
    let mut report = Report {
        schema: SCHEMA,
        redaction_key: Some(persons.key(&run.id)),
        run,
        consoles: Vec::new(),
        estate: Estate::default(),
        identities,
        rules: Vec::new(),
        findings: Vec::new(),
        users: Vec::new(),
        roles: Vec::new(),
        privileges: Vec::new(),
        sites: Vec::new(),
        asset_groups: Vec::new(),
        coverage: Vec::new(),
        gaps: Vec::new(),
        anomalies: Vec::new(),
        trend: Vec::new(),
        comparison: None,
        waivers: waiver_rows(&reviewed, waivers),
        controls: Vec::new(),
        changes: Vec::new(),
        redacted: Vec::new(),
        persons,
    };
    let before = history.before.as_ref();
    let differences = before.map(|before| (before, changes(before, &reviewed, waivers, &history.sightings)));
    for console in reviewed {
        add_console(&mut report, console, waivers, before);
    }
    report.controls = control_rows(&report);
    report.estate = totals(&report, people);
    report.trend = trend(&history.past, &report);
    for finding in &mut report.findings {
        if let Some(sighting) = history.sightings.get(&finding.id) {
            finding.first_seen = sighting.first;
        }
    }
    if let Some((before, differences)) = differences {
        for finding in &mut report.findings {
            finding.change = differences.findings.get(&finding.id).copied();
        }
        let (changes, comparison) = differences.comparison(before);
        report.changes = changes;
        report.comparison = Some(comparison);
    }
    report.findings.sort_by(|a, b| {
        let subject = |row: &FindingRow| (row.subject_kind, row.subject_id.parse::<i64>().ok());
        b.severity
            .cmp(&a.severity)
            .then_with(|| a.console.cmp(&b.console))
            .then_with(|| a.rule.cmp(&b.rule))
            .then_with(|| subject(a).cmp(&subject(b)))
            .then_with(|| a.subject_id.cmp(&b.subject_id))
            .then_with(|| a.id.cmp(&b.id))
    });
    report
}

fn add_console(report: &mut Report, reviewed: Reviewed, waivers: &[Waiver], before: Option<&Before>) {
    let Reviewed { graph, judgements } = reviewed;
    let snapshot = graph.snapshot();
    let console: Arc<str> = snapshot.console.name.as_str().into();
    report.consoles.push(summary(snapshot));
    let by_user = add_judgements(report, snapshot, &console, judgements, waivers, before);
    let (site_users, group_users) = add_users(report, &graph, &console, &by_user);
    add_roles(report, &graph, &console);
    report.sites.extend(snapshot.sites.iter().map(|site| SiteRow {
        console: console.clone(),
        id: site.id.0,
        name: site.name.clone(),
        description: site.description.clone(),
        kind: site.kind.clone(),
        importance: site.importance.clone(),
        assets: site.assets,
        last_scan: site.last_scan.clone(),
        users: site_users.of(site.id.0),
        users_unknown: site_users.unknown,
    }));
    report.asset_groups.extend(snapshot.asset_groups.iter().map(|group| AssetGroupRow {
        console: console.clone(),
        id: group.id.0,
        name: group.name.clone(),
        description: group.description.clone(),
        kind: group.kind.clone(),
        assets: group.assets,
        users: group_users.of(group.id.0),
        users_unknown: group_users.unknown,
    }));
    add_coverage(report, snapshot, &console);
}

fn summary(snapshot: &Snapshot) -> ConsoleSummary {
    ConsoleSummary {
        name: snapshot.console.name.clone(),
        uuid: snapshot.console.uuid.clone(),
        serial: snapshot.console.serial.clone(),
        version: snapshot.console.version.clone(),
        verdict: completeness(snapshot.coverage.ties_out()),
        started: snapshot.started,
        finished: snapshot.finished,
        collector: snapshot.collector.login.clone(),
        depth: snapshot.depth,
        totals: ConsoleTotals {
            users: snapshot.totals.users,
            roles: snapshot.roles.len() as u64,
            privileges: snapshot.privileges.len() as u64,
            authentication_sources: snapshot.authentication_sources.len() as u64,
            sites: snapshot.totals.sites,
            asset_groups: snapshot.totals.asset_groups,
        },
        requests: snapshot.requests.sent,
        waited_ms: snapshot.requests.waited_ms,
    }
}

/// How many findings a user has, and the worst of them.
type ByUser = HashMap<i64, (u64, Severity)>;

fn add_judgements(
    report: &mut Report,
    snapshot: &Snapshot,
    console: &Arc<str>,
    judgements: Vec<Judgement>,
    waivers: &[Waiver],
    before: Option<&Before>,
) -> ByUser {
    let mut by_user = ByUser::new();
    for judgement in judgements {
        let covering: Vec<Option<&Waiver>> = judgement
            .findings
            .iter()
            .map(|finding| covering(waivers, snapshot, &judgement.rule, finding))
            .collect();
        let verdict = with_waivers(&judgement, &covering);
        let about = judgement.rule;
        let controls: Arc<[String]> = judgement.controls.iter().map(ToString::to_string).collect();
        report.rules.push(RuleRow {
            id: about.id.clone(),
            code: about.code.clone(),
            title: about.title.clone(),
            console: console.clone(),
            severity: judgement
                .findings
                .iter()
                .map(|finding| finding.severity)
                .max()
                .unwrap_or(about.severity),
            verdict,
            earlier: before.and_then(|before| before.verdict(&snapshot.console, &about.id)),
            original_verdict: (verdict != judgement.verdict).then_some(judgement.verdict),
            examined: judgement.examined,
            expected: judgement.expected,
            findings: judgement.findings.len() as u64,
            note: judgement.note,
            why: about.why.clone(),
            click_path: about.click_path.clone(),
            api_call: about.api_call.clone(),
            open: covering.iter().filter(|waiver| waiver.is_none()).count() as u64,
            controls: judgement.controls,
            version: about.version,
        });
        let (rule, title): (Arc<str>, Arc<str>) = ((&*about.id).into(), (&*about.title).into());
        let remediation: Arc<str> = about.remediation().into();
        for (finding, waiver) in judgement.findings.into_iter().zip(covering) {
            let open = waiver.is_none();
            for user in concerned(&finding).into_iter().filter(|_| open) {
                let entry = by_user.entry(user).or_insert((0, finding.severity));
                *entry = (entry.0 + 1, entry.1.max(finding.severity));
            }
            report.findings.push(FindingRow {
                id: finding.id(&snapshot.console),
                console: console.clone(),
                rule: rule.clone(),
                title: title.clone(),
                severity: finding.severity,
                state: if open { FindingState::Open } else { FindingState::Waived },
                subject_kind: finding.subject.kind,
                subject_id: finding.subject.id,
                subject_name: finding.subject.name,
                summary: finding.summary,
                evidence: finding
                    .evidence
                    .into_iter()
                    .map(|(label, value)| Evidence { label, value })
                    .collect(),
                remediation: remediation.clone(),
                controls: controls.clone(),
                first_seen: report.run.finished,
                change: None,
                waiver: waiver.map(waiver_words),
                waiver_expires: waiver.map(Waiver::end),
            });
        }
    }
    by_user
}

/// The users that a finding is about: its subject, and whom it names beside it; each once.
fn concerned(finding: &Finding) -> BTreeSet<i64> {
    let subject = Some(&finding.subject).filter(|subject| subject.kind == SubjectKind::User);
    let subject = subject.and_then(|subject| subject.id.parse().ok());
    finding.affected.iter().map(|id| id.0).chain(subject).collect()
}

/// How many users reach each site or group: those who reach all, and those with a grant of their own. Whoever's reach
/// is not known may reach any of them, so that each count is the least that it can be.
#[derive(Default)]
struct Reached {
    all: u64,
    listed: HashMap<i64, u64>,
    unknown: u64,
}

impl Reached {
    fn count(&mut self, scopes: &Scopes) {
        match scopes {
            Scopes::All => self.all += 1,
            Scopes::Listed(ids) => ids.iter().for_each(|id| *self.listed.entry(*id).or_default() += 1),
            Scopes::Unknown => self.unknown += 1,
        }
    }

    fn of(&self, id: i64) -> u64 {
        self.all + self.listed.get(&id).copied().unwrap_or(0)
    }
}

fn add_users(
    report: &mut Report,
    graph: &AccessGraph,
    console: &Arc<str>,
    by_user: &ByUser,
) -> (Reached, Reached) {
    let (mut sites, mut groups) = (Reached::default(), Reached::default());
    for user in graph.users() {
        let row = user_row(graph, console, user, by_user);
        sites.count(&row.sites);
        groups.count(&row.asset_groups);
        report.users.push(row);
    }
    (sites, groups)
}

fn user_row(graph: &AccessGraph, console: &Arc<str>, user: &User, by_user: &ByUser) -> UserRow {
    let (sites, leftover_sites) = scopes(&graph.sites_of(user), |id| id.0);
    let (asset_groups, leftover_asset_groups) = scopes(&graph.asset_groups_of(user), |id| id.0);
    let findings = by_user.get(&user.id.0);
    let authentication = user.authentication.as_ref();
    let person = user.person.person();
    let (roster_match, matched_by, match_confidence) = roster_match(&user.person);
    let seen = graph.last_seen(user.id);
    let today = graph.snapshot().finished.date_naive();
    UserRow {
        console: console.clone(),
        id: user.id.0,
        login: user.login.to_string(),
        name: user.name.to_string(),
        email: user.email.as_ref().map(ToString::to_string),
        enabled: user.enabled,
        locked: user.locked,
        auth_source: authentication.and_then(|authentication| authentication.name.clone()),
        auth_type: authentication.and_then(|authentication| authentication.kind.clone()),
        external: user.is_local().map(|local| !local),
        role_id: user.role.id.as_ref().map(|id| id.0.clone()),
        role_name: user.role.name.clone(),
        superuser: user.role.superuser,
        privileges: user.effective_privileges().map(|held| held.iter().cloned().collect()),
        all_sites: user.role.all_sites,
        sites,
        all_asset_groups: user.role.all_asset_groups,
        asset_groups,
        leftover_sites,
        leftover_asset_groups,
        two_factor: user.two_factor,
        person: person.map(|person| person.id.to_string()),
        roster_match,
        matched_by,
        match_confidence,
        manager: person.and_then(|person| person.manager.as_ref().map(ToString::to_string)),
        department: person.and_then(|person| person.department.as_ref().map(ToString::to_string)),
        left: person.and_then(|person| person.has_left(today)),
        last_seen: seen.map(|seen| seen.at),
        last_seen_by: seen.map(|seen| seen.by.as_str()),
        last_seen_confidence: seen.map(|seen| seen.by.confidence()),
        findings: findings.map_or(0, |(count, _)| *count),
        highest_severity: findings.map(|(_, worst)| *worst),
    }
}

/// What the roster says of an account, in the words of the files.
fn roster_match(found: &RosterMatch) -> (&'static str, Option<MatchedBy>, Option<Confidence>) {
    match found {
        RosterMatch::NotAsked => ("not_asked", None, None),
        RosterMatch::Nobody => ("nobody", None, None),
        RosterMatch::Person { by, confidence, .. } => ("person", Some(*by), Some(*confidence)),
        RosterMatch::Ambiguous { by, .. } => ("ambiguous", Some(*by), None),
    }
}

fn scopes<T>(reach: &Reach<'_, T>, number: impl Fn(&T) -> i64) -> (Scopes, Vec<i64>) {
    match reach {
        Reach::All { direct, .. } => (Scopes::All, direct.iter().map(number).collect()),
        Reach::Listed(ids) => (Scopes::Listed(ids.iter().map(number).collect()), Vec::new()),
        Reach::Unknown => (Scopes::Unknown, Vec::new()),
    }
}

fn add_roles(report: &mut Report, graph: &AccessGraph, console: &Arc<str>) {
    let snapshot = graph.snapshot();
    report.roles.extend(snapshot.roles.iter().map(|role| RoleRow {
        console: console.clone(),
        id: role.id.0.clone(),
        name: role.name.clone(),
        description: role.description.clone(),
        privileges: role.privileges.iter().cloned().collect(),
        users: graph.users_of_role(&role.id).len() as u64,
        builtin: role.is_builtin(),
    }));
    report.privileges.extend(snapshot.privileges.iter().map(|id| PrivilegeRow {
        console: console.clone(),
        id: id.clone(),
        roles: snapshot.roles.iter().filter(|role| role.privileges.contains(id)).count() as u64,
        users: graph.users().iter().filter(|user| user.holds(id)).count() as u64,
        known: KNOWN_PRIVILEGES.contains(&id.as_str()),
    }));
}

fn add_coverage(report: &mut Report, snapshot: &Snapshot, console: &Arc<str>) {
    report.coverage.extend(snapshot.coverage.parts.iter().map(|part| CoverageRow {
        console: console.clone(),
        part: part.part.as_str(),
        endpoint: part.part.endpoint(),
        expected: part.expected,
        examined: part.examined,
        state: part.state,
    }));
    report.gaps.extend(snapshot.coverage.gaps().map(|(part, gap)| GapRow {
        console: console.clone(),
        part: part.as_str(),
        endpoint: gap.endpoint.clone(),
        id: gap.id.clone(),
        reason: gap.reason,
        attempts: gap.attempts,
        last_status: gap.last_status,
    }));
    report.anomalies.extend(snapshot.anomalies.iter().map(|anomaly| AnomalyRow {
        console: console.clone(),
        check: anomaly.check,
        user: anomaly.user.map(|id| id.0),
        object: anomaly.object.clone(),
        left_endpoint: anomaly.left.endpoint.clone(),
        left_says: anomaly.left.says.clone(),
        right_endpoint: anomaly.right.endpoint.clone(),
        right_says: anomaly.right.says.clone(),
    }));
}

impl Report {
    /// Every path by which every user reaches every site and asset group, in the order of the users.
    pub fn grants(&self) -> impl Iterator<Item = Grant<'_>> {
        let mut sites: HashMap<&str, Vec<(i64, &str)>> = HashMap::new();
        for site in &self.sites {
            sites.entry(&site.console).or_default().push((site.id, &site.name));
        }
        let mut groups: HashMap<&str, Vec<(i64, &str)>> = HashMap::new();
        for group in &self.asset_groups {
            groups.entry(&group.console).or_default().push((group.id, &group.name));
        }
        self.users.iter().flat_map(move |user| {
            let sites = sites.get(&*user.console).map_or(&[][..], Vec::as_slice);
            let groups = groups.get(&*user.console).map_or(&[][..], Vec::as_slice);
            let mut grants = Vec::new();
            let flags = [(user.superuser, Via::Superuser), (user.all_sites, Via::AllFlag)];
            add_grants(&mut grants, user, "site", flags, (&user.sites, &user.leftover_sites), sites);
            let flags = [(user.superuser, Via::Superuser), (user.all_asset_groups, Via::AllFlag)];
            let own = (&user.asset_groups, &*user.leftover_asset_groups);
            add_grants(&mut grants, user, "asset-group", flags, own, groups);
            grants
        })
    }
}

fn add_grants<'a>(
    grants: &mut Vec<Grant<'a>>,
    user: &'a UserRow,
    scope: &'static str,
    flags: [(bool, Via); 2],
    (reached, leftover): (&Scopes, &[i64]),
    listed: &[(i64, &'a str)],
) {
    let grant = |scope_id: i64, scope_name: &'a str, via: Via| Grant {
        console: &user.console,
        user_id: user.id,
        login: &user.login,
        scope,
        scope_id,
        scope_name,
        via,
    };
    for (_, via) in flags.into_iter().filter(|(set, _)| *set) {
        grants.extend(listed.iter().map(|(id, name)| grant(*id, name, via)));
    }
    let direct = if let Scopes::Listed(ids) = reached { ids } else { leftover };
    grants.extend(direct.iter().map(|id| {
        let name = listed.binary_search_by_key(id, |(id, _)| *id).map_or("", |index| listed[index].1);
        grant(*id, name, Via::Direct)
    }));
}
