//! Other versions of a kernel: a catalogue of symbols for each that was resolved.
//!
//! A catalogue is a file of the store's cache, `catalogues-ARCH/VERSION`, of some hundred kilobytes. It is written
//! when a version is first resolved, and read when a recipe requests a symbol that its tree does not have. No build
//! depends on it: without one, a message is shorter.

use std::collections::BTreeSet;
use std::path::Path;

use kiln_advise::check::{Catalogue, Unmet, UnmetKind};
use kiln_kconfig::Model;
use kiln_plan::KernelVersion;
use kiln_store::{Sealed, Store};

/// Returns the symbols of all kernels that were resolved with the store in `dir`; none when there is no store.
///
/// It is for completion: nothing is created, and what cannot be read is left out.
pub fn known_symbols(dir: &Path) -> BTreeSet<String> {
    let names = |dir: &Path| kiln_store::names(dir).unwrap_or_default();
    let mut symbols = BTreeSet::new();
    for folder in names(&dir.join("cache")).iter().filter(|folder| folder.starts_with(FOLDER)) {
        for version in names(&dir.join("cache").join(folder)) {
            let file = Sealed::in_store(dir, &format!("cache/{folder}/{version}"));
            if let Some(catalogue) = file.check().ok().flatten().and_then(parse) {
                symbols.extend(catalogue.names().map(str::to_owned));
            }
        }
    }
    symbols
}

/// The start of the names of directories with catalogues; the architecture follows.
const FOLDER: &str = "catalogues-";

/// The catalogues of one architecture, seen from one version.
#[derive(Debug, Clone)]
pub struct History {
    /// `None` where the store has no cache directory.
    own: Option<Sealed>,
    /// Those of other versions, with these.
    others: Vec<(String, Sealed)>,
    version: String,
}

impl History {
    pub(crate) fn new(store: &Store, arch: &str, version: &KernelVersion) -> History {
        let (folder, version) = (format!("{FOLDER}{arch}"), version.to_string());
        let names = store
            .cache(&folder)
            .and_then(|dir| kiln_store::names(&dir).map_err(|source| kiln_store::StoreError::Io { path: dir, source }));
        let names = names.unwrap_or_default().into_iter();
        let others = names.filter(|name| !name.starts_with('.') && *name != version);
        let others = others.filter_map(|name| Some((name.clone(), store.cached(&folder, &name).ok()?))).collect();
        History { own: store.cached(&folder, &version).ok(), others, version }
    }

    /// Records the symbols of this version, unless that was done.
    pub(crate) fn keep(&self, model: &Model) {
        let Some(own) = &self.own else { return };
        if own.read().is_none() {
            // A failure to write it only shortens a later message.
            let _ = own.write(Catalogue::of(model, &self.version).text().as_bytes());
        }
    }

    /// Returns the other versions, the newest first.
    fn others(&self) -> Vec<Catalogue> {
        let mut found: Vec<(Vec<u64>, Catalogue)> = Vec::new();
        for (name, file) in &self.others {
            let numbers = name.split(|c: char| !c.is_ascii_digit()).filter_map(|number| number.parse().ok());
            found.extend(file.read().and_then(parse).map(|catalogue| (numbers.collect(), catalogue)));
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

fn parse(text: Vec<u8>) -> Option<Catalogue> {
    Catalogue::parse(&String::from_utf8(text).ok()?)
}
