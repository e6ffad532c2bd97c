//! The files of a result, and its manifest.
//!
//! ```text
//! kernel/{vmlinux,bzImage,…}   config   System.map
//! lib/modules/<release>/…      lib/firmware/…   lib/modprobe.d/…
//! services/{s6-rc,systemd,openrc,sh}/…
//! manifest.json
//! ```
//!
//! It has only modules of some loader's closure, with indexes made for just those.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use kiln_diag::{Diagnostics, Sources};
use kiln_kconfig::Config;
use kiln_makefile::ModuleRules;
use kiln_modgraph::{Because, Closure, DepmodError, Graph, Layout, ModuleId, depmod};
use kiln_plan::Evaluated;
use kiln_service::{RenderedFile, graph as service_graph, render};

use crate::closure::LoaderClosure;
use crate::left_out::unused;
use crate::manifest::{
    FileEntry, KernelEntry, LoaderEntry, MANIFEST_VERSION, Manifest, MissingSoftdep, ModuleEntry, OutputEntry, Reason,
    RequestEntry, Sizes,
};

/// The directory on the device that holds the loaders' scripts.
pub const SCRIPT_DIR: &str = "/lib/kmodloader";

/// The inputs of an assembly.
#[derive(Debug, Clone, Copy)]
pub struct AssemblyInputs<'a> {
    /// The recipe.
    pub evaluated: &'a Evaluated,
    /// The texts that origins point into.
    pub sources: &'a Sources,
    /// The kernel as the manifest describes it.
    pub kernel: &'a KernelEntry,
    /// The resolved config.
    pub config: &'a Config,
    /// All modules of the build.
    pub graph: &'a Graph,
    /// The rules of the tree's makefiles; only needed where a soft dependency leads nowhere.
    pub rules: &'a ModuleRules,
    /// Modules from outside of the tree, by their path below `lib/modules/<release>`, with their current paths.
    pub extra_modules: &'a BTreeMap<String, PathBuf>,
    /// The loaders with their closures.
    pub closed: &'a [LoaderClosure],
    /// Firmware by the name that modules request.
    pub firmware: &'a BTreeMap<String, Firmware>,
    /// This kiln's version.
    pub kiln: &'a str,
}

/// The source of a file's content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// The bytes themselves.
    Bytes {
        /// The content.
        bytes: Vec<u8>,
        /// Permission bits.
        mode: u32,
    },
    /// A file of the kernel step's result, by its path there.
    Kernel(String),
    /// A file from elsewhere; it is readable by all, and not executable.
    File(PathBuf),
    /// A symbolic link to this target.
    Link(String),
}

/// A firmware file of a result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Firmware {
    /// Its name under `lib/firmware`, with the ending of its compression.
    pub installed: String,
    /// Its content: a file, or a link.
    pub content: Content,
    /// The size in bytes of the file, or of the file that the link leads to.
    pub size: u64,
}

/// A result before it is written.
#[derive(Debug, Clone)]
pub struct Assembly {
    /// Files by their path from the result's top.
    pub files: BTreeMap<String, Content>,
    /// The manifest; its file is among `files`.
    pub manifest: Manifest,
}

impl Assembly {
    /// Adds outputs to the files and the manifest: of each its name, its manifest entry, and the current path of its
    /// file.
    #[must_use]
    pub fn with_outputs(mut self, outputs: impl IntoIterator<Item = (String, OutputEntry, PathBuf)>) -> Assembly {
        for (name, entry, path) in outputs {
            self.files.insert(entry.path.clone(), Content::File(path));
            self.manifest.outputs.insert(name, entry);
        }
        self.write_manifest();
        self
    }

    fn write_manifest(&mut self) {
        let bytes = self.manifest.to_json().into_bytes();
        self.files.insert("manifest.json".to_owned(), Content::Bytes { bytes, mode: 0o644 });
    }
}

