//! Continues in the file that a `source` statement names.

use std::sync::Arc;

use super::{Cursor, Fatal, Lexer, MAX_INCLUDE_DEPTH, MAX_INCLUDES, Suspended};
use crate::message::{Level, Message, Place};
use crate::model::File;

impl Lexer<'_> {
    /// Continues with another file. The current token must be the end of the `source` statement.
    pub(crate) fn include(&mut self, name: &[u8]) -> Result<(), Fatal> {
        let line = self.statement_line;
        let at = Place { file: self.file_name(), line, column: 1 };
        let shown = String::from_utf8_lossy(name).into_owned();
        let found = std::str::from_utf8(name).ok().and_then(|name| self.files.read(name));
        let Some(source) = found else {
            let message = format!("can't open file \"{shown}\"");
            return Err(self.macros.fatal("missing-file", message.as_bytes(), &at));
        };
        let is_open = |suspended: &Suspended| *self.opened[suspended.cursor.file as usize].name == *shown;
        if *at.file == *shown || self.stack.iter().any(is_open) {
            return Err(self.recursive_inclusion(&shown, &at));
        }
        self.includes += 1;
        if self.stack.len() >= MAX_INCLUDE_DEPTH || self.includes >= MAX_INCLUDES {
            return Err(self.macros.fatal("too-many-includes", b"too many files are included", &at));
        }
        if source.len() > u32::MAX as usize / 2 {
            return Err(self.macros.fatal("file-size", b"the included file is larger than 2 GiB", &at));
        }
        let name: Arc<str> = Arc::from(shown);
        let file = *self.by_name.entry(name.clone()).or_insert_with(|| {
            self.opened.push(File { name, text: source.clone() });
            self.opened.len() as u32 - 1
        });
        let cursor = Cursor { source, file, at: 0, line: 1, line_start: 0 };
        let suspended = std::mem::replace(&mut self.cursor, cursor);
        self.stack.push(Suspended { cursor: suspended, source_line: line });
        Ok(())
    }

    fn recursive_inclusion(&mut self, name: &str, at: &Place) -> Fatal {
        let mut printed = format!(
            "Recursive inclusion detected.\nInclusion path:\n  current file : {name}\n  included from: {}:{}\n",
            at.file, at.line
        );
        for suspended in self.stack.iter().rev() {
            let file = &self.opened[suspended.cursor.file as usize].name;
            printed += &format!("  included from: {file}:{}\n", suspended.source_line);
        }
        let text = format!("`{name}` includes itself");
        let message =
            Message::new(Level::Error, "recursive-inclusion", Some(at.clone()), text.as_bytes(), printed.into_bytes());
        self.macros.messages.push(message);
        Fatal
    }
}
