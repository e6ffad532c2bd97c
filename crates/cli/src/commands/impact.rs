//! `kiln impact`: what the recipe's changes reach in a deployed kernel, and whether new modules fit it.

mod config_only;
mod layouts;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use kiln_impact::{Because, Change, Comparison, ExportChange, Reached, Verdict};
use kiln_kconfig::Config;
use kiln_pipeline::generation;
use kiln_pipeline::{self as pipeline, Deployed, DeployedError, LayoutReport, Place, Report, Resolved};
use kiln_store::Store;
use serde_json::{Value, json};

use crate::command_context::CommandContext;
use crate::commands::Context;
use crate::evaluation::{self, Form};
use crate::exit;
use crate::failure::Failure;

/// Show what the changes since the last build reach, and whether a deployed kernel can be updated with modules alone
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Compare with this generation of the recipe, with a result or its manifest.json, or with a .config, which shows less [default: the last generation]
    #[arg(long, value_name = "GENERATION|FILE")]
    from: Option<String>,
    /// Build the changed recipe, and compare the results
    #[arg(long)]
    exact: bool,
    /// List every product that is reached
    #[arg(long)]
    all: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// The number of names on a line.
const N_SHOWN: usize = 6;
/// The number of places and symbols that are shown.
const N_LINES: usize = 20;

/// Runs it.
pub(crate) fn run(context: &Context<'_>, args: &Args) -> Result<u8, Failure> {
    let form = if args.json { Form::Json } else { Form::Text };
    let command = CommandContext::open(context)?;
    let session = command.session(context, std::thread::available_parallelism().map_or(1, usize::from));
    let found = find(context, &command.store, args.from.as_deref())?;
    let (evaluated, mut sources) = evaluation::with_source(context, &session, form)?;
    let prepared = evaluation::prepared(context, &session, &evaluated, &sources, form)?;
    let analysis = prepared.analyse()?;
    let findings = analysis.findings(&mut sources);
    evaluation::show(context, &sources, &findings, form)?;
    let resolved = &analysis.resolved;
    let deployed = match found.kernel(resolved)? {
        Ok(deployed) => deployed,
        Err(config) if args.exact => return Err(config.no_kernel()),
        Err(config) => {
            let told = resolved.impact_of_config(&config.values)?;
            match args.json {
                true => context.ui.json(&config_only::as_json(resolved, &config, &told)),
                false => context.ui.result(&config_only::text(resolved, &config, &told, args.all)),
            }
            return Ok(exit::FINE);
        }
    };
    let report = resolved.impact(&deployed)?;
    let exact = if args.exact && report.verdict() != Verdict::Nothing {
        let kernel = resolved.build_kernel()?;
        let comparison = pipeline::exact(&deployed, &kernel).map_err(refused)?;
        // Another source has other structures, whatever the config.
        let wants_layouts = !report.is_foreign && !comparison.same_objects();
        let layouts = wants_layouts.then(|| resolved.layouts(&deployed, &kernel, &comparison));
        Some(Exact { comparison, layouts: layouts.transpose()? })
    } else {
        None
    };
    if args.json {
        context.ui.json(&as_json(resolved, &deployed, &report, exact.as_ref()));
    } else {
        context.ui.result(&text(resolved, &deployed, &report, exact.as_ref(), args.all));
    }
    Ok(exit::FINE)
}

/// The result of compiling.
struct Exact {
    comparison: Comparison,
    layouts: Option<LayoutReport>,
}

/// The target of `--from`.
pub(super) enum Found {
    /// A kernel in the store.
    Kernel(Box<Deployed>),
    /// A config, and nothing else.
    Config(BareConfig),
}

/// The config of a deployed kernel.
pub(super) struct BareConfig {
    /// The file.
    path: PathBuf,
    /// Its values.
    values: Config,
}

impl Found {
    /// Returns the kernel; for a config, the one that the store has with it.
    ///
    /// # Errors
    /// The kernel's record cannot be read.
    pub(super) fn kernel(self, resolved: &Resolved<'_>) -> Result<Result<Deployed, BareConfig>, Failure> {
        let config = match self {
            Found::Kernel(deployed) => return Ok(Ok(*deployed)),
            Found::Config(config) => config,
        };
        let found = resolved.kernel_of_config(&config.values).map_err(refused)?;
        Ok(found.ok_or(config))
    }
}

