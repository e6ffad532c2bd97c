//! Kconfig fragments: files of `CONFIG_X=y` lines in which a user requests values.
//!
//! A fragment is read as `scripts/kconfig/merge_config.sh` and then `conf` read it. These skip what they do not
//! understand, mostly without a word; here each line that looks like a setting and is not one is a warning. Nothing here
//! knows which symbols exist or their types.

mod amend;
mod unset;
mod value;

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

/// The rule of the tree's `conf` for text after `# CONFIG_X is not set`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AfterUnset {
    /// The line sets the symbol to `n` all the same (before Linux 6.8).
    Ignored,
    /// The line is a comment (since Linux 6.8).
    MakesComment,
    /// The tree is not known yet.
    Unknown,
}

/// The contents of a fragment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fragment {
    /// One per symbol, in the order of the symbols' winning lines.
    pub assignments: Vec<Assignment>,
    /// Lines that look like settings and are none, and symbols that are set twice. All are warnings.
    pub diagnostics: Diagnostics,
    /// Whether a line depends on [`AfterUnset`] and was read with [`AfterUnset::Unknown`], as a setting.
    pub needs_rule: bool,
}

/// Reads a fragment.
///
/// Lines are `CONFIG_X=VALUE`, `# CONFIG_X is not set`, other comments, or blank; they end with a newline or CRLF.
/// When a symbol is set more than once the last line wins, with a warning.
/// # Source
/// `conf_read_simple` in scripts/kconfig/confdata.c.
pub fn parse(file: FileId, text: &str, rule: AfterUnset) -> Fragment {
    let mut reader =
        Reader { file, text, rule, assignments: BTreeMap::new(), diagnostics: Diagnostics::new(), needs_rule: false };
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        // A carriage return belongs to the end of a line only before a newline.
        let body = line.strip_suffix('\n').map(|body| body.strip_suffix('\r').unwrap_or(body)).unwrap_or(line);
        reader.line(start..start + body.len());
        start += line.len();
    }
    let mut assignments: Vec<Assignment> = reader.assignments.into_values().collect();
    assignments.sort_by_key(|assignment| assignment.symbol_span.start);
    Fragment { assignments, diagnostics: reader.diagnostics, needs_rule: reader.needs_rule }
}

struct Reader<'a> {
    file: FileId,
    text: &'a str,
    rule: AfterUnset,
    assignments: BTreeMap<&'a str, Assignment>,
    diagnostics: Diagnostics,
    needs_rule: bool,
}

const PREFIX: &str = "CONFIG_";

impl<'a> Reader<'a> {
    fn line(&mut self, range: Range<usize>) {
        let line = &self.text[range.clone()];
        if line.starts_with('#') {
            self.comment(range);
        } else if let Some(rest) = line.strip_prefix(PREFIX) {
            self.assignment(range, rest);
        } else {
            self.stray(range);
        }
    }

    /// `# CONFIG_X is not set` is a request; any other comment is none.
    fn comment(&mut self, range: Range<usize>) {
        let comment = &self.text[range.start + 1..range.end];
        let Some(unset) = unset::find(comment) else { return };
        let words = range.start + 1 + unset.words.start..range.start + 1 + unset.words.end;
        let name = &comment[unset.name.clone()];
        let whole = range.start + 1 + unset.name.start - PREFIX.len()..words.end;
        let exact = format!("# {PREFIX}{name} is not set");
        match (unset.form, self.rule) {
            (unset::Form::Exact, _) | (unset::Form::Followed, AfterUnset::Ignored) => {}
            (unset::Form::Followed, AfterUnset::Unknown) => {
                self.needs_rule = true;
                let message = "Linux before 6.8 reads this line as `n`, later versions as a comment";
                self.warn(whole, message, &format!("write only `{exact}`"));
            }
            (unset::Form::Followed, AfterUnset::MakesComment) => {
                let message = "since Linux 6.8 text after `is not set` makes the line a comment, so it has no effect";
                self.warn(whole, message, &format!("write only `{exact}`"));
                return;
            }
            (unset::Form::Similar, _) => {
                self.warn(
                    whole,
                    "Kconfig reads this line as a comment, so it has no effect",
                    &format!("write `{exact}`"),
                );
                return;
            }
        }
        self.set(range.start + 1 + unset.name.start - PREFIX.len(), name, Value::bare("n", words));
    }

