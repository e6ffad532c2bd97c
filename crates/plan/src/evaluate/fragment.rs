//! Kconfig fragments as recipes: `CONFIG_X=y` is a request.

use kiln_diag::{Diagnostics, FileId, Span};
use kiln_kconfig::fragment::{self, Assignment};
use kiln_recipe::{Data, Entry, Foreign, Value};

/// Reads fragments for the recipe's loader.
pub struct Fragments;

impl Foreign for Fragments {
    /// A fragment is recognised by its name, or by its first meaningful line.
    fn claims(&self, name: &str, text: &str) -> bool {
        let base = name.rsplit('/').next().unwrap_or(name);
        if base.ends_with(".config") || base.ends_with("defconfig") {
            return true;
        }
        let says = |line: &&str| !line.is_empty() && (!line.starts_with('#') || line.ends_with(" is not set"));
        let first = text.trim_start_matches('\u{feff}').lines().map(str::trim).find(says);
        first.is_some_and(|line| line.trim_start_matches(['#', ' ']).starts_with("CONFIG_"))
    }

    fn read(&self, file: FileId, text: &str) -> (Value, Diagnostics) {
        let (assignments, diagnostics) = fragment::parse(file, text);
        let whole = Span::new(file, 0..text.len());
        let start = Span::new(file, 0..0);
        let table = |key: &str, entries| {
            let value = Value { data: Data::Table(entries), span: whole };
            vec![Entry { key: key.to_owned(), key_span: start, value }]
        };
        let requests = assignments.into_iter().map(|assignment| request(assignment, text)).collect();
        let data = Data::Table(table("kernel", table("config", requests)));
        (Value { data, span: whole }, diagnostics)
    }
}

/// A quoted value keeps its quotes: an empty string can be requested, an empty value cannot.
fn request(assignment: Assignment, text: &str) -> Entry {
    let Assignment { symbol, symbol_span, value, quoted, value_span } = assignment;
    let value = match text.get(value_span.range()) {
        Some(written) if quoted => written.to_owned(),
        _ => value,
    };
    Entry { key: symbol, key_span: symbol_span, value: Value { data: Data::Text(value), span: value_span } }
}
