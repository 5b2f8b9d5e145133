//! Which lines of an authentication log are logons, and whose.
//!
//! The built-in pattern is inferred: the vendor does not publish the format of the lines, and it varies by version. It
//! prefers to miss a logon over taking something else for one; `pattern` in the configuration replaces it.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use regex::{Captures, Regex, RegexBuilder};

use super::{Logon, leading, login};

/// Characters that a configured pattern has at most.
const LONGEST: usize = 1000;

/// Bytes that a configured pattern may take when compiled.
const COMPILED: usize = 1 << 20;

/// Fields in brackets that name who logged on.
const WHO: [&str; 6] = ["principal", "user", "username", "user name", "login", "account"];

/// Fields in brackets that name where from.
const FROM: [&str; 7] = ["ip", "ip address", "address", "remote address", "client", "source", "host"];

/// Beginnings of words that no line about a logon that succeeded has.
const REFUSALS: [&str; 14] = [
    "fail",
    "deni",
    "deny",
    "invalid",
    "incorrect",
    "reject",
    "lock",
    "unlock",
    "unsuccess",
    "expire",
    "error",
    "disab",
    "logoff",
    "logout",
];

/// What a logon looks like.
#[derive(Debug, Clone)]
pub struct Pattern(Option<Regex>);

impl Pattern {
    /// A time, a field such as `[Principal: jdoe]`, perhaps one such as `[IP: 10.1.2.3]`, and outside of brackets the
    /// words of a logon that succeeded.
    pub const BUILTIN: Self = Self(None);

    /// A regular expression with the named groups `time` and `login`, and perhaps `address`. The error says what is
    /// wrong with it.
    pub fn new(text: &str) -> Result<Self, String> {
        if text.chars().count() > LONGEST {
            return Err(format!("has more than {LONGEST} characters; make it shorter"));
        }
        let regex = RegexBuilder::new(text).size_limit(COMPILED).dfa_size_limit(COMPILED).build();
        let regex = regex.map_err(|error| format!("is no regular expression: {error}"))?;
        for group in ["time", "login"] {
            if !regex.capture_names().flatten().any(|name| name == group) {
                return Err(format!("needs a group named {group}: (?P<{group}>…)"));
            }
        }
        if let Some(unknown) =
            regex.capture_names().flatten().find(|name| !["time", "login", "address"].contains(name))
        {
            return Err(format!("the group {unknown:?} is not known; name time, login and address alone"));
        }
        Ok(Self(Some(regex)))
    }

    /// Its text; empty for the built-in one.
    pub(super) fn text(&self) -> &str {
        self.0.as_ref().map_or("", Regex::as_str)
    }

    /// The logon that a line tells of; `None` for every other line.
    pub(super) fn logon(&self, line: &str, zone: Tz) -> Option<Logon> {
        match &self.0 {
            None => builtin(line, zone),
            Some(regex) => configured(&regex.captures(line)?, zone),
        }
    }
}

fn configured(found: &Captures<'_>, zone: Tz) -> Option<Logon> {
    let (at, "") = leading(found.name("time")?.as_str(), zone)? else { return None };
    logon(found.name("login")?.as_str(), at, found.name("address").map(|address| address.as_str()))
}

fn logon(text: &str, at: DateTime<Utc>, address: Option<&str>) -> Option<Logon> {
    let plain = |address: &&str| {
        (1..=64).contains(&address.len()) && address.bytes().all(|byte| byte.is_ascii_graphic())
    };
    Some(Logon {
        login: login(text)?.to_owned(),
        at,
        address: address.map(str::trim).filter(plain).map(str::to_owned),
    })
}

fn builtin(line: &str, zone: Tz) -> Option<Logon> {
    let (at, rest) = leading(line, zone)?;
    let (fields, message) = fields(rest);
    if !tells_of_a_logon(&message) {
        return None;
    }
    let named = |names: &[&str]| {
        let mut values =
            fields.iter().filter(|(name, _)| names.contains(&name.as_str())).map(|(_, value)| *value);
        // Two of them: one may be a login that somebody made to look like a field.
        (values.next(), values.next().is_none())
    };
    match named(&WHO) {
        (Some(who), true) => logon(who, at, named(&FROM).0),
        _ => None,
    }
}

/// The fields in brackets, names in lower case, and the text outside of them.
fn fields(text: &str) -> (Vec<(String, &str)>, String) {
    let (mut fields, mut message, mut rest) = (Vec::new(), String::new(), text);
    while let Some((before, inside)) = rest.split_once('[') {
        message.push_str(before);
        message.push(' ');
        let Some((field, after)) = inside.split_once(']') else { break };
        if let Some((name, value)) = field.split_once(':') {
            fields.push((name.trim().to_lowercase(), value.trim()));
        }
        rest = after;
    }
    if !rest.contains('[') {
        message.push_str(rest);
    }
    (fields, message)
}

