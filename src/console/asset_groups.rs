//! `/asset_groups`: sets of assets, and who is said to reach them.

use super::{AssetGroup, Call, Console, Error, Page, PageRequest};
use crate::model::{AssetGroupId, UserId};

impl Console {
    /// `GET /asset_groups`. Only the groups that the calling account reaches.
    pub async fn get_asset_groups(&self, page: PageRequest) -> Result<Page<AssetGroup>, Error> {
        self.read(Call::get("/api/3/asset_groups", &[]).page(page)).await
    }

    /// `GET /asset_groups/{id}`.
    pub async fn get_asset_group(&self, id: AssetGroupId) -> Result<AssetGroup, Error> {
        self.read(Call::get("/api/3/asset_groups/{id}", &[&id])).await
    }

    /// `GET /asset_groups/{id}/users`. Unpaged ids, where sites have user objects; good for a cross-check only.
    pub async fn get_asset_group_users(&self, id: AssetGroupId) -> Result<Vec<UserId>, Error> {
        self.list(Call::get("/api/3/asset_groups/{id}/users", &[&id])).await
    }
}
