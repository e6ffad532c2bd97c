//! The recipe, read and evaluated for a command.

use kiln_build::pipeline::{self, Session};
use kiln_diag::{Diagnostics, Sources};
use kiln_plan::KernelVersion;
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

/// Reads and evaluates the recipe; a condition that hangs on the kernel's version has the source fetched.
pub(crate) fn with_source(
    context: &Context<'_>,
    session: &Session<'_>,
    form: Form,
) -> Result<(Evaluated, Sources), Failure> {
    let (mut sources, mut evaluation) = recipe_files::evaluate(context, None);
    if evaluation.needs_version
        && let Some(spec) = &evaluation.source
    {
        let version = pipeline::source_version(session, &spec.value).map_err(Failure::from)?;
        (sources, evaluation) = recipe_files::evaluate(context, Some(version));
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

/// Refuses a source whose version is not the one that the recipe says.
pub(crate) fn agree(
    context: &Context<'_>,
    evaluated: &Evaluated,
    real: &KernelVersion,
    sources: &Sources,
    form: Form,
) -> Result<(), Failure> {
    show(context, sources, &evaluated.kernel.agrees(real).into_iter().collect(), form)
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
