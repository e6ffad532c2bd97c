//! All modules of a release, joined over their symbols.

mod cycle;
mod order;
mod resolve;

use std::collections::BTreeMap;

use kiln_diag::{Code, Diagnostic, Diagnostics};
use rayon::prelude::*;

use crate::depmod::Layout;
use crate::hash::NameTable;
use crate::kernel_symbols::KernelSymbols;
use crate::module::{Machine, ModuleInfo};
use crate::name;

pub use cycle::{Cycle, CycleEdge};
pub use resolve::{Resolution, Source};

/// A module of a [`Graph`]: its position in module order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ModuleId(pub(crate) u32);

/// An edge from a module to one that it needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Edge {
    /// The module that is needed.
    pub to: ModuleId,
    /// The first symbol for which it is needed: an index into the needing module's `wants`.
    pub want: usize,
}

/// The inputs of a graph.
#[derive(Debug)]
pub struct Inputs<'a> {
    /// The modules, in any order.
    pub modules: Vec<ModuleInfo>,
    /// `modules.order`.
    pub order: Option<&'a [u8]>,
    /// `modules.builtin`.
    pub builtin: Option<&'a [u8]>,
    /// `modules.builtin.modinfo`.
    pub builtin_modinfo: Option<&'a [u8]>,
    /// The exports of the kernel image; without them nothing is reported about symbols that no module has.
    pub kernel_symbols: Option<KernelSymbols>,
    /// The version of kmod whose reading of repeated lines in `modules.order` to follow.
    pub layout: Layout,
}

/// All modules of a release in module order, with their dependencies.
#[derive(Debug, Clone)]
pub struct Graph {
    modules: Vec<ModuleInfo>,
    by_name: NameTable<ModuleId>,
    owners: NameTable<Owner>,
    /// Direct dependencies, by ascending number.
    edges: Vec<Vec<Edge>>,
    /// Position in the topological order: users before what they use.
    numbers: Vec<u32>,
    cyclic: Vec<ModuleId>,
    image: Image,
    aliases: std::sync::OnceLock<resolve::Aliases>,
}

/// The exporter of a symbol.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Owner {
    pub(crate) module: ModuleId,
    /// Index into the module's `exports`.
    pub(crate) export: u32,
}

/// What the kernel image itself has.
#[derive(Debug, Clone)]
struct Image {
    builtin: Option<Vec<String>>,
    builtin_aliases: Option<Vec<(Vec<u8>, String)>>,
    builtin_firmware: Vec<(String, String)>,
    kernel_symbols: Option<KernelSymbols>,
}

impl Graph {
    /// Orders the modules, finds every symbol's owner, and which module needs which.
    ///
    /// The findings are warnings: two files with one module name (the one with the byte-wise smaller path stays),
    /// two modules with one symbol (the later one in module order owns it), a module for another machine than the
    /// rest, a `modules.order` that cannot be used.
    /// Cycles are not a finding here: [`Graph::cycles`] has them.
    pub fn build(inputs: Inputs<'_>) -> (Graph, Diagnostics) {
        let mut findings = Diagnostics::new();
        let modules = without_twins(inputs.modules, &mut findings);
        let modules = order::sorted(modules, inputs.order, inputs.layout, &mut findings);
        report_strangers(&modules, &mut findings);
        let image = Image {
            builtin: inputs.builtin.map(builtin_names),
            builtin_aliases: inputs.builtin_modinfo.map(|records| builtin_values(records, b"alias=").collect()),
            builtin_firmware: inputs.builtin_modinfo.map(builtin_firmware).unwrap_or_default(),
            kernel_symbols: inputs.kernel_symbols,
        };
        let graph = Graph::join(modules, image, &mut findings);
        (graph, findings)
    }

    /// Returns all modules in module order.
    pub fn ids(&self) -> impl ExactSizeIterator<Item = ModuleId> + use<> {
        (0..self.modules.len() as u32).map(ModuleId)
    }

    /// Returns all modules in module order, with their facts.
    pub fn modules(&self) -> impl ExactSizeIterator<Item = (ModuleId, &ModuleInfo)> {
        ids(&self.modules)
    }

    /// Returns the facts of a module of this graph.
    pub fn module(&self, id: ModuleId) -> &ModuleInfo {
        &self.modules[id.0 as usize]
    }

    /// Finds a module by its name, written with `-` or `_`.
    pub fn find(&self, name: &str) -> Option<ModuleId> {
        self.by_name.get(&name::fold(name)).copied()
    }

    /// Returns the modules that a module needs directly, nearest first (by ascending number).
    pub fn needs(&self, id: ModuleId) -> &[Edge] {
        &self.edges[id.0 as usize]
    }

    /// Returns the symbol for which `by` needs the module that the edge leads to.
    pub fn symbol(&self, by: ModuleId, edge: Edge) -> &str {
        self.module(by).wants.get(edge.want).map_or("", |want| want.name)
    }

