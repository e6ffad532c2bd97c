//! Shell commands of Kconfig files, run in parallel and cached.
//!
//! The cache is keyed by the variables that the commands see, and is valid as long as the tools are unchanged
//! ([`watch`]).

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use kiln_exec::{Exec, ExecError, ProcessGroup, Sandbox, interrupted};
use kiln_store::cache::{self, Answers};
use kiln_store::{Sealed, Store};

use crate::watch;

/// The interval at which running commands check for an interrupt.
const TICK: Duration = Duration::from_millis(50);
/// Variables that no tool's answer depends on.
const PASSING: [&str; 8] = ["COLUMNS", "LINES", "LS_COLORS", "OLDPWD", "PWD", "SHLVL", "TERM", "_"];

/// Returns the answer to a command when it is known.
pub(super) type Answer<'a> = dyn FnMut(&[u8]) -> Option<Vec<u8>> + 'a;

/// Runs commands and keeps the answers of those that were run.
#[derive(Debug)]
pub struct Probes {
    dir: PathBuf,
    variables: Vec<(OsString, OsString)>,
    state: Mutex<State>,
    changed: Condvar,
    memory: Option<Sealed>,
    /// The limits of commands, and the tree that they may read.
    sandbox: Sandbox,
    srctree: PathBuf,
}

#[derive(Debug, Default)]
struct State {
    known: Answers,
    /// Whether there are answers that the cache file does not have.
    is_news: bool,
    waiting: VecDeque<Vec<u8>>,
    asked: BTreeSet<Vec<u8>>,
    n_running: usize,
    finished: bool,
    /// Whether commands without a known answer are refused, and whether one was.
    only_known: bool,
    refused: bool,
    failed: Option<ExecError>,
}

impl Probes {
    /// Creates probes whose commands run in `dir` and see `variables`.
    pub(super) fn new(dir: &Path, variables: &BTreeMap<String, Vec<u8>>) -> Probes {
        let mut probes = Probes {
            dir: dir.to_owned(),
            variables: Vec::new(),
            state: Mutex::default(),
            changed: Condvar::new(),
            memory: None,
            sandbox: Sandbox::off(),
            srctree: dir.to_owned(),
        };
        probes.set_variables(variables);
        probes
    }

    /// Sets the variables that commands see from now on; the key of the cache remains that of the first variables.
    pub(super) fn set_variables(&mut self, variables: &BTreeMap<String, Vec<u8>>) {
        let os = |bytes: &[u8]| OsStr::from_bytes(bytes).to_owned();
        self.variables = variables.iter().map(|(name, value)| (os(name.as_bytes()), os(value))).collect();
    }

    /// Limits the commands: they read `srctree`, and write to their directory.
    pub(super) fn confine(&mut self, sandbox: &Sandbox, srctree: &Path) {
        self.sandbox = sandbox.clone();
        self.srctree = srctree.to_owned();
    }

    /// Loads the answers that `store` has for these variables, and sets where new ones will be stored.
    pub(super) fn remember(&mut self, store: &Store) {
        let mut hasher = blake3::Hasher::new();
        for (name, value) in &self.variables {
            let passing = name.to_str().is_some_and(|name| name.starts_with("KCONFIG_") || PASSING.contains(&name));
            if !passing {
                for bytes in [name.as_bytes(), b"\0", value.as_bytes(), b"\0"] {
                    hasher.update(bytes);
                }
            }
        }
        // Without the cache every command runs, which is slow but correct.
        let Ok(file) = store.cached("probes", &hasher.finalize().to_hex().as_str()[..32]) else { return };
        self.state.get_mut().unwrap_or_else(PoisonError::into_inner).known = cache::recall(&file);
        self.memory = Some(file);
    }

    /// Returns the answer to a command: what it prints on standard output, up to the first NUL.
    ///
    /// # Errors
    /// Returns in a sentence why it could not be run; [`Probes::settled`] returns the error itself.
    pub(super) fn ask(&self, command: &[u8]) -> Result<Vec<u8>, String> {
        let mut state = self.lock();
        if let Some(known) = state.known.get(command) {
            return Ok(known.clone());
        }
        if state.only_known {
            state.refused = true;
            return Err("its answer is not known yet".to_owned());
        }
        drop(state);
        let output = self.exec().arg("-c").arg(OsStr::from_bytes(command)).capture();
        let mut state = self.lock();
        match output {
            Ok(output) => {
                state.learn(command, &output.stdout);
                Ok(state.known[command].clone())
            }
            Err(error) => {
                let text = error.to_string();
                state.failed.get_or_insert(error);
                Err(text)
            }
        }
    }

