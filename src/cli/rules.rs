//! `recert rules`: the catalogue, one rule in full, and the controls of a framework with the rules that serve them.

use std::collections::BTreeMap;
use std::path::Path;

use comfy_table::{Cell, Table};
use owo_colors::OwoColorize;
use serde_json::{Value, json};

use super::open::load;
use super::screen::style;
use super::{DEFAULT_CONFIG, Mistake, Outcome, Screen, World, told};
use crate::analyze::{Combination, IDS, Policy, Rule};
use crate::config::nearest;
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
    let is_missing = matches!(path.try_exists(), Ok(false));
    if is_missing && path != Path::new(DEFAULT_CONFIG) {
        load(path, world)?;
    }
    let loaded =
        if is_missing { Ok(Policy::default()) } else { load(path, world).map(|config| config.policy) };
    let (policy, broken) = match loaded {
        Ok(policy) => (policy, None),
        Err(error) => (Policy::default(), Some(error)),
    };
    let rules = by_code(policy.rules());
    let wanted = arguments.rule.as_deref().map(|name| (name, find(&rules, name)));
    match (broken, &wanted) {
        // It may be one of the configuration's own.
        (Some(error), Some((_, None))) => return Err(error),
        (Some(error), _) => screen.remark(format!(
            "rules of your own are missing here, because the configuration cannot be read: {}",
            told(&error).lines().map(visible).collect::<Vec<_>>().join("\n")
        )),
        (None, _) => {}
    }
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
    match wanted {
        None if arguments.json => {
            screen.json(&rules.iter().map(|rule| document(*rule)).collect::<Vec<_>>())?;
        }
        None => catalogue(&rules, screen)?,
        Some((name, None)) => {
            let known: Vec<&str> = rules.iter().map(|rule| &*rule.about().id).collect();
            let nearest = nearest(name, &known);
            return Err(
                Mistake(format!("there is no rule {name:?}{nearest}; `recert rules` lists them")).into()
            );
        }
        Some((_, Some(rule))) if arguments.json => screen.json(&document(rule))?,
        Some((_, Some(rule))) => page(rule, screen)?,
    }
    Ok(Outcome::Done)
}

/// A rule by its id or catalogue code, without regard to case.
fn find<'a>(rules: &[&'a dyn Rule], name: &str) -> Option<&'a dyn Rule> {
    let is = |text: &str| text.eq_ignore_ascii_case(name);
    rules.iter().copied().find(|rule| is(&rule.about().id) || is(&rule.about().code))
}

/// The families in their order, and in each the codes by number. Rules of the configuration come last.
fn by_code(mut rules: Vec<&dyn Rule>) -> Vec<&dyn Rule> {
    fn parts<'a>(rule: &&'a dyn Rule) -> (&'a str, u32) {
        let (family, number) = rule.about().code.split_once('-').unwrap_or_default();
        (family, number.parse().unwrap_or_default())
    }
    let mut families: Vec<&str> = Vec::new();
    for (family, _) in rules.iter().map(parts) {
        if !families.contains(&family) {
            families.push(family);
        }
    }
    let own = |rule: &&dyn Rule| !IDS.contains(&&*rule.about().id);
    rules.sort_by_key(|rule| {
        let (family, number) = parts(rule);
        (own(rule), families.iter().position(|known| *known == family), number)
    });
    rules
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
        ("Combinations", combinations(rule)),
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

/// The table that a rule looks up: what each row is called, what it takes and what it lets its holder do.
fn combinations(rule: &dyn Rule) -> String {
    rule.combinations().iter().map(combination).collect::<Vec<_>>().join("\n")
}

fn combination(row: &Combination) -> String {
    let group = |group: &Vec<String>| match &group[..] {
        [one] => one.clone(),
        several => format!("one of {}", several.join(", ")),
    };
    let groups: Vec<String> = row.all_of.iter().map(group).collect();
    let mut lines = vec![
        format!("{}  {}  A holder can {}.", row.code, row.severity, row.effect),
        format!("    Takes: {}", groups.join("; and ")),
    ];
    if row.admin_effect {
        lines.push("    It counts as administration under another name.".to_owned());
    }
    if !row.by_design.is_empty() {
        lines.push(format!("    By the vendor's design in: {}", row.by_design.join(", ")));
    }
    lines.join("\n")
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
    let combinations = rule.combinations();
    let knob = |knob: crate::analyze::Knob| json!({ "name": knob.name, "about": knob.about, "default": knob.default });
    let mut document = json!({
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
    });
    if !combinations.is_empty() {
        document["combinations"] = json!(combinations);
    }
    document
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_are_in_the_order_of_their_codes_and_found_whatever_the_case() {
        let policy = Policy::default();
        let rules = by_code(policy.rules());
        let codes: Vec<&str> = rules.iter().map(|rule| &*rule.about().code).collect();
        assert_eq!(codes.len(), IDS.len());
        assert_eq!(codes[0], "AUTH-01", "the families stay in their order");
        let pairs = codes.windows(2).filter(|pair| pair[0].split('-').next() == pair[1].split('-').next());
        for pair in pairs {
            assert!(pair[0] < pair[1], "{pair:?}");
        }
        for name in ["locked_account", "LOCKED_Account", "life-05", "LIFE-05"] {
            assert_eq!(find(&rules, name).unwrap().about().id, "locked_account", "{name}");
        }
        assert!(find(&rules, "LIFE-5").is_none());
    }
}
