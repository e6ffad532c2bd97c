//! From the modules that a loader requests to those that it loads.
//!
//! Targets are looked up among the built modules first, then among those of the kernel image; the makefiles distinguish
//! the rest: a module whose symbol is off, one that is part of the image, or one that no makefile builds.

pub(crate) mod finding;
mod suggestion;

use std::collections::{BTreeMap, BTreeSet};

use kiln_diag::{Code, Diagnostic, Diagnostics, Span};
use kiln_kconfig::Config;
use kiln_makefile::{ModuleRules, Rule};
use kiln_modgraph::{Because, Closure, ClosureOptions, Graph, closure, fold};
use kiln_plan::Loader;
use kiln_plan::evaluate::MergedRequest;
use kiln_service::{Dependency, LoadStep, LoaderName, LoaderSpec, ServiceName};

pub(crate) use finding::{Missing, Void};
use suggestion::suggestion;

/// The inputs of every loader closure.
#[derive(Debug, Clone, Copy)]
pub struct ClosureInputs<'a> {
    /// All modules of the build.
    pub graph: &'a Graph,
    /// The rules from symbols to modules.
    pub rules: &'a ModuleRules,
    /// The resolved config.
    pub config: &'a Config,
    /// The recipe's requests.
    pub requests: &'a BTreeMap<String, MergedRequest>,
    /// Whether the kernel loads modules at all.
    pub modular: bool,
    /// The kernel's release: the directory under `/lib/modules`.
    pub release: &'a str,
}

/// A loader with everything that it needs.
#[derive(Debug, Clone)]
pub struct LoaderClosure {
    /// The input for its services.
    pub spec: LoaderSpec,
    /// Its modules in load order, with reasons; those required only by a `weakdep` come last and are not loaded.
    pub closure: Closure,
    /// Targets that the kernel image has.
    pub builtin: Vec<String>,
    /// Names of modules in `closure` that only soft dependencies require.
    pub soft: BTreeSet<String>,
}

/// Closes every loader.
///
/// The diagnostics have an error for every unavailable target, dependency or parameter; loaders with errors are not in
/// the list.
pub fn close(inputs: &ClosureInputs<'_>, loaders: &BTreeMap<String, Loader>) -> (Vec<LoaderClosure>, Diagnostics) {
    let mut diagnostics = Diagnostics::new();
    let mut closed = Vec::new();
    for (name, loader) in loaders {
        let before = diagnostics.iter().filter(|finding| finding.severity == kiln_diag::Severity::Error).count();
        let one = close_one(inputs, name, loader, loaders, &mut diagnostics);
        let after = diagnostics.iter().filter(|finding| finding.severity == kiln_diag::Severity::Error).count();
        closed.extend(one.filter(|_| before == after));
    }
    (closed, diagnostics)
}

fn close_one(
    inputs: &ClosureInputs<'_>,
    name: &str,
    loader: &Loader,
    all: &BTreeMap<String, Loader>,
    diagnostics: &mut Diagnostics,
) -> Option<LoaderClosure> {
    let mut builtin = Vec::new();
    let mut targets: Vec<&str> = Vec::new();
    for target in &loader.targets {
        match look_up(inputs, &target.value) {
            Found::Module => targets.push(&target.value),
            Found::Builtin => builtin.push(target.value.clone()),
            Found::Not(missing) => diagnostics.push(missing.diagnostic(name, target, inputs.requests)),
        }
    }
    targets.dedup();
    let vermagic = usual_vermagic(inputs.graph);
    let without: Vec<String> = loader.blacklist.iter().map(|module| fold(&module.value)).collect();
    let options = ClosureOptions {
        vermagic: vermagic.as_deref(),
        without: &without,
        missing_namespaces_load: inputs.config.get("MODULE_ALLOW_MISSING_NAMESPACE_IMPORTS") == Some("y"),
    };
    let closure = match closure(inputs.graph, &targets, &options) {
        Ok(closure) => closure,
        Err(errors) => {
            diagnostics.extend(errors.errors.iter().map(|error| finding::closure_error(inputs, name, loader, error)));
            return None;
        }
    };
    diagnostics.extend(blacklist(inputs, name, loader, &closure));
    let soft = soft_modules(&closure);
    let parameters = parameters(inputs, name, loader, &closure, diagnostics);
    let steps = steps(inputs, &closure, &soft, &parameters);
    let spec = LoaderSpec {
        name: LoaderName::new(name).map_err(|error| diagnostics.push(finding::bad_name(name, loader, &error))).ok()?,
        description: format!("Kernel modules for {name}"),
        dependencies: dependencies(name, loader, all, diagnostics),
        modules: steps,
        modular: inputs.modular,
        blacklist: loader.blacklist.iter().map(|module| module.value.clone()).collect(),
        origin: loader.origin,
    };
    Some(LoaderClosure { spec, closure, builtin, soft })
}

