//! From an evaluated recipe to `./result`, stage by stage.
//!
//! [`tree`] fetches and patches the source, [`resolve`] asks Kconfig, [`kernel()`](crate::kernel::kernel) compiles,
//! [`assemble()`] closes the loaders and writes the result. Each stage takes what the one before it gave, and each is found
//! done in the store when nothing that can change it has changed.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::fs;
use std::io;
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use kiln_advise::check::{Known, empty_groups};
use kiln_advise::{Unmet, check};
use kiln_diag::{Diagnostic, Diagnostics, FileId, Sources};
use kiln_kconfig::{Declarations, Evaluation, Request};
use kiln_makefile::ModuleRules;
use kiln_plan::evaluate::{BaseConfig, Evaluated, Kernel as KernelWish};
use kiln_plan::step::{BaseInputs, base_key};
use kiln_plan::{Arch, KernelVersion, Key, SourceSpec, ToolchainName};

use crate::extra_modules::ExtraModulesError;
use crate::kernel::{Kernel, KernelError, KernelSpec, kernel};
use crate::makefiles;
use crate::patch::{self, PatchError};
use crate::resolve::{Base, KconfigTree, Parsed, ResolveError, config_of};
use crate::source::{self, Fetch, SourceError, VersionError, kernel_version};
use crate::store::StoreError;
use crate::toolchain::{Host, Programs, Target, Toolchain, ToolchainError};
use crate::{Progress, Store};

mod assemble;
mod config_only;
mod distill;
mod extra;
mod firmware;
mod history;
mod impact;
mod layouts;
mod remedy;
mod settled;
mod verify;

pub use assemble::{AssembleError, Finished, assemble};
pub use config_only::{ConfigOnly, impact_of_config, kernel_of_config};
pub use distill::{Distillation, Material, distil};
pub use extra::{build_extra_modules, extra_sources, unreadable_outputs};
pub use history::History;
pub use impact::{Deployed, DeployedError, Place, Report, deployed, deployed_kernel, exact, impact, with_new_modules};
pub use layouts::{LayoutReport, Unread, layouts};
pub use remedy::{MORE_MEMORY, Remedies, all_hold, asked, remedies, with_remedy};
pub use settled::{Settled, recall};
pub use verify::{Compared, verify};

/// What every stage needs of the world.
#[derive(Clone, Copy)]
pub struct Session<'a> {
    /// Where results are kept.
    pub store: &'a Store,
    /// The machine that builds.
    pub host: &'a Host,
    /// Its architecture.
    pub host_arch: Arch,
    /// The user's environment, for programs that fetch.
    pub env: &'a BTreeMap<OsString, OsString>,
    /// Who hears how far it is.
    pub progress: &'a dyn Progress,
    /// How many compilers may run at once.
    pub jobs: usize,
}

/// A kernel's source, fetched and patched.
#[derive(Debug, Clone)]
pub struct Tree {
    /// Where it is; it must not be changed.
    pub path: PathBuf,
    /// Stands for everything in it.
    pub key: Key,
    /// Stands for the source before its patches.
    pub source: Key,
    /// Where exactly it came from, for people.
    pub origin: String,
    /// What its makefile says.
    pub version: KernelVersion,
}

/// A config, and how it stands to the requests.
#[derive(Debug, Clone)]
pub struct Resolution {
    /// The config.
    pub settled: Settled,
    /// Requests that do not hold, optional ones among them.
    pub unmet: Vec<Unmet>,
    /// What there is to say of requests that hold and do nothing.
    pub remarks: Vec<Diagnostic>,
    /// The tree's Kconfig with all that was asked of it.
    pub parsed: Arc<Parsed>,
    /// The requests that were resolved.
    pub requests: Vec<Request>,
    /// What is known of other versions of the kernel.
    pub history: History,
}

impl Deref for Resolution {
    type Target = Settled;

    fn deref(&self) -> &Settled {
        &self.settled
    }
}

