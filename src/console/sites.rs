//! `/sites`: what is scanned, and who is said to reach it.

use super::{Call, Console, Error, Page, PageRequest, Site, SiteUser};
use crate::model::SiteId;

impl Console {
    /// `GET /sites`. Only the sites that the calling account reaches.
    pub async fn get_sites(&self, page: PageRequest) -> Result<Page<Site>, Error> {
        self.read(Call::get("/api/3/sites", &[]).page(page)).await
    }

    /// `GET /sites/{id}`.
    pub async fn get_site(&self, id: SiteId) -> Result<Site, Error> {
        self.read(Call::get("/api/3/sites/{id}", &[&id])).await
    }

    /// `GET /sites/{id}/users`. Unpaged user objects, where asset groups have ids. Consoles differ in whom they list: good
    /// for a cross-check, not for a decision.
    pub async fn get_site_users(&self, id: SiteId) -> Result<Vec<SiteUser>, Error> {
        self.list(Call::get("/api/3/sites/{id}/users", &[&id])).await
    }
}
