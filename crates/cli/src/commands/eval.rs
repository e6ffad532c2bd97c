//! `kiln eval`: merges the recipe and prints it.

use kiln_plan::evaluate;

use crate::commands::Context;
use crate::failure::Failure;
use crate::{exit, recipe_files, render};

/// Merge the recipe and print it; needs no kernel source
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// Show where each value was defined, and which definitions it overrides
    #[arg(long)]
    origins: bool,
}

/// Runs it.
pub(crate) fn run(context: &Context<'_>, args: &Args) -> Result<u8, Failure> {
    let (sources, evaluation) = recipe_files::evaluate(context, None, None);
    let Some(evaluated) = evaluation.evaluated else {
        if args.json {
            context.ui.json(&render::json(&sources, &evaluation.diagnostics));
        } else {
            context.ui.diagnostics(&sources, &evaluation.diagnostics);
        }
        return Err(Failure::Said(exit::FAULT));
    };
    context.ui.diagnostics(&sources, &evaluation.diagnostics);
    if args.json {
        context.ui.json(&evaluate::json(&evaluated, &sources, args.origins));
    } else {
        context.ui.result(&evaluate::text(&evaluated, &sources, args.origins));
    }
    Ok(exit::FINE)
}
