//! Kconfig asked: the config that the requests of a recipe give, and the requests that do not hold in it.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::ops::Deref;
use std::sync::Arc;

use kiln_diag::{Diagnostic, Diagnostics, FileId, Sources};
use kiln_kbuild::resolve::{Asked, Base, Native, Resolved};
use kiln_kbuild::toolchain::{Target, Toolchain};
use kiln_kconfig::{Config, Declarations, Request};
use kiln_plan::check::{Known, empty_groups};
use kiln_plan::evaluate::{BaseConfig, Kernel as KernelWish};
use kiln_plan::step::{BaseInputs, base_key};
use kiln_plan::{Key, Unmet, check};

use crate::error::PipelineError;
use crate::history::History;
use crate::session::Session;
use crate::settled::{self, Settled};
use crate::target::target;
use crate::text::read;
use crate::tree::Tree;

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
pub(crate) fn made_base(
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

pub(crate) fn base(config: &BaseConfig) -> Result<Base, PipelineError> {
    Ok(match config {
        BaseConfig::Alldefconfig => Base::Alldefconfig,
        BaseConfig::Allnoconfig => Base::Allnoconfig,
        BaseConfig::Tinyconfig => Base::Tinyconfig,
        BaseConfig::Defconfig(name) => Base::Defconfig(name.clone()),
        BaseConfig::File(path) => Base::File(read(path)?),
    })
}

/// The folder in which `conf` is built and asked.
pub(crate) fn conf_key(tree: &Tree, target: &Target, toolchain: &Toolchain) -> Key {
    let mut key = kiln_plan::KeyWriter::new("conf-work/1");
    key.field("tree", tree.key).field("arch", &target.arch).field("toolchain", toolchain.identity());
    key.finish()
}
