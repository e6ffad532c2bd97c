//! Damage that is noticed while the store is used: one line for the user, and a list for `kiln store verify`.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use crate::progress::{Progress, Silent};

/// A damaged part of a store.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fault {
    /// Its path from the store's top.
    pub path: PathBuf,
    /// What is wrong with it, as a clause.
    pub why: String,
}

/// Passes on and remembers what was found damaged and has been mended.
#[derive(Clone)]
pub(crate) struct Report {
    progress: Arc<dyn Progress + Send>,
    mended: Arc<Mutex<Vec<Fault>>>,
}

impl Report {
    /// Creates a report whose lines go to `progress`.
    pub(crate) fn new(progress: Arc<dyn Progress + Send>) -> Report {
        Report { progress, mended: Arc::default() }
    }

    /// Prints a line about `path`, which is `name` in the store, and remembers it. `remedy` is what is done about it.
    pub(crate) fn mended(&self, path: &Path, name: &str, damage: impl fmt::Display, remedy: &str) {
        let why = damage.to_string();
        tracing::warn!(path = %path.display(), %why, "damaged in the store");
        self.progress.note(&format!("{} in the store is damaged: {why}; {remedy}", path.display()));
        let fault = Fault { path: PathBuf::from(name), why };
        self.mended.lock().unwrap_or_else(PoisonError::into_inner).push(fault);
    }

    /// Returns all that was mended so far.
    pub(crate) fn faults(&self) -> Vec<Fault> {
        self.mended.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Default for Report {
    fn default() -> Report {
        Report::new(Arc::new(Silent))
    }
}

impl fmt::Debug for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Report").field("mended", &self.mended).finish_non_exhaustive()
    }
}
