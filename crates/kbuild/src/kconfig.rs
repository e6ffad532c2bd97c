//! The environment of the Kconfig engine: the files of a tree, variables, and shell commands that run in parallel.
//!
//! [`Machine`] supplies what a tree's Kconfig files read, for any tree; [`Machine::linux`] sets the variables that a
//! kernel's makefiles would. Most of the time to parse Kconfig goes into its `$(shell)` commands: those whose text is
//! certain are run ahead on all cores, and their output can be cached in a store ([`Probes`]), so that a second run
//! starts no process.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use kiln_exec::{ExecError, Sandbox};
use kiln_kconfig::{Dialect, Environment, Files, Host, Linux, Messages, Model, Programs, commands_ahead};
use kiln_store::Store;

use crate::version::{VersionError, kernel_version};

mod probes;
mod program;

pub use probes::Probes;

/// The files, variables and commands that the Kconfig files of one tree can read.
#[derive(Debug)]
pub struct Machine {
    srctree: PathBuf,
    current: PathBuf,
    variables: BTreeMap<String, Vec<u8>>,
    texts: BTreeMap<String, Arc<[u8]>>,
    probes: Probes,
    /// The names of all files that were asked for.
    read: Mutex<BTreeSet<String>>,
    /// The directory of the sources of the project's own `conf`.
    program: Option<PathBuf>,
}

/// The inputs that determine the variables of a kernel's Kconfig.
#[derive(Debug, Clone, Copy)]
pub struct LinuxTree<'a> {
    /// The tree.
    pub srctree: &'a Path,
    /// `ARCH`: `x86_64`, `arm64`, …
    pub arch: &'a str,
    /// The names of the tools.
    pub programs: &'a Programs,
    /// The C compiler; the default is that of `programs`.
    pub cc: Option<&'a str>,
    /// The linker; the default is that of `programs`.
    pub ld: Option<&'a str>,
    /// The Rust compiler; the default is `rustc`.
    pub rustc: Option<&'a str>,
    /// The directories in which programs are looked up.
    pub path: &'a OsStr,
    /// The limits of the commands that Kconfig files run.
    pub sandbox: &'a Sandbox,
}

/// Why a kernel's Kconfig files cannot be parsed.
#[derive(Debug, thiserror::Error)]
pub enum MachineError {
    /// The tree has no version.
    #[error(transparent)]
    Version(#[from] VersionError),
    /// The tree's makefiles have no flags for clang.
    #[error("Linux {version} cannot be built with `{cc}` for {arch}: {why}")]
    Clang {
        /// The tree's version.
        version: String,
        /// The compiler.
        cc: String,
        /// `ARCH`.
        arch: String,
        /// The missing feature, as a clause.
        why: &'static str,
    },
}

impl Machine {
    /// Creates a machine for any project's tree: its Kconfig files see `variables`, commands run in `current`, and
    /// nothing is cached.
    ///
    /// Files are looked up in `current` and then in `srctree`, as the C program does.
    pub fn new(srctree: &Path, current: &Path, variables: BTreeMap<String, Vec<u8>>) -> Machine {
        let probes = Probes::new(current, &variables);
        Machine {
            srctree: srctree.to_owned(),
            current: current.to_owned(),
            variables,
            texts: BTreeMap::new(),
            probes,
            read: Mutex::default(),
            program: program::directory(srctree),
        }
    }