/// Returns the kernel's own `vermagic`, the one that most modules have: out-of-tree modules are never the majority.
fn usual_vermagic(graph: &Graph) -> Option<String> {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for (_, info) in graph.modules() {
        if let Some(magic) = info.modinfo.text("vermagic") {
            *counts.entry(magic.into_owned()).or_default() += 1;
        }
    }
    counts.into_iter().max_by_key(|(_, count)| *count).map(|(magic, _)| magic)
}

/// The result of looking up a target.
pub(crate) enum Found {
    Module,
    Builtin,
    Not(Missing),
}

fn look_up(inputs: &ClosureInputs<'_>, target: &str) -> Found {
    match inputs.graph.resolve(target) {
        Some(found) if found.modules.is_empty() => return Found::Builtin,
        Some(_) => return Found::Module,
        None => {}
    }
    match by_makefiles(inputs.rules, inputs.config, target) {
        Found::Not(Missing::Unknown { .. }) => {
            let built: Vec<&str> = inputs.graph.modules().map(|(_, module)| module.name.as_str()).collect();
            Found::Not(Missing::Unknown { help: suggestion(target, &built, inputs.rules) })
        }
        // The module is not there, although its symbol is `m`: only part of the tree was built.
        Found::Module => Found::Not(off(inputs.rules.of(target))),
        found => found,
    }
}

/// Looks a module up in the makefiles, whether it is built or not.
pub(crate) fn by_makefiles(rules: &ModuleRules, config: &Config, target: &str) -> Found {
    let found = rules.of(target);
    if found.is_empty() {
        return Found::Not(Missing::Unknown { help: suggestion(target, &[], rules) });
    }
    // An object without a licence tag is not in modules.builtin; its symbol still shows that the image has it.
    let is_in_image = |rule: &Rule| rule.symbol.as_ref().is_none_or(|name| config.get(name) == Some("y"));
    let is_module = |rule: &Rule| rule.symbol.as_ref().is_some_and(|name| config.get(name) == Some("m"));
    if found.iter().any(is_in_image) {
        return Found::Builtin;
    }
    if found.iter().any(is_module) { Found::Module } else { Found::Not(off(found)) }
}

fn off(rules: &[Rule]) -> Missing {
    let symbols: BTreeSet<String> = rules.iter().filter_map(|rule| rule.symbol.clone()).collect();
    Missing::Off { symbols: symbols.into_iter().collect(), rule: rules[0].clone() }
}

/// Returns the modules that only soft dependencies lead to.
fn soft_modules(closure: &Closure) -> BTreeSet<String> {
    let mut hard: BTreeSet<&str> = BTreeSet::new();
    loop {
        let known = hard.len();
        for entry in &closure.entries {
            let is_hard = entry.because.iter().any(|because| match because {
                Because::Target { .. } => true,
                Because::NeedsSymbol { by, .. } => hard.contains(by.as_str()),
                Because::SoftdepPre { .. } | Because::SoftdepPost { .. } | Because::Weakdep { .. } => false,
            });
            if is_hard {
                hard.insert(&entry.module);
            }
        }
        if hard.len() == known {
            break;
        }
    }
    closure.entries.iter().filter(|entry| !hard.contains(entry.module.as_str())).map(|e| e.module.clone()).collect()
}

