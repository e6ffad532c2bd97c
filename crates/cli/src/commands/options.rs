//! `kiln options`: the reference of options and shipped modules.

use clap_complete::engine::ArgValueCompleter;
use kiln_plan::reference;

use crate::commands::{Context, completions};
use crate::exit;
use crate::failure::Failure;

/// Print the reference of the options of a recipe, and of the modules that ship with kiln
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Only this option, the options under it, this module, or this part of the language (`kernel.config`, `kmodloader`,
    /// `kiln:firewall`, `when`)
    #[arg(add = ArgValueCompleter::new(completions::options))]
    name: Option<String>,
}

/// Runs it.
pub(crate) fn run(context: &Context<'_>, args: &Args) -> Result<u8, Failure> {
    match reference(args.name.as_deref()) {
        Ok(text) => {
            context.ui.result(&text);
            Ok(exit::FINE)
        }
        Err(near) => {
            let name = args.name.as_deref().unwrap_or_default();
            let failure = Failure::fault(anyhow::anyhow!("there is no option or module `{name}`"));
            Err(match near {
                Some(near) => failure.help(format!("did you mean `{near}`?")),
                None => failure.help("`kiln options` lists them all"),
            })
        }
    }
}
