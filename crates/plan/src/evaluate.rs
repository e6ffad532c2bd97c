//! From the files of a recipe to what it asks for, typed.
//!
//! [`evaluate`] reads and merges the recipe, applies `conditionalConfig` and `modular`, and lowers the merged values to an
//! [`Evaluated`]. Every value keeps its origin, and paths are joined to the folder of the file that wrote them. Nothing
//! here looks at a kernel's source: whether a symbol exists is found later.

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

use kiln_diag::{Code, Diagnostic, Diagnostics, Severity, Sources, Span};
use kiln_kconfig::Strength;
use kiln_recipe::{Def, Imports, Reader, Tree};

use crate::builtin::{BUILTINS, SCHEME};
use crate::evaluate::facts::{RecipeFacts, UNKNOWN};
use crate::firmware::FirmwareCompression;
use crate::options::options;
use crate::outputs::{Output, make_targets};
use crate::version::KernelVersion;
use crate::{Arch, SourceSpec, ToolchainName};

pub use fragment::Fragments;
pub use json::json;
pub use text::text;

/// What is known beside the recipe.
#[derive(Debug, Clone)]
pub struct Setting {
    /// The architecture of a recipe that names none.
    pub host: Arch,
    /// The version of the kernel's source, when that has been looked at.
    pub version: Option<KernelVersion>,
}

/// What became of a recipe.
#[derive(Debug, Clone)]
pub struct Evaluation {
    /// What it asks for; `None` when it has errors.
    pub evaluated: Option<Evaluated>,
    /// Where the kernel's source comes from, whenever that much can be told: who has fetched it can say the version.
    pub source: Option<Located<SourceSpec>>,
    /// Whether a `when` block hangs on a version that the recipe does not tell: evaluate again with the source's own.
    pub needs_version: bool,
    /// Every finding.
    pub diagnostics: Diagnostics,
}

/// What a recipe asks for.
#[derive(Debug, Clone)]
pub struct Evaluated {
    /// The kernel.
    pub kernel: Kernel,
    /// The loaders, by name.
    pub loaders: BTreeMap<String, Loader>,
    /// What the device has.
    pub hardware: Hardware,
    /// What is made for boot loaders and devices, by name.
    pub outputs: BTreeMap<String, Output>,
    /// The virtual machine to try it in.
    pub boot: Boot,
    /// The merged options, before `conditionalConfig`.
    pub tree: Tree,
}

/// A value and where it was written; an option's own default was written nowhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Located<T> {
    /// The value.
    pub value: T,
    /// Its place.
    pub origin: Option<Span>,
}

/// What a kernel is made of.
#[derive(Debug, Clone)]
pub struct Kernel {
    /// Where the source comes from.
    pub src: Option<Located<SourceSpec>>,
    /// The version that the recipe says; it agrees with [`Setting::version`] where that is known.
    pub version: Option<Located<KernelVersion>>,
    /// The architecture.
    pub arch: Located<Arch>,
    /// What compiles.
    pub toolchain: Located<ToolchainName>,
    /// What the names of GNU's programs begin with, when the recipe says it; never beside another toolchain.
    pub cross_compile: Option<Located<String>>,
    /// Whether there are modules.
    pub modular: Located<bool>,
    /// What symbols get that nobody requests.
    pub base_config: Located<BaseConfig>,
    /// Patches, in order.
    pub patches: Vec<Pattern>,
    /// Shell commands for the patched tree; `true` when nobody says any.
    pub extra_patch_phase: String,
    /// What make builds beside the modules, in order, each once.
    pub make_targets: Vec<Located<String>>,
    /// Modules from outside of the tree, in order.
    pub extra_modules: Vec<Located<ExtraModule>>,
    /// The key to sign modules with, when the recipe names one.
    pub signing_key: Option<Located<PathBuf>>,
    /// The requests after `conditionalConfig` and `modular`, by symbol.
    pub requests: BTreeMap<String, Request>,
}

/// A module from outside of the tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExtraModule {
    /// Where its source comes from; never a Debian package.
    pub src: SourceSpec,
    /// The folder in it that has the makefile; the top when absent.
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

/// The name of files, maybe with wildcards.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern {
    /// As written.
    pub pattern: String,
    /// The folder that a relative pattern is relative to; not itself a pattern.
    pub dir: PathBuf,
    /// Its place.
    pub origin: Option<Span>,
}

/// A symbol's value that somebody asks for.
#[derive(Debug, Clone)]
pub struct Request {
    /// Without `CONFIG_`.
    pub symbol: String,
    /// As merged: bare, or in the quotes of a `.config`.
    pub value: String,
    /// Whether it may stay unmet.
    pub optional: bool,
    /// Where it was written, the first place of several.
    pub origin: Span,
    /// The definitions that it was made from.
    pub won: Vec<Def>,
    /// Definitions of the same option set aside for their priority.
    pub lost: Vec<Def>,
    /// What made it, when it was not written like this under `kernel.config`.
    pub because: Option<Because>,
    /// The request that it replaced.
    pub overridden: Option<Box<Request>>,
}

