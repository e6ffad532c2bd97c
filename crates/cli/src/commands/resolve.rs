//! `kiln resolve`: prints the `.config` that a build would use.

use std::path::PathBuf;

use crate::command_context::CommandContext;
use crate::commands::{Context, kconfig};
use crate::evaluation::{self, Form};
use crate::exit;
use crate::failure::Failure;

/// Print the resolved .config, the one that a build uses
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Nothing is printed or written while a request does not hold, unless --allow-unmet is given; the \
                  status is 1 then."
)]
pub(crate) struct Args {
    /// Write to this file instead of standard output
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Print the .config although requests do not hold in it
    #[arg(long)]
    allow_unmet: bool,
}

/// Runs it.
pub(crate) fn run(context: &Context<'_>, args: &Args) -> Result<u8, Failure> {
    let command = CommandContext::open(context)?;
    let session = command.session(context, 1);
    let (evaluated, mut sources) = evaluation::with_source(context, &session, Form::Text)?;
    let prepared = evaluation::prepared(context, &session, &evaluated, &sources, Form::Text)?;
    let analysis = prepared.analyse()?;
    let findings = analysis.with_remedy(analysis.findings(&mut sources))?;
    context.ui.findings(&sources, &findings);
    let is_unmet = findings.has_errors();
    if !is_unmet || args.allow_unmet {
        let text = analysis.config.text();
        match &args.output {
            None => context.ui.result(text),
            Some(path) => {
                let path = context.environment.current_dir.join(path);
                kconfig::put(&path, text.as_bytes()).map_err(Failure::host)?;
            }
        }
    }
    Ok(if is_unmet { exit::FAULT } else { exit::FINE })
}
