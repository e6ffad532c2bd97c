//! `kiln why`: what gave a symbol its value, and what keeps it from others.

use clap_complete::engine::ArgValueCompleter;
use kiln_advise::why::{Otherwise, RequestContext, Why, why};
use serde_json::{Value, json};

use crate::command_context::CommandContext;
use crate::commands::{Context, completions};
use crate::evaluation::{self, Form};
use crate::exit;
use crate::failure::Failure;

/// Show where the value of a symbol comes from, and what prevents other values
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Symbol, with or without CONFIG_
    #[arg(add = ArgValueCompleter::new(completions::symbols))]
    symbol: String,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Runs it.
pub(crate) fn run(context: &Context<'_>, args: &Args) -> Result<u8, Failure> {
    let form = if args.json { Form::Json } else { Form::Text };
    let name = args.symbol.strip_prefix("CONFIG_").unwrap_or(&args.symbol);
    let command = CommandContext::open(context)?;
    let session = command.session(context, 1);
    let (evaluated, sources) = evaluation::with_source(context, &session, form)?;
    let prepared = evaluation::prepared(context, &session, &evaluated, &sources, form)?;
    let analysis = prepared.analyse()?;
    let asks = |symbol: &str| evaluated.kernel.requests.contains_key(symbol);
    let elsewhere = |symbol: &str| analysis.other_arches(symbol);
    let turned_on = |symbol: &str| analysis.turned_on_elsewhere(symbol);
    let asked = RequestContext { asks: &asks, elsewhere: &elsewhere, turned_on: &turned_on };
    let Some(why) = why(&analysis.evaluation()?, name, &asked) else {
        let nearest = analysis.nearest_symbols(name);
        let failure = Failure::fault(anyhow::anyhow!("this kernel has no symbol `{name}`"));
        let nearest: Vec<String> = nearest.iter().map(|name| format!("`{name}`")).collect();
        return Err(match nearest.as_slice() {
            [] => failure,
            names => failure.help(format!("did you mean {}?", names.join(" or "))),
        });
    };
    // The same names as in `kiln eval --json --origins`.
    let recipe = kiln_plan::evaluate::json(&evaluated, &sources, true);
    let definitions = recipe["kernel"]["config"][name]["definitions"].as_array().cloned().unwrap_or_default();
    if args.json {
        context.ui.json(&json!({ "version": 1, "why": why, "recipe": definitions }));
    } else {
        context.ui.result(&text(&why, &definitions));
    }
    Ok(exit::FINE)
}

fn text(why: &Why, definitions: &[Value]) -> String {
    let mut out = format!("{} = {}\n", why.symbol, if why.value.is_empty() { "\"\"" } else { &why.value });
    let prompt = why.prompt.as_ref().map(|prompt| format!(" \"{prompt}\"")).unwrap_or_default();
    let range = why.range.as_ref().map(|range| format!(", range {range}")).unwrap_or_default();
    out += &format!("  {}{prompt}{range}\n", why.type_);
    for definition in &why.definitions {
        out += &format!("  {}\n", definition.place);
        if !definition.menus.is_empty() {
            out += &format!("    in {}\n", definition.menus.join(" > "));
        }
        if let Some(depends) = &definition.depends {
            out += &format!("    depends on {depends}\n");
        }
    }
    if !definitions.is_empty() {
        out += "in the recipe:\n";
        definitions.iter().for_each(|definition| out += &in_recipe(definition));
    }
    out += "because:\n";
    for cause in &why.because {
        out += &format!("  {}\n", cause.sentence());
    }
    why.otherwise.iter().for_each(|other| out += &otherwise(why, other));
    if let Some(help) = &why.help {
        out += "help:\n";
        for line in help.lines() {
            out += format!("  {line}").trim_end();
            out.push('\n');
        }
    }
    out
}

fn in_recipe(definition: &Value) -> String {
    let word = |key: &str| match &definition[key] {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    };
    let place = format!("{}:{}:{}", word("file"), word("line"), word("column"));
    let mut facts = vec![word("fate")];
    // A request that `modular = false` has changed has no priority.
    facts.extend(Some(format!("priority {}", word("priority"))).filter(|_| !definition["priority"].is_null()));
    facts.extend(Some(format!("when {}", word("when"))).filter(|_| !definition["when"].is_null()));
    let condition = format!("because `{}` is requested", word("condition"));
    facts.extend(Some(condition).filter(|_| !definition["condition"].is_null()));
    format!("  {} at {place} ({})\n", word("value"), facts.join(", "))
}

fn otherwise(why: &Why, other: &Otherwise) -> String {
    let mut out = format!("to be {}:\n", other.value);
    if !other.obstacles.is_empty() {
        other.obstacles.iter().for_each(|obstacle| out += &format!("  {}\n", obstacle.sentence()));
        return out;
    }
    out += &format!("  set `{} = \"{}\"`", why.symbol, other.value);
    if other.n_changes == 0 {
        return out + "; nothing else changes\n";
    }
    out += &format!("; that changes {} more:\n", other.n_changes);
    for change in &other.changes {
        let shown = |value: &str| if value.is_empty() { "\"\"".to_owned() } else { value.to_owned() };
        out += &format!("    {}: {} -> {}\n", change.symbol, shown(&change.from), shown(&change.to));
    }
    let more = other.n_changes - other.changes.len();
    if more > 0 {
        out += &format!("    and {more} more\n");
    }
    out
}
