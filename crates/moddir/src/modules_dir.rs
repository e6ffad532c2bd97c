//! The directory of a release's modules, read from disk into a graph.
//!
//! Files are read in parallel, and of each only the parts that contain facts.
//! Directories are walked in byte-wise order of the names, so that nothing depends on how a file system lists them.

mod source;
mod walk;

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

use kiln_diag::Diagnostics;
use kiln_modgraph::read::ReadError;
use kiln_modgraph::{Graph, Inputs, KernelSymbols, Layout, ModuleInfo, fold};
use rayon::prelude::*;

use source::{Buffers, Folder};

pub use source::FileSource;
pub use walk::{FoundModule, Oddity, walk};

/// The modules of a release.
#[derive(Debug)]
pub struct ModulesDir {
    /// All modules with their dependencies.
    pub graph: Graph,
    /// Irregularities of the modules; warnings only.
    pub findings: Diagnostics,
    /// Entries of the directory that are no files or cannot be read.
    pub oddities: Vec<Oddity>,
}

/// Why a directory of modules cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ModulesDirError {
    /// The directory, or one of the lists in it, cannot be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// The directory or the file.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// Some modules are broken.
    #[error("{}", lines(.0))]
    Broken(Vec<ReadError>),
}

/// The three lists that Kbuild writes beside the modules; `None` for one that is not there.
#[derive(Debug)]
pub(crate) struct Lists {
    pub(crate) order: Option<Vec<u8>>,
    pub(crate) builtin: Option<Vec<u8>>,
    pub(crate) builtin_modinfo: Option<Vec<u8>>,
}

/// Reads all modules below `dir` (`lib/modules/RELEASE`) and joins them.
///
/// `kernel_symbols` are the exports of the image, from its `Module.symvers`.
///
/// # Errors
/// [`ModulesDirError::Broken`] with all files that are no modules, when there is any.
pub fn read_modules_dir(dir: &Path, kernel_symbols: Option<KernelSymbols>) -> Result<ModulesDir, ModulesDirError> {
    read_with_updates(dir, &[], kernel_symbols)
}

/// The same with modules from another directory, which replace those in `dir` of the same name, as modules below
/// `updates` do.
///
/// # Errors
/// As [`read_modules_dir`].
pub fn read_with_updates(
    dir: &Path,
    updates: &[FoundModule],
    kernel_symbols: Option<KernelSymbols>,
) -> Result<ModulesDir, ModulesDirError> {
    let failed = |source| ModulesDirError::Read { path: dir.to_owned(), source };
    let (mut found, oddities) = walk(dir, &[]).map_err(failed)?;
    let name = |module: &FoundModule| fold(module.path.rsplit('/').next().unwrap_or_default());
    let newer: BTreeSet<String> = updates.iter().map(name).collect();
    found.retain(|module| !newer.contains(&name(module)));
    found.extend(updates.iter().cloned());
    let (modules, broken) = read_all(&found, Layout::V30);
    if !broken.is_empty() {
        return Err(ModulesDirError::Broken(broken));
    }
    let lists = Lists::read(dir)?;
    let (graph, findings) = Graph::build(lists.inputs(modules, kernel_symbols, Layout::V30));
    Ok(ModulesDir { graph, findings, oddities })
}

/// Reads the facts of all files as kmod of this layout does; one that is no module stays in the list with its name only.
pub(crate) fn read_all(found: &[FoundModule], layout: Layout) -> (Vec<ModuleInfo>, Vec<ReadError>) {
    let folders: Vec<&[FoundModule]> = found.chunk_by(|a, b| a.file.parent() == b.file.parent()).collect();
    let read: Vec<(ModuleInfo, Option<ReadError>)> = folders
        .par_iter()
        .flat_map_iter(|modules| {
            let folder = Folder::open(modules.first().and_then(|module| module.file.parent()));
            let mut buffers = Buffers::default();
            let read = |module: &FoundModule| match read_one(&folder, module, layout, &mut buffers) {
                Ok(info) => (info, None),
                Err(error) => (ModuleInfo::unreadable(&module.path), Some(error)),
            };
            modules.iter().map(read).collect::<Vec<_>>()
        })
        .collect();
    let (modules, broken): (Vec<_>, Vec<_>) = read.into_iter().unzip();
    (modules, broken.into_iter().flatten().collect())
}

fn read_one(
    folder: &Folder,
    module: &FoundModule,
    layout: Layout,
    buffers: &mut Buffers,
) -> Result<ModuleInfo, ReadError> {
    let path = || module.file.display().to_string();
    let source = folder.file(&module.file, std::mem::take(buffers));
    let source = source.map_err(|error| ReadError { path: path(), fault: error.into() })?;
    let info = kiln_modgraph::read::module_as(&module.path, &source, layout);
    *buffers = source.into_buffers();
    info.map_err(|error| ReadError { path: path(), ..error })
}

impl Lists {
    pub(crate) fn read(dir: &Path) -> Result<Lists, ModulesDirError> {
        Ok(Lists {
            order: optional(dir.join("modules.order"))?,
            builtin: optional(dir.join("modules.builtin"))?,
            builtin_modinfo: optional(dir.join("modules.builtin.modinfo"))?,
        })
    }

    pub(crate) fn inputs(
        &self,
        modules: Vec<ModuleInfo>,
        kernel_symbols: Option<KernelSymbols>,
        layout: Layout,
    ) -> Inputs<'_> {
        Inputs {
            modules,
            order: self.order.as_deref(),
            builtin: self.builtin.as_deref(),
            builtin_modinfo: self.builtin_modinfo.as_deref(),
            kernel_symbols,
            layout,
        }
    }
}

fn optional(path: PathBuf) -> Result<Option<Vec<u8>>, ModulesDirError> {
    match kiln_file::read(&path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(ModulesDirError::Read { path, source }),
    }
}

fn lines(errors: &[ReadError]) -> String {
    let lines: Vec<String> = errors.iter().map(|error| format!("{error}: {}", error.fault)).collect();
    lines.join("\n")
}

#[cfg(test)]
mod tests;
