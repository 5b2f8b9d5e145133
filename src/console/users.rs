//! `/users`: accounts, their privileges, and their grants on sites and asset groups.

use secrecy::{ExposeSecret, SecretString};

use super::{
    Call, Console, ConsoleAdmin, Created, Error, Page, PageRequest, User, UserEdit, WriteError, json,
};
use crate::model::{AssetGroupId, PrivilegeId, SiteId, UserId};

impl Console {
    /// `GET /users`. Needs a Global Administrator. The rows are not always in the order of their ids, and may change
    /// between two pages.
    pub async fn get_users(&self, page: PageRequest) -> Result<Page<User>, Error> {
        self.read(Call::get("/api/3/users", &[]).page(page)).await
    }

    /// `GET /users/{id}`. Needs a Global Administrator, or to be that user.
    pub async fn get_user(&self, id: UserId) -> Result<User, Error> {
        self.read(Call::get("/api/3/users/{id}", &[&id])).await
    }

    /// `GET /users/{id}/privileges`. Needs a Global Administrator. Repeats what the user's role holds.
    pub async fn get_user_privileges(&self, id: UserId) -> Result<Vec<PrivilegeId>, Error> {
        self.list(Call::get("/api/3/users/{id}/privileges", &[&id])).await
    }

    /// `GET /users/{id}/sites`: the direct grants. Says nothing useful of a user who reaches every site.
    pub async fn get_user_sites(&self, id: UserId) -> Result<Vec<SiteId>, Error> {
        self.list(Call::get("/api/3/users/{id}/sites", &[&id])).await
    }

    /// `GET /users/{id}/asset_groups`: the direct grants. Says nothing useful of a user who reaches every group.
    pub async fn get_user_asset_groups(&self, id: UserId) -> Result<Vec<AssetGroupId>, Error> {
        self.list(Call::get("/api/3/users/{id}/asset_groups", &[&id])).await
    }
}

impl ConsoleAdmin {
    /// `POST /users`. Needs a Global Administrator. A local one must have the authentication type `admin`.
    pub async fn create_user(&self, user: &UserEdit) -> Result<Created, WriteError> {
        self.write_for(Call::post("/api/3/users", &[]).json(user).secret(), json).await
    }

    /// `PUT /users/{id}`. Needs a Global Administrator. Replaces the whole user, and consoles are reported to drop the
    /// user's grants on sites and asset groups with it: read them before, grant and check them after.
    pub async fn update_user(&self, id: UserId, user: &UserEdit) -> Result<(), WriteError> {
        self.write(Call::put("/api/3/users/{id}", &[&id]).json(user).secret()).await
    }

    /// `DELETE /users/{id}`. Needs a Global Administrator.
    pub async fn delete_user(&self, id: UserId) -> Result<(), WriteError> {
        self.write(Call::delete("/api/3/users/{id}", &[&id])).await
    }

    /// `DELETE /users/{id}/lock`. Unlocks a user; a disabled one cannot be.
    pub async fn unlock_user(&self, id: UserId) -> Result<(), WriteError> {
        self.write(Call::delete("/api/3/users/{id}/lock", &[&id])).await
    }

    /// `PUT /users/{id}/password`, the password as a JSON string. The description allows it for one's own account only.
    pub async fn reset_password(&self, id: UserId, password: &SecretString) -> Result<(), WriteError> {
        self.write(Call::put("/api/3/users/{id}/password", &[&id]).json(&password.expose_secret()).secret())
            .await
    }

    /// `PUT /users/{id}/sites`. Needs a Global Administrator. Replaces all direct grants on sites.
    pub async fn set_user_sites(&self, id: UserId, sites: &[SiteId]) -> Result<(), WriteError> {
        self.write(Call::put("/api/3/users/{id}/sites", &[&id]).json(&sites)).await
    }

    /// `PUT /users/{id}/sites/{siteId}`. Needs a Global Administrator. Grants one site.
    pub async fn add_user_site(&self, id: UserId, site: SiteId) -> Result<(), WriteError> {
        self.write(Call::put("/api/3/users/{id}/sites/{siteId}", &[&id, &site])).await
    }

    /// `DELETE /users/{id}/sites/{siteId}`. Needs a Global Administrator. Revokes one site, although its published
    /// description has the sentence for granting.
    pub async fn remove_user_site(&self, id: UserId, site: SiteId) -> Result<(), WriteError> {
        self.write(Call::delete("/api/3/users/{id}/sites/{siteId}", &[&id, &site])).await
    }

    /// `DELETE /users/{id}/sites`. Revokes all direct grants on sites.
    pub async fn remove_all_user_sites(&self, id: UserId) -> Result<(), WriteError> {
        self.write(Call::delete("/api/3/users/{id}/sites", &[&id])).await
    }

    /// `PUT /users/{id}/asset_groups`. Needs a Global Administrator. Replaces all direct grants on asset groups.
    pub async fn set_user_asset_groups(&self, id: UserId, groups: &[AssetGroupId]) -> Result<(), WriteError> {
        self.write(Call::put("/api/3/users/{id}/asset_groups", &[&id]).json(&groups)).await
    }

    /// `PUT /users/{id}/asset_groups/{assetGroupId}`. Needs a Global Administrator. Grants one asset group.
    pub async fn add_user_asset_group(&self, id: UserId, group: AssetGroupId) -> Result<(), WriteError> {
        self.write(Call::put("/api/3/users/{id}/asset_groups/{assetGroupId}", &[&id, &group])).await
    }

    /// `DELETE /users/{id}/asset_groups/{assetGroupId}`. Needs a Global Administrator. Revokes one asset group, although
    /// its published description has the sentence for granting.
    pub async fn remove_user_asset_group(&self, id: UserId, group: AssetGroupId) -> Result<(), WriteError> {
        self.write(Call::delete("/api/3/users/{id}/asset_groups/{assetGroupId}", &[&id, &group])).await
    }

    /// `DELETE /users/{id}/asset_groups`. Revokes all direct grants on asset groups.
    pub async fn remove_all_user_asset_groups(&self, id: UserId) -> Result<(), WriteError> {
        self.write(Call::delete("/api/3/users/{id}/asset_groups", &[&id])).await
    }
}
