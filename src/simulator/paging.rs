//! Pages as the console cuts them.

use std::collections::BTreeMap;

use axum::extract::{FromRequestParts, Query};
use axum::http::request::Parts;
use serde::Serialize;

use super::{Host, Link, Refusal};

/// The most rows of a page; more is cut down to it.
const LARGEST: u64 = 500;
/// The rows of a page if nothing is asked.
const USUAL: u64 = 10;

/// What the query asks for.
#[derive(Debug)]
pub(super) struct Paging {
    number: u64,
    size: u64,
    sort: String,
    /// The other parameters, for the collections that filter.
    filters: Vec<(String, String)>,
}

impl<S: Send + Sync> FromRequestParts<S> for Paging {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        let Query(pairs) = Query::<Vec<(String, String)>>::from_request_parts(parts, state)
            .await
            .map_err(|_| Refusal::invalid("The query is malformed."))?;
        let mut paging = Self { number: 0, size: USUAL, sort: "id,asc".to_owned(), filters: Vec::new() };
        for (key, value) in pairs {
            match key.as_str() {
                "page" => paging.number = number(&key, &value)?,
                "size" => paging.size = number(&key, &value)?.clamp(1, LARGEST),
                "sort" => paging.sort = value,
                _ => paging.filters.push((key, value)),
            }
        }
        Ok(paging)
    }
}

fn number(key: &str, value: &str) -> Result<u64, Refusal> {
    value
        .parse()
        .map_err(|_| Refusal::invalid(format!("The parameter {key} must be a number, 0 or greater.")))
}

impl Paging {
    /// The value of a filter.
    pub(super) fn filter(&self, key: &str) -> Option<&str> {
        self.filters.iter().find(|(name, _)| name == key).map(|(_, value)| value.as_str())
    }

    /// Whether this is the first page.
    pub(super) fn is_first(&self) -> bool {
        self.number == 0
    }

    /// Ids that stand in order, in the order asked for.
    pub(super) fn sorted<N: Ord>(&self, ids: &[i64], name: impl Fn(&i64) -> N) -> Vec<i64> {
        let mut ids = ids.to_vec();
        if self.is_by_name() {
            ids.sort_by_key(name);
        }
        if self.is_descending() {
            ids.reverse();
        }
        ids
    }

    /// The ids of records in the order asked for: by this property, or as they stand.
    pub(super) fn sorted_by<'a, T, K: Ord>(
        &self,
        property: &str,
        records: &'a BTreeMap<i64, T>,
        key: impl Fn((&'a i64, &'a T)) -> K,
    ) -> Vec<i64> {
        let mut rows: Vec<_> = records.iter().collect();
        if self.sort.split(',').next() == Some(property) {
            rows.sort_by_key(|row| key(*row));
        }
        if self.is_descending() {
            rows.reverse();
        }
        rows.into_iter().map(|(id, _)| *id).collect()
    }

    /// Whether rows come in falling order.
    fn is_descending(&self) -> bool {
        self.sort.rsplit(',').next().is_some_and(|order| order.eq_ignore_ascii_case("desc"))
    }

    /// Whether rows come in the order of their names.
    fn is_by_name(&self) -> bool {
        self.sort.split(',').next().is_some_and(|property| matches!(property, "name" | "login"))
    }

    /// Whether nothing but the natural order is asked for.
    pub(super) fn is_natural(&self) -> bool {
        !self.is_descending() && !self.is_by_name()
    }

    /// The place of the page in a collection of so many rows; 404 beyond its end.
    pub(super) fn window(&self, rows: usize) -> Result<Window, Refusal> {
        let total_resources = u64::try_from(rows).unwrap_or(u64::MAX);
        let total_pages = total_resources.div_ceil(self.size);
        if self.number > 0 && self.number >= total_pages {
            return Err(Refusal::not_found());
        }
        Ok(Window { number: self.number, size: self.size, total_resources, total_pages })
    }

    /// The links of a page: `self` alone if there is one page. `next` is the one that leads astray.
    pub(super) fn links(&self, window: &Window, host: &Host, path: &str) -> Vec<Link> {
        let at = |page: u64| format!("{path}?page={page}&size={}&sort={}", window.size, self.sort);
        let own = host.link("self", at(window.number));
        if window.total_pages <= 1 {
            return vec![own];
        }
        let mut links = vec![host.link("first", at(0))];
        if window.number > 0 {
            links.push(host.link("prev", at(window.number - 1)));
        }
        links.push(own);
        if window.number + 1 < window.total_pages {
            links.push(Host::inner_link("next", at(window.number + 1)));
        }
        links.push(host.link("last", at(window.total_pages - 1)));
        links
    }
}

/// The `page` object of a body.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Window {
    number: u64,
    size: u64,
    total_pages: u64,
    total_resources: u64,
}

impl Window {
    /// Whether another page follows.
    pub(super) fn has_next(&self) -> bool {
        self.number + 1 < self.total_pages
    }

    /// The rows of the page, which may start some rows early.
    pub(super) fn of<'a, T>(&self, rows: &'a [T], early: usize) -> &'a [T] {
        let place =
            |row: u64| usize::try_from(row).unwrap_or(usize::MAX).saturating_sub(early).min(rows.len());
        let start = self.number.saturating_mul(self.size);
        &rows[place(start)..place(start.saturating_add(self.size))]
    }
}
