//! From an evaluated recipe to `./result`, stage by stage.
//!
//! [`tree`] fetches and patches the source, [`resolve`] asks Kconfig, [`kernel()`](kiln_kbuild::kernel::kernel) compiles,
//! [`assemble`] closes the loaders and writes the result. Each stage takes what the one before it gave, and each is found
//! done in the store when nothing that can change it has changed.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::fs;
use std::io;
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use kiln_diag::{Diagnostic, Diagnostics, FileId, Sources};
use kiln_kconfig::{Config, Declarations, Request};
use kiln_plan::check::{Known, empty_groups};
use kiln_plan::evaluate::{BaseConfig, Evaluated, Kernel as KernelWish};
use kiln_plan::step::{BaseInputs, base_key};
use kiln_plan::{Arch, KernelVersion, Key, ModuleRules, SourceSpec, ToolchainName, Unmet, check};

pub use crate::extra_sources::ExtraSourcesError;
use kiln_fetch::patch::{self, PatchError};
use kiln_fetch::{Fetch, SourceError};
use kiln_kbuild::extra_modules::ExtraModulesError;
use kiln_kbuild::kernel::{Kernel, KernelError, KernelSpec, kernel};
use kiln_kbuild::makefiles;
use kiln_kbuild::resolve::{Asked, Base, Native, ResolveError, Resolved};
use kiln_kbuild::toolchain::{Host, Programs, Target, Toolchain, ToolchainError};
use kiln_kbuild::version::{VersionError, kernel_version};
use kiln_store::StoreError;
use kiln_store::{Progress, Store};

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
    pub parsed: Arc<Asked>,
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
    /// The sources of modules from outside of the tree.
    #[error(transparent)]
    ExtraSources(#[from] ExtraSourcesError),
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
    version_of(&kiln_fetch::fetch(&session.fetch(), spec)?.tree)
}

/// Fetches the source and applies what the recipe applies to it.
///
/// # Errors
/// Any [`PipelineError`] of sources and patches.
pub fn tree(session: &Session<'_>, wish: &KernelWish) -> Result<Tree, PipelineError> {
    let spec = wish.src.as_ref().ok_or(PipelineError::NoSource)?;
    let fetched = kiln_fetch::fetch(&session.fetch(), &spec.value)?;
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
    let requests: BTreeMap<String, String> =
        wish.requests.values().map(|request| (request.symbol.clone(), request.value.clone())).collect();
    let area = session.store.work_dir(&conf_key(tree, &target, &toolchain), "conf", session.progress)?;
    let engine = Native::new(&tree.path, area.path(), &target, &toolchain, Some(session.store))?;
    let base = match base(&wish.base_config.value)? {
        Base::Defconfig(name) if !engine.has_file(&name) => {
            made_base(session, tree, &target, &toolchain, &engine, &name)?
        }
        other => other,
    };
    let parsed = engine.ask(&base, &requests)?;
    let Resolved { config_text, warnings, declarations } = parsed.resolve()?;
    drop(engine);
    area.finish()?;
    let config = Config::parse(&config_text);
    let asked: Vec<Request> = wish.requests.values().map(|request| request.request()).collect();
    let mut unmet = check(&asked, &config, &declarations);
    let history = History::new(session.store, &target.arch, &tree.version);
    history.keep(parsed.model());
    let groups = if parsed.is_all_off() {
        empty_groups(parsed.model(), &config, &asked, || parsed.evaluation())
    } else {
        Vec::new()
    };
    if !unmet.is_empty() {
        // Only now is it of use what else there is: names that were meant, other architectures.
        let declarations = kiln_kbuild::resolve::declarations::scan(&tree.path, &target)?;
        unmet = check(&asked, &config, &declarations);
        let evaluation = parsed.evaluation();
        let past = history.of(&unmet);
        let known = Known { evaluation: &evaluation, requests: &asked, declarations: &declarations, past: &past };
        unmet.iter_mut().for_each(|unmet| unmet.explain(&known));
    }
    let settled = Settled { target, toolchain, config_text, config, warnings, groups };
    if unmet.is_empty() {
        settled::keep(session, tree, wish, &settled, &parsed)?;
    }
    let remarks = settled.remarks(wish);
    Ok(Resolution { settled, unmet, remarks, parsed: Arc::new(parsed), history })
}

/// Which other architectures declare a symbol; the tree is looked through when that is first asked.
#[derive(Debug)]
pub struct Elsewhere<'a> {
    tree: &'a Tree,
    resolution: &'a Resolution,
    declarations: std::cell::OnceCell<Declarations>,
}

impl<'a> Elsewhere<'a> {
    /// Prepares to ask.
    pub fn new(tree: &'a Tree, resolution: &'a Resolution) -> Elsewhere<'a> {
        Elsewhere { tree, resolution, declarations: std::cell::OnceCell::new() }
    }

    /// The folders below `arch/` that declare `symbol`, when the one that is built does not; none when a file cannot be read.
    pub fn arches(&self, symbol: &str) -> Vec<String> {
        let model = self.resolution.parsed.model();
        if model.find(symbol).is_some_and(|symbol| model.definitions(symbol).next().is_some()) {
            return Vec::new();
        }
        let scan =
            || kiln_kbuild::resolve::declarations::scan(&self.tree.path, &self.resolution.target).unwrap_or_default();
        self.declarations.get_or_init(scan).arches(symbol)
    }
}

/// Up to three symbols of the tree that `name` may have been meant to be.
///
/// # Errors
/// A Kconfig file cannot be read.
pub fn nearest_symbols(tree: &Tree, resolution: &Resolution, name: &str) -> Result<Vec<String>, PipelineError> {
    Ok(kiln_kbuild::resolve::declarations::scan(&tree.path, &resolution.target)?.nearest(name, 3))
}

/// A base config that `make` puts together, which takes it seconds.
fn made_base(
    session: &Session<'_>,
    tree: &Tree,
    target: &Target,
    toolchain: &Toolchain,
    engine: &Native<'_>,
    name: &str,
) -> Result<Base, PipelineError> {
    let inputs = BaseInputs { tree: &tree.key, arch: &target.arch, toolchain: toolchain.identity(), target: name };
    let dir = session.store.realize(&base_key(&inputs), "base", session.progress, |out| {
        session.progress.begin(&format!("make {name}"), None);
        let made = engine.base_text(&Base::Defconfig(name.to_owned()));
        session.progress.end();
        let path = out.join("config");
        fs::write(&path, made?).map_err(|source| PipelineError::Read { path, source })
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
        config_text: &settled.config_text,
        targets,
        signing_key: evaluated.kernel.signing_key.as_ref().map(|key| key.value.as_path()),
        jobs: session.jobs,
    }
}

fn base(config: &BaseConfig) -> Result<Base, PipelineError> {
    Ok(match config {
        BaseConfig::Alldefconfig => Base::Alldefconfig,
        BaseConfig::Allnoconfig => Base::Allnoconfig,
        BaseConfig::Tinyconfig => Base::Tinyconfig,
        BaseConfig::Defconfig(name) => Base::Defconfig(name.clone()),
        BaseConfig::File(path) => Base::File(read(path)?),
    })
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
