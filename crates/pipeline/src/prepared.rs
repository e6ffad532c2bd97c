//! The first stage: a recipe with its source fetched and patched.

use std::path::{Path, PathBuf};

use kiln_fetch::patch;
use kiln_kbuild::makefiles;
use kiln_kbuild::version::kernel_version;
use kiln_makefile::ModuleRules;
use kiln_plan::evaluate::Evaluated;
use kiln_plan::{KernelVersion, Key, SourceSpec};

use crate::error::PipelineError;
use crate::session::Session;

/// A kernel's source, fetched and patched.
#[derive(Debug, Clone)]
pub struct Tree {
    /// Its directory, which must not be changed.
    pub path: PathBuf,
    /// The key of its content.
    pub key: Key,
    /// The key of the source before its patches.
    pub source: Key,
    /// The exact origin, for people.
    pub origin: String,
    /// The version in its makefile.
    pub version: KernelVersion,
}

/// A recipe with its source fetched and patched.
#[derive(Clone)]
pub struct Prepared<'a> {
    /// The store, the host and the receiver of progress.
    pub session: Session<'a>,
    /// The lowered recipe.
    pub recipe: &'a Evaluated,
    /// The source.
    pub tree: Tree,
}

impl<'a> Session<'a> {
    /// Fetches the source without its patches, for a recipe whose conditions depend on the kernel's version.
    ///
    /// # Errors
    /// Any [`PipelineError`] of the source.
    pub fn source_version(&self, spec: &SourceSpec) -> Result<KernelVersion, PipelineError> {
        version_of(&kiln_fetch::fetch(&self.fetch(), spec)?.tree)
    }

    /// Fetches the source of a recipe and applies its patches.
    ///
    /// # Errors
    /// Any [`PipelineError`] of sources and patches.
    pub fn prepare(&self, recipe: &'a Evaluated) -> Result<Prepared<'a>, PipelineError> {
        let kernel = &recipe.kernel;
        let spec = kernel.src.as_ref().ok_or(PipelineError::NoSource)?;
        let fetched = kiln_fetch::fetch(&self.fetch(), &spec.value)?;
        let origin = fetched.origin.to_string();
        let mut patches = Vec::new();
        for pattern in &kernel.patches {
            patches.extend(patch::expand(&pattern.dir, std::slice::from_ref(&pattern.pattern))?);
        }
        let patched = patch::apply(&self.fetch(), &fetched, &patches, &kernel.extra_patch_phase)?;
        let version = version_of(&patched.tree)?;
        let tree = Tree { path: patched.tree, key: patched.key, source: fetched.key, origin, version };
        Ok(Prepared { session: *self, recipe, tree })
    }
}

impl Prepared<'_> {
    /// Makes a tree in the store again when one of its files was changed: the key stands for the tree as it was made, and
    /// so would what is read from it now. Returns whether it was damaged.
    ///
    /// # Errors
    /// Any [`PipelineError`] of sources and patches.
    pub(crate) fn mend_tree(&self) -> Result<bool, PipelineError> {
        let Session { store, progress, .. } = self.session;
        let damage = store.damaged(&self.tree.path);
        if let Some(damage) = &damage {
            progress.note(&format!("{} in the store is damaged: {damage}; it is made again", self.tree.path.display()));
            store.forget(&self.tree.path)?;
            self.session.prepare(self.recipe)?;
        }
        Ok(damage.is_some())
    }

    /// Reads which modules the tree's makefiles build.
    ///
    /// # Errors
    /// A makefile cannot be read.
    pub fn module_rules(&self) -> Result<ModuleRules, PipelineError> {
        makefiles::read(&self.tree.path).map_err(|(path, source)| PipelineError::Read { path, source })
    }
}

fn version_of(tree: &Path) -> Result<KernelVersion, PipelineError> {
    KernelVersion::parse(&kernel_version(tree)?).map_err(PipelineError::OddVersion)
}
