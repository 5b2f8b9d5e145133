//! A roster written as JSON: an array of objects, or an object with one such array.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;
use serde_json::error::Category;

use super::{Builder, Cell, Field, Mistake, Place, Record};

const SHAPE: &str = "must be an array of objects, or an object with one such array";

/// Reads every object of the array.
pub(super) fn read(text: &str, builder: &mut Builder<'_>) -> Result<(), Mistake> {
    let mut rows = Rows { builder, found: false, mistake: None };
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let read = Document(&mut rows).deserialize(&mut deserializer).and_then(|()| deserializer.end());
    match (rows.mistake, read) {
        (Some(mistake), _) => Err(mistake),
        (None, Err(error)) => Err(unreadable(&error)),
        (None, Ok(())) if rows.found => Ok(()),
        (None, Ok(())) => Err(Mistake::new(Place::Whole, SHAPE)),
    }
}

/// What the parser says, without the values that it quotes.
fn unreadable(error: &serde_json::Error) -> Mistake {
    let problem = match error.classify() {
        Category::Eof => "ends early; was it exported whole?",
        Category::Data => return Mistake::new(Place::Whole, SHAPE),
        Category::Syntax | Category::Io => "is not valid JSON",
    };
    Mistake::new(Place::Line(error.line() as u64), format!("{problem} (column {})", error.column()))
}

/// What is read so far. A mistake is kept here, because the parser's errors are texts.
struct Rows<'a, 'b> {
    builder: &'a mut Builder<'b>,
    found: bool,
    mistake: Option<Mistake>,
}

impl Rows<'_, '_> {
    fn all<'de, A: SeqAccess<'de>>(&mut self, mut rows: A) -> Result<(), A::Error> {
        if std::mem::replace(&mut self.found, true) {
            return Err(
                self.refuse(Mistake::new(Place::Whole, "holds several arrays; leave only the people's"))
            );
        }
        let mut index = 0;
        while let Some(row) = rows.next_element::<Row>()? {
            self.row(index, row).map_err(|mistake| self.refuse(mistake))?;
            index += 1;
        }
        Ok(())
    }

    fn refuse<E: Error>(&mut self, mistake: Mistake) -> E {
        self.mistake = Some(mistake);
        E::custom("refused")
    }

    fn row(&mut self, index: usize, row: Row) -> Result<(), Mistake> {
        let place = Place::Index(index);
        let Row::Object(members) = row else { return Err(Mistake::new(place, "is not an object")) };
        let columns = &self.builder.layout.columns;
        let mut cells = [const { Cell::Empty }; Field::ALL.len()];
        let mut seen = Vec::new();
        for field in Field::ALL {
            let mut found = members.iter().filter(|(key, _)| columns.is(field, key));
            let Some((_, value)) = found.next() else { continue };
            if found.next().is_some() {
                return Err(Mistake::new(place, "is there twice; leave one").column(columns.name(field)));
            }
            seen.push(field);
            cells[field as usize] = cell(value);
        }
        for field in seen {
            self.builder.saw(field);
        }
        self.builder.push(&Record { place, cells })
    }
}

/// A number or a switch counts as the text that it is written as.
fn cell(value: &Value) -> Cell<'_> {
    let text = |value: &Value| match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(switch) => Some(switch.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    };
    match value {
        Value::Null => Cell::Empty,
        Value::String(text) => Cell::Text(Cow::Borrowed(text)),
        Value::Number(_) | Value::Bool(_) => Cell::Text(Cow::Owned(text(value).unwrap_or_default())),
        Value::Array(list) => list
            .iter()
            .map(text)
            .collect::<Option<_>>()
            .map_or(Cell::Odd("an array with something else than texts"), Cell::List),
        Value::Object(_) => Cell::Odd("an object"),
    }
}

/// The outermost value.
struct Document<'r, 'a, 'b>(&'r mut Rows<'a, 'b>);

impl<'de> DeserializeSeed<'de> for Document<'_, '_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Document<'_, '_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array or an object")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, rows: A) -> Result<(), A::Error> {
        self.0.all(rows)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        while members.next_key::<IgnoredAny>()?.is_some() {
            members.next_value_seed(Member(&mut *self.0))?;
        }
        Ok(())
    }
}

/// The ways in which a value is not what a visitor is after.
macro_rules! ignore_scalars {
    ($value:expr) => {
        fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
            Ok($value)
        }
        fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
            Ok($value)
        }
        fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
            Ok($value)
        }
        fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
            Ok($value)
        }
        fn visit_str<E>(self, _: &str) -> Result<Self::Value, E> {
            Ok($value)
        }
        fn visit_unit<E>(self) -> Result<Self::Value, E> {
            Ok($value)
        }
    };
}

/// A member of the outermost object: the people if it is an array, else of no interest.
struct Member<'r, 'a, 'b>(&'r mut Rows<'a, 'b>);

impl<'de> DeserializeSeed<'de> for Member<'_, '_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Member<'_, '_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("anything")
    }

    ignore_scalars!(());

    fn visit_seq<A: SeqAccess<'de>>(self, rows: A) -> Result<(), A::Error> {
        self.0.all(rows)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        while members.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(())
    }
}

/// An element of the array. Keys that stand there twice are both kept, so that neither is lost unsaid.
enum Row {
    Object(Vec<(String, Value)>),
    Other,
}

impl<'de> Deserialize<'de> for Row {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(RowVisitor)
    }
}

struct RowVisitor;

impl<'de> Visitor<'de> for RowVisitor {
    type Value = Row;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("anything")
    }

    ignore_scalars!(Row::Other);

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Row, A::Error> {
        while elements.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Row::Other)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Row, A::Error> {
        let mut object = Vec::new();
        while let Some(member) = members.next_entry()? {
            object.push(member);
        }
        Ok(Row::Object(object))
    }
}
