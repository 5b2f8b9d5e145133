//! `report.json`: the report in canonical order, one line for each key of the document and for each row of its lists,
//! so that two reports can be compared line by line. `schema/report.schema.json` describes it.

use std::io::{self, BufWriter, Write};

use serde::Serialize;
use serde_json::Serializer;
use serde_json::ser::Formatter;

use crate::report::Report;

pub(super) fn report(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let mut out = BufWriter::new(out);
    report.serialize(&mut Serializer::with_formatter(&mut out, Lines::default()))?;
    out.write_all(b"\n")?;
    out.flush()
}

/// Compact, but for a line break before each key of the document and before each row of a list in it.
#[derive(Default)]
struct Lines {
    depth: usize,
    has_rows: bool,
}

/// Inside the document itself, and inside one of its lists.
const DOCUMENT: usize = 1;
const LIST: usize = 2;

impl Formatter for Lines {
    fn begin_object<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.depth += 1;
        out.write_all(b"{")
    }

    fn end_object<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        if self.depth == DOCUMENT {
            out.write_all(b"\n")?;
        }
        self.depth -= 1;
        out.write_all(b"}")
    }

    fn begin_object_key<W: ?Sized + Write>(&mut self, out: &mut W, first: bool) -> io::Result<()> {
        separate(out, first, self.depth == DOCUMENT)
    }

    fn begin_array<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.depth += 1;
        self.has_rows &= self.depth != LIST;
        out.write_all(b"[")
    }

    fn end_array<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        if self.depth == LIST && self.has_rows {
            out.write_all(b"\n")?;
        }
        self.depth -= 1;
        out.write_all(b"]")
    }

    fn begin_array_value<W: ?Sized + Write>(&mut self, out: &mut W, first: bool) -> io::Result<()> {
        self.has_rows |= self.depth == LIST;
        separate(out, first, self.depth == LIST)
    }
}

fn separate<W: ?Sized + Write>(out: &mut W, first: bool, line: bool) -> io::Result<()> {
    if !first {
        out.write_all(b",")?;
    }
    if line { out.write_all(b"\n") } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use jsonschema::Validator;
    use serde_json::{Value, json};

    use super::*;
    use crate::model::CrossCheck;
    use crate::report::AnomalyRow;

    /// The sample with at least one row in every list.
    fn full() -> Report {
        let mut report = Report::sample();
        report.anomalies.push(AnomalyRow {
            console: "hq".into(),
            check: CrossCheck::DanglingSite,
            user: Some(1),
            object: "9".into(),
            left_endpoint: "/api/3/users/1/sites".into(),
            left_says: "granted".into(),
            right_endpoint: "/api/3/sites".into(),
            right_says: "not listed".into(),
        });
        report
    }

    fn document(report: &Report) -> (String, Value) {
        let mut out = Vec::new();
        super::report(report, &mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        let value = serde_json::from_str(&text).unwrap();
        (text, value)
    }

    fn schema() -> Value {
        serde_json::from_str(include_str!("../../schema/report.schema.json")).unwrap()
    }

    fn validator() -> Validator {
        jsonschema::draft202012::new(&schema()).unwrap()
    }

    #[test]
    fn sample_meets_the_schema() {
        for report in [Report::first_sample(), Report::sample(), full()] {
            let value = document(&report).1;
            let errors: Vec<String> = validator()
                .iter_errors(&value)
                .map(|error| format!("{}: {error}", error.instance_path()))
                .collect();
            assert_eq!(errors, Vec::<String>::new());
        }
    }

    #[test]
    fn schema_refuses_every_planted_and_every_missing_key() {
        let (validator, value) = (validator(), document(&full()).1);
        let mut refused = 0;
        for pointer in objects(&value, String::new()) {
            let mut planted = value.clone();
            planted.pointer_mut(&pointer).unwrap()["planted"] = json!(1);
            assert!(!validator.is_valid(&planted), "a planted key passes at {pointer:?}");
            let keys: Vec<String> =
                value.pointer(&pointer).unwrap().as_object().unwrap().keys().cloned().collect();
            for key in keys.iter().filter(|key| !key.starts_with("leftover_")) {
                let mut short = value.clone();
                short.pointer_mut(&pointer).unwrap().as_object_mut().unwrap().remove(key);
                assert!(!validator.is_valid(&short), "{pointer}/{key} may be missing");
                refused += 1;
            }
        }
        assert!(refused > 140, "only {refused} keys were tried");
    }

    /// The first row of each list is enough: the others have the same shape.
    fn objects(value: &Value, pointer: String) -> Vec<String> {
        match value {
            Value::Object(map) => {
                let below = map.iter().flat_map(|(key, value)| objects(value, format!("{pointer}/{key}")));
                let below: Vec<String> = below.collect();
                std::iter::once(pointer).chain(below).collect()
            }
            Value::Array(rows) => {
                rows.first().map_or_else(Vec::new, |row| objects(row, format!("{pointer}/0")))
            }
            _ => Vec::new(),
        }
    }

    #[test]
    fn schema_is_closed_and_describes_every_property() {
        let schema = schema();
        for pointer in objects(&schema, String::new()) {
            let part = schema.pointer(&pointer).unwrap();
            let Some(properties) = part["properties"].as_object() else { continue };
            assert_eq!(part["additionalProperties"], json!(false), "{pointer}");
            assert!(part["required"].is_array(), "{pointer}");
            for (name, property) in properties {
                assert!(property["description"].is_string(), "{pointer}/{name} is not described");
            }
        }
    }

    #[test]
    fn each_key_and_each_row_has_its_line() {
        let report = full();
        let (text, value) = document(&report);
        assert!(
            text.starts_with("{\n\"schema\":\"recert.report/1\",\n\"run\":{\"id\":\"5f2a9c01d3b4e6f7\",")
        );
        assert!(text.ends_with("\"\n}\n"));
        let lists = value.as_object().unwrap().values().filter_map(Value::as_array);
        let rows: usize = lists.map(|rows| rows.len() + usize::from(!rows.is_empty())).sum();
        assert_eq!(text.lines().count(), 2 + value.as_object().unwrap().len() + rows);
        for line in text.lines().filter(|line| line.starts_with("{\"console\"")) {
            serde_json::from_str::<Value>(line.trim_end_matches(',')).unwrap();
        }
        let first = document(&Report::first_sample()).0;
        assert!(first.contains("\n\"comparison\":null,\n\"waivers\":[],\n"), "{first}");
    }
}
