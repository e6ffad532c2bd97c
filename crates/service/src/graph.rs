//! The loaders of one kernel, checked as a whole.

use std::collections::{BTreeMap, BTreeSet};

use kiln_diag::{Code, Diagnostic, Diagnostics};

use crate::parameters;
use crate::{Dependency, LoadStep, LoaderName, LoaderSpec};

/// Loaders that fit together: unique names, known dependencies without a cycle, one set of parameters per module.
#[derive(Debug, Clone, Default)]
pub struct ServiceGraph {
    loaders: BTreeMap<LoaderName, Loader>,
    start_order: Vec<LoaderName>,
}

/// One checked loader.
#[derive(Debug, Clone)]
pub struct Loader {
    pub(crate) name: LoaderName,
    pub(crate) description: String,
    pub(crate) dependencies: BTreeSet<Dependency>,
    pub(crate) steps: Vec<Step>,
    pub(crate) modular: bool,
    pub(crate) blacklist: BTreeSet<String>,
}

/// One checked module of a loader.
#[derive(Debug, Clone)]
pub struct Step {
    pub(crate) module: String,
    pub(crate) path: String,
    pub(crate) words: Vec<String>,
    /// Whether this loader writes the module's line for modprobe.d.
    pub(crate) writes_options: bool,
    pub(crate) stays_loaded: bool,
    pub(crate) soft: bool,
}

/// Checks loaders as a whole.
///
/// Parameters belong to a module, not to a loader: those of one loader apply to every loader of the module, since
/// otherwise the order of starts would decide. The graph is usable only when the findings have no errors.
pub fn graph(specs: Vec<LoaderSpec>) -> (ServiceGraph, Diagnostics) {
    let mut diagnostics = Diagnostics::new();
    let specs = unique(specs, &mut diagnostics);
    let mut loaders: BTreeMap<LoaderName, Loader> = BTreeMap::new();
    for spec in specs.values() {
        let dependencies = dependencies(spec, &specs, &mut diagnostics);
        let blacklist = spec.blacklist.iter().filter_map(|name| {
            let module = module_name(name);
            if module.is_none() {
                diagnostics.push(finding(spec, Code::BadModuleName, format!("{name:?} cannot be a module's name")));
            }
            module
        });
        let blacklist = blacklist.collect();
        let loader = Loader {
            name: spec.name.clone(),
            description: one_line(spec),
            dependencies,
            steps: steps(spec, &mut diagnostics),
            modular: spec.modular,
            blacklist,
        };
        loaders.insert(spec.name.clone(), loader);
    }
    share_parameters(&mut loaders, &specs, &mut diagnostics);
    let start_order = start_order(&loaders, &specs, &mut diagnostics);
    (ServiceGraph { loaders, start_order }, diagnostics)
}

impl ServiceGraph {
    /// Returns the loaders by name.
    pub fn loaders(&self) -> impl Iterator<Item = &Loader> {
        self.loaders.values()
    }

    /// Returns the names in an order in which each comes after all loaders that it depends on; stop in reverse order.
    pub fn start_order(&self) -> &[LoaderName] {
        &self.start_order
    }
}

impl Loader {
    /// Returns its name.
    pub fn name(&self) -> &LoaderName {
        &self.name
    }

    /// Returns its modules in load order, each once.
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// Whether it loads anything; if not, its start and stop only print that.
    pub fn is_modular(&self) -> bool {
        self.modular && !self.steps.is_empty()
    }
}

impl Step {
    /// Returns the name in `/proc/modules`.
    pub fn module(&self) -> &str {
        &self.module
    }

    /// Whether it has no exit function.
    pub fn stays_loaded(&self) -> bool {
        self.stays_loaded
    }

    /// Whether a failure to load it is only reported.
    pub fn soft(&self) -> bool {
        self.soft
    }
}

fn unique(specs: Vec<LoaderSpec>, diagnostics: &mut Diagnostics) -> BTreeMap<LoaderName, LoaderSpec> {
    let mut unique: BTreeMap<LoaderName, LoaderSpec> = BTreeMap::new();
    for spec in specs {
        match unique.get(&spec.name) {
            None => {
                unique.insert(spec.name.clone(), spec);
            }
            Some(first) => {
                let mut diagnostic =
                    finding(&spec, Code::DuplicateLoader, format!("there are two loaders named `{}`", spec.name));
                if let Some(span) = first.origin {
                    diagnostic = diagnostic.label(span, "the first is here");
                }
                diagnostics.push(diagnostic);
            }
        }
    }
    unique
}

fn dependencies(
    spec: &LoaderSpec,
    specs: &BTreeMap<LoaderName, LoaderSpec>,
    diagnostics: &mut Diagnostics,
) -> BTreeSet<Dependency> {
    let mut dependencies = BTreeSet::new();
    for dependency in &spec.dependencies {
        let dependency = match dependency {
            Dependency::Service(service) => match service.loader() {
                Some(loader) => Dependency::Loader(loader),
                None => dependency.clone(),
            },
            Dependency::Loader(_) => dependency.clone(),
        };
        match &dependency {
            Dependency::Loader(name) if !specs.contains_key(name) => {
                let known: Vec<String> = specs.keys().map(|name| format!("`{name}`")).collect();
                let message = format!("loader `{}` depends on `{name}`, which is not a loader", spec.name);
                let help = format!("the loaders are {}", known.join(", "));
                diagnostics.push(finding(spec, Code::UnknownLoader, message).help(help));
            }
            _ => {
                dependencies.insert(dependency);
            }
        }
    }
    dependencies
}

