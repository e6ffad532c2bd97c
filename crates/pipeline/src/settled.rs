//! The resolved config, remembered as long as nothing that can change it has changed.
//!
//! To read a tree's Kconfig files takes longer than all else that a build with nothing to do does. So what came of it is
//! kept in the store's `cache/resolutions`, by a key and by the files that it hangs on:
//!
//! | in the key | left out, and why |
//! |---|---|
//! | tree, ARCH, toolchain identity, base config (its text, where a file of the user's has it), requests | where a request was written: it only shows in messages |
//! | the version of kiln | |
//!
//! It hangs on the program kiln itself, and on all paths that the answers of the tree's shell commands hang on
//! ([`Parsed::depends_on`]). A config with unmet requests is not kept: what is said of them is worked out anew.

use std::collections::BTreeMap;
use std::path::PathBuf;

use kiln_advise::check::EmptyGroup;
use kiln_diag::Diagnostic;
use kiln_kbuild::resolve::Parsed;
use kiln_kbuild::toolchain::{Target, Toolchain};
use kiln_kconfig::Config;
use kiln_plan::evaluate::{BaseConfig, Kernel as KernelWish};
use kiln_plan::{Key, KeyWriter};
use kiln_store::cache::{self, Answers};

use crate::error::PipelineError;
use crate::session::Session;
use crate::target::target;
use crate::text::read;
use crate::tree::Tree;

/// A config that is built, and what is built for and with.
#[derive(Debug, Clone)]
pub struct Settled {
    /// What is built for.
    pub target: Target,
    /// What it is built with.
    pub toolchain: Toolchain,
    /// The `.config`.
    pub config: Config,
    /// Requests that hold and do nothing.
    pub groups: Vec<EmptyGroup>,
}

impl Settled {
    /// What there is to say of requests that do nothing.
    pub fn remarks(&self, wish: &KernelWish) -> Vec<Diagnostic> {
        let origin = |group: &EmptyGroup| wish.requests.get(&group.symbol).map(|request| request.origin);
        self.groups.iter().map(|group| group.diagnostic(origin(group))).collect()
    }
}

/// The config that [`crate::resolve`] gave for the same things before, when all requests held and nothing has changed.
///
/// # Errors
/// Those of the toolchain, and of a base config that cannot be read.
pub fn recall(session: &Session<'_>, tree: &Tree, wish: &KernelWish) -> Result<Option<Settled>, PipelineError> {
    let target = target(session.host_arch, wish);
    let toolchain = Toolchain::remembered(session.store, session.host, &target.programs)?;
    let Some(file) = file(session, tree, wish, &target, &toolchain)? else { return Ok(None) };
    Ok(from_answers(&cache::recall(&file), target, toolchain))
}

/// Keeps a config in which all requests hold; that it cannot be kept costs time only.
pub(crate) fn keep(
    session: &Session<'_>,
    tree: &Tree,
    wish: &KernelWish,
    settled: &Settled,
    parsed: &Parsed,
) -> Result<(), PipelineError> {
    let (Some(mut paths), Ok(own)) = (parsed.depends_on(), std::env::current_exe()) else { return Ok(()) };
    paths.push(own);
    if let Some(file) = file(session, tree, wish, &settled.target, &settled.toolchain)?
        && let Some(answers) = as_answers(settled)
    {
        cache::keep(&file, paths, &answers);
    }
    Ok(())
}

fn file(
    session: &Session<'_>,
    tree: &Tree,
    wish: &KernelWish,
    target: &Target,
    toolchain: &Toolchain,
) -> Result<Option<PathBuf>, PipelineError> {
    let Ok(folder) = session.store.cache("resolutions") else { return Ok(None) };
    Ok(Some(folder.join(key(tree, wish, target, toolchain)?.to_string())))
}

fn key(tree: &Tree, wish: &KernelWish, target: &Target, toolchain: &Toolchain) -> Result<Key, PipelineError> {
    let mut key = KeyWriter::new("resolution/2");
    key.field("kiln", env!("CARGO_PKG_VERSION")).field("tree", tree.key);
    // A tree says where its files are in some of what it says.
    key.field("path", tree.path.as_os_str().as_encoded_bytes());
    key.field("arch", &target.arch).field("srcarch", &target.srcarch).field("toolchain", toolchain.identity());
    match &wish.base_config.value {
        BaseConfig::Alldefconfig => key.field("base", "alldefconfig"),
        BaseConfig::Allnoconfig => key.field("base", "allnoconfig"),
        BaseConfig::Tinyconfig => key.field("base", "tinyconfig"),
        BaseConfig::Defconfig(name) => key.field("defconfig", name),
        BaseConfig::File(path) => key.field("file", read(path)?),
    };
    for request in wish.requests.values() {
        key.field(&request.symbol, &request.value);
    }
    Ok(key.finish())
}

const CONFIG: &[u8] = b"config";
const GROUPS: &[u8] = b"groups";

/// `None` for a text that a memory cannot hold.
fn as_answers(settled: &Settled) -> Option<Answers> {
    let json = |value: serde_json::Result<String>| value.ok().map(String::into_bytes);
    let answers = BTreeMap::from([
        (CONFIG.to_vec(), settled.config.text().as_bytes().to_vec()),
        (GROUPS.to_vec(), json(serde_json::to_string(&settled.groups))?),
    ]);
    answers.values().all(|text| !text.contains(&0)).then_some(answers)
}

/// `None` when there is nothing remembered, or not all of it.
fn from_answers(answers: &Answers, target: Target, toolchain: Toolchain) -> Option<Settled> {
    let config = std::str::from_utf8(answers.get(CONFIG)?).ok()?;
    Some(Settled {
        target,
        toolchain,
        config: Config::parse(config),
        groups: serde_json::from_slice(answers.get(GROUPS)?).ok()?,
    })
}
