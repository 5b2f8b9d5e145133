//! `/privileges`: what a role can hold; an open set that grows with console versions.

use serde::de::IgnoredAny;

use super::{Call, Console, Error};
use crate::model::{PrivilegeId, UserId};

impl Console {
    /// `GET /privileges`. Unpaged strings.
    pub async fn get_privileges(&self) -> Result<Vec<PrivilegeId>, Error> {
        self.list(Call::get("/api/3/privileges", &[])).await
    }

    /// `GET /privileges/{id}`. Answers links and nothing else: success says that the console knows the privilege.
    pub async fn get_privilege(&self, id: &PrivilegeId) -> Result<(), Error> {
        self.read::<IgnoredAny>(Call::get("/api/3/privileges/{id}", &[id])).await.map(drop)
    }

    /// `GET /privileges/{id}/users`. Unpaged ids.
    pub async fn get_users_with_privilege(&self, id: &PrivilegeId) -> Result<Vec<UserId>, Error> {
        self.list(Call::get("/api/3/privileges/{id}/users", &[id])).await
    }
}
