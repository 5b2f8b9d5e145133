//! The words of a mail: names in a row, how long, how much, from when to when.

use chrono::{DateTime, Utc};

use crate::amount::amount;

use super::{Text, counted, date};

/// The columns of a name.
pub(super) const NAME: usize = 48;

/// The columns of a sentence.
pub(super) const SENTENCE: usize = 150;

/// The most consoles that a heading names.
const NAMES: usize = 4;

/// The columns of each of them.
const SHORT: usize = 32;

/// The names of consoles, as a heading or a subject has them: `hq, lab and 3 more`.
pub(super) fn named(names: &mut dyn Iterator<Item = &str>) -> Text {
    let shown: Vec<String> = names.take(NAMES).map(|name| Text::line(name, SHORT).to_string()).collect();
    let more = names.count();
    let rest = if more > 0 { format!(" and {more} more") } else { String::new() };
    Text::name(&format!("{}{rest}", shown.join(", ")))
}

/// From when to when; the day once, if it is one day.
pub(super) fn period(started: DateTime<Utc>, finished: DateTime<Utc>) -> String {
    let (from, to) = (date(started), date(finished));
    if from == to {
        return to;
    }
    let begin = started.format("%Y-%m-%d %H:%M");
    if started.date_naive() == finished.date_naive() {
        format!("{begin} to {} UTC", finished.format("%H:%M"))
    } else {
        format!("{begin} to {to}")
    }
}

/// A size in decimal units: `1.4 MB`.
pub(super) fn size(bytes: u64) -> String {
    let (unit, name) = match bytes {
        0..1_000 => return amount(bytes, "byte"),
        1_000..999_950 => (1_000, "kB"),
        999_950..999_950_000 => (1_000_000, "MB"),
        _ => (1_000_000_000, "GB"),
    };
    let tenths = bytes / (unit / 10) + u64::from(bytes % (unit / 10) >= unit / 20);
    match tenths % 10 {
        0 => format!("{} {name}", counted(tenths / 10)),
        tenth => format!("{}.{tenth} {name}", counted(tenths / 10)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn a_period_says_its_day_once() {
        let start = at("2026-11-23T18:00:10Z");
        assert_eq!(period(start, at("2026-11-23T18:00:50Z")), "2026-11-23 18:00 UTC");
        assert_eq!(period(start, at("2026-11-23T18:04:00Z")), "2026-11-23 18:00 to 18:04 UTC");
        assert_eq!(period(start, at("2026-11-24T01:04:00Z")), "2026-11-23 18:00 to 2026-11-24 01:04 UTC");
    }

    #[test]
    fn sizes_are_rounded_to_a_tenth() {
        let cases = [
            (0, "0 bytes"),
            (999, "999 bytes"),
            (1_000, "1 kB"),
            (1_449, "1.4 kB"),
            (1_450, "1.5 kB"),
            (999_949, "999.9 kB"),
            (999_950, "1 MB"),
            (10_000_000, "10 MB"),
            (12_345_678_900, "12.3 GB"),
        ];
        for (bytes, shown) in cases {
            assert_eq!(size(bytes), shown);
        }
    }

    #[test]
    fn few_names_are_named_and_the_others_counted() {
        let named = |names: &[&str]| named(&mut names.iter().copied()).to_string();
        assert_eq!(named(&["hq", "lab"]), "hq, lab");
        assert_eq!(named(&["a", "b", "c", "d", "e", "f"]), "a, b, c, d and 2 more");
        assert_eq!(named(&[]), "");
        assert!(named(&["x".repeat(900).as_str(); 900]).chars().count() < 160);
    }
}
