//! A roster written as CSV (RFC 4180), with a header.

use std::borrow::Cow;

use ::csv::{ErrorKind, ReaderBuilder, StringRecord};

use super::{Builder, Cell, Field, Mistake, Place, Record, line_ends};

/// Reads every record below the header.
pub(super) fn read(text: &str, builder: &mut Builder<'_>) -> Result<(), Mistake> {
    let delimiter = builder.layout.delimiter;
    check_quotes(text, delimiter)?;
    let mut reader = ReaderBuilder::new().delimiter(delimiter).from_reader(text.as_bytes());
    let mut lines = Lines { text, at: 0, line: 1 };
    let header = reader.headers().map_err(|error| mistake(&error, &mut lines))?.clone();
    let columns = columns(&header, builder)?;
    let mut row = StringRecord::new();
    while reader.read_record(&mut row).map_err(|error| mistake(&error, &mut lines))? {
        let place = lines.place(row.position().map_or(0, ::csv::Position::byte));
        let cell = |column: Option<usize>| {
            column
                .and_then(|column| row.get(column))
                .map_or(Cell::Empty, |text| Cell::Text(Cow::Borrowed(text)))
        };
        builder.push(&Record { place, cells: columns.map(cell) })?;
    }
    Ok(())
}

/// Where the column of each field is.
fn columns(
    header: &StringRecord,
    builder: &mut Builder<'_>,
) -> Result<[Option<usize>; Field::ALL.len()], Mistake> {
    let mut columns = [None; Field::ALL.len()];
    if header.is_empty() {
        return Ok(columns);
    }
    for field in Field::ALL {
        let names = &builder.layout.columns;
        let mut found = header.iter().enumerate().filter(|(_, header)| names.is(field, header));
        columns[field as usize] = found.next().map(|(column, _)| column);
        if found.next().is_some() {
            let problem = "is there twice; rename one of the two";
            return Err(Mistake::new(Place::Line(1), problem).column(names.name(field)));
        }
        if columns[field as usize].is_some() {
            builder.saw(field);
        }
    }
    builder.check_columns()?;
    Ok(columns)
}

fn mistake(error: &::csv::Error, lines: &mut Lines<'_>) -> Mistake {
    match error.kind() {
        ErrorKind::UnequalLengths { pos, expected_len, len } => {
            let place = pos.as_ref().map_or(Place::Whole, |pos| lines.place(pos.byte()));
            let problem = format!(
                "has {len} fields where the header has {expected_len}; put a field that holds the delimiter into quotes"
            );
            Mistake::new(place, problem)
        }
        _ => Mistake::new(Place::Whole, "is not CSV"),
    }
}

/// Counts lines up to records that come in order. The reader's own count names the first of the empty lines that it
/// skips before a record.
struct Lines<'a> {
    text: &'a str,
    at: usize,
    line: u64,
}

impl Lines<'_> {
    fn place(&mut self, byte: u64) -> Place {
        let bytes = self.text.as_bytes();
        let mut to = usize::try_from(byte).unwrap_or(usize::MAX).min(bytes.len());
        while bytes.get(to).is_some_and(|byte| matches!(byte, b'\r' | b'\n')) {
            to += 1;
        }
        let passed = bytes.get(self.at..to).unwrap_or_default();
        self.line += line_ends(passed);
        self.at = to;
        Place::Line(self.line)
    }
}

/// Refuses quotes that do not close where a field ends. The reader is lenient: it would read the people behind such a
/// quote as part of one field, and nobody would miss them.
fn check_quotes(text: &str, delimiter: u8) -> Result<(), Mistake> {
    let (mut line, mut opened) = (1, None);
    let mut at_start = true;
    let mut bytes = text.bytes().peekable();
    while let Some(byte) = bytes.next() {
        let ends_field = byte == delimiter || byte == b'\n' || byte == b'\r';
        match (byte, opened) {
            (b'"', None) if at_start => opened = Some(line),
            (b'"', Some(_)) if bytes.peek() == Some(&b'"') => {
                bytes.next();
            }
            (b'"', Some(_)) => {
                opened = None;
                if bytes.peek().is_some_and(|next| *next != delimiter && !matches!(next, b'\n' | b'\r')) {
                    let problem = "has text behind a closing quote; write a quote inside a field twice";
                    return Err(Mistake::new(Place::Line(line), problem));
                }
            }
            _ => {}
        }
        line += u64::from(byte == b'\n');
        at_start = opened.is_none() && ends_field;
    }
    match opened {
        Some(line) => Err(Mistake::new(Place::Line(line), "opens a quote that is never closed; close it")),
        None => Ok(()),
    }
}
