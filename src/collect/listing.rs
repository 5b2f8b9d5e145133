//! Page walks. Rows and totals may change between two pages, so a walk counts only if no id came twice and the
//! distinct ids meet the total that the last page names; otherwise it starts again, and after three it is a gap.

use std::collections::BTreeMap;

use futures_util::StreamExt;
use futures_util::stream;

use super::{Asker, gap, is_refusal};
use crate::console::{self, Console, Error, ErrorKind, Page, PageRequest};
use crate::model::{AssetGroup, Exception, Gap, GapReason, Part, ReportAccess, Site, User};

const USERS: &str = "/api/3/users";
/// The most rows that the console gives on a page (`console-api.md` §2).
pub(super) const PAGE_SIZE: u64 = 500;
/// Walks before a collection that keeps moving is called a gap.
const WALKS: u32 = 3;
/// Pages read ahead; kept low, because a page is the most expensive call of a review.
const PAGES_AT_ONCE: usize = 4;

/// A paged collection as it was seen.
#[derive(Debug)]
pub(super) struct Listing<T> {
    /// The rows, by id, each once.
    pub(super) rows: Vec<T>,
    /// The total that the console named last.
    pub(super) total: Option<u64>,
    /// What was not seen.
    pub(super) gaps: Vec<Gap>,
    /// Whether the console refused the first page to this account, or has no such list; the gaps say it as well.
    pub(super) refused: bool,
}

pub(super) async fn list_users(console: &Console, asker: &Asker<'_>) -> Listing<User> {
    let mut listing = walk(asker, USERS, |page| console.get_users(page), |user| user.id.0).await;
    // Whether a user reaches everything must be said: a flag that is left out is not a flag that is off.
    let silent = listing.rows.iter().filter(|user| {
        let role = user.role.as_ref();
        role.is_none_or(|role| [role.superuser, role.all_sites, role.all_asset_groups].contains(&None))
    });
    let gap = |user: &console::User| Gap {
        endpoint: USERS.to_owned(),
        id: Some(user.id.to_string()),
        reason: GapReason::Malformed,
        attempts: 1,
        last_status: Some(200),
    };
    let gaps: Vec<Gap> = silent.map(gap).collect();
    listing.gaps.extend(gaps);
    listing.into()
}

pub(super) async fn list_sites(console: &Console, asker: &Asker<'_>) -> Listing<Site> {
    walk(asker, "/api/3/sites", |page| console.get_sites(page), |site| site.id.0).await.into()
}

pub(super) async fn list_asset_groups(console: &Console, asker: &Asker<'_>) -> Listing<AssetGroup> {
    walk(asker, "/api/3/asset_groups", |page| console.get_asset_groups(page), |group| group.id.0).await.into()
}

pub(super) async fn list_vulnerability_exceptions(
    console: &Console,
    asker: &Asker<'_>,
) -> Listing<Exception> {
    let endpoint = Part::VulnerabilityExceptions.endpoint();
    walk(asker, endpoint, |page| console.get_vulnerability_exceptions(page), |row| row.id).await.into()
}

pub(super) async fn list_policy_overrides(console: &Console, asker: &Asker<'_>) -> Listing<Exception> {
    let endpoint = Part::PolicyOverrides.endpoint();
    walk(asker, endpoint, |page| console.get_policy_overrides(page), |row| row.id).await.into()
}

pub(super) async fn list_reports(console: &Console, asker: &Asker<'_>) -> Listing<ReportAccess> {
    walk(asker, Part::Reports.endpoint(), |page| console.get_reports(page), |row| row.id).await.into()
}

impl<T> Listing<T> {
    fn into<U: From<T>>(self) -> Listing<U> {
        let Self { rows, total, gaps, refused } = self;
        Listing { rows: rows.into_iter().map(U::from).collect(), total, gaps, refused }
    }
}

/// One walk over all pages.
struct Walk<T> {
    rows: BTreeMap<i64, T>,
    total: Option<u64>,
    failed: Vec<(u64, Error)>,
    drifted: bool,
}

async fn walk<T, F>(
    asker: &Asker<'_>,
    endpoint: &'static str,
    read: impl Fn(PageRequest) -> F,
    id: impl Fn(&T) -> i64,
) -> Listing<T>
where
    F: Future<Output = Result<Page<T>, Error>>,
{
    let mut walks = 1;
    let mut walk = walk_once(asker, endpoint, &read, &id).await;
    while walk.drifted && walk.failed.is_empty() && walks < WALKS {
        walks += 1;
        walk = walk_once(asker, endpoint, &read, &id).await;
    }
    let mut gaps: Vec<Gap> =
        walk.failed.iter().map(|(page, error)| gap(error, Some(format!("page {page}")))).collect();
    if walk.drifted && gaps.is_empty() {
        gaps.push(Gap {
            endpoint: endpoint.to_owned(),
            id: None,
            reason: GapReason::Drifting,
            attempts: walks,
            last_status: Some(200),
        });
    }
    let refused = matches!(walk.failed.as_slice(), [(0, error)] if is_refusal(error));
    Listing { rows: walk.rows.into_values().collect(), total: walk.total, gaps, refused }
}

async fn walk_once<T, F>(
    asker: &Asker<'_>,
    endpoint: &'static str,
    read: &impl Fn(PageRequest) -> F,
    id: &impl Fn(&T) -> i64,
) -> Walk<T>
where
    F: Future<Output = Result<Page<T>, Error>>,
{
    let ask = |number: u64, size: u64| asker.one(endpoint, read(PageRequest { number, size }));
    let mut walk = Walk { rows: BTreeMap::new(), total: None, failed: Vec::new(), drifted: false };
    let first = match ask(0, PAGE_SIZE).await {
        Ok(page) => page,
        Err(error) => {
            walk.failed.push((0, error));
            return walk;
        }
    };
    // The console may apply a smaller size than was asked for; page numbers count in the size that it applied.
    let size = first.page.size.clamp(1, PAGE_SIZE);
    let pages = first.page.total_resources.div_ceil(size);
    walk.add(first, id);
    let mut rest = stream::iter(1..pages)
        .map(|number| {
            let page = ask(number, size);
            async move { (number, page.await) }
        })
        .buffered(PAGES_AT_ONCE);
    while let Some((number, reply)) = rest.next().await {
        match reply {
            Ok(page) => {
                let seen = walk.rows.len();
                walk.add(page, id);
                if walk.rows.len() == seen {
                    // No progress: without this, a console that claims 10¹² rows would be walked for ever.
                    walk.drifted = true;
                    break;
                }
            }
            // A page that existed a moment ago does not any more: the population shrank.
            Err(Error { kind: ErrorKind::NotFound, .. }) => {
                walk.drifted = true;
                break;
            }
            Err(error) => walk.failed.push((number, error)),
        }
    }
    walk.drifted |= walk.total != Some(walk.rows.len() as u64);
    walk
}

impl<T> Walk<T> {
    fn add(&mut self, page: Page<T>, id: impl Fn(&T) -> i64) {
        let total = page.page.total_resources;
        self.drifted |= self.total.replace(total).is_some_and(|before| before != total);
        for row in page.resources {
            self.drifted |= self.rows.insert(id(&row), row).is_some();
        }
    }
}
