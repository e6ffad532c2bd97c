//! `kiln fix`: the least harmful set of further requests that makes all requests hold.

mod shown;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use kiln_advise::Unmet;
use kiln_advise::amend::amend;
use kiln_advise::remedy::{Budget, Remedy, SetAside};
use kiln_diag::Sources;
use kiln_kconfig::Request;
use kiln_pipeline::{self as pipeline, Analysis, Remedies};
use kiln_plan::evaluate::Evaluated;
use serde_json::{Value, json};

use crate::command_context::CommandContext;
use crate::commands::Context;
use crate::evaluation::{self, Form};
use crate::exit;
use crate::failure::Failure;
use crate::replacement::{self, ReplaceError, Replacement};
use crate::{recipe_files, render};

/// The usual time limit of a search, in seconds.
const DEADLINE: f64 = 10.0;

/// Find the least harmful set of further requests that makes all requests hold
///
/// Without arguments, fixes the recipe's own requests that do not hold, except optional ones. Requests that cannot hold are
/// named one by one, with the reason, and all others are fixed. Every shown fix was tested.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Also request these symbols, with or without CONFIG_
    #[arg(value_name = "SYMBOL=VALUE")]
    asked: Vec<String>,
    /// Write the first fix into the recipe, beside the requests that need it
    #[arg(long)]
    write: bool,
    /// Also request what keeps the values that a fix would turn off
    #[arg(long)]
    keep: bool,
    /// Show every symbol that a fix turns on or off, instead of the first few
    #[arg(long)]
    all: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// Time limit for the search
    #[arg(long, value_name = "SECONDS", default_value_t = DEADLINE)]
    deadline: f64,
}

/// Runs it.
pub(crate) fn run(context: &Context<'_>, args: &Args) -> Result<u8, Failure> {
    let form = if args.json { Form::Json } else { Form::Text };
    let asked = pipeline::asked(&args.asked)
        .map_err(|word| Failure::Usage(format!("`{word}` is not a request: write SYMBOL=VALUE, as in `NET=y`")))?;
    let Ok(allowed) = Duration::try_from_secs_f64(args.deadline) else {
        return Err(Failure::Usage(format!("`{}` is not a number of seconds", args.deadline)));
    };
    let command = CommandContext::open(context)?;
    let session = command.session(context, 1);
    let (evaluated, mut sources) = evaluation::with_source(context, &session, form)?;
    let prepared = evaluation::prepared(context, &session, &evaluated, &sources, form)?;
    let analysis = prepared.analyse()?;
    let budget = Budget { deadline: Instant::now().checked_add(allowed), steps: None };
    let mut remedies = analysis.remedies(&asked, budget)?;
    if args.keep {
        remedies.keep();
    }
    if let Remedy::NoMemory(bytes) = &remedies.remedy {
        let failure = Failure::host(anyhow::anyhow!("the solver cannot allocate {} MiB of memory", bytes >> 20));
        return Err(failure.help(pipeline::MORE_MEMORY));
    }
    let mut findings = analysis.findings_of(&remedies.hopeless, &mut sources);
    for finding in remedies.findings(|unmet| analysis.findings_of(unmet, &mut sources)) {
        findings.push(finding);
    }
    let code = match &remedies.remedy {
        _ if findings.has_errors() => exit::FAULT,
        Remedy::OutOfTime(_) => exit::TIME,
        _ => exit::FINE,
    };
    let written = match args.write {
        true => write(context, &analysis, &remedies, &asked, &sources)?,
        false => Vec::new(),
    };
    if args.json {
        let mut out = json(&remedies, &asked, &evaluated, &sources);
        out["findings"] = render::json(&sources, &findings)["diagnostics"].clone();
        out["written"] = json!(written);
        context.ui.json(&out);
    } else {
        context.ui.diagnostics(&sources, &findings);
        let text = shown::Text {
            remedies: &remedies,
            asked: &asked,
            evaluated: &evaluated,
            lists_all: args.all,
            is_written: !written.is_empty(),
        };
        context.ui.result(&text.whole(&sources));
        if !written.is_empty() {
            let fix = match &remedies.remedy {
                Remedy::Alternatives(fixes) if fixes.len() > 1 => {
                    format!(
                        "fix 1 of {} is written to {} (`kiln fix` shows the others)",
                        fixes.len(),
                        written.join(", ")
                    )
                }
                _ => format!("written to {}", written.join(", ")),
            };
            context.ui.result(&format!("{fix}\n"));
        }
        if let Remedy::OutOfTime(fix) = &remedies.remedy {
            let found = if fix.is_some() { "this is the best fix so far" } else { "no fix was found so far" };
            let message = format!("the search was not complete after {} s: {found}", args.deadline);
            context.ui.error(&message, &["`--deadline SECONDS` sets a longer limit".to_owned()]);
        }
    }
    Ok(code)
}