impl BareConfig {
    /// Returns the failure for a config where a kernel is needed.
    pub(super) fn no_kernel(&self) -> Failure {
        let path = self.path.display();
        let error =
            anyhow::anyhow!("{path} is a config, and no kernel in the store was built with it from this source");
        Failure::fault(error).help(
            "build the recipe that gave it, and name the generation; without `--exact`, `kiln impact --from` says \
             what a config alone reveals",
        )
    }
}

/// Finds what `from` names: a generation of the recipe, a result, or a config.
pub(super) fn find(context: &Context<'_>, store: &Store, from: Option<&str>) -> Result<Found, Failure> {
    let recipe = context.recipe();
    let wanted = from.unwrap_or("latest");
    let path = context.environment.current_dir.join(wanted);
    if from.is_some() && wanted.parse::<u32>().is_err() && path.exists() {
        return match config_of(&path)? {
            Some(values) => Ok(Found::Config(BareConfig { path: PathBuf::from(wanted), values })),
            None => of_result(store, &path).map(|deployed| Found::Kernel(Box::new(deployed))),
        };
    }
    let found = generation::find(store, &recipe, wanted).map_err(|error| {
        let failure = Failure::fault(error);
        match from {
            None => failure.help("`kiln build` makes the first generation; there is nothing to compare with before"),
            Some(_) => failure
                .help("`kiln generations` lists them; a result's directory, its manifest.json or a .config also work"),
        }
    })?;
    pipeline::deployed(store, &found).map(|deployed| Found::Kernel(Box::new(deployed))).map_err(refused)
}

/// Returns the values of a file that is a config, and not the manifest of a result.
fn config_of(path: &Path) -> Result<Option<Config>, Failure> {
    if path.is_dir() {
        return Ok(None);
    }
    let text =
        kiln_file::read(path).with_context(|| format!("cannot read {}", path.display())).map_err(Failure::fault)?;
    let text = String::from_utf8_lossy(&text);
    if text.trim_start().starts_with('{') {
        return Ok(None);
    }
    let is_config = |line: &str| line.starts_with("CONFIG_") || line.starts_with("# CONFIG_");
    if text.lines().any(is_config) {
        return Ok(Some(Config::parse(&text)));
    }
    Err(Failure::fault(anyhow::anyhow!("{} is neither a .config nor a result's manifest.json", path.display())))
}

fn of_result(store: &Store, path: &Path) -> Result<Deployed, Failure> {
    let dir = if path.is_dir() { path } else { path.parent().unwrap_or(path) };
    let manifest = kiln_pipeline::read_manifest(dir)?;
    let keys = &manifest.kernel.keys;
    let Some(key) = keys.get("kernel") else {
        return Err(Failure::fault(anyhow::anyhow!("{} does not say which kernel it is", dir.display())));
    };
    pipeline::deployed_kernel(store, dir.display().to_string(), key, keys.get("work").cloned()).map_err(refused)
}

/// Returns the failure for a kernel that cannot be compared with: it must be built again.
pub(super) fn refused(error: DeployedError) -> Failure {
    Failure::host(error)
        .help("build that recipe again with this kiln and this store: the same recipe gives the same kernel")
}

fn text(resolved: &Resolved<'_>, deployed: &Deployed, report: &Report, exact: Option<&Exact>, all: bool) -> String {
    let comparison = exact.map(|exact| &exact.comparison);
    let mut text = format!("compared with {}, Linux {}\n", deployed.name, deployed.release);
    if report.is_foreign {
        text.push_str("the source, the architecture or the compiler differs from those that it was built with\n");
    }
    changed_symbols(&mut text, resolved, &report.changes, all);
    if !report.impact.reached.is_empty() {
        reached(&mut text, report, all);
    }
    if let Some(comparison) = comparison {
        compared(&mut text, comparison, all);
    }
    if let Some(report) = exact.and_then(|exact| exact.layouts.as_ref()) {
        layouts::text(&mut text, report, all);
    }
    let verdict = settled(report, comparison);
    let _ = writeln!(text, "verdict: {}", sentence(verdict, comparison.is_some()));
    if comparison.map_or(report.impact.copies().next().is_some(), |found| !found.copies.is_empty())
        && verdict < Verdict::Reached
    {
        text.push_str("  its own copy of the config (/proc/config.gz) stays the old one\n");
    }
    text
}