/// Returns parameters by folded module name, with a finding for each module that the loader does not load.
fn parameters(
    inputs: &ClosureInputs<'_>,
    name: &str,
    loader: &Loader,
    closure: &Closure,
    diagnostics: &mut Diagnostics,
) -> BTreeMap<String, String> {
    let mut parameters = BTreeMap::new();
    for (module, text) in &loader.parameters {
        let folded = fold(module);
        if let Some(entry) = closure.entries.iter().find(|entry| entry.module == folded) {
            parameters.insert(folded.clone(), text.value.clone());
            let info = inputs.graph.module(entry.id);
            diagnostics.extend(finding::unknown_parameters(name, module, text, info));
        } else {
            let builtin = inputs.graph.builtin().contains(&folded) || matches!(look_up(inputs, module), Found::Builtin);
            diagnostics.push(finding::stray_parameters(name, module, text, builtin));
        }
    }
    parameters
}

/// Returns the findings about entries of the blacklist that have no effect on the loader.
fn blacklist(inputs: &ClosureInputs<'_>, name: &str, loader: &Loader, closure: &Closure) -> Diagnostics {
    let mut diagnostics = Diagnostics::new();
    for module in &loader.blacklist {
        let why = match closure.entry(&module.value) {
            Some(entry) => entry.because.iter().find_map(|because| match because {
                Because::Target { .. } => Some(Void::Target),
                Because::NeedsSymbol { by, symbol } => Some(Void::Needed { by: by.clone(), symbol: symbol.clone() }),
                _ => None,
            }),
            None if inputs.graph.find(&module.value).is_some() => None,
            None => match look_up(inputs, &module.value) {
                Found::Builtin => Some(Void::Builtin),
                // A module that is not built is not loaded, as requested.
                Found::Not(Missing::Off { .. }) => None,
                Found::Not(Missing::Unknown { help }) => Some(Void::Unknown { help }),
                // An alias is no name, so that the line in modprobe.d has no effect either.
                Found::Module => Some(Void::Unknown { help: None }),
            },
        };
        diagnostics.extend(why.map(|why| why.diagnostic(name, module)));
    }
    diagnostics
}

fn steps(
    inputs: &ClosureInputs<'_>,
    closure: &Closure,
    soft: &BTreeSet<String>,
    parameters: &BTreeMap<String, String>,
) -> Vec<LoadStep> {
    let loaded = closure.entries.iter().filter(|entry| entry.load);
    loaded
        .map(|entry| LoadStep {
            module: entry.module.clone(),
            path: format!("/lib/modules/{}/{}", inputs.release, inputs.graph.module(entry.id).path),
            parameters: parameters.get(&entry.module).cloned().unwrap_or_default(),
            stays_loaded: !entry.unloadable || inputs.config.get("MODULE_UNLOAD") != Some("y"),
            soft: soft.contains(&entry.module),
        })
        .collect()
}

/// Returns the dependencies; the name of another loader of the recipe means that loader.
pub(crate) fn dependencies(
    name: &str,
    loader: &Loader,
    all: &BTreeMap<String, Loader>,
    diagnostics: &mut Diagnostics,
) -> Vec<Dependency> {
    let mut dependencies = Vec::new();
    for wanted in &loader.dependencies {
        let (word, origin) = (&wanted.value, wanted.origin);
        let dependency = if all.contains_key(word) {
            LoaderName::new(word).map(Dependency::Loader)
        } else {
            ServiceName::new(word).map(Dependency::Service)
        };
        match dependency {
            Ok(dependency) => dependencies.push(dependency),
            Err(error) => diagnostics.push(bad_dependency(name, word, origin, &error.to_string())),
        }
    }
    dependencies
}

fn bad_dependency(name: &str, word: &str, origin: Option<Span>, why: &str) -> Diagnostic {
    Diagnostic::error(Code::BadDependency, format!("`{word}` cannot be the name of a service: {why}"))
        .option(format!("kmodloader.{name}.dependencies"))
        .label(origin, "named here")
}

#[cfg(test)]
mod tests;
