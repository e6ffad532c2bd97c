//! The files that `depmod` writes.

mod text;

use crate::graph::{Graph, ModuleId};
use crate::index::{self, Record, WriteError};
use crate::name;
use text::Lines;

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
        /// The number of modules in circles.
        count: usize,
        /// The circles, with the symbols that cause them.
        cycles: Vec<crate::graph::Cycle>,
    },
    /// An index cannot hold a module's text.
    #[error("cannot write {file}{}", path.as_ref().map(|path| format!(" for {path}")).unwrap_or_default())]
    Index {
        /// The index.
        file: &'static str,
        /// The module with that text, when it is the text of one.
        path: Option<String>,
        /// What it cannot hold.
        source: WriteError,
    },
    /// More modules than the indexes can number.
    #[error("{0} modules are more than the indexes can number (65535)")]
    TooMany(usize),
}

/// Makes all files that `depmod` writes next to the modules: names and contents, in `depmod`'s order.
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
    let index = |file: &'static str, records: Vec<Record<'_>>| {
        let bytes = index::write_records(records, layout);
        let bytes = bytes.map_err(|source| DepmodError::Index { file, path: culprit(graph, &source), source });
        Ok::<_, DepmodError>((file, bytes?))
    };
    let ((aliases, alias_index), (dependencies, dependency_index, symbols, symbol_index)) = rayon::join(
        || (text::aliases(graph), index("modules.alias.bin", alias_records(graph))),
        || {
            let dependencies = text::dependencies(graph);
            let dependency_index = index("modules.dep.bin", dependency_records(graph, &dependencies));
            let symbols = text::symbols(graph);
            let symbol_index = index("modules.symbols.bin", symbol_records(graph, &symbols));
            (dependencies, dependency_index, symbols, symbol_index)
        },
    );
    let (builtin, builtin_modinfo) = graph.has_builtin_files();
    let mut files =
        vec![("modules.dep", dependencies.bytes), dependency_index?, ("modules.alias", aliases), alias_index?];
    files.push(("modules.softdep", text::softdeps(graph)));
    if layout == Layout::V34 {
        files.push(("modules.weakdep", text::weakdeps(graph)));
    }
    files.extend([("modules.symbols", symbols.bytes), symbol_index?]);
    // Quirk: without its input, depmod leaves these two empty.
    for (file, there, records) in [
        ("modules.builtin.bin", builtin, builtin_records as fn(&Graph) -> Vec<Record<'_>>),
        ("modules.builtin.alias.bin", builtin_modinfo, builtin_alias_records),
    ] {
        files.push(if there { index(file, records(graph))? } else { (file, Vec::new()) });
    }
    files.push(("modules.devname", text::devnames(graph).0));
    Ok(files)
}

/// Returns module paths with the aliases that no index can hold, because their brackets are unmatched.
pub fn bad_aliases(graph: &Graph) -> Vec<(String, String)> {
    let bad = graph.modules().flat_map(|(_, info)| {
        let bad = info.modinfo.values("alias").filter(|alias| name::normalise(alias).is_err());
        bad.map(|alias| (info.path.clone(), String::from_utf8_lossy(alias).into_owned()))
    });
    bad.collect()
}

/// Returns modules that name a device node without its numbers, with the node: they are not in `modules.devname`.
pub fn bad_devnames(graph: &Graph) -> Vec<(String, String)> {
    text::devnames(graph).1
}

/// Returns the path of the module with the text that no index can hold.
fn culprit(graph: &Graph, error: &WriteError) -> Option<String> {
    let (WriteError::Key { key } | WriteError::Value { key }) = error else { return None };
    let is_alias = |alias: &[u8]| name::normalise(alias).is_ok_and(|alias| *alias == **key);
    let is_symbol = |symbol: &str| key.strip_prefix(b"symbol:").is_some_and(|word| *word == *symbol.as_bytes());
    let mut modules = graph.modules().map(|(_, info)| info);
    let found = modules.find(|info| {
        info.name.as_bytes() == *key
            || info.exports.iter().any(|export| is_symbol(&export.name))
            || info.modinfo.values("alias").any(is_alias)
    });
    found.map(|info| info.path.clone())
}

fn priority(id: ModuleId) -> u32 {
    id.position() as u32
}

/// Returns the lines of `modules.dep`, found by the modules' names.
fn dependency_records<'a>(graph: &'a Graph, dependencies: &'a Lines) -> Vec<Record<'a>> {
    let records = graph.modules().zip(dependencies.iter()).map(|((id, info), line)| Record {
        key: info.name.as_bytes().into(),
        priority: priority(id),
        value: line,
    });
    records.collect()
}

fn alias_records(graph: &Graph) -> Vec<Record<'_>> {
    let mut records = Vec::new();
    for (id, info) in graph.modules() {
        let aliases = info.modinfo.values("alias").filter_map(|alias| name::normalise(alias).ok());
        records.extend(aliases.map(|key| Record { key, priority: priority(id), value: info.name.as_bytes() }));
    }
    records
}

/// Parses the lines of `modules.symbols`, `alias symbol:S NAME`.
fn symbol_records<'a>(graph: &'a Graph, symbols: &'a Lines) -> Vec<Record<'a>> {
    let records = graph.owners_in_table_order().into_iter().zip(symbols.iter()).map(|((symbol, owner), line)| {
        let start = "alias ".len();
        Record {
            key: line[start..start + "symbol:".len() + symbol.len()].into(),
            priority: priority(owner.module),
            value: graph.module(owner.module).name.as_bytes(),
        }
    });
    records.collect()
}

fn builtin_records(graph: &Graph) -> Vec<Record<'_>> {
    graph.builtin().iter().map(|name| Record { key: name.as_bytes().into(), priority: 0, value: b"" }).collect()
}

fn builtin_alias_records(graph: &Graph) -> Vec<Record<'_>> {
    let aliases = graph.builtin_aliases().iter();
    let records = aliases.filter_map(|(alias, name)| {
        Some(Record { key: name::normalise(alias).ok()?, priority: 0, value: name.as_bytes() })
    });
    records.collect()
}
