//! `kiln fix`: the smallest set of further requests that makes all requests hold.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use kiln_advise::Unmet;
use kiln_advise::amend::amend;
use kiln_advise::remedy::{Alternative, Budget, Line, Remedy};
use kiln_diag::Sources;
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

/// The number of names of further symbols that are shown.
const N_NAMES: usize = 12;

/// Find the smallest set of further requests that makes all requests hold
///
/// Without arguments, fixes the recipe's own requests that do not hold, except optional ones. Every shown fix was tested.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Also request these symbols, with or without CONFIG_
    #[arg(value_name = "SYMBOL=VALUE")]
    asked: Vec<String>,
    /// Write the first fix into the recipe, beside the requests that need it
    #[arg(long)]
    write: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// Time limit for the search
    #[arg(long, value_name = "SECONDS", default_value_t = 10.0)]
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
    let remedies = analysis.remedies(&asked, budget)?;
    if let Remedy::NoMemory(bytes) = &remedies.remedy {
        let failure = Failure::host(anyhow::anyhow!("the solver cannot allocate {} MiB of memory", bytes >> 20));
        return Err(failure.help(pipeline::MORE_MEMORY));
    }
    let mut findings = analysis.findings_of(&remedies.hopeless, &mut sources);
    if let Remedy::Contradiction(contradiction) = &remedies.remedy {
        findings.push(contradiction.diagnostic());
    }
    let code = match &remedies.remedy {
        _ if findings.has_errors() => exit::FAULT,
        Remedy::OutOfTime(_) => exit::TIME,
        _ => exit::FINE,
    };
    let written = match args.write && code != exit::FAULT {
        true => write(context, &analysis, &remedies, &asked, &sources)?,
        false => Vec::new(),
    };
    if args.json {
        let mut out = shown(&remedies, &asked, &evaluated, &sources);
        out["findings"] = render::json(&sources, &findings)["diagnostics"].clone();
        out["written"] = json!(written);
        context.ui.json(&out);
    } else {
        context.ui.diagnostics(&sources, &findings);
        context.ui.result(&text(&remedies, &asked, &evaluated, &sources));
        if !written.is_empty() {
            context.ui.result(&format!("written to {}\n", written.join(", ")));
        }
        if let Remedy::OutOfTime(fix) = &remedies.remedy {
            let found = if fix.is_some() { "this is the best fix so far" } else { "no fix was found so far" };
            let message = format!("the search was not complete after {} s: {found}", args.deadline);
            context.ui.error(&message, &["`--deadline SECONDS` sets a longer limit".to_owned()]);
        }
    }
    Ok(code)
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
        Remedy::OutOfTime(None) | Remedy::NoMemory(_) | Remedy::Contradiction(_) => return Ok(Vec::new()),
    };
    let main = recipe_files::main_name(context).and_then(|name| sources.find(&name));
    let Some(main) = main else { return Err(Failure::fault(anyhow::anyhow!("the recipe is not where it was"))) };
    let texts = amend(analysis.recipe, sources, main, asked, fix)
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
    if !analysis.all_hold(&new.kernel)? {
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
fn shown(remedies: &Remedies, asked: &BTreeMap<String, String>, evaluated: &Evaluated, sources: &Sources) -> Value {
    let (outcome, fixes) = match &remedies.remedy {
        Remedy::Holds => ("holds", Vec::new()),
        Remedy::Alternatives(fixes) => ("fixed", fixes.clone()),
        Remedy::Contradiction(_) => ("contradiction", Vec::new()),
        Remedy::OutOfTime(fix) => ("outOfTime", fix.iter().cloned().collect()),
        Remedy::NoMemory(_) => ("noMemory", Vec::new()),
    };
    let unmet = |unmet: &Unmet| {
        let place = unmet.request.origin.map(|origin| sources.location(origin).to_string());
        json!({ "symbol": unmet.request.symbol, "value": unmet.request.value, "place": place })
    };
    let all: Vec<Value> = remedies.hopeless.iter().chain(&remedies.unmet).map(unmet).collect();
    json!({
        "version": 1,
        "outcome": outcome,
        "asked": asked,
        "requests": evaluated.kernel.requests.len(),
        "unmet": all,
        "fixes": fixes,
    })
}

fn text(remedies: &Remedies, asked: &BTreeMap<String, String>, evaluated: &Evaluated, sources: &Sources) -> String {
    let mut out = String::new();
    let is_told = matches!(remedies.remedy, Remedy::Contradiction(_));
    for unmet in remedies.unmet.iter().filter(|_| !is_told) {
        let (symbol, value) = (&unmet.request.symbol, &unmet.request.value);
        let place = unmet.request.origin.map(|origin| format!(" ({})", sources.location(origin))).unwrap_or_default();
        out += &format!("{symbol} = {value:?}{place} does not hold yet\n");
    }
    let requests = &evaluated.kernel.requests;
    let is_hopeless = |symbol: &String| remedies.hopeless.iter().any(|unmet| unmet.request.symbol == *symbol);
    let is_new = |symbol: &String, value: &String| requests.get(symbol).is_none_or(|old| old.value != *value);
    let new: Vec<(&String, &String)> =
        asked.iter().filter(|(symbol, value)| is_new(symbol, value) && !is_hopeless(symbol)).collect();
    match &remedies.remedy {
        Remedy::Holds if remedies.hopeless.is_empty() => {
            out += &match new.as_slice() {
                [] => all_hold(requests.len()),
                [_] => "this request is enough:\n".to_owned(),
                new => format!("these {} requests are enough:\n", new.len()),
            };
            out += &asked_for(&new);
        }
        Remedy::Holds | Remedy::Contradiction(_) | Remedy::OutOfTime(None) | Remedy::NoMemory(_) => {}
        Remedy::Alternatives(fixes) => {
            for (index, fix) in fixes.iter().enumerate() {
                out += &fix_text(index + 1, fix, &new);
            }
        }
        Remedy::OutOfTime(Some(fix)) => out += &fix_text(1, fix, &new),
    }
    out
}

fn all_hold(n_requests: usize) -> String {
    match n_requests {
        0 => "there is no request, so none is unmet\n".to_owned(),
        1 => "the one request holds\n".to_owned(),
        n => format!("all {n} requests hold\n"),
    }
}

fn fix_text(number: usize, fix: &Alternative, asked: &[(&String, &String)]) -> String {
    let n_requests = fix.requests.len();
    let plural = if n_requests == 1 { "" } else { "s" };
    let proved = if fix.smallest { ", the smallest number possible" } else { "" };
    let mut out = format!("\n{number}. {n_requests} request{plural}{proved}:\n{}", asked_for(asked));
    let width = fix.requests.iter().map(|line| line.assignment().len()).max().unwrap_or(0);
    for line in &fix.requests {
        out += &format!("    {:width$}  # {}\n", line.assignment(), line.comment());
    }
    for line in &fix.requests {
        let others = fix.substitutes.iter().filter(|other| other.instead_of == line.symbol);
        let others: Vec<String> = others.map(|other| format!("{} = {:?}", other.symbol, other.value)).collect();
        if !others.is_empty() {
            out += &format!("  in place of {}, one of these is enough: {}\n", line.symbol, first_few(&others));
        }
    }
    out += &listed("turns on", &fix.turns_on);
    out += &listed("turns off", &fix.turns_off);
    out
}

fn asked_for(asked: &[(&String, &String)]) -> String {
    let line = |(symbol, value): &(&String, &String)| {
        let (symbol, value) = ((*symbol).clone(), (*value).clone());
        let line = Line { symbol, value, instead_of: None, prompt: None, place: None, needed_for: Vec::new() };
        format!("    {}  # as requested\n", line.assignment())
    };
    asked.iter().map(line).collect()
}

fn listed(what: &str, symbols: &[String]) -> String {
    if symbols.is_empty() {
        return String::new();
    }
    format!("  {what} {} more: {}\n", symbols.len(), first_few(symbols))
}

fn first_few(words: &[String]) -> String {
    let more = match words.len().saturating_sub(N_NAMES) {
        0 => String::new(),
        1 => " and 1 other".to_owned(),
        more => format!(" and {more} others"),
    };
    let first: Vec<&str> = words.iter().take(N_NAMES).map(String::as_str).collect();
    format!("{}{more}", first.join(", "))
}
