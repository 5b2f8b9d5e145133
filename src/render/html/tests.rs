//! The page of the sample, and of reports that are larger, emptier or more hostile than it.

mod directory;
mod waivers;

use std::io::ErrorKind;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use sha2::{Digest, Sha256};

use super::*;
use crate::finding::Verdict;
use crate::model::{Confidence, MatchedBy};
use crate::report::{Completeness, ControlState, FindingState};

use waivers::waived;

fn page(of: &Report) -> String {
    let mut bytes = Vec::new();
    report(of, &Templates::builtin(), &mut bytes).unwrap();
    String::from_utf8(bytes).unwrap()
}

/// The sample as if nothing had been missing.
fn complete() -> Report {
    let mut report = Report::sample();
    report.run.verdict = Completeness::Complete;
    report.consoles.iter_mut().for_each(|console| console.verdict = Completeness::Complete);
    report.gaps.clear();
    report
}

fn complete_but(change: impl FnOnce(&mut Report)) -> Report {
    let mut report = complete();
    change(&mut report);
    report
}

fn between<'a>(text: &'a str, start: &str, end: &str) -> &'a str {
    let (_, rest) = text.split_once(start).unwrap_or_else(|| panic!("no {start}"));
    rest.split_once(end).unwrap_or_else(|| panic!("no {end} after {start}")).0
}

fn rows(page: &str, section: &str) -> usize {
    let section = between(page, &format!("<section id=\"{section}\""), "</section>");
    section.matches("<tr").count() - section.matches("<thead>").count()
}

/// The tags of a page in order, without what the style sheet and the script hold.
fn tags(page: &str) -> Vec<&str> {
    let (head, rest) = page.split_once("<style>").unwrap();
    let (_, rest) = rest.split_once("</style>").unwrap();
    let (body, rest) = rest.split_once("<script>").unwrap();
    let (_, foot) = rest.split_once("</script>").unwrap();
    [head, body, foot]
        .into_iter()
        .flat_map(|part| part.split('<').skip(1).map(|tag| tag.split_once('>').expect("a whole tag").0))
        .collect()
}

/// The values of one attribute.
fn attribute<'a>(page: &'a str, name: &str) -> Vec<&'a str> {
    let start = format!(" {name}=\"");
    page.split(&start).skip(1).map(|rest| rest.split_once('"').unwrap().0).collect()
}

#[test]
fn every_tag_is_closed_in_order_and_every_id_is_one_of_a_kind() {
    let page = page(&Report::sample());
    assert!(page.starts_with("<!doctype html>\n"), "nothing comes before the doctype");
    let mut open = Vec::new();
    for tag in tags(&page) {
        let name = tag.split([' ', '/']).find(|part| !part.is_empty()).unwrap();
        match tag {
            _ if matches!(name, "!doctype" | "meta" | "input") || tag.ends_with('/') => {}
            _ if tag.starts_with('/') => assert_eq!(open.pop(), Some(name), "</{name}>"),
            _ => open.push(name),
        }
    }
    assert_eq!(open, Vec::<&str>::new());
    let ids = attribute(&page, "id");
    let distinct: std::collections::BTreeSet<_> = ids.iter().collect();
    assert_eq!(distinct.len(), ids.len(), "{ids:?}");
    for label in attribute(&page, "aria-labelledby").iter().flat_map(|labels| labels.split(' ')) {
        assert!(ids.contains(&label), "{label}");
    }
}

