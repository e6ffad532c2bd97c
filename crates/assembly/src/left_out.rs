//! Modules that are built and that no loader takes, so that they are not in a result.
//!
//! A module that the recipe requests by its symbol and that no loader takes is most likely missing in a loader: such
//! requests are warnings. All other such modules are only listed.
//! [`divide`] knows the built modules; before a build, [`divide_ahead`] follows Kconfig's dependencies instead.

use std::collections::{BTreeMap, BTreeSet};

use kiln_diag::{Code, Diagnostic, Diagnostics};
use kiln_makefile::{ModuleRules, Rule};
use kiln_modgraph::{Because, Entry, Graph, ModuleId, uncompressed};
use kiln_plan::Loader;
use kiln_plan::evaluate::MergedRequest;

use crate::closure::LoaderClosure;

mod ahead;

pub use ahead::divide_ahead;

/// A module that is built and that no loader takes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct LeftOut {
    /// The kernel's name for it.
    pub module: String,
    /// The symbols that build it.
    pub symbols: BTreeSet<String>,
    /// The loader with the most modules that this one needs.
    pub near: Option<String>,
}

/// The modules that are built, told apart by whether a loader takes them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Division {
    /// Modules that no loader takes, by name.
    pub left_out: Vec<LeftOut>,
    /// The symbols that build modules which a loader takes.
    pub taken: BTreeSet<String>,
}

/// More warnings than this are one that lists them.
const MOST: usize = 8;

/// Returns the modules of no closure, in module order.
pub fn unused(graph: &Graph, closed: &[LoaderClosure]) -> Vec<ModuleId> {
    let used: BTreeSet<ModuleId> =
        closed.iter().flat_map(|one| one.closure.entries.iter().map(|entry| entry.id)).collect();
    graph.ids().filter(|id| !used.contains(id)).collect()
}

/// Returns the path inside the tree, without a suffix, of the object that a module of the kernel's build is made from;
/// `None` for a module from outside of the tree.
pub fn object_of(path: &str) -> Option<&str> {
    uncompressed(path).strip_prefix("kernel/")?.strip_suffix(".ko")
}

/// Divides the built modules; `rules` are those of the makefiles in and above the modules' directories.
pub fn divide(graph: &Graph, rules: &ModuleRules, closed: &[LoaderClosure]) -> Division {
    let unused: BTreeSet<ModuleId> = unused(graph, closed).into_iter().collect();
    let mut division = Division::default();
    for (id, info) in graph.modules() {
        // The file of a module in a small tree, or of an unusual one, may lie elsewhere: then the name has to do.
        let exact: Vec<&Rule> = object_of(&info.path).into_iter().flat_map(|object| rules.of_object(object)).collect();
        let found = if exact.is_empty() { rules.of(&info.name).iter().collect() } else { exact };
        let symbols = found.iter().filter_map(|rule| rule.symbol.clone());
        if unused.contains(&id) {
            let (module, near) = (info.name.clone(), nearest_loader(graph, id, closed));
            division.left_out.push(LeftOut { module, symbols: symbols.collect(), near });
        } else {
            division.taken.extend(symbols);
        }
    }
    division.left_out.sort();
    division
}

/// Returns the loader whose closure has the most of the modules that `id` needs, or else targets nearest to it in the
/// tree.
fn nearest_loader(graph: &Graph, id: ModuleId, closed: &[LoaderClosure]) -> Option<String> {
    let needed = graph.needs_all(id);
    let path = uncompressed(&graph.module(id).path);
    let near = closed.iter().map(|one| {
        let entries = one.closure.entries.iter();
        let is_target = |entry: &&Entry| entry.because.iter().any(|why| matches!(why, Because::Target { .. }));
        let depths = entries.clone().filter(is_target).map(|entry| depth(path, &graph.module(entry.id).path));
        let depth = depths.max().unwrap_or(0).saturating_sub(1);
        let n_shared = entries.filter(|entry| needed.contains(&entry.id)).count();
        Near { n_shared, depth, loader: one.spec.name.as_str() }
    });
    nearest(near.collect())
}

/// The distance between a loader and a module.
#[derive(Debug, Clone, Copy)]
struct Near<'a> {
    /// The number of modules of the loader that it depends on.
    n_shared: usize,
    /// The number of directories below the top that it shares with a target of the loader.
    depth: usize,
    loader: &'a str,
}

