//! What a view may show: text that was made safe, numbers and dates in one form, and the shown part of a list.

use std::fmt;

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;

use crate::report::Run;
use crate::untrusted::{shortened, visible};

/// From when on a run is called late: a beat of the schedule and the start of a run are no delay.
const LATE: TimeDelta = TimeDelta::minutes(10);

/// Text that is safe to look at. Views hold text of a console, and whatever was made from it, only as this; markup is
/// escaped later, by the template.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub(super) struct Text(String);

impl Text {
    /// A name, an id or a few words.
    pub(super) fn name(text: &str) -> Self {
        Self::cut(text, 120)
    }

    /// A sentence or a list.
    pub(super) fn sentence(text: &str) -> Self {
        Self::cut(text, 600)
    }

    /// Text that takes at most so many columns, however little of it is plain: the numbers of invisible characters
    /// count as what is shown of them.
    pub(super) fn line(text: &str, columns: usize) -> Self {
        let (mut line, mut taken, mut kept) = (String::new(), 0, 0);
        let mut buffer = [0; 4];
        for character in text.chars() {
            let shown = visible(character.encode_utf8(&mut buffer));
            taken += shown.chars().count();
            if taken > columns {
                line.truncate(kept);
                line.truncate(line.trim_end().len());
                line.push('…');
                break;
            }
            line.push_str(&shown);
            if taken < columns {
                kept = line.len();
            }
        }
        Self(line)
    }

    /// An optional name.
    pub(super) fn maybe(text: Option<&str>) -> Option<Self> {
        text.filter(|text| !text.is_empty()).map(Self::name)
    }

    fn cut(text: &str, characters: usize) -> Self {
        Self(visible(&shortened(text, characters)).into_owned())
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A time, to the minute.
pub(super) fn date(time: DateTime<Utc>) -> String {
    time.format("%Y-%m-%d %H:%M UTC").to_string()
}

/// A time that the console wrote; as it stands if it is none.
pub(super) fn date_of(written: &str) -> Text {
    DateTime::parse_from_rfc3339(written)
        .map_or_else(|_| Text::name(written), |time| Text(date(time.with_timezone(&Utc))))
}

/// A number with its thousands apart: `50,000`.
pub(super) fn counted(number: u64) -> String {
    let digits = number.to_string();
    let mut shown = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            shown.push(',');
        }
        shown.push(digit);
    }
    shown
}

/// The part of a list that is shown.
#[derive(Debug, Default, Serialize)]
pub(super) struct Table<T> {
    /// The rows that are shown.
    pub(super) rows: Vec<T>,
    /// How many there are.
    pub(super) total: u64,
    /// How many are not shown.
    pub(super) more: u64,
    /// The files that hold all of them.
    pub(super) files: &'static str,
}

impl<T> Table<T> {
    /// The first `limit` of the rows, each turned into its view.
    pub(super) fn of<R>(
        rows: impl ExactSizeIterator<Item = R>,
        limit: usize,
        files: &'static str,
        view: impl FnMut(R) -> T,
    ) -> Self {
        let total = rows.len() as u64;
        let rows: Vec<T> = rows.take(limit).map(view).collect();
        let more = total - rows.len() as u64;
        Self { rows, total, more, files }
    }
}

/// How long after its slot a run started, if that is worth a word.
pub(super) fn late(run: &Run) -> Option<String> {
    run.slot.map(|slot| run.started - slot).filter(|late| *late >= LATE).map(duration)
}

/// What a scheduled run has to say about its time: that it was late, and for how many missed slots it stands.
pub(super) fn lateness(run: &Run) -> Option<String> {
    let late = late(run).map(|late| format!("started {late} after it was due"));
    let missed = match run.collapsed {
        0 => None,
        1 => Some("stands for 1 earlier slot that was missed, too".to_owned()),
        more => Some(format!("stands for {more} earlier slots that were missed, too")),
    };
    let said: Vec<_> = late.into_iter().chain(missed).collect();
    (!said.is_empty()).then(|| format!("This run {}.", said.join("; it ")))
}

/// How long: its two largest units, `2 h 10 min`.
pub(super) fn duration(time: TimeDelta) -> String {
    let minutes = time.num_minutes().max(0);
    let (days, hours, minutes) = (minutes / 1_440, minutes / 60 % 24, minutes % 60);
    match (days, hours) {
        (0, 0) => format!("{minutes} min"),
        (0, _) => format!("{hours} h {minutes} min"),
        _ => format!("{days} d {hours} h"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_bounded_by_what_is_shown() {
        let line = |text: &str, columns| Text::line(text, columns).0;
        assert_eq!(line("mia", 3), "mia");
        assert_eq!(line("miaow", 3), "mi…");
        assert_eq!(line("ab\u{202e}cd", 10), "ab…", "no number is cut in half");
        assert_eq!(line("ab\u{202e}", 10), r"ab\u{202e}");
        assert_eq!(line("one two", 5), "one…");
        assert_eq!(line("", 5), "");
        for text in ["\u{10ffff}".repeat(100), "x".repeat(100_000), "a b ".repeat(100)] {
            assert!(line(&text, 60).chars().count() <= 60);
        }
    }

    #[test]
    fn numbers_have_their_thousands_apart() {
        let shown: Vec<String> = [0, 999, 1_000, 50_000, 1_234_567].into_iter().map(counted).collect();
        assert_eq!(shown, ["0", "999", "1,000", "50,000", "1,234,567"]);
    }

    #[test]
    fn times_of_the_console_are_shown_in_utc_or_as_they_stand() {
        assert_eq!(date_of("2026-11-23T19:00:00.123+01:00"), Text::name("2026-11-23 18:00 UTC"));
        assert_eq!(date_of("never\u{202e}"), Text::name(r"never\u{202e}"));
    }

    #[test]
    fn text_is_cut_before_it_is_made_visible() {
        let Text(shown) = Text::name(&"\u{200b}".repeat(500));
        assert_eq!(shown, format!("{}…", r"\u{200b}".repeat(119)));
    }

    #[test]
    fn durations_have_two_units() {
        let cases =
            [(0, "0 min"), (59, "59 min"), (130, "2 h 10 min"), (1_440 * 3 + 245, "3 d 4 h"), (-5, "0 min")];
        for (minutes, shown) in cases {
            assert_eq!(duration(TimeDelta::minutes(minutes)), shown);
        }
    }

    #[test]
    fn a_run_says_how_late_it_was_and_for_what_it_stands() {
        let mut run = crate::report::Report::sample().run;
        run.slot = Some(run.started - TimeDelta::minutes(9));
        assert_eq!(lateness(&run), None, "a beat of the schedule is no delay");
        run.slot = Some(run.started - TimeDelta::minutes(130));
        assert_eq!(lateness(&run).unwrap(), "This run started 2 h 10 min after it was due.");
        run.collapsed = 2;
        let both = "This run started 2 h 10 min after it was due; it stands for 2 earlier slots that were missed, too.";
        assert_eq!(lateness(&run).unwrap(), both);
        run.slot = None;
        run.collapsed = 0;
        assert_eq!(lateness(&run), None);
    }
}
