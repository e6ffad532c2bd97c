//! The sources of extra modules, fetched.

use std::io;
use std::path::{Path, PathBuf};

use kiln_diag::{Code, Diagnostic, Diagnostics, ErrorKind};
use kiln_fetch::{Fetch, SourceError};
use kiln_kbuild::extra_modules::{ExtraSource, Where};
use kiln_plan::SourceSpec;
use kiln_plan::evaluate::{ExtraModule, Located};
use kiln_store::directory::DirectoryError;
use kiln_store::tree_key;

/// The names under which Kbuild looks for a makefile, in its order.
const MAKEFILES: [&str; 2] = ["Kbuild", "Makefile"];

/// Why there are no sources of extra modules.
#[derive(Debug, thiserror::Error)]
pub enum ExtraSourcesError {
    /// A source could not be fetched.
    #[error("cannot get the source of an extra module")]
    Source(#[from] SourceError),
    /// A source could not be read.
    #[error(transparent)]
    Tree(#[from] DirectoryError),
    /// A directory could not be looked up.
    #[error("cannot access {}", path.display())]
    Io {
        /// The directory.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
}

impl ExtraSourcesError {
    /// Returns the side that has to act.
    pub fn kind(&self) -> ErrorKind {
        match self {
            ExtraSourcesError::Source(error) => error.kind(),
            ExtraSourcesError::Tree(_) | ExtraSourcesError::Io { .. } => ErrorKind::Host,
        }
    }
}

/// Fetches every source; a directory that does not exist or contains no makefile is a finding.
///
/// # Errors
/// A source that cannot be fetched or read.
pub(crate) fn sources(
    fetch: &Fetch<'_>,
    wishes: &[Located<ExtraModule>],
) -> Result<(Vec<ExtraSource>, Diagnostics), ExtraSourcesError> {
    let mut sources = Vec::new();
    let mut diagnostics = Diagnostics::new();
    for wish in wishes {
        let finding = |message: String| {
            Diagnostic::error(Code::BadExtraModule, message)
                .option("kernel.extraModules")
                .label(wish.origin, "requested here")
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
                    .map_err(|source| ExtraSourcesError::Io { path: path.clone(), source })?;
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
            let help = "a module's makefile needs one line: `obj-m := NAME.o`; `dir` names the directory that has it";
            diagnostics.push(finding(message).help(help));
        }
    }
    Ok((sources, diagnostics))
}

fn has_makefile(folder: &Path) -> bool {
    MAKEFILES.iter().any(|name| folder.join(name).is_file())
}