#[test]
fn the_page_asks_for_nothing_and_links_only_into_itself() {
    let page = page(&Report::sample());
    let script = between(&page, "<script>", "</script>");
    let hash = BASE64_STANDARD.encode(Sha256::digest(script));
    let policy = "default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-";
    assert_eq!(between(&page, policy, "'"), hash, "what runs is this script and no other");
    for call in
        ["innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "fetch(", "XMLHttp"]
    {
        assert!(!script.contains(call), "{call}");
    }
    assert!(!script.contains("http:") && !script.contains("https:"));
    for name in ["src", "srcset", "action", "data", "poster", "style", "onclick", "onload", "onerror"] {
        assert_eq!(attribute(&page, name), Vec::<&str>::new(), "{name}");
    }
    let style = between(&page, "<style>", "</style>");
    assert!(!style.contains("url(") && !style.contains("@import") && !style.contains("http"));
    for element in ["link", "img", "iframe", "object", "embed", "base", "form", "video", "audio"] {
        assert!(!tags(&page).iter().any(|tag| tag.split(' ').next() == Some(element)), "{element}");
    }
    let ids = attribute(&page, "id");
    for link in attribute(&page, "href") {
        assert!(link.strip_prefix('#').is_some_and(|id| ids.contains(&id)), "{link}");
    }
}

#[test]
fn hostile_text_is_shown_and_does_nothing() {
    let hostile = "</style></title><script>x</script>{{ 7*7 }}{% raw %}\"'><img src=x onerror=y>\u{202e}\u{1b}[31m\0\r\n";
    let mut report = Report::sample();
    report.run.id = "\"; } body { background: url(x) } \\".into();
    report.run.job = Some(hostile.into());
    report.run.configuration = hostile.into();
    for finding in &mut report.findings {
        finding.id = hostile.into();
        finding.subject_name = hostile.into();
        finding.subject_id = hostile.into();
        finding.summary = hostile.into();
        finding.evidence.iter_mut().for_each(|piece| piece.value = hostile.into());
    }
    for user in &mut report.users {
        user.login = hostile.into();
        user.name = hostile.into();
        user.role_name = Some(hostile.into());
        user.auth_source = Some(hostile.into());
    }
    report.roles.iter_mut().for_each(|role| {
        role.name = hostile.into();
        role.id = hostile.into();
        role.description = Some(hostile.into());
        role.privileges = vec![hostile.into()];
    });
    report.sites.iter_mut().for_each(|site| {
        site.name = hostile.into();
        site.kind = Some(hostile.into());
        site.importance = Some(hostile.into());
        site.last_scan = Some(hostile.into());
    });
    report.asset_groups.iter_mut().for_each(|group| group.name = hostile.into());
    report.changes.iter_mut().for_each(|change| {
        change.id = hostile.into();
        change.name = hostile.into();
        change.summary = hostile.into();
    });
    report.waivers = waived().waivers;
    report.waivers.iter_mut().for_each(|waiver| {
        waiver.rule = hostile.into();
        waiver.reason = hostile.into();
        waiver.approved_by = hostile.into();
        waiver.subject = Some(hostile.into());
        waiver.console = Some(hostile.into());
        waiver.ticket = Some(hostile.into());
    });
    report.controls[0].control = hostile.into();
    report.findings[1].state = FindingState::Waived;
    report.findings[1].waiver = Some(hostile.into());
    for user in &mut report.users {
        user.roster_match = "person";
        user.manager = Some(hostile.into());
        user.department = Some(hostile.into());
        user.person = Some(hostile.into());
    }
    let comparison = report.comparison.as_mut().unwrap();
    comparison.run = hostile.into();
    comparison.uncompared.iter_mut().for_each(|open| open.reason = hostile.into());
    report.gaps.iter_mut().for_each(|gap| gap.id = Some(hostile.into()));
    report.consoles.iter_mut().for_each(|console| {
        console.uuid = Some(hostile.into());
        console.version = Some(hostile.into());
        console.collector = hostile.into();
    });
    let page = page(&report);
    assert_eq!(
        tags(&page).iter().filter(|tag| tag.starts_with("script") || tag.starts_with("img")).count(),
        0
    );
    assert_eq!((page.matches("</style>").count(), page.matches("</script>").count()), (1, 1));
    assert!(page.contains("{{ 7*7 }}{% raw %}"), "text is never a template");
    assert!(page.contains(r"\u{202e}\u{1b}[31m\u{0}\u{d}\u{a}"));
    let invisible = |character: char| {
        (character.is_control() && character != '\n') || ('\u{202a}'..='\u{202e}').contains(&character)
    };
    assert!(!page.contains(invisible));
    let style = between(&page, "<style>", "</style>");
    assert!(!style.contains("url("), "a run id cannot leave its string");
}

#[test]
fn an_incomplete_population_cannot_be_overlooked() {
    let page = page(&Report::sample());
    assert!(between(&page, "<title>", "</title>").starts_with("INCOMPLETE: "));
    let banner = between(&page, "<div class=\"banner bad\"", "</div>");
    assert!(banner.contains("<strong>INCOMPLETE</strong>") && banner.contains("1 gap on 1 of 2 consoles"));
    assert!(banner.contains("href=\"#gaps\""));
    assert!(page.contains("<p class=\"strip\"><strong>INCOMPLETE</strong>"));
    assert!(page.contains("@top-center { content: \"INCOMPLETE: 1 gap, named under Coverage\""));
    assert!(
        page.matches("<span class=\"partial\">Incomplete</span>").count() >= 8,
        "at the head of every section"
    );
    let gaps = between(&page, "<caption id=\"gaps-caption\">", "</table>");
    assert!(gaps.contains("sites") && gaps.contains("<td class=\"n\"><bdi>503</bdi></td>"), "{gaps}");
}

#[test]
fn a_complete_population_says_so_and_nothing_else() {
    let page = page(&complete());
    assert!(between(&page, "<title>", "</title>").starts_with("Access review of hq, lab"));
    assert!(between(&page, "<div class=\"banner good\"", "</div>").contains("<strong>COMPLETE</strong>"));
    assert!(
        !page.contains("INCOMPLETE")
            && !page.contains("class=\"partial\"")
            && !page.contains("class=\"strip\"")
    );
}

#[test]
fn what_could_not_be_determined_was_not_seen() {
    let page = |part: &str| {
        let of_part = |row: &&mut crate::report::CoverageRow| row.part == part;
        page(&complete_but(|report| {
            let rows = report.coverage.iter_mut().filter(of_part);
            rows.for_each(|row| row.state = crate::model::PartState::Undetermined);
        }))
    };
    let banner = |page: &str| between(page, "<div class=\"banner good\"", "</div>").to_owned();
    let two_factor = banner(&page("two_factor"));
    assert!(two_factor.contains("The population ties out. Two-factor state could not be determined"));
    assert!(!two_factor.contains("was seen"), "{two_factor}");
    let other = banner(&page("user_sites"));
    assert!(other.contains("(user sites)") && !other.contains("was seen"), "{other}");
    assert!(banner(&page("none")).contains("that should have been seen was seen"));
}

#[test]
fn the_counts_are_those_of_the_report() {
    let report = Report::sample();
    let page = page(&report);
    let figures = between(&page, "<dl class=\"figures\">", "</dl>");
    for (what, count) in
        [("Consoles", 2), ("Users", 5), ("Users with findings", 2), ("Open findings", 2), ("Sites", 6)]
    {
        assert!(figures.contains(&format!("<dt>{what}</dt><dd>{count}</dd>")), "{what}: {figures}");
    }
    let bars = between(&page, "<dl class=\"bars\">", "</dl>");
    assert_eq!(bars.matches("<span>1</span>").count(), 2, "one critical, one medium");
    assert_eq!(bars.matches("<div class=\"zero\">").count(), 3);
    assert_eq!(rows(&page, "rules"), 4);
    assert_eq!(rows(&page, "findings"), 2);
    assert_eq!(rows(&page, "users"), 5);
    assert_eq!(rows(&page, "roles"), 6);
    assert_eq!(rows(&page, "summary"), 10 + report.trend.len(), "the population, and the trend as a table");
    for finding in &report.findings {
        assert!(page.contains(&format!("<tr id=\"finding-{}\" ", finding.id)));
    }
}

#[test]
fn a_total_that_the_rows_do_not_meet_is_told() {
    let mut report = Report::sample();
    report.consoles[0].totals.users = report.consoles[0].totals.users.map(|users| users + 1);
    let page = page(&report);
    let summary = between(&page, "<section id=\"summary\"", "</section>");
    assert_eq!(summary.matches("<span class=\"warn\">no</span>").count(), 1);
    assert!(summary.contains("<td class=\"n\">4</td><td class=\"n\">3</td>"));
}

#[test]
fn a_count_that_may_be_higher_is_no_exact_one() {
    let open = page(&Report::sample());
    let sites = between(&open, "<section id=\"sites\"", "</section>");
    assert_eq!(sites.matches(">≥&nbsp;").count(), 3, "every site of the console with an unanswered user");
    assert!(sites.contains("the reach of 1 user is not known"));
    let exact = page(&complete_but(|report| {
        report.sites.iter_mut().for_each(|site| site.users_unknown = 0);
    }));
    assert!(!between(&exact, "<section id=\"sites\"", "</section>").contains('≥'));
}

#[test]
fn changes_stand_in_groups_with_their_counts_and_what_was_not_compared() {
    let page = page(&Report::sample());
    assert!(
        between(&page, "<dl class=\"facts\">", "</dl>").contains("of 2026-09-14 14:14 UTC"),
        "in the header"
    );
    let changes = between(&page, "<section id=\"changes\"", "</section>");
    let figures = between(changes, "<dl class=\"figures\">", "</dl>");
    for (what, count) in [
        ("New findings", "+1"),
        ("Reopened", "0"),
        ("Resolved", "1"),
        ("Persisting", "1"),
        ("Other changes", "7"),
    ] {
        assert!(figures.contains(&format!("<dt>{what}</dt><dd>{count}</dd>")), "{what}: {figures}");
    }
    let place = |group: &str| changes.find(&format!("<h3 id=\"{group}\">")).expect(group);
    let order =
        ["changes-findings", "changes-administrators", "changes-consoles", "changes-users", "uncompared"];
    assert!(order.map(place).is_sorted());
    assert_eq!(rows(&page, "changes"), 2 + 7 + 2);
    assert!(changes.contains("<li>finding resolved <strong>1</strong></li>"));
    assert!(changes.contains("1 earlier finding was not found again, which does not prove it resolved."));
    assert!(changes.contains("<bdi>+zoe was removed; it had role User (user)</bdi>"));
    let findings = between(&page, "<section id=\"findings\"", "</section>");
    assert_eq!(findings.matches("<span class=\"tag alarm\">new</span>").count(), 1);
}

#[test]
fn controls_stand_by_framework_with_their_rules() {
    let mut report = complete();
    report.controls[0].state = ControlState::NotProven;
    let page = page(&report);
    let section = between(&page, "<section id=\"controls\"", "</section>");
    assert!(section.contains("<h3 id=\"controls-pci-dss\">PCI DSS 4.0.1</h3>"));
    assert!(section.contains("<span class=\"badge s-not_proven\">Not proven</span>&nbsp;1"));
    let rules = between(section, "<ul class=\"serving\">", "</ul>");
    assert!(rules.contains("Fail</span> AUTH-01") && rules.contains("on <bdi>hq</bdi>"), "{rules}");
    assert!(rules.contains("(1 open)"));
    let figures = between(&page, "<dl class=\"figures\">", "</dl>");
    assert!(figures.contains("<dt>Controls not proven</dt><dd>1 <span class=\"of\">of 1</span></dd>"));
}

#[test]
fn the_person_behind_an_account_is_shown_where_a_roster_was_asked() {
    let plain = page(&complete());
    assert!(!plain.contains("Manager, department") && !plain.contains("<th scope=\"col\">Last seen</th>"));
    let mut report = complete();
    report.users.iter_mut().for_each(|user| user.roster_match = "nobody");
    let user = &mut report.users[0];
    user.roster_match = "person";
    (user.person, user.manager) = (Some("4711".into()), Some("<b>Maria".into()));
    (user.matched_by, user.match_confidence) = (Some(MatchedBy::ExternalId), Some(Confidence::High));
    (user.department, user.left) = (Some("Audit".into()), Some(true));
    user.last_seen = "2026-09-20T08:00:00Z".parse().ok();
    (user.last_seen_by, user.last_seen_confidence) = (Some("console_log"), Some(Confidence::High));
    let page = page(&report);
    let users = between(&page, "<section id=\"users\"", "</section>");
    assert!(users.contains("<bdi>&lt;b&gt;Maria</bdi> <span class=\"tag alarm\">left</span>"), "escaped");
    assert!(users.contains("person <bdi>4711</bdi>, by id, high") && users.contains("<bdi>Audit</bdi>"));
    assert!(users.contains("<bdi>2026-09-20 08:00 UTC</bdi><span class=\"sub\">console log, high</span>"));
    assert_eq!(users.matches("nobody in the roster").count(), 4);
}

#[test]
fn without_an_earlier_run_nothing_is_said_of_changes() {
    let first = page(&Report::first_sample());
    assert!(first.contains("There is no earlier run to compare with.") && !first.contains("<dt>Since</dt>"));
    let mut same = Report::sample();
    same.changes.clear();
    let changes =
        |report: &Report| between(&page(report), "<section id=\"changes\"", "</section>").to_owned();
    assert!(changes(&same).contains("Nothing is different in what could be compared."));
    let comparison = same.comparison.as_mut().unwrap();
    comparison.uncompared.clear();
    comparison.counts = crate::report::FindingCounts::default();
    let whole = changes(&same);
    assert!(whole.contains("Nothing is different.") && !whole.contains("Not everything could be compared"));
}

#[test]
fn the_worst_comes_first() {
    let page = page(&Report::sample());
    let findings = between(&page, "<section id=\"findings\"", "</section>");
    let place = |rule: &str| findings.find(&format!("id=\"r-{rule}\"")).unwrap();
    assert!(place("local_admin_without_2fa") < place("locked_account"));
    let users = between(&page, "<section id=\"users\"", "</section>");
    let place = |login: &str| users.find(&format!("<bdi>{login}</bdi>")).unwrap();
    assert!(place("nxadmin") < place("mia"));
}

#[test]
fn a_table_at_its_limit_says_how_many_more_there_are_and_where() {
    let mut report = Report::sample();
    let (user, finding) = (report.users[0].clone(), report.findings[1].clone());
    let mut other = finding.clone();
    for number in 0..12_000 {
        report.users.push(crate::report::UserRow { id: 100 + number, ..user.clone() });
        other.id = format!("{number:020x}");
        report.findings.push(other.clone());
    }
    let page = page(&report);
    assert_eq!(rows(&page, "users"), USERS);
    assert!(page.len() < 20_000_000, "{} bytes: a browser must open it at once", page.len());
    let users = between(&page, "<section id=\"users\"", "</section>");
    assert!(users.contains("<strong>10,000 of 12,005</strong> shown"), "{}", &users[..800]);
    assert!(users.contains("The other 2,005 are in report.xlsx and users.csv"));
    assert_eq!(rows(&page, "findings"), 1 + FINDINGS_OF_A_RULE);
    assert!(page.contains("The other 11,501 are in report.xlsx and findings.csv"));
    assert!(!between(&page, "<section id=\"roles\"", "</section>").contains("class=\"rest\""));
}

#[test]
fn equal_reports_give_equal_bytes() {
    assert_eq!(page(&Report::sample()), page(&Report::sample()));
}

#[test]
fn an_error_of_the_sink_keeps_its_kind() {
    struct Full;
    impl Write for Full {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(ErrorKind::StorageFull.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let error = report(&Report::sample(), &Templates::builtin(), &mut Full).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::StorageFull);
}

#[test]
fn a_finding_and_the_row_of_its_user_lead_to_each_other() {
    let page = page(&Report::sample());
    let findings = between(&page, "<section id=\"findings\"", "</section>");
    let row = between(findings, "<tr id=\"finding-", "</tr>");
    let user = between(row, "<a href=\"#", "\"");
    let users = between(&page, "<section id=\"users\"", "</section>");
    let back = between(users, &format!("<tr id=\"{user}\">"), "</tr>");
    assert!(back.contains(&format!("href=\"#finding-{}\"", row.split('"').next().unwrap())), "{back}");
}

#[test]
fn the_first_look_answers_how_bad_what_changed_and_what_next() {
    let page = page(&Report::sample());
    let answers = between(&page, "<div class=\"answers\">", "<dl class=\"figures\">");
    for answer in
        ["2<small>open findings", "+1<small>new finding<", "Close the gap and review again</a><b>1</b>"]
    {
        assert!(answers.contains(answer), "{answer}: {answers}");
    }
    let first = self::page(&Report::first_sample());
    assert!(first.contains("No earlier run of this job is known here."));
    let mut clean = complete();
    clean.findings.clear();
    assert!(self::page(&clean).contains("Nothing is left to do: sign it off."));
}

#[test]
fn the_trend_is_a_picture_with_a_table_and_marks_what_was_incomplete() {
    let trend = |report: &Report| between(&page(report), "<div class=\"trend\">", "<dl class=").to_owned();
    let drawn = trend(&Report::sample());
    assert!(drawn.contains("<svg role=\"img\" aria-labelledby=\"trend-title trend-text\">"));
    let report = Report::sample();
    let partly = report.trend.iter().filter(|run| run.verdict == Completeness::Incomplete).count();
    assert!(partly > 0 && partly < report.trend.len());
    assert_eq!(drawn.matches("<g class=\"partly\">").count(), partly);
    assert!(drawn.contains("* incomplete: there may be more") && drawn.contains("<td>incomplete</td>"));
    let first = trend(&Report::first_sample());
    assert!(!first.contains("<svg") && first.contains("A trend begins with the second run of a job."));
}
