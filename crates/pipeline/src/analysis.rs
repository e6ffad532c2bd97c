//! Kconfig analysis: the config that the requests of a recipe result in, and the requests that do not hold in it.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::ops::Deref;
use std::path::PathBuf;
use std::sync::Arc;

use kiln_advise::check::{Known, Overruled, effective, empty_groups, overruled};
use kiln_advise::{Unmet, check};
use kiln_diag::{Diagnostics, FileId, Sources, Span};
use kiln_kbuild::resolve::{Base, KconfigTree, Parsed, config_of};
use kiln_kbuild::toolchain::{Target, Toolchain};
use kiln_kconfig::{Declarations, Evaluation, Request};
use kiln_plan::evaluate::BaseConfig;
use kiln_plan::step::{BaseInputs, base_key};
use kiln_plan::{Key, SCHEME};
use kiln_store::cache::{self, Answers};

use crate::error::PipelineError;
use crate::history::History;
use crate::prepared::{Prepared, Tree};
use crate::resolved::Resolved;
use crate::session::Session;
use crate::text::read;

/// A resolved recipe, and whether its requests hold.
#[derive(Clone)]
pub struct Analysis<'a> {
    /// The config.
    pub resolved: Resolved<'a>,
    /// Requests that do not hold, including optional ones.
    pub unmet: Vec<Unmet>,
    /// The tree's Kconfig over the base config.
    pub parsed: Arc<Parsed>,
    /// The requests that were resolved.
    pub requests: Vec<Request>,
    /// Requests that were not resolved, since another one has their choice.
    pub overruled: Vec<Overruled>,
    /// The symbols of other versions of the kernel.
    pub history: History,
}

impl<'a> Deref for Analysis<'a> {
    type Target = Resolved<'a>;

    fn deref(&self) -> &Resolved<'a> {
        &self.resolved
    }
}

impl<'a> Prepared<'a> {
    /// Resolves the requests over the base config, and compares.
    ///
    /// # Errors
    /// Any [`PipelineError`] of toolchain, Kconfig and store; an unmet request is none.
    pub fn analyse(&self) -> Result<Analysis<'a>, PipelineError> {
        let (target, toolchain) = self.toolchain()?;
        let parsed = self.parse(&target, &toolchain)?;
        let all = &self.recipe.kernel.requests;
        let overruled = overruled(parsed.model(), all);
        let requests = effective(all, &overruled);
        let resolved = parsed.resolve(&requests)?;
        let config = config_of(&resolved);
        let mut unmet = check(&requests, &config, &parsed.declarations(&requests));
        let history = History::new(self.session.store, &target.arch, &self.tree.version);
        history.keep(parsed.model());
        let groups = if parsed.is_all_no() {
            empty_groups(parsed.model(), &config, &requests, || (*resolved).clone())
        } else {
            Vec::new()
        };
        if !unmet.is_empty() {
            // Only now are all declarations of use: for similar names and for other architectures.
            let declarations = parsed.all_declarations()?;
            unmet = check(&requests, &config, declarations);
            let past = history.of(&unmet);
            let known = Known { evaluation: &resolved, requests: &requests, declarations, past: &past };
            unmet.iter_mut().for_each(|unmet| unmet.explain(&known));
        }
        drop(resolved);
        let resolved = Resolved { prepared: self.clone(), target, toolchain, config, groups };
        if unmet.is_empty() {
            resolved.keep(&parsed)?;
        }
        Ok(Analysis { resolved, unmet, parsed: Arc::new(parsed), requests, overruled, history })
    }

    /// Parses the tree's Kconfig, over the recipe's base config.
    ///
    /// A tree in the store is compared with its stamp before, which reads the times of some 85 000 files; when all files
    /// that the last parse read are as they were then, these are enough.
    pub(crate) fn parse(&self, target: &Target, toolchain: &Toolchain) -> Result<Parsed, PipelineError> {
        let store = self.session.store;
        if !self.tree.path.starts_with(store.dir()) {
            return self.parse_tree(target, toolchain);
        }
        let noted = store.cached("tree-reads", &conf_key(&self.tree, target, toolchain).to_string()).ok();
        let known: Option<BTreeSet<PathBuf>> =
            noted.as_ref().and_then(cache::watched).map(|paths| paths.into_iter().collect());
        if known.is_none() {
            self.mend_tree()?;
        }
        let parsed = self.parse_tree(target, toolchain)?;
        let read = self.files_read(target, &parsed);
        if known.as_ref().is_some_and(|known| read.is_subset(known)) {
            return Ok(parsed);
        }
        // Files that no earlier parse read were not compared yet.
        let parsed = if known.is_some() && self.mend_tree()? { self.parse_tree(target, toolchain)? } else { parsed };
        if let Some(noted) = noted {
            cache::keep(&noted, self.files_read(target, &parsed), &Answers::new());
        }
        Ok(parsed)
    }

    /// Returns the files of the tree that a parse depends on: those that it read, the base config's, and scripts.
    fn files_read(&self, target: &Target, parsed: &Parsed) -> BTreeSet<PathBuf> {
        let tree = &self.tree.path;
        let configs = tree.join("arch").join(&target.srcarch).join("configs");
        let mut paths: BTreeSet<PathBuf> = parsed.files_read().into_iter().collect();
        paths.extend(
            ["Makefile", "kernel/configs/tiny-base.config", "kernel/configs/tiny.config"].map(|name| tree.join(name)),
        );
        paths.extend([configs.join("tiny.config"), configs.with_file_name("Makefile")]);
        if let BaseConfig::Defconfig(name) = &self.recipe.kernel.base_config.value {
            paths.insert(configs.join(name));
        }
        for folder in ["scripts", "scripts/kconfig"].map(|name| tree.join(name)) {
            let names = kiln_store::names(&folder).unwrap_or_default();
            paths.extend(names.iter().map(|name| folder.join(name)));
        }
        paths
    }

    fn parse_tree(&self, target: &Target, toolchain: &Toolchain) -> Result<Parsed, PipelineError> {
        let Session { store, progress, .. } = self.session;
        let area = store.work_dir(&conf_key(&self.tree, target, toolchain), "conf", progress)?;
        let kconfig = KconfigTree::new(&self.tree.path, area.path(), target, toolchain, Some(store))?;
        let parsed = kconfig.parse(&self.base(&kconfig)?, self.recipe.kernel.base_values.value)?;
        drop(kconfig);
        area.finish()?;
        Ok(parsed)
    }

    /// Reads the base config; one that `make` generates is kept in the store, since that takes seconds.
    fn base(&self, kconfig: &KconfigTree<'_>) -> Result<Base, PipelineError> {
        let Session { store, progress, .. } = self.session;
        let name = match &self.recipe.kernel.base_config.value {
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
        let key = base_key(&BaseInputs { tree: &self.tree.key, arch, toolchain, target: name });
        let directory = store.realize(&key, "base", progress, |out| {
            progress.begin(&format!("make {name}"), None);
            let made = kconfig.base_text(&base);
            progress.end();
            let path = out.join("config");
            fs::write(&path, made?.text).map_err(|source| PipelineError::Read { path, source })
        })?;
        Ok(Base::File(read(&directory.join("config"))?))
    }
}

