//! The guest's program: the steps, in order, and the shell text that drives them.
//!
//! ```text
//! release
//! cycle 1   every loader up, up again · its modules live · parameters · checks, cleanups
//!           every sharing loader down and up beside the others · all down, down again · all modules gone
//! cycle 2   a foreign module, loaded by hand · every loader up · every loader down · all gone but that one
//! aliases   modprobe by alias, and back
//! ```
//!
//! The shell functions that carry a step out are in `guest/init.sh`; the text made here only calls them, one line a step,
//! so that the order of steps is decided in one place and the guest decides nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{BuildHasher, Hasher};

use kiln_assembly::Providers;
use serde::{Deserialize, Serialize};

mod cycles;

/// The inputs of a program.
#[derive(Debug, Clone, Default)]
pub struct ProgramSpec {
    /// The expected output of `uname -r`.
    pub release: String,
    /// The loaders.
    pub loaders: Vec<Loader>,
    /// The user's checks, run in this order while all loaders are up.
    pub checks: Vec<Check>,
    /// Aliases that `modprobe` must resolve.
    pub aliases: Vec<Alias>,
    /// Whether the guest has kmod's `modprobe` next to busybox's.
    pub kmod: bool,
    /// The modules of the build by name and alias, for what the kernel requests.
    pub providers: Providers,
}

/// One loader of the result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loader {
    /// Its name; its script is `/lib/kmodloader/NAME`.
    pub name: String,
    /// Services that must be up first; those that are not loaders of this result are ignored.
    pub dependencies: Vec<String>,
    /// Its closure in load order.
    pub modules: Vec<LoaderModule>,
}

/// One module of a loader.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoaderModule {
    /// The kernel's name for it.
    pub name: String,
    /// Its file in the guest, from the root, without a leading slash.
    pub path: String,
    /// The parameters that it is loaded with, `name=value` words.
    pub parameters: String,
    /// Whether it has no exit function: once loaded it stays.
    pub stays: bool,
    /// Whether the loader continues without it.
    pub soft: bool,
}

/// One of the user's checks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// Its name in the verdict.
    pub name: String,
    /// Shell text; the first command that fails ends it.
    pub script: String,
    /// Shell text that releases what the check holds, so that modules can be removed.
    pub cleanup: Option<String>,
    /// Why it cannot be run on this machine, when it cannot.
    pub skipped: Option<String>,
}

/// An alias and the module that must be loaded by it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Alias {
    /// The name that is passed to `modprobe`.
    pub alias: String,
    /// The kernel's name of the module that it stands for.
    pub module: String,
}

/// The steps and the text that drives them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Program {
    /// The word that only the guest's program knows.
    pub nonce: String,
    /// The release that the guest must report.
    pub release: String,
    /// The steps in order; a step's place is its number in the guest's reports.
    pub steps: Vec<PlannedStep>,
    /// Shell text, sourced by the guest's program.
    pub plan: String,
    /// The checks' scripts: file name and text, cleanups included.
    pub scripts: BTreeMap<String, String>,
    /// The modules of the build by name and alias, for what the kernel requests.
    pub providers: Providers,
}

/// One step to come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedStep {
    /// What is done.
    pub name: StepName,
    /// The loader concerned.
    pub loader: Option<String>,
    /// The module concerned.
    pub module: Option<String>,
    /// The check, the alias, the parameter or the other loader concerned.
    pub subject: Option<String>,
    /// A parameter's requested value.
    pub value: Option<String>,
}

/// What a step does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StepName {
    /// The running kernel is the one that was built.
    Release,
    /// A loader starts.
    Up,
    /// A loader that is up starts once more.
    UpAgain,
    /// A loader reports that it is started, or that it is stopped.
    Status,
    /// A module is live.
    Live,
    /// A module's parameter has the requested value.
    Parameter,
    /// One of the user's checks.
    Check,
    /// What a check held is released.
    Cleanup,
    /// A loader stops while others are up.
    Stop,
    /// What another loader uses is still loaded.
    Kept,
    /// What no other loader uses has been removed.
    Released,
    /// A loader starts again while the others are up.
    Restart,
    /// A loader stops for good.
    Down,
    /// A loader that is down stops once more.
    DownAgain,
    /// A module has been removed.
    Gone,
    /// A module is loaded by something else.
    Foreign,
    /// A module that something else loaded is still there.
    ForeignKept,
    /// `modprobe` loads by alias and unloads.
    Alias,
}

