//! Waivers that somebody must look at: those that end within days first.

use serde::Serialize;

use super::{Table, Text, waivers_to_decide, words};
use crate::amount::amount;
use crate::report::{ENDS_NOW, Report, WaiverRow, WaiverState};

/// The most waivers that are told.
const WAIVERS: usize = 5;

/// A waiver that has expired, covers nothing, or ends soon.
#[derive(Debug, Default, Serialize)]
pub(super) struct WaiverView {
    /// `now` (ends within 7 days), `expired`, `soon` (within 30) or `unused`.
    pub(super) due: &'static str,
    /// What is the matter, in words, with the last day on which it counts.
    pub(super) says: String,
    pub(super) ends: String,
    pub(super) days_left: i64,
    pub(super) rule: Text,
    /// The subject, or the finding by its id.
    pub(super) of: Text,
    /// The console or a pattern; none is every console.
    pub(super) console: Option<Text>,
    pub(super) approved_by: Text,
    /// How many findings it covers, or would cover.
    pub(super) findings: u64,
}

/// The waivers to decide about, the most urgent first.
pub(super) fn waivers(report: &Report) -> Table<WaiverView> {
    Table::of(waivers_to_decide(report).into_iter(), WAIVERS, "the files of this run", WaiverView::of)
}

impl WaiverView {
    fn of(waiver: &WaiverRow) -> Self {
        Self {
            due: match waiver.state {
                _ if waiver.ends_within(ENDS_NOW) => "now",
                WaiverState::Expired => "expired",
                WaiverState::Unused => "unused",
                WaiverState::Active | WaiverState::Elsewhere => "soon",
            },
            says: says(waiver),
            ends: waiver.expires.to_string(),
            days_left: waiver.days_left,
            rule: Text::line(&waiver.rule, words::NAME),
            of: Text::line(&waiver.of(), words::NAME),
            console: waiver.console.as_deref().map(|console| Text::line(console, words::NAME)),
            approved_by: Text::line(&waiver.approved_by, words::NAME),
            findings: waiver.findings,
        }
    }
}

fn says(waiver: &WaiverRow) -> String {
    let end = waiver.expires;
    let when = match waiver.days_left {
        ..0 => format!("ended {} ago, on {end}", amount(-waiver.days_left, "day")),
        0 => format!("ends today, {end}"),
        left => format!("ends in {}, on {end}", amount(left, "day")),
    };
    match waiver.state {
        WaiverState::Unused => format!("{when}; covers nothing that was found"),
        WaiverState::Expired if waiver.findings == 1 => {
            format!("{when}; 1 finding is not covered by it any more")
        }
        WaiverState::Expired if waiver.findings > 0 => {
            format!("{when}; {} findings are not covered by it any more", waiver.findings)
        }
        _ => when,
    }
}
