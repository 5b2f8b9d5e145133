//! What a view may show: text that was made safe, numbers and dates in one form.

use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::untrusted::{shortened, visible};

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

    /// An optional name.
    pub(super) fn maybe(text: Option<&str>) -> Option<Self> {
        text.filter(|text| !text.is_empty()).map(Self::name)
    }

    fn cut(text: &str, characters: usize) -> Self {
        Self(visible(&shortened(text, characters)).into_owned())
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

#[cfg(test)]
mod tests {
    use super::*;

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
}