fn changed_symbols(text: &mut String, resolved: &Resolved<'_>, changes: &[Change], all: bool) {
    if changes.is_empty() {
        return text.push_str("no symbol changes\n");
    }
    let _ = writeln!(text, "{}:", count(changes.len(), "changed symbol"));
    let is_asked = |change: &Change| resolved.recipe.kernel.requests.contains_key(&change.symbol);
    let mut sorted: Vec<&Change> = changes.iter().collect();
    sorted.sort_by_key(|change| !is_asked(change));
    let n_shown = if all { sorted.len() } else { N_LINES };
    for change in sorted.iter().take(n_shown) {
        let value = |value: &Option<String>| value.clone().unwrap_or_else(|| "unset".to_owned());
        let who = if is_asked(change) { "requested" } else { "follows" };
        let _ = writeln!(text, "  {} {} -> {} ({who})", change.symbol, value(&change.before), value(&change.after));
    }
    more(text, sorted.len(), n_shown);
}

fn reached(text: &mut String, report: &Report, all: bool) {
    let (built_in, modules) = (report.impact.built_in().count(), report.impact.modules().count());
    let _ = writeln!(text, "reached: {} of vmlinux, {modules} of modules", count(built_in, "object"));
    let n_shown = if all { report.places.len() } else { N_LINES };
    let mut places: Vec<_> = report.places.iter().collect();
    places.sort_by_key(|place| std::cmp::Reverse(place.products.len()));
    for place in places.iter().take(n_shown) {
        let _ = writeln!(text, "  {}: {}:{}: {}", place.symbol, place.file, place.line, names(&place.products, all));
    }
    more(text, places.len(), n_shown);
    let mut others: std::collections::BTreeMap<String, Vec<String>> = std::collections::BTreeMap::new();
    for reached in report.impact.reached.values() {
        if let Some(why) = other_reason(reached) {
            others.entry(why).or_default().push(reached.path.clone());
        }
    }
    for (why, paths) in others.iter().take(if all { others.len() } else { N_LINES }) {
        let _ = writeln!(text, "  {why}: {}", names(paths, all));
    }
}

/// Formats a reason that is not a place in a source.
fn other_reason(reached: &Reached) -> Option<String> {
    Some(match &reached.because {
        Because::Names { .. } => return None,
        Because::Makefile { symbol, file, line } => format!("{symbol}: {file}:{line}"),
        Because::From { path } => format!("made from {path}"),
        Because::Config => "contains the config".to_owned(),
        Because::Added => "is added".to_owned(),
        Because::Removed => "is removed".to_owned(),
        Because::Moved => "moves between vmlinux and a module".to_owned(),
        Because::Trimmed => "vmlinux exports only what modules use (TRIM_UNUSED_KSYMS)".to_owned(),
    })
}

fn compared(text: &mut String, comparison: &Comparison, all: bool) {
    let lists = [
        ("changed objects of vmlinux", &comparison.changed),
        ("new objects of vmlinux", &comparison.added),
        ("removed objects of vmlinux", &comparison.removed),
        ("new modules", &comparison.added_modules),
        ("removed modules", &comparison.removed_modules),
        ("changed modules", &comparison.changed_modules),
    ];
    text.push_str("compiled and compared:\n");
    for (what, paths) in lists {
        if !paths.is_empty() {
            let _ = writeln!(text, "  {} {what}: {}", paths.len(), names(paths, all));
        }
    }
    if comparison.relinked {
        text.push_str("  vmlinux is linked differently from the same objects\n");
    }
    let exports: Vec<String> = comparison.exports.iter().map(export).collect();
    if !exports.is_empty() {
        let _ = writeln!(text, "  {} of vmlinux: {}", count(exports.len(), "changed export"), names(&exports, all));
    }
}

fn export(change: &ExportChange) -> String {
    match change {
        ExportChange::Added(name) => format!("+{name}"),
        ExportChange::Removed(name) => format!("-{name}"),
        ExportChange::Changed(name) => format!("{name} (different CRC or licence)"),
    }
}

/// Returns the verdict of the records, or of compiling; "modules only" stays where nothing of vmlinux was reached.
fn settled(report: &Report, comparison: Option<&Comparison>) -> Verdict {
    match (report.verdict(), comparison.map(Comparison::verdict)) {
        (quick, None) => quick,
        (Verdict::ModulesOnly, Some(Verdict::SameBytes)) => Verdict::ModulesOnly,
        (_, Some(exact)) => exact,
    }
}