    /// Creates a machine for a kernel's tree. The output of commands is cached in `memory` until a tool changes.
    ///
    /// `more` are variables of the caller that override those that the kernel's makefiles set.
    /// # Errors
    /// The tree has no version, or its makefiles cannot use the compiler.
    pub fn linux(
        tree: &LinuxTree<'_>,
        current: &Path,
        more: &BTreeMap<String, Vec<u8>>,
        memory: Option<&Store>,
    ) -> Result<Machine, MachineError> {
        let version = kernel_version(tree.srctree)?;
        let mut linux = Linux {
            arch: tree.arch,
            srctree: &tree.srctree.to_string_lossy(),
            version: &version,
            programs: tree.programs,
            cc: tree.cc,
            ld: tree.ld,
            cc_version: "",
            clang_flags: "",
            rustc_version: "",
            host: std::env::consts::ARCH,
        };
        let variables = |linux: &Linux<'_>| -> BTreeMap<String, Vec<u8>> {
            let set = Environment::linux(linux).variables.into_iter().map(|(name, value)| (name, value.into_bytes()));
            let path = ("PATH".to_owned(), tree.path.as_bytes().to_vec());
            set.chain([path]).chain(more.iter().map(|(name, value)| (name.clone(), value.clone()))).collect()
        };
        let mut machine = Machine::new(tree.srctree, current, variables(&linux));
        machine.probes.confine(tree.sandbox, tree.srctree);
        if let Some(store) = memory {
            machine.probes.remember(store);
        }
        let commands = [("CC", tree.cc), ("RUSTC", tree.rustc)].map(|(variable, program)| {
            let named = machine.variables.get(variable).map(|value| String::from_utf8_lossy(value).into_owned());
            let program = program.map(str::to_owned).or(named).unwrap_or_default();
            format!("LC_ALL=C {program} --version 2>/dev/null").into_bytes()
        });
        if !commands.iter().all(|command| machine.probes.knows(command)) {
            // A command that cannot be run is reported when its output is requested below.
            let _ = machine.probes.ahead(&mut |answer| commands.iter().filter(|at| answer(at).is_none()).count());
        }
        let [cc, rustc] = commands.map(|command| {
            // A missing program prints nothing; Kconfig interprets that.
            let said = machine.probes.ask(&command).unwrap_or_default();
            String::from_utf8_lossy(&said).lines().next().unwrap_or_default().to_owned()
        });
        (linux.cc_version, linux.rustc_version) = (&cc, &rustc);
        let clang_flags;
        // The kernel's top makefile recognizes clang in the same way.
        if cc.contains("clang") && !more.contains_key("CLANG_FLAGS") {
            let name = linux.cc.map_or_else(|| linux.programs.name("gcc"), str::to_owned);
            let refused =
                |why| MachineError::Clang { version: version.clone(), cc: name, arch: tree.arch.to_owned(), why };
            clang_flags = machine.clang_flags(tree).map_err(refused)?;
            linux.clang_flags = &clang_flags;
        }
        let variables = variables(&linux);
        machine.probes.set_variables(&variables);
        machine.variables = variables;
        Ok(machine)
    }

