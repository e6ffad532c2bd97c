//! From the files of a recipe to its typed values.
//!
//! [`evaluate`] reads and merges the recipe, applies `conditionalConfig` and `modular`, and lowers the merged values to
//! an [`Evaluated`]. Every value keeps its origin, and paths are joined to the directory of the file that wrote them.
//! Nothing here reads a kernel's source: whether a symbol exists is checked later.

mod facts;
mod fragment;
mod json;
mod lower;
mod outputs;
mod requests;
mod shown;
mod text;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use kiln_diag::{Code, Diagnostic, Diagnostics, Label, Severity, Sources, Span};
use kiln_kconfig::{BaseValues, Request};
use kiln_recipe::{Def, Imports, Priority, Reader, Tree};

use crate::builtin::{BUILTINS, SCHEME};
use crate::evaluate::facts::{RecipeFacts, UNKNOWN};
use crate::firmware::FirmwareCompression;
use crate::options::options;
use crate::outputs::{Output, make_targets};
use crate::version::KernelVersion;
use crate::{Arch, SourceSpec, ToolchainName};

pub use fragment::{Fragments, after_unset};
pub use json::json;
pub use text::text;

/// Facts known from outside the recipe.
#[derive(Debug, Clone)]
pub struct Setting {
    /// The architecture of a recipe that names none.
    pub host: Arch,
    /// The version of the kernel's source, when that has been read.
    pub version: Option<KernelVersion>,
}

/// The result of evaluating a recipe.
#[derive(Debug, Clone)]
pub struct Evaluation {
    /// The typed recipe; `None` when it has errors.
    pub evaluated: Option<Evaluated>,
    /// The origin of the kernel's source, when that much is known: fetching it yields the version.
    pub source: Option<Located<SourceSpec>>,
    /// Whether a `when` block or a line of a fragment depends on a version that the recipe does not state: evaluate
    /// again with the source's.
    pub needs_version: bool,
    /// Every finding.
    pub diagnostics: Diagnostics,
}

/// A typed recipe.
#[derive(Debug, Clone)]
pub struct Evaluated {
    /// The kernel.
    pub kernel: Kernel,
    /// The loaders, by name.
    pub loaders: BTreeMap<String, Loader>,
    /// The hardware of the device.
    pub hardware: Hardware,
    /// The outputs for boot loaders and devices, by name.
    pub outputs: BTreeMap<String, Output>,
    /// The virtual machine to test it in.
    pub boot: Boot,
    /// The merged options, before `conditionalConfig`.
    pub tree: Tree,
}

/// A value and where it was written; an option's own default has no place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Located<T> {
    /// The value.
    pub value: T,
    /// Its place.
    pub origin: Option<Span>,
}

/// The inputs of a kernel.
#[derive(Debug, Clone)]
pub struct Kernel {
    /// Where the source comes from.
    pub src: Option<Located<SourceSpec>>,
    /// The version in the recipe; it agrees with [`Setting::version`] where that is known.
    pub version: Option<Located<KernelVersion>>,
    /// The architecture.
    pub arch: Located<Arch>,
    /// The toolchain.
    pub toolchain: Located<ToolchainName>,
    /// The prefix of GNU's program names, when the recipe sets it; only with GCC.
    pub cross_compile: Option<Located<String>>,
    /// Whether modules are enabled.
    pub modular: Located<bool>,
    /// The base config: values of symbols without requests.
    pub base_config: Located<BaseConfig>,
    /// The values of the base config that stay when requests change the defaults.
    pub base_values: Located<BaseValues>,
    /// Patches, in order.
    pub patches: Vec<Pattern>,
    /// Shell commands for the patched tree; `true` when the recipe has none.
    pub extra_patch_phase: String,
    /// The make targets beside the modules, in order, each once.
    pub make_targets: Vec<Located<String>>,
    /// Modules from outside of the tree, in order.
    pub extra_modules: Vec<Located<ExtraModule>>,
    /// The key to sign modules with, when the recipe names one.
    pub signing_key: Option<Located<PathBuf>>,
    /// Variables of the environment for Kconfig and make, by name.
    pub environment: BTreeMap<String, String>,
    /// The requests after `conditionalConfig` and `modular`, by symbol.
    pub requests: BTreeMap<String, MergedRequest>,
}

/// A module from outside of the tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExtraModule {
    /// Where its source comes from; never a Debian package.
    pub src: SourceSpec,
    /// The directory in it with the makefile; the top when absent.
    pub dir: Option<String>,
    /// Variables for make, as `NAME=VALUE`.
    pub variables: Vec<String>,
}