impl Analysis<'_> {
    /// Returns the values that result from the requests, to look up reasons in.
    ///
    /// # Errors
    /// None for requests that were resolved before.
    pub fn evaluation(&self) -> Result<Evaluation<'_>, PipelineError> {
        Ok(self.parsed.resolve(&self.requests)?.into_evaluation())
    }

    /// Returns the directories below `arch/` that declare `symbol`, when the one that is built does not; none when a
    /// file cannot be read.
    pub fn other_arches(&self, symbol: &str) -> Vec<String> {
        let model = self.parsed.model();
        if model.find(symbol).is_some_and(|symbol| model.definitions(symbol).next().is_some()) {
            return Vec::new();
        }
        self.parsed.all_declarations().map(|declared| declared.arches(symbol)).unwrap_or_default()
    }

    /// Returns the directories below `arch/` that select `symbol`, besides the one that is built; none when a file cannot
    /// be read.
    pub fn turned_on_elsewhere(&self, symbol: &str) -> Vec<String> {
        let arches = self.parsed.all_declarations().map(|declared| declared.selecting_arches(symbol));
        arches.unwrap_or_default().into_iter().filter(|arch| *arch != self.target.srcarch).collect()
    }

    /// Returns up to three symbols of the tree with names similar to `name`.
    pub fn nearest_symbols(&self, name: &str) -> Vec<String> {
        Declarations::of(self.parsed.model()).nearest(name, 3)
    }
}

impl Analysis<'_> {
    /// Returns the findings of `kiln check`; Kconfig files that they refer to are added to `sources`.
    pub fn findings(&self, sources: &mut Sources) -> Diagnostics {
        // Nobody wrote the optional requests of kiln's own modules into the recipe.
        let is_own = |request: &Request| request.origin.is_some_and(|origin| is_shipped(sources, origin));
        let unmet = self.unmet.iter().filter(|unmet| !unmet.request.is_optional() || !is_own(&unmet.request));
        let unmet: Vec<Unmet> = unmet.cloned().collect();
        let overruled = self.overruled.iter().filter(|one| !is_own(&one.request));
        let overruled: Vec<_> = overruled.map(Overruled::diagnostic).collect();
        let mut findings: Vec<_> = self.findings_of(&unmet, sources).into_iter().collect();
        findings.extend(overruled);
        findings.into_iter().chain(self.remarks(sources)).collect()
    }

    /// Returns the findings about some requests that do not hold.
    pub fn findings_of(&self, unmet: &[Unmet], sources: &mut Sources) -> Diagnostics {
        let pointed = RefCell::new(BTreeSet::new());
        let note = |file: &str, _| {
            pointed.borrow_mut().insert(file.to_owned());
            None
        };
        unmet.iter().for_each(|unmet| drop(unmet.diagnostic(&note)));
        let mut ids: BTreeMap<String, FileId> = BTreeMap::new();
        for file in pointed.into_inner() {
            // A file that cannot be shown is still named in the message.
            if let Ok(bytes) = kiln_file::read(self.tree.path.join(&file)) {
                let id = sources.add(&file, String::from_utf8_lossy(&bytes));
                ids.insert(file, id);
            }
        }
        let place = |file: &str, line: u32| ids.get(file).map(|&id| sources.line_span(id, line));
        unmet.iter().map(|unmet| unmet.diagnostic(&place)).collect()
    }
}

/// Whether a place is in a module that ships with kiln.
pub(crate) fn is_shipped(sources: &Sources, place: Span) -> bool {
    sources.name(place.file).strip_prefix(SCHEME).is_some_and(|rest| rest.starts_with(':'))
}

/// Returns the key of the directory in which `conf` is built and run.
fn conf_key(tree: &Tree, target: &Target, toolchain: &Toolchain) -> Key {
    let mut key = kiln_plan::KeyWriter::new("conf-work/1");
    key.field("tree", tree.key).field("arch", &target.arch).field("toolchain", toolchain.identity());
    key.finish()
}
