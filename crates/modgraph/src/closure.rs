//! The modules that a set of targets needs, in load order, each with the reasons why it is there.
//!
//! The order is `modprobe`'s: for a module, each hard dependency from the deepest, around every one of them its soft
//! dependencies (`pre` before, `post` after), then the module itself in the same way; a module counts at its first
//! place. Unlike `modprobe`, all `softdep` lines of a module count, not only the first, and nothing of the running
//! system's configuration takes part. `weakdep` modules are for the image, not for loading: they come last.

mod check;

use std::collections::BTreeMap;

use crate::graph::{Cycle, Graph, ModuleId};
use crate::softdep::Softdep;

pub use check::symbol_faults;

/// The strictness of [`closure()`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClosureOptions<'a> {
    /// The `vermagic` of the kernel that will load the modules, when known.
    pub vermagic: Option<&'a str>,
    /// Whether that kernel loads modules that do not import the namespaces they use
    /// (`CONFIG_MODULE_ALLOW_MISSING_NAMESPACE_IMPORTS`).
    pub missing_namespaces_load: bool,
    /// Names of modules, folded, that soft and weak dependencies do not bring in.
    pub without: &'a [String],
}

/// Everything that a set of targets needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Closure {
    /// The modules in load order, each once; those that are not loaded come last.
    pub entries: Vec<Entry>,
    /// Targets and soft dependencies that the kernel image itself has.
    pub builtin: Vec<BuiltinUse>,
    /// Words of soft dependencies that nothing matches, which is not an error.
    pub unknown_softdeps: Vec<UnknownSoftdep>,
    /// Firmware files that the modules name, in the order of `entries`.
    pub firmware: Vec<FirmwareUse>,
}

/// One module of a closure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The module in its graph.
    pub id: ModuleId,
    /// Its name.
    pub module: String,
    /// Whether it is to be loaded; `false` for what only a `weakdep` names.
    pub load: bool,
    /// Whether the kernel can remove it again.
    pub unloadable: bool,
    /// Why it is there: at least one reason, the most direct first.
    pub because: Vec<Because>,
}

/// Why a module is in a closure.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Because {
    /// It was requested.
    Target {
        /// As it was written.
        word: String,
    },
    /// Another module cannot be loaded without it.
    NeedsSymbol {
        /// The other module.
        by: String,
        /// The first symbol for which it is needed.
        symbol: String,
    },
    /// Another module wants it loaded before itself.
    SoftdepPre {
        /// The other module.
        by: String,
        /// The whole value of its `softdep`.
        line: String,
    },
    /// Another module wants it loaded after itself.
    SoftdepPost {
        /// The other module.
        by: String,
        /// The whole value of its `softdep`.
        line: String,
    },
    /// Another module may request it while running; it is in the image, and not loaded.
    Weakdep {
        /// The other module.
        by: String,
        /// The whole value of its `weakdep`.
        line: String,
    },
}

/// A request that the kernel image satisfies.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct BuiltinUse {
    /// The target, or the word of the soft dependency.
    pub word: String,
    /// What the image has, by module name.
    pub builtin: Vec<String>,
    /// The module with the soft dependency; `None` for a target.
    pub by: Option<String>,
}

/// A word of a soft dependency that nothing matches.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct UnknownSoftdep {
    /// The module with the soft dependency.
    pub by: String,
    /// The word.
    pub word: String,
}

/// A firmware file that a module names.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct FirmwareUse {
    /// The module.
    pub module: String,
    /// Path under the firmware directory; may have wildcards.
    pub name: String,
}

/// One reason why a closure cannot be loaded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ClosureError {
    /// No module and nothing in the kernel image matches the target.
    #[error("there is no module {target}{}", near.as_ref().map(|name| format!(" (did you mean {name}?)")).unwrap_or_default())]
    UnknownTarget {
        /// As it was written.
        target: String,
        /// The nearest module name, when one is similar.
        near: Option<String>,
    },
    /// Modules of the closure need each other in a circle.
    #[error("modules depend on each other: {0}")]
    Cycle(Cycle),
    /// Nothing exports a symbol that a module requires.
    #[error("{module} needs the symbol {symbol}, which nothing exports{}", provider.as_ref().map(|path| format!(" ({path} does, and is missing)")).unwrap_or_default())]
    UnresolvedSymbol {
        /// The module.
        module: String,
        /// The symbol.
        symbol: String,
        /// The module that exports it according to `Module.symvers`, as a path without ending.
        provider: Option<String>,
    },
    /// A symbol is not the one that a module was compiled against.
    #[error("{module} was compiled against {symbol} of version {wanted:#010x}, but {} has {exported:#010x}", exporter.as_deref().unwrap_or("the kernel image"))]
    CrcMismatch {
        /// The module.
        module: String,
        /// The symbol.
        symbol: String,
        /// The version it was compiled against.
        wanted: u32,
        /// The version that is exported.
        exported: u32,
        /// The module that exports it; `None`: the kernel image.
        exporter: Option<String>,
    },
    /// A module was compiled for another kernel.
    #[error("{module} was compiled for the kernel \"{found}\", not for \"{expected}\"")]
    Vermagic {
        /// The module.
        module: String,
        /// Its `vermagic`.
        found: String,
        /// The kernel's.
        expected: String,
    },
    /// A module uses a symbol of a namespace that it does not import; the kernel refuses that.
    #[error("{module} uses {symbol} of the namespace {namespace} without importing it")]
    Namespace {
        /// The module.
        module: String,
        /// The symbol.
        symbol: String,
        /// Its namespace.
        namespace: String,
    },
    /// A module without a GPL-compatible licence uses a GPL-only symbol; the kernel refuses that.
    #[error("{module} has the licence \"{licence}\", but uses the GPL-only symbol {symbol}")]
    GplOnly {
        /// The module.
        module: String,
        /// Its `license`, empty when it has none.
        licence: String,
        /// The symbol.
        symbol: String,
    },
}

