//! Days in the configuration: `"2026-12-31"`, or TOML's own date without the quotes.

use std::fmt;

use chrono::{Datelike, NaiveDate};
use serde::de::{self, Deserializer, MapAccess, Visitor};
use serde::{Deserialize, Serialize};

/// A day as a rule's setting: read as [`required`] does, written with quotes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Day(#[serde(deserialize_with = "required")] pub NaiveDate);

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Reads a day.
///
/// # Errors
/// If it is anything else than a day of the calendar.
pub fn required<'de, D: Deserializer<'de>>(from: D) -> Result<NaiveDate, D::Error> {
    from.deserialize_any(DayVisitor)
}

/// Reads a day that may be left out; the key needs `#[serde(default)]` beside this.
///
/// # Errors
/// As [`required`].
pub fn optional<'de, D: Deserializer<'de>>(from: D) -> Result<Option<NaiveDate>, D::Error> {
    required(from).map(Some)
}

struct DayVisitor;

impl<'de> Visitor<'de> for DayVisitor {
    type Value = NaiveDate;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a day such as \"2026-12-31\", with a year of four digits")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<NaiveDate, E> {
        // Others can be computed with, and nobody means them.
        let day = text.parse().ok().filter(|day: &NaiveDate| (1..=9999).contains(&day.year()));
        day.ok_or_else(|| E::invalid_value(de::Unexpected::Str(text), &self))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<NaiveDate, A::Error> {
        let date = toml::value::Datetime::deserialize(de::value::MapAccessDeserializer::new(map))?;
        match (date.date, date.time) {
            (Some(date), None) => self.visit_str(&date.to_string()),
            _ => Err(de::Error::custom("a day is wanted, without a time")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize)]
    struct Table {
        #[serde(deserialize_with = "required")]
        until: NaiveDate,
        #[serde(default, deserialize_with = "optional")]
        since: Option<NaiveDate>,
    }

    #[test]
    fn a_day_is_read_with_and_without_quotes() {
        let table: Table = toml::from_str("until = 2026-12-31\nsince = \"2026-01-01\"").unwrap();
        assert_eq!(table.until.to_string(), "2026-12-31");
        assert_eq!(table.since.unwrap().to_string(), "2026-01-01");
        assert!(toml::from_str::<Table>("until = \"2026-12-31\"").unwrap().since.is_none());
    }

    #[test]
    fn a_setting_is_written_as_it_is_read() {
        #[derive(Deserialize, Serialize)]
        struct Knob {
            until: Option<Day>,
        }
        let knob: Knob = toml::from_str("until = 2026-12-31").unwrap();
        assert_eq!(toml::to_string(&knob).unwrap(), "until = \"2026-12-31\"\n");
        assert!(toml::from_str::<Knob>("until = \"soon\"").is_err());
    }

    #[test]
    fn a_year_has_four_digits() {
        for text in ["+262142-12-31", "10000-01-01", "+10000-01-01", "-0001-01-01", "0000-01-01"] {
            let error = toml::from_str::<Table>(&format!("until = {text:?}")).unwrap_err().to_string();
            assert!(error.contains("a year of four digits"), "{text}: {error}");
        }
        assert!(toml::from_str::<Table>("until = 0000-01-01").is_err());
        for text in ["0001-01-01", "9999-12-31"] {
            assert!(toml::from_str::<Table>(&format!("until = {text:?}")).is_ok(), "{text}");
        }
    }

    #[test]
    fn what_is_no_day_is_refused_with_an_example() {
        for text in ["\"31.12.2026\"", "\"2026-02-30\"", "7", "true", "2026-12-31T10:00:00Z", "10:00:00"] {
            let error = toml::from_str::<Table>(&format!("until = {text}")).unwrap_err().to_string();
            assert!(error.contains("a day") && error.contains("line 1"), "{text}: {error}");
        }
    }
}
