//! One Parquet file, written value by value; a row group's values are held, never a table's.

use std::io::{self, Write};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use parquet::basic::{Compression, GzipLevel, Type};
use parquet::column::writer::ColumnWriter;
use parquet::data_type::ByteArray;
use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;

/// Values that are held before they become a row group: some ten megabytes.
const HELD: usize = 1_000_000;

/// A file, and the row group that is being filled. Each row is a value for each column, in the order of the schema,
/// and [`Table::end_row`].
pub(super) struct Table<'a> {
    out: &'a mut dyn Write,
    /// Writes into memory, which is emptied into `out` after each row group.
    file: SerializedFileWriter<Vec<u8>>,
    columns: Vec<Column>,
    /// The column that the next value belongs to.
    next: usize,
    held: usize,
}

/// What a row group has of one column.
struct Column {
    values: Values,
    /// The level of a value that is there, the highest that the schema knows for the column; 0 where it is required.
    present: i16,
    /// For each value how much of its path is there; empty where everything is required.
    definition: Vec<i16>,
    /// For each value whether it continues the list before it; empty where there is no list.
    repetition: Vec<i16>,
    repeated: bool,
}

enum Values {
    Flags(Vec<bool>),
    Numbers(Vec<i64>),
    Texts(Vec<ByteArray>),
}

impl<'a> Table<'a> {
    /// `notes` are what the file says of itself beside its rows.
    pub(super) fn new(out: &'a mut dyn Write, schema: &str, notes: Vec<KeyValue>) -> io::Result<Self> {
        let schema = Arc::new(parse_message_type(schema).map_err(io::Error::other)?);
        let properties = WriterProperties::builder()
            .set_created_by(concat!("recert version ", env!("CARGO_PKG_VERSION")).to_owned())
            .set_compression(Compression::GZIP(GzipLevel::default()))
            .set_key_value_metadata(Some(notes).filter(|notes| !notes.is_empty()))
            .build();
        let file = SerializedFileWriter::new(Vec::new(), schema, Arc::new(properties)).map_err(failed)?;
        let columns = file.schema_descr().columns().iter().map(|column| Column {
            values: match column.physical_type() {
                Type::BOOLEAN => Values::Flags(Vec::new()),
                Type::BYTE_ARRAY => Values::Texts(Vec::new()),
                _ => Values::Numbers(Vec::new()),
            },
            present: column.max_def_level(),
            definition: Vec::new(),
            repetition: Vec::new(),
            repeated: column.max_rep_level() > 0,
        });
        let columns = columns.collect();
        Ok(Self { out, file, columns, next: 0, held: 0 })
    }

    pub(super) fn text(&mut self, text: impl AsRef<str>) {
        let column = self.column();
        column.push_text(text.as_ref());
        column.level(column.present, 0);
    }

    pub(super) fn number(&mut self, number: i64) {
        let column = self.column();
        column.push_number(number);
        column.level(column.present, 0);
    }

    pub(super) fn flag(&mut self, flag: bool) {
        let column = self.column();
        if let Values::Flags(values) = &mut column.values {
            values.push(flag);
        }
        column.level(column.present, 0);
    }

    pub(super) fn time(&mut self, time: DateTime<Utc>) {
        self.number(time.timestamp_millis());
    }

    /// A value of an optional column, where there is one.
    pub(super) fn maybe<T>(&mut self, value: Option<T>, write: impl FnOnce(&mut Self, T)) {
        match value {
            Some(value) => write(self, value),
            None => self.column().level(0, 0),
        }
    }

    /// A list; `None` is not known, which is another thing than nothing in it.
    pub(super) fn texts<T: AsRef<str>>(&mut self, texts: Option<impl Iterator<Item = T>>) {
        self.list(texts, |column, text| column.push_text(text.as_ref()));
    }

    /// As [`Table::texts`], of numbers.
    pub(super) fn numbers(&mut self, numbers: Option<impl Iterator<Item = i64>>) {
        self.list(numbers, Column::push_number);
    }

    fn list<T>(&mut self, items: Option<impl Iterator<Item = T>>, push: impl Fn(&mut Column, T)) {
        let column = self.column();
        let Some(items) = items else { return column.level(0, 0) };
        let mut held = 0;
        for item in items {
            push(column, item);
            column.level(column.present, i16::from(held > 0));
            held += 1;
        }
        if held == 0 {
            column.level(column.present - 1, 0);
        }
        self.held += held;
    }

    pub(super) fn end_row(&mut self) -> io::Result<()> {
        debug_assert_eq!(self.next, self.columns.len(), "a value for each column");
        self.next = 0;
        self.held += self.columns.len();
        if self.held >= HELD { self.write_group() } else { Ok(()) }
    }

    pub(super) fn finish(mut self) -> io::Result<()> {
        if self.held > 0 {
            self.write_group()?;
        }
        let rest = self.file.into_inner().map_err(failed)?;
        self.out.write_all(&rest)
    }

    /// The column whose turn it is.
    fn column(&mut self) -> &mut Column {
        self.next += 1;
        &mut self.columns[self.next - 1]
    }

    fn write_group(&mut self) -> io::Result<()> {
        let mut group = self.file.next_row_group().map_err(failed)?;
        for column in &mut self.columns {
            let Some(mut writer) = group.next_column().map_err(failed)? else { break };
            column.write(writer.untyped()).map_err(failed)?;
            writer.close().map_err(failed)?;
            column.clear();
        }
        group.close().map_err(failed)?;
        self.held = 0;
        self.file.flush()?;
        let bytes = self.file.inner_mut();
        self.out.write_all(bytes)?;
        bytes.clear();
        Ok(())
    }
}

impl Column {
    fn push_text(&mut self, text: &str) {
        let Values::Texts(values) = &mut self.values else { return };
        // Neighbours often say the same, and then share it.
        let value = values.last().filter(|last| last.data() == text.as_bytes()).cloned();
        values.push(value.unwrap_or_else(|| ByteArray::from(text)));
    }

    fn push_number(&mut self, number: i64) {
        if let Values::Numbers(values) = &mut self.values {
            values.push(number);
        }
    }

    fn level(&mut self, definition: i16, repetition: i16) {
        if self.present > 0 {
            self.definition.push(definition);
        }
        if self.repeated {
            self.repetition.push(repetition);
        }
    }

    fn write(&self, writer: &mut ColumnWriter<'_>) -> Result<usize, ParquetError> {
        let definition = (self.present > 0).then_some(&*self.definition);
        let repetition = self.repeated.then_some(&*self.repetition);
        match (&self.values, writer) {
            (Values::Flags(values), ColumnWriter::BoolColumnWriter(writer)) => {
                writer.write_batch(values, definition, repetition)
            }
            (Values::Numbers(values), ColumnWriter::Int64ColumnWriter(writer)) => {
                writer.write_batch(values, definition, repetition)
            }
            (Values::Texts(values), ColumnWriter::ByteArrayColumnWriter(writer)) => {
                writer.write_batch(values, definition, repetition)
            }
            _ => Err(ParquetError::General("a column of another type".to_owned())),
        }
    }

    fn clear(&mut self) {
        match &mut self.values {
            Values::Flags(values) => values.clear(),
            Values::Numbers(values) => values.clear(),
            Values::Texts(values) => values.clear(),
        }
        self.definition.clear();
        self.repetition.clear();
    }
}

fn failed(error: ParquetError) -> io::Error {
    io::Error::other(error)
}
