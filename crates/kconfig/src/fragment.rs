//! Kconfig fragments: files of `CONFIG_X=y` lines in which a user requests values.
//!
//! A fragment looks like a `.config`, but it is read strictly: a kernel's own reader skips what it does not understand,
//! and kiln must not lose a request silently. Nothing here knows which symbols exist.

mod amend;

use std::collections::BTreeMap;
use std::ops::Range;

pub use amend::{Line, amend};
use kiln_diag::{Code, Diagnostic, Diagnostics, FileId, Span};

/// One line of a fragment: a symbol and the requested value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assignment {
    /// Name without the `CONFIG_` prefix.
    pub symbol: String,
    /// The name in the text, prefix included.
    pub symbol_span: Span,
    /// `y`, `m`, `n`, a number as written, or the content of a string with its escapes resolved.
    pub value: String,
    /// Whether the value was written between double quotes.
    pub quoted: bool,
    /// The value in the text, quotes included; for `is not set`, these words.
    pub value_span: Span,
}

/// Reads a fragment: one [`Assignment`] per symbol, in the order of the symbols' winning lines.
///
/// Lines are `CONFIG_X=VALUE`, `# CONFIG_X is not set`, other comments, or blank; they end with a newline or CRLF.
/// Anything else is an error at its place, and reading continues with the next line. When a symbol is set more than
/// once the last line wins, with a warning.
pub fn parse(file: FileId, text: &str) -> (Vec<Assignment>, Diagnostics) {
    let mut reader = Reader { file, text, assignments: BTreeMap::new(), diagnostics: Diagnostics::new() };
    let mut start = 0;
    for (index, line) in text.split_inclusive('\n').enumerate() {
        let body = line.strip_suffix('\n').unwrap_or(line);
        let body = body.strip_suffix('\r').unwrap_or(body);
        // Editors on some systems start a file with a byte order mark.
        let skip = if index == 0 && body.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
        reader.line(start + skip..start + body.len());
        start += line.len();
    }
    let mut assignments: Vec<Assignment> = reader.assignments.into_values().collect();
    assignments.sort_by_key(|assignment| assignment.symbol_span.start);
    (assignments, reader.diagnostics)
}

struct Reader<'a> {
    file: FileId,
    text: &'a str,
    assignments: BTreeMap<&'a str, Assignment>,
    diagnostics: Diagnostics,
}

const PREFIX: &str = "CONFIG_";

impl<'a> Reader<'a> {
    fn line(&mut self, range: Range<usize>) {
        let range = self.trim(range);
        let line = &self.text[range.clone()];
        if let Some(comment) = line.strip_prefix('#') {
            self.comment(self.trim(range.end - comment.len()..range.end));
        } else if !line.is_empty() {
            self.assignment(range);
        }
    }

    /// `CONFIG_X is not set` is a request; any other comment says nothing.
    fn comment(&mut self, range: Range<usize>) {
        let comment = &self.text[range.clone()];
        let Some(rest) = comment.strip_prefix(PREFIX) else { return };
        let name = name_of(rest);
        let words = self.trim(range.start + PREFIX.len() + name.len()..range.end);
        if !name.is_empty() && self.text[words.clone()].split_ascii_whitespace().eq(["is", "not", "set"]) {
            self.set(range.start, name, "n".to_owned(), false, words);
        }
    }

    fn assignment(&mut self, range: Range<usize>) {
        let line = &self.text[range.clone()];
        let Some(equals) = line.find('=') else {
            self.refuse(range, "not a Kconfig fragment line", FORM);
            return;
        };
        let left = self.trim(range.start..range.start + equals);
        let right = self.trim(range.start + equals + 1..range.end);
        let Some(rest) = self.text[left.clone()].strip_prefix(PREFIX) else {
            let help = match name_of(&self.text[left.clone()]) {
                name if !name.is_empty() && name.len() == left.len() => {
                    format!("in a fragment the name has its prefix: `{PREFIX}{name}`")
                }
                _ => FORM.to_owned(),
            };
            self.refuse(left, "not a Kconfig fragment line", &help);
            return;
        };
        let name = name_of(rest);
        if name.is_empty() || name.len() != rest.len() {
            self.refuse(left, "not the name of a symbol", "a name has letters, digits, `_` and `-`");
            return;
        }
        if let Some((value, quoted)) = self.value(right.clone()) {
            self.set(left.start, name, value, quoted, right);
        }
    }

