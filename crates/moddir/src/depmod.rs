//! `depmod`: from a directory of modules to its indexes.
//!
//! Follows kmod 30 in what is read and written; where that depends on the order in which a file system lists files,
//! the byte-wise smaller path wins, and a warning says so.

mod config;
mod select;

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use kiln_modgraph::{DepmodError, Graph, KernelSymbols, Layout, module_name};

use crate::modules_dir::{self, FoundModule, Lists, ModulesDirError};

pub use config::{Config, ConfigError};

/// The input of [`depmod`].
#[derive(Debug)]
pub struct DepmodInput<'a> {
    /// The directory of the release's modules.
    pub dir: &'a Path,
    /// The release.
    pub version: &'a str,
    /// The settings of `depmod.d`.
    pub config: &'a Config,
    /// Absolute paths of the only modules to read; `None` for all below the directory.
    pub only: Option<Vec<PathBuf>>,
    /// The exports of the kernel image, for warnings about symbols that nothing exports.
    pub kernel_symbols: Option<KernelSymbols>,
    /// The version of the file format to write.
    pub layout: Layout,
}

/// The result of [`depmod`].
#[derive(Debug)]
pub struct DepmodOutput {
    /// Names and contents of the files, in the order in which they are written.
    pub files: Vec<(&'static str, Vec<u8>)>,
    /// All modules.
    pub graph: Graph,
    /// Irregularities, a line each, and whether each makes a module useless.
    pub messages: Vec<Message>,
}

/// One line about an irregularity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Whether a module is lost or useless because of it.
    pub error: bool,
    /// The line.
    pub text: String,
}

