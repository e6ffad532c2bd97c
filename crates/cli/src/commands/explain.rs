//! `kiln explain`: what a code of a finding means, and what to do.

use clap_complete::engine::ArgValueCompleter;
use kiln_diag::Code;
use kiln_recipe::nearest;

use crate::commands::{Context, completions};
use crate::exit;
use crate::failure::Failure;

/// Explain the code of a finding (`error[CODE]: …`), or list all codes
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The code, as printed between the brackets
    #[arg(value_name = "CODE", add = ArgValueCompleter::new(completions::codes))]
    code: Option<String>,
}

/// Runs it; an unknown code results in status 1.
pub(crate) fn run(context: &Context<'_>, args: &Args) -> Result<u8, Failure> {
    let Some(name) = args.code.as_deref() else {
        let width = Code::ALL.iter().map(|code| code.name().len()).max().unwrap_or_default();
        let lines = Code::ALL.iter().map(|code| format!("{code:width$}  {}\n", code.summary()));
        context.ui.result(&lines.collect::<String>());
        return Ok(exit::FINE);
    };
    // As copied from a message: `error[CODE]`, `[CODE]`, in any case.
    let bare = name.rsplit('[').next().unwrap_or(name).trim_end_matches([']', ':']).to_ascii_lowercase();
    match Code::parse(&bare) {
        Some(code) => {
            context.ui.result(code.page());
            Ok(exit::FINE)
        }
        None => {
            let failure = Failure::fault(anyhow::anyhow!("there is no code `{name}`"));
            Err(match nearest(&bare, Code::ALL.iter().map(|code| code.name())) {
                Some(near) => failure.help(format!("did you mean `{near}`?")),
                None => failure.help("`kiln explain` lists them all"),
            })
        }
    }
}
