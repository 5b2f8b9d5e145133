//! How values stand in a column.

use chrono::{DateTime, SecondsFormat, Utc};
use rusqlite::ToSql;
use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSqlOutput, ValueRef};
use serde::Serialize;
use serde::de::value::{Error, StrDeserializer};
use serde::de::{DeserializeOwned, IntoDeserializer};

/// A time: RFC 3339 in UTC with nine digits of a second. Nothing is lost, and its order as text is the order of time.
#[derive(Debug, Clone, Copy)]
pub(super) struct At(pub(super) DateTime<Utc>);

impl ToSql for At {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(self.0.to_rfc3339_opts(SecondsFormat::Nanos, true).into())
    }
}

impl FromSql for At {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let time = DateTime::parse_from_rfc3339(value.as_str()?);
        time.map(|time| Self(time.to_utc())).map_err(FromSqlError::other)
    }
}

/// A value of a closed set, by the name that it has in every file.
#[derive(Debug, Clone, Copy)]
pub(super) struct Word<T>(pub(super) T);

impl<T: Serialize> ToSql for Word<T> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        let refused = |problem: String| rusqlite::Error::ToSqlConversionFailure(problem.into());
        match serde_json::to_value(&self.0) {
            Ok(serde_json::Value::String(word)) => Ok(word.into()),
            Ok(other) => Err(refused(format!("{other} is not a word"))),
            Err(error) => Err(refused(error.to_string())),
        }
    }
}

impl<T: DeserializeOwned> FromSql for Word<T> {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let word: StrDeserializer<'_, Error> = value.as_str()?.into_deserializer();
        T::deserialize(word).map(Self).map_err(FromSqlError::other)
    }
}

/// How many. `SQLite`'s integers are signed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Count(pub(super) u64);

impl Count {
    /// A limit of rows.
    pub(super) fn of(count: usize) -> Self {
        Self(u64::try_from(count).unwrap_or(u64::MAX))
    }
}

impl ToSql for Count {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(i64::try_from(self.0).unwrap_or(i64::MAX).into())
    }
}

impl FromSql for Count {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let count = value.as_i64()?;
        u64::try_from(count).map(Self).map_err(|_| FromSqlError::OutOfRange(count))
    }
}

#[cfg(test)]
mod tests {
    use rusqlite::Connection;

    use super::*;
    use crate::finding::Severity;

    #[test]
    fn a_time_loses_nothing_and_sorts_as_text() {
        let text = |seconds, nanos| {
            let time = DateTime::from_timestamp(seconds, nanos).unwrap();
            let connection = Connection::open_in_memory().unwrap();
            let (text, At(back)): (String, At) = connection
                .query_row("SELECT ?1, ?1", [At(time)], |row| Ok((row.get(0)?, row.get(1)?)))
                .unwrap();
            assert_eq!(back, time);
            text
        };
        let ordered =
            [text(0, 0), text(0, 1), text(0, 900_000_000), text(9, 0), text(10, 0), text(1 << 32, 0)];
        assert!(ordered.is_sorted(), "{ordered:?}");
    }

    #[test]
    fn a_word_that_nobody_knows_is_an_error() {
        let connection = Connection::open_in_memory().unwrap();
        let read =
            |word: &str| connection.query_row("SELECT ?1", [word], |row| row.get::<_, Word<Severity>>(0));
        assert_eq!(read("high").unwrap().0, Severity::High);
        assert!(read("huge").is_err());
    }
}
