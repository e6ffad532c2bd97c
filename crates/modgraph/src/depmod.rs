//! The files that `depmod` writes.

mod text;

use crate::graph::{Graph, ModuleId};
use crate::index::{self, Trie, WriteError};
use crate::name;

pub use text::{read_aliases, read_devnames, read_modules_dep, read_softdeps};

/// Which version of kmod to follow to the byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Layout {
    /// kmod 30: what Debian 12 has.
    #[default]
    V30,
    /// kmod 34: binary indexes in another order, and `modules.weakdep`.
    V34,
}

/// Why no files can be written.
#[derive(Debug, thiserror::Error)]
pub enum DepmodError {
    /// Modules need each other in a circle.
    #[error("found {count} modules in dependency cycles")]
    Cycle {
        /// How many modules are in one.
        count: usize,
        /// The circles, with the symbols that make them.
        cycles: Vec<crate::graph::Cycle>,
    },
    /// An index cannot hold what the modules say.
    #[error("cannot write {file}")]
    Index {
        /// The index.
        file: &'static str,
        /// What it cannot hold.
        source: WriteError,
    },
    /// More modules than the indexes can number.
    #[error("{0} modules are more than the indexes can number (65535)")]
    TooMany(usize),
}

/// Makes all files that `depmod` writes beside the modules: names and contents, in `depmod`'s order.
///
/// A module whose alias has unmatched brackets is left out of the alias index under that alias; see
/// [`bad_aliases`].
///
/// # Errors
/// [`DepmodError`]; then there is nothing to write, not even a part.
pub fn depmod(graph: &Graph, layout: Layout) -> Result<Vec<(&'static str, Vec<u8>)>, DepmodError> {
    if graph.cyclic_count() > 0 {
        return Err(DepmodError::Cycle { count: graph.cyclic_count(), cycles: graph.cycles() });
    }
    let count = graph.ids().len();
    if count >= usize::from(u16::MAX) {
        return Err(DepmodError::TooMany(count));
    }
    let lines: Vec<Vec<u8>> = graph.ids().map(|id| text::dependency_line(graph, id)).collect();
    let (builtin, builtin_modinfo) = graph.has_builtin_files();
    let indexes: [(&'static str, MakeTrie<'_>); 5] = [
        ("modules.dep.bin", &|| Some(dependency_trie(graph, &lines))),
        ("modules.alias.bin", &|| Some(alias_trie(graph))),
        ("modules.symbols.bin", &|| Some(symbol_trie(graph))),
        // Quirk: without its input, depmod leaves these two without a byte.
        ("modules.builtin.bin", &|| builtin.then(|| builtin_trie(graph))),
        ("modules.builtin.alias.bin", &|| builtin_modinfo.then(|| builtin_alias_trie(graph))),
    ];
    use rayon::prelude::*;
    let made: Vec<_> = indexes
        .par_iter()
        .map(|(file, trie)| {
            let bytes = trie().map_or(Ok(Vec::new()), |trie| index::write(&trie, layout));
            Ok((*file, bytes.map_err(|source| DepmodError::Index { file, source })?))
        })
        .collect::<Result<_, DepmodError>>()?;
    let mut made = made.into_iter();
    let mut files = vec![("modules.dep", text::dependencies(&lines))];
    files.extend(made.next());
    files.push(("modules.alias", text::aliases(graph)));
    files.extend(made.next());
    files.push(("modules.softdep", text::softdeps(graph)));
    if layout == Layout::V34 {
        files.push(("modules.weakdep", text::weakdeps(graph)));
    }
    files.push(("modules.symbols", text::symbols(graph)));
    files.extend(made);
    files.push(("modules.devname", text::devnames(graph).0));
    Ok(files)
}

/// Module paths with the aliases that no index can hold, because their brackets do not pair.
pub fn bad_aliases(graph: &Graph) -> Vec<(String, String)> {
    let bad = graph.modules().flat_map(|(_, info)| {
        let bad = info.modinfo.values("alias").filter(|alias| name::normalise(alias).is_err());
        bad.map(|alias| (info.path.clone(), String::from_utf8_lossy(alias).into_owned()))
    });
    bad.collect()
}

/// Modules that name a device node but no numbers for it, with the node: they are left out of `modules.devname`.
pub fn bad_devnames(graph: &Graph) -> Vec<(String, String)> {
    text::devnames(graph).1
}

/// Makes the contents of an index; `None` for a file without a byte.
type MakeTrie<'a> = &'a (dyn Fn() -> Option<Trie> + Sync);

fn priority(id: ModuleId) -> u32 {
    id.position() as u32
}

fn dependency_trie(graph: &Graph, lines: &[Vec<u8>]) -> Trie {
    let mut trie = Trie::new();
    for ((id, info), line) in graph.modules().zip(lines) {
        trie.insert(info.name.as_bytes(), priority(id), line.as_slice());
    }
    trie
}

fn alias_trie(graph: &Graph) -> Trie {
    let mut trie = Trie::new();
    for (id, info) in graph.modules() {
        for alias in info.modinfo.values("alias").filter_map(|alias| name::normalise(alias).ok()) {
            trie.insert(alias, priority(id), info.name.as_bytes());
        }
    }
    trie
}

fn symbol_trie(graph: &Graph) -> Trie {
    let mut trie = Trie::new();
    for (symbol, owner) in graph.owners_in_table_order() {
        let info = graph.module(owner.module);
        trie.insert(format!("symbol:{symbol}"), priority(owner.module), info.name.as_bytes());
    }
    trie
}

fn builtin_trie(graph: &Graph) -> Trie {
    let mut trie = Trie::new();
    for name in graph.builtin() {
        trie.insert(name.as_bytes(), 0, "");
    }
    trie
}

fn builtin_alias_trie(graph: &Graph) -> Trie {
    let mut trie = Trie::new();
    for (alias, name) in graph.builtin_aliases() {
        if let Ok(alias) = name::normalise(alias) {
            trie.insert(alias, 0, name.as_bytes());
        }
    }
    trie
}
