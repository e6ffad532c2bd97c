//! The sources of extra modules: their directories, and the keys of their contents.

use std::path::PathBuf;

use kiln_plan::Key;
use kiln_store::{Store, tree_key};

use super::ExtraModulesError;

/// The source of one or more modules.
#[derive(Debug, Clone)]
pub struct ExtraSource {
    /// As the recipe names it, for people.
    pub name: String,
    /// Its top directory.
    pub tree: PathBuf,
    /// The owner of that directory.
    pub place: Where,
    /// The directory in it that has the makefile; empty for the top.
    pub below: String,
    /// Variables for `make`, as `NAME=VALUE`.
    pub variables: Vec<String>,
    /// The key of everything in `tree`.
    pub key: Key,
}

/// The owner of a directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Where {
    /// The user's: the source may refer to neighboring directories.
    Folder,
    /// The store's.
    Store,
}

impl ExtraSource {
    /// Returns the settings that the key has in addition to the contents.
    pub(super) fn settings(&self) -> String {
        format!("{}\n{}", self.below, self.variables.join("\n"))
    }

    /// Computes the key of the contents again, if the user can change them.
    pub(super) fn look_again(&mut self, store: &Store) -> Result<(), ExtraModulesError> {
        if self.place == Where::Folder {
            self.key = tree_key(store, &self.tree)?;
        }
        Ok(())
    }

    /// Returns the directory with the makefile.
    pub fn folder(&self) -> PathBuf {
        if self.below.is_empty() { self.tree.clone() } else { self.tree.join(&self.below) }
    }
}
