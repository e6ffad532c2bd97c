//! Finds the products that changed symbols reach, and the verdict that follows.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, VecDeque};

use kiln_kconfig::{Config, Difference};
use kiln_makefile::{Effect, Mentions, Scope};

use crate::record::{BuildRecord, ProductKind};

/// A symbol whose value changed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Change {
    /// The symbol, without `CONFIG_`.
    pub symbol: String,
    /// The value before, as in a `.config`; `None` when it was off.
    pub before: Option<String>,
    /// The value after.
    pub after: Option<String>,
}

/// Returns the symbols that differ between two configs, by name.
pub fn changes(before: &Config, after: &Config) -> Vec<Change> {
    let owned = |value: Option<&str>| value.map(str::to_owned);
    let change = |found: Difference<'_>| Change {
        symbol: found.symbol.to_owned(),
        before: owned(found.before),
        after: owned(found.after),
    };
    before.differences(after).into_iter().map(change).collect()
}

/// The reason why a product is reached.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Because {
    /// Its source or a header names the symbol.
    Names {
        /// The symbol.
        symbol: String,
    },
    /// A makefile that controls it names the symbol.
    Makefile {
        /// The symbol.
        symbol: String,
        /// The makefile.
        file: String,
        /// Its line.
        line: u32,
    },
    /// It is made from something that is reached.
    From {
        /// That product.
        path: String,
    },
    /// It holds a copy of the config.
    Config,
    /// The makefiles make it after the change but not before.
    Added,
    /// The makefiles made it before the change but not after.
    Removed,
    /// It moves into a module, or into vmlinux.
    Moved,
    /// The new config leaves out exports that no module uses.
    Trimmed,
}

/// A product that is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reached {
    /// Its path inside the output directory.
    pub path: String,
    /// The part of the build that it belongs to.
    pub kind: ProductKind,
    /// The first reason that was found.
    pub because: Because,
}

/// The products that a change reaches.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Impact {
    /// Everything that is reached, by path.
    pub reached: BTreeMap<String, Reached>,
}

/// The effect of a change on a deployed kernel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// Nothing changes.
    Nothing,
    /// Nothing of vmlinux is reached: new modules fit.
    ModulesOnly,
    /// Objects of vmlinux were reached, but their contents are unchanged: new modules fit.
    SameBytes,
    /// Objects of vmlinux are reached: a new kernel is needed, unless compiling shows that their contents are
    /// unchanged.
    Reached,
    /// vmlinux changes.
    NewKernel,
}

/// Objects by their path, and whether they are part of vmlinux.
pub type Objects = BTreeMap<String, bool>;

/// Objects that hold a copy of the config for people to read: nothing else of the kernel depends on it.
const COPIES: [&str; 2] = ["kernel/configs.o", "kernel/kheaders.o"];
/// The kernel itself.
const VMLINUX: &str = "vmlinux";

impl Impact {
    /// Returns the products of vmlinux that are reached, except copies of the config.
    pub fn built_in(&self) -> impl Iterator<Item = &Reached> {
        self.reached.values().filter(|reached| reached.is_built_in() && !is_copy(&reached.path))
    }

    /// Returns the products of modules that are reached.
    pub fn modules(&self) -> impl Iterator<Item = &Reached> {
        self.reached.values().filter(|reached| reached.kind == ProductKind::Module)
    }

    /// Returns the copies of the config in the kernel.
    pub fn copies(&self) -> impl Iterator<Item = &Reached> {
        self.reached.values().filter(|reached| is_copy(&reached.path))
    }

    /// Returns the verdict before anything is compiled.
    pub fn verdict(&self) -> Verdict {
        let is_other =
            |reached: &Reached| matches!(reached.because, Because::Added | Because::Removed | Because::Moved);
        // A module's object that moves becomes part of vmlinux.
        let moves = |reached: &Reached| reached.because == Because::Moved;
        match () {
            () if self.built_in().any(is_other) || self.reached.values().any(moves) => Verdict::NewKernel,
            () if self.built_in().next().is_some() => Verdict::Reached,
            () if self.reached.is_empty() => Verdict::Nothing,
            () => Verdict::ModulesOnly,
        }
    }
}

impl Reached {
    fn is_built_in(&self) -> bool {
        self.kind == ProductKind::BuiltIn || self.path == VMLINUX
    }
}

/// Whether the object only holds a copy of the config.
pub(crate) fn is_copy(path: &str) -> bool {
    COPIES.contains(&path)
}

/// Finds the products that `changes` reach in the build that left `record`.
///
/// `before` and `after` are the objects that the makefiles list for either config, as far as that can be read. Where
/// such a list does not match the build, everything below the directory in question counts as reached.
pub fn reach(
    record: &BuildRecord,
    changes: &[Change],
    mentions: &Mentions,
    before: &Objects,
    after: &Objects,
    config: &Config,
) -> Impact {
    let mut reaching = Reaching { record, found: BTreeMap::new(), queue: VecDeque::new() };
    if changes.is_empty() {
        return Impact::default();
    }
    reaching.membership(before, after);
    for change in changes {
        for product in record.naming(&change.symbol) {
            reaching.product(product, Because::Names { symbol: change.symbol.clone() });
        }
        for effect in mentions.of(&change.symbol) {
            reaching.effect(&change.symbol, effect, before);
        }
    }
    reaching.spread();
    let added = added(record, before, after);
    let adds_modules = added.iter().any(|(_, kind)| *kind == ProductKind::Module);
    if config.get("TRIM_UNUSED_KSYMS") == Some("y") && (adds_modules || reaching.touches_modules()) {
        reaching.all(&Because::Trimmed);
    }
    reaching.copies();
    reaching.spread();
    let shown = |(product, because)| {
        let path = record.path(product).to_owned();
        (path.clone(), Reached { path, kind: record.kind(product), because })
    };
    let mut reached: BTreeMap<String, Reached> = reaching.found.into_iter().map(shown).collect();
    for (path, kind) in added {
        reached.insert(path.to_owned(), Reached { path: path.to_owned(), kind, because: Because::Added });
    }
    Impact { reached }
}

