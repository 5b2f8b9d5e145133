//! What people did and set up on the console: exceptions, overrides, scans, reports.
//!
//! Comments are not kept: they may hold anything. What surrounds the fields that count may have any shape, because a
//! client broke on an unknown word in a report's `email` (`console-api.md` §5).

use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::{id, number, number_in, numbers, object, text, text_in, texts};
use crate::model::UserId;

/// A vulnerability exception.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct VulnerabilityException {
    /// Its id.
    #[serde(deserialize_with = "id")]
    pub id: i64,
    /// Such as `Approved` or `Under Review`.
    #[serde(default, deserialize_with = "text")]
    pub state: Option<String>,
    /// What it is for, and where.
    #[serde(default, deserialize_with = "object")]
    pub scope: Option<ExceptionScope>,
    /// Who asked for it.
    #[serde(default, deserialize_with = "object")]
    pub submit: Option<Act>,
    /// Who decided.
    #[serde(default, deserialize_with = "object")]
    pub review: Option<Act>,
    /// When it ends, as the console writes it.
    #[serde(default, deserialize_with = "text")]
    pub expires: Option<String>,
}

/// The scope inside [`VulnerabilityException`].
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct ExceptionScope {
    /// Such as `Global` or `Asset Group`.
    #[serde(rename = "type", default, deserialize_with = "text")]
    pub kind: Option<String>,
    /// The vulnerability's id.
    #[serde(default, deserialize_with = "text")]
    pub vulnerability: Option<String>,
}

/// A policy override.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct PolicyOverride {
    /// Its id.
    #[serde(deserialize_with = "id")]
    pub id: i64,
    /// Such as `approved` or `under-review`.
    #[serde(default, deserialize_with = "text")]
    pub state: Option<String>,
    /// What it is for, and where.
    #[serde(default, deserialize_with = "object")]
    pub scope: Option<OverrideScope>,
    /// Who asked for it.
    #[serde(default, deserialize_with = "object")]
    pub submit: Option<Act>,
    /// Who decided.
    #[serde(default, deserialize_with = "object")]
    pub review: Option<Act>,
    /// When it ends, as the console writes it.
    #[serde(default, deserialize_with = "text")]
    pub expires: Option<String>,
}

/// The scope inside [`PolicyOverride`].
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct OverrideScope {
    /// Such as `all-assets` or `specific-asset`.
    #[serde(rename = "type", default, deserialize_with = "text")]
    pub kind: Option<String>,
    /// The policy rule's id.
    #[serde(default, deserialize_with = "number")]
    pub rule: Option<i64>,
}

/// Who submitted or reviewed, and when.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Act {
    /// The user's id.
    pub user: Option<UserId>,
    /// The user's login.
    pub name: Option<String>,
    /// When, as the console writes it.
    pub date: Option<String>,
}

impl<'de> Deserialize<'de> for Act {
    /// The published descriptions of `user` and `name` are swapped for a review: either may hold the id.
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Written {
            #[serde(default)]
            user: Value,
            #[serde(default)]
            name: Value,
            #[serde(default, deserialize_with = "text")]
            date: Option<String>,
        }
        let Written { user, name, date } = Written::deserialize(from)?;
        // A login may be all digits: `name` is the id only if it is a number, or if `user` is a text that is none.
        let swapped = number_in(&user).is_none() && (name.is_number() || user.is_string());
        let (id, login) = match (number_in(&user), number_in(&name)) {
            (Some(id), _) => (Some(id), text_in(&name)),
            (None, Some(id)) if swapped => (Some(id), text_in(&user)),
            (None, _) => (None, text_in(&name).or_else(|| text_in(&user))),
        };
        Ok(Self { user: id.map(UserId), name: login, date })
    }
}

/// A scan.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Scan {
    /// Who started it: a login or a full name. A schedule may have nobody.
    #[serde(default, deserialize_with = "text")]
    pub started_by: Option<String>,
    /// When it started, as the console writes it.
    #[serde(default, deserialize_with = "text")]
    pub start_time: Option<String>,
}

