//! Which controls the rules serve, and what those controls ask for: the data of `controls.toml`.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, LazyLock};

use serde::Deserialize;

use super::{Control, Framework};

/// The data that is compiled in.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Data {
    /// Control numbers by rule and framework.
    rules: BTreeMap<String, BTreeMap<Framework, Vec<Arc<str>>>>,
    /// What each control asks for, in a few words, by framework and number.
    titles: BTreeMap<Framework, BTreeMap<String, String>>,
}

#[expect(clippy::expect_used, reason = "the data is part of the program, and a test parses it")]
static DATA: LazyLock<Data> =
    LazyLock::new(|| toml::from_str(include_str!("controls.toml")).expect("controls.toml"));

/// By rule, in the order of the frameworks.
static CONTROLS: LazyLock<HashMap<&'static str, Arc<[Control]>>> = LazyLock::new(|| {
    let of = |frameworks: &BTreeMap<Framework, Vec<Arc<str>>>| -> Arc<[Control]> {
        let controls = frameworks.iter().flat_map(|(framework, ids)| {
            ids.iter().map(|id| Control { framework: *framework, id: id.clone() })
        });
        controls.collect()
    };
    DATA.rules.iter().map(|(rule, frameworks)| (rule.as_str(), of(frameworks))).collect()
});

/// The controls that a rule of the catalogue serves; none for a rule that is not in it.
pub fn controls_of(rule: &str) -> Arc<[Control]> {
    CONTROLS.get(rule).cloned().unwrap_or_default()
}

/// The rules of the catalogue that the data maps, in alphabetical order.
pub fn mapped_rules() -> impl Iterator<Item = &'static str> {
    DATA.rules.keys().map(String::as_str)
}

/// What a control asks for, in a few words; `None` for one that the data does not know.
pub fn control_title(control: &Control) -> Option<&'static str> {
    DATA.titles.get(&control.framework)?.get(&*control.id).map(String::as_str)
}

/// Reads a control as the configuration writes it: `pci-dss 7.2.4`. The error is the problem with its mend.
pub fn parse_control(text: &str) -> Result<Control, String> {
    let names = || Framework::ALL.map(Framework::key).join(", ");
    let (framework, id) = text.trim().split_once(' ').unwrap_or((text, ""));
    let framework = Framework::ALL
        .into_iter()
        .find(|known| known.key().eq_ignore_ascii_case(framework))
        .ok_or_else(|| format!("{text:?} names no framework; write one of {} and the number", names()))?;
    match id.trim() {
        "" => Err(format!("{text:?} has no number; write it as in \"pci-dss 7.2.4\"")),
        id => Ok(Control { framework, id: id.into() }),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_control_has_a_title_and_every_title_is_used() {
        let used: BTreeSet<Control> = DATA.rules.keys().flat_map(|rule| controls_of(rule).to_vec()).collect();
        for control in &used {
            assert!(control_title(control).is_some(), "{control} has no title");
        }
        for (framework, titles) in &DATA.titles {
            for id in titles.keys() {
                let control = Control { framework: *framework, id: id.as_str().into() };
                assert!(used.contains(&control), "no rule serves {control}");
            }
        }
    }

    #[test]
    fn a_control_is_read_as_the_configuration_writes_it() {
        let control = parse_control("pci-dss 7.2.4").unwrap();
        assert_eq!((control.framework, &*control.id), (Framework::PciDss, "7.2.4"));
        assert_eq!(
            parse_control("sox-itgc segregation of duties").unwrap().id.as_ref(),
            "segregation of duties"
        );
        assert_eq!(parse_control("PCI-DSS 7.2.4").unwrap(), control);
        for text in ["", "7.2.4", "pci 7.2.4", "pci-dss", "pci-dss "] {
            assert!(parse_control(text).is_err(), "{text:?}");
        }
    }
}