/// Why there are no indexes.
#[derive(Debug, thiserror::Error)]
pub enum DepmodFailure {
    /// The modules cannot be found or read.
    #[error("could not search modules")]
    Search(#[source] ModulesDirError),
    /// A file that was named does not exist.
    #[error("could not create module {}", path.display())]
    NoFile {
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// Two files that were named are the same module.
    #[error("could not add module {}: {} is the module {name} too", path.display(), first.display())]
    Twice {
        /// The module.
        name: String,
        /// The later file.
        path: PathBuf,
        /// The earlier file.
        first: PathBuf,
    },
    /// The modules cannot be indexed.
    #[error(transparent)]
    Index(#[from] DepmodError),
    /// A file cannot be written.
    #[error("cannot write {}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
}

/// Whether `version` begins like a kernel's: two numbers with a dot between.
pub fn is_version(version: &str) -> bool {
    let Some((major, rest)) = version.split_once('.') else { return false };
    !major.is_empty()
        && major.bytes().all(|byte| byte.is_ascii_digit())
        && rest.starts_with(|c: char| c.is_ascii_digit())
}

/// Reads the modules and makes the indexes, without writing anything.
///
/// # Errors
/// [`DepmodFailure`]; broken modules are messages, as in `depmod`, but a named file that does not exist is an error.
pub fn depmod(input: DepmodInput<'_>) -> Result<DepmodOutput, DepmodFailure> {
    let mut messages = Vec::new();
    let mut error = |text: String| messages.push(Message { error: true, text });
    let found = match &input.only {
        Some(files) => named(input.dir, files)?,
        None => {
            let failed = |source| ModulesDirError::Read { path: input.dir.to_owned(), source };
            let walked = modules_dir::walk(input.dir, &input.config.exclude);
            let (mut found, oddities) = walked.map_err(failed).map_err(DepmodFailure::Search)?;
            oddities.iter().for_each(|oddity| error(oddity.to_string()));
            for dir in input.config.external(input.version) {
                // A directory that does not exist is skipped.
                if let Ok((outside, oddities)) = modules_dir::walk(&dir, &input.config.exclude) {
                    oddities.iter().for_each(|oddity| error(oddity.to_string()));
                    found.extend(outside.into_iter().map(absolute));
                }
            }
            found
        }
    };
    let (found, ties) = select::one_of_each(found, input.dir, input.version, input.config);
    messages.extend(ties.into_iter().map(|text| Message { error: false, text }));
    let (modules, broken) = modules_dir::read_all(&found, input.layout);
    let lost = |error: &kiln_modgraph::read::ReadError| format!("{error}: {}", error.fault);
    messages.extend(broken.iter().map(|error| Message { error: true, text: lost(error) }));
    let lists = Lists::read(input.dir).map_err(DepmodFailure::Search)?;
    let (graph, findings) = Graph::build(lists.inputs(modules, input.kernel_symbols, input.layout));
    messages.extend(findings.iter().map(|finding| Message { error: false, text: finding.message.clone() }));
    messages.extend(missing_lists(&lists, input.dir));
    messages.extend(odd_modinfo(&graph));
    let files = kiln_modgraph::depmod(&graph, input.layout)?;
    Ok(DepmodOutput { files, graph, messages })
}

/// Whether `modules.dep` in `dir` is at least as new as all modules and their directories.
pub fn is_fresh(dir: &Path, exclude: &[String]) -> bool {
    let modified = |path: &Path| std::fs::metadata(path).and_then(|metadata| metadata.modified()).ok();
    let (Some(made), Ok((found, _))) = (modified(&dir.join("modules.dep")), modules_dir::walk(dir, exclude)) else {
        return false;
    };
    let older = |path: &Path| modified(path).is_some_and(|changed| changed <= made);
    // The directory of the release itself changed when the indexes were written.
    found
        .iter()
        .all(|module| older(&module.file) && module.file.parent().is_none_or(|folder| folder == dir || older(folder)))
}

/// Writes the files into `dir`, each under a temporary name that is then renamed.
///
/// # Errors
/// [`DepmodFailure::Write`] at the first that fails; the existing file of that name stays.
pub fn write_indexes(dir: &Path, files: &[(&'static str, Vec<u8>)]) -> Result<(), DepmodFailure> {
    for (name, bytes) in files {
        let path = dir.join(name);
        write_one(dir, &path, bytes).map_err(|source| DepmodFailure::Write { path, source })?;
    }
    Ok(())
}

fn write_one(dir: &Path, path: &Path, bytes: &[u8]) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let mut file = tempfile::Builder::new().prefix(".modules.").tempfile_in(dir)?;
    file.write_all(bytes)?;
    file.as_file().set_permissions(std::fs::Permissions::from_mode(0o644))?;
    file.persist(path)?;
    Ok(())
}

/// Returns the named files, which have to exist and to be different modules.
fn named(dir: &Path, files: &[PathBuf]) -> Result<Vec<FoundModule>, DepmodFailure> {
    let mut first: BTreeMap<String, &PathBuf> = BTreeMap::new();
    for path in files {
        std::fs::metadata(path).map_err(|source| DepmodFailure::NoFile { path: path.clone(), source })?;
        let name = module_name(&path.to_string_lossy());
        if let Some(first) = first.insert(name.clone(), path) {
            return Err(DepmodFailure::Twice { name, path: path.clone(), first: first.clone() });
        }
    }
    Ok(files.iter().map(|file| found_at(dir, file)).collect())
}

/// Returns a file given by its path, relative when it lies in the directory of the release.
fn found_at(dir: &Path, file: &Path) -> FoundModule {
    let inside = file.strip_prefix(dir).unwrap_or(file);
    FoundModule { path: inside.to_string_lossy().into_owned(), file: file.to_owned() }
}

/// Returns a module from outside of the release's directory, with its absolute path.
fn absolute(module: FoundModule) -> FoundModule {
    FoundModule { path: module.file.to_string_lossy().into_owned(), ..module }
}

fn missing_lists(lists: &Lists, dir: &Path) -> Vec<Message> {
    let missing = [("modules.builtin", &lists.builtin), ("modules.builtin.modinfo", &lists.builtin_modinfo)];
    let line = |name: &str| format!("could not open {name} at {}: No such file or directory", dir.display());
    let missing = missing.iter().filter(|(_, list)| list.is_none());
    missing.map(|(name, _)| Message { error: false, text: line(name) }).collect()
}

fn odd_modinfo(graph: &Graph) -> Vec<Message> {
    let brackets = kiln_modgraph::bad_aliases(graph).into_iter();
    let brackets =
        brackets.map(|(path, alias)| Message { error: false, text: format!("Unmatched bracket in {alias} of {path}") });
    let devices = kiln_modgraph::bad_devnames(graph).into_iter().map(|(module, node)| Message {
        error: true,
        text: format!("Module '{module}' has devname ({node}) but lacks major and minor information. Ignoring."),
    });
    brackets.chain(devices).collect()
}

#[cfg(test)]
mod tests;
