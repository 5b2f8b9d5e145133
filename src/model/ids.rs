//! The ids of the console's resources, each a type of its own, so that a site cannot be passed for a group.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

macro_rules! numeric_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub i64);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Arc<str>);

        impl $name {
            /// The id as the console writes it.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl From<&str> for $name {
            fn from(id: &str) -> Self {
                Self(id.into())
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl std::borrow::Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }
    };
}

numeric_id!(
    /// A user.
    UserId
);
numeric_id!(
    /// A site.
    SiteId
);
numeric_id!(
    /// An asset group.
    AssetGroupId
);
numeric_id!(
    /// An authentication source.
    AuthenticationSourceId
);
text_id!(
    /// A role; not a slug: it may hold spaces and capitals (`console-api.md` §5).
    RoleId
);
text_id!(
    /// A privilege; an open set that grows with console versions (`console-api.md` §7).
    PrivilegeId
);
