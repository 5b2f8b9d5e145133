//! `recert rules`: the catalogue, one rule in full, and the controls of a framework with the rules that serve them.

use std::collections::BTreeMap;

use comfy_table::{Cell, Table};
use owo_colors::OwoColorize;
use serde_json::{Value, json};

use super::open::load;
use super::screen::style;
use super::{Mistake, Outcome, Screen, World};
use crate::analyze::{IDS, Policy, Rule};
use crate::finding::{Control, Framework, control_title};
use crate::untrusted::visible;

/// Show the catalogue of rules, one rule in full, or the controls of a framework
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// A rule's id or catalogue code
    rule: Option<String>,
    /// Show this framework's controls with the rules that serve them
    #[arg(long, value_name = "FRAMEWORK", conflicts_with = "rule")]
    framework: Option<Framework>,
    #[command(flatten)]
    config: super::ConfigArgument,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: &Arguments, world: &World, screen: &mut Screen) -> anyhow::Result<Outcome> {
    // The catalogue can be read before there is a configuration; where there is one, its own rules belong to it.
    let path = &arguments.config.config;
    let policy = if path.exists() { load(path, world)?.policy } else { Policy::default() };
    let rules = policy.rules();
    if let Some(framework) = arguments.framework {
        let controls = of_framework(&rules, framework);
        if arguments.json {
            screen
                .json(&controls.iter().map(|(control, rules)| served(control, rules)).collect::<Vec<_>>())?;
        } else {
            print_controls(framework, &controls, screen)?;
        }
        return Ok(Outcome::Done);
    }
    match &arguments.rule {
        None if arguments.json => {
            screen.json(&rules.iter().map(|rule| document(*rule)).collect::<Vec<_>>())?;
        }
        None => catalogue(&rules, screen)?,
        Some(name) => {
            let named =
                |rule: &&&dyn Rule| *rule.about().id == *name || rule.about().code.eq_ignore_ascii_case(name);
            let rule = rules.iter().find(named);
            let rule =
                rule.ok_or_else(|| Mistake(format!("there is no rule {name:?}; `recert rules` lists them")))?;
            if arguments.json {
                screen.json(&document(*rule))?;
            } else {
                page(*rule, screen)?;
            }
        }
    }
    Ok(Outcome::Done)
}

fn catalogue(rules: &[&dyn Rule], screen: &mut Screen) -> std::io::Result<()> {
    let mut table = Table::new();
    table.load_style(comfy_table::presets::UTF8_FULL_CONDENSED);
    table.set_header(["Code", "Rule", "Severity", "What"]);
    for about in rules.iter().map(|rule| rule.about()) {
        table.add_row([
            Cell::new(&about.code),
            Cell::new(&about.id),
            Cell::new(about.severity.style(style(about.severity))),
            Cell::new(visible(&about.title)),
        ]);
    }
    screen.line(table.to_string())?;
    screen
        .remark("`recert rules RULE` shows one in full, `--framework pci-dss` the rules behind each control");
    Ok(())
}

/// Controls with the rules that serve them, by number.
type Served<'a> = BTreeMap<Control, Vec<&'a dyn Rule>>;

fn of_framework<'a>(rules: &[&'a dyn Rule], framework: Framework) -> Served<'a> {
    let mut served = Served::new();
    for rule in rules {
        for control in rule.controls().iter().filter(|control| control.framework == framework) {
            served.entry(control.clone()).or_default().push(*rule);
        }
    }
    served
}

fn served(control: &Control, rules: &[&dyn Rule]) -> Value {
    json!({
        "framework": control.framework,
        "control": control,
        "title": control_title(control),
        "rules": rules.iter().map(|rule| &*rule.about().id).collect::<Vec<_>>(),
    })
}

fn print_controls(framework: Framework, controls: &Served<'_>, screen: &mut Screen) -> std::io::Result<()> {
    if controls.is_empty() {
        return screen.line(format!("No rule serves a control of {}.", framework.as_str()));
    }
    for (control, rules) in controls {
        let title = control_title(control).unwrap_or("named by the configuration");
        screen.line(format!("{}  {title}", control.bold()))?;
        for about in rules.iter().map(|rule| rule.about()) {
            let severity = about.severity.style(style(about.severity));
            screen.line(format!(
                "  {:<8} {:<40} {severity:<10} {}",
                about.code,
                about.id,
                visible(&about.title)
            ))?;
        }
        screen.line("")?;
    }
    screen.line("A verdict is evidence for a control; that a control is met, an auditor decides.")
}

fn page(rule: &dyn Rule, screen: &mut Screen) -> std::io::Result<()> {
    let about = rule.about();
    let severity = about.severity.style(style(about.severity));
    screen.line(format!("{}  {}  {severity}", about.code.bold(), about.id.bold()))?;
    screen.line(visible(&about.title))?;
    let parts =
        |parts: &[crate::model::Part]| parts.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let controls: Vec<String> = rule.controls().iter().map(titled).collect();
    for (heading, text) in [
        ("What it flags", about.flags.to_string()),
        ("What it looks at", about.evidence.to_string()),
        ("Why it matters", about.why.to_string()),
        ("How to mend it in the console", about.click_path.to_string()),
        ("How to mend it through the API", about.api_call.to_string()),
        ("Controls", controls.join("\n")),
        ("Must see whole before it may pass", parts(&about.needs)),
        ("Looks at as well, where it is there", parts(about.uses)),
        ("Configuration", configuration(rule)),
    ] {
        if text.is_empty() {
            continue;
        }
        screen.line("")?;
        screen.line(heading.bold().to_string())?;
        for line in text.lines() {
            screen.line(format!("  {}", visible(line)))?;
        }
    }
    Ok(())
}

fn titled(control: &Control) -> String {
    control_title(control).map_or_else(|| control.to_string(), |title| format!("{control}: {title}"))
}

/// The rule's table with its knobs, as it would stand in the configuration with every default.
fn configuration(rule: &dyn Rule) -> String {
    let about = rule.about();
    let mut lines = if IDS.contains(&about.id.as_ref()) {
        vec![
            format!("[analyzers.{}]", about.id),
            "enabled = true    # false switches it off".to_owned(),
            "severity = …      # replaces the severity of its findings; left out by default".to_owned(),
        ]
    } else {
        // It is in the configuration already, with its expression.
        vec![
            "[[rule]]".to_owned(),
            format!("id = {:?}", about.id),
            format!("severity = {:?}", about.severity.as_str()),
            "enabled = true    # false switches it off".to_owned(),
        ]
    };
    for knob in rule.knobs() {
        lines.push(format!("# {}", knob.about));
        let default = if knob.default.is_empty() { "…".to_owned() } else { knob.default };
        lines.push(format!("{} = {default}", knob.name));
    }
    lines.join("\n")
}

fn document(rule: &dyn Rule) -> Value {
    let about = rule.about();
    let knob = |knob: crate::analyze::Knob| json!({ "name": knob.name, "about": knob.about, "default": knob.default });
    json!({
        "id": about.id,
        "code": about.code,
        "title": about.title,
        "severity": about.severity,
        "flags": about.flags,
        "evidence": about.evidence,
        "why": about.why,
        "click_path": about.click_path,
        "api_call": about.api_call,
        "controls": rule.controls(),
        "needs": about.needs,
        "uses": about.uses,
        "knobs": rule.knobs().into_iter().map(knob).collect::<Vec<_>>(),
        "version": about.version,
    })
}