fn steps(spec: &LoaderSpec, diagnostics: &mut Diagnostics) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    for step in &spec.modules {
        match check_step(step) {
            Err((code, message)) => diagnostics.push(finding(spec, code, message)),
            Ok(step) => match steps.iter_mut().find(|known| known.module == step.module) {
                // A closure may name a module twice; its first position is early enough for both.
                Some(known) => known.soft &= step.soft,
                None => steps.push(step),
            },
        }
    }
    steps
}

fn check_step(step: &LoadStep) -> Result<Step, (Code, String)> {
    let module = module_name(&step.module)
        .ok_or_else(|| (Code::BadModuleName, format!("{:?} cannot be a module's name", step.module)))?;
    if !step.path.starts_with('/') || step.path.chars().any(char::is_control) {
        return Err((Code::BadModulePath, format!("{:?} cannot be the path of module `{module}`", step.path)));
    }
    let words = parameters::words(&step.parameters)
        .map_err(|why| (Code::BadParameters, format!("module `{module}`: {why}")))?;
    let writes_options = !words.is_empty();
    let (path, stays_loaded, soft) = (step.path.clone(), step.stays_loaded, step.soft);
    Ok(Step { module, path, words, writes_options, stays_loaded, soft })
}

/// The module name as the kernel shows it; `None` when it is not valid.
fn module_name(name: &str) -> Option<String> {
    let name = name.replace('-', "_");
    let fine = !name.is_empty() && name.len() < 64 && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    fine.then_some(name)
}

/// Applies the parameters of any loader of a module to all its loaders.
fn share_parameters(
    loaders: &mut BTreeMap<LoaderName, Loader>,
    specs: &BTreeMap<LoaderName, LoaderSpec>,
    diagnostics: &mut Diagnostics,
) {
    let mut given: BTreeMap<String, (LoaderName, Vec<String>)> = BTreeMap::new();
    for loader in loaders.values_mut() {
        for step in loader.steps.iter_mut().filter(|step| !step.words.is_empty()) {
            match given.get(&step.module) {
                None => {
                    given.insert(step.module.clone(), (loader.name.clone(), step.words.clone()));
                }
                Some((_, words)) if *words == step.words => step.writes_options = false,
                Some((first, words)) => {
                    let message = format!(
                        "loaders `{first}` and `{}` give module `{}` different parameters: `{}` and `{}`",
                        loader.name,
                        step.module,
                        words.join(" "),
                        step.words.join(" ")
                    );
                    let mut diagnostic = finding(&specs[&loader.name], Code::ConflictingParameters, message)
                        .help("a module is loaded once for all its loaders: give the parameters in one of them");
                    if let Some(span) = specs[first].origin {
                        diagnostic = diagnostic.label(span, "the other one");
                    }
                    diagnostics.push(diagnostic);
                }
            }
        }
    }
    for step in loaders.values_mut().flat_map(|loader| &mut loader.steps) {
        if let Some((_, words)) = given.get(&step.module) {
            step.words.clone_from(words);
        }
    }
}

/// Orders the loaders; each cycle is an error, and its members are then ordered arbitrarily.
fn start_order(
    loaders: &BTreeMap<LoaderName, Loader>,
    specs: &BTreeMap<LoaderName, LoaderSpec>,
    diagnostics: &mut Diagnostics,
) -> Vec<LoaderName> {
    let mut waiting: BTreeMap<&LoaderName, BTreeSet<&LoaderName>> =
        loaders.iter().map(|(name, loader)| (name, loader.loader_dependencies().collect())).collect();
    let mut order = Vec::new();
    while !waiting.is_empty() {
        let ready = waiting.iter().find(|(_, needs)| needs.is_empty()).map(|(name, _)| *name);
        let next = match ready {
            Some(name) => vec![name],
            None => {
                let cycle = find_cycle(&waiting);
                let names: Vec<&str> = cycle.iter().chain(cycle.first()).map(|name| name.as_str()).collect();
                let message = format!("loaders depend on each other: {}", names.join(" -> "));
                diagnostics.push(finding(&specs[cycle[0]], Code::LoaderCycle, message));
                cycle
            }
        };
        for name in &next {
            waiting.remove(name);
            waiting.values_mut().for_each(|needs| {
                needs.remove(name);
            });
        }
        order.extend(next.into_iter().cloned());
    }
    order
}

/// Finds a cycle where every loader waits for another one; each member waits for the next.
fn find_cycle<'a>(waiting: &BTreeMap<&'a LoaderName, BTreeSet<&'a LoaderName>>) -> Vec<&'a LoaderName> {
    let mut path: Vec<&LoaderName> = Vec::new();
    let mut next = waiting.keys().next().copied();
    while let Some(name) = next {
        if let Some(start) = path.iter().position(|&seen| seen == name) {
            return path.split_off(start);
        }
        path.push(name);
        next = waiting.get(name).and_then(|needs| needs.iter().next().copied());
    }
    path
}

impl Loader {
    fn loader_dependencies(&self) -> impl Iterator<Item = &LoaderName> {
        self.dependencies.iter().filter_map(|dependency| match dependency {
            Dependency::Loader(name) => Some(name),
            Dependency::Service(_) => None,
        })
    }
}

/// The description without line breaks, or a default made from the name.
fn one_line(spec: &LoaderSpec) -> String {
    let words: Vec<&str> = spec.description.split(|c: char| c.is_whitespace() || c.is_control()).collect();
    let line = words.into_iter().filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
    if line.is_empty() { format!("Kernel modules of {}", spec.name) } else { line }
}

fn finding(spec: &LoaderSpec, code: Code, message: String) -> Diagnostic {
    let diagnostic = Diagnostic::error(code, message).option(format!("kmodloader.{}", spec.name));
    match spec.origin {
        Some(span) => diagnostic.label(span, "declared here"),
        None => diagnostic,
    }
}

#[cfg(test)]
mod tests;