/// Returns the objects that only the second config lists.
fn added<'a>(record: &BuildRecord, before: &Objects, after: &'a Objects) -> Vec<(&'a str, ProductKind)> {
    // A file that another config left in the directory is an aid, not part of this build.
    let was_part = |path: &str| record.find(path).is_some_and(|product| record.kind(product) != ProductKind::Aid);
    let kind = |built_in: bool| if built_in { ProductKind::BuiltIn } else { ProductKind::Module };
    let is_new = |path: &str| !was_part(path) && !before.contains_key(path);
    after.iter().filter(|(path, _)| is_new(path)).map(|(path, built_in)| (path.as_str(), kind(*built_in))).collect()
}

/// The state of the search: products by number with their reasons, and those whose readers are still to be visited.
struct Reaching<'a> {
    record: &'a BuildRecord,
    found: BTreeMap<usize, Because>,
    queue: VecDeque<usize>,
}

impl Reaching<'_> {
    fn product(&mut self, product: usize, because: Because) {
        if let Entry::Vacant(slot) = self.found.entry(product) {
            slot.insert(because);
            self.queue.push_back(product);
        }
    }

    /// Adds objects that are removed, or move between modules and vmlinux.
    fn membership(&mut self, before: &Objects, after: &Objects) {
        for (path, was_built_in) in before {
            let Some(product) = self.record.find(path) else { continue };
            match after.get(path) {
                None => self.product(product, Because::Removed),
                Some(is_built_in) if is_built_in != was_built_in => self.product(product, Because::Moved),
                Some(_) => {}
            }
        }
    }

    fn effect(&mut self, symbol: &str, effect: &Effect, before: &Objects) {
        let because = Because::Makefile { symbol: symbol.to_owned(), file: effect.file.clone(), line: effect.line };
        match &effect.scope {
            Scope::Product(path) => {
                let found = self.record.find(path).into_iter();
                let module = path.strip_suffix(".o").and_then(|stem| self.record.find(&format!("{stem}.ko")));
                found
                    .chain(module)
                    .collect::<Vec<_>>()
                    .into_iter()
                    .for_each(|product| self.product(product, because.clone()));
            }
            Scope::Below(folder) if effect.is_membership && self.is_listed(folder, before) => {}
            Scope::Below(folder) => {
                let below: Vec<usize> = self.record.below(folder).collect();
                below.into_iter().for_each(|product| self.product(product, because.clone()));
            }
            // Products of rules are recorded as made from their makefile.
            Scope::Rules(file) => {
                let made: Vec<usize> = (0..self.record.len())
                    .filter(|&product| self.record.reads(product).any(|read| !read.made && read.path == *file))
                    .collect();
                made.into_iter().for_each(|product| self.product(product, because.clone()));
            }
            Scope::Link => self.linked(&because),
            Scope::Everything => self.all(&because),
        }
    }

    /// Whether the makefiles were understood for everything that was built below a directory.
    fn is_listed(&self, folder: &str, before: &Objects) -> bool {
        let object = |&product: &usize| {
            matches!(self.record.kind(product), ProductKind::BuiltIn | ProductKind::Module)
                && self.record.path(product).ends_with(".o")
                && self.record.reads(product).any(|read| !read.made)
        };
        self.record.below(folder).filter(object).all(|product| {
            let path = self.record.path(product);
            before.contains_key(path) || path.ends_with(".mod.o")
        })
    }

    fn linked(&mut self, because: &Because) {
        let is_linked = |path: &str| path == VMLINUX || path.ends_with(".ko");
        let products: Vec<usize> =
            (0..self.record.len()).filter(|&product| is_linked(self.record.path(product))).collect();
        products.into_iter().for_each(|product| self.product(product, because.clone()));
    }

    fn all(&mut self, because: &Because) {
        (0..self.record.len()).for_each(|product| self.product(product, because.clone()));
    }

    fn touches_modules(&self) -> bool {
        self.found.keys().any(|&product| self.record.kind(product) == ProductKind::Module)
    }

    /// Adds copies of the config, wherever their makefile takes it from.
    fn copies(&mut self) {
        let copies: Vec<usize> = COPIES.iter().filter_map(|path| self.record.find(path)).collect();
        copies.into_iter().for_each(|product| self.product(product, Because::Config));
    }

    /// Follows reached products to those made from them.
    fn spread(&mut self) {
        let readers = self.record.readers();
        while let Some(product) = self.queue.pop_front() {
            // vmlinux follows from its objects; its readers are images.
            for &reader in readers.get(&product).into_iter().flatten() {
                self.product(reader, Because::From { path: self.record.path(product).to_owned() });
            }
        }
    }
}

#[cfg(test)]
mod tests;
