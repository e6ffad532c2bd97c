//! `kiln eval`: merges the recipe and prints it.

use crate::commands::Context;
use crate::exit;
use crate::failure::Failure;

/// Merge the recipe and print it; needs no kernel source
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Runs it.
pub(crate) fn run(_context: &Context<'_>, _args: &Args) -> Result<u8, Failure> {
    Ok(exit::FINE)
}
