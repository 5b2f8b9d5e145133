//! The toxic combinations: sets of privileges that together allow what neither allows alone.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use serde::Deserialize;

use crate::finding::Severity;
use crate::model::PrivilegeId;

/// One row of the table in `toxic_combinations.toml`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Combination {
    /// Its code, such as `T4`.
    pub code: String,
    /// Every one of these groups must be met; a group is met by any one of its privileges.
    pub all_of: Vec<Vec<String>>,
    /// What a holder could do.
    pub effect: String,
    /// How much that matters.
    pub severity: Severity,
    /// Whether it amounts to administrative power under another role's name.
    #[serde(default)]
    pub admin_effect: bool,
    /// Built-in roles that hold it by the vendor's design.
    #[serde(default)]
    pub by_design: Vec<String>,
}

/// The table that is compiled in.
#[expect(clippy::expect_used, reason = "the table is part of the program, and a test parses it")]
pub static COMBINATIONS: LazyLock<Vec<Combination>> = LazyLock::new(|| {
    #[derive(Deserialize)]
    struct Table {
        combination: Vec<Combination>,
    }
    let table: Table =
        toml::from_str(include_str!("toxic_combinations.toml")).expect("toxic_combinations.toml");
    table.combination
});

/// The combinations that a set of privileges holds.
pub(super) fn held_by(held: &BTreeSet<PrivilegeId>) -> impl Iterator<Item = &'static Combination> {
    let meets = |group: &Vec<String>| group.iter().any(|id| held.contains(id.as_str()));
    COMBINATIONS.iter().filter(move |row| row.all_of.iter().all(meets))
}