impl Request {
    /// The request alone, as the engine's questions take it.
    pub fn request(&self) -> kiln_kconfig::Request {
        let strength = if self.optional { Strength::Optional } else { Strength::Required };
        let (symbol, value) = (self.symbol.clone(), self.value.clone());
        kiln_kconfig::Request { symbol, value, strength, origin: Some(self.origin) }
    }
}

/// What made a request, other than `kernel.config`.
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
    /// Services to be up before, each once.
    pub dependencies: Vec<Located<String>>,
    /// Parameters by module; modules as the recipe spells them.
    pub parameters: BTreeMap<String, Located<String>>,
    /// Modules left out, each once.
    pub blacklist: Vec<Located<String>>,
    /// Where it is first written; `None` for one with no settings at all.
    pub origin: Option<Span>,
}

/// What the device has beside its processor.
#[derive(Debug, Clone)]
pub struct Hardware {
    /// Where firmware files are looked for, in order.
    pub firmware: Vec<Located<FirmwareSource>>,
    /// Names and patterns of firmware files that may be missing.
    pub firmware_missing: Vec<Located<String>>,
    /// How they are compressed.
    pub firmware_compression: Located<FirmwareCompression>,
}

/// Where firmware files are looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FirmwareSource {
    /// A folder laid out like `/lib/firmware`.
    Path(PathBuf),
    /// A Debian package.
    Apt(String),
}

/// The virtual machine in which a result is tried.
#[derive(Debug, Clone)]
pub struct Boot {
    /// Its memory.
    pub memory_mib: u32,
    /// How long it may run.
    pub deadline: std::time::Duration,
    /// Debian packages that it gets.
    pub packages: Vec<Located<String>>,
    /// Files that it gets, by path in the guest.
    pub files: BTreeMap<String, Located<PathBuf>>,
    /// What must work in it, by name.
    pub checks: BTreeMap<String, Check>,
}

/// What must work in the guest.
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
/// `root` is given to `reader` as it is. Every text read is added to `sources`. All errors are found in one go.
pub fn evaluate(root: &str, reader: &dyn Reader, setting: &Setting, sources: &mut Sources) -> Evaluation {
    let options = options();
    let imports = Imports { scheme: SCHEME, builtins: BUILTINS, foreign: &Fragments };
    let (modules, mut diagnostics) = kiln_recipe::load(root, imports, reader, sources);
    let facts = RecipeFacts { setting };
    let (tree, findings) = kiln_recipe::merge(&options, &modules, &facts, sources);
    let overridden = requests::overridden(&tree);
    diagnostics.extend(findings.into_iter().map(|finding| set_aside(finding, &overridden)));
    let mut lowering = lower::Lowering { tree: &tree, modules: &modules, setting, diagnostics: Diagnostics::new() };
    let source = lowering.source();
    let evaluated = lowering.evaluated();
    let findings = lowering.diagnostics;
    // What is made of values at fault may itself look at fault; the merge's own findings stand for it.
    if !diagnostics.has_errors() {
        diagnostics.extend(findings);
    }
    let needs_version = diagnostics.iter().any(|diagnostic| diagnostic.code == UNKNOWN);
    let evaluated = (!diagnostics.has_errors()).then_some(evaluated);
    Evaluation { evaluated: evaluated.flatten(), source, needs_version, diagnostics }
}

/// Makes a warning of what is wrong with definitions that a condition overrides: like all that lose, they do not count.
fn set_aside(mut finding: Diagnostic, overridden: &BTreeSet<String>) -> Diagnostic {
    let symbol = finding.option.as_deref().and_then(|option| option.strip_prefix("kernel.config."));
    if matches!(finding.code, Code::Conflict | Code::Type) && symbol.is_some_and(|symbol| overridden.contains(symbol)) {
        finding.severity = Severity::Warning;
        finding.help = vec!["a `conditionalConfig` overrides it, so nothing comes of it; take it out".to_owned()];
    }
    finding
}

impl Evaluated {
    /// What make builds beside the modules: the recipe's targets, and the images that outputs are made of.
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
    /// Whether the version of the source agrees with what the recipe says; an error that shows both when it does not.
    pub fn agrees(&self, real: &KernelVersion) -> Option<Diagnostic> {
        lower::disagreement(self.version.as_ref()?, real)
    }
}

impl BaseConfig {
    /// What `text` names; a file is relative to `dir`. `None` when it is neither a known name nor clearly a file.
    ///
    /// A file begins with `./`, `../` or `/`, has a folder, or ends in `.config`; anything else that ends in `defconfig`
    /// is one of the tree's, which may itself have a folder (`40x/acadia_defconfig`).
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

/// As a recipe writes it.
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