    /// Returns all modules that a module needs, directly or not, in the order of its `modules.dep` line, deepest last.
    ///
    /// In a cycle the list may contain the module itself.
    pub fn needs_all(&self, id: ModuleId) -> Vec<ModuleId> {
        let mut reach = Reach::new(self);
        reach.all(id).to_vec()
    }

    /// Returns the module that exports `symbol`.
    pub fn owner(&self, symbol: &str) -> Option<ModuleId> {
        self.export(symbol).map(|owner| owner.module)
    }

    /// Returns the module that exports `symbol`, and the index among its exports.
    pub(crate) fn export(&self, symbol: &str) -> Option<Owner> {
        self.owners.get(symbol.strip_prefix('.').unwrap_or(symbol)).copied()
    }

    /// Returns all symbols that modules export with their owners, in the order of `modules.symbols`.
    pub(crate) fn owners_in_table_order(&self) -> Vec<(&str, &Owner)> {
        self.owners.in_table_order(order::SYMBOL_BUCKETS)
    }

    /// Returns names of the modules that are part of the kernel image, in the order of `modules.builtin`.
    pub fn builtin(&self) -> &[String] {
        self.image.builtin.as_deref().unwrap_or_default()
    }

    /// Returns aliases of the modules that are part of the kernel image, as `modules.builtin.modinfo` spells them.
    pub(crate) fn builtin_aliases(&self) -> &[(Vec<u8>, String)] {
        self.image.builtin_aliases.as_deref().unwrap_or_default()
    }

    /// Returns the firmware files that parts of the kernel image name: the part's name, and the file, which may have
    /// wildcards.
    pub fn builtin_firmware(&self) -> &[(String, String)] {
        &self.image.builtin_firmware
    }

    /// Whether there was a `modules.builtin`, and a `modules.builtin.modinfo`.
    pub(crate) fn has_builtin_files(&self) -> (bool, bool) {
        (self.image.builtin.is_some(), self.image.builtin_aliases.is_some())
    }

    /// Returns the exports of the kernel image, when known.
    pub fn kernel_symbols(&self) -> Option<&KernelSymbols> {
        self.image.kernel_symbols.as_ref()
    }

    /// Returns the graph of just the modules in `keep`, as a build from only their files would.
    ///
    /// The facts of the kernel image are kept.
    #[must_use]
    pub fn subset(&self, keep: &[ModuleId]) -> Graph {
        let mut keep = keep.to_vec();
        keep.sort_unstable();
        keep.dedup();
        let modules: Vec<ModuleInfo> = keep.iter().map(|&id| self.module(id).clone()).collect();
        Graph::join(modules, self.image.clone(), &mut Diagnostics::new())
    }

    /// Builds the graph of modules that are in module order.
    fn join(modules: Vec<ModuleInfo>, image: Image, findings: &mut Diagnostics) -> Graph {
        let mut by_name = NameTable::new();
        for (id, info) in ids(&modules) {
            by_name.insert(&info.name, id);
        }
        let owners = owners(&modules, findings);
        let edges = modules.par_iter().map(|info| edges_of(info, &owners)).collect();
        let (numbers, cyclic, aliases) = (Vec::new(), Vec::new(), std::sync::OnceLock::new());
        let mut graph = Graph { modules, by_name, owners, edges, numbers, cyclic, image, aliases };
        graph.number();
        graph
    }

    /// Numbers the modules so that each has a lower number than the modules it needs, and sorts the edges by it.
    fn number(&mut self) {
        let mut users = vec![0u32; self.modules.len()];
        for edge in self.edges.iter().flatten() {
            users[edge.to.0 as usize] += 1;
        }
        // A module in or below a cycle is never reached; it keeps a number above all others.
        self.numbers = vec![u32::MAX; self.modules.len()];
        let mut open: Vec<ModuleId> = self.ids().filter(|id| users[id.0 as usize] == 0).collect();
        let mut next = 0;
        while let Some(id) = open.pop() {
            self.numbers[id.0 as usize] = next;
            next += 1;
            for edge in &self.edges[id.0 as usize] {
                let users = &mut users[edge.to.0 as usize];
                *users -= 1;
                if *users == 0 {
                    open.push(edge.to);
                }
            }
        }
        let left: Vec<ModuleId> = self.ids().filter(|id| users[id.0 as usize] > 0).collect();
        self.cyclic = self.find_cyclic(&left);
        for edges in &mut self.edges {
            edges.sort_by_key(|edge| self.numbers[edge.to.0 as usize]);
        }
    }
}

/// Finds all modules that a module needs, for one module after another without new allocations.
#[derive(Debug)]
pub(crate) struct Reach<'a> {
    graph: &'a Graph,
    /// The last search in which each module was visited.
    met: Vec<u32>,
    search: u32,
    found: Vec<ModuleId>,
}

