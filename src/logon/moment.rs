//! Times as a log or an export writes them: with a zone of their own, or in the zone of the host that wrote them.

use chrono::{DateTime, NaiveDateTime, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;

/// A local time as an instant. One that comes twice is the earlier one; one that a change of the clocks leaves out is
/// read as if the clocks had not been changed yet.
pub(super) fn in_zone(local: NaiveDateTime, zone: Tz) -> Option<DateTime<Utc>> {
    let exact = zone.from_local_datetime(&local).earliest();
    let late = || zone.from_local_datetime(&(local - TimeDelta::hours(1))).earliest();
    exact.or_else(|| Some(late()? + TimeDelta::hours(1))).map(|time| time.to_utc())
}

/// The time that a text starts with, such as `2026-11-20T08:15:30`, and what follows it. Between date and time may be a
/// blank; a fraction after `.` or `,` and a zone (`Z`, `+01:00`, `+0100`) may follow at once.
pub(super) fn leading(text: &str, zone: Tz) -> Option<(DateTime<Utc>, &str)> {
    let text = text.strip_prefix('[').unwrap_or(text);
    let (seconds, rest) = text.split_at_checked(19)?;
    let shape = |(place, byte): (usize, u8)| match place {
        4 | 7 => byte == b'-',
        10 => byte == b'T' || byte == b' ',
        13 | 16 => byte == b':',
        _ => byte.is_ascii_digit(),
    };
    if !seconds.bytes().enumerate().all(shape) {
        return None;
    }
    let local = NaiveDateTime::parse_from_str(&seconds.replace(' ', "T"), "%Y-%m-%dT%H:%M:%S").ok()?;
    let rest = match rest.strip_prefix(['.', ',']) {
        Some(fraction) if fraction.starts_with(|c: char| c.is_ascii_digit()) => {
            fraction.trim_start_matches(|c: char| c.is_ascii_digit())
        }
        _ => rest,
    };
    if let Some(rest) = rest.strip_prefix('Z') {
        return Some((local.and_utc(), rest));
    }
    match offset(rest) {
        Some((offset, rest)) => Some(((local - offset).and_utc(), rest)),
        None => Some((in_zone(local, zone)?, rest)),
    }
}

/// `+01:00` or `+0100`, and what follows it.
fn offset(text: &str) -> Option<(TimeDelta, &str)> {
    let sign = if text.starts_with('-') { -1 } else { 1 };
    let digits = text.strip_prefix(['+', '-'])?;
    let number = |digits: &str| {
        digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse::<i64>().ok())?
    };
    let (hours, rest) = digits.split_at_checked(2)?;
    let (minutes, rest) = rest.strip_prefix(':').unwrap_or(rest).split_at_checked(2)?;
    let (hours, minutes) = (number(hours)?, number(minutes)?);
    (hours <= 14 && minutes < 60).then(|| (TimeDelta::minutes(sign * (hours * 60 + minutes)), rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn a_line_starts_with_a_time_in_any_of_these_forms() {
        for (line, expected, rest) in [
            ("2026-11-20T08:15:30 [INFO]", "2026-11-20T07:15:30Z", " [INFO]"),
            ("2026-11-20 08:15:30 x", "2026-11-20T07:15:30Z", " x"),
            ("2026-07-20T08:15:30", "2026-07-20T06:15:30Z", ""),
            ("2026-11-20T08:15:30.250Z x", "2026-11-20T08:15:30Z", " x"),
            ("2026-11-20T08:15:30,250 x", "2026-11-20T07:15:30Z", " x"),
            ("2026-11-20T08:15:30Z", "2026-11-20T08:15:30Z", ""),
            ("2026-11-20T08:15:30+01:00 x", "2026-11-20T07:15:30Z", " x"),
            ("2026-11-20T08:15:30.1-0530x", "2026-11-20T13:45:30Z", "x"),
            ("[2026-11-20T08:15:30] x", "2026-11-20T07:15:30Z", "] x"),
            // The dot ends a sentence, not the seconds.
            ("2026-11-20T08:15:30. x", "2026-11-20T07:15:30Z", ". x"),
        ] {
            let found = leading(line, Tz::Europe__Berlin);
            assert_eq!(found, Some((at(expected), rest)), "{line}");
        }
    }

    #[test]
    fn what_is_no_time_is_none() {
        for line in [
            "",
            "2026-11-20",
            "2026-11-20T08:15",
            "2026-13-20T08:15:30",
            "2026-11-20T25:15:30",
            "20 Nov 2026 08:15:30",
            " 2026-11-20T08:15:30",
            "２026-11-20T08:15:30",
            "2026-11-20T08:15:3é0",
            "+026-11-20T08:15:30",
        ] {
            assert_eq!(leading(line, Tz::UTC), None, "{line}");
        }
    }

    #[test]
    fn a_change_of_the_clocks_loses_no_time() {
        let local = |text: &str| text.parse::<NaiveDateTime>().unwrap();
        let berlin = |text: &str| in_zone(local(text), Tz::Europe__Berlin).unwrap();
        assert_eq!(berlin("2026-10-25T02:30:00"), at("2026-10-25T00:30:00Z"), "comes twice");
        assert_eq!(berlin("2026-03-29T02:30:00"), at("2026-03-29T01:30:00Z"), "is left out");
    }
}
