//! Kconfig asked: the config that the requests of a recipe give, and the requests that do not hold in it.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::ops::Deref;
use std::sync::Arc;

use kiln_advise::check::{Known, empty_groups};
use kiln_advise::{Unmet, check};
use kiln_diag::{Diagnostic, Diagnostics, FileId, Sources};
use kiln_kbuild::resolve::{Base, KconfigTree, Parsed, config_of};
use kiln_kbuild::toolchain::{Target, Toolchain};
use kiln_kconfig::{Declarations, Evaluation, Request};
use kiln_plan::Key;
use kiln_plan::evaluate::{BaseConfig, Kernel as KernelWish};
use kiln_plan::step::{BaseInputs, base_key};

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
pub(crate) fn base(
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

/// The folder in which `conf` is built and asked.
pub(crate) fn conf_key(tree: &Tree, target: &Target, toolchain: &Toolchain) -> Key {
    let mut key = kiln_plan::KeyWriter::new("conf-work/1");
    key.field("tree", tree.key).field("arch", &target.arch).field("toolchain", toolchain.identity());
    key.finish()
}
