//! `kiln check`: merges, resolves, compares.

use kiln_build::pipeline;
use serde_json::json;

use crate::commands::Context;
use crate::evaluation::{self, Form};
use crate::exit;
use crate::failure::Failure;
use crate::workshop::Workshop;

/// Merge the recipe, resolve it with the kernel's Kconfig, and show every request that does not hold
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Runs it.
pub(crate) fn run(context: &Context<'_>, args: &Args) -> Result<u8, Failure> {
    let form = if args.json { Form::Json } else { Form::Text };
    let workshop = Workshop::open(context)?;
    let session = workshop.session(context, 1);
    let (evaluated, mut sources) = evaluation::with_source(context, &session, form)?;
    let tree = evaluation::tree(&session, &evaluated, &sources)?;
    evaluation::agree(context, &evaluated, &tree.version, &sources, form)?;
    let resolution = pipeline::resolve(&session, &tree, &evaluated.kernel)?;
    let findings = pipeline::findings(&tree, &resolution, &mut sources);
    let findings = pipeline::with_remedy(&tree, &resolution, &evaluated.kernel, findings)?;
    evaluation::show(context, &sources, &findings, form)?;
    let requests = evaluated.kernel.requests.len();
    if args.json {
        context.ui.json(&json!({
            "version": 1,
            "requests": requests,
            "unmet": resolution.unmet.len(),
            "kernel": { "version": tree.version.to_string(), "arch": resolution.target.arch },
        }));
    } else {
        context.ui.result(&format!(
            "{} of {requests} requests hold in Linux {} for {}\n",
            requests - resolution.unmet.len(),
            tree.version,
            resolution.target.arch
        ));
    }
    Ok(exit::FINE)
}
