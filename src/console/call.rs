//! One call as the client means it: verb, path and body, before any transport.

use std::fmt::{Display, Write};

use bytes::Bytes;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::Method;
use serde::Serialize;
use zeroize::Zeroizing;

use super::PageRequest;

/// Everything but the unreserved characters of RFC 3986: an id stays one segment, whatever it holds.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// What can stand in a path; `Sync`, because a call's future is sent between threads.
type Segment<'a> = dyn Display + Sync + 'a;

/// A call to make.
pub(super) struct Call {
    pub(super) method: Method,
    /// The path template; names the call in errors and in the load control.
    pub(super) endpoint: &'static str,
    /// The encoded path and query below the base, or why there is none.
    pub(super) target: Result<String, &'static str>,
    pub(super) body: Option<Bytes>,
    /// Request or answer holds a secret: the answer is overwritten after use and quoted in no error.
    pub(super) secret: bool,
    /// Rows asked for, 0 if not paged; a longer page may take longer without the console being busy.
    pub(super) rows: u64,
}

impl Call {
    /// `endpoint` with each `{…}` replaced by the next of `ids`.
    pub(super) fn new(method: Method, endpoint: &'static str, ids: &[&Segment<'_>]) -> Self {
        Self { method, endpoint, target: fill(endpoint, ids), body: None, secret: false, rows: 0 }
    }

    pub(super) fn get(endpoint: &'static str, ids: &[&Segment<'_>]) -> Self {
        Self::new(Method::GET, endpoint, ids)
    }

    pub(super) fn put(endpoint: &'static str, ids: &[&Segment<'_>]) -> Self {
        Self::new(Method::PUT, endpoint, ids)
    }

    pub(super) fn post(endpoint: &'static str, ids: &[&Segment<'_>]) -> Self {
        Self::new(Method::POST, endpoint, ids)
    }

    pub(super) fn delete(endpoint: &'static str, ids: &[&Segment<'_>]) -> Self {
        Self::new(Method::DELETE, endpoint, ids)
    }

    pub(super) fn page(mut self, page: PageRequest) -> Self {
        if let Ok(target) = &mut self.target {
            // Writing to a string cannot fail.
            let _ = write!(target, "?page={}&size={}", page.number, page.size);
        }
        self.rows = page.size;
        self
    }

    /// Asks for an order of the rows, such as `startTime,DESC`; behind [`Self::page`].
    pub(super) fn sort(mut self, order: &'static str) -> Self {
        if let Ok(target) = &mut self.target {
            target.push_str("&sort=");
            target.push_str(order);
        }
        self
    }

    /// Attaches the body. Its bytes are overwritten once sent, whatever they hold.
    pub(super) fn json(mut self, body: &impl Serialize) -> Self {
        // Room enough that the buffer does not move, which would leave copies behind.
        let mut bytes = Zeroizing::new(Vec::with_capacity(4096));
        match serde_json::to_writer(&mut *bytes, body) {
            Ok(()) => self.body = Some(Bytes::from_owner(bytes)),
            Err(_) => self.target = Err("the request cannot be written as JSON"),
        }
        self
    }

    pub(super) fn secret(mut self) -> Self {
        self.secret = true;
        self
    }
}

fn fill(endpoint: &str, ids: &[&Segment<'_>]) -> Result<String, &'static str> {
    let mut target = String::with_capacity(endpoint.len() + 32);
    let mut ids = ids.iter();
    for segment in endpoint.split('/').skip(1) {
        target.push('/');
        if !segment.starts_with('{') {
            target.push_str(segment);
            continue;
        }
        let id = ids.next().map(ToString::to_string).unwrap_or_default();
        // URL parsers fold these away, even encoded, and the call would reach another resource.
        if matches!(id.as_str(), "" | "." | "..") {
            return Err("an id that is empty or made of dots cannot stand in a path");
        }
        target.extend(utf8_percent_encode(&id, SEGMENT));
    }
    Ok(target)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_stays_one_segment() {
        for (id, segment) in [
            ("Site Admin Custom", "Site%20Admin%20Custom"),
            ("a/b?c#d%2e", "a%2Fb%3Fc%23d%252e"),
            ("../users", "..%2Fusers"),
            ("Prüfer", "Pr%C3%BCfer"),
            ("line\r\nbreak", "line%0D%0Abreak"),
        ] {
            let call = Call::get("/api/3/roles/{id}/users", &[&id]);
            assert_eq!(call.target.unwrap(), format!("/api/3/roles/{segment}/users"));
        }
    }

    #[test]
    fn an_id_cannot_climb() {
        for id in ["", ".", ".."] {
            assert!(Call::get("/api/3/roles/{id}", &[&id]).target.is_err(), "{id:?}");
        }
    }

    #[test]
    fn pages_are_asked_for_in_the_query() {
        let call = Call::get("/api/3/users", &[]).page(PageRequest { number: 2, size: 500 });
        assert_eq!(call.target.unwrap(), "/api/3/users?page=2&size=500");
    }
}
