//! Other versions of a kernel: a catalogue of symbols for each that was resolved.
//!
//! A catalogue is a file of the store's cache, by architecture and version, of some hundred kilobytes. It is written
//! when a version is first resolved, and read when a recipe requests a symbol that its tree does not have. No build
//! depends on it: without one, a message is shorter.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use kiln_advise::check::{Catalogue, Unmet, UnmetKind};
use kiln_kconfig::Model;
use kiln_plan::KernelVersion;

use kiln_store::Store;
use kiln_store::write_whole;

/// A larger file is not a catalogue.
const MAX_BYTES: u64 = 16 << 20;

/// Returns the symbols of all kernels that were resolved with the store in `dir`; none when there is no store.
///
/// It is for completion: nothing is created, and what cannot be read is left out.
pub fn known_symbols(dir: &Path) -> BTreeSet<String> {
    let entries = |dir: &Path| fs::read_dir(dir).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut names = BTreeSet::new();
    for file in entries(&dir.join("cache/catalogues")).flat_map(|arch| entries(&arch).collect::<Vec<_>>()) {
        let is_small = file.metadata().is_ok_and(|meta| meta.len() <= MAX_BYTES);
        let text = is_small.then(|| kiln_file::read_to_string(&file).ok()).flatten();
        if let Some(catalogue) = text.and_then(|text| Catalogue::parse(&text)) {
            names.extend(catalogue.names().map(str::to_owned));
        }
    }
    names
}

/// The catalogues of one architecture, seen from one version.
#[derive(Debug, Clone)]
pub struct History {
    /// `None` where the store has no cache directory.
    folder: Option<PathBuf>,
    version: String,
}

impl History {
    pub(crate) fn new(store: &Store, arch: &str, version: &KernelVersion) -> History {
        let folder = store.cache("catalogues").ok().map(|folder| folder.join(arch));
        History { folder, version: version.to_string() }
    }

    /// Records the symbols of this version, unless that was done.
    pub(crate) fn keep(&self, model: &Model) {
        let Some(folder) = &self.folder else { return };
        let file = folder.join(&self.version);
        if !file.exists() && fs::create_dir_all(folder).is_ok() {
            // A failure to write it only shortens a later message.
            let _ = write_whole(&file, Catalogue::of(model, &self.version).text().as_bytes());
        }
    }

    /// Returns the other versions, the newest first.
    fn others(&self) -> Vec<Catalogue> {
        let mut found: Vec<(Vec<u64>, Catalogue)> = Vec::new();
        for entry in self.folder.iter().filter_map(|folder| fs::read_dir(folder).ok()).flatten().flatten() {
            let Ok(name) = entry.file_name().into_string() else { continue };
            let is_small = entry.metadata().is_ok_and(|meta| meta.len() <= MAX_BYTES);
            if name.starts_with('.') || name == self.version || !is_small {
                continue;
            }
            let text = kiln_file::read_to_string(entry.path()).ok();
            let catalogue = text.and_then(|text| Catalogue::parse(&text));
            let numbers = name.split(|c: char| !c.is_ascii_digit()).filter_map(|number| number.parse().ok());
            found.extend(catalogue.map(|catalogue| (numbers.collect(), catalogue)));
        }
        found.sort_by(|left, right| right.0.cmp(&left.0));
        found.into_iter().map(|(_, catalogue)| catalogue).collect()
    }

    /// Returns the catalogues that may explain these; none are read when no request is for an unknown symbol.
    pub(crate) fn of(&self, unmet: &[Unmet]) -> Vec<Catalogue> {
        let is_unknown = |unmet: &Unmet| matches!(unmet.kind, UnmetKind::UnknownSymbol { .. });
        if unmet.iter().any(is_unknown) { self.others() } else { Vec::new() }
    }
}
