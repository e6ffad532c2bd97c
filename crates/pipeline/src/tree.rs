//! The first stage: a kernel's source, fetched and patched.

use std::path::{Path, PathBuf};

use kiln_fetch::patch;
use kiln_kbuild::makefiles;
use kiln_kbuild::version::kernel_version;
use kiln_makefile::ModuleRules;
use kiln_plan::evaluate::Kernel as KernelWish;
use kiln_plan::{KernelVersion, Key, SourceSpec};

use crate::error::PipelineError;
use crate::session::Session;

/// A kernel's source, fetched and patched.
#[derive(Debug, Clone)]
pub struct Tree {
    /// Where it is; it must not be changed.
    pub path: PathBuf,
    /// Stands for everything in it.
    pub key: Key,
    /// Stands for the source before its patches.
    pub source: Key,
    /// Where exactly it came from, for people.
    pub origin: String,
    /// What its makefile says.
    pub version: KernelVersion,
}

/// Fetches the source without its patches; for a recipe whose conditions hang on the kernel's version.
///
/// # Errors
/// Any [`PipelineError`] of the source.
pub fn source_version(session: &Session<'_>, spec: &SourceSpec) -> Result<KernelVersion, PipelineError> {
    version_of(&kiln_fetch::fetch(&session.fetch(), spec)?.tree)
}

/// Fetches the source and applies what the recipe applies to it.
///
/// # Errors
/// Any [`PipelineError`] of sources and patches.
pub fn tree(session: &Session<'_>, wish: &KernelWish) -> Result<Tree, PipelineError> {
    let spec = wish.src.as_ref().ok_or(PipelineError::NoSource)?;
    let fetched = kiln_fetch::fetch(&session.fetch(), &spec.value)?;
    let origin = fetched.origin.to_string();
    let mut patches = Vec::new();
    for pattern in &wish.patches {
        patches.extend(patch::expand(&pattern.dir, std::slice::from_ref(&pattern.pattern))?);
    }
    let patched = patch::apply(&session.fetch(), &fetched, &patches, &wish.extra_patch_phase)?;
    let version = version_of(&patched.tree)?;
    Ok(Tree { path: patched.tree, key: patched.key, source: fetched.key, origin, version })
}

fn version_of(tree: &Path) -> Result<KernelVersion, PipelineError> {
    KernelVersion::parse(&kernel_version(tree)?).map_err(PipelineError::OddVersion)
}

/// What the tree's makefiles build.
///
/// # Errors
/// A makefile cannot be read.
pub fn module_rules(tree: &Tree) -> Result<ModuleRules, PipelineError> {
    makefiles::read(&tree.path).map_err(|(path, source)| PipelineError::Read { path, source })
}
