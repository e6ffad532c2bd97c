//! Parses text to [`Value`]: TOML, JSON, and any format that the caller supports.
//!
//! Every reader returns what it could understand with its findings, and every node with its place. Nothing here knows
//! which options exist.

mod json;
mod toml;

use kiln_diag::{Code, Diagnostic, Diagnostics, FileId, Span};

use crate::value::{Data, Value};

/// A format that this crate does not know, read by the caller.
pub trait Foreign {
    /// Whether the text of the file called `name` has this format.
    fn claims(&self, name: &str, text: &str) -> bool;

    /// Reads the text to the table of the equivalent TOML recipe.
    fn read(&self, file: FileId, text: &str) -> (Value, Diagnostics);
}

/// A reader: takes the text's id, its name, the text, and the foreign format.
pub(crate) type Read = fn(FileId, &str, &str, &dyn Foreign) -> (Value, Diagnostics);

/// Reads `text`, in the format given by its name or else by its beginning.
///
/// The suffixes `.toml` and `.json` decide; then `foreign` may claim the text; then `{` begins JSON and all else is
/// TOML.
pub(crate) fn read(file: FileId, name: &str, text: &str, foreign: &dyn Foreign) -> (Value, Diagnostics) {
    let extension = name.rsplit(['/', '\\']).next().and_then(|base| base.rsplit_once('.')).map(|(_, tail)| tail);
    match extension {
        Some("toml") => toml::read(file, text),
        Some("json") => json::read(file, text),
        _ if foreign.claims(name, text) => foreign.read(file, text),
        _ if text.trim_start_matches('\u{feff}').trim_start().starts_with('{') => json::read(file, text),
        _ => toml::read(file, text),
    }
}

/// Reads `text` as TOML, whatever its name.
pub(crate) fn read_toml(file: FileId, _name: &str, text: &str, _foreign: &dyn Foreign) -> (Value, Diagnostics) {
    toml::read(file, text)
}

/// The table for a text that could not be read.
pub(crate) fn nothing(file: FileId) -> Value {
    Value { data: Data::Table(Vec::new()), span: Span::new(file, 0..0) }
}

/// A syntax error.
fn fault(span: Span, message: impl Into<String>) -> Diagnostic {
    Diagnostic::error(Code::Syntax, message).label(span, "")
}

/// The span of `range` in `text`, extended to whole characters and capped to the text.
fn span_in(file: FileId, text: &str, range: std::ops::Range<usize>) -> Span {
    let mut start = range.start.min(text.len());
    while !text.is_char_boundary(start) {
        start -= 1;
    }
    let mut end = range.end.clamp(start, text.len());
    while !text.is_char_boundary(end) {
        end += 1;
    }
    Span::new(file, start..end)
}