/// Returns the nearest loader, the first by name of several that have as many shared modules; `None` when there are no
/// such modules, and several loaders are equally near in the tree.
fn nearest(near: Vec<Near<'_>>) -> Option<String> {
    let key = |one: &Near<'_>| (one.n_shared, one.depth);
    let best = near.iter().map(key).max().filter(|best| *best > (0, 0))?;
    let found: Vec<&Near<'_>> = near.iter().filter(|one| key(one) == best).collect();
    (best.0 > 0 || found.len() == 1).then(|| found[0].loader.to_owned())
}

/// Returns the number of leading directories that two paths share.
fn depth(one: &str, other: &str) -> usize {
    let directories = |path: &str| path.rsplit_once('/').map_or("", |(directories, _)| directories).to_owned();
    let (one, other) = (directories(one), directories(other));
    one.split('/').zip(other.split('/')).take_while(|(a, b)| a == b && !a.is_empty()).count()
}

/// Returns a warning for each request for modules of which no loader takes any.
pub fn warnings(
    division: &Division,
    requests: &BTreeMap<String, MergedRequest>,
    loaders: &BTreeMap<String, Loader>,
) -> Diagnostics {
    let mut found: Vec<(&MergedRequest, Vec<&LeftOut>)> = Vec::new();
    for request in requests.values().filter(|request| request.value == "m") {
        let modules: Vec<&LeftOut> =
            division.left_out.iter().filter(|one| one.symbols.contains(&request.symbol)).collect();
        if !modules.is_empty() && !division.taken.contains(&request.symbol) {
            found.push((request, modules));
        }
    }
    if found.len() > MOST {
        return [many(&found)].into_iter().collect();
    }
    found.into_iter().map(|(request, modules)| one(request, &modules, loaders)).collect()
}

fn one(request: &MergedRequest, modules: &[&LeftOut], loaders: &BTreeMap<String, Loader>) -> Diagnostic {
    let quoted: Vec<String> = modules.iter().map(|one| format!("`{}`", one.module)).collect();
    let (noun, object, absent) = match quoted.len() {
        1 => ("module", "it", "it is not"),
        _ => ("modules", "any of them", "none of them is"),
    };
    let names = quoted.join(", ");
    let symbol = &request.symbol;
    let message = format!("`{symbol}` builds the {noun} {names}, but no loader takes {object}");
    let finding = Diagnostic::warning(Code::UnloadedModule, message)
        .option(format!("kernel.config.{symbol}"))
        .label(request.origin, format!("requested here; {absent} in the result"));
    let near = modules.iter().find_map(|one| one.near.clone());
    let only = loaders.keys().next().filter(|_| loaders.len() == 1).cloned();
    match near.or(only) {
        Some(loader) => finding.help(format!("add {names} to `kmodloader.{loader}.targets`")),
        None if loaders.is_empty() => {
            finding.help(format!("make a loader: `kmodloader.NAME.targets = [\"{}\"]`", modules[0].module))
        }
        None => {
            let loaders: Vec<String> = loaders.keys().map(|name| format!("`kmodloader.{name}.targets`")).collect();
            finding.help(format!("add {names} to {}", loaders.join(" or ")))
        }
    }
    .help(format!("or remove the request for `{symbol}`"))
}

fn many(found: &[(&MergedRequest, Vec<&LeftOut>)]) -> Diagnostic {
    let message = format!("{} requests build modules that no loader takes", found.len());
    let finding = Diagnostic::warning(Code::UnloadedModule, message)
        .option("kernel.config")
        .label(found[0].0.origin, "the first is requested here; none of them is in the result");
    let finding = found.iter().fold(finding, |finding, (request, modules)| {
        let names: Vec<&str> = modules.iter().map(|one| one.module.as_str()).collect();
        finding.note(format!("{}: {}", request.symbol, names.join(", ")))
    });
    finding
        .help("add the modules that the device needs to the `targets` of a loader")
        .help("or remove the requests for those that it does not need")
}

/// Returns the names as one line for people, with at most `most` of them; empty without any.
pub fn line(names: &[String], most: usize) -> String {
    if names.is_empty() {
        return String::new();
    }
    let (noun, verb) = if names.len() == 1 { ("module", "is") } else { ("modules", "are") };
    let shown = names[..names.len().min(most)].join(", ");
    let rest = names.len().saturating_sub(most);
    let more = if rest > 0 { format!(" and {rest} more") } else { String::new() };
    format!("{} {noun} {verb} built and in no loader: {shown}{more}", names.len())
}

#[cfg(test)]
mod tests;
