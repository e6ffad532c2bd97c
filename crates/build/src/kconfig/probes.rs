//! Shell commands that Kconfig files ask for, run side by side and remembered.
//!
//! What is remembered goes by the variables that the commands see, and holds as long as the tools do
//! ([`watch`](super::watch)).

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

use kiln_exec::{Exec, ExecError};

use super::watch;
use crate::Store;
use crate::memory::{self, Answers};

/// How many commands one shell runs before its answers come back.
const BATCH: usize = 4;
/// Runs each argument as the C program's `popen` does; an answer ends with NUL.
const SCRIPT: &str = "for command; do /bin/sh -c \"$command\" 2>/dev/null; printf '\\000'; done";
/// Variables that no tool's answer hangs on.
const PASSING: [&str; 8] = ["COLUMNS", "LINES", "LS_COLORS", "OLDPWD", "PWD", "SHLVL", "TERM", "_"];

/// Gives the answer to a command when it is known.
pub(super) type Answer<'a> = dyn FnMut(&[u8]) -> Option<Vec<u8>> + 'a;

/// Runs commands and knows the answers of those that were run.
#[derive(Debug)]
pub struct Probes {
    dir: PathBuf,
    variables: Vec<(OsString, OsString)>,
    state: Mutex<State>,
    changed: Condvar,
    memory: Option<PathBuf>,
}

#[derive(Debug, Default)]
struct State {
    known: Answers,
    /// Whether there are answers that the memory does not have.
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
    /// Commands that run in `dir` and see `variables`.
    pub(super) fn new(dir: &Path, variables: &BTreeMap<String, Vec<u8>>) -> Probes {
        let mut probes = Probes {
            dir: dir.to_owned(),
            variables: Vec::new(),
            state: Mutex::default(),
            changed: Condvar::new(),
            memory: None,
        };
        probes.set_variables(variables);
        probes
    }

    /// Sets what commands see from now on; the memory goes by what they saw at first.
    pub(super) fn set_variables(&mut self, variables: &BTreeMap<String, Vec<u8>>) {
        let os = |bytes: &[u8]| OsStr::from_bytes(bytes).to_owned();
        self.variables = variables.iter().map(|(name, value)| (os(name.as_bytes()), os(value))).collect();
    }

    /// Takes the answers that `store` remembers for these variables, and will keep new ones there.
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
        // Without the memory all is asked, which is slow and right.
        let Ok(folder) = store.cache("probes") else { return };
        let file = folder.join(&hasher.finalize().to_hex().as_str()[..32]);
        self.state.get_mut().unwrap_or_else(PoisonError::into_inner).known = memory::recall(&file);
        self.memory = Some(file);
    }

    /// The answer to a command: what it prints on standard output, up to the first NUL.
    ///
    /// # Errors
    /// Why it could not be run, in a sentence; [`Probes::settled`] has the error itself.
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
                let answer = output.stdout.split(|byte| *byte == 0).next().unwrap_or_default().to_vec();
                state.learn(command, answer.clone());
                Ok(answer)
            }
            Err(error) => {
                let text = error.to_string();
                state.failed.get_or_insert(error);
                Err(text)
            }
        }
    }

    /// Says whether a command without a known answer is refused instead of run; gives whether any was.
    pub(super) fn only_known(&self, only: bool) -> bool {
        let mut state = self.lock();
        state.only_known = only;
        std::mem::take(&mut state.refused)
    }

    /// Runs what `round` asks for on all cores while it asks, and calls it again until it asks for nothing new.
    ///
    /// `round` gives how many commands it had no answer for.
    pub(super) fn ahead(&self, round: &mut dyn FnMut(&mut Answer<'_>) -> usize) -> Result<(), ExecError> {
        let n_workers = thread::available_parallelism().map_or(1, usize::from);
        thread::scope(|scope| {
            for _ in 0..n_workers {
                scope.spawn(|| self.work());
            }
            loop {
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
                while state.failed.is_none() && (state.n_running > 0 || !state.waiting.is_empty()) {
                    state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
                }
                if n_open == 0 || state.failed.is_some() {
                    state.finished = true;
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

    /// Ends a parse: keeps what is new.
    pub(super) fn settled(&self) -> Result<(), ExecError> {
        let mut state = self.lock();
        if let Some(error) = state.failed.take() {
            return Err(error);
        }
        if let Some(file) = self.memory.as_ref().filter(|_| state.is_news) {
            let paths = watch::of_commands(state.known.keys().map(Vec::as_slice), &self.variables, &self.dir);
            memory::keep(file, paths, &state.known);
            state.is_news = false;
        }
        Ok(())
    }

    /// Takes commands until there are no more.
    fn work(&self) {
        let mut state = self.lock();
        loop {
            let n_taken = state.waiting.len().min(BATCH);
            let batch: Vec<Vec<u8>> = state.waiting.drain(..n_taken).collect();
            if !batch.is_empty() {
                state.n_running += 1;
                drop(state);
                let answers = self.run(&batch);
                state = self.lock();
                state.n_running -= 1;
                match answers {
                    Ok(answers) => {
                        for (command, answer) in batch.iter().zip(answers) {
                            state.learn(command, answer);
                        }
                    }
                    Err(error) => {
                        state.failed.get_or_insert(error);
                        state.waiting.clear();
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

    fn run(&self, batch: &[Vec<u8>]) -> Result<Vec<Vec<u8>>, ExecError> {
        let commands = batch.iter().map(|command| OsStr::from_bytes(command));
        let output = self.exec().args(["-c", SCRIPT, "sh"]).args(commands).capture()?;
        let answers: Vec<&[u8]> = output.stdout.split(|byte| *byte == 0).collect();
        if answers.len() == batch.len() + 1 {
            return Ok(answers[..batch.len()].iter().map(|answer| answer.to_vec()).collect());
        }
        // One of them printed NUL, or ended the shell that runs them: then each on its own.
        let one_by_one = batch.iter().map(|command| {
            let output = self.exec().arg("-c").arg(OsStr::from_bytes(command)).capture()?;
            Ok(output.stdout.split(|byte| *byte == 0).next().unwrap_or_default().to_vec())
        });
        one_by_one.collect()
    }

    fn exec(&self) -> Exec {
        Exec::new("/bin/sh").dir(&self.dir).envs(self.variables.iter().map(|(name, value)| (name, value)))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn learn(&mut self, command: &[u8], answer: Vec<u8>) {
        self.is_news |= self.known.insert(command.to_vec(), answer).is_none();
    }
}

#[cfg(test)]
mod tests;
