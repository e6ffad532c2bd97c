//! Errors and warnings about a loader, as diagnostics.

use std::collections::{BTreeMap, BTreeSet};

use kiln_diag::{Code, Diagnostic};
use kiln_makefile::Rule;
use kiln_modgraph::{ClosureError, ModuleInfo};
use kiln_plan::Loader;
use kiln_plan::evaluate::{Located, MergedRequest};
use kiln_service::{NameError, parameter_words};

use super::ClosureInputs;

/// The reason why a target is not found.
pub(crate) enum Missing {
    /// No makefile of the tree builds it.
    Unknown {
        /// The module that was probably meant, for people.
        help: Option<String>,
    },
    /// It could be built, but is off.
    Off {
        /// The symbols, any of which would build it.
        symbols: Vec<String>,
        /// The makefile line that builds it.
        rule: Rule,
    },
}

impl Missing {
    /// Returns the finding about a target of the loader `name`.
    pub(crate) fn diagnostic(
        self,
        name: &str,
        target: &Located<String>,
        requests: &BTreeMap<String, MergedRequest>,
    ) -> Diagnostic {
        let (option, origin, target) = (format!("kmodloader.{name}.targets"), target.origin, &target.value);
        match self {
            Missing::Unknown { help } => {
                let help = help.unwrap_or_else(|| {
                    "targets are module names as `lsmod` shows them; a module from outside the tree must be built first"
                        .to_owned()
                });
                Diagnostic::error(Code::UnknownTarget, format!("there is no module `{target}` in this kernel"))
                    .option(option)
                    .label(origin, "requested here")
                    .help(help)
            }
            Missing::Off { symbols, rule } => {
                let all: Vec<String> = symbols.iter().map(|symbol| format!("`{symbol}`")).collect();
                let is_off = if all.len() == 1 { "is off" } else { "are off" };
                let requested = |symbol: &&String| requests.get(*symbol).is_some_and(|request| request.value != "n");
                let help = match symbols.iter().find(requested) {
                    Some(symbol) => format!("`kiln why {symbol}` shows why the request for it does not hold"),
                    None => format!("set `kernel.config.{} = \"m\"`", symbols.join(" = \"m\"` or `kernel.config.")),
                };
                Diagnostic::error(
                    Code::TargetOff,
                    format!("module `{target}` is not built: {} {is_off}", all.join(" and ")),
                )
                .option(option)
                .label(origin, format!("requested here; {}:{} builds it", rule.file, rule.line))
                .help(help)
            }
        }
    }
}

/// The reason why an entry of a blacklist has no effect.
pub(crate) enum Void {
    /// The same loader has it as a target.
    Target,
    /// A module that the loader loads cannot be loaded without it.
    Needed { by: String, symbol: String },
    /// It is part of the kernel image.
    Builtin,
    /// No module has that name.
    Unknown { help: Option<String> },
}

impl Void {
    /// Returns the finding about an entry of the blacklist of the loader `name`.
    pub(crate) fn diagnostic(self, name: &str, module: &Located<String>) -> Diagnostic {
        let (word, origin) = (&module.value, module.origin);
        let (message, help) = match self {
            Void::Target => (
                format!("loader `{name}` loads `{word}` although it blacklists it: it is one of its targets"),
                "remove it from `targets`, or from `blacklist`; only hotplug does not load it".to_owned(),
            ),
            Void::Needed { by, symbol } => (
                format!("loader `{name}` cannot leave `{word}` out: `{by}` needs it for `{symbol}`"),
                format!("remove it from `blacklist`, or `{by}` from what the loader loads"),
            ),
            Void::Builtin => (
                format!("`{word}` is part of the kernel image: no blacklist can leave it out"),
                format!("remove it from `blacklist`, or build `{word}` as a module"),
            ),
            Void::Unknown { help } => (
                format!("there is no module `{word}` in this kernel that a blacklist could leave out"),
                help.unwrap_or_else(|| "remove it; a blacklist has module names as `lsmod` shows them".to_owned()),
            ),
        };
        Diagnostic::warning(Code::VoidBlacklist, message)
            .option(format!("kmodloader.{name}.blacklist"))
            .label(origin, "listed here")
            .help(help)
    }
}

/// Parameters that the kernel accepts for every module.
const OF_ALL: [&str; 2] = ["async_probe", "dyndbg"];

/// Returns a warning for each parameter that a module does not have: the kernel ignores it, with a line in its log.
pub(super) fn unknown_parameters(
    name: &str,
    module: &str,
    text: &Located<String>,
    info: &ModuleInfo,
) -> Vec<Diagnostic> {
    let Ok(words) = parameter_words(&text.value) else { return Vec::new() };
    let given = words.iter().map(|word| word.split('=').next().unwrap_or_default().trim_matches('"'));
    let unknown = given.filter(|given| !OF_ALL.contains(given) && !info.has_parameter(given));
    let finding = |given: &str| {
        let known = info.parameter_names();
        let help = match known.is_empty() {
            true => format!("`{module}` has no parameters"),
            false => format!("it has {}", known.join(", ")),
        };
        Diagnostic::warning(Code::UnknownParameter, format!("module `{module}` has no parameter `{given}`"))
            .option(format!("kmodloader.{name}.parameters.{module}"))
            .label(text.origin, "given here; the kernel ignores it")
            .help(help)
    };
    unknown.map(finding).collect()
}

