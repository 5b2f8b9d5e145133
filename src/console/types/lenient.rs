//! Fields that come in more than one shape: read where they make sense, absent where they do not.

use serde::de::{DeserializeOwned, Error, Unexpected};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// An id: a number, or a text that holds one.
pub(super) fn id<'de, D: Deserializer<'de>>(from: D) -> Result<i64, D::Error> {
    let value = Value::deserialize(from)?;
    number_in(&value).ok_or_else(|| Error::invalid_type(shape(&value), &"an id"))
}

/// A number, or a text that holds one.
pub(super) fn number<'de, D: Deserializer<'de>>(from: D) -> Result<Option<i64>, D::Error> {
    Ok(number_in(&Value::deserialize(from)?))
}

/// Every number of a list.
pub(super) fn numbers<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<i64>, D::Error> {
    Ok(rows(Value::deserialize(from)?).iter().filter_map(number_in).collect())
}

/// A text that is not empty; a number as it is written.
pub(super) fn text<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    Ok(text_in(&Value::deserialize(from)?))
}

/// Every text of a list.
pub(super) fn texts<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<String>, D::Error> {
    Ok(rows(Value::deserialize(from)?).iter().filter_map(text_in).collect())
}

/// An object; nothing if another value stands there.
pub(super) fn object<'de, D, T>(from: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: DeserializeOwned,
{
    let value = Value::deserialize(from)?;
    // An array would fill the fields by their order.
    Ok(if value.is_object() { T::deserialize(value).ok() } else { None })
}

pub(super) fn number_in(value: &Value) -> Option<i64> {
    match value {
        Value::Number(number) => number.as_i64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

pub(super) fn text_in(value: &Value) -> Option<String> {
    match value {
        Value::Number(number) => Some(number.to_string()),
        Value::String(text) => Some(text.trim().to_owned()).filter(|text| !text.is_empty()),
        _ => None,
    }
}

/// The rows of a list; a single value is a list of one.
fn rows(value: Value) -> Vec<Value> {
    match value {
        Value::Array(rows) => rows,
        single => vec![single],
    }
}

fn shape(value: &Value) -> Unexpected<'_> {
    match value {
        Value::Null => Unexpected::Unit,
        Value::Bool(it) => Unexpected::Bool(*it),
        Value::Number(_) => Unexpected::Other("number"),
        Value::String(text) => Unexpected::Str(text),
        Value::Array(_) => Unexpected::Seq,
        Value::Object(_) => Unexpected::Map,
    }
}
