//! The exit status and the remedy for a stage's error.

use kiln_fetch::patch::PatchError;
use kiln_kbuild::doctor::{self, Missing};
use kiln_kbuild::extra_modules::ExtraModulesError;
use kiln_kbuild::kconfig::MachineError;
use kiln_kbuild::kernel::KernelError;
use kiln_kbuild::make::BuildError;
use kiln_kbuild::resolve::ResolveError;
use kiln_pipeline::outputs::OutputError;
use kiln_pipeline::{AssembleError, BootableError, PipelineError};

use crate::exit;
use crate::failure::Failure;
use crate::sandbox;

impl From<PipelineError> for Failure {
    fn from(error: PipelineError) -> Failure {
        let (help, code, is_limited) = (help(&error), exit::of(error.kind()), is_limited(&error));
        let error = anyhow::Error::from(error);
        let refused = is_limited.then(|| sandbox::help(&format!("{error:#}"))).flatten();
        help.into_iter().chain(refused).fold(Failure::with(code, error), Failure::help)
    }
}

impl From<BootableError> for Failure {
    fn from(error: BootableError) -> Failure {
        let help = error.help();
        let code = exit::of(error.kind());
        help.into_iter().fold(Failure::with(code, error.into()), Failure::help)
    }
}

/// Whether a program failed that recipes or trees bring.
fn is_limited(error: &PipelineError) -> bool {
    matches!(
        error,
        PipelineError::Patch(PatchError::Phase { .. })
            | PipelineError::Resolve(ResolveError::Failed { .. } | ResolveError::Exec(_))
            | PipelineError::Kernel(KernelError::Build(BuildError::Failed { .. } | BuildError::Exec(_)))
            | PipelineError::ExtraModules(ExtraModulesError::Failed { .. } | ExtraModulesError::Exec { .. })
            | PipelineError::Assemble(AssembleError::Output(OutputError::Program { .. } | OutputError::Source { .. }))
    )
}

/// The remedy for a host that lacks something.
fn help(error: &PipelineError) -> Vec<String> {
    let compiler: Vec<Missing>;
    let missing: &[Missing] = match error {
        PipelineError::Resolve(ResolveError::Missing { missing })
        | PipelineError::Kernel(KernelError::Build(BuildError::Missing { missing, .. }))
        | PipelineError::ExtraModules(ExtraModulesError::Missing { missing, .. }) => missing,
        PipelineError::NoSource => {
            let example =
                "for example `kernel.src = { apt = \"linux-source-6.12\" }`; `kiln options kernel.src` lists all forms";
            return vec![example.to_owned()];
        }
        PipelineError::Assemble(AssembleError::Output(OutputError::Missing { missing, .. })) => {
            std::slice::from_ref(missing)
        }
        PipelineError::Resolve(ResolveError::Machine(MachineError::Clang { .. })) => {
            return vec!["remove `kernel.toolchain` to compile with GCC".to_owned()];
        }
        PipelineError::Toolchain(error) => {
            compiler = error.missing().into_iter().collect();
            &compiler
        }
        _ => return Vec::new(),
    };
    let root = kiln_exec::is_root();
    let mut help: Vec<String> = missing.iter().map(ToString::to_string).collect();
    help.extend(doctor::install_command(missing, root).map(|command| format!("install it with: {command}")));
    help.push(doctor_hint());
    help
}

fn doctor_hint() -> String {
    "`kiln doctor` shows all that the host lacks for this recipe, `kiln doctor --install` installs it".to_owned()
}
