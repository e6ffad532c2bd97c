//! The resolved config, cached as long as none of its inputs has changed.
//!
//! Reading a tree's Kconfig files takes longer than the rest of a build that has nothing to do. So the result is kept
//! in the store's `cache/resolutions`, by a key and by the files that it depends on:
//!
//! | in the key | left out, and why |
//! |---|---|
//! | tree, ARCH, toolchain identity, base config (its text, where a file of the user's has it), its kept values, requests with their priorities | where a request was written: it only shows in messages |
//! | the version of kiln | |
//!
//! It depends on the program kiln itself, and on all paths that the outputs of the tree's shell commands depend on
//! ([`Parsed::depends_on`]). A config with unmet requests is not kept: the findings about them are computed again.

use std::collections::BTreeMap;
use std::ops::Deref;

use kiln_advise::check::EmptyGroup;
use kiln_diag::{Code, Diagnostic, Diagnostics, Sources};
use kiln_kbuild::resolve::Parsed;
use kiln_kbuild::toolchain::{Target, Toolchain};
use kiln_kconfig::{Config, fragment};
use kiln_plan::evaluate::{BaseConfig, after_unset};
use kiln_plan::{Key, KeyWriter};
use kiln_store::Sealed;
use kiln_store::cache::{self, Answers};

use crate::analysis::is_shipped;
use crate::error::PipelineError;
use crate::prepared::Prepared;
use crate::target::target;
use crate::text::read;

/// A recipe with the config that is built, and the machine and programs that it is built for and with.
#[derive(Clone)]
pub struct Resolved<'a> {
    /// The stage before.
    pub prepared: Prepared<'a>,
    /// The machine that is built for.
    pub target: Target,
    /// The programs that build.
    pub toolchain: Toolchain,
    /// The `.config`.
    pub config: Config,
    /// Requests that hold and have no effect.
    pub groups: Vec<EmptyGroup>,
}

impl<'a> Deref for Resolved<'a> {
    type Target = Prepared<'a>;

    fn deref(&self) -> &Prepared<'a> {
        &self.prepared
    }
}

impl Resolved<'_> {
    /// Returns the findings about requests, and lines of a base config, that have no effect; the file of the base is
    /// added to `sources` when it has such lines.
    pub fn remarks(&self, sources: &mut Sources) -> Diagnostics {
        let requests = &self.recipe.kernel.requests;
        let origin = |group: &EmptyGroup| requests.get(&group.symbol).and_then(|request| request.origin);
        let is_own = |group: &&EmptyGroup| origin(group).is_some_and(|place| is_shipped(sources, place));
        let groups = self.groups.iter().filter(|group| !is_own(group)).map(|group| group.diagnostic(origin(group)));
        let groups: Vec<Diagnostic> = groups.collect();
        groups.into_iter().chain(self.base_lines(sources)).collect()
    }

    /// Returns a warning for each line of the base config's file that looks like a setting and is none.
    fn base_lines(&self, sources: &mut Sources) -> Vec<Diagnostic> {
        let BaseConfig::File(path) = &self.recipe.kernel.base_config.value else { return Vec::new() };
        // It was read before, to be resolved.
        let Ok(text) = read(path) else { return Vec::new() };
        let file = sources.add(path.to_string_lossy(), text.clone());
        let read = fragment::parse(file, &text, after_unset(Some(&self.tree.version)));
        read.diagnostics.into_iter().filter(|finding| finding.code == Code::FragmentSyntax).collect()
    }

    /// Keeps a config in which all requests hold, for [`Prepared::recall`]; a failure to keep it costs time only.
    pub(crate) fn keep(&self, parsed: &Parsed) -> Result<(), PipelineError> {
        let (Some(mut paths), Ok(own)) = (parsed.depends_on(), std::env::current_exe()) else { return Ok(()) };
        paths.push(own);
        if let Some(file) = self.prepared.file(&self.target, &self.toolchain)?
            && let Some(answers) = as_answers(self)
        {
            cache::keep(&file, paths, &answers);
        }
        Ok(())
    }
}

impl<'a> Prepared<'a> {
    /// Returns the config that [`Prepared::analyse`] returned for the same inputs before, when all requests held and
    /// nothing has changed.
    ///
    /// # Errors
    /// Those of the toolchain, and of a base config that cannot be read.
    pub fn recall(&self) -> Result<Option<Resolved<'a>>, PipelineError> {
        let (target, toolchain) = self.toolchain()?;
        let Some(file) = self.file(&target, &toolchain)? else { return Ok(None) };
        let Some((config, groups)) = from_answers(&cache::recall(&file)) else { return Ok(None) };
        Ok(Some(Resolved { prepared: self.clone(), target, toolchain, config, groups }))
    }

    /// Returns the machine that is built for, and the programs that build for it.
    pub(crate) fn toolchain(&self) -> Result<(Target, Toolchain), PipelineError> {
        let target = target(self.session.host_arch, &self.recipe.kernel);
        let toolchain = Toolchain::remembered(self.session.store, self.session.host, &target.programs)?;
        let toolchain = toolchain.with_environment(&self.recipe.kernel.environment);
        Ok((target, toolchain))
    }

    fn file(&self, target: &Target, toolchain: &Toolchain) -> Result<Option<Sealed>, PipelineError> {
        let key = self.key(target, toolchain)?.to_string();
        Ok(self.session.store.cached("resolutions", &key).ok())
    }

    fn key(&self, target: &Target, toolchain: &Toolchain) -> Result<Key, PipelineError> {
        let (tree, kernel) = (&self.tree, &self.recipe.kernel);
        let mut key = KeyWriter::new("resolution/3");
        key.field("kiln", env!("CARGO_PKG_VERSION")).field("tree", tree.key);
        // Some of a tree's outputs contain the path of its files.
        key.field("path", tree.path.as_os_str().as_encoded_bytes());
        key.field("arch", &target.arch).field("srcarch", &target.srcarch).field("toolchain", toolchain.identity());
        match &kernel.base_config.value {
            BaseConfig::Alldefconfig => key.field("base", "alldefconfig"),
            BaseConfig::Allnoconfig => key.field("base", "allnoconfig"),
            BaseConfig::Tinyconfig => key.field("base", "tinyconfig"),
            BaseConfig::Defconfig(name) => key.field("defconfig", name),
            BaseConfig::File(path) => key.field("file", read(path)?),
        };
        key.field("base values", kernel.base_values.value.name());
        for request in kernel.requests.values() {
            key.field(&request.symbol, &request.value).field("priority", request.priority().0.to_string());
        }
        Ok(key.finish())
    }
}

const CONFIG: &[u8] = b"config";
const GROUPS: &[u8] = b"groups";

/// Returns `None` for a text that a cache cannot hold.
fn as_answers(resolved: &Resolved<'_>) -> Option<Answers> {
    let json = |value: serde_json::Result<String>| value.ok().map(String::into_bytes);
    let answers = BTreeMap::from([
        (CONFIG.to_vec(), resolved.config.text().as_bytes().to_vec()),
        (GROUPS.to_vec(), json(serde_json::to_string(&resolved.groups))?),
    ]);
    answers.values().all(|text| !text.contains(&0)).then_some(answers)
}

/// Returns `None` when nothing is kept, or not all of it.
fn from_answers(answers: &Answers) -> Option<(Config, Vec<EmptyGroup>)> {
    let config = std::str::from_utf8(answers.get(CONFIG)?).ok()?;
    Some((Config::parse(config), serde_json::from_slice(answers.get(GROUPS)?).ok()?))
}