/// Chooses the files of a result.
///
/// The diagnostics are errors that concern several loaders (a cycle of dependencies); with errors among them the
/// services are incomplete.
/// # Errors
/// The modules cannot be indexed: a cycle, or a name that does not fit into an index.
pub fn assemble(parts: &AssemblyInputs<'_>) -> Result<(Assembly, Diagnostics), DepmodError> {
    let mut files = BTreeMap::new();
    for image in &parts.kernel.images {
        files.insert(image.path.clone(), Content::Kernel(image.path.clone()));
    }
    for name in ["config", "System.map"] {
        files.insert(name.to_owned(), Content::Kernel(name.to_owned()));
    }
    let kept = kept_modules(parts.closed);
    add_modules(parts, &kept, &mut files)?;
    for firmware in parts.firmware.values() {
        files.insert(format!("lib/firmware/{}", firmware.installed), firmware.content.clone());
    }
    let (services, diagnostics) = service_graph(parts.closed.iter().map(|closed| closed.spec.clone()).collect());
    for RenderedFile { path, mode, contents } in render(&services, SCRIPT_DIR) {
        files.insert(path, Content::Bytes { bytes: contents.into_bytes(), mode });
    }
    let manifest = manifest(parts, &kept);
    let mut assembly = Assembly { files, manifest };
    assembly.write_manifest();
    Ok((assembly, diagnostics))
}

/// Returns the modules of all closures, each once, in module order.
fn kept_modules(closed: &[LoaderClosure]) -> Vec<ModuleId> {
    let ids: BTreeSet<ModuleId> =
        closed.iter().flat_map(|one| one.closure.entries.iter().map(|entry| entry.id)).collect();
    ids.into_iter().collect()
}

fn add_modules(
    parts: &AssemblyInputs<'_>,
    kept: &[ModuleId],
    files: &mut BTreeMap<String, Content>,
) -> Result<(), DepmodError> {
    if !parts.kernel.modular {
        return Ok(());
    }
    let folder = modules_folder(&parts.kernel.release);
    let mut order = String::new();
    for &id in kept {
        let inside = &parts.graph.module(id).path;
        let path = format!("{folder}/{inside}");
        order.push_str(&format!("{inside}\n"));
        let content = match parts.extra_modules.get(inside) {
            Some(file) => Content::File(file.clone()),
            None => Content::Kernel(path.clone()),
        };
        files.insert(path, content);
    }
    for name in ["modules.builtin", "modules.builtin.modinfo"] {
        files.insert(format!("{folder}/{name}"), Content::Kernel(format!("{folder}/{name}")));
    }
    let text = |bytes: Vec<u8>| Content::Bytes { bytes, mode: 0o644 };
    files.insert(format!("{folder}/modules.order"), text(order.into_bytes()));
    for (name, bytes) in depmod(&parts.graph.subset(kept), Layout::V30)? {
        files.insert(format!("{folder}/{name}"), text(bytes));
    }
    Ok(())
}

fn modules_folder(release: &str) -> String {
    format!("lib/modules/{release}")
}

fn manifest(parts: &AssemblyInputs<'_>, kept: &[ModuleId]) -> Manifest {
    let requests = parts.evaluated.kernel.requests.values().map(|request| {
        let entry = RequestEntry {
            value: request.value.clone(),
            resolved: parts.config.get(&request.symbol).map(str::to_owned),
            optional: request.is_optional(),
            origin: request.origin.map(|origin| parts.sources.location(origin).to_string()).unwrap_or_default(),
        };
        (request.symbol.clone(), entry)
    });
    let loaders = parts.closed.iter().map(|closed| (closed.spec.name.to_string(), loader(parts, closed)));
    let firmware = parts.firmware.iter().map(|(name, firmware)| {
        let path = format!("lib/firmware/{}", firmware.installed);
        (name.clone(), FileEntry { path, size: firmware.size })
    });
    let size = |id: &ModuleId| parts.graph.module(*id).file_size;
    let all: Vec<ModuleId> = parts.graph.ids().collect();
    Manifest {
        version: MANIFEST_VERSION,
        kiln: parts.kiln.to_owned(),
        kernel: parts.kernel.clone(),
        requests: requests.collect(),
        loaders: loaders.collect(),
        firmware: firmware.collect(),
        outputs: BTreeMap::new(),
        left_out: left_out(parts),
        left_out_aliases: left_out_aliases(parts),
        sizes: Sizes {
            modules: kept.len() as u64,
            module_bytes: kept.iter().map(size).sum(),
            all_modules: all.len() as u64,
            all_module_bytes: all.iter().map(size).sum(),
        },
    }
}

