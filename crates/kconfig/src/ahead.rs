//! Which shell commands a tree will ask, before any is run.
//!
//! Macros are expanded while a text is read, one after another, so a parser that runs each `$(shell)` as it meets it
//! cannot run two at once. But most commands do not depend on each other's answers, so a first reading finds them.

use std::collections::BTreeSet;

use crate::{Dialect, Files, Host, parser};

/// Stands in a text for an answer that is not known. No answer has it: for the C program an answer ends there.
pub(crate) const UNKNOWN: u8 = 0;

/// Takes the commands of a reading.
pub(crate) struct Ahead<'a> {
    answer: &'a mut dyn FnMut(&[u8]) -> Option<Vec<u8>>,
    asked: Vec<Vec<u8>>,
    known: BTreeSet<Vec<u8>>,
}

/// Lists the shell commands that [`Model::parse`](crate::Model::parse) will ask of its host, as far as they are certain.
///
/// `answer` is asked for each command once its text is known, with the standard output that an earlier run gave; for
/// `None` the command is among those returned, each once, in the order in which they are asked. A command whose text
/// holds an answer that is not there yet is left out: run what is returned, on as many cores as there are, remember the
/// answers and call again, until nothing is returned. Two or three rounds are usual. Of `host` only variables are asked.
///
/// The list ends early where the text goes on in a way that depends on an answer that is not there yet (the name of a
/// file or of a variable), or is wrong. What it leaves out is asked of the host when the tree is parsed.
///
/// ```
/// # use std::collections::BTreeMap;
/// # use std::sync::Arc;
/// # use kiln_kconfig::{Dialect, Host, commands_ahead};
/// # struct Machine;
/// # impl Host for Machine {
/// #     fn variable(&self, name: &str) -> Option<Vec<u8>> { None }
/// #     fn shell(&self, command: &[u8]) -> Result<Vec<u8>, String> { unreachable!() }
/// # }
/// # fn run(command: &[u8]) -> Vec<u8> { if command == b"cc --version" { b"12\n".to_vec() } else { vec![] } }
/// let text = "major := $(shell,cc --version)\nminor := $(shell,cc --minor)\nflag := $(shell,probe $(major))\n";
/// let files = |name: &str| (name == "Kconfig").then(|| Arc::from(text.as_bytes()));
/// let mut known: BTreeMap<Vec<u8>, Vec<u8>> = BTreeMap::new();
/// let mut rounds = Vec::new();
/// loop {
///     let commands =
///         commands_ahead("Kconfig", &files, &Machine, Dialect::NEWEST, &mut |command| known.get(command).cloned());
///     if commands.is_empty() {
///         break;
///     }
///     known.extend(commands.iter().map(|command| (command.clone(), run(command))));
///     rounds.push(commands.iter().map(|command| String::from_utf8_lossy(command).into_owned()).collect::<Vec<_>>());
/// }
/// assert_eq!(rounds, [vec!["cc --version", "cc --minor"], vec!["probe 12"]]);
/// ```
pub fn commands_ahead(
    entry: &str,
    files: &dyn Files,
    host: &dyn Host,
    dialect: Dialect,
    answer: &mut dyn FnMut(&[u8]) -> Option<Vec<u8>>,
) -> Vec<Vec<u8>> {
    let ahead = Ahead { answer, asked: Vec::new(), known: BTreeSet::new() };
    parser::read_ahead(entry, files, host, dialect, ahead)
}

impl Ahead<'_> {
    /// The answer to a command, when there is one already.
    pub(crate) fn ask(&mut self, command: &[u8]) -> Option<Vec<u8>> {
        if command.contains(&UNKNOWN) || self.known.contains(command) {
            return None;
        }
        let answer = (self.answer)(command);
        if answer.is_none() {
            self.known.insert(command.to_vec());
            self.asked.push(command.to_vec());
        }
        answer
    }

    /// The commands without an answer.
    pub(crate) fn asked(self) -> Vec<Vec<u8>> {
        self.asked
    }
}
