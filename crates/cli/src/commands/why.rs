//! `kiln why`: what gave a symbol its value, and what keeps it from others.

use kiln_build::pipeline;
use kiln_plan::why::{Why, why};
use serde_json::{Value, json};

use crate::commands::Context;
use crate::evaluation::{self, Form};
use crate::exit;
use crate::failure::Failure;
use crate::workshop::Workshop;

/// Show what gave a symbol its value, who asked for it, and what keeps it from other values
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Symbol, with or without CONFIG_
    symbol: String,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Runs it.
pub(crate) fn run(context: &Context<'_>, args: &Args) -> Result<u8, Failure> {
    let form = if args.json { Form::Json } else { Form::Text };
    let name = args.symbol.strip_prefix("CONFIG_").unwrap_or(&args.symbol);
    let workshop = Workshop::open(context)?;
    let session = workshop.session(context, 1);
    let (evaluated, sources) = evaluation::with_source(context, &session, form)?;
    let tree = evaluation::tree(&session, &evaluated, &sources)?;
    evaluation::agree(context, &evaluated, &tree.version, &sources, form)?;
    let resolution = pipeline::resolve(&session, &tree, &evaluated.kernel)?;
    let asked = |symbol: &str| evaluated.kernel.requests.contains_key(symbol);
    let Some(why) = why(&resolution.parsed.evaluation(), name, &asked) else {
        let nearest = pipeline::nearest_symbols(&tree, &resolution, name)?;
        let failure = Failure::fault(anyhow::anyhow!("this kernel has no symbol `{name}`"));
        let nearest: Vec<String> = nearest.iter().map(|name| format!("`{name}`")).collect();
        return Err(match nearest.as_slice() {
            [] => failure,
            names => failure.help(format!("did you mean {}?", names.join(" or "))),
        });
    };
    // The same words as `kiln eval --json --origins` has for them.
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
    out += &format!("  {}{prompt}\n", why.type_);
    for definition in &why.definitions {
        out += &format!("  {}\n", definition.place);
        if let Some(depends) = &definition.depends {
            out += &format!("    depends on {depends}\n");
        }
    }
    if !definitions.is_empty() {
        out += "in the recipe:\n";
        for definition in definitions {
            let word = |key: &str| match &definition[key] {
                Value::String(text) => text.clone(),
                other => other.to_string(),
            };
            let place = format!("{}:{}:{}", word("file"), word("line"), word("column"));
            out += &format!("  {} at {place} ({}, priority {})\n", word("value"), word("fate"), word("priority"));
        }
    }
    out += "because:\n";
    for cause in &why.because {
        out += &format!("  {}\n", cause.sentence());
    }
    for other in &why.otherwise {
        out += &format!("to be {}:\n", other.value);
        match other.obstacles.as_slice() {
            [] => out += &format!("  ask for `{} = \"{}\"`\n", why.symbol, other.value),
            obstacles => {
                for obstacle in obstacles {
                    out += &format!("  {}\n", obstacle.sentence());
                }
            }
        }
    }
    if let Some(help) = &why.help {
        out += "help:\n";
        for line in help.lines() {
            out += &format!("  {line}\n");
        }
    }
    out
}
