//! TOML, from the spanned tree of the `toml` crate.

use kiln_diag::{Diagnostics, FileId, Span};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::import::IMPORTS;
use crate::syntax::{fault, span_in};
use crate::value::{Data, Entry, Value};

/// Reads a TOML document; from a faulty one only the imports are returned.
///
/// The parser continues after a fault, but its result for the rest may be wrong, and findings about that mislead.
pub(super) fn read(file: FileId, text: &str) -> (Value, Diagnostics) {
    let (document, errors) = DeTable::parse_recoverable(text);
    let diagnostics: Diagnostics = errors
        .iter()
        .map(|error| {
            let span = span_in(file, text, error.span().unwrap_or(0..0));
            // The library's message may have several lines; the first states the fault.
            fault(span, error.message().lines().next().unwrap_or("not TOML").to_owned())
        })
        .collect();
    let walk = Walk { file, text };
    let mut data = walk.table(document.get_ref());
    if let (Data::Table(entries), false) = (&mut data, diagnostics.is_empty()) {
        entries.retain(|entry| entry.key == IMPORTS);
    }
    (Value { data, span: Span::new(file, 0..text.len()) }, diagnostics)
}

struct Walk<'a> {
    file: FileId,
    text: &'a str,
}

impl Walk<'_> {
    fn table(&self, table: &DeTable<'_>) -> Data {
        let mut entries: Vec<Entry> = table
            .iter()
            .map(|(key, value)| Entry {
                key: key.get_ref().to_string(),
                key_span: span_in(self.file, self.text, key.span()),
                value: self.value(value),
            })
            .collect();
        // The library's map is sorted by key; the order of a list option's definitions is the order of the text.
        entries.sort_by_key(|entry| (entry.key_span.start, entry.key_span.end));
        Data::Table(entries)
    }

    fn value(&self, value: &Spanned<DeValue<'_>>) -> Value {
        let data = match value.get_ref() {
            DeValue::String(text) => Data::Text(text.to_string()),
            DeValue::Boolean(flag) => Data::Bool(*flag),
            DeValue::Integer(number) => i128::from_str_radix(number.as_str(), number.radix())
                .map_or(Data::Other("a number too large"), Data::Int),
            DeValue::Float(_) => Data::Other("a number with a fraction"),
            DeValue::Datetime(_) => Data::Other("a date"),
            DeValue::Array(items) => Data::List(items.iter().map(|item| self.value(item)).collect()),
            DeValue::Table(table) => self.table(table),
        };
        Value { data, span: span_in(self.file, self.text, value.span()) }
    }
}