/// Writes requests into the recipe, with the first fix that makes them hold: `kiln set`.
pub(super) fn set(context: &Context<'_>, asked: &[String]) -> Result<u8, Failure> {
    let args = Args { asked: asked.to_vec(), write: true, keep: false, all: false, json: false, deadline: DEADLINE };
    run(context, &args)
}

/// Writes the first fix and the requests of the command line into the recipe; returns the names of the files.
fn write(
    context: &Context<'_>,
    analysis: &Analysis<'_>,
    remedies: &Remedies,
    asked: &BTreeMap<String, String>,
    sources: &Sources,
) -> Result<Vec<String>, Failure> {
    let fix = match &remedies.remedy {
        Remedy::Alternatives(fixes) => fixes.first(),
        Remedy::OutOfTime(Some(fix)) => Some(fix),
        Remedy::Holds => None,
        Remedy::OutOfTime(None) | Remedy::NoMemory(_) => return Ok(Vec::new()),
    };
    let main = recipe_files::main_name(context).and_then(|name| sources.find(&name));
    let Some(main) = main else { return Err(Failure::fault(anyhow::anyhow!("the recipe is not where it was"))) };
    let asked: BTreeMap<String, String> = asked
        .iter()
        .filter(|(symbol, _)| !remedies.is_lost(symbol))
        .map(|(symbol, value)| (symbol.clone(), value.clone()))
        .collect();
    let texts = amend(analysis.recipe, sources, main, &asked, fix)
        .map_err(|error| Failure::fault(error).help("write the lines that `kiln fix` shows by hand"))?;
    let mut files = Vec::new();
    let mut edited = BTreeMap::new();
    for (file, new) in texts {
        let path = context.environment.current_dir.join(sources.name(file));
        let real = path
            .canonicalize()
            .map_err(|error| Failure::host(anyhow::Error::new(error).context(path.display().to_string())))?;
        edited.insert(real, new.clone());
        files.push((sources.name(file).to_owned(), Replacement { path, old: sources.text(file).to_owned(), new }));
    }
    // With the new requests, conditions of the recipe may hold that did not in the trial: the new recipe is evaluated.
    let (sources, evaluation) =
        recipe_files::evaluate_with(context, None, Some(analysis.tree.version.clone()), &edited);
    let refused = |why: &str| {
        let failure = Failure::fault(anyhow::anyhow!("the fix is not written: {why}"));
        failure.help("write the lines that `kiln fix` shows by hand")
    };
    let Some(new) = evaluation.evaluated else {
        context.ui.diagnostics(&sources, &evaluation.diagnostics);
        return Err(refused("the recipe would have these errors"));
    };
    if !analysis.all_hold(&new.kernel, remedies)? {
        return Err(refused("with it, conditional requests of the recipe do not hold"));
    }
    let (names, files): (Vec<String>, Vec<Replacement>) = files.into_iter().unzip();
    replacement::replace(&files).map_err(|error| match error {
        ReplaceError::Changed(_) => Failure::fault(error).help("nothing was written: run it again"),
        ReplaceError::ReadOnly(_) | ReplaceError::Io { .. } => Failure::host(error).help("nothing was written"),
    })?;
    Ok(names)
}

/// Returns the JSON of the remedies.
fn json(remedies: &Remedies, asked: &BTreeMap<String, String>, evaluated: &Evaluated, sources: &Sources) -> Value {
    let (outcome, fixes) = match &remedies.remedy {
        Remedy::Holds if !remedies.set_aside.is_empty() => ("contradiction", Vec::new()),
        Remedy::Holds => ("holds", Vec::new()),
        Remedy::Alternatives(fixes) => ("fixed", fixes.clone()),
        Remedy::OutOfTime(fix) => ("outOfTime", fix.iter().cloned().collect()),
        Remedy::NoMemory(_) => ("noMemory", Vec::new()),
    };
    let place = |request: &Request| request.origin.map(|origin| sources.location(origin).to_string());
    let unmet = |unmet: &Unmet| {
        let request = &unmet.request;
        json!({ "symbol": request.symbol, "value": request.value, "place": place(request) })
    };
    let aside = |one: &SetAside| {
        let rivals: Vec<Value> = one
            .rivals
            .iter()
            .map(|rival| json!({ "symbol": rival.symbol, "value": rival.value, "place": place(rival) }))
            .collect();
        json!({
            "symbol": one.request.symbol,
            "value": one.request.value,
            "place": place(&one.request),
            "reason": one.reason().name(),
            "contradicts": rivals,
            "loadersNeed": one.kept,
            "causes": one.causes,
        })
    };
    let all: Vec<Value> = remedies.hopeless.iter().chain(&remedies.unmet).map(unmet).collect();
    json!({
        "version": 1,
        "outcome": outcome,
        "asked": asked,
        "requests": evaluated.kernel.requests.len(),
        "unmet": all,
        "setAside": remedies.set_aside.iter().map(aside).collect::<Vec<Value>>(),
        "fixes": fixes,
    })
}
