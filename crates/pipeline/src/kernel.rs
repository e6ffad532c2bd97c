//! The stage that compiles.

use kiln_kbuild::kernel::{Kernel, KernelSpec, kernel};
use kiln_plan::evaluate::Evaluated;

use crate::error::PipelineError;
use crate::session::Session;
use crate::settled::Settled;
use crate::tree::Tree;

/// Compiles.
///
/// # Errors
/// Any [`PipelineError`] of the kernel step.
pub fn build_kernel(
    session: &Session<'_>,
    tree: &Tree,
    settled: &Settled,
    evaluated: &Evaluated,
) -> Result<Kernel, PipelineError> {
    let targets = targets(evaluated);
    Ok(kernel(session.store, &kernel_spec(session, tree, settled, evaluated, &targets), session.progress)?)
}

/// What make builds beside the modules.
pub(crate) fn targets(evaluated: &Evaluated) -> Vec<String> {
    evaluated.make_targets()
}

/// What the kernel is built from.
pub(crate) fn kernel_spec<'a>(
    session: &Session<'_>,
    tree: &'a Tree,
    settled: &'a Settled,
    evaluated: &'a Evaluated,
    targets: &'a [String],
) -> KernelSpec<'a> {
    KernelSpec {
        tree: &tree.path,
        tree_key: &tree.key,
        target: &settled.target,
        toolchain: &settled.toolchain,
        config_text: settled.config.text(),
        targets,
        signing_key: evaluated.kernel.signing_key.as_ref().map(|key| key.value.as_path()),
        jobs: session.jobs,
    }
}