    /// Checks the shape of a value and resolves a string's escapes.
    fn value(&mut self, range: Range<usize>) -> Option<(String, bool)> {
        let text = &self.text[range.clone()];
        if let Some(rest) = text.strip_prefix('"') {
            let Some((value, length)) = unescape(rest) else {
                self.refuse(range, "unterminated string", "end it with `\"`, and write `\\\"` for a quote inside");
                return None;
            };
            if length != rest.len() {
                let tail = range.end - (rest.len() - length)..range.end;
                self.refuse(tail, "text after the closing quote", "write `\\\"` for a quote inside a string");
                return None;
            }
            return Some((value, true));
        }
        if is_tristate(text) || is_number(text) {
            return Some((text.to_owned(), false));
        }
        let help = match text.to_ascii_lowercase().as_str() {
            "yes" | "true" | "on" => "write `y`".to_owned(),
            "no" | "false" | "off" | "" => "write `n`, or `# CONFIG_X is not set`".to_owned(),
            lower if is_tristate(lower) => format!("write `{lower}`"),
            _ => format!("a value is `y`, `m`, `n`, a number, or a string: `\"{text}\"`"),
        };
        self.refuse(range, "not a Kconfig value", &help);
        None
    }

    fn set(&mut self, start: usize, name: &'a str, value: String, quoted: bool, value_range: Range<usize>) {
        let symbol_span = Span::new(self.file, start..start + PREFIX.len() + name.len());
        let value_span = Span::new(self.file, value_range);
        let assignment = Assignment { symbol: name.to_owned(), symbol_span, value, quoted, value_span };
        let Some(earlier) = self.assignments.insert(name, assignment) else { return };
        let message = format!("`{PREFIX}{name}` is set more than once; the last line holds");
        self.diagnostics.push(
            Diagnostic::warning(Code::FragmentDuplicate, message)
                .label(symbol_span, "this one holds")
                .label(earlier.symbol_span, "this one has no effect"),
        );
    }

    fn refuse(&mut self, range: Range<usize>, message: &str, help: &str) {
        let span = Span::new(self.file, range);
        self.diagnostics.push(Diagnostic::error(Code::FragmentSyntax, message).label(span, "").help(help));
    }

    fn trim(&self, range: Range<usize>) -> Range<usize> {
        let text = &self.text[range.clone()];
        let start = range.start + (text.len() - text.trim_start_matches([' ', '\t']).len());
        start..start + text.trim_matches([' ', '\t']).len()
    }
}

const FORM: &str = "a line is `CONFIG_NAME=value`, `# CONFIG_NAME is not set`, or a comment that starts with `#`";

/// The longest prefix of `text` that can be the name of a symbol.
fn name_of(text: &str) -> &str {
    let end = text.bytes().position(|byte| !(byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-'));
    &text[..end.unwrap_or(text.len())]
}

fn is_tristate(text: &str) -> bool {
    matches!(text, "y" | "m" | "n")
}

/// Whether `text` is a number as Kconfig's `int` or `hex` takes it.
fn is_number(text: &str) -> bool {
    let decimal = text.strip_prefix('-').unwrap_or(text);
    let hex = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")).unwrap_or(text);
    let all = |digits: &str, digit: fn(&u8) -> bool| !digits.is_empty() && digits.as_bytes().iter().all(digit);
    all(decimal, u8::is_ascii_digit) || all(hex, u8::is_ascii_hexdigit)
}

/// Reads a string's content up to its closing quote; also returns the length read, quote included.
fn unescape(text: &str) -> Option<(String, usize)> {
    let mut value = String::new();
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return Some((value, at + 1)),
            '\\' => value.push(chars.next()?.1),
            other => value.push(other),
        }
    }
    None
}

#[cfg(test)]
mod tests;
