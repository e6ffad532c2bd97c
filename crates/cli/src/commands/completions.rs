//! `kiln completions`: a shell's completion script.

use clap_complete::Shell;

use crate::commands::Context;
use crate::exit;
use crate::failure::Failure;

/// Print the completion script of a shell
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The shell
    shell: Shell,
}

/// Runs it.
#[expect(clippy::unnecessary_wraps, reason = "every command's `run` has this shape")]
pub(crate) fn run(context: &Context<'_>, args: &Args) -> Result<u8, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut crate::command(), "kiln", &mut script);
    context.ui.result(&String::from_utf8_lossy(&script));
    Ok(exit::FINE)
}