/// Returns the finding for an error because of which the kernel would refuse a module.
pub(super) fn closure_error(
    inputs: &ClosureInputs<'_>,
    name: &str,
    loader: &Loader,
    error: &ClosureError,
) -> Diagnostic {
    let (code, help) = match error {
        ClosureError::UnknownTarget { .. } => (Code::UnknownTarget, None),
        ClosureError::Cycle(_) => (Code::ModuleCycle, None),
        ClosureError::UnresolvedSymbol { .. } => (
            Code::UnresolvedSymbol,
            Some("the kernel would refuse the module with \"Unknown symbol\"; build what exports it"),
        ),
        ClosureError::CrcMismatch { .. } => {
            (Code::CrcMismatch, Some("the module was built against another kernel; build both in one run"))
        }
        ClosureError::Vermagic { .. } => {
            (Code::VermagicMismatch, Some("the module was built for another kernel; build both in one run"))
        }
        ClosureError::Namespace { .. } => (
            Code::MissingNamespace,
            Some("the module's source needs MODULE_IMPORT_NS, or the kernel MODULE_ALLOW_MISSING_NAMESPACE_IMPORTS"),
        ),
        ClosureError::GplOnly { .. } => (Code::GplOnlySymbol, None),
    };
    let finding = Diagnostic::error(code, format!("loader `{name}` cannot work: {error}"))
        .option(format!("kmodloader.{name}.targets"))
        .label(loader.origin, "this loader");
    let builders = builders(inputs, error);
    match (error, help) {
        (ClosureError::UnresolvedSymbol { .. }, _) if !builders.is_empty() => {
            let settings: Vec<String> = builders.iter().map(|name| format!("`kernel.config.{name} = \"m\"`")).collect();
            finding.help(format!("set {}", settings.join(" or ")))
        }
        (ClosureError::CrcMismatch { exporter: Some(exporter), .. }, Some(help)) if !builders.is_empty() => {
            let settings: Vec<String> = builders.iter().map(|name| format!("`kernel.config.{name}`")).collect();
            finding.help(format!("{help} ({} builds {exporter})", settings.join(" or ")))
        }
        (ClosureError::Cycle(cycle), _) => cycle.edges.iter().enumerate().fold(finding, |finding, (at, edge)| {
            let next = &cycle.edges[(at + 1) % cycle.edges.len()].module;
            finding.help(format!("{} needs {next} for {}", edge.module, edge.symbols.join(", ")))
        }),
        (_, Some(help)) => finding.help(help),
        (_, None) => finding,
    }
}

/// Returns the symbols that build the owner of a symbol that a module lacks, or has in another version.
fn builders(inputs: &ClosureInputs<'_>, error: &ClosureError) -> BTreeSet<String> {
    match error {
        ClosureError::UnresolvedSymbol { provider: Some(path), .. } => {
            inputs.rules.of_object(path).filter_map(|rule| rule.symbol.clone()).collect()
        }
        ClosureError::CrcMismatch { exporter: Some(exporter), .. } => {
            inputs.rules.of(exporter).iter().filter_map(|rule| rule.symbol.clone()).collect()
        }
        _ => BTreeSet::new(),
    }
}

/// Returns the finding that the loader's own name is unusable.
pub(crate) fn bad_name(name: &str, loader: &Loader, error: &NameError) -> Diagnostic {
    Diagnostic::error(Code::BadLoaderName, format!("`{name}` cannot be a loader's name: {error}"))
        .option(format!("kmodloader.{name}"))
        .label(loader.origin, "named here")
}

/// Returns the finding about parameters for a module that this loader does not load.
pub(crate) fn stray_parameters(name: &str, module: &str, text: &Located<String>, builtin: bool) -> Diagnostic {
    let (text, origin) = (&text.value, text.origin);
    let option = format!("kmodloader.{name}.parameters.{module}");
    if builtin {
        return Diagnostic::warning(
            Code::BuiltinParameters,
            format!("`{module}` is part of the kernel image: no loader sets its parameters"),
        )
        .option(option)
        .label(origin, "given here")
        .help(format!("put `{module}.{text}` on the kernel's command line, or build `{module}` as a module"));
    }
    Diagnostic::error(
        Code::StrayParameters,
        format!("loader `{name}` has parameters for `{module}`, which it does not load"),
    )
    .option(option)
    .label(origin, "given here")
    .help(format!("add `{module}` to `kmodloader.{name}.targets`, or drop the parameters"))
}