    /// Sets whether a command without a known answer is refused instead of run; returns whether any was.
    pub(super) fn only_known(&self, only: bool) -> bool {
        let mut state = self.lock();
        state.only_known = only;
        std::mem::take(&mut state.refused)
    }

    /// Whether the answer to a command is known.
    pub(super) fn knows(&self, command: &[u8]) -> bool {
        self.lock().known.contains_key(command)
    }

    /// Runs the commands that `round` requests on all cores meanwhile, and calls it again until it has all answers.
    ///
    /// `round` returns how many commands it had no answer for. It is also called again when a core is idle and there is
    /// a new answer: a slow command must not delay those that do not wait for it.
    pub(super) fn ahead(&self, round: &mut dyn FnMut(&mut Answer<'_>) -> usize) -> Result<(), ExecError> {
        let n_workers = thread::available_parallelism().map_or(1, usize::from);
        let group = ProcessGroup::new()?;
        thread::scope(|scope| {
            for _ in 0..n_workers {
                scope.spawn(|| self.work(&group));
            }
            loop {
                let n_known = self.lock().known.len();
                let n_open = round(&mut |command| {
                    let mut state = self.lock();
                    let known = state.known.get(command).cloned();
                    if known.is_none() && state.asked.insert(command.to_vec()) {
                        state.waiting.push_back(command.to_vec());
                        self.changed.notify_one();
                    }
                    known
                });
                let mut state = self.lock();
                while state.failed.is_none() && n_open > 0 && !state.is_starved(n_workers, n_known) {
                    state = self.changed.wait_timeout(state, TICK).unwrap_or_else(PoisonError::into_inner).0;
                    if let Err(interrupt) = interrupted() {
                        state.failed.get_or_insert(interrupt.into());
                    }
                }
                if n_open == 0 || state.failed.is_some() {
                    state.finished = true;
                    state.waiting.clear();
                    group.end();
                    self.changed.notify_all();
                    break;
                }
            }
        });
        let mut state = self.lock();
        state.finished = false;
        state.asked.clear();
        state.failed.take().map_or(Ok(()), Err)
    }

    /// Ends a parse: stores new answers.
    pub(super) fn settled(&self) -> Result<(), ExecError> {
        let mut state = self.lock();
        if let Some(error) = state.failed.take() {
            return Err(error);
        }
        if let Some(file) = self.memory.as_ref().filter(|_| state.is_news) {
            let paths = watch::of_commands(state.known.keys().map(Vec::as_slice), &self.variables, &self.dir);
            cache::keep(file, paths, &state.known);
            state.is_news = false;
        }
        Ok(())
    }

    /// Returns the paths that the cache watches; `None` when there is no cache, or it does not have all answers.
    pub(super) fn depends_on(&self) -> Option<Vec<PathBuf>> {
        if self.lock().is_news {
            return None;
        }
        cache::watched(self.memory.as_ref()?)
    }

    /// Runs commands until there are no more.
    fn work(&self, group: &ProcessGroup) {
        let mut state = self.lock();
        loop {
            if let Some(command) = state.waiting.pop_front() {
                state.n_running += 1;
                drop(state);
                let answer = group.stdout(&self.exec().arg("-c").arg(OsStr::from_bytes(&command)));
                state = self.lock();
                state.n_running -= 1;
                // The output of a command that was ended early has no meaning.
                if !state.finished {
                    match answer {
                        Ok(stdout) => state.learn(&command, &stdout),
                        Err(error) => {
                            state.failed.get_or_insert(error);
                        }
                    }
                }
                self.changed.notify_all();
            } else if state.finished {
                return;
            } else {
                state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
            }
        }
    }

    fn exec(&self) -> Exec {
        Exec::new("/bin/sh").dir(&self.dir).envs(self.variables.iter().map(|(name, value)| (name, value))).confined(
            &self.sandbox,
            &[&self.srctree],
            &[&self.dir],
        )
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Keeps the answer of a command that printed `stdout`.
    fn learn(&mut self, command: &[u8], stdout: &[u8]) {
        let answer = stdout.split(|byte| *byte == 0).next().unwrap_or_default();
        self.is_news |= self.known.insert(command.to_vec(), answer.to_vec()).is_none();
    }

    /// Whether another round is of use: cores are idle, and either nothing runs or more than `n_known` is known.
    fn is_starved(&self, n_workers: usize, n_known: usize) -> bool {
        let n_busy = self.n_running + self.waiting.len();
        n_busy == 0 || (n_busy < n_workers && self.known.len() > n_known)
    }
}

#[cfg(test)]
mod tests;
