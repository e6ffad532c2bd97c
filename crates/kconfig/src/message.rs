//! The engine's messages on the text it reads, as `conf` prints them and as data.

use std::fmt::{self, Display};
use std::sync::Arc;

use kiln_diag::{Code, Diagnostic, Diagnostics, Sources, Span};

use crate::Files;

/// The severity of a message, which decides where `conf` prints it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Printed on standard output; not a problem.
    Info,
    /// Printed on standard error; work continues.
    Warning,
    /// Printed on standard error; there is no result.
    Error,
}

/// A position in a text.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The text's name as Kconfig wrote it.
    pub file: Arc<str>,
    /// Line, from 1.
    pub line: u32,
    /// Column in bytes, from 1; 1 also when only the line is known.
    pub column: u32,
}

/// One message of parsing, reading or evaluating.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Its severity.
    pub level: Level,
    /// Stable name of the kind of message, in kebab case.
    pub code: &'static str,
    /// The position that it points at.
    pub place: Option<Place>,
    /// The sentence, without the place.
    pub text: String,
    printed: Vec<u8>,
}

/// Messages in the order in which they were made.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Messages {
    list: Vec<Message>,
}

impl Message {
    /// Returns the text that `conf` prints for it, newline included; empty when it prints nothing.
    pub fn printed(&self) -> &[u8] {
        &self.printed
    }

    /// Makes a message with its printed form, to which a newline is added.
    pub(crate) fn new(
        level: Level,
        code: &'static str,
        place: Option<Place>,
        text: &[u8],
        printed: Vec<u8>,
    ) -> Message {
        let text = String::from_utf8_lossy(text).into_owned();
        Message { level, code, place, text, printed }
    }
}

impl Messages {
    /// Makes an empty list.
    pub fn new() -> Messages {
        Messages::default()
    }

    /// Returns the messages in order.
    pub fn iter(&self) -> std::slice::Iter<'_, Message> {
        self.list.iter()
    }

    /// Whether there are no messages.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Whether any message is an error.
    pub fn has_errors(&self) -> bool {
        self.list.iter().any(|message| message.level == Level::Error)
    }

    /// Returns the text that `conf` prints on standard error.
    pub fn stderr(&self) -> Vec<u8> {
        self.list.iter().filter(|message| message.level != Level::Info).flat_map(|m| m.printed.clone()).collect()
    }

    /// Returns the text that `conf` prints on standard output.
    pub fn stdout(&self) -> Vec<u8> {
        self.list.iter().filter(|message| message.level == Level::Info).flat_map(|m| m.printed.clone()).collect()
    }

    /// Returns the warnings and errors as diagnostics; the texts they point into are read from `files` and added to
    /// `sources`.
    pub fn diagnostics(&self, files: &dyn Files, sources: &mut Sources) -> Diagnostics {
        let mut known = std::collections::BTreeMap::new();
        let mut diagnostics = Diagnostics::new();
        for message in self.list.iter().filter(|message| message.level != Level::Info) {
            let mut diagnostic = match message.level {
                Level::Error => Diagnostic::error(Code::KconfigError, message.text.clone()),
                _ => Diagnostic::warning(Code::KconfigWarning, message.text.clone()),
            };
            if let Some(place) = &message.place {
                let file = *known.entry(place.file.clone()).or_insert_with(|| {
                    let text = files.read(&place.file).unwrap_or_default();
                    sources.add(&*place.file, String::from_utf8_lossy(&text))
                });
                let line = sources.line_span(file, place.line);
                let start = (line.start as usize + place.column as usize - 1).min(line.end as usize);
                diagnostic = diagnostic.label(Span::new(file, start..line.end as usize), "");
            }
            diagnostics.push(diagnostic);
        }
        diagnostics
    }

    pub(crate) fn push(&mut self, message: Message) {
        self.list.push(message);
    }

    pub(crate) fn len(&self) -> usize {
        self.list.len()
    }

    pub(crate) fn truncate(&mut self, len: usize) {
        self.list.truncate(len);
    }

    pub(crate) fn retain(&mut self, keep: impl FnMut(&Message) -> bool) {
        self.list.retain(keep);
    }

    pub(crate) fn append(&mut self, mut other: Messages) {
        self.list.append(&mut other.list);
    }
}

impl<'a> IntoIterator for &'a Messages {
    type Item = &'a Message;
    type IntoIter = std::slice::Iter<'a, Message>;
    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.line, self.column)
    }
}

impl Display for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(place) = &self.place {
            write!(f, "{place}: ")?;
        }
        f.write_str(&self.text)
    }
}
