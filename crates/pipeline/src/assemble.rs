//! The last stage: closures, firmware, services, and the directory that `./result` points at.

use std::io;
use std::path::PathBuf;

use kiln_assembly::closure::{ClosureInputs, LoaderClosure, close};
use kiln_assembly::manifest::{KernelEntry, Manifest};
use kiln_assembly::{Assembly, AssemblyInputs, assemble as plan_assembly, left_out};
use kiln_diag::{Diagnostics, Sources};
use kiln_kbuild::extra_modules::ExtraModules;
use kiln_kbuild::kernel::Kernel;
use kiln_kbuild::makefiles;
use kiln_makefile::ModuleRules;
use kiln_moddir::{FoundModule, read_with_updates, walk};
use kiln_modgraph::{Graph, Inputs, KernelSymbols, Layout};
use kiln_plan::Key;

use crate::built::Built;
use crate::error::AssembleError;
use crate::firmware;
use crate::outputs::{self, OutputContext, OutputError};
use crate::result;
use crate::session::Session;

/// A finished build.
#[derive(Debug, Clone)]
pub struct Assembled {
    /// The result's directory in the store.
    pub dir: PathBuf,
    /// Its key.
    pub key: Key,
    /// Its contents.
    pub manifest: Manifest,
}

impl Built<'_> {
    /// Closes the loaders over the built modules and writes the result.
    ///
    /// Without a result, the diagnostics contain the errors of the loaders that prevent it.
    /// # Errors
    /// See [`AssembleError`].
    pub fn assemble(&self, sources: &Sources) -> Result<(Option<Assembled>, Diagnostics), AssembleError> {
        let (assembly, diagnostics) = self.assembly(sources)?;
        let Some(assembly) = assembly else { return Ok((None, diagnostics)) };
        let Session { store, progress, .. } = self.resolved.session;
        let (dir, key) = result::result(store, &self.kernel.key, &self.kernel.dir, &assembly, progress)?;
        Ok((Some(Assembled { dir, key, manifest: assembly.manifest }), diagnostics))
    }

    /// Computes all files of a result; none when a loader is at fault.
    pub(crate) fn assembly(&self, sources: &Sources) -> Result<(Option<Assembly>, Diagnostics), AssembleError> {
        let (resolved, kernel) = (&self.resolved, &self.kernel);
        let recipe = resolved.recipe;
        let modular = resolved.config.is_yes("MODULES");
        let mut diagnostics = Diagnostics::new();
        let extra_modules = self.extra.as_ref().map(|extra| found(extra, kernel)).transpose()?.unwrap_or_default();
        let graph = if modular { read_graph(kernel, &extra_modules, &mut diagnostics)? } else { no_modules(kernel) };
        let close_with = |rules: &ModuleRules| {
            let (config, requests) = (&resolved.config, &recipe.kernel.requests);
            let inputs = ClosureInputs { graph: &graph, rules, config, requests, modular, release: &kernel.release };
            close(&inputs, &recipe.loaders)
        };
        let mut rules = ModuleRules::new();
        let (mut closed, mut findings) = close_with(&rules);
        // The makefiles are read only when a module is missing: they distinguish disabled from unknown ones.
        let leads_nowhere = |one: &LoaderClosure| !one.closure.unknown_softdeps.is_empty();
        if !findings.is_empty() || closed.iter().any(leads_nowhere) {
            rules =
                makefiles::read(&resolved.tree.path).map_err(|(path, source)| AssembleError::Read { path, source })?;
            (closed, findings) = close_with(&rules);
        }
        diagnostics.extend(findings);
        if !diagnostics.has_errors() {
            diagnostics.extend(self.unloaded(&graph, &closed)?);
        }
        let device = firmware::Device {
            hardware: &recipe.hardware,
            config: &resolved.config,
            version: &resolved.tree.version,
            debian_arch: recipe.kernel.arch.value.debian.unwrap_or("amd64"),
        };
        let (firmware, findings) = firmware::find(&resolved.session, device, &graph, &closed)?;
        diagnostics.extend(findings);
        let parts = AssemblyInputs {
            evaluated: recipe,
            sources,
            kernel: &self.kernel_entry(modular),
            config: &resolved.config,
            graph: &graph,
            rules: &rules,
            extra_modules: &extra_modules.into_iter().map(|module| (module.path, module.file)).collect(),
            closed: &closed,
            firmware: &firmware,
            kiln: env!("CARGO_PKG_VERSION"),
        };
        let (assembly, findings) = plan_assembly(&parts)?;
        diagnostics.extend(findings);
        if diagnostics.has_errors() {
            return Ok((None, diagnostics));
        }
        match self.with_outputs(assembly) {
            Ok(assembly) => Ok((Some(assembly), diagnostics)),
            Err(OutputError::Recipe(finding)) => {
                diagnostics.push(*finding);
                Ok((None, diagnostics))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Returns the findings about requests whose modules no loader takes.
    fn unloaded(&self, graph: &Graph, closed: &[LoaderClosure]) -> Result<Diagnostics, AssembleError> {
        let recipe = self.resolved.recipe;
        if left_out::unused(graph, closed).is_empty() {
            return Ok(Diagnostics::new());
        }
        let objects = graph.modules().filter_map(|(_, info)| left_out::object_of(&info.path));
        let rules = makefiles::above(&self.resolved.tree.path, objects);
        let rules = rules.map_err(|(path, source)| AssembleError::Read { path, source })?;
        let division = left_out::divide(graph, &rules, closed);
        Ok(left_out::warnings(&division, &recipe.kernel.requests, &recipe.loaders))
    }

    fn with_outputs(&self, assembly: Assembly) -> Result<Assembly, OutputError> {
        let resolved = &self.resolved;
        if resolved.recipe.outputs.is_empty() {
            return Ok(assembly);
        }
        let context = OutputContext {
            store: resolved.session.store,
            host: resolved.session.host,
            progress: resolved.session.progress,
            tree: &resolved.tree.path,
            tree_key: &resolved.tree.key,
            target: &resolved.target,
            arch: resolved.recipe.kernel.arch.value,
            toolchain: &resolved.toolchain,
            config_text: resolved.config.text(),
            kernel: &self.kernel,
            assembly: &assembly,
        };
        let made = outputs::make(&context, &resolved.recipe.outputs)?;
        Ok(assembly.with_outputs(made.into_iter().map(|(name, made)| (name, made.entry, made.path))))
    }

    fn kernel_entry(&self, modular: bool) -> KernelEntry {
        let (resolved, kernel) = (&self.resolved, &self.kernel);
        let arch = resolved.recipe.kernel.arch.value;
        let versions = resolved.toolchain.versions().iter().map(|(program, version)| format!("{program}: {version}"));
        let keys = [("tree", resolved.tree.key), ("kernel", kernel.key), ("work", kernel.work)];
        let extra = self.extra.as_ref().map(|extra| ("extraModules", extra.key));
        KernelEntry {
            release: kernel.release.clone(),
            arch: arch.karch.to_owned(),
            machine: arch.machine.to_owned(),
            modular,
            source: resolved.tree.origin.clone(),
            toolchain: versions.collect(),
            keys: keys.into_iter().chain(extra).map(|(name, key)| (name.to_owned(), key.to_string())).collect(),
            images: kernel.images.clone(),
        }
    }
}

/// Returns the modules from outside of the tree, by their path below `lib/modules/<release>`.
fn found(extra: &ExtraModules, kernel: &Kernel) -> Result<Vec<FoundModule>, AssembleError> {
    let folder = extra.dir.join("lib/modules").join(&kernel.release);
    let (found, _) = walk(&folder, &[]).map_err(|source| AssembleError::Read { path: folder, source })?;
    Ok(found)
}

fn read_graph(kernel: &Kernel, extra: &[FoundModule], diagnostics: &mut Diagnostics) -> Result<Graph, AssembleError> {
    let symvers = kernel.dir.join("Module.symvers");
    let symbols = match kiln_file::read_to_string(&symvers) {
        Ok(text) => Some(KernelSymbols::from_symvers(&text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(source) => return Err(AssembleError::Read { path: symvers, source }),
    };
    let found = read_with_updates(&kernel.dir.join("lib/modules").join(&kernel.release), extra, symbols)?;
    diagnostics.extend(found.findings);
    Ok(found.graph)
}

/// Returns the graph of a kernel that loads no modules; its code is all in the image.
fn no_modules(kernel: &Kernel) -> Graph {
    let list = kernel.dir.join("lib/modules").join(&kernel.release).join("modules.builtin.modinfo");
    let modinfo = kiln_file::read(list).ok();
    let nothing = Inputs {
        modules: Vec::new(),
        order: None,
        builtin: None,
        builtin_modinfo: modinfo.as_deref(),
        kernel_symbols: None,
        layout: Layout::V30,
    };
    Graph::build(nothing).0
}
