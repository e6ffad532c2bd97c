//! One place to look up firmware files.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use kiln_assembly::firmware::Whence;
use kiln_plan::firmware::Packing;

/// A directory laid out like `/lib/firmware`, or a checkout of linux-firmware, whose links are in its `WHENCE`.
pub(super) struct Collection {
    folder: PathBuf,
    /// The resolved path of the directory, which links in it point into.
    real: PathBuf,
    whence: Whence,
}

/// The origins of names. The target of every link is included.
pub(super) type Found = BTreeMap<String, Origin>;

/// The origin of a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Origin {
    /// A file.
    File(File),
    /// Another name of the same collection.
    Link(String),
}

/// A file as it was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct File {
    pub(super) path: PathBuf,
    /// Its compression where it was found.
    pub(super) packing: Packing,
    /// Whether the collection requires that it is not compressed.
    pub(super) stays_raw: bool,
}

/// In the order in which they are looked up; a file that exists in several forms has the same content in each.
const FORMS: [Packing; 3] = [Packing::Raw, Packing::Zstd, Packing::Xz];

impl Collection {
    pub(super) fn open(folder: PathBuf) -> Collection {
        let real = fs::canonicalize(&folder).unwrap_or_else(|_| folder.clone());
        let text = kiln_file::read(folder.join("WHENCE")).unwrap_or_default();
        Collection { folder, real, whence: Whence::parse(&String::from_utf8_lossy(&text)) }
    }

    /// Returns the files for one name, which may be a pattern.
    pub(super) fn look_up(&self, name: &str) -> Found {
        if name.split('/').any(|part| part == ".." || part.is_empty()) {
            return Found::new();
        }
        if !name.contains(['*', '?', '[']) {
            return self.one(name);
        }
        let mut found = Found::new();
        for name in self.matches(name) {
            found.extend(self.one(&name));
        }
        found
    }

    fn one(&self, name: &str) -> Found {
        let mut found = Found::new();
        if let Some((file, real)) = self.file(name) {
            match real.filter(|real| real != name) {
                Some(real) => {
                    found.insert(name.to_owned(), Origin::Link(real.clone()));
                    found.insert(real, Origin::File(file));
                }
                None => drop(found.insert(name.to_owned(), Origin::File(file))),
            }
        } else if let Some(target) = self.whence.target(name)
            && let Some((file, real)) = self.file(&target)
        {
            let real = real.unwrap_or(target);
            found.insert(name.to_owned(), Origin::Link(real.clone()));
            found.insert(real, Origin::File(file));
        }
        found
    }

    /// Returns the file of a name, and the name of a link's target; `None` for that outside of the collection.
    fn file(&self, name: &str) -> Option<(File, Option<String>)> {
        FORMS.into_iter().find_map(|packing| {
            let path = self.folder.join(format!("{name}{}", packing.ending()));
            path.metadata().ok().filter(fs::Metadata::is_file)?;
            let real = fs::canonicalize(&path).ok()?;
            let inside = real.strip_prefix(&self.real).ok().and_then(Path::to_str);
            let inside = inside.and_then(|inside| inside.strip_suffix(packing.ending())).map(str::to_owned);
            let stays_raw = self.whence.is_raw(inside.as_deref().unwrap_or(name));
            Some((File { path: real, packing, stays_raw }, inside))
        })
    }

    /// Returns the names that match a pattern, without endings of compression.
    fn matches(&self, pattern: &str) -> Vec<String> {
        let mut names = Vec::new();
        let folder = glob::Pattern::escape(&self.folder.to_string_lossy());
        for packing in FORMS {
            let full = format!("{folder}/{pattern}{}", packing.ending());
            for path in glob::glob(&full).into_iter().flatten().flatten() {
                let name = path.strip_prefix(&self.folder).ok().and_then(Path::to_str);
                names.extend(name.and_then(|name| name.strip_suffix(packing.ending())).map(str::to_owned));
            }
        }
        if let Ok(compiled) = glob::Pattern::new(pattern) {
            let options = glob::MatchOptions { require_literal_separator: true, ..glob::MatchOptions::new() };
            let links = self.whence.links().filter(|link| compiled.matches_with(link, options));
            names.extend(links.map(str::to_owned));
        }
        names.sort();
        names.dedup();
        names
    }
}
