//! Finding the module files below a directory, as `depmod` does.

use std::ffi::{OsStr, OsString};
use std::fs::{self, FileType, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use kiln_modgraph::is_module_file;
use rayon::prelude::*;

/// A module file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundModule {
    /// Path relative to the walked directory.
    pub path: String,
    /// The path to open it at.
    pub file: PathBuf,
}

/// An entry that is left out.
#[derive(Debug, thiserror::Error)]
pub enum Oddity {
    /// The entry cannot be read: a broken link, a directory without permission.
    #[error("cannot read {}: {source}", path.display())]
    Unreadable {
        /// The entry.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// A device, a socket, a pipe.
    #[error("unsupported file type {}: {mode:o}", path.display())]
    Special {
        /// The entry.
        path: PathBuf,
        /// The file type bits of its mode.
        mode: u32,
    },
    /// A link leads to a directory that contains it.
    #[error("{} links back to a directory that contains it", path.display())]
    Loop {
        /// The link.
        path: PathBuf,
    },
    /// The name is not UTF-8, which no index can hold.
    #[error("the name {} is not UTF-8", path.display())]
    Name {
        /// The entry.
        path: PathBuf,
    },
}

/// Finds all modules below `dir`, in byte-wise order, following links.
///
/// Entries named `build` or `source`, or as in `exclude`, are skipped wherever they are.
///
/// # Errors
/// When `dir` itself cannot be listed; errors below it are an [`Oddity`] each.
pub fn walk(dir: &Path, exclude: &[String]) -> io::Result<(Vec<FoundModule>, Vec<Oddity>)> {
    let search = Search { exclude };
    let found = search.list(&Around { dir, outer: None }, "")?;
    Ok((found.modules, found.oddities))
}

struct Search<'a> {
    exclude: &'a [String],
}

/// A directory and those that contain it, from the inside out.
struct Around<'a> {
    dir: &'a Path,
    outer: Option<&'a Around<'a>>,
}

#[derive(Default)]
struct Found {
    modules: Vec<FoundModule>,
    oddities: Vec<Oddity>,
}

impl Search<'_> {
    /// Lists a directory; those below it in parallel.
    fn list(&self, around: &Around<'_>, prefix: &str) -> io::Result<Found> {
        let mut entries: Vec<(OsString, FileType)> = Vec::new();
        for entry in fs::read_dir(around.dir)? {
            let entry = entry?;
            entries.push((entry.file_name(), entry.file_type()?));
        }
        entries.sort_unstable_by(|a, b| a.0.cmp(&b.0));
        let found = entries.par_iter().with_max_len(1).map(|(name, kind)| self.visit(around, prefix, name, *kind));
        let found: Vec<Found> = found.collect();
        let mut all = Found::default();
        for found in found {
            all.modules.extend(found.modules);
            all.oddities.extend(found.oddities);
        }
        Ok(all)
    }

    fn visit(&self, around: &Around<'_>, prefix: &str, name: &OsStr, kind: FileType) -> Found {
        let odd = |oddity| Found { modules: Vec::new(), oddities: vec![oddity] };
        let Some(text) = name.to_str() else { return odd(Oddity::Name { path: around.dir.join(name) }) };
        if matches!(text, "build" | "source") || self.exclude.iter().any(|excluded| excluded == text) {
            return Found::default();
        }
        let path = around.dir.join(name);
        match self.look(around, path, &format!("{prefix}{text}"), kind) {
            Ok(found) => found,
            Err(oddity) => odd(oddity),
        }
    }

    fn look(&self, around: &Around<'_>, path: PathBuf, relative: &str, kind: FileType) -> Result<Found, Oddity> {
        let is_link = kind.is_symlink();
        // A link's target needs a `stat`; for all other entries the directory has the type.
        let metadata = if is_link { Some(stat(&path)?) } else { None };
        let (is_file, is_dir) =
            metadata.as_ref().map_or((kind.is_file(), kind.is_dir()), |behind| (behind.is_file(), behind.is_dir()));
        if is_file {
            let modules = match is_module_file(relative) {
                true => vec![FoundModule { path: relative.to_owned(), file: path }],
                false => Vec::new(),
            };
            return Ok(Found { modules, oddities: Vec::new() });
        }
        if !is_dir {
            let mode = metadata.map_or_else(|| stat(&path), Ok)?.mode() & 0o170_000;
            return Err(Oddity::Special { path, mode });
        }
        // Only a link can lead to a containing directory.
        if metadata.is_some_and(|behind| around.holds(identity(&behind))) {
            return Err(Oddity::Loop { path });
        }
        let listed = self.list(&Around { dir: &path, outer: Some(around) }, &format!("{relative}/"));
        listed.map_err(|source| Oddity::Unreadable { path, source })
    }
}

impl Around<'_> {
    fn holds(&self, identity_of_link: (u64, u64)) -> bool {
        let mut next = Some(self);
        while let Some(folder) = next {
            if fs::metadata(folder.dir).is_ok_and(|metadata| identity(&metadata) == identity_of_link) {
                return true;
            }
            next = folder.outer;
        }
        false
    }
}

fn stat(path: &Path) -> Result<Metadata, Oddity> {
    fs::metadata(path).map_err(|source| Oddity::Unreadable { path: path.to_owned(), source })
}

fn identity(metadata: &Metadata) -> (u64, u64) {
    (metadata.dev(), metadata.ino())
}
