//! The lines of a file on which its tables begin, so that a mistake in one of many is found.

use serde::Deserialize;
use serde::de::IgnoredAny;
use toml::Spanned;

/// The lines of the tables that a file may have many of.
#[derive(Debug, Default)]
pub(super) struct Lines {
    waiver: Vec<usize>,
    rule: Vec<usize>,
    account: Vec<usize>,
}

#[derive(Default, Deserialize)]
struct Tables {
    #[serde(default)]
    waiver: Vec<Spanned<IgnoredAny>>,
    #[serde(default)]
    rule: Vec<Spanned<IgnoredAny>>,
    #[serde(default)]
    account: Vec<Spanned<IgnoredAny>>,
}

impl Lines {
    /// Of a file; none if it is not what it should be.
    pub(super) fn of(text: &str) -> Self {
        let tables: Tables = toml::from_str(text).unwrap_or_default();
        let line = |table: &Spanned<IgnoredAny>| line_at(text, table.span().start);
        Self {
            waiver: tables.waiver.iter().map(line).collect(),
            rule: tables.rule.iter().map(line).collect(),
            account: tables.account.iter().map(line).collect(),
        }
    }

    pub(super) fn waiver(&self, index: usize) -> String {
        place("waiver", &self.waiver, index)
    }

    pub(super) fn rule(&self, index: usize) -> String {
        place("rule", &self.rule, index)
    }

    pub(super) fn account(&self, index: usize) -> String {
        place("account", &self.account, index)
    }
}

/// The number of the line that a byte stands on.
pub(super) fn line_at(text: &str, byte: usize) -> usize {
    text.bytes().take(byte).filter(|byte| *byte == b'\n').count() + 1
}

/// One table of many. What the environment adds has no line.
fn place(table: &str, lines: &[usize], index: usize) -> String {
    let line = lines.get(index).map_or_else(String::new, |line| format!("line {line}: "));
    format!("{line}{table}[{index}]")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_named_by_its_line() {
        let text = "# ünïcode\nstore = 7\n\n[[waiver]]\nx = '''\n[[waiver]]\n'''\n\n  [[waiver]] # two\n[[rule]]\n[a]\n[[account]]\n";
        let lines = Lines::of(text);
        assert_eq!((&*lines.waiver(0), &*lines.waiver(1)), ("line 4: waiver[0]", "line 9: waiver[1]"));
        assert_eq!((&*lines.rule(0), &*lines.account(0)), ("line 10: rule[0]", "line 12: account[0]"));
        assert_eq!(lines.waiver(2), "waiver[2]");
        assert_eq!(Lines::of("waiver = [\n{ x = 1 },\n{ x = 2 }]").waiver(1), "line 3: waiver[1]");
        assert_eq!(Lines::of("not toml").waiver(0), "waiver[0]");
    }
}
