//! Shell commands that are known before any is run.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use kiln_kconfig::{Dialect, Host, Model, commands_ahead};

/// Answers a command with its text in upper case, and records it.
#[derive(Default)]
struct Machine {
    ran: RefCell<Vec<String>>,
}

impl Host for Machine {
    fn variable(&self, name: &str) -> Option<Vec<u8>> {
        (name == "CC").then(|| b"gcc".to_vec())
    }

    fn shell(&self, command: &[u8]) -> Result<Vec<u8>, String> {
        self.ran.borrow_mut().push(String::from_utf8_lossy(command).into_owned());
        Ok(answer(command))
    }
}

fn answer(command: &[u8]) -> Vec<u8> {
    match command {
        b"which folder" => b"sub\n".to_vec(),
        other => other.to_ascii_uppercase(),
    }
}

const TREE: &[(&str, &str)] = &[
    (
        "Kconfig",
        "\
success = $(shell,{ $(1); } && echo y)
cc-option = $(success,$(CC) $(1) -c)
cc-info := $(shell,$(CC) --version)
$(error-if,$(success,test -z \"$(cc-info)\"),no compiler)
cc-name := $(shell,name of $(cc-info))
name := $(shell,of a variable)
$(name) := $(cc-option,-never-asked)
",
    ),
    ("other", "config OTHER\n\tdef_bool $(cc-option,-m32)\n"),
    (
        "sound",
        "\
success = $(shell,{ $(1); } && echo y)
cc-option = $(success,$(CC) $(1) -c)
cc-info := $(shell,$(CC) --version)
$(error-if,$(success,test -z \"$(cc-info)\"),no compiler)
config A
\tdef_bool $(cc-option,-a)
\tdepends on $(cc-option,-a) || \"$(cc-option,-b) $(shell,which folder)\"
config B
\tint
\tdefault $(shell,version of $(cc-info))
\thelp
\t  $(shell,not this)
source \"$(shell,which folder)/Kconfig\"
",
    ),
    ("sub/Kconfig", "config C\n\tdef_bool $(cc-option,-c)\n\tdefault \"$($(cc-info))\"\n"),
];

fn files(name: &str) -> Option<Arc<[u8]>> {
    TREE.iter().find(|(known, _)| *known == name).map(|(_, text)| Arc::from(text.as_bytes()))
}

/// The commands of each round.
fn rounds(entry: &str, known: &mut BTreeMap<Vec<u8>, Vec<u8>>) -> Vec<Vec<String>> {
    let mut rounds = Vec::new();
    loop {
        let machine = Machine::default();
        let asked =
            commands_ahead(entry, &files, &machine, Dialect::NEWEST, &mut |command| known.get(command).cloned());
        assert!(machine.ran.borrow().is_empty(), "looking ahead runs nothing");
        if asked.is_empty() {
            return rounds;
        }
        rounds.push(asked.iter().map(|command| String::from_utf8_lossy(command).into_owned()).collect());
        known.extend(asked.into_iter().map(|command| (command.clone(), answer(&command))));
    }
}

#[test]
fn commands_that_wait_for_answers_come_in_later_rounds() {
    let mut known = BTreeMap::new();
    let rounds = rounds("sound", &mut known);
    let first = ["gcc --version", "{ gcc -a -c; } && echo y", "{ gcc -b -c; } && echo y", "which folder"];
    let second = ["{ test -z \"GCC --VERSION\"; } && echo y", "version of GCC --VERSION", "{ gcc -c -c; } && echo y"];
    assert_eq!(rounds, [first.to_vec(), second.to_vec()]);

    let machine = Machine::default();
    let (model, _) = Model::parse("sound", &files, &machine, Dialect::NEWEST);
    assert!(model.is_some());
    let asked: BTreeSet<Vec<u8>> = machine.ran.take().into_iter().map(String::into_bytes).collect();
    assert_eq!(asked, known.into_keys().collect(), "what was foreseen is what parsing asks");
}

#[test]
fn nothing_is_foreseen_behind_an_unknown_name() {
    let rounds = rounds("Kconfig", &mut BTreeMap::new());
    let first = ["gcc --version", "of a variable"];
    let second = ["{ test -z \"GCC --VERSION\"; } && echo y", "name of GCC --VERSION"];
    let [one, two, ..] = rounds.as_slice() else { panic!("two rounds at least: {rounds:?}") };
    assert_eq!(*one, first);
    assert_eq!(two[..2], second);
}
