//! `report.md`: the page for a ticket or a wiki: verdict, totals, the worst findings, what changed, what was not seen.
//!
//! Text of a console is bare where it is plain words, and otherwise stands in code spans, where nothing makes a link, a
//! mention, an emoji or HTML of it. What could end a span or a cell becomes its number, as in [`crate::untrusted`].

use std::fmt::Write as _;
use std::io::{self, Write};

use super::{Text, counted, date, gaps_by_part, lateness, undetermined_parts};
use crate::finding::Severity;
use crate::model::PartState;
use crate::report::{Completeness, ConsoleSummary, FindingChange, Report};

/// Rows that are shown of each list; a ticket is read, and its size has a limit.
const FINDINGS: usize = 50;
const CHANGES: usize = 30;
const GAPS: usize = 20;
const CONSOLES: usize = 50;

/// Columns of a name, and of a sentence.
const NAME: usize = 60;
const SENTENCE: usize = 200;

pub(super) fn report(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let mut page = String::new();
    // Writing to a string cannot fail.
    let _ = write_page(report, &mut page);
    out.write_all(page.as_bytes())
}

fn write_page(report: &Report, page: &mut String) -> std::fmt::Result {
    head(report, page)?;
    consoles(report, page)?;
    findings(report, page)?;
    changes(report, page)?;
    gaps(report, page)?;
    let configuration = report.run.configuration.get(..12).unwrap_or_default();
    writeln!(page, "\nrecert {}, configuration {}", report.run.version, named(configuration))
}

fn head(report: &Report, page: &mut String) -> std::fmt::Result {
    let run = &report.run;
    let open = report.open().count() as u64;
    let (verdict, meaning) = match run.verdict {
        Completeness::Complete => ("COMPLETE", "every part of every console was seen"),
        Completeness::Incomplete => ("INCOMPLETE", "part of the population was not seen; see the end"),
    };
    writeln!(page, "# Access review: {verdict}\n")?;
    writeln!(page, "**{verdict}**: {meaning}.")?;
    if let Some(note) = report.redaction_note() {
        writeln!(page, "\n**{note}**\n")?;
    }
    writeln!(
        page,
        "**{}**, {} waived; {} on {}.\n",
        amount(open, "open finding"),
        counted(report.waived()),
        amount(report.users.len() as u64, "user"),
        amount(report.consoles.len() as u64, "console")
    )?;
    if let Some(job) = &run.job {
        writeln!(page, "- Job: {}", named(job))?;
    }
    writeln!(page, "- Run: {}", named(&run.id))?;
    if let Some(slot) = run.slot {
        writeln!(page, "- Due: {}", date(slot))?;
    }
    writeln!(page, "- Collected: {} to {}", date(run.started), date(run.finished))?;
    if let Some(late) = lateness(run) {
        writeln!(page, "- {late}")?;
    }
    Ok(())
}

fn consoles(report: &Report, page: &mut String) -> std::fmt::Result {
    writeln!(page, "\n## Consoles\n\n| Console | Version | Population | Users | Open findings |")?;
    writeln!(page, "|---|---|---|--:|--:|")?;
    for ConsoleSummary { name, version, verdict, totals, .. } in report.consoles.iter().take(CONSOLES) {
        let seen = report.users.iter().filter(|user| *user.console == **name).count() as u64;
        let users = match totals.users {
            Some(total) if total != seen => format!("{} of {}", counted(seen), counted(total)),
            _ => counted(seen),
        };
        let population = match verdict {
            Completeness::Complete => "complete",
            Completeness::Incomplete => "**INCOMPLETE**",
        };
        let open = report.open().filter(|finding| *finding.console == **name).count() as u64;
        let version = named(version.as_deref().unwrap_or_default());
        writeln!(page, "| {} | {version} | {population} | {users} | {} |", named(name), counted(open))?;
    }
    more(report.consoles.len(), CONSOLES, "report.json", page)
}

fn findings(report: &Report, page: &mut String) -> std::fmt::Result {
    writeln!(page, "\n## Open findings\n\n| Severity | Open | New | Waived |\n|---|--:|--:|--:|")?;
    for severity in Severity::WORST_FIRST {
        let (mut open, mut new, mut waived) = (0, 0, 0);
        for finding in report.findings.iter().filter(|finding| finding.severity == severity) {
            let is_new = matches!(finding.change, Some(FindingChange::New | FindingChange::Reopened));
            open += u64::from(finding.is_open());
            new += u64::from(finding.is_open() && is_new);
            waived += u64::from(!finding.is_open());
        }
        let new = if report.comparison.is_some() { counted(new) } else { "–".to_owned() };
        writeln!(page, "| {} | {} | {new} | {} |", word(severity), counted(open), counted(waived))?;
    }
    let open = report.open().count();
    if open == 0 {
        return Ok(());
    }
    writeln!(page, "\n| Severity | Rule | Console | Subject | What |\n|---|---|---|---|---|")?;
    for finding in report.open().take(FINDINGS) {
        writeln!(
            page,
            "| {} | {} | {} | {} {} | {} |",
            word(finding.severity),
            said(&finding.title, SENTENCE),
            named(&finding.console),
            finding.subject_kind.as_str().replace('_', " "),
            named(&finding.subject_name),
            said(&finding.summary, SENTENCE)
        )?;
    }
    more(open, FINDINGS, "findings.csv", page)
}