impl<'a> Reach<'a> {
    pub(crate) fn new(graph: &'a Graph) -> Reach<'a> {
        Reach { graph, met: vec![0; graph.modules.len()], search: 0, found: Vec::new() }
    }

    /// As [`Graph::needs_all`].
    pub(crate) fn all(&mut self, id: ModuleId) -> &[ModuleId] {
        self.search += 1;
        self.found.clear();
        self.follow(id);
        let mut next = 0;
        while let Some(&id) = self.found.get(next) {
            next += 1;
            self.follow(id);
        }
        let numbers = &self.graph.numbers;
        // A module in or below a cycle has no number of its own.
        self.found.sort_unstable_by_key(|id| (numbers[id.position()], *id));
        &self.found
    }

    fn follow(&mut self, id: ModuleId) {
        for edge in self.graph.needs(id) {
            if std::mem::replace(&mut self.met[edge.to.position()], self.search) != self.search {
                self.found.push(edge.to);
            }
        }
    }
}

impl ModuleId {
    /// Returns the module's position in module order, which the binary indexes call its priority.
    pub fn position(self) -> usize {
        self.0 as usize
    }
}

fn ids(modules: &[ModuleInfo]) -> impl ExactSizeIterator<Item = (ModuleId, &ModuleInfo)> {
    modules.iter().enumerate().map(|(position, info)| (ModuleId(position as u32), info))
}

/// Keeps one of the modules that share a name.
fn without_twins(mut modules: Vec<ModuleInfo>, findings: &mut Diagnostics) -> Vec<ModuleInfo> {
    modules.sort_by_cached_key(|info| (info.name.clone(), info.path.clone()));
    modules.dedup_by(|later, first| {
        let twins = later.name == first.name;
        if twins {
            let message =
                format!("two files are the module {}: {} is used, {} is not", first.name, first.path, later.path);
            findings.push(Diagnostic::warning(Code::DuplicateModule, message));
        }
        twins
    });
    modules
}

/// Warns about each module for another machine than that of most.
fn report_strangers(modules: &[ModuleInfo], findings: &mut Diagnostics) {
    let mut counts: BTreeMap<Machine, usize> = BTreeMap::new();
    for machine in modules.iter().filter_map(|info| info.machine) {
        *counts.entry(machine).or_default() += 1;
    }
    let Some((&usual, _)) = counts.iter().max_by_key(|(_, count)| **count) else { return };
    for info in modules {
        if info.machine.is_some_and(|machine| machine != usual) {
            let message = format!("{} is for another machine than the other modules", info.path);
            findings.push(Diagnostic::warning(Code::ForeignModule, message));
        }
    }
}

fn owners(modules: &[ModuleInfo], findings: &mut Diagnostics) -> NameTable<Owner> {
    let mut owners = NameTable::new();
    for (id, info) in ids(modules) {
        for (index, export) in info.exports.iter().enumerate() {
            if let Some(earlier) = owners.insert(&export.name, Owner { module: id, export: index as u32 })
                && earlier.module != id
                && !export.is_namespace
            {
                let earlier = &modules[earlier.module.position()].path;
                let message = format!("{earlier} and {} both export {}: the latter is used", info.path, export.name);
                findings.push(Diagnostic::warning(Code::DuplicateSymbol, message));
            }
        }
    }
    owners
}

/// Returns the owners of the symbols that a module wants, each once, in the order of first use.
fn edges_of(info: &ModuleInfo, owners: &NameTable<Owner>) -> Vec<Edge> {
    let mut edges: Vec<Edge> = Vec::new();
    for (want, wanted) in info.wants.iter().enumerate() {
        let owner = owners.get(wanted.name.strip_prefix('.').unwrap_or(wanted.name));
        if let Some(&Owner { module: to, .. }) = owner
            && edges.iter().all(|edge| edge.to != to)
        {
            edges.push(Edge { to, want });
        }
    }
    edges
}

fn builtin_names(lines: &[u8]) -> Vec<String> {
    let lines = lines.split(|&byte| byte == b'\n');
    let paths = lines.filter(|line| line.first().is_some_and(u8::is_ascii_alphabetic));
    paths.map(|line| name::module_name(&String::from_utf8_lossy(line))).collect()
}

/// Returns the `NAME.KEY=VALUE` records of one key (with its `=`), each ended by NUL: value and name.
fn builtin_values<'a>(records: &'a [u8], key: &'a [u8]) -> impl Iterator<Item = (Vec<u8>, String)> + 'a {
    records.split(|&byte| byte == 0).filter_map(move |record| {
        let dot = record.iter().position(|&byte| byte == b'.')?;
        let value = record[dot + 1..].strip_prefix(key)?;
        Some((value.to_vec(), String::from_utf8_lossy(&record[..dot]).into_owned()))
    })
}

fn builtin_firmware(records: &[u8]) -> Vec<(String, String)> {
    let named = builtin_values(records, b"firmware=");
    named.map(|(file, name)| (name::fold(&name), String::from_utf8_lossy(&file).into_owned())).collect()
}

#[cfg(test)]
mod tests;
