//! The last stage: closures, firmware, services, and the folder that `./result` points at.

use std::fs;
use std::io;
use std::path::PathBuf;

use kiln_assembly::closure::{Closing, close};
use kiln_assembly::manifest::{KernelEntry, Manifest};
use kiln_assembly::{Assembly, Parts, assemble as plan_assembly};
use kiln_diag::{Diagnostics, Sources};
use kiln_kbuild::extra_modules::ExtraModules;
use kiln_kbuild::kernel::Kernel;
use kiln_kbuild::makefiles;
use kiln_makefile::ModuleRules;
use kiln_moddir::{FoundModule, read_with_updates, walk};
use kiln_modgraph::{Graph, Inputs, KernelSymbols, Layout};
use kiln_plan::Key;
use kiln_plan::evaluate::Evaluated;

use crate::error::AssembleError;
use crate::firmware;
use crate::outputs::{self, OutputError, Scene};
use crate::result;
use crate::session::Session;
use crate::settled::Settled;
use crate::tree::Tree;

/// A finished build.
#[derive(Debug, Clone)]
pub struct Finished {
    /// The result's folder in the store.
    pub dir: PathBuf,
    /// Its key.
    pub key: Key,
    /// What it is made of.
    pub manifest: Manifest,
}

/// Closes the loaders over the built modules and writes the result.
///
/// Without a result, the diagnostics have the errors of the loaders because of which there is none.
/// # Errors
/// See [`AssembleError`].
pub fn assemble(
    session: &Session<'_>,
    tree: &Tree,
    settled: &Settled,
    kernel: &Kernel,
    evaluated: &Evaluated,
    extra: Option<&ExtraModules>,
    sources: &Sources,
) -> Result<(Option<Finished>, Diagnostics), AssembleError> {
    let (assembly, diagnostics) = assembly(session, tree, settled, kernel, evaluated, extra, sources)?;
    let Some(assembly) = assembly else { return Ok((None, diagnostics)) };
    let (dir, key) = result::result(session.store, &kernel.key, &kernel.dir, &assembly, session.progress)?;
    Ok((Some(Finished { dir, key, manifest: assembly.manifest }), diagnostics))
}

/// All files of a result; none when a loader is at fault.
pub(crate) fn assembly(
    session: &Session<'_>,
    tree: &Tree,
    settled: &Settled,
    kernel: &Kernel,
    evaluated: &Evaluated,
    extra: Option<&ExtraModules>,
    sources: &Sources,
) -> Result<(Option<Assembly>, Diagnostics), AssembleError> {
    let modular = settled.config.get("MODULES") == Some("y");
    let mut diagnostics = Diagnostics::new();
    let extra_modules = extra.map(|extra| found(extra, kernel)).transpose()?.unwrap_or_default();
    let graph = if modular { read_graph(kernel, &extra_modules, &mut diagnostics)? } else { no_modules() };
    let close_with = |rules: &ModuleRules| {
        let closing = Closing { graph: &graph, rules, config: &settled.config, modular, release: &kernel.release };
        close(&closing, &evaluated.loaders)
    };
    let (mut closed, mut findings) = close_with(&ModuleRules::new());
    if !findings.is_empty() {
        // The makefiles are read only when something is missing: they tell off from unknown.
        let rules = makefiles::read(&tree.path);
        let rules = rules.map_err(|(path, source)| AssembleError::Read { path, source })?;
        (closed, findings) = close_with(&rules);
    }
    diagnostics.extend(findings);
    let debian = evaluated.kernel.arch.value.debian.unwrap_or("amd64");
    let device = firmware::Device {
        hardware: &evaluated.hardware,
        config: &settled.config,
        version: &tree.version,
        debian_arch: debian,
    };
    let (firmware, findings) = firmware::find(session, device, &closed)?;
    diagnostics.extend(findings);
    let mut entry = kernel_entry(tree, settled, kernel, evaluated, modular);
    entry.keys.extend(extra.map(|extra| ("extraModules".to_owned(), extra.key.to_string())));
    let extra_modules = extra_modules.into_iter().map(|module| (module.path, module.file)).collect();
    let parts = Parts {
        evaluated,
        sources,
        kernel: &entry,
        config: &settled.config,
        graph: &graph,
        extra_modules: &extra_modules,
        closed: &closed,
        firmware: &firmware,
        kiln: env!("CARGO_PKG_VERSION"),
    };
    let (assembly, findings) = plan_assembly(&parts)?;
    diagnostics.extend(findings);
    if diagnostics.has_errors() {
        return Ok((None, diagnostics));
    }
    match with_outputs(session, tree, settled, kernel, evaluated, assembly) {
        Ok(assembly) => Ok((Some(assembly), diagnostics)),
        Err(OutputError::Recipe(finding)) => {
            diagnostics.push(*finding);
            Ok((None, diagnostics))
        }
        Err(error) => Err(error.into()),
    }
}