/// All reasons why a closure cannot be loaded; at least one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClosureErrors {
    /// In the order of the targets, then in load order.
    pub errors: Vec<ClosureError>,
}

/// Finds the modules that `targets` need, in load order.
///
/// Targets are module names with `-` or `_`, or aliases, as `modprobe` takes them; one that the kernel image has is
/// satisfied. All modules found are checked against each other, and against the kernel image when the graph has its
/// symbols.
///
/// # Errors
/// [`ClosureErrors`] with everything because of which a kernel would refuse to load the closure, not only the first.
pub fn closure(graph: &Graph, targets: &[&str], options: &ClosureOptions<'_>) -> Result<Closure, ClosureErrors> {
    let mut walk = Walk::new(graph, options.without);
    let mut errors = Vec::new();
    for &target in targets {
        match graph.resolve(target) {
            Some(found) if found.modules.is_empty() => {
                walk.builtin.push(BuiltinUse { word: target.to_owned(), builtin: found.builtin, by: None });
            }
            Some(found) => {
                for id in found.modules {
                    walk.add_reason(id, Because::Target { word: target.to_owned() });
                    walk.load(id);
                }
            }
            None => {
                errors.push(ClosureError::UnknownTarget { target: target.to_owned(), near: nearest(graph, target) })
            }
        }
    }
    let loaded = walk.order.len();
    walk.follow_weakdeps();
    errors.extend(check::check(graph, &walk.order, options));
    if !errors.is_empty() {
        return Err(ClosureErrors { errors });
    }
    Ok(walk.finish(loaded))
}

/// The state of one search.
struct Walk<'a> {
    graph: &'a Graph,
    without: &'a [String],
    order: Vec<ModuleId>,
    placed: Vec<bool>,
    /// Whether the module was the start of a search: a target, or a soft dependency.
    started: Vec<bool>,
    /// Whether its soft dependencies were looked up.
    entered: Vec<bool>,
    reasons: BTreeMap<ModuleId, Vec<Because>>,
    builtin: Vec<BuiltinUse>,
    unknown: Vec<UnknownSoftdep>,
}

/// A remaining task; a stack of these instead of recursion, which a long chain of modules could exhaust.
enum Task {
    /// Everything that this module needs, then itself.
    Start(ModuleId),
    /// This module with its soft dependencies; everything that it needs is in place.
    Enter(ModuleId),
    /// This module alone.
    Place(ModuleId),
}

