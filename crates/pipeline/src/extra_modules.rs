//! Modules from outside of the tree, between the kernel and the loaders.

use kiln_diag::{Code, Diagnostic, Diagnostics};
use kiln_kbuild::extra_modules::{self, ExtraModules, ExtraSource};
use kiln_kbuild::kernel::Kernel;
use kiln_plan::evaluate::Evaluated;

use crate::error::PipelineError;
use crate::kernel::{kernel_spec, targets};
use crate::outputs;
use crate::session::Session;
use crate::settled::Settled;
use crate::tree::Tree;

/// Fetches the sources of the recipe's extra modules. What is wrong with them is said before the kernel is compiled.
///
/// # Errors
/// A source that cannot be fetched or read.
pub fn extra_sources(
    session: &Session<'_>,
    settled: &Settled,
    evaluated: &Evaluated,
) -> Result<(Vec<ExtraSource>, Diagnostics), PipelineError> {
    let wishes = &evaluated.kernel.extra_modules;
    let Some(first) = wishes.first() else { return Ok((Vec::new(), Diagnostics::new())) };
    if settled.config.get("MODULES") != Some("y") {
        let finding = Diagnostic::error(Code::BadExtraModule, "this kernel loads no modules, extra ones neither")
            .option("kernel.extraModules")
            .label(first.origin, "asked for here")
            .help("ask for `MODULES = \"y\"`, and leave `kernel.modular` as it is, or take `extraModules` out");
        return Ok((Vec::new(), [finding].into_iter().collect()));
    }
    Ok(crate::extra_sources::sources(&session.fetch(), wishes)?)
}

/// What the resolved kernel would make nothing of among the outputs.
pub fn unreadable_outputs(settled: &Settled, evaluated: &Evaluated) -> Diagnostics {
    outputs::unreadable(&evaluated.outputs, &settled.config)
}

/// Builds them against `kernel`; `None` when there are none.
///
/// # Errors
/// Any [`PipelineError`] of that step.
pub fn build_extra_modules(
    session: &Session<'_>,
    tree: &Tree,
    settled: &Settled,
    evaluated: &Evaluated,
    kernel: &Kernel,
    sources: &[ExtraSource],
) -> Result<Option<ExtraModules>, PipelineError> {
    if sources.is_empty() {
        return Ok(None);
    }
    let targets = targets(evaluated);
    let spec = kernel_spec(session, tree, settled, evaluated, &targets);
    Ok(Some(extra_modules::extra_modules(session.store, &spec, kernel, sources, session.progress)?))
}
