//! The shell commands that parsing a tree will run, known before any is run.
//!
//! Macros are expanded while a text is read, one after another, so a parser that runs each `$(shell)` as it meets it
//! cannot run two at once. But most commands do not depend on each other's output, so a first reading finds them.

use std::collections::BTreeSet;

use crate::{Dialect, Files, Host, parser};

/// Marks an unknown answer in a text. No real answer contains it: the C program ends an answer there.
pub(crate) const UNKNOWN: u8 = 0;

/// Collects the commands of a reading.
pub(crate) struct Ahead<'a> {
    answer: &'a mut dyn FnMut(&[u8]) -> Option<Vec<u8>>,
    asked: Vec<Vec<u8>>,
    known: BTreeSet<Vec<u8>>,
}

/// Returns the shell commands that [`Model::parse`](crate::Model::parse) will run through its host, as far as they are
/// certain.
///
/// `answer` is called for each command once its text is known, and returns the standard output of an earlier run. For
/// `None` the command is among those returned, each once, in the order in which they are run. A command whose text
/// contains an unknown answer is left out: run the returned commands, on as many cores as there are, keep the answers
/// and call again, until nothing is returned. Two or three rounds are usual. Only variables are read from `host`.
///
/// The list ends early where the rest of the text depends on an unknown answer (the name of a file or of a variable),
/// or where the text is wrong. The commands left out are run by the host when the tree is parsed.
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
    /// Returns the answer to a command, if it is known.
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

    /// Returns the commands without an answer.
    pub(crate) fn asked(self) -> Vec<Vec<u8>> {
        self.asked
    }
}
