//! The stage that compiles: the kernel, and modules from outside of the tree.

use kiln_diag::{Code, Diagnostic, Diagnostics};
use kiln_kbuild::extra_modules::{self, ExtraModules, ExtraSource};
use kiln_kbuild::kernel::{Kernel, KernelError, KernelSpec, kernel};

use crate::error::PipelineError;
use crate::resolved::Resolved;

/// A recipe whose kernel and modules are compiled.
#[derive(Clone)]
pub struct Built<'a> {
    /// The config that was built.
    pub resolved: Resolved<'a>,
    /// The compiled kernel with its modules.
    pub kernel: Kernel,
    /// Modules from outside of the tree, when the recipe has any.
    pub extra: Option<ExtraModules>,
    /// Their sources.
    pub(crate) extra_sources: Vec<ExtraSource>,
}

impl<'a> Resolved<'a> {
    /// Fetches the sources of the recipe's extra modules.
    pub(crate) fn extra_sources(&self) -> Result<(Vec<ExtraSource>, Diagnostics), PipelineError> {
        let wanted = &self.recipe.kernel.extra_modules;
        let Some(first) = wanted.first() else { return Ok((Vec::new(), Diagnostics::new())) };
        if !self.config.is_yes("MODULES") {
            let message = "this kernel cannot load modules, so it cannot use extra modules";
            let finding = Diagnostic::error(Code::BadExtraModule, message)
                .option("kernel.extraModules")
                .label(first.origin, "requested here")
                .help("set `MODULES = \"y\"`, and leave `kernel.modular` as it is, or remove `extraModules`");
            return Ok((Vec::new(), [finding].into_iter().collect()));
        }
        Ok(crate::extra_sources::sources(&self.session.fetch(), wanted)?)
    }

    /// Compiles the kernel; a tree in the store that turns out to be damaged is made again first.
    ///
    /// # Errors
    /// Any [`PipelineError`] of sources and of the kernel step.
    pub fn build_kernel(&self) -> Result<Kernel, PipelineError> {
        match self.compile() {
            Err(PipelineError::Kernel(error @ KernelError::TreeDamaged { .. })) => {
                self.session.progress.note(&error.to_string());
                let prepared = self.session.prepare(self.recipe)?;
                Resolved { prepared, ..self.clone() }.compile()
            }
            built => built,
        }
    }

    fn compile(&self) -> Result<Kernel, PipelineError> {
        let targets = self.recipe.make_targets();
        Ok(kernel(self.session.store, &self.kernel_spec(&targets, self.session.jobs), self.session.progress)?)
    }

    /// Builds the recipe's extra modules against `kernel`: the one of this recipe, or a deployed one with its modules.
    ///
    /// # Errors
    /// Any [`PipelineError`] of that step.
    pub fn with_kernel(self, kernel: Kernel, extra_sources: Vec<ExtraSource>) -> Result<Built<'a>, PipelineError> {
        let mut extra = None;
        if !extra_sources.is_empty() {
            let targets = self.recipe.make_targets();
            let spec = self.kernel_spec(&targets, self.session.jobs);
            let (store, progress) = (self.session.store, self.session.progress);
            extra = Some(extra_modules::extra_modules(store, &spec, &kernel, &extra_sources, progress)?);
        }
        Ok(Built { resolved: self, kernel, extra, extra_sources })
    }

    /// Returns the inputs of a kernel build with `jobs` compilers.
    pub(crate) fn kernel_spec<'s>(&'s self, targets: &'s [String], jobs: usize) -> KernelSpec<'s> {
        KernelSpec {
            tree: &self.tree.path,
            tree_key: &self.tree.key,
            target: &self.target,
            toolchain: &self.toolchain,
            config_text: self.config.text(),
            targets,
            signing_key: self.recipe.kernel.signing_key.as_ref().map(|key| key.value.as_path()),
            jobs,
        }
    }
}