fn changes(report: &Report, page: &mut String) -> std::fmt::Result {
    writeln!(page, "\n## Changes")?;
    let Some(earlier) = &report.comparison else {
        return writeln!(page, "\nThere is no earlier run to compare with.");
    };
    writeln!(page, "\n{} since {}.", amount(report.changes.len() as u64, "change"), date(earlier.finished))?;
    if report.changes.is_empty() {
        return Ok(());
    }
    writeln!(page, "\n| Console | What | Name | Change |\n|---|---|---|---|")?;
    for change in report.changes.iter().take(CHANGES) {
        writeln!(
            page,
            "| {} | {} {} | {} | {} |",
            named(&change.console),
            change.kind.replace('_', " "),
            change.change.replace('_', " "),
            named(&change.name),
            said(&change.summary, SENTENCE)
        )?;
    }
    more(report.changes.len(), CHANGES, "report.json", page)
}

fn gaps(report: &Report, page: &mut String) -> std::fmt::Result {
    let undetermined = undetermined_parts(report);
    let parts: Vec<_> = gaps_by_part(report).filter(|(row, _)| row.state == PartState::Incomplete).collect();
    if parts.is_empty() && undetermined.is_empty() {
        return Ok(());
    }
    writeln!(page, "\n## Not seen")?;
    if !undetermined.is_empty() {
        let named: Vec<String> = undetermined.iter().map(|part| part.replace('_', " ")).collect();
        writeln!(page, "\nAnswered by what proves nothing: {}.", named.join(", "))?;
    }
    if parts.is_empty() {
        return Ok(());
    }
    writeln!(page, "\n| Console | Part | Seen | Gaps | Why |\n|---|---|--:|--:|---|")?;
    for (row, gaps) in parts.iter().take(GAPS) {
        let mut reasons: Vec<&str> = gaps.iter().map(|gap| gap.reason.as_str()).collect();
        reasons.sort_unstable();
        reasons.dedup();
        let of = row.expected.map_or_else(String::new, |expected| format!(" of {}", counted(expected)));
        writeln!(
            page,
            "| {} | {} | {}{of} | {} | {} |",
            named(&row.console),
            row.part.replace('_', " "),
            counted(row.examined),
            counted(gaps.len() as u64),
            reasons.join(", ").replace('_', " ")
        )?;
    }
    more(parts.len(), GAPS, "coverage.csv", page)
}

/// Says how many rows are not shown, and where they are.
fn more(total: usize, shown: usize, file: &str, page: &mut String) -> std::fmt::Result {
    match total.saturating_sub(shown) {
        0 => Ok(()),
        left => writeln!(page, "\n… and {} more, in `{file}`.", counted(left as u64)),
    }
}

/// A severity, so that the worst stand out.
fn word(severity: Severity) -> String {
    match severity {
        Severity::Critical | Severity::High => format!("**{severity}**"),
        _ => severity.to_string(),
    }
}

/// Text that anybody may have written, as itself: plain words bare, the others in code spans.
fn said(text: &str, columns: usize) -> String {
    let text = Text::line(text, columns).to_string();
    let mut said = String::with_capacity(text.len() + 8);
    // Whether the text so far ends in a span that the next word may go on with.
    let mut in_code = false;
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        let middle = word.trim_start_matches('(').trim_end_matches([',', '.', ';', ':', ')']);
        let (lead, tail) = word.split_once(middle).filter(|_| !middle.is_empty()).unwrap_or((word, ""));
        let code = !middle.is_empty() && !is_plain(middle);
        if in_code && !(code && lead.is_empty()) {
            said.push('`');
            in_code = false;
        }
        if !said.is_empty() {
            said.push(' ');
        }
        said.push_str(lead);
        if code && !in_code {
            said.push('`');
        }
        said.push_str(&inert(middle));
        in_code = code && tail.is_empty();
        if code && !in_code {
            said.push('`');
        }
        said.push_str(tail);
    }
    if in_code {
        said.push('`');
    }
    if said.is_empty() { "–".to_owned() } else { said }
}

/// Text that ends neither a span nor a cell.
fn inert(text: &str) -> String {
    text.replace('|', r"\u{7c}").replace('`', r"\u{60}")
}

/// A name that anybody may have given: always in a code span, so that a list of them looks even.
fn named(name: &str) -> String {
    let name = Text::line(name, NAME).to_string();
    if name.trim().is_empty() {
        return "–".to_owned();
    }
    format!("`{}`", inert(&name))
}

