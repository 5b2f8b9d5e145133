//! What an alarm says: what did not happen, why, and what is next.

use serde::Serialize;

use super::{Alarm, Table, Text, date, words};

/// The most lines of the error.
const LINES: usize = 12;

/// The most consoles that are named.
const CONSOLES: usize = 20;

/// A run that failed.
#[derive(Debug, Default, Serialize)]
pub(super) struct AlarmView {
    pub(super) slot: String,
    pub(super) attempts: u64,
    /// The lines of the error.
    pub(super) error: Table<Text>,
    pub(super) consoles: Table<Text>,
    pub(super) last_success: Option<String>,
    pub(super) next_slot: Option<String>,
}

impl AlarmView {
    pub(super) fn of(alarm: &Alarm<'_>) -> Self {
        let lines: Vec<&str> = alarm.error.lines().filter(|line| !line.trim().is_empty()).collect();
        Self {
            slot: date(alarm.slot),
            attempts: alarm.attempts.into(),
            error: Table::of(lines.iter(), LINES, "the log", |line| Text::line(line, 300)),
            consoles: Table::of(alarm.consoles.iter(), CONSOLES, "", |name| Text::line(name, words::NAME)),
            last_success: alarm.last_success.map(date),
            next_slot: alarm.next_slot.map(date),
        }
    }
}