/// Explains a verdict to the owner of a device.
pub(super) fn sentence(verdict: Verdict, is_exact: bool) -> &'static str {
    match (verdict, is_exact) {
        (Verdict::Nothing, _) => "nothing to do: the deployed kernel and its modules are what the recipe describes",
        (Verdict::ModulesOnly, _) => {
            "modules only: nothing of vmlinux is reached, so new modules fit the deployed kernel"
        }
        (Verdict::SameBytes, _) => "same bytes: vmlinux is unchanged, so new modules fit the deployed kernel",
        (Verdict::Reached, _) => {
            "new kernel, unless compiling shows that vmlinux stays the same: `kiln impact --exact` finds out"
        }
        (Verdict::NewKernel, true) => "new kernel: new modules do not fit the deployed kernel",
        (Verdict::NewKernel, false) => "new kernel: vmlinux changes, so new modules do not fit the deployed kernel",
    }
}

fn names(names: &[String], all: bool) -> String {
    let n_shown = if all { names.len() } else { N_SHOWN };
    let mut text = names.iter().take(n_shown).map(String::as_str).collect::<Vec<_>>().join(" ");
    if names.len() > n_shown {
        let _ = write!(text, " and {} more", names.len() - n_shown);
    }
    text
}

fn more(text: &mut String, n: usize, n_shown: usize) {
    if n > n_shown {
        let _ = writeln!(text, "  and {} more: `--all` shows them", n - n_shown);
    }
}

fn count(n: usize, noun: &str) -> String {
    if n == 1 { format!("1 {noun}") } else { format!("{n} {noun}s") }
}

fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Nothing => "nothing",
        Verdict::ModulesOnly => "modules-only",
        Verdict::SameBytes => "same-bytes",
        Verdict::Reached => "reached",
        Verdict::NewKernel => "new-kernel",
    }
}

fn as_json(resolved: &Resolved<'_>, deployed: &Deployed, report: &Report, exact: Option<&Exact>) -> Value {
    let comparison = exact.map(|exact| &exact.comparison);
    let layouts = exact.and_then(|exact| exact.layouts.as_ref());
    let compared = comparison.map(|found| {
        json!({
            "changed": found.changed, "added": found.added, "removed": found.removed, "configCopies": found.copies,
            "changedModules": found.changed_modules, "addedModules": found.added_modules,
            "removedModules": found.removed_modules, "relinked": found.relinked,
            "exports": found.exports.iter().map(|change| match change {
                ExportChange::Added(name) => json!({ "name": name, "change": "added" }),
                ExportChange::Removed(name) => json!({ "name": name, "change": "removed" }),
                ExportChange::Changed(name) => json!({ "name": name, "change": "changed" }),
            }).collect::<Vec<_>>(),
            "layouts": layouts.map(layouts::as_json), "layoutsOf": layouts.map(layouts::coverage),
        })
    });
    json!({
        "version": 1,
        "from": { "name": deployed.name, "release": deployed.release, "kernel": deployed.key },
        "to": { "version": resolved.tree.version.to_string(), "arch": resolved.target.arch },
        "foreign": report.is_foreign,
        "changes": changes_as_json(resolved, &report.changes),
        "builtIn": reached_as_json(&mut report.impact.built_in()),
        "modules": reached_as_json(&mut report.impact.modules()),
        "configCopies": reached_as_json(&mut report.impact.copies()),
        "places": places_as_json(&report.places),
        "exact": compared,
        "verdict": word(settled(report, comparison)),
        "fits": settled(report, comparison) <= Verdict::SameBytes,
    })
}

fn changes_as_json(resolved: &Resolved<'_>, changes: &[Change]) -> Vec<Value> {
    let change = |change: &Change| {
        json!({
            "symbol": change.symbol, "before": change.before, "after": change.after,
            "requested": resolved.recipe.kernel.requests.contains_key(&change.symbol),
        })
    };
    changes.iter().map(change).collect()
}

fn reached_as_json(reached: &mut dyn Iterator<Item = &Reached>) -> Vec<Value> {
    let reason = |because: &Because| match because {
        Because::Names { symbol } => json!({ "kind": "names", "symbol": symbol }),
        Because::Makefile { symbol, file, line } => {
            json!({ "kind": "makefile", "symbol": symbol, "file": file, "line": line })
        }
        Because::From { path } => json!({ "kind": "from", "path": path }),
        Because::Config => json!({ "kind": "config" }),
        Because::Added => json!({ "kind": "added" }),
        Because::Removed => json!({ "kind": "removed" }),
        Because::Moved => json!({ "kind": "moved" }),
        Because::Trimmed => json!({ "kind": "trimmed" }),
    };
    reached.map(|one| json!({ "path": one.path, "because": reason(&one.because) })).collect()
}

fn places_as_json(places: &[Place]) -> Vec<Value> {
    let place = |place: &Place| json!({ "symbol": place.symbol, "file": place.file, "line": place.line, "products": place.products });
    places.iter().map(place).collect()
}
