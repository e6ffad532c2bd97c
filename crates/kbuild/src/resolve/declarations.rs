//! The symbols of a tree with those of its other architectures, so that a symbol of another architecture can be
//! distinguished from one that does not exist.

use std::path::Path;

use kiln_kconfig::{Declarations, Dialect, OtherFile};

use super::{Parsed, ResolveError};

/// Returns all that `parsed`'s tree declares, and what the Kconfig files of other architectures declare in addition.
///
/// # Errors
/// A directory or a Kconfig file below `arch/` cannot be read.
pub(super) fn with_other_arches(parsed: &Parsed) -> Result<Declarations, ResolveError> {
    let mut declared = Declarations::of(parsed.model());
    let tree = parsed.tree();
    // Trees before 4.18 have no macros.
    let macros = kiln_file::read(tree.join("scripts/Kconfig.include")).unwrap_or_default();
    let scan = Scan { tree, seen: parsed.model().files().collect(), macros, dialect: parsed.dialect() };
    for (name, is_dir) in entries(&tree.join("arch"))? {
        if is_dir {
            scan.directory(&name, &format!("arch/{name}"), &mut declared)?;
        }
    }
    Ok(declared)
}

struct Scan<'a> {
    tree: &'a Path,
    /// The files that the architecture being built reads.
    seen: std::collections::BTreeSet<&'a str>,
    macros: Vec<u8>,
    dialect: Dialect,
}

impl Scan<'_> {
    /// Adds the Kconfig files below a directory of the tree.
    fn directory(&self, arch: &str, directory: &str, declared: &mut Declarations) -> Result<(), ResolveError> {
        for (name, is_dir) in entries(&self.tree.join(directory))? {
            let path = format!("{directory}/{name}");
            // Device trees make up most of some architectures, and contain no Kconfig.
            if is_dir && name != "dts" {
                self.directory(arch, &path, declared)?;
            } else if !is_dir && name.starts_with("Kconfig") && !self.seen.contains(path.as_str()) {
                let file = self.tree.join(&path);
                let text = kiln_file::read(&file).map_err(|source| ResolveError::Io { path: file, source })?;
                declared.add_elsewhere(&OtherFile { arch, path: &path, text: &text }, &self.macros, self.dialect);
            }
        }
        Ok(())
    }
}

/// Returns the names in a directory and whether each is a directory, sorted; names that are not UTF-8 are left out.
fn entries(path: &Path) -> Result<Vec<(String, bool)>, ResolveError> {
    let io = |source| ResolveError::Io { path: path.to_owned(), source };
    let mut entries = Vec::new();
    for entry in std::fs::read_dir(path).map_err(io)? {
        let entry = entry.map_err(io)?;
        let kind = entry.file_type().map_err(io)?;
        entries.extend(entry.file_name().into_string().ok().map(|name| (name, kind.is_dir())));
    }
    entries.sort();
    Ok(entries)
}
