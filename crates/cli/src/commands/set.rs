//! `kiln set`: writes requests into the recipe.

use crate::commands::{Context, fix};
use crate::failure::Failure;

/// Write requests into the recipe, and with them what makes them hold
///
/// The same as `kiln fix SYMBOL=VALUE… --write`: the fix is tried before it is written, and nothing is written when the
/// requests cannot hold.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The requests, with or without CONFIG_
    #[arg(value_name = "SYMBOL=VALUE", required = true)]
    asked: Vec<String>,
}

/// Runs it.
pub(crate) fn run(context: &Context<'_>, args: &Args) -> Result<u8, Failure> {
    fix::set(context, &args.asked)
}
