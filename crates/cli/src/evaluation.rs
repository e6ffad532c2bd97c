//! The recipe, read and evaluated for a command.

use kiln_diag::{Diagnostics, Sources};
use kiln_fetch::patch::PatchError;
use kiln_pipeline::{PipelineError, Prepared, Session};
use kiln_plan::evaluate::{Evaluated, Evaluation};

use crate::commands::Context;
use crate::failure::Failure;
use crate::{exit, recipe_files, render};

/// How findings are to be shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// For people, on standard error.
    Text,
    /// As JSON on standard output, where they end the command.
    Json,
}

/// Reads and evaluates the recipe; a condition that depends on the kernel's version has the source fetched.
pub(crate) fn with_source(
    context: &Context<'_>,
    session: &Session<'_>,
    form: Form,
) -> Result<(Evaluated, Sources), Failure> {
    with_text(context, session, None, form)
}

/// The same for a recipe that the command line makes.
pub(crate) fn with_text(
    context: &Context<'_>,
    session: &Session<'_>,
    text: Option<&str>,
    form: Form,
) -> Result<(Evaluated, Sources), Failure> {
    let (mut sources, mut evaluation) = recipe_files::evaluate(context, text, None);
    if evaluation.needs_version
        && let Some(spec) = &evaluation.source
    {
        let version = session.source_version(&spec.value).map_err(Failure::from)?;
        (sources, evaluation) = recipe_files::evaluate(context, text, Some(version));
    }
    let evaluated = accept(context, evaluation, &sources, form)?;
    Ok((evaluated, sources))
}

/// Shows the findings; errors among them end the command.
pub(crate) fn accept(
    context: &Context<'_>,
    evaluation: Evaluation,
    sources: &Sources,
    form: Form,
) -> Result<Evaluated, Failure> {
    show(context, sources, &evaluation.diagnostics, form)?;
    evaluation.evaluated.ok_or(Failure::Said(exit::FAULT))
}

/// Fetches and patches the source; a failure names the place of the source in the recipe.
pub(crate) fn fetched<'a>(
    session: &Session<'a>,
    evaluated: &'a Evaluated,
    sources: &Sources,
) -> Result<Prepared<'a>, Failure> {
    let kernel = &evaluated.kernel;
    session.prepare(evaluated).map_err(|error| {
        let (option, origin) = match &error {
            PipelineError::Patch(PatchError::Phase { .. }) => {
                let merged = evaluated.tree.leaf(&["kernel", "extraPatchPhase"]);
                ("kernel.extraPatchPhase", merged.and_then(|merged| merged.won.first()).map(|won| won.origin))
            }
            PipelineError::Patch(_) => ("kernel.patches", kernel.patches.first().and_then(|pattern| pattern.origin)),
            _ => ("kernel.src", kernel.src.as_ref().and_then(|source| source.origin)),
        };
        let failure = Failure::from(error);
        match origin {
            Some(origin) => failure.help(format!("`{option}` is set at {}", sources.location(origin))),
            None => failure,
        }
    })
}

/// The same, but refuses a source whose version is not the recipe's.
pub(crate) fn prepared<'a>(
    context: &Context<'_>,
    session: &Session<'a>,
    evaluated: &'a Evaluated,
    sources: &Sources,
    form: Form,
) -> Result<Prepared<'a>, Failure> {
    let prepared = fetched(session, evaluated, sources)?;
    show(context, sources, &evaluated.kernel.agrees(&prepared.tree.version).into_iter().collect(), form)?;
    Ok(prepared)
}

/// Shows what a check found, several findings as a table; errors among them end the command.
pub(crate) fn show_checked(
    context: &Context<'_>,
    sources: &Sources,
    diagnostics: &Diagnostics,
    form: Form,
) -> Result<(), Failure> {
    if form == Form::Json {
        return show(context, sources, diagnostics, form);
    }
    context.ui.findings(sources, diagnostics);
    if diagnostics.has_errors() { Err(Failure::Said(exit::FAULT)) } else { Ok(()) }
}

/// Shows findings; errors among them end the command.
pub(crate) fn show(
    context: &Context<'_>,
    sources: &Sources,
    diagnostics: &Diagnostics,
    form: Form,
) -> Result<(), Failure> {
    match form {
        Form::Json if diagnostics.has_errors() => context.ui.json(&render::json(sources, diagnostics)),
        _ => context.ui.diagnostics(sources, diagnostics),
    }
    if diagnostics.has_errors() { Err(Failure::Said(exit::FAULT)) } else { Ok(()) }
}
