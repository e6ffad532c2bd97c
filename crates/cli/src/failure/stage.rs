//! The exit status and the remedy for a stage's error.

use kiln_fetch::SourceError;
use kiln_fetch::patch::PatchError;
use kiln_kbuild::doctor::{self, Missing};
use kiln_kbuild::extra_modules::ExtraModulesError;
use kiln_kbuild::kconfig::MachineError;
use kiln_kbuild::kernel::KernelError;
use kiln_kbuild::make::BuildError;
use kiln_kbuild::resolve::ResolveError;
use kiln_pipeline::outputs::OutputError;
use kiln_pipeline::result::ResultError;
use kiln_pipeline::{AssembleError, ExtraSourcesError, PipelineError};

use crate::exit;
use crate::failure::Failure;

impl From<PipelineError> for Failure {
    fn from(error: PipelineError) -> Failure {
        let help = help(&error);
        let code = code(&error);
        help.into_iter().fold(Failure::with(code, error.into()), Failure::help)
    }
}

fn code(error: &PipelineError) -> u8 {
    match error {
        PipelineError::NoSource | PipelineError::Version(_) | PipelineError::OddVersion(_) => exit::FAULT,
        PipelineError::Source(error) => source(error),
        PipelineError::Patch(error) => patch(error),
        PipelineError::Resolve(error) => resolve(error),
        PipelineError::Kernel(error) => kernel(error),
        PipelineError::ExtraSources(ExtraSourcesError::Source(error)) => source(error),
        PipelineError::ExtraModules(error) => extra_modules(error),
        PipelineError::Assemble(error) => assemble(error),
        PipelineError::Read { .. } => exit::FAULT,
        // Whatever is visible can be requested: that it cannot is a bug.
        PipelineError::NotDistilled => exit::BUG,
        PipelineError::ExtraSources(_) | PipelineError::Toolchain(_) | PipelineError::Store(_) => exit::HOST,
    }
}

fn source(error: &SourceError) -> u8 {
    match error {
        SourceError::Path { .. }
        | SourceError::Built { .. }
        | SourceError::Hash(_)
        | SourceError::Mismatch { .. }
        | SourceError::Archive(_) => exit::FAULT,
        _ => exit::HOST,
    }
}

fn patch(error: &PatchError) -> u8 {
    match error {
        PatchError::Pattern { .. }
        | PatchError::NoMatch { .. }
        | PatchError::Unreadable { .. }
        | PatchError::Rejected { .. }
        | PatchError::Phase { .. } => exit::FAULT,
        _ => exit::HOST,
    }
}

fn resolve(error: &ResolveError) -> u8 {
    match error {
        ResolveError::Tree(_)
        | ResolveError::Machine(_)
        | ResolveError::Refused { .. }
        | ResolveError::NoSuchBase { .. }
        | ResolveError::Unwritable { .. } => exit::FAULT,
        ResolveError::Failed { .. } => exit::BUILD,
        ResolveError::Missing { .. } | ResolveError::Exec(_) | ResolveError::Io { .. } => exit::HOST,
    }
}

fn kernel(error: &KernelError) -> u8 {
    match error {
        KernelError::Build(BuildError::ConfigDiffers { .. }) => exit::BUG,
        KernelError::Build(BuildError::Failed { .. } | BuildError::NoOutput { .. }) | KernelError::Finish { .. } => {
            exit::BUILD
        }
        KernelError::Build(BuildError::Tree(_)) | KernelError::SameName { .. } | KernelError::TreeChanged { .. } => {
            exit::FAULT
        }
        _ => exit::HOST,
    }
}

fn extra_modules(error: &ExtraModulesError) -> u8 {
    match error {
        ExtraModulesError::Failed { .. } | ExtraModulesError::Prepare { .. } | ExtraModulesError::Finish { .. } => {
            exit::BUILD
        }
        ExtraModulesError::Nothing { .. } | ExtraModulesError::SameFile { .. } | ExtraModulesError::Changed { .. } => {
            exit::FAULT
        }
        _ => exit::HOST,
    }
}

fn assemble(error: &AssembleError) -> u8 {
    match error {
        AssembleError::Modules(_) | AssembleError::Index(_) => exit::BUILD,
        AssembleError::Result(ResultError::InTheWay { .. }) => exit::FAULT,
        AssembleError::Output(error) => output(error),
        AssembleError::Apt(_)
        | AssembleError::Result(_)
        | AssembleError::Store(_)
        | AssembleError::Interrupted(_)
        | AssembleError::Read { .. } => exit::HOST,
    }
}

fn output(error: &OutputError) -> u8 {
    match error {
        OutputError::Recipe(_)
        | OutputError::Source { .. }
        | OutputError::Tree { .. }
        | OutputError::Archive { .. } => exit::FAULT,
        OutputError::Program { .. } | OutputError::Dtc { .. } | OutputError::Compress { .. } => exit::BUILD,
        OutputError::Store(_) | OutputError::Missing { .. } | OutputError::Io { .. } | OutputError::Interrupted(_) => {
            exit::HOST
        }
    }
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
