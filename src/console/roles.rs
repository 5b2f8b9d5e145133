//! `/roles`: the named sets of privileges.

use super::{Call, Console, ConsoleAdmin, Error, Role, WriteError};
use crate::model::{RoleId, UserId};

impl Console {
    /// `GET /roles`. Unpaged. The definitions of built-in roles change with product updates.
    pub async fn get_roles(&self) -> Result<Vec<Role>, Error> {
        self.list(Call::get("/api/3/roles", &[])).await
    }

    /// `GET /roles/{id}`. The id is case-sensitive and may hold spaces.
    pub async fn get_role(&self, id: &RoleId) -> Result<Role, Error> {
        self.read(Call::get("/api/3/roles/{id}", &[id])).await
    }

    /// `GET /roles/{id}/users`. Unpaged ids.
    pub async fn get_role_users(&self, id: &RoleId) -> Result<Vec<UserId>, Error> {
        self.list(Call::get("/api/3/roles/{id}/users", &[id])).await
    }
}

impl ConsoleAdmin {
    /// `PUT /roles/{id}`, the id from the role. Makes the role if there is none: there is no `POST /roles`. Built-in roles
    /// cannot be changed.
    pub async fn update_role(&self, role: &Role) -> Result<(), WriteError> {
        self.write(Call::put("/api/3/roles/{id}", &[&role.id]).json(role)).await
    }

    /// `DELETE /roles/{id}`. Not for a built-in role, nor for one that a user has.
    pub async fn delete_role(&self, id: &RoleId) -> Result<(), WriteError> {
        self.write(Call::delete("/api/3/roles/{id}", &[id])).await
    }
}
