//! The modules of no loader before anything is built, by the dependencies that Kconfig states.
//!
//! A module that needs another one depends on its symbol or selects it, so that a symbol which no target leads to
//! builds nothing that a closure needs. The converse does not hold: what Kconfig requires may be needed only while the
//! module runs. So every warning here is one after the build too, unless a `softdep` line leads to the module.

use std::collections::{BTreeMap, BTreeSet};

use kiln_kconfig::{Config, Model, SymbolId};
use kiln_makefile::{ModuleRules, Rule};
use kiln_plan::Loader;

use super::{Division, LeftOut, Near, depth, nearest};

/// The symbols that each loader's targets lead to, with their names.
struct Reached<'a> {
    name: &'a str,
    symbols: BTreeSet<String>,
    /// The paths of the targets.
    objects: Vec<&'a str>,
}

/// Divides the modules that makefiles and config say will be built.
pub fn divide_ahead(
    model: &Model,
    rules: &ModuleRules,
    config: &Config,
    loaders: &BTreeMap<String, Loader>,
) -> Division {
    let reached = loaders.iter().map(|(name, loader)| {
        let targets = targets(rules, config, loader);
        let symbols = targets.iter().filter_map(|rule| rule.symbol.clone()).collect();
        let objects = targets.iter().map(|rule| rule.object.as_str()).collect();
        Reached { name, symbols: reach(model, config, symbols), objects }
    });
    let reached: Vec<Reached<'_>> = reached.collect();
    let mut division = Division::default();
    for module in rules.names() {
        let is_module = |rule: &&Rule| rule.symbol.as_ref().is_some_and(|name| config.get(name) == Some("m"));
        let built: Vec<&Rule> = rules.of(module).iter().filter(is_module).collect();
        let Some(first) = built.first() else { continue };
        let symbols: BTreeSet<String> = built.iter().filter_map(|rule| rule.symbol.clone()).collect();
        if reached.iter().any(|one| !one.symbols.is_disjoint(&symbols)) {
            division.taken.extend(symbols);
        } else {
            let left_out = (first.object.as_str(), symbols);
            let near = near(model, config, &left_out, &reached);
            division.left_out.push(LeftOut { module: module.to_owned(), symbols: left_out.1, near });
        }
    }
    division
}

fn targets<'a>(rules: &'a ModuleRules, config: &Config, loader: &Loader) -> Vec<&'a Rule> {
    let of_targets = loader.targets.iter().flat_map(|target| rules.of(&target.value));
    of_targets.filter(|rule| rule.symbol.as_ref().is_some_and(|symbol| is_on(config, symbol))).collect()
}

fn is_on(config: &Config, symbol: &str) -> bool {
    matches!(config.get(symbol), Some("y" | "m"))
}

/// Returns the symbols with those that they select and depend on, and so on.
fn reach(model: &Model, config: &Config, from: Vec<String>) -> BTreeSet<String> {
    let mut open = from;
    let mut reached = BTreeSet::new();
    while let Some(name) = open.pop() {
        let Some(symbol) = model.find(&name).filter(|_| reached.insert(name)) else { continue };
        let selected = model.selections(symbol).filter(|line| !line.weak).map(|line| line.target);
        let selected: Vec<SymbolId> = selected.chain(required(model, symbol)).collect();
        let names = selected.into_iter().map(|id| model.name(id).into_owned());
        open.extend(names.filter(|name| is_on(config, name) && !reached.contains(name)));
    }
    reached
}

/// Returns the symbols of a dependency, apart from those that may as well be off (`IPV6 || IPV6=n`).
fn required(model: &Model, symbol: SymbolId) -> Vec<SymbolId> {
    let Some(dependency) = model.direct_dependency(symbol) else { return Vec::new() };
    let text = model.show(dependency);
    let may_be_off = |name: &str| {
        let words: Vec<&str> = text.split([' ', '(', ')']).filter(|word| !word.is_empty()).collect();
        words.iter().any(|word| word.strip_prefix('!') == Some(name) || word.strip_suffix("=n") == Some(name))
    };
    model.symbols_in(dependency).into_iter().filter(|&id| !may_be_off(&model.name(id))).collect()
}

/// Returns the loader that leads to most of the modules that these symbols depend on, or else has targets nearest to the
/// module in the tree.
fn near(
    model: &Model,
    config: &Config,
    left_out: &(&str, BTreeSet<String>),
    reached: &[Reached<'_>],
) -> Option<String> {
    let (object, symbols) = left_out;
    let found = symbols.iter().filter_map(|name| model.find(name)).flat_map(|symbol| required(model, symbol));
    let needed: BTreeSet<String> = found.map(|id| model.name(id).into_owned()).collect();
    let needed: Vec<&String> = needed.iter().filter(|name| config.get(name) == Some("m")).collect();
    let near = reached.iter().map(|one| Near {
        n_shared: needed.iter().filter(|name| one.symbols.contains(**name)).count(),
        depth: one.objects.iter().map(|target| depth(object, target)).max().unwrap_or(0),
        loader: one.name,
    });
    nearest(near.collect())
}
