//! `recert rules`: the catalogue, and one rule in full.

use comfy_table::{Cell, Table};
use owo_colors::OwoColorize;
use serde_json::{Value, json};

use super::screen::style;
use super::{Mistake, Outcome, Screen};
use crate::analyze::Analyzers;
use crate::finding::About;

/// Show the catalogue of rules, or one rule in full
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// A rule's id or catalogue code
    rule: Option<String>,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: &Arguments, screen: &mut Screen) -> anyhow::Result<Outcome> {
    let analyzers = Analyzers::default();
    let rules: Vec<&About> = analyzers.rules().iter().map(|rule| rule.about()).collect();
    match &arguments.rule {
        None if arguments.json => {
            screen.json(&rules.iter().map(|about| document(about)).collect::<Vec<_>>())?;
        }
        None => catalogue(&rules, screen)?,
        Some(name) => {
            let about = rules
                .iter()
                .find(|about| about.id == name || about.code.eq_ignore_ascii_case(name))
                .ok_or_else(|| Mistake(format!("there is no rule {name:?}; `recert rules` lists them")))?;
            if arguments.json {
                screen.json(&document(about))?;
            } else {
                page(about, screen)?;
            }
        }
    }
    Ok(Outcome::Done)
}

fn catalogue(rules: &[&About], screen: &mut Screen) -> std::io::Result<()> {
    let mut table = Table::new();
    table.load_style(comfy_table::presets::UTF8_FULL_CONDENSED);
    table.set_header(["Code", "Rule", "Severity", "What"]);
    for about in rules {
        table.add_row([
            Cell::new(about.code),
            Cell::new(about.id),
            Cell::new(about.severity.style(style(about.severity))),
            Cell::new(about.title),
        ]);
    }
    screen.line(table.to_string())
}

fn page(about: &About, screen: &mut Screen) -> std::io::Result<()> {
    let severity = about.severity.style(style(about.severity));
    screen.line(format!("{}  {}  {severity}", about.code.bold(), about.id.bold()))?;
    screen.line(about.title)?;
    let controls: Vec<_> = about.controls.iter().map(ToString::to_string).collect();
    let needs: Vec<_> = about.needs.iter().map(ToString::to_string).collect();
    for (heading, text) in [
        ("What it flags", about.flags.to_owned()),
        ("Why it matters", about.why.to_owned()),
        ("How to mend it in the console", about.click_path.to_owned()),
        ("How to mend it through the API", about.api_call.to_owned()),
        ("Controls", controls.join("\n")),
        ("Must see whole before it may pass", needs.join(", ")),
        ("Configuration", format!("[analyzers.{}], with its defaults in config.example.toml", about.id)),
    ] {
        screen.line("")?;
        screen.line(heading.bold().to_string())?;
        for line in text.lines() {
            screen.line(format!("  {line}"))?;
        }
    }
    Ok(())
}

fn document(about: &About) -> Value {
    json!({
        "id": about.id,
        "code": about.code,
        "title": about.title,
        "severity": about.severity,
        "flags": about.flags,
        "why": about.why,
        "click_path": about.click_path,
        "api_call": about.api_call,
        "controls": about.controls.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "needs": about.needs,
        "version": about.version,
    })
}