fn tells_of_a_logon(message: &str) -> bool {
    let message = message.to_lowercase();
    let words: Vec<&str> =
        message.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    let has = |wanted: &[&str]| words.iter().any(|word| wanted.contains(word));
    let pair = |first: &str, second: &[&str]| {
        words.windows(2).any(|two| two[0] == first && second.contains(&two[1]))
    };
    let refused = words.iter().any(|word| REFUSALS.iter().any(|start| word.starts_with(start)))
        || has(&["not", "no", "cannot"])
        || pair("log", &["off", "out"])
        || pair("logged", &["off", "out"]);
    let is_about_logons = has(&["authentication", "authenticated", "login", "logon", "signin"])
        || pair("log", &["in", "on"])
        || pair("sign", &["in", "on"]);
    let succeeded = has(&["succeeded", "successful", "successfully", "success"]);
    !refused && (is_about_logons && succeeded || pair("logged", &["in", "on"]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pattern: &Pattern, line: &str) -> Option<(String, String, Option<String>)> {
        let logon = pattern.logon(line, Tz::UTC)?;
        Some((logon.login, logon.at.format("%F %T").to_string(), logon.address))
    }

    #[test]
    fn the_built_in_pattern_knows_logons_in_many_words() {
        const T: &str = "2026-11-20T08:15:30";
        for rest in [
            " [INFO] [Thread: http-1] [Principal: jdoe] [IP: 10.1.2.3] Authentication succeeded",
            ".123Z [INFO] [IP: 10.1.2.3] [Principal: jdoe] [Thread: http-1] Authentication succeeded.",
            " [INFO] Login successful [Principal: jdoe] [IP: 10.1.2.3]",
            " [INFO] [User: jdoe] [Address: 10.1.2.3] Successful logon",
            " [INFO] [Username: jdoe] [Client: 10.1.2.3] log on success",
            " [info] [principal:jdoe] [ip:10.1.2.3] USER LOGGED IN",
            " [INFO] [Principal: jdoe] [Source: 10.1.2.3] authenticated successfully",
            " [INFO] [Login: jdoe] [Host: 10.1.2.3] Logged-on",
        ] {
            let expected = Some(("jdoe".into(), "2026-11-20 08:15:30".into(), Some("10.1.2.3".into())));
            assert_eq!(read(&Pattern::BUILTIN, &format!("{T}{rest}")), expected, "{rest}");
        }
        let bare = read(&Pattern::BUILTIN, &format!("{T} [Principal: CORP\\j.doe] Authentication succeeded"));
        assert_eq!(bare.unwrap().2, None);
    }

    #[test]
    fn nothing_else_is_a_logon() {
        for rest in [
            "[Principal: jdoe] Authentication failed",
            "[Principal: jdoe] Login failure after successful lookup",
            "[Principal: jdoe] Access denied: login successful elsewhere",
            "[Principal: jdoe] Invalid login, success unlikely",
            "[Principal: jdoe] Account locked after successful login",
            "[Principal: jdoe] Lockout of login successful",
            "[Principal: jdoe] Logoff successful after login",
            "[Principal: jdoe] Logged out, login successful before",
            "[Principal: jdoe] Log out successful, log in again",
            "[Principal: jdoe] Login was not successful",
            "[Principal: jdoe] Login unsuccessful",
            "[Principal: jdoe] Login attempted",
            "[Principal: jdoe] Password change succeeded",
            "[Principal: ] Authentication succeeded",
            "Authentication succeeded",
            "[Thread: jdoe] Authentication succeeded",
            "[Principal: jdoe Authentication succeeded",
            // The words of a login count for nothing, and a login cannot bring a field of its own.
            "[Principal: login successful]",
            "[Principal: x] [Principal: admin] Authentication succeeded",
            "[Principal: x] [Principal: admin] Authentication succeeded] Authentication failed",
        ] {
            let line = format!("2026-11-20T08:15:30 [INFO] {rest}");
            assert_eq!(read(&Pattern::BUILTIN, &line), None, "{line}");
        }
        let undated = "[INFO] [Principal: jdoe] Authentication succeeded";
        assert_eq!(read(&Pattern::BUILTIN, undated), None);
        let long = format!("2026-11-20T08:15:30 [Principal: {}] Login successful", "x".repeat(LOGIN_PLUS));
        assert_eq!(read(&Pattern::BUILTIN, &long), None);
    }

    const LOGIN_PLUS: usize = super::super::LOGIN + 1;

    #[test]
    fn a_configured_pattern_replaces_it() {
        let pattern = Pattern::new(r"^OK (?P<login>\S+) (?<time>\S+)(?: from (?<address>\S+))?$").unwrap();
        let read = |line| read(&pattern, line);
        assert_eq!(
            read("OK jdoe 2026-11-20T08:15:30Z from ::1"),
            Some(("jdoe".into(), "2026-11-20 08:15:30".into(), Some("::1".into())))
        );
        assert_eq!(read("OK jdoe 2026-11-20T08:15:30").unwrap().2, None);
        assert_eq!(read("OK jdoe 2026-11-20T08:15:30x"), None, "a time and more is no time");
        assert_eq!(read("2026-11-20T08:15:30 [Principal: jdoe] Authentication succeeded"), None);
    }

    #[test]
    fn a_pattern_that_cannot_work_is_refused() {
        let long = format!("(?<time>)(?<login>){}", "x".repeat(LONGEST));
        for (text, expected) in [
            ("(", "no regular expression"),
            ("(?<time>x)", "a group named login"),
            ("(?<login>x)", "a group named time"),
            ("(time)(login)", "a group named time"),
            ("(?<time>x)(?<login>x)(?<ip>x)", "\"ip\" is not known"),
            ("(?<time>x)(?<login>x{5000}{5000})", "no regular expression"),
            (&long, "more than 1000 characters"),
        ] {
            let error = Pattern::new(text).unwrap_err();
            assert!(error.contains(expected), "{text}: {error}");
        }
    }
}
