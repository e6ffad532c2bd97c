//! `kiln distill`: from a config or a list of requests to the smallest recipe with the same config.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::Permissions;
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow};
use kiln_advise::distill::{Heading, text};
use kiln_diag::{Code, Diagnostic, Diagnostics, Sources};
use kiln_kconfig::fragment::{self, AfterUnset};
use kiln_kconfig::{Request, unquote};
use kiln_pipeline::{self as pipeline, DistillInput, Distillation};
use kiln_plan::evaluate::Evaluated;
use kiln_plan::{SourceSpec, ToolchainName};
use kiln_recipe::Data;
use serde_json::{Value, json};

use crate::command_context::CommandContext;
use crate::commands::Context;
use crate::evaluation::{self, Form};
use crate::exit;
use crate::failure::Failure;
use crate::{recipe_files, text_file};

/// The number of lines without effect that are named on standard error.
const N_NAMED: usize = 10;

/// Write the smallest recipe that resolves to the same config as a .config, a defconfig or a list of requests
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// A .config, a defconfig or a fragment; a recipe (*.toml); or JSON, an object of symbols and values
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Base config that the requests are applied to [default: the recipe's, else alldefconfig]
    #[arg(long, value_name = "BASE")]
    base: Option<String>,
    /// Kernel tree [default: the recipe's kernel.src]
    #[arg(long, value_name = "DIR")]
    srctree: Option<PathBuf>,
    /// Architecture [default: the recipe's, else this machine's]
    #[arg(long, value_name = "ARCH")]
    arch: Option<String>,
    /// Base for the lines of FILE when it is a fragment
    #[arg(long, value_enum, default_value_t = Over::Defaults)]
    over: Over,
    /// Write the recipe to this file, which must not exist
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Over {
    /// Kconfig's defaults, as `make olddefconfig` reads a .config
    Defaults,
    /// The base, as a recipe's requests
    Base,
}

/// Runs it.
pub(crate) fn run(context: &Context<'_>, args: &Args) -> Result<u8, Failure> {
    let form = if args.json { Form::Json } else { Form::Text };
    let input = read(context, args, form)?;
    let command = CommandContext::open(context)?;
    let session = command.session(context, 1);
    let (evaluated, sources) = recipe(context, &session, args, form)?;
    let prepared = evaluation::fetched(&session, &evaluated, &sources)?;
    let found = prepared.distill(&input)?;
    let version = prepared.tree.version.to_string();
    if args.json {
        context.ui.json(&as_json(&evaluated, &version, &found, input.lines()));
        return Ok(exit::FINE);
    }
    let recipe = text(&heading(args, &evaluated, &version, &found), &found.needed);
    match &args.output {
        None => context.ui.result(&recipe),
        Some(output) => write(&context.environment.current_dir.join(output), &recipe)?,
    }
    context.ui.say(&summary(args, &found, input.lines()));
    Ok(exit::FINE)
}

/// Reads FILE: its kind, and its symbols with their values.
fn read(context: &Context<'_>, args: &Args, form: Form) -> Result<DistillInput, Failure> {
    let path = context.environment.current_dir.join(&args.file);
    let shown = args.file.display().to_string();
    let text = text_file::read(context, &args.file)?;
    if text.trim_start().starts_with('{') {
        return Ok(DistillInput::Requests(from_json(&shown, &text)?));
    }
    if args.file.extension().is_some_and(|extension| extension == "toml") {
        return from_recipe(context, &path, form);
    }
    let mut sources = Sources::new();
    let file = sources.add(shown.clone(), text.clone());
    let fragment = fragment::parse(file, &text, AfterUnset::Unknown);
    // That a line is set twice is of no interest in a file that someone else wrote.
    let is_lost = |finding: &Diagnostic| finding.code == Code::FragmentSyntax;
    let lost: Diagnostics = fragment.diagnostics.into_iter().filter(is_lost).take(N_NAMED).collect();
    evaluation::show(context, &sources, &lost, form)?;
    let mut lines: Vec<Request> = fragment
        .assignments
        .into_iter()
        .map(|line| {
            let value = text.get(line.value_span.range()).filter(|_| line.quoted).map(str::to_owned);
            Request::fixed(line.symbol, value.unwrap_or(line.value))
        })
        .collect();
    lines.sort_by(|left, right| left.symbol.cmp(&right.symbol));
    if lines.is_empty() {
        let failure = Failure::fault(anyhow!("{shown} sets no symbol"));
        return Err(failure.help("a line is `CONFIG_NAME=value` or `# CONFIG_NAME is not set`"));
    }
    Ok(match args.over {
        Over::Defaults => DistillInput::Config { text, lines },
        Over::Base => DistillInput::Requests(lines),
    })
}

/// Returns the requests of a recipe.
fn from_recipe(context: &Context<'_>, path: &Path, form: Form) -> Result<DistillInput, Failure> {
    let imports = format!("imports = [{}]\n", Data::Text(path.to_string_lossy().into_owned()));
    let (sources, evaluation) = recipe_files::evaluate(context, Some(&imports), None);
    let evaluated = evaluation::accept(context, evaluation, &sources, form)?;
    Ok(DistillInput::Requests(evaluated.kernel.requests.values().map(|merged| merged.request.clone()).collect()))
}

/// Finds the object of symbols and values, at any of its usual places.
fn from_json(shown: &str, text: &str) -> Result<Vec<Request>, Failure> {
    let whole: Value =
        serde_json::from_str(text).with_context(|| format!("{shown} is not JSON")).map_err(Failure::fault)?;
    let places = ["/merged", "/kernel/config", "/config", "/options/config", ""];
    let object = places.iter().find_map(|place| whole.pointer(place).and_then(Value::as_object));
    let object = object.ok_or_else(|| Failure::fault(anyhow!("{shown} contains no object of symbols and values")))?;
    let mut requests: BTreeMap<String, Request> = BTreeMap::new();
    for (name, value) in object {
        let symbol = name.strip_prefix("CONFIG_").unwrap_or(name);
        let is_name = !symbol.is_empty() && symbol.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        let value = match value {
            Value::String(text) if is_name => text.clone(),
            Value::Number(number) if is_name => number.to_string(),
            other => {
                let failure = Failure::fault(anyhow!("{shown}: `{name}` is not a symbol with a value: {other}"));
                return Err(failure.help("an entry is `\"SYMBOL\": \"y\"`, with a text or a number"));
            }
        };
        requests.insert(symbol.to_owned(), Request::fixed(symbol, value));
    }
    if requests.is_empty() {
        return Err(Failure::fault(anyhow!("{shown} sets no symbol")));
    }
    Ok(requests.into_values().collect())
}

/// Returns the recipe of the command line, in which options replace its values; without a recipe a tree must be named.
fn recipe(
    context: &Context<'_>,
    session: &pipeline::Session<'_>,
    args: &Args,
    form: Form,
) -> Result<(Evaluated, Sources), Failure> {
    let mut lines = String::new();
    let mut option = |name: &str, value: &str| {
        let value = Data::Text(value.to_owned());
        let _ = writeln!(lines, "kernel.{name} = {{ force = {value} }}");
    };
    if let Some(tree) = &args.srctree {
        option("src", &context.environment.current_dir.join(tree).to_string_lossy());
    }
    if let Some(arch) = &args.arch {
        option("arch", arch);
    }
    let base = args.base.as_deref().or_else(|| args.srctree.is_some().then_some("alldefconfig"));
    if let Some(base) = base {
        option("baseConfig", base);
    }
    let imports = if args.srctree.is_some() {
        String::new()
    } else {
        let recipe = context.environment.current_dir.join(&context.global.recipe);
        format!("imports = [{}]\n", Data::Text(recipe.to_string_lossy().into_owned()))
    };
    evaluation::with_text(context, session, Some(&format!("{imports}{lines}")), form)
}

fn heading(args: &Args, evaluated: &Evaluated, version: &str, found: &Distillation) -> Heading {
    let base = evaluated.kernel.base_config.value.to_string();
    let comments = vec![
        format!("The fewest requests over {base} that give the config of {} in Linux {version}", args.file.display()),
        "for the architecture below; every line is needed.".to_owned(),
    ];
    let mut kernel = Vec::new();
    let quoted = |text: &str| Data::Text(text.to_owned()).to_string();
    kernel.extend(evaluated.kernel.src.as_ref().map(|src| ("src".to_owned(), source(&src.value))));
    kernel.push(("arch".to_owned(), quoted(&evaluated.kernel.arch.value.to_string())));
    let toolchain = evaluated.kernel.toolchain.value;
    if toolchain != ToolchainName::Gcc {
        kernel.push(("toolchain".to_owned(), quoted(&toolchain.to_string())));
    }
    let prefix = evaluated.kernel.cross_compile.as_ref();
    kernel.extend(prefix.map(|prefix| ("crossCompile".to_owned(), quoted(&prefix.value))));
    let patterns = evaluated.kernel.patches.iter();
    let patches: Vec<String> =
        patterns.map(|pattern| quoted(&pattern.dir.join(&pattern.pattern).to_string_lossy())).collect();
    if !patches.is_empty() {
        kernel.push(("patches".to_owned(), format!("[{}]", patches.join(", "))));
    }
    if evaluated.kernel.extra_patch_phase != "true" {
        kernel.push(("extraPatchPhase".to_owned(), quoted(&evaluated.kernel.extra_patch_phase)));
    }
    kernel.push(("baseConfig".to_owned(), quoted(&base)));
    let mut leftover = Vec::new();
    if !found.unknown.is_empty() {
        leftover.push(format!("Of {}, not known to Linux {version}:", args.file.display()));
        leftover.extend(found.unknown.iter().map(|(symbol, value)| format!("  {symbol} = {value}")));
    }
    if !found.lost.is_empty() {
        leftover.push(format!("Of {}, without effect in Linux {version}:", args.file.display()));
        let line = |(symbol, value, came): &(String, String, String)| {
            format!("  {symbol} = {value} ({})", if came.is_empty() { "it is empty" } else { came })
        };
        leftover.extend(found.lost.iter().map(line));
    }
    Heading { comments, kernel, leftover }
}

/// Formats a source as in a recipe.
fn source(spec: &SourceSpec) -> String {
    let text = |text: &str| Data::Text(text.to_owned());
    match spec {
        SourceSpec::Path(path) => text(&path.to_string_lossy()).to_string(),
        SourceSpec::Url { url, sha256 } => format!("{{ url = {}, sha256 = {} }}", text(url), text(sha256)),
        SourceSpec::Git { url, rev } => format!("{{ git = {}, rev = {} }}", text(url), text(rev)),
        SourceSpec::Apt { package, version: None } => format!("{{ apt = {} }}", text(package)),
        SourceSpec::Apt { package, version: Some(version) } => {
            format!("{{ apt = {}, version = {} }}", text(package), text(version))
        }
    }
}

fn as_json(evaluated: &Evaluated, version: &str, found: &Distillation, lines: &[Request]) -> Value {
    let requests: serde_json::Map<String, Value> =
        found.needed.iter().map(|needed| (needed.symbol.clone(), needed.value.clone().into())).collect();
    let unknown: BTreeMap<&String, &String> = found.unknown.iter().map(|(symbol, value)| (symbol, value)).collect();
    let lost: BTreeMap<&String, Value> =
        found.lost.iter().map(|(symbol, value, came)| (symbol, json!({ "asked": value, "value": came }))).collect();
    json!({
        "version": 1,
        "kernel": { "version": version, "arch": found.target.arch },
        "baseConfig": evaluated.kernel.base_config.value.to_string(),
        "lines": lines.len(),
        "requests": requests,
        "unknown": unknown,
        "withoutEffect": lost,
    })
}

/// Returns what became of the file's lines.
fn summary(args: &Args, found: &Distillation, lines: &[Request]) -> String {
    let values: BTreeMap<&str, &str> = lines.iter().map(|line| (line.symbol.as_str(), line.value.as_str())).collect();
    let asked = |needed: &&kiln_advise::distill::Needed| {
        values.get(needed.symbol.as_str()).is_some_and(|value| unquote(value) == needed.value)
    };
    let kept = found.needed.iter().filter(asked).count();
    let more = found.needed.len() - kept;
    let gone = found.unknown.len() + found.lost.len();
    let mut text = format!(
        "{}: {} of {} lines are redundant; requests that remain: {}",
        args.file.display(),
        lines.len() - kept - gone,
        lines.len(),
        found.needed.len(),
    );
    if more > 0 {
        let _ = write!(text, ", {more} of them for values that the file leaves to defaults");
    }
    let named = |names: Vec<&String>| {
        let rest = names.len().saturating_sub(N_NAMED);
        let mut list: Vec<&str> = names.into_iter().take(N_NAMED).map(String::as_str).collect();
        let rest = format!("{rest} more");
        if rest != "0 more" {
            list.push(&rest);
        }
        list.join(", ")
    };
    if !found.unknown.is_empty() {
        let names = found.unknown.iter().map(|(symbol, _)| symbol).collect();
        let _ = write!(text, "\nnot known to this kernel ({}): {}", found.unknown.len(), named(names));
    }
    if !found.lost.is_empty() {
        let names = found.lost.iter().map(|(symbol, ..)| symbol).collect();
        let _ = write!(text, "\nwithout effect in this kernel ({}): {}", found.lost.len(), named(names));
    }
    text
}

/// Writes the recipe whole or not at all, and replaces no file.
fn write(path: &Path, recipe: &str) -> Result<(), Failure> {
    let written = tempfile::NamedTempFile::new_in(path.parent().unwrap_or(Path::new("/"))).and_then(|mut file| {
        file.write_all(recipe.as_bytes())?;
        // Such a file is readable by its owner alone at first; a recipe is like any other text.
        file.as_file().set_permissions(Permissions::from_mode(0o644))?;
        file.persist_noclobber(path).map_err(|error| error.error)
    });
    match written {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            Err(Failure::fault(anyhow!("{} already exists", path.display())).help("name another file with `--output`"))
        }
        Err(error) => Err(Failure::host(anyhow::Error::new(error).context(format!("cannot write {}", path.display())))),
    }
}
