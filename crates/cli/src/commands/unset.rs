//! `kiln unset`: removes requests from the recipe.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use anyhow::anyhow;
use clap_complete::engine::ArgValueCompleter;
use kiln_advise::amend::{RemoveError, without};
use kiln_plan::evaluate::Evaluated;

use crate::commands::{Context, completions};
use crate::exit;
use crate::failure::Failure;
use crate::recipe_files;
use crate::replacement::{self, ReplaceError, Replacement};

/// Remove requests from the recipe; what is left decides the values
///
/// This takes a request back. To turn a symbol off, request that: `kiln set SYMBOL=n`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The symbols, with or without CONFIG_
    #[arg(value_name = "SYMBOL", required = true, add = ArgValueCompleter::new(completions::symbols))]
    symbols: Vec<String>,
}

/// Runs it; nothing is written unless all of the requests can be removed.
pub(crate) fn run(context: &Context<'_>, args: &Args) -> Result<u8, Failure> {
    let symbols: BTreeSet<&str> =
        args.symbols.iter().map(|symbol| symbol.strip_prefix("CONFIG_").unwrap_or(symbol)).collect();
    let (sources, evaluation) = recipe_files::evaluate(context, None, None);
    context.ui.diagnostics(&sources, &evaluation.diagnostics);
    let Some(evaluated) = evaluation.evaluated else { return Err(Failure::Said(exit::FAULT)) };
    let removed = without(&evaluated, &sources, &symbols).map_err(refused)?;
    let file = |(file, new): (kiln_diag::FileId, String)| {
        let path = context.environment.current_dir.join(sources.name(file));
        Replacement { path, old: sources.text(file).to_owned(), new }
    };
    let names: Vec<String> = removed.keys().map(|file| sources.name(*file).to_owned()).collect();
    let files: Vec<Replacement> = removed.into_iter().map(file).collect();
    check(context, &files)?;
    replacement::replace(&files).map_err(|error| match error {
        ReplaceError::Changed(_) => Failure::fault(error).help("nothing was written: run it again"),
        ReplaceError::ReadOnly(_) | ReplaceError::Io { .. } => Failure::host(error).help("nothing was written"),
    })?;
    context.ui.result(&summary(&evaluated, &symbols, &names));
    Ok(exit::FINE)
}

/// Evaluates the recipe as it would be; errors keep it from being written.
fn check(context: &Context<'_>, files: &[Replacement]) -> Result<(), Failure> {
    let mut edited: BTreeMap<PathBuf, String> = BTreeMap::new();
    for file in files {
        let shown = || file.path.display().to_string();
        let real =
            file.path.canonicalize().map_err(|error| Failure::host(anyhow::Error::new(error).context(shown())))?;
        edited.insert(real, file.new.clone());
    }
    let (sources, evaluation) = recipe_files::evaluate_with(context, None, None, &edited);
    if evaluation.evaluated.is_some() || !evaluation.diagnostics.has_errors() {
        return Ok(());
    }
    context.ui.diagnostics(&sources, &evaluation.diagnostics);
    Err(Failure::fault(anyhow!("nothing is written: the recipe would have these errors")))
}

fn refused(error: RemoveError) -> Failure {
    let help = match &error {
        RemoveError::NotRequested { .. } => "`kiln eval` shows the requests of the recipe",
        RemoveError::Shipped { .. } => "request another value: `kiln set SYMBOL=VALUE`",
        RemoveError::Made { .. } => "change the setting that makes it",
        RemoveError::Json { .. } | RemoveError::Beside { .. } => "remove it by hand",
    };
    Failure::fault(error).help(help)
}

fn summary(evaluated: &Evaluated, symbols: &BTreeSet<&str>, names: &[String]) -> String {
    let line = |symbol: &&str| {
        let value = evaluated.kernel.requests.get(*symbol).map(|request| request.value.as_str()).unwrap_or_default();
        format!("removed {symbol} = {value:?}\n")
    };
    let removed: String = symbols.iter().map(line).collect();
    format!("{removed}written to {}\n", names.join(", "))
}
