//! Where the sources of extra modules are, and what stands for their contents.

use std::path::{Path, PathBuf};

use kiln_diag::{Code, Diagnostic, Diagnostics};
use kiln_plan::evaluate::{ExtraModule, Located};
use kiln_plan::{Key, SourceSpec};

use super::ExtraModulesError;
use kiln_fetch::Fetch;
use kiln_store::Store;
use kiln_store::tree_key;

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

/// The names under which Kbuild looks for a makefile, in its order.
const MAKEFILES: [&str; 2] = ["Kbuild", "Makefile"];

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
    pub(super) fn folder(&self) -> PathBuf {
        if self.below.is_empty() { self.tree.clone() } else { self.tree.join(&self.below) }
    }
}

/// Fetches every source; a folder that is not there or holds no makefile is a finding.
///
/// # Errors
/// A source that cannot be fetched or read.
pub fn sources(
    fetch: &Fetch<'_>,
    wishes: &[Located<ExtraModule>],
) -> Result<(Vec<ExtraSource>, Diagnostics), ExtraModulesError> {
    let mut sources = Vec::new();
    let mut diagnostics = Diagnostics::new();
    for wish in wishes {
        let finding = |message: String| {
            Diagnostic::error(Code::BadExtraModule, message)
                .option("kernel.extraModules")
                .label(wish.origin, "asked for here")
        };
        let module = &wish.value;
        let name = module.src.to_string();
        let (tree, place, key) = match &module.src {
            SourceSpec::Path(path) if !path.exists() => {
                diagnostics.push(finding(format!("there is no `{}`", path.display())));
                continue;
            }
            SourceSpec::Path(path) if path.is_dir() => {
                let tree = std::fs::canonicalize(path)
                    .map_err(|source| ExtraModulesError::Io { path: path.clone(), source })?;
                let key = tree_key(fetch.store, &tree)?;
                (tree, Where::Folder, key)
            }
            spec => {
                let fetched = kiln_fetch::fetch(fetch, spec)?;
                (fetched.tree, Where::Store, fetched.key)
            }
        };
        let source = ExtraSource {
            name,
            tree,
            place,
            below: module.dir.clone().unwrap_or_default(),
            variables: module.variables.clone(),
            key,
        };
        if has_makefile(&source.folder()) {
            sources.push(source);
        } else {
            let below = if source.below.is_empty() { String::new() } else { format!(" in `{}`", source.below) };
            let message = format!("`{}` has neither `Kbuild` nor `Makefile`{below}", source.name);
            let help = "a module's makefile needs one line: `obj-m := NAME.o`; `dir` names the folder that has it";
            diagnostics.push(finding(message).help(help));
        }
    }
    Ok((sources, diagnostics))
}

fn has_makefile(folder: &Path) -> bool {
    MAKEFILES.iter().any(|name| folder.join(name).is_file())
}
