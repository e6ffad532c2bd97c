//! Where the sources of extra modules are, and what stands for their contents.

use std::path::PathBuf;

use kiln_plan::Key;
use kiln_store::{Store, tree_key};

use super::ExtraModulesError;

/// The source of one or more modules.
#[derive(Debug, Clone)]
pub struct ExtraSource {
    /// As the recipe names it, for people.
    pub name: String,
    /// Its top folder.
    pub tree: PathBuf,
    /// Where that is.
    pub place: Where,
    /// The folder in it that has the makefile; empty for the top.
    pub below: String,
    /// Variables for `make`, as `NAME=VALUE`.
    pub variables: Vec<String>,
    /// Stands for everything in `tree`.
    pub key: Key,
}

/// Whose a folder is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Where {
    /// The user's: its neighbours may matter to it.
    Folder,
    /// The store's.
    Store,
}

impl ExtraSource {
    /// What the key has beside the contents.
    pub(super) fn settings(&self) -> String {
        format!("{}\n{}", self.below, self.variables.join("\n"))
    }

    /// Names again what is in it, if it is the user's to change.
    pub(super) fn look_again(&mut self, store: &Store) -> Result<(), ExtraModulesError> {
        if self.place == Where::Folder {
            self.key = tree_key(store, &self.tree)?;
        }
        Ok(())
    }

    /// The folder with the makefile.
    pub fn folder(&self) -> PathBuf {
        if self.below.is_empty() { self.tree.clone() } else { self.tree.join(&self.below) }
    }
}
