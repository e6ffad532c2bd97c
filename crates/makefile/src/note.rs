//! Kbuild's note of how a product was made: the file `.NAME.cmd` next to `NAME`.
//!
//! ```text
//! savedcmd_PRODUCT := COMMAND            `cmd_PRODUCT` before Linux 6.2
//! source_PRODUCT := FILE                 only of what a compiler made
//! deps_PRODUCT := \
//!   FILE \                               a header
//!   $(wildcard include/config/SYMBOL) \  a symbol that the text of one of these files names
//! PRODUCT: $(deps_PRODUCT)
//! PRODUCT: $(wildcard TOOL)              a program that works on the product too
//! ```
//!
//! Before Linux 5.14 the symbol `NET_NS` is `include/config/net/ns.h`.

use std::collections::BTreeSet;

use crate::logical::logical_lines;
use crate::statement::{Assignment, Statement};

/// The content of one note. Paths are as Kbuild writes them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note<'a> {
    /// The command line that made it.
    pub command: &'a str,
    /// The source file of a compiled product.
    pub source: Option<&'a str>,
    /// Headers and tools that it depends on, in the note's order.
    pub files: Vec<&'a str>,
    /// Symbols that its source or a header names, without `CONFIG_`.
    pub symbols: BTreeSet<String>,
}

/// The directory in which Kbuild keeps an empty file for each symbol.
const SYMBOLS: &str = "include/config/";

impl<'a> Note<'a> {
    /// Parses a note; `None` when the text is not a note.
    ///
    /// # Source
    /// `scripts/basic/fixdep.c`, `scripts/Kbuild.include` (`cmd_and_fixdep`, `make-cmd`).
    pub fn parse(text: &'a str) -> Option<Note<'a>> {
        let mut note = Note { command: "", source: None, files: Vec::new(), symbols: BTreeSet::new() };
        let mut is_note = false;
        for line in logical_lines(text) {
            match Statement::parse(line.first) {
                Statement::Assignment(Assignment { name, value, .. }) => {
                    if name.starts_with("savedcmd_") || name.starts_with("cmd_") {
                        note.command = value;
                        is_note = true;
                    } else if name.starts_with("source_") {
                        note.source = Some(value);
                    } else if name.starts_with("deps_") {
                        note.take(value);
                        line.more.iter().for_each(|word| note.take(word.trim()));
                    }
                }
                // A tool that works on the product has a rule of its own.
                Statement::Rule { prerequisites, .. } if prerequisites.starts_with("$(wildcard ") => {
                    note.take(prerequisites)
                }
                _ => {}
            }
        }
        is_note.then_some(note)
    }

    /// Adds one word of the list: a file, or a symbol.
    fn take(&mut self, word: &'a str) {
        let word = word.strip_prefix("$(wildcard ").map_or(word, |inner| inner.trim_end_matches(')').trim());
        match word.find(SYMBOLS) {
            Some(at) => {
                let name = word[at + SYMBOLS.len()..].trim_end_matches(".h");
                self.symbols.insert(name.replace('/', "_").to_ascii_uppercase());
            }
            None if word.is_empty() => {}
            None => self.files.push(word),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_compiled_object() {
        let text = "savedcmd_a/b.o := gcc -DX=y := -c -o a/b.o /t/a/b.c ; ./tools/objtool/objtool a/b.o\n\n\
                    source_a/b.o := /t/a/b.c\n\ndeps_a/b.o := \\\n    $(wildcard include/config/NET_NS) \\\n  /t/include/c.h \\\n    \
                    $(wildcard include/config/64BIT) \\\n\na/b.o: $(deps_a/b.o)\n\n$(deps_a/b.o):\n\n\
                    a/b.o: $(wildcard ./tools/objtool/objtool)\n";
        let note = Note::parse(text).unwrap();
        assert_eq!(note.source, Some("/t/a/b.c"));
        assert_eq!(note.files, ["/t/include/c.h", "./tools/objtool/objtool"]);
        assert_eq!(note.symbols.into_iter().collect::<Vec<_>>(), ["64BIT", "NET_NS"]);
        assert!(note.command.starts_with("gcc -DX=y := -c"));
    }

    #[test]
    fn notes_of_older_kernels_and_of_links() {
        let note = Note::parse("cmd_a.o := ld -r -o a.o @a.mod\n").unwrap();
        assert_eq!((note.command, note.source), ("ld -r -o a.o @a.mod", None));
        let note = Note::parse("cmd_b.o := gcc\ndeps_b.o := \\\n    $(wildcard include/config/net/ns.h) \\\n").unwrap();
        assert_eq!(note.symbols.into_iter().collect::<Vec<_>>(), ["NET_NS"]);
        assert_eq!(Note::parse("b.o: b.c\n"), None);
        assert_eq!(Note::parse(""), None);
    }
}