    /// Returns the arguments that clang is called with in addition to the kernel's own flags, from the tree's makefile.
    ///
    /// # Errors
    /// Returns what the tree lacks.
    /// # Source
    /// `scripts/Makefile.clang`, which decides by `SRCARCH`, `SUBARCH`, `CROSS_COMPILE` and `LLVM_IAS`.
    fn clang_flags(&self, tree: &LinuxTree<'_>) -> Result<String, &'static str> {
        let makefile = tree.srctree.join("scripts/Makefile.clang");
        if !makefile.is_file() {
            return Err("it has no scripts/Makefile.clang, which 5.15 and later have");
        }
        if matches!(tree.programs, Programs::Llvm { value } if value.starts_with('-')) {
            let top = kiln_file::read(tree.srctree.join("Makefile")).unwrap_or_default();
            if !String::from_utf8_lossy(&top).contains("LLVM_SUFFIX") {
                return Err("its makefiles do not support a version of LLVM, which 5.18 and later do");
            }
        }
        let lines = ["CLANG_FLAGS :=", &format!("include {}", makefile.display()), "$(info $(CLANG_FLAGS))", "all: ;"];
        let lines: String = lines.iter().map(|line| format!(" '{line}'")).collect();
        let command = format!("printf '%s\\n'{lines} | make -s -f - 2>/dev/null");
        let said = self.probes.ask(command.as_bytes()).unwrap_or_default();
        let flags = String::from_utf8_lossy(&said).trim().to_owned();
        if flags.is_empty() { Err("its scripts/Makefile.clang has no target for that") } else { Ok(flags) }
    }

    /// Adds a file that exists only in memory.
    #[must_use]
    pub fn with_text(mut self, name: &str, text: impl Into<Arc<[u8]>>) -> Machine {
        self.texts.insert(name.to_owned(), text.into());
        self
    }

    /// Sets a variable that only the engine reads; the variables of commands are unchanged.
    #[must_use]
    pub fn with_variable(mut self, name: &str, value: &[u8]) -> Machine {
        self.variables.insert(name.to_owned(), value.to_vec());
        self
    }

    /// Reads the rules of the language from the sources of `conf` in this directory.
    #[must_use]
    pub fn with_program(mut self, directory: &Path) -> Machine {
        self.program = Some(directory.to_owned());
        self
    }

    /// Returns the rules of the tree's version of the language, from the sources of its own `conf`; `None` when there
    /// are none, and the newest rules hold.
    pub fn known_dialect(&self) -> Option<Dialect> {
        program::dialect(self.program.as_deref()?)
    }

    /// Returns the rules of the tree's version of the language.
    pub fn dialect(&self) -> Dialect {
        self.known_dialect().unwrap_or(Dialect::NEWEST)
    }

    /// Returns the paths that the cached output of commands depends on; `None` when nothing is cached.
    pub fn depends_on(&self) -> Option<Vec<PathBuf>> {
        self.probes.depends_on()
    }

    /// Returns the paths in the tree of all files that were read so far, or looked for.
    pub fn files_read(&self) -> Vec<PathBuf> {
        let read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        read.iter().map(|name| self.srctree.join(name)).collect()
    }

    /// Parses the tree from `entry`, with its commands run ahead.
    ///
    /// # Errors
    /// A command could not be run, or the user interrupted it. Errors in the tree are among the messages.
    pub fn parse(&self, entry: &str) -> Result<(Option<Model>, Messages), ExecError> {
        let dialect = self.dialect();
        // When all answers are cached, reading the tree once is enough; otherwise the first missing one ends the parse.
        self.probes.only_known(true);
        let parsed = Model::parse(entry, self, self, dialect);
        if !self.probes.only_known(false) {
            self.probes.settled()?;
            return Ok(parsed);
        }
        let texts = Texts { files: self, read: RefCell::default() };
        self.probes.ahead(&mut |answer| commands_ahead(entry, &texts, self, dialect, answer).len())?;
        let parsed = Model::parse(entry, &texts, self, dialect);
        self.probes.settled()?;
        Ok(parsed)
    }
}

/// Texts that are read once, however often they are requested.
struct Texts<'a> {
    files: &'a Machine,
    read: RefCell<BTreeMap<String, Option<Arc<[u8]>>>>,
}

impl Files for Texts<'_> {
    fn read(&self, name: &str) -> Option<Arc<[u8]>> {
        if let Some(known) = self.read.borrow().get(name) {
            return known.clone();
        }
        let text = self.files.read(name);
        self.read.borrow_mut().insert(name.to_owned(), text.clone());
        text
    }

    fn list(&self, directory: &str) -> Vec<String> {
        self.files.list(directory)
    }
}

impl Files for Machine {
    fn read(&self, name: &str) -> Option<Arc<[u8]>> {
        if let Some(text) = self.texts.get(name) {
            return Some(Arc::clone(text));
        }
        self.read.lock().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned());
        let places = [self.current.join(name), self.srctree.join(name)];
        places.iter().find_map(|path| kiln_file::read(path).ok()).map(Arc::from)
    }

    fn list(&self, directory: &str) -> Vec<String> {
        let entries = std::fs::read_dir(self.current.join(directory)).into_iter().flatten();
        entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok()).collect()
    }
}

impl Host for Machine {
    fn variable(&self, name: &str) -> Option<Vec<u8>> {
        self.variables.get(name).cloned()
    }

    fn shell(&self, command: &[u8]) -> Result<Vec<u8>, String> {
        self.probes.ask(command)
    }
}