/// Why no program can be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProgramError {
    /// The loaders wait for each other.
    #[error("the loaders depend on each other: {}", names.join(", "))]
    Cycle {
        /// Their names.
        names: Vec<String>,
    },
    /// Two loaders have one name.
    #[error("two loaders are named `{name}`")]
    Twice {
        /// The name.
        name: String,
    },
}

/// Returns a word that a guest's reports contain; a different one each time.
pub fn nonce() -> String {
    // The hasher's keys come from the system's source of randomness.
    let word = || std::hash::RandomState::new().build_hasher().finish();
    format!("{:016x}{:016x}", word(), word())
}

impl Program {
    /// Lays out the steps for `spec`; the guest's reports will carry `nonce`, a word of letters and digits.
    ///
    /// # Errors
    /// [`ProgramError`] when the loaders cannot be started in any order.
    pub fn plan(spec: &ProgramSpec, nonce: &str) -> Result<Program, ProgramError> {
        let order = start_order(&spec.loaders)?;
        let mut writer = Writer::new(nonce, spec);
        writer.step(StepName::Release, |step| step, &["release", &spec.release]);
        cycles::ours(&mut writer, spec, &order);
        cycles::somebody_elses(&mut writer, &order);
        cycles::aliases(&mut writer, spec);
        Ok(writer.finish())
    }
}

/// Returns loaders in an order in which each comes after what it depends on; among equals by name.
fn start_order(loaders: &[Loader]) -> Result<Vec<&Loader>, ProgramError> {
    let mut waiting: BTreeMap<&str, &Loader> = BTreeMap::new();
    for loader in loaders {
        if waiting.insert(&loader.name, loader).is_some() {
            return Err(ProgramError::Twice { name: loader.name.clone() });
        }
    }
    let mut order = Vec::new();
    while !waiting.is_empty() {
        let ready = waiting.values().find(|loader| {
            loader.dependencies.iter().all(|name| !waiting.contains_key(name.as_str()) || *name == loader.name)
        });
        let Some(&loader) = ready else {
            return Err(ProgramError::Cycle { names: waiting.keys().map(|&name| name.to_owned()).collect() });
        };
        waiting.remove(loader.name.as_str());
        order.push(loader);
    }
    Ok(order)
}

/// Steps and shell text as they are added.
struct Writer {
    program: Program,
}

impl Writer {
    fn new(nonce: &str, spec: &ProgramSpec) -> Writer {
        let stays: BTreeSet<&str> = spec
            .loaders
            .iter()
            .flat_map(|loader| &loader.modules)
            .filter(|m| m.stays)
            .map(|m| m.name.as_str())
            .collect();
        let stays = stays.into_iter().collect::<Vec<_>>().join(" ");
        let plan = format!("stays={}\n", quoted(&stays));
        let program = Program {
            nonce: nonce.to_owned(),
            release: spec.release.clone(),
            steps: Vec::new(),
            plan,
            scripts: BTreeMap::new(),
            providers: spec.providers.clone(),
        };
        Writer { program }
    }

    /// Adds a step that is carried out by the shell function `words[0]`, called with its number and the other words.
    fn step(&mut self, name: StepName, fill: impl FnOnce(PlannedStep) -> PlannedStep, words: &[&str]) {
        let number = self.program.steps.len();
        let step = PlannedStep { name, loader: None, module: None, subject: None, value: None };
        self.program.steps.push(fill(step));
        let arguments: Vec<String> = words[1..].iter().map(|word| quoted(word)).collect();
        self.line(&format!("step_{} {number} {}", words[0], arguments.join(" ")));
    }

    /// Adds a line that reports nothing.
    fn line(&mut self, text: &str) {
        self.program.plan.push_str(text.trim_end());
        self.program.plan.push('\n');
    }

    /// Adds a script and returns its name.
    fn script(&mut self, text: &str) -> String {
        let name = format!("{:03}.sh", self.program.scripts.len());
        self.program.scripts.insert(name.clone(), text.to_owned());
        name
    }

    fn finish(self) -> Program {
        self.program
    }
}

impl PlannedStep {
    fn loader(mut self, name: &str) -> PlannedStep {
        self.loader = Some(name.to_owned());
        self
    }

    fn module(mut self, name: &str) -> PlannedStep {
        self.module = Some(name.to_owned());
        self
    }

    fn subject(mut self, name: &str) -> PlannedStep {
        self.subject = Some(name.to_owned());
        self
    }

    fn value(mut self, value: &str) -> PlannedStep {
        self.value = Some(value.to_owned());
        self
    }
}

/// Quotes a word for the shell.
fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests;
