//! `depmod`: from a folder of modules to its indexes.
//!
//! Follows kmod 30 in what is read and written; where that depends on the order in which a file system lists files,
//! the byte-wise smaller path wins, and a warning says so.

mod config;
mod select;

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use kiln_modgraph::{DepmodError, Graph, KernelSymbols, Layout};

use crate::modules_dir::{self, FoundModule, Lists, ModulesDirError};

pub use config::{Config, ConfigError};

/// What to make indexes of.
#[derive(Debug)]
pub struct DepmodInput<'a> {
    /// The folder of the release's modules.
    pub dir: &'a Path,
    /// The release.
    pub version: &'a str,
    /// What `depmod.d` says.
    pub config: &'a Config,
    /// Absolute paths of the modules to examine; `None` for all below the folder.
    pub only: Option<Vec<PathBuf>>,
    /// What the kernel image exports, for warnings about symbols that nobody has.
    pub kernel_symbols: Option<KernelSymbols>,
    /// Whose bytes to write.
    pub layout: Layout,
}

/// What came of it.
#[derive(Debug)]
pub struct DepmodOutput {
    /// Names and contents of the files, in the order in which they are written.
    pub files: Vec<(&'static str, Vec<u8>)>,
    /// All modules.
    pub graph: Graph,
    /// What is odd, a line each, and whether it makes a module useless.
    pub messages: Vec<Message>,
}

/// One line about something odd.
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
    /// The modules cannot be indexed.
    #[error(transparent)]
    Index(#[from] DepmodError),
    /// A file cannot be written.
    #[error("cannot write {}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system says.
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
/// [`DepmodFailure`]; broken modules are messages, as `depmod` has it.
pub fn depmod(input: DepmodInput<'_>) -> Result<DepmodOutput, DepmodFailure> {
    let mut messages = Vec::new();
    let mut error = |text: String| messages.push(Message { error: true, text });
    let found = match &input.only {
        Some(files) => files.iter().map(|file| found_at(input.dir, file)).collect(),
        None => {
            let failed = |source| ModulesDirError::Read { path: input.dir.to_owned(), source };
            let walked = modules_dir::walk(input.dir, &input.config.exclude);
            let (mut found, oddities) = walked.map_err(failed).map_err(DepmodFailure::Search)?;
            oddities.iter().for_each(|oddity| error(oddity.to_string()));
            for dir in input.config.external(input.version) {
                // A folder that is not there is passed over.
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
    let (modules, broken) = modules_dir::read_all(&found);
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

/// Whether `modules.dep` in `dir` is at least as new as all modules and their folders.
pub fn is_fresh(dir: &Path, exclude: &[String]) -> bool {
    let modified = |path: &Path| std::fs::metadata(path).and_then(|metadata| metadata.modified()).ok();
    let (Some(made), Ok((found, _))) = (modified(&dir.join("modules.dep")), modules_dir::walk(dir, exclude)) else {
        return false;
    };
    let older = |path: &Path| modified(path).is_some_and(|changed| changed <= made);
    // The folder of the release itself changed when the indexes were written.
    found
        .iter()
        .all(|module| older(&module.file) && module.file.parent().is_none_or(|folder| folder == dir || older(folder)))
}

/// Writes the files into `dir`, each beside its place and then renamed over it.
///
/// # Errors
/// [`DepmodFailure::Write`] at the first that fails; what was there under that name stays.
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

/// A file given by its path: relative when it lies in the folder of the release.
fn found_at(dir: &Path, file: &Path) -> FoundModule {
    let inside = file.strip_prefix(dir).unwrap_or(file);
    FoundModule { path: inside.to_string_lossy().into_owned(), file: file.to_owned() }
}

/// Modules from outside of the release's folder keep their absolute path.
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
