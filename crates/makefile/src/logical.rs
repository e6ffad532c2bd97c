//! Logical lines: physical lines joined at backslashes, without comments.

use std::borrow::Cow;

use crate::reference::find_outside;

/// A line as make reads it.
#[derive(Debug, Clone)]
pub(crate) struct LogicalLine<'a> {
    /// The number of its first physical line, from 1.
    pub(crate) number: u32,
    /// Its first physical line, without the backslash that continues it.
    pub(crate) first: &'a str,
    /// The physical lines that continue it, without their backslashes.
    pub(crate) more: Vec<&'a str>,
}

/// Splits make text into logical lines.
///
/// A line continues when it ends in an odd number of backslashes: of two, the first escapes the second.
pub(crate) fn logical_lines(text: &str) -> impl Iterator<Item = LogicalLine<'_>> {
    let mut lines = text.lines().zip(1..);
    std::iter::from_fn(move || {
        let (line, number) = lines.next()?;
        let mut logical = LogicalLine { number, first: body(line).unwrap_or(line), more: Vec::new() };
        let mut goes_on = body(line).is_some();
        while goes_on {
            let Some((line, _)) = lines.next() else { break };
            logical.more.push(body(line).unwrap_or(line));
            goes_on = body(line).is_some();
        }
        Some(logical)
    })
}

/// Returns a continued line without its last backslash.
fn body(line: &str) -> Option<&str> {
    let n_backslashes = line.len() - line.trim_end_matches('\\').len();
    line.strip_suffix('\\').filter(|_| n_backslashes % 2 == 1)
}

impl<'a> LogicalLine<'a> {
    /// Returns the physical lines joined by single blanks, as the shell gets them in a recipe.
    pub(crate) fn joined(&self) -> Cow<'a, str> {
        if self.more.is_empty() {
            return Cow::Borrowed(self.first);
        }
        let mut joined = self.first.trim_end().to_owned();
        for piece in &self.more {
            joined.push(' ');
            joined.push_str(piece.trim());
        }
        Cow::Owned(joined)
    }

    /// Returns the line without its comment.
    pub(crate) fn text(&self) -> Cow<'a, str> {
        match self.joined() {
            Cow::Borrowed(text) => without_comment(text),
            Cow::Owned(text) => Cow::Owned(without_comment(&text).into_owned()),
        }
    }
}

/// Removes a comment. `\#` is a literal `#`, and a `#` in a reference does not start a comment.
///
/// # Source
/// GNU make's `src/read.c`, `remove_comments`, and the notes on its version 4.3.
fn without_comment(text: &str) -> Cow<'_, str> {
    if !text.contains('#') {
        return Cow::Borrowed(text);
    }
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = find_outside(rest, |c| c == '#') {
        let before = rest[..at].trim_end_matches('\\');
        let n_backslashes = at - before.len();
        out.push_str(before);
        out.extend(std::iter::repeat_n('\\', n_backslashes / 2));
        let is_escaped = n_backslashes % 2 == 1;
        if !is_escaped {
            return Cow::Owned(out);
        }
        out.push('#');
        rest = &rest[at + 1..];
    }
    out.push_str(rest);
    Cow::Owned(out)
}