/// Why a stage gave nothing.
#[derive(Debug, thiserror::Error)]
pub enum PipelineError {
    /// The recipe names no source.
    #[error("the recipe names no kernel source (`kernel.src`)")]
    NoSource,
    /// The source.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The patches.
    #[error(transparent)]
    Patch(#[from] PatchError),
    /// The tree's version.
    #[error(transparent)]
    Version(#[from] VersionError),
    /// The tree's version is none that kiln understands.
    #[error("the kernel tree says a version that cannot be read: {0}")]
    OddVersion(kiln_plan::VersionError),
    /// The toolchain.
    #[error(transparent)]
    Toolchain(#[from] ToolchainError),
    /// Kconfig.
    #[error(transparent)]
    Resolve(#[from] ResolveError),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Kbuild.
    #[error(transparent)]
    Kernel(#[from] KernelError),
    /// Modules from outside of the tree.
    #[error(transparent)]
    ExtraModules(#[from] ExtraModulesError),
    /// The result.
    #[error(transparent)]
    Assemble(#[from] AssembleError),
    /// No requests give the config that was to be distilled.
    #[error("no requests over this base give that config")]
    NotDistilled,
    /// A file could not be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl Session<'_> {
    /// How sources are fetched.
    pub fn fetch(&self) -> Fetch<'_> {
        Fetch { store: self.store, progress: self.progress, env: self.env }
    }
}

/// Fetches the source without its patches; for a recipe whose conditions hang on the kernel's version.
///
/// # Errors
/// Any [`PipelineError`] of the source.
pub fn source_version(session: &Session<'_>, spec: &SourceSpec) -> Result<KernelVersion, PipelineError> {
    version_of(&source::fetch(&session.fetch(), spec)?.tree)
}

/// Fetches the source and applies what the recipe applies to it.
///
/// # Errors
/// Any [`PipelineError`] of sources and patches.
pub fn tree(session: &Session<'_>, wish: &KernelWish) -> Result<Tree, PipelineError> {
    let spec = wish.src.as_ref().ok_or(PipelineError::NoSource)?;
    let fetched = source::fetch(&session.fetch(), &spec.value)?;
    let origin = fetched.origin.to_string();
    let mut patches = Vec::new();
    for pattern in &wish.patches {
        patches.extend(patch::expand(&pattern.dir, std::slice::from_ref(&pattern.pattern))?);
    }
    let patched = patch::apply(&session.fetch(), &fetched, &patches, &wish.extra_patch_phase)?;
    let version = version_of(&patched.tree)?;
    Ok(Tree { path: patched.tree, key: patched.key, source: fetched.key, origin, version })
}

fn version_of(tree: &Path) -> Result<KernelVersion, PipelineError> {
    KernelVersion::parse(&kernel_version(tree)?).map_err(PipelineError::OddVersion)
}

/// What is built for: GNU's compiler of another architecture has that architecture's prefix.
pub fn target(host: Arch, wish: &KernelWish) -> Target {
    let arch = wish.arch.value;
    let programs = match &wish.toolchain.value {
        ToolchainName::Llvm { version } => {
            Programs::Llvm { value: version.map_or_else(|| "1".to_owned(), |version| format!("-{version}")) }
        }
        ToolchainName::Gcc => {
            let chosen = wish.cross_compile.as_ref().map(|prefix| prefix.value.clone());
            // x86's makefiles ask the compiler for 32 or 64 bits themselves.
            let native = arch == host || (arch.srcarch == "x86" && host.srcarch == "x86");
            let usual = || if native { String::new() } else { arch.cross_prefix() };
            Programs::Gnu { prefix: chosen.unwrap_or_else(usual) }
        }
    };
    Target { arch: arch.karch.to_owned(), srcarch: arch.srcarch.to_owned(), programs }
}

/// Resolves the requests over the base config and compares.
///
/// # Errors
/// Any [`PipelineError`] of toolchain, Kconfig and store; an unmet request is none.
pub fn resolve(session: &Session<'_>, tree: &Tree, wish: &KernelWish) -> Result<Resolution, PipelineError> {
    let target = target(session.host_arch, wish);
    let toolchain = Toolchain::remembered(session.store, session.host, &target.programs)?;
    let area = session.store.work_dir(&conf_key(tree, &target, &toolchain), "conf", session.progress)?;
    let kconfig = KconfigTree::new(&tree.path, area.path(), &target, &toolchain, Some(session.store))?;
    let parsed = kconfig.parse(&base(session, tree, &kconfig, &wish.base_config.value)?)?;
    drop(kconfig);
    area.finish()?;
    let requests: Vec<Request> = wish.requests.values().map(|request| request.request()).collect();
    let resolved = parsed.resolve(&requests)?;
    let config = config_of(&resolved);
    let mut unmet = check(&requests, &config, &parsed.declarations(&requests));
    let history = History::new(session.store, &target.arch, &tree.version);
    history.keep(parsed.model());
    let groups = if parsed.is_all_no() {
        empty_groups(parsed.model(), &config, &requests, || (*resolved).clone())
    } else {
        Vec::new()
    };
    if !unmet.is_empty() {
        // Only now is it of use what else there is: names that were meant, other architectures.
        let declarations = parsed.all_declarations()?;
        unmet = check(&requests, &config, declarations);
        let past = history.of(&unmet);
        let known = Known { evaluation: &resolved, requests: &requests, declarations, past: &past };
        unmet.iter_mut().for_each(|unmet| unmet.explain(&known));
    }
    drop(resolved);
    let settled = Settled { target, toolchain, config, groups };
    if unmet.is_empty() {
        settled::keep(session, tree, wish, &settled, &parsed)?;
    }
    let remarks = settled.remarks(wish);
    Ok(Resolution { settled, unmet, remarks, parsed: Arc::new(parsed), requests, history })
}

impl Resolution {
    /// Returns the values that the requests give, to be asked for reasons.
    ///
    /// # Errors
    /// None for requests that were resolved before.
    pub fn evaluation(&self) -> Result<Evaluation<'_>, PipelineError> {
        Ok(self.parsed.resolve(&self.requests)?.into_evaluation())
    }

    /// Returns the directories below `arch/` that declare `symbol`, when the one that is built does not; none when a file
    /// cannot be read.
    pub fn other_arches(&self, symbol: &str) -> Vec<String> {
        let model = self.parsed.model();
        if model.find(symbol).is_some_and(|symbol| model.definitions(symbol).next().is_some()) {
            return Vec::new();
        }
        self.parsed.all_declarations().map(|declared| declared.arches(symbol)).unwrap_or_default()
    }

    /// Returns up to three symbols of the tree that `name` may have been meant to be.
    pub fn nearest_symbols(&self, name: &str) -> Vec<String> {
        Declarations::of(self.parsed.model()).nearest(name, 3)
    }
}

/// Reads the base config of a recipe; one that `make` puts together is kept in the store, since that takes seconds.
fn base(
    session: &Session<'_>,
    tree: &Tree,
    kconfig: &KconfigTree<'_>,
    config: &BaseConfig,
) -> Result<Base, PipelineError> {
    let name = match config {
        BaseConfig::Alldefconfig => return Ok(Base::Alldefconfig),
        BaseConfig::Allnoconfig => return Ok(Base::Allnoconfig),
        BaseConfig::Tinyconfig => return Ok(Base::Tinyconfig),
        BaseConfig::File(path) => return Ok(Base::File(read(path)?)),
        BaseConfig::Defconfig(name) => name,
    };
    let base = Base::Defconfig(name.clone());
    if kconfig.has_file(name) {
        return Ok(base);
    }
    let (arch, toolchain) = (&kconfig.target().arch, kconfig.toolchain().identity());
    let key = base_key(&BaseInputs { tree: &tree.key, arch, toolchain, target: name });
    let dir = session.store.realize(&key, "base", session.progress, |out| {
        session.progress.begin(&format!("make {name}"), None);
        let made = kconfig.base_text(&base);
        session.progress.end();
        let path = out.join("config");
        fs::write(&path, made?.text).map_err(|source| PipelineError::Read { path, source })
    })?;
    Ok(Base::File(read(&dir.join("config"))?))
}

/// What the tree's makefiles build.
///
/// # Errors
/// A makefile cannot be read.
pub fn module_rules(tree: &Tree) -> Result<ModuleRules, PipelineError> {
    makefiles::read(&tree.path).map_err(|(path, source)| PipelineError::Read { path, source })
}

/// What `check` has to say; Kconfig files that it points at are added to `sources`.
pub fn findings(tree: &Tree, resolution: &Resolution, sources: &mut Sources) -> Diagnostics {
    let unmet = findings_of(tree, &resolution.unmet, sources).into_iter();
    unmet.chain(resolution.remarks.iter().cloned()).collect()
}

/// The same for some requests that do not hold.
pub fn findings_of(tree: &Tree, unmet: &[Unmet], sources: &mut Sources) -> Diagnostics {
    let pointed = RefCell::new(BTreeSet::new());
    let note = |file: &str, _| {
        pointed.borrow_mut().insert(file.to_owned());
        None
    };
    unmet.iter().for_each(|unmet| drop(unmet.diagnostic(&note)));
    let mut ids: BTreeMap<String, FileId> = BTreeMap::new();
    for file in pointed.into_inner() {
        // A file that cannot be shown is still named in the message.
        if let Ok(bytes) = fs::read(tree.path.join(&file)) {
            let id = sources.add(&file, String::from_utf8_lossy(&bytes));
            ids.insert(file, id);
        }
    }
    let place = |file: &str, line: u32| ids.get(file).map(|&id| sources.line_span(id, line));
    unmet.iter().map(|unmet| unmet.diagnostic(&place)).collect()
}

/// Compiles.
///
/// # Errors
/// Any [`PipelineError`] of the kernel step.
pub fn build_kernel(
    session: &Session<'_>,
    tree: &Tree,
    settled: &Settled,
    evaluated: &Evaluated,
) -> Result<Kernel, PipelineError> {
    let targets = targets(evaluated);
    Ok(kernel(session.store, &kernel_spec(session, tree, settled, evaluated, &targets), session.progress)?)
}

/// What make builds beside the modules.
fn targets(evaluated: &Evaluated) -> Vec<String> {
    evaluated.make_targets()
}

fn kernel_spec<'a>(
    session: &Session<'_>,
    tree: &'a Tree,
    settled: &'a Settled,
    evaluated: &'a Evaluated,
    targets: &'a [String],
) -> KernelSpec<'a> {
    KernelSpec {
        tree: &tree.path,
        tree_key: &tree.key,
        target: &settled.target,
        toolchain: &settled.toolchain,
        config_text: settled.config.text(),
        targets,
        signing_key: evaluated.kernel.signing_key.as_ref().map(|key| key.value.as_path()),
        jobs: session.jobs,
    }
}

/// The folder in which `conf` is built and asked.
fn conf_key(tree: &Tree, target: &Target, toolchain: &Toolchain) -> Key {
    let mut key = kiln_plan::KeyWriter::new("conf-work/1");
    key.field("tree", tree.key).field("arch", &target.arch).field("toolchain", toolchain.identity());
    key.finish()
}

fn read(path: &Path) -> Result<String, PipelineError> {
    fs::read_to_string(path).map_err(|source| PipelineError::Read { path: path.to_owned(), source })
}