fn left_out(parts: &AssemblyInputs<'_>) -> Vec<String> {
    let unused = unused(parts.graph, parts.closed).into_iter();
    let names: BTreeSet<String> = unused.map(|id| parts.graph.module(id).name.clone()).collect();
    names.into_iter().collect()
}

fn left_out_aliases(parts: &AssemblyInputs<'_>) -> BTreeMap<String, Vec<String>> {
    let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for info in unused(parts.graph, parts.closed).into_iter().map(|id| parts.graph.module(id)) {
        let aliases = info.modinfo.values("alias").filter_map(|alias| std::str::from_utf8(alias).ok());
        for alias in aliases.filter(|alias| !alias.contains(':')) {
            found.entry(alias.to_owned()).or_default().insert(info.name.clone());
        }
    }
    found.into_iter().map(|(alias, modules)| (alias, modules.into_iter().collect())).collect()
}

fn loader(parts: &AssemblyInputs<'_>, closed: &LoaderClosure) -> LoaderEntry {
    let wish = parts.evaluated.loaders.get(closed.spec.name.as_str());
    LoaderEntry {
        targets: wish.map(|wish| wish.targets.iter().map(|target| target.value.clone()).collect()).unwrap_or_default(),
        dependencies: wish
            .map(|wish| wish.dependencies.iter().map(|one| one.value.clone()).collect())
            .unwrap_or_default(),
        modules: modules(parts, closed),
        builtin: closed.builtin.clone(),
        missing_softdeps: missing_softdeps(parts.rules, &closed.closure),
    }
}

fn missing_softdeps(rules: &ModuleRules, closure: &Closure) -> Vec<MissingSoftdep> {
    let mut missing: Vec<MissingSoftdep> = Vec::new();
    for unknown in &closure.unknown_softdeps {
        let symbols: BTreeSet<String> = rules.of(&unknown.word).iter().filter_map(|rule| rule.symbol.clone()).collect();
        let (word, by) = (unknown.word.clone(), unknown.by.clone());
        let one = MissingSoftdep { word, by, symbols: symbols.into_iter().collect() };
        if !missing.contains(&one) {
            missing.push(one);
        }
    }
    missing
}

fn modules(parts: &AssemblyInputs<'_>, closed: &LoaderClosure) -> Vec<ModuleEntry> {
    let folder = modules_folder(&parts.kernel.release);
    let entries = closed.closure.entries.iter();
    entries
        .map(|entry| {
            let info = parts.graph.module(entry.id);
            let step = closed.spec.modules.iter().find(|step| step.module == entry.module);
            ModuleEntry {
                name: entry.module.clone(),
                path: format!("{folder}/{}", info.path),
                size: info.file_size,
                because: entry.because.iter().map(reason).collect(),
                reasons: entry.because.iter().cloned().map(reason_entry).collect(),
                loaded: entry.load,
                parameters: step.map(|step| step.parameters.clone()).unwrap_or_default(),
                stays_loaded: step.is_some_and(|step| step.stays_loaded),
                soft: closed.soft.contains(&entry.module),
                firmware: firmware_of(&closed.closure, &entry.module),
            }
        })
        .collect()
}

fn firmware_of(closure: &Closure, module: &str) -> Vec<String> {
    closure.firmware.iter().filter(|one| one.module == module).map(|one| one.name.clone()).collect()
}

fn reason_entry(because: Because) -> Reason {
    match because {
        Because::Target { word } => Reason::Target { word },
        Because::NeedsSymbol { by, symbol } => Reason::Symbol { by, symbol },
        Because::SoftdepPre { by, line } => Reason::SoftdepPre { by, line },
        Because::SoftdepPost { by, line } => Reason::SoftdepPost { by, line },
        Because::Weakdep { by, line } => Reason::Weakdep { by, line },
    }
}

/// Returns a reason in words.
pub fn reason(because: &Because) -> String {
    match because {
        Because::Target { word } => format!("target {word}"),
        Because::NeedsSymbol { by, symbol } => format!("{by} needs {symbol}"),
        Because::SoftdepPre { by, .. } => format!("soft dependency (pre) of {by}"),
        Because::SoftdepPost { by, .. } => format!("soft dependency (post) of {by}"),
        Because::Weakdep { by, .. } => format!("weak dependency of {by}"),
    }
}
