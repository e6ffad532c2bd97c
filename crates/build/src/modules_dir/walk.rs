//! Finding the module files below a folder, as `depmod` does.

use std::ffi::OsString;
use std::fs::{self, FileType, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use kiln_modgraph::is_module_file;

/// A module file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundModule {
    /// Path relative to the folder that was walked.
    pub path: String,
    /// Where to open it.
    pub file: PathBuf,
}

/// An entry that is left out.
#[derive(Debug, thiserror::Error)]
pub enum Oddity {
    /// The entry cannot be looked at: a link that leads nowhere, a folder without permission.
    #[error("cannot read {}: {source}", path.display())]
    Unreadable {
        /// The entry.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A device, a socket, a pipe.
    #[error("unsupported file type {}: {mode:o}", path.display())]
    Special {
        /// The entry.
        path: PathBuf,
        /// The type's bits of its mode.
        mode: u32,
    },
    /// A link leads to a folder around it.
    #[error("{} leads back to a folder around it", path.display())]
    Loop {
        /// The link.
        path: PathBuf,
    },
    /// The name is no text, which no index can hold.
    #[error("the name {} is not UTF-8", path.display())]
    Name {
        /// The entry.
        path: PathBuf,
    },
}

/// Finds all modules below `dir`, in byte-wise order, following links.
///
/// Entries named `build` or `source`, or as in `exclude`, are passed over wherever they are.
///
/// # Errors
/// When `dir` itself cannot be listed; what goes wrong below it is an [`Oddity`].
pub fn walk(dir: &Path, exclude: &[String]) -> io::Result<(Vec<FoundModule>, Vec<Oddity>)> {
    let mut search = Search { exclude, found: Vec::new(), oddities: Vec::new(), around: Vec::new() };
    search.around.push(identity(&fs::metadata(dir)?));
    search.list(dir, "")?;
    Ok((search.found, search.oddities))
}

struct Search<'a> {
    exclude: &'a [String],
    found: Vec<FoundModule>,
    oddities: Vec<Oddity>,
    /// Device and inode of the folders around.
    around: Vec<(u64, u64)>,
}

impl Search<'_> {
    fn list(&mut self, dir: &Path, prefix: &str) -> io::Result<()> {
        let mut entries: Vec<(OsString, FileType)> = Vec::new();
        for entry in fs::read_dir(dir)? {
            let entry = entry?;
            entries.push((entry.file_name(), entry.file_type()?));
        }
        entries.sort_unstable_by(|a, b| a.0.cmp(&b.0));
        for (name, kind) in entries {
            let path = dir.join(&name);
            let Some(name) = name.to_str() else {
                self.oddities.push(Oddity::Name { path });
                continue;
            };
            if matches!(name, "build" | "source") || self.exclude.iter().any(|excluded| excluded == name) {
                continue;
            }
            if let Err(oddity) = self.visit(path, &format!("{prefix}{name}"), name, kind) {
                self.oddities.push(oddity);
            }
        }
        Ok(())
    }

    fn visit(&mut self, path: PathBuf, relative: &str, name: &str, kind: FileType) -> Result<(), Oddity> {
        let plain = kind.is_file();
        if plain || kind.is_symlink() {
            let is_file = plain || stat(&path)?.is_file();
            if is_file {
                if is_module_file(name) {
                    self.found.push(FoundModule { path: relative.to_owned(), file: path });
                }
                return Ok(());
            }
        }
        let metadata = stat(&path)?;
        if !metadata.is_dir() {
            return Err(Oddity::Special { path, mode: metadata.mode() & 0o170_000 });
        }
        if self.around.contains(&identity(&metadata)) {
            return Err(Oddity::Loop { path });
        }
        self.around.push(identity(&metadata));
        let listed = self.list(&path, &format!("{relative}/"));
        self.around.pop();
        listed.map_err(|source| Oddity::Unreadable { path, source })
    }
}

fn stat(path: &Path) -> Result<Metadata, Oddity> {
    fs::metadata(path).map_err(|source| Oddity::Unreadable { path: path.to_owned(), source })
}

fn identity(metadata: &Metadata) -> (u64, u64) {
    (metadata.dev(), metadata.ino())
}
