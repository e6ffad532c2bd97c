//! `kiln find`: looks up the module, symbol, prompt or source file behind a name.

use std::fmt::Write as _;
use std::path::Path;

use anyhow::anyhow;
use clap_complete::engine::ArgValueCompleter;
use kiln_advise::names::{Matched, Named, NamedSymbol, Naming, find, near};
use kiln_kbuild::makefiles::sources;
use serde_json::{Value, json};

use crate::command_context::CommandContext;
use crate::commands::{Context, completions};
use crate::evaluation::{self, Form};
use crate::exit;
use crate::failure::Failure;

/// The number of findings by prompt that are shown: a common word is in thousands of them.
const MOST: usize = 40;

/// Look up the symbol, module, prompt or source file behind a name, in the recipe's kernel
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// A module (nft_ct), a symbol (NFT_CT), a source file (net/netfilter/nft_ct.c), or words of a prompt in any order
    #[arg(value_name = "WORD", required = true, add = ArgValueCompleter::new(completions::symbols))]
    words: Vec<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Runs it; a word that nothing matches results in status 1.
pub(crate) fn run(context: &Context<'_>, args: &Args) -> Result<u8, Failure> {
    let word = args.words.join(" ");
    let form = if args.json { Form::Json } else { Form::Text };
    let command = CommandContext::open(context)?;
    let session = command.session(context, 1);
    let (evaluated, sources) = evaluation::with_source(context, &session, form)?;
    let prepared = evaluation::fetched(&session, &evaluated, &sources)?;
    let analysis = prepared.analyse()?;
    let rules = prepared.module_rules()?;
    let naming = Naming { model: analysis.parsed.model(), rules: &rules, config: &analysis.config };
    let found = find(&naming, &word);
    if args.json {
        let shown: Vec<Value> = found.iter().map(|named| as_json(&prepared.tree.path, named)).collect();
        context.ui.json(&json!({ "version": 1, "word": word, "found": shown }));
    } else {
        let texts: Vec<String> = found.iter().take(MOST).map(|named| as_text(&prepared.tree.path, named)).collect();
        context.ui.result(&texts.join("\n"));
        if found.len() > MOST {
            context.ui.say(&format!("{} more; a longer word finds fewer", found.len() - MOST));
        }
    }
    if !found.is_empty() {
        return Ok(exit::FINE);
    }
    let place = format!("Linux {} for {}", prepared.tree.version, analysis.target.arch);
    let failure = Failure::fault(anyhow!("nothing in {place} is called `{word}`"));
    Err(match near(&naming, &word) {
        near if near.is_empty() => failure,
        near => failure.help(format!("there is {}", near.join(", "))),
    })
}

fn as_text(tree: &Path, named: &Named) -> String {
    let mut out = String::new();
    match &named.symbol {
        Some(symbol) => symbol_text(symbol, &mut out),
        None => out.push_str("no symbol controls it: it is always built\n"),
    }
    for module in &named.modules {
        let _ = writeln!(out, "  module {}, {}", module.module, module.rule);
        for file in sources(tree, module) {
            let _ = writeln!(out, "    {file}");
        }
    }
    if let Some(request) = named.symbol.as_ref().and_then(|symbol| symbol.request.as_deref()) {
        let _ = writeln!(out, "  to request it, in [kernel.config]:\n    {request}");
    }
    out
}

fn symbol_text(symbol: &NamedSymbol, out: &mut String) {
    let value = symbol.value.as_deref().unwrap_or("n");
    let _ = write!(out, "CONFIG_{}={value}", symbol.name);
    match &symbol.prompt {
        Some(prompt) => _ = writeln!(out, "  \"{prompt}\""),
        None => _ = writeln!(out, "  no prompt: only other symbols can set it"),
    }
    for place in &symbol.places {
        let _ = writeln!(out, "  {place}");
    }
    if symbol.places.is_empty() {
        out.push_str("  no Kconfig file of this architecture declares it\n");
    }
    if let Some(depends) = &symbol.depends {
        let _ = writeln!(out, "  depends on {depends}");
        let show = |(name, value): &(String, Option<String>)| format!("{name}={}", value.as_deref().unwrap_or("n"));
        let values: Vec<String> = symbol.dependencies.iter().map(show).collect();
        let _ = writeln!(out, "    with {}", values.join(", "));
    }
    if !symbol.selected_by.is_empty() {
        let _ = writeln!(out, "  selected by {}", symbol.selected_by.join(", "));
    }
}

fn as_json(tree: &Path, named: &Named) -> Value {
    let symbol = named.symbol.as_ref().map(|symbol| {
        let depends: serde_json::Map<String, Value> =
            symbol.dependencies.iter().map(|(name, value)| (name.clone(), json!(value))).collect();
        json!({
            "name": symbol.name,
            "value": symbol.value,
            "prompt": symbol.prompt,
            "places": symbol.places,
            "depends": symbol.depends,
            "dependencies": depends,
            "selectedBy": symbol.selected_by,
            "request": symbol.request,
        })
    });
    let modules: Vec<Value> = named
        .modules
        .iter()
        .map(|module| json!({ "name": module.module, "rule": module.rule, "sources": sources(tree, module) }))
        .collect();
    let matched = match named.matched {
        Matched::Module => "module",
        Matched::Symbol => "symbol",
        Matched::Source => "source",
        Matched::Prompt => "prompt",
    };
    json!({ "matched": matched, "symbol": symbol, "modules": modules })
}
