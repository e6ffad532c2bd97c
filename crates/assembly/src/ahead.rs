//! Loaders before anything is compiled: the findings that makefiles and config already determine.
//!
//! An error here is one after the build too, with the same text. A word that may be an alias of a module is no error:
//! that is known only once the modules are built.

mod alias;

use std::collections::BTreeMap;

use kiln_diag::{Code, Diagnostic, Diagnostics};
use kiln_kconfig::Config;
use kiln_makefile::ModuleRules;
use kiln_modgraph::fold;
use kiln_plan::Loader;
use kiln_plan::evaluate::{Located, MergedRequest};
use kiln_service::{LoadStep, LoaderName, LoaderSpec, graph as service_graph};

use crate::closure::{Found, Missing, Void, by_makefiles, dependencies, finding};

pub use alias::may_name;

/// The facts about modules that are known before any is built.
#[derive(Clone, Copy)]
pub struct Ahead<'a> {
    /// The rules of the tree's makefiles.
    pub rules: &'a ModuleRules,
    /// The rules of the makefiles of sources from outside of the tree.
    pub extra: &'a ModuleRules,
    /// The resolved config.
    pub config: &'a Config,
    /// The recipe's requests.
    pub requests: &'a BTreeMap<String, MergedRequest>,
    /// Whether the source of a module that is built may give it this word as an alias.
    pub is_alias: &'a dyn Fn(&str) -> bool,
    /// Whether any makefile has an object of this name, in whatever form.
    pub has_object: &'a dyn Fn(&str) -> bool,
}

/// Returns the findings about the loaders' names, targets, dependencies, parameters and blacklists.
pub fn findings(ahead: &Ahead<'_>, loaders: &BTreeMap<String, Loader>) -> Diagnostics {
    let mut diagnostics = Diagnostics::new();
    let mut specs = Vec::new();
    for (name, loader) in loaders {
        let option = format!("kmodloader.{name}.targets");
        for target in &loader.targets {
            match ahead.look_up(&target.value) {
                Some(Found::Not(missing)) => {
                    diagnostics.push(missing.diagnostic(name, target, ahead.requests));
                }
                Some(Found::Module | Found::Builtin) => {}
                None => diagnostics.push(undecided(target).option(option.clone())),
            }
        }
        diagnostics.extend(loader.blacklist.iter().filter_map(|module| ahead.void(name, loader, module)));
        let steps = ahead.parameters(name, loader, &mut diagnostics);
        specs.extend(spec(name, loader, loaders, steps, &mut diagnostics));
    }
    let (_, findings) = service_graph(specs);
    diagnostics.extend(findings);
    diagnostics
}

impl Ahead<'_> {
    /// Looks a module up by name; `None` when only the built modules can tell.
    fn look_up(&self, word: &str) -> Option<Found> {
        // An object that no symbol decides is `obj-y` or `obj-m`, depending on how make gets there.
        let is_always = self.rules.of(word).iter().any(|rule| rule.symbol.is_none());
        if is_always || !self.extra.of(word).is_empty() {
            return Some(Found::Module);
        }
        let found = by_makefiles(self.rules, self.config, word);
        match found {
            Found::Not(Missing::Unknown { .. }) if self.extra.has_computed_names() => None,
            Found::Not(_) if alias::is_computed(word) => None,
            Found::Not(_) if (self.is_alias)(word) => Some(Found::Module),
            // A list in a form that is not understood; a part of a module is understood.
            Found::Not(Missing::Unknown { .. }) if self.rules.with_part(word).is_empty() && (self.has_object)(word) => {
                None
            }
            found => Some(found),
        }
    }

    /// Returns the finding about an entry of a blacklist that has no effect on the loader.
    fn void(&self, name: &str, loader: &Loader, module: &Located<String>) -> Option<Diagnostic> {
        let is_target = loader.targets.iter().any(|target| fold(&target.value) == fold(&module.value));
        let why = match self.look_up(&module.value)? {
            Found::Builtin => Void::Builtin,
            Found::Module if is_target => Void::Target,
            Found::Not(Missing::Unknown { help }) => Void::Unknown { help },
            Found::Module | Found::Not(Missing::Off { .. }) => return None,
        };
        Some(why.diagnostic(name, module))
    }

    /// Returns the targets that have parameters; those of other modules may still be in the closure.
    fn parameters(&self, name: &str, loader: &Loader, diagnostics: &mut Diagnostics) -> Vec<LoadStep> {
        let mut steps = Vec::new();
        for (module, text) in &loader.parameters {
            let is_target = loader.targets.iter().any(|target| fold(&target.value) == fold(module));
            match self.look_up(module) {
                Some(Found::Not(_)) if is_target => {}
                Some(found @ (Found::Not(_) | Found::Builtin)) => {
                    let is_builtin = matches!(found, Found::Builtin);
                    diagnostics.push(finding::stray_parameters(name, module, text, is_builtin));
                }
                Some(Found::Module) | None => steps.push(LoadStep {
                    module: fold(module),
                    path: format!("/lib/modules/{}.ko", fold(module)),
                    parameters: text.value.clone(),
                    stays_loaded: false,
                    soft: false,
                }),
            }
        }
        steps
    }
}

/// Returns a loader as far as it is known, for the checks of all loaders as a whole.
fn spec(
    name: &str,
    loader: &Loader,
    all: &BTreeMap<String, Loader>,
    modules: Vec<LoadStep>,
    diagnostics: &mut Diagnostics,
) -> Option<LoaderSpec> {
    let dependencies = dependencies(name, loader, all, diagnostics);
    let name = LoaderName::new(name).map_err(|error| diagnostics.push(finding::bad_name(name, loader, &error))).ok()?;
    Some(LoaderSpec {
        name,
        description: String::new(),
        dependencies,
        modules,
        modular: true,
        blacklist: loader.blacklist.iter().map(|module| module.value.clone()).collect(),
        origin: loader.origin,
    })
}

fn undecided(target: &Located<String>) -> Diagnostic {
    let message = format!("no makefile names a module `{}`", target.value);
    Diagnostic::remark(Code::UnknownTarget, message)
        .label(target.origin, "requested here")
        .help("whether it is an alias, or a name that make computes, is known once the modules are built")
}

#[cfg(test)]
mod tests;