fn with_outputs(
    session: &Session<'_>,
    tree: &Tree,
    settled: &Settled,
    kernel: &Kernel,
    evaluated: &Evaluated,
    assembly: Assembly,
) -> Result<Assembly, OutputError> {
    if evaluated.outputs.is_empty() {
        return Ok(assembly);
    }
    let scene = Scene {
        store: session.store,
        host: session.host,
        progress: session.progress,
        tree: &tree.path,
        tree_key: &tree.key,
        target: &settled.target,
        arch: evaluated.kernel.arch.value,
        toolchain: &settled.toolchain,
        config_text: settled.config.text(),
        kernel,
        assembly: &assembly,
    };
    let made = outputs::make(&scene, &evaluated.outputs)?;
    Ok(assembly.with_outputs(made.into_iter().map(|(name, made)| (name, made.entry, made.path))))
}

/// The modules from outside of the tree, by their path below `lib/modules/<release>`.
fn found(extra: &ExtraModules, kernel: &Kernel) -> Result<Vec<FoundModule>, AssembleError> {
    let folder = extra.dir.join("lib/modules").join(&kernel.release);
    let (found, _) = walk(&folder, &[]).map_err(|source| AssembleError::Read { path: folder, source })?;
    Ok(found)
}

fn read_graph(kernel: &Kernel, extra: &[FoundModule], diagnostics: &mut Diagnostics) -> Result<Graph, AssembleError> {
    let symvers = kernel.dir.join("Module.symvers");
    let symbols = match fs::read_to_string(&symvers) {
        Ok(text) => Some(KernelSymbols::from_symvers(&text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(source) => return Err(AssembleError::Read { path: symvers, source }),
    };
    let found = read_with_updates(&kernel.dir.join("lib/modules").join(&kernel.release), extra, symbols)?;
    diagnostics.extend(found.findings);
    Ok(found.graph)
}

/// The graph of a kernel that loads no modules; what it has is in the image.
fn no_modules() -> Graph {
    let nothing = Inputs {
        modules: Vec::new(),
        order: None,
        builtin: None,
        builtin_modinfo: None,
        kernel_symbols: None,
        layout: Layout::V30,
    };
    Graph::build(nothing).0
}

fn kernel_entry(tree: &Tree, settled: &Settled, kernel: &Kernel, evaluated: &Evaluated, modular: bool) -> KernelEntry {
    let arch = evaluated.kernel.arch.value;
    let versions = settled.toolchain.versions().iter().map(|(program, version)| format!("{program}: {version}"));
    let keys = [("tree", tree.key), ("kernel", kernel.key), ("work", kernel.work)];
    KernelEntry {
        release: kernel.release.clone(),
        arch: arch.karch.to_owned(),
        machine: arch.machine.to_owned(),
        modular,
        source: tree.origin.clone(),
        toolchain: versions.collect(),
        keys: keys.into_iter().map(|(name, key)| (name.to_owned(), key.to_string())).collect(),
        images: kernel.images.clone(),
    }
}
