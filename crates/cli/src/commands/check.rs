//! `kiln check`: merges, resolves, compares.

use std::collections::BTreeMap;

use kiln_advise::Unmet;
use kiln_assembly::left_out;
use serde_json::json;

use crate::command_context::CommandContext;
use crate::commands::Context;
use crate::evaluation::{self, Form};
use crate::exit;
use crate::failure::Failure;
use crate::render;

/// The number of modules of no loader that are shown; `--json` has all.
const SHOWN: usize = 8;

/// Merge the recipe, resolve it with the kernel's Kconfig, and show every request that does not hold, and all else that a build would find before it compiles
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Runs it.
pub(crate) fn run(context: &Context<'_>, args: &Args) -> Result<u8, Failure> {
    let form = if args.json { Form::Json } else { Form::Text };
    let command = CommandContext::open(context)?;
    let session = command.session(context, 1);
    let (evaluated, mut sources) = evaluation::with_source(context, &session, form)?;
    let prepared = evaluation::prepared(context, &session, &evaluated, &sources, form)?;
    let analysis = prepared.analyse()?;
    let mut findings = analysis.with_remedy(analysis.findings(&mut sources))?;
    findings.extend(analysis.before_compiling()?.1);
    let (left_out, warnings) = analysis.left_out()?;
    findings.extend(warnings);
    let requests = analysis.requests.len();
    let kinds = kinds(&analysis.unmet);
    if args.json {
        let mut shown = render::json(&sources, &findings);
        shown["requests"] = json!(requests);
        shown["unmet"] = json!(analysis.unmet.len());
        shown["unmetByCode"] = json!(kinds);
        shown["kernel"] = json!({ "version": analysis.tree.version.to_string(), "arch": analysis.target.arch });
        shown["leftOut"] = json!(left_out);
        context.ui.json(&shown);
    } else {
        context.ui.findings(&sources, &findings);
        let holding = requests - analysis.unmet.len();
        let hold = if requests == 1 { "request holds" } else { "requests hold" };
        let (version, arch) = (&analysis.tree.version, &analysis.target.arch);
        context.ui.result(&format!("{holding} of {requests} {hold} in Linux {version} for {arch}\n"));
        for (code, symbols) in &kinds {
            context.ui.result(&format!("  {} {code}: {}\n", symbols.len(), symbols.join(", ")));
        }
        if !left_out.is_empty() {
            context.ui.result(&format!("{}\n", left_out::line(&left_out, SHOWN)));
        }
    }
    Ok(if findings.has_errors() { exit::FAULT } else { exit::FINE })
}

/// Returns, by code, the symbols whose requests do not hold, optional ones among them.
fn kinds(unmet: &[Unmet]) -> BTreeMap<&'static str, Vec<&str>> {
    let mut kinds: BTreeMap<&'static str, Vec<&str>> = BTreeMap::new();
    for unmet in unmet {
        kinds.entry(unmet.kind.code().name()).or_default().push(&unmet.request.symbol);
    }
    kinds
}