/// Whether a word is letters, digits and marks that no reader of Markdown takes for anything else: no address, no name
/// of a host, no number of an issue.
fn is_plain(word: &str) -> bool {
    let mut before = ' ';
    let mut characters = word.chars().peekable();
    while let Some(c) = characters.next() {
        let after = characters.peek().copied().unwrap_or(' ');
        let fits = match c {
            ',' | '(' | ')' | '\'' | '"' | '…' | '–' | '—' | '’' | '→' => true,
            '.' | ':' | ';' => after == ' ' && before != ' ',
            '-' if before.is_ascii_digit() => after.is_ascii_digit(),
            '-' | '/' => before.is_alphabetic() && after.is_alphabetic(),
            _ => c.is_alphanumeric(),
        };
        if !fits {
            return false;
        }
        before = c;
    }
    true
}

/// A count with its noun, in the plural where it should be.
fn amount(count: u64, noun: &str) -> String {
    format!("{} {noun}{}", counted(count), if count == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_words_are_bare_and_the_rest_is_code() {
        for (text, shown) in [
            ("an account is locked", "an account is locked"),
            ("Two-factor (since 2026-09-21), and more…", "Two-factor (since 2026-09-21), and more…"),
            ("mia.lee is locked, and so is jo_b", "`mia.lee` is locked, and so is `jo_b`"),
            ("@mia see #12", "`@mia` see `#12`"),
            ("GH-12", "`GH-12`"),
            ("www.evil.example mia@corp.example", "`www.evil.example mia@corp.example`"),
            ("is gone (x_y), a_b; see @c, @d:", "is gone (`x_y`), `a_b`; see `@c`, `@d`:"),
            ("(@a @b", "(`@a @b`"),
            ("((.)) , :x:", "((.)) , `:x`:"),
            ("<b>", "`<b>`"),
            ("a|b`c", r"`a\u{7c}b\u{60}c`"),
            ("x\ny", r"`x\u{a}y`"),
            ("nimda\u{202e}", r"`nimda\u{202e}`"),
            ("*bold* _it_ [x](y) ~s~", "`*bold* _it_ [x](y`) `~s~`"),
            ("--- == 1. x", "`--- ==` 1. x"),
            ("  ", "–"),
            ("", "–"),
        ] {
            assert_eq!(said(text, 200), shown);
        }
    }

    #[test]
    fn the_page_says_verdict_totals_findings_changes_and_gaps() {
        let mut out = Vec::new();
        report(&Report::sample(), &mut out).unwrap();
        insta::assert_snapshot!(String::from_utf8(out).unwrap(), @r#"
        # Access review: INCOMPLETE

        **INCOMPLETE**: part of the population was not seen; see the end.
        **2 open findings**, 0 waived; 5 users on 2 consoles.

        - Run: `5f2a9c01d3b4e6f7`
        - Collected: 2026-09-21 14:13 UTC to 2026-09-21 14:14 UTC

        ## Consoles

        | Console | Version | Population | Users | Open findings |
        |---|---|---|--:|--:|
        | `hq` | `6.6.210` | complete | 3 | 2 |
        | `lab` | `6.6.210` | **INCOMPLETE** | 2 | 0 |

        ## Open findings

        | Severity | Open | New | Waived |
        |---|--:|--:|--:|
        | **critical** | 1 | 1 | 0 |
        | **high** | 0 | 0 | 0 |
        | medium | 1 | 0 | 0 |
        | low | 0 | 0 | 0 |
        | info | 0 | 0 | 0 |

        | Severity | Rule | Console | Subject | What |
        |---|---|---|---|---|
        | **critical** | Local administrator without two-factor authentication | `hq` | user `nxadmin` | nxadmin is an administrator with a password alone |
        | medium | Locked account | `hq` | user `=HYPERLINK("http://evil","x")` | an account is locked |

        ## Changes

        9 changes since 2026-09-14 14:14 UTC.

        | Console | What | Name | Change |
        |---|---|---|---|
        | `hq` | finding new | `nxadmin` | nxadmin is an administrator with a password alone (critical, `local_admin_without_2fa`) |
        | `hq` | finding resolved | `+zoe` | The user is gone; it was: `+zoe` is locked (medium, `locked_account`) |
        | `hq` | user two factor lost | `nxadmin` | nxadmin has no second factor any more |
        | `hq` | console version changed | `hq` | Console hq runs another version: `6.6.209` → `6.6.210` |
        | `hq` | user role changed | `mia` | mia has role User (user) now, not Auditors: gains 1 privilege: view-asset-group-asset-data; loses 1 privilege: create-reports |
        | `hq` | user removed | `+zoe` | `+zoe` was removed; it had role User (user) |
        | `hq` | flags lost | `=HYPERLINK("http://evil","x")` | `=HYPERLINK("http://evil","x"`) loses 1 flag: all sites; it reaches 1 site by grants of its own |
        | `hq` | site grants changed | `mia` | mia gains 1 site: Site 1; loses 2 sites: Site 2, Site 3 |
        | `hq` | role upgraded | `user` | Role user, held by 2 users, gains 1 privilege: view-asset-group-asset-data (upgrade `6.6.209` → `6.6.210`) |

        ## Not seen

        | Console | Part | Seen | Gaps | Why |
        |---|---|--:|--:|---|
        | `lab` | user sites | 0 of 1 | 1 | unavailable |

        recert 0.1.0, configuration `cccccccccccc`
        "#);
    }
}