    fn assignment(&mut self, range: Range<usize>, rest: &'a str) {
        let Some((name, text)) = rest.split_once('=') else {
            self.warn(range, "not a setting: Kconfig ignores this line", FORM);
            return;
        };
        let left = range.start..range.start + PREFIX.len() + name.len();
        if name.is_empty() || name_of(name).len() != name.len() {
            let is_spaced = !name.trim_end().is_empty() && name_of(name.trim_end()).len() == name.trim_end().len();
            let help = if is_spaced {
                format!("write `{PREFIX}{}={}`, without blanks around `=`", name.trim_end(), text.trim())
            } else {
                "a name has letters, digits, `_` and `-`".to_owned()
            };
            self.warn(left, "not the name of a symbol: Kconfig ignores this line", &help);
            return;
        }
        let at = left.end + 1;
        match value::read(text) {
            Ok(read) => {
                if let Some((tail, help)) = read.ignored {
                    self.warn(at + tail.start..at + tail.end, "Kconfig ignores this part of the value", &help);
                }
                let span = at + read.written.start..at + read.written.end;
                self.set(range.start, name, Value { text: read.value, quoted: read.quoted, range: span });
            }
            Err(help) => self.warn(at..range.end, "not a value: Kconfig ignores this line", &help),
        }
    }

    /// Warns of a line that has no prefix at its start; blank lines are fine.
    fn stray(&mut self, range: Range<usize>) {
        let line = &self.text[range.clone()];
        let bare = line.trim_start_matches('\u{feff}').trim();
        if bare.is_empty() {
            return;
        }
        let start = range.start + line.find(bare).unwrap_or(0);
        let range = start..start + bare.len();
        let is_indented = bare.len() != line.trim_end().len();
        let help = if line.starts_with('\u{feff}') && (bare.starts_with(PREFIX) || bare.starts_with('#')) {
            if bare.starts_with('#') && unset::find(&bare[1..]).is_none() {
                return;
            }
            "the file starts with a byte order mark, which Kconfig takes for a part of its first line; remove it"
                .to_owned()
        } else if is_indented && bare.starts_with(PREFIX) {
            "a setting starts at the start of its line; remove the blanks".to_owned()
        } else if let Some(comment) = bare.strip_prefix('#') {
            if unset::find(comment).is_none() {
                return;
            }
            "a setting starts at the start of its line; remove the blanks".to_owned()
        } else {
            match bare.split_once('=').map(|(name, _)| name.trim_end()) {
                Some(name) if !name.is_empty() && name_of(name).len() == name.len() => {
                    format!("in a fragment the name has its prefix: `{PREFIX}{name}`")
                }
                _ => FORM.to_owned(),
            }
        };
        self.warn(range, "not a setting: Kconfig ignores this line", &help);
    }

    fn set(&mut self, start: usize, name: &'a str, value: Value) {
        let symbol_span = Span::new(self.file, start..start + PREFIX.len() + name.len());
        let value_span = Span::new(self.file, value.range);
        let assignment =
            Assignment { symbol: name.to_owned(), symbol_span, value: value.text, quoted: value.quoted, value_span };
        let Some(earlier) = self.assignments.insert(name, assignment) else { return };
        let message = format!("`{PREFIX}{name}` is set more than once; the last line holds");
        self.diagnostics.push(
            Diagnostic::warning(Code::FragmentDuplicate, message)
                .label(symbol_span, "this one holds")
                .label(earlier.symbol_span, "this one has no effect"),
        );
    }

    fn warn(&mut self, range: Range<usize>, message: &str, help: &str) {
        let span = Span::new(self.file, range);
        self.diagnostics.push(Diagnostic::warning(Code::FragmentSyntax, message).label(span, "").help(help));
    }
}

/// A value, and its place in the text.
struct Value {
    text: String,
    quoted: bool,
    range: Range<usize>,
}

impl Value {
    fn bare(text: &str, range: Range<usize>) -> Value {
        Value { text: text.to_owned(), quoted: false, range }
    }
}

const FORM: &str = "a line is `CONFIG_NAME=value`, `# CONFIG_NAME is not set`, or a comment that starts with `#`";

/// The longest prefix of `text` that can be the name of a symbol.
fn name_of(text: &str) -> &str {
    let end = text.bytes().position(|byte| !(byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-'));
    &text[..end.unwrap_or(text.len())]
}

#[cfg(test)]
mod tests;