/// The value of `kernel.baseConfig`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BaseConfig {
    /// Kconfig's own defaults.
    Alldefconfig,
    /// As little as possible.
    Allnoconfig,
    /// The tree's `tinyconfig`: `allnoconfig` with the tree's `tiny.config` fragments.
    Tinyconfig,
    /// A defconfig of the tree by its name under `arch/SRCARCH/configs`; `defconfig` is the architecture's usual one.
    Defconfig(String),
    /// A file.
    File(PathBuf),
}

/// The name of files, possibly with wildcards.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern {
    /// As written.
    pub pattern: String,
    /// The directory that a relative pattern is relative to; not itself a pattern.
    pub dir: PathBuf,
    /// Its place.
    pub origin: Option<Span>,
}

/// A request as merged from the files of the recipe; it derefs to the request alone.
#[derive(Debug, Clone)]
pub struct MergedRequest {
    /// The request; its origin is the first of several places.
    pub request: Request,
    /// The definitions that it was made from.
    pub won: Vec<Def>,
    /// Definitions of the same option set aside for their priority.
    pub lost: Vec<Def>,
    /// Its cause, when it was not written like this under `kernel.config`.
    pub because: Option<Because>,
    /// The request that it replaced.
    pub overridden: Option<Box<MergedRequest>>,
}

impl MergedRequest {
    /// Returns the priority of the definitions that it was made from.
    pub fn priority(&self) -> Priority {
        self.won.iter().map(|def| def.priority).min().unwrap_or(Priority::PLAIN)
    }
}

impl std::ops::Deref for MergedRequest {
    type Target = Request;

    fn deref(&self) -> &Request {
        &self.request
    }
}

/// The cause of a request, other than `kernel.config`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Because {
    /// A `conditionalConfig` whose condition this symbol fulfils.
    Condition(String),
    /// `kernel.modular` is false.
    NotModular,
}

/// A named requirement.
#[derive(Debug, Clone)]
pub struct Loader {
    /// Its name, safe for files and services.
    pub name: String,
    /// Modules to load, in the order written, each once.
    pub targets: Vec<Located<String>>,
    /// Services that must be up first, each once.
    pub dependencies: Vec<Located<String>>,
    /// Parameters by module; modules as the recipe spells them.
    pub parameters: BTreeMap<String, Located<String>>,
    /// Modules left out, each once.
    pub blacklist: Vec<Located<String>>,
    /// Where it is first written; `None` for one without any settings.
    pub origin: Option<Span>,
}

/// The hardware beside the processor.
#[derive(Debug, Clone)]
pub struct Hardware {
    /// Where firmware files are looked for, in order.
    pub firmware: Vec<Located<FirmwareSource>>,
    /// Names and patterns of firmware files that may be missing.
    pub firmware_missing: Vec<Located<String>>,
    /// Their compression.
    pub firmware_compression: Located<FirmwareCompression>,
}

/// Where firmware files are looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FirmwareSource {
    /// A directory laid out like `/lib/firmware`.
    Path(PathBuf),
    /// A Debian package.
    Apt(String),
}

/// The virtual machine in which a result is tried.
#[derive(Debug, Clone)]
pub struct Boot {
    /// Its memory.
    pub memory_mib: u32,
    /// Its time limit.
    pub deadline: std::time::Duration,
    /// Debian packages installed in it.
    pub packages: Vec<Located<String>>,
    /// Files copied into it, by path in the guest.
    pub files: BTreeMap<String, Located<PathBuf>>,
    /// The checks that must pass in it, by name.
    pub checks: BTreeMap<String, Check>,
}

/// A check that must pass in the guest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// Its name, safe for files.
    pub name: String,
    /// Shell commands.
    pub script: String,
    /// Shell commands that undo the script; may be empty.
    pub cleanup: String,
    /// Debian packages without which it is skipped.
    pub packages: Vec<Located<String>>,
    /// Where it is written.
    pub origin: Option<Span>,
}