impl<'a> Walk<'a> {
    fn new(graph: &'a Graph, without: &'a [String]) -> Walk<'a> {
        let none = vec![false; graph.ids().len()];
        Walk {
            graph,
            without,
            order: Vec::new(),
            placed: none.clone(),
            started: none.clone(),
            entered: none,
            reasons: BTreeMap::new(),
            builtin: Vec::new(),
            unknown: Vec::new(),
        }
    }

    fn add_reason(&mut self, id: ModuleId, because: Because) {
        let reasons = self.reasons.entry(id).or_default();
        if !reasons.contains(&because) {
            reasons.push(because);
        }
    }

    /// Puts a module and everything that it needs in order.
    fn load(&mut self, root: ModuleId) {
        let mut tasks = vec![Task::Start(root)];
        while let Some(task) = tasks.pop() {
            match task {
                Task::Start(id) => {
                    if !std::mem::replace(&mut self.started[id.position()], true) {
                        tasks.push(Task::Enter(id));
                        // The nearest first, so that the deepest is on top.
                        tasks.extend(self.graph.needs_all(id).into_iter().map(Task::Enter));
                    }
                }
                // A soft dependency that needs the module that names it: then the module goes first.
                Task::Enter(id) if self.entered[id.position()] => self.place(id),
                Task::Enter(id) => {
                    self.entered[id.position()] = true;
                    let (pre, post) = self.softdeps(id);
                    tasks.extend(post.into_iter().rev().map(Task::Start));
                    tasks.push(Task::Place(id));
                    tasks.extend(pre.into_iter().rev().map(Task::Start));
                }
                Task::Place(id) => self.place(id),
            }
        }
    }

    fn place(&mut self, id: ModuleId) {
        if !std::mem::replace(&mut self.placed[id.position()], true) {
            self.order.push(id);
        }
    }

    /// Returns the modules of all `softdep` lines: those to load before, those to load after.
    fn softdeps(&mut self, id: ModuleId) -> (Vec<ModuleId>, Vec<ModuleId>) {
        let info = self.graph.module(id);
        let (mut pre, mut post) = (Vec::new(), Vec::new());
        for line in info.modinfo.texts("softdep") {
            let softdep = Softdep::parse(&line);
            let (by, line) = (info.name.clone(), line.into_owned());
            let because = Because::SoftdepPre { by: by.clone(), line: line.clone() };
            pre.extend(self.look_up(&info.name, &softdep.pre, &because));
            let because = Because::SoftdepPost { by, line };
            post.extend(self.look_up(&info.name, &softdep.post, &because));
        }
        (pre, post)
    }

    fn look_up(&mut self, by: &str, words: &[String], because: &Because) -> Vec<ModuleId> {
        let mut modules = Vec::new();
        for word in words {
            match self.graph.resolve(word) {
                None => self.unknown.push(UnknownSoftdep { by: by.to_owned(), word: word.clone() }),
                Some(found) if found.modules.is_empty() => {
                    let (word, by) = (word.clone(), Some(by.to_owned()));
                    self.builtin.push(BuiltinUse { word, builtin: found.builtin, by });
                }
                Some(found) => modules.extend(found.modules),
            }
        }
        modules.retain(|&id| !self.without.contains(&self.graph.module(id).name));
        for &id in &modules {
            self.add_reason(id, because.clone());
        }
        modules
    }

    /// Adds the modules that weak dependencies name, until there are no new ones.
    fn follow_weakdeps(&mut self) {
        let mut next = 0;
        while next < self.order.len() {
            let info = self.graph.module(self.order[next]);
            next += 1;
            for line in info.modinfo.texts("weakdep") {
                let words: Vec<String> = line.split_ascii_whitespace().map(str::to_owned).collect();
                let because = Because::Weakdep { by: info.name.clone(), line: line.into_owned() };
                for id in self.look_up(&info.name, &words, &because) {
                    self.load(id);
                }
            }
        }
    }

    fn finish(mut self, loaded: usize) -> Closure {
        for &by in &self.order.clone() {
            for &edge in self.graph.needs(by) {
                let symbol = self.graph.symbol(by, edge).to_owned();
                let because = Because::NeedsSymbol { by: self.graph.module(by).name.clone(), symbol };
                self.add_reason(edge.to, because);
            }
        }
        let mut firmware = Vec::new();
        let mut entries = Vec::new();
        for (position, &id) in self.order.iter().enumerate() {
            let info = self.graph.module(id);
            for name in info.modinfo.texts("firmware") {
                let needed = FirmwareUse { module: info.name.clone(), name: name.into_owned() };
                if !firmware.contains(&needed) {
                    firmware.push(needed);
                }
            }
            let mut because = self.reasons.remove(&id).unwrap_or_default();
            because.sort();
            let (module, unloadable) = (info.name.clone(), info.unloadable());
            entries.push(Entry { id, module, load: position < loaded, unloadable, because });
        }
        self.builtin.dedup();
        self.unknown.dedup();
        Closure { entries, builtin: self.builtin, unknown_softdeps: self.unknown, firmware }
    }
}

impl Closure {
    /// Returns the modules to load, in order.
    pub fn load_order(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter().filter(|entry| entry.load)
    }

    /// Returns the entry of a module by its name, written with `-` or `_`.
    pub fn entry(&self, module: &str) -> Option<&Entry> {
        let folded = crate::name::fold(module);
        self.entries.iter().find(|entry| entry.module == folded)
    }
}

impl std::fmt::Display for ClosureErrors {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (at, error) in self.errors.iter().enumerate() {
            write!(f, "{}{error}", if at > 0 { "\n" } else { "" })?;
        }
        Ok(())
    }
}

impl std::error::Error for ClosureErrors {}

fn nearest(graph: &Graph, target: &str) -> Option<String> {
    let target = crate::name::fold(target);
    let names = graph.modules().map(|(_, info)| info.name.as_str()).chain(graph.builtin().iter().map(String::as_str));
    let scored = names.map(|name| (strsim::damerau_levenshtein(name, &target), name));
    let (distance, name) = scored.min()?;
    (distance <= 1 + target.len() / 5).then(|| name.to_owned())
}

#[cfg(test)]
mod tests;
