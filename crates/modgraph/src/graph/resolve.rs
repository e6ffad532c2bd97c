//! The modules that a word means: `modprobe`'s order of lookup, without the running system's configuration.

use super::{Graph, ModuleId};
use crate::fnmatch::fnmatch;
use crate::name;

/// Where a word was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Source {
    /// It is a module's name.
    Name,
    /// It is `symbol:` and a symbol that a module exports.
    Symbol,
    /// It matches an alias of one or more modules.
    Alias,
    /// It is the name of a part of the kernel image.
    Builtin,
    /// It matches an alias of one or more parts of the kernel image.
    BuiltinAlias,
}

/// The meaning of a word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolution {
    /// Where it was found: the first place that has it ends the search.
    pub source: Source,
    /// The modules, in module order.
    pub modules: Vec<ModuleId>,
    /// The parts of the kernel image, in the order of their files.
    pub builtin: Vec<String>,
}

/// Aliases of all modules, normalised, each split before its first wildcard.
#[derive(Debug, Clone)]
pub(super) struct Aliases {
    /// Aliases without a wildcard, sorted.
    plain: Vec<(Vec<u8>, ModuleId)>,
    /// Aliases with one: the pattern, and the length of its literal beginning.
    wild: Vec<(Vec<u8>, usize, ModuleId)>,
}

impl Graph {
    /// Looks a word up as `modprobe` does: a name with `-` or `_`, `symbol:X`, or what an alias stands for.
    pub fn resolve(&self, word: &str) -> Option<Resolution> {
        let folded = name::normalise(word.as_bytes()).unwrap_or_else(|_| word.as_bytes().into());
        let text = String::from_utf8_lossy(&folded);
        let of_modules = |source, modules| Some(Resolution { source, modules, builtin: Vec::new() });
        if let Some(&id) = self.by_name.get(&text) {
            return of_modules(Source::Name, vec![id]);
        }
        if let Some(owner) = text.strip_prefix("symbol:").and_then(|symbol| self.owner(symbol)) {
            return of_modules(Source::Symbol, vec![owner]);
        }
        let aliased = self.aliases.get_or_init(|| Aliases::of(self)).matching(&folded);
        if !aliased.is_empty() {
            return of_modules(Source::Alias, aliased);
        }
        let of_image = |source, builtin| Some(Resolution { source, modules: Vec::new(), builtin });
        if self.builtin().iter().any(|name| *name == text) {
            return of_image(Source::Builtin, vec![text.into_owned()]);
        }
        let mut builtin: Vec<String> = Vec::new();
        for (alias, name) in self.builtin_aliases() {
            if name::normalise(alias).is_ok_and(|alias| fnmatch(&alias, &folded)) && !builtin.contains(name) {
                builtin.push(name.clone());
            }
        }
        if builtin.is_empty() { None } else { of_image(Source::BuiltinAlias, builtin) }
    }
}

impl Aliases {
    fn of(graph: &Graph) -> Aliases {
        let mut aliases = Aliases { plain: Vec::new(), wild: Vec::new() };
        for (id, info) in graph.modules() {
            for alias in info.modinfo.values("alias").filter_map(|alias| name::normalise(alias).ok()) {
                let alias = alias.into_owned();
                match alias.iter().position(|byte| b"*?[".contains(byte)) {
                    Some(literal) => aliases.wild.push((alias, literal, id)),
                    None => aliases.plain.push((alias, id)),
                }
            }
        }
        aliases.plain.sort_unstable();
        aliases
    }

    fn matching(&self, word: &[u8]) -> Vec<ModuleId> {
        let start = self.plain.partition_point(|(alias, _)| alias.as_slice() < word);
        let plain = self.plain[start..].iter().take_while(|(alias, _)| alias == word).map(|(_, id)| *id);
        let wild = self.wild.iter().filter(|(alias, literal, _)| {
            word.starts_with(&alias[..*literal]) && fnmatch(&alias[*literal..], &word[*literal..])
        });
        let mut found: Vec<ModuleId> = plain.chain(wild.map(|(_, _, id)| *id)).collect();
        found.sort_unstable();
        found.dedup();
        found
    }
}