/// Reads, merges and lowers the recipe `root`.
///
/// `root` is passed to `reader` unchanged. Every text read is added to `sources`. All errors are found in one pass.
pub fn evaluate(root: &str, reader: &dyn Reader, setting: &Setting, sources: &mut Sources) -> Evaluation {
    let options = options();
    let fragments = Fragments::of(setting.version.as_ref());
    let imports = Imports { scheme: SCHEME, builtins: BUILTINS, foreign: &fragments };
    let (modules, mut diagnostics) = kiln_recipe::load(root, imports, reader, sources);
    let facts = RecipeFacts { setting };
    let (tree, findings) = kiln_recipe::merge(&options, &modules, &facts, sources);
    let overridden = requests::overridden(&tree);
    // Modules that ship with kiln test what a recipe may or may not request.
    let is_shipped = |finding: &Diagnostic| {
        let name = |label: &Label| {
            sources.name(label.span.file).strip_prefix(SCHEME).is_some_and(|rest| rest.starts_with(':'))
        };
        finding.code == Code::IdleCondition && finding.labels.iter().any(name)
    };
    let findings = findings.into_iter().filter(|finding| !is_shipped(finding));
    diagnostics.extend(findings.map(|finding| set_aside(finding, &overridden)));
    let mut lowering = lower::Lowering { tree: &tree, modules: &modules, setting, diagnostics: Diagnostics::new() };
    let source = lowering.source();
    let evaluated = lowering.evaluated();
    let findings = lowering.diagnostics;
    // Values made from faulty ones may themselves look faulty; the merge's own findings cover them.
    if !diagnostics.has_errors() {
        diagnostics.extend(findings);
    }
    let needs_version = fragments.needs_version() || diagnostics.iter().any(|diagnostic| diagnostic.code == UNKNOWN);
    let evaluated = (!diagnostics.has_errors()).then_some(evaluated);
    Evaluation { evaluated: evaluated.flatten(), source, needs_version, diagnostics }
}

/// Turns a fault of definitions that a condition overrides into a warning: like all overridden ones, they do not count.
fn set_aside(mut finding: Diagnostic, overridden: &BTreeSet<String>) -> Diagnostic {
    let symbol = finding.option.as_deref().and_then(|option| option.strip_prefix("kernel.config."));
    if matches!(finding.code, Code::Conflict | Code::Type) && symbol.is_some_and(|symbol| overridden.contains(symbol)) {
        finding.severity = Severity::Warning;
        finding.help = vec!["a `conditionalConfig` overrides it, so it has no effect; remove it".to_owned()];
    }
    finding
}

impl Evaluated {
    /// Returns the make targets beside the modules: the recipe's targets, and the images for outputs.
    pub fn make_targets(&self) -> Vec<String> {
        let mut targets: Vec<String> = self.kernel.make_targets.iter().map(|target| target.value.clone()).collect();
        for target in make_targets(&self.outputs) {
            if !targets.contains(&target) {
                targets.push(target);
            }
        }
        targets
    }
}

impl Kernel {
    /// Checks the version of the source against the recipe's; returns an error that shows both when they differ.
    pub fn agrees(&self, real: &KernelVersion) -> Option<Diagnostic> {
        lower::disagreement(self.version.as_ref()?, real)
    }
}

impl BaseConfig {
    /// Returns the base config named by `text`; a file is relative to `dir`. `None` when it is neither a known name nor
    /// clearly a file.
    ///
    /// A file begins with `./`, `../` or `/`, has a directory, or ends in `.config`; anything else that ends in
    /// `defconfig` is one of the tree's, which may itself have a directory (`40x/acadia_defconfig`).
    pub fn parse(text: &str, dir: impl AsRef<Path>) -> Option<BaseConfig> {
        let file = || Some(BaseConfig::File(dir.as_ref().join(text)));
        match text {
            "alldefconfig" => Some(BaseConfig::Alldefconfig),
            "allnoconfig" => Some(BaseConfig::Allnoconfig),
            "tinyconfig" => Some(BaseConfig::Tinyconfig),
            _ if ["/", "./", "../"].iter().any(|prefix| text.starts_with(prefix)) => file(),
            _ if text.split('/').any(|part| part == "..") => file(),
            _ if text.ends_with("defconfig") => Some(BaseConfig::Defconfig(text.to_owned())),
            _ if text.contains('/') || text.ends_with(".config") => file(),
            _ => None,
        }
    }
}

/// Displays it as written in a recipe.
impl std::fmt::Display for BaseConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            BaseConfig::Alldefconfig => f.write_str("alldefconfig"),
            BaseConfig::Allnoconfig => f.write_str("allnoconfig"),
            BaseConfig::Tinyconfig => f.write_str("tinyconfig"),
            BaseConfig::Defconfig(name) => f.write_str(name),
            BaseConfig::File(path) => write!(f, "{}", path.display()),
        }
    }
}