/// A configured report.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Report {
    /// Its id.
    #[serde(deserialize_with = "id")]
    pub id: i64,
    /// Its name.
    #[serde(default, deserialize_with = "text")]
    pub name: Option<String>,
    /// The id of its owner, who may be gone.
    #[serde(default, deserialize_with = "number")]
    pub owner: Option<i64>,
    /// The ids of users with access of their own.
    #[serde(default, deserialize_with = "numbers")]
    pub users: Vec<i64>,
    /// How it is mailed.
    #[serde(default, deserialize_with = "object")]
    pub email: Option<ReportEmail>,
}

/// The mailing inside [`Report`].
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ReportEmail {
    /// In what form it goes to the additional recipients; `none` sends them nothing.
    #[serde(default, deserialize_with = "text")]
    pub additional: Option<String>,
    /// Addresses beside the console's users.
    #[serde(default, deserialize_with = "texts")]
    pub additional_recipients: Vec<String>,
}

#[cfg(test)]
mod tests {
    use serde_json::{from_value, json};

    use super::*;

    #[test]
    fn the_id_and_the_login_are_told_apart_wherever_they_stand() {
        for (written, user, name) in [
            (json!({ "user": 5, "name": "mia" }), Some(5), Some("mia")),
            (json!({ "user": "mia", "name": 5 }), Some(5), Some("mia")),
            (json!({ "user": "mia", "name": "5" }), Some(5), Some("mia")),
            (json!({ "user": "5", "name": "mia" }), Some(5), Some("mia")),
            (json!({ "user": 5, "name": "4711" }), Some(5), Some("4711")),
            (json!({ "user": "5", "name": "4711" }), Some(5), Some("4711")),
            (json!({ "user": 5 }), Some(5), None),
            (json!({ "name": 5 }), Some(5), None),
            // Nothing tells whether this is an id or the login of somebody.
            (json!({ "name": "4711" }), None, Some("4711")),
            (json!({ "user": "mia" }), None, Some("mia")),
            (json!({ "user": "", "name": "mia" }), None, Some("mia")),
            (json!({ "user": null, "name": ["mia"] }), None, None),
            (json!({}), None, None),
        ] {
            let act: Act = from_value(written.clone()).unwrap();
            assert_eq!((act.user, act.name.as_deref()), (user.map(UserId), name), "{written}");
        }
    }

    #[test]
    fn an_odd_shape_around_the_row_costs_its_field_and_not_the_row() {
        for odd in [json!("x"), json!(7), json!([1, "x"]), json!(null), json!({ "type": { "deep": [] } })] {
            let row =
                json!({ "id": "3", "scope": odd, "email": odd, "submit": odd, "state": odd, "users": odd });
            let exception: VulnerabilityException = from_value(row.clone()).unwrap();
            assert_eq!((exception.id, exception.submit.unwrap_or_default()), (3, Act::default()), "{odd}");
            assert!(exception.scope.is_none_or(|scope| scope.kind.is_none()), "{odd}");
            assert_eq!(from_value::<PolicyOverride>(row.clone()).unwrap().id, 3);
            let report: Report = from_value(row).unwrap();
            assert!(report.email.is_none_or(|email| email.additional_recipients.is_empty()), "{odd}");
        }
        assert_eq!(from_value::<Report>(json!({ "id": 1, "users": [7, "8", {}] })).unwrap().users, [7, 8]);
    }

    #[test]
    fn a_row_without_an_id_is_malformed_and_is_not_quoted() {
        let error = from_value::<Report>(json!({ "id": "CANARY" })).unwrap_err().to_string();
        assert_eq!(error, "invalid type: string \"CANARY\", expected an id");
        assert!(from_value::<PolicyOverride>(json!({ "state": "approved" })).is_err());
        let page = br#"{"resources": [{"id": "CANARY"}], "page": {}}"#;
        let told = crate::console::json::<crate::console::Page<Report>>(page).unwrap_err();
        assert!(told.contains("resources[0].id: string instead of an id"), "{told}");
        assert!(!told.contains("CANARY"), "{told}");
    }
}
