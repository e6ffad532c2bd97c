//! Text to [`Value`]: TOML, JSON, and whatever else the caller understands.
//!
//! Every reader gives what it could understand together with its findings, and every node its place. Nothing here knows
//! which options exist.

mod json;
mod toml;

use kiln_diag::{Code, Diagnostic, Diagnostics, FileId, Span};

use crate::value::{Data, Value};

/// A format that this crate does not know, read by the caller.
pub trait Foreign {
    /// Whether the text of the file called `name` is of this format.
    fn claims(&self, name: &str, text: &str) -> bool;

    /// Reads the text to the table that a TOML recipe would give.
    fn read(&self, file: FileId, text: &str) -> (Value, Diagnostics);
}

/// A way to read a text: given its id, its name, itself, and the format that this crate does not know.
pub(crate) type Read = fn(FileId, &str, &str, &dyn Foreign) -> (Value, Diagnostics);

/// Reads `text`, in the format that its name or, failing that, its beginning tells.
///
/// `.toml` and `.json` are what they say; then `foreign` is asked; then `{` begins JSON and all else is TOML.
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

/// The table that stands for a text nothing could be read from.
pub(crate) fn nothing(file: FileId) -> Value {
    Value { data: Data::Table(Vec::new()), span: Span::new(file, 0..0) }
}

/// An error in the form of the text.
fn fault(span: Span, message: impl Into<String>) -> Diagnostic {
    Diagnostic::error(Code::Syntax, message).label(span, "")
}

/// The span of `range` in `text`, moved out to whole characters and capped to the text.
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
